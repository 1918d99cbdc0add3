package evaluator

import (
	"testing"
	"time"
)

func TestServicesThatCannotBeScaled(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Service)
		why    Reason
	}{
		{"not described yet", func(s *Service) { *s = Service{} }, ServiceNotDescribed},
		{"not known to ECS", func(s *Service) { s.Status = ServiceMissing }, ServiceNotFound},
		{"draining", func(s *Service) { s.Status = ServiceDraining }, ServiceNotActive},
		{"inactive", func(s *Service) { s.Status = ServiceInactive }, ServiceNotActive},
		{"case 403: a daemon", func(s *Service) { s.Daemon = true }, ServiceNotScalable},
		{"switched off", func(s *Service) { s.Desired, s.Running, s.Base = 0, 0, 0 }, ServiceSwitchedOff},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "80x15")
			s.m.Registered = false
			c.change(&s.o.Service)
			d := s.expect(s.o.Service.Desired, c.why).decide()
			if d.Action != Hold || d.Registers {
				t.Errorf("action %s, registers %t: nothing may be done to it", d.Action, d.Registers)
			}
			p := d.Policies[0]
			if p.Alarms[0].State != AlarmingState {
				t.Errorf("the alarm says %s; alarm states go on whatever the service is", p.Alarms[0].State)
			}
			if p.Action != Hold || p.Reason != c.why || p.HasWanted {
				t.Errorf("the policy says %s %s, wanted %t", p.Action, p.Reason, p.HasWanted)
			}
		})
	}
}

func TestWhatApplicationAutoScalingScalesTooIsJudgedAndNotMoved(t *testing.T) {
	for _, c := range []struct {
		managed Managed
		why     Reason
	}{{ManagedToo, ManagedPolicyConflict}, {ManagedUnknown, ManagedPoliciesUnknown}} {
		managed, why := c.managed, c.why
		s := newScene(t, 1, 10, tracking("cpu", 50)).counts(12, 12).metric(0, "80x15")
		s.m.Registered = false
		s.o.Managed = managed
		d := s.expect(12, why).decide()
		if p := d.Policies[0]; d.Registers || p.Alarms[0].State != AlarmingState || p.Action != Hold || p.Reason != why || !p.HasWanted || p.Wanted <= 12 {
			t.Errorf("registers %t, %+v: what it would want is to be seen, and nothing is to be done", d.Registers, p)
		}
		s.o.Managed = NotManaged
		if d := s.expect(10, LoweredToMax).decide(); !d.Registers {
			t.Error("it is registered when nothing stands against it any more")
		}
	}
}

func TestSwitchedOff(t *testing.T) {
	off := func(t *testing.T, lowest, last int) *scene {
		s := newScene(t, lowest, 10, tracking("cpu", 50)).counts(0, 0).metric(0, "80x15")
		s.m.LastDesired = last
		return s
	}
	t.Run("a 0 found at first sight is a person's", func(t *testing.T) {
		off(t, 2, -1).expect(0, ServiceSwitchedOff)
	})
	t.Run("a 0 set later is a person's", func(t *testing.T) {
		off(t, 2, 5).expect(0, ServiceSwitchedOff)
	})
	t.Run("and stays one after the look that noticed it, until a count above 0 is set", func(t *testing.T) {
		s := off(t, 2, 5)
		if seen := s.m.Follow(s.target, &s.o.Service, s.now); !seen.Foreign || seen.From != 5 || seen.To != 0 {
			t.Errorf("noticed %+v", seen)
		}
		s.expect(0, ServiceSwitchedOff)
		s.m.Remember(s.target, &s.d)
		s.o.Service.Desired = 1
		s.runs(1).expect(2, ByTargetTracking)
		if s.m.SwitchedOff {
			t.Error("it is still called switched off")
		}
	})
	t.Run("our own 0 from a time when min was 0 is raised", func(t *testing.T) {
		s := off(t, 2, 0)
		s.m.Min, s.m.File.Min = 0, 0
		s.o.Series[0].Values = nil
		s.expect(2, RaisedToMinCapacity)
	})
	t.Run("the option starts such services", func(t *testing.T) {
		s := off(t, 2, 5)
		s.target.StartSwitchedOff = true
		s.o.Series[0].Values = nil
		s.expect(2, RaisedToMinCapacity)
	})
	t.Run("with min 0 it is simply at 0", func(t *testing.T) {
		off(t, 0, 5).expect(1, ByTargetTracking)
	})
}

func TestRegistration(t *testing.T) {
	unregistered := func(t *testing.T, lowest, highest, count int) *scene {
		s := newScene(t, lowest, highest, tracking("cpu", 50)).counts(count, count).metric(0, "48x15")
		s.m.Registered = false
		return s
	}
	t.Run("case 140: the first sight raises to min", func(t *testing.T) {
		s := unregistered(t, 3, 10, 1).expect(3, RaisedToMinCapacity)
		if s.d.Cause() != "minimum capacity was set to 3" || !s.d.Registers {
			t.Errorf("cause %q, registers %t", s.d.Cause(), s.d.Registers)
		}
	})
	t.Run("a later change of min does, too", func(t *testing.T) {
		s := newScene(t, 3, 10, tracking("cpu", 50)).counts(1, 1).metric(0, "48x15")
		s.m.Min, s.m.File.Min = 1, 1
		s.expect(3, RaisedToMinCapacity)
		s.m.registered(s.target)
		s.expect(1, WithinTarget)
	})
	t.Run("and lowers to max", func(t *testing.T) {
		s := unregistered(t, 1, 4, 9).expect(4, LoweredToMax)
		if s.d.Cause() != "maximum capacity was set to 4" {
			t.Errorf("cause %q", s.d.Cause())
		}
	})
	t.Run("case 143: down to 0", func(t *testing.T) {
		unregistered(t, 0, 0, 1).expect(0, LoweredToMax)
	})
	t.Run("within the bounds it registers without a write", func(t *testing.T) {
		if s := unregistered(t, 1, 10, 4).expect(4, WithinTarget); !s.d.Registers || s.d.Action != Hold {
			t.Errorf("registers %t, action %s", s.d.Registers, s.d.Action)
		}
	})
	t.Run("a restart with state is not a registration", func(t *testing.T) {
		if s := newScene(t, 5, 10, tracking("cpu", 50)).metric(0, "48x15").expect(4, WithinTarget); s.d.Registers {
			t.Error("it registers")
		}
	})
	t.Run("policies act within the new bounds in the same decision", func(t *testing.T) {
		s := unregistered(t, 3, 10, 2)
		s.metric(0, "100x15").expect(4, ByTargetTracking)
		s.metric(0, "500x15").expect(10, ByTargetTracking)
		s.m.Begin(s.target, &s.d, "a")
		if got := s.m.Policies[0].Cooldown.Added; got != 7 {
			t.Errorf("the policy is credited with %d, expected the 7 above min", got)
		}
	})
	t.Run("suspension and deployments do not stop it", func(t *testing.T) {
		s := unregistered(t, 1, 4, 9)
		s.target.Suspended = SuspendedState{DynamicScalingIn: true, DynamicScalingOut: true}
		s.o.Service.Deploying = true
		s.expect(4, LoweredToMax)
	})
}

func TestActionsNeedMoreThanStates(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*scene)
		why    Reason
	}{
		{"the newest datapoint missing", func(s *scene) { s.metric(0, "20x16 _") }, StaleData},
		{"a partial read", func(s *scene) { s.metric(0, "20x17").o.Series[0].Partial = true }, InsufficientData},
		{"gaps, but M real ones", func(s *scene) { s.metric(0, "_x2 20x14 20 _ 20") }, ""},
		{"fewer than M real ones", func(s *scene) { s.metric(0, "_ 20 _x3 20x10 _ 20") }, InsufficientData},
		{"a failed read", func(s *scene) { s.metric(0, "20x17").o.Series[0].Failed = true }, StaleData},
		{"a metric never read", func(s *scene) { s.o.Series[0] = nil }, InsufficientData},
		{"no series at all", func(s *scene) { s.o.Series = nil }, InsufficientData},
		{"an alarm that is not due", func(s *scene) { s.metric(0, "20x17").o.Due = []bool{false} }, NothingDue},
	} {
		t.Run("scale-in with "+c.name, func(t *testing.T) {
			s := newScene(t, 1, 10, tracking("cpu", 50))
			s.m.Policies[0].Alarms[1].State = AlarmingState
			c.change(s)
			if c.why == "" {
				s.expect(2, ByTargetTracking)
				return
			}
			s.expect(4, c.why)
			if got := s.d.Policies[0].Alarms[1].State; got != AlarmingState {
				t.Errorf("the alarm is %s; its state is CloudWatch's and not lost", got)
			}
		})
	}
	breaching := func(t *testing.T, values string) *scene {
		p := stepping("p", GreaterThanThreshold, 50, above(ChangeInCapacity, 1))
		p.Alarms[0].EvaluationPeriods, p.Alarms[0].DatapointsToAlarm, p.Alarms[0].Missing = 3, 2, TreatBreaching
		return newScene(t, 1, 10, p).metric(0, values)
	}
	t.Run("fills alone do not scale out", func(t *testing.T) {
		breaching(t, "_x5").expect(4, InsufficientData)
		breaching(t, "_x4 20").expect(4, InsufficientData)
		breaching(t, "_x3 20 _").expect(4, StaleData)
	})
	t.Run("one real breaching datapoint does", func(t *testing.T) {
		breaching(t, "_x4 60").expect(5, ByStepScaling)
	})
	t.Run("a partial read may scale out", func(t *testing.T) {
		s := breaching(t, "60x5")
		s.o.Series[0].Partial = true
		s.expect(5, ByStepScaling)
	})
}

func TestAMemoryThatWasNeverBoundIsThatOfAFreshStart(t *testing.T) {
	s := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "80x15")
	s.m = &Memory{LastDesired: 4}
	s.expect(7, ByTargetTracking)
	if got := s.d.Policies[0].Alarms[0].Previous; got != InsufficientDataState {
		t.Errorf("the alarm was %s before", got)
	}
	s.m.Begin(s.target, &s.d, "a")
	if !s.m.Remember(s.target, &s.d) || s.m.Activity.To != 7 || len(s.m.Policies) > 0 {
		t.Errorf("remembered %+v", s.m)
	}
}

func TestReasonOfADecision(t *testing.T) {
	t.Run("a stopped scale-out speaks before a stopped scale-in", func(t *testing.T) {
		in := stepping("in", LessThanThreshold, 50, below(ChangeInCapacity, -1))
		out := stepping("out", GreaterThanThreshold, 50, above(ChangeInCapacity, 1))
		s := newScene(t, 1, 10, in, out).metric(0, "20").metric(1, "60")
		s.target.Suspended = SuspendedState{DynamicScalingIn: true, DynamicScalingOut: true}
		if s.expect(4, DynamicScalingSuspended); s.d.Policy != 1 {
			t.Errorf("it is about policy %d, expected out", s.d.Policy)
		}
	})
	t.Run("at a bound the bound is the reason, whatever else stops the wish", func(t *testing.T) {
		s := newScene(t, 4, 4, tracking("cpu", 50)).metric(0, "20x15")
		s.target.Suspended = SuspendedState{DynamicScalingIn: true, DynamicScalingOut: true}
		s.expect(4, AlreadyAtMinCapacity).metric(0, "80x15").expect(4, AlreadyAtMaxCapacity)
	})
	t.Run("a policy that lacks data speaks before one that is content", func(t *testing.T) {
		s := newScene(t, 1, 10, tracking("a", 50), tracking("b", 50)).metric(0, "48x15").metric(1, "_")
		s.expect(4, InsufficientData)
	})
	t.Run("step policies alone say AlarmNotInAlarm", func(t *testing.T) {
		out := stepping("out", GreaterThanThreshold, 50, above(ChangeInCapacity, 1))
		newScene(t, 1, 10, out).metric(0, "20").expect(4, AlarmNotInAlarm)
	})
	t.Run("beside target tracking it is WithinTarget", func(t *testing.T) {
		out := stepping("out", GreaterThanThreshold, 50, above(ChangeInCapacity, 1))
		newScene(t, 1, 10, tracking("a", 50), out).metric(0, "48x15").metric(1, "20").expect(4, WithinTarget)
	})
	t.Run("without policies there is nothing due", func(t *testing.T) {
		newScene(t, 1, 10).expect(4, NothingDue)
	})
}

func TestNext(t *testing.T) {
	at := func(now time.Time, periods ...int64) time.Time {
		target := &Target{Key: Key{Cluster: "c", Service: "s"}, Max: 1}
		for _, p := range periods {
			target.Metrics = append(target.Metrics, Metric{Period: p})
		}
		var d Decision
		Evaluate(target, &Observation{}, NewMemory(target), now, &d)
		return d.Next
	}
	for _, c := range []struct {
		name    string
		now     time.Duration
		periods []int64
		want    time.Duration
	}{
		{"on a whole minute it is the next one", 0, []int64{60}, time.Minute},
		{"in between it is the end of this one", 7 * time.Second, []int64{60}, time.Minute},
		{"just before it is still this one", 59*time.Second + 999*time.Millisecond, []int64{300}, time.Minute},
		{"a period under a minute is looked at every ten seconds", 12 * time.Second, []int64{60, 20}, 20 * time.Second},
		{"without metrics it is the next minute", 0, nil, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := at(noon.Add(c.now), c.periods...); !got.Equal(noon.Add(c.want)) {
				t.Errorf("looks again at %s, expected %s", got, noon.Add(c.want))
			}
		})
	}
}

func TestMixedPeriodsScaleInTogether(t *testing.T) {
	fast, slow := tracking("fast", 50), tracking("slow", 50)
	fast.Alarms[1].EvaluationPeriods, fast.Alarms[1].DatapointsToAlarm = 30, 30
	s := newScene(t, 1, 100, fast, slow)
	s.target.Metrics[0].Period = 20
	s.metric(0, "10x36").metric(1, "30x17")
	s.m.Policies[1].Alarms[1].State = AlarmingState
	s.o.Due = []bool{true, false}
	t.Log("between whole minutes the slow policy is not ready")
	s.expect(4, PolicyNotReadyToScaleIn)
	s.o.Due = nil
	t.Log("at the whole minute the larger of both counts")
	s.expect(3, ByTargetTracking)
}

func TestMetricMathIsCalledByItsReturnedLine(t *testing.T) {
	single := Metric{MetricName: "CPUUtilization"}
	math := Metric{Queries: []MetricDataQuery{{ID: "m1", Metric: &single}, {ID: "e1", Expression: "m1 / 2", ReturnData: true}}}
	plain := Metric{Queries: []MetricDataQuery{{ID: "m1", Metric: &single, ReturnData: true}}}
	for want, m := range map[string]*Metric{"CPUUtilization": &single, "m1 / 2": &math} {
		if got := m.label(); got != want {
			t.Errorf("called %q, expected %q", got, want)
		}
	}
	if plain.label() != "CPUUtilization" {
		t.Errorf("called %q", plain.label())
	}
}

func TestParseKey(t *testing.T) {
	for _, k := range []Key{{Cluster: "c", Service: "s"}, {Cluster: "prod-eu", Service: "web_1"}, {"staging", "c", "s"}} {
		if got := ParseKey(k.String()); got != k {
			t.Errorf("%q became %+v", k, got)
		}
	}
	if got := ParseKey("web"); got != (Key{Service: "web"}) {
		t.Errorf("text without a slash became %+v", got)
	}
}
