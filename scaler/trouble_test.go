package scaler

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

func TestOneSickServiceDoesNotHoldBackTheOthers(t *testing.T) {
	w := newWorld()
	healthy := w.add("healthy", 2)
	w.services[w.add("draining", 2)].Status = evaluator.ServiceDraining
	w.services[w.add("daemon", 2)].Daemon = true
	denied := w.add("denied", 2)
	w.describeErr[denied] = apiError("AccessDeniedException")
	w.value = constant(100)
	var text strings.Builder
	text.WriteString("targets:\n")
	for _, name := range []string{"missing", "draining", "daemon", "denied", "healthy"} {
		fmt.Fprintf(&text, `  - {service: c/%s, min_capacity: 1, max_capacity: 10, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50}]}
`, name)
	}
	b := newBench(t, w, text.String())
	b.pass()
	b.expect(healthy, 4, evaluator.ByTargetTracking)
	for name, want := range map[string]evaluator.Reason{
		"missing": evaluator.ServiceNotFound, "draining": evaluator.ServiceNotActive,
		"daemon": evaluator.ServiceNotScalable, "denied": evaluator.ServiceNotDescribed,
	} {
		if d := b.decision(evaluator.Key{Cluster: "c", Service: name}); d.Reason != want || d.Action != evaluator.Hold {
			t.Errorf("%s: %s %s, want hold %s", name, d.Action, d.Reason, want)
		}
	}
	for _, advice := range []string{"check cluster and service name", "it is DRAINING", "remove it from the configuration", "ecs:DescribeServices"} {
		if b.logged(advice) != 1 {
			t.Errorf("told %d times about %q, want once", b.logged(advice), advice)
		}
	}
	if w.metricReads != 1 {
		t.Errorf("%d metrics were read, want only that of the healthy service", w.metricReads)
	}
	if ok, why := b.engine.Ready(); !ok {
		t.Errorf("not ready because of sick targets: %s", why)
	}
	delete(w.describeErr, denied)
	b.minutes(2)
	if b.logged("solved:") != 1 || w.services[denied].Desired != 4 {
		t.Errorf("after the permission came: solved %d times, desired %d", b.logged("solved:"), w.services[denied].Desired)
	}
}

func TestARefusedWriteIsNotRepeatedEveryMinute(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(100)
	w.onWrite = func(evaluator.Key, int) (bool, error) { return false, apiError("AccessDeniedException") }
	b := newBench(t, w, tracking)
	b.pass()
	b.minutes(4)
	if len(w.writes) != 1 || b.decision(k).Outcome != "failed:access_denied" {
		t.Errorf("%d writes, outcome %s; want 1 and failed:access_denied", len(w.writes), b.decision(k).Outcome)
	}
	if n := b.logged("ecs:UpdateService"); n != 1 {
		t.Errorf("the missing permission was named %d times, want once", n)
	}
	w.onWrite = nil
	b.engine.Reload(parse(t, tracking))
	b.minutes(1)
	b.expect(k, 4, evaluator.ByTargetTracking)
}

func TestNoDataIsNeverLowLoad(t *testing.T) {
	for name, breakIt := range map[string]func(*world){
		"the read fails":            func(w *world) { w.readErr = func(evaluator.Metric) error { return apiError("AccessDeniedException") } },
		"datapoints stop":           func(w *world) { w.value = constant(nan) },
		"the answer is incomplete":  func(w *world) { w.partial = true },
		"the newest bucket is gone": func(w *world) { w.value = func(_ evaluator.Metric, s int64) float64 { return oldOnly(w, s) } },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			k := w.add("web", 6)
			w.value = constant(1)
			breakIt(w)
			b := newBench(t, w, tracking)
			b.pass()
			b.minutes(20)
			if d := b.decision(k); w.services[k].Desired != 6 || d.Reason != evaluator.StaleData && d.Reason != evaluator.InsufficientData {
				t.Errorf("desired %d, %s: %s", w.services[k].Desired, d.Reason, d.Message())
			}
		})
	}
}

var nan = func() float64 { var zero float64; return zero / zero }()

func oldOnly(w *world, start int64) float64 {
	if w.now.Unix()-start <= 240 {
		return nan
	}
	return 1
}

func TestSomeoneElsesWriteIsRespectedAndNoticed(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value, w.startAfter = constant(100), time.Hour
	b := newBench(t, w, tracking)
	b.pass()
	b.expect(k, 4, evaluator.ByTargetTracking)
	w.value = constant(48)
	w.set(k, 3)
	b.minutes(1)
	if a := b.activities()[1]; a.Status != evaluator.Overridden || a.StatusMessage != "Successfully set desired count to 4. Found it was later changed to 3." {
		t.Errorf("activity %s: %s", a.Status, a.StatusMessage)
	}
	if a := b.activities()[0]; a.Reason != store.ForeignWrite || a.From != 4 || a.To != 3 || a.Direction != evaluator.Hold {
		t.Errorf("the record of it is %+v", a)
	}
	if b.logged("someone else changed the desired count") != 1 || w.services[k].Desired != 3 {
		t.Errorf("noticed %d times, desired %d; want once and 3", b.logged("someone else"), w.services[k].Desired)
	}
}

func TestAStopBeginsNoNewWrite(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(100)
	b := newBench(t, w, tracking)
	ctx, stop := context.WithCancel(t.Context())
	w.onRequest = func() {
		if len(w.describes) > 1 { // the fresh description just before the write
			stop()
		}
	}
	b.engine.Pass(ctx, b.Now())
	if len(w.writes) != 0 || w.services[k].Desired != 2 {
		t.Errorf("%d writes after the stop", len(w.writes))
	}
	for _, a := range b.activities() {
		if a.Status != evaluator.Failed {
			t.Errorf("activity %s (%s), want none open", a.Status, a.StatusMessage)
		}
	}
}

func TestADecisionThatGrewOldIsMadeAnew(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(100)
	backend := &slowCommit{Backend: store.Memory()}
	b := openBench(t, w, tracking, backend)
	backend.before = func() {
		backend.before = nil
		w.mu.Lock()
		defer w.mu.Unlock()
		w.now = w.now.Add(11 * time.Second) // the intent took that long to become durable
	}
	b.pass()
	if len(w.writes) != 0 {
		t.Fatal("a decision of 11 seconds ago was written")
	}
	b.pass()
	b.expect(k, 4, evaluator.ByTargetTracking)
}

type slowCommit struct {
	store.Backend
	before func()
}

func (s *slowCommit) Commit(d *store.Durable) error {
	if s.before != nil {
		s.before()
	}
	return s.Backend.Commit(d)
}

func TestAClusterThatCannotBeListedHidesNoOther(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.listErr = apiError("AccessDeniedException")
	b := newBench(t, w, strings.ReplaceAll(fleet, "c/*", "'*/*'"))
	b.pass()
	if _, ok := b.store.Target(k); !ok {
		t.Error("a service that was found is not a target because another cluster could not be listed")
	}
}

func TestOverlappingEntriesAreToldOnce(t *testing.T) {
	w := newWorld()
	w.add("web", 2)
	b := newBench(t, w, fleet+strings.ReplaceAll(strings.TrimPrefix(fleet, "\ntargets:\n"), "c/*", "c/w*"))
	b.pass()
	b.minutes(30)
	if n := b.logged("several entries match"); n != 1 {
		t.Errorf("told %d times in half an hour, want once", n)
	}
}

const highResolution = `
targets:
  - {service: c/slow, min_capacity: 1, max_capacity: 10, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50}]}
  - {service: c/fast, min_capacity: 1, max_capacity: 10, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilizationHighResolution, target_value: 50}]}
`

func TestAMetricThatWasNotReadIsNotSolved(t *testing.T) {
	w := newWorld()
	w.add("slow", 2)
	w.add("fast", 2)
	w.readErr = func(m evaluator.Metric) error {
		if m.Period == 60 {
			return apiError("AccessDeniedException")
		}
		return nil
	}
	b := newBench(t, w, highResolution)
	b.pass()
	for range 18 {
		b.move(10 * time.Second)
		b.pass()
	}
	if told, solved := b.logged("cloudwatch:GetMetricData was denied"), b.logged("solved:"); told != 1 || solved != 0 {
		t.Errorf("told %d times and solved %d times, want once and never", told, solved)
	}
}

func TestThousandsOfFailingServicesAreAFewLines(t *testing.T) {
	w := newWorld()
	for i := range 1000 {
		k := w.add(fmt.Sprintf("svc-%03d", i), 2)
		w.describeErr[k] = apiError("AccessDeniedException")
	}
	b := newBench(t, w, fleet)
	b.pass()
	if n := b.logged("ecs:DescribeServices"); n == 0 || n > 20 {
		t.Errorf("%d lines about one missing permission, want a few", n)
	}
	clear(w.describeErr)
	b.minutes(2)
	if n := b.logged("solved:"); n == 0 || n > 20 {
		t.Errorf("%d lines that it is solved, want a few", n)
	}
	if len(b.engine.troubles) != 0 {
		t.Errorf("%d problems left", len(b.engine.troubles))
	}
}

const tagged = `
targets:
  - service: c/*
    tags: {team: web}
    min_capacity: 1
    max_capacity: 10
    target_tracking:
      - {name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50}
`

func TestAServiceThatGetsTheTagLaterIsFound(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	b := newBench(t, w, tagged)
	b.pass()
	w.tags[k] = map[string]string{"team": "web"}
	b.minutes(15)
	if _, ok := b.store.Target(k); !ok {
		t.Error("not found within a quarter of an hour")
	}
}

func TestACandidateThatCannotBeDescribedIsToldAndNotAskedEverySecond(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.describeErr[k] = apiError("AccessDeniedException")
	b := newBench(t, w, tagged)
	for range 60 {
		b.pass()
		b.move(time.Second)
	}
	if n := len(w.describes); n > 3 {
		t.Errorf("described %d times in a minute", n)
	}
	if n := b.logged("ecs:DescribeServices"); n != 1 {
		t.Errorf("told %d times, want once", n)
	}
	if ok, why := b.engine.Ready(); !ok {
		t.Errorf("not ready over one sick service: %s", why)
	}
	delete(w.describeErr, k)
	w.tags[k] = map[string]string{"team": "web"}
	b.minutes(3)
	if _, ok := b.store.Target(k); !ok {
		t.Error("not found although it can be described now")
	}
}

func TestTheFirstPassIsNotFullWhileTagsAreUnknown(t *testing.T) {
	w := newWorld()
	for i := range 30 {
		w.add(fmt.Sprintf("a%02d", i), 2)
	}
	k := w.add("z", 2)
	w.tags[k] = map[string]string{"team": "web"}
	w.calls = reservedCalls + 1
	b := newBench(t, w, tagged)
	b.pass()
	if ok, _ := b.engine.Ready(); ok {
		t.Error("ready although most services have not been asked for their tags")
	}
	w.calls = -1
	b.move(time.Second)
	b.pass()
	b.move(time.Second)
	b.pass()
	if ok, why := b.engine.Ready(); !ok {
		t.Errorf("not ready: %s", why)
	}
	for k := range w.services {
		delete(w.services, k)
	}
	b.minutes(6)
	b.between()
	if n := len(b.engine.inventory.seen); n != 0 {
		t.Errorf("%d services that are gone are remembered", n)
	}
}

func TestTheNoteSaysWhatIsWrongAndGoesWithIt(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	b := newBench(t, w, tracking)
	note := func() string {
		row, _ := b.store.Target(k)
		return row.Note
	}
	b.pass()
	w.describeErr[k] = apiError("AccessDeniedException")
	b.move(refreshInterval)
	b.pass()
	b.between()
	if !contains(note(), "ecs:DescribeServices was denied") {
		t.Errorf("note %q, want the missing permission", note())
	}
	delete(w.describeErr, k)
	w.readErr = func(evaluator.Metric) error { return apiError("AccessDeniedException") }
	b.minutes(2)
	if !contains(note(), "cloudwatch:GetMetricData was denied") {
		t.Errorf("note %q, want the missing permission", note())
	}
	w.readErr = nil
	b.minutes(2)
	if note() != "" {
		t.Errorf("note %q although nothing is wrong any more", note())
	}
}
