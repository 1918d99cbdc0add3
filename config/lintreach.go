package config

import (
	"math"
	"strings"

	"ecs-autoscaler/evaluator"
)

// fullMemory is the most that MemoryUtilization can be where the task has a memory limit. CPUUtilization has no such end: a
// container on EC2 may use what its neighbours leave (aws-semantics 7.3).
const fullMemory = 100

// limits are the lowest and the highest value that a metric can have, as far as anybody knows.
func limits(m *evaluator.Metric) (low, high float64) {
	switch {
	case m.Namespace == ecsNamespace && m.MetricName == "MemoryUtilization" && m.Stat != "Sum" && m.Stat != "SampleCount":
		return 0, fullMemory
	case m.Namespace == ecsNamespace, m.Namespace == "AWS/ApplicationELB", strings.HasPrefix(m.Namespace, "ECS/"):
		return 0, math.Inf(1)
	default:
		return math.Inf(-1), math.Inf(1)
	}
}

// reach warns of alarms and steps that no value of the metric brings about.
func (e linted) reach(i int) {
	p := &e.Policies[i]
	a := &p.Alarms[0]
	low, high := limits(e.metric(a))
	switch {
	case !beyond(a, low, high):
		e.steps(i, low, high)
	case p.Type == evaluator.TargetTrackingScaling:
		e.warnf(e.at(i), "policy %s can never scale out: that takes %s above %s, which %s; use a target_value below %s",
			e.name(i), e.metric(a).MetricName, text(a.Threshold), endOf(low, high, a), text(high*p.TargetTracking.TargetValue/a.Threshold))
	default:
		e.warnf(e.at(i), "policy %s can never act: its alarm needs %s %s %s, which %s; choose a threshold inside that range",
			e.name(i), e.metric(a).MetricName, a.Operator.Words(), text(a.Threshold), endOf(low, high, a))
	}
}

// beyond says that no value from low to high is in ALARM.
func beyond(a *evaluator.Alarm, low, high float64) bool {
	switch a.Operator {
	case evaluator.GreaterThanThreshold:
		return a.Threshold >= high
	case evaluator.GreaterThanOrEqualToThreshold:
		return a.Threshold > high
	case evaluator.LessThanThreshold:
		return a.Threshold <= low
	default:
		return a.Threshold < low
	}
}

// endOf says where the metric ends on the side that the alarm looks to.
func endOf(low, high float64, a *evaluator.Alarm) string {
	if a.Operator.Below() {
		return "is never below " + text(low)
	}
	return "ends at " + text(high) + " where a task has a memory limit (always on Fargate; on EC2 without memoryReservation)"
}

// steps warns of single steps beyond what the metric can be. Those on the other side of the threshold count only where every
// datapoint has to breach: with M of N the number that chooses the step may lie on either side.
func (e linted) steps(i int, low, high float64) {
	p := &e.Policies[i]
	a := &p.Alarms[0]
	strictly := a.DatapointsToAlarm == a.EvaluationPeriods && !wrongSide(p.Step.Adjustments, a)
	for _, s := range p.Step.Adjustments {
		from, to := a.Threshold+s.LowerBound, a.Threshold+s.UpperBound
		switch {
		case !a.Operator.Below() && from > high, a.Operator.Below() && to < low:
			e.warnf(e.at(i), "the step %s of policy %s (scaling_adjustment %d) can never apply: it is for %s from %s to %s, which %s; remove the step, or move its bounds",
				span(s), e.name(i), s.ScalingAdjustment, e.metric(a).MetricName, edge(from), edge(to), endOf(low, high, a))
		case strictly && s.ScalingAdjustment != 0 && otherSide(s, a):
			e.warnf(e.at(i), "the step %s of policy %s (scaling_adjustment %d) can never apply: it is for values from %s to %s, and the alarm hands over values %s %s; remove the step, or give it a policy of its own with the opposite comparison_operator",
				span(s), e.name(i), s.ScalingAdjustment, edge(from), edge(to), a.Operator.Words(), text(a.Threshold))
		}
	}
}

func otherSide(s evaluator.StepAdjustment, a *evaluator.Alarm) bool {
	if a.Operator.Below() {
		return s.LowerBound >= 0
	}
	return s.UpperBound <= 0
}

// wrongSide says that all steps are on the other side, of which Parse has warned.
func wrongSide(steps []evaluator.StepAdjustment, a *evaluator.Alarm) bool {
	for _, s := range steps {
		if !otherSide(s, a) {
			return false
		}
	}
	return true
}
