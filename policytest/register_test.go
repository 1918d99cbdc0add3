package policytest

import (
	"fmt"
	"strings"
	"testing"
)

func TestSetRegistersTheTargetAnew(t *testing.T) {
	checkStories(t, []story{
		{"a new min raises the count", stepping, "    desired: 2\n" + quiet("30x9") + `    events: [{at: 90s, set: {min_capacity: 5}}]
    expect:
      - {between: [0s, 119s], desired: 2, min_capacity: 1, max_capacity: 9}
      - {at: 2m, desired: 5, reason: RaisedToMinCapacity, min_capacity: 5, max_capacity: 9}
      - {between: [2m, 9m], desired: 5}
`},
		{"a new max lowers it", stepping, "    desired: 7\n" + quiet("30x9") + `    events: [{at: 1m, set: {max_capacity: 3}}]
    expect:
      - {at: 59s, desired: 7}
      - {at: 1m, desired: 3, reason: LoweredToMaxCapacity, max_capacity: 3}
`},
		{"policies keep to the new bounds", stepping, "    desired: 2\n" + quiet("80x9") + `    events: [{at: 0s, set: {min_capacity: 2, max_capacity: 3}}]
    expect:
      - {at: 1m, desired: 3}
      - {between: [2m, 9m], desired: 3, reason: AlreadyAtMaxCapacity}
`},
		{"a restart keeps the bounds", stepping, "    desired: 2\n" + quiet("30x9") + `    events: [{at: 1m, set: {min_capacity: 4}}, {at: 3m, restart: true, down: 1m}]
    expect:
      - {between: [1m, 9m], desired: 4, min_capacity: 4}
`},
		{"bounds are set before the first pass", stepping, "    desired: 1\n    phase: 20s\n" + quiet("30x9") + `    events: [{at: 0s, set: {min_capacity: 4}}]
    expect:
      - {at: 19s, desired: 1}
      - {at: 20s, desired: 4}
`},
	})
}

func TestSuspendedScalingIsHeldUntilItIsResumed(t *testing.T) {
	checkStories(t, []story{
		{"scale_out", stepping, "    desired: 1\n" + quiet("80x9") + `    events: [{at: 0s, suspend: [scale_out]}, {at: 150s, resume: [scale_out]}]
    expect:
      - {between: [0s, 179s], desired: 1}
      - {at: 1m, reason: DynamicScalingSuspended}
      - {at: 3m, desired: 2}
`},
		{"scale_in alone", stepping, "    desired: 3\n" + quiet("10x3 80x3") + `    events: [{at: 1m, suspend: [scale_in]}]
    expect:
      - {between: [1m, 3m], desired: 3, reason: DynamicScalingSuspended}
      - {at: 4m, desired: 4}
`},
		{"both, of which one is resumed", stepping, "    desired: 3\n" + quiet("10x3 80x3") + `    events: [{at: 0s, suspend: [scale_in, scale_out]}, {at: 150s, resume: [scale_in]}]
    expect:
      - {between: [0s, 179s], desired: 3}
      - {at: 3m, desired: 2}
      - {between: [3m, 6m], desired: 2}
`},
		{"a restart keeps the suspension", stepping, "    desired: 1\n" + quiet("80x9") + `    events: [{at: 0s, suspend: [scale_out]}, {at: 3m, restart: true}]
    expect: [{between: [0s, 9m], desired: 1}]
`},
	})
}

func TestBoundsThatCrossThoseInForceFailTheTest(t *testing.T) {
	s := story{head: stepping, body: "    desired: 1\n" + quiet("30x9") + "    events: [{at: 1m, set: {min_capacity: 10}}]\n    expect: [{at: 2m, desired: 1}]\n"}
	got := s.failures(t)
	if len(got) != 1 || got[0].Expected != "the event set to happen" || !strings.Contains(got[0].Got, "0 <= min <= max") {
		t.Errorf("failures: %+v", got)
	}
}

func TestScheduledActionsFireOnVirtualTime(t *testing.T) {
	head := stepping + `    scheduled_actions:
      - {name: morning, schedule: "cron(5 0 * * ? *)", min_capacity: 4}
      - {name: night, schedule: "at(2026-01-01T00:08:00)", min_capacity: 0, max_capacity: 2}
`
	checkStories(t, []story{
		{"at their minute", head, "    desired: 1\n" + quiet("30x12") + `    expect:
      - {between: [0s, 299s], desired: 1}
      - {at: 5m, desired: 4, reason: ScheduledAction, min_capacity: 4}
      - {between: [5m, 479s], desired: 4}
      - {between: [8m, 12m], desired: 2, max_capacity: 2}
`},
		{"after a time in which the daemon was down", head, "    desired: 1\n" + quiet("30x12") + `    events: [{at: 4m, restart: true, down: 3m}]
    expect:
      - {between: [0s, 419s], desired: 1}
      - {at: 7m, desired: 4}
`},
		{"not while they are suspended", head, "    desired: 1\n" + quiet("30x12") + `    events: [{at: 1m, suspend: [scheduled]}]
    expect: [{between: [0s, 12m], desired: 1}]
`},
		{"with the next pass, if there is a phase", head, "    desired: 1\n    phase: 40s\n" + quiet("30x12") + `    expect:
      - {between: [0s, 339s], desired: 1}
      - {at: 340s, desired: 4}
`},
	})
}

func TestNothingMakesAMinuteAlarmActBetweenMinutes(t *testing.T) {
	head := fmt.Sprintf(slow, "Average", "60", "20") + `      - name: minute
        alarm: {metric: ECSServiceAverageCPUUtilization, comparison_operator: GreaterThanThreshold, threshold: 50, evaluation_periods: 1}
        adjustment_type: ChangeInCapacity
        cooldown: 0
        step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 1}]
`
	metrics := "    desired: 1\n    metrics: [{namespace: N, metric_name: M, period: 20, values: 10x30}, {policy: minute, values: 30 80x9}]\n"
	expect := "    expect:\n      - {between: [0s, 109s], desired: 1}\n      - {between: [120s, 179s], desired: 2}\n"
	var stories []story
	for _, e := range []string{
		"", "{at: 65s, set: {max_capacity: 8}}", "{at: 121s, set: {max_capacity: 8}}", "{at: 125s, restart: true}", "{at: 125s, deployment: in_progress}",
		"{at: 125s, suspend: [scale_in]}", "{at: 130s, restart: true, down: 5s}",
		"{at: 125s, fail: GetMetricData, error: InternalServiceFault, for: 9s}",
	} {
		stories = append(stories, story{"event " + e, head, metrics + "    events: [" + e + "]\n" + expect})
	}
	checkStories(t, stories)
}
