package evaluator

import (
	"testing"
	"time"
)

func TestSteadyStateAllocatesNothing(t *testing.T) {
	in := stepping("in", LessThanThreshold, 50, below(ChangeInCapacity, -2))
	scenes := map[string]*scene{
		"idle":         newScene(t, 1, 100, tracking("cpu", 50)).metric(0, "48x22"),
		"alarm high":   newScene(t, 1, 100, tracking("cpu", 50)).metric(0, "80x22"),
		"alarm low":    newScene(t, 1, 100, tracking("cpu", 50)).metric(0, "20x22"),
		"gaps":         newScene(t, 1, 100, tracking("cpu", 50)).metric(0, "80x5 _x5 20x12"),
		"step":         newScene(t, 1, 100, in).metric(0, "20x8"),
		"two policies": newScene(t, 1, 100, tracking("cpu", 50), in).metric(0, "80x22").metric(1, "20x8"),
		"no service":   newScene(t, 1, 100, tracking("cpu", 50)).counts(0, 0).metric(0, "80x22"),
	}
	flapping := seesaw(t, FlapGuard{Reversals: 1, Within: time.Hour, Factor: 2, Longest: time.Hour}).metric(0, "20").metric(1, "20")
	flapping.m.Flaps = &FlapMemory{Direction: ScaleOut, Reversals: []time.Time{noon}}
	flapping.m.Shared.ScaleOutFulfilled = noon
	scenes["flap guard"] = flapping
	scenes["step limit"] = newScene(t, 1, 100, tracking("cpu", 50)).railed(Rails{MaxScaleOutStep: StepLimit{Percent: 10}}).metric(0, "80x22")
	scenes["window"] = newScene(t, 1, 100, tracking("cpu", 50)).railed(Rails{ScaleInForbidden: office()}).at(60).metric(0, "20x22")
	scenes["steered"] = newScene(t, 1, 100, tracking("cpu", 50)).metric(0, "80x22").hold().override(4)
	var kept Decision
	for name, s := range scenes {
		s.decide()
		kept.CopyFrom(&s.d)
		if n := testing.AllocsPerRun(100, func() { Evaluate(s.target, &s.o, s.m, s.now, &s.d) }); n != 0 {
			t.Errorf("%s: Evaluate allocates %v times", name, n)
		}
		if n := testing.AllocsPerRun(100, func() { kept.CopyFrom(&s.d) }); n != 0 {
			t.Errorf("%s: CopyFrom allocates %v times", name, n)
		}
		if n := testing.AllocsPerRun(100, func() { s.m.Remember(s.target, &s.d) }); n != 0 {
			t.Errorf("%s: Remember allocates %v times", name, n)
		}
	}
}
