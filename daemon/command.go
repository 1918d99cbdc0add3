package daemon

import (
	"context"
	"errors"
	"fmt"

	"ecs-autoscaler/scaler"
	"ecs-autoscaler/web"
)

var errNothingToReload = errors.New("there is nothing to reload: the configuration did not come from a file")

// commands are what the web room may ask of the daemon.
type commands struct{ d *Daemon }

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
