package evaluator

import "time"

// pass is one evaluation under way.
type pass struct {
	t *Target
	o *Observation
	m *Memory
	d *Decision
	// now is the unix second of the decision, soonest that of the next evaluation of an alarm.
	now, soonest int64
	// r is the registration in force: the configuration's, or what changed it since.
	r Registration
	// desired is the count that the policies start from: the one seen, or the one that the
	// registration or the scheduled actions in this very decision make of it.
	desired int
	// moved says that scheduled actions have moved the count in this very decision.
	moved bool
	// pinned says that an override has moved the count in this very decision.
	pinned bool
	// refused says that nothing may be done to the service at all.
	refused bool
}

// Evaluate decides what the desired count of t should be at now and fills d, whose slices it reuses: once
// d has seen its target, nothing is allocated. The observation and the memory are only read, and the
// same arguments always give the same decision. Every alarm is judged even where nothing may act, because
// CloudWatch's alarms, too, go on changing state while scaling is suspended or impossible.
func Evaluate(t *Target, o *Observation, m *Memory, now time.Time, d *Decision) {
	e := pass{t: t, o: o, m: m, d: d, now: now.Unix(), r: m.InForce(t), desired: o.Service.Desired}
	e.decide(now)
	d.Next = e.next()
}

func (e *pass) decide(now time.Time) {
	refusal := e.refusal()
	e.open(now)
	if refusal == "" && e.staysOff() {
		refusal = ServiceSwitchedOff
	}
	if refusal == "" {
		e.desired = e.pin(e.scheduled(e.registered()))
	}
	e.d.Start = e.desired
	for i := range e.t.Policies {
		e.judgeAlarms(i)
		e.wish(i)
	}
	if e.refused = refusal != ""; e.refused {
		e.refuse(refusal)
		return
	}
	e.guard()
	e.combine()
}

// open fills in what is known before anything is decided.
func (e *pass) open(now time.Time) {
	d, s := e.d, &e.o.Service
	d.Target, d.Time = e.t.Key, now
	d.Action, d.Reason, d.Outcome = Hold, NothingDue, OutcomeNone
	d.Desired, d.Running, d.Pending, d.Wanted = s.Desired, s.Running, s.Pending, s.Desired
	d.Policy, d.Registers, d.Pins = -1, false, false
	d.Policies = resize(d.Policies, len(e.t.Policies))
	d.Scheduled, d.Steering = d.Scheduled[:0], d.Steering[:0]
	if len(e.m.Steering) > 0 {
		e.steer()
	}
	if len(e.t.ScheduledActions) > 0 && !s.DescribedAt.IsZero() {
		e.fire() // not before the first answer of ECS: its date says whether the clock is right
	}
	d.Min, d.Max = e.r.Min, e.r.Max
	if d.Rails = d.Rails[:0]; e.railed() {
		e.rails()
	}
}

// refusal says why nothing may be done to the service at all, or is empty. It is asked before the scheduled actions
// fire: a min that one raises only now makes nothing of a 0 that was within the bounds.
func (e *pass) refusal() Reason {
	s := &e.o.Service
	switch {
	case s.Status == ServiceMissing:
		return ServiceNotFound
	case s.DescribedAt.IsZero():
		return ServiceNotDescribed
	case s.Status == ServiceDraining, s.Status == ServiceInactive:
		return ServiceNotActive
	case s.Daemon:
		return ServiceNotScalable
	case e.o.Managed == ManagedUnknown:
		return ManagedPoliciesUnknown
	case e.o.Managed == ManagedToo:
		return ManagedPolicyConflict
	case switchedOff(e.t, s, e.m, e.r.Min):
		return ServiceSwitchedOff
	default:
		return ""
	}
}

// switchedOff says that a person has set the desired count to 0 below a positive min. A 0 that is our own, from a
// time when min was 0, is not meant.
func switchedOff(t *Target, s *Service, m *Memory, lowest int) bool {
	if s.Desired != 0 || lowest <= 0 || t.StartSwitchedOff {
		return false
	}
	return m.SwitchedOff || m.LastDesired != 0
}

// staysOff says that a min that is raised in this very decision would start what a person has switched off.
func (e *pass) staysOff() bool {
	return e.m.SwitchedOff && switchedOff(e.t, &e.o.Service, e.m, e.r.Min)
}

// registered is the desired count after the registration, if this decision is one. Registering brings the
// count into the bounds at once (aws-semantics 6.1); being out of them by someone else's hand does not,
// except for a service at 0 that the user wants started.
func (e *pass) registered() int {
	e.d.Registers = !e.m.Registered || e.m.File != e.t.Registration()
	if e.d.Registers || e.desired == 0 && e.t.StartSwitchedOff {
		return e.m.InForce(e.t).clamp(e.desired) // what scheduled actions make of it in this decision comes after that
	}
	return e.desired
}

// refuse stops every wish with the one reason that concerns the service itself. What a policy would want is kept where nothing
// but the managed scaling stands against it: whoever moves in wants to see it.
func (e *pass) refuse(why Reason) {
	e.d.Reason = why
	for i := range e.d.Policies {
		p := &e.d.Policies[i]
		if p.Wish == Hold {
			continue
		}
		p.stop(why)
		if why != ManagedPolicyConflict && why != ManagedPoliciesUnknown {
			p.HasWanted, p.Wanted, p.Base, p.Credit = false, 0, 0, 0
		}
	}
}

// judgeAlarms starts the decision of policy i and judges its alarms. Here and below it is filled in field by field:
// a literal would be built on the stack first and copied, a tenth of the whole evaluation.
func (e *pass) judgeAlarms(i int) {
	p, pd := &e.t.Policies[i], &e.d.Policies[i]
	alarms := resize(pd.Alarms, len(p.Alarms))
	*pd = PolicyDecision{}
	pd.Name, pd.Type, pd.Wish, pd.Action = p.Name, p.Type, Hold, Hold
	pd.Aggregation, pd.TargetValue, pd.CooldownCredit = p.Aggregation, p.TargetTracking.TargetValue, p.CooldownCredit
	pd.Alarms = alarms
	if pd.Aggregation == "" {
		pd.Aggregation = Average
	}
	for j := range p.Alarms {
		pd.Alarms[j].Previous = e.previous(i, j)
		e.judgeAlarm(&p.Alarms[j], &pd.Alarms[j])
	}
}

// judgeAlarm keeps the previous state of an alarm that is not due or whose metric could not be read.
func (e *pass) judgeAlarm(a *Alarm, ad *AlarmDecision) {
	ad.Name, ad.MetricName = a.Name, e.t.Metrics[a.Metric].label()
	ad.State = ad.Previous
	ad.Threshold, ad.Operator = a.Threshold, a.Operator
	ad.DatapointsToAlarm, ad.EvaluationPeriods = a.DatapointsToAlarm, a.EvaluationPeriods
	s := e.series(a.Metric)
	if !s.readable() {
		ad.Judged, ad.Breaching, ad.Partial, ad.End, ad.Period, ad.Values = 0, 0, false, 0, 0, ad.Values[:0]
		return
	}
	ad.Partial = s.Partial
	judge(a, s, e.series(a.SampleCount), e.now, ad)
	if !e.due(a.Metric) {
		ad.State = ad.Previous
	}
}

// previous is the remembered state of an alarm; one that nothing is known of starts where CloudWatch's do.
func (e *pass) previous(i, j int) AlarmState {
	if i < len(e.m.Policies) && j < len(e.m.Policies[i].Alarms) {
		if s := e.m.Policies[i].Alarms[j].State; s != "" {
			return s
		}
	}
	return InsufficientDataState
}

// series is what was read of a metric, nil if nothing was.
func (e *pass) series(metric int) *Series {
	if metric < 0 || metric >= len(e.o.Series) {
		return nil
	}
	return e.o.Series[metric]
}

func (e *pass) due(metric int) bool {
	return metric >= len(e.o.Due) || e.o.Due[metric]
}

// label is the name people know the metric by: its own, or that of the returned line of metric math.
func (m *Metric) label() string {
	for i := range m.Queries {
		q := &m.Queries[i]
		switch {
		case !q.ReturnData:
		case q.Metric != nil:
			return q.Metric.MetricName
		default:
			return q.Expression
		}
	}
	return m.MetricName
}
