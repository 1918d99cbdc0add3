package evaluator

import (
	"math"
	"testing"
	"time"
)

// outBy scales out by n on a metric above 50.
func outBy(n int) Policy {
	return stepping("out", GreaterThanOrEqualToThreshold, 50, above(ChangeInCapacity, n))
}

// graded is the policy of the reference sequence: +1 for a breach of [0,10), +2 from 10.
func graded() Policy {
	return stepping("p", GreaterThanOrEqualToThreshold, 50, Step{
		AdjustmentType: ChangeInCapacity,
		Adjustments:    []StepAdjustment{{0, 10, 1}, {10, math.Inf(1), 2}},
	})
}

func TestReferenceSequence(t *testing.T) {
	s := newScene(t, 1, 100, graded()).counts(1, 1)
	then := func(name string, now, want int, why Reason) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			s.TB = t
			s.at(now).expect(want, why)
		})
		s.TB = t
	}
	s.metric(0, "55")
	then("t0 m=55 gives 2", 0, 2, ByStepScaling)
	s.write()
	then("case 157: t10 m=55 with running still 1 stays 2", 10, 2, AlreadyAtDesiredCapacity)
	s.at(20).runs(2).metric(0, "65")
	then("case 158: t21 m=65 wants +2, 1 of it is there already", 21, 3, ByStepScaling)
	s.write().at(30).runs(3)
	then("t31 m=65 stays 3", 31, 3, AlreadyAtDesiredCapacity)
	then("case 160: t329 m=65 stays 3, the cooldown began anew at t30", 329, 3, AlreadyAtDesiredCapacity)
	then("case 161: t330 m=65 gives 5", 330, 5, ByStepScaling)
	s.write().at(340).runs(5)
	then("t341 stays 5", 341, 5, AlreadyAtDesiredCapacity)
}

func TestScaleOutCooldown(t *testing.T) {
	start := func(t *testing.T) *scene {
		s := newScene(t, 1, 100, outBy(2)).at(0).metric(0, "60").expect(6, ByStepScaling).write()
		return s.at(20).runs(6)
	}
	t.Run("case 152: +2 and then +3 within the cooldown give one more", func(t *testing.T) {
		s := start(t)
		s.target.Policies[0].Step = above(ChangeInCapacity, 3)
		s.at(60).expect(7, ByStepScaling)
	})
	t.Run("+2 and then +2 within the cooldown give nothing more", func(t *testing.T) {
		start(t).at(60).expect(6, AlreadyAtDesiredCapacity)
	})
	t.Run("case 154: at fulfilment + cooldown the next +2 acts", func(t *testing.T) {
		start(t).at(320).expect(8, ByStepScaling)
	})
	t.Run("case 155: one second early it does not", func(t *testing.T) {
		start(t).at(319).expect(6, AlreadyAtDesiredCapacity)
	})
	t.Run("a smaller adjustment within the cooldown waits for the deadline", func(t *testing.T) {
		s := start(t)
		s.target.Policies[0].Step = above(ChangeInCapacity, 1)
		s.at(60).expect(6, CooldownInEffect)
		if got, want := s.d.Policies[0].CooldownEnds, noon.Add(320*time.Second); !got.Equal(want) {
			t.Errorf("the deadline is %s, expected %s", got, want)
		}
	})
	t.Run("a smaller adjustment while the activity is open", func(t *testing.T) {
		s := newScene(t, 1, 100, outBy(3)).at(0).metric(0, "60").expect(7, ByStepScaling).write()
		s.target.Policies[0].Step = above(ChangeInCapacity, 1)
		s.at(60).runs(6).expect(7, ActivityInProgress)
	})
	t.Run("case 170: with cooldown 0 the open activity still counts", func(t *testing.T) {
		p := outBy(2)
		p.ScaleOutCooldown = 0
		s := newScene(t, 1, 100, p).at(0).metric(0, "60").expect(6, ByStepScaling).write()
		s.at(60).runs(5).expect(6, AlreadyAtDesiredCapacity)
		s.at(120).runs(6).expect(8, ByStepScaling)
	})
	t.Run("an exact capacity is not reduced by credit", func(t *testing.T) {
		s := start(t)
		s.target.Policies[0].Step = above(ExactCapacity, 9)
		s.at(60).expect(9, ByStepScaling)
	})
	t.Run("a changed cooldown holds at once", func(t *testing.T) {
		s := start(t)
		s.target.Policies[0].ScaleOutCooldown = 30 * time.Second
		s.at(60).expect(8, ByStepScaling)
	})
	t.Run("case 166: a scale-in alarm during the scale-out cooldown acts", func(t *testing.T) {
		p := tracking("cpu", 50)
		s := newScene(t, 1, 100, p).at(0).metric(0, "75x3").expect(6, ByTargetTracking).write()
		s.at(20).runs(6).at(60).metric(0, "25x15").expect(3, ByTargetTracking)
		s.target.Policies[0].ScaleInDuringScaleOutCooldown = false
		s.expect(6, CooldownInEffect)
	})
}

func TestTargetTrackingDoesNotRunAway(t *testing.T) {
	s := newScene(t, 1, 100, tracking("cpu", 50)).counts(10, 10).at(0).metric(0, "100x3").expect(20, ByTargetTracking).write()
	s.at(20).runs(20)
	for now := 60; now < 320; now += 60 {
		s.at(now).expect(20, AlreadyAtDesiredCapacity)
	}
	s.at(320).expect(40, ByTargetTracking)
}

func TestCreditDifference(t *testing.T) {
	p := tracking("cpu", 50)
	p.CooldownCredit = CreditDifference
	s := newScene(t, 1, 100, p).counts(10, 10).at(0).metric(0, "75x3").expect(15, ByTargetTracking).write()
	s.at(20).runs(15)
	s.at(60).metric(0, "75x3").expect(18, ByTargetTracking) // 15 x 75 / 50 = 23, five of them are there already.
}

func TestScaleInCooldown(t *testing.T) {
	start := func(t *testing.T) *scene {
		in := stepping("in", LessThanThreshold, 50, below(ChangeInCapacity, -2))
		s := newScene(t, 1, 100, in, outBy(4)).counts(10, 10).at(0).metric(0, "20").metric(1, "20")
		s.expect(8, ByStepScaling).write()
		return s.at(10).runs(8)
	}
	t.Run("case 163: at fulfilment + cooldown a scale-in is allowed", func(t *testing.T) {
		start(t).at(310).expect(6, ByStepScaling)
	})
	t.Run("one second early it is not", func(t *testing.T) {
		s := start(t).at(309).expect(8, CooldownInEffect)
		if got, want := s.d.Policies[0].CooldownEnds, noon.Add(310*time.Second); !got.Equal(want) {
			t.Errorf("the deadline is %s, expected %s", got, want)
		}
	})
	t.Run("case 164: a scale-out acts at once and ends the scale-in cooldown", func(t *testing.T) {
		s := start(t).at(60).metric(1, "60").expect(12, ByStepScaling).write()
		s.at(70).runs(12).at(120).metric(1, "20").expect(10, ByStepScaling)
	})
	t.Run("while a scale-in is in progress there is no other", func(t *testing.T) {
		in := stepping("in", LessThanThreshold, 50, below(ChangeInCapacity, -2))
		s := newScene(t, 1, 100, in).counts(10, 10).at(0).metric(0, "20").expect(8, ByStepScaling).write()
		s.o.Service.Desired, s.o.Service.Running, s.o.Service.Base = 8, 9, 9
		s.at(60).expect(8, ActivityInProgress)
	})
	t.Run("case 119: cooldown 0 is none", func(t *testing.T) {
		s := start(t)
		s.target.Policies[0].ScaleInCooldown = 0
		s.at(60).expect(6, ByStepScaling)
	})
}

func TestCooldownScope(t *testing.T) {
	story := func(t *testing.T, scope CooldownScope) *scene {
		a, b := outBy(2), outBy(2)
		a.Name, b.Name, a.CooldownScope, b.CooldownScope = "a", "b", scope, scope
		s := newScene(t, 1, 100, a, b).at(0).metric(0, "60").metric(1, "20").expect(6, ByStepScaling).write()
		return s.at(20).runs(6).at(60).metric(0, "20").metric(1, "60")
	}
	t.Run("policy: the cooldown of a does not hold b", func(t *testing.T) {
		story(t, ScopePolicy).expect(8, ByStepScaling)
	})
	t.Run("target: the cooldown of a holds b", func(t *testing.T) {
		story(t, ScopeTarget).expect(6, AlreadyAtDesiredCapacity)
	})
	t.Run("target: a scale-in of a in progress holds b", func(t *testing.T) {
		a := stepping("a", LessThanThreshold, 50, below(ChangeInCapacity, -1))
		b := stepping("b", LessThanThreshold, 50, below(ChangeInCapacity, -2))
		a.CooldownScope, b.CooldownScope = ScopeTarget, ScopeTarget
		s := newScene(t, 1, 100, a, b).at(0).metric(0, "20").metric(1, "60").expect(3, ByStepScaling).write()
		s.at(60).metric(0, "60").metric(1, "20").expect(3, ActivityInProgress)
		s.at(61).runs(3).at(120).expect(3, CooldownInEffect)
	})
}

func TestActivitiesThatCameToNothing(t *testing.T) {
	t.Run("case 169: a failed write is tried again without cooldown", func(t *testing.T) {
		s := newScene(t, 1, 100, outBy(2)).at(0).metric(0, "60").expect(6, ByStepScaling)
		s.m.Begin(s.target, &s.d, "a")
		s.m.Fail()
		s.at(60).runs(4).expect(6, ByStepScaling)
	})
	t.Run("and the activity before it goes on", func(t *testing.T) {
		s := newScene(t, 1, 100, graded()).at(0).metric(0, "55").expect(5, ByStepScaling).write()
		s.at(20).runs(5).at(60).metric(0, "65").expect(6, ByStepScaling)
		before := s.m.Clone()
		s.m.Begin(s.target, &s.d, "b")
		s.m.Fail()
		if s.m.Policies[0].Cooldown != before.Policies[0].Cooldown || s.m.Activity != before.Activity {
			t.Errorf("after the failure %+v, before it %+v", s.m, before)
		}
	})
	t.Run("an overridden one leaves no credit", func(t *testing.T) {
		s := newScene(t, 1, 100, outBy(2)).at(0).metric(0, "60").expect(6, ByStepScaling).write()
		s.o.Service.Desired = 5
		s.at(30).runs(5).at(60).expect(7, ByStepScaling)
	})
	t.Run("one that another policy overrides leaves no credit", func(t *testing.T) {
		a, b := outBy(2), outBy(1)
		a.Name, b.Name = "a", "b"
		s := newScene(t, 1, 100, a, b).at(0).metric(0, "60").metric(1, "20").expect(6, ByStepScaling).write()
		s.runs(6).o.Service.Running = 5
		s.m.Activity.Open, s.m.Policies[0].Cooldown = true, Cooldown{Added: 2, OpenAdded: 2}
		s.at(60).metric(0, "20").metric(1, "60").expect(7, ByStepScaling).write()
		if got := s.m.Policies[0].Cooldown; got != (Cooldown{}) {
			t.Errorf("a still has %+v", got)
		}
	})
	t.Run("a policy's own newer activity keeps the chain", func(t *testing.T) {
		s := newScene(t, 1, 100, graded()).at(0).metric(0, "55").expect(5, ByStepScaling).write()
		s.at(60).metric(0, "65").expect(6, ByStepScaling).write()
		if got := s.m.Policies[0].Cooldown; got.Added != 2 || got.OpenAdded != 2 {
			t.Errorf("the chain is %+v, expected 2 added and open", got)
		}
	})
	t.Run("a scale-in of the same policy ends the chain of an open scale-out", func(t *testing.T) {
		s := newScene(t, 1, 100, tracking("cpu", 50)).at(0).metric(0, "75x15").expect(6, ByTargetTracking).write()
		s.at(60).metric(0, "10x15").expect(1, ByTargetTracking).write()
		if got := s.m.Policies[0].Cooldown; got.Added != 0 || got.OpenAdded != 0 {
			t.Errorf("the chain is %+v, expected none", got)
		}
	})
}

func TestWhatWasTakenAwayAgainIsNoCredit(t *testing.T) {
	added := func(t *testing.T) *scene { // 4 and 4 more, all running, the cooldown in force
		t.Helper()
		s := newScene(t, 1, 100, tracking("cpu", 50)).at(0).metric(0, "100x15").expect(8, ByTargetTracking).write()
		return s.at(20).runs(8)
	}
	t.Run("a spike after our own scale-in is answered within the cooldown", func(t *testing.T) {
		s := added(t).at(60).metric(0, "25x15").expect(4, ByTargetTracking).write()
		s.runs(4).at(120).metric(0, "100x15").expect(8, ByTargetTracking)
	})
	t.Run("a spike after somebody else's lowering too", func(t *testing.T) {
		s := added(t)
		s.o.Service.Desired = 4
		s.at(60).runs(4).at(120).metric(0, "100x15").expect(8, ByTargetTracking)
	})
	t.Run("what is left of it still counts", func(t *testing.T) {
		s := added(t)
		s.o.Service.Desired = 6
		s.at(60).runs(6).at(120).metric(0, "75x15").expect(6, AlreadyAtDesiredCapacity)
		s.metric(0, "100x15").expect(8, ByTargetTracking)
	})
	t.Run("a lowering that overrides an open activity takes nothing twice", func(t *testing.T) {
		s := added(t).at(60).metric(0, "150x15").expect(12, ByTargetTracking).write()
		s.o.Service.Desired = 7 // the four of before have become three
		s.at(90).runs(7)
		if got := s.m.Policies[0].Cooldown; got.Added != 3 || got.OpenAdded != 0 {
			t.Errorf("the credit is %+v, expected 3 added and none open", got)
		}
	})
}
