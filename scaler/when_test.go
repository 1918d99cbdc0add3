package scaler

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/observe"
)

// placed is a world whose engine places its looks, behind a publication that takes so many seconds.
func placed(late int64, names ...string) *world {
	w := newWorld()
	w.phase, w.late = nil, late
	for _, name := range names {
		w.add(name, 2)
	}
	return w
}

// live runs the engine for a time as its own loop would, and returns when metrics were read, in seconds since midnight.
func (b *bench) live(d time.Duration) (reads []int64) {
	b.t.Helper()
	for end := b.now.Add(d); b.now.Before(end); {
		if before := b.metricReads; b.pass().MetricsRequested > 0 {
			for range b.metricReads - before {
				reads = append(reads, int64(b.now.Sub(midnight)/time.Second))
			}
		}
		b.now = b.now.Add(b.engine.untilNext(b.now))
	}
	return reads
}

// gaps are the seconds between reads: the longest and the shortest.
func gaps(reads []int64) (longest, shortest int64) {
	shortest = 1 << 40
	for i := 1; i < len(reads); i++ {
		longest, shortest = max(longest, reads[i]-reads[i-1]), min(shortest, reads[i]-reads[i-1])
	}
	return longest, shortest
}

func TestTheFirstLookIsAtOnceAndTheOthersAreJustAfterTheDelay(t *testing.T) {
	seen := map[int64]bool{}
	for _, late := range []int64{0, 25, 65, 119} {
		for i := range 12 {
			w := placed(late, fmt.Sprint("web", i))
			w.now = midnight.Add(17 * time.Second)
			reads := newBench(t, w, strings.ReplaceAll(tracking, "c/web", fmt.Sprint("c/web", i))).live(time.Hour)
			if reads[0] != 17 {
				t.Errorf("the first look is %d s after midnight, want 17, when the daemon started", reads[0])
			}
			for _, at := range reads[1:] {
				after := (at - late) % 60
				if after < 0 || after >= spreadSeconds {
					t.Errorf("delay %d s: a look %d s after midnight is %d s after a bucket is there, want 0 to 4", late, at, after)
				}
				seen[after] = true
			}
		}
	}
	if len(seen) != spreadSeconds {
		t.Errorf("looks of twelve targets come %v s after the place, want all of 0 to 4", seen)
	}
}

// wandering has a place that is another one after each read.
type wandering struct {
	*world
	place func() int64
}

func (w wandering) Read(ctx context.Context, now time.Time, due []*observe.Entry) observe.Report {
	w.late = w.place()
	return w.world.Read(ctx, now, due)
}

func TestPropertyAPhaseThatMovesNeitherDoublesNorSkipsALook(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := placed(60, "web")
		b := newBench(t, w, "interval: 60s\n"+tracking)
		b.engine.Metrics = wandering{w, func() int64 { return rapid.Int64Range(0, 300).Draw(rt, "place") }}
		reads := b.live(time.Hour)
		// An interval after the last, and as long again as two looks are apart at least.
		if long, short := gaps(reads); short < 60/apart || long >= 60+60/apart {
			rt.Errorf("looks are %d to %d s apart, want 15 to 75", short, long)
		}
	})
}

func TestPropertyReloadsAndRegistrationsEvaluateNoAlarmBeforeItsTime(t *testing.T) {
	text := strings.ReplaceAll(stepping, "cooldown: 300", "cooldown: 0")
	rapid.Check(t, func(rt *rapid.T) {
		w := placed(rapid.Int64Range(0, 120).Draw(rt, "late"), "web")
		w.value = constant(90)
		b := newBench(t, w, text)
		phase := (w.late + int64(seconds(evaluator.Key{Cluster: "c", Service: "web"}))) % 60
		b.live(0)
		b.pass()
		for last, n := int64(0), 0; n < 15; n++ {
			b.move(time.Duration(rapid.IntRange(1, 20).Draw(rt, "seconds")) * time.Second)
			if rapid.Bool().Draw(rt, "reload") {
				b.engine.Reload(parse(t, text))
			} else if err := b.engine.RegisterScalableTarget(b.key("web"), Registration{}); err != nil {
				rt.Fatal(err)
			}
			before := w.metricReads
			b.pass()
			if at := int64(b.now.Sub(midnight) / time.Second); w.metricReads > before {
				if at-last < 60/apart || floorTo(at-phase) <= floorTo(last-phase) && last > 0 {
					rt.Errorf("looks at %d s and %d s after midnight, want one a minute from second %d on", last, at, phase)
				}
				last = at
			}
		}
		if acted := len(w.writes); acted > 2+int(b.now.Sub(midnight)/time.Minute) {
			rt.Errorf("%d writes in %s, want one a minute", acted, b.now.Sub(midnight))
		}
	})
}

func floorTo(s int64) int64 { return (s + 600) / 60 }

func (b *bench) key(name string) evaluator.Key { return evaluator.Key{Cluster: "c", Service: name} }

func TestTheIntervalBoundsTheTimeBetweenReads(t *testing.T) {
	for _, c := range []struct {
		interval string
		want     int64
	}{
		{"auto", 900}, {"15s", 15}, {"30s", 30}, {"60s", 60}, {"90s", 60}, {"2m", 120}, {"10m", 600}, {"1h", 900},
	} {
		w := placed(65, "web")
		w.value = constant(20)
		// Nothing can happen for a while: it is at its lowest count, and 30 datapoints make an alarm.
		idle := strings.ReplaceAll(tracking, "min_capacity: 1", "min_capacity: 2")
		idle = strings.ReplaceAll(idle, "scale_out_cooldown: 120", "scale_out_alarm: {evaluation_periods: 30, datapoints_to_alarm: 30}")
		reads := newBench(t, w, "interval: "+c.interval+"\n"+idle).live(3 * time.Hour)
		if long, _ := gaps(reads[1:]); long != c.want {
			t.Errorf("interval %s: reads are up to %d s apart, want %d", c.interval, long, c.want)
		}
	}
}

func TestAlarmsUnderAMinuteAreLookedAtEachTenSeconds(t *testing.T) {
	const mixed = `
targets:
  - service: c/web
    min_capacity: 2
    max_capacity: 10
    target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50}]
    step_scaling:
      - name: queue
        alarm: {namespace: Mine, metric_name: Queue, statistic: Sum, comparison_operator: GreaterThanThreshold, threshold: 60, period: 10, evaluation_periods: 3}
        adjustment_type: ChangeInCapacity
        step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 2}]
`
	w := placed(65, "web")
	reads := newBench(t, w, mixed).live(10 * time.Minute)
	if n := len(reads); n < 60+9 || n > 61+11 {
		t.Errorf("%d metrics are read in ten minutes, want 60 for the period of 10 s and 10 for that of a minute", n)
	}
}

func TestTargetsThatShareAMetricReadItOnce(t *testing.T) {
	const shared = `
targets:
  - service: c/*
    min_capacity: 1
    max_capacity: 10
    step_scaling:
      - name: queue
        alarm: {namespace: AWS/SQS, metric_name: Visible, dimensions: {QueueName: jobs}, statistic: Sum, comparison_operator: GreaterThanThreshold, threshold: 60, period: 60, evaluation_periods: 1}
        adjustment_type: ChangeInCapacity
        step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 2}]
`
	w := placed(65, "a", "b", "c", "d", "e", "f", "g", "h")
	if reads := newBench(t, w, shared).live(time.Hour); len(reads) > 61 {
		t.Errorf("the metric of eight targets is read %d times in an hour, want each minute", len(reads))
	}
}

// once is a schedule that fires at one instant.
type once struct{ at time.Time }

func (o once) Next(after, _ time.Time) (time.Time, bool) { return o.at, o.at.After(after) }

func (o once) Newest(after, until, _ time.Time) (time.Time, bool) {
	return o.at, o.at.After(after) && !o.at.After(until)
}

func TestAScheduledActionFiresInItsSecondAndTheNextLookFollows(t *testing.T) {
	w := placed(65, "web")
	w.value = constant(20)
	idle := strings.ReplaceAll(tracking, "min_capacity: 1", "min_capacity: 2")
	idle = strings.ReplaceAll(idle, "scale_out_cooldown: 120", "scale_out_alarm: {evaluation_periods: 30, datapoints_to_alarm: 30}")
	b := newBench(t, w, idle)
	tg, low := b.engine.targets[b.key("web")], 6
	tg.spec.ScheduledActions = []evaluator.ScheduledAction{{Name: "up", Identity: "up", Schedule: once{midnight.Add(30*time.Minute + 7*time.Second)}, Min: &low}}
	tg.memory.Bind(tg.spec)
	reads := b.live(40 * time.Minute)
	fire := int64(30*60 + 7)
	all := b.activities()
	if len(all) == 0 {
		t.Fatal("nothing was done, want the scheduled action")
	}
	for _, a := range all {
		if at := int64(a.StartTime.Sub(midnight) / time.Second); at != fire {
			t.Errorf("%s at %d s after midnight, want %d", a.Description, at, fire)
		}
	}
	for _, at := range reads {
		if at > fire {
			if at > fire+60 {
				t.Errorf("after the fire the next look is %d s later, want it with the next evaluation", at-fire)
			}
			break
		}
	}
}

func TestARestartLooksAtOnce(t *testing.T) {
	w := placed(65, "web")
	b := newBench(t, w, tracking)
	b.live(time.Hour)
	b = b.restart(tracking)
	if reads := b.pass().MetricsRequested; reads != 1 {
		t.Errorf("%d metrics are read in the first pass after a restart, want 1", reads)
	}
}

// A service that cannot be read is evaluated each minute, and read as soon as it is there.
func TestAServiceThatIsNotThereIsNotLookedAtAllTheTime(t *testing.T) {
	for name, spoil := range map[string]func(w *world, k evaluator.Key){
		"missing":             func(w *world, k evaluator.Key) { delete(w.services, k) },
		"cannot be described": func(w *world, k evaluator.Key) { w.describeErr[k] = apiError("ServerException") },
		"inactive":            func(w *world, k evaluator.Key) { w.services[k].Status = evaluator.ServiceInactive },
		"switched off":        func(w *world, k evaluator.Key) { w.set(k, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			w := placed(65, "web")
			k := w.add("web", 2)
			good := *w.services[k]
			spoil(w, k)
			b := newBench(t, w, tracking)
			looked := 0
			for end := w.now.Add(10 * time.Minute); w.now.Before(end); w.now = w.now.Add(b.engine.untilNext(w.now)) {
				looked += b.pass().Looked
			}
			if looked > 11 {
				t.Errorf("it is evaluated %d times in ten minutes, want each minute", looked)
			}
			delete(w.describeErr, k)
			w.services[k] = &good
			before := w.metricReads
			if b.live(2 * time.Minute); w.metricReads == before {
				t.Error("within two minutes of its return its metric is not read")
			}
		})
	}
}
