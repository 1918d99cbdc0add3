package scaling

import (
	"cmp"
	"math"
	"slices"

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
	slices.SortStableFunc(list, func(a, b interval) int { return cmp.Compare(a.lower, b.lower) })
	return list
}

// aggregations are how a step policy may sum up datapoints (API MetricAggregationType).
var aggregations = []string{"Average", "Minimum", "Maximum"}

// checkSteps applies aws-semantics 2.3.
func checkSteps(in *wire.Input) *wire.Error {
	path, kind, list := "stepScalingPolicyConfiguration", in.Text("AdjustmentType"), steps(in)
	aggregation, magnitude := in.Text("MetricAggregationType"), in.Has("MinAdjustmentMagnitude")
	if err := firstBroken(
		rule{!slices.Contains(adjustmentTypes, kind), oneOf(kind, path+".adjustmentType", adjustmentTypes)},
		rule{aggregation != "" && !slices.Contains(aggregations, aggregation), oneOf(aggregation, path+".metricAggregationType", aggregations)},
		rule{len(list) == 0, invalid("There must be at least one step adjustment.")},
		rule{len(list) > maxSteps, reject("LimitExceededException", "You have reached the maximum of %d step adjustments for a scaling policy.", maxSteps)},
		rule{magnitude && kind != "PercentChangeInCapacity", invalid("MinAdjustmentMagnitude is supported for the adjustment type PercentChangeInCapacity only.")},
		rule{in.Int("MinAdjustmentMagnitude", 1) < 1, invalid("MinAdjustmentMagnitude must be greater than 0.")},
		rule{in.Int("Cooldown", 0) < 0, invalid("Cooldown must be 0 or more.")},
	); err != nil {
		return err
	}
	return checkIntervals(kind, list)
}

func checkIntervals(kind string, list []interval) *wire.Error {
	for i, step := range list {
		if err := firstBroken(
			rule{math.IsInf(step.lower, -1) && math.IsInf(step.upper, 1), invalid("At least one of the bounds of a step adjustment must be specified.")},
			rule{step.upper <= step.lower, invalid("The upper bound of a step adjustment must be greater than its lower bound.")},
			rule{kind == "ExactCapacity" && step.adjustment < 0, invalid("An ExactCapacity adjustment must be 0 or more.")},
		); err != nil {
			return err
		}
		if i == 0 {
			continue
		}
		before := list[i-1].upper
		if err := firstBroken(
			rule{math.IsInf(step.lower, -1), invalid("At most one step adjustment may have an unspecified lower bound.")},
			rule{math.IsInf(before, 1), invalid("At most one step adjustment may have an unspecified upper bound, and it must be the last.")},
			rule{before > step.lower, invalid("The intervals of step adjustments must not overlap.")},
			rule{before < step.lower, invalid("There must not be a gap between the intervals of step adjustments.")},
		); err != nil {
			return err
		}
	}
	first, last := list[0].lower, list[len(list)-1].upper
	return firstBroken(
		rule{first < 0 && !math.IsInf(first, -1),
			invalid("There must be a step adjustment with an unspecified lower bound when one has a negative lower bound.")},
		rule{last > 0 && !math.IsInf(last, 1),
			invalid("There must be a step adjustment with an unspecified upper bound when one has a positive upper bound.")},
	)
}

var (
	forecastModes = []string{"", "ForecastOnly", "ForecastAndScale"}
	behaviours    = []string{"", "HonorMaxCapacity", "IncreaseMaxCapacity"}
)

// checkForecast applies aws-semantics 5: predictive policies are kept and described, nothing is forecast.
func checkForecast(in *wire.Input) *wire.Error {
	path, specs := "predictiveScalingPolicyConfiguration", in.Structures("MetricSpecifications")
	mode, breach := in.Text("Mode"), in.Text("MaxCapacityBreachBehavior")
	if len(specs) != 1 {
		return invalid("A predictive scaling policy needs exactly one metric specification, not %d.", len(specs))
	}
	return firstBroken(
		rule{!specs[0].Has("TargetValue"), missing(path + ".metricSpecifications.1.member.targetValue")},
		rule{!slices.Contains(forecastModes, mode), oneOf(mode, path+".mode", forecastModes[1:])},
		rule{!slices.Contains(behaviours, breach), oneOf(breach, path+".maxCapacityBreachBehavior", behaviours[1:])},
		rule{(breach == "IncreaseMaxCapacity") != in.Has("MaxCapacityBuffer"),
			invalid("MaxCapacityBuffer must be specified with IncreaseMaxCapacity, and with nothing else.")},
		rule{outside(in.Int("MaxCapacityBuffer", 0), 100), invalid("MaxCapacityBuffer must be from 0 to 100.")},
		rule{outside(in.Int("SchedulingBufferTime", 0), 3599), invalid("SchedulingBufferTime must be 0 or more and less than 3600.")},
	)
}

// outside says that a number is not from 0 to most.
func outside(n, most int) bool { return n < 0 || n > most }
