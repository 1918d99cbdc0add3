package evaluator

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// command gives one now; its text is what it is about, or the count of an override.
func (s *scene) command(c Command) *scene {
	s.Helper()
	if c.Reason == "" && c.begins() {
		c.Reason = "load test"
	}
	if err := c.Check(); err != nil {
		s.Fatal(err)
	}
	s.letPass()
	s.m.Obey(&c, s.now)
	return s
}

// hold suspends for ten minutes.
func (s *scene) hold(kinds ...Steers) *scene {
	return s.command(Command{Verb: Suspend, Scaling: kinds, For: 10 * time.Minute})
}

// override overrides for ten minutes.
func (s *scene) override(n int) *scene {
	return s.command(Command{Verb: Override, Desired: n, For: 10 * time.Minute})
}

// keeps remembers the decision of a look without a write.
func (s *scene) keeps() *scene {
	s.m.Remember(s.target, &s.d)
	s.m.EndSteering(&s.d)
	return s
}

func TestASuspensionHoldsOneDirectionAndEndsByItself(t *testing.T) {
	out := newScene(t, 1, 20, tracking("cpu", 50)).metric(0, "80x20").hold(SteersOut)
	out.expect(4, DynamicScalingSuspended).says("Held at 4: policy cpu wants 7, but dynamic scaling out is suspended until 12:10:00 UTC (load test).")
	out.at(599).expect(4, DynamicScalingSuspended).keeps()
	out.at(600).expect(7, ByTargetTracking)

	in := newScene(t, 1, 20, tracking("cpu", 50)).metric(0, "20x20").hold(SteersIn)
	in.expect(4, DynamicScalingSuspended).says("Held at 4: policy cpu wants 2, but dynamic scaling in is suspended until 12:10:00 UTC (load test).")
	in.at(60).metric(0, "80x20").expect(7, ByTargetTracking) // the other direction goes on
	in.at(120).metric(0, "20x20").command(Command{Verb: Resume, Scaling: []Steers{SteersIn}}).expect(2, ByTargetTracking)

	all := newScene(t, 1, 20, tracking("cpu", 50)).metric(0, "80x20").hold()
	all.expect(4, DynamicScalingSuspended).metric(0, "20x20").expect(4, DynamicScalingSuspended)
	all.command(Command{Verb: Resume}).expect(2, ByTargetTracking)
}

func TestASuspensionReplacesTheOneBeforeOfItsDirectionOnly(t *testing.T) {
	s := newScene(t, 1, 20, tracking("cpu", 50)).metric(0, "80x20").hold(SteersIn, SteersOut).at(300)
	s.command(Command{Verb: Suspend, Scaling: []Steers{SteersOut}, For: time.Minute, Reason: "shorter"})
	s.expect(4, DynamicScalingSuspended).says("Held at 4: policy cpu wants 7, but dynamic scaling out is suspended until 12:06:00 UTC (shorter).")
	s.at(360).keeps().expect(7, ByTargetTracking)
	s.metric(0, "20x20").expect(4, DynamicScalingSuspended)
	s.at(600).expect(2, ByTargetTracking)
}

func TestASuspensionStandsBesideTheRegistration(t *testing.T) {
	s := newScene(t, 1, 20, tracking("cpu", 50)).metric(0, "80x20")
	s.target.Suspended.DynamicScalingOut = true
	s.m.registered(s.target)
	s.hold(SteersOut)
	s.expect(4, DynamicScalingSuspended).
		says("Held at 4: policy cpu wants 7, but dynamic scaling out is suspended by its registration, and until 12:10:00 UTC (load test).")
	s.at(600).expect(4, DynamicScalingSuspended).keeps().says("Held at 4: policy cpu wants 7, but dynamic scaling out is suspended.")
	s.hold(SteersOut).command(Command{Verb: Resume}).expect(4, DynamicScalingSuspended) // what the registration says is not lifted
	s.target.Suspended.DynamicScalingOut = false
	s.expect(7, ByTargetTracking)
}

func TestSuspensionsBringTheNextLookForward(t *testing.T) {
	s := newScene(t, 1, 20, tracking("cpu", 50)).metric(0, "48x20").command(Command{Verb: Suspend, For: 70 * time.Second})
	if got := s.decide().Next.Sub(noon); got != 70*time.Second {
		t.Errorf("looks again after %s", got)
	}
	s.override(7).command(Command{Verb: Suspend, For: time.Hour})
	s.o.Service.Desired, s.o.Service.Running, s.o.Service.Base = 7, 7, 7
	for _, want := range []time.Duration{time.Minute, 3 * time.Minute} { // at first it is not carried out
		if got := s.decide().Next.Sub(noon); got != want {
			t.Errorf("looks again after %s", got)
		}
		s.keeps()
	}
}

// What was due while scheduled scaling was suspended is not made up for, however it came to an end and whoever looked.
func TestScheduledActionsOfASuspensionAreNotMadeUpFor(t *testing.T) {
	day := func(at int) *scene { return planned(t, 1, 20, 3, onlyMin("day", 5, at)).hold(SteersScheduled) }
	day(300).at(300).expect(3, ScheduledScalingSuspended).
		says("Held at 3: scheduled scaling is suspended until 12:10:00 UTC (load test), and what was due is not made up for: scheduled action day.").
		keeps().at(600).expect(3, WithinTarget)
	day(300).at(660).expect(3, ScheduledScalingSuspended).
		says("Held at 3: scheduled scaling was suspended until 12:10:00 UTC (load test), and what was due is not made up for: scheduled action day.").
		keeps().at(720).expect(3, WithinTarget)
	day(599).at(600).expect(3, ScheduledScalingSuspended)
	day(600).at(600).expect(5, ByScheduledAction)
	day(300).at(301).command(Command{Verb: Resume}).expect(3, WithinTarget)
	early := planned(t, 1, 20, 3, onlyMin("day", 5, 300)).at(301).hold(SteersScheduled)
	if early.expect(5, RaisedToMinCapacity); early.d.Min != 5 {
		t.Error("what was due before the suspension is not dealt with")
	}
}

func TestAnOverridePinsTheCount(t *testing.T) {
	s := newScene(t, 2, 10, tracking("cpu", 50)).metric(0, "48x20").override(7)
	s.expect(7, ByOverride).says("Would scale out from 4 to 7: the desired count is overridden with 7 until 12:10:00 UTC (load test).")
	if got := s.d.Cause(); got != "an override of the desired count with 7 until 2026-01-01T12:10:00Z was requested: load test" {
		t.Error(got)
	}
	s.carry().at(60).expect(7, ByOverride).says("Held at 7: the desired count is overridden with 7 until 12:10:00 UTC (load test).")
	s.metric(0, "90x20").expect(7, ByOverride).says("Held at 7: policy cpu wants 13, but the desired count is overridden with 7 until 12:10:00 UTC (load test).")
	if p := s.d.Policies[0]; p.Wish != ScaleOut || p.Action != Hold || p.Reason != ByOverride || p.Wanted != 13 {
		t.Errorf("the policy is judged and shown as %+v", p)
	}
	s.metric(0, "20x20").expect(7, ByOverride).says("Held at 7: policy cpu wants 3, but the desired count is overridden with 7 until 12:10:00 UTC (load test).")
	s.at(599).expect(7, ByOverride).at(600).expect(3, ByTargetTracking) // from the count as it is, without a cooldown of the override's
}

func TestAnOverrideIsBroughtIntoTheBounds(t *testing.T) {
	s := newScene(t, 2, 10, tracking("cpu", 50)).metric(0, "48x20").override(15)
	s.expect(10, ByOverride).says("Would scale out from 4 to 10: the desired count is overridden with 15 until 12:10:00 UTC (load test), and max capacity is 10.")
	s.carry()
	s.target.Max = 6
	s.at(60).expect(6, LoweredToMax).carry()
	s.target.Max = 20
	s.at(120).expect(15, ByOverride).carry()
	s.target.Min, s.target.Max = 17, 20
	s.at(180).expect(17, RaisedToMinCapacity).carry()
	s.at(181).expect(17, ByOverride).says("Held at 17: the desired count is overridden with 15 until 12:10:00 UTC (load test), and min capacity is 17.")
	newScene(t, 2, 10).override(0).expect(2, ByOverride)
	newScene(t, 0, 10).override(0).expect(0, ByOverride)
}

func TestScheduledActionsStillSetTheBoundsOfAnOverride(t *testing.T) {
	s := planned(t, 1, 10, 3, both("calm", 1, 4, 60), both("busy", 5, 20, 120)).override(8).expect(8, ByOverride).carry()
	s.at(60).expect(4, ByScheduledAction).bounds(1, 4).carry()
	s.at(120).expect(8, ByOverride).bounds(5, 20).carry()
	if !strings.Contains(s.d.Message(), "Scheduled action busy set min capacity to 5") {
		t.Error(s.d.Message())
	}
}

func TestAnOverrideActsWhereDynamicScalingMustNot(t *testing.T) {
	suspended := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "20x20").hold().override(2)
	suspended.expect(2, ByOverride)
	deploying := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "48x20")
	deploying.o.Service.Deploying = true
	deploying.override(2).expect(2, ByOverride)
	railed := newScene(t, 1, 100, tracking("cpu", 50)).railed(Rails{
		MaxScaleOutStep: StepLimit{Tasks: 1}, MaxScaleInStep: StepLimit{Tasks: 1}, ScaleInForbidden: office(),
		FlapGuard: FlapGuard{Reversals: 1, Within: time.Hour, Factor: 2, Longest: time.Hour},
	}).at(60).metric(0, "48x20")
	railed.o.Fleet = Fleet{Targets: 10, Unready: 9, HaltAbove: 10}
	railed.override(1).expect(1, ByOverride).override(40).expect(40, ByOverride)
}

func TestWhatIsRefusedIsNotOverridden(t *testing.T) {
	for _, c := range []struct {
		change func(s *scene)
		why    Reason
	}{
		{func(s *scene) { s.counts(0, 0) }, ServiceSwitchedOff},
		{func(s *scene) { s.o.Service.Status = ServiceMissing }, ServiceNotFound},
		{func(s *scene) { s.o.Service.Status = ServiceDraining }, ServiceNotActive},
		{func(s *scene) { s.o.Service.Daemon = true }, ServiceNotScalable},
	} {
		s := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "48x20")
		c.change(s)
		s.override(7).expect(s.o.Service.Desired, c.why)
		if s.d.Pins {
			t.Errorf("%s: the override counts as carried out", c.why)
		}
	}
}

func TestAnotherHandIsRespectedWhileAnOverrideLasts(t *testing.T) {
	s := newScene(t, 2, 10, tracking("cpu", 50)).metric(0, "48x20").override(7)
	s.o.Service.Desired = 5 // before it was carried out
	s.expect(7, ByOverride).carry()
	s.at(60).counts(3, 3).expect(3, ByOverride).
		says("Held at 3: the desired count is overridden with 7 until 12:10:00 UTC (load test); somebody has set 3 since, which is respected.").keeps()
	s.metric(0, "90x20").expect(3, ByOverride).keeps()
	s.target.Max = 6 // the pin would move, but it is no longer the count's
	s.at(120).expect(3, ByOverride).carry()
	s.target.Min = 4
	s.at(180).expect(4, RaisedToMinCapacity).carry()
	s.counts(6, 6).expect(6, ByOverride).keeps() // what the override wants now, by whoever's hand, is its own again
	s.target.Max = 7
	s.at(240).expect(7, ByOverride)
	s.counts(3, 3).override(7).expect(7, ByOverride) // asked for anew
}

func TestAnOverrideThatWasNotWrittenIsTriedAgain(t *testing.T) {
	s := newScene(t, 2, 10, tracking("cpu", 50)).metric(0, "48x20").override(7)
	for i, outcome := range []Outcome{OutcomeFailed + "throttled", OutcomeRateLimited, OutcomeNotLeader, OutcomeDryRun, OutcomeFailed + "access_denied"} {
		s.at(60*i).expect(7, ByOverride).d.Outcome = outcome
		s.m.Remember(s.target, &s.d)
	}
	s.carry().at(400).counts(5, 5).expect(5, ByOverride)
}

func TestAnOverrideStartsNoCooldownAndLeavesNoCredit(t *testing.T) {
	s := newScene(t, 1, 100, tracking("cpu", 50)).metric(0, "90x20").expect(8, ByTargetTracking).write()
	s.at(30).override(20).expect(20, ByOverride).write()
	if c := s.m.Policies[0].Cooldown; c.Added != 0 || c.OpenAdded != 0 {
		t.Errorf("the activity that was overtaken leaves %+v", c)
	}
	s.runs(20)
	if c := s.m.Policies[0].Cooldown; c != (Cooldown{}) {
		t.Errorf("the override leaves %+v", c)
	}
	s.command(Command{Verb: EndOverride}).at(60).metric(0, "90x20").expect(36, ByTargetTracking)
}

func TestOverridesSurviveJSONAndOldMemoriesHaveNone(t *testing.T) {
	s := newScene(t, 2, 10).hold(SteersIn).override(7).expect(7, ByOverride).carry()
	text, err := json.Marshal(s.m.Steering)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"steers":"in","since":"2026-01-01T12:00:00Z","until":"2026-01-01T12:10:00Z","reason":"load test"},` +
		`{"steers":"override","since":"2026-01-01T12:00:00Z","until":"2026-01-01T12:10:00Z","reason":"load test","desired":7,"carried_out":7}]`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	var old Memory
	if err := json.Unmarshal([]byte(`{"registered":true,"min":1,"max":4}`), &old); err != nil || old.Steering != nil {
		t.Errorf("%v, %v", old.Steering, err)
	}
}

func TestCommandsAreChecked(t *testing.T) {
	for _, c := range []struct {
		name string
		c    Command
		want string
	}{
		{"right", Command{Verb: Suspend, For: time.Minute, Reason: "drill"}, ""},
		{"right, the longest", Command{Verb: Override, Desired: 0, For: 31 * 24 * time.Hour, Reason: strings.Repeat("é", 100)}, ""},
		{"resume needs neither", Command{Verb: Resume, Scaling: []Steers{SteersOut}}, ""},
		{"no duration", Command{Verb: Suspend, Reason: "drill"}, "for how long"},
		{"too short", Command{Verb: Suspend, For: 59 * time.Second, Reason: "drill"}, "from 1 minute to 31 days"},
		{"too long", Command{Verb: Override, For: 31*24*time.Hour + time.Second, Reason: "drill"}, "from 1 minute to 31 days"},
		{"parts of a second", Command{Verb: Suspend, For: 90*time.Second + 1, Reason: "drill"}, "whole number of seconds"},
		{"no reason", Command{Verb: Suspend, For: time.Minute, Reason: " "}, "say why"},
		{"a long reason", Command{Verb: Suspend, For: time.Minute, Reason: strings.Repeat("x", 201)}, "201 bytes"},
		{"a line break", Command{Verb: Suspend, For: time.Minute, Reason: "a\nb"}, "control characters"},
		{"an escape", Command{Verb: Resume, Reason: "\x1b[2J"}, "control characters"},
		{"another direction of writing", Command{Verb: Resume, Reason: "a\u202eb"}, "control characters"},
		{"not text", Command{Verb: Resume, Reason: "\xff"}, "UTF-8"},
		{"a kind that is none", Command{Verb: Resume, Scaling: []Steers{"override"}}, "one of in, out, scheduled"},
		{"twice", Command{Verb: Resume, Scaling: []Steers{SteersIn, SteersIn}}, "named twice"},
		{"a negative count", Command{Verb: Override, Desired: -1, For: time.Minute, Reason: "drill"}, "0 or more"},
	} {
		switch err := c.c.Check(); {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestDurationsAreThoseOfTheConfiguration(t *testing.T) {
	for text, want := range map[string]time.Duration{"60": time.Minute, "90m": 90 * time.Minute, "36h": 36 * time.Hour, "1.5h": 90 * time.Minute} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "2d", "two hours", "99999999999999"} {
		if _, err := ParseDuration(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
