package fixedpoint

import (
	"math"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
)

var inf = math.Inf(1)

func alarm(op evaluator.ComparisonOperator, threshold float64, periods int) evaluator.Alarm {
	return evaluator.Alarm{
		Name: "alarm", SampleCount: -1, EvaluationPeriods: periods, DatapointsToAlarm: periods,
		Threshold: threshold, Operator: op, Missing: evaluator.TreatMissing,
	}
}

func stepPolicy(name string, a evaluator.Alarm, kind evaluator.AdjustmentType, steps ...evaluator.StepAdjustment) evaluator.Policy {
	return evaluator.Policy{
		Name: name, Type: evaluator.StepScaling, Alarms: []evaluator.Alarm{a}, Aggregation: evaluator.Average,
		ScaleOutCooldown: time.Minute, ScaleInCooldown: time.Minute, ScaleInDuringScaleOutCooldown: true,
		Step: evaluator.Step{AdjustmentType: kind, Adjustments: steps},
	}
}

func trackingPolicy(target, percent float64) evaluator.Policy {
	high, low := alarm(evaluator.GreaterThanThreshold, target, 3), alarm(evaluator.LessThanThreshold, target*percent/100, 15)
	high.Name, low.Name = "high", "low"
	return evaluator.Policy{
		Name: "cpu", Type: evaluator.TargetTrackingScaling, Alarms: []evaluator.Alarm{high, low}, Aggregation: evaluator.Average,
		ScaleOutCooldown: 5 * time.Minute, ScaleInCooldown: 5 * time.Minute, ScaleInDuringScaleOutCooldown: true,
		TargetTracking: evaluator.TargetTracking{TargetValue: target},
	}
}

func target(lowest, highest int, policies ...evaluator.Policy) *evaluator.Target {
	return &evaluator.Target{
		Key: evaluator.Key{Cluster: "c", Service: "s"}, Min: lowest, Max: highest, Policies: policies,
		Metrics: []evaluator.Metric{{Namespace: "AWS/ECS", MetricName: "CPUUtilization", Stat: "Average", Period: 60}},
	}
}

func all(t *evaluator.Target) []int {
	list := make([]int, len(t.Policies))
	for i := range list {
		list[i] = i
	}
	return list
}

func out(threshold float64, adjustment int) evaluator.Policy {
	return stepPolicy("out", alarm(evaluator.GreaterThanThreshold, threshold, 1), evaluator.ChangeInCapacity,
		evaluator.StepAdjustment{LowerBound: 0, UpperBound: inf, ScalingAdjustment: adjustment})
}

func in(threshold float64, adjustment int) evaluator.Policy {
	return stepPolicy("in", alarm(evaluator.LessThanOrEqualToThreshold, threshold, 1), evaluator.ChangeInCapacity,
		evaluator.StepAdjustment{LowerBound: -inf, UpperBound: 0, ScalingAdjustment: adjustment})
}

func flaskapp() *evaluator.Target {
	p := out(10, 1)
	p.Step.Adjustments = []evaluator.StepAdjustment{{UpperBound: 10, ScalingAdjustment: 1}, {LowerBound: 10, UpperBound: 25, ScalingAdjustment: 2}, {LowerBound: 25, UpperBound: inf, ScalingAdjustment: 3}}
	return target(1, 4, p, in(10, -1))
}

func TestTheMemoryExampleOfFlaskappGoesBackAndForthBetweenOneAndTwoTasks(t *testing.T) {
	q := Search(flaskapp(), []int{0, 1}).Cycle
	if q == nil {
		t.Fatal("no cycle found")
	}
	want := []Move{{2, 7.5, 1, 1}, {1, 15, 2, 0}}
	if q.Load != 15 || q.Above != 10 || q.Below != 20 || len(q.Moves) != 2 || q.Moves[0] != want[0] || q.Moves[1] != want[1] {
		t.Errorf("%+v", q)
	}
	if n := reversals(closed(flaskapp(), q.Load, 2, 600)); n < 50 {
		t.Errorf("the daemon's evaluator reverses %d times in five hours", n)
	}
	if lower, ok := Calmer(flaskapp(), []int{0, 1}, 1); !ok || lower != 5 {
		t.Errorf("a threshold of %v, %v; at 5 two tasks are left only where one bears it", lower, ok)
	}
}

func TestPoliciesWithAMarginComeToRest(t *testing.T) {
	for name, tg := range map[string]*evaluator.Target{
		"half the threshold":          target(1, 10, out(70, 1), in(35, -1)),
		"a margin of two tasks":       target(2, 10, out(70, 1), in(46, -1)),
		"one count":                   target(3, 3, out(10, 1), in(10, -1)),
		"out alone":                   target(0, 5000, out(10, 1)),
		"AWS's target tracking":       target(0, 5000, trackingPolicy(60, 90)),
		"tracking without a margin":   target(0, 5000, trackingPolicy(60, 100)),
		"tracking and a step to help": target(1, 60, trackingPolicy(60, 90), out(85, 3)),
		"a thousand tasks":            target(1, 1000, out(70, 1), in(35, -1)),
	} {
		if found := Search(tg, all(tg)); found.Cycle != nil || found.Overshoot != nil || found.UpTo != tg.Max {
			t.Errorf("%s: %+v %+v up to %d", name, found.Cycle, found.Overshoot, found.UpTo)
		}
	}
}

func TestPoliciesWithoutAMarginDoNot(t *testing.T) {
	percent := func(p evaluator.Policy, n int) evaluator.Policy {
		p.Step.AdjustmentType, p.Step.Adjustments[0].ScalingAdjustment = evaluator.PercentChangeInCapacity, n
		return p
	}
	one := stepPolicy("one", alarm(evaluator.GreaterThanThreshold, 0, 1), evaluator.ChangeInCapacity,
		evaluator.StepAdjustment{LowerBound: 0, UpperBound: 40, ScalingAdjustment: -1}, evaluator.StepAdjustment{LowerBound: 40, UpperBound: inf, ScalingAdjustment: 1})
	exactly := func(p evaluator.Policy, n int) evaluator.Policy {
		p.Step.AdjustmentType, p.Step.Adjustments[0].ScalingAdjustment = evaluator.ExactCapacity, n
		return p
	}
	for name, tg := range map[string]*evaluator.Target{
		"the same threshold":              target(1, 4, out(10, 1), in(10, -1)),
		"less than one task in ten":       target(10, 20, out(70, 1), in(65, -1)),
		"percent":                         target(1, 100, percent(out(70, 0), 50), percent(in(60, 0), -25)),
		"exact counts":                    target(1, 20, exactly(out(50, 0), 10), exactly(in(30, 0), 5)),
		"two sides of one policy":         target(1, 10, one),
		"step in above tracking's target": target(1, 10, trackingPolicy(60, 90), in(60, -1)),
	} {
		found := Search(tg, all(tg))
		if found.Cycle == nil {
			t.Errorf("%s: no cycle", name)
			continue
		}
		if n := reversals(closed(tg, found.Cycle.Load, found.Cycle.Moves[0].Count, 1200)); n < 10 {
			t.Errorf("%s: %+v, but the evaluator reverses %d times only", name, found.Cycle, n)
		}
	}
}

func TestAScaleInLargerThanTheBandIsMadeUpFor(t *testing.T) {
	tg := target(1, 10, out(70, 1), in(35, -4))
	found := Search(tg, all(tg))
	q := found.Overshoot
	if found.Cycle != nil || q == nil {
		t.Fatalf("%+v", found)
	}
	if q.Moves[0].Count != 3 || q.Moves[0].To != 1 || q.Moves[1].To != 2 {
		t.Errorf("%+v", q)
	}
	if lower, ok := Calmer(tg, all(tg), 1); !ok || lower >= 35 || lower < 7 {
		t.Errorf("calmer at %v, %v", lower, ok)
	}
}

func TestALimitOfAStepIsPartOfWhatHappens(t *testing.T) {
	tg := target(1, 10, out(70, 1), in(35, -4))
	tg.Rails = &evaluator.Rails{MaxScaleInStep: evaluator.StepLimit{Tasks: 1}}
	if found := Search(tg, all(tg)); found.Overshoot != nil || found.Cycle != nil {
		t.Errorf("%+v", found)
	}
}

func TestALoadIsWrittenShortly(t *testing.T) {
	for _, c := range []struct{ low, high, want float64 }{{10, 20, 15}, {10, 11, 10.5}, {99.9, 100.1, 100}, {0, 3000, 2000}, {0.001, 0.003, 0.002}, {7, 7, 7}} {
		got, _ := (interval{exact(c.low), exact(c.high)}).load().Float64()
		if got != c.want {
			t.Errorf("between %v and %v: %v, want %v", c.low, c.high, got, c.want)
		}
	}
}
