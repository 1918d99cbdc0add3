package evaluator

import "sync"

// guards stand in the order in which they are asked. Each may stop a wish, and the last one to do so names
// the reason: what concerns the whole target speaks over what concerns one policy.
var guards = [...]struct {
	name string
	// inOnly says that the guard is asked about scale-in alone.
	inOnly bool
	// rail says that the guard is a safety rail of ours: where there is none it is not asked.
	rail bool
	// steer says that the guard is about what persons steer: where nobody does it is not asked.
	steer bool
	// judge says why the wish of policy i must not be carried out, or "".
	judge func(e *pass, i int) Reason
}{
	{name: "due", judge: notDue},
	{name: "data", judge: unsound},
	{name: "change", judge: changesNothing},
	{name: "scale-in cooldown", inOnly: true, judge: coolingDown},
	{name: "scale-out cooldown", inOnly: true, judge: justScaledOut},
	{name: "step limit", rail: true, judge: stepUsedUp},
	{name: "flap guard", inOnly: true, rail: true, judge: flapGuarded},
	{name: "peers", inOnly: true, judge: peersNotReady},
	{name: "scale-out alarm", inOnly: true, judge: keptFromFalling},
	{name: "out of bounds", judge: outOfBounds},
	{name: "deployment", inOnly: true, judge: deploying},
	{name: "scale-in window", inOnly: true, rail: true, judge: forbiddenNow},
	{name: "fleet brake", inOnly: true, rail: true, judge: braked},
	{name: "suspension", judge: suspended},
	{name: "bounds", judge: atBound},
	{name: "override", steer: true, judge: overridden},
}

// passes are used again and again: what is called through a list gets its pass on the heap. A pass stays on the stack
// until there is a wish, which mostly there is not; the pool alone costs a twentieth of the whole evaluation.
var passes = sync.Pool{New: func() any { return new(pass) }}

// guard puts the wishes, if there are any, before the guards. They only read the pass, so that a copy does.
func (e *pass) guard() {
	out, in := e.wished(ScaleOut), e.wished(ScaleIn)
	if !out && !in {
		return
	}
	c := passes.Get().(*pass)
	*c = *e
	c.stopWishes(in)
	*c = pass{} // It must not keep alive what it has seen.
	passes.Put(c)
}

// stopWishes lets every guard look at every wish before the next guard is asked, because some of them look at the
// wishes of other policies.
func (e *pass) stopWishes(in bool) {
	railed, steered := e.railed(), len(e.d.Steering) > 0
	for g := range guards {
		guard := &guards[g]
		if guard.inOnly && !in || guard.rail && !railed || guard.steer && !steered {
			continue
		}
		e.stopBy(guard.judge, guard.inOnly)
	}
}

// stopBy lets one guard look at every wish, or at every one to scale in.
func (e *pass) stopBy(judge func(e *pass, i int) Reason, inOnly bool) {
	for i := range e.d.Policies {
		p := &e.d.Policies[i]
		if p.Wish == Hold || inOnly && p.Wish != ScaleIn {
			continue
		}
		if why := judge(e, i); why != "" {
			p.stop(why)
		}
	}
}

// wished says that any policy wishes to go that way.
func (e *pass) wished(direction Action) bool {
	for i := range e.d.Policies {
		if e.d.Policies[i].Wish == direction {
			return true
		}
	}
	return false
}

func (p *PolicyDecision) stop(why Reason) { p.Action, p.Reason = Hold, why }

// alarm is the index of the alarm that the wish of p comes from.
func (p *PolicyDecision) alarm() int {
	if p.Type == TargetTrackingScaling && p.Wish == ScaleIn && len(p.Alarms) > 1 {
		return 1
	}
	return 0
}

// changes says that carrying the wish out would move the desired count in its own direction.
func (e *pass) changes(p *PolicyDecision) bool {
	switch {
	case !p.HasWanted:
		return false
	case p.Wish == ScaleOut:
		return p.Wanted > e.desired
	default:
		return p.Wanted < e.desired
	}
}

// notDue: an alarm acts only when it is evaluated; a 60-second alarm does not act between whole minutes only
// because a faster one of the same target is looked at.
func notDue(e *pass, i int) Reason {
	p := &e.d.Policies[i]
	if !e.due(e.t.Policies[i].Alarms[p.alarm()].Metric) {
		return NothingDue
	}
	return ""
}

// unsound: states are CloudWatch's, actions need more. Growing needs a real breaching datapoint; shrinking
// needs M of them, a real newest one and a complete read. This is stricter than AWS on purpose.
func unsound(e *pass, i int) Reason {
	p := &e.d.Policies[i]
	a, ad := &e.t.Policies[i].Alarms[p.alarm()], &p.Alarms[p.alarm()]
	if why := e.unread(a.Metric); why != "" {
		return why
	}
	if p.Wish == ScaleOut {
		return lacking(p, ad, ad.Breaching > 0)
	}
	s := e.series(a.Metric)
	complete := !s.Partial && !ad.newestMissing() && significant(a, e.series(a.SampleCount), ad)
	based := p.HasWanted || p.Type == StepScaling
	return lacking(p, ad, complete && based && ad.Breaching >= a.DatapointsToAlarm)
}

// lacking names what is wrong with data that is not enough: it stopped coming, or there is too little of it.
func lacking(p *PolicyDecision, ad *AlarmDecision, enough bool) Reason {
	switch {
	case enough:
		return ""
	case p.HasMetric && ad.newestMissing():
		return StaleData
	default:
		return InsufficientData
	}
}

// changesNothing: a wish that does not lead away from the desired count in its own direction, so that a
// scale-out never lowers it and a scale-in never raises it.
func changesNothing(e *pass, i int) Reason {
	p := &e.d.Policies[i]
	switch {
	case p.Action == Hold || e.changes(p):
		return ""
	case !p.HasWanted:
		return NoMatchingStep
	case p.Wish == ScaleOut:
		return e.coveredByCredit(i)
	case p.Type == TargetTrackingScaling && p.Wanted >= p.Base:
		return AutoScalingAnticipatedFlapping
	default:
		return AlreadyAtDesiredCapacity
	}
}

// coveredByCredit is why a scale-out wish is not above the desired count. Wanting just that count is AWS's
// AlreadyAtDesiredCapacity, also in the middle of the policy's own activity.
func (e *pass) coveredByCredit(i int) Reason {
	policy, p, c := &e.t.Policies[i], &e.d.Policies[i], e.cooldown(i)
	chained := p.AdjustmentType != ExactCapacity && c.chained(policy, e.d.Time)
	if ends := c.scaleOutEnds(policy); chained && e.d.Time.Before(ends) {
		p.CooldownEnds = ends
	}
	switch {
	case !chained || p.Wanted == e.desired:
		return AlreadyAtDesiredCapacity
	case c.OpenAdded > 0:
		return ActivityInProgress
	default:
		return CooldownInEffect
	}
}

// coolingDown: the policy waits for its last scale-in to be fulfilled, and then for its cooldown.
func coolingDown(e *pass, i int) Reason {
	policy, p := &e.t.Policies[i], &e.d.Policies[i]
	if !e.changes(p) {
		return ""
	}
	if e.scalingIn(i) {
		return ActivityInProgress
	}
	if ends := e.cooldown(i).scaleInEnds(policy); e.d.Time.Before(ends) {
		p.CooldownEnds = ends
		return CooldownInEffect
	}
	return ""
}

// justScaledOut: AWS does not forbid a scale-in while the policy's own scale-out cooldown runs; who wants
// that can.
func justScaledOut(e *pass, i int) Reason {
	policy, p, c := &e.t.Policies[i], &e.d.Policies[i], e.cooldown(i)
	if !e.changes(p) || policy.ScaleInDuringScaleOutCooldown || !c.chained(policy, e.d.Time) {
		return ""
	}
	if c.OpenAdded > 0 {
		return ActivityInProgress
	}
	p.CooldownEnds = c.scaleOutEnds(policy)
	return CooldownInEffect
}

// peersNotReady: target tracking removes capacity only when every target-tracking policy that may is ready to.
// A step policy is not held back by that. A peer that only this guard has stopped is ready.
func peersNotReady(e *pass, i int) Reason {
	p := &e.d.Policies[i]
	if p.Type != TargetTrackingScaling || !e.changes(p) {
		return ""
	}
	for k := range e.d.Policies {
		peer := &e.t.Policies[k]
		takesPart := k != i && peer.Type == TargetTrackingScaling && !peer.TargetTracking.DisableScaleIn
		if takesPart && e.d.Policies[k].Action != ScaleIn && e.d.Policies[k].Reason != PolicyNotReadyToScaleIn {
			return PolicyNotReadyToScaleIn
		}
	}
	return ""
}

// keptFromFalling: while the scale-out alarm of any policy is in ALARM nothing is removed, even where that
// policy itself cannot add anything just now.
func keptFromFalling(e *pass, i int) Reason {
	p := &e.d.Policies[i]
	if !e.changes(p) {
		return ""
	}
	for k := range e.d.Policies {
		if e.d.Policies[k].Wish == ScaleOut {
			return PolicyNotReadyToScaleIn
		}
	}
	return ""
}

// outOfBounds: someone has set the count beyond a bound; no policy carries it further out (aws-semantics 1.11).
func outOfBounds(e *pass, i int) Reason {
	p := &e.d.Policies[i]
	furtherOut := p.Wish == ScaleOut && e.desired > e.r.Max || p.Wish == ScaleIn && e.desired < e.r.Min
	if p.HasWanted && furtherOut {
		return OutOfBoundsByOthers
	}
	return ""
}

// deploying: AWS switches scale-in off while an ECS deployment is in progress; scale-out goes on.
// Deployments by CODE_DEPLOY and EXTERNAL are not ECS's and hold nothing.
func deploying(e *pass, i int) Reason {
	p, s := &e.d.Policies[i], &e.o.Service
	byECS := s.Deploying && (s.Controller == "ECS" || s.Controller == "")
	if e.changes(p) && byECS && !e.t.ScaleInDuringDeployment {
		return TargetServicePutResourceAsUnscalable
	}
	return ""
}

// suspended: the user has switched this direction off.
func suspended(e *pass, i int) Reason {
	p, s := &e.d.Policies[i], &e.r.Suspended
	if e.changes(p) && (p.Wish == ScaleOut && s.DynamicScalingOut || p.Wish == ScaleIn && s.DynamicScalingIn) {
		return DynamicScalingSuspended
	}
	return ""
}

// atBound: there is no room left in this direction. Of the guards that are AWS's it is the last because that is true
// whatever else may be in the way.
func atBound(e *pass, i int) Reason {
	p := &e.d.Policies[i]
	switch {
	case !p.HasWanted:
		return ""
	case p.Wish == ScaleOut && e.desired == e.r.Max:
		return AlreadyAtMaxCapacity
	case p.Wish == ScaleIn && e.desired == e.r.Min:
		return AlreadyAtMinCapacity
	default:
		return ""
	}
}
