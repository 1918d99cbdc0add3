package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/evaluator"
)

// planFlags are the flags of plan.
type planFlags struct {
	config, output                      string
	detailedExitCode, ignoreUnsupported bool
	client                              daemon.ClientOptions
}

func newPlan() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Evaluate every target once against the real account, writing nothing",
		Long: `Evaluate every target once against the real account and print what would change and why. Nothing
is written, neither to ECS nor to the state. Cooldowns and alarm states come from the running
daemon's API, else from the state file or table, else there are none; the output says which.`,
		Example: `  ecs-autoscaler plan --config ecs-autoscaler.yaml
  ecs-autoscaler plan --output json --detailed-exitcode`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return plan(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), f)
		},
	}
	configFlag(cmd, &f.config)
	outputFlag(cmd, &f.output)
	basicAuthFlag(cmd, &f.client)
	cmd.Flags().BoolVar(&f.detailedExitCode, "detailed-exitcode", false, "exit with 3 when changes are pending")
	cmd.Flags().BoolVar(&f.ignoreUnsupported, "ignore-unsupported", false, "plan without the parts of the file that this release does not support")
	return cmd
}

func plan(ctx context.Context, stdout, stderr io.Writer, f planFlags) error {
	if err := checkOutput(f.output); err != nil {
		return err
	}
	c, err := loadSupported(f.config, f.ignoreUnsupported, stderr)
	if err != nil {
		return invalid(err)
	}
	// Of the log only the problems are of interest here: what could not be read, and what to do about it.
	logger := daemon.NewLogger(stderr, daemon.HumanLog, time.Now).WithOptions(zap.IncreaseLevel(zap.WarnLevel))
	decisions, source, err := daemon.Plan(ctx, daemon.Options{Config: c, Logger: logger, Build: build(), Client: fromEnvironment(f.client)})
	if err != nil && !errors.Is(err, daemon.ErrUnhandled) {
		return err
	}
	render := planText
	if f.output == "json" {
		render = planJSON
	}
	if err := render(stdout, source, decisions); err != nil {
		return err
	}
	switch {
	case err != nil:
		return exitError{code: 1, err: err}
	case f.detailedExitCode && pending(decisions) > 0:
		return exitError{code: 3}
	}
	return nil
}

// pending counts the decisions that would change something.
func pending(decisions []evaluator.Decision) int {
	n := 0
	for i := range decisions {
		if decisions[i].Action != evaluator.Hold {
			n++
		}
	}
	return n
}

func planJSON(w io.Writer, source daemon.MemorySource, decisions []evaluator.Decision) error {
	if decisions == nil {
		decisions = []evaluator.Decision{}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Memory    daemon.MemorySource  `json:"memory"`
		Decisions []evaluator.Decision `json:"decisions"`
	}{source, decisions})
}

func planText(w io.Writer, source daemon.MemorySource, decisions []evaluator.Decision) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "SERVICE\tFROM\tTO\tREASON\tWHY")
	for i := range decisions {
		d := &decisions[i]
		to := "="
		if d.Action != evaluator.Hold {
			to = fmt.Sprint(d.Wanted)
		}
		from := fmt.Sprint(d.Desired)
		if !d.Seen() {
			from = "?"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", d.Target, from, to, d.Reason, d.Message())
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d of %d targets would change. Memory of cooldowns and alarms: %s.\n",
		pending(decisions), len(decisions), memoryText(source))
	return err
}

func memoryText(s daemon.MemorySource) string {
	switch s {
	case daemon.FromDaemon:
		return "from the running daemon"
	case daemon.FromFile:
		return "from the state file"
	case daemon.FromDynamoDB:
		return "from the state table"
	case daemon.FromNone:
	}
	return "none (no daemon of this configuration answers, and there is no state to read), so running cooldowns are not seen"
}
