package sim_test

import (
	"math"
	"testing"
	"time"

	"ecs-autoscaler/sim"
)

// simplified is a scaling policy reduced to what these tests need: metric of the last closed minutes in, wish out.
type simplified struct {
	cluster, service, metric string
	decide                   func(w *world, recent []float64, running int) int
	lowest, highest          int
}

// run evaluates the policy each minute and returns how often it scaled out and in.
func (p simplified) run(w *world, length time.Duration) (outs, ins int) {
	cooldown := time.Time{}
	for end := epoch.Add(length); w.now().Before(end); w.pass(time.Minute) {
		out := w.data(18*time.Minute, stat("m", p.metric, p.cluster+"/"+p.service, "Average", 60))
		now, err := w.Service(p.cluster, p.service)
		if err != nil {
			w.t.Fatal(err)
		}
		wish := min(max(p.decide(w, out.MetricDataResults[0].Values, now.Running), p.lowest), p.highest)
		if wish == now.Desired || w.now().Before(cooldown) || now.Running != now.Desired {
			continue
		}
		if wish > now.Desired {
			outs++
		} else {
			ins++
		}
		cooldown = w.now().Add(time.Minute)
		if err := w.SetDesired(p.cluster, p.service, wish); err != nil {
			w.t.Fatal(err)
		}
	}
	return outs, ins
}

func demoWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, "region: eu-west-2")
	s, err := sim.DemoScenario()
	if err != nil {
		t.Fatal(err)
	}
	if w.Region, err = sim.New(s, w.now); err != nil {
		t.Fatal(err)
	}
	w.connect()
	return w
}

func TestTheDemoMakesStepPoliciesScaleOutAndInWithinTheFirstHour(t *testing.T) {
	p := simplified{"flaskapp", "flaskapp", "MemoryUtilization", func(_ *world, recent []float64, running int) int {
		if len(recent) == 0 {
			return running
		}
		switch last := recent[len(recent)-1]; {
		case last >= 35:
			return running + 3
		case last >= 20:
			return running + 2
		case last > 10:
			return running + 1
		}
		return running - 1
	}, 1, 4}
	if outs, ins := p.run(demoWorld(t), time.Hour); outs == 0 || ins == 0 {
		t.Errorf("%d scale-outs and %d scale-ins, want some of each", outs, ins)
	}
}

func TestTheDemoMakesTargetTrackingScaleOutAndInWithinTheFirstHour(t *testing.T) {
	track := func(_ *world, recent []float64, running int) int {
		average := func(n int, breaches func(float64) bool) (float64, bool) {
			sum := 0.0
			for i := range n {
				if i >= len(recent) || !breaches(recent[len(recent)-1-i]) {
					return 0, false
				}
				sum += recent[len(recent)-1-i]
			}
			return sum / float64(n), true
		}
		if v, high := average(3, func(v float64) bool { return v > 60 }); high {
			return int(math.Ceil(float64(running) * v / 60))
		}
		if v, low := average(15, func(v float64) bool { return v < 54 }); low {
			return int(math.Ceil(float64(running) * v / 60))
		}
		return running
	}
	w := demoWorld(t)
	p := simplified{"shop", "api", "CPUUtilization", track, 1, 14}
	if outs, ins := p.run(w, time.Hour); outs == 0 || ins == 0 {
		t.Errorf("%d scale-outs and %d scale-ins, want some of each", outs, ins)
	}
}

func TestTheDemoTraceNeedsTwelveTasksAtItsPeak(t *testing.T) {
	w := demoWorld(t)
	peak := 0.0
	for range 24 * 60 {
		w.pass(time.Minute)
		now, err := w.Service("shop", "api")
		if err != nil {
			t.Fatal(err)
		}
		peak = max(peak, now.Load/0.6)
	}
	if math.Ceil(peak-1e-9) != 12 {
		t.Errorf("the peak of the day needs %.2f tasks at 60 %%, want 12", peak)
	}
}
