package evaluator

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// step is the time between two evaluations of the target's fastest alarm.
func (w *wide) step() time.Duration {
	for i := range w.target.Metrics {
		if w.target.Metrics[i].Period < minute {
			return tick * time.Second
		}
	}
	return minute * time.Second
}

// change lets each metric go on in another mood now and then.
func (w *wide) change(n int) {
	for _, f := range w.feeds {
		if w.some(n) {
			f.mood = mood(w.r.IntN(int(moods)))
		}
	}
}

// TestInvariantNothingHappensBeforeTheNextLook: until Next every evaluation holds, however the metrics go on and whether
// or not somebody has looked in between, as long as nobody changes the service.
func TestInvariantNothingHappensBeforeTheNextLook(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWide(rt, t)
		d := w.decide()
		if d.Action != Hold {
			return
		}
		var first Decision
		first.CopyFrom(d)
		told := w.story()
		if w.m.Remember(w.target, d); w.some(2) {
			w.m = reborn(rt, w.m, w.target)
		}
		unlooked, at := w.m.Clone(), w.now
		if w.some(2) {
			at = at.Truncate(w.step())
		}
		w.change(1)
		if w.some(3) {
			for _, f := range w.feeds {
				f.mood = w.feeds[0].mood
			}
		}
		for at = at.Add(w.step()); at.Before(first.Next); at = at.Add(w.step()) {
			w.now = at
			w.o.Service.DescribedAt = at
			w.publish(at)
			w.change(20)
			w.brake()
			for _, m := range []*Memory{unlooked, w.m} {
				w.m = m
				if w.decide().Action != Hold {
					rt.Fatalf("acts before %s\n%s\n\nthe decision before: %s", first.Next, w.story(), told)
				}
			}
			w.m.Follow(w.target, &w.o.Service, at)
			w.m.Remember(w.target, &w.d)
		}
	})
}

// life is a target that is looked at each time, or only when a decision says that it matters.
type life struct {
	*wide
	did  []string
	next time.Time
	// ready is when the tasks of the last write run.
	ready time.Time
	slow  time.Duration
}

// live is one evaluation instant; what comes to pass beside it is the same for every life.
func (l *life) live(now time.Time, lazy bool) {
	v := &l.o.Service
	l.now = now
	v.DescribedAt = now
	if v.Running != v.Desired && !now.Before(l.ready) {
		v.Running, v.Base, l.next = v.Desired, v.Desired, now
	}
	l.m.Follow(l.target, v, now)
	if lazy && now.Before(l.next) {
		return
	}
	l.decide()
	if l.m.Remember(l.target, &l.d); l.d.Action != Hold {
		l.did = append(l.did, fmt.Sprintf("%s %d->%d %s", now.Format("15:04:05"), l.d.Desired, l.d.Wanted, l.d.Message()))
		l.d.Outcome = OutcomeWritten
		l.m.Begin(l.target, &l.d, "a")
		l.m.Remember(l.target, &l.d)
		v.Desired, l.ready = l.d.Wanted, now.Add(l.slow)
		if l.slow == 0 {
			v.Running, v.Base = v.Desired, v.Desired
		}
		l.m.Follow(l.target, v, now)
	}
	l.next = l.d.Next
}

// forgetful leaves out what is known to differ, and not worth looking each time. Nobody looks for an ALARM at a count that an exact
// capacity does not raise, or while scaling out is suspended. Who has seen it keeps it through a gap in the data until the count
// is lowered or scaling out resumed, and acts on one datapoint then; who has not waits for as many as the alarm needs.
func (l *life) forgetful() {
	for i := range l.target.Policies {
		if p := &l.target.Policies[i]; p.Step.AdjustmentType == ExactCapacity && p.Alarms[0].Missing == TreatMissing {
			p.Alarms[0].Missing = TreatNotBreaching
		}
	}
}

// twin lives on the same metrics with a memory and a service of its own.
func (l *life) twin() *life {
	s := *l.scene
	s.m, s.d = l.m.Clone(), Decision{}
	return &life{wide: &wide{scene: &s, feeds: l.feeds, r: l.r}, ready: l.ready, slow: l.slow}
}

// TestInvariantLookingLessDoesTheSame: for hours, somebody who looks only when a decision says so, or when the service has
// changed, does what somebody does who looks each time.
func TestInvariantLookingLessDoesTheSame(t *testing.T) {
	looks, all := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		each := &life{wide: drawWide(rt, t)}
		each.forgetful()
		each.slow = []time.Duration{0, 50 * time.Second, 130 * time.Second, 2 * time.Hour}[each.r.IntN(4)]
		lazy := each.twin()
		step := each.step()
		end := each.now.Add(time.Duration(rapid.IntRange(1, 120).Draw(rt, "minutes")) * time.Minute)
		for at := each.now; at.Before(end); at = at.Add(step) {
			if each.publish(at); each.some(5) {
				each.change(6)
			}
			switch each.r.IntN(300) {
			case 0: // somebody else's hand
				n := each.r.IntN(12)
				for _, l := range []*life{each, lazy} {
					l.o.Service.Desired, l.ready, l.next = n, at.Add(l.slow), at
				}
			case 2, 3, 4: // elsewhere targets fall silent, or speak again, which brings no look forward
				each.brake()
				lazy.o.Fleet = each.o.Fleet
			case 1: // the file changes
				each.target.Min = each.r.IntN(5)
				each.target.Max = each.target.Min + each.r.IntN(10)
				each.target.Suspended = SuspendedState{DynamicScalingIn: each.some(3), DynamicScalingOut: each.target.Suspended.DynamicScalingOut, Scheduled: each.some(3)}
				lazy.next = at
			}
			all++
			if !at.Before(lazy.next) {
				looks++
			}
			each.live(at, false)
			lazy.live(at, true)
			if a, b := strings.Join(each.did, "\n"), strings.Join(lazy.did, "\n"); a != b {
				rt.Fatalf("at %s looking each time did\n%s\nlooking less\n%s\n%s\n---- looking less: %s", at.Format("15:04:05"), a, b, each.story(), lazy.story())
			}
		}
	})
	t.Logf("%d of %d looks", looks, all)
}
