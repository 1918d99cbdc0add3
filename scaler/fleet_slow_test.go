package scaler

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"ecs-autoscaler/store"
)

// slowState is a shared state that answers about one cluster only when it is let.
type slowState struct {
	fencing
	loads   store.Scope
	commits chan struct{} // closed: commits go through; nil: at once
}

func (s *slowState) LoadScope(ctx context.Context, sc store.Scope) (*store.Snapshot, error) {
	if sc == s.loads {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.Backend.Load()
}

func (s *slowState) Commit(d *store.Durable) error {
	if s.commits != nil {
		<-s.commits
	}
	return s.Backend.Commit(d)
}

func TestAClusterWhoseStateDoesNotLoadHoldsNoOtherBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add("web", 2)
		s := newSquad(t, w, tracking, &slowState{fencing: fencing{Backend: store.Memory()}, loads: store.Scope{Cluster: "slow"}}, shared)
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() {
			failed <- s.fleet.Hold(ctx, store.Scope{Cluster: "slow"}, &store.Fence{Scope: store.Scope{Cluster: "slow"}, Generation: 1})
		}()
		synctest.Wait()
		hold(t, s.fleet, lease(1)) // the bubble is stuck if this waits
		s.fleet.Drop(inC)
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("the slow one ended with %v", err)
		}
	})
}

func TestARegistrationUnderWayIsOverBeforeItsClusterIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		k := w.add("web", 2)
		b := &slowState{fencing: fencing{Backend: store.Memory()}}
		s := newSquad(t, w, tracking, b, shared)
		hold(t, s.fleet, lease(1))
		s.pass()
		b.commits = make(chan struct{})
		registered, dropped := make(chan error, 2), make(chan struct{})
		maximum := 7
		register := func() {
			registered <- s.fleet.RegisterScalableTarget(t.Context(), k, Registration{MaxCapacity: &maximum})
		}
		go register()
		synctest.Wait()
		go func() { s.fleet.Drop(inC); close(dropped) }()
		synctest.Wait()
		select {
		case <-dropped:
			t.Error("the cluster was given up in the middle of the registration's commit")
		default:
		}
		close(b.commits)
		<-dropped
		if err := <-registered; err != nil {
			t.Error(err)
		}
		if rows := s.store.Targets(); len(rows) > 0 {
			t.Errorf("%d rows are left of the cluster", len(rows))
		}
	})
}

func TestADaemonWithoutClustersIsLateWithNothing(t *testing.T) {
	w := newWorld()
	w.add("web", 2)
	s := newSquad(t, w, tracking, &fencing{Backend: store.Memory()}, shared)
	if at := s.fleet.LastPass(); !at.Equal(w.now) {
		t.Errorf("before it has any, its last pass was at %s, not now", at)
	}
	hold(t, s.fleet, lease(1))
	s.pass()
	w.now = w.now.Add(time.Hour)
	if at := s.fleet.LastPass(); w.now.Sub(at) < 59*time.Minute {
		t.Errorf("a pass that is due for an hour is not seen: %s", at)
	}
	s.fleet.Drop(inC)
	if at := s.fleet.LastPass(); !at.Equal(w.now) {
		t.Errorf("after the last was taken from it, its last pass was at %s, not now", at)
	}
}
