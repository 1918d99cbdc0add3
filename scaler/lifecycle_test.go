package scaler

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/observe"
	"ecs-autoscaler/store"
)

func TestAtTheSecondWriteTheEndOfTheFirstIntentIsDurableToo(t *testing.T) {
	w := newWorld()
	w.add("web", 2)
	w.value = constant(100)
	b := newBench(t, w, tracking)
	w.onWrite = func(evaluator.Key, int) (bool, error) {
		w.onWrite = func(evaluator.Key, int) (bool, error) {
			if open := b.store.OpenActivities(); len(open) != 1 {
				t.Errorf("a crash here would leave %d open activities, want only the one that is written: %+v", len(open), open)
			}
			return false, nil
		}
		return false, timeout
	}
	b.pass()
	b.minutes(1)
	if len(w.writes) != 2 {
		t.Errorf("%d writes, want 2", len(w.writes))
	}
}

func TestAThrottledAnswerMayHideAWriteThatTookEffect(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(90)
	w.onWrite = func(evaluator.Key, int) (bool, error) {
		w.onWrite = nil
		return true, apiError("ThrottlingException") // the first attempt's answer was lost, the second was throttled
	}
	b := newBench(t, w, stepping)
	b.pass()
	b.minutes(3)
	b.expect(k, 4, evaluator.AlreadyAtDesiredCapacity)
	if got := b.statuses(); len(w.writes) != 1 || !slices.Equal(got, []evaluator.ActivityStatus{evaluator.Successful}) {
		t.Errorf("%d writes, activities %v; want one write, followed until it was fulfilled", len(w.writes), got)
	}
}

func TestTheActivityOfATargetThatLeftIsNotOpenForEver(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.add("other", 2)
	w.value, w.startAfter = constant(90), 10*time.Hour
	b := newBench(t, w, stepping)
	b.pass()
	b.expect(k, 4, evaluator.ByStepScaling)
	b.engine.Reload(parse(t, strings.ReplaceAll(stepping, "c/web", "c/other")))
	b.minutes(130)
	for _, a := range b.store.OpenActivities() {
		if a.Target == k {
			t.Errorf("still %s after two hours: %+v", a.Status, a)
		}
	}
}

func TestATargetThatComesBackIsFollowedOnAndRepeatsNoStep(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value, w.startAfter = constant(90), 150*time.Second
	b := newBench(t, w, stepping)
	b.pass()
	b.engine.Reload(parse(t, strings.ReplaceAll(stepping, "c/web", "c/other")))
	b.minutes(1)
	b.engine.Reload(parse(t, stepping))
	b.minutes(5)
	b.expect(k, 4, evaluator.AlreadyAtDesiredCapacity)
	if got := b.statuses(); !slices.Equal(got, []evaluator.ActivityStatus{evaluator.Successful}) {
		t.Errorf("activities %v, want the one, fulfilled", got)
	}
	b.engine.Reload(parse(t, strings.ReplaceAll(stepping, "c/web", "c/other")))
	b.engine.Reload(parse(t, stepping)) // both between two passes
	b.minutes(1)
	b.expect(k, 4, evaluator.AlreadyAtDesiredCapacity)
}

func TestAReloadWithinTheMinuteRepeatsNoStep(t *testing.T) {
	text := strings.ReplaceAll(stepping, "cooldown: 300", "cooldown: 0")
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(90)
	b := newBench(t, w, text)
	b.pass()
	b.move(20 * time.Second)
	b.engine.Reload(parse(t, text))
	b.pass()
	if d := w.services[k].Desired; d != 4 {
		t.Errorf("desired %d after a reload in the same minute, want 4: AWS repeats an alarm's action once a minute", d)
	}
	b.move(40 * time.Second)
	b.pass()
	b.expect(k, 6, evaluator.ByStepScaling)
}

func TestEveryOpenActivityGetsItsTurn(t *testing.T) {
	w := newWorld()
	for i := range 40 {
		w.add(fmt.Sprintf("svc-%02d", i), 2)
	}
	w.value, w.startAfter = constant(100), 30*time.Minute
	b := newBench(t, w, fleet)
	b.pass()
	w.describes, w.value = nil, constant(50)
	for range 4 {
		w.calls = reservedCalls + 1 // the rate leaves one call for what is open
		b.minutes(1)
	}
	seen := map[evaluator.Key]bool{}
	for _, k := range w.describes {
		seen[k] = true
	}
	if len(seen) != 40 {
		t.Errorf("in four minutes with room for 10 services each %d of 40 open activities were looked at", len(seen))
	}
}

func TestWhatARateHoldsBackIsDecidedOnNewDatapointsAMinuteLater(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value, w.budget = constant(100), 0
	b := newBench(t, w, tracking)
	b.pass()
	for range 59 {
		b.move(time.Second)
		b.pass()
	}
	reads := w.metricReads
	w.value = constant(48)
	for range 3 {
		b.move(time.Second)
		b.pass()
	}
	if w.metricReads != reads+1 {
		t.Errorf("%d reads in the new minute, want 1", w.metricReads-reads)
	}
	w.budget = 1
	b.move(time.Second)
	b.pass()
	b.expect(k, 2, evaluator.WithinTarget)
}

func TestOneClusterThatHangsHoldsNobodyBackForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		healthy := evaluator.Key{Cluster: "z", Service: "web"}
		k := w.add("x", 2)
		w.services[healthy] = w.services[k]
		delete(w.services, k)
		var text strings.Builder
		text.WriteString("targets:\n")
		policy := `, min_capacity: 1, max_capacity: 10, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50}]}` + "\n"
		for i := range 300 {
			fmt.Fprintf(&text, "  - {service: hanging/s%d%s", i, policy)
		}
		text.WriteString("  - {service: z/web" + policy)
		w.value = constant(100)
		b := newBench(t, w, text.String())
		b.engine.Services = hanging{w}
		for range 10 {
			began := time.Now()
			b.pass()
			if took := time.Since(began); took > 25*time.Second {
				t.Fatalf("a pass took %s", took)
			}
			b.move(time.Second)
		}
		b.expect(healthy, 4, evaluator.ByTargetTracking)
	})
}

// hanging is a world in which one cluster's calls never come back; eight are made at once.
type hanging struct{ *world }

func (h hanging) Describe(ctx context.Context, now time.Time, keys []evaluator.Key) []observe.Described {
	var out []observe.Described
	for round := range slices.Chunk(keys, 8*batch) {
		var bad, good []evaluator.Key
		for _, k := range round {
			if k.Cluster == "hanging" {
				bad = append(bad, k)
			} else {
				good = append(good, k)
			}
		}
		if len(bad) > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(32 * time.Second):
			}
			for _, k := range bad {
				out = append(out, observe.Described{Key: k, Err: timeout})
			}
		}
		if len(good) > 0 {
			out = append(out, h.world.Describe(ctx, now, good)...)
		}
	}
	return out
}

func TestAFullDiskDoesNotFillTheMemory(t *testing.T) {
	w := newWorld()
	for i := range maxBacklog / 2 {
		w.add(fmt.Sprint("svc", i), 2)
	}
	backend := &brittle{Backend: store.Memory(), broken: true}
	b := openBench(t, w, fleet, backend)
	for i := range 4 {
		w.value = constant(50)
		if i%2 == 0 {
			w.value = constant(nan)
		}
		b.minutes(1)
	}
	if n := len(b.engine.pending.Decisions); n > maxBacklog {
		t.Errorf("%d decisions wait for the disk, want at most %d", n, maxBacklog)
	}
}

func TestReadinessStaysWhenNewTargetsCome(t *testing.T) {
	w := newWorld()
	w.add("a", 2)
	b := newBench(t, w, fleet)
	b.pass()
	if ok, why := b.engine.Ready(); !ok {
		t.Fatalf("not ready after the first full pass: %s", why)
	}
	w.add("b", 2)
	w.calls = 0
	b.minutes(6)
	if ok, why := b.engine.Ready(); !ok {
		t.Errorf("a new service made the daemon not ready: %s", why)
	}
}

func TestATargetThatGoesTakesItsSeriesAndProblemsAlong(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(100)
	w.onWrite = func(evaluator.Key, int) (bool, error) { return false, apiError("AccessDeniedException") }
	b := newBench(t, w, fleet)
	b.pass()
	b.minutes(1)
	w.readErr = func(evaluator.Metric) error { return apiError("AccessDeniedException") }
	b.minutes(1)
	w.describeErr[k] = apiError("AccessDeniedException")
	b.minutes(6)
	delete(w.services, k)
	b.minutes(6)
	if len(b.engine.troubles) != 0 || len(b.engine.unread) != 0 {
		t.Errorf("problems of a service that is gone: %v, %d metrics", b.engine.troubles, len(b.engine.unread))
	}
	for _, c := range []prometheus.Collector{b.engine.telemetry.activities, b.engine.telemetry.notScaled, b.engine.telemetry.foreign} {
		if n := testutil.CollectAndCount(c); n != 0 {
			t.Errorf("%d series of a service that is gone", n)
		}
	}
	if len(b.engine.leaving) != 0 {
		t.Errorf("%d targets are still leaving", len(b.engine.leaving))
	}
}

func TestWhatACrashLeftBesideALaterIntentIsEnded(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	backend := store.Memory()
	s, err := store.New(backend)
	if err != nil {
		t.Fatal(err)
	}
	var left []*store.Activity
	for i, id := range []string{"older", "newer"} {
		left = append(left, &store.Activity{
			ID: id, Target: k, Direction: evaluator.ScaleOut, From: 2, To: 4, Status: evaluator.Pending,
			StartTime: midnight.Add(time.Duration(i-2) * time.Minute),
		})
	}
	if err := s.Commit(store.Changes{Activities: left}); err != nil {
		t.Fatal(err)
	}
	b := openBench(t, w, tracking, backend)
	b.pass()
	b.minutes(125)
	if open := b.store.OpenActivities(); len(open) != 0 {
		t.Errorf("still open after two hours: %+v", open)
	}
}

func TestACountThatChangesBetweenTheTwoEvaluationsIsDecidedOnAnew(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(100)
	b := newBench(t, w, tracking)
	b.pass()
	b.minutes(3)
	w.set(k, 3)
	before := len(w.writes)
	w.readErr = func(evaluator.Metric) error {
		w.set(k, 9) // someone else, while the pass is on its way to the write
		return nil
	}
	b.minutes(1)
	d := b.decision(k)
	if d.Desired == 3 || len(w.writes) > before && w.services[k].Desired != d.Wanted {
		t.Errorf("decided on %d (%s), desired %d", d.Desired, d.Message(), w.services[k].Desired)
	}
	if w.services[k].Desired < 9 {
		t.Errorf("desired %d: a scale-out lowered what someone else had set", w.services[k].Desired)
	}
}

func TestARegistrationWhoseWriteFailsIsTriedAgain(t *testing.T) {
	for _, class := range []error{apiError("ThrottlingException"), timeout, apiError("ServerException")} {
		w := newWorld()
		k := w.add("web", 20)
		w.value = constant(48)
		w.onWrite = func(evaluator.Key, int) (bool, error) {
			w.onWrite = nil
			return false, class
		}
		b := newBench(t, w, tracking)
		b.pass()
		b.minutes(1)
		b.expect(k, 10, evaluator.LoweredToMax)
	}
}

func TestADryRunInheritsNothingFromARestart(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value, w.dry = constant(100), true
	b := newBench(t, w, tracking)
	b.pass()
	b = b.restart(tracking)
	b.move(time.Minute)
	b.pass()
	if d := b.decision(k); d.Outcome != evaluator.OutcomeDryRun || d.Wanted != 4 || len(w.writes) != 0 || len(b.activities()) != 0 {
		t.Errorf("after the restart %s to %d, %d writes, %d activities", d.Outcome, d.Wanted, len(w.writes), len(b.activities()))
	}
}

func TestAServiceThatIsCreatedAnewIsScaledAgain(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value, w.startAfter = constant(100), time.Hour
	b := newBench(t, w, tracking)
	b.pass()
	b.expect(k, 4, evaluator.ByTargetTracking)
	delete(w.services, k)
	b.minutes(2)
	if d := b.decision(k); d.Reason != evaluator.ServiceNotFound {
		t.Errorf("held by %s while it does not exist", d.Reason)
	}
	if got := b.statuses(); !slices.Equal(got, []evaluator.ActivityStatus{evaluator.Unfulfilled}) {
		t.Errorf("activities %v, want the one unfulfilled", got)
	}
	w.add("web", 3)
	b.minutes(2)
	b.expect(k, 6, evaluator.AlreadyAtDesiredCapacity)
}

func TestWhatIsEndedWhileTheDiskIsFullIsEndedOnce(t *testing.T) {
	w := newWorld()
	w.add("web", 2)
	w.value, w.startAfter = constant(90), 10*time.Hour
	backend := &brittle{Backend: store.Memory()}
	b := openBench(t, w, stepping, backend)
	b.pass()
	b.engine.Reload(parse(t, strings.ReplaceAll(stepping, "c/web", "c/other")))
	b.minutes(30)
	backend.broken = true
	b.minutes(240)
	if n := len(b.engine.pending.Activities); n != 1 {
		t.Errorf("%d records wait for the disk, want the end of the one activity", n)
	}
}

func TestARefusalAfterALostAnswerMayHideAWriteThatTookEffect(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(90)
	w.onWrite = func(evaluator.Key, int) (bool, error) {
		w.onWrite = nil
		return true, &awsapi.MaybeDoneError{Err: apiError("AccessDeniedException")}
	}
	b := newBench(t, w, stepping)
	b.pass()
	b.minutes(3)
	b.expect(k, 4, evaluator.AlreadyAtDesiredCapacity)
	if got := b.statuses(); len(w.writes) != 1 || !slices.Equal(got, []evaluator.ActivityStatus{evaluator.Successful}) {
		t.Errorf("%d writes, activities %v; want one write, followed until it was fulfilled", len(w.writes), got)
	}
}

func TestWhatALostIntentCameToIsAskedOfECS(t *testing.T) {
	for name, c := range map[string]struct {
		effect bool
		after  int // what somebody sets later, 0 for nobody
		want   evaluator.ActivityStatus
	}{
		"carried out":               {true, 0, evaluator.Successful},
		"not carried out":           {false, 0, evaluator.Failed},
		"carried out and then done": {true, 7, evaluator.Overridden},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			k := w.add("web", 2)
			w.add("other", 2)
			w.value = constant(90)
			w.onWrite = func(evaluator.Key, int) (bool, error) { return c.effect, timeout }
			b := newBench(t, w, stepping)
			b.pass()
			w.value, w.onWrite = constant(50), nil
			if c.after > 0 {
				w.set(k, c.after)
			}
			b = b.restart(strings.ReplaceAll(stepping, "c/web", "c/other")) // the answer never came, and the target has left
			b.minutes(130)
			if got := b.statuses(); !slices.Equal(got, []evaluator.ActivityStatus{c.want}) {
				t.Errorf("activities %v, want %s", got, c.want)
			}
		})
	}
}
