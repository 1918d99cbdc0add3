package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// cleanup is what stopping undoes, newest first. A start that fails half-way is undone by the same
// steps as a whole one.
type cleanup struct {
	steps []step
}

type step struct {
	name string
	stop func(context.Context) error
}

// push adds a step to be run before all that were pushed earlier.
func (c *cleanup) push(name string, stop func(context.Context) error) {
	c.steps = append(c.steps, step{name, stop})
}

// run runs every step once, whatever the others return.
func (c *cleanup) run(ctx context.Context) error {
	var errs []error
	for _, s := range slices.Backward(c.steps) {
		if err := s.stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stopping %s: %w", s.name, err))
		}
	}
	c.steps = nil
	return errors.Join(errs...)
}
