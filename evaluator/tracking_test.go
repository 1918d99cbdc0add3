package evaluator

import (
	"fmt"
	"testing"
)

func TestTargetTrackingFormula(t *testing.T) {
	for _, c := range []struct {
		name           string
		running        int
		metric, target float64
		want           int
	}{
		{"case 80: 4 at 80 of 50", 4, 80, 50, 7},
		{"case 82: 4 at 75 of 50", 4, 75, 50, 6},
		{"case 83: 1 at 100 of 50", 1, 100, 50, 2},
		{"case 85: 10 at 50.1 of 50", 10, 50.1, 50, 11},
		{"case 86: 3 at 100 of 75", 3, 100, 75, 4},
		{"case 88: 5 at 1000 of 300", 5, 1000, 300, 17},
		{"case 89: 100 at 90 of 50", 100, 90, 50, 180},
		{"case 91: 10 at 44.9 of 50", 10, 44.9, 50, 9},
		{"case 92: 2 at 45 of 50", 2, 45, 50, 2},
		{"case 94: 2 at 25 of 50", 2, 25, 50, 1},
		{"case 95: 6 at 25 of 50", 6, 25, 50, 3},
		{"case 97: 4 at 37.5 of 50", 4, 37.5, 50, 3},
		{"case 98: 20 at 44 of 50", 20, 44, 50, 18},
		{"case 100: 1 at 10 of 50", 1, 10, 50, 1},
		{"case 101: 1 at 0 of 50", 1, 0, 50, 0},
		{"case 103: 3 at 0.1 of 0.3", 3, 0.1, 0.3, 1},
		{"10 at 50 of 50", 10, 50, 50, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, 0, 1000, tracking("cpu", c.target)).counts(c.running, c.running)
			s.metric(0, fmt.Sprintf("%vx17", c.metric))
			if got := s.decide().Wanted; got != c.want {
				t.Errorf("got %d, expected %d: %s", got, c.want, s.d.Message())
			}
		})
	}
}

func TestProportionalForgivesFloatingPoint(t *testing.T) {
	for _, c := range []struct {
		base           int
		metric, target float64
		want           int
	}{{10, 45, 45, 10}, {3, 0.1, 0.3, 1}, {7, 0.7, 0.7, 7}, {1, 1e-12, 50, 1}, {5, -3, 50, 0}, {1, 1e300, 1e-300, mostTasks}} {
		if got := proportional(c.base, c.metric, c.target); got != c.want {
			t.Errorf("ceil(%d x %v / %v) = %d, expected %d", c.base, c.metric, c.target, got, c.want)
		}
	}
}

func TestTargetTrackingSituations(t *testing.T) {
	t.Run("case 104: one datapoint wakes a service without tasks", func(t *testing.T) {
		s := newScene(t, 0, 10, tracking("backlog", 100)).counts(0, 0).metric(0, "_x4 500").expect(1, ByTargetTracking)
		s.write().runs(1).at(60).metric(0, "_x4 500x3")
		s.expect(1, AlreadyAtDesiredCapacity)
	})
	t.Run("a datapoint below the target does not", func(t *testing.T) {
		newScene(t, 0, 10, tracking("backlog", 100)).counts(0, 0).metric(0, "_x4 50").expect(0, InsufficientData)
	})
	t.Run("case 106: two datapoints and a gap scale out once the older is three old", func(t *testing.T) {
		newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "_ _ 60 60 _").expect(5, ByTargetTracking)
	})
	t.Run("case 107: two young datapoints do not", func(t *testing.T) {
		newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "_ _ _ 60 60").expect(4, InsufficientData)
	})
	t.Run("case 109: without scale-in nothing is removed", func(t *testing.T) {
		p := tracking("cpu", 50)
		p.TargetTracking.DisableScaleIn, p.Alarms = true, p.Alarms[:1]
		newScene(t, 1, 10, p).metric(0, "1x60").expect(4, WithinTarget)
	})
	t.Run("case 112: one datapoint at 46 among low ones restarts the count", func(t *testing.T) {
		s := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "20x14 46").expect(4, WithinTarget)
		s.metric(0, "46 20x14").expect(4, WithinTarget)
		s.metric(0, "46 20x15").expect(2, ByTargetTracking)
	})
	t.Run("the low alarm in ALARM and rounding that keeps the count", func(t *testing.T) {
		newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "40x15").expect(4, AutoScalingAnticipatedFlapping)
	})
	t.Run("a scale-out never lowers a desired count that is not reached yet", func(t *testing.T) {
		newScene(t, 1, 100, tracking("cpu", 50)).counts(10, 4).metric(0, "60x3").expect(10, AlreadyAtDesiredCapacity)
	})
	t.Run("a scale-in never raises it", func(t *testing.T) {
		newScene(t, 1, 100, tracking("cpu", 50)).counts(4, 10).metric(0, "25x15").expect(4, AlreadyAtDesiredCapacity)
	})
	t.Run("while none of the desired tasks runs, nothing is removed", func(t *testing.T) {
		s := newScene(t, 0, 100, tracking("requests", 50)).counts(4, 0).metric(0, "10x15").expect(4, InsufficientData)
		s.counts(0, 0).expect(0, AlreadyAtMinCapacity)
	})
	t.Run("and one datapoint is not enough to add to them", func(t *testing.T) {
		newScene(t, 0, 100, tracking("requests", 50)).counts(4, 0).metric(0, "48x3 90").expect(4, WithinTarget)
	})
	t.Run("the base is that of the PRIMARY deployment", func(t *testing.T) {
		s := newScene(t, 1, 100, tracking("cpu", 50)).metric(0, "100x3")
		s.o.Service.Running = 8
		s.expect(8, ByTargetTracking)
	})
}

func TestTargetTrackingAggregation(t *testing.T) {
	for how, want := range map[Aggregation]int{"": 6, Average: 6, Latest: 8, Maximum: 8, Minimum: 5} {
		p := tracking("cpu", 50)
		p.Aggregation = how
		newScene(t, 1, 100, p).metric(0, "60 65 100").expect(want, ByTargetTracking)
	}
}

func TestSizedFromTheDatapointsOfTheAlarmThatActs(t *testing.T) {
	s := newScene(t, 1, 100, tracking("cpu", 50)).metric(0, "44x14 2").expect(4, AutoScalingAnticipatedFlapping)
	if got, want := s.d.Policies[0].Metric, (44.0*14+2)/15; got != want {
		t.Errorf("sized from %v, expected the average of all 15 datapoints, %v", got, want)
	}
}

func TestSeveralPolicies(t *testing.T) {
	tt := func(name string) Policy { return tracking(name, 50) }
	t.Run("case 124: one that is ready is enough to scale out", func(t *testing.T) {
		newScene(t, 1, 100, tt("a"), tt("b")).counts(10, 10).metric(0, "75x15").metric(1, "48x15").expect(15, ByTargetTracking)
	})
	t.Run("case 125: the larger of two scale-outs", func(t *testing.T) {
		s := newScene(t, 1, 100, tt("a"), tt("b")).counts(10, 10).metric(0, "60x15").metric(1, "75x15")
		if s.expect(15, ByTargetTracking); s.d.Policy != 1 {
			t.Errorf("carried out %d, expected b", s.d.Policy)
		}
	})
	t.Run("case 127: the larger of two scale-ins", func(t *testing.T) {
		newScene(t, 1, 100, tt("a"), tt("b")).counts(10, 10).metric(0, "30x15").metric(1, "40x15").expect(8, ByTargetTracking)
	})
	t.Run("case 128: one without scale-in does not take part", func(t *testing.T) {
		b := tt("b")
		b.TargetTracking.DisableScaleIn, b.Alarms = true, b.Alarms[:1]
		newScene(t, 1, 100, tt("a"), b).counts(10, 10).metric(0, "30x15").metric(1, "48x15").expect(6, ByTargetTracking)
	})
	t.Run("one that is not ready holds scale-in", func(t *testing.T) {
		newScene(t, 1, 100, tt("a"), tt("b")).counts(10, 10).metric(0, "30x15").metric(1, "48x15").expect(10, PolicyNotReadyToScaleIn)
	})
	t.Run("one without data is not ready", func(t *testing.T) {
		newScene(t, 1, 100, tt("a"), tt("b")).counts(10, 10).metric(0, "30x15").metric(1, "_x15").expect(10, PolicyNotReadyToScaleIn)
	})
	t.Run("one that would need as many tasks as there are is not ready", func(t *testing.T) {
		newScene(t, 1, 100, tt("a"), tt("b")).counts(4, 4).metric(0, "10x15").metric(1, "44x15").expect(4, PolicyNotReadyToScaleIn)
	})
	t.Run("one inside its own scale-in cooldown is not ready", func(t *testing.T) {
		s := newScene(t, 1, 100, tt("a"), tt("b")).counts(10, 10).metric(0, "30x15").metric(1, "30x15")
		s.m.Policies[1].Cooldown.ScaleInFulfilled = noon.Add(-60e9)
		s.expect(10, PolicyNotReadyToScaleIn)
		if got := s.d.Policies[1].Reason; got != CooldownInEffect {
			t.Errorf("b says %s", got)
		}
	})
	t.Run("case 130: scale-out beats scale-in", func(t *testing.T) {
		newScene(t, 1, 100, tt("a"), tt("b")).counts(10, 10).metric(0, "30x15").metric(1, "55x15").expect(11, ByTargetTracking)
	})
}

func TestStepScalingBesideTargetTracking(t *testing.T) {
	tt := func(name string) Policy { return tracking(name, 50) }
	step := stepping("in", LessThanThreshold, 50, below(ChangeInCapacity, -2))
	t.Run("case 131: a step scale-in is not vetoed by target tracking that is not ready", func(t *testing.T) {
		newScene(t, 1, 100, tt("b"), step).counts(10, 10).metric(0, "48x15").metric(1, "20").expect(8, ByStepScaling)
	})
	t.Run("case 134: step +2 and target tracking 11 at once give 12", func(t *testing.T) {
		out := stepping("out", GreaterThanThreshold, 50, above(ChangeInCapacity, 2))
		newScene(t, 1, 100, tt("a"), out).counts(10, 10).metric(0, "55x15").metric(1, "60").expect(12, ByStepScaling)
	})
	t.Run("a scale-out alarm keeps the count from falling while its own wish is stopped", func(t *testing.T) {
		s := newScene(t, 1, 100, tt("b"), step).counts(10, 10).metric(0, "80x15").metric(1, "20")
		s.target.Suspended.DynamicScalingOut = true
		s.expect(10, DynamicScalingSuspended)
		if got := s.d.Policies[1].Reason; got != PolicyNotReadyToScaleIn {
			t.Errorf("the step policy says %s", got)
		}
	})
	t.Run("and so does one whose metric cannot be read", func(t *testing.T) {
		s := newScene(t, 1, 100, tt("b"), step).counts(10, 10).metric(1, "20")
		s.m.Policies[0].Alarms[0].State = AlarmingState
		s.o.Series[0] = &Series{Failed: true}
		s.expect(10, StaleData)
	})
}

func TestOutOfBoundsByOthers(t *testing.T) {
	in := stepping("in", LessThanThreshold, 50, below(ChangeInCapacity, -1))
	out := stepping("out", GreaterThanThreshold, 50, above(ChangeInCapacity, 1))
	t.Run("case 136: below min a scale-in changes nothing", func(t *testing.T) {
		newScene(t, 5, 10, in).counts(2, 2).metric(0, "20").expect(2, OutOfBoundsByOthers)
	})
	t.Run("below min a scale-out leads to min first", func(t *testing.T) {
		s := newScene(t, 5, 10, out).counts(2, 2).metric(0, "60").expect(5, ByStepScaling)
		s.write().runs(5).at(300).expect(6, ByStepScaling)
	})
	t.Run("case 137: above max a scale-in leads to max first", func(t *testing.T) {
		s := newScene(t, 1, 10, tracking("cpu", 50)).counts(14, 14).metric(0, "25x15").expect(10, ByTargetTracking)
		s.write().runs(10).at(300).expect(5, ByTargetTracking)
	})
	t.Run("above max a scale-out changes nothing", func(t *testing.T) {
		newScene(t, 1, 10, out).counts(14, 14).metric(0, "60").expect(14, OutOfBoundsByOthers)
	})
	t.Run("case 139: being out of bounds alone corrects nothing", func(t *testing.T) {
		newScene(t, 1, 10, tracking("cpu", 50)).counts(14, 14).metric(0, "48x15").expect(14, WithinTarget)
	})
}

func TestDeployments(t *testing.T) {
	in := stepping("in", LessThanThreshold, 50, below(ChangeInCapacity, -1))
	for _, c := range []struct {
		name       string
		controller string
		deploying  bool
		allowed    bool
		want       int
		why        Reason
	}{
		{"ECS, in progress: held", "ECS", true, false, 4, TargetServicePutResourceAsUnscalable},
		{"case 146: ECS, completed", "ECS", false, false, 3, ByStepScaling},
		{"EXTERNAL is not held", "EXTERNAL", true, false, 3, ByStepScaling},
		{"case 148: CODE_DEPLOY is not held", "CODE_DEPLOY", true, false, 3, ByStepScaling},
		{"case 149: the first deployment of a new service counts", "", true, false, 4, TargetServicePutResourceAsUnscalable},
		{"the option lets it go on", "ECS", true, true, 3, ByStepScaling},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, 1, 10, in).metric(0, "20")
			s.o.Service.Controller, s.o.Service.Deploying = c.controller, c.deploying
			s.target.ScaleInDuringDeployment = c.allowed
			s.expect(c.want, c.why)
		})
	}
	t.Run("case 145: a scale-out goes on", func(t *testing.T) {
		s := newScene(t, 1, 10, stepping("out", GreaterThanThreshold, 50, above(ChangeInCapacity, 2))).metric(0, "60")
		s.o.Service.Deploying = true
		s.expect(6, ByStepScaling)
	})
}

func TestSuspension(t *testing.T) {
	t.Run("case 172: after resuming the alarm acts without a new transition", func(t *testing.T) {
		s := newScene(t, 1, 10, tracking("cpu", 50)).counts(1, 1).metric(0, "100x3")
		s.target.Suspended.DynamicScalingOut = true
		s.expect(1, DynamicScalingSuspended)
		if s.m.Remember(s.target, &s.d); s.m.Policies[0].Alarms[0].State != AlarmingState {
			t.Error("the alarm went on changing state while suspended, but was not remembered")
		}
		s.target.Suspended.DynamicScalingOut = false
		s.expect(2, ByTargetTracking)
	})
	t.Run("case 173: with only scale-in suspended it scales out", func(t *testing.T) {
		s := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "100x3")
		s.target.Suspended.DynamicScalingIn = true
		s.expect(8, ByTargetTracking)
	})
	t.Run("and does not scale in", func(t *testing.T) {
		s := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "10x15")
		s.target.Suspended.DynamicScalingIn = true
		s.expect(4, DynamicScalingSuspended)
	})
}
