package evaluator

import (
	"slices"
	"time"
)

// FlapGuard holds back the scale-in of a target whose policies keep turning round. The zero value is off.
type FlapGuard struct {
	// Reversals within Within are what counts as flapping, at least 1; 0 is off.
	Reversals int
	Within    time.Duration
	// Factor, at least 2, is what the time that has to pass before a scale-in is multiplied with, once for the first that is
	// too many and once more for each further reversal. It does not grow beyond Longest.
	Factor  int
	Longest time.Duration
}

// FlapMemory is what the flap guard remembers of a target: where its policies went last, and when they turned round.
type FlapMemory struct {
	Direction Action `json:"direction"`
	// Reversals are the newest of them, oldest first.
	Reversals []time.Time `json:"reversals,omitempty"`
}

// mostReversals bounds what is remembered; long before that the guard has reached its longest time.
const mostReversals = 16

// flapGuard is that of the target, nil if it is off.
func (t *Target) flapGuard() *FlapGuard {
	if t.Rails == nil || t.Rails.FlapGuard.Reversals <= 0 {
		return nil
	}
	return &t.Rails.FlapGuard
}

// turn notes where a policy goes with the activity that begins, and whether that is back. Bounds and scheduled actions, which
// move the count on purpose, and other people's changes are no reversals.
func (m *Memory) turn(t *Target, d *Decision) {
	g := t.flapGuard()
	if g == nil || d.actor() == "" {
		return
	}
	now := &FlapMemory{Direction: d.Action}
	if m.Flaps != nil {
		for _, at := range m.Flaps.Reversals {
			if d.Time.Sub(at) < g.Within {
				now.Reversals = append(now.Reversals, at)
			}
		}
		if m.Flaps.Direction != d.Action {
			now.Reversals = append(now.Reversals, d.Time)
		}
		now.Reversals = now.Reversals[max(0, len(now.Reversals)-mostReversals):]
	}
	m.Flaps = now
}

// count is how many of the reversals count at an instant.
func (f *FlapMemory) count(g *FlapGuard, now time.Time) int {
	if f == nil {
		return 0
	}
	n := 0
	for _, at := range f.Reversals[max(0, len(f.Reversals)-mostReversals):] {
		if now.Sub(at) < g.Within {
			n++
		}
	}
	return n
}

func (f *FlapMemory) clone() *FlapMemory {
	if f == nil {
		return nil
	}
	return &FlapMemory{Direction: f.Direction, Reversals: slices.Clone(f.Reversals)}
}

// flapGuarded: while the target flaps, a scale-in waits until a widened cooldown has passed since the last activity of any
// policy was fulfilled, whichever way that went: it is scaling in soon after scaling out that makes a target flap, and no
// cooldown of AWS's prevents that.
func flapGuarded(e *pass, i int) Reason {
	p := &e.d.Policies[i]
	if e.d.rail(RailFlapGuard) == nil || !e.changes(p) {
		return ""
	}
	usual := e.t.Policies[i].scaleInWindow(&e.t.Policies[i].Alarms[p.alarm()], e.period(i, p.alarm()))
	ends, widened := e.flappingEnds(usual)
	if !ends.After(e.d.Time) || !ends.After(p.CooldownEnds) {
		return ""
	}
	p.CooldownEnds, p.UsualCooldown, p.WidenedCooldown = ends, usual, widened
	return HeldByFlapGuard
}

func (e *pass) period(i, alarm int) int64 {
	return e.t.Metrics[e.t.Policies[i].Alarms[alarm].Metric].Period
}

// scaleInWindow is how long a policy watches before it scales in: its scale-in cooldown or the window of its alarm, whichever is
// longer. A cooldown of 5 minutes means nothing to an alarm that needs 15.
func (policy *Policy) scaleInWindow(a *Alarm, period int64) time.Duration {
	return max(policy.ScaleInCooldown, time.Duration(int64(a.EvaluationPeriods)*period)*time.Second)
}

// flappingEnds is when the flap guard lets a policy scale in whose usual window that is, and the window that it has now.
// As reversals grow old the window narrows again, step by step, and that may come sooner than the end of the present one.
func (e *pass) flappingEnds(usual time.Duration) (ends time.Time, widened time.Duration) {
	g, f, last := &e.t.Rails.FlapGuard, e.m.Flaps, e.lastFulfilled()
	n := f.count(g, e.d.Time)
	widened = g.widened(usual, n)
	ends = e.d.Time
	for ; n >= g.Reversals; n-- {
		over := f.Reversals[len(f.Reversals)-n].Add(g.Within)
		if at := last.Add(g.widened(usual, n)); at.Before(over) {
			return later(at, ends), widened
		}
		ends = later(over, ends)
	}
	return ends, widened
}

// lastFulfilled is when the policies have last been known to be at work: an activity that is open still is.
func (e *pass) lastFulfilled() time.Time {
	last := later(e.m.Shared.ScaleOutFulfilled, e.m.Shared.ScaleInFulfilled)
	if a := &e.m.Activity; a.Open && a.Policy != "" {
		last = later(last, a.StartedAt)
	}
	return last
}

// widened is the usual window with so many reversals.
func (g *FlapGuard) widened(usual time.Duration, reversals int) time.Duration {
	wide := usual
	for ; reversals >= g.Reversals && wide < g.Longest; reversals-- {
		wide *= time.Duration(g.Factor)
	}
	return max(usual, min(wide, g.Longest))
}
