package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/evaluator"
)

// followInterval is how often decisions --follow asks for news.
const followInterval = 2 * time.Second

// decisionFlags are the flags of decisions.
type decisionFlags struct {
	askFlags
	service, since string
	limit          int
	follow         bool
}

func newDecisions() *cobra.Command {
	var f decisionFlags
	cmd := &cobra.Command{
		Use:   "decisions",
		Short: "Show the decisions of a running daemon, one line each, and follow them",
		Long: `Show the decisions of a running daemon that changed something or changed their reason, oldest first, one line each.
--follow goes on with those to come, until interrupted. --output json writes each as one line of JSON, in the form
that docs/api.md describes.`,
		Example: `  ecs-autoscaler decisions --follow
  ecs-autoscaler decisions --service shop/web --since 2h --output json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := f.connect(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer client.Close()
			return decisions(cmd.Context(), cmd.OutOrStdout(), client, &f)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.service, "service", "", "only this one: `SERVICE`, CLUSTER/SERVICE or ACCOUNT/CLUSTER/SERVICE")
	cmd.Flags().StringVar(&f.since, "since", "", "not older than this `TIME`, as 2026-01-31T08:00:00Z or as 36h for so long ago")
	cmd.Flags().IntVar(&f.limit, "limit", 50, "at most so many of those that have been made, the newest; 0 is all")
	cmd.Flags().BoolVar(&f.follow, "follow", false, "go on with those to come")
	return cmd
}

// shown tells decisions that have been shown: several may be of the newest second.
type shown struct {
	target evaluator.Key
	time   time.Time
}

func decisions(ctx context.Context, w io.Writer, client *daemon.Client, f *decisionFlags) error {
	q := url.Values{}
	if f.limit < 0 {
		return fmt.Errorf("--limit must be 0 or more, not %d", f.limit)
	}
	if f.service != "" {
		if err := named(q, f.service); err != nil {
			return err
		}
	}
	if f.since != "" {
		q.Set("since", f.since)
	}
	known, limit := map[shown]bool{}, f.limit
	for {
		newest, err := show(ctx, w, client, asking{q, limit, f.output}, known)
		if err != nil || !f.follow {
			return err
		}
		if !newest.IsZero() {
			q.Set("since", newest.UTC().Format(time.RFC3339Nano))
		}
		limit = 0
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followInterval):
		}
	}
}

// asking is one question for decisions.
type asking struct {
	query  url.Values
	limit  int
	output string
}

// show writes the decisions that are not known yet, oldest first, and gives the time of the newest; zero if there are none.
func show(ctx context.Context, w io.Writer, client *daemon.Client, a asking, known map[shown]bool) (newest time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	found, err := client.Decisions(ctx, a.query, a.limit)
	if err != nil {
		return newest, err
	}
	for i := range slices.Backward(found) {
		d := &found[i]
		newest = d.Time
		if s := (shown{d.Target, d.Time}); !known[s] {
			known[s] = true
			if err := line(w, d, a.output); err != nil {
				return newest, err
			}
		}
	}
	for s := range known {
		if s.time.Before(newest) {
			delete(known, s)
		}
	}
	return newest, nil
}

func line(w io.Writer, d *evaluator.Decision, output string) error {
	if output == "json" {
		return json.NewEncoder(w).Encode(d)
	}
	_, err := fmt.Fprintf(w, "%s  %s  %s\n", clock(d.Time), d.Target, d.Message())
	return err
}
