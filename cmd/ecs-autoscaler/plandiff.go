package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/appscaling"
)

// compare prints the targets beside their managed scaling.
func (f *planFlags) compare(ctx context.Context, w io.Writer, planner *daemon.Planner) error {
	found, err := planner.AgainstAWS(ctx)
	if err != nil && !errors.Is(err, daemon.ErrUnhandled) {
		return err
	}
	if f.output == "json" {
		if err := writeJSON(w, struct {
			Memory  daemon.MemorySource `json:"memory"`
			Targets []daemon.Comparison `json:"targets"`
			Others  []string            `json:"not_configured"`
		}{planner.Memory, found.Targets, found.Others}); err != nil {
			return err
		}
	} else if err := comparedText(w, planner.Memory, found); err != nil {
		return err
	}
	return f.exit(err, found.Different())
}

func comparedText(w io.Writer, source daemon.MemorySource, found *daemon.Against) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "SERVICE\tLAST AT AWS (UTC)\tCHANGE\tSTATUS\tTHEN HERE\tNOW HERE\tRESULT")
	for i := range found.Targets {
		c := &found.Targets[i]
		at, change, status := lastAtAWS(c.Managed)
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.Target, at, change, status, gist(c.Then), gist(c.Now), strings.ReplaceAll(string(c.Result), "_", " "))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for i := range found.Targets {
		if err := details(w, &found.Targets[i]); err != nil {
			return err
		}
	}
	if len(found.Others) > 0 {
		fmt.Fprintf(w, "\nScaled by AWS in the same clusters, and no targets of this configuration: %s.\n", strings.Join(found.Others, ", "))
	}
	_, err := fmt.Fprintf(w, "\n%d of %d targets differ. Memory of cooldowns and alarms for NOW HERE: %s.\n%s\n",
		found.Different(), len(found.Targets), memoryText(source), hindsightText)
	return err
}

// hindsightText says what THEN HERE rests on.
const hindsightText = `THEN HERE is decided anew on the metrics of the minute of AWS's last activity, or of the two before, from the
count that its activities tell, within the bounds of the configuration. Cooldowns, credit, deployments, scheduled bounds and
what others did to the count are not in it.`

// lastAtAWS is what AWS did last.
func lastAtAWS(m *daemon.ManagedScaling) (at, change, status string) {
	if m == nil {
		return "-", "-", "-"
	}
	a := m.LastActivity
	if a == nil {
		return "nothing in six weeks", "-", "-"
	}
	status = a.StatusCode
	if len(a.NotScaled) > 0 {
		status = a.NotScaled[0].Code
	}
	return clock(a.StartTime), changeAtAWS(a), status
}

func changeAtAWS(a *appscaling.Activity) string {
	switch {
	case a.To == nil:
		return a.Description
	case !a.Scaled():
		return "at " + number(a.To)
	}
	return number(a.From) + " -> " + number(a.To)
}

// gist is a decision in a word.
func gist(d *evaluator.Decision) string {
	switch {
	case d == nil:
		return "-"
	case !d.Seen():
		return "? " + string(d.Reason)
	case d.Action == evaluator.Hold:
		return fmt.Sprintf("at %d %s", d.Desired, d.Reason)
	}
	return fmt.Sprintf("%d -> %d %s", d.Desired, d.Wanted, d.Reason)
}

// details are the differences of a target, and what else there is to know.
func details(w io.Writer, c *daemon.Comparison) error {
	if len(c.Differences)+len(c.Notes) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s:\n", c.Target)
	for _, d := range c.Differences {
		fmt.Fprintf(&b, "  different: %s\n", d.Message)
	}
	for _, n := range c.Notes {
		fmt.Fprintf(&b, "  note: %s\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
