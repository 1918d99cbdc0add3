package evaluator

import (
	"math"
	"slices"
)

const (
	// tolerance is relative: 10*45/45 must be 10 and 3*0.1/0.3 must be 1 although floating point says otherwise.
	tolerance = 1e-9

	// mostTasks keeps an absurd metric from overflowing; AWS allows 5,000 tasks in a service.
	mostTasks = math.MaxInt32
)

// wish lets policy i say what it would like, before any guard.
func (e *pass) wish(i int) {
	if e.lacksHighResolution(i) {
		e.d.Policies[i].Reason = HighResolutionUnsupported
		return
	}
	if e.t.Policies[i].Type == StepScaling {
		e.stepWish(i)
		return
	}
	e.trackingWish(i)
}

// trackingWish follows the high alarm first: growing is never delayed by a low alarm that lags behind.
func (e *pass) trackingWish(i int) {
	p := &e.d.Policies[i]
	switch {
	case len(p.Alarms) > 0 && (p.Alarms[0].State == AlarmingState || e.wakes(&p.Alarms[0])):
		e.ask(i, 0, ScaleOut)
	case len(p.Alarms) > 1 && p.Alarms[1].State == AlarmingState:
		e.ask(i, 1, ScaleIn)
	default:
		p.Reason = e.rest(i)
	}
	if p.HasMetric && !e.baseless(p) {
		e.size(i)
	}
}

// baseless says that a scale-in has nothing to be computed from: no task runs of those desired, so that the
// metric says nothing about them, and the formula would remove them all.
func (e *pass) baseless(p *PolicyDecision) bool {
	return p.Wish == ScaleIn && e.o.Service.Base == 0 && e.desired > 0
}

// wakes is the rule for a service without tasks: one datapoint above the target is enough (aws-semantics 1.7).
func (e *pass) wakes(high *AlarmDecision) bool {
	s := &e.o.Service
	if s.Desired != 0 || s.Base != 0 || s.DescribedAt.IsZero() {
		return false
	}
	newest, ok := latest(high.Values)
	return ok && comparisonOf(high.Operator, high.Threshold).breaches(newest)
}

// stepWish looks the step up that the metric falls into. The direction is that of the adjustment; where
// there is none, it is the side of the threshold that the alarm watches.
func (e *pass) stepWish(i int) {
	policy, p := &e.t.Policies[i], &e.d.Policies[i]
	if len(p.Alarms) == 0 || p.Alarms[0].State != AlarmingState {
		p.Reason = e.rest(i)
		return
	}
	a := &p.Alarms[0]
	e.ask(i, 0, side(a.Operator))
	if !p.HasMetric {
		return
	}
	k := matchingStep(policy.Step.Adjustments, a, p.Metric)
	if k < 0 {
		return
	}
	p.Adjustment, p.AdjustmentType = policy.Step.Adjustments[k].ScalingAdjustment, policy.Step.AdjustmentType
	p.Wish = direction(p, e.desired)
	p.Action = p.Wish
	e.size(i)
}

func side(op ComparisonOperator) Action {
	if op.Below() {
		return ScaleIn
	}
	return ScaleOut
}

// ask puts down the direction and the number that the wish is sized from: the datapoints that the alarm
// reports, brought down to one. Fills never count.
func (e *pass) ask(i, alarm int, wish Action) {
	p := &e.d.Policies[i]
	p.Wish, p.Action, p.Reason = wish, wish, ByTargetTracking
	if p.Type == StepScaling {
		p.Reason = ByStepScaling
	}
	p.Metric, p.HasMetric = aggregate(p.Aggregation, p.Alarms[alarm].Values)
}

// size computes the wanted capacity. A scale-out leaves out what the policy has itself just added.
func (e *pass) size(i int) {
	policy, p := &e.t.Policies[i], &e.d.Policies[i]
	p.HasWanted = true
	if p.stays() {
		p.Base, p.Wanted = e.desired, e.desired
		return
	}
	p.Base = e.o.Service.Base
	if p.Wish == ScaleOut && p.AdjustmentType != ExactCapacity {
		p.Credit = e.credit(i)
	}
	if policy.CooldownCredit == CreditDifference {
		p.Wanted = max(0, policy.result(p)-p.Credit)
	} else {
		p.Base = max(0, p.Base-p.Credit)
		p.Wanted = max(0, policy.result(p))
	}
}

// stays says that the step that applies adjusts by nothing: then the count stays also where it is not what runs,
// as in a deployment.
func (p *PolicyDecision) stays() bool {
	return p.Adjustment == 0 && (p.AdjustmentType == ChangeInCapacity || p.AdjustmentType == PercentChangeInCapacity)
}

// result is the capacity that the policy makes of its base.
func (policy *Policy) result(p *PolicyDecision) int {
	if policy.Type == StepScaling {
		return adjust(&policy.Step, p.Adjustment, p.Base)
	}
	if p.Base == 0 && p.Wish == ScaleOut {
		// From nothing nothing can be computed in proportion; AWS starts with the smallest step.
		return 1
	}
	return proportional(p.Base, p.Metric, policy.TargetTracking.TargetValue)
}

// proportional is the capacity that would bring the metric to the target, rounded up: adding 1.5 means 2,
// removing 0.5 means nothing (aws-semantics 1.6).
func proportional(base int, metric, target float64) int {
	wanted := float64(base) * metric / target
	if nearest := math.Floor(wanted + 0.5); math.Abs(wanted-nearest) <= tolerance*math.Abs(nearest) {
		wanted = nearest
	}
	return int(math.Ceil(min(max(wanted, 0), mostTasks)))
}

// aggregate brings the datapoints down to one number, which is not there if no datapoint is.
func aggregate(how Aggregation, values []float64) (number float64, ok bool) {
	switch how {
	case Minimum:
		return furthest(values, -1)
	case Maximum:
		return furthest(values, 1)
	case Latest:
		return latest(values)
	default:
		return average(values)
	}
}

func average(values []float64) (float64, bool) {
	n, sum := 0, 0.0
	for _, v := range values {
		if !missing(v) {
			n++
			sum += v
		}
	}
	if n == 0 {
		return 0, false
	}
	return sum / float64(n), true
}

// furthest is the highest value on side 1, the lowest on side -1.
func furthest(values []float64, side float64) (number float64, ok bool) {
	for _, v := range values {
		if !missing(v) && (!ok || (v-number)*side > 0) {
			number, ok = v, true
		}
	}
	return number, ok
}

func latest(values []float64) (float64, bool) {
	for _, v := range slices.Backward(values) {
		if !missing(v) {
			return v, true
		}
	}
	return 0, false
}

// rest is the reason of a policy that wishes for nothing.
func (e *pass) rest(i int) Reason {
	p := &e.t.Policies[i]
	for j := range p.Alarms {
		if why := e.unread(p.Alarms[j].Metric); why != "" {
			return why
		}
		if e.d.Policies[i].Alarms[j].State == InsufficientDataState {
			return InsufficientData
		}
	}
	if p.Type == StepScaling {
		return AlarmNotInAlarm
	}
	return WithinTarget
}

// unread says why nothing is known of a metric at this look, or is empty: a read that failed leaves what
// was known before, which is stale.
func (e *pass) unread(metric int) Reason {
	s := e.series(metric)
	switch {
	case s.readable():
		return ""
	case s != nil && s.Failed:
		return StaleData
	default:
		return InsufficientData
	}
}
