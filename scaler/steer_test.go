package scaler

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// steer gives a command that is expected to be obeyed.
func (b *bench) steer(k evaluator.Key, c evaluator.Command) {
	b.t.Helper()
	if c.Reason == "" {
		c.Reason = "drill"
	}
	if err := b.engine.Steer(k, c); err != nil {
		b.t.Fatal(err)
	}
}

func overriding(n int, lasts time.Duration) evaluator.Command {
	return evaluator.Command{Verb: evaluator.Override, Desired: n, For: lasts}
}

func suspending(lasts time.Duration, kinds ...evaluator.Steers) evaluator.Command {
	return evaluator.Command{Verb: evaluator.Suspend, Scaling: kinds, For: lasts}
}

// rested is an engine that has found its service content at count.
func rested(t *testing.T, text string, count int, metric float64) (*bench, evaluator.Key) {
	t.Helper()
	w := newWorld()
	k := w.add("web", count)
	w.value = constant(metric)
	b := newBench(t, w, text)
	b.pass()
	return b, k
}

func TestASuspensionIsDurableWhenItIsAnswered(t *testing.T) {
	b, k := rested(t, tracking, 4, 48)
	b.steer(k, suspending(10*time.Minute, evaluator.SteersOut))
	b.value = constant(100)
	b = b.restart(tracking)
	b.pass()
	b.minutes(9)
	b.expect(k, 4, evaluator.DynamicScalingSuspended)
	b.minutes(1) // nobody has asked for it: it ends by itself
	b.expect(k, 8, evaluator.ByTargetTracking)
	if row, _ := b.store.Target(k); len(row.Memory.Steering) != 0 || b.logged("the suspension of dynamic scaling out until 2026-01-01 00:10:00 UTC (drill) is over") != 1 {
		t.Errorf("%+v is remembered; told %d times", row.Memory.Steering, b.logged("is over"))
	}
}

func TestAResumptionEndsWhatACommandBeganOnly(t *testing.T) {
	text := strings.Replace(tracking, "max_capacity: 10\n", "max_capacity: 10\n    suspended_state: {dynamic_scaling_in_suspended: true}\n", 1)
	b, k := rested(t, text, 4, 48)
	b.steer(k, suspending(time.Hour))
	b.steer(k, evaluator.Command{Verb: evaluator.Resume})
	b.value = constant(100)
	b.minutes(3)
	b.expect(k, 10, evaluator.ByTargetTracking)
	b.value = constant(1)
	b.minutes(20)
	b.expect(k, 10, evaluator.DynamicScalingSuspended)
	if b.logged("the suspension of dynamic scaling out until 2026-01-01 01:00:00 UTC (drill) was ended by a command") != 1 {
		t.Error("that it has ended is not told")
	}
}

func TestAnOverrideIsCarriedOutAtOnceByOneWriteAndEndsByItself(t *testing.T) {
	b, k := rested(t, tracking, 4, 48)
	b.steer(k, overriding(7, 10*time.Minute))
	b.between()
	b.expect(k, 7, evaluator.ByOverride)
	b.minutes(9)
	b.expect(k, 7, evaluator.ByOverride)
	a := b.activities()
	if len(a) != 1 || a[0].Reason != evaluator.ByOverride || a[0].Policy != "" || a[0].Status != evaluator.Successful ||
		a[0].Description != "Setting desired count to 7." ||
		a[0].Cause != "an override of the desired count with 7 until 2026-01-01T00:10:00Z was requested: drill" {
		t.Errorf("activities %+v", a)
	}
	b.minutes(1)
	b.expect(k, 7, evaluator.WithinTarget)
	if len(b.writes) != 1 {
		t.Errorf("%d writes", len(b.writes))
	}
}

// A look between two evaluations is enough for an end: it is at its second, and the target is due then.
func TestWhatAPersonSteersEndsAtItsSecond(t *testing.T) {
	b, k := rested(t, tracking, 4, 48)
	b.steer(k, overriding(7, 70*time.Second))
	b.steer(k, suspending(95*time.Second))
	b.between()
	for _, want := range []struct {
		at     time.Duration
		reason evaluator.Reason
	}{{70 * time.Second, evaluator.WithinTarget}, {95 * time.Second, evaluator.WithinTarget}} {
		for b.engine.untilNext(b.now)+b.now.Sub(midnight) < want.at {
			b.move(b.engine.untilNext(b.now))
			b.pass()
		}
		if next := b.now.Add(b.engine.untilNext(b.now)).Sub(midnight); next != want.at {
			t.Fatalf("the next pass is at %s, want %s", next, want.at)
		}
		b.move(b.engine.untilNext(b.now))
		b.pass()
		b.expect(k, 7, want.reason)
	}
}

func TestAnOverrideOutlivesARestartAndIsNotWrittenTwice(t *testing.T) {
	b, k := rested(t, tracking, 4, 48)
	b.steer(k, overriding(7, 10*time.Minute))
	b = b.restart(tracking) // before anything was written
	b.pass()
	b.expect(k, 7, evaluator.ByOverride)
	b.set(k, 5) // another hand
	b = b.restart(tracking)
	b.pass()
	b.minutes(5)
	b.expect(k, 5, evaluator.ByOverride)
	if len(b.writes) != 1 {
		t.Errorf("%d writes", len(b.writes))
	}
}

func TestAnOverrideThatIsNotWrittenIsTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		effect bool
		err    error
		writes int
	}{
		"throttled":                    {false, apiError("ThrottlingException"), 2},
		"a timeout without an effect":  {false, timeout, 2},
		"a timeout that had an effect": {true, timeout, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b, k := rested(t, tracking, 4, 48)
			b.onWrite = func(evaluator.Key, int) (bool, error) {
				b.onWrite = nil
				return c.effect, c.err
			}
			b.steer(k, overriding(7, time.Hour))
			b.between()
			b.minutes(2)
			b.expect(k, 7, evaluator.ByOverride)
			if len(b.writes) != c.writes {
				t.Errorf("%d writes, want %d", len(b.writes), c.writes)
			}
			b.set(k, 5)
			b.minutes(11)
			b.expect(k, 5, evaluator.ByOverride)
		})
	}
}

// Somebody writes another count while nobody knows whether the override's own write reached ECS: that is respected.
func TestAnotherHandAfterAnOverrideOfUnknownOutcomeIsRespected(t *testing.T) {
	b, k := rested(t, tracking, 4, 48)
	b.onWrite = func(evaluator.Key, int) (bool, error) {
		b.onWrite = nil
		return true, timeout
	}
	b.steer(k, overriding(7, time.Hour))
	b.between()
	b.set(k, 3)
	b.minutes(3)
	b.expect(k, 3, evaluator.ByOverride)
}

// The count that is known may be old: only a fresh description says that nothing is to be done.
func TestAnOverrideRestsOnAFreshDescription(t *testing.T) {
	b, k := rested(t, tracking, 4, 48)
	b.minutes(2)
	b.set(k, 6) // nobody has seen that yet
	b.steer(k, overriding(4, time.Hour))
	b.between()
	b.expect(k, 4, evaluator.ByOverride)
	if len(b.writes) != 1 {
		t.Errorf("%d writes", len(b.writes))
	}
}

func TestADryRunShowsAnOverrideAndWritesNothing(t *testing.T) {
	w := newWorld()
	k := w.add("web", 4)
	w.value, w.dry = constant(48), true
	b := newBench(t, w, tracking)
	b.pass()
	b.steer(k, overriding(7, 5*time.Minute))
	b.between()
	b.minutes(3)
	if d := b.decision(k); d.Outcome != evaluator.OutcomeDryRun || d.Wanted != 7 || d.Reason != evaluator.ByOverride || len(w.writes)+len(b.activities()) > 0 {
		t.Errorf("%s; %d writes, %d activities", d.Message(), len(w.writes), len(b.activities()))
	}
	if n := b.logged("Would scale out from 4 to 7 (dry run)"); n != 1 {
		t.Errorf("told %d times", n)
	}
	b.minutes(2)
	b.expect(k, 4, evaluator.WithinTarget)
}

func TestAReloadBringsAnOverrideIntoTheNewBounds(t *testing.T) {
	b, k := rested(t, tracking, 4, 48)
	b.steer(k, overriding(7, time.Hour))
	b.between()
	b.engine.Reload(parse(t, strings.Replace(tracking, "max_capacity: 10", "max_capacity: 5", 1)))
	b.between()
	b.expect(k, 5, evaluator.LoweredToMax)
	b.engine.Reload(parse(t, tracking))
	b.between()
	b.expect(k, 7, evaluator.ByOverride)
}

func TestACommandThatCannotBeObeyedChangesNothing(t *testing.T) {
	disk := &brittle{Backend: store.Memory()}
	w := newWorld()
	k := w.add("web", 4)
	w.value = constant(48)
	b := openBench(t, w, tracking, disk)
	b.pass()
	off := w.add("off", 0)
	text := strings.Replace(tracking, "targets:\n", "targets:\n  - {service: c/off, min_capacity: 1, max_capacity: 4}\n", 1)
	b.engine.Reload(parse(t, text))
	b.minutes(2)
	disk.broken = true
	for name, c := range map[string]struct {
		k       evaluator.Key
		command evaluator.Command
		want    string
		is      error
	}{
		"a disk that is full":           {k, overriding(7, time.Hour), "nothing was changed, because the state cannot be written", errDisk},
		"a target that is not":          {evaluator.Key{Cluster: "c", Service: "no"}, overriding(7, time.Hour), "is not in its configuration", ErrNotSteered},
		"a service that is off":         {off, overriding(3, time.Hour), "the desired count was set to 0 by hand", ErrRefused},
		"a command that is not right":   {k, overriding(7, time.Second), "from 1 minute to 31 days", nil},
		"a suspension without an end":   {k, suspending(0), "for how long", nil},
		"one on a disk that is full":    {k, suspending(time.Hour), "cannot be written", errDisk},
		"an end on a disk that is full": {k, evaluator.Command{Verb: evaluator.EndOverride, Reason: "done"}, "cannot be written", errDisk},
	} {
		c.command.Reason = "drill"
		if err := b.engine.Steer(c.k, c.command); err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v", name, err)
		}
	}
	disk.broken = false
	b.minutes(2)
	b.expect(k, 4, evaluator.WithinTarget)
	b.expect(off, 0, evaluator.ServiceSwitchedOff)
	for _, row := range b.store.Targets() {
		if len(row.Memory.Steering) != 0 {
			t.Errorf("%s remembers %+v", row.Key, row.Memory.Steering)
		}
	}
}

func TestScheduledActionsOfAnExpiredSuspensionAreNotMadeUpFor(t *testing.T) {
	for name, c := range map[string]struct {
		down   bool
		reason evaluator.Reason
	}{"by somebody who looks": {false, evaluator.WithinTarget}, "by nobody": {true, evaluator.ScheduledScalingSuspended}} {
		t.Run(name, func(t *testing.T) {
			b, k := scheduledBench(t, daytime, 3)
			b.steer(k, suspending(15*time.Minute, evaluator.SteersScheduled))
			if c.down {
				b.move(16 * time.Minute)
				b = b.restart(daytime)
				b.pass()
			} else {
				b.minutes(16)
			}
			b.expect(k, 3, c.reason)
			b.inForce(k, 1, 10)
			b.minutes(4)
			b.expect(k, 2, evaluator.ByScheduledAction)
		})
	}
}

func TestWhatNobodyCouldDealWithInASuspensionIsNotMadeUpForByItsEnd(t *testing.T) {
	for name, c := range map[string]evaluator.Command{
		"a resumption":       {Verb: evaluator.Resume},
		"another suspension": suspending(2*time.Minute, evaluator.SteersScheduled),
	} {
		t.Run(name, func(t *testing.T) {
			b, k := scheduledBench(t, daytime, 3)
			b.steer(k, suspending(15*time.Minute, evaluator.SteersScheduled))
			b.move(11 * time.Minute) // an action was due meanwhile
			b.describeErr[k] = apiError("ServerException")
			b = b.restart(daytime)
			b.pass()
			b.steer(k, c)
			delete(b.describeErr, k)
			b.minutes(3)
			b.inForce(k, 1, 10)
			if n := b.services[k].Desired; n != 3 {
				t.Errorf("desired %d: what was due in the suspension was made up for", n)
			}
		})
	}
}

func TestFleetsSteerTheTargetsThatTheyHave(t *testing.T) {
	w := newWorld()
	k := w.addIn("c", "web", 4)
	w.value = constant(48)
	s := newSquad(t, w, tracking, store.Memory(), nil)
	s.pass()
	c := overriding(7, time.Hour)
	c.Reason = "drill"
	if err := s.fleet.Steer(t.Context(), k, c); err != nil {
		t.Fatal(err)
	}
	s.wait(time.Second)
	s.pass()
	if got := w.services[k].Desired; got != 7 {
		t.Errorf("desired %d", got)
	}
	if err := s.fleet.Steer(t.Context(), evaluator.Key{Cluster: "other", Service: "web"}, c); !errors.Is(err, ErrNotSteered) {
		t.Error(err)
	}
	r := s.fleet.of(k)
	r.gate <- struct{}{} // a pass that takes long
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.fleet.Steer(ctx, k, c); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "nothing was changed") {
		t.Error(err)
	}
	<-r.gate
	if s.logs.FilterMessageSnippet("the desired count is overridden with 7 until").Len() == 0 {
		t.Error("the command is not logged")
	}
}

// A fleet that runs acts on a command at once, and nobody has to ask for its end.
func TestARunningFleetActsAtOnceAndEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		k := w.addIn("c", "web", 4)
		w.value = constant(48)
		s := newSquad(t, w, tracking, store.Memory(), func(o *FleetOptions) { o.Clock = awake{NewSystemClock()} })
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			s.fleet.Run(ctx, nil)
			close(done)
		}()
		time.Sleep(90 * time.Second)
		c := overriding(7, 10*time.Minute)
		c.Reason = "drill"
		if err := s.fleet.Steer(ctx, k, c); err != nil {
			t.Fatal(err)
		}
		told := func() int { return s.logs.FilterMessageSnippet("(drill) is over").Len() }
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := w.services[k].Desired; got != 7 || told() != 0 {
			t.Errorf("after two seconds: desired %d", got)
		}
		time.Sleep(10*time.Minute - 3*time.Second)
		synctest.Wait()
		if told() != 0 {
			t.Error("it ends too soon")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if row, _ := s.store.Target(k); told() != 1 || len(row.Memory.Steering) != 0 {
			t.Errorf("a second after its end: told %d times, remembered %+v", told(), row.Memory.Steering)
		}
		stop()
		<-done
	})
}
