package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/explain"
)

func newExplain() *cobra.Command {
	var f askFlags
	var at string
	cmd := &cobra.Command{
		Use:   "explain SERVICE",
		Short: "Say why a service has the count that it has, and what would have to happen for it to scale",
		Long: `Say in sentences what a running daemon decided about a service: what was seen, what each policy wanted, which guard
changed that, and what would have to happen for the service to scale, with a plot of each metric and its
thresholds. SERVICE is its name, CLUSTER/SERVICE or ACCOUNT/CLUSTER/SERVICE. --at asks for the decision that was in
force then: kept for six weeks are those that changed something or their reason.`,
		Example: `  ecs-autoscaler explain shop/web
  ecs-autoscaler explain web --at 2026-01-31T03:00:00Z
  ecs-autoscaler explain web --at 90m --output json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.ask(cmd, func(ctx context.Context, client *daemon.Client) error {
				return explained(ctx, cmd.OutOrStdout(), client, question{args[0], at, f.output})
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&at, "at", "", "the decision in force at this `TIME`, as 2026-01-31T08:00:00Z or as 90m for so long ago")
	return cmd
}

type question struct{ service, at, output string }

func explained(ctx context.Context, w io.Writer, client *daemon.Client, q question) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	key, err := theOne(ctx, client, q.service)
	if err != nil {
		return err
	}
	d, note, err := decided(ctx, client, key, q.at)
	switch {
	case err != nil:
		return err
	case d == nil:
		return exitError{code: 1, err: fmt.Errorf("nothing has been decided about %s yet", key)}
	case q.output == "json":
		return writeJSON(w, d)
	}
	now := time.Now()
	if d.Time.After(now) { // the clock of a demo runs faster
		now = d.Time
	}
	_, err = io.WriteString(w, explain.Text(d, now, note))
	return err
}

// decided is the last decision about a target and what is wrong with it, or the decision that was in force at a time.
func decided(ctx context.Context, client *daemon.Client, k evaluator.Key, at string) (d *evaluator.Decision, note string, err error) {
	if at == "" {
		detail, err := client.Target(ctx, k)
		if err != nil {
			return nil, "", err
		}
		return detail.Decision, detail.Note, nil
	}
	q := url.Values{"cluster": {k.Cluster}, "service": {k.Service}, "until": {at}}
	if k.Account != "" {
		q.Set("account", k.Account)
	}
	if t, err := time.Parse(time.RFC3339, at); err == nil { // until is the first instant that is not wanted
		q.Set("until", t.Add(time.Second).Format(time.RFC3339))
	}
	found, err := client.Decisions(ctx, q, 1)
	if err != nil {
		return nil, "", err
	}
	if len(found) == 0 {
		return nil, "", exitError{code: 1, err: fmt.Errorf("no decision about %s is kept that was in force at %s", k, at)}
	}
	return &found[0], "", nil
}
