package scaler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/appscaling"
	"ecs-autoscaler/store"
)

// aas is a small Application Auto Scaling with behaviour: what is registered is found, what is suspended stays so.
type aas struct {
	targets map[evaluator.Key]*appscaling.Target
	err     error // of every question
	refuse  error // of every suspension
	asked   []evaluator.Key
	calls   int
	left    int // what the rate still allows in one call of Ask; negative is without limit
	durable func(k evaluator.Key) *evaluator.ManagedBefore
	before  []*evaluator.ManagedBefore // what was durable when something was suspended
}

func (a *aas) Ask(_ context.Context, _ time.Time, keys []evaluator.Key) []appscaling.Answer {
	var answers []appscaling.Answer
	a.calls++
	for i, k := range keys {
		if a.left >= 0 && i >= a.left {
			break
		}
		a.asked = append(a.asked, k)
		answer := appscaling.Answer{Key: k, Err: a.err}
		if t := a.targets[k]; t != nil && a.err == nil {
			found := *t
			answer.Target = &found
		}
		answers = append(answers, answer)
	}
	return answers
}

func (a *aas) Suspend(_ context.Context, t *appscaling.Target) error {
	k := evaluator.Key{Cluster: t.Cluster, Service: t.Service}
	a.before = append(a.before, a.durable(k))
	if a.refuse != nil {
		return a.refuse
	}
	a.targets[k].Now = appscaling.Suspended
	return nil
}

// register makes a service a scalable target.
func (a *aas) register(k evaluator.Key, now evaluator.SuspendedState) {
	a.targets[k] = &appscaling.Target{ARN: "arn:aws:application-autoscaling:eu-west-2:1:scalable-target/" + k.Service, Cluster: k.Cluster, Service: k.Service, Now: now}
}

// masters is a bench whose services Application Auto Scaling may scale, too.
func masters(t *testing.T, w *world, head string) (*bench, *aas) {
	t.Helper()
	a := &aas{targets: map[evaluator.Key]*appscaling.Target{}, left: -1}
	backend := store.Memory()
	a.durable = func(k evaluator.Key) *evaluator.ManagedBefore {
		snapshot, err := backend.Load()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range snapshot.Memories {
			if m.Target == k {
				return m.Memory.Managed
			}
		}
		return nil
	}
	b := openBench(t, w, head+tracking, backend)
	b.engine.Managed = a
	b.engine.targets[evaluator.Key{Cluster: "c", Service: "web"}].observation.Managed = evaluator.ManagedUnknown
	return b, a
}

func TestWhatAWSScalesTooIsObservedAndNotWrittenTo(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(100)
	b, a := masters(t, w, "")
	a.register(k, evaluator.SuspendedState{DynamicScalingIn: true})
	b.pass()
	b.minutes(3)
	d := b.decision(k)
	if d.Action != evaluator.Hold || d.Reason != evaluator.ManagedPolicyConflict || len(w.writes) != 0 {
		t.Errorf("%s %s after %d writes: %s", d.Action, d.Reason, len(w.writes), d.Message())
	}
	if p := d.Policies[0]; !p.HasWanted || p.Wanted != 4 || p.Reason != evaluator.ManagedPolicyConflict {
		t.Errorf("what it would do is not to be seen: %+v", p)
	}
	row, _ := b.store.Target(k)
	if !strings.Contains(row.Note, "ecs-autoscaler takeover --cluster c --service web") || b.logged("scales the service, too (scaling in suspended there)") != 1 {
		t.Errorf("the note is %q", row.Note)
	}

	a.targets[k].Now = appscaling.Suspended
	b.minutes(1)
	b.expect(k, 4, evaluator.ByTargetTracking)
	if row, _ := b.store.Target(k); row.Note != "" {
		t.Errorf("a minute after the takeover the note is %q", row.Note)
	}
}

func TestWithoutAnAnswerNothingIsWrittenUntilThereWasOne(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(100)
	b, a := masters(t, w, "")
	a.err = apiError("AccessDeniedException")
	b.pass()
	b.minutes(3)
	d := b.decision(k)
	if d.Reason != evaluator.ManagedPoliciesUnknown || d.Action != evaluator.Hold || len(w.writes) != 0 {
		t.Errorf("%s %s after %d writes", d.Action, d.Reason, len(w.writes))
	}
	if row, _ := b.store.Target(k); !strings.Contains(row.Note, "application-autoscaling:DescribeScalableTargets") {
		t.Errorf("the note names no permission: %q", row.Note)
	}
	if b.logged("allow the action application-autoscaling:DescribeScalableTargets") != 1 {
		t.Error("the permission was not named once")
	}
	a.err = nil
	b.minutes(1)
	b.expect(k, 4, evaluator.ByTargetTracking)

	a.err = errors.New("gone") // once answered, it is not held again
	w.value = constant(200)
	w.startAfter = 0
	b.minutes(20)
	if d := b.decision(k); d.Reason == evaluator.ManagedPoliciesUnknown || w.services[k].Desired <= 4 {
		t.Errorf("desired %d, %s", w.services[k].Desired, d.Reason)
	}
}

func TestWaysToDealWithTwoMasters(t *testing.T) {
	for _, c := range []struct {
		name, head string
		dry        bool
		asked      bool
		reason     evaluator.Reason
	}{
		{"warn scales all the same", "managed_policies: warn\n", false, true, evaluator.ByTargetTracking},
		{"ignore does not even ask", "managed_policies: ignore\n", false, false, evaluator.ByTargetTracking},
		{"refuse holds a dry run, too, where it is asked for", "managed_policies: refuse\ndry_run: true\n", true, true, evaluator.ManagedPolicyConflict},
		{"a dry run only warns where nothing is said", "dry_run: true\n", true, true, evaluator.ByTargetTracking},
		{"a dry run suspends nothing", "managed_policies: suspend\ndry_run: true\n", true, true, evaluator.ManagedPolicyConflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			w.dry = c.dry
			k := w.add("web", 2)
			w.value = constant(100)
			b, a := masters(t, w, c.head)
			b.engine.targets[k].observation.Managed = b.engine.managedOf(b.engine.targets[k])
			a.register(k, evaluator.SuspendedState{})
			b.pass()
			if d := b.decision(k); d.Reason != c.reason || (len(a.asked) > 0) != c.asked {
				t.Errorf("%s: %s, asked %d times", d.Reason, d.Message(), len(a.asked))
			}
			if told := b.logged("scales the service, too") == 1; told != c.asked || len(a.before) > 0 {
				t.Errorf("told %t, %d suspended", told, len(a.before))
			}
		})
	}
}

func TestSuspendRemembersWhatWasBeforeItSuspends(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(100)
	b, a := masters(t, w, "managed_policies: suspend\n")
	was := evaluator.SuspendedState{Scheduled: true}
	a.register(k, was)
	a.refuse = apiError("AccessDeniedException")
	b.pass()
	if d := b.decision(k); d.Reason != evaluator.ManagedPolicyConflict || len(w.writes) != 0 {
		t.Errorf("where it cannot suspend, it is %s", d.Reason)
	}
	if row, _ := b.store.Target(k); !strings.Contains(row.Note, "application-autoscaling:RegisterScalableTarget") {
		t.Errorf("the note names no permission: %q", row.Note)
	}
	a.refuse = nil
	b.minutes(2)
	b.expect(k, 4, evaluator.ByTargetTracking)
	for _, m := range a.before {
		if m == nil || m.Suspended != was || m.ARN != a.targets[k].ARN {
			t.Errorf("durable before the suspension was %+v", m)
		}
	}
	if len(a.before) != 2 {
		t.Errorf("%d suspensions were tried", len(a.before))
	}
	again := b.restart("managed_policies: suspend\n" + tracking)
	if m := again.engine.targets[k].memory.Managed; m == nil || m.Suspended != was {
		t.Errorf("after a restart it is %+v", m)
	}
}

func TestHowOftenAWSIsAsked(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	b, a := masters(t, w, "")
	b.pass()
	for range 60 {
		b.minutes(1)
		b.between()
		b.move(-time.Second)
	}
	if a.calls < 12 || a.calls > 14 {
		t.Errorf("asked %d times in an hour, want each five minutes", a.calls)
	}
	a.register(k, evaluator.SuspendedState{})
	b.minutes(7)
	if d := b.decision(k); d.Reason != evaluator.ManagedPolicyConflict {
		t.Errorf("a target registered later is noticed within minutes, and it is %s", d.Reason)
	}
	delete(w.services, k)
	b.minutes(15)
	before := a.calls
	b.minutes(10)
	if a.calls != before {
		t.Error("a service that is gone is asked about")
	}
}

func TestAnotherWayAfterAReloadBeginsAnew(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(100)
	b, a := masters(t, w, "")
	a.register(k, evaluator.SuspendedState{})
	b.pass()
	b.engine.Reload(parse(t, "managed_policies: ignore\n"+tracking))
	b.minutes(1)
	b.expect(k, 4, evaluator.ByTargetTracking)
	if row, _ := b.store.Target(k); row.Note != "" {
		t.Errorf("the note is %q", row.Note)
	}
	w.value = constant(200)
	b.engine.Reload(parse(t, tracking))
	b.minutes(1)
	if d := b.decision(k); d.Reason != evaluator.ManagedPolicyConflict || w.services[k].Desired != 4 {
		t.Errorf("%s", d.Message())
	}
}

func TestWhatTheRateLeavesOutIsAskedSoon(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(100)
	b, a := masters(t, w, "")
	a.left = 0
	b.pass()
	if d := b.decision(k); d.Reason != evaluator.ManagedPoliciesUnknown {
		t.Errorf("%s before there was an answer", d.Reason)
	}
	if wait := b.engine.untilNext(b.now); wait > time.Second {
		t.Errorf("the next pass is %s away", wait)
	}
	a.left = -1
	b.minutes(1)
	b.expect(k, 4, evaluator.ByTargetTracking)
}

func TestAReloadKeepsWhatWasAnswered(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value = constant(100)
	b, a := masters(t, w, "")
	b.pass()
	b.expect(k, 4, evaluator.ByTargetTracking)
	a.err = apiError("ServerException")
	b.engine.Reload(parse(t, "managed_policies: suspend\n"+tracking))
	b.minutes(1)
	if d := b.decision(k); d.Reason == evaluator.ManagedPoliciesUnknown {
		t.Errorf("an outage and another way to deal with managed scaling hold what had been answered: %s", d.Message())
	}
}

func TestAQuestionWithoutAnAnswerIsNotAskedAgainForAMinute(t *testing.T) {
	w := newWorld()
	w.add("web", 2)
	var others strings.Builder
	for i := range 120 {
		fmt.Fprintf(&others, "  - {service: c/w%03d, min_capacity: 1, max_capacity: 4}\n", i)
		w.add(fmt.Sprintf("w%03d", i), 1)
	}
	b, a := masters(t, w, "")
	b.engine.Reload(parse(t, tracking+others.String()))
	a.err, a.left = apiError("ServerException"), 50
	for range 30 {
		b.pass()
		b.move(time.Second)
	}
	if a.calls != 1 || b.logged("DescribeScalableTargets") != 1 {
		t.Errorf("asked %d times in half a minute, told %d times", a.calls, b.logged("DescribeScalableTargets"))
	}
	a.err, a.left = nil, -1
	b.minutes(1)
	if b.logged("solved:") != 1 {
		t.Errorf("solved %d times", b.logged("solved:"))
	}
}

func TestASecondSuspensionKeepsWhatWasBeforeTheFirst(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	b, a := masters(t, w, "managed_policies: suspend\n")
	was := evaluator.SuspendedState{Scheduled: true}
	a.register(k, was)
	b.pass()
	a.targets[k].Now.DynamicScalingOut = false // somebody resumes one
	b.minutes(7)
	if m := b.engine.targets[k].memory.Managed; m.Suspended != was || a.targets[k].Now != appscaling.Suspended {
		t.Errorf("after a second suspension it is %+v", m)
	}
}

func TestAReloadAsksAgainAboutAConflict(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	b, a := masters(t, w, "")
	a.register(k, evaluator.SuspendedState{})
	b.pass()
	a.targets[k].Now = appscaling.Suspended
	b.engine.Reload(parse(t, tracking))
	b.between()
	b.between()
	if d := b.decision(k); b.engine.targets[k].managed.conflicts() {
		t.Errorf("two seconds after the takeover and a reload it is %s", d.Message())
	}
}
