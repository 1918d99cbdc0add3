package daemon

import (
	"errors"
	"fmt"
	"path/filepath"

	"ecs-autoscaler/config"
	"ecs-autoscaler/store"
)

// OpenState opens the state that the configuration names. A dry run keeps its own beside it, so that
// switching to real inherits nothing from it.
func OpenState(c *config.Config, allowVolatile bool) (*store.Store, error) {
	b, err := openBackend(c, allowVolatile)
	if err != nil {
		return nil, err
	}
	s, err := store.New(b)
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return s, nil
}

func openBackend(c *config.Config, allowVolatile bool) (store.Backend, error) {
	switch c.State.Kind {
	case config.StateDynamoDB:
		return nil, fmt.Errorf("state: %s is not yet supported; use file:PATH", c.State)
	case config.StateMemory:
		if !c.DryRun && !allowVolatile {
			return nil, errors.New("state: memory: forgets every cooldown and open activity at a restart, so that a step could be repeated; " +
				"name a file (state: \"file:state.db\"), or accept it with --allow-volatile-state")
		}
		return store.Memory(), nil
	case config.StateFile:
	}
	return store.OpenFile(StatePath(c))
}

// stateName says which state a configuration means, whatever directory it is asked from.
func stateName(c *config.Config) string {
	if c.State.Kind != config.StateFile {
		return c.State.String()
	}
	path, err := filepath.Abs(StatePath(c))
	if err != nil {
		path = StatePath(c) // the working directory is gone; it is nobody else's then
	}
	return string(c.State.Kind) + ":" + path
}

// StatePath is the file that holds the state, with the suffix of a dry run where it is one.
func StatePath(c *config.Config) string {
	if c.DryRun {
		return c.State.Path + ".dry"
	}
	return c.State.Path
}
