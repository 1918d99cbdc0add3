package config

import (
	"cmp"

	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
)

// The alarms that AWS makes for a target-tracking policy (aws-semantics 1.5, case 110).
const (
	highEvaluationPeriods    = 3
	lowEvaluationPeriods     = 15
	lowEvaluationPeriodsFast = 30 // For periods under 60 s.
	lowThresholdPercent      = 90
)

// tracking reads one entry of target_tracking.
func (b *targetBuilder) tracking(v strict.Value) (struct{}, bool) {
	m, ok := v.Mapping()
	if !ok {
		return struct{}{}, false
	}
	o := b.options
	name := b.name(m, "policy")
	source, sourced := trackingMetric(m)
	target := strict.Need(m, "target_value", "60", positive)
	o.readTracking(m)
	o.readCooldown(m)
	m.Close()
	if !sourced {
		return struct{}{}, false
	}
	b.onlyPolicyOn(source, m.At)
	policy := o.policy(name, evaluator.TargetTrackingScaling)
	policy.ScaleOutCooldown, policy.ScaleInCooldown = o.scaleOutCooldown, o.scaleInCooldown
	policy.Aggregation = o.metricAggregation
	policy.TargetTracking = evaluator.TargetTracking{TargetValue: target.Value, DisableScaleIn: o.disableScaleIn}
	policy.Alarms, ok = b.trackingAlarms(o, source, target.Value, m.At)
	b.plan.add(policy, m.At)
	return struct{}{}, ok && target.Valid
}

// positive reads target_value. AWS's emulation refuses 0 and less, and the formula divides by it.
func positive(v strict.Value) (float64, bool) {
	x, ok := v.Number()
	if ok && x <= 0 {
		v.Errorf(v.At, "%s must be above 0, not %s", v.Key, text(x))
		return 0, false
	}
	return x, ok
}

// onlyPolicyOn refuses a second policy on one metric (aws-semantics 1.4).
func (b *targetBuilder) onlyPolicyOn(source metricSource, at strict.Position) {
	if first, twice := b.tracked[source.identity]; twice {
		b.d.Errorf(at, "only one target-tracking policy is allowed for one metric, and the policy on line %d tracks the same; remove one of them or change its metric", first.Line)
		return
	}
	b.tracked[source.identity] = at
}

// trackingAlarms are AWS's two alarms, or the user's variation of them. Without scale-in there is no low one.
func (b *targetBuilder) trackingAlarms(o options, source metricSource, target float64, at strict.Position) ([]evaluator.Alarm, bool) {
	high := alarmOptions{source.metric.Period, highEvaluationPeriods, 0, 100, at}.with(o.scaleOutAlarm)
	low := alarmOptions{source.metric.Period, lowEvaluationPeriods, 0, lowThresholdPercent, at}
	if cmp.Or(o.scaleInAlarm.period, low.period) < 60 {
		low.evaluationPeriods = lowEvaluationPeriodsFast
	}
	low = low.with(o.scaleInAlarm)
	alarms := []evaluator.Alarm{high.alarm("high", evaluator.GreaterThanThreshold, target)}
	ok := checkWindow(b.d, alarms[0], high.period, high.at)
	b.watch(&alarms[0], source, high.period)
	if o.disableScaleIn {
		return alarms, ok
	}
	alarms = append(alarms, low.alarm("low", evaluator.LessThanThreshold, target))
	ok = checkWindow(b.d, alarms[1], low.period, low.at) && ok
	b.watch(&alarms[1], source, low.period)
	return alarms, ok
}

func (b *targetBuilder) watch(a *evaluator.Alarm, source metricSource, period int64) {
	source.metric.Period = period
	b.plan.watch(a, source)
}

// with puts the user's options over AWS's.
func (o alarmOptions) with(user alarmOptions) alarmOptions {
	o.period = cmp.Or(user.period, o.period)
	o.evaluationPeriods = cmp.Or(user.evaluationPeriods, o.evaluationPeriods)
	o.datapoints = cmp.Or(user.datapoints, o.evaluationPeriods)
	o.thresholdPercent = cmp.Or(user.thresholdPercent, o.thresholdPercent)
	o.at = cmp.Or(user.at, o.at)
	return o
}

// alarm is a managed alarm: missing data is missing (aws-semantics 1.5). The percentage is
// divided last: 90 * 60 / 100 is exactly 54, as AWS shows it.
func (o alarmOptions) alarm(name string, op evaluator.ComparisonOperator, target float64) evaluator.Alarm {
	return evaluator.Alarm{
		Name: name, SampleCount: -1, EvaluationPeriods: o.evaluationPeriods, DatapointsToAlarm: o.datapoints,
		Threshold: threshold(target, o.thresholdPercent), Operator: op, Missing: evaluator.TreatMissing,
	}
}

func threshold(target, percent float64) float64 {
	if percent == 100 {
		return target
	}
	return target * percent / 100
}
