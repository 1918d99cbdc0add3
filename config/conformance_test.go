package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-autoscaler/evaluator"
)

func TestStepAdjustmentsAreCheckedAsByAWS(t *testing.T) {
	step := func(kind, short, more string) string { return stepping(memoryAlarm, kind, steps(short), more) }
	checkRules(t, []rule{
		{"case 52: open below to 0 is accepted", step("ChangeInCapacity", ",0,-1", ""), ""},
		{"case 53: both bounds null", step("ChangeInCapacity", ",,1", ""), "a step needs a bound"},
		{"case 55: overlap", step("ChangeInCapacity", "0,10,1 9,,2", ""), "overlap"},
		{"case 56: gap", step("ChangeInCapacity", "0,10,1 11,,2", ""), "a gap between"},
		{"case 58: negative lower bound needs an open one", step("ChangeInCapacity", "-10,0,-1", ""), "must be open below"},
		{"rule 4: positive upper bound needs an open one", step("ChangeInCapacity", "0,10,1", ""), "must be open above"},
		{"case 59: two open above", step("ChangeInCapacity", "0,,1 5,,2", ""), "a second step without metric_interval_upper_bound"},
		{"rule 2: two open below", step("ChangeInCapacity", ",0,-1 ,-5,-2", ""), "a second step without metric_interval_lower_bound"},
		{"case 61: upper below lower", step("ChangeInCapacity", "10,0,1 10,,2", ""), "must exceed"},
		{"case 62: upper equals lower", step("ChangeInCapacity", "5,5,1 5,,2", ""), "must exceed"},
		{"case 64: negative exact capacity", step("ExactCapacity", "0,,-3", ""), "must be 0 or more"},
		{"case 65: exact capacity 0 is accepted", step("ExactCapacity", "0,,0", ""), ""},
		{"case 67: no steps", step("ChangeInCapacity", "", ""), "step_adjustments is empty"},
		{"case 68: minimum magnitude with ChangeInCapacity", step("ChangeInCapacity", "0,,1", ", min_adjustment_magnitude: 2"), "PercentChangeInCapacity only"},
		{"minimum magnitude with PercentChangeInCapacity is accepted", step("PercentChangeInCapacity", "0,,10", ", min_adjustment_magnitude: 2"), ""},
		{"null bounds are AWS's way to say open", stepping(memoryAlarm, "ChangeInCapacity", "{metric_interval_lower_bound: 0, metric_interval_upper_bound: null, scaling_adjustment: 1}", ""), ""},
		{"both sides of the threshold are accepted", step("ChangeInCapacity", ",-10,-2 -10,0,-1 0,10,1 10,,2", ""), ""},
		{"steps away from the threshold are accepted", step("ChangeInCapacity", "5,10,1 10,,2", ""), ""},
		{"twenty steps are accepted", step("ChangeInCapacity", manySteps(20), ""), ""},
		{"rule 9: twenty-one steps", step("ChangeInCapacity", manySteps(21), ""), "AWS allows 20"},
	})
}

func manySteps(n int) string {
	var b strings.Builder
	for i := range n - 1 {
		fmt.Fprintf(&b, "%d,%d,1 ", i, i+1)
	}
	fmt.Fprintf(&b, "%d,,1", n-1)
	return b.String()
}

func TestStepsComeSortedWhateverTheirOrderInTheFile(t *testing.T) {
	got := bindOnly(t, stepping(memoryAlarm, "ChangeInCapacity", steps("25,,3 0,10,1 10,25,2"), "")).Policies[0].Step.Adjustments
	var order []int
	for _, s := range got {
		order = append(order, s.ScalingAdjustment)
	}
	if diff := cmp.Diff([]int{1, 2, 3}, order); diff != "" {
		t.Errorf("order of steps (-want +got):\n%s", diff)
	}
}

func TestTargetTrackingHasAWSsTwoAlarms(t *testing.T) {
	t.Run("case 110: above the target and below nine tenths of it", func(t *testing.T) {
		want := []evaluator.Alarm{
			{Name: "high", SampleCount: -1, EvaluationPeriods: 3, DatapointsToAlarm: 3, Threshold: 50, Operator: evaluator.GreaterThanThreshold, Missing: evaluator.TreatMissing},
			{Name: "low", SampleCount: -1, EvaluationPeriods: 15, DatapointsToAlarm: 15, Threshold: 45, Operator: evaluator.LessThanThreshold, Missing: evaluator.TreatMissing},
		}
		got := bindOnly(t, tracking(cpu))
		if diff := cmp.Diff(want, got.Policies[0].Alarms); diff != "" {
			t.Errorf("alarms (-want +got):\n%s", diff)
		}
		if got.Metrics[0].Period != 60 {
			t.Errorf("period = %d, want 60", got.Metrics[0].Period)
		}
	})
}

func TestHighResolutionTypesHaveTwentySecondAlarms(t *testing.T) {
	got := bindOnly(t, tracking("metric: ECSServiceAverageCPUUtilizationHighResolution, target_value: 50"))
	high, low := got.Policies[0].Alarms[0], got.Policies[0].Alarms[1]
	if high.EvaluationPeriods != 3 || low.EvaluationPeriods != 30 || low.DatapointsToAlarm != 30 {
		t.Errorf("high %d, low %d of %d; want 3 and 30 of 30", high.EvaluationPeriods, low.DatapointsToAlarm, low.EvaluationPeriods)
	}
	if m := got.Metrics[0]; m.Period != 20 || m.MetricName != "CPUUtilization" {
		t.Errorf("metric = %+v, want CPUUtilization at 20 s", m)
	}
}

func TestDisableScaleInLeavesNoLowAlarm(t *testing.T) {
	t.Run("case 109: the high alarm alone", func(t *testing.T) {
		got := bindOnly(t, tracking(cpu+", disable_scale_in: true")).Policies[0]
		if len(got.Alarms) != 1 || got.Alarms[0].Name != "high" || !got.TargetTracking.DisableScaleIn {
			t.Errorf("alarms = %+v, want high only", got.Alarms)
		}
	})
}

func TestCustomizedMetricsAreReadInSixtySecondBuckets(t *testing.T) {
	t.Run("case 113: 60 s and AWS's periods", func(t *testing.T) {
		got := bindOnly(t, tracking("customized_metric: {namespace: App, metric_name: Backlog, statistic: Sum}, target_value: 100"))
		if got.Metrics[0].Period != 60 || got.Policies[0].Alarms[1].EvaluationPeriods != 15 {
			t.Errorf("metric %+v, low alarm %+v; want 60 s and 15 periods", got.Metrics[0], got.Policies[0].Alarms[1])
		}
	})
}

func TestTargetTrackingIsCheckedAsByAWS(t *testing.T) {
	const label = "resource_label: app/lb/1/targetgroup/tg/2"
	checkRules(t, []rule{
		{"case 115: ALB metric without label", tracking("metric: ALBRequestCountPerTarget, target_value: 50"), "needs resource_label"},
		{"case 116: CPU metric with label", tracking(cpu + ", " + label), "belongs to ALBRequestCountPerTarget only"},
		{"ALB metric with label", tracking("metric: ALBRequestCountPerTarget, target_value: 50, " + label), ""},
		{"case 119: cooldown 0", tracking(cpu + ", scale_in_cooldown: 0, scale_out_cooldown: 0s"), ""},
		{"negative cooldown", tracking(cpu + ", scale_in_cooldown: -1"), "not negative"},
		{"target value 0", tracking("metric: ECSServiceAverageCPUUtilization, target_value: 0"), "must be above 0"},
		{"small target value", tracking("metric: ECSServiceAverageCPUUtilization, target_value: 1e-3"), ""},
		{"CPU at both resolutions are two metrics", target("    target_tracking: [{name: a, " + cpu + "}, {name: b, metric: ECSServiceAverageCPUUtilizationHighResolution, target_value: 50}]\n"), ""},
		{"two labels are two metrics", target("    target_tracking: [{name: a, metric: ALBRequestCountPerTarget, target_value: 5, " + label + "}, {name: b, metric: ALBRequestCountPerTarget, target_value: 5, resource_label: app/lb/1/targetgroup/other/3}]\n"), ""},
		{"two statistics are two metrics", target(twoCustomized("statistic: Sum", "statistic: Average")), ""},
		{"units are one metric", target(twoCustomized("statistic: Sum", "statistic: Sum, unit: Count")), "only one target-tracking policy"},
		{"order of dimensions is one metric", target(twoCustomized("statistic: Sum, dimensions: {A: 'x', B: 'y'}", "statistic: Sum, dimensions: {B: 'y', A: 'x'}")), "only one target-tracking policy"},
		{"predefined and spelled out are two metrics", target("    target_tracking: [{name: a, " + cpu + "}, {name: b, target_value: 50, customized_metric: {namespace: AWS/ECS, metric_name: CPUUtilization, statistic: Average, dimensions: {ClusterName: web, ServiceName: api}}}]\n"), ""},
	})
}

func twoCustomized(first, second string) string {
	return fmt.Sprintf("    target_tracking: [{name: a, target_value: 5, customized_metric: {namespace: N, metric_name: M, %s}}, {name: b, target_value: 5, customized_metric: {namespace: N, metric_name: M, %s}}]\n", first, second)
}

func TestIdsAndUnitsDoNotMakeMetricMathDifferent(t *testing.T) {
	math := func(name, a, b, expression string) string {
		return fmt.Sprintf("{name: %s, target_value: 5, customized_metric: {metrics: [%s, %s, {id: out, expression: \"%s\"}]}}", name, a, b, expression)
	}
	stat := func(id, metric, more string) string {
		return fmt.Sprintf("{id: %s, metric_stat: {metric: {namespace: N, metric_name: %s}, stat: Sum%s}, return_data: false}", id, metric, more)
	}
	first := math("a", stat("m1", "A", ""), stat("m2", "B", ""), "m1 / m2")
	both := func(second string) string { return target("    target_tracking: [" + first + ", " + second + "]\n") }
	checkRules(t, []rule{
		{"other ids, units and order", both(math("b", stat("x2", "B", ""), stat("x1", "A", ", unit: Count"), "x1 /  x2")), "only one target-tracking policy"},
		{"the other way round", both(math("b", stat("m1", "A", ""), stat("m2", "B", ""), "m2 / m1")), ""},
		{"another metric", both(math("b", stat("m1", "A", ""), stat("m2", "C", ""), "m1 / m2")), ""},
	})
}

func TestCooldownsDefaultTo300Seconds(t *testing.T) {
	t.Run("case 118: for target tracking and step scaling", func(t *testing.T) {
		tt := bindOnly(t, tracking(cpu)).Policies[0]
		step := bindOnly(t, stepping(memoryAlarm, "ChangeInCapacity", steps("0,,1"), "")).Policies[0]
		for _, p := range []evaluator.Policy{tt, step} {
			if p.ScaleOutCooldown != 300*time.Second || p.ScaleInCooldown != 300*time.Second {
				t.Errorf("%s: cooldowns %s and %s, want 5m0s", p.Name, p.ScaleOutCooldown, p.ScaleInCooldown)
			}
		}
	})
}

func TestAlarmsAreCheckedAsByPutMetricAlarm(t *testing.T) {
	window := func(period, n string) string {
		return stepping("metric: ECSServiceAverageCPUUtilization, comparison_operator: LessThanThreshold, threshold: 5, period: "+period+", evaluation_periods: "+n, "ChangeInCapacity", steps(",0,-1"), "")
	}
	stat := func(s string) string {
		return stepping("namespace: N, metric_name: M, extended_statistic: \""+s+"\", evaluate_low_sample_count_percentile: ignore, comparison_operator: LessThanThreshold, threshold: 5, evaluation_periods: 1", "ChangeInCapacity", steps(",0,-1"), "")
	}
	checkRules(t, []rule{
		{"period 10", window("10", "3"), ""},
		{"period 20", window("20", "3"), ""},
		{"period 30", window("30", "3"), ""},
		{"case 235: period 15", window("15", "3"), "must be 10, 20, 30 or a multiple of 60"},
		{"case 236: period 90", window("90", "3"), "must be 10, 20, 30 or a multiple of 60"},
		{"period 0", window("0", "3"), "must be 10, 20, 30 or a multiple of 60"},
		{"case 238: a week of hours", window("3600", "168"), ""},
		{"a week and an hour", window("3600", "169"), "more than a week"},
		{"a day of minutes", window("60", "1440"), ""},
		{"a day and a minute", window("60", "1441"), "more than a day"},
		{"a period of a week", window("604800", "1"), ""},
		{"zero evaluation periods", window("60", "0"), "evaluation_periods must be"},
		{"absurdly many periods", window("60", "2147483647"), "more than a day"},
		{"case 259: a composite alarm", stepping("alarm_rule: 'ALARM(a) OR ALARM(b)'", "ChangeInCapacity", steps("0,,1"), ""), "alarm_rule"},
		{"low samples of a percentile", stat("p99.9"), ""},
		{"low samples of p100", stat("p100"), "percentile between p0 and p100"},
		{"low samples of a trimmed mean", stat("tm90"), "percentile between p0 and p100"},
	})
}

func TestStatisticsFollowCloudWatchsGrammar(t *testing.T) {
	for _, s := range []string{"p90", "p0", "p100", "p99.99", "p0.0000000001", "tm99", "wm98", "tc90", "ts90", "IQM", "PR(100:2000)", "PR(:300)", "PR(10:)", "TM(5%:95%)", "TM(:95%)", "TM(150:1000)", "WM(10%:)", "TC(0.005:0.030)", "TS(80%:)"} {
		if !extended(s) {
			t.Errorf("%s is refused, CloudWatch accepts it", s)
		}
	}
	for _, s := range []string{"", "p", "p101", "p-1", "90", "P90", "pp90", "TM(:)", "TM(95%:5%)", "TM(5:95%)", "PR(5%:95%)", "TM(5%:195%)", "iqm", "PR(1:2", "TM(1.2.3:4)", "p90 "} {
		if extended(s) {
			t.Errorf("%s is accepted, CloudWatch refuses it", s)
		}
	}
}

func TestScheduledActionsAreCheckedAsByAWS(t *testing.T) {
	action := func(more string) string { return target("    scheduled_actions: [{name: a, " + more + "}]\n") }
	on := func(schedule string) string { return action("min_capacity: 2, schedule: \"" + schedule + "\"") }
	named := func(name string) string {
		return target("    scheduled_actions: [{name: \"" + name + "\", min_capacity: 2, schedule: \"rate(1 hour)\"}]\n")
	}
	checkRules(t, []rule{
		{"cron", on("cron(0 8 ? * MON-FRI *)"), ""},
		{"case 307: five fields", on("cron(0 10 * * ?)"), "5 fields"},
		{"case 308: seconds first", on("cron(30 0 10 * * ? *)"), ""},
		{"case 316: 1 hour", on("rate(1 hour)"), ""},
		{"case 316: 1 hours", on("rate(1 hours)"), ""},
		{"case 316: 5 hour", on("rate(5 hour)"), ""},
		{"case 317: rate 0", on("rate(0 minutes)"), "at least 1"},
		{"case 319: week", on("rate(1 week)"), "minutes, hours or days"},
		{"case 320: seconds", on("rate(30 seconds)"), "minutes, hours or days"},
		{"case 322: date alone", on("at(2026-02-28)"), "a date and a time"},
		{"at", on("at(2026-02-28T10:00:00)"), ""},
		{"case 302: neither day field is ?", on("cron(0 10 * * * *)"), "did you mean cron(0 10 * * ? *)?"},
		{"case 304: both are", on("cron(0 10 ? * ? *)"), "did you mean cron(0 10 * * ? *)?"},
		{"case 305: AWS's old example", on("cron(30 6 * * 2 *)"), "did you mean cron(30 6 ? * 2 *)?"},
		{"case 310: hour 24", on("cron(0 24 * * ? *)"), "midnight is 0"},
		{"case 311: day of the week 0", on("cron(0 0 ? * 0 *)"), "Sunday is 1"},
		{"case 313: year 1969", on("cron(0 0 * * ? 1969)"), "from 1970 to 2199"},
		{"case 314: year 2200", on("cron(0 0 * * ? 2200)"), "from 1970 to 2199"},
		{"at on a day that does not exist", on("at(2026-02-30T10:00:00)"), "February 2026 has 28 days"},
		{"never closed", on("cron(0 8 ? * MON-FRI *"), "is never closed"},
		{"no parentheses", on("hourly"), "one of the forms"},
		{"case 323: colon", named("a:b"), "colon, slash or vertical bar"},
		{"case 323: slash", named("a/b"), "colon, slash or vertical bar"},
		{"case 323: vertical bar", named("a|b"), "colon, slash or vertical bar"},
		{"case 323: leading blank", named(" a"), "begin or end with a blank"},
		{"case 323: trailing blank", named("a "), "begin or end with a blank"},
		{"case 352: neither bound", action("schedule: \"rate(1 hour)\""), "needs min_capacity or max_capacity"},
		{"both bounds 0", action("schedule: \"rate(1 hour)\", min_capacity: 0, max_capacity: 0"), ""},
		{"min above max", action("schedule: \"rate(1 hour)\", min_capacity: 3, max_capacity: 2"), "must not exceed"},
		{"zone", action("schedule: \"rate(1 hour)\", min_capacity: 3, timezone: Pacific/Tahiti"), ""},
		{"zone with a sign", action("schedule: \"rate(1 hour)\", min_capacity: 3, timezone: Etc/GMT+9"), ""},
		{"case 337: no zone of that name", action("schedule: \"cron(0 9 * * ? *)\", min_capacity: 3, timezone: America/NotAZone"), "IANA name"},
		{"the machine's own zone", action("schedule: \"rate(1 hour)\", min_capacity: 3, timezone: Local"), "IANA name"},
		{"start before end", action("schedule: \"rate(1 hour)\", min_capacity: 3, start_time: \"2026-01-01T00:00:00Z\", end_time: \"2026-01-02T00:00:00Z\""), ""},
	})
}

func TestPredictivePoliciesAreCheckedAsByAWS(t *testing.T) {
	policy := func(more string) string {
		return target("    predictive_scaling: [{name: p, target_value: 60" + more + "}]\n")
	}
	pair := func(more string) string { return policy(", metric_pair: ECSServiceCPUUtilization" + more) }
	custom := "{metrics: [{id: m, expression: \"SUM(SEARCH('{App} Load', 'Sum', 3600))\"}]}"
	checkRules(t, []rule{
		{"a pair", pair(""), ""},
		{"scaling and load", policy(", scaling_metric: ECSServiceAverageCPUUtilization, load_metric: ECSServiceTotalCPUUtilization"), ""},
		{"customized with SEARCH", policy(", customized_scaling_metric: " + custom + ", customized_load_metric: " + custom), ""},
		{"customized load without scaling", policy(", customized_load_metric: " + custom), "half of the metric specification"},
		{"ALB pair with label", policy(", metric_pair: ALBRequestCount, resource_label: app/lb/1/targetgroup/tg/2"), ""},
		{"ALB pair without label", policy(", metric_pair: ALBRequestCount"), "ALBRequestCount needs resource_label"},
		{"case 358: increase without buffer", pair(", max_capacity_breach_behavior: IncreaseMaxCapacity"), "needs max_capacity_buffer"},
		{"increase with buffer", pair(", max_capacity_breach_behavior: IncreaseMaxCapacity, max_capacity_buffer: 10"), ""},
		{"case 359: honor with buffer", pair(", max_capacity_breach_behavior: HonorMaxCapacity, max_capacity_buffer: 10"), "IncreaseMaxCapacity only"},
		{"buffer of 101 %", pair(", max_capacity_breach_behavior: IncreaseMaxCapacity, max_capacity_buffer: 101"), "from 0 to 100"},
		{"case 365: buffer time of an hour", pair(", scheduling_buffer_time: 3600"), "less than 3600"},
		{"buffer time just under an hour", pair(", scheduling_buffer_time: 3599"), ""},
		{"case 371: two metric specifications", pair(", scaling_metric: ECSServiceAverageCPUUtilization, load_metric: ECSServiceTotalCPUUtilization"), "exactly one metric specification"},
	})
}

func TestPredictiveModeDefaultsToForecastOnly(t *testing.T) {
	t.Run("case 367: and to AWS's other defaults", func(t *testing.T) {
		c := parse(t, target("    predictive_scaling: [{name: p, metric_pair: ECSServiceCPUUtilization, target_value: 60}]\n"))
		p := c.Targets[0].PredictiveScaling[0]
		if p.Mode != ForecastOnly || p.SchedulingBufferTime != 5*time.Minute || p.MaxCapacityBreachBehavior != HonorMaxCapacity {
			t.Errorf("got %+v, want ForecastOnly, 5m, HonorMaxCapacity", p)
		}
	})
}

func TestTwoHundredActionsAreTheLimit(t *testing.T) {
	t.Run("case 353: one more is refused", func(t *testing.T) {
		actions := func(n int) string {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, "      - {name: a%d, schedule: \"rate(1 hour)\", min_capacity: 1}\n", i)
			}
			return target("    scheduled_actions:\n" + b.String())
		}
		checkRules(t, []rule{{"200", actions(200), ""}, {"201", actions(201), "AWS allows 200"}})
	})
}
