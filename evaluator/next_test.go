package evaluator

import (
	"testing"
	"time"
)

// Each row is a reason to wait, or not to. The newest bucket ends at noon; four tasks run unless a row says otherwise.
func TestNextIsWhenSomethingCanHappen(t *testing.T) {
	disabled := tracking("cpu", 50)
	disabled.TargetTracking.DisableScaleIn = true
	disabled.Alarms = disabled.Alarms[:1]
	out := stepping("out", GreaterThanThreshold, 60, above(ChangeInCapacity, 1))
	in := stepping("in", LessThanThreshold, 40, below(ChangeInCapacity, -1))
	slowIn := in
	slowIn.Alarms = []Alarm{in.Alarms[0]}
	slowIn.Alarms[0].EvaluationPeriods, slowIn.Alarms[0].DatapointsToAlarm = 30, 20
	exact := stepping("exact", LessThanThreshold, 40, below(ExactCapacity, 6))
	for _, c := range []struct {
		name     string
		policies []Policy
		values   string
		change   func(s *scene)
		minutes  int
	}{
		{"within the band: the alarm needs three buckets", []Policy{tracking("cpu", 50)}, "48x20", nil, 3},
		{"one breaching bucket: two more", []Policy{tracking("cpu", 50)}, "48x19 60", nil, 2},
		{"two: one more", []Policy{tracking("cpu", 50)}, "48x18 60x2", nil, 1},
		{"a breaching bucket that leaves the window with the next does not count", []Policy{tracking("cpu", 50)}, "48x17 60 48x2", nil, 3},
		{"one in the middle does", []Policy{tracking("cpu", 50)}, "48x18 60 48", nil, 3},
		{"wanting to scale out: each minute", []Policy{tracking("cpu", 50)}, "60x20", func(s *scene) { s.m.Policies[0].Cooldown = Cooldown{ScaleOutFulfilled: noon, Added: 4} }, 1},
		{"fourteen low buckets: one more", []Policy{tracking("cpu", 50)}, "48x6 30x14", nil, 1},
		{"low for long, but at min: only the load can grow", []Policy{tracking("cpu", 50)}, "10x20", func(s *scene) { s.counts(1, 1) }, 3},
		{"low for long within the cooldown: the load can grow before it ends", []Policy{tracking("cpu", 50)}, "10x20", func(s *scene) {
			s.m.Policies[0].Cooldown.ScaleInFulfilled = noon
		}, 3},
		{"low, cooldown nearly over", []Policy{tracking("cpu", 50)}, "10x20", func(s *scene) {
			s.m.Policies[0].Cooldown.ScaleInFulfilled = noon.Add(-170 * time.Second)
		}, 3},
		{"low, but not by a whole task: the average has to fall", []Policy{tracking("cpu", 50)}, "44x20", func(s *scene) { s.own() }, 3},
		{"low, and nearly by one: one bucket of zero suffices", []Policy{tracking("cpu", 50)}, "38x20", func(s *scene) { s.own() }, 1},
		{"the same of a metric that may be negative", []Policy{tracking("cpu", 50)}, "44x20", nil, 1},
		{"never scales in, and out is suspended: nothing can happen", []Policy{disabled}, "60x20", func(s *scene) {
			s.target.Suspended.DynamicScalingOut = true
			s.m.registered(s.target)
		}, 15},
		{"a missing bucket may still come", []Policy{tracking("cpu", 50)}, "48x17 _x3", nil, 1},
		{"a partial read says little", []Policy{tracking("cpu", 50)}, "48x20", func(s *scene) { s.o.Series[0].Partial = true }, 1},
		{"a failed read says nothing", []Policy{tracking("cpu", 50)}, "48x20", func(s *scene) { s.o.Series[0].Failed = true }, 1},
		{"tasks that are still to start change the count by themselves", []Policy{tracking("cpu", 50)}, "48x20", func(s *scene) { s.counts(4, 3) }, 1},
		{"a service at 0 is woken by one datapoint", []Policy{tracking("cpu", 50)}, "48x20", func(s *scene) {
			s.target.Min, s.m.LastDesired = 0, 0
			s.m.registered(s.target)
			s.counts(0, 0)
		}, 1},
		{"a step alarm of one period can act on each bucket", []Policy{out}, "50x20", nil, 1},
		{"a scale-in policy at min cannot", []Policy{in}, "10x20", func(s *scene) { s.counts(1, 1) }, 15},
		{"one that is in its cooldown waits for its end", []Policy{in}, "10x20", func(s *scene) {
			s.m.Policies[0].Cooldown.ScaleInFulfilled = noon.Add(-30 * time.Second)
		}, 5},
		{"20 of 30 need twenty, if none breaches", []Policy{slowIn}, "50x40", nil, 15},
		{"12 of them breaching: eight more, once the older good ones have gone", []Policy{slowIn}, "50x10 10x12 50x8", nil, 8},
		{"an exact capacity above the count is a scale-out", []Policy{exact}, "50x20", func(s *scene) { s.counts(1, 1) }, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, 1, 20, c.policies...).metric(0, c.values)
			s.m.LastDesired = 4
			if c.change != nil {
				c.change(s)
			}
			if got := s.decide().Next.Sub(noon); (got + 59*time.Second).Truncate(time.Minute) != time.Duration(c.minutes)*time.Minute {
				t.Errorf("looks again after %s, expected %d min: %s", got, c.minutes, s.d.Message())
			}
		})
	}
}

// own makes the metric one of ECS, which is never negative.
func (s *scene) own() { s.target.Metrics[0].Namespace = "AWS/ECS" }

func TestNextWaitsForPublication(t *testing.T) {
	s := newScene(t, 1, 20, tracking("cpu", 50)).metric(0, "48x20")
	s.o.Series[0].Soonest, s.o.Series[0].Delay = 75, 90
	if got := s.decide().Next.Sub(noon); got != 3*time.Minute+75*time.Second {
		t.Errorf("looks again after %s, expected the end of the third bucket and 75 s", got)
	}
}

func TestNextOfSeveralPolicies(t *testing.T) {
	t.Run("target tracking scales in together, so the one that is not ready says when", func(t *testing.T) {
		s := newScene(t, 1, 20, tracking("cpu", 50), tracking("memory", 50)).metric(0, "10x20").metric(1, "48x20")
		if got := s.decide().Next.Sub(noon); got != 3*time.Minute {
			t.Errorf("looks again after %s", got)
		}
	})
	t.Run("a step policy does not wait for it", func(t *testing.T) {
		in := stepping("in", LessThanThreshold, 40, below(ChangeInCapacity, -1))
		s := newScene(t, 1, 20, tracking("cpu", 50), in).metric(0, "48x20").metric(1, "48x20")
		if got := s.decide().Next.Sub(noon); got != time.Minute {
			t.Errorf("looks again after %s", got)
		}
	})
	t.Run("a scheduled action is not slept through", func(t *testing.T) {
		s := planned(t, 1, 20, 4, onlyMin("day", 5, 90))
		if got := s.decide().Next.Sub(noon); got != 90*time.Second {
			t.Errorf("looks again after %s", got)
		}
	})
	t.Run("longer periods slide, so each minute can change them", func(t *testing.T) {
		s := newScene(t, 1, 20, tracking("cpu", 50))
		s.target.Metrics[0].Period, s.o.Series[0].Period = 300, 300
		if got := s.metric(0, "48x20").decide().Next.Sub(noon); got != time.Minute {
			t.Errorf("looks again after %s", got)
		}
	})
	t.Run("high resolution: three buckets of 20 s, of which the newest trails by 10 s", func(t *testing.T) {
		s := newScene(t, 1, 20, tracking("cpu", 50))
		s.target.Metrics[0].Period, s.o.Series[0].Period = 20, 20
		s.metric(0, "48x30")
		end := time.Unix(s.o.Series[0].End, 0)
		if got := s.decide().Next.Sub(end); got != 70*time.Second {
			t.Errorf("looks again %s after the newest bucket", got)
		}
	})
}
