package explain

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ecs-autoscaler/evaluator"
)

var update = flag.Bool("update", false, "write the golden files anew")

// at is when the decisions of these tests were made.
var at = time.Date(2026, 3, 1, 8, 0, 28, 0, time.UTC)

// alarmed is an alarm on CPUUtilization with the datapoints of the minutes before 08:00.
func alarmed(name string, state evaluator.AlarmState, op evaluator.ComparisonOperator, threshold float64, values ...float64) evaluator.AlarmDecision {
	a := evaluator.AlarmDecision{
		Name: name, MetricName: "CPUUtilization", State: state, Previous: state, Threshold: threshold, Operator: op,
		DatapointsToAlarm: len(values), EvaluationPeriods: len(values), Period: 60, End: at.Truncate(time.Minute).Unix(), Values: values,
	}
	for _, v := range values {
		if op == evaluator.GreaterThanThreshold && v > threshold || op == evaluator.LessThanThreshold && v < threshold {
			a.Breaching++
		}
	}
	return a
}

// tracking is a policy on CPU at 60 whose wish was held for a reason.
func tracking(name string, wish evaluator.Action, why evaluator.Reason, values ...float64) evaluator.PolicyDecision {
	high, low := evaluator.OKState, evaluator.OKState
	switch wish {
	case evaluator.ScaleOut:
		high = evaluator.AlarmingState
	case evaluator.ScaleIn:
		low = evaluator.AlarmingState
	default: // both are OK
	}
	return evaluator.PolicyDecision{
		Name: name, Type: evaluator.TargetTrackingScaling, Wish: wish, Action: evaluator.Hold, Reason: why, TargetValue: 60,
		Alarms: []evaluator.AlarmDecision{
			alarmed("high", high, evaluator.GreaterThanThreshold, 60, values[max(0, len(values)-3):]...),
			alarmed("low", low, evaluator.LessThanThreshold, 54, values...),
		},
	}
}

func holding(why evaluator.Reason, policies ...evaluator.PolicyDecision) *evaluator.Decision {
	return &evaluator.Decision{
		Target: evaluator.Key{Cluster: "shop", Service: "web"}, Time: at, Action: evaluator.Hold, Reason: why, Outcome: evaluator.OutcomeNone,
		Desired: 4, Running: 4, Wanted: 4, Start: 4, Min: 2, Max: 10, Policy: 0, Policies: policies, Next: at.Add(32 * time.Second),
	}
}

// TestExplanations compares whole explanations with golden files.
func TestExplanations(t *testing.T) {
	cooldown := tracking("cpu", evaluator.ScaleOut, evaluator.CooldownInEffect, 55, 58, 70, 88, 90)
	cooldown.CooldownEnds, cooldown.Wanted, cooldown.HasWanted = at.Add(20*time.Second), 6, true
	gaps := tracking("cpu", evaluator.Hold, evaluator.InsufficientData, math.NaN(), 58, math.NaN(), math.NaN(), 57)
	step := evaluator.PolicyDecision{Name: "surge", Type: evaluator.StepScaling, Wish: evaluator.Hold, Action: evaluator.Hold, Reason: evaluator.AlarmNotInAlarm,
		Alarms: []evaluator.AlarmDecision{alarmed("alarm", evaluator.OKState, evaluator.GreaterThanThreshold, 80, 57)}}
	unseen := holding(evaluator.ServiceNotFound)
	unseen.Desired, unseen.Policy = 0, -1
	changed := holding(evaluator.ByTargetTracking, tracking("cpu", evaluator.ScaleOut, evaluator.ByTargetTracking, 70, 80, 90))
	changed.Action, changed.Outcome, changed.Wanted = evaluator.ScaleOut, evaluator.OutcomeWritten, 6
	p := &changed.Policies[0]
	p.Action, p.Wanted, p.HasWanted, p.Metric, p.HasMetric, p.Base, p.Aggregation = evaluator.ScaleOut, 6, true, 80, true, 4, evaluator.Average
	overridden := holding(evaluator.ByOverride, tracking("cpu", evaluator.ScaleIn, evaluator.ByOverride, 20, 20, 20, 20, 20))
	overridden.Steering = []evaluator.Steering{
		{Steers: evaluator.SteersCount, Since: at.Add(-time.Hour), For: 2 * time.Hour, Reason: "load test", Desired: 4, Done: true, Count: 4},
	}
	suspended := holding(evaluator.DynamicScalingSuspended, tracking("cpu", evaluator.ScaleIn, evaluator.DynamicScalingSuspended, 20, 20, 20, 20, 20))
	suspended.Steering = []evaluator.Steering{{Steers: evaluator.SteersIn, Since: at, For: 10 * time.Minute, Reason: "migration"}}
	for name, c := range map[string]struct {
		d    *evaluator.Decision
		note string
	}{
		"overridden": {d: overridden}, "suspended": {d: suspended},
		"cooldown":       {d: holding(evaluator.CooldownInEffect, cooldown)},
		"at-rest":        {d: holding(evaluator.WithinTarget, tracking("cpu", evaluator.Hold, evaluator.WithinTarget, 57, 58, 56, 59, 57), step)},
		"missing":        {d: holding(evaluator.InsufficientData, gaps)},
		"no-service":     {unseen, "ECS knows no service web in cluster shop; correct the name or remove the target"},
		"a-change":       {d: changed},
		"without-policy": {d: holding(evaluator.NothingDue)},
	} {
		golden(t, name, Text(c.d, at.Add(2*time.Second), c.note))
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
	}
}

// changes are the reasons of decisions that change something; nothing has to happen for those.
var changes = []evaluator.Reason{
	evaluator.ByTargetTracking, evaluator.ByStepScaling, evaluator.ByScheduledAction, evaluator.RaisedToMinCapacity, evaluator.LoweredToMax,
}

// resting are the reasons of policies that want nothing: what their alarms lack is told instead.
var resting = []evaluator.Reason{evaluator.WithinTarget, evaluator.AlarmNotInAlarm, evaluator.ScheduledScalingSuspended}

func TestEveryReasonOfAHoldSaysWhatWouldHaveToHappen(t *testing.T) {
	for _, why := range evaluator.Reasons() {
		if slices.Contains(changes, why) {
			continue
		}
		wish := evaluator.ScaleIn
		if slices.Contains(resting, why) {
			wish = evaluator.Hold
		}
		d := holding(why, tracking("cpu", wish, why, 40, 40, 40), tracking("memory", evaluator.Hold, evaluator.WithinTarget, 57, 57, 57))
		text := outlook(d)
		own := strings.Contains(text, "For policy cpu to ") || strings.Contains(text, "Before anything can happen, ")
		if !own || strings.Contains(text, string(why)) {
			t.Errorf("%s: %q", why, text)
		}
		if wish == evaluator.ScaleIn && ways[why].service == nil && ways[why].guard == nil {
			t.Errorf("%s: nobody knows what must happen", why)
		}
	}
}

func TestPropertyEveryDecisionCanBeExplained(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(-1e6, 1e6), rapid.Just(math.NaN())), 0, 40).Draw(rt, "values")
		var policies []evaluator.PolicyDecision
		for range rapid.IntRange(0, 3).Draw(rt, "policies") {
			p := tracking("p", rapid.SampledFrom([]evaluator.Action{evaluator.Hold, evaluator.ScaleIn, evaluator.ScaleOut}).Draw(rt, "wish"),
				rapid.SampledFrom(evaluator.Reasons()).Draw(rt, "why"), values...)
			p.HasWanted, p.Wanted = rapid.Bool().Draw(rt, "wanted"), rapid.IntRange(0, 20).Draw(rt, "count")
			policies = append(policies, p)
		}
		d := holding(rapid.SampledFrom(evaluator.Reasons()).Draw(rt, "reason"), policies...)
		d.Policy = rapid.IntRange(-1, len(policies)-1).Draw(rt, "policy")
		text := Text(d, at, "")
		if !strings.HasPrefix(text, "shop/web at 2026-03-01 08:00:28 UTC\n") || !strings.HasSuffix(text, "\n") || strings.Contains(text, "NaN") || strings.Contains(text, "%!") {
			rt.Fatalf("%s", text)
		}
	})
}

// FuzzAnyDecisionOfADaemon reads what a daemon might answer.
func FuzzAnyDecisionOfADaemon(f *testing.F) {
	for _, d := range []*evaluator.Decision{
		holding(evaluator.CooldownInEffect, tracking("cpu", evaluator.ScaleOut, evaluator.CooldownInEffect, 55, 58, 70)), holding(evaluator.ServiceNotFound),
	} {
		text, err := json.Marshal(d)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(_ *testing.T, text string) {
		var d evaluator.Decision
		if json.Unmarshal([]byte(text), &d) == nil {
			Text(&d, at, "")
		}
	})
}
