package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
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
			q, err := f.query()
			if err != nil {
				return err
			}
			return f.ask(cmd, func(ctx context.Context, client *daemon.Client) error {
				l := listing{w: cmd.OutOrStdout(), client: client, query: q, limit: f.limit, output: f.output, every: followInterval}
				if !f.follow {
					return l.more(ctx)
				}
				ctx, stop := untilInterrupted(ctx)
				defer stop()
				return l.follow(ctx, &grumbler{w: cmd.ErrOrStderr()})
			})
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

// query is what the flags ask the API for.
func (f *decisionFlags) query() (url.Values, error) {
	q := url.Values{}
	if f.limit < 0 {
		return nil, fmt.Errorf("--limit must be 0 or more, not %d", f.limit)
	}
	if f.since != "" {
		q.Set("since", f.since)
	}
	if f.service == "" {
		return q, nil
	}
	return q, named(q, f.service)
}

// listing shows decisions, each once.
type listing struct {
	w      io.Writer
	client *daemon.Client
	query  url.Values
	// limit is how many are shown of those that there are at first, 0 for all.
	limit  int
	output string
	known  map[shown]bool
	// every is how often it asks for news.
	every time.Duration
}

// follow shows those that come, too, until ctx ends. A daemon that does not answer is told of once and asked again; one that does not
// understand the question never will.
func (l *listing) follow(ctx context.Context, trouble *grumbler) error {
	for ctx.Err() == nil {
		if err := l.more(ctx); ctx.Err() == nil {
			if final(err) {
				return err
			}
			trouble.about(err)
		}
		wait(ctx, l.every)
	}
	return nil
}

// final says that asking again would not help.
func final(err error) bool {
	if err == nil {
		return false
	}
	refused, ok := errors.AsType[*daemon.RefusedError](err)
	_, unanswered := errors.AsType[*unansweredError](err)
	return ok && refused.Status == http.StatusBadRequest || !unanswered
}

// unansweredError says that the daemon did not answer.
type unansweredError struct{ error }

// Unwrap is why.
func (e *unansweredError) Unwrap() error { return e.error }

// more writes the decisions that are not known yet, oldest first. The error is an *unansweredError if there was no answer.
func (l *listing) more(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if l.known == nil {
		l.known = map[shown]bool{}
	}
	found, err := l.client.Decisions(ctx, l.query, l.limit)
	if err != nil {
		return &unansweredError{err}
	}
	l.limit = 0
	var newest time.Time
	for i := range slices.Backward(found) {
		d := &found[i]
		newest = d.Time
		if s := (shown{d.Target, d.Time}); !l.known[s] {
			l.known[s] = true
			if err := line(l.w, d, l.output); err != nil {
				return err
			}
		}
	}
	if !newest.IsZero() {
		l.query.Set("since", newest.UTC().Format(time.RFC3339Nano))
	}
	maps.DeleteFunc(l.known, func(s shown, _ bool) bool { return s.time.Before(newest) })
	return nil
}

func line(w io.Writer, d *evaluator.Decision, output string) error {
	if output == "json" {
		return json.NewEncoder(w).Encode(d)
	}
	_, err := fmt.Fprintf(w, "%s  %s  %s\n", clock(d.Time), d.Target, d.Message())
	return err
}
