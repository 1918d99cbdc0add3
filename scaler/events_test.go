package scaler

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/appscaling"
	"ecs-autoscaler/store"
	"ecs-autoscaler/view"
)

var update = flag.Bool("update", false, "rewrite testdata/events and the examples in docs/events.md")

// heard is a Notifier that remembers.
type heard struct{ all []view.Event }

func (h *heard) Notify(e view.Event) { h.all = append(h.all, e) }

// take gives what was told since it was last asked, as "kind status".
func (h *heard) take() []string {
	told := []string{}
	for i := range h.all {
		told = append(told, string(h.all[i].Kind)+" "+string(h.all[i].Status))
	}
	h.all = nil
	return told
}

// listening is what has events told.
const listening = "events: {at_max_after: 3m, webhooks: [{url: \"http://127.0.0.1/\"}]}\n"

func newListening(t *testing.T, w *world, text string) (*bench, *heard) {
	t.Helper()
	h := &heard{}
	w.notifier = h
	return newBench(t, w, listening+text), h
}

func told(t *testing.T, h *heard, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), h.take()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestTheBeginningAndTheEndOfAnActivityAreToldOnceAlsoOverARestart(t *testing.T) {
	w := newWorld()
	w.add("web", 2)
	w.value, w.startAfter = constant(100), 90*time.Second
	b, h := newListening(t, w, tracking)
	b.pass()
	begun := h.all
	told(t, h, "scaling_activity InProgress")
	if e := begun[0]; e.Decision == nil || e.Activity == nil || e.Activity.To != 4 || e.Service != "web" || e.Region != "eu-west-2" ||
		e.Message != "c/web: "+e.Decision.Message {
		t.Errorf("%+v", e)
	}
	w.value = constant(50)
	b = b.restart(listening + tracking)
	b.minutes(3)
	ended := h.all
	told(t, h, "scaling_activity Successful")
	if ended[0].ID == begun[0].ID || ended[0].Activity.ActivityID != begun[0].Activity.ActivityID || !ended[0].Time.After(begun[0].Time) {
		t.Errorf("the end is %+v after %+v", ended[0], begun[0])
	}
	b = b.restart(listening + tracking)
	b.minutes(3)
	told(t, h)
}

func TestWhatTheStateDoesNotHaveIsToldWhenItDoes(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value, w.startAfter = constant(100), time.Minute
	h := &heard{}
	w.notifier = h
	disk := &brittle{Backend: store.Memory()}
	b := openBench(t, w, listening+tracking, disk)
	b.pass()
	h.take()
	w.value, disk.broken = constant(48), true
	b.minutes(2)
	w.set(k, 5)
	b.minutes(12)
	told(t, h, "failure begun")
	disk.broken = false
	b.minutes(1)
	told(t, h, "scaling_activity Successful", "foreign_write ", "failure ended")
}

func TestARefusedWriteIsAFailedActivityAndAFailure(t *testing.T) {
	w := newWorld()
	w.add("web", 2)
	w.value = constant(100)
	w.onWrite = func(evaluator.Key, int) (bool, error) { return false, apiError("AccessDeniedException") }
	b, h := newListening(t, w, tracking)
	b.pass()
	b.minutes(5)
	if p := h.all[1]; p.Service != "web" || p.Problem.Kind != "write" || p.Problem.Class != "access_denied" || p.Problem.Solved {
		t.Errorf("%+v with %+v", p, p.Problem)
	}
	told(t, h, "scaling_activity Failed", "failure begun")
	w.onWrite = nil
	b.engine.Reload(parse(t, listening+tracking))
	b.minutes(1)
	told(t, h, "scaling_activity InProgress", "scaling_activity Successful", "failure ended")
}

func TestAProblemOfManyServicesIsToldOfAFewAndCounted(t *testing.T) {
	w := newWorld()
	text := "targets:\n  - {service: \"c/*\", min_capacity: 1, max_capacity: 10}\n"
	for i := range 30 {
		w.describeErr[w.add(fmt.Sprintf("s%02d", i), 1)] = apiError("AccessDeniedException")
	}
	b, h := newListening(t, w, text)
	b.pass()
	last := h.all[len(h.all)-1]
	if n := len(h.all); n != linesPerKind+1 || last.Problem.Count != 25 || last.Service != "" || last.Cluster != "" {
		t.Errorf("%d events, the last is %+v with %+v", n, last, last.Problem)
	}
	h.take()
	b.minutes(90)
	told(t, h) // the hourly reminder is the log's
}

func TestStandingAtTheMaxIsToldAfterAWhileOnceAndItsEnd(t *testing.T) {
	w := newWorld()
	w.add("web", 10)
	w.value = constant(100)
	b, h := newListening(t, w, tracking)
	b.pass()
	b.minutes(2)
	told(t, h)
	b.minutes(1)
	if e := h.all[0]; !e.Since.Equal(midnight) || !e.Time.Equal(midnight.Add(3*time.Minute)) || e.Decision.Max != 10 {
		t.Errorf("%+v", e)
	}
	told(t, h, "at_max begun")
	b.minutes(10)
	told(t, h)
	b = b.restart(listening + tracking)
	b.minutes(10)
	told(t, h)
	w.value = constant(nan) // nobody knows
	b.minutes(10)
	told(t, h)
	w.value = constant(48)
	b.minutes(10)
	told(t, h, "at_max ended")
	w.value = constant(100)
	b.minutes(2)
	w.value = constant(48)
	b.minutes(10)
	told(t, h)
}

func TestASuspensionIsToldWhenItBeginsAndEndsWhoeverMadeIt(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	suspended := listening + tracking + "    suspended_state: {dynamic_scaling_in_suspended: true, scheduled_scaling_suspended: true}\n"
	b, h := newListening(t, w, tracking)
	b.pass()
	told(t, h)
	b = b.restart(suspended)
	b.pass()
	if e := h.all[0]; e.Suspension.Suspended != "dynamic_scaling_in" || e.Message != "c/web: scaling in by policies is suspended." {
		t.Errorf("%+v", e)
	}
	told(t, h, "suspension begun", "suspension begun")
	b = b.restart(suspended)
	b.minutes(5)
	told(t, h)
	if err := b.engine.RegisterScalableTarget(k, Registration{ScheduledScalingSuspended: new(false), DynamicScalingOutSuspended: new(true)}); err != nil {
		t.Fatal(err)
	}
	b.minutes(1)
	told(t, h, "suspension begun", "suspension ended")
	b.engine.Reload(parse(t, listening+tracking))
	b.minutes(1)
	told(t, h, "suspension ended")
}

func TestWhatAPersonSteersIsToldWithUntilWhenAndWhy(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	b, h := newListening(t, w, tracking)
	b.pass()
	steer := func(c evaluator.Command) {
		if err := b.engine.Steer(k, c); err != nil {
			t.Fatal(err)
		}
		b.move(time.Second)
		b.pass()
	}
	steer(evaluator.Command{Verb: evaluator.Suspend, Scaling: []evaluator.Steers{evaluator.SteersIn}, For: time.Hour, Reason: "load test"})
	if s := h.all[0].Suspension; s == nil || s.Suspended != "dynamic_scaling_in" || s.Reason != "load test" || !s.Until.Equal(midnight.Add(time.Hour)) {
		t.Errorf("%+v with %+v", h.all[0], s)
	}
	told(t, h, "suspension begun")
	steer(evaluator.Command{Verb: evaluator.Override, Desired: 5, For: 30 * time.Minute, Reason: "sale"})
	if o := h.all[len(h.all)-1].Override; o == nil || o.Desired != 5 || o.Reason != "sale" {
		t.Errorf("%+v", h.all)
	}
	told(t, h, "scaling_activity InProgress", "scaling_activity Successful", "override begun")
	steer(evaluator.Command{Verb: evaluator.Override, Desired: 5, For: 40 * time.Minute, Reason: "a longer sale"})
	told(t, h, "override begun")
	b.minutes(45)
	told(t, h, "override ended")
	steer(evaluator.Command{Verb: evaluator.Resume, Scaling: []evaluator.Steers{evaluator.SteersIn}})
	told(t, h, "suspension ended")
}

func TestAConflictIsToldWhenItBeginsAndEnds(t *testing.T) {
	for _, way := range []string{"", "managed_policies: warn\n"} {
		w, h := newWorld(), &heard{}
		k := w.add("web", 2)
		w.notifier = h
		b, a := masters(t, w, listening+way)
		a.register(k, evaluator.SuspendedState{})
		b.pass()
		if e := h.all[0]; !strings.Contains(e.Message, "Application Auto Scaling scales the service, too") || e.Decision == nil {
			t.Errorf("%+v", e)
		}
		told(t, h, "conflict begun")
		a.err = apiError("AccessDeniedException")
		b.minutes(10)
		told(t, h, "failure begun")
		a.err = nil
		b.minutes(10)
		told(t, h, "failure ended")
		a.targets[k].Now = appscaling.Suspended
		b.minutes(10)
		told(t, h, "conflict ended")
	}
}

func TestADryRunTellsWhatItWouldDoOnce(t *testing.T) {
	w := newWorld()
	w.add("web", 2)
	w.value, w.dry = constant(100), true
	b, h := newListening(t, w, tracking)
	b.pass()
	b.minutes(5)
	if e := h.all[0]; !e.DryRun || e.Activity != nil || e.Decision.Wanted != 4 {
		t.Errorf("%+v", e)
	}
	told(t, h, "scaling_activity dry_run")
}

func TestWhereNobodyListensNothingIsRemembered(t *testing.T) {
	w := newWorld()
	k := w.add("web", 10)
	w.value = constant(100)
	h := &heard{}
	w.notifier = h
	b := newBench(t, w, tracking+"    suspended_state: {dynamic_scaling_in_suspended: true}\n")
	b.pass()
	b.minutes(15)
	w.set(k, 5)
	b.minutes(10)
	told(t, h)
	if m := b.engine.targets[k].memory; len(m.Told) > 0 || len(b.engine.herald.held) > 0 {
		t.Errorf("it remembers %v and holds %d events", m.Told, len(b.engine.herald.held))
	}
}

func TestEventsThatWaitForTheStateAreBounded(t *testing.T) {
	h := herald{notifier: &heard{}, on: true}
	for n := range maxHeld + 10 {
		h.hold(view.Event{Message: fmt.Sprint(n)})
	}
	if len(h.held) != maxHeld || h.held[0].Message != "10" {
		t.Errorf("%d are held, the first is %q", len(h.held), h.held[0].Message)
	}
}

// examples are events of all kinds as engines make them.
func examples(t *testing.T) map[string]view.Event {
	t.Helper()
	found := map[string]view.Event{}
	keep := func(h *heard) {
		for _, e := range h.all {
			name := string(e.Kind)
			if e.Status != "" {
				name += "_" + string(e.Status)
			}
			if _, known := found[name]; !known {
				found[name] = e
			}
		}
		h.all = nil
	}
	w := newWorld()
	k := w.add("web", 2)
	w.value, w.startAfter = constant(100), 45*time.Second
	b, h := newListening(t, w, tracking)
	b.pass()
	b.minutes(1)
	w.value = constant(50)
	b.minutes(3)
	w.set(k, 10)
	b.between()
	w.value = constant(100)
	b.minutes(20)
	w.value = constant(48)
	b.minutes(10)
	b.engine.Reload(parse(t, listening+tracking+"    suspended_state: {dynamic_scaling_in_suspended: true}\n"))
	b.minutes(1)
	if err := b.engine.Steer(k, evaluator.Command{Verb: evaluator.Override, Desired: 6, For: 2 * time.Hour, Reason: "incident 4711"}); err != nil {
		t.Fatal(err)
	}
	b.minutes(1)
	keep(h)
	w = newWorld()
	k = w.add("web", 2)
	w.notifier = h
	b, a := masters(t, w, listening)
	a.register(k, evaluator.SuspendedState{})
	b.pass()
	keep(h)
	w = newWorld()
	w.describeErr[w.add("web", 2)] = &smithy.GenericAPIError{
		Code: "AccessDeniedException", Message: "User: arn:aws:sts::123456789012:assumed-role/autoscaler/1 is not authorized to perform: ecs:DescribeServices",
	}
	b, h = newListening(t, w, tracking)
	b.pass()
	clear(w.describeErr)
	b.minutes(2)
	keep(h)
	w = newWorld()
	w.add("web", 2)
	w.value, w.dry = constant(100), true
	b, h = newListening(t, w, tracking)
	b.pass()
	keep(h)
	return found
}

// shown are the examples of docs/events.md.
var shown = []string{
	"scaling_activity_InProgress", "scaling_activity_Successful", "scaling_activity_dry_run", "failure_begun", "failure_ended", "at_max_begun",
	"at_max_ended", "conflict_begun", "foreign_write", "suspension_begun", "override_begun",
}

const eventsDoc = "../docs/events.md"

var example = regexp.MustCompile("(?s)<!-- golden: (\\S+)\\.json -->\n```json\n(.*?)```\n")

func TestTheExamplesOfTheDocumentAreEventsAsTheyAreMade(t *testing.T) {
	made := examples(t)
	for _, name := range shown {
		e, ok := made[name]
		if !ok {
			t.Fatalf("no event %s was made, only %v", name, slices.Sorted(maps.Keys(made)))
		}
		text, err := json.MarshalIndent(e, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", "events", name+".json")
		text = append(text, '\n')
		if *update {
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, text, 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	checkEventsDoc(t)
}

// checkEventsDoc compares the examples of the document with the golden files.
func checkEventsDoc(t *testing.T) {
	t.Helper()
	doc, err := os.ReadFile(eventsDoc)
	if err != nil {
		t.Fatal(err)
	}
	golden := func(name []byte) []byte {
		text, err := os.ReadFile(filepath.Join("testdata", "events", string(name)+".json"))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if *update {
		doc = example.ReplaceAllFunc(doc, func(block []byte) []byte {
			name := example.FindSubmatch(block)[1]
			return slices.Concat([]byte("<!-- golden: "), name, []byte(".json -->\n```json\n"), golden(name), []byte("```\n"))
		})
		if err := os.WriteFile(eventsDoc, doc, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	blocks := example.FindAllSubmatch(doc, -1)
	if len(blocks) != len(shown) {
		t.Errorf("%s has %d examples, want %d", eventsDoc, len(blocks), len(shown))
	}
	for _, m := range blocks {
		if !bytes.Equal(m[2], golden(m[1])) {
			t.Errorf("%s: the example %s differs from its golden file", eventsDoc, m[1])
		}
	}
	for _, k := range config.EventKinds {
		if !bytes.Contains(doc, []byte("`"+k+"`")) {
			t.Errorf("%s does not name the kind %s", eventsDoc, k)
		}
	}
}

// A look at which nothing begins or ends costs no more where somebody listens.
func TestListeningToNothingNewAllocatesNothing(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	b, _ := newListening(t, w, tracking+"    suspended_state: {dynamic_scaling_in_suspended: true}\n")
	b.pass()
	d := b.decision(k)
	p := &pass{Engine: b.engine, now: b.Now()}
	if n := testing.AllocsPerRun(100, func() { p.noteConditions(b.engine.targets[k], &d) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
