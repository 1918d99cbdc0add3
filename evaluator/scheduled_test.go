package evaluator

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// instants is a schedule of given fires, in seconds after noon.
type instants []int

func (s instants) Next(after, _ time.Time) (time.Time, bool) {
	for _, at := range s {
		if t := noon.Add(time.Duration(at) * time.Second); t.After(after) {
			return t, true
		}
	}
	return time.Time{}, false
}

func (s instants) Newest(after, until, _ time.Time) (time.Time, bool) {
	for _, at := range slices.Backward(s) {
		if t := noon.Add(time.Duration(at) * time.Second); t.After(after) && !t.After(until) {
			return t, true
		}
	}
	return time.Time{}, false
}

// onlyMin, onlyMax and both are actions that catch up.
func both(name string, low, high int, at ...int) ScheduledAction {
	return ScheduledAction{Name: name, Schedule: instants(at), Min: new(low), Max: new(high), CatchUp: true}
}

func onlyMin(name string, low int, at ...int) ScheduledAction {
	return ScheduledAction{Name: name, Schedule: instants(at), Min: new(low), CatchUp: true}
}

func onlyMax(name string, high int, at ...int) ScheduledAction {
	return ScheduledAction{Name: name, Schedule: instants(at), Max: new(high), CatchUp: true}
}

// planned is a target with count tasks and scheduled actions that were first seen at noon.
func planned(t testing.TB, lowest, highest, count int, actions ...ScheduledAction) *scene {
	t.Helper()
	s := newScene(t, lowest, highest, tracking("cpu", 50)).counts(count, count).metric(0, "48x20")
	s.m.LastDesired = count
	s.target.ScheduledActions = actions
	s.m.Bind(s.target)
	s.decide()
	s.m.Remember(s.target, &s.d)
	return s
}

// carry takes the decision as carried out and fulfilled.
func (s *scene) carry() *scene {
	if s.d.Action != Hold {
		s.d.Outcome = OutcomeWritten
		s.m.Begin(s.target, &s.d, "a")
		s.o.Service.Desired = s.d.Wanted
		s.runs(s.d.Wanted)
	}
	s.m.Remember(s.target, &s.d)
	return s
}

// bounds compares the bounds in force.
func (s *scene) bounds(lowest, highest int) *scene {
	s.Helper()
	if s.d.Min != lowest || s.d.Max != highest {
		s.Errorf("at %s: bounds %d to %d, expected %d to %d", s.now.Sub(noon), s.d.Min, s.d.Max, lowest, highest)
	}
	return s
}

func TestAScheduledActionSetsTheBoundsForGood(t *testing.T) {
	for _, c := range []struct {
		name                    string
		lowest, highest, count  int
		action                  ScheduledAction
		min, max, wanted        int
		why                     Reason
		status                  FireStatus
		cause, activity, spoken string
	}{
		{
			name: "case 338: a count below the new min is raised to it", lowest: 1, highest: 10, count: 3, action: onlyMin("day", 5, 60),
			min: 5, max: 10, wanted: 5, why: ByScheduledAction, status: FireApplied, cause: "minimum capacity was set to 5",
			activity: "Successfully set min capacity to 5 and max capacity to 10.",
			spoken:   "Would scale out from 3 to 5: scheduled action day set min capacity to 5 and max capacity to 10.",
		},
		{
			name: "a count above the new max is lowered to it", lowest: 1, highest: 10, count: 8, action: onlyMax("night", 6, 60),
			min: 1, max: 6, wanted: 6, why: ByScheduledAction, status: FireApplied, cause: "maximum capacity was set to 6",
		},
		{
			name: "case 340: a count within the new bounds stays", lowest: 1, highest: 10, count: 4, action: both("mid", 2, 6, 60),
			min: 2, max: 6, wanted: 4, why: WithinTarget, status: FireApplied,
			spoken: "Held at 4: no target-tracking alarm is in ALARM; policy cpu saw CPUUtilization at 48, its target is 50. " +
				"Scheduled action mid set min capacity to 2 and max capacity to 6.",
		},
		{
			name: "case 341: a bound that would cross the other fails and changes nothing", lowest: 1, highest: 4, count: 2, action: onlyMin("day", 5, 60),
			min: 1, max: 4, wanted: 2, why: WithinTarget, status: FireFailed,
			activity: "Failed to set min capacity to 5 and max capacity to 4. Reason: min capacity must not exceed max capacity: " +
				"a scheduled action that moves one bound past the other has to set both.",
		},
		{
			name: "case 343: both to 0 stops every task", lowest: 3, highest: 10, count: 4, action: both("off", 0, 0, 60),
			min: 0, max: 0, wanted: 0, why: ByScheduledAction, status: FireApplied, cause: "maximum capacity was set to 0",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := planned(t, c.lowest, c.highest, c.count, c.action).at(59)
			if s.decide(); len(s.d.Scheduled) > 0 {
				t.Error("it fires a second early")
			}
			s.at(60).expect(c.wanted, c.why).bounds(c.min, c.max)
			f := s.d.Scheduled[0]
			if f.Status != c.status || s.d.Cause() != c.cause {
				t.Errorf("fire is %s, cause %q", f.Status, s.d.Cause())
			}
			if _, text := f.Activity(); c.activity != "" && text != c.activity {
				t.Errorf("activity: %s", text)
			}
			if got := s.d.Message(); c.spoken != "" && got != c.spoken {
				t.Errorf("says %s", got)
			}
			s.carry().at(120).expect(c.wanted, WithinTarget).bounds(c.min, c.max)
			if len(s.d.Scheduled) > 0 {
				t.Error("it fires twice")
			}
		})
	}
}

func TestOrderOfScheduledActions(t *testing.T) {
	t.Run("case 350: of one instant in file order, each clamping what the one before left", func(t *testing.T) {
		s := planned(t, 1, 10, 3, onlyMin("a", 5, 60), both("b", 1, 4, 60)).at(60).expect(4, ByScheduledAction).bounds(1, 4)
		if got := s.d.Message(); !strings.Contains(got, "scheduled actions a, b set") {
			t.Errorf("says %s", got)
		}
	})
	t.Run("different instants come in their order, whatever the file's", func(t *testing.T) {
		planned(t, 1, 10, 3, onlyMin("later", 2, 65), onlyMin("sooner", 7, 60)).at(70).expect(7, ByScheduledAction).bounds(2, 10)
	})
	t.Run("case 349: no cooldown holds them back", func(t *testing.T) {
		s := newScene(t, 1, 20, tracking("cpu", 50)).counts(4, 4).metric(0, "75x15")
		s.target.ScheduledActions = []ScheduledAction{onlyMin("day", 10, 60)}
		s.m.Bind(s.target)
		s.expect(6, ByTargetTracking).carry()
		s.at(60).metric(0, "75x15").expect(10, ByScheduledAction)
	})
	t.Run("case 167: nor one that is being fulfilled", func(t *testing.T) {
		s := planned(t, 1, 20, 4, onlyMin("day", 10, 60)).metric(0, "75x15").expect(6, ByTargetTracking)
		s.write().runs(5)
		s.at(60).metric(0, "75x15").expect(10, ByScheduledAction)
	})
	t.Run("policies act within the new bounds in the same decision, and only what they add is their credit", func(t *testing.T) {
		s := planned(t, 1, 20, 4, onlyMin("day", 6, 60)).at(60).metric(0, "100x15").expect(8, ByTargetTracking)
		if s.carry(); s.m.Policies[0].Cooldown.Added != 2 {
			t.Errorf("credit %d, expected 2 of the 4 added", s.m.Policies[0].Cooldown.Added)
		}
	})
	t.Run("a scale-in of a policy ends at the new min", func(t *testing.T) {
		planned(t, 1, 20, 4, onlyMin("day", 3, 60)).at(60).metric(0, "10x15").expect(3, ByTargetTracking)
	})
}

func TestScheduledScalingSuspended(t *testing.T) {
	t.Run("case 175: what was due while suspended is not made up for", func(t *testing.T) {
		s := planned(t, 1, 10, 3, onlyMin("once", 5, 60))
		s.suspend(true)
		s.at(60).expect(3, ScheduledScalingSuspended).bounds(1, 10).carry()
		if !strings.Contains(s.d.Message(), "scheduled action once") {
			t.Errorf("says %s", s.d.Message())
		}
		s.suspend(false)
		s.at(360).expect(3, WithinTarget).bounds(1, 10)
	})
	t.Run("case 176: the next fire after resuming runs", func(t *testing.T) {
		s := planned(t, 1, 10, 3, onlyMin("daily", 5, 60, 120))
		s.suspend(true)
		s.at(60).decide()
		s.carry().suspend(false)
		s.at(120).expect(5, ByScheduledAction).bounds(5, 10)
	})
	t.Run("a configuration that resumes at the instant of the fire does not replay it", func(t *testing.T) {
		s := planned(t, 1, 10, 3, onlyMin("once", 5, 60))
		s.target.Suspended.Scheduled = true
		s.decide()
		s.carry()
		s.target.Suspended.Scheduled = false
		s.at(600).decide()
		s.bounds(1, 10)
	})
}

// suspend switches scheduled scaling off or on at run time.
func (s *scene) suspend(yes bool) {
	r := s.m.InForce(s.target)
	r.Suspended.Scheduled = yes
	s.m.Register(s.target, r)
}

func TestScheduledActionsThatWereMissed(t *testing.T) {
	t.Run("case 355: the newest missed fire of each is replayed in time order, then the count is clamped once", func(t *testing.T) {
		s := planned(t, 1, 10, 3, onlyMin("day", 8, 60, 660), both("night", 1, 4, 120, 720)).at(1200)
		s.expect(3, WithinTarget).bounds(1, 4)
		if len(s.d.Scheduled) != 2 || s.d.Scheduled[0].Name != "day" || !s.d.Scheduled[0].At.Equal(noon.Add(660*time.Second)) {
			t.Errorf("fires %+v", s.d.Scheduled)
		}
	})
	t.Run("without catching up they are let go", func(t *testing.T) {
		a := onlyMin("day", 8, 60, 660)
		a.CatchUp = false
		s := planned(t, 1, 10, 3, a).at(120).expect(3, WithinTarget).bounds(1, 10).carry()
		if !strings.HasSuffix(s.d.Message(), "was missed while nobody looked, and catch_up is none.") {
			t.Errorf("says %s", s.d.Message())
		}
		s.at(719).expect(8, ByScheduledAction) // 59 s late is not missed
	})
	t.Run("a first start has missed nothing", func(t *testing.T) {
		s := newScene(t, 1, 10, tracking("cpu", 50)).at(600).metric(0, "48x20")
		s.target.ScheduledActions = []ScheduledAction{onlyMin("past", 8, 60, 600)}
		s.m.Bind(s.target)
		s.expect(4, WithinTarget).carry()
		s.at(660).expect(4, WithinTarget).bounds(1, 10)
	})
	t.Run("a changed schedule starts anew, a changed bound does not", func(t *testing.T) {
		s := planned(t, 1, 10, 3, onlyMin("day", 8, 60))
		s.target.ScheduledActions = []ScheduledAction{onlyMin("day", 9, 60)}
		s.m.Bind(s.target)
		if s.at(60).expect(9, ByScheduledAction); s.m.Actions[0].Registered != noon {
			t.Error("the action was registered anew")
		}
		s.target.ScheduledActions[0].Identity = "another"
		if s.m.Bind(s.target); !s.m.Actions[0].Registered.IsZero() {
			t.Error("the schedule is another one, yet known")
		}
	})
}

func TestBoundsInForce(t *testing.T) {
	raised := func(t *testing.T) *scene {
		s := planned(t, 1, 10, 3, onlyMin("day", 5, 60)).at(60)
		s.decide()
		return s.carry()
	}
	t.Run("a restart keeps them", func(t *testing.T) {
		s := raised(t)
		text, err := json.Marshal(s.m)
		if err != nil {
			t.Fatal(err)
		}
		var again Memory
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatal(err)
		}
		again.Bind(s.target)
		s.m = &again
		if s.at(180).expect(5, WithinTarget).bounds(5, 10); s.d.Registers {
			t.Error("the restart registers the target anew")
		}
	})
	t.Run("a changed value in the configuration wins, and registers the target anew", func(t *testing.T) {
		s := raised(t)
		s.target.Max = 4
		s.at(120).expect(4, LoweredToMax).bounds(1, 4) // the scheduled 5 would cross it, so that both are the file's again
		s.target.Max = 12
		s.expect(5, WithinTarget).bounds(5, 12)
		s.target.Min = 2
		if s.expect(5, WithinTarget).bounds(2, 12); !s.d.Registers {
			t.Error("it does not register")
		}
	})
	t.Run("case 142: a registration that changes the suspension alone clamps the count", func(t *testing.T) {
		s := newScene(t, 1, 4, tracking("cpu", 50)).counts(9, 9).metric(0, "48x20")
		s.expect(9, WithinTarget)
		r := s.m.InForce(s.target)
		r.Suspended.DynamicScalingOut = true
		s.m.Register(s.target, r)
		s.expect(4, LoweredToMax)
	})
	t.Run("what a person switched off stays off when a schedule fires", func(t *testing.T) {
		s := planned(t, 1, 10, 3, onlyMin("day", 5, 60))
		s.counts(0, 0).runs(0).at(60).expect(0, ServiceSwitchedOff).bounds(5, 10)
		s.carry().counts(2, 2).at(120).runs(2).expect(5, RaisedToMinCapacity)
	})
	t.Run("the 0 of a schedule is no person's, and the next one raises it", func(t *testing.T) {
		s := planned(t, 1, 10, 3, both("off", 0, 0, 60), both("on", 2, 10, 120)).at(60)
		s.expect(0, ByScheduledAction)
		s.carry().at(120).expect(2, ByScheduledAction)
	})
	t.Run("a write that fails is made up for", func(t *testing.T) {
		s := planned(t, 1, 10, 3, onlyMin("day", 5, 60)).at(60).expect(5, ByScheduledAction)
		s.d.Outcome = OutcomeFailed + "throttled"
		s.m.Remember(s.target, &s.d)
		s.at(120).expect(5, RaisedToMinCapacity).bounds(5, 10)
	})
	t.Run("until the service has been described nothing fires, then it is made up for", func(t *testing.T) {
		s := planned(t, 1, 10, 3, onlyMin("day", 5, 60)).at(60)
		s.o.Service.DescribedAt = time.Time{}
		s.expect(3, ServiceNotDescribed).bounds(1, 10).carry()
		s.at(120).expect(5, ByScheduledAction).bounds(5, 10)
	})
	t.Run("a service that ECS does not know keeps the bounds, and is clamped when it is there", func(t *testing.T) {
		s := planned(t, 1, 10, 3, onlyMin("day", 5, 60)).at(60)
		s.o.Service.Status = ServiceMissing
		s.expect(3, ServiceNotFound).bounds(5, 10).carry()
		s.o.Service.Status = ServiceActive
		s.at(120).expect(5, RaisedToMinCapacity)
	})
	t.Run("bounds that the file changes meanwhile are not forgotten either", func(t *testing.T) {
		s := planned(t, 1, 10, 3)
		s.target.Min, s.o.Service.Status = 5, ServiceInactive
		s.expect(3, ServiceNotActive).carry()
		s.o.Service.Status = ServiceActive
		s.at(120).expect(5, RaisedToMinCapacity)
	})
	t.Run("what a person switched off stays off also when min was 0 in between", func(t *testing.T) {
		s := planned(t, 1, 10, 3, onlyMin("night", 0, 60), onlyMin("day", 3, 120))
		s.counts(0, 0).runs(0).decide()
		s.carry().at(60).decide()
		s.carry().at(120).expect(0, ServiceSwitchedOff).bounds(3, 10)
	})
	t.Run("what the file raised is not called a scheduled action's doing", func(t *testing.T) {
		s := planned(t, 1, 10, 3, onlyMax("widen", 12, 60)).at(60)
		s.target.Min = 5
		s.expect(5, RaisedToMinCapacity).bounds(5, 12)
	})
	t.Run("a clock that was ahead costs no fire", func(t *testing.T) {
		s := planned(t, 1, 10, 3, onlyMin("day", 5, 3600)).at(86400)
		s.o.Service.Status = ServiceMissing
		s.decide()
		s.carry()
		if back := noon.Add(60 * time.Second); !s.m.Rewind(s.target, back, 0) || s.m.Rewind(s.target, back, 0) {
			t.Error("it is to be news once")
		}
		s.o.Service.Status = ServiceActive
		if at := s.at(60).decide().Next; !s.m.NextFire().Equal(noon.Add(time.Hour)) || at.After(noon.Add(time.Hour)) {
			t.Errorf("next fire %s", s.m.NextFire())
		}
	})
	t.Run("a memory from before there were runtime bounds is not registered anew", func(t *testing.T) {
		s := newScene(t, 1, 10, tracking("cpu", 50)).counts(12, 12).metric(0, "48x20")
		var old Memory
		if err := json.Unmarshal([]byte(`{"registered":true,"min":1,"max":10,"last_desired":12,"policies":null}`), &old); err != nil {
			t.Fatal(err)
		}
		old.Bind(s.target)
		s.m = &old
		s.expect(12, WithinTarget)
	})
}

func TestADecisionWithScheduledActionsSurvivesItsJSON(t *testing.T) {
	s := planned(t, 1, 10, 3, onlyMin("day", 5, 60), onlyMin("wrong", 50, 60)).at(60).expect(5, ByScheduledAction)
	text, err := json.Marshal(s.d)
	if err != nil {
		t.Fatal(err)
	}
	var again Decision
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if again.Message() != s.d.Message() || again.Start != 5 {
		t.Errorf("start %d, message %s", again.Start, again.Message())
	}
	if diff := cmp.Diff(s.d.Scheduled, again.Scheduled); diff != "" {
		t.Error(diff)
	}
	var kept Decision
	kept.CopyFrom(&s.d)
	if s.d.Scheduled[0].Name = "x"; kept.Scheduled[0].Name != "day" {
		t.Error("the copy is not deep")
	}
}
