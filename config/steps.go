package config

import (
	"math"
	"slices"
	"strconv"

	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
)

// maxSteps is AWS's quota of step adjustments in one policy (aws-semantics 2.3).
const maxSteps = 20

// stepPolicy reads one entry of step_scaling.
func (b *targetBuilder) stepPolicy(v strict.Value) (struct{}, bool) {
	m, ok := v.Mapping()
	if !ok {
		return struct{}{}, false
	}
	o := b.options
	name := b.name(m, "policy")
	alarm := strict.Need(m, "alarm", "{metric: ECSServiceAverageMemoryUtilization, comparison_operator: GreaterThanThreshold, threshold: 70, evaluation_periods: 3}",
		func(v strict.Value) (evaluator.Alarm, bool) { return stepAlarm(v, b.plan) })
	kind := strict.Need(m, "adjustment_type", "ChangeInCapacity", strict.OneOf(
		evaluator.ChangeInCapacity, evaluator.ExactCapacity, evaluator.PercentChangeInCapacity))
	minimum := strict.Read(m, "min_adjustment_magnitude", strict.Integer(1, math.MaxInt32))
	steps := strict.Need(m, "step_adjustments", "[{metric_interval_lower_bound: 0, scaling_adjustment: 1}]", strict.List(step))
	o.readStep(m)
	o.readCooldown(m)
	m.Close()
	if minimum.Present && kind.Valid && kind.Value != evaluator.PercentChangeInCapacity {
		b.d.Errorf(minimum.At, "min_adjustment_magnitude belongs to adjustment_type PercentChangeInCapacity only; remove it")
	}
	policy := o.policy(name, evaluator.StepScaling)
	policy.ScaleOutCooldown, policy.ScaleInCooldown = o.cooldown, o.cooldown
	policy.Aggregation = o.metricAggregationType
	policy.Alarms = []evaluator.Alarm{alarm.Value}
	policy.Step = evaluator.Step{
		AdjustmentType: kind.Value, MinAdjustmentMagnitude: minimum.Value, Adjustments: b.checkSteps(steps, kind.Value),
	}
	b.plan.add(policy, m.At)
	if alarm.Valid && steps.Valid {
		lintSteps(b.d, m.At, alarm.Value.Operator, policy.Step.Adjustments)
	}
	return struct{}{}, alarm.Valid && kind.Valid && steps.Valid
}

// step reads one adjustment; the rules of a single step are checked here.
func step(v strict.Value) (evaluator.StepAdjustment, bool) {
	m, ok := v.Mapping()
	if !ok {
		return evaluator.StepAdjustment{}, false
	}
	lower := strict.Read(m, "metric_interval_lower_bound", bound(math.Inf(-1)))
	upper := strict.Read(m, "metric_interval_upper_bound", bound(math.Inf(1)))
	adjustment := strict.Need(m, "scaling_adjustment", "1", strict.Integer(math.MinInt32, math.MaxInt32))
	m.Close()
	s := evaluator.StepAdjustment{LowerBound: math.Inf(-1), UpperBound: math.Inf(1), ScalingAdjustment: adjustment.Value}
	strict.Overlay(&s.LowerBound, lower)
	strict.Overlay(&s.UpperBound, upper)
	if !all(lower.Usable(), upper.Usable(), adjustment.Valid) {
		return s, false
	}
	switch {
	case math.IsInf(s.LowerBound, -1) && math.IsInf(s.UpperBound, 1):
		v.Errorf(v.At, "a step needs a bound; for a policy of one step write metric_interval_lower_bound: 0 to scale out or metric_interval_upper_bound: 0 to scale in")
	case s.UpperBound <= s.LowerBound:
		v.Errorf(upper.At, "metric_interval_upper_bound (%s) must exceed metric_interval_lower_bound (%s)", text(s.UpperBound), text(s.LowerBound))
	default:
		return s, true
	}
	return s, false
}

// bound reads a number, or null, which leaves the side open as in AWS's own notation.
func bound(open float64) func(strict.Value) (float64, bool) {
	return func(v strict.Value) (float64, bool) {
		if v.IsNull() {
			return open, true
		}
		return v.Number()
	}
}

// checkSteps applies the rules of aws-semantics 2.3 to all steps together and sorts them.
func (b *targetBuilder) checkSteps(
	f strict.Field[[]strict.Located[evaluator.StepAdjustment]], kind evaluator.AdjustmentType,
) []evaluator.StepAdjustment {
	steps := f.Value
	for _, s := range steps {
		if kind == evaluator.ExactCapacity && s.Value.ScalingAdjustment < 0 {
			b.d.Errorf(s.At, "scaling_adjustment must be 0 or more with adjustment_type ExactCapacity, not %d", s.Value.ScalingAdjustment)
		}
	}
	if !f.Valid {
		return nil
	}
	switch {
	case len(steps) == 0:
		b.d.Errorf(f.KeyAt, "step_adjustments is empty; add at least one step, for example {metric_interval_lower_bound: 0, scaling_adjustment: 1}")
	case len(steps) > maxSteps:
		b.d.Errorf(f.KeyAt, "step_adjustments has %d steps, AWS allows %d", len(steps), maxSteps)
	case oneOpen(b.d, steps):
		adjoin(b.d, steps)
		openEnds(b.d, steps)
	}
	sorted := make([]evaluator.StepAdjustment, len(steps))
	for i, s := range byLowerBound(steps) {
		sorted[i] = s.Value
	}
	return sorted
}

func byLowerBound(steps []strict.Located[evaluator.StepAdjustment]) []strict.Located[evaluator.StepAdjustment] {
	return slices.SortedStableFunc(slices.Values(steps), func(a, b strict.Located[evaluator.StepAdjustment]) int {
		switch {
		case a.Value.LowerBound < b.Value.LowerBound:
			return -1
		case a.Value.LowerBound > b.Value.LowerBound:
			return 1
		}
		return 0
	})
}

// oneOpen checks that at most one step is open below and at most one above.
func oneOpen(d *strict.Decoder, steps []strict.Located[evaluator.StepAdjustment]) bool {
	var below, above *strict.Located[evaluator.StepAdjustment]
	ok := true
	for i := range steps {
		s := &steps[i]
		if math.IsInf(s.Value.LowerBound, -1) {
			if below != nil {
				d.Errorf(s.At, "a second step without metric_interval_lower_bound; the one on line %d is open below already, give one of them a lower bound", below.At.Line)
				ok = false
			}
			below = s
		}
		if math.IsInf(s.Value.UpperBound, 1) {
			if above != nil {
				d.Errorf(s.At, "a second step without metric_interval_upper_bound; the one on line %d is open above already, give one of them an upper bound", above.At.Line)
				ok = false
			}
			above = s
		}
	}
	return ok
}

// adjoin checks that every step begins where the one before ends.
func adjoin(d *strict.Decoder, steps []strict.Located[evaluator.StepAdjustment]) {
	sorted := byLowerBound(steps)
	for i := 1; i < len(sorted); i++ {
		before, s := sorted[i-1], sorted[i]
		end, begin := before.Value.UpperBound, s.Value.LowerBound
		switch {
		case begin < end:
			d.Errorf(s.At, "the steps %s and %s (line %d) overlap; let this one begin at %s or the other end at %s",
				span(s.Value), span(before.Value), before.At.Line, edge(end), edge(begin))
		case begin > end:
			d.Errorf(s.At, "a gap between the steps %s (line %d) and %s; let this one begin at %s or the other end at %s",
				span(before.Value), before.At.Line, span(s.Value), edge(end), edge(begin))
		}
	}
}

// openEnds checks rules 3 and 4: beyond the outermost bound on each side AWS demands an open step.
func openEnds(d *strict.Decoder, steps []strict.Located[evaluator.StepAdjustment]) {
	sorted := byLowerBound(steps)
	first, last := sorted[0], sorted[len(sorted)-1]
	if low := first.Value.LowerBound; low < 0 && !math.IsInf(low, -1) {
		d.Errorf(first.At, "the step %s begins below 0, so one step must be open below; remove its metric_interval_lower_bound or add a step that ends at %s", span(first.Value), edge(low))
	}
	if high := last.Value.UpperBound; high > 0 && !math.IsInf(high, 1) {
		d.Errorf(last.At, "the step %s ends above 0, so one step must be open above; remove its metric_interval_upper_bound or add a step that begins at %s", span(last.Value), edge(high))
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
