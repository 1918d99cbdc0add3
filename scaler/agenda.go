package scaler

import (
	"math"
	"slices"
	"time"
)

// appointment is when a target is due, in nanoseconds of unix time. A pass goes through the appointments of all targets, side by
// side in memory, and touches only those targets that are due.
type appointment struct {
	// look is notYet for a target that has not been asked for.
	look, describe int64
}

const notYet = math.MaxInt64

// appointment is what the target's entry in the agenda is to be.
func (t *target) appointment() appointment {
	a := appointment{look: notYet, describe: nanoseconds(t.describeAt)}
	if t.asked() {
		a.look = nanoseconds(t.nextLook)
	}
	return a
}

// nanoseconds are those of unix time; an instant that they do not reach is the first or the last that they do.
func nanoseconds(t time.Time) int64 {
	const reach = math.MaxInt64 / int64(time.Second)
	switch s := t.Unix(); {
	case s <= -reach:
		return math.MinInt64
	case s >= reach:
		return math.MaxInt64
	}
	return t.UnixNano()
}

// touch notes that something about a target changes: its row in the store may have to be written, its appointment be made anew.
func (e *Engine) touch(t *target) {
	if !t.touched {
		t.touched = true
		e.touched = append(e.touched, t)
	}
}

// touchAll is touch for all targets, which may be others than before.
func (e *Engine) touchAll() {
	e.agenda = slices.Grow(e.agenda[:0], len(e.order))[:len(e.order)]
	e.touched = append(e.touched[:0], e.order...)
	for i, t := range e.order {
		t.place, t.touched = i, true
	}
}

// sweep touches all targets once a minute: it finds nothing, but should something have changed without a touch, it costs a minute,
// not the target.
func (e *Engine) sweep(now time.Time) {
	if minute := now.Truncate(time.Minute); !minute.Equal(e.swept) {
		e.swept = minute
		e.touchAll()
	}
}

// appointments are those of all targets as they are now, in their order.
func (e *Engine) appointments() []appointment {
	for _, t := range e.touched {
		e.agenda[t.place] = t.appointment()
	}
	return e.agenda
}

// written notes that the store has every row as it should be.
func (e *Engine) written() {
	e.appointments()
	for _, t := range e.touched {
		t.touched = false
	}
	clear(e.touched)
	e.touched = e.touched[:0]
}

// changed are the targets whose row in the store is not what it should be, in their order. Those that nothing has touched since
// the last commit are not among them.
func (e *Engine) changed() []*target {
	var changed []*target
	for _, t := range e.touched {
		if t.dirty || t.stale() {
			changed = append(changed, t)
		}
	}
	slices.SortFunc(changed, func(a, b *target) int { return a.place - b.place })
	return changed
}

// nextDue is the first appointment of all targets, if it is sooner than next.
func (e *Engine) nextDue(next time.Time) time.Time {
	first := int64(notYet)
	for _, a := range e.appointments() {
		first = min(first, a.look, a.describe)
	}
	if at := time.Unix(0, first); at.Before(next) {
		return at
	}
	return next
}
