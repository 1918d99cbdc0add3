package lease

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.uber.org/zap"

	"ecs-autoscaler/store"
)

// round looks at the leases once, lets go of what is not this daemon's any more, and takes what should be.
func (k *Keeper) round(ctx context.Context) {
	k.lost(k.takeFenced())
	scopes := k.survey()
	leases, members, err := k.read(ctx)
	if err != nil {
		k.missed(ctx, err)
		return
	}
	k.compare(leases)
	dealt := share(scopes, k.partners(members))
	k.handOver(ctx, k.inVain(), dealt)
	k.begin(ctx)
	k.deal(ctx, scopes, leases, dealt)
	k.tidy(ctx, scopes, leases)
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
	moved := func(sc store.Scope, l store.Lease) bool { return leases[sc].Generation != l.Generation }
	for _, l := range inOrder(k.held) {
		if sc := l.Scope; moved(sc, l) {
			gone = append(gone, sc)
		}
	}
	maps.DeleteFunc(k.left, func(sc store.Scope, l store.Lease) bool { // it may be what a Take without an answer was to make
		return moved(sc, l) || leases[sc].Owner != l.Owner
	})
	for _, sc := range sorted(slices.Collect(maps.Keys(k.taken))) {
		if moved(sc, k.taken[sc].lease) {
			delete(k.taken, sc)
			k.forgo(sc)
		}
	}
	k.lost(gone)
}

// forgo ends what was told of a scope that could not be held: it is another's by now.
func (k *Keeper) forgo(sc store.Scope) {
	if k.unheld[sc] != nil {
		k.work.begin(sc, func() func() {
			k.Fleet.Drop(sc)
			return func() { k.dropped(sc) }
		})
	}
}

// takeFenced are the scopes whose commits have been refused since the last round.
func (k *Keeper) takeFenced() []store.Scope {
	k.mu.Lock()
	defer k.mu.Unlock()
	gone := sorted(slices.Collect(maps.Keys(k.fenced)))
	clear(k.fenced)
	return gone
}

// lost drops scopes that another daemon has taken.
func (k *Keeper) lost(gone []store.Scope) {
	for _, sc := range gone {
		if _, held := k.held[sc]; !held || k.work.busy[sc] {
			continue
		}
		k.telemetry.lost.Inc()
		k.Logger.Warn("another daemon has taken this cluster; this one has stopped steering it", zap.Stringer("cluster", sc))
		k.work.begin(sc, func() func() {
			k.Fleet.Drop(sc)
			return func() { k.dropped(sc) }
		})
	}
}

// dropped notes that the fleet does not steer a scope any more.
func (k *Keeper) dropped(sc store.Scope) {
	delete(k.held, sc)
	delete(k.unheld, sc)
	k.telemetry.held.DeleteLabelValues(sc.Account, sc.Cluster)
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.fenced, sc) // its last commit was refused once more: that is no news about a later lease
}

// begin steers what was taken long enough ago.
func (k *Keeper) begin(ctx context.Context) {
	for _, sc := range sorted(slices.Collect(maps.Keys(k.taken))) {
		t := k.taken[sc]
		if k.elapsed() < t.from {
			continue
		}
		delete(k.taken, sc)
		k.work.begin(sc, func() func() {
			leave, ok := k.work.slot(ctx)
			if !ok {
				return func() { k.left[sc] = t.lease }
			}
			defer leave()
			return k.hold(ctx, t)
		})
	}
}

// hold gives a scope to the fleet. When its state cannot be loaded the lease stays this daemon's, and it is tried again.
func (k *Keeper) hold(ctx context.Context, t taking) (then func()) {
	l := t.lease
	err := k.Fleet.Hold(ctx, l.Scope, &store.Fence{Scope: l.Scope, Generation: l.Generation})
	if err == nil {
		return func() {
			delete(k.unheld, l.Scope)
			k.held[l.Scope] = l
			k.telemetry.held.WithLabelValues(l.Scope.Account, l.Scope.Cluster).Set(1)
			k.Logger.Info("this daemon steers the cluster now",
				zap.Stringer("cluster", l.Scope), zap.String("lease", t.why), zap.Uint64("generation", l.Generation))
		}
	}
	return func() {
		k.taken[l.Scope] = taking{l, t.why, k.elapsed() + Every}
		if ctx.Err() != nil {
			return // a stop has cut it short
		}
		k.telemetry.failed.Inc()
		k.unheld[l.Scope] = err
	}
}

// handOver gives up those leases that should be another's.
func (k *Keeper) handOver(ctx context.Context, all []store.Lease, dealt map[store.Scope]string) {
	for _, l := range all {
		sc := l.Scope
		to, wanted := dealt[sc]
		if !k.work.busy[sc] && (!wanted || to != k.ID && k.sights.lively(to)) {
			k.Logger.Info("this daemon hands the cluster over", zap.Stringer("cluster", sc))
			delete(k.taken, sc)
			k.giveUp(ctx, l)
		}
	}
}

// deal gives up what should be another's and takes what should be this daemon's.
func (k *Keeper) deal(ctx context.Context, scopes []store.Scope, leases map[store.Scope]store.Lease, dealt map[store.Scope]string) {
	k.handOver(ctx, inOrder(k.held), dealt)
	for _, l := range inOrder(k.left) {
		if !k.work.busy[l.Scope] {
			k.giveBack(ctx, l)
		}
	}
	for _, sc := range sorted(scopes) {
		if why := k.due(sc, leases[sc], dealt[sc]); why != "" && ctx.Err() == nil {
			k.take(ctx, leases[sc], sc, why)
		}
	}
}

// inVain are the leases whose scopes could not be held when that was last tried. They have waited for the former owner's last write.
func (k *Keeper) inVain() (all []store.Lease) {
	for _, sc := range sorted(slices.Collect(maps.Keys(k.unheld))) {
		if t, taken := k.taken[sc]; taken {
			all = append(all, t.lease)
		}
	}
	return all
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
	free := l.Owner == ""
	if !free || held {
		delete(k.idle, sc)
	}
	switch {
	case held || k.underWay(sc):
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

// underWay says that something is being done about a scope, or will be, that ends with steering it or with a free lease.
func (k *Keeper) underWay(sc store.Scope) bool {
	_, taken := k.taken[sc]
	_, left := k.left[sc]
	return taken || left || k.work.busy[sc]
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

// take takes one lease. Only what nobody had can be used at once. A stop does not cut it short: then nobody would know whose
// the lease is.
func (k *Keeper) take(ctx context.Context, l store.Lease, sc store.Scope, why string) {
	l.Scope = sc
	k.work.begin(sc, func() func() {
		leave, ok := k.work.slot(ctx)
		if !ok {
			return func() {}
		}
		defer leave()
		got, err := k.takeNow(ctx, l)
		if err == nil && why == isFree {
			k.telemetry.taken.WithLabelValues(why).Inc()
			return k.hold(ctx, taking{lease: got, why: why})
		}
		return func() {
			switch {
			case err == nil:
				k.telemetry.taken.WithLabelValues(why).Inc()
				k.taken[sc] = taking{got, why, k.elapsed() + SendWithin}
			case !errors.Is(err, store.ErrFenced): // else another daemon was quicker
				k.left[sc] = store.Lease{Scope: sc, Owner: k.ID, Generation: l.Generation + 1} // if it was taken all the same
				k.complain(ctx, fmt.Errorf("the lease of cluster %s: %w", sc, err))
			}
		}
	})
}

func (k *Keeper) takeNow(ctx context.Context, l store.Lease) (store.Lease, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	return k.Table.Take(ctx, l, k.ID)
}

// giveUp hands a scope to another daemon.
func (k *Keeper) giveUp(ctx context.Context, l store.Lease) {
	k.work.begin(l.Scope, func() func() {
		k.Fleet.Drop(l.Scope)
		err := k.release(context.WithoutCancel(ctx), l)
		return func() {
			k.dropped(l.Scope)
			k.released(ctx, l, err)
		}
	})
}

// giveBack tries again to release what is not steered any more.
func (k *Keeper) giveBack(ctx context.Context, l store.Lease) {
	k.work.begin(l.Scope, func() func() {
		err := k.release(context.WithoutCancel(ctx), l)
		return func() { k.released(ctx, l, err) }
	})
}

func (k *Keeper) released(ctx context.Context, l store.Lease, err error) {
	delete(k.left, l.Scope)
	if err != nil {
		k.left[l.Scope] = l
		k.complain(ctx, err)
	}
}

// release makes a lease free. That it has moved on already is no failure.
func (k *Keeper) release(ctx context.Context, l store.Lease) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := k.Table.Release(ctx, l); err != nil && !errors.Is(err, store.ErrFenced) {
		return fmt.Errorf("the lease of cluster %s could not be released, it expires by itself: %w", l.Scope, err)
	}
	return nil
}

// missed notes a round that did not work.
func (k *Keeper) missed(ctx context.Context, err error) {
	k.complain(ctx, err)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unread = err
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
