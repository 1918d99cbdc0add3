package evaluator

import (
	"slices"
	"sort"
	"strings"
	"time"
)

// horizon is the longest time without a look: that of AWS's scale-in alarm, 15 datapoints of a minute. People look at
// alarm states, too.
const horizon = 15 * minute

// next is when to look again: the earliest instant at which an alarm could enter ALARM or repeat its action with an
// effect, a scheduled action is due, or what a person steers ends. It supposes that every bucket that is to come or still missing
// breaches, so that whoever looks each minute would not have acted sooner.
func (e *pass) next() time.Time {
	e.soonest = e.nextEvaluation()
	at := e.soonest
	if e.d.Action == Hold && e.settled() {
		if at = e.out(e.now + horizon); at > e.soonest {
			at = e.in(at)
		}
	}
	next := time.Unix(at, 0).UTC()
	if len(e.m.Steering) > 0 {
		if ends := e.m.SteeringEnds(e.d.Time); !ends.IsZero() && ends.Before(next) {
			next = ends.UTC()
		}
	}
	if len(e.t.ScheduledActions) > 0 {
		if fire := e.nextFire(); !fire.IsZero() && fire.Before(next) {
			return fire
		}
	}
	return next
}

// settled says that the next decision depends on the metrics alone: they have all been judged at this one, and the tasks
// that run are those desired. Otherwise the count may change without anybody's hand; an override that is still to be carried
// out may find that it does not rest on a fresh description.
func (e *pass) settled() bool {
	s := &e.o.Service
	return !e.refused && !e.d.Pins && s.Running == e.desired && s.Base == e.desired && !slices.Contains(e.o.Due, false)
}

// nextEvaluation is that of an alarm of the target: the next whole minute, or the next whole 10 s where a
// period is under a minute. Nothing happens in between, not even when a cooldown ends there: only an alarm acts.
func (e *pass) nextEvaluation() int64 {
	for i := range e.t.Metrics {
		if e.t.Metrics[i].Period < minute {
			return floor(e.now, tick) + tick
		}
	}
	return floor(e.now, minute) + minute
}

// out is when a scale-out could be wished for, if that is before the limit. One that is wished for already is looked at
// each time: the count that stops it may be changed by others.
func (e *pass) out(limit int64) int64 {
	for i := range e.t.Policies {
		p := &e.t.Policies[i]
		switch {
		case len(p.Alarms) == 0 || e.outSuspended() && !p.lasting():
		case p.Type == StepScaling && !p.Step.leads(ScaleOut, e.desired) && !p.lasting():
		case e.d.Policies[i].Wish == ScaleOut, e.desired == 0: // nothing runs then, and one datapoint wakes it
			return e.soonest
		default:
			limit = e.alarming(i, 0, limit)
		}
	}
	return limit
}

// outSuspended says that scaling out is suspended with no end in sight. Of what a person has suspended for some time the alarms
// are watched on, so that its end finds them as if it had not been.
func (e *pass) outSuspended() bool {
	return e.r.Suspended.DynamicScalingOut && steering(e.d.Steering, SteersOut) == nil
}

// in is when a scale-in could be carried out, by a step policy or by all target-tracking policies together, if that is
// before the limit.
func (e *pass) in(limit int64) int64 {
	if e.desired <= e.r.Min || e.r.Suspended.DynamicScalingIn {
		return limit
	}
	together, last := int64(0), limit
	for i := range e.t.Policies {
		p := &e.t.Policies[i]
		switch {
		case p.Type == StepScaling:
			if len(p.Alarms) > 0 && p.Step.leads(ScaleIn, e.desired) {
				limit = e.scaleInAt(i, 0, limit)
			}
		case len(p.Alarms) > 1 && together < limit: // without a low alarm the policy never scales in
			together = max(together, e.scaleInAt(i, 1, limit))
		}
	}
	if together > 0 {
		limit = min(limit, together)
	}
	return e.allowed(limit, last)
}

// allowed is not before the window closes in which scale-in is forbidden, if one is open.
func (e *pass) allowed(at, limit int64) int64 {
	if w := e.d.rail(RailScaleInForbidden); w != nil {
		return min(limit, max(at, w.Until.Unix()))
	}
	return at
}

// lasting says that the first alarm of the policy may ask for a scale-out in a state that is kept from long ago: where
// little is known, the mode ignore and a percentile of few samples keep it. Then somebody has to have looked.
func (policy *Policy) lasting() bool {
	a := &policy.Alarms[0]
	keeps := a.Missing == TreatIgnore || a.Percentile > 0
	return keeps && (!a.Operator.Below() || policy.Step.leads(ScaleOut, 0))
}

// leads says that a step of the policy may lead that way.
func (s *Step) leads(way Action, desired int) bool {
	for k := range s.Adjustments {
		change := s.Adjustments[k].ScalingAdjustment
		if s.AdjustmentType == ExactCapacity {
			change -= desired
		}
		if way == ScaleOut && change > 0 || way == ScaleIn && change < 0 {
			return true
		}
	}
	return false
}

// scaleInAt is when policy i could scale in by that alarm, if that is before the limit. In ALARM it may be its own
// cooldown or the rounding that holds it back for longer.
func (e *pass) scaleInAt(i, alarm int, limit int64) int64 {
	p := &e.d.Policies[i]
	at := e.alarming(i, alarm, limit)
	if p.Wish != ScaleIn || p.Alarms[alarm].State != AlarmingState {
		return at
	}
	if !p.CooldownEnds.IsZero() {
		at = max(at, p.CooldownEnds.Unix())
	}
	if p.Type == TargetTrackingScaling && p.HasWanted && p.Wanted >= e.desired {
		at = max(at, e.roundedAway(i))
	}
	return min(at, limit)
}

// alarming is when the alarm could be in ALARM, if that is before the limit.
func (e *pass) alarming(i, alarm int, limit int64) int64 {
	ad := &e.d.Policies[i].Alarms[alarm]
	if ad.State == AlarmingState || ad.Partial || ad.Period == 0 || ad.Period > minute {
		return e.soonest
	}
	good := ad.toGiveWay()
	if least := ad.End + ad.Period*int64(good); least >= limit {
		return limit
	}
	s := e.series(e.t.Policies[i].Alarms[alarm].Metric)
	return min(limit, max(e.soonest, s.seen(ad.End+ad.Period*int64(ad.bucketsFor(good)))))
}

// seen is the earliest instant at which a bucket that ends there may be known, or missed, and used.
func (s *Series) seen(end int64) int64 {
	after := min(s.Soonest, s.Delay)
	if s.Period < minute {
		after = max(after, tick)
	}
	return end + after
}

// toGiveWay is how many of the good datapoints in the window have to give way to breaching ones until the alarm is in
// ALARM. What is missing may still come, and breach.
func (a *AlarmDecision) toGiveWay() int {
	if len(a.Values) != a.EvaluationPeriods {
		return 0 // gaps made the alarm look further back
	}
	return a.DatapointsToAlarm - (a.EvaluationPeriods - a.Judged + a.Breaching)
}

// bucketsFor is after how many more buckets that many good datapoints have left the window: the oldest leave first.
func (a *AlarmDecision) bucketsFor(good int) int {
	if a.Judged-a.Breaching == a.EvaluationPeriods {
		return good
	}
	c, k := comparisonOf(a.Operator, a.Threshold), 0
	for ; good > 0; k++ {
		if v := a.Values[k]; !missing(v) && !c.breaches(v) {
			good--
		}
	}
	return k
}

// roundedAway is when a target-tracking policy that finds the load low, but not low enough for one task fewer, could
// do so: its average cannot fall faster than to 0. That holds for metrics that are never negative.
func (e *pass) roundedAway(i int) int64 {
	policy, p := &e.t.Policies[i], &e.d.Policies[i]
	a := &p.Alarms[1]
	n := a.EvaluationPeriods
	s := e.series(policy.Alarms[1].Metric)
	if policy.Aggregation != Average && policy.Aggregation != "" || len(a.Values) != n || !e.t.Metrics[policy.Alarms[1].Metric].positive() {
		return 0
	}
	if a.Period > minute {
		return 0 // its buckets are others at each look
	}
	if slices.ContainsFunc(a.Values, missing) {
		return 0
	}
	// What is left is added up anew: taking the oldest away from the sum again would leave noise where nothing is left.
	k := sort.Search(n, func(k int) bool {
		sum := 0.0
		for _, v := range a.Values[k:] {
			sum += v
		}
		return proportional(p.Base, sum/float64(n), policy.TargetTracking.TargetValue) < e.desired
	})
	return s.seen(a.End + s.Period*int64(k))
}

// positive says that the metric is known not to have values below 0.
func (m *Metric) positive() bool {
	return m.Namespace == "AWS/ECS" || m.Namespace == "AWS/ApplicationELB" || strings.HasPrefix(m.Namespace, "ECS/")
}
