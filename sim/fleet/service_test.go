package fleet_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ecs-autoscaler/sim/fleet"
)

// spec is a service of n tasks that take 30 s to start.
func spec(n int) fleet.Spec {
	return fleet.Spec{
		Cluster: "c", Name: "s", Seed: 1, Desired: n, TaskStart: 30 * time.Second, PlacementLimit: fleet.Unlimited,
		MinimumHealthyPercent: 100, MaximumPercent: 200, Controller: fleet.ECS, Status: fleet.Active, TaskDefinition: "s:1",
	}
}

func sec(n int) time.Duration { return time.Duration(n) * time.Second }

// counts is desired/running/pending.
func counts(v fleet.View) string { return fmt.Sprintf("%d/%d/%d", v.Desired, v.Running, v.Pending) }

func expect(t *testing.T, s *fleet.Service, at time.Duration, want string) {
	t.Helper()
	if got := counts(s.View(at)); got != want {
		t.Errorf("at %v the service is %s, want %s", at, got, want)
	}
}

// rollouts are the deployments as revision:running+pending:rollout, newest first.
func rollouts(v fleet.View) string {
	var parts []string
	for _, d := range v.Deployments {
		parts = append(parts, fmt.Sprintf("%s:%d+%d:%s", d.TaskDefinition, d.Running, d.Pending, d.Rollout))
	}
	return strings.Join(parts, " ")
}

func said(v fleet.View, text string) bool {
	return slices.ContainsFunc(v.Messages, func(m fleet.Message) bool { return strings.Contains(m.Text, text) })
}

func TestTasksRunFromTheBeginning(t *testing.T) {
	s := fleet.New(spec(3))
	expect(t, s, 0, "3/3/0")
	if v := s.View(0); rollouts(v) != "s:1:3+0:COMPLETED" {
		t.Errorf("deployments %s, want one, completed", rollouts(v))
	}
}

func TestTasksTakeTimeToStartAndStop(t *testing.T) {
	p := spec(2)
	p.TaskStop = sec(10)
	s := fleet.New(p)
	s.Update(sec(100), new(4), "", false)
	expect(t, s, sec(100), "4/2/2")
	expect(t, s, sec(129), "4/2/2")
	expect(t, s, sec(130), "4/4/0")
	s.Update(sec(200), new(1), "", false)
	expect(t, s, sec(200), "1/4/0")
	expect(t, s, sec(209), "1/4/0")
	expect(t, s, sec(210), "1/1/0")
}

func TestScalingInCancelsTasksThatDoNotRunYetFirst(t *testing.T) {
	s := fleet.New(spec(2))
	s.Update(0, new(5), "", false)
	s.Update(sec(10), new(3), "", false)
	expect(t, s, sec(10), "3/2/1")
	expect(t, s, sec(30), "3/3/0")
}

func TestStartTimesAreSpreadBySeed(t *testing.T) {
	p := spec(0)
	p.TaskStartSpread = sec(60)
	arrivals := func(seed uint64) (times []int) {
		p.Seed = seed
		s := fleet.New(p)
		s.Update(0, new(20), "", false)
		last := 0
		for at := range 100 {
			if n := s.View(sec(at)).Running; n != last {
				times, last = append(times, at), n
			}
		}
		if last != 20 {
			t.Errorf("seed %d: %d tasks run after start and spread, want 20", seed, last)
		}
		return times
	}
	first := arrivals(1)
	if len(first) < 8 || first[0] < 30 {
		t.Errorf("tasks arrive at %v, want many different seconds from 30 on", first)
	}
	if !slices.Equal(first, arrivals(1)) {
		t.Error("the same seed gives other times")
	}
	if slices.Equal(first, arrivals(2)) {
		t.Error("another seed gives the same times")
	}
}

func TestPlacementLimitsWhatRuns(t *testing.T) {
	p := spec(2)
	p.PlacementLimit = 3
	s := fleet.New(p)
	s.Update(0, new(6), "", false)
	expect(t, s, sec(60), "6/3/0")
	if v := s.View(sec(60)); !said(v, "unable to place a task") {
		t.Errorf("messages %v, want one about placement", v.Messages)
	}
	s.Apply(sec(100), fleet.Event{PlacementLimit: new(5)})
	expect(t, s, sec(130), "6/5/0")
	s.Apply(sec(200), fleet.Event{PlacementLimit: new(fleet.Unlimited)})
	expect(t, s, sec(230), "6/6/0")
}

func TestARollingDeploymentReplacesTasksWithBothRevisionsRunning(t *testing.T) {
	s := fleet.New(spec(4))
	s.Update(0, nil, "s:2", false)
	v := s.View(sec(29))
	if got := rollouts(v); got != "s:2:0+4:IN_PROGRESS s:1:4+0:COMPLETED" {
		t.Errorf("while it starts: %s", got)
	}
	v = s.View(sec(30))
	if got := rollouts(v); got != "s:2:4+0:COMPLETED" || counts(v) != "4/4/0" {
		t.Errorf("when the new tasks run: %s, %s", got, counts(v))
	}
	if !said(v, "deployment completed") || !said(v, "steady state") {
		t.Errorf("messages %v, want the end of the deployment and a steady state", v.Messages)
	}
}

func TestARollingDeploymentKeepsToItsPercentages(t *testing.T) {
	p := spec(4)
	p.MinimumHealthyPercent, p.MaximumPercent, p.TaskStop = 50, 100, sec(5)
	s := fleet.New(p)
	s.Update(0, nil, "", true)
	lowest, highest := 4, 4
	for at := range 300 {
		v := s.View(sec(at))
		wanted := 0 // tasks that are to stay
		for _, d := range v.Deployments {
			wanted += d.Running + d.Pending
		}
		lowest, highest = min(lowest, v.Running), max(highest, wanted)
	}
	if lowest < 2 || highest > 4 {
		t.Errorf("between %d and %d tasks, want at least 2 and at most 4", lowest, highest)
	}
	if v := s.View(sec(300)); rollouts(v) != "s:1:4+0:COMPLETED" {
		t.Errorf("it ended as %s", rollouts(v))
	}
}

func TestScalingOutDuringADeploymentGoesToTheNewRevision(t *testing.T) {
	s := fleet.New(spec(4))
	s.Update(0, nil, "s:2", false)
	s.Update(sec(10), new(6), "", false)
	if got := rollouts(s.View(sec(10))); got != "s:2:0+6:IN_PROGRESS s:1:4+0:COMPLETED" {
		t.Errorf("after scaling out: %s", got)
	}
	s.Update(sec(20), new(2), "", false)
	v := s.View(sec(60))
	if got := rollouts(v); got != "s:2:2+0:COMPLETED" || counts(v) != "2/2/0" {
		t.Errorf("at the end: %s, %s", got, counts(v))
	}
}

func TestOneDeploymentOvertakesAnother(t *testing.T) {
	s := fleet.New(spec(2))
	s.Update(0, nil, "s:2", false)
	s.Update(sec(10), nil, "s:3", false)
	if n := len(s.View(sec(10)).Deployments); n < 2 {
		t.Errorf("%d deployments, want the new one and what still runs", n)
	}
	if got := rollouts(s.View(sec(120))); got != "s:3:2+0:COMPLETED" {
		t.Errorf("at the end: %s", got)
	}
}

func TestBlueAndGreenRunSideBySideUntilTheBakeEnds(t *testing.T) {
	p := spec(3)
	p.Controller, p.Bake = fleet.CodeDeploy, sec(300)
	s := fleet.New(p)
	s.Apply(0, fleet.Event{Deploy: true})
	expect(t, s, sec(29), "3/3/3")
	expect(t, s, sec(30), "3/6/0")
	s.Update(sec(60), new(4), "", false)
	expect(t, s, sec(90), "4/7/0")
	expect(t, s, sec(389), "4/7/0")
	expect(t, s, sec(391), "4/4/0")
	if got := rollouts(s.View(sec(400))); got != "s:1:4+0:COMPLETED" {
		t.Errorf("at the end: %s", got)
	}
}

func TestTheCircuitBreakerEndsADeploymentWhoseTasksDoNotStart(t *testing.T) {
	p := spec(4)
	p.CircuitBreaker = true
	s := fleet.New(p)
	fails, works := true, false
	s.Apply(0, fleet.Event{FailStarts: &fails, Deploy: true})
	v := s.View(sec(600))
	if v.Deployments[0].Rollout != "FAILED" || v.Deployments[0].FailedTasks < 3 {
		t.Errorf("deployments %s with %d failed tasks, want FAILED after three", rollouts(v), v.Deployments[0].FailedTasks)
	}
	if v.Running != 4 || !said(v, "deployment failed") {
		t.Errorf("%d tasks run, want the 4 old ones, and a message", v.Running)
	}
	s.Apply(sec(700), fleet.Event{FailStarts: &works, Deploy: true})
	if got := rollouts(s.View(sec(800))); !strings.HasPrefix(got, "s:1:4+0:COMPLETED") {
		t.Errorf("the next deployment ended as %s", got)
	}
}

func TestWithoutACircuitBreakerTasksFailForEver(t *testing.T) {
	s := fleet.New(spec(2))
	fails := true
	s.Apply(0, fleet.Event{FailStarts: &fails, Deploy: true})
	v := s.View(time.Hour)
	if v.Deployments[0].Rollout != "IN_PROGRESS" || v.Deployments[0].FailedTasks < 100 || v.Running != 2 {
		t.Errorf("%s with %d failures, want a deployment that goes on trying", rollouts(v), v.Deployments[0].FailedTasks)
	}
}

func TestCrashedTasksAreReplaced(t *testing.T) {
	s := fleet.New(spec(3))
	s.Apply(sec(5), fleet.Event{Kill: 2})
	expect(t, s, sec(5), "3/1/2")
	expect(t, s, sec(35), "3/3/0")
}

func TestEventsHappenAtTheirTime(t *testing.T) {
	p := spec(2)
	p.Events = []fleet.Event{{At: sec(60), Desired: new(5)}, {At: sec(120), Kill: 1}, {At: sec(300), Status: fleet.Inactive}}
	s := fleet.New(p)
	expect(t, s, sec(59), "2/2/0")
	expect(t, s, sec(60), "5/2/3")
	expect(t, s, sec(120), "5/4/1")
	expect(t, s, sec(299), "5/5/0")
	expect(t, s, sec(300), "0/0/0")
	if got := s.Status(sec(300)); got != fleet.Inactive {
		t.Errorf("status %s, want INACTIVE", got)
	}
}

func TestTimeNeverRunsBackwards(t *testing.T) {
	s := fleet.New(spec(1))
	s.Update(sec(100), new(3), "", false)
	expect(t, s, sec(200), "3/3/0")
	s.Update(sec(50), new(2), "", false)
	expect(t, s, sec(50), "2/2/0")
	if changes := s.Counts(sec(200), 0, sec(300), nil); !slices.IsSortedFunc(changes, func(a, b fleet.Change) int { return int(a.At - b.At) }) {
		t.Errorf("the history is out of order: %v", changes)
	}
}

func TestTheHistorySaysWhatRanWhen(t *testing.T) {
	s := fleet.New(spec(2))
	s.Update(sec(60), new(3), "", false)
	s.Update(sec(200), new(1), "", false)
	for _, c := range []struct {
		from, to int
		want     string
	}{
		{0, 50, "0s=2"}, {10, 70, "0s=2 1m0s=2"}, {95, 150, "1m30s=3"}, {100, 300, "1m30s=3 3m20s=1"}, {500, 600, "3m20s=1"},
	} {
		var got []string
		for _, change := range s.Counts(sec(600), sec(c.from), sec(c.to), nil) {
			got = append(got, fmt.Sprintf("%v=%d", change.At, change.Running))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("from %d to %d: %v, want %s", c.from, c.to, got, c.want)
		}
	}
}

func TestTheHistoryIsBounded(t *testing.T) {
	p := spec(1)
	p.TaskStart = 0
	s := fleet.New(p)
	for i := range 50_000 {
		s.Update(sec(i), new(1+i%2), "", false)
	}
	changes := s.Counts(sec(50_000), 0, sec(50_000), nil)
	if len(changes) > 8192 || len(changes) < 4000 {
		t.Errorf("%d changes are kept, want the newest thousands", len(changes))
	}
}

func TestTaskSecondsAreTheRunningCountIntegrated(t *testing.T) {
	s := fleet.New(spec(2))
	s.Update(sec(70), new(4), "", false)
	if got := s.View(sec(200)).TaskSeconds; got != 2*100+4*100 {
		t.Errorf("%v task-seconds, want 600", got)
	}
}

func TestTasksAreListedWithTheirState(t *testing.T) {
	p := spec(2)
	p.TaskStop = sec(20)
	s := fleet.New(p)
	s.Update(0, new(3), "", false)
	states := func(at int) (list []string) {
		for _, task := range s.Tasks(sec(at)) {
			list = append(list, task.Status)
			if task.ID == "" || task.TaskDefinition != "s:1" || task.DeploymentID == "" {
				t.Errorf("task %+v is incomplete", task)
			}
		}
		return list
	}
	if got := states(1); !slices.Equal(got, []string{"RUNNING", "RUNNING", "PENDING"}) {
		t.Errorf("tasks are %v", got)
	}
	s.Update(sec(2), new(1), "", false)
	if got := states(3); !slices.Equal(got, []string{"RUNNING", "DEACTIVATING"}) {
		t.Errorf("tasks are %v", got)
	}
}

func TestMessagesAreBoundedAndNotRepeated(t *testing.T) {
	p := spec(1)
	p.PlacementLimit = 1
	s := fleet.New(p)
	s.Update(0, new(2), "", false)
	for i := range 300 {
		s.Update(sec(i), new(2), "", false)
	}
	placement := 0
	for _, m := range s.View(sec(400)).Messages {
		if strings.Contains(m.Text, "unable to place") {
			placement++
		}
	}
	if placement != 1 {
		t.Errorf("the same message stands there %d times, want once", placement)
	}
	s.Apply(sec(500), fleet.Event{PlacementLimit: new(fleet.Unlimited)})
	for i := range 500 {
		s.Update(sec(600+60*i), new(1+i%2), "", false)
	}
	if n := len(s.View(sec(60_000)).Messages); n != 100 {
		t.Errorf("%d messages, want the newest 100", n)
	}
}

// action is a random thing that happens to a service.
func action(t *rapid.T, s *fleet.Service, at time.Duration) {
	switch rapid.IntRange(0, 5).Draw(t, "action") {
	case 0, 1:
		s.Update(at, new(rapid.IntRange(0, 12).Draw(t, "desired")), "", false)
	case 2:
		s.Update(at, nil, "", true)
	case 3:
		s.Apply(at, fleet.Event{Kill: rapid.IntRange(0, 3).Draw(t, "kill")})
	case 4:
		limit := rapid.IntRange(-1, 10).Draw(t, "limit")
		s.Apply(at, fleet.Event{PlacementLimit: &limit})
	default:
		fails := rapid.Bool().Draw(t, "fails")
		s.Apply(at, fleet.Event{FailStarts: &fails})
	}
}

func randomSpec(t *rapid.T) fleet.Spec {
	p := spec(rapid.IntRange(0, 8).Draw(t, "desired"))
	p.Seed = rapid.Uint64().Draw(t, "seed")
	p.TaskStart = sec(rapid.IntRange(0, 90).Draw(t, "start"))
	p.TaskStartSpread = sec(rapid.IntRange(0, 30).Draw(t, "spread"))
	p.TaskStop = sec(rapid.IntRange(0, 30).Draw(t, "stop"))
	p.MinimumHealthyPercent = rapid.IntRange(0, 100).Draw(t, "min")
	p.MaximumPercent = rapid.IntRange(100, 200).Draw(t, "max")
	p.Controller = rapid.SampledFrom([]fleet.Controller{fleet.ECS, fleet.CodeDeploy, fleet.External}).Draw(t, "controller")
	return p
}

func TestHowOftenOneLooksChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := randomSpec(t)
		watched, alone := fleet.New(p), fleet.New(p)
		at := time.Duration(0)
		for range rapid.IntRange(1, 12).Draw(t, "length") {
			before := at
			at += sec(rapid.IntRange(0, 120).Draw(t, "pause"))
			for look := before; look < at; look += sec(7) {
				watched.View(look)
			}
			desired, deploy := rapid.IntRange(0, 9).Draw(t, "n"), rapid.Bool().Draw(t, "deploy")
			watched.Apply(at, fleet.Event{Desired: &desired, Deploy: deploy})
			alone.Apply(at, fleet.Event{Desired: &desired, Deploy: deploy})
		}
		end := at + time.Hour
		a, b := fmt.Sprintf("%+v", watched.View(end)), fmt.Sprintf("%+v", alone.View(end))
		if a != b {
			t.Fatalf("looking changed the outcome:\n%s\n%s", a, b)
		}
	})
}

func TestWhateverHappensTheServiceSettlesOnItsDesiredCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := randomSpec(t)
		p.MaximumPercent = 200 // a deployment must be able to move
		s := fleet.New(p)
		at := time.Duration(0)
		for range rapid.IntRange(1, 20).Draw(t, "length") {
			at += sec(rapid.IntRange(0, 200).Draw(t, "pause"))
			action(t, s, at)
			if v := s.View(at); v.Running < 0 || v.Pending < 0 || len(v.Deployments) == 0 {
				t.Fatalf("impossible: %s %s", counts(v), rollouts(v))
			}
		}
		works, free, final := false, fleet.Unlimited, rapid.IntRange(1, 9).Draw(t, "final")
		s.Apply(at, fleet.Event{FailStarts: &works, PlacementLimit: &free, Desired: &final})
		v := s.View(at + 2*time.Hour)
		if v.Running != final || v.Pending != 0 || len(v.Deployments) != 1 || v.Deployments[0].Rollout != "COMPLETED" {
			t.Fatalf("two quiet hours later it is %s %s, want %d", counts(v), rollouts(v), final)
		}
	})
}

func TestMonthsAtRestCostNothing(t *testing.T) {
	s := fleet.New(spec(3))
	s.Update(0, new(5), "", false)
	allocations := testing.AllocsPerRun(10, func() { s.Counts(365*24*time.Hour, 0, 0, nil) })
	if allocations > 2 {
		t.Errorf("a year at rest takes %v allocations to work out", allocations)
	}
	expect(t, s, 365*24*time.Hour, "5/5/0")
}
