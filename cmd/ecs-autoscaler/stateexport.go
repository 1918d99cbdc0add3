package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/store"
)

func newStateExport() *cobra.Command {
	var f stateFlags
	var output string
	var history bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the state as readable JSON",
		Long: `Write what the daemon remembers as JSON: cooldowns, alarm states, runtime bounds, open activities, learned
delays; with --history also the activities that have ended and the decisions of six weeks. Equal states give
equal documents (docs/state.md describes them), and state import reads them. Nothing is changed. The daemon that uses
a state file must be stopped; those that share a DynamoDB table may run on, and each cluster is as it was at one instant.`,
		Example: `  ecs-autoscaler state export --config ecs-autoscaler.yaml --output state.json
  ecs-autoscaler state export --file /var/lib/ecs-autoscaler/state.db --history`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := f.load(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			d, err := daemon.ExportState(cmd.Context(), daemon.Options{Config: c}, history)
			if err != nil {
				return err
			}
			return writeDump(d, output, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f.add(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "-", "`FILE` to write, - is standard output; one that is there is replaced, unless it is a state file")
	cmd.Flags().BoolVar(&history, "history", false, "with the activities that have ended, and the decisions")
	return cmd
}

// writeDump writes the document to standard output, or as a whole to a file.
func writeDump(d *store.Dump, output string, stdout, stderr io.Writer) error {
	if m := d.Migration; m != nil {
		fmt.Fprintf(stderr, "%s has format %d and was read as one of format %d; the file itself is as it was\n", m.Path, m.From, m.To)
	}
	text, err := d.Text()
	if err != nil {
		return err
	}
	if output == "-" {
		_, err = stdout.Write(text)
		return err
	}
	if err := replaceFile(output, text); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	fmt.Fprintf(stderr, "%s: %s\n", output, d.Summary())
	return nil
}

// replaceFile puts a complete private file at path, or leaves what is there. A state file is never replaced by a text: what
// it holds besides would be gone.
func replaceFile(path string, text []byte) error {
	if database, err := store.IsFile(path); err != nil {
		return err
	} else if database {
		return fmt.Errorf("%s is a state file, or the database of another program, and is not replaced by a text: name another file", path)
	}
	draft, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name()) //nolint:errcheck // After success it has no such name any more.
	_, err = draft.Write(text)
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	return os.Rename(draft.Name(), path)
}
