package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"ecs-autoscaler/config"
	"ecs-autoscaler/daemon"
	"ecs-autoscaler/store"
)

func newStateImport() *cobra.Command {
	var f stateFlags
	var o daemon.ImportOptions
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Make a state of what state export wrote",
		Long: `Make a state of the JSON that state export wrote; FILE - is standard input. Everything in it is checked
before anything is written. A state file that is not empty is only replaced with --force, and then the old one stays
beside it under another name; a DynamoDB table must be empty. The daemons must be stopped.`,
		Example: `  ecs-autoscaler state import state.json --config ecs-autoscaler.yaml --dry-run
  ecs-autoscaler state import state.json --file state.db --force`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := f.load(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			d, err := readDump(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			return importState(cmd.Context(), cmd.OutOrStdout(), d, c, o)
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&o.Force, "force", false, "put a state file that is there aside, beside the new one")
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "check everything and write nothing")
	return cmd
}

func importState(ctx context.Context, stdout io.Writer, d *store.Dump, c *config.Config, o daemon.ImportOptions) error {
	kept, err := daemon.ImportState(ctx, daemon.Options{Config: c}, d, o)
	if errors.Is(err, store.ErrNotEmpty) {
		return exitError{code: 1, err: err}
	}
	if err != nil {
		return err
	}
	did := "imported"
	if o.DryRun {
		did = "would import"
	}
	fmt.Fprintf(stdout, "%s %s into %s\n", did, d.Summary(), daemon.StateName(c))
	if kept != "" {
		fmt.Fprintf(stdout, "what was there before is kept as %s\n", kept)
	}
	return nil
}

// readDump reads a document; one with a mistake is the thing that is not right.
func readDump(stdin io.Reader, file string) (*store.Dump, error) {
	read := func() ([]byte, error) { return os.ReadFile(file) }
	if file == "-" {
		read = func() ([]byte, error) { return io.ReadAll(stdin) }
	}
	text, err := read()
	if err != nil {
		return nil, err
	}
	d, err := store.ParseDump(file, text, time.Now())
	if err != nil {
		return nil, exitError{code: 1, err: err}
	}
	return d, nil
}
