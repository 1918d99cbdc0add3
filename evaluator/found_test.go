package evaluator

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

// The tests of this file are counterexamples that the invariants have found.

// Every decision that registers a target once said that the memory had changed, also when it was remembered already.
func TestARegistrationIsRememberedOnce(t *testing.T) {
	s := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "48x15")
	s.m.Registered = false
	s.decide()
	if first, again := s.m.Remember(s.target, &s.d), s.m.Remember(s.target, &s.d); !first || again {
		t.Errorf("news: %v, and the second time: %v", first, again)
	}
}

// Two actions of one instant may raise the count and leave room below it. A policy that went back down in the same decision,
// but not below the count before, was written as a scale-out by that policy, with a negative credit, or made a hold without a
// reason why not.
func TestAPolicyDoesNotTakeBackWhatTheBoundsDoInTheSameDecision(t *testing.T) {
	for _, c := range []struct {
		name    string
		running int
		metric  string
	}{{"to the count before", 4, "44x15"}, {"to above the count before", 8, "40x15"}} {
		s := planned(t, 1, 20, 4, onlyMin("up", 9, 60), onlyMin("room", 1, 60))
		s.runs(c.running).at(60).metric(0, c.metric).expect(9, ByScheduledAction).write()
		if known := s.m.Policies[0].Cooldown; known != (Cooldown{}) || s.d.Policy != -1 {
			t.Errorf("%s: policy %d has the cooldown %+v", c.name, s.d.Policy, known)
		}
	}
	planned(t, 1, 20, 4, onlyMin("up", 9, 60), onlyMin("room", 1, 60)).at(60).metric(0, "10x15").expect(1, ByTargetTracking)
	planned(t, 1, 20, 12, onlyMax("down", 5, 60), onlyMax("room", 20, 60)).at(60).metric(0, "100x15").expect(20, ByTargetTracking)
}

// With a fixed metric_delay shorter than what CloudWatch takes, buckets count as missing before they can be there, and fills
// alone may bring an alarm to ALARM; the next look waited for the datapoints.
func TestTheNextLookDoesNotWaitForDatapointsThatCountAsMissing(t *testing.T) {
	p := tracking("cpu", 50)
	p.Alarms = p.Alarms[:1]
	s := newScene(t, 1, 10, p).at(120).metric(0, "60 50 _ _ _")
	s.o.Series[0].Soonest = 200
	s.expect(4, WithinTarget)
	if end := time.Unix(s.o.Series[0].End, 0); s.d.Next.After(end.Add(2 * time.Minute)) {
		t.Errorf("the next look is at %s, buckets are missing from %s on", s.d.Next, end)
	}
}

// A step of nothing computed base + 0, and the base is what runs: in a deployment, when twice as many tasks run, it doubled
// the desired count, and while tasks were starting it took those back that did not run yet.
func TestAStepOfNothingChangesNothing(t *testing.T) {
	for _, how := range []AdjustmentType{ChangeInCapacity, PercentChangeInCapacity} {
		out := stepping("out", GreaterThanThreshold, 50, above(how, 0))
		newScene(t, 1, 30, out).counts(10, 20).metric(0, "60").expect(10, AlreadyAtDesiredCapacity)
		in := stepping("in", LessThanThreshold, 50, below(how, 0))
		s := newScene(t, 1, 30, in).counts(10, 5).metric(0, "20").expect(10, AlreadyAtDesiredCapacity)
		if want := "policy in wants 10, and the desired count is 10 already; "; !strings.Contains(s.d.Message(), want) {
			t.Errorf("says %s", s.d.Message())
		}
	}
}

// The buckets of a five-minute period are others at each minute, so that what an average has now says nothing about the next.
func TestTheNextLookAtALongPeriodIsNotPutOff(t *testing.T) {
	p := tracking("cpu", 50)
	p.Alarms[1].EvaluationPeriods, p.Alarms[1].DatapointsToAlarm = 1, 1
	s := newScene(t, 0, 10, p).counts(9, 9)
	s.target.Metrics[0].Period, s.target.Metrics[0].Namespace, s.target.Suspended.DynamicScalingOut = 300, "AWS/ECS", true
	s.metric(0, "44.9x5").expect(9, AutoScalingAnticipatedFlapping)
	if s.d.Next.After(noon.Add(time.Minute)) {
		t.Errorf("the next look is at %s", s.d.Next)
	}
}

// 0.1 + 0.2 - 0.1 - 0.2 is not 0 in floating point. What was left of the sum kept a last task for minutes more.
func TestTheNextLookIsNotPutOffByNoise(t *testing.T) {
	s := newScene(t, 0, 10, tracking("requests", 50)).counts(1, 1).metric(0, "0.1 0.2 0x13")
	s.target.Metrics[0].Namespace = "AWS/ApplicationELB"
	s.expect(1, AutoScalingAnticipatedFlapping)
	next := s.d.Next
	s.at(120).metric(0, "0x15").expect(0, ByTargetTracking)
	if next.After(s.now) {
		t.Errorf("the look is at %s, the scale-in was due at %s", next, s.now)
	}
}

// An alarm that cannot scale out at the present count was not looked at. With the mode ignore its state is kept when nothing
// comes any more; who looked each minute knew of the ALARM when somebody lowered the count, who looked less did not.
func TestAnAlarmThatKeepsItsStateIsLookedAt(t *testing.T) {
	p := stepping("level", GreaterThanThreshold, 50, above(ExactCapacity, 4))
	p.Alarms[0].EvaluationPeriods, p.Alarms[0].DatapointsToAlarm = 3, 3
	for _, c := range []struct {
		mode TreatMissingData
		want time.Duration
	}{{TreatIgnore, 3 * time.Minute}, {TreatMissing, 15 * time.Minute}} {
		p.Alarms[0].Missing = c.mode
		s := newScene(t, 1, 10, p).metric(0, "40x5").expect(4, AlarmNotInAlarm)
		if got := s.d.Next.Sub(noon); got != c.want {
			t.Errorf("%s: the next look is after %s, expected %s", c.mode, got, c.want)
		}
	}
}

// The sentence once named every policy that did not scale in, also those that have no say in it.
func TestWhoIsNotInTheWayIsNotBlamed(t *testing.T) {
	outOnly := tracking("out-only", 50)
	outOnly.TargetTracking.DisableScaleIn, outOnly.Alarms = true, outOnly.Alarms[:1]
	step := stepping("step", GreaterThanThreshold, 90, above(ChangeInCapacity, 1))
	s := newScene(t, 1, 10, tracking("cpu", 50), outOnly, tracking("mem", 50), step)
	s.metric(0, "20x15").metric(1, "20x15").metric(2, "48x15").metric(3, "20").expect(4, PolicyNotReadyToScaleIn)
	if want := "Held at 4: policy cpu wants 2, but others are not ready to scale in: mem (WithinTarget)."; s.d.Message() != want {
		t.Errorf("says %s", s.d.Message())
	}
}

// What was due between the last look and the resumption was suspended, too.
func TestWhatWasDueBeforeTheResumptionIsLetGo(t *testing.T) {
	s := planned(t, 1, 10, 3, onlyMin("day", 5, 60, 180))
	s.suspend(true)
	s.at(90)
	s.letPass()
	s.suspend(false)
	s.expect(3, WithinTarget).bounds(1, 10).carry()
	s.at(180).expect(5, ByScheduledAction)
}

// FuzzMemoryJSON: whatever can be read as a memory can be bound, decided on, followed and written.
func FuzzMemoryJSON(f *testing.F) {
	s := newScene(f, 1, 10, tracking("cpu", 50)).metric(0, "80x3").expect(7, ByTargetTracking).write()
	seed, err := json.Marshal(s.m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"min":9,"max":1,"policies":[{"name":"cpu","alarms":[{"name":"low","state":"?"}],"cooldown":{"added":-1,"open_added":5}}],"undo":{}}`))
	f.Add([]byte(`{"flaps":{"direction":"scale_out","reversals":["2026-01-01T11:59:00Z","2026-01-01T11:00:00Z","9999-01-01T00:00:00Z"]}}`))
	f.Add([]byte(`{"flaps":{"direction":""},"undo":{"flaps":{"direction":"scale_in","reversals":[]}}}`))
	f.Add([]byte(`{"actions":[{"name":"day","identity":"x","registered":"0001-01-01T00:00:01Z","handled":"9999-12-31T23:59:59Z"}],"activity":{"open":true,"to":4}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m := new(Memory)
		if json.Unmarshal(text, m) != nil {
			return
		}
		in := stepping("in", LessThanThreshold, 50, below(PercentChangeInCapacity, -30))
		in.Alarms[0].Missing, in.CooldownScope = TreatIgnore, ScopeTarget
		s := newScene(t, 1, 10, tracking("cpu", 50), in)
		s.target.ScheduledActions = []ScheduledAction{onlyMin("day", 5, 0, 60)}
		s.target.ScheduledActions[0].Identity = "x"
		s.railed(Rails{
			MaxScaleOutStep: StepLimit{Percent: 30}, MaxScaleInStep: StepLimit{Tasks: 1},
			FlapGuard: FlapGuard{Reversals: 2, Within: time.Hour, Factor: 2, Longest: time.Hour},
		})
		s.m = m
		s.m.Bind(s.target)
		for k, values := range []string{"80x15", "_x20", "10x20"} {
			s.at(60*k).metric(0, values).metric(1, values).decide()
			s.m.Remember(s.target, &s.d)
			s.m.Begin(s.target, &s.d, "b")
			if k == 1 {
				s.m.Fail()
			}
			s.m.Follow(s.target, &s.o.Service, s.now)
			survives(t, s)
		}
	})
}

// survives writes the decision and the memory down and reads them again.
func survives(t *testing.T, s *scene) {
	t.Helper()
	if strings.Contains(s.d.Message(), "NaN") || s.d.Wanted < math.MinInt32 {
		t.Errorf("says %s", s.d.Message())
	}
	first, err := json.Marshal(s.m)
	if err != nil {
		return // A year beyond 9999 cannot be written.
	}
	var again Memory
	if err := json.Unmarshal(first, &again); err != nil {
		t.Fatalf("cannot read again: %v: %s", err, first)
	}
	if second, err := json.Marshal(&again); err != nil || !bytes.Equal(first, second) {
		t.Errorf("%v:\n first %s\nsecond %s", err, first, second)
	}
}
