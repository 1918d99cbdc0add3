package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"ecs-autoscaler/config/managed"
)

func newExport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write a configuration as scaling policies that AWS manages",
	}
	cmd.AddCommand(
		newExportTo("terraform", "Write scalable targets, policies, alarms and scheduled actions as Terraform", "scaling.tf", managed.Terraform),
		newExportTo("aws-cli", "Write scalable targets, policies, alarms and scheduled actions as a script of AWS CLI commands", "scaling.sh", managed.CLI),
	)
	return cmd
}

// newExportTo is the export to one form.
func newExportTo(name, short, file string, form func(managed.Document) []byte) *cobra.Command {
	var path, output string
	cmd := &cobra.Command{
		Use:   name,
		Short: short,
		Long: short + `, to standard output. What AWS does not have - patterns,
other accounts, options and safety rails of ours - is named on standard error and in a comment. No account is asked
and nothing is changed.`,
		Example: "  ecs-autoscaler export " + name + " --config ecs-autoscaler.yaml --output " + file,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := load(path, cmd.ErrOrStderr())
			if err != nil {
				return invalid(err)
			}
			doc := managed.Of(c)
			for _, l := range doc.Losses {
				fmt.Fprintln(cmd.ErrOrStderr(), "lost:", l)
			}
			if output == "-" {
				_, err := cmd.OutOrStdout().Write(form(doc))
				return err
			}
			if err := replaceFile(output, form(doc)); err != nil {
				return fmt.Errorf("--output: %w", err)
			}
			return nil
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVarP(&output, "output", "o", "-", "`FILE` to write, - is standard output; one that is there is replaced")
	return cmd
}
