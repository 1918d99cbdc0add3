package evaluator

import (
	"math"
	"testing"
)

func TestPercentChangeInCapacity(t *testing.T) {
	for _, c := range []struct {
		name                       string
		base, percent, least, want int
	}{
		{"case 1: +10 % of 10", 10, 10, 0, 11},
		{"case 2: +30 % of 11", 11, 30, 0, 14},
		{"-10 % of 14", 14, -10, 0, 13},
		{"case 4: -30 % of 13", 13, -30, 0, 10},
		{"case 5: +10 % of 127", 127, 10, 0, 139},
		{"case 7: -10 % of 3", 3, -10, 0, 2},
		{"case 8: +10 % of 1", 1, 10, 0, 2},
		{"case 10: -10 % of 9", 9, -10, 0, 8},
		{"case 11: -10 % of 11", 11, -10, 0, 10},
		{"case 13: -27 % of 25", 25, -27, 0, 19},
		{"case 14: +33 % of 5", 5, 33, 0, 6},
		{"case 16: +1 % of 100", 100, 1, 0, 101},
		{"case 17: +200 % of 1", 1, 200, 0, 3},
		{"case 19: +0 % of 10", 10, 0, 0, 10},
		{"case 20: +25 % of 4, at least 2", 4, 25, 2, 6},
		{"case 22: -25 % of 20, at least 2", 20, -25, 2, 15},
		{"case 23: -10 % of 3, at least 2", 3, -10, 2, 1},
		{"case 25: +50 % of 0, at least 2", 0, 50, 2, 2},
		{"case 26: -100 % of 1", 1, -100, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := stepScene(t, c.percent, PercentChangeInCapacity, c.least).counts(c.base, c.base)
			if got := s.decide().Wanted; got != c.want {
				t.Errorf("got %d, expected %d: %s", got, c.want, s.d.Message())
			}
		})
	}
}

// stepScene has one step on the fitting side of an alarm that is in ALARM, and bounds far away.
func stepScene(t *testing.T, adjustment int, how AdjustmentType, least int) *scene {
	step, op, value := above(how, adjustment), GreaterThanThreshold, "60"
	if adjustment < 0 {
		step, op, value = below(how, adjustment), LessThanThreshold, "40"
	}
	step.MinAdjustmentMagnitude = least
	return newScene(t, 0, 10000, stepping("p", op, 50, step)).metric(0, value)
}

func TestWorkedChain(t *testing.T) {
	// The chain of AAS-STEP: 10 -> metric 60 -> 11 -> metric 70 -> 14 -> metric 40 -> 13 -> metric 30 -> 10.
	inf := math.Inf(1)
	out := stepping("out", GreaterThanOrEqualToThreshold, 50, Step{
		AdjustmentType: PercentChangeInCapacity,
		Adjustments:    []StepAdjustment{{0, 10, 0}, {10, 20, 10}, {20, inf, 30}},
	})
	in := stepping("in", LessThanOrEqualToThreshold, 50, Step{
		AdjustmentType: PercentChangeInCapacity,
		Adjustments:    []StepAdjustment{{-inf, -20, -30}, {-20, -10, -10}, {-10, 0, 0}},
	})
	out.ScaleOutCooldown, in.ScaleInCooldown = 0, 0
	s := newScene(t, 1, 100, out, in).counts(10, 10)
	for i, c := range []struct {
		metric string
		want   int
	}{{"60", 11}, {"70", 14}, {"40", 13}, {"30", 10}} {
		s.at(60*i).metric(0, c.metric).metric(1, c.metric).expect(c.want, ByStepScaling)
		s.write().runs(c.want)
	}
}

func TestWhichStepApplies(t *testing.T) {
	inf := math.Inf(1)
	sets := map[string]struct {
		op        ComparisonOperator
		threshold float64
		steps     []StepAdjustment
	}{
		"OUT": {GreaterThanOrEqualToThreshold, 50, []StepAdjustment{{0, 10, 0}, {10, 20, 10}, {20, inf, 30}}},
		"IN":  {LessThanOrEqualToThreshold, 50, []StepAdjustment{{-inf, -20, -30}, {-20, -10, -10}, {-10, 0, 0}}},
		"T70": {GreaterThanOrEqualToThreshold, 70, []StepAdjustment{{0, 15, 1}, {15, 25, 2}, {25, inf, 3}}},
	}
	const none = -1000
	for _, c := range []struct {
		name, set string
		metric    float64
		want      int
	}{
		{"case 28: OUT at 55", "OUT", 55, 0},
		{"case 29: OUT at 59.999", "OUT", 59.999, 0},
		{"OUT at 60", "OUT", 60, 10},
		{"case 31: OUT at 69.999", "OUT", 69.999, 10},
		{"case 32: OUT at 70", "OUT", 70, 30},
		{"case 34: IN at 50", "IN", 50, 0},
		{"case 35: IN at 45", "IN", 45, 0},
		{"IN at 40.001", "IN", 40.001, 0},
		{"case 37: IN at 40", "IN", 40, -10},
		{"case 38: IN at 30.001", "IN", 30.001, -10},
		{"IN at 30", "IN", 30, -30},
		{"case 40: IN at 0", "IN", 0, -30},
		{"case 41: T70 at 70", "T70", 70, 1},
		{"T70 at 84.9", "T70", 84.9, 1},
		{"case 43: T70 at 85", "T70", 85, 2},
		{"case 44: T70 at 94.9", "T70", 94.9, 2},
		{"T70 at 95", "T70", 95, 3},
		{"case 46: T70 at 400", "T70", 400, 3},
		{"case 47: OUT at 48", "OUT", 48, none},
		{"IN at 50.1", "IN", 50.1, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := sets[c.set]
			a := AlarmDecision{Operator: set.op, Threshold: set.threshold}
			got := none
			if k := matchingStep(set.steps, &a, c.metric); k >= 0 {
				got = set.steps[k].ScalingAdjustment
			}
			if got != c.want {
				t.Errorf("selected %d, expected %d", got, c.want)
			}
		})
	}
}

func TestStepBoundsForgiveFloatingPoint(t *testing.T) {
	steps := []StepAdjustment{{0, 0.1, 1}, {0.1, math.Inf(1), 2}}
	a := AlarmDecision{Operator: GreaterThanThreshold, Threshold: 0.2}
	if k := matchingStep(steps, &a, 0.3); k != 1 {
		t.Errorf("0.3 is 0.1 above 0.2 and belongs to the second step, got %d", k)
	}
}

func TestStepMetricAggregation(t *testing.T) {
	inf := math.Inf(1)
	steps := []StepAdjustment{{0, 15, 1}, {15, 25, 2}, {25, inf, 3}}
	for _, c := range []struct {
		name   string
		how    Aggregation
		metric float64
		want   int
	}{
		{"Maximum takes the highest", Maximum, 90, 6},
		{"case 49: Minimum takes the lowest", Minimum, 71, 5},
		{"case 50: omitted means Average", "", 77 + 2.0/3, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := stepping("p", GreaterThanOrEqualToThreshold, 70, Step{AdjustmentType: ChangeInCapacity, Adjustments: steps})
			p.Alarms[0].EvaluationPeriods, p.Alarms[0].DatapointsToAlarm, p.Aggregation = 3, 3, c.how
			s := newScene(t, 1, 100, p).metric(0, "71 90 72").expect(c.want, ByStepScaling)
			if got := s.d.Policies[0].Metric; math.Abs(got-c.metric) > 1e-9 {
				t.Errorf("aggregated to %v, expected %v", got, c.metric)
			}
		})
	}
}

func TestAverageBelowTheThresholdHasNoStep(t *testing.T) {
	p := stepping("p", GreaterThanOrEqualToThreshold, 50, above(ChangeInCapacity, 1))
	p.Alarms[0].EvaluationPeriods, p.Alarms[0].DatapointsToAlarm = 3, 2
	t.Run("case 47: nothing happens although the alarm is in ALARM", func(t *testing.T) {
		newScene(t, 1, 100, p).metric(0, "52 52 40").expect(4, NoMatchingStep)
	})
}

func TestOtherAdjustments(t *testing.T) {
	t.Run("case 70: ChangeInCapacity +5", func(t *testing.T) {
		stepScene(t, 5, ChangeInCapacity, 0).counts(3, 3).expect(8, ByStepScaling)
	})
	t.Run("case 71: ExactCapacity 5", func(t *testing.T) {
		stepScene(t, 5, ExactCapacity, 0).counts(3, 3).expect(5, ByStepScaling)
	})
	t.Run("ExactCapacity below the desired count scales in", func(t *testing.T) {
		s := stepScene(t, 2, ExactCapacity, 0).counts(3, 3).expect(2, ByStepScaling)
		if s.d.Action != ScaleIn {
			t.Errorf("action is %s", s.d.Action)
		}
	})
	t.Run("case 73: ChangeInCapacity -5 stops at min", func(t *testing.T) {
		s := stepScene(t, -5, ChangeInCapacity, 0).counts(3, 3)
		s.target.Min, s.m.Min = 1, 1
		s.expect(1, ByStepScaling)
	})
	t.Run("case 74: ChangeInCapacity +1 at max", func(t *testing.T) {
		s := stepScene(t, 1, ChangeInCapacity, 0).counts(10, 10)
		s.target.Max, s.m.Max = 10, 10
		s.expect(10, AlreadyAtMaxCapacity)
	})
	t.Run("ChangeInCapacity -1 at min", func(t *testing.T) {
		s := stepScene(t, -1, ChangeInCapacity, 0).counts(1, 1)
		s.target.Min, s.m.Min = 1, 1
		s.expect(1, AlreadyAtMinCapacity)
	})
	t.Run("case 76: ExactCapacity of the desired count", func(t *testing.T) {
		stepScene(t, 4, ExactCapacity, 0).counts(4, 4).expect(4, AlreadyAtDesiredCapacity)
	})
	t.Run("case 77: ExactCapacity compares with desired, not with running", func(t *testing.T) {
		stepScene(t, 3, ExactCapacity, 0).counts(3, 0).expect(3, AlreadyAtDesiredCapacity)
	})
	t.Run("case 79: +3 and +200 % at 10: the larger result", func(t *testing.T) {
		s := newScene(t, 1, 100,
			stepping("a", GreaterThanThreshold, 50, above(ChangeInCapacity, 3)),
			stepping("b", GreaterThanThreshold, 50, above(PercentChangeInCapacity, 200)),
		).counts(10, 10).metric(0, "60").metric(1, "60").expect(30, ByStepScaling)
		if s.d.Policy != 1 {
			t.Errorf("policy %d was carried out, expected b", s.d.Policy)
		}
	})
	t.Run("an adjustment of 0 is a wish for what is there", func(t *testing.T) {
		stepScene(t, 0, ChangeInCapacity, 0).expect(4, AlreadyAtDesiredCapacity)
	})
	t.Run("a metric that falls when more is needed scales out below its threshold", func(t *testing.T) {
		p := stepping("free", LessThanThreshold, 50, below(ChangeInCapacity, 2))
		newScene(t, 1, 10, p).metric(0, "20").expect(6, ByStepScaling)
	})
}
