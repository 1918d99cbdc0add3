package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"ecs-autoscaler/config/managed"
	"ecs-autoscaler/config/terraform"
)

func newImport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Make a configuration of scaling policies that AWS manages",
	}
	cmd.AddCommand(newImportTerraform(), newImportAWS(), newImportCloudFormation())
	return cmd
}

func newImportTerraform() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "terraform PATH...",
		Short: "Import scalable targets, policies, alarms and scheduled actions from Terraform",
		Long: `Write a configuration to standard output that does what these Terraform files make AWS do. PATH is a directory,
a .tf or .tf.json file, values (.tfvars), or what "terraform show -json" printed of a plan or a state. Nothing is
run and no account is asked. What Terraform takes from elsewhere is given with --var; where only a name is missing,
the resource's own label stands for it, and a note says so. What has no counterpart is named on standard error and
in a comment.`,
		Example: `  ecs-autoscaler import terraform examples/terraform > ecs-autoscaler.yaml
  ecs-autoscaler import terraform plan.json --output ecs-autoscaler.yaml
  ecs-autoscaler import terraform . --var cluster=prod --var module.ecs.service_name=web`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			given, err := f.given()
			if err != nil {
				return err
			}
			doc, err := terraform.Read(args, given)
			if err != nil {
				return exitError{code: 1, err: err}
			}
			return f.write(doc, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f.add(cmd)
	return cmd
}

// importFlags are what every import has.
type importFlags struct {
	vars   []string
	output string
}

func (f *importFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.vars, "var", nil, "`NAME=VALUE` of something that is defined elsewhere; may be repeated")
	f.addOutput(cmd)
}

func (f *importFlags) addOutput(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.output, "output", "o", "-", "`FILE` to write, - is standard output; one that is there is replaced")
}

func (f *importFlags) given() (map[string]string, error) {
	given := map[string]string{}
	for _, v := range f.vars {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--var must be NAME=VALUE, not %q", v)
		}
		given[name] = value
	}
	return given, nil
}

var errNothing = errors.New("no scalable target of an ECS service was found that could be imported")

// write says what people have to know on stderr, and writes the configuration if nothing is missing for it.
func (f *importFlags) write(doc managed.Document, stdout, stderr io.Writer) error {
	for _, n := range doc.Notes {
		fmt.Fprintln(stderr, "note:", n)
	}
	if len(doc.Missing) > 0 {
		return exitError{code: 1, err: fmt.Errorf("values that are defined elsewhere are needed; give each one:\n  --var '%s=VALUE'", strings.Join(doc.Missing, "=VALUE'\n  --var '"))}
	}
	for _, l := range doc.Losses {
		fmt.Fprintln(stderr, "lost:", l)
	}
	if len(doc.Targets) == 0 {
		return exitError{code: 1, err: errNothing}
	}
	if f.output == "-" {
		_, err := stdout.Write(managed.Write(doc))
		return err
	}
	if err := replaceFile(f.output, managed.Write(doc)); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	return nil
}
