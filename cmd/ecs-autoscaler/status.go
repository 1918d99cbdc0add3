package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/web"
)

func newStatus() *cobra.Command {
	var f askFlags
	var cluster string
	var watch bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what a running daemon steers: counts, bounds and the last decision of each service",
		Long: `Show each service that a running daemon steers: its counts, its bounds, the last decision and when it is looked
at again; then what is wrong, what is suspended or overridden, and how the daemon is. Exit code 1 means that the daemon is not ready.`,
		Example: `  ecs-autoscaler status --config ecs-autoscaler.yaml
  ecs-autoscaler status --address 127.0.0.1:8080 --cluster shop --watch`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := url.Values{}
			if cluster != "" {
				q.Set("cluster", cluster)
			}
			w := cmd.OutOrStdout()
			return f.ask(cmd, func(ctx context.Context, client *daemon.Client) error {
				if !watch {
					return status(ctx, w, client, q, f.output)
				}
				ctx, stop := untilInterrupted(ctx)
				defer stop()
				return screen{w, terminal(w)}.repeat(ctx, func(w io.Writer) error { return status(ctx, w, client, q, f.output) })
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&cluster, "cluster", "", "only the services of this cluster, by `NAME`")
	cmd.Flags().BoolVar(&watch, "watch", false, "look again every 5 seconds, until interrupted")
	return cmd
}

func status(ctx context.Context, w io.Writer, client *daemon.Client, q url.Values, output string) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	version, err := client.Version(ctx)
	if err != nil {
		return err
	}
	targets, err := client.Targets(ctx, q)
	if err != nil {
		return err
	}
	if output == "json" {
		err = writeJSON(w, struct {
			Daemon  *web.VersionView `json:"daemon"`
			Targets []web.TargetView `json:"targets"`
		}{version, targets})
	} else {
		now := time.Now()
		if last := version.LastPass; last != nil && last.After(now) { // the clock of a demo runs faster
			now = *last
		}
		err = statusText(w, version, targets, now)
	}
	if err == nil && !version.Ready {
		return exitError{code: 1}
	}
	return err
}

func statusText(w io.Writer, version *web.VersionView, targets []web.TargetView, now time.Time) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "SERVICE\tDESIRED\tRUNNING\tMIN\tMAX\tLAST DECISION\tREASON\tNEXT LOOK")
	for i := range targets {
		t := &targets[i]
		what, why, next := "-", "-", "-"
		if l := t.Latest; l != nil {
			what, why = string(l.Action), string(l.Reason)
			if l.Next != nil {
				next = until(*l.Next, now)
			}
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\n",
			t.Key(), number(t.Desired), number(t.Running), t.MinCapacity, t.MaxCapacity, what, why, next)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for i := range targets {
		if note := targets[i].Note; note != "" {
			fmt.Fprintf(w, "\n%s: %s\n", targets[i].Key(), note)
		}
		if lines := steeringLines(targets[i].Suspensions, targets[i].Override); len(lines) > 0 {
			fmt.Fprintln(w)
			_ = tellSteering(w, targets[i].Key(), lines) // the last line says whether writing works
		}
	}
	_, err := fmt.Fprintf(w, "\n%d targets. Daemon %s with the state %s, %s, %s.\n", len(targets), version.Version, version.State,
		readiness(version.Ready), lastPass(version.LastPass, now))
	return err
}

func readiness(ready bool) string {
	if ready {
		return "ready"
	}
	return "NOT ready"
}

func lastPass(at *time.Time, now time.Time) string {
	if at == nil {
		return "no pass yet"
	}
	return "last pass " + max(now.Sub(*at), 0).Round(time.Second).String() + " ago"
}

// until is how long it is to an instant.
func until(at, now time.Time) string {
	if d := at.Sub(now).Round(time.Second); d > 0 {
		return "in " + d.String()
	}
	return "now"
}

// number is a count that may not be known.
func number(n *int) string {
	if n == nil {
		return "?"
	}
	return strconv.Itoa(*n)
}
