package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/daemon"
	"ecs-autoscaler/evaluator"
)

// planFlags are the flags of plan.
type planFlags struct {
	config, output                      string
	detailedExitCode, ignoreUnsupported bool
	watch, againstAWS                   bool
	interval                            time.Duration
	client                              daemon.ClientOptions
}

func newPlan() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Evaluate every target against the real account, writing nothing",
		Long: `Evaluate every target once against the real account and print what would change and why. Nothing
is written, neither to ECS nor to the state. Cooldowns and alarm states come from the running
daemon's API, else from the state file or table, else there are none; the output says which.

--watch goes on as the daemon would until interrupted, and prints a line for each target whose action,
reason or count is another than before. Alarms go on; what would be done starts no cooldown, as in a dry run.

--diff-against-aws compares each target with what Application Auto Scaling has of it and did last: what this
daemon would have decided then, the bounds, the names of policies and scheduled actions. It needs
application-autoscaling:DescribeScalableTargets, DescribeScalingPolicies, DescribeScheduledActions and
DescribeScalingActivities besides; without one of them it stops, names it, and the exit code is 2.

Exit code 1 means that at least one target could not be handled; with --detailed-exitcode, 3 means that changes
are pending, or that there are differences.`,
		Example: `  ecs-autoscaler plan --config ecs-autoscaler.yaml
  ecs-autoscaler plan --output json --detailed-exitcode
  ecs-autoscaler plan --watch --interval 30s
  ecs-autoscaler plan --diff-against-aws`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return f.plan(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	configFlag(cmd, &f.config)
	outputFlag(cmd, &f.output)
	basicAuthFlag(cmd, &f.client)
	flags := cmd.Flags()
	flags.BoolVar(&f.detailedExitCode, "detailed-exitcode", false, "exit with 3 when changes are pending, or with --diff-against-aws when there are differences")
	flags.BoolVar(&f.ignoreUnsupported, "ignore-unsupported", false, "plan without the parts of the file that this release does not support")
	flags.BoolVar(&f.watch, "watch", false, "go on, and print what changes, until interrupted")
	flags.DurationVar(&f.interval, "interval", 0, "with --watch, look at least every `DURATION`, 1s to 1h (default: interval of the configuration)")
	flags.BoolVar(&f.againstAWS, "diff-against-aws", false, "compare with what Application Auto Scaling has and did last")
	return cmd
}

// check says which flags go together.
func (f *planFlags) check() error {
	switch {
	case f.watch && f.againstAWS:
		return errors.New("--watch and --diff-against-aws are two questions: ask one of them")
	case f.watch && f.detailedExitCode:
		return errors.New("--detailed-exitcode says how one plan ended, and --watch does not end by itself: leave one of them out")
	case f.interval != 0 && !f.watch:
		return errors.New("--interval says how often --watch looks: add --watch, or leave it out")
	case f.interval != 0 && (f.interval < time.Second || f.interval > time.Hour):
		return fmt.Errorf("--interval must be from 1s to 1h, not %s", f.interval)
	}
	return checkOutput(f.output)
}

func (f *planFlags) plan(ctx context.Context, stdout, stderr io.Writer) error {
	c, err := loadSupported(f.config, f.ignoreUnsupported, stderr)
	if err != nil {
		return invalid(err)
	}
	c.Interval = cmp.Or(f.interval, c.Interval)
	if f.againstAWS { // what would be decided is compared, and that AWS scales, too, is no news
		c.SetManagedPolicies(config.ManagedIgnore)
	}
	// Of the log only the problems are of interest here: what could not be read, and what to do about it.
	logger := daemon.NewLogger(stderr, daemon.HumanLog, time.Now).WithOptions(zap.IncreaseLevel(zap.WarnLevel))
	planner, err := daemon.NewPlanner(ctx, daemon.Options{Config: c, Logger: logger, Build: build(), Client: fromEnvironment(f.client)})
	if err != nil {
		return err
	}
	ask := f.once
	switch {
	case f.watch:
		ask = f.follow
	case f.againstAWS:
		ask = f.compare
	}
	return errors.Join(ask(ctx, stdout, planner), planner.Close(ctx))
}

// once prints one plan.
func (f *planFlags) once(ctx context.Context, w io.Writer, planner *daemon.Planner) error {
	decisions, err := planner.Once(ctx)
	if err != nil && !errors.Is(err, daemon.ErrUnhandled) {
		return err
	}
	render := planText
	if f.output == "json" {
		render = planJSON
	}
	if err := render(w, planner.Memory, decisions); err != nil {
		return err
	}
	return f.exit(err, pending(decisions))
}

// exit is how a plan ended that found something: unhandled says that it is not the whole.
func (f *planFlags) exit(unhandled error, found int) error {
	switch {
	case unhandled != nil:
		return exitError{code: 1, err: unhandled}
	case f.detailedExitCode && found > 0:
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
	return writeJSON(w, struct {
		Memory    daemon.MemorySource  `json:"memory"`
		Decisions []evaluator.Decision `json:"decisions"`
	}{source, append([]evaluator.Decision{}, decisions...)})
}

func planText(w io.Writer, source daemon.MemorySource, decisions []evaluator.Decision) error {
	if err := planTable(w, decisions); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d of %d targets would change. Memory of cooldowns and alarms: %s.\n",
		pending(decisions), len(decisions), memoryText(source))
	return err
}

// planTable has a line for each target: what, from, to, why.
func planTable(w io.Writer, decisions []evaluator.Decision) error {
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
		_, why, _ := strings.Cut(d.Message(), ": ") // before it stands what the other columns say
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", d.Target, from, to, d.Reason, why)
	}
	return tw.Flush()
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
