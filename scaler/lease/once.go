package lease

import (
	"context"
	"time"

	"ecs-autoscaler/store"
)

// TakeFree takes every lease that nobody has, for a single pass, and returns which scopes are other daemons'. An owner that it
// does not see alive it watches as a running daemon does, because a single pass that was killed gives nothing back. It fails
// where the leases or the state of a cluster cannot be loaded. Until Close, this daemon's heartbeat moves. Run must not be called
// before or after it.
func (k *Keeper) TakeFree(ctx context.Context) (others []string, err error) {
	k.appear(ctx)
	for {
		leases, _, err := k.read(ctx)
		if err != nil {
			return nil, err
		}
		k.compare(leases)
		k.begin(ctx)
		scopes, unsure := sorted(k.Fleet.Scopes()), false
		for _, sc := range scopes {
			unsure = k.takeOnce(ctx, sc, leases[sc]) || unsure
		}
		k.work.wait()
		if failed := k.inVain(); len(failed) > 0 {
			return nil, k.unheld[failed[0].Scope]
		}
		if !unsure && len(k.taken) == 0 {
			return k.without(scopes), nil
		}
		if err := sleep(ctx, k.pause()); err != nil {
			return nil, err
		}
	}
}

// takeOnce takes a lease if that may be, and reports whether it is not known yet.
func (k *Keeper) takeOnce(ctx context.Context, sc store.Scope, l store.Lease) (unsure bool) {
	left, given := k.left[sc]
	switch why := k.due(sc, l, k.ID); {
	case given:
		k.giveBack(ctx, left)
		return true
	case why != "":
		k.take(ctx, l, sc, why)
		return why == isOurs
	case l.Owner == "" || l.Owner == k.ID:
		return false
	default:
		return !k.sights.moved(l.Owner)
	}
}

// without are the scopes that this daemon does not steer.
func (k *Keeper) without(scopes []store.Scope) (others []string) {
	for _, sc := range scopes {
		if _, held := k.held[sc]; !held {
			others = append(others, sc.String())
		}
	}
	return others
}

// appear has the heartbeat move until Close. It says of no configuration that it is this daemon's, so that nobody hands anything over.
func (k *Keeper) appear(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		k.beat(ctx)
	}()
	k.beats = func() {
		cancel()
		<-gone
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
