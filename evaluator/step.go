package evaluator

import "math"

// matchingStep is the index of the step that the metric falls into, -1 if there is none. The bounds are
// offsets from the threshold; the lower one belongs to the step above the threshold, the upper one
// below it. Which side counts is told by the alarm's operator, so that a metric at the threshold itself
// has a step (aws-semantics 2.2).
func matchingStep(steps []StepAdjustment, a *AlarmDecision, metric float64) int {
	for k := range steps {
		lower := beside(metric, a.Threshold, steps[k].LowerBound)
		upper := beside(metric, a.Threshold, steps[k].UpperBound)
		if a.Operator.Below() && lower > 0 && upper <= 0 || !a.Operator.Below() && lower >= 0 && upper < 0 {
			return k
		}
	}
	return -1
}

// beside is negative below the bound, 0 on it and positive above it, where floating point noise counts as on it:
// 0.3 is on the bound 0.1 above the threshold 0.2.
func beside(metric, threshold, bound float64) float64 {
	offset := metric - threshold - bound
	if math.Abs(offset) <= tolerance*max(math.Abs(metric), math.Abs(threshold)) {
		return 0
	}
	return offset
}

// direction is where the adjustment of p leads. An exact capacity leads away from the desired count; an
// adjustment of nothing leaves the side of the alarm.
func direction(p *PolicyDecision, desired int) Action {
	change := p.Adjustment
	if p.AdjustmentType == ExactCapacity {
		change -= desired
	}
	switch {
	case change > 0:
		return ScaleOut
	case change < 0:
		return ScaleIn
	default:
		return p.Wish
	}
}

// adjust applies one adjustment to the base. Capacities never get near the limits of int: the values of the
// configuration and of ECS are 32 bits wide.
func adjust(s *Step, adjustment, base int) int {
	switch s.AdjustmentType {
	case ExactCapacity:
		return adjustment
	case PercentChangeInCapacity:
		return base + percentChange(base, adjustment, s.MinAdjustmentMagnitude)
	default:
		return base + adjustment
	}
}

// percentChange rounds as AWS documents: towards zero, but never a change to none; the least magnitude
// comes after that, in the direction of the adjustment, also where the base is 0.
func percentChange(base, percent, least int) int {
	raw := base * percent
	change := raw / 100
	if change == 0 {
		change = sign(raw)
	}
	if magnitude := change * sign(percent); magnitude < least {
		change = least * sign(percent)
	}
	return change
}

func sign(n int) int {
	switch {
	case n > 0:
		return 1
	case n < 0:
		return -1
	default:
		return 0
	}
}
