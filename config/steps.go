package config

import (
	"math"
	"slices"
	"strconv"

	"ecs-autoscaler/evaluator"
)

// maxSteps is AWS's quota of step adjustments in one policy (aws-semantics 2.3).
const maxSteps = 20

// stepPolicy reads one entry of step_scaling.
func (b *targetBuilder) stepPolicy(v value) (struct{}, bool) {
	m, ok := v.mapping()
	if !ok {
		return struct{}{}, false
	}
	o := b.options
	name := b.name(m, "policy")
	alarm := need(m, "alarm", "{metric: ECSServiceAverageMemoryUtilization, comparison_operator: GreaterThanThreshold, threshold: 70, evaluation_periods: 3}",
		func(v value) (evaluator.Alarm, bool) { return b.d.stepAlarm(v, b.plan) })
	kind := need(m, "adjustment_type", "ChangeInCapacity", oneOf(
		evaluator.ChangeInCapacity, evaluator.ExactCapacity, evaluator.PercentChangeInCapacity))
	minimum := read(m, "min_adjustment_magnitude", integer(1, math.MaxInt32))
	steps := need(m, "step_adjustments", "[{metric_interval_lower_bound: 0, scaling_adjustment: 1}]", list(step))
	o.readStep(m)
	o.readCooldown(m)
	m.close()
	if minimum.present && kind.valid && kind.value != evaluator.PercentChangeInCapacity {
		b.d.errorf(minimum.at, "min_adjustment_magnitude belongs to adjustment_type PercentChangeInCapacity only; remove it")
	}
	policy := o.policy(name, evaluator.StepScaling)
	policy.ScaleOutCooldown, policy.ScaleInCooldown = o.cooldown, o.cooldown
	policy.Aggregation = o.metricAggregationType
	policy.Alarms = []evaluator.Alarm{alarm.value}
	policy.Step = evaluator.Step{
		AdjustmentType: kind.value, MinAdjustmentMagnitude: minimum.value, Adjustments: b.d.checkSteps(steps, kind.value),
	}
	b.plan.policies = append(b.plan.policies, policy)
	if alarm.valid && steps.valid {
		b.d.lintSteps(m.at, alarm.value.Operator, policy.Step.Adjustments)
	}
	return struct{}{}, alarm.valid && kind.valid && steps.valid
}

// step reads one adjustment; the rules of a single step are checked here.
func step(v value) (evaluator.StepAdjustment, bool) {
	m, ok := v.mapping()
	if !ok {
		return evaluator.StepAdjustment{}, false
	}
	lower := read(m, "metric_interval_lower_bound", bound(math.Inf(-1)))
	upper := read(m, "metric_interval_upper_bound", bound(math.Inf(1)))
	adjustment := need(m, "scaling_adjustment", "1", integer(math.MinInt32, math.MaxInt32))
	m.close()
	s := evaluator.StepAdjustment{LowerBound: math.Inf(-1), UpperBound: math.Inf(1), ScalingAdjustment: adjustment.value}
	overlay(&s.LowerBound, lower)
	overlay(&s.UpperBound, upper)
	if !all(lower.usable(), upper.usable(), adjustment.valid) {
		return s, false
	}
	switch {
	case math.IsInf(s.LowerBound, -1) && math.IsInf(s.UpperBound, 1):
		v.d.errorf(v.at, "a step needs a bound; for a policy of one step write metric_interval_lower_bound: 0 to scale out or metric_interval_upper_bound: 0 to scale in")
	case s.UpperBound <= s.LowerBound:
		v.d.errorf(upper.at, "metric_interval_upper_bound (%s) must exceed metric_interval_lower_bound (%s)", text(s.UpperBound), text(s.LowerBound))
	default:
		return s, true
	}
	return s, false
}

// bound reads a number, or null, which leaves the side open as in AWS's own notation.
func bound(open float64) func(value) (float64, bool) {
	return func(v value) (float64, bool) {
		if v.isNull() {
			return open, true
		}
		return v.number()
	}
}

// checkSteps applies the rules of aws-semantics 2.3 to all steps together and sorts them.
func (d *decoder) checkSteps(f field[[]located[evaluator.StepAdjustment]], kind evaluator.AdjustmentType) []evaluator.StepAdjustment {
	steps := f.value
	for _, s := range steps {
		if kind == evaluator.ExactCapacity && s.value.ScalingAdjustment < 0 {
			d.errorf(s.at, "scaling_adjustment must be 0 or more with adjustment_type ExactCapacity, not %d", s.value.ScalingAdjustment)
		}
	}
	if !f.valid {
		return nil
	}
	switch {
	case len(steps) == 0:
		d.errorf(f.keyAt, "step_adjustments is empty; add at least one step, for example {metric_interval_lower_bound: 0, scaling_adjustment: 1}")
	case len(steps) > maxSteps:
		d.errorf(f.keyAt, "step_adjustments has %d steps, AWS allows %d", len(steps), maxSteps)
	case d.oneOpen(steps):
		d.adjoin(steps)
		d.openEnds(steps)
	}
	sorted := make([]evaluator.StepAdjustment, len(steps))
	for i, s := range byLowerBound(steps) {
		sorted[i] = s.value
	}
	return sorted
}

func byLowerBound(steps []located[evaluator.StepAdjustment]) []located[evaluator.StepAdjustment] {
	return slices.SortedStableFunc(slices.Values(steps), func(a, b located[evaluator.StepAdjustment]) int {
		switch {
		case a.value.LowerBound < b.value.LowerBound:
			return -1
		case a.value.LowerBound > b.value.LowerBound:
			return 1
		}
		return 0
	})
}

// oneOpen checks that at most one step is open below and at most one above.
func (d *decoder) oneOpen(steps []located[evaluator.StepAdjustment]) bool {
	var below, above *located[evaluator.StepAdjustment]
	ok := true
	for i := range steps {
		s := &steps[i]
		if math.IsInf(s.value.LowerBound, -1) {
			if below != nil {
				d.errorf(s.at, "a second step without metric_interval_lower_bound; the one on line %d is open below already, give one of them a lower bound", below.at.line)
				ok = false
			}
			below = s
		}
		if math.IsInf(s.value.UpperBound, 1) {
			if above != nil {
				d.errorf(s.at, "a second step without metric_interval_upper_bound; the one on line %d is open above already, give one of them an upper bound", above.at.line)
				ok = false
			}
			above = s
		}
	}
	return ok
}

// adjoin checks that every step begins where the one before ends.
func (d *decoder) adjoin(steps []located[evaluator.StepAdjustment]) {
	sorted := byLowerBound(steps)
	for i := 1; i < len(sorted); i++ {
		before, s := sorted[i-1], sorted[i]
		end, begin := before.value.UpperBound, s.value.LowerBound
		switch {
		case begin < end:
			d.errorf(s.at, "the steps %s and %s (line %d) overlap; let this one begin at %s or the other end at %s",
				span(s.value), span(before.value), before.at.line, edge(end), edge(begin))
		case begin > end:
			d.errorf(s.at, "a gap between the steps %s (line %d) and %s; let this one begin at %s or the other end at %s",
				span(before.value), before.at.line, span(s.value), edge(end), edge(begin))
		}
	}
}

// openEnds checks rules 3 and 4: beyond the outermost bound on each side AWS demands an open step.
func (d *decoder) openEnds(steps []located[evaluator.StepAdjustment]) {
	sorted := byLowerBound(steps)
	first, last := sorted[0], sorted[len(sorted)-1]
	if low := first.value.LowerBound; low < 0 && !math.IsInf(low, -1) {
		d.errorf(first.at, "the step %s begins below 0, so one step must be open below; remove its metric_interval_lower_bound or add a step that ends at %s", span(first.value), edge(low))
	}
	if high := last.value.UpperBound; high > 0 && !math.IsInf(high, 1) {
		d.errorf(last.at, "the step %s ends above 0, so one step must be open above; remove its metric_interval_upper_bound or add a step that begins at %s", span(last.value), edge(high))
	}
}

// span and edge write intervals as people do.
func span(s evaluator.StepAdjustment) string {
	return "[" + edge(s.LowerBound) + ", " + edge(s.UpperBound) + "]"
}

func edge(x float64) string {
	switch {
	case math.IsInf(x, -1):
		return "-infinity"
	case math.IsInf(x, 1):
		return "infinity"
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}
