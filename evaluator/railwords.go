package evaluator

import (
	"strconv"
	"time"
)

// stepClause says that the wish of p was cut, or that nothing is left of the step, where a limit is in effect.
func (d *Decision) stepClause(p *PolicyDecision) string {
	r := d.rail(stepRail(p.Wish))
	switch {
	case r == nil:
		return ""
	case d.Action == Hold:
		return "; " + r.Rail + " (" + r.Limit.spelled() + ") is used up"
	default:
		return ", but " + r.Rail + " (" + r.Limit.spelled() + ") cuts that to " + strconv.Itoa(d.Wanted)
	}
}

// spelled is the limit in a sentence.
func (l StepLimit) spelled() string {
	if l.Tasks > 0 {
		return counted(l.Tasks, "task")
	}
	return strconv.Itoa(l.Percent) + " %"
}

func inForbiddenWindow(d *Decision, p *PolicyDecision) string {
	text := p.wants() + ", but scale-in is forbidden"
	r := d.rail(RailScaleInForbidden)
	if r == nil {
		return text + " now"
	}
	text += " until " + d.moment(r.Until)
	if r.Window != "" {
		text += " by the window " + r.Window
	}
	return text
}

func guardedFromFlapping(d *Decision, p *PolicyDecision) string {
	text := p.wants() + ", but the flap guard holds scale-in"
	if p.CooldownEnds.IsZero() {
		return text
	}
	text += " until " + d.moment(p.CooldownEnds)
	if r := d.rail(RailFlapGuard); r != nil {
		text += ": " + r.flapped() + ", so it waits " + spell(p.WidenedCooldown) + " after the last activity instead of " + spell(p.UsualCooldown)
	}
	return text
}

// flapped is what the flap guard has noticed.
func (r *Rail) flapped() string {
	return "the policies have turned round " + times(r.Reversals) + " within " + spell(time.Duration(r.Within)*time.Second)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

func fleetHalted(d *Decision, p *PolicyDecision) string {
	text := p.wants() + ", but the fleet brake holds every scale-in"
	r := d.rail(RailFleetBrake)
	if r == nil {
		return text
	}
	return text + ": " + strconv.Itoa(r.Unready) + " of " + counted(r.Targets, "target") +
		" lack data or cannot be described, more than " + decimal(r.HaltAbove) + " %"
}

// railsBeside tells of a target that flaps where the decision is about something else.
func (d *Decision) railsBeside() string {
	if r := d.rail(RailFlapGuard); r != nil && d.Reason != HeldByFlapGuard {
		return " Flap guard: " + r.flapped() + "."
	}
	return ""
}

// moment is a time of the decision's day, or one with its date.
func (d *Decision) moment(at time.Time) string {
	layout := time.TimeOnly
	if at.UTC().Format(time.DateOnly) != d.Time.UTC().Format(time.DateOnly) {
		layout = time.DateTime
	}
	return at.UTC().Format(layout) + " UTC"
}

// spell is a duration for people: 90 s, 5 min, 2 h.
func spell(d time.Duration) string {
	switch s := int64(d / time.Second); {
	case s != 0 && s%hour == 0:
		return strconv.FormatInt(s/hour, 10) + " h"
	case s != 0 && s%minute == 0:
		return strconv.FormatInt(s/minute, 10) + " min"
	default:
		return strconv.FormatInt(s, 10) + " s"
	}
}
