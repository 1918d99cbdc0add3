package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-autoscaler/evaluator/schedule"
)

// shape is what scale_out_alarm and scale_in_alarm can change.
type shape struct {
	Period    int64
	N, M      int
	Threshold float64
}

func TestTheManagedAlarmsCanBeVaried(t *testing.T) {
	const fast = "metric: ECSServiceAverageCPUUtilizationHighResolution, target_value: 50"
	for _, c := range []struct {
		name, policy string
		high, low    shape
	}{
		{"nothing said", cpu, shape{60, 3, 3, 50}, shape{60, 15, 15, 45}},
		{"high resolution", fast, shape{20, 3, 3, 50}, shape{20, 30, 30, 45}},
		{"fewer periods mean as many datapoints", cpu + ", scale_out_alarm: {evaluation_periods: 1}", shape{60, 1, 1, 50}, shape{60, 15, 15, 45}},
		{"fewer datapoints", cpu + ", scale_in_alarm: {datapoints_to_alarm: 12}", shape{60, 3, 3, 50}, shape{60, 15, 12, 45}},
		{"M of N", cpu + ", scale_in_alarm: {evaluation_periods: 10, datapoints_to_alarm: 8}", shape{60, 3, 3, 50}, shape{60, 10, 8, 45}},
		{"threshold in percent", cpu + ", scale_out_alarm: {threshold_percent: 110}, scale_in_alarm: {threshold_percent: 70}", shape{60, 3, 3, 55}, shape{60, 15, 15, 35}},
		{"a short period has AWS's number of them", cpu + ", scale_in_alarm: {period: 20}", shape{60, 3, 3, 50}, shape{20, 30, 30, 45}},
		{"a long period too", fast + ", scale_in_alarm: {period: 60}", shape{20, 3, 3, 50}, shape{60, 15, 15, 45}},
		{"five minutes", cpu + ", scale_out_alarm: {period: 5m, evaluation_periods: 2}", shape{300, 2, 2, 50}, shape{60, 15, 15, 45}},
	} {
		b := bindOnly(t, tracking(c.policy))
		var got []shape
		for _, a := range b.Policies[0].Alarms {
			got = append(got, shape{b.Metrics[a.Metric].Period, a.EvaluationPeriods, a.DatapointsToAlarm, a.Threshold})
		}
		if diff := cmp.Diff([]shape{c.high, c.low}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestTheLowThresholdIsExactlyNineTenths(t *testing.T) {
	for target, want := range map[string]float64{"50": 45, "60": 54, "10": 9, "0.5": 0.45, "70": 63, "100": 90} {
		if got := bindOnly(t, tracking("metric: ECSServiceAverageCPUUtilization, target_value: "+target)).Policies[0].Alarms[1].Threshold; got != want {
			t.Errorf("target %s: low threshold %v, want %v", target, got, want)
		}
	}
}

func TestWhatIsPlannedForLaterIsReadCompletely(t *testing.T) {
	c := parse(t, target(`    scheduled_actions:
      - {name: a, schedule: "at(2026-06-01T09:00:00)", timezone: America/New_York, start_time: "2026-01-01T01:00:00+01:00", min_capacity: 0}
      - {name: b, schedule: "rate(1 hour)", max_capacity: 3, min_capacity: 2, catch_up: none}
    predictive_scaling:
      - {name: p, metric_pair: ECSServiceMemoryUtilization, target_value: 40.5, mode: ForecastAndScale, scheduling_buffer_time: 10m, max_capacity_breach_behavior: IncreaseMaxCapacity, max_capacity_buffer: 0}
`)).Targets[0]
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	zero, two, three := 0, 2, 3
	actions := []ScheduledAction{
		{Name: "a", Schedule: schedule.Schedule{Expression: expressionOf(t, "at(2026-06-01T09:00:00)"), Zone: newYork, Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}, MinCapacity: &zero, CatchUp: CatchUpNewest},
		{Name: "b", Schedule: schedule.Schedule{Expression: expressionOf(t, "rate(1 hour)"), Zone: time.UTC}, MinCapacity: &two, MaxCapacity: &three, CatchUp: CatchUpNone},
	}
	sameZone := cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })
	if diff := cmp.Diff(actions, c.ScheduledActions, sameZone); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	want := PredictivePolicy{
		Name: "p", TargetValue: 40.5, MetricPair: "ECSServiceMemoryUtilization", Mode: ForecastAndScale,
		SchedulingBufferTime: 10 * time.Minute, MaxCapacityBreachBehavior: IncreaseMaxCapacity,
	}
	if diff := cmp.Diff(want, c.PredictiveScaling[0]); diff != "" {
		t.Errorf("predictive policy (-want +got):\n%s", diff)
	}
}

func expressionOf(t *testing.T, text string) schedule.Expression {
	t.Helper()
	e, err := schedule.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestNamesAreUniqueOverAllKindsOfOneTargetOnly(t *testing.T) {
	action := "    scheduled_actions: [{name: cpu, schedule: \"rate(1 hour)\", min_capacity: 1}]\n"
	predictive := "    predictive_scaling: [{name: cpu, metric_pair: ECSServiceCPUUtilization, target_value: 60}]\n"
	two := tracking(cpu) + "  - {service: web/other, min_capacity: 1, max_capacity: 1, target_tracking: [{name: cpu, " + cpu + "}]}\n"
	checkRules(t, []rule{
		{"a policy and an action", tracking(cpu) + action, `the name "cpu" is used twice`},
		{"a policy and a forecast", tracking(cpu) + predictive, `the name "cpu" is used twice`},
		{"an action and a forecast", target(action + predictive), `the name "cpu" is used twice`},
		{"two targets", two, ""},
	})
}
