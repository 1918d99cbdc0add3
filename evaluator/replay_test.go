package evaluator_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"ecs-autoscaler/decisionlog"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/evaluator/schedule"
)

// TestPropertyEveryDecisionIsMadeAgainFromItsLog: what Evaluate is given goes into a line of the decision log and comes back
// from there, and the decision is the same to the last bit, also where the one that is filled has been used before.
func TestPropertyEveryDecisionIsMadeAgainFromItsLog(t *testing.T) {
	var d evaluator.Decision
	scheduled := 0
	rapid.Check(t, func(rt *rapid.T) {
		target, o, m, now := evaluator.DrawSituation(rt, t, func() evaluator.Schedule { return drawSchedule(rt, t) })
		evaluator.Evaluate(target, o, m, now, &d)
		if err := decisionlog.Verify(target, o, m, &d); err != nil {
			rt.Fatal(err)
		}
		scheduled += len(d.Scheduled)
	})
	if scheduled == 0 {
		t.Error("no scheduled action ever fired")
	}
}

func drawSchedule(rt *rapid.T, t *testing.T) *schedule.Schedule {
	t.Helper()
	expression, err := schedule.Parse(rapid.SampledFrom([]string{
		"cron(0/10 * * * ? *)", "cron(30 12 ? * MON-FRI *)", "rate(7 minutes)", "rate(1 hour)", "at(2026-01-01T11:59:00)", "at(2026-01-01T21:00:00)",
	}).Draw(rt, "expression"))
	if err != nil {
		t.Fatal(err)
	}
	s := &schedule.Schedule{Expression: expression}
	if name := rapid.SampledFrom([]string{"", "UTC", "Europe/London", "Asia/Kathmandu", "Asia/Tokyo"}).Draw(rt, "zone"); name != "" {
		if s.Zone, err = time.LoadLocation(name); err != nil {
			t.Fatal(err)
		}
	}
	if rapid.Bool().Draw(rt, "started") {
		s.Start = time.Date(2026, 1, 1, 11, rapid.IntRange(0, 59).Draw(rt, "start"), 7, 0, time.UTC)
	}
	return s
}
