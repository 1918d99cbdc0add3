package scaler

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/observe"
	"ecs-autoscaler/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func contains(s, part string) bool { return strings.Contains(s, part) }

const tracking = `
targets:
  - service: c/web
    min_capacity: 1
    max_capacity: 10
    target_tracking:
      - {name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50, scale_out_cooldown: 120, scale_in_cooldown: 60}
`

const stepping = `
targets:
  - service: c/web
    min_capacity: 1
    max_capacity: 10
    step_scaling:
      - name: out
        alarm: {metric: ECSServiceAverageCPUUtilization, comparison_operator: GreaterThanThreshold, threshold: 60, period: 60, evaluation_periods: 1}
        adjustment_type: ChangeInCapacity
        cooldown: 300
        step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 2}]
`

// constant makes every metric of the world one number.
func constant(v float64) func(evaluator.Metric, int64) float64 {
	return func(evaluator.Metric, int64) float64 { return v }
}

func TestAServiceAboveTargetIsScaledOutOnceAndFollowedUntilItRuns(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value, w.startAfter = constant(100), 90*time.Second
	b := newBench(t, w, tracking)
	b.pass()
	b.expect(k, 4, evaluator.ByTargetTracking)
	if got := b.statuses(); !slices.Equal(got, []evaluator.ActivityStatus{evaluator.InProgress}) {
		t.Fatalf("activities %v, want one in progress", got)
	}
	b.minutes(1)
	b.expect(k, 4, evaluator.AlreadyAtDesiredCapacity)
	b.minutes(1)
	if got := b.activities(); len(got) != 1 || got[0].Status != evaluator.Successful ||
		got[0].StatusMessage != "Successfully set desired count to 4. Change successfully fulfilled by ecs." {
		t.Fatalf("activities %+v, want the one fulfilled in AWS's words", got)
	}
	b.expect(k, 4, evaluator.AlreadyAtDesiredCapacity)
	b.minutes(2)
	b.expect(k, 8, evaluator.ByTargetTracking)
}

func TestTheIntentIsDurableBeforeTheWrite(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(100)
	b := newBench(t, w, tracking)
	w.onWrite = func(evaluator.Key, int) (bool, error) {
		open := b.store.OpenActivities()
		if len(open) != 1 || open[0].Status != evaluator.Pending || open[0].From != 2 || open[0].To != 4 || open[0].Policy != "cpu" {
			t.Errorf("at the write the store has %+v, want the intent from 2 to 4", open)
		}
		return false, nil
	}
	b.pass()
	b.expect(k, 4, evaluator.ByTargetTracking)
}

func TestWithoutADurableIntentNothingIsWritten(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(100)
	backend := &brittle{Backend: store.Memory(), broken: true}
	b := openBench(t, w, tracking, backend)
	if r := b.pass(); r.Err == nil {
		t.Error("the pass reports no error")
	}
	if ok, why := b.engine.Ready(); ok || !contains(why, "no space left") {
		t.Errorf("ready %v (%s), want not ready because of the disk", ok, why)
	}
	b.minutes(3)
	if len(w.writes) != 0 || b.logged("nothing was written to ECS") != 1 {
		t.Errorf("%d writes, told %d times; want none and once", len(w.writes), b.logged("nothing was written to ECS"))
	}
	backend.broken = false
	b.move(stateRetry) // not only at the next minute
	b.pass()
	b.expect(k, 4, evaluator.ByTargetTracking)
	if ok, why := b.engine.Ready(); !ok {
		t.Errorf("not ready although the disk is back: %s", why)
	}
}

func TestAWriteWhoseOutcomeIsUnknownIsSettledByTheNextDescription(t *testing.T) {
	for name, c := range map[string]struct {
		effect bool
		writes int
		want   []evaluator.ActivityStatus // newest first
	}{
		"it took effect: followed, not repeated":    {true, 1, []evaluator.ActivityStatus{evaluator.Successful}},
		"it did not: dropped and decided once more": {false, 2, []evaluator.ActivityStatus{evaluator.Successful, evaluator.Failed}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			k := w.add("web", 2)
			w.value = constant(100)
			w.onWrite = func(evaluator.Key, int) (bool, error) {
				w.onWrite = nil
				return c.effect, timeout
			}
			b := newBench(t, w, tracking)
			b.pass()
			if d := b.decision(k); d.Outcome != "failed:timeout" {
				t.Errorf("outcome %s, want failed:timeout", d.Outcome)
			}
			b.minutes(1)
			if got := b.statuses(); !slices.Equal(got, c.want) {
				t.Errorf("activities %v, want %v", got, c.want)
			}
			if w.services[k].Desired != 4 || len(w.writes) != c.writes {
				t.Errorf("desired %d after %d writes, want 4 after %d", w.services[k].Desired, len(w.writes), c.writes)
			}
		})
	}
}

func TestAfterKillMinusNineTheCooldownIsInForceAndNoStepIsRepeated(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(90)
	b := newBench(t, w, stepping)
	b.pass()
	b.expect(k, 4, evaluator.ByStepScaling)
	b.move(30 * time.Second)
	b = b.restart(stepping)
	b.pass()
	b.expect(k, 4, evaluator.AlreadyAtDesiredCapacity)
	b.minutes(4)
	b.expect(k, 4, evaluator.AlreadyAtDesiredCapacity)
	b.move(30 * time.Second)
	b.pass() // 300 s after it was fulfilled
	b.expect(k, 6, evaluator.ByStepScaling)
}

func TestAnIntentFoundAtStartIsSettledFirst(t *testing.T) {
	for name, c := range map[string]struct {
		desired int
		status  evaluator.ActivityStatus
		writes  int
	}{
		"desired = to: it was sent, and its cooldown starts": {4, evaluator.Successful, 0},
		"desired = from: it was not, and is decided anew":    {2, evaluator.Failed, 1},
		"desired = something else: overridden":               {7, evaluator.Overridden, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			k := w.add("web", c.desired)
			w.value = constant(90)
			backend := store.Memory()
			s, err := store.New(backend)
			if err != nil {
				t.Fatal(err)
			}
			m := evaluator.NewMemory(parse(t, stepping).Targets[0].Bind("c", "web"))
			m.Registered, m.Min, m.Max, m.LastDesired = true, 1, 10, 2
			intent := store.Activity{
				ID: "before", Target: k, Policy: "out", PolicyType: evaluator.StepScaling, Direction: evaluator.ScaleOut,
				From: 2, To: 4, Status: evaluator.Pending, StartTime: midnight.Add(-time.Minute),
			}
			row := &store.Target{Key: k, Min: 1, Max: 10, Memory: m, Latest: &store.Latest{}}
			if err := s.Commit(store.Changes{Targets: []*store.Target{row}, Activities: []*store.Activity{&intent}}); err != nil {
				t.Fatal(err)
			}
			b := openBench(t, w, stepping, backend)
			b.pass()
			all := b.activities()
			if first := all[len(all)-1]; first.Status != c.status {
				t.Errorf("the intent became %s (%s), want %s", first.Status, first.StatusMessage, c.status)
			}
			if len(w.writes) != c.writes {
				t.Errorf("%d writes, want %d", len(w.writes), c.writes)
			}
		})
	}
}

const fleet = `
targets:
  - service: c/*
    min_capacity: 1
    max_capacity: 10
    target_tracking:
      - {name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50, scale_in_alarm: {evaluation_periods: 3, datapoints_to_alarm: 3}}
`

func TestWhenAWSsRateDoesNotSufficeScaleOutGoesFirst(t *testing.T) {
	w := newWorld()
	hot := map[string]bool{}
	for i := range 20 {
		name := fmt.Sprintf("svc-%02d", i)
		w.add(name, 4)
		hot[name] = i%2 == 1
	}
	w.value = func(m evaluator.Metric, _ int64) float64 {
		if hot[m.Dimensions[1].Value] {
			return 100
		}
		return 10
	}
	w.budget = 12
	b := newBench(t, w, fleet)
	b.pass()
	out := 0
	for _, k := range w.writes {
		if hot[k.Service] {
			out++
		}
	}
	if len(w.writes) != 12 || out != 10 {
		t.Fatalf("%d writes, %d of them scale-outs; want the 12 that the rate allows, all 10 scale-outs among them", len(w.writes), out)
	}
	if d := b.decision(evaluator.Key{Cluster: "c", Service: "svc-18"}); d.Outcome != evaluator.OutcomeRateLimited {
		t.Errorf("outcome %q, want rate_limited", d.Outcome)
	}
	reads := w.metricReads
	w.budget = 5
	b.move(time.Second)
	b.pass()
	if len(w.writes) != 17 || w.metricReads != reads {
		t.Errorf("a second later %d writes and %d reads, want 17 and none", len(w.writes), w.metricReads-reads)
	}
}

func TestAtRestNoServiceIsDescribedAndEachMetricIsReadOnce(t *testing.T) {
	w := newWorld()
	for i := range 30 {
		w.add(fmt.Sprint("svc", i), 2)
	}
	b := newBench(t, w, fleet)
	b.pass()
	w.describes, w.metricReads = nil, 0
	b.minutes(2)
	if len(w.describes) != 0 || w.metricReads != 60 {
		t.Errorf("%d describes and %d metrics in two minutes at rest, want none and 60", len(w.describes), w.metricReads)
	}
	b.minutes(8)
	if len(w.describes) != 0 {
		t.Errorf("%d describes in passes that look, want the refresh between them", len(w.describes))
	}
	b.between()
	if n := len(w.describes); n != 30 {
		t.Errorf("%d describes in ten minutes, want the slow refresh of all 30", n)
	}
}

func TestADryRunNeverWritesAndSaysAWishOnce(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value, w.dry = constant(100), true
	b := newBench(t, w, tracking)
	b.pass()
	b.minutes(5)
	if len(w.writes) != 0 || len(b.activities()) != 0 {
		t.Fatalf("%d writes and %d activities in a dry run", len(w.writes), len(b.activities()))
	}
	d := b.decision(k)
	if d.Action != evaluator.ScaleOut || d.Reason != evaluator.ByTargetTracking || d.Outcome != evaluator.OutcomeDryRun || d.Wanted != 4 {
		t.Errorf("decision %s %s %s to %d, want the same as a real one", d.Action, d.Reason, d.Outcome, d.Wanted)
	}
	if n := b.logged("Would scale out"); n != 1 {
		t.Errorf("the wish was said %d times, want once", n)
	}
	w.value = constant(200)
	b.minutes(1)
	if n := b.logged("Would scale out"); n != 2 {
		t.Errorf("the changed wish was said %d times in all, want 2", n)
	}
}

func TestFirstSightAndChangedBoundsRegisterTheTarget(t *testing.T) {
	w := newWorld()
	k := w.add("web", 20)
	w.value = constant(47)
	b := newBench(t, w, tracking)
	b.pass()
	b.expect(k, 10, evaluator.LoweredToMax)
	if a := b.activities()[0]; a.Cause != "maximum capacity was set to 10" {
		t.Errorf("cause %q", a.Cause)
	}
	w.set(k, 12) // by someone else: out of bounds alone corrects nothing
	b.minutes(2)
	b = b.restart(tracking)
	b.pass()
	if w.services[k].Desired != 12 {
		t.Errorf("a restart registered the target anew: desired %d", w.services[k].Desired)
	}
	b.engine.Reload(parse(t, strings.ReplaceAll(tracking, "max_capacity: 10", "max_capacity: 8")))
	b.minutes(1)
	b.expect(k, 8, evaluator.LoweredToMax)
}

func TestAServiceSwitchedOffByAPersonIsLeftAlone(t *testing.T) {
	w := newWorld()
	k := w.add("web", 0)
	b := newBench(t, w, tracking)
	b.pass()
	b.expect(k, 0, evaluator.ServiceSwitchedOff)
	w.set(k, 1)
	w.value = constant(100)
	b.minutes(6)
	if d := w.services[k].Desired; d <= 1 {
		t.Errorf("desired %d after somebody switched it on, want scaling again", d)
	}
}

func TestServicesAreFoundByPatternAndTags(t *testing.T) {
	w := newWorld()
	a, other := w.add("a", 2), w.add("b", 2)
	w.tags[a] = map[string]string{"team": "web"}
	b := newBench(t, w, strings.ReplaceAll(fleet, "service: c/*", "service: c/*\n    tags: {team: web}"))
	b.pass()
	if _, ok := b.store.Target(a); !ok {
		t.Error("the tagged service is not a target")
	}
	if _, ok := b.store.Target(other); ok {
		t.Error("a service without the tag is a target")
	}
	late := w.add("late", 2)
	w.tags[late] = map[string]string{"team": "web"}
	b.minutes(5)
	b.between()
	if _, ok := b.store.Target(late); !ok {
		t.Error("a service that appeared later was not found within five minutes")
	}
	w.listErr = apiError("AccessDeniedException")
	delete(w.services, late)
	b.minutes(6)
	b.between()
	if _, ok := b.store.Target(late); !ok {
		t.Error("a failed list dropped a target")
	}
}

func TestAReloadKeepsMemoryAndDropsWhatIsGone(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(90)
	b := newBench(t, w, stepping)
	b.pass()
	b.expect(k, 4, evaluator.ByStepScaling)
	b.engine.Reload(parse(t, strings.ReplaceAll(stepping, "scaling_adjustment: 2", "scaling_adjustment: 3")))
	b.minutes(1)
	b.expect(k, 5, evaluator.ByStepScaling) // +3 instead of +2 of the same chain: one more
	b.engine.Reload(parse(t, strings.ReplaceAll(stepping, "c/web", "c/other")))
	b.minutes(1)
	if _, ok := b.store.Target(k); ok {
		t.Error("a target that left the configuration is still there")
	}
	b.engine.Reload(parse(t, stepping))
	b.minutes(1)
	b.expect(k, 5, evaluator.CooldownInEffect) // the chain of 3 is remembered; +2 would be one less
}

func TestTheFirstPassDecidesWhileItStillDescribes(t *testing.T) {
	w := newWorld()
	for i := range 300 {
		w.add(fmt.Sprintf("svc-%03d", i), 2)
	}
	w.value = constant(100)
	w.calls = reservedCalls + 10
	b := newBench(t, w, fleet)
	b.pass()
	if got := len(w.writes); got != 100 {
		t.Errorf("%d services scaled with the first hundred described, want 100", got)
	}
	if ok, why := b.engine.Ready(); ok || !contains(why, "svc-") {
		t.Errorf("ready %v (%s) before every target was looked at", ok, why)
	}
	for range 3 {
		w.calls = reservedCalls + 20
		b.move(time.Second)
		b.pass()
	}
	if ok, why := b.engine.Ready(); !ok || len(w.writes) != 300 {
		t.Errorf("ready %v (%s), %d writes; want all 300", ok, why, len(w.writes))
	}
}

func TestEqualReasonsAreRecordedOnce(t *testing.T) {
	w := newWorld()
	w.add("web", 10)
	w.value = constant(100)
	b := newBench(t, w, tracking)
	b.pass()
	b.minutes(10)
	page, _, err := b.store.Decisions(store.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if len(page) != 1 || page[0].Reason != evaluator.AlreadyAtMaxCapacity {
		t.Errorf("%d decisions kept, want the one AlreadyAtMaxCapacity", len(page))
	}
}

var _ MetricReader = (*observe.Metrics)(nil)
var _ ServiceReader = (*observe.Services)(nil)
