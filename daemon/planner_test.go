package daemon_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
)

// planner plans for the region.
func (w *world) planner(text string) *daemon.Planner {
	w.t.Helper()
	core, logs := observer.New(zapcore.WarnLevel)
	w.logs = logs
	p, err := daemon.NewPlanner(w.t.Context(), daemon.Options{
		Config: parse(w.t, "listen: \"\"\n"+text), Logger: zap.New(core),
		AWS: awsapi.Options{Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: w.region.Transport()}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// watched are the lines of a plan that goes on for a while: minutes since the start, and what is decided.
func (w *world) watched(text string, span time.Duration) (lines []string) {
	w.t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(w.t.Context(), span)
	defer cancel()
	p := w.planner(text)
	err := p.Watch(ctx, func(n daemon.News) error {
		for i := range n.Decisions {
			d := &n.Decisions[i]
			lines = append(lines, time.Since(began).Truncate(time.Minute).String()+" "+d.Target.Service+" "+d.Message())
		}
		for _, k := range n.Gone {
			lines = append(lines, time.Since(began).Truncate(time.Minute).String()+" "+k+" gone")
		}
		return nil
	})
	if err != nil {
		w.t.Error(err)
	}
	if err := p.Close(w.t.Context()); err != nil {
		w.t.Error(err)
	}
	if n := w.called("UpdateService"); n > 0 {
		w.t.Errorf("%d writes", n)
	}
	return lines
}

func TestAWatchedPlanTellsWhatChangesAndWritesNothing(t *testing.T) {
	inTime(t, `
region: eu-west-2
history: 1h
publication: {delay: 0s}
services:
  - {service: c/web, desired: 2, load: {steps: [{at: 0s, value: 0.95}, {at: 20m, value: 1.9}, {at: 60m, value: 0.95}]}, events: [{at: 40m, desired: 3}]}
  - {service: c/calm, desired: 2, load: 0.95}
`, func(w *world) {
		lines := w.watched(strings.Replace(tracking, "c/web", "c/*", 1), 90*time.Minute)
		want := []string{
			"0s calm Held at 2: ", "0s web Held at 2: ", // all of them first
			"23m0s web Would scale out from 2 to 4: ", // said once, and again only when it is another one
			"41m0s web Would scale out from 3 to 6: ", // somebody else has set 3, and less and less is wanted
			"42m0s web Would scale out from 3 to 5: ",
			"43m0s web Would scale out from 3 to 4: ",
			"1h1m0s web Held at 3: ",
			"1h15m0s web Would scale in from 3 to 2: ",
		}
		for i, line := range lines {
			if i < len(want) && !strings.HasPrefix(line, want[i]) {
				t.Errorf("line %d is %q, want %q", i, line, want[i])
			}
		}
		if len(lines) != len(want) {
			t.Errorf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
		}
		if slices.ContainsFunc(lines[2:], func(l string) bool { return strings.Contains(l, "calm") }) {
			t.Errorf("nothing changes about calm:\n%s", strings.Join(lines, "\n"))
		}
	})
}

func TestAWatchedPlanSaysATroubleOnceAndGoesOn(t *testing.T) {
	inTime(t, `
region: eu-west-2
history: 1h
publication: {delay: 0s}
services: [{service: c/web, desired: 2, load: 0.95}]
faults: [{kind: access_denied, operation: GetMetricData, from: 10m, for: 20m}]
`, func(w *world) {
		lines := w.watched(strings.Replace(tracking, "state:", "interval: 1m\nstate:", 1), time.Hour)
		if len(lines) != 3 || !strings.Contains(lines[0], "Held at 2") || lines[2][strings.Index(lines[2], "web"):] != lines[0][strings.Index(lines[0], "web"):] {
			t.Errorf("want what was before, the trouble and its end:\n%s", strings.Join(lines, "\n"))
		}
		if n := w.logged("cloudwatch:GetMetricData was denied: allow the action"); n != 1 {
			t.Errorf("said %d times", n)
		}
	})
}

const managedRegion = `
region: eu-west-2
history: 1h
publication: {delay: 0s}
services:
  - {service: c/web, desired: 2, task_start: 10s, load: {steps: [{at: 0s, value: 0.95}, {at: 20m, value: 1.9}]}}
  - {service: c/alone, desired: 2, load: 0.95}
  - {service: c/forgotten, desired: 1}
application_autoscaling:
  scalable_targets:
    - {ResourceId: service/c/web, MinCapacity: 2, MaxCapacity: 10}
    - {ResourceId: service/c/forgotten, MinCapacity: 1, MaxCapacity: 3}
  scaling_policies:
    - PolicyName: cpu
      PolicyType: TargetTrackingScaling
      ResourceId: service/c/web
      TargetTrackingScalingPolicyConfiguration:
        TargetValue: 50
        PredefinedMetricSpecification: {PredefinedMetricType: ECSServiceAverageCPUUtilization}
        ScaleOutCooldown: 60
        ScaleInCooldown: 60
`

// against compares after some minutes of managed scaling.
func against(t *testing.T, scenario, text string, after time.Duration, check func(*daemon.Against)) {
	t.Helper()
	inTime(t, scenario, func(w *world) {
		for range int(after / time.Minute) { // somebody looks now and then, as a region acts when it is asked
			time.Sleep(time.Minute)
			w.view()
		}
		p := w.planner(text)
		found, err := p.AgainstAWS(w.t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Close(w.t.Context()); err != nil {
			t.Error(err)
		}
		check(found)
	})
}

const beside = memoryState + `
targets:
  - service: c/web
    min_capacity: 2
    max_capacity: 10
    target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50}]
  - {service: c/alone, min_capacity: 1, max_capacity: 3}
`

// first is an activity before those of the region itself, from which the count is known.
const first = `
  scaling_activities:
    - {ActivityId: a, ResourceId: service/c/web, StatusCode: Successful, Description: "Setting desired count to 2.", Cause: "minimum capacity was set to 2", StartTime: 2000-01-01T00:00:00Z}
`

func TestWhatAWSDidIsDecidedAnew(t *testing.T) {
	against(t, managedRegion+first, beside, 24*time.Minute, func(a *daemon.Against) {
		if len(a.Targets) != 2 || a.Targets[0].Result != daemon.ResultNotManaged {
			t.Fatalf("%+v", a.Targets)
		}
		c := &a.Targets[1]
		if c.Result != daemon.ResultSame || c.Then == nil || c.Then.Wanted != 4 || *c.Managed.LastActivity.From != 2 || *c.Managed.LastActivity.To != 4 {
			t.Errorf("%s, then %+v, differences %v, notes %q", c.Result, c.Then, c.Differences, c.Notes)
		}
		if !slices.Equal(a.Others, []string{"c/forgotten"}) || a.Different() != 0 {
			t.Errorf("others %q, %d different", a.Others, a.Different())
		}
	})
}

func TestDifferencesFromAWSAreNamed(t *testing.T) {
	lower := strings.NewReplacer("target_value: 50", "target_value: 28", "max_capacity: 10", "max_capacity: 8", "name: cpu", "name: load").Replace(beside)
	against(t, managedRegion+first, lower, 24*time.Minute, func(a *daemon.Against) {
		c := &a.Targets[1]
		var codes []string
		for _, d := range c.Differences {
			codes = append(codes, d.Code)
		}
		if got := strings.Join(codes, " "); got != "decision_then max_capacity policy" || c.Result != daemon.ResultDifferent || a.Different() != 1 {
			t.Errorf("%s %s: %v", c.Result, got, c.Differences)
		}
		if c.Then.Wanted != 7 || !strings.Contains(c.Differences[0].Message, "AWS set the count from 2 to 4; here: Would scale out from 2 to 7") {
			t.Errorf("then %d: %s", c.Then.Wanted, c.Differences[0].Message)
		}
	})
}

func TestWhatCannotBeDecidedAnewIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		scenario, note string
		after          time.Duration
	}{
		"a count that nobody tells":      {managedRegion, "none of AWS's activities tells the desired count before it", 24 * time.Minute},
		"an activity of the bounds":      {strings.Replace(managedRegion+first, "0.95}, {at: 20m, value: 1.9}", "0.9}", 1), "no policy made it", 10 * time.Minute},
		"metrics that are not there now": {strings.Replace(managedRegion+first, "history: 1h", "history: 0s", 1) + "faults: [{kind: access_denied, operation: GetMetricData, from: 23m30s}]\n", "cloudwatch:GetMetricData was denied", 24 * time.Minute},
	} {
		inTime(t, c.scenario, func(w *world) {
			for range int(c.after / time.Minute) {
				time.Sleep(time.Minute)
				w.view()
			}
			p := w.planner(beside)
			a, err := p.AgainstAWS(w.t.Context())
			if a == nil {
				t.Fatal(err)
			}
			if got := a.Targets[1]; got.Then != nil || !slices.ContainsFunc(got.Notes, func(n string) bool { return strings.Contains(n, c.note) }) {
				t.Errorf("%s: then %v, notes %q", name, got.Then, got.Notes)
			}
			if err := p.Close(w.t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestASuspendedManagedTargetIsSaid(t *testing.T) {
	scenario := strings.Replace(managedRegion+first, "{ResourceId: service/c/web, MinCapacity: 2, MaxCapacity: 10}",
		"{ResourceId: service/c/web, MinCapacity: 2, MaxCapacity: 10, SuspendedState: {DynamicScalingInSuspended: true, DynamicScalingOutSuspended: true, ScheduledScalingSuspended: true}}", 1)
	against(t, scenario, beside, 24*time.Minute, func(a *daemon.Against) {
		c := &a.Targets[1]
		if c.Result != daemon.ResultDifferent || c.Differences[0].Code != "decision_now" || c.Now.Action != evaluator.ScaleOut {
			t.Errorf("%s %v, now %+v", c.Result, c.Differences, c.Now)
		}
		if !slices.ContainsFunc(c.Notes, func(n string) bool { return strings.Contains(n, "at AWS: all suspended") }) {
			t.Errorf("notes %q", c.Notes)
		}
	})
}
