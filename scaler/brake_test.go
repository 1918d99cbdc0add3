package scaler

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"ecs-autoscaler/evaluator"
)

// fleetOf is a configuration of n services that follow their CPU, with a brake.
func fleetOf(n int, limit string) string {
	text := limit + "\ntargets:\n"
	for i := range n {
		text += fmt.Sprintf("  - {service: c/s%d, min_capacity: 1, max_capacity: 9, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50}]}\n", i)
	}
	return text
}

// braked is a fleet of ten services of four tasks; load is what each of them shows.
func braked(t *testing.T, load map[string]float64) (*bench, []evaluator.Key) {
	t.Helper()
	w := newWorld()
	var keys []evaluator.Key
	for i := range 10 {
		keys = append(keys, w.add(fmt.Sprintf("s%d", i), 4))
	}
	w.value = func(m evaluator.Metric, _ int64) float64 {
		v, ok := load[m.Dimensions[1].Value]
		if !ok {
			return 48
		}
		return v
	}
	return newBench(t, w, fleetOf(10, "halt_if_unready_percent: 20")), keys
}

func TestTheFleetBrakeHoldsEveryScaleInAndOpensAgain(t *testing.T) {
	load := map[string]float64{"s0": 10, "s1": 90}
	b, keys := braked(t, load)
	denied := map[string]bool{"s7": true, "s8": true, "s9": true}
	b.readErr = func(m evaluator.Metric) error {
		if denied[m.Dimensions[1].Value] {
			return apiError("AccessDeniedException")
		}
		return nil
	}
	b.pass()
	b.expect(keys[0], 4, evaluator.HeldByFleetBrake)
	b.expect(keys[1], 8, evaluator.ByTargetTracking) // out goes on: 4 x 90 / 50
	if ready, why := b.engine.Ready(); !ready {
		t.Errorf("the brake takes readiness away: %s", why)
	}
	if n := b.logged("fleet brake: too many targets lack data"); n != 1 {
		t.Errorf("said %d times that the brake is on", n)
	}
	b.minutes(3)
	b.expect(keys[0], 4, evaluator.HeldByFleetBrake)
	delete(denied, "s7") // two of ten are not more than 20 %
	b.minutes(1)
	b.expect(keys[0], 1, evaluator.ByTargetTracking)
	if on, off := b.logged("fleet brake: too many"), b.logged("fleet brake: enough targets"); on != 1 || off != 1 {
		t.Errorf("said %d times that it is on and %d times that it is off", on, off)
	}
}

func TestAFleetWithoutABrakeIsNotCounted(t *testing.T) {
	b, keys := braked(t, map[string]float64{"s0": 10})
	b.engine.Reload(parse(t, fleetOf(10, "")))
	b.readErr = func(m evaluator.Metric) error {
		if m.Dimensions[1].Value != "s0" {
			return apiError("AccessDeniedException")
		}
		return nil
	}
	b.pass()
	b.expect(keys[0], 1, evaluator.ByTargetTracking)
	if len(b.engine.Brake.reports) > 0 {
		t.Errorf("counted %+v", b.engine.Brake.reports)
	}
}

// What makes a target unready, and what does not.
func TestWhatCountsAsUnready(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(b *bench, k evaluator.Key)
		minutes int
		want    bool
	}{
		{"a service with data", func(*bench, evaluator.Key) {}, 20, false},
		{"one that ECS does not describe", func(b *bench, k evaluator.Key) { b.describeErr[k] = apiError("ServerException") }, 1, true},
		{"one that ECS does not know: that is an answer", func(b *bench, k evaluator.Key) { delete(b.services, k) }, 1, false},
		{"one that runs nothing", func(b *bench, k evaluator.Key) { b.set(k, 0); b.value = constant(math.NaN()) }, 20, false},
		{"a read that fails", func(b *bench, _ evaluator.Key) {
			b.readErr = func(evaluator.Metric) error { return apiError("InternalFailure") }
		}, 1, true},
		{"a read that is not complete", func(b *bench, _ evaluator.Key) { b.partial = true }, 1, true},
		{"metrics that have never had a datapoint", func(b *bench, _ evaluator.Key) { b.value = constant(math.NaN()) }, 20, false},
		{"a metric that stopped a minute ago", func(b *bench, _ evaluator.Key) { b.value = until(0) }, 1, false},
		{"a metric that has stopped", func(b *bench, _ evaluator.Key) { b.value = until(0) }, 2, true},
		{"a metric that stopped long ago", func(b *bench, _ evaluator.Key) { b.value = until(0) }, 120, true},
		{"a gap in a metric that goes on", func(b *bench, _ evaluator.Key) { b.value = gap(0, 10*60) }, 12, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			k := w.add("s0", 4)
			b := newBench(t, w, fleetOf(1, "halt_if_unready_percent: 20"))
			if c.name != "metrics that have never had a datapoint" {
				b.pass()
			}
			c.change(b, k)
			b.engine.targets[k].describeAt = b.now
			b.between() // a service at rest is described between two looks
			b.minutes(c.minutes)
			if got := b.engine.targets[k].unready(); got != c.want {
				t.Errorf("unready is %v: %s", got, b.decision(k).Reason)
			}
		})
	}
}

func TestWhatWasSilentBeforeARestartCountsAfterIt(t *testing.T) {
	for _, c := range []struct {
		name    string
		value   func(evaluator.Metric, int64) float64
		missing string
		want    bool
	}{
		{"a metric that goes on", constant(48), "", false},
		{"a metric that stopped in the life before", until(0), "", true},
		{"one that has never had a datapoint", constant(math.NaN()), "", false},
		{"one that stopped, whose alarm keeps its state", until(0), "ignore", true},
		{"one that stopped, whose alarm takes missing data for good", until(0), "notBreaching", false},
		{"one that never had a datapoint, whose alarm takes that for bad", constant(math.NaN()), "breaching", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			k := w.add("s0", 4)
			text := fleetOf(1, "halt_if_unready_percent: 20")
			if c.missing != "" {
				text = "halt_if_unready_percent: 20\n" + strings.Replace(stepping, "c/web", "c/s0", 1)
				text = strings.Replace(text, "threshold:", "treat_missing_data: "+c.missing+", threshold:", 1)
			}
			w.value = c.value
			b := newBench(t, w, text)
			b.pass()
			b.minutes(180)
			before := b.engine.targets[k].unready()
			b = b.restart(text)
			b.minutes(3)
			if got := b.engine.targets[k].unready(); got != c.want {
				t.Errorf("unready is %v, before the restart it was %v", got, before)
			}
		})
	}
}

// until shows 48 up to so many seconds after midnight.
func until(seconds int64) func(evaluator.Metric, int64) float64 { return gap(seconds, math.MaxInt32) }

// gap shows 48 but for some time.
func gap(from, to int64) func(evaluator.Metric, int64) float64 {
	return func(_ evaluator.Metric, start int64) float64 {
		if after := start - midnight.Unix(); after >= from && after < to {
			return math.NaN()
		}
		return 48
	}
}

func TestAtTheStartEveryTargetIsUnreadyUntilItIsRead(t *testing.T) {
	b, keys := braked(t, map[string]float64{"s0": 10})
	b.calls = 0 // ECS is not asked yet
	b.pass()
	for _, k := range keys {
		if !b.engine.targets[k].unready() {
			t.Errorf("%s is ready before anybody knows it", k)
		}
	}
	b.calls = -1
	b.minutes(1)
	b.expect(keys[0], 1, evaluator.ByTargetTracking)
}

func TestABrakeAddsUpWhatItsEnginesReport(t *testing.T) {
	b := NewBrake(nil)
	b.SetLimit(20)
	if f, changed := b.Report("a", 10, 2); f.Halted() || changed {
		t.Errorf("2 of 10: %+v, %v", f, changed)
	}
	if f, changed := b.Report("b", 10, 3); !f.Halted() || !changed || f.Targets != 20 || f.Unready != 5 {
		t.Errorf("5 of 20: %+v, %v", f, changed)
	}
	if _, changed := b.Report("b", 10, 4); changed {
		t.Error("it closes twice")
	}
	b.Forget("b")
	if f, changed := b.Report("a", 10, 2); f.Halted() || !changed {
		t.Errorf("2 of 10 again: %+v, %v", f, changed)
	}
	b.SetLimit(0)
	if f, _ := b.Report("a", 10, 10); f.Halted() {
		t.Errorf("without a limit: %+v", f)
	}
}

func TestABrakeIsSafeForEnginesOfTheirOwn(t *testing.T) {
	b := NewBrake(nil)
	b.SetLimit(50)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for n := range 100 {
				b.Report(i, 10, n%10)
				b.SetLimit(50)
				_ = b.fleet()
			}
			if i%2 == 0 {
				b.Forget(i)
			}
		})
	}
	wait.Wait()
	if f := b.fleet(); f.Targets != 40 || f.Unready != 36 {
		t.Errorf("%+v", f)
	}
}

func TestTheBrakesMetricsAreThereWhileThereIsALimit(t *testing.T) {
	r := prometheus.NewPedanticRegistry()
	b := NewBrake(r)
	b.Report("a", 10, 3)
	if n, err := testutil.GatherAndCount(r); n != 0 || err != nil {
		t.Errorf("%d metrics without a limit, %v", n, err)
	}
	b.SetLimit(20)
	b.Report("a", 10, 3)
	want := `
# HELP ecs_autoscaler_fleet_brake 1 while more targets are unready than halt_if_unready_percent allows, so that none scales in, else 0.
# TYPE ecs_autoscaler_fleet_brake gauge
ecs_autoscaler_fleet_brake 1
# HELP ecs_autoscaler_targets_unready Targets that lack data or cannot be described; only with halt_if_unready_percent.
# TYPE ecs_autoscaler_targets_unready gauge
ecs_autoscaler_targets_unready 3
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	if found, err := testutil.GatherAndLint(r); err != nil || len(found) > 0 {
		t.Errorf("%v %v", found, err)
	}
}

// A target that waits for the brake is looked at with each evaluation, whatever interval is, and scales in with the first after
// the brake has opened: at the same instant as with interval: 60s.
func TestWhenTheBrakeOpensIsNotMissed(t *testing.T) {
	for _, interval := range []string{"auto", "60s"} {
		w := newWorld()
		w.phase, w.value = nil, constant(10)
		k := w.add("s0", 4)
		b := newBench(t, w, fleetOf(1, "halt_if_unready_percent: 20\ninterval: "+interval))
		b.engine.Brake.Report("others", 100, 30)
		var acted time.Time
		for w.now.Before(midnight.Add(time.Hour)) && acted.IsZero() {
			if w.now.Sub(midnight) > 25*time.Minute {
				b.engine.Brake.Report("others", 100, 0)
			}
			if b.pass(); w.services[k].Desired < 4 {
				acted = w.now
			}
			w.now = w.now.Add(b.engine.untilNext(w.now))
		}
		if late := acted.Sub(midnight.Add(25 * time.Minute)); acted.IsZero() || late > time.Minute {
			t.Errorf("interval %s: acts %s after the brake has opened", interval, late)
		}
	}
}

// A reload may take the brake away in the middle of an outage, and another put it back when that is over.
func TestABrakeThatIsPutBackKnowsNothingOfTheTimeBefore(t *testing.T) {
	b := NewBrake(nil)
	b.SetLimit(20)
	b.Report("a", 10, 8)
	b.Report("gone", 100, 100)
	b.SetLimit(0)
	b.Forget("gone")
	b.SetLimit(20)
	if f := b.fleet(); f.Targets != 0 || f.Halted() {
		t.Errorf("it counts %+v before anybody has reported", f)
	}
	if f, changed := b.Report("a", 10, 8); !f.Halted() || !changed {
		t.Errorf("8 of 10: %+v, told %v", f, changed)
	}
}

// A slow engine still works with the configuration before when a quick one has taken the limit away.
func TestAnEngineThatReloadsLateLeavesNothingBehind(t *testing.T) {
	b, keys := braked(t, map[string]float64{"s0": 10})
	b.pass()
	b.engine.Brake.SetLimit(0)
	b.minutes(1) // with the limit in its own configuration
	b.engine.Reload(parse(t, fleetOf(10, "")))
	b.minutes(1)
	b.expect(keys[0], 1, evaluator.AlreadyAtMinCapacity)
	if n := len(b.engine.Brake.reports); n > 0 {
		t.Errorf("%d reports are left", n)
	}
}
