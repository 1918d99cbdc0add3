package evaluator

import (
	"strconv"
	"time"
)

// byOverride says what a person has set, and beside that what becomes of it.
func byOverride(d *Decision, p *PolicyDecision) string {
	text := "the desired count is overridden"
	if p.Name != "" {
		text = p.wants() + ", but " + text
	}
	s := steering(d.Steering, SteersCount)
	if s == nil {
		return text
	}
	pin := Registration{Min: d.Min, Max: d.Max}.clamp(s.Desired)
	text += " with " + strconv.Itoa(s.Desired) + d.untilBecause(s)
	switch {
	case s.Desired > pin:
		text += ", and max capacity is " + strconv.Itoa(d.Max)
	case s.Desired < pin:
		text += ", and min capacity is " + strconv.Itoa(d.Min)
	}
	if d.Action == Hold && d.Desired != pin {
		text += "; somebody has set " + strconv.Itoa(d.Desired) + " since, which is respected"
	}
	return text
}

// untilBecause is when something ends, and the reason that its person gave.
func (d *Decision) untilBecause(s *Steering) string {
	return " until " + d.moment(s.Until()) + " (" + s.Reason + ")"
}

// suspension is how a sentence goes on that says that something is suspended: by what, and until when.
func (d *Decision) suspension(what Steers) string {
	s := steering(d.Steering, what)
	switch {
	case s == nil:
		return ""
	case s.Beyond:
		return " by its registration, and" + d.untilBecause(s)
	default:
		return d.untilBecause(s)
	}
}

// schedulesSuspended also tells of a suspension that is over by now, and was not when the action was due.
func schedulesSuspended(d *Decision, _ *PolicyDecision) string {
	is := " is"
	if s := steering(d.Steering, SteersScheduled); s != nil && !s.InForce(d.Time) {
		is = " was"
	}
	return "scheduled scaling" + is + " suspended" + d.suspension(SteersScheduled) +
		", and what was due is not made up for: " + d.fires(FireSuspended)
}

func directionSuspended(d *Decision, p *PolicyDecision) string {
	if p.Wish == ScaleIn {
		return p.wants() + ", but dynamic scaling in is suspended" + d.suspension(SteersIn)
	}
	return p.wants() + ", but dynamic scaling out is suspended" + d.suspension(SteersOut)
}

// overrideCause is the cause of the activity that carries an override out.
func (d *Decision) overrideCause() string {
	s := steering(d.Steering, SteersCount)
	if s == nil {
		return "an override was requested"
	}
	return "an override of the desired count with " + strconv.Itoa(s.Desired) + " until " + s.Until().UTC().Format(time.RFC3339) + " was requested: " + s.Reason
}

// Sentence says what a person steers, without a full stop.
func (s *Steering) Sentence() string {
	if s.Steers == SteersCount {
		return "the desired count is overridden with " + strconv.Itoa(s.Desired) + s.dated()
	}
	return s.scaling() + " is suspended" + s.dated()
}

// Named is Sentence as something of which more can be said.
func (s *Steering) Named() string {
	if s.Steers == SteersCount {
		return "the override of the desired count with " + strconv.Itoa(s.Desired) + s.dated()
	}
	return "the suspension of " + s.scaling() + s.dated()
}

// scaling is what people call a kind of scaling.
func (s *Steering) scaling() string {
	if s.Steers == SteersScheduled {
		return "scheduled scaling"
	}
	return "dynamic scaling " + string(s.Steers)
}

func (s *Steering) dated() string {
	return " until " + s.Until().UTC().Format(time.DateTime) + " UTC (" + s.Reason + ")"
}
