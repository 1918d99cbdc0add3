package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/evaluator"
)

// follow prints one plan, and then what changes.
func (f *planFlags) follow(ctx context.Context, w io.Writer, planner *daemon.Planner) error {
	ctx, stop := untilInterrupted(ctx)
	defer stop()
	if f.output == "json" {
		return planner.Watch(ctx, func(n daemon.News) error { return newsJSON(w, planner.Memory, n) })
	}
	first := true
	return planner.Watch(ctx, func(n daemon.News) error {
		if first {
			first = false
			return planText(w, planner.Memory, n.Decisions)
		}
		return newsText(w, n)
	})
}

// newsJSON writes a line of the form that a plan has.
func newsJSON(w io.Writer, source daemon.MemorySource, n daemon.News) error {
	return json.NewEncoder(w).Encode(struct {
		Memory    daemon.MemorySource  `json:"memory"`
		Decisions []evaluator.Decision `json:"decisions"`
		Gone      []string             `json:"gone,omitempty"`
	}{source, append([]evaluator.Decision{}, n.Decisions...), n.Gone})
}

func newsText(w io.Writer, n daemon.News) error {
	for i := range n.Decisions {
		if err := line(w, &n.Decisions[i], "text"); err != nil {
			return err
		}
	}
	for _, k := range n.Gone {
		if _, err := fmt.Fprintf(w, "%s is no target any more.\n", k); err != nil {
			return err
		}
	}
	return nil
}
