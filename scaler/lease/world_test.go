package lease_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"ecs-autoscaler/scaler/lease"
	"ecs-autoscaler/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// table is a little DynamoDB: leases and members behind one lock.
type table struct {
	mu      sync.Mutex
	leases  map[store.Scope]store.Lease
	members map[string]store.Member
	// wrong counts the attempts to release a lease of another owner.
	wrong int
}

// link is one daemon's way to the table.
type link struct {
	*table
	mu sync.Mutex
	// cut lets no call through, mute answers none although it takes effect, refused says no at once, lost lets all through but the
	// taking of leases.
	cut, mute, refused, lost bool
	calls                    int
}

var errUnreachable = errors.New("the table does not answer")

// call runs one operation as a network would.
func (l *link) call(ctx context.Context, do func() error) error {
	time.Sleep(20 * time.Millisecond)
	l.mu.Lock()
	cut, mute, refused := l.cut, l.mute, l.refused
	l.calls++
	l.mu.Unlock()
	if refused {
		return errUnreachable
	}
	if cut {
		<-ctx.Done()
		return errUnreachable
	}
	l.table.mu.Lock()
	err := do()
	l.table.mu.Unlock()
	if mute {
		<-ctx.Done()
		return errUnreachable
	}
	return err
}

func (l *link) set(cut, mute bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut, l.mute = cut, mute
}

func (l *link) ReadLeases(ctx context.Context) (leases []store.Lease, members []store.Member, err error) {
	err = l.call(ctx, func() error {
		leases, members = slices.Collect(maps.Values(l.leases)), slices.Collect(maps.Values(l.members))
		return nil
	})
	return leases, members, err
}

func (l *link) Beat(ctx context.Context, m store.Member) error {
	return l.call(ctx, func() error { l.members[m.ID] = m; return nil })
}

func (l *link) Take(ctx context.Context, le store.Lease, owner string) (got store.Lease, err error) {
	l.mu.Lock()
	lost := l.lost
	l.mu.Unlock()
	if lost {
		<-ctx.Done()
		return got, errUnreachable
	}
	return got, l.call(ctx, func() error {
		if l.leases[le.Scope].Generation != le.Generation {
			return fmt.Errorf("take: %w", store.ErrFenced)
		}
		got = store.Lease{Scope: le.Scope, Owner: owner, Generation: le.Generation + 1}
		l.leases[le.Scope] = got
		return nil
	})
}

func (l *link) Release(ctx context.Context, le store.Lease) error {
	return l.call(ctx, func() error {
		now := l.leases[le.Scope]
		if now.Owner != "" && now.Owner != le.Owner {
			l.wrong++
		}
		if now != le {
			return fmt.Errorf("release: %w", store.ErrFenced)
		}
		l.leases[le.Scope] = store.Lease{Scope: le.Scope, Generation: le.Generation + 1}
		return nil
	})
}

func (l *link) Leave(ctx context.Context, id string) error {
	return l.call(ctx, func() error { delete(l.members, id); return nil })
}

// fleet notes what it is told to steer.
type fleet struct {
	mu     sync.Mutex
	scopes []store.Scope
	holds  map[store.Scope]uint64
	broken bool
	// slow is how long Hold and Drop take for a scope.
	slow map[store.Scope]time.Duration
	// open is where clusters have their open activities, for all daemons; read counts how often this one has looked.
	open *open
	read int
}

// open counts open activities: those that are to be ended, and those that are not yet.
type open struct {
	mu         sync.Mutex
	due, later map[store.Scope]int
}

func (f *fleet) Unended(_ context.Context, sc store.Scope) (due, later bool, err error) {
	f.mu.Lock()
	f.read++
	f.mu.Unlock()
	f.open.mu.Lock()
	defer f.open.mu.Unlock()
	return f.open.due[sc] > 0, f.open.later[sc] > 0, nil
}

func (f *fleet) EndUnended(ctx context.Context, sc store.Scope, _ *store.Fence) error {
	if err := f.linger(ctx, sc); err != nil {
		return err
	}
	f.open.mu.Lock()
	defer f.open.mu.Unlock()
	f.open.due[sc]--
	return nil
}

// count is how many activities are open.
func (o *open) count(sc store.Scope) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.due[sc] + o.later[sc]
}

// mean gives the daemon another configuration.
func (f *fleet) mean(scopes ...store.Scope) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scopes = scopes
}

// linger takes as long as the scope is slow, or until ctx ends.
func (f *fleet) linger(ctx context.Context, sc store.Scope) error {
	f.mu.Lock()
	slow := f.slow[sc]
	f.mu.Unlock()
	select {
	case <-time.After(slow):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fleet) slowDown(d time.Duration, scopes ...store.Scope) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slow = map[store.Scope]time.Duration{}
	for _, sc := range scopes {
		f.slow[sc] = d
	}
}

func (f *fleet) Scopes() []store.Scope {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.scopes)
}

func (f *fleet) Hold(ctx context.Context, sc store.Scope, fence *store.Fence) error {
	if err := f.linger(ctx, sc); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken {
		return errUnreachable
	}
	f.holds[sc] = fence.Generation
	return nil
}

func (f *fleet) Drop(sc store.Scope) {
	_ = f.linger(context.Background(), sc) // which never ends
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.holds, sc)
}

// breaks has no state be loaded any more, or again.
func (f *fleet) breaks(broken bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = broken
}

func (f *fleet) held() map[store.Scope]uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.holds)
}

// daemon is a keeper with its link and fleet.
type daemon struct {
	*fleet
	link   *link
	keeper *lease.Keeper
	logs   *observer.ObservedLogs
	// metrics are those of the keeper.
	metrics *prometheus.Registry
	stop    func()
	kill    func()
}

// world is some daemons around one table.
type world struct {
	t       *testing.T
	table   *table
	open    *open
	scopes  []store.Scope
	daemons []*daemon
	born    int
}

func inTime(t *testing.T, clusters int, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, table: &table{leases: map[store.Scope]store.Lease{}, members: map[string]store.Member{}},
			open: &open{due: map[store.Scope]int{}, later: map[store.Scope]int{}}}
		for i := range clusters {
			w.scopes = append(w.scopes, store.Scope{Cluster: fmt.Sprintf("c%d", i)})
		}
		test(w)
		for _, d := range w.daemons {
			d.kill()
		}
	})
}

// start begins another daemon's life. stop ends it in good order, kill leaves everything as it is.
func (w *world) start() *daemon {
	d := w.daemon()
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() { d.keeper.Run(ctx); close(done) }()
	d.kill = func() {
		d.link.set(true, false)
		cancel()
		<-done
		d.fleet.mu.Lock()
		clear(d.fleet.holds)
		d.fleet.mu.Unlock()
	}
	d.stop = func() {
		cancel()
		<-done
		if err := d.keeper.Close(ctx); err != nil {
			w.t.Error(err)
		}
		d.kill()
	}
	w.daemons = append(w.daemons, d)
	return d
}

// daemon is one that does not run yet.
func (w *world) daemon() *daemon {
	d := &daemon{fleet: &fleet{scopes: w.scopes, holds: map[store.Scope]uint64{}, open: w.open}, link: &link{table: w.table}}
	id := fmt.Sprintf("daemon-%d", w.born)
	w.born++
	core, logs := observer.New(zap.InfoLevel)
	d.logs, d.metrics = logs, prometheus.NewRegistry()
	d.keeper = lease.New(lease.Options{Table: d.link, Fleet: d.fleet, ID: id, Address: id + ":8080", Logger: zap.New(core), Registerer: d.metrics})
	return d
}

// live lets time pass and checks at each moment that no two daemons believe in a valid lease of one cluster.
func (w *world) live(d time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(250 * time.Millisecond) {
		w.table.mu.Lock()
		leases := maps.Clone(w.table.leases)
		w.table.mu.Unlock()
		valid := map[store.Scope]int{}
		for _, d := range w.daemons {
			for sc, generation := range d.held() {
				if leases[sc].Generation == generation {
					valid[sc]++
				}
			}
		}
		for sc, n := range valid {
			if n > 1 {
				w.t.Errorf("%d daemons hold the present lease of %s", n, sc)
			}
		}
	}
}

// steered checks how many clusters each daemon steers.
func (w *world) steered(want ...int) {
	w.t.Helper()
	got := []int{}
	for _, d := range w.daemons {
		got = append(got, len(d.held()))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("clusters by daemon (-want +got):\n%s", diff)
	}
}

// metric is the value of one that has no labels.
func (d *daemon) metric(t *testing.T, name string) float64 {
	t.Helper()
	families, err := d.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}
