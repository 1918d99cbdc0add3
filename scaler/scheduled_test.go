package scaler

import (
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// daytime raises min at 00:10 and lowers max at 00:20; its policy is content.
const daytime = `
targets:
  - service: c/web
    min_capacity: 1
    max_capacity: 10
    target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}]
    scheduled_actions:
      - {name: day, schedule: "cron(10 0 * * ? *)", min_capacity: 5}
      - {name: night, schedule: "cron(20 0 * * ? *)", min_capacity: 1, max_capacity: 2}
`

func scheduledBench(t *testing.T, text string, count int) (*bench, evaluator.Key) {
	t.Helper()
	w := newWorld()
	k := w.add("web", count)
	w.value = constant(58)
	b := newBench(t, w, text)
	b.pass()
	return b, k
}

// inForce compares the bounds that people see.
func (b *bench) inForce(k evaluator.Key, low, high int) {
	b.t.Helper()
	if row, _ := b.store.Target(k); row.Min != low || row.Max != high {
		b.t.Errorf("at %s: bounds %d to %d, want %d to %d", b.now.Format("15:04:05"), row.Min, row.Max, low, high)
	}
}

func TestScheduledActionsMoveTheBoundsAndTheCount(t *testing.T) {
	b, k := scheduledBench(t, daytime, 3)
	b.minutes(9)
	b.inForce(k, 1, 10)
	b.minutes(1)
	b.expect(k, 5, evaluator.ByScheduledAction)
	b.inForce(k, 5, 10)
	b.minutes(10)
	b.expect(k, 2, evaluator.ByScheduledAction)
	b.inForce(k, 1, 2)
	b.minutes(1)
	var told []string
	for _, a := range b.activities() {
		told = append(told, string(a.Status)+": "+a.Description+" ("+a.Cause+")")
	}
	want := []string{
		"Successful: Setting desired count to 2. (maximum capacity was set to 2)",
		"Successful: Setting min capacity to 1 and max capacity to 2 (scheduled action name night was triggered)",
		"Successful: Setting desired count to 5. (minimum capacity was set to 5)",
		"Successful: Setting min capacity to 5 and max capacity to 10 (scheduled action name day was triggered)",
	}
	if got := strings.Join(told, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("activities:\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestScheduledBoundsSurviveARestart(t *testing.T) {
	b, k := scheduledBench(t, daytime, 3)
	b.minutes(12)
	b = b.restart(daytime)
	b.minutes(1)
	b.expect(k, 5, evaluator.WithinTarget)
	b.inForce(k, 5, 10)
	if len(b.writes) != 1 {
		t.Errorf("%d writes, want 1", len(b.writes))
	}
}

func TestWhatWasMissedWhileTheDaemonWasDownIsMadeUpFor(t *testing.T) {
	for _, c := range []struct {
		name, text string
		desired    int
		low, high  int
	}{
		{"the newest fires set the bounds, and the count is clamped once", daytime, 2, 1, 2},
		{"unless the action does not catch up", strings.ReplaceAll(daytime, "max_capacity: 2}", "max_capacity: 2, catch_up: none}"), 5, 5, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, k := scheduledBench(t, c.text, 3)
			b.move(25 * time.Minute)
			b = b.restart(c.text)
			b.pass()
			b.inForce(k, c.low, c.high)
			if got := b.services[k].Desired; got != c.desired || len(b.writes) != 1 {
				t.Errorf("desired %d after %d writes, want %d after one", got, len(b.writes), c.desired)
			}
		})
	}
}

// Between the write and the commit of its outcome a crash must not forget the bounds behind it.
func TestACrashAfterAScheduledWriteKeepsItsBounds(t *testing.T) {
	w := newWorld()
	k := w.add("web", 3)
	w.value = constant(58)
	disk := &brittle{Backend: store.Memory()}
	text := strings.ReplaceAll(daytime, "min_capacity: 5}", "min_capacity: 5, catch_up: none}")
	b := openBench(t, w, text, disk)
	b.pass()
	b.minutes(9)
	w.onWrite = func(evaluator.Key, int) (bool, error) {
		disk.broken = true // what follows is lost
		return true, nil
	}
	b.minutes(1)
	disk.broken, w.onWrite = false, nil
	b.move(3 * time.Minute)
	b = b.restart(text)
	b.pass()
	b.expect(k, 5, evaluator.WithinTarget)
	b.inForce(k, 5, 10)
	if len(w.writes) != 1 {
		t.Errorf("%d writes, want 1", len(w.writes))
	}
}

func TestAScheduledWriteThatFailsIsTriedAgain(t *testing.T) {
	b, k := scheduledBench(t, daytime, 3)
	b.minutes(9)
	b.onWrite = func(evaluator.Key, int) (bool, error) { return false, apiError("ThrottlingException") }
	b.minutes(1)
	b.inForce(k, 5, 10)
	b.onWrite = nil
	b.minutes(1)
	b.expect(k, 5, evaluator.RaisedToMinCapacity)
}

func TestADryRunMovesItsOwnBoundsAndRecordsNoActivity(t *testing.T) {
	w := newWorld()
	k := w.add("web", 3)
	w.value, w.dry = constant(58), true
	b := newBench(t, w, daytime)
	b.pass()
	b.minutes(10)
	if d := b.decision(k); d.Outcome != evaluator.OutcomeDryRun || d.Wanted != 5 || len(w.writes)+len(b.activities()) > 0 {
		t.Errorf("%s; %d writes, %d activities", d.Message(), len(w.writes), len(b.activities()))
	}
	b.inForce(k, 5, 10)
}

func TestAChangedFileRegistersTheTargetAnew(t *testing.T) {
	b, k := scheduledBench(t, daytime, 3)
	b.minutes(12)
	b.engine.Reload(parse(t, strings.Replace(daytime, "min_capacity: 1", "min_capacity: 7", 1)))
	b.between()
	b.expect(k, 7, evaluator.RaisedToMinCapacity)
	b.inForce(k, 7, 10)
}

func TestARegistrationThatCannotBeMadeDurableChangesNothing(t *testing.T) {
	w := newWorld()
	k := w.add("web", 3)
	disk := &brittle{Backend: store.Memory()}
	b := openBench(t, w, daytime, disk)
	b.pass()
	disk.broken = true
	four := 4
	if err := b.engine.RegisterScalableTarget(k, Registration{MinCapacity: &four}); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("got %v", err)
	}
	disk.broken = false
	b.minutes(1)
	b.inForce(k, 1, 10)
}

func TestRegisterScalableTarget(t *testing.T) {
	four, eleven, yes, no := 4, 11, true, false
	b, k := scheduledBench(t, daytime, 3)
	register := func(r Registration) error { return b.engine.RegisterScalableTarget(k, r) }
	if err := register(Registration{MinCapacity: &four}); err != nil {
		t.Fatal(err)
	}
	b.between()
	b.expect(k, 4, evaluator.RaisedToMinCapacity)
	b.inForce(k, 4, 10)
	for name, wrong := range map[string]error{
		"min 11 above max 10":  register(Registration{MinCapacity: &eleven}),
		"a target that is not": b.engine.RegisterScalableTarget(evaluator.Key{Cluster: "c", Service: "no"}, Registration{}),
		"a max below the min":  register(Registration{MaxCapacity: new(int)}),
	} {
		if wrong == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if err := register(Registration{ScheduledScalingSuspended: &yes}); err != nil {
		t.Fatal(err)
	}
	b = b.restart(daytime) // at once: what was answered is durable
	b.minutes(10)
	b.expect(k, 4, evaluator.ScheduledScalingSuspended)
	if err := b.engine.RegisterScalableTarget(k, Registration{ScheduledScalingSuspended: &no}); err != nil {
		t.Fatal(err)
	}
	b.minutes(10)
	b.expect(k, 2, evaluator.ByScheduledAction)
}
