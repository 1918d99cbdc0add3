package daemon

import (
	"context"
	"errors"
	"fmt"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler"
	"ecs-autoscaler/web"
)

var errNothingToReload = errors.New("there is nothing to reload: the configuration did not come from a file")

// commands are what the web room may ask of the daemon.
type commands struct{ d *Daemon }

// Steer does what a person asks of a target.
func (c commands) Steer(ctx context.Context, k evaluator.Key, command evaluator.Command) error {
	err := c.d.fleet.Steer(ctx, k, command)
	switch {
	case errors.Is(err, scaler.ErrNotSteered):
		return renamedError{err, web.ErrNotSteered}
	case errors.Is(err, scaler.ErrRefused):
		return renamedError{err, web.ErrRefused}
	default:
		return err
	}
}

// renamedError is an error of one room that another knows by its own name.
type renamedError struct {
	error
	is error
}

// Unwrap is the name.
func (e renamedError) Unwrap() error { return e.is }

// Reload loads the configuration anew between two passes and returns what came of it: nil when it is taken up, web.ErrIncomplete
// when not all of it could be, else why the one before stays in force. When ctx ends first, the reload still happens.
func (c commands) Reload(ctx context.Context) error {
	load := c.d.options.Load
	if load == nil {
		return errNothingToReload
	}
	done := make(chan error, 1) // with room: nobody may be left to listen
	select {
	case c.d.reload <- scaler.Reloading{Load: load, Done: func(err error) { done <- err }}:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		if _, incomplete := errors.AsType[*scaler.IncompleteError](err); incomplete {
			err = fmt.Errorf("%w: %w", web.ErrIncomplete, err)
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
