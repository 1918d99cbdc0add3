package scaling

import (
	"math"
	"slices"
	"strings"

	"ecs-autoscaler/sim/wire"
)

// interval is where a step of a step policy applies, relative to the threshold of the alarm.
type interval struct {
	lower, upper float64 // infinite where they are null
	adjustment   int
}

var adjustmentTypes = []string{"ChangeInCapacity", "PercentChangeInCapacity", "ExactCapacity"}

// steps reads the step adjustments in the order of their lower bounds.
func steps(in *wire.Input) []interval {
	var list []interval
	for _, s := range in.Structures("StepAdjustments") {
		i := interval{math.Inf(-1), math.Inf(1), s.Int("ScalingAdjustment", 0)}
		if s.Has("MetricIntervalLowerBound") {
			i.lower = number(s.Members()["MetricIntervalLowerBound"])
		}
		if s.Has("MetricIntervalUpperBound") {
			i.upper = number(s.Members()["MetricIntervalUpperBound"])
		}
		list = append(list, i)
	}
	slices.SortStableFunc(list, func(a, b interval) int {
		switch {
		case a.lower < b.lower:
			return -1
		case a.lower > b.lower:
			return 1
		}
		return 0
	})
	return list
}

// checkSteps applies aws-semantics 2.3.
func checkSteps(in *wire.Input) *wire.Error {
	kind, list := in.Text("AdjustmentType"), steps(in)
	aggregation, magnitude := in.Text("MetricAggregationType"), in.Has("MinAdjustmentMagnitude")
	switch {
	case !slices.Contains(adjustmentTypes, kind):
		return oneOf(kind, "stepScalingPolicyConfiguration.adjustmentType", adjustmentTypes)
	case aggregation != "" && !slices.Contains([]string{"Average", "Minimum", "Maximum"}, aggregation):
		return oneOf(aggregation, "stepScalingPolicyConfiguration.metricAggregationType", []string{"Average", "Minimum", "Maximum"})
	case len(list) == 0:
		return invalid("There must be at least one step adjustment.")
	case len(list) > maxSteps:
		return reject("LimitExceededException", "You have reached the maximum of %d step adjustments for a scaling policy.", maxSteps)
	case magnitude && kind != "PercentChangeInCapacity":
		return invalid("MinAdjustmentMagnitude is supported for the adjustment type PercentChangeInCapacity only.")
	case magnitude && in.Int("MinAdjustmentMagnitude", 0) < 1:
		return invalid("MinAdjustmentMagnitude must be greater than 0.")
	case in.Int("Cooldown", 0) < 0:
		return invalid("Cooldown must be 0 or more.")
	}
	return checkIntervals(kind, list)
}

func checkIntervals(kind string, list []interval) *wire.Error {
	for i, step := range list {
		switch {
		case math.IsInf(step.lower, -1) && math.IsInf(step.upper, 1):
			return invalid("At least one of the bounds of a step adjustment must be specified.")
		case step.upper <= step.lower:
			return invalid("The upper bound of a step adjustment must be greater than its lower bound.")
		case kind == "ExactCapacity" && step.adjustment < 0:
			return invalid("An ExactCapacity adjustment must be 0 or more.")
		case i == 0:
		case math.IsInf(step.lower, -1):
			return invalid("At most one step adjustment may have an unspecified lower bound.")
		case math.IsInf(list[i-1].upper, 1):
			return invalid("At most one step adjustment may have an unspecified upper bound, and it must be the last.")
		case list[i-1].upper > step.lower:
			return invalid("The intervals of step adjustments must not overlap.")
		case list[i-1].upper < step.lower:
			return invalid("There must not be a gap between the intervals of step adjustments.")
		}
	}
	switch first, last := list[0], list[len(list)-1]; {
	case first.lower < 0 && !math.IsInf(first.lower, -1):
		return invalid("There must be a step adjustment with an unspecified lower bound when one has a negative lower bound.")
	case last.upper > 0 && !math.IsInf(last.upper, 1):
		return invalid("There must be a step adjustment with an unspecified upper bound when one has a positive upper bound.")
	}
	return nil
}

// checkForecast applies aws-semantics 5: predictive policies are kept and described, nothing is forecast.
func checkForecast(in *wire.Input) *wire.Error {
	specs, breach := in.Structures("MetricSpecifications"), in.Text("MaxCapacityBreachBehavior")
	mode, raises := in.Text("Mode"), breach == "IncreaseMaxCapacity"
	switch {
	case len(specs) != 1:
		return invalid("A predictive scaling policy needs exactly one metric specification, not %d.", len(specs))
	case !specs[0].Has("TargetValue"):
		return missing("predictiveScalingPolicyConfiguration.metricSpecifications.1.member.targetValue")
	case !strings.Contains(" ForecastOnly ForecastAndScale ", " "+mode+" ") && mode != "":
		return oneOf(mode, "predictiveScalingPolicyConfiguration.mode", []string{"ForecastOnly", "ForecastAndScale"})
	case breach != "" && breach != "HonorMaxCapacity" && !raises:
		return oneOf(breach, "predictiveScalingPolicyConfiguration.maxCapacityBreachBehavior", []string{"HonorMaxCapacity", "IncreaseMaxCapacity"})
	case raises != in.Has("MaxCapacityBuffer"):
		return invalid("MaxCapacityBuffer must be specified with IncreaseMaxCapacity, and with nothing else.")
	case outside(in.Int("MaxCapacityBuffer", 0), 100):
		return invalid("MaxCapacityBuffer must be from 0 to 100.")
	case outside(in.Int("SchedulingBufferTime", 0), 3599):
		return invalid("SchedulingBufferTime must be 0 or more and less than 3600.")
	}
	return nil
}

func outside(n, most int) bool { return n < 0 || n > most }
