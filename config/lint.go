package config

import (
	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/evaluator/schedule"
)

// lintTargets looks at all entries together: names that stand twice are errors, patterns that can
// never be chosen and entries without effect are warnings.
func lintTargets(d *strict.Decoder, c *Config) {
	for _, same := range c.exact {
		for i, t := range same {
			lintHidden(d, t, same[:i])
		}
	}
	for i, t := range c.patterns {
		lintHidden(d, t, c.patterns[:i])
		lintLabel(d, t)
	}
	if d.HasErrors() {
		return // A policy may be among what could not be read.
	}
	lintAccounts(d, c)
	for _, t := range c.Targets {
		if len(t.plan.policies) == 0 && len(t.ScheduledActions) == 0 && len(t.PredictiveScaling) == 0 {
			d.Warnf(t.at, "target %s has no policy: its count is brought within its bounds once and then left alone; add target_tracking or step_scaling", t.Pattern())
		}
	}
}

// lintHidden looks for an earlier entry that takes every service of this one.
func lintHidden(d *strict.Decoder, t *Target, before []*Target) {
	for _, first := range before {
		if first.Account != t.Account || !covers(first.Cluster, t.Cluster) || !covers(first.Service, t.Service) || !first.tagged(t.Tags) {
			continue
		}
		if !t.IsPattern() && len(t.Tags) == len(first.Tags) {
			d.Errorf(t.at, "target %s stands twice, first on line %d; merge the two entries", t.Pattern(), first.Line)
			return
		}
		d.Warnf(t.at, "target %s can never be chosen: %s on line %d comes first and matches every service that it matches; put this one before it, or remove it", t.Pattern(), first.Pattern(), first.Line)
		return
	}
}

// lintLabel warns of one target group for many services.
func lintLabel(d *strict.Decoder, t *Target) {
	for _, m := range t.plan.metrics {
		if !m.ofService && m.Namespace == "AWS/ApplicationELB" && m.MetricName == "RequestCountPerTarget" {
			d.Warnf(t.at, "target %s is a pattern, but its %s names one target group: every matching service would follow the same requests; give each service its own entry", t.Pattern(), predefinedALB)
			return
		}
	}
}

// lintSteps warns of a policy that its alarm can never bring to act: an alarm with > or >= hands
// over metrics from the threshold up, one with < or <= from the threshold down.
func lintSteps(d *strict.Decoder, at strict.Position, op evaluator.ComparisonOperator, steps []evaluator.StepAdjustment) {
	if len(steps) == 0 {
		return
	}
	switch {
	case !op.Below() && steps[len(steps)-1].UpperBound <= 0:
		d.Warnf(at, "no step can ever apply: the alarm compares with %s, so the metric is above the threshold, but every step lies below it; use metric_interval_lower_bound: 0, or LessThanThreshold", op)
	case op.Below() && steps[0].LowerBound >= 0:
		d.Warnf(at, "no step can ever apply: the alarm compares with %s, so the metric is below the threshold, but every step lies above it; use metric_interval_upper_bound: 0, or GreaterThanThreshold", op)
	}
}

// lintCrossing warns of a scheduled bound beyond the target's other one: AWS accepts the action,
// and it fails when it fires (case 341).
func (b *targetBuilder) lintCrossing(f strict.Field[int], crosses bool, relation, other string, bound int) {
	if f.Valid && crosses {
		b.d.Warnf(f.At, relation+" the target's %s %d: unless another action changes that first, this one fails when it fires; give %s too",
			f.Value, other, bound, other)
	}
}

// lintNever warns of a schedule that no calendar brings about, such as 31 February.
func lintNever(d *strict.Decoder, at strict.Position, s *schedule.Schedule) {
	if s.Never() {
		d.Warnf(at, "%s never fires: its date or its local time does not exist, or lies outside start_time and end_time", s.Expression)
	}
}
