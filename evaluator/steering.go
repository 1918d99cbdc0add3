package evaluator

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// Steers is what of a target's scaling a person has taken in hand.
type Steers string

// What a person can steer: the three switches of API SuspendedState, and the desired count itself.
const (
	SteersIn        Steers = "in"
	SteersOut       Steers = "out"
	SteersScheduled Steers = "scheduled"
	SteersCount     Steers = "override"
)

// suspendable are the kinds of scaling that can be suspended, in the order in which they are told.
var suspendable = []Steers{SteersIn, SteersOut, SteersScheduled}

// Steering is what a person has asked of a target for some time: a kind of scaling is suspended, or the desired count
// overridden. It stands beside the registration and ends by itself (docs/steering.md); there is at most one of each kind.
type Steering struct {
	Steers Steers
	// Since is when it was asked for, For how long it lasts. Its end is derived of them, so that it keeps its length where the
	// clock turns out to have been wrong.
	Since time.Time
	For   time.Duration
	// Reason is the person's own, at most MostReason bytes.
	Reason string
	// Desired is the count of an override; what is set is brought into the bounds in force.
	Desired int
	// Done says that the override has been carried out, and Count which count that was. What differs from it later is another
	// hand's.
	Done  bool
	Count int
	// Beyond is of a Decision: the registration suspends the same, so that it does not end here.
	Beyond bool
}

// Until is when it is over; at that instant it is no longer in force.
func (s *Steering) Until() time.Time { return s.Since.Add(s.For) }

// InForce says that it is not over yet.
func (s *Steering) InForce(now time.Time) bool { return now.Before(s.Until()) }

// wireSteering is a Steering in the JSON of memories and decisions.
type wireSteering struct {
	Steers  Steers    `json:"steers"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
	Reason  string    `json:"reason"`
	Desired *int      `json:"desired,omitempty"`     // of an override only
	Done    *int      `json:"carried_out,omitempty"` // the count that was set, of an override that was carried out
	Beyond  bool      `json:"beyond,omitempty"`
}

// MarshalJSON writes since and until.
func (s Steering) MarshalJSON() ([]byte, error) {
	w := wireSteering{Steers: s.Steers, Since: s.Since.UTC(), Until: s.Until().UTC(), Reason: s.Reason, Beyond: s.Beyond}
	if s.Steers == SteersCount {
		w.Desired = &s.Desired
	}
	if s.Done {
		w.Done = &s.Count
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Steering) UnmarshalJSON(text []byte) error {
	var w wireSteering
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	*s = Steering{Steers: w.Steers, Since: w.Since, For: w.Until.Sub(w.Since), Reason: w.Reason, Beyond: w.Beyond}
	if w.Desired != nil {
		s.Desired = *w.Desired
	}
	if w.Done != nil {
		s.Done, s.Count = true, *w.Done
	}
	return nil
}

// SteeringInForce is what persons steer of the target at an instant, in the order in, out, scheduled, override.
func (m *Memory) SteeringInForce(now time.Time) []Steering {
	return slices.DeleteFunc(slices.Clone(m.Steering), func(s Steering) bool { return !s.InForce(now) })
}

// steering is the one of that kind, nil if there is none.
func steering(all []Steering, what Steers) *Steering {
	for k := range all {
		if all[k].Steers == what {
			return &all[k]
		}
	}
	return nil
}

// Obey takes up a command that Check has found right, as of now, and tells what has begun and what has ended by it. What was
// asked before of the same kind is replaced.
func (m *Memory) Obey(c *Command, now time.Time) (begun, ended []Steering) {
	for _, what := range c.about() {
		before := steering(m.Steering, what)
		switch {
		case c.begins():
			s := Steering{Steers: what, Since: now, For: c.For, Reason: c.Reason}
			if what == SteersCount {
				s.Desired = c.Desired
			}
			begun = append(begun, s)
		case before != nil && before.InForce(now):
			ended = append(ended, *before)
		}
	}
	m.Steering = slices.DeleteFunc(slices.Clone(m.Steering), func(s Steering) bool { return slices.Contains(c.about(), s.Steers) })
	m.Steering = append(m.Steering, begun...)
	slices.SortFunc(m.Steering, func(a, b Steering) int { return cmp.Compare(told(a.Steers), told(b.Steers)) })
	return begun, ended
}

// CarryOver keeps a suspension of scheduled scaling that a command at now has ended or replaced, as persons had it before: for as long as
// nobody could deal with the scheduled actions that were due in it, because the service had not been described. They are not made up
// for. A decision on a described service lets go of it.
func (m *Memory) CarryOver(before []Steering, now time.Time) {
	old := steering(before, SteersScheduled)
	if old == nil || !old.InForce(now) {
		return
	}
	switch s := steering(m.Steering, SteersScheduled); {
	case s == nil:
		cut := *old
		cut.For = now.Sub(cut.Since)
		m.Steering = append(m.Steering, cut)
		slices.SortFunc(m.Steering, func(a, b Steering) int { return cmp.Compare(told(a.Steers), told(b.Steers)) })
	case s.Since.Equal(now):
		s.Since, s.For = old.Since, s.Until().Sub(old.Since)
	}
}

// told is the place of a kind among all.
func told(what Steers) int {
	if i := slices.Index(suspendable, what); i >= 0 {
		return i
	}
	return len(suspendable)
}

// EndSteering forgets what is over after a decision that was remembered, and tells what that was. A suspension of scheduled scaling
// is needed until what was due meanwhile has been dealt with, which it is not at a service that has not been described.
func (m *Memory) EndSteering(d *Decision) (ended []Steering) {
	if len(m.Steering) == 0 {
		return nil
	}
	var left []Steering
	for _, s := range m.Steering {
		if s.InForce(d.Time) || s.Steers == SteersScheduled && d.Reason == ServiceNotDescribed {
			left = append(left, s)
		} else {
			ended = append(ended, s)
		}
	}
	if ended != nil {
		m.Steering = left
	}
	return ended
}

// SteeringEnds is when the first of what is in force ends, zero when nothing is.
func (m *Memory) SteeringEnds(now time.Time) (first time.Time) {
	for k := range m.Steering {
		s := &m.Steering[k]
		if ends := s.Until(); s.InForce(now) && (first.IsZero() || ends.Before(first)) {
			first = ends
		}
	}
	return first
}

// Pinned notes that the override has been carried out with that count, as was decided at a time, and reports whether that is news.
func (m *Memory) Pinned(count int, decided time.Time) bool {
	s := steering(m.Steering, SteersCount)
	if s == nil || decided.Before(s.Since) || s.Done && s.Count == count {
		return false
	}
	s.Done, s.Count = true, count
	return true
}

// steer puts what persons have asked for over the registration in force. Either one suspends.
func (e *pass) steer() {
	for _, s := range e.m.Steering {
		if !s.InForce(e.d.Time) {
			continue
		}
		registered := false
		switch r := &e.r.Suspended; s.Steers {
		case SteersIn:
			registered, r.DynamicScalingIn = r.DynamicScalingIn, true
		case SteersOut:
			registered, r.DynamicScalingOut = r.DynamicScalingOut, true
		case SteersScheduled:
			registered, r.Scheduled = r.Scheduled, true
		default: // an override suspends nothing
		}
		s.Beyond = registered
		e.d.Steering = append(e.d.Steering, s)
	}
}

// wasSuspended says that scheduled scaling was suspended by hand at an instant that has passed: also what was due in a
// suspension that has ended by now is not made up for.
func (e *pass) wasSuspended(at time.Time) bool {
	s := steering(e.m.Steering, SteersScheduled)
	if s == nil || at.Before(s.Since) || !s.InForce(at) {
		return false
	}
	if steering(e.d.Steering, SteersScheduled) == nil {
		e.d.Steering = append(e.d.Steering, *s)
	}
	return true
}

// pin is what an override makes of the count that the bounds leave. It moves the count until it has been carried out, and
// again when the bounds have moved; another hand's count it leaves alone, as everything else here does.
func (e *pass) pin(count int) int {
	s := steering(e.d.Steering, SteersCount)
	if s == nil {
		return count
	}
	wanted := e.r.clamp(s.Desired)
	if s.Done && (s.Count == wanted || e.o.Service.Desired != s.Count) && count != wanted {
		return count
	}
	e.pinned = count != wanted
	e.d.Pins = !s.Done || s.Count != wanted
	return wanted
}

// overridden: a person has set the count for some time, and no policy moves it.
func overridden(e *pass, _ int) Reason {
	if steering(e.d.Steering, SteersCount) != nil {
		return ByOverride
	}
	return ""
}
