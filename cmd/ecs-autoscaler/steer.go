package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/web"
)

// steerTimeout is longer than the daemon itself waits for the pass under way.
const steerTimeout = 40 * time.Second

// steerFlags are what the verbs have that give a command about a service.
type steerFlags struct {
	askFlags
	duration, reason string
}

func (f *steerFlags) add(cmd *cobra.Command, begins bool) {
	f.askFlags.add(cmd)
	tokenFlag(cmd, &f.client)
	usage := "why, in one line, for the log"
	if begins {
		usage = "why, in one line: shown wherever it matters (required)"
		cmd.Flags().StringVar(&f.duration, "for", "", "how long, as 90m, 2h or 36h, from 1 minute to 31 days; then it ends by itself (required)")
	}
	cmd.Flags().StringVar(&f.reason, "reason", "", usage)
}

func newSuspend() *cobra.Command {
	var f steerFlags
	cmd := &cobra.Command{
		Use:   "suspend SERVICE [in] [out] [scheduled]",
		Short: "Suspend the scaling of a service for some time: in, out, scheduled actions, or all three",
		Long: `Have a running daemon suspend dynamic scaling in, dynamic scaling out or the scheduled actions of a service, or all three
if none is named. It ends by itself, and before that with resume. Alarms go on being judged, and bounds still hold. It stands
beside suspended_state of the configuration: either one suspends. SERVICE is its name, CLUSTER/SERVICE or
ACCOUNT/CLUSTER/SERVICE.`,
		Example: `  ecs-autoscaler suspend shop/web in --for 2h --reason "database migration"
  ecs-autoscaler suspend web --for 30m --reason "incident 42"`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c := evaluator.Command{Verb: evaluator.Suspend, Scaling: kinds(args[1:])}
			return f.give(cmd, args[0], c)
		},
	}
	f.add(cmd, true)
	return cmd
}

func newResume() *cobra.Command {
	var f steerFlags
	cmd := &cobra.Command{
		Use:   "resume SERVICE [in] [out] [scheduled]",
		Short: "End a suspension of a service before its time",
		Long: `Have a running daemon end what suspend has begun for a service, for the kinds of scaling that are named or for all. What was due
of scheduled actions meanwhile is not made up for. Exit code 1 means that suspended_state of the configuration still suspends
some of it, which is changed there.`,
		Example: `  ecs-autoscaler resume shop/web
  ecs-autoscaler resume shop/web in --reason "migration done"`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c := evaluator.Command{Verb: evaluator.Resume, Scaling: kinds(args[1:])}
			return f.give(cmd, args[0], c)
		},
	}
	f.add(cmd, false)
	return cmd
}

func newOverride() *cobra.Command {
	var f steerFlags
	var end bool
	cmd := &cobra.Command{
		Use:   "override SERVICE COUNT | SERVICE --end",
		Short: "Set the desired count of a service for some time, or end that",
		Long: `Have a running daemon set the desired count of a service, within its bounds, and keep its policies from moving it until the time
is over. Scheduled actions still set the bounds, and the count goes with them. What somebody else sets meanwhile is respected. At the end
policies go on from the count as it is. Exit code 1 means that the service cannot be overridden, such as one that was switched off.`,
		Example: `  ecs-autoscaler override shop/web 12 --for 2h --reason "load test"
  ecs-autoscaler override shop/web --end`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := overriding(args[1:], end)
			if err != nil {
				return err
			}
			return f.give(cmd, args[0], c)
		},
	}
	f.add(cmd, true)
	cmd.Flags().BoolVar(&end, "end", false, "end the override that is in force")
	return cmd
}

// overriding is the command that the arguments after the service mean.
func overriding(args []string, end bool) (c evaluator.Command, err error) {
	switch {
	case end && len(args) > 0:
		return c, errors.New("give a count, or --end, not both")
	case end:
		return evaluator.Command{Verb: evaluator.EndOverride}, nil
	case len(args) == 0:
		return c, errors.New("give the desired count, such as override shop/web 12 --for 2h --reason TEXT, or --end")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return c, fmt.Errorf("%q is no desired count; write a whole number", args[0])
	}
	return evaluator.Command{Verb: evaluator.Override, Desired: n}, nil
}

func kinds(args []string) (all []evaluator.Steers) {
	for _, a := range args {
		all = append(all, evaluator.Steers(a))
	}
	return all
}

// give has the daemon carry a command out and shows what is then in force.
func (f *steerFlags) give(cmd *cobra.Command, service string, c evaluator.Command) error {
	if err := f.complete(&c); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), steerTimeout)
	defer cancel()
	client, err := f.connect(ctx, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer client.Close()
	key, err := theOne(ctx, client, service)
	if err != nil {
		return err
	}
	view, err := client.Steer(ctx, key, &c)
	if err != nil {
		return steerFailure(err)
	}
	if f.output == "json" {
		err = writeJSON(cmd.OutOrStdout(), view)
	} else {
		err = steeringText(cmd.OutOrStdout(), key, view)
	}
	if err == nil && c.Verb == evaluator.Resume {
		err = stillSuspended(view, c.Scaling)
	}
	return err
}

// complete puts the flags into the command and checks it, so that what is wrong with it is said before anybody is asked.
func (f *steerFlags) complete(c *evaluator.Command) (err error) {
	c.Reason = f.reason
	if f.duration != "" {
		if c.Verb == evaluator.EndOverride {
			return errors.New("--end ends the override now; it takes no --for")
		}
		if c.For, err = evaluator.ParseDuration(f.duration); err != nil {
			return fmt.Errorf("--for: %w", err)
		}
	}
	begins := c.Verb == evaluator.Suspend || c.Verb == evaluator.Override
	if begins && (f.duration == "" || f.reason == "") {
		return fmt.Errorf("%s needs --for and --reason: how long, such as 2h, and why", c.Verb)
	}
	return c.Check()
}

// steerFailure tells a service that cannot be steered from a command that got no answer.
func steerFailure(err error) error {
	codes := []string{"refused", "not_found", "internal"}
	if refused, ok := errors.AsType[*daemon.RefusedError](err); ok && slices.Contains(codes, refused.Code) {
		return exitError{code: 1, err: err}
	}
	return err
}

// suspendedKey is the key of the configuration that suspends a kind of scaling.
func suspendedKey(s evaluator.Steers) string {
	if s == evaluator.SteersScheduled {
		return "suspended_state.scheduled_scaling_suspended"
	}
	return "suspended_state.dynamic_scaling_" + string(s) + "_suspended"
}

// stillSuspended names the keys of the configuration that suspend what was to be resumed.
func stillSuspended(view *web.SteeringView, asked []evaluator.Steers) error {
	var keys []string
	for _, s := range view.Suspensions {
		if s.Until == nil && (len(asked) == 0 || slices.Contains(asked, s.Scaling)) {
			keys = append(keys, suspendedKey(s.Scaling))
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return exitError{code: 1, err: fmt.Errorf("still suspended by the configuration: %s; change that there and reload", strings.Join(keys, ", "))}
}

func steeringText(w io.Writer, k evaluator.Key, view *web.SteeringView) error {
	lines := steeringLines(view.Suspensions, view.Override)
	if len(lines) == 0 {
		lines = []string{"nothing is suspended, and the desired count is not overridden"}
	}
	return tellSteering(w, k, lines)
}

func tellSteering(w io.Writer, k evaluator.Key, lines []string) error {
	for _, line := range lines {
		if _, err := fmt.Fprintf(w, "%s: %s\n", k, line); err != nil {
			return err
		}
	}
	return nil
}

// steeringLines say what is suspended and overridden, and until when.
func steeringLines(suspended []web.SuspensionView, o *web.OverrideView) (lines []string) {
	for _, s := range suspended {
		what := "scheduled scaling"
		if s.Scaling != evaluator.SteersScheduled {
			what = "dynamic scaling " + string(s.Scaling)
		}
		if s.Until == nil {
			lines = append(lines, what+" is suspended by suspended_state of the configuration")
			continue
		}
		lines = append(lines, what+" is suspended until "+clock(*s.Until)+" UTC ("+s.Reason+")")
	}
	if o != nil {
		line := "the desired count is overridden with " + strconv.Itoa(o.Desired)
		if o.Wanted != o.Desired {
			line += ", within the bounds " + strconv.Itoa(o.Wanted)
		}
		lines = append(lines, line+", until "+clock(o.Until)+" UTC ("+o.Reason+")")
	}
	return lines
}
