package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/web"
)

// watchInterval is how often status --watch looks.
const watchInterval = 5 * time.Second

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
			client, err := f.connect(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer client.Close()
			q := url.Values{}
			if cluster != "" {
				q.Set("cluster", cluster)
			}
			if !watch {
				return status(cmd.Context(), cmd.OutOrStdout(), client, q, f.output)
			}
			return repeat(cmd.Context(), cmd.OutOrStdout(), func(w io.Writer) error { return status(cmd.Context(), w, client, q, f.output) })
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&cluster, "cluster", "", "only the services of this cluster, by `NAME`")
	cmd.Flags().BoolVar(&watch, "watch", false, "look again every 5 seconds, until interrupted")
	return cmd
}

// repeat shows something again and again: on a terminal in one place, else one below the other.
func repeat(ctx context.Context, w io.Writer, show func(io.Writer) error) error {
	for first := true; ; first = false {
		var page bytes.Buffer
		if err := show(&page); err != nil {
			fmt.Fprintln(&page, "ecs-autoscaler:", err) // the daemon may be back at the next look
		}
		switch {
		case terminal(w):
			page.WriteString("\x1b[J") // what was longer before
			fmt.Fprint(w, "\x1b[H")
			if first {
				fmt.Fprint(w, "\x1b[2J")
			}
		case !first:
			fmt.Fprintln(w)
		}
		if _, err := page.WriteTo(w); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchInterval):
		}
	}
}

// terminal says whether a person reads along.
func terminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
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
		for _, line := range steeringLines(targets[i].Suspensions, targets[i].Override) {
			fmt.Fprintf(w, "\n%s: %s\n", targets[i].Key(), line)
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
