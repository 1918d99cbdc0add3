package evaluator

import "testing"

func benchmark(b *testing.B, s *scene) {
	b.ReportAllocs()
	s.decide()
	for b.Loop() {
		Evaluate(s.target, &s.o, s.m, s.now, &s.d)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
}

// mixed holds neither alarm in ALARM although every datapoint has to be judged.
const mixed = "55x16 40"

func BenchmarkTargetTracking(b *testing.B) {
	b.Run("idle", func(b *testing.B) {
		benchmark(b, newScene(b, 1, 100, tracking("cpu", 50)).metric(0, "48x22"))
	})
	b.Run("alarm high", func(b *testing.B) {
		s := newScene(b, 1, 100, tracking("cpu", 50)).metric(0, "80x22")
		s.m.Policies[0].Cooldown = Cooldown{ScaleOutFulfilled: noon.Add(-60e9), Added: 1}
		benchmark(b, s)
	})
	b.Run("alarm low", func(b *testing.B) {
		benchmark(b, newScene(b, 1, 100, tracking("cpu", 50)).metric(0, "20x22"))
	})
	b.Run("gaps", func(b *testing.B) {
		benchmark(b, newScene(b, 1, 100, tracking("cpu", 50)).metric(0, mixed+" _ 48x2 _ 48"))
	})
}

func BenchmarkStep(b *testing.B) {
	benchmark(b, newScene(b, 1, 100, stepping("mem", GreaterThanThreshold, 50, above(ChangeInCapacity, 2))).metric(0, "60x8"))
}

func BenchmarkTwoPolicies(b *testing.B) {
	s := newScene(b, 1, 100, tracking("cpu", 50), tracking("memory", 60)).metric(0, "80x22").metric(1, "20x22")
	benchmark(b, s)
}

func BenchmarkMessage(b *testing.B) {
	s := newScene(b, 1, 100, tracking("cpu", 50)).metric(0, "80x22")
	s.decide()
	for b.Loop() {
		_ = s.d.Message()
	}
}

// BenchmarkBareArithmetic is the yardstick beside which the others stand: the proportional formula alone,
// without an alarm, a guard, a cooldown or a reason.
func BenchmarkBareArithmetic(b *testing.B) {
	sum := 0
	for i := range b.N {
		sum += proportional(4+i&7, 75, 50)
	}
	if sum == 0 && b.N > 0 {
		b.Error("nothing was computed")
	}
}
