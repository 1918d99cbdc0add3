package evaluator

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestNewMemoryKnowsNothing(t *testing.T) {
	m := NewMemory(&Target{Policies: []Policy{tracking("cpu", 50)}})
	if m.LastDesired != -1 || m.Registered || m.Activity.Open {
		t.Errorf("got %+v", m)
	}
	for _, a := range m.Policies[0].Alarms {
		if a.State != InsufficientDataState {
			t.Errorf("alarm %s starts %s", a.Name, a.State)
		}
	}
}

func TestBind(t *testing.T) {
	before := &Target{Policies: []Policy{tracking("a", 50), tracking("b", 50)}}
	m := NewMemory(before)
	m.Policies[1].Alarms[0].State = AlarmingState
	m.Policies[1].Cooldown.Added = 3
	m.Begin(before, &Decision{Time: noon, Desired: 1, Wanted: 2, Action: ScaleOut, Policy: 1, Policies: []PolicyDecision{{Name: "a"}, {Name: "b"}}}, "x")
	only := tracking("b", 60)
	only.Alarms = only.Alarms[:1]
	m.Bind(&Target{Policies: []Policy{tracking("c", 50), only}})
	if names := []string{m.Policies[0].Name, m.Policies[1].Name}; names[0] != "c" || names[1] != "b" {
		t.Fatalf("bound to %v", names)
	}
	t.Run("case 244: an alarm that is updated keeps its state", func(t *testing.T) {
		if b := m.Policies[1]; len(b.Alarms) != 1 || b.Alarms[0].State != AlarmingState || b.Cooldown.Added != 1 {
			t.Errorf("b lost what was known of it: %+v", b)
		}
	})
	if c := m.Policies[0]; len(c.Alarms) != 2 || c.Alarms[1].State != InsufficientDataState {
		t.Errorf("c did not start fresh: %+v", c)
	}
	if m.Fail(); m.Policies[1].Cooldown.Added != 3 || m.Policies[0].Cooldown.Added != 0 {
		t.Errorf("a failure after the reload went back to %+v", m.Policies)
	}
}

func TestCloneIsDeep(t *testing.T) {
	s := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "80x3").expect(7, ByTargetTracking).write()
	c := s.m.Clone()
	if !reflect.DeepEqual(c, s.m) {
		t.Fatalf("%+v differs from %+v", c, s.m)
	}
	c.Policies[0].Alarms[0].State, c.Undo.Cooldowns[0].Added, c.Policies[0].Cooldown.Added = OKState, 9, 9
	if s.m.Policies[0].Alarms[0].State != AlarmingState || s.m.Undo.Cooldowns[0].Added != 0 || s.m.Policies[0].Cooldown.Added != 3 {
		t.Error("a change of the clone reached the original")
	}
}

func TestRememberReportsWhatIsDurable(t *testing.T) {
	s := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "80x15")
	s.decide()
	if !s.m.Remember(s.target, &s.d) {
		t.Error("an alarm changed its state, but nothing was durable")
	}
	if got := s.m.Policies[0].Alarms[0]; got.State != AlarmingState || !got.Since.Equal(noon) {
		t.Errorf("remembered %+v", got)
	}
	if s.at(60).decide(); s.m.Remember(s.target, &s.d) {
		t.Error("nothing changed, but it was called durable")
	}
	if got := s.m.Policies[0].Alarms[0].Since; !got.Equal(noon) {
		t.Errorf("in ALARM since %s, expected noon", got)
	}
}

func TestRememberSwitchedOff(t *testing.T) {
	s := newScene(t, 1, 10, tracking("cpu", 50)).counts(0, 0).metric(0, "48x15")
	s.decide()
	if s.m.Remember(s.target, &s.d); !s.m.SwitchedOff {
		t.Error("not remembered as switched off")
	}
	s.o.Service.Status = ServiceMissing
	if s.decide(); s.m.Remember(s.target, &s.d) || !s.m.SwitchedOff {
		t.Error("a service that is missing for a while is not thereby switched on")
	}
	s.o.Service.Status = ServiceActive
	if s.counts(2, 2).decide(); !s.m.Remember(s.target, &s.d) || s.m.SwitchedOff {
		t.Error("still remembered as switched off at 2")
	}
}

// opened is a scene in which a scale-out from 4 to 7 has just been written.
func opened(t *testing.T) *scene {
	return newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "80x15").expect(7, ByTargetTracking).write()
}

// Case 374: fulfilled when running has reached desired.
func TestFollowFulfilled(t *testing.T) {
	s := opened(t).at(30)
	s.o.Service.Running = 6
	if seen := s.m.Follow(s.target, &s.o.Service, s.now); seen != (Transition{}) || !s.m.Activity.Open {
		t.Errorf("at 6 of 7: %+v", seen)
	}
	s.at(45).o.Service.Running = 7
	if seen := s.m.Follow(s.target, &s.o.Service, s.now); seen != (Transition{Status: Successful}) {
		t.Errorf("at 7 of 7: %+v", seen)
	}
	c := s.m.Policies[0].Cooldown
	if s.m.Activity.Open || !c.ScaleOutFulfilled.Equal(s.now) || c.Added != 3 || c.OpenAdded != 0 || s.m.Undo != nil {
		t.Errorf("afterwards %+v, %+v", s.m.Activity, c)
	}
}

// Case 375: overridden when somebody sets another count.
func TestFollowOverridden(t *testing.T) {
	s := opened(t).at(30).counts(9, 5)
	want := Transition{Status: Overridden, ChangedTo: 9, Foreign: true, From: 7, To: 9}
	if seen := s.m.Follow(s.target, &s.o.Service, s.now); seen != want {
		t.Errorf("%+v, expected %+v", seen, want)
	}
	if c := s.m.Policies[0].Cooldown; c != (Cooldown{}) || s.m.LastDesired != 9 {
		t.Errorf("afterwards %+v, last desired %d", c, s.m.LastDesired)
	}
	if seen := s.m.Follow(s.target, &s.o.Service, s.now); seen != (Transition{}) {
		t.Errorf("noticed again: %+v", seen)
	}
}

// Case 376: half an hour without capacity is still in progress, an hour is not.
func TestFollowTakesAnHourToGiveUp(t *testing.T) {
	s := opened(t).at(1801)
	if seen := s.m.Follow(s.target, &s.o.Service, s.now); seen != (Transition{}) {
		t.Errorf("after 1801 s: %+v", seen)
	}
	s.at(3600)
	if seen := s.m.Follow(s.target, &s.o.Service, s.now); seen.Status != Unfulfilled || s.m.Policies[0].Cooldown != (Cooldown{}) {
		t.Errorf("after an hour: %+v, %+v", seen, s.m.Policies[0].Cooldown)
	}
}

// Unfulfilled when the service is gone.
func TestFollowAServiceThatIsGone(t *testing.T) {
	for _, status := range []ServiceStatus{ServiceMissing, ServiceInactive} {
		s := opened(t).at(30).counts(0, 0)
		s.o.Service.Status = status
		if seen := s.m.Follow(s.target, &s.o.Service, s.now); seen != (Transition{Status: Unfulfilled}) {
			t.Errorf("%s: %+v", status, seen)
		}
		if s.m.LastDesired != 7 {
			t.Errorf("%s: the 0 of a service that is gone was taken for a count", status)
		}
	}
}

// A description from before the write says nothing.
func TestFollowIgnoresOldDescriptions(t *testing.T) {
	s := opened(t)
	s.o.Service.DescribedAt = noon.Add(-time.Second)
	if seen := s.counts(4, 4).m.Follow(s.target, &s.o.Service, s.now); seen != (Transition{}) || !s.m.Activity.Open {
		t.Errorf("%+v", seen)
	}
}

// A scale-in fulfilled starts the scale-in cooldown.
func TestFollowAScaleIn(t *testing.T) {
	s := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "20x15").expect(2, ByTargetTracking).write()
	s.at(10).runs(2)
	if c := s.m.Policies[0].Cooldown; !c.ScaleInFulfilled.Equal(s.now) || !c.ScaleOutFulfilled.IsZero() {
		t.Errorf("%+v", c)
	}
}

// A change of bounds starts none and ends the credit of what it overrides.
func TestFollowAChangeOfBounds(t *testing.T) {
	s := opened(t).at(30)
	s.target.Max = 5
	s.metric(0, "48x15").expect(5, LoweredToMax).write().runs(5)
	if c := s.m.Policies[0].Cooldown; c != (Cooldown{}) || s.m.Shared != (Cooldown{}) || s.m.Activity.Open {
		t.Errorf("%+v, shared %+v, %+v", c, s.m.Shared, s.m.Activity)
	}
}

// The first look is nobody's change.
func TestFollowTheFirstLook(t *testing.T) {
	s := newScene(t, 1, 10)
	s.m.LastDesired = -1
	if seen := s.m.Follow(s.target, &s.o.Service, s.now); seen != (Transition{}) || s.m.LastDesired != 4 {
		t.Errorf("%+v, last desired %d", seen, s.m.LastDesired)
	}
}

func TestFailWithoutUndoClosesTheActivity(t *testing.T) {
	s := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "80x15").expect(7, ByTargetTracking).write()
	s.m.Undo = nil
	s.m.Fail()
	if s.m.Activity.Open || s.m.LastDesired != 4 || s.m.Policies[0].Cooldown != (Cooldown{}) {
		t.Errorf("%+v", s.m)
	}
	before := *s.m
	if s.m.Fail(); !reflect.DeepEqual(before, *s.m) {
		t.Error("failing twice changed something")
	}
}

func TestMemorySurvivesJSON(t *testing.T) {
	s := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "80x15").expect(7, ByTargetTracking).write()
	for range 2 {
		text, err := json.Marshal(s.m)
		if err != nil {
			t.Fatal(err)
		}
		var again Memory
		if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(&again, s.m) {
			t.Errorf("%v: %s became %+v", err, text, again)
		}
		s.at(30).runs(7)
	}
}

func TestStatusMessages(t *testing.T) {
	for _, c := range []struct {
		status ActivityStatus
		why    string
		want   string
	}{
		{Pending, "", ""},
		{InProgress, "", "Successfully set desired count to 3. Waiting for change to be fulfilled by ecs."},
		{Successful, "", "Successfully set desired count to 3. Change successfully fulfilled by ecs."},
		{Overridden, "", "Successfully set desired count to 3. Found it was later changed to 5."},
		{Unfulfilled, "", "Successfully set desired count to 3. Change was not fulfilled by ecs."},
		{Failed, "Rate exceeded", "Failed to set desired count to 3. Reason: Rate exceeded"},
	} {
		if got := StatusMessage(c.status, 3, 5, c.why); got != c.want {
			t.Errorf("%s: %q, expected %q", c.status, got, c.want)
		}
	}
	if got := ActivityDescription(3); got != "Setting desired count to 3." {
		t.Errorf("description %q", got)
	}
}

func TestCause(t *testing.T) {
	s := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "80x15").expect(7, ByTargetTracking)
	high := s.d.Cause()
	low := s.metric(0, "20x15").expect(2, ByTargetTracking).d.Cause()
	t.Run("case 383: alarm, state and policy in AWS's form", func(t *testing.T) {
		for got, want := range map[string]string{
			high: "monitor alarm ecs-autoscaler/c/s/cpu/high in state ALARM triggered policy cpu",
			low:  "monitor alarm ecs-autoscaler/c/s/cpu/low in state ALARM triggered policy cpu",
		} {
			if got != want {
				t.Errorf("%q, expected %q", got, want)
			}
		}
	})
	if s.metric(0, "48x15").expect(4, WithinTarget); s.d.Cause() != "" {
		t.Errorf("a hold has the cause %q", s.d.Cause())
	}
	for _, d := range []Decision{{Action: ScaleOut, Policy: -1}, {Action: ScaleOut, Policy: 3}} {
		if d.Cause() != "" {
			t.Errorf("a decision of no policy has the cause %q", d.Cause())
		}
	}
}
