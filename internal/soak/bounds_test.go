package soak

import (
	"slices"
	"time"
)

// pair are a min and a max.
type pair struct{ min, max int }

// bounds are what may be in force for a class of services. Where two things came so close together that the daemon may have seen
// them in either order there are several.
type bounds struct {
	rules *rules // of the configuration that was adopted last, nil when the class was not in it
	since time.Time
	file  pair // what that configuration said
	may   []pair
	// asOf is up to when scheduled actions are part of may.
	asOf time.Time
	// free is when a min of 0 may have been in force last.
	free time.Time
	// left is since when the class has not been in the configuration.
	left time.Time
	// earlier is what it was before the last change, where several processes come one after the other.
	earlier *bounds
}

func newBounds(r *rules) *bounds {
	return &bounds{rules: r, file: pair{r.min, r.max}, may: []pair{{r.min, r.max}}, since: start, asOf: start}
}

// adopt takes up another version: values that changed in the file win over what was in force.
func (b *bounds) adopt(r *rules, now time.Time) {
	if r == b.rules {
		return
	}
	if r == nil {
		b.advance(now)
		b.rules, b.left = nil, now
		return
	}
	now = now.UTC()
	before := append([]pair(nil), b.may...)
	b.advance(now)
	var may []pair
	since := now.Add(-6 * hour)
	if b.rules == nil {
		since = b.left.Add(-time.Minute)
	}
	for _, m := range append(before, b.may...) {
		changed := m.changed(b.file, pair{r.min, r.max})
		may = add(may, changed)
		// A scheduled action that was due while nobody decided is applied after the change.
		late := bounds{rules: r, may: []pair{changed}}
		for _, k := range late.through(since, now) {
			may = add(may, k)
		}
		for _, a := range r.actions {
			if len(a.fires(since, now)) > 0 {
				may = add(may, changed.fired(a))
			}
		}
	}
	b.noteFree(now)
	b.rules, b.file, b.may, b.since, b.asOf = r, pair{r.min, r.max}, may, now, now
	b.noteFree(now)
}

// noteFree notes that a min of 0 may be in force.
func (b *bounds) noteFree(now time.Time) {
	if slices.ContainsFunc(b.may, func(m pair) bool { return m.min == 0 }) {
		b.free = now
	}
}

// changed is what the file's new values make of the bounds in force.
func (m pair) changed(old, now pair) pair {
	if old.min != now.min {
		m.min = now.min
	}
	if old.max != now.max {
		m.max = now.max
	}
	if m.min > m.max {
		return now
	}
	return m
}

// fired is what a scheduled action makes of them; one that would let min exceed max fails.
func (m pair) fired(a *action) pair {
	f := m
	if a.min >= 0 {
		f.min = a.min
	}
	if a.max >= 0 {
		f.max = a.max
	}
	if f.min > f.max {
		return m
	}
	return f
}

func add(list []pair, p pair) []pair {
	if slices.Contains(list, p) {
		return list
	}
	return append(list, p)
}

// advance makes the scheduled actions up to an instant part of what may be in force.
func (b *bounds) advance(to time.Time) {
	if b.rules == nil || !to.After(b.asOf) {
		return
	}
	b.noteFree(to)
	b.may = b.through(b.asOf, to)
	b.asOf = to
	b.noteFree(to)
}

// through is what may be in force once the scheduled actions of a time have fired.
func (b *bounds) through(from, to time.Time) []pair {
	may := b.may
	type fire struct {
		at time.Time
		a  *action
	}
	var fires []fire
	for _, a := range b.rules.actions {
		for _, at := range a.fires(from, to) {
			i := len(fires)
			for i > 0 && fires[i-1].at.After(at) {
				i--
			}
			fires = append(fires[:i], append([]fire{{at, a}}, fires[i:]...)...)
		}
	}
	for _, f := range fires {
		var next []pair
		for _, m := range may {
			next = add(next, m.fired(f.a))
			if !f.a.catchUp { // it may have been missed
				next = add(next, m)
			}
		}
		may = next
	}
	return may
}

// at are the bounds that may be in force for a decision made then, within the error of the daemon's clock.
func (b *bounds) at(decided time.Time) (may []pair) {
	if b.rules == nil {
		return b.may
	}
	b.advance(decided.Add(-clockError))
	may = append(may, b.may...)
	for _, m := range b.through(b.asOf, decided.Add(clockError)) {
		may = add(may, m)
	}
	return may
}
