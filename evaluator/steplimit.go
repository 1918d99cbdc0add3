package evaluator

import "time"

// limit is the one for a direction.
func (r *Rails) limit(way Action) StepLimit {
	if way == ScaleOut {
		return r.MaxScaleOutStep
	}
	return r.MaxScaleInStep
}

// stepLeft is how many tasks the limit still allows policy i in the direction of its wish; false without a limit. What the
// target's policies have added since the present chain of cooldowns began belongs to the same step, so that what was
// cut off follows after the cooldown and not a minute later.
func (e *pass) stepLeft(i int) (left int, limited bool) {
	way := e.d.Policies[i].Wish
	if e.t.Rails == nil || !e.t.Rails.limit(way).on() {
		return 0, false
	}
	limit, added := e.t.Rails.limit(way), 0
	if c := &e.m.Shared; way == ScaleOut && c.chained(&e.t.Policies[i], e.d.Time) {
		added = c.Added
	}
	return limit.of(max(0, e.desired-added)) - added, true
}

// stepUsedUp: with a limit, a step is that of the whole target; whoever wants another one waits until the last is over by
// the policy's own cooldown.
func stepUsedUp(e *pass, i int) Reason {
	p := &e.d.Policies[i]
	left, limited := e.stepLeft(i)
	switch {
	case !limited || !e.changes(p) || e.backToBounds():
		return ""
	case p.Wish == ScaleIn:
		return e.stepInUnderWay(i)
	case left > 0:
		return ""
	}
	e.noteStep(p.Wish, 0, 0)
	c := &e.m.Shared
	if c.OpenAdded > 0 {
		return ActivityInProgress
	}
	p.CooldownEnds = later(p.CooldownEnds, c.scaleOutEnds(&e.t.Policies[i]))
	return CooldownInEffect
}

// stepInUnderWay is why policy i waits with its step down: one of any policy is not fulfilled, or has just been.
func (e *pass) stepInUnderWay(i int) Reason {
	a, p := &e.m.Activity, &e.d.Policies[i]
	if a.Open && a.To < a.From && a.Policy != "" {
		e.noteStep(ScaleIn, 0, 0)
		return ActivityInProgress
	}
	ends := e.m.Shared.scaleInEnds(&e.t.Policies[i])
	if !e.d.Time.Before(ends) {
		return ""
	}
	e.noteStep(ScaleIn, 0, 0)
	p.CooldownEnds = later(p.CooldownEnds, ends)
	return CooldownInEffect
}

// backToBounds says that somebody has set the count beyond a bound: the way back to it is the bound's and has no limit.
func (e *pass) backToBounds() bool { return e.desired < e.r.Min || e.desired > e.r.Max }

// limited is what is set for the wish of policy i: brought into the bounds, then cut to the step that is left.
func (e *pass) limited(i int) int {
	p := &e.d.Policies[i]
	wanted := e.bounded(p)
	left, limited := e.stepLeft(i)
	if !limited || e.backToBounds() {
		return wanted
	}
	if p.Wish == ScaleOut {
		return min(wanted, e.desired+left)
	}
	return max(wanted, e.desired-left)
}

// noteLimit shows the limit in the decision if it has cut the wish that is carried out.
func (e *pass) noteLimit(i int) {
	if wanted := e.bounded(&e.d.Policies[i]); wanted != e.d.Wanted {
		left, _ := e.stepLeft(i)
		e.noteStep(e.d.Policies[i].Wish, left, wanted)
	}
}

// noteStep shows the limit of a direction, what is left of its step and what was wanted. What is carried out comes last.
func (e *pass) noteStep(way Action, left, wanted int) {
	name := stepRail(way)
	if e.d.rail(name) == nil {
		e.d.Rails = append(e.d.Rails, Rail{Rail: name, Limit: e.t.Rails.limit(way)})
	}
	r := e.d.rail(name)
	r.Step, r.Wanted = left, wanted
}

func stepRail(way Action) string {
	if way == ScaleOut {
		return RailScaleOutStep
	}
	return RailScaleInStep
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
