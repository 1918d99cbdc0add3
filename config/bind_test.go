package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-autoscaler/evaluator"
)

func TestBindFillsInTheDimensionsOfPredefinedMetrics(t *testing.T) {
	got := bindOnly(t, tracking(cpu))
	want := []evaluator.Metric{{
		Namespace: "AWS/ECS", MetricName: "CPUUtilization", Stat: "Average", Period: 60,
		Dimensions: []evaluator.Dimension{{Name: "ClusterName", Value: "web"}, {Name: "ServiceName", Value: "api"}},
	}}
	if diff := cmp.Diff(want, got.Metrics); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if got.Key != (evaluator.Key{Cluster: "web", Service: "api"}) || got.Min != 1 || got.Max != 10 {
		t.Errorf("key %s, bounds %d to %d; want web/api, 1 to 10", got.Key, got.Min, got.Max)
	}
}

// CloudWatch evaluates an alarm over more than a day once an hour (aws-semantics 3.2).
func TestAnAlarmOverMoreThanADayReadsHourly(t *testing.T) {
	for periods, want := range map[int]bool{24: false, 25: true} {
		alarm := fmt.Sprintf("metric: ECSServiceAverageCPUUtilization, comparison_operator: LessThanThreshold, threshold: 5, period: 3600, evaluation_periods: %d", periods)
		got := bindOnly(t, stepping(alarm, "ChangeInCapacity", steps(",0,-1"), ""))
		if got.Metrics[0].Hourly != want {
			t.Errorf("%d periods of an hour: hourly is %t, want %t", periods, got.Metrics[0].Hourly, want)
		}
	}
}

// CloudWatch's alarms on DynamoDB ignore missing data unless told otherwise (aws-semantics 3.4).
func TestAlarmsOnDynamoDBIgnoreMissingDataByDefault(t *testing.T) {
	for _, c := range []struct {
		namespace, more string
		want            evaluator.TreatMissingData
	}{
		{"AWS/DynamoDB", "", evaluator.TreatIgnore},
		{"AWS/DynamoDB", ", treat_missing_data: missing", evaluator.TreatMissing},
		{"AWS/SQS", "", evaluator.TreatMissing},
	} {
		alarm := "namespace: " + c.namespace + ", metric_name: M, statistic: Sum, comparison_operator: GreaterThanThreshold, threshold: 5, evaluation_periods: 1" + c.more
		got := bindOnly(t, stepping(alarm, "ChangeInCapacity", steps("0,,1"), ""))
		if mode := got.Policies[0].Alarms[0].Missing; mode != c.want {
			t.Errorf("%s%s treats missing data as %s, want %s", c.namespace, c.more, mode, c.want)
		}
	}
}

func TestTheResourceLabelBecomesTwoDimensions(t *testing.T) {
	got := bindOnly(t, tracking("metric: ALBRequestCountPerTarget, resource_label: app/my-lb/778d41231b141a0f/targetgroup/my-tg/943f017f100becff, target_value: 100"))
	want := []evaluator.Metric{{
		Namespace: "AWS/ApplicationELB", MetricName: "RequestCountPerTarget", Stat: "Sum", Period: 60,
		Dimensions: []evaluator.Dimension{{Name: "LoadBalancer", Value: "app/my-lb/778d41231b141a0f"}, {Name: "TargetGroup", Value: "targetgroup/my-tg/943f017f100becff"}},
	}}
	if diff := cmp.Diff(want, got.Metrics); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func TestMetricMathKeepsItsQueries(t *testing.T) {
	got := bindOnly(t, target(`    target_tracking:
      - name: backlog
        target_value: 100
        customized_metric:
          metrics:
            - {id: m1, metric_stat: {metric: {namespace: AWS/SQS, metric_name: Visible, dimensions: {QueueName: jobs}}, stat: p90, unit: Count}, return_data: false}
            - {id: e1, expression: "FILL(m1, REPEAT) / 2e1", label: per task}
`))
	want := []evaluator.Metric{{Period: 60, Queries: []evaluator.MetricDataQuery{
		{ID: "m1", Metric: &evaluator.Metric{Namespace: "AWS/SQS", MetricName: "Visible", Stat: "p90", Unit: "Count", Dimensions: []evaluator.Dimension{{Name: "QueueName", Value: "jobs"}}}},
		{ID: "e1", Expression: "FILL(m1, REPEAT) / 2e1", ReturnData: true},
	}}}
	if diff := cmp.Diff(want, got.Metrics); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// sharing has two policies on memory, one of them with the metric spelled out for web/api.
const sharing = `
targets:
  - service: web/*
    min_capacity: 1
    max_capacity: 9
    target_tracking:
      - {name: memory, metric: ECSServiceAverageMemoryUtilization, target_value: 50}
    step_scaling:
      - name: out
        alarm: {metric: ECSServiceAverageMemoryUtilization, comparison_operator: GreaterThanThreshold, threshold: 50, evaluation_periods: 3}
        adjustment_type: ChangeInCapacity
        step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 1}]
      - name: spelled
        alarm: {namespace: AWS/ECS, metric_name: MemoryUtilization, statistic: Average, dimensions: {ServiceName: api, ClusterName: web}, comparison_operator: GreaterThanThreshold, threshold: 50, evaluation_periods: 3}
        adjustment_type: ChangeInCapacity
        step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 1}]
`

func TestPoliciesOnOneMetricShareIt(t *testing.T) {
	c := parse(t, sharing)
	other := c.Targets[0].Bind("web", "other")
	if len(other.Metrics) != 2 {
		t.Errorf("web/other has %d metrics, want its own memory and that of web/api", len(other.Metrics))
	}
	same := c.Targets[0].Bind("web", "api")
	if len(same.Metrics) != 1 {
		t.Fatalf("web/api has %d metrics, want 1: the spelled-out one is its own", len(same.Metrics))
	}
	for _, p := range same.Policies {
		for _, a := range p.Alarms {
			if a.Metric != 0 || a.SampleCount != -1 {
				t.Errorf("%s/%s refers to metric %d and sample count %d", p.Name, a.Name, a.Metric, a.SampleCount)
			}
		}
	}
	if other.Policies[2].Alarms[0].Metric != 1 {
		t.Error("binding web/api changed the policies that web/other shares")
	}
}

func TestDifferentPeriodsAreDifferentMetrics(t *testing.T) {
	got := bindOnly(t, tracking(cpu+", scale_in_alarm: {period: 300, evaluation_periods: 3}"))
	if len(got.Metrics) != 2 || got.Metrics[0].Period != 60 || got.Metrics[1].Period != 300 {
		t.Fatalf("metrics = %+v, want periods 60 and 300", got.Metrics)
	}
	if high, low := got.Policies[0].Alarms[0], got.Policies[0].Alarms[1]; high.Metric != 0 || low.Metric != 1 {
		t.Errorf("high reads metric %d, low %d; want 0 and 1", high.Metric, low.Metric)
	}
}

func TestAPercentileAlarmThatIgnoresFewSamplesReadsTheirNumber(t *testing.T) {
	got := bindOnly(t, stepping("namespace: N, metric_name: M, extended_statistic: p99.5, evaluate_low_sample_count_percentile: ignore, comparison_operator: GreaterThanThreshold, threshold: 5, evaluation_periods: 1", "ChangeInCapacity", steps("0,,1"), ""))
	a := got.Policies[0].Alarms[0]
	if len(got.Metrics) != 2 || a.SampleCount != 1 || got.Metrics[1].Stat != "SampleCount" || a.Percentile != 0.995 {
		t.Errorf("alarm %+v, metrics %+v; want percentile 0.995 and a SampleCount metric", a, got.Metrics)
	}
	again := bindOnly(t, stepping("namespace: N, metric_name: M, extended_statistic: p99.5, evaluate_low_sample_count_percentile: evaluate, comparison_operator: GreaterThanThreshold, threshold: 5, evaluation_periods: 1", "ChangeInCapacity", steps("0,,1"), ""))
	if a := again.Policies[0].Alarms[0]; len(again.Metrics) != 1 || a.SampleCount != -1 || a.Percentile != 0 {
		t.Errorf("with evaluate: alarm %+v, %d metrics; want none for samples", a, len(again.Metrics))
	}
}

func TestAStepPolicyIsBoundWithEverythingItSays(t *testing.T) {
	got := bindOnly(t, stepping("metric: ECSServiceAverageMemoryUtilization, comparison_operator: LessThanOrEqualToThreshold, threshold: 70.5, period: 5m, evaluation_periods: 3, datapoints_to_alarm: 2, treat_missing_data: notBreaching",
		"PercentChangeInCapacity", steps(",-5,-20 -5,0,-10"), ", min_adjustment_magnitude: 2, cooldown: 90s, metric_aggregation_type: Maximum"))
	p := got.Policies[0]
	alarm := evaluator.Alarm{Name: "alarm", SampleCount: -1, EvaluationPeriods: 3, DatapointsToAlarm: 2, Threshold: 70.5, Operator: evaluator.LessThanOrEqualToThreshold, Missing: evaluator.TreatNotBreaching}
	if diff := cmp.Diff([]evaluator.Alarm{alarm}, p.Alarms); diff != "" {
		t.Errorf("alarm (-want +got):\n%s", diff)
	}
	if got.Metrics[0].Period != 300 || p.ScaleOutCooldown != 90*time.Second || p.ScaleInCooldown != 90*time.Second || p.Aggregation != evaluator.Maximum {
		t.Errorf("policy %+v on %+v", p, got.Metrics[0])
	}
	if p.Type != evaluator.StepScaling || p.Step.AdjustmentType != evaluator.PercentChangeInCapacity || p.Step.MinAdjustmentMagnitude != 2 {
		t.Errorf("step = %+v", p.Step)
	}
}

func TestDefaultsGiveWayToTheTargetAndTheTargetToThePolicy(t *testing.T) {
	c := parse(t, `
defaults:
  metric_aggregation: maximum
  metric_aggregation_type: Minimum
  cooldown_credit: difference
  cooldown_scope: target
  scale_in_during_scale_out_cooldown: false
  scale_in_during_deployment: true
  start_switched_off_services: true
  disable_scale_in: false
  scale_out_cooldown: 1
  scale_in_cooldown: 2
  cooldown: 3
  catch_up: none
  scale_in_alarm: {evaluation_periods: 5, threshold_percent: 80}
targets:
  - service: a/defaults
    min_capacity: 0
    max_capacity: 1
    target_tracking: [{name: t, metric: ECSServiceAverageCPUUtilization, target_value: 50}]
    scheduled_actions: [{name: x, schedule: "rate(1 hour)", min_capacity: 1}]
  - service: a/target
    min_capacity: 0
    max_capacity: 1
    metric_aggregation: latest
    cooldown_scope: policy
    scale_in_during_deployment: false
    start_switched_off_services: false
    scale_out_cooldown: 10
    catch_up: newest
    scale_in_alarm: {evaluation_periods: 6}
    target_tracking: [{name: t, metric: ECSServiceAverageCPUUtilization, target_value: 50}]
    scheduled_actions: [{name: x, schedule: "rate(1 hour)", min_capacity: 1}]
  - service: a/policy
    min_capacity: 0
    max_capacity: 1
    metric_aggregation: latest
    target_tracking:
      - name: t
        metric: ECSServiceAverageCPUUtilization
        target_value: 50
        metric_aggregation: average
        cooldown_credit: base
        scale_in_during_scale_out_cooldown: true
        scale_out_cooldown: 100
        scale_in_alarm: {datapoints_to_alarm: 4}
    step_scaling:
      - name: s
        alarm: {metric: ECSServiceAverageCPUUtilization, comparison_operator: GreaterThanThreshold, threshold: 1, evaluation_periods: 1}
        adjustment_type: ChangeInCapacity
        step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 1}]
    scheduled_actions: [{name: x, schedule: "rate(1 hour)", min_capacity: 1, catch_up: none}]
`)
	type effective struct {
		Aggregation              evaluator.Aggregation
		Credit                   evaluator.CooldownCredit
		Scope                    evaluator.CooldownScope
		InDuringOut, InDuringDep bool
		SwitchedOff              bool
		Out, In                  time.Duration
		LowN, LowM               int
		LowThreshold             float64
		CatchUp                  CatchUp
	}
	want := []effective{
		{evaluator.Maximum, evaluator.CreditDifference, evaluator.ScopeTarget, false, true, true, time.Second, 2 * time.Second, 5, 5, 40, CatchUpNone},
		{evaluator.Latest, evaluator.CreditDifference, evaluator.ScopePolicy, false, false, false, 10 * time.Second, 2 * time.Second, 6, 6, 40, CatchUpNewest},
		{evaluator.Average, evaluator.CreditBase, evaluator.ScopeTarget, true, true, true, 100 * time.Second, 2 * time.Second, 5, 4, 40, CatchUpNone},
	}
	for i, entry := range c.Targets {
		b := entry.Bind(entry.Cluster, entry.Service)
		p, low := b.Policies[0], b.Policies[0].Alarms[1]
		got := effective{p.Aggregation, p.CooldownCredit, p.CooldownScope, p.ScaleInDuringScaleOutCooldown, b.ScaleInDuringDeployment,
			b.StartSwitchedOff, p.ScaleOutCooldown, p.ScaleInCooldown, low.EvaluationPeriods, low.DatapointsToAlarm, low.Threshold, entry.ScheduledActions[0].CatchUp}
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", entry.Pattern(), diff)
		}
	}
	if s := c.Targets[2].Bind("a", "policy").Policies[1]; s.Aggregation != evaluator.Minimum || s.ScaleInCooldown != 3*time.Second {
		t.Errorf("step policy %+v; want the defaults Minimum and 3 s", s)
	}
}

func TestWithoutOptionsEverythingIsAWSs(t *testing.T) {
	got := bindOnly(t, tracking(cpu))
	p := got.Policies[0]
	if p.Aggregation != evaluator.Average || p.CooldownCredit != evaluator.CreditBase || p.CooldownScope != evaluator.ScopePolicy || !p.ScaleInDuringScaleOutCooldown {
		t.Errorf("policy = %+v", p)
	}
	if got.ScaleInDuringDeployment || got.StartSwitchedOff || got.Suspended != (evaluator.SuspendedState{}) {
		t.Errorf("target = %+v", got)
	}
}

func TestSuspendedStateIsBound(t *testing.T) {
	got := bindOnly(t, target("    suspended_state: {dynamic_scaling_in_suspended: true, scheduled_scaling_suspended: true}\n")).Suspended
	if want := (evaluator.SuspendedState{DynamicScalingIn: true, Scheduled: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTargetTrackingStandsBeforeStepScaling(t *testing.T) {
	got := bindOnly(t, target(`    step_scaling:
      - {name: s, alarm: {`+memoryAlarm+`}, adjustment_type: ExactCapacity, step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 5}]}
    target_tracking: [{name: b, `+cpu+`}, {name: a, metric: ECSServiceAverageMemoryUtilization, target_value: 1}]
`))
	var names []string
	for _, p := range got.Policies {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"b", "a", "s"}, names); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestTenThousandTargetsOfAPatternShareTheirPolicies(t *testing.T) {
	entry := parse(t, sharing).Targets[0]
	one, two := entry.Bind("web", "one"), entry.Bind("web", "two")
	if &one.Policies[0] != &two.Policies[0] {
		t.Error("the policies were copied")
	}
	if perBind := testing.AllocsPerRun(100, func() { entry.Bind("web", "one") }); perBind > 4 {
		t.Errorf("a bind takes %v allocations, want at most 4: target, metrics, dimensions and the interning of names", perBind)
	}
}

func BenchmarkBind(b *testing.B) {
	c, found := Parse(Source{Name: "bench.yaml", Text: []byte(sharing)}, environment)
	if c == nil {
		b.Fatal(found.Detail())
	}
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("service-%d", i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.Targets[0].Bind("web", names[i%len(names)])
	}
}

func TestWhatMakesAScheduleAnotherOne(t *testing.T) {
	action := func(text string) evaluator.ScheduledAction {
		return bindOnly(t, target("    scheduled_actions: [{name: a, "+text+"}]\n")).ScheduledActions[0]
	}
	const bounded = `schedule: "cron(0 9 * * ? *)", start_time: "2026-01-01T00:00:00Z", end_time: "2026-02-01T00:00:00Z"`
	first := action(bounded + ", min_capacity: 2")
	for _, c := range []struct {
		name, text string
		same       bool
		fires      bool // in March
	}{
		{"other bounds of the capacity do not", bounded + ", min_capacity: 3", true, false},
		{"nor catching up", bounded + ", min_capacity: 2, catch_up: none", true, false},
		{"case 347: times left out are gone, it fires without end", `schedule: "cron(0 9 * * ? *)", min_capacity: 2`, false, true},
		{"another time zone does", bounded + ", min_capacity: 2, timezone: Europe/London", false, false},
		{"another expression does", strings.Replace(bounded, "0 9", "0 8", 1) + ", min_capacity: 2", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := action(c.text)
			if (a.Identity == first.Identity) != c.same {
				t.Errorf("identities %q and %q", first.Identity, a.Identity)
			}
			march := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
			if _, fires := a.Schedule.Next(march, march); fires != c.fires {
				t.Errorf("fires in March: %t", fires)
			}
		})
	}
}
