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
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"ecs-autoscaler/scaler/lease"
	"ecs-autoscaler/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// table is a little DynamoDB: leases and members behind one lock.
type table struct {
	mu      sync.Mutex
	leases  map[store.Scope]store.Lease
	members map[string]store.Member
}

// link is one daemon's way to the table.
type link struct {
	*table
	mu sync.Mutex
	// cut lets no call through, mute answers none although it takes effect.
	cut, mute bool
}

var errUnreachable = errors.New("the table does not answer")

// call runs one operation as a network would.
func (l *link) call(ctx context.Context, do func() error) error {
	time.Sleep(20 * time.Millisecond)
	l.mu.Lock()
	cut, mute := l.cut, l.mute
	l.mu.Unlock()
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
	_, err := l.Take(ctx, le, "")
	return err
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
}

func (f *fleet) Scopes() []store.Scope {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.scopes)
}

func (f *fleet) Hold(sc store.Scope, fence *store.Fence) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken {
		return errUnreachable
	}
	f.holds[sc] = fence.Generation
	return nil
}

func (f *fleet) Drop(sc store.Scope) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.holds, sc)
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
	stop   func()
	kill   func()
}

// world is some daemons around one table.
type world struct {
	t       *testing.T
	table   *table
	scopes  []store.Scope
	daemons []*daemon
}

func inTime(t *testing.T, clusters int, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, table: &table{leases: map[store.Scope]store.Lease{}, members: map[string]store.Member{}}}
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
	d := &daemon{fleet: &fleet{scopes: w.scopes, holds: map[store.Scope]uint64{}}, link: &link{table: w.table}}
	id := fmt.Sprintf("daemon-%d", len(w.daemons))
	d.keeper = lease.New(lease.Options{Table: d.link, Fleet: d.fleet, ID: id, Address: id + ":8080", Logger: zap.NewNop()})
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
