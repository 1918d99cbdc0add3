package evaluator

import (
	"cmp"
	"slices"
	"time"
)

// late is the age from which a fire counts as missed: the finest resolution AWS promises, a minute (aws-semantics 4.5).
const late = time.Minute

// Schedule tells the instants at which a scheduled action fires. registered is when the target's action was first
// seen, from which a rate without start time counts.
type Schedule interface {
	// Next is the first fire after an instant; false if there is none.
	Next(after, registered time.Time) (time.Time, bool)
	// Newest is the last fire after one instant and not after another; false if there is none.
	Newest(after, until, registered time.Time) (time.Time, bool)
}

// ScheduledAction sets new bounds whenever its schedule fires (API PutScheduledAction). They stay until something else
// changes them; EndTime does not take them back.
type ScheduledAction struct {
	// Name is unique in its target.
	Name     string
	Schedule Schedule
	// Identity is what the schedule was made of. One that changes is a new schedule, which has missed nothing.
	Identity string
	// Min and Max are the new bounds; nil leaves one as it is.
	Min, Max *int
	// CatchUp lets the newest fire that was missed while nobody looked set the bounds afterwards.
	CatchUp bool
}

// ActionMemory is what is remembered of one scheduled action.
type ActionMemory struct {
	Name     string `json:"name"`
	Identity string `json:"identity"`
	// Registered is when the action was first seen, zero before that.
	Registered time.Time `json:"registered,omitzero"`
	// Handled is the instant up to which every fire has been dealt with.
	Handled time.Time `json:"handled,omitzero"`
	// next is the first fire after Handled, zero when there is none. It is derived, see Bind.
	next time.Time
}

// FireStatus is what became of a scheduled action that was due.
type FireStatus string

// What can become of it.
const (
	// FireApplied says that its bounds are in force.
	FireApplied FireStatus = "applied"
	// FireFailed says that min would have exceeded max, the bounds stay as they were (aws-semantics 4.2).
	FireFailed FireStatus = "failed"
	// FireSuspended says that scheduled scaling is suspended; the fire is never made up for.
	FireSuspended FireStatus = "suspended"
	// FireMissed says that nobody looked when it was due, and the action does not catch up.
	FireMissed FireStatus = "missed"
)

// ScheduledFire is a scheduled action that was due at a decision.
type ScheduledFire struct {
	Name   string     `json:"name"`
	At     time.Time  `json:"at"`
	Status FireStatus `json:"status"`
	// Min and Max are the bounds it set or, where it did not, those it would have.
	Min int `json:"min"`
	Max int `json:"max"`
}

// fire lets the scheduled actions that are due change the bounds: in the order of their instants, those of one
// instant in file order. Each action fires once, however many of its fires were missed.
func (e *pass) fire() {
	d, actions := e.d, e.t.ScheduledActions
	for i := range min(len(actions), len(e.m.Actions)) {
		if at, due := e.m.Actions[i].due(actions[i].Schedule, d.Time); due {
			d.Scheduled = append(d.Scheduled, ScheduledFire{Name: actions[i].Name, At: at})
		}
	}
	if len(d.Scheduled) > 1 {
		slices.SortStableFunc(d.Scheduled, func(a, b ScheduledFire) int { return a.At.Compare(b.At) })
	}
	for k := range d.Scheduled {
		f := &d.Scheduled[k]
		i := slices.IndexFunc(actions, func(a ScheduledAction) bool { return a.Name == f.Name })
		e.apply(f, &actions[i])
	}
}

// due is the newest fire that has not been dealt with.
func (a *ActionMemory) due(s Schedule, now time.Time) (time.Time, bool) {
	if a.Registered.IsZero() || a.next.IsZero() || now.Before(a.next) {
		return time.Time{}, false
	}
	return s.Newest(a.Handled, now, a.Registered)
}

// apply puts the bounds of one fire in force, unless something is in the way.
func (e *pass) apply(f *ScheduledFire, a *ScheduledAction) {
	f.Min, f.Max = valueOr(a.Min, e.r.Min), valueOr(a.Max, e.r.Max)
	switch {
	case e.r.Suspended.Scheduled, e.m.Suspended.Scheduled, e.wasSuspended(f.At): // also where this decision is the one that resumes it
		f.Status = FireSuspended
	case !a.CatchUp && e.late(f):
		f.Status = FireMissed
	case f.Min > f.Max:
		f.Status = FireFailed
	default:
		f.Status = FireApplied
		e.r.Min, e.r.Max = f.Min, f.Max
	}
}

func (e *pass) late(f *ScheduledFire) bool { return e.d.Time.Sub(f.At) >= late }

func valueOr(p *int, otherwise int) int {
	if p == nil {
		return otherwise
	}
	return *p
}

// scheduled is the count that the fires leave: each clamps what the one before left. Fires that were missed
// only set the bounds, and the count is clamped once, at the end.
func (e *pass) scheduled(count int) int {
	applied, before := false, count
	for k := range e.d.Scheduled {
		f := &e.d.Scheduled[k]
		if f.Status != FireApplied {
			continue
		}
		applied = true
		if !e.late(f) {
			count = Registration{Min: f.Min, Max: f.Max}.clamp(count)
		}
	}
	if applied {
		e.d.Registers = true
		count = e.r.clamp(count)
	}
	e.moved = count != before
	return count
}

// nextFire is when a scheduled action is due next after this decision, zero when none ever is.
func (e *pass) nextFire() (next time.Time) {
	actions := e.t.ScheduledActions
	for i := range min(len(actions), len(e.m.Actions)) {
		a := &e.m.Actions[i]
		at := a.next
		if a.Registered.IsZero() || !at.IsZero() && !at.After(e.d.Time) {
			at, _ = actions[i].Schedule.Next(e.d.Time, cmp.Or(a.Registered, e.d.Time))
		}
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// NextFire is when a scheduled action is due next, zero when none ever is.
func (m *Memory) NextFire() (next time.Time) {
	for i := range m.Actions {
		if at := m.Actions[i].next; !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// bindActions finds what is known of the actions again, by name; a changed schedule starts anew.
func bindActions(known []ActionMemory, actions []ScheduledAction) []ActionMemory {
	if len(actions) == 0 {
		return nil
	}
	bound := make([]ActionMemory, len(actions))
	for i := range actions {
		bound[i] = ActionMemory{Name: actions[i].Name, Identity: actions[i].Identity}
		for _, k := range known {
			if k.Name == actions[i].Name && k.Identity == actions[i].Identity {
				bound[i] = k
			}
		}
		bound[i].schedule(actions[i].Schedule)
	}
	return bound
}

// Arm works out when the scheduled actions fire next, which a memory that was read does not say. Bind does it, too.
func (m *Memory) Arm(t *Target) {
	for i := range min(len(m.Actions), len(t.ScheduledActions)) {
		m.Actions[i].schedule(t.ScheduledActions[i].Schedule)
	}
}

// schedule works out the next fire.
func (a *ActionMemory) schedule(s Schedule) {
	a.next = time.Time{}
	if !a.Registered.IsZero() {
		a.next, _ = s.Next(a.Handled, a.Registered)
	}
}

// handle notes that every fire up to now has been dealt with. An action seen for the first time has missed nothing.
func (m *Memory) handle(t *Target, now time.Time) (news bool) {
	for i := range min(len(m.Actions), len(t.ScheduledActions)) {
		a := &m.Actions[i]
		first := a.Registered.IsZero()
		if first {
			a.Registered = now
		}
		if first || !a.next.IsZero() && !now.Before(a.next) {
			a.Handled, news = now, true
			a.schedule(t.ScheduledActions[i].Schedule)
		}
	}
	return news
}
