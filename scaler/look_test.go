package scaler

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ecs-autoscaler/evaluator"
)

// days is a random world that is the same for every daemon: what its metrics are, and what others do to the service.
type days struct {
	seed    uint64
	minutes int
	late    int64
	gaps    float64
	start   time.Duration
	foreign []event
	config  string
	traces  map[string][]float64
	// sooner and later are the seconds by which the publication of a bucket differs from the usual, later with some share.
	sooner, later int64
	laterShare    float64
	// before, where it is set, is asked for the daemon that makes the next pass.
	before func(*bench) *bench
}

// jitter is what the delay of the bucket that begins at start differs by, the same for every daemon.
func (d *days) jitter(start int64) int64 {
	r := rand.New(rand.NewPCG(d.seed, uint64(start)))
	if r.Float64() < d.laterShare {
		return r.Int64N(d.later + 1)
	}
	return -r.Int64N(d.sooner + 1)
}

// event is what others do at a minute.
type event struct {
	minute int
	count  int // a desired count, or -1 for a deployment that begins or ends
}

// at is in the middle of its minute.
func (e event) at() time.Time {
	return midnight.Add(time.Duration(e.minute)*time.Minute + 30*time.Second)
}

// trace is a metric of a service that has steps, ramps, noise and gaps around the thresholds of the policies.
func (d *days) trace(name string) []float64 {
	if v := d.traces[name]; v != nil {
		return v
	}
	r := rand.New(rand.NewPCG(d.seed, uint64(len(name))))
	v := make([]float64, d.minutes+300)
	level, slope, left := 48.0, 0.0, 0
	for i := range v {
		if left--; left <= 0 {
			level, left = []float64{20, 30, 44, 46, 49, 52, 70, 100}[r.IntN(8)], 1+r.IntN(60)
			if slope = 0; r.IntN(4) == 0 {
				slope = r.Float64() - 0.5
			}
		}
		level = min(max(level+slope, 0), 120)
		v[i] = math.Round(10*max(level+6*(r.Float64()-0.5), 0)) / 10
		if r.Float64() < d.gaps {
			v[i] = math.NaN()
		}
	}
	d.traces[name] = v
	return v
}

func (d *days) value(m evaluator.Metric, start int64) float64 {
	i := int(start-midnight.Unix())/60 + 200
	if i < 0 || i >= d.minutes+300 {
		return math.NaN()
	}
	return d.trace(m.MetricName)[i]
}

// live lets a daemon with that interval live through the days, and returns what it did and how many metrics it read.
func (d *days) live(t *testing.T, interval string) (did []string, reads int) {
	w := newWorld()
	w.value, w.late, w.startAfter, w.phase = d.value, d.late, d.start, nil
	w.jitter = d.jitter
	k := w.add("web", 4)
	b := newBench(t, w, fmt.Sprintf(d.config, interval))
	end := midnight.Add(time.Duration(d.minutes) * time.Minute)
	events := slices.Clone(d.foreign)
	for w.now.Before(end) {
		if d.before != nil {
			b = d.before(b)
		}
		b.pass()
		next := w.now.Add(b.engine.untilNext(w.now))
		for len(events) > 0 && !events[0].at().After(next) {
			w.now = events[0].at()
			s := w.services[k]
			if e := events[0]; e.count < 0 {
				s.Deploying = !s.Deploying
			} else {
				w.set(k, e.count)
			}
			events = events[1:]
		}
		w.now = next
	}
	for _, a := range slices.Backward(b.activities()) {
		did = append(did, fmt.Sprintf("%s %d->%d %s %s", a.StartTime.Format("02 15:04:05"), a.From, a.To, a.Policy, a.Reason))
	}
	return did, w.metricReads
}

const trackingTwo = `
interval: %s
targets:
  - service: c/web
    min_capacity: 2
    max_capacity: 12
    target_tracking:
      - {name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50, scale_out_cooldown: 60, scale_in_cooldown: 120}
      - {name: memory, metric: ECSServiceAverageMemoryUtilization, target_value: 60}
`

const trackingOne = `
interval: %s
targets:
  - service: c/web
    min_capacity: 1
    max_capacity: 30
    target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50, scale_in_cooldown: 0}]
`

const stepsBoth = `
interval: %s
targets:
  - service: c/web
    min_capacity: 1
    max_capacity: 10
    step_scaling:
      - name: out
        alarm: {metric: ECSServiceAverageCPUUtilization, comparison_operator: GreaterThanThreshold, threshold: 60, period: 60, evaluation_periods: 3, datapoints_to_alarm: 2}
        adjustment_type: PercentChangeInCapacity
        cooldown: 90
        step_adjustments: [{metric_interval_lower_bound: 0, metric_interval_upper_bound: 20, scaling_adjustment: 20}, {metric_interval_lower_bound: 20, scaling_adjustment: 50}]
      - name: in
        alarm: {metric: ECSServiceAverageCPUUtilization, comparison_operator: LessThanThreshold, threshold: 40, period: 60, evaluation_periods: 5, treat_missing_data: ignore}
        adjustment_type: ChangeInCapacity
        cooldown: 300
        step_adjustments: [{metric_interval_upper_bound: 0, scaling_adjustment: -1}]
    scheduled_actions: [{name: nightly, schedule: "rate(7 hours)", min_capacity: 3}]
`

const exactAndTracking = `
interval: %s
defaults: {cooldown_scope: target}
targets:
  - service: c/web
    min_capacity: 0
    max_capacity: 10
    target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50, disable_scale_in: true}]
    step_scaling:
      - name: level
        alarm: {metric: ECSServiceAverageMemoryUtilization, comparison_operator: LessThanOrEqualToThreshold, threshold: 47, period: 60, evaluation_periods: 4, treat_missing_data: breaching}
        adjustment_type: ExactCapacity
        step_adjustments: [{metric_interval_lower_bound: -20, metric_interval_upper_bound: 0, scaling_adjustment: 4}, {metric_interval_upper_bound: -20, scaling_adjustment: 1}]
`

// Looking only when it matters loses nothing: the activities are those of a daemon that looks each minute, at the
// same instants.
func TestPropertyLookingLessDoesTheSame(t *testing.T) {
	configs := []string{trackingTwo, trackingOne, stepsBoth, exactAndTracking}
	var looked, skipped int
	rapid.Check(t, func(rt *rapid.T) {
		d := &days{
			seed: rapid.Uint64().Draw(rt, "seed"), minutes: rapid.IntRange(40, 240).Draw(rt, "minutes"),
			late: rapid.Int64Range(0, 200).Draw(rt, "late"), traces: map[string][]float64{},
			gaps:   rapid.SampledFrom([]float64{0, 0.02, 0.3}).Draw(rt, "gaps"),
			start:  rapid.SampledFrom([]time.Duration{0, 45 * time.Second, 200 * time.Second}).Draw(rt, "start"),
			config: rapid.SampledFrom(configs).Draw(rt, "config"),
			// A bucket a whole minute sooner than usual would be found by the look before, if there were one.
			sooner: rapid.SampledFrom([]int64{0, 0, 10, 55}).Draw(rt, "sooner"),
			later:  rapid.SampledFrom([]int64{10, 50, 200}).Draw(rt, "later"), laterShare: rapid.SampledFrom([]float64{0, 0.05, 0.3}).Draw(rt, "later share"),
		}
		for range rapid.IntRange(0, 4).Draw(rt, "events") {
			d.foreign = append(d.foreign, event{
				rapid.IntRange(0, d.minutes).Draw(rt, "minute"), rapid.IntRange(-1, 12).Draw(rt, "count"),
			})
		}
		slices.SortFunc(d.foreign, func(a, b event) int { return a.minute - b.minute })
		want, each := d.live(t, "60s")
		got, less := d.live(t, "auto")
		if !slices.Equal(want, got) {
			rt.Fatalf("looking each minute:\n%s\nlooking less:\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
		}
		if less > each {
			rt.Errorf("%d metrics read instead of %d", less, each)
		}
		looked, skipped = looked+each, skipped+each-less
	})
	if skipped == 0 {
		t.Error("it looks as often as each minute")
	}
	t.Logf("%d of %d metrics read", looked-skipped, looked)
}

// It once was due each second for good: a metric of a service that is not ACTIVE is never read, so that its look stayed in the past.
func TestAServiceThatIsNotActiveIsNotLookedAtEachSecond(t *testing.T) {
	for _, status := range []evaluator.ServiceStatus{evaluator.ServiceDraining, evaluator.ServiceInactive} {
		w := newWorld()
		k := w.add("web", 2)
		w.phase = nil
		b := newBench(t, w, tracking)
		w.services[k].Status = status
		looked := 0
		for w.now.Before(midnight.Add(5 * time.Minute)) {
			looked += b.pass().Looked
			w.now = w.now.Add(b.engine.untilNext(w.now))
		}
		if looked > 7 {
			t.Errorf("%s: looked at %d times in five minutes", status, looked)
		}
	}
}

// A fire that fell due while scheduled scaling was suspended, with nobody looking between it and the resumption, once ran then.
func TestAResumptionDoesNotMakeUpForWhatWasSuspended(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	b := newBench(t, w, tracking+`    scheduled_actions: [{name: day, schedule: "at(2026-01-01T01:00:00)", min_capacity: 5}]
    suspended_state: {scheduled_scaling_suspended: true}
`)
	b.pass()
	b.move(2 * time.Hour)
	no := false
	if err := b.engine.RegisterScalableTarget(k, Registration{ScheduledScalingSuspended: &no}); err != nil {
		t.Fatal(err)
	}
	b.pass()
	b.expect(k, 2, evaluator.WithinTarget)
}

// A scale-in waits for the cooldown that it starts itself, as the end of one that holds a wish back is waited for: the next step
// down once came at the evaluation after it, up to a minute later than for those who look each minute.
func TestAfterAScaleInTheEndOfItsCooldownIsLookedAt(t *testing.T) {
	w := newWorld()
	k := w.add("web", 4)
	w.value, w.late, w.phase = constant(30), 52, nil
	b := newBench(t, w, strings.ReplaceAll(tracking, "scale_in_cooldown: 60", "scale_in_cooldown: 300")+
		"    suspended_state: {dynamic_scaling_out_suspended: true}\n") // or the alarm for that would be looked at before
	b.pass()
	b.expect(k, 3, evaluator.ByTargetTracking)
	if got, want := b.engine.targets[k].nextLook, midnight.Add(5*time.Minute); !got.Equal(want) {
		t.Errorf("looks again at %s, want %s", got, want)
	}
}

// The look at the end of a cooldown, 14 s after the one before, once went by what that one had read: a datapoint published in between
// waited for the look after it, and a daemon that had left the one before out acted sooner.
func TestTheLookAtTheEndOfACooldownReadsWhatHasComeSinceTheLastOne(t *testing.T) {
	live := func(interval string) []string {
		d := &days{seed: 2, minutes: 40, late: 45, later: 10, laterShare: 0.05, config: stepsBoth, traces: map[string][]float64{}}
		did, _ := d.live(t, interval)
		return did
	}
	if want, got := live("60s"), live("auto"); !slices.Equal(want, got) {
		t.Errorf("looking each minute:\n%s\nlooking less:\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}
