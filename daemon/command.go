package daemon

import (
	"context"
	"errors"

	"ecs-autoscaler/config"
)

var errNothingToReload = errors.New("there is nothing to reload: the configuration did not come from a file")

// commands are what the web room may ask of the daemon.
type commands struct{ d *Daemon }

// Reload loads the configuration anew between two passes and returns what came of it: nil when it is taken up, else
// why the one before stays in force. When ctx ends first, the reload still happens.
func (c commands) Reload(ctx context.Context) error {
	load := c.d.options.Load
	if load == nil {
		return errNothingToReload
	}
	// The loop takes up what loads, always, so that the result of loading is the result.
	loaded := make(chan error, 1)
	request := func() (*config.Config, error) {
		next, err := load()
		loaded <- err
		return next, err
	}
	select {
	case c.d.reload <- request:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-loaded:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
