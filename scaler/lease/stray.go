package lease

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/store"
)

// Unsteered is how long nobody must have had the lease of a cluster that this daemon's configuration does not mean, before the
// daemon ends what the cluster has left open. Whoever means it takes it within [Within], so by then nobody does that lives. As
// often it is looked at again.
const Unsteered = time.Hour

// stray is a lease that nobody has, of a cluster that the configuration does not mean.
type stray struct {
	generation uint64
	// due is when it is looked at what the cluster has left open, on this daemon's monotonic clock.
	due time.Duration
	// settled says that there is nothing, so that there is nothing to do until somebody has had the lease again.
	settled bool
}

// tidy looks after clusters that are in nobody's configuration any more. It begins with one in each round: they have time.
func (k *Keeper) tidy(ctx context.Context, scopes []store.Scope, leases map[store.Scope]store.Lease) {
	now := k.elapsed()
	maps.DeleteFunc(k.strays, func(sc store.Scope, _ *stray) bool { return leases[sc].Generation == 0 }) // somebody deleted the item
	for sc, l := range leases {
		switch s := k.strays[sc]; {
		case !k.astray(l, scopes):
			delete(k.strays, sc)
		case s == nil || s.generation != l.Generation:
			k.strays[sc] = &stray{generation: l.Generation, due: now + Unsteered}
		}
	}
	if sc, ok := k.nextStray(); ok && ctx.Err() == nil {
		k.strays[sc].due = now + Unsteered
		k.endUnended(ctx, leases[sc])
	}
}

// nextStray is the one that has been due for the longest time.
func (k *Keeper) nextStray() (next store.Scope, found bool) {
	for _, sc := range sorted(slices.Collect(maps.Keys(k.strays))) {
		s := k.strays[sc]
		if s.settled || k.elapsed() < s.due || k.work.busy[sc] {
			continue
		}
		if !found || s.due < k.strays[next].due {
			next, found = sc, true
		}
	}
	return next, found
}

// astray says that a lease is of a cluster that this configuration does not mean, and nobody's.
func (k *Keeper) astray(l store.Lease, scopes []store.Scope) bool {
	_, held := k.held[l.Scope]
	_, taken := k.taken[l.Scope]
	_, left := k.left[l.Scope]
	nobodys := l.Owner == "" || k.sights.dead(l.Owner)
	return l.Generation > 0 && nobodys && !held && !taken && !left && !slices.Contains(scopes, l.Scope)
}

// endUnended ends what a cluster has left open. The lease is taken only where there is something to end, and given back at
// once: a daemon whose configuration means the cluster has it with its next look.
func (k *Keeper) endUnended(ctx context.Context, l store.Lease) {
	k.work.begin(l.Scope, func() func() {
		due, later, err := k.Fleet.Unended(ctx, l.Scope)
		if err != nil || !due {
			return func() { k.notedStray(ctx, l, err == nil && !later, err) }
		}
		got, err := k.takeNow(ctx, l)
		if errors.Is(err, store.ErrFenced) { // somebody was quicker
			return func() {}
		}
		if err != nil {
			return func() {
				k.left[l.Scope] = store.Lease{Scope: l.Scope, Owner: k.ID, Generation: l.Generation + 1} // if it was taken all the same
				k.complain(ctx, fmt.Errorf("the lease of cluster %s: %w", l.Scope, err))
			}
		}
		ended := k.Fleet.EndUnended(ctx, l.Scope, &store.Fence{Scope: l.Scope, Generation: got.Generation})
		err = k.release(context.WithoutCancel(ctx), got)
		return func() {
			k.released(ctx, got, err)
			k.notedStray(ctx, l, false, ended)
		}
	})
}

// notedStray notes what was found of a cluster that nobody steers. What did not work is tried again in an hour.
func (k *Keeper) notedStray(ctx context.Context, l store.Lease, settled bool, err error) {
	if s := k.strays[l.Scope]; s != nil && s.generation == l.Generation {
		s.settled = settled
	}
	if err != nil && ctx.Err() == nil {
		k.telemetry.failed.Inc()
		k.Logger.Warn("what a cluster that nobody steers any more has left open could not be ended; it is tried again in an hour",
			zap.Stringer("cluster", l.Scope), zap.Error(err))
	}
}
