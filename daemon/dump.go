package daemon

import (
	"context"
	"errors"
	"fmt"

	"ecs-autoscaler/config"
	"ecs-autoscaler/scaler/lease"
	"ecs-autoscaler/store"
)

// errForgetful is what asking for a state in memory gets.
var errForgetful = errors.New(`state: memory: leaves nothing to export, and nothing to import into; name a file (state: "file:state.db")`)

// ExportState reads the state that the configuration names, the history only if it is asked for. A state file is neither made nor changed,
// and it is an error while a daemon has it open.
func ExportState(ctx context.Context, o Options, history bool) (*store.Dump, error) {
	b, err := openForExport(ctx, o)
	if err != nil {
		return nil, o.Config.Veil(err)
	}
	d, err := store.Export(b, history)
	return d, o.Config.Veil(errors.Join(err, b.Close()))
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
	defer func() { err = c.Veil(err) }()
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
	err = importable(ctx, b)
	if err == nil && !o.DryRun {
		err = store.Import(b, d)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", stateName(c), err)
	}
	return "", errors.Join(err, b.Close())
}

// importable says why nothing can be put into a table: it is not empty, or a daemon has the lease of a cluster. An import
// under the eyes of a daemon would get stuck halfway.
func importable(ctx context.Context, b store.Backend) error {
	if t, ok := b.(lease.Table); ok {
		leases, _, err := t.ReadLeases(ctx)
		if err != nil {
			return err
		}
		for _, l := range leases {
			if l.Owner != "" {
				return fmt.Errorf("%s is under the lease of the daemon %s: stop the daemons before an import", l.Scope, l.Owner)
			}
		}
	}
	empty, err := store.IsEmpty(b)
	if err == nil && !empty {
		err = fmt.Errorf("%w, and a table is never replaced: import into a new one (ecs-autoscaler state init makes it)", store.ErrNotEmpty)
	}
	return err
}

// StateName says which state the configuration means, as messages show it.
func StateName(c *config.Config) string { return stateName(c) }
