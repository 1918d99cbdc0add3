package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/store/dynamo"
)

// initFlags are the flags of state init.
type initFlags struct {
	config, output string
	dryRun         bool
}

func newStateInit() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make the DynamoDB table of the configuration's state",
		Long: `Make the DynamoDB table that the configuration names as its state ("dynamodb:TABLE"): on-demand, with time to
live for what is older than six weeks. A table that is there already is checked and completed if it is empty, and
left as it is if it is ready, so that this may be called again. The daemon itself never makes a table and needs no
permission to.`,
		Example: `  ecs-autoscaler state init --config ecs-autoscaler.yaml
  ecs-autoscaler state init --dry-run`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return initState(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), f)
		},
	}
	configFlag(cmd, &f.config)
	outputFlag(cmd, &f.output)
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "make the table that dry runs use, which has .dry at the end of its name")
	return cmd
}

func initState(ctx context.Context, stdout, stderr io.Writer, f initFlags) error {
	if err := checkOutput(f.output); err != nil {
		return err
	}
	c, err := load(f.config, stderr)
	if err != nil {
		return invalid(err)
	}
	c.DryRun = c.DryRun || f.dryRun
	made, err := daemon.InitState(ctx, daemon.Options{Config: c})
	if err != nil {
		return err
	}
	if f.output == "json" {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(made)
	}
	_, err = fmt.Fprintln(stdout, initText(made))
	return err
}

func initText(m dynamo.Made) string {
	switch {
	case m.Created:
		return fmt.Sprintf("The table %s was made (%s).", m.Table, m.ARN)
	case m.Changed():
		return fmt.Sprintf("The table %s was there and is now set up (%s).", m.Table, m.ARN)
	}
	return fmt.Sprintf("The table %s is ready, nothing was to be done (%s).", m.Table, m.ARN)
}
