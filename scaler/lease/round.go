package lease

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"go.uber.org/zap"

	"ecs-autoscaler/store"
)

// round looks at the leases once, lets go of what is not this daemon's any more, and takes what should be.
func (k *Keeper) round(ctx context.Context) {
	k.lost(k.takeFenced())
	scopes := k.survey()
	leases, members, err := k.read(ctx)
	if err != nil {
		k.complain(ctx, err)
		return
	}
	k.compare(leases)
	k.begin()
	k.deal(ctx, scopes, leases, members)
	k.publish(leases, members)
}

// survey asks what the configuration means, and has the heartbeat say so.
func (k *Keeper) survey() []store.Scope {
	scopes := k.Fleet.Scopes()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.digest = digest(scopes)
	return scopes
}

// read reads the table and looks at the heartbeats.
func (k *Keeper) read(ctx context.Context) (map[store.Scope]store.Lease, []store.Member, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	list, members, err := k.Table.ReadLeases(ctx)
	if err != nil {
		return nil, nil, err
	}
	leases := make(map[store.Scope]store.Lease, len(list))
	beats := make(map[string]uint64, len(members))
	for _, l := range list {
		leases[l.Scope] = l
		if l.Owner != "" {
			beats[l.Owner] = 0 // an owner without a heartbeat stands still
		}
	}
	for _, m := range members {
		beats[m.ID] = m.Beat
	}
	k.sights.look(k.elapsed(), beats)
	return leases, members, nil
}

// compare lets go of every scope whose lease is another's by now.
func (k *Keeper) compare(leases map[store.Scope]store.Lease) {
	var gone []store.Scope
	for sc, l := range k.held {
		if leases[sc].Generation != l.Generation {
			gone = append(gone, sc)
		}
	}
	for sc, t := range k.taken {
		if leases[sc].Generation != t.lease.Generation {
			delete(k.taken, sc)
		}
	}
	k.lost(gone)
}

// takeFenced are the scopes whose commits have been refused since the last round.
func (k *Keeper) takeFenced() []store.Scope {
	k.mu.Lock()
	defer k.mu.Unlock()
	gone := slices.Collect(maps.Keys(k.fenced))
	clear(k.fenced)
	return gone
}

// lost drops scopes that another daemon has taken.
func (k *Keeper) lost(gone []store.Scope) {
	gone = slices.DeleteFunc(gone, func(sc store.Scope) bool { _, held := k.held[sc]; return !held })
	for _, sc := range gone {
		k.telemetry.lost.Inc()
		k.Logger.Warn("another daemon has taken this cluster; this one has stopped steering it", zap.Stringer("cluster", sc))
	}
	k.drop(gone)
}

// drop ends the steering of scopes, all at once, because each may have a write under way.
func (k *Keeper) drop(scopes []store.Scope) {
	var all sync.WaitGroup
	for _, sc := range scopes {
		all.Go(func() { k.Fleet.Drop(sc) })
	}
	all.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, sc := range scopes {
		delete(k.held, sc)
		delete(k.fenced, sc) // its last commit was refused once more: that is no news about a later lease
		k.telemetry.held.DeleteLabelValues(sc.Account, sc.Cluster)
	}
}

// begin steers what was taken long enough ago.
func (k *Keeper) begin() {
	for sc, t := range k.taken {
		if k.elapsed() < t.from {
			continue
		}
		delete(k.taken, sc)
		k.hold(t.lease)
	}
}

// hold gives a scope to the fleet. When its state cannot be loaded the lease stays this daemon's and is taken anew.
func (k *Keeper) hold(l store.Lease) {
	if err := k.Fleet.Hold(l.Scope, &store.Fence{Scope: l.Scope, Generation: l.Generation}); err != nil {
		k.telemetry.failed.Inc()
		k.Logger.Error("the state of a cluster could not be loaded; it is tried again", zap.Stringer("cluster", l.Scope), zap.Error(err))
		return
	}
	k.held[l.Scope] = l
	k.telemetry.held.WithLabelValues(l.Scope.Account, l.Scope.Cluster).Set(1)
}

// deal gives up what should be another's and takes what should be this daemon's.
func (k *Keeper) deal(ctx context.Context, scopes []store.Scope, leases map[store.Scope]store.Lease, members []store.Member) {
	dealt := share(scopes, k.partners(members))
	var away []store.Scope
	for sc := range k.held {
		to, wanted := dealt[sc]
		if !wanted || to != k.ID && k.sights.lively(to) {
			away = append(away, sc)
		}
	}
	k.giveUp(ctx, away)
	for _, sc := range sorted(scopes) {
		if why := k.due(sc, leases[sc], dealt[sc]); why != "" && ctx.Err() == nil {
			k.take(ctx, leases[sc], sc, why)
		}
	}
}

// partners are the daemons that mean the same scopes as this one, itself among them, without the dead.
func (k *Keeper) partners(members []store.Member) []string {
	ids := []string{k.ID}
	for _, m := range members {
		if m.ID != k.ID && m.Digest == k.digest && !k.sights.dead(m.ID) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// The reasons for taking a lease.
const (
	isFree    = "free"    // nobody has it
	isOurs    = "ours"    // a call whose answer was lost has taken it, or its state could not be loaded
	isExpired = "expired" // its owner is dead
)

// due says why a lease is to be taken now, empty when it is not. What is free goes to the member it is dealt to; one that does not come
// for it, because it cannot or does not mean this cluster, has it taken from under its nose when a lease would expire.
func (k *Keeper) due(sc store.Scope, l store.Lease, to string) string {
	_, held := k.held[sc]
	_, taken := k.taken[sc]
	free := l.Owner == ""
	if !free || held {
		delete(k.idle, sc)
	}
	switch {
	case held || taken:
		return ""
	case l.Owner == k.ID:
		return isOurs
	case free && (to == k.ID || k.waited(sc)):
		return isFree
	case !free && k.sights.dead(l.Owner):
		return isExpired
	default:
		return ""
	}
}

// waited says that a free lease has been left to another for as long as one lasts.
func (k *Keeper) waited(sc store.Scope) bool {
	since, known := k.idle[sc]
	if !known {
		k.idle[sc] = k.elapsed()
		return false
	}
	return k.elapsed()-since >= Expiry
}

// take takes one lease. Only what nobody had can be used at once.
func (k *Keeper) take(ctx context.Context, l store.Lease, sc store.Scope, why string) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	l.Scope = sc
	got, err := k.Table.Take(ctx, l, k.ID)
	if errors.Is(err, store.ErrFenced) {
		return // another daemon was quicker
	}
	if err != nil {
		k.complain(ctx, fmt.Errorf("the lease of cluster %s: %w", sc, err))
		return
	}
	delete(k.idle, sc)
	k.telemetry.taken.WithLabelValues(why).Inc()
	k.Logger.Info("this daemon steers the cluster now",
		zap.Stringer("cluster", sc), zap.String("lease", why), zap.Uint64("generation", got.Generation))
	if why == isFree {
		k.hold(got)
		return
	}
	k.taken[sc] = taking{got, k.elapsed() + SendWithin}
}

// giveUp hands scopes to others.
func (k *Keeper) giveUp(ctx context.Context, away []store.Scope) {
	leases := make(map[store.Scope]store.Lease, len(away))
	for _, sc := range away {
		leases[sc] = k.held[sc]
		k.Logger.Info("this daemon hands the cluster over", zap.Stringer("cluster", sc))
	}
	k.drop(away)
	if err := k.releaseAll(ctx, leases); err != nil {
		k.complain(ctx, err)
	}
}

// releaseAll makes leases free. That one has moved on already is no failure.
func (k *Keeper) releaseAll(ctx context.Context, leases map[store.Scope]store.Lease) error {
	var errs []error
	for _, l := range leases {
		cctx, cancel := context.WithTimeout(ctx, callTimeout)
		if err := k.Table.Release(cctx, l); err != nil && !errors.Is(err, store.ErrFenced) {
			errs = append(errs, fmt.Errorf("the lease of cluster %s could not be released, it expires by itself: %w", l.Scope, err))
		}
		cancel()
	}
	return errors.Join(errs...)
}

// complain tells people once that the leases cannot be read or written.
func (k *Keeper) complain(ctx context.Context, err error) {
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	k.telemetry.failed.Inc()
	if !k.trouble {
		k.trouble = true
		k.Logger.Error("the leases cannot be read or written; what this daemon steers it goes on steering as long as nobody takes it", zap.Error(err))
	}
}
