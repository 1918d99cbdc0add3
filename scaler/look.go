package scaler

import (
	"time"

	"ecs-autoscaler/evaluator"
)

const (
	// spreadSeconds is what looks are spread over, so that the requests for many targets do not go out in one moment.
	spreadSeconds = 5

	// apart is the share of their interval that two looks of one target are apart at least, so that an alarm does not act
	// twice when the phase moves; a pass that comes a little late does not delay the next look by it.
	apart = 4
)

// interval is the time between two evaluations of alarms with that period: 10 s or a minute, or less where the
// configuration's interval asks for it.
func (e *Engine) interval(period int64) time.Duration {
	every := evaluator.LookInterval(period)
	if e.Config.Interval > 0 && e.FixedPhase == nil {
		every = min(every, e.Config.Interval)
	}
	return every
}

// phase is how long after each whole interval the alarms of a target are evaluated: at their place, and a few seconds that
// differ from target to target.
func (e *Engine) phase(t *target, every time.Duration) time.Duration {
	place := e.place(t, every)
	if e.FixedPhase != nil {
		return place
	}
	return place + time.Duration(seconds(t.spec.Key))*second
}

// place is how long after each whole interval the newest bucket is usually there: as long after its end as CloudWatch takes
// to publish it.
func (e *Engine) place(t *target, every time.Duration) time.Duration {
	if e.FixedPhase != nil {
		return *e.FixedPhase
	}
	var after int64
	for i, tr := range t.entries {
		if e.interval(t.spec.Metrics[i].Period) == every {
			after = max(after, tr.Place)
		}
	}
	return time.Duration(after) * second
}

// seconds is a target's own place among those that looks are spread over.
func seconds(k evaluator.Key) uint32 {
	return nameHash(k) % spreadSeconds
}

// onGrid is the first instant of the grid that is not before at.
func onGrid(at time.Time, every, phase time.Duration) time.Time {
	phase %= every
	on := at.Add(-phase).Truncate(every).Add(phase)
	if on.Before(at) {
		on = on.Add(every)
	}
	return on
}

// evaluation is the first evaluation of the target's alarms with that interval that is not before at.
func (e *Engine) evaluation(t *target, every time.Duration, at time.Time) time.Time {
	return onGrid(at, every, e.phase(t, every))
}

// plan sets when the target's metrics are looked at again after a decision at now, and when the target is: with the
// first of them, or sooner when a scheduled action is due.
func (e *Engine) plan(t *target, d *evaluator.Decision, now time.Time) {
	skips := e.FixedPhase == nil && !t.mixed()
	t.awaits = false
	for i := range t.metricDue {
		every := e.interval(t.spec.Metrics[i].Period)
		from := latest(now.Add(second), t.evaluated.Add(every/apart))
		next := e.evaluation(t, every, from)
		switch {
		case !t.observation.Due[i]:
			t.sooner(i, next)
		case e.FixedPhase == nil && endsSoon(d, now, every/apart):
			t.metricDue[i], t.awaits = deadline(d, now), true
		case skips && d.Next.After(now.Truncate(every).Add(every)):
			t.metricDue[i] = e.limited(e.skip(t, d, every, from), next, every)
		default:
			t.metricDue[i] = next
		}
	}
	e.await(t, now)
}

// skip is the look at which something can have changed. A cooldown that ends a moment after an evaluation is waited for,
// as it is by those who look at that evaluation: they would find it running still, and look when it is over.
func (e *Engine) skip(t *target, d *evaluator.Decision, every time.Duration, from time.Time) time.Time {
	at := e.evaluation(t, every, latest(d.Next, from))
	ends := deadline(d, d.Next.Add(-second))
	if d.Next.Equal(ends) && ends.After(from) && ends.Sub(at.Add(-every)) <= every/apart {
		return ends
	}
	return at
}

// endsSoon says that a cooldown that holds a wish back is over before the next evaluation by far.
func endsSoon(d *evaluator.Decision, now time.Time, within time.Duration) bool {
	ends := deadline(d, now)
	return d.Action == evaluator.Hold && !ends.IsZero() && ends.Sub(now) <= within
}

// deadline is the first end of a cooldown after now that holds a wish back, zero if none does.
func deadline(d *evaluator.Decision, now time.Time) (first time.Time) {
	for i := range d.Policies {
		if ends := d.Policies[i].CooldownEnds; ends.After(now) && (first.IsZero() || ends.Before(first)) {
			first = ends
		}
	}
	return first
}

// limited keeps a look within the configuration's interval, if there is one: whole evaluations of it after the next one.
func (e *Engine) limited(at, next time.Time, every time.Duration) time.Time {
	if e.Config.Interval > 0 {
		if limit := next.Add(e.Config.Interval.Truncate(every) - every); limit.Before(at) {
			return limit
		}
	}
	return at
}

// await makes the target due when the first of its metrics is, a scheduled action, or the end of what a person steers; without
// metrics at least each minute. A metric
// that is still due could not be read, because there is no such service: it is read as soon as there is.
func (e *Engine) await(t *target, now time.Time) {
	t.nextLook = time.Time{}
	for _, at := range t.metricDue {
		if at.After(now) && (t.nextLook.IsZero() || at.Before(t.nextLook)) {
			t.nextLook = at
		}
	}
	if t.nextLook.IsZero() {
		t.nextLook = e.evaluation(t, time.Minute, now.Add(time.Minute/apart))
	}
	if fire := t.memory.NextFire(); fire.After(now) && fire.Before(t.nextLook) {
		t.nextLook = fire
	}
	if ends := t.memory.SteeringEnds(now); !ends.IsZero() && ends.Before(t.nextLook) {
		t.nextLook = ends
	}
}

// mixed says that some alarms of the target are evaluated more often than others. Then every look is made.
func (t *target) mixed() bool {
	for i := range t.spec.Metrics {
		if evaluator.LookInterval(t.spec.Metrics[i].Period) != evaluator.LookInterval(t.spec.Metrics[0].Period) {
			return true
		}
	}
	return false
}

func (t *target) sooner(i int, at time.Time) {
	if at.Before(t.metricDue[i]) {
		t.metricDue[i] = at
	}
}

// lookSoon has the target's metrics looked at with their next evaluation: something has changed that the last decision
// did not know.
func (e *Engine) lookSoon(t *target, now time.Time) {
	for i := range t.metricDue {
		every := e.interval(t.spec.Metrics[i].Period)
		t.sooner(i, e.evaluation(t, every, latest(now, t.evaluated.Add(every/apart))))
		if t.metricDue[i].Before(t.nextLook) {
			t.nextLook = t.metricDue[i]
		}
	}
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
