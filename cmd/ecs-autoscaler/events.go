package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/notify"
)

func newEvents() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Try where the daemon tells of what happens",
	}
	cmd.AddCommand(newEventsTest())
	return cmd
}

func newEventsTest() *cobra.Command {
	var path, output string
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Send one event of kind test to each destination, and say what came back",
		Long: `Send one event of kind test to each webhook and SNS topic that the configuration names under events, whatever
kinds it wants, and say what came back. No daemon need run, and one that runs is not asked. Each
destination has 10 seconds. Exit code 1 means that one of them did not take the event.`,
		Example: `  ecs-autoscaler events test --config ecs-autoscaler.yaml
  ecs-autoscaler events test --output json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return testEvents(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), path, output)
		},
	}
	configFlag(cmd, &path)
	outputFlag(cmd, &output)
	return cmd
}

func testEvents(ctx context.Context, stdout, stderr io.Writer, path, output string) error {
	if err := checkOutput(output); err != nil {
		return err
	}
	c, err := load(path, stderr)
	if err != nil {
		return invalid(err)
	}
	if !c.Events.Any() {
		return errors.New("the configuration names nobody who is told of events; add a webhook or an SNS topic under events (docs/events.md)")
	}
	tried, err := daemon.TestEvents(ctx, daemon.Options{Config: c, Logger: zap.NewNop()})
	if err != nil {
		return err
	}
	if err := reportTried(stdout, tried, output); err != nil {
		return err
	}
	for _, t := range tried {
		if !t.Delivered {
			return exitError{code: 1}
		}
	}
	return nil
}

// reportTried says what came of each destination, in a line or in {"destinations":[{"destination","delivered","answer"}]}.
func reportTried(w io.Writer, tried []notify.Tried, output string) error {
	if output == "json" {
		return writeJSON(w, struct {
			Destinations []notify.Tried `json:"destinations"`
		}{tried})
	}
	for _, t := range tried {
		what := "delivered"
		if !t.Delivered {
			what = "not delivered"
		}
		if _, err := fmt.Fprintf(w, "%s: %s: %s\n", t.Destination, what, t.Answer); err != nil {
			return err
		}
	}
	return nil
}
