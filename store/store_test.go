package store

import (
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-autoscaler/evaluator"
)

func TestUnchangedTargetsCostNoDurableTransaction(t *testing.T) {
	b := &wary{Backend: Memory()}
	s := newStore(t, b)
	rows := targetsOf(10)
	commit(t, s, Changes{Targets: rows})
	again := *rows[0]
	described := *rows[1]
	described.Service.Running++
	noted := *rows[2]
	noted.Note, noted.Memory = "access denied", nil
	commit(t, s, Changes{})
	commit(t, s, Changes{Targets: rows})
	commit(t, s, Changes{Targets: []*Target{&again, &described, &noted}, Removed: []evaluator.Key{keyOf(3)}})
	commit(t, s, Changes{Targets: []*Target{rows[3]}}) // Back with the memory it had.
	commit(t, s, Changes{Delays: map[string]Delay{}})
	if b.commits != 1 {
		t.Errorf("%d durable transactions; want 1", b.commits)
	}
	if row, _ := s.Target(keyOf(0)); row != rows[0] {
		t.Error("a row that says nothing new replaced the old one")
	}
	if row, _ := s.Target(keyOf(1)); row.Service.Running != 2 {
		t.Errorf("running %d; want the newly described 2", row.Service.Running)
	}
	if row, _ := s.Target(keyOf(2)); row.Memory != rows[2].Memory || row.Note != "access denied" {
		t.Errorf("row %+v; want the memory of the row before and the note", row)
	}
}

func TestOnlyMemoriesWithANewPointerBecomeDurable(t *testing.T) {
	var seen []*Durable
	s := newStore(t, spy{Memory(), &seen})
	rows := targetsOf(5)
	commit(t, s, Changes{Targets: rows})
	changed := *rows[3]
	changed.Memory = memoryOf(7)
	commit(t, s, Changes{Targets: []*Target{rows[0], rows[1], &changed, rows[4]}})
	if got := seen[1].Memories; len(got) != 1 || got[0].Target != keyOf(3) || got[0].Memory.LastDesired != 7 {
		t.Errorf("made durable: %+v; want the one memory that changed", got)
	}
}

type spy struct {
	Backend
	seen *[]*Durable
}

func (s spy) Commit(d *Durable) error {
	*s.seen = append(*s.seen, d)
	return s.Backend.Commit(d)
}

func TestADurableFailureLeavesEverythingAsItWas(t *testing.T) {
	for name, backend := range map[string]Backend{"memory": Memory(), "file": openPath(t, newFile(t))} {
		t.Run(name, func(t *testing.T) {
			b := &wary{Backend: backend}
			s := newStore(t, b)
			commit(t, s, Changes{
				Targets: targetsOf(2), Activities: []*Activity{activityOf(1)}, Delays: map[string]Delay{"a": {Seconds: 1}},
			})
			before := observe(t, s, 10)
			b.fail = errDisk
			err := s.Commit(Changes{
				Targets: []*Target{targetOf(0, 9), targetOf(5, 1)}, Removed: []evaluator.Key{keyOf(1)},
				Activities: []*Activity{withStatus(activityOf(1), evaluator.Failed), activityOf(2)},
				Decisions:  []*DecisionRecord{decisionOf(1)}, Delays: map[string]Delay{"b": {}},
			})
			if !errors.Is(err, errDisk) {
				t.Fatalf("error %v; want that of the disk", err)
			}
			if diff := cmp.Diff(before, observe(t, s, 10)); diff != "" {
				t.Errorf("something changed (-before +after):\n%s", diff)
			}
			b.fail = nil
			commit(t, s, Changes{Targets: []*Target{targetOf(0, 9)}})
			if s.Memory(keyOf(0)).LastDesired != 9 {
				t.Error("the next commit did not get through")
			}
		})
	}
}

func TestWrongChangesAreRefusedWhole(t *testing.T) {
	began := activityOf(1)
	moved := *began
	moved.StartTime = at(2)
	for name, c := range map[string]Changes{
		"a target without service":       {Targets: []*Target{{Key: evaluator.Key{Cluster: "shop"}}}},
		"a target without cluster":       {Targets: []*Target{{Key: evaluator.Key{Service: "web"}}}},
		"a name with a zero byte":        {Targets: []*Target{{Key: evaluator.Key{Cluster: "a\x00b", Service: "web"}}}},
		"an activity without ID":         {Activities: []*Activity{{Target: keyOf(1), StartTime: noon}}},
		"an activity with a huge ID":     {Activities: []*Activity{{ID: strings.Repeat("x", maxID+1), Target: keyOf(1), StartTime: noon}}},
		"an activity without start":      {Activities: []*Activity{{ID: "a", Target: keyOf(1)}}},
		"an activity without target":     {Activities: []*Activity{{ID: "a", StartTime: noon}}},
		"an activity that began anew":    {Activities: []*Activity{&moved}},
		"a decision without time":        {Decisions: []*DecisionRecord{{Target: keyOf(1)}}},
		"a decision with broken JSON":    {Decisions: []*DecisionRecord{{Target: keyOf(1), Time: noon, JSON: []byte("{")}}},
		"a delay that is not a number":   {Delays: map[string]Delay{"a": {Seconds: math.NaN()}}},
		"a delay without an end":         {Delays: map[string]Delay{"a": {Seconds: math.Inf(1)}}},
		"one wrong target among several": {Targets: []*Target{targetOf(1, 1), {}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := &wary{Backend: Memory()}
			s := newStore(t, b)
			commit(t, s, Changes{Activities: []*Activity{began}})
			c.Targets = append([]*Target{targetOf(8, 1)}, c.Targets...)
			if err := s.Commit(c); !errors.Is(err, ErrInvalid) {
				t.Errorf("error %v; want ErrInvalid", err)
			}
			if len(s.Targets()) != 0 || b.commits != 1 {
				t.Error("part of it was committed")
			}
		})
	}
}

func TestTargetsComeSortedByClusterAndService(t *testing.T) {
	s := newStore(t, Memory())
	for _, name := range []string{"b/a", "a/b", "a/a", "ab/a", "a/ab", "a-b/a"} {
		cluster, service, _ := strings.Cut(name, "/")
		commit(t, s, Changes{Targets: []*Target{{Key: evaluator.Key{Cluster: cluster, Service: service}}}})
	}
	var got []string
	for _, row := range s.Targets() {
		got = append(got, row.Key.String())
	}
	if diff := cmp.Diff([]string{"a/a", "a/ab", "a/b", "a-b/a", "ab/a", "b/a"}, got); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
}

func TestTheSlotOfTheLastDecisionOutlivesItsRow(t *testing.T) {
	s := newStore(t, Memory())
	commit(t, s, Changes{Targets: []*Target{{Key: keyOf(1)}}})
	before, _ := s.Target(keyOf(1))
	before.Latest.Set(&evaluator.Decision{Wanted: 3})
	given := &Target{Key: keyOf(1), Min: 2}
	commit(t, s, Changes{Targets: []*Target{given}})
	after, _ := s.Target(keyOf(1))
	if d, known := after.Latest.Get(); !known || d.Wanted != 3 || after.Min != 2 {
		t.Errorf("decision %+v, known %t; want the one set before", d, known)
	}
	if given.Latest != nil {
		t.Error("the caller's row was changed")
	}
}

// decisionInFull is a decision of a target with two target-tracking policies.
func decisionInFull(wanted int) *evaluator.Decision {
	d := &evaluator.Decision{Target: keyOf(1), Time: noon, Action: evaluator.Hold, Wanted: wanted}
	for _, name := range []string{"cpu", "memory"} {
		d.Policies = append(d.Policies, evaluator.PolicyDecision{Name: name, Wanted: wanted, Alarms: []evaluator.AlarmDecision{
			{Name: "high", Values: make([]float64, 5)}, {Name: "low", Values: make([]float64, 17)},
		}})
	}
	return d
}

func TestLatestHandsOutCopies(t *testing.T) {
	var l Latest
	if _, known := l.Get(); known || l.View(func(*evaluator.Decision) { t.Error("nothing to see yet") }) {
		t.Error("an empty slot knows a decision")
	}
	given := decisionInFull(2)
	l.Set(given)
	given.Policies[0].Alarms[0].Values[0] = 99
	got, _ := l.Get()
	got.Policies[1].Alarms[1].Values[3] = 77
	seen := l.View(func(d *evaluator.Decision) {
		if diff := cmp.Diff(decisionInFull(2), d); diff != "" {
			t.Errorf("the slot was changed from outside (-want +got):\n%s", diff)
		}
	})
	if !seen {
		t.Error("a full slot shows nothing")
	}
}

func TestLatestDoesNotAllocateInTheSteadyState(t *testing.T) {
	var l Latest
	d := decisionInFull(2)
	l.Set(d)
	if n := testing.AllocsPerRun(100, func() { l.Set(d) }); n != 0 {
		t.Errorf("%v allocations; want 0", n)
	}
}

// Each commit moves all targets to the same desired count, so a reader that sees two counts has
// seen half a commit.
func TestReadersSeeWholeCommits(t *testing.T) {
	s := newStore(t, openPath(t, newFile(t)))
	rows := func(desired int) []*Target {
		return []*Target{targetOf(0, desired), targetOf(1, desired), targetOf(2, desired)}
	}
	commit(t, s, Changes{Targets: rows(0)})
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for last := 0; ; {
				select {
				case <-done:
					return
				default:
				}
				current := s.Targets()
				now := current[0].Memory.LastDesired
				if now < last || slices.ContainsFunc(current, func(r *Target) bool { return r.Memory.LastDesired != now }) {
					t.Errorf("counts %d %d %d after %d", now, current[1].Memory.LastDesired, current[2].Memory.LastDesired, last)
					return
				}
				last = now
				current[0].Latest.Get()
				if _, _, err := s.Decisions(Query{Limit: 3}); err != nil {
					t.Error(err)
				}
				s.OpenActivities()
			}
		})
	}
	for i := range 50 {
		commit(t, s, Changes{Targets: rows(i), Decisions: []*DecisionRecord{decisionOf(i)}, Activities: []*Activity{activityOf(i)}})
		row, _ := s.Target(keyOf(0))
		row.Latest.Set(decisionInFull(i))
		if _, err := s.Prune(at(i).Add(Retention)); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
}

func TestGenerationsAreDistinctWhenTakenAtOnce(t *testing.T) {
	s := newStore(t, Memory())
	var mu sync.Mutex
	seen := map[uint64]bool{}
	var takers sync.WaitGroup
	for range 8 {
		takers.Go(func() {
			for range 100 {
				g := s.NextGeneration()
				mu.Lock()
				seen[g] = true
				mu.Unlock()
			}
		})
	}
	takers.Wait()
	if len(seen) != 800 {
		t.Errorf("%d distinct generations of 800", len(seen))
	}
}

func TestDelaysAreNearWithinASecond(t *testing.T) {
	for _, test := range []struct {
		a, b float64
		want bool
	}{{100, 100, true}, {100, 100.9, true}, {100.9, 100, true}, {100, 101, false}, {101, 100, false}} {
		if got := (Delay{Seconds: test.a}).Near(Delay{Seconds: test.b}); got != test.want {
			t.Errorf("%v near %v: %t; want %t", test.a, test.b, got, test.want)
		}
	}
}

func TestTimesAreStoredInUTCWithoutMonotonicReading(t *testing.T) {
	s := newStore(t, Memory())
	a := activityOf(1)
	a.StartTime = noon.In(time.FixedZone("CET", 3600))
	commit(t, s, Changes{Activities: []*Activity{a}})
	if got := s.OpenActivities()[0].StartTime; got != noon {
		t.Errorf("start %v; want %v", got, noon)
	}
}
