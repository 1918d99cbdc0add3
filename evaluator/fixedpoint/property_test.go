package fixedpoint

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ecs-autoscaler/evaluator"
)

var kinds = []evaluator.AdjustmentType{evaluator.ChangeInCapacity, evaluator.ExactCapacity, evaluator.PercentChangeInCapacity}

// drawSide makes a step policy that looks to one side of its threshold. Its cooldown is as long as its alarm looks back, so
// that it acts on what its last step has made of the metric.
func drawSide(t *rapid.T, name string, out bool) evaluator.Policy {
	operators := []evaluator.ComparisonOperator{evaluator.LessThanThreshold, evaluator.LessThanOrEqualToThreshold}
	sign := -1
	if out {
		operators, sign = []evaluator.ComparisonOperator{evaluator.GreaterThanThreshold, evaluator.GreaterThanOrEqualToThreshold}, 1
	}
	kind := rapid.SampledFrom(kinds).Draw(t, name+" kind")
	amount := func(k string) int {
		switch kind {
		case evaluator.ExactCapacity:
			return rapid.IntRange(1, 12).Draw(t, k)
		case evaluator.PercentChangeInCapacity:
			return sign * rapid.IntRange(1, 100).Draw(t, k)
		default:
			return sign * rapid.IntRange(0, 4).Draw(t, k)
		}
	}
	n := rapid.IntRange(1, 3).Draw(t, name+" periods")
	p := stepPolicy(name, alarm(rapid.SampledFrom(operators).Draw(t, name+" operator"), float64(rapid.IntRange(1, 90).Draw(t, name+" threshold")), n), kind)
	p.ScaleOutCooldown = time.Duration(n) * time.Minute
	p.ScaleInCooldown = p.ScaleOutCooldown
	cut := float64(rapid.IntRange(0, 20).Draw(t, name+" cut"))
	near, far := amount(name+" near"), amount(name+" far")
	switch {
	case cut == 0 && out:
		p.Step.Adjustments = []evaluator.StepAdjustment{{LowerBound: 0, UpperBound: inf, ScalingAdjustment: near}}
	case cut == 0:
		p.Step.Adjustments = []evaluator.StepAdjustment{{LowerBound: -inf, UpperBound: 0, ScalingAdjustment: near}}
	case out:
		p.Step.Adjustments = []evaluator.StepAdjustment{{LowerBound: 0, UpperBound: cut, ScalingAdjustment: near}, {LowerBound: cut, UpperBound: inf, ScalingAdjustment: far}}
	default:
		p.Step.Adjustments = []evaluator.StepAdjustment{{LowerBound: -inf, UpperBound: -cut, ScalingAdjustment: far}, {LowerBound: -cut, UpperBound: 0, ScalingAdjustment: near}}
	}
	return p
}

func drawTarget(t *rapid.T) *evaluator.Target {
	lowest := rapid.IntRange(1, 4).Draw(t, "min") // Without tasks there is no metric, and alarms go on with what they have seen.
	tg := target(lowest, lowest+rapid.IntRange(0, 12).Draw(t, "more"))
	tg.Policies = append(tg.Policies, drawSide(t, "out", true), drawSide(t, "in", false))
	if rapid.IntRange(0, 3).Draw(t, "tracking") == 0 {
		tg.Policies = slices.Insert(tg.Policies, 0, trackingPolicy(float64(rapid.IntRange(5, 90).Draw(t, "target")), 90))
		tg.Policies = slices.Delete(tg.Policies, 1, 2)
		tg.Policies[0].Alarms[1].EvaluationPeriods, tg.Policies[0].Alarms[1].DatapointsToAlarm = 5, 5
	}
	return tg
}

// overlaps says that two alarms are in ALARM at once somewhere, where the quicker one counts.
func overlaps(tg *evaluator.Target) bool {
	_, found := Overlapping(tg, all(tg))
	return found
}

func TestWhatIsFoundIsSeenToOscillate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tg := drawTarget(t)
		q := Search(tg, all(tg)).Cycle
		if q == nil || overlaps(tg) {
			return
		}
		if counts := closed(tg, q.Load, q.Moves[0].Count, 240); reversals(counts) < 4 {
			t.Fatalf("load %v, %+v, but the evaluator ends with %v", q.Load, q.Moves, counts[200:])
		}
	})
}

func TestWhereNothingIsFoundEveryLoadComesToRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tg := drawTarget(t)
		if found := Search(tg, all(tg)); found.Cycle != nil || found.UpTo < tg.Max || overlaps(tg) {
			return
		}
		load := rapid.Float64Range(0, 1200).Draw(t, "load")
		if rapid.Bool().Draw(t, "whole") {
			load = float64(int(load))
		}
		count := rapid.IntRange(tg.Min, tg.Max).Draw(t, "count")
		if counts := closed(tg, load, count, 240); reversals(counts) > 0 {
			t.Fatalf("nothing was found, but the evaluator ends with %v", counts[200:])
		}
	})
}

// drawTracking makes target tracking with any margin, any windows and any cooldowns.
func drawTracking(t *rapid.T) evaluator.Policy {
	p := trackingPolicy(float64(rapid.IntRange(1, 100).Draw(t, "target")), float64(rapid.IntRange(1, 100).Draw(t, "threshold_percent")))
	p.Aggregation = rapid.SampledFrom([]evaluator.Aggregation{evaluator.Average, evaluator.Latest, evaluator.Maximum}).Draw(t, "metric_aggregation")
	p.Alarms[0].Threshold *= float64(rapid.IntRange(100, 1000).Draw(t, "out")) / 100
	for j := range p.Alarms {
		p.Alarms[j].EvaluationPeriods = rapid.IntRange(1, 15).Draw(t, "periods")
		p.Alarms[j].DatapointsToAlarm = rapid.IntRange(1, p.Alarms[j].EvaluationPeriods).Draw(t, "datapoints")
	}
	p.ScaleOutCooldown = time.Duration(rapid.IntRange(0, 15).Draw(t, "out cooldown")) * time.Minute
	p.ScaleInCooldown = time.Duration(rapid.IntRange(0, 5).Draw(t, "in cooldown")) * time.Minute
	return p
}

func TestTargetTrackingComesToRestWhateverItsMargin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawTracking(t)
		if high := &p.Alarms[0]; p.Aggregation == evaluator.Average {
			// Until then the alarm, which M of N old datapoints hold in ALARM, acts on what is over.
			stands := time.Duration(high.EvaluationPeriods-high.DatapointsToAlarm+1) * time.Minute
			p.ScaleOutCooldown = max(p.ScaleOutCooldown, stands)
		}
		tg := target(rapid.IntRange(1, 3).Draw(t, "min"), rapid.IntRange(3, 30).Draw(t, "max"), p)
		load := rapid.Float64Range(0, 3000).Draw(t, "load")
		count := rapid.IntRange(tg.Min, tg.Max).Draw(t, "count")
		if counts := closed(tg, load, count, 240); reversals(counts) > 0 {
			t.Fatalf("the evaluator ends with %v", counts[200:])
		}
	})
}

func TestTargetTrackingThatActsAgainOnWhatIsOverDoesNot(t *testing.T) {
	p := trackingPolicy(91, 59)
	p.Alarms[0].EvaluationPeriods, p.Alarms[0].DatapointsToAlarm = 7, 3
	p.Alarms[1].EvaluationPeriods, p.Alarms[1].DatapointsToAlarm = 7, 2
	p.ScaleOutCooldown, p.ScaleInCooldown = 0, time.Minute
	most := func() (n int) {
		for count := 1; count <= 24; count++ {
			n = max(n, reversals(closed(target(1, 24, p), 1208.8590931549045, count, 240)))
		}
		return n
	}
	if n := most(); n < 10 {
		t.Errorf("without a cooldown it reverses %d times", n)
	}
	p.ScaleOutCooldown = 5 * time.Minute // 7 - 3 + 1 periods
	if n := most(); n > 0 {
		t.Errorf("with the cooldown that validate asks for it reverses %d times", n)
	}
}
