package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/web"
)

// historyFlags are the flags of history.
type historyFlags struct {
	askFlags
	service, since, until, direction string
	limit                            int
	notScaled                        bool
}

func newHistory() *cobra.Command {
	var f historyFlags
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Show the scaling activities of a running daemon, newest first",
		Long: `Show the scaling activities of a running daemon, newest first: when, which service, from how many tasks to how many,
what became of it and why. They are kept for six weeks.`,
		Example: `  ecs-autoscaler history --since 24h
  ecs-autoscaler history --service shop/web --direction scale_in --output json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.ask(cmd, func(ctx context.Context, client *daemon.Client) error {
				return history(ctx, cmd.OutOrStdout(), client, &f)
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.service, "service", "", "only this one: `SERVICE`, CLUSTER/SERVICE or ACCOUNT/CLUSTER/SERVICE")
	cmd.Flags().StringVar(&f.since, "since", "", "not older than this `TIME`, as 2026-01-31T08:00:00Z or as 36h for so long ago")
	cmd.Flags().StringVar(&f.until, "until", "", "older than this `TIME`")
	cmd.Flags().StringVar(&f.direction, "direction", "", "only `scale_out` or scale_in")
	cmd.Flags().IntVar(&f.limit, "limit", 50, "at most so many, 0 is all")
	cmd.Flags().BoolVar(&f.notScaled, "include-not-scaled", false, "also what did not scale, with the reason")
	return cmd
}

// query is what the flags ask the API for.
func (f *historyFlags) query() (url.Values, error) {
	q := url.Values{}
	for parameter, value := range map[string]string{"since": f.since, "until": f.until, "direction": f.direction} {
		if value != "" {
			q.Set(parameter, value)
		}
	}
	if f.notScaled {
		q.Set("include_not_scaled", "true")
	}
	if f.limit < 0 {
		return nil, fmt.Errorf("--limit must be 0 or more, not %d", f.limit)
	}
	if f.service == "" {
		return q, nil
	}
	return q, named(q, f.service)
}

func history(ctx context.Context, w io.Writer, client *daemon.Client, f *historyFlags) error {
	q, err := f.query()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	found, err := client.Activities(ctx, q, f.limit)
	if err != nil {
		return err
	}
	if f.output == "json" {
		return writeJSON(w, struct {
			Activities []web.ActivityView `json:"activities"`
		}{found})
	}
	return historyText(w, found, f.limit)
}

func historyText(w io.Writer, found []web.ActivityView, limit int) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(w, "No scaling activity was found.")
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "TIME (UTC)\tSERVICE\tCHANGE\tSTATUS\tTOOK\tREASON\tPOLICY")
	for i := range found {
		a := &found[i]
		took := "-"
		if a.EndTime != nil {
			took = a.EndTime.Sub(a.StartTime).String()
		}
		k := web.TargetView{Account: a.Account, Cluster: a.Cluster, Service: a.Service}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", clock(a.StartTime), k.Key(), change(a), a.StatusCode, took, a.Reason, a.PolicyName)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if limit > 0 && len(found) == limit {
		_, err := fmt.Fprintf(w, "\nThe newest %d; --limit 0 shows all.\n", limit)
		return err
	}
	return nil
}

// change is what an activity did to the count; one that did not scale has left it.
func change(a *web.ActivityView) string {
	if a.From == a.To {
		return "at " + strconv.Itoa(a.To)
	}
	return strconv.Itoa(a.From) + " -> " + strconv.Itoa(a.To)
}
