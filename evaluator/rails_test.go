package evaluator

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// railed gives the scene's target rails.
func (s *scene) railed(r Rails) *scene {
	s.target.Rails = &r
	return s
}

// says checks a part of the last decision's sentence.
func (s *scene) says(part string) *scene {
	s.Helper()
	if text := s.d.Message(); !strings.Contains(text, part) {
		s.Errorf("at %s it says %q, expected %q in it", s.now.Sub(noon), text, part)
	}
	return s
}

func TestAStepIsATaskCountOrAShareRoundedDownThatLeavesOne(t *testing.T) {
	for _, c := range []struct {
		limit StepLimit
		count int
		want  int
	}{
		{StepLimit{Tasks: 5}, 10, 5}, {StepLimit{Tasks: 5}, 0, 5}, {StepLimit{Percent: 50}, 10, 5}, {StepLimit{Percent: 50}, 11, 5},
		{StepLimit{Percent: 50}, 3, 1}, {StepLimit{Percent: 50}, 1, 1}, {StepLimit{Percent: 1}, 0, 1}, {StepLimit{Percent: 200}, 4, 8},
	} {
		if got := c.limit.of(c.count); got != c.want {
			t.Errorf("%s of %d is %d, want %d", c.limit, c.count, got, c.want)
		}
	}
}

func TestAScaleOutIsCutToItsStepAndGoesOnAfterTheCooldown(t *testing.T) {
	s := newScene(t, 1, 100, tracking("cpu", 50)).railed(Rails{MaxScaleOutStep: StepLimit{Tasks: 3}}).counts(10, 10)
	s.metric(0, "80x15").expect(13, ByTargetTracking) // ceil(10 x 80 / 50) = 16
	s.says("= 16, but max_scale_out_step (3 tasks) cuts that to 13.")
	if r := s.d.Rails; len(r) != 1 || r[0] != (Rail{Rail: RailScaleOutStep, Limit: StepLimit{Tasks: 3}, Step: 3, Wanted: 16}) {
		t.Errorf("rails %+v", r)
	}
	s.write()
	if c := s.m.Policies[0].Cooldown; c.Added != 3 || c.OpenAdded != 3 {
		t.Errorf("the credit is %+v, but 3 were added", c)
	}
	s.at(60).runs(11).expect(13, ActivityInProgress).says("max_scale_out_step (3 tasks) is used up")
	s.at(120).runs(13).expect(13, CooldownInEffect).says("until 12:07:00 UTC, after taking out the 3 it has just added; max_scale_out_step")
	s.at(419).expect(13, CooldownInEffect)
	s.at(420).metric(0, "80x15").expect(16, ByTargetTracking) // from 13: 21, cut to 16
}

func TestAPercentageStepIsOneOfTheCountBeforeTheStep(t *testing.T) {
	p := outBy(30)
	s := newScene(t, 1, 100, p).railed(Rails{MaxScaleOutStep: StepLimit{Percent: 50}}).counts(10, 10)
	s.metric(0, "60").expect(15, ByStepScaling).says("max_scale_out_step (50 %) cuts that to 15").write().runs(15)
	s.at(60).expect(15, CooldownInEffect)
	s.at(300).expect(22, ByStepScaling) // half of 15
}

func TestWhatIsLeftOfAStepIsGivenToABiggerWish(t *testing.T) {
	s := newScene(t, 1, 100, tracking("cpu", 50)).railed(Rails{MaxScaleOutStep: StepLimit{Tasks: 5}}).counts(10, 10)
	s.metric(0, "60x15").expect(12, ByTargetTracking).write().runs(12)
	s.at(60).metric(0, "100x15").expect(15, ByTargetTracking).says("max_scale_out_step (5 tasks) cuts that to 15")
}

func TestAStepIsThatOfAllPoliciesOfATarget(t *testing.T) {
	s := newScene(t, 1, 100, outBy(4), outBy(9)).railed(Rails{MaxScaleOutStep: StepLimit{Tasks: 5}})
	s.target.Policies[1].Name, s.m.Policies[1].Name = "b", "b"
	s.metric(0, "60").metric(1, "40").expect(8, ByStepScaling).write().runs(8)
	s.at(60).metric(0, "40").metric(1, "60").expect(9, ByStepScaling).write().runs(9)
	s.at(120).expect(9, CooldownInEffect)
}

func TestAnExactCapacityIsReachedInSteps(t *testing.T) {
	p := stepping("exact", GreaterThanThreshold, 50, above(ExactCapacity, 12))
	s := newScene(t, 1, 100, p).railed(Rails{MaxScaleOutStep: StepLimit{Tasks: 5}})
	s.metric(0, "60").expect(9, ByStepScaling).write().runs(9)
	s.at(60).expect(9, CooldownInEffect)
	s.at(300).expect(12, ByStepScaling)
}

func TestTheLeastMagnitudeDoesNotBreakTheStep(t *testing.T) {
	p := stepping("out", GreaterThanThreshold, 50, Step{AdjustmentType: PercentChangeInCapacity, MinAdjustmentMagnitude: 6})
	p.Step.Adjustments = above(PercentChangeInCapacity, 10).Adjustments
	newScene(t, 1, 100, p).railed(Rails{MaxScaleOutStep: StepLimit{Tasks: 2}}).metric(0, "60").expect(6, ByStepScaling)
}

func TestAScaleInIsCutToItsStepAndGoesOnAfterTheCooldown(t *testing.T) {
	s := newScene(t, 1, 100, tracking("cpu", 50)).railed(Rails{MaxScaleInStep: StepLimit{Percent: 20}}).counts(10, 10)
	s.metric(0, "10x15").expect(8, ByTargetTracking).says("= 2, but max_scale_in_step (20 %) cuts that to 8").write()
	s.at(60).expect(8, ActivityInProgress)
	s.runs(8).expect(8, CooldownInEffect)
	s.at(360).expect(7, ByTargetTracking) // a fifth of 8
}

func TestStepsInOfTwoPoliciesAreOne(t *testing.T) {
	in := stepping("in", LessThanThreshold, 50, below(ChangeInCapacity, -3))
	other := in
	other.Name = "other"
	s := newScene(t, 1, 100, in, other).railed(Rails{MaxScaleInStep: StepLimit{Tasks: 2}}).counts(20, 20)
	s.metric(0, "20").metric(1, "60").expect(18, ByStepScaling).write().runs(18)
	s.at(60).metric(0, "60").metric(1, "20").expect(18, CooldownInEffect).says("max_scale_in_step (2 tasks) is used up")
	s.at(300).expect(16, ByStepScaling)
}

func TestBoundsAreNotLimited(t *testing.T) {
	rails := Rails{MaxScaleOutStep: StepLimit{Tasks: 1}, MaxScaleInStep: StepLimit{Tasks: 1}}
	t.Run("a new min", func(t *testing.T) {
		s := newScene(t, 1, 100, tracking("cpu", 50)).railed(rails).metric(0, "48x15")
		s.target.Min = 9
		s.expect(9, RaisedToMinCapacity)
	})
	t.Run("a new max", func(t *testing.T) {
		s := newScene(t, 1, 100, tracking("cpu", 50)).railed(rails).counts(50, 50).metric(0, "48x15")
		s.target.Max = 9
		s.expect(9, LoweredToMax)
	})
	t.Run("a scheduled action, and the policies go on from there in steps", func(t *testing.T) {
		s := planned(t, 1, 20, 4, onlyMin("day", 9, 60)).railed(rails)
		s.at(60).metric(0, "150x15").expect(10, ByTargetTracking).write()
		if c := s.m.Policies[0].Cooldown; c.Added != 1 {
			t.Errorf("the credit is %+v", c)
		}
	})
	t.Run("the way back to a bound that somebody has crossed", func(t *testing.T) {
		newScene(t, 1, 10, tracking("cpu", 50)).railed(rails).counts(50, 50).metric(0, "10x15").expect(10, ByTargetTracking)
	})
}

// office is a window from 12:01 to 12:11 each day.
func office() []ForbiddenWindow {
	return []ForbiddenWindow{{Name: "office", Schedule: instants{60}, Duration: 10 * time.Minute}}
}

func TestInAForbiddenWindowNothingScalesIn(t *testing.T) {
	s := newScene(t, 1, 10, tracking("cpu", 50)).railed(Rails{ScaleInForbidden: office()}).metric(0, "10x15")
	s.at(59).expect(1, ByTargetTracking)
	s.at(60).expect(4, ScaleInForbidden).says("policy cpu wants 1, but scale-in is forbidden until 12:11:00 UTC by the window office.")
	if s.d.Next.Before(noon.Add(11*time.Minute)) && s.d.Next.Sub(noon) < 3*time.Minute {
		t.Errorf("looks again at %s", s.d.Next)
	}
	s.at(659).expect(4, ScaleInForbidden)
	s.at(660).expect(1, ByTargetTracking)
	s.at(300).metric(0, "80x15").expect(7, ByTargetTracking)
	if r := s.d.rail(RailScaleInForbidden); r == nil || !r.Until.Equal(noon.Add(11*time.Minute)) {
		t.Errorf("a scale-out does not show the window: %+v", s.d.Rails)
	}
}

func TestAScaleInThatWaitsForAWindowIsLookedAtWhenItCloses(t *testing.T) {
	s := newScene(t, 1, 10, tracking("cpu", 50)).railed(Rails{ScaleInForbidden: office()}).metric(0, "10x15")
	s.target.Suspended.DynamicScalingOut = true // or the alarm for that would be looked at before
	s.m.registered(s.target)
	if s.at(60).expect(4, ScaleInForbidden); !s.d.Next.Equal(noon.Add(11 * time.Minute)) {
		t.Errorf("looks again at %s", s.d.Next)
	}
}

func TestOfSeveralWindowsTheOneThatClosesLastCounts(t *testing.T) {
	windows := append(office(), ForbiddenWindow{Schedule: instants{0, 120}, Duration: 30 * time.Minute})
	s := newScene(t, 1, 10, tracking("cpu", 50)).railed(Rails{ScaleInForbidden: windows}).metric(0, "10x15")
	s.at(60).expect(4, ScaleInForbidden).says("until 12:30:00 UTC.")
	s.at(120).expect(4, ScaleInForbidden).says("until 12:32:00 UTC.")
	s.at(1919).expect(4, ScaleInForbidden)
	s.at(1920).expect(1, ByTargetTracking)
}

func TestABoundIsLoweredInAForbiddenWindowToo(t *testing.T) {
	s := planned(t, 1, 20, 12, onlyMax("night", 5, 120)).railed(Rails{ScaleInForbidden: office()})
	s.at(120).metric(0, "48x15").expect(5, ByScheduledAction)
}

func TestWhileTheFleetIsBrakedNothingScalesIn(t *testing.T) {
	for _, c := range []struct {
		fleet  Fleet
		wanted int
		why    Reason
	}{
		{Fleet{}, 1, ByTargetTracking},
		{Fleet{Targets: 10, Unready: 10}, 1, ByTargetTracking},
		{Fleet{Targets: 10, Unready: 2, HaltAbove: 20}, 1, ByTargetTracking},
		{Fleet{Targets: 10, Unready: 3, HaltAbove: 20}, 4, HeldByFleetBrake},
		{Fleet{Targets: 3, Unready: 1, HaltAbove: 33}, 4, HeldByFleetBrake},
		{Fleet{HaltAbove: 20}, 1, ByTargetTracking},
	} {
		s := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "10x15")
		s.o.Fleet = c.fleet
		s.expect(c.wanted, c.why)
		s.metric(0, "80x15").expect(7, ByTargetTracking)
	}
}

func TestTheFleetBrakeSaysWhy(t *testing.T) {
	s := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "10x15")
	s.o.Fleet = Fleet{Targets: 10, Unready: 3, HaltAbove: 20}
	s.expect(4, HeldByFleetBrake)
	s.says("policy cpu wants 1, but the fleet brake holds every scale-in: 3 of 10 targets lack data or cannot be described, more than 20 %.")
	if next := s.d.Next.Sub(noon); next != time.Minute {
		t.Errorf("a scale-in that waits for the brake is looked at after %s, expected the next evaluation", next)
	}
}

// seesaw is a target of two step policies without cooldown that is told by its metric where to go.
func seesaw(t *testing.T, g FlapGuard) *scene {
	out, in := outBy(2), stepping("in", LessThanThreshold, 40, below(ChangeInCapacity, -2))
	out.Name, out.ScaleOutCooldown, in.ScaleInCooldown = "out", 0, 0
	return newScene(t, 1, 20, out, in).railed(Rails{FlapGuard: g})
}

// swing makes one activity at that minute, which is fulfilled at once.
func (s *scene) swing(minute, load int) *scene {
	s.Helper()
	s.at(60*minute).metric(0, fmt.Sprint(load)).metric(1, fmt.Sprint(load))
	if s.decide().Action == Hold {
		s.Fatalf("minute %d at load %d: %s", minute, load, s.d.Message())
	}
	return s.write().runs(s.d.Wanted)
}

func TestTheFlapGuardWidensTheScaleInCooldownAndRelaxes(t *testing.T) {
	s := seesaw(t, FlapGuard{Reversals: 3, Within: 30 * time.Minute, Factor: 4, Longest: time.Hour})
	s.swing(1, 60).swing(2, 20).swing(3, 60).swing(4, 20) // out, in, out, in: three reversals
	s.at(300).metric(0, "60").metric(1, "60").expect(6, ByStepScaling).says("Flap guard: the policies have turned round 3 times within 30 min.")
	s.write().runs(6) // the fourth: 1 min x 4 x 4
	s.at(360).metric(0, "20").metric(1, "20").expect(6, HeldByFlapGuard)
	s.says("policy in wants 4, but the flap guard holds scale-in until 12:21:00 UTC: the policies have turned round 4 times within 30 min, so it waits 16 min after the last activity instead of 1 min.")
	if got := s.d.Policies[1]; got.UsualCooldown != time.Minute || got.WidenedCooldown != 16*time.Minute {
		t.Errorf("%s instead of %s", got.WidenedCooldown, got.UsualCooldown)
	}
	s.at(60*21-1).expect(6, HeldByFlapGuard)
	s.at(60*21).expect(4, ByStepScaling)
}

func TestTheFlapGuardAnswersToOurOwnPoliciesAlone(t *testing.T) {
	g := FlapGuard{Reversals: 1, Within: time.Hour, Factor: 2, Longest: time.Hour}
	s := seesaw(t, g).swing(1, 60)
	s.o.Service.Desired, s.o.Service.Running, s.o.Service.Base = 3, 3, 3 // somebody else
	s.at(90).m.Follow(s.target, &s.o.Service, s.now)
	s.target.Max = 2
	s.at(120).metric(0, "50").metric(1, "50").expect(2, LoweredToMax).write().runs(2)
	if f := s.m.Flaps; len(f.Reversals) != 0 || f.Direction != ScaleOut {
		t.Errorf("remembered %+v", f)
	}
}

func TestTheFlapGuardRelaxesWhenReversalsGrowOld(t *testing.T) {
	s := seesaw(t, FlapGuard{Reversals: 2, Within: 10 * time.Minute, Factor: 10, Longest: time.Hour})
	s.swing(1, 60).swing(2, 20).swing(3, 60) // reversals at 2 and 3: 10 min, to 12:13, but the first is old at 12:12
	s.at(240).metric(0, "20").metric(1, "20").expect(6, HeldByFlapGuard).says("until 12:12:00 UTC")
	s.at(60*12-1).expect(6, HeldByFlapGuard)
	s.at(60*12).expect(4, ByStepScaling)
}

func TestTheFlapGuardForgetsWhenItIsSwitchedOff(t *testing.T) {
	s := seesaw(t, FlapGuard{Reversals: 1, Within: time.Hour, Factor: 2, Longest: time.Hour}).swing(1, 60).swing(2, 20)
	s.target.Rails = nil
	s.m.Bind(s.target)
	if s.m.Flaps != nil {
		t.Errorf("remembers %+v", s.m.Flaps)
	}
}

func TestAWriteThatFailsIsNoReversal(t *testing.T) {
	s := seesaw(t, FlapGuard{Reversals: 1, Within: time.Hour, Factor: 2, Longest: time.Hour}).swing(1, 60)
	s.at(120).metric(0, "20").metric(1, "20").expect(4, ByStepScaling).write()
	if n := len(s.m.Flaps.Reversals); n != 1 {
		t.Fatalf("%d reversals", n)
	}
	if s.m.Fail(); len(s.m.Flaps.Reversals) != 0 || s.m.Flaps.Direction != ScaleOut {
		t.Errorf("after the failure %+v", s.m.Flaps)
	}
}

func TestTheFlapGuardSeesThroughTheWindowOfTargetTracking(t *testing.T) {
	s := newScene(t, 1, 20, tracking("cpu", 50)).railed(Rails{FlapGuard: FlapGuard{Reversals: 1, Within: time.Hour, Factor: 2, Longest: time.Hour}})
	s.swing1(1, "80x15").swing1(17, "10x15").swing1(22, "80x15") // two reversals: 15 min x 2 x 2, at most an hour
	s.at(60*38).metric(0, "10x15").decide()
	if s.d.Reason != HeldByFlapGuard || !s.d.Policies[0].CooldownEnds.Equal(noon.Add(77*time.Minute)) {
		// The first reversal is an hour old at 13:17: then one is left, and 30 min are over.
		t.Errorf("until %s: %s", s.d.Policies[0].CooldownEnds, s.d.Message())
	}
}

// swing1 is swing for one policy.
func (s *scene) swing1(minute int, values string) *scene {
	s.Helper()
	s.at(60*minute).metric(0, values)
	if s.decide().Action == Hold {
		s.Fatalf("minute %d: %s", minute, s.d.Message())
	}
	return s.write().runs(s.d.Wanted)
}

func TestNoMoreReversalsAreRememberedThanMatter(t *testing.T) {
	s := seesaw(t, FlapGuard{Reversals: 16, Within: 24 * time.Hour, Factor: 2, Longest: time.Minute})
	for k := range 100 {
		s.swing(5*k+1, 60).swing(5*k+3, 20)
	}
	if n := len(s.m.Flaps.Reversals); n != mostReversals {
		t.Errorf("%d reversals are remembered", n)
	}
}

func TestTheHighestPriorityOfReasonsIsTheBound(t *testing.T) {
	s := newScene(t, 4, 10, tracking("cpu", 50)).railed(Rails{ScaleInForbidden: office()}).metric(0, "10x15")
	s.o.Fleet = Fleet{Targets: 1, Unready: 1, HaltAbove: 20}
	s.at(60).expect(4, AlreadyAtMinCapacity)
	s.target.Min = 1
	s.m.registered(s.target)
	s.expect(4, HeldByFleetBrake)
	s.target.Suspended.DynamicScalingIn = true
	s.m.registered(s.target)
	s.expect(4, DynamicScalingSuspended)
}
