package scaler

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"ecs-autoscaler/decisionlog"
	"ecs-autoscaler/evaluator"
)

// notes is a recorder that proves every decision when it is made, and keeps what was concluded.
type notes struct {
	t         *testing.T
	evaluated int
	concluded []string
	at        []time.Time
}

func (n *notes) Evaluated(t *evaluator.Target, o *evaluator.Observation, m *evaluator.Memory, d *evaluator.Decision) func(evaluator.Outcome) {
	n.evaluated++
	if err := decisionlog.Verify(t, o, m, d); err != nil {
		n.t.Error(err)
	}
	line, at := fmt.Sprintf("%s %s %d->%d", t.Service, d.Reason, d.Desired, d.Wanted), d.Time
	return func(o evaluator.Outcome) {
		n.concluded, n.at = append(n.concluded, line+" "+string(o)), append(n.at, at)
	}
}

// noted starts an engine with a recorder.
func noted(t *testing.T, w *world, text string) (*bench, *notes) {
	t.Helper()
	b, n := newBench(t, w, text), &notes{t: t}
	b.engine.Recorder = n
	return b, n
}

func (n *notes) expect(want ...string) {
	n.t.Helper()
	if !slices.Equal(n.concluded, want) {
		n.t.Errorf("the recorder has %q, want %q", n.concluded, want)
	}
	n.concluded = nil
}

func TestTheRecorderHasEveryDecisionOnceWithItsOutcome(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.value, w.startAfter = constant(100), 90*time.Second
	b, n := noted(t, w, tracking)
	b.pass()
	n.expect("web TargetTrackingPolicy 2->4 written")
	if n.evaluated != 2 { // before the description and after it; the look that follows a write is none of its own
		t.Errorf("%d evaluations may have become the decision, want 2", n.evaluated)
	}
	b.minutes(1)
	n.expect("web AlreadyAtDesiredCapacity 4->4 none")
	if d := b.decision(k); !d.Time.Equal(n.at[1]) {
		t.Errorf("the decision is of %s, the recorder has %s", d.Time, n.at[1])
	}
	w.onWrite = func(evaluator.Key, int) (bool, error) {
		return false, &smithy.GenericAPIError{Code: "AccessDeniedException"}
	}
	b.minutes(3)
	n.expect("web AlreadyAtDesiredCapacity 4->4 none", "web AlreadyAtDesiredCapacity 4->4 none", "web TargetTrackingPolicy 4->8 failed:access_denied")
}

func TestTheRecorderHasWhatHeldAWriteBack(t *testing.T) {
	w := newWorld()
	w.add("web", 2)
	w.value, w.budget = constant(100), 0
	b, n := noted(t, w, tracking)
	b.pass()
	n.expect("web TargetTrackingPolicy 2->4 rate_limited")
	w.budget = -1
	b.move(time.Second)
	b.pass()
	n.expect("web TargetTrackingPolicy 2->4 written")
}

func TestTheRecorderOfADryRunHasWhatWouldBeWritten(t *testing.T) {
	w := newWorld()
	w.add("web", 2)
	w.value, w.dry = constant(100), true
	b, n := noted(t, w, tracking)
	b.pass()
	n.expect("web TargetTrackingPolicy 2->4 dry_run")
}

// What memory and service were like at the evaluation is taken down, not what became of them by the time of the outcome: a
// scheduled action that fires changes the memory before its write.
func TestTheRecorderHasTheMemoryBeforeTheDecision(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	b, n := noted(t, w, `
targets:
  - service: c/web
    min_capacity: 1
    max_capacity: 10
    scheduled_actions:
      - {name: up, schedule: "cron(3 0 * * ? *)", min_capacity: 5}
      - {name: down, schedule: "cron(6 0 * * ? *)", timezone: Europe/London, min_capacity: 1, max_capacity: 3}
`)
	b.pass()
	b.minutes(8)
	if !slices.Contains(n.concluded, "web ScheduledAction 2->5 written") || !slices.Contains(n.concluded, "web ScheduledAction 5->3 written") {
		t.Errorf("the recorder has %q", n.concluded)
	}
	b.expect(k, 3, b.decision(k).Reason)
}
