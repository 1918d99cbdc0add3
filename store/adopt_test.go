package store

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-autoscaler/evaluator"
)

// sharedState gives each scope what the test says, as a backend does that several daemons use.
type sharedState struct {
	Backend
	scopes map[Scope]*Snapshot
	fail   error
}

func (s *sharedState) Load() (*Snapshot, error) { return &Snapshot{}, nil }

func (s *sharedState) LoadScope(sc Scope) (*Snapshot, error) {
	if s.fail != nil {
		return nil, s.fail
	}
	if found := s.scopes[sc]; found != nil {
		return found, nil
	}
	return &Snapshot{}, nil
}

func (s *sharedState) Scopes() ([]Scope, error) { return nil, nil }

var (
	shop    = Scope{Cluster: "shop"}
	other   = Scope{Account: "staging", Cluster: "shop"}
	foreign = evaluator.Key{Account: "staging", Cluster: "shop", Service: "web"}
)

// adopted is a store that has taken over two scopes, one of them twice.
func adopted(t *testing.T) *Store {
	t.Helper()
	b := &sharedState{Backend: Memory(), scopes: map[Scope]*Snapshot{
		shop: {
			Memories: []Remembered{{keyOf(1), memoryOf(4)}}, Open: []Activity{*activityOf(1)},
			Delays: map[string]Delay{"a": {Seconds: 7}}, Sequence: 40,
		},
		other: {Memories: []Remembered{{foreign, memoryOf(9)}}, Delays: map[string]Delay{"a": {Seconds: 9}}, Sequence: 12},
	}}
	s := newStore(t, b)
	for _, sc := range []Scope{shop, other, shop} {
		if err := s.Adopt(sc); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestAScopeIsAdoptedWithAllThatIsRememberedOfIt(t *testing.T) {
	s := adopted(t)
	if m := s.Memory(keyOf(1)); m == nil || m.LastDesired != 4 {
		t.Errorf("memory %+v; want that of the backend", m)
	}
	if open := s.OpenActivities(); len(open) != 1 || open[0].ID != activityOf(1).ID {
		t.Errorf("open %+v; want one", open)
	}
	if n := s.NextGeneration(); n != 41 {
		t.Errorf("the next generation is %d; want 41, after the highest of all that was adopted", n)
	}
	if diff := cmp.Diff(map[string]Delay{"a": {Seconds: 7}}, s.DelaysOf(shop)); diff != "" {
		t.Errorf("delays (-want +got):\n%s", diff)
	}
}

func TestAScopeIsDroppedAlone(t *testing.T) {
	s := adopted(t)
	commit(t, s, Changes{Targets: []*Target{targetOf(1, 4)}})
	s.Drop(shop)
	if len(s.Targets()) != 0 || len(s.OpenActivities()) != 0 || s.Memory(keyOf(1)) != nil || len(s.DelaysOf(shop)) != 0 {
		t.Error("a scope that was dropped is still there")
	}
	if s.Memory(foreign) == nil || len(s.DelaysOf(other)) != 1 {
		t.Error("another scope was dropped with it")
	}
}

func TestAdoptingFailsAndChangesNothing(t *testing.T) {
	b := &sharedState{Backend: Memory(), fail: errDisk}
	s := newStore(t, b)
	commit(t, s, Changes{Targets: targetsOf(2)})
	if err := s.Adopt(Scope{Cluster: "shop"}); !errors.Is(err, errDisk) {
		t.Errorf("error %v; want that of the backend", err)
	}
	if len(s.Targets()) != 2 {
		t.Error("rows went although nothing came in their place")
	}
}

func TestAStateOfOneDaemonHasNothingToAdopt(t *testing.T) {
	s := newStore(t, Memory())
	commit(t, s, Changes{Targets: targetsOf(2)})
	if err := s.Adopt(Scope{Cluster: "shop"}); err != nil || len(s.Targets()) != 2 {
		t.Errorf("error %v, %d rows; want none and 2", err, len(s.Targets()))
	}
}

func TestAFencedCommitIsAboutItsScopeAlone(t *testing.T) {
	s := newStore(t, Memory())
	fence := &Fence{Scope: Scope{Cluster: "elsewhere"}, Generation: 3}
	for name, c := range map[string]Changes{
		"a target":    {Targets: targetsOf(1)},
		"a removal":   {Removed: []evaluator.Key{keyOf(1)}},
		"an activity": {Activities: []*Activity{activityOf(1)}},
		"a decision":  {Decisions: []*DecisionRecord{decisionOf(1)}},
	} {
		c.Fence = fence
		if err := s.Commit(c); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s of another scope: error %v; want ErrInvalid", name, err)
		}
	}
}
