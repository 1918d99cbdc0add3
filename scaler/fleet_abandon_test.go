package scaler

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/store"
)

func TestTheActivitiesOfAClusterThatLeftAreNotOpenForEver(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.addIn("d", "web", 2)
	w.value, w.startAfter = constant(90), 10*time.Hour
	s := newSquad(t, w, stepping, store.Memory(), nil)
	s.minutes(2)
	if len(s.store.OpenActivities()) != 1 {
		t.Fatalf("open %v", s.store.OpenActivities())
	}
	if err := s.fleet.Reload(parse(t, strings.ReplaceAll(stepping, "c/web", "d/web"))); err != nil {
		t.Fatal(err)
	}
	w.value = constant(30)
	s.minutes(130)
	for _, a := range s.store.OpenActivities() {
		if a.Target == k {
			t.Errorf("still %s after two hours", a.Status)
		}
	}
}

func TestWhatIsOpenOfAClusterThatNobodySteersIsEndedUnderALease(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.addIn("d", "web", 2)
	w.value, w.startAfter = constant(90), 10*time.Hour
	b := &fencing{Backend: store.Memory()}
	s := newSquad(t, w, strings.ReplaceAll(anyCluster, "*/web*", "*/web"), b, shared)
	s.minutes(1)
	hold(t, s.fleet, lease(3))
	s.minutes(2)
	s.fleet.Drop(inC)
	unended := func(wantDue, wantLater bool) {
		t.Helper()
		if due, later, err := s.fleet.Unended(t.Context(), inC); due != wantDue || later != wantLater || err != nil {
			t.Errorf("due %v, later %v, error %v; want %v and %v", due, later, err, wantDue, wantLater)
		}
	}
	unended(false, true)
	s.wait(2 * time.Hour)
	unended(true, false)
	s.listErr = errors.New("no list")
	s.minutes(1)
	unended(false, true) // the configuration may mean it
	s.listErr = nil
	s.minutes(10)
	b.moved = true
	if err := s.fleet.EndUnended(t.Context(), inC, lease(3)); !errors.Is(err, store.ErrFenced) {
		t.Errorf("error %v, want that the lease has moved on", err)
	}
	b.moved = false
	writes := len(w.writes)
	if err := s.fleet.EndUnended(t.Context(), inC, lease(3)); err != nil {
		t.Fatal(err)
	}
	unended(false, false)
	b.checkFences(t)
	if len(w.writes) != writes || len(s.names()) != 0 || s.store.Memory(k) != nil {
		t.Errorf("%d writes, targets %v: it was for the state alone", len(w.writes)-writes, s.names())
	}
}
