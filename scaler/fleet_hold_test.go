package scaler

import (
	"errors"
	"testing"
	"time"

	"ecs-autoscaler/store"
)

func TestAClusterThatCannotBeTakenUpIsAProblemLikeAnyOther(t *testing.T) {
	w := newWorld()
	w.add("web", 2)
	b := &fencing{Backend: store.Memory(), damage: errors.New("a damaged item")}
	s := newSquad(t, w, tracking, b, shared)
	told := func(text string, want int) {
		t.Helper()
		if n := s.logs.FilterMessage(text + "the cluster cannot be taken up, so nobody steers it; it is tried again every few seconds: " +
			"load what is remembered of c: a damaged item").Len(); n != want || s.fleet.problems() != 1 {
			t.Errorf("it is told %d times, want %d; %d problems", n, want, s.fleet.problems())
		}
	}
	for range 3 {
		if err := s.fleet.Hold(t.Context(), inC, lease(3)); !errors.Is(err, b.damage) {
			t.Fatal(err)
		}
		told("", 1)
		s.wait(25 * time.Minute)
	}
	_ = s.fleet.Hold(t.Context(), inC, lease(3)) // that it fails is known
	told("", 2)
	b.damage = nil
	hold(t, s.fleet, lease(3))
	if n := s.logs.FilterMessageSnippet("solved: the cluster cannot be taken up").Len(); n != 1 || s.fleet.problems() != 0 {
		t.Errorf("its end is told %d times, %d problems are left", n, s.fleet.problems())
	}
	s.fleet.Drop(inC)
	b.damage = errors.New("a damaged item")
	_ = s.fleet.Hold(t.Context(), inC, lease(5))
	s.fleet.Drop(inC) // it is another daemon's
	if n := s.logs.FilterMessageSnippet("solved:").Len(); n != 1 || s.fleet.problems() != 0 {
		t.Errorf("the end of what is another's is told %d times, %d problems are left", n, s.fleet.problems())
	}
}
