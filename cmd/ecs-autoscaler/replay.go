package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"ecs-autoscaler/decisionlog"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/web"
)

// replayFlags are the flags of replay.
type replayFlags struct {
	service, since, until, write, output string
	explain                              bool
}

func newReplay() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay LOG...",
		Short: "Make every decision of a decision log anew, and prove that it is the same",
		Long: `Make every decision of a decision log anew, from what the daemon has written down that it was made of, and compare it
to the last bit. LOG is what decision_log names in the configuration; - is standard input, and what gzip has compressed is read, too.
Nothing is asked of AWS or of a daemon. With --write the lines of one service, or of some hours, become a log of
their own: a bug report is that one file (docs/replay.md).

Exit codes: 0 all decisions are the same, 1 one comes out differently, 2 a log cannot be read.`,
		Example: `  ecs-autoscaler replay decisions.jsonl
  ecs-autoscaler replay decisions.jsonl.2.gz decisions.jsonl --service shop/web --since 36h --explain
  ecs-autoscaler replay decisions.jsonl --service shop/web --write report.jsonl`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return replay(cmd, args, &f)
		},
	}
	outputFlag(cmd, &f.output)
	cmd.Flags().StringVar(&f.service, "service", "", "only this one: `SERVICE`, CLUSTER/SERVICE or ACCOUNT/CLUSTER/SERVICE")
	cmd.Flags().StringVar(&f.since, "since", "", "not older than this `TIME`, as 2026-01-31T08:00:00Z or as 36h for so long ago")
	cmd.Flags().StringVar(&f.until, "until", "", "older than this `TIME`")
	cmd.Flags().StringVar(&f.write, "write", "", "write the lines of these decisions to a new `FILE`, a log of its own")
	cmd.Flags().BoolVar(&f.explain, "explain", false, "print the sentence of each decision")
	return cmd
}

func replay(cmd *cobra.Command, logs []string, f *replayFlags) error {
	stdout := cmd.OutOrStdout()
	r, err := f.replay(time.Now(), stdout)
	if err != nil {
		return err
	}
	done := func() error { return nil }
	if f.write != "" {
		file, err := os.OpenFile(f.write, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("--write: %w; name a file that is not there yet", err)
		}
		r.Copy, done = file, file.Close
	}
	for _, name := range logs {
		err = errors.Join(err, replayLog(r, name, cmd.InOrStdin()))
	}
	if err := errors.Join(err, done()); err != nil {
		return err
	}
	if r.Report.Decisions == 0 && f.selects() {
		return errors.New("the log has no such decision: look at --service, --since and --until")
	}
	report := r.Report.Text
	if f.output == "json" {
		report = r.Report.JSON
	}
	if err := report(stdout, version); err != nil {
		return err
	}
	if r.Report.Different > 0 {
		return exitError{code: 1}
	}
	return nil
}

// replayLog makes the decisions of one log anew.
func replayLog(r *decisionlog.Replay, name string, stdin io.Reader) error {
	if name == "-" {
		return r.Log("standard input", stdin)
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	return r.Log(name, file)
}

// selects says that the flags leave decisions out.
func (f *replayFlags) selects() bool { return f.service != "" || f.since != "" || f.until != "" }

// replay is what the flags ask for; sentences go to w.
func (f *replayFlags) replay(now time.Time, w io.Writer) (*decisionlog.Replay, error) {
	if err := checkOutput(f.output); err != nil {
		return nil, err
	}
	if f.explain && f.output == "json" {
		return nil, errors.New("--explain is for people and cannot go with --output json")
	}
	r := &decisionlog.Replay{}
	var err error
	if r.Since, err = instant("--since", f.since, now); err != nil {
		return nil, err
	}
	if r.Until, err = instant("--until", f.until, now); err != nil {
		return nil, err
	}
	if f.service != "" {
		q := url.Values{}
		if err := named(q, f.service); err != nil {
			return nil, err
		}
		r.Match = func(k evaluator.Key) bool { return matches(q, k) }
	}
	if f.explain {
		r.Each = func(d *evaluator.Decision, sentence string) {
			fmt.Fprintf(w, "%s  %s  %s\n", clock(d.Time), d.Target, sentence)
		}
	}
	return r, nil
}

// matches says that a target is the one that a query names.
func matches(q url.Values, k evaluator.Key) bool {
	for parameter, value := range map[string]string{"service": k.Service, "cluster": k.Cluster, "account": k.Account} {
		if q.Has(parameter) && q.Get(parameter) != value {
			return false
		}
	}
	return true
}

// instant is a time that a flag gives, as the API takes it. Nothing is the zero time.
func instant(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := web.InstantOf(text, now)
	if err != nil {
		return t, fmt.Errorf("%s must be a time as 2026-01-31T08:00:00Z, or as 36h for so long ago, not %q", flag, text)
	}
	return t, nil
}
