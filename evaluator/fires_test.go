package evaluator

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// calendar says again, as plainly as aws-semantics 4.2 does, what scheduled actions make of the bounds. It is asked at
// the same instants as the evaluator, and goes over every second between them.
type calendar struct {
	low, high int
	seen      []time.Time // when each action was first looked at
	told      map[string]bool
}

// look replays the fires since the last look: of each action the newest, in the order of time, those of an instant in file order.
func (c *calendar) look(t *Target, last, now time.Time, suspended bool) (fired []string) {
	for at := last.Add(time.Second); !at.After(now); at = at.Add(time.Second) {
		for i := range t.ScheduledActions {
			if a := &t.ScheduledActions[i]; at.After(c.seen[i]) && a.firesAt(at) && !a.firesWithin(at, now) {
				fired = append(fired, c.fire(a, at, now, suspended))
			}
		}
	}
	return fired
}

func (a *ScheduledAction) firesAt(at time.Time) bool { return a.firesWithin(at.Add(-time.Second), at) }

// firesWithin is about the instants after one and up to another.
func (a *ScheduledAction) firesWithin(after, until time.Time) bool {
	for _, s := range a.Schedule.(instants) {
		if at := noon.Add(time.Duration(s) * time.Second); at.After(after) && !at.After(until) {
			return true
		}
	}
	return false
}

func (c *calendar) fire(a *ScheduledAction, at, now time.Time, suspended bool) string {
	low, high := c.low, c.high
	if a.Min != nil {
		low = *a.Min
	}
	if a.Max != nil {
		high = *a.Max
	}
	status := FireApplied
	switch {
	case suspended:
		status = FireSuspended
	case !a.CatchUp && now.Sub(at) >= time.Minute:
		status = FireMissed
	case low > high:
		status = FireFailed
	default:
		c.low, c.high = low, high
	}
	return fmt.Sprintf("%s at %s %s", a.Name, at.Format("15:04:05"), status)
}

// TestInvariantScheduledActionsAsACalendar: at whatever instants somebody looks, each fire is dealt with once, the bounds
// are those of the calendar, and a restart in between changes neither.
func TestInvariantScheduledActionsAsACalendar(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newScene(t, 1, 10, tracking("cpu", 50)).counts(4, 4).metric(0, "48x22")
		for i := range rapid.IntRange(1, 4).Draw(rt, "actions") {
			s.target.ScheduledActions = append(s.target.ScheduledActions, drawAction(rt, i))
		}
		s.m.Bind(s.target)
		at, last := rapid.IntRange(-200, 0).Draw(rt, "start"), time.Time{}
		c := &calendar{low: 1, high: 10, told: map[string]bool{}}
		for k := range rapid.IntRange(2, 25).Draw(rt, "looks") {
			was := s.m.Suspended.Scheduled
			suspended := k > 0 && rapid.IntRange(0, 3).Draw(rt, "suspended") == 0
			s.at(at)
			if was && !suspended { // resumed just now, as the engine does
				s.letPass()
				last = s.now
			}
			s.suspend(suspended)
			if rapid.Bool().Draw(rt, "restart") {
				s.m = reborn(rt, s.m, s.target)
			}
			s.decide()
			if k == 0 { // a first look has missed nothing
				for range s.target.ScheduledActions {
					c.seen = append(c.seen, s.now)
				}
				last = s.now
			}
			want := c.look(s.target, last, s.now, suspended)
			c.compare(rt, s, want)
			if s.carry(); s.m.Min != c.low || s.m.Max != c.high {
				rt.Fatalf("remembers %d to %d, expected %d to %d", s.m.Min, s.m.Max, c.low, c.high)
			}
			last = s.now
			at += rapid.SampledFrom([]int{1, 10, 59, 60, 61, 600, 3600}).Draw(rt, "wait")
		}
	})
}

func (c *calendar) compare(rt *rapid.T, s *scene, want []string) {
	rt.Helper()
	var got []string
	for k := range s.d.Scheduled {
		f := &s.d.Scheduled[k]
		got = append(got, fmt.Sprintf("%s at %s %s", f.Name, f.At.Format("15:04:05"), f.Status))
		if once := f.Name + f.At.String(); c.told[once] {
			rt.Fatalf("%s fires twice at %s", f.Name, f.At)
		} else {
			c.told[once] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		rt.Fatalf("at %s: %s", s.now, diff)
	}
	if s.d.Min != c.low || s.d.Max != c.high {
		rt.Fatalf("at %s: bounds %d to %d, expected %d to %d", s.now, s.d.Min, s.d.Max, c.low, c.high)
	}
	if d := &s.d; d.Wanted < d.Min || d.Wanted > d.Max {
		rt.Fatalf("%d is not within %d to %d", d.Wanted, d.Min, d.Max)
	}
	for i := range s.target.ScheduledActions {
		if s.target.ScheduledActions[i].firesWithin(s.now, s.d.Next.Add(-time.Second)) {
			rt.Fatalf("the next look at %s comes after a fire", s.d.Next)
		}
	}
}
