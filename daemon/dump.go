package daemon

import (
	"context"
	"errors"

	"ecs-autoscaler/config"
	"ecs-autoscaler/store"
)

// errForgetful is what asking for a state in memory gets.
var errForgetful = errors.New(`state: memory: leaves nothing to export, and nothing to import into; name a file (state: "file:state.db")`)

// ExportState reads the state that the configuration names, the history only if it is asked for. A state file is neither made nor changed,
// and it is an error while a daemon has it open.
func ExportState(ctx context.Context, o Options, history bool) (*store.Dump, error) {
	b, err := openForExport(ctx, o)
	if err != nil {
		return nil, err
	}
	d, err := store.Export(b, history)
	return d, errors.Join(err, b.Close())
}

func openForExport(ctx context.Context, o Options) (store.Backend, error) {
	switch c := o.Config; c.State.Kind {
	case config.StateMemory:
		return nil, errForgetful
	case config.StateFile:
		return store.OpenReadOnly(StatePath(c))
	case config.StateDynamoDB:
	}
	return openBackend(ctx, o)
}

// ImportOptions say how a state is imported.
type ImportOptions struct {
	// Force puts a state file that is there aside; other states must be empty.
	Force bool
	// DryRun checks everything and writes nothing.
	DryRun bool
}

// ImportState makes d the state that the configuration names. It returns the name under which a file that it replaced is kept.
func ImportState(ctx context.Context, with Options, d *store.Dump, o ImportOptions) (kept string, err error) {
	c := with.Config
	switch {
	case c.State.Kind == config.StateMemory:
		return "", errForgetful
	case c.State.Kind == config.StateFile && o.DryRun:
		return "", store.CheckImport(StatePath(c), o.Force)
	case c.State.Kind == config.StateFile:
		return store.ImportFile(StatePath(c), d, o.Force)
	}
	b, err := openBackend(ctx, with)
	if err != nil {
		return "", err
	}
	empty, err := store.IsEmpty(b)
	switch {
	case err == nil && !empty:
		err = store.ErrNotEmpty
	case err == nil && !o.DryRun:
		err = store.Import(b, d)
	}
	return "", errors.Join(err, b.Close())
}

// StateName says which state the configuration means, as messages show it.
func StateName(c *config.Config) string { return stateName(c) }
