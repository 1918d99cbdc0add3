package policytest

import (
	"fmt"
	"strings"
	"testing"

	"ecs-autoscaler/config"
)

// stepping is a target whose one policy adds a task above 50 and takes one away below 20, on a metric and period of its own.
const stepping = `
targets:
  - service: c/s
    min_capacity: 1
    max_capacity: 9
    step_scaling:
      - name: out
        alarm: {metric: ECSServiceAverageCPUUtilization, comparison_operator: GreaterThanThreshold, threshold: 50, evaluation_periods: 1}
        adjustment_type: ChangeInCapacity
        cooldown: 0
        step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 1}]
      - name: in
        alarm: {metric: ECSServiceAverageCPUUtilization, comparison_operator: LessThanThreshold, threshold: 20, evaluation_periods: 1}
        adjustment_type: ChangeInCapacity
        cooldown: 0
        step_adjustments: [{metric_interval_upper_bound: 0, scaling_adjustment: -1}]
`

// story is one test of the service c/s without its name; head is the configuration.
type story struct{ name, head, body string }

// read parses a story that is expected to be right.
func (s *story) read(t *testing.T) *test {
	t.Helper()
	text := s.head + "tests:\n  - name: x\n    service: c/s\n" + s.body
	l := &loader{env: noEnvironment, read: map[string]*loaded{}}
	f, found := l.parse(config.Source{Name: "story.yaml", Text: []byte(text)})
	if f == nil {
		t.Fatalf("%s\nin\n%s", found.Detail(), text)
	}
	return f.tests[0]
}

// failures plays a story.
func (s *story) failures(t *testing.T) []Failure {
	t.Helper()
	failures, err := s.read(t).run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return failures
}

func checkStories(t *testing.T, stories []story) {
	t.Helper()
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			for _, f := range s.failures(t) {
				t.Errorf("at %s, line %d: expected %s, got %s\n  %s", offset(f.At), f.Line, f.Expected, f.Got, f.Explanation)
			}
		})
	}
}

const cpu = "    metrics: [{metric: ECSServiceAverageCPUUtilization, values: %s}]\n"

func quiet(values string) string { return fmt.Sprintf(cpu, values) }

func TestValuesAreSeenByThePassAtTheEndOfTheirPeriod(t *testing.T) {
	checkStories(t, []story{
		{"one value", stepping, "    desired: 1\n" + quiet("80 30x5") + `    expect:
      - {between: [0s, 59s], desired: 1}
      - {between: [1m, 5m], desired: 2}
`},
		{"with a phase", stepping, "    desired: 1\n    phase: 25s\n" + quiet("80 30x5") + `    expect:
      - {between: [0s, 84s], desired: 1}
      - {between: [85s, 5m], desired: 2}
`},
		{"with a delay", stepping, "    desired: 1\n    metric_delay: 61s\n" + quiet("80 30x5") + `    expect:
      - {between: [0s, 179s], desired: 1}
      - {between: [3m, 5m], desired: 2}
`},
		{"a delay that is over at the pass", stepping, "    desired: 1\n    metric_delay: 60s\n" + quiet("80 30x5") + `    expect:
      - {between: [0s, 119s], desired: 1}
      - {between: [2m, 5m], desired: 2}
`},
		{"at another start", stepping, "    desired: 1\n    start: 2026-03-29T00:59:00Z\n" + quiet("80 30x5") + `    expect:
      - {between: [1m, 5m], desired: 2}
`},
		{"after the last value it is missing", stepping, "    desired: 3\n" + quiet("10") + `    expect:
      - {between: [1m, 10m], desired: 2}
      - {between: [2m, 3m], reason: StaleData}
      - {at: 10m, reason: InsufficientData, alarm: in/alarm, state: INSUFFICIENT_DATA}
`},
	})
}

func TestEveryEventDoesWhatItSays(t *testing.T) {
	checkStories(t, []story{
		{"desired is somebody else's write", stepping, "    desired: 1\n    task_start: 90s\n" + quiet("30x9") + `    events: [{at: 2m, desired: 7}, {at: 5m, desired: 2}]
    expect:
      - {at: 119s, desired: 1, running: 1}
      - {between: [2m, 209s], desired: 7, running: 1}
      - {between: [210s, 299s], desired: 7, running: 7}
      - {between: [5m, 9m], desired: 2, running: 2}
`},
		{"tasks of two writes start each in its time", stepping, "    desired: 1\n    task_start: 100s\n" + quiet("30x9") + `    events: [{at: 10s, desired: 3}, {at: 30s, desired: 6}, {at: 40s, desired: 5}]
    expect:
      - {at: 109s, running: 1}
      - {at: 110s, running: 3}
      - {at: 129s, running: 3}
      - {between: [130s, 5m], running: 5}
`},
		{"tasks that have not started are the first to go", stepping, "    desired: 2\n    task_start: 100s\n" + quiet("30x9") + `    events: [{at: 10s, desired: 6}, {at: 30s, desired: 2}]
    expect: [{between: [0s, 5m], running: 2}]
`},
		{"running is forced until the desired count changes", stepping, "    desired: 4\n    task_start: 30s\n" + quiet("30x9") + `    events: [{at: 1m, running: 2}, {at: 3m, desired: 4}, {at: 4m, desired: 5}]
    expect:
      - {between: [1m, 269s], running: 2}
      - {between: [270s, 9m], running: 5}
`},
		{"running may differ from the start", stepping, "    desired: 4\n    running: 2\n" + quiet("30x9") + "    expect: [{between: [0s, 9m], desired: 4, running: 2}]\n"},
		{"a deployment holds scale-in", stepping, "    desired: 3\n" + quiet("10x9") + `    events: [{at: 0s, deployment: in_progress}, {at: 3m, deployment: completed}]
    expect:
      - {between: [0s, 179s], desired: 3}
      - {at: 2m, reason: TargetServicePutResourceAsUnscalable}
      - {at: 3m, desired: 2}
`},
		{"a failing write changes nothing and is made again", stepping, "    desired: 1\n" + quiet("80x9") + `    events: [{at: 1m, fail: UpdateService, error: ServerException, for: 2m}]
    expect:
      - {between: [0s, 179s], desired: 1}
      - {at: 3m, desired: 2}
`},
		{"a failing description holds everything", stepping, "    desired: 1\n" + quiet("80x9") + `    events: [{at: 0s, fail: DescribeServices, error: ThrottlingException, for: 2m}]
    expect:
      - {at: 0s, reason: ServiceNotDescribed}
      - {between: [0s, 119s], desired: 1}
      - {at: 2m, desired: 2}
`},
		{"a failing read is no data", stepping, "    desired: 3\n" + quiet("10x9") + `    events: [{at: 1m, fail: GetMetricData, error: InternalServiceFault, for: 61s}]
    expect:
      - {between: [0s, 179s], desired: 3}
      - {between: [1m, 2m], reason: StaleData}
      - {at: 3m, desired: 2}
`},
		{"the newest failure that lasts decides, and the one before it after that", stepping, "    desired: 1\n" + quiet("80x9") + `    events: [{at: 1m, fail: UpdateService, error: ServerException, for: 3m}, {at: 90s, fail: UpdateService, error: AccessDeniedException, for: 31s}]
    expect:
      - {between: [0s, 239s], desired: 1}
      - {at: 4m, desired: 2}
`},
		{"a read that fails for two reasons fails for the longer of them", stepping, "    desired: 3\n" + quiet("10x9") + `    events: [{at: 1m, fail: GetMetricData, error: InternalServiceFault, for: 3m}, {at: 2m, fail: GetMetricData, error: Throttling, for: 1s}]
    expect:
      - {between: [0s, 239s], desired: 3}
      - {at: 4m, desired: 2}
`},
		{"a refused write is made again at the first pass that may", stepping, "    desired: 1\n" + quiet("80x9") + `    events: [{at: 1m, fail: UpdateService, error: AccessDeniedException, for: 90s}]
    expect:
      - {between: [0s, 179s], desired: 1}
      - {at: 3m, desired: 2}
`},
		{"bounds that were set survive that", stepping, "    desired: 1\n" + quiet("80x9") + `    events:
      - {at: 30s, set: {max_capacity: 2}}
      - {at: 1m, fail: UpdateService, error: InvalidParameterException, for: 1m}
    expect:
      - {at: 1m, desired: 1}
      - {between: [2m, 5m], desired: 2, max_capacity: 2}
`},
		{"a restart keeps what is durable", stepping, "    desired: 1\n" + quiet("80 30x9") + `    events: [{at: 90s, restart: true}]
    expect:
      - {at: 90s, alarm: out/alarm, state: ALARM}
      - {between: [1m, 9m], desired: 2}
      - {at: 2m, reason: AlarmNotInAlarm}
`},
		{"a daemon that is down makes no pass, and one that is back does at once", stepping, "    desired: 1\n" + quiet("80x9") + `    events: [{at: 1m, restart: true, down: 2m}]
    expect:
      - {between: [0s, 179s], desired: 1}
      - {at: 3m, desired: 2}
`},
		{"what is switched off is left alone", stepping, "    desired: 3\n" + quiet("80x9") + `    events: [{at: 30s, desired: 0}]
    expect: [{between: [1m, 5m], desired: 0, running: 0, reason: ServiceSwitchedOff}]
`},
	})
}

func TestOneInstantHasAnOrder(t *testing.T) {
	checkStories(t, []story{
		{"tasks start before events", stepping, "    desired: 1\n    task_start: 1m\n" + quiet("30x9") + `    events: [{at: 1m, desired: 3}, {at: 2m, running: 2}]
    expect: [{at: 2m, running: 2}]
`},
		{"events happen in file order", stepping, "    desired: 1\n" + quiet("30x9") + `    events: [{at: 1m, desired: 3}, {at: 1m, desired: 2}, {at: 30s, desired: 5}]
    expect: [{at: 1m, desired: 2}]
`},
		{"events happen before the pass", stepping, "    desired: 3\n" + quiet("10x9") + `    events: [{at: 1m, desired: 6}]
    expect: [{at: 1m, desired: 5}]
`},
		{"the pass is made before expectations", stepping, "    desired: 1\n" + quiet("80x9") + "    expect: [{at: 1m, desired: 2, reason: StepScalingPolicy}]\n"},
		{"an expectation between passes sees the last pass", stepping, "    desired: 1\n" + quiet("80 30x9") + `    expect:
      - {at: 119s, desired: 2, reason: StepScalingPolicy, alarm: out/alarm, state: ALARM}
      - {at: 2m, reason: AlarmNotInAlarm}
`},
		{"before the first pass alarms have no data and the bounds are the file's", stepping, "    desired: 1\n    phase: 30s\n" + quiet("80x9") + `    expect: [{at: 29s, desired: 1, min_capacity: 1, max_capacity: 9, alarm: out/alarm, state: INSUFFICIENT_DATA}]
`},
	})
}

// slow is a step policy on an alarm of five minutes, fast one on an alarm of twenty seconds.
const slow = `
targets:
  - service: c/s
    min_capacity: 1
    max_capacity: 9
    step_scaling:
      - name: slow
        alarm: {namespace: N, metric_name: M, statistic: %s, comparison_operator: GreaterThanOrEqualToThreshold, threshold: %s, period: %s, evaluation_periods: 1}
        adjustment_type: ExactCapacity
        cooldown: 0
        step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 5}]
`

func TestAFinerSeriesIsAggregatedByTheStatisticInSlidingWindows(t *testing.T) {
	head := func(statistic, threshold, period string) string {
		return fmt.Sprintf(slow, statistic, threshold, period)
	}
	below := strings.NewReplacer("GreaterThan", "LessThan", "lower_bound", "upper_bound").Replace
	entry := func(more string) string {
		return "    desired: 1\n    metrics: [{namespace: N, metric_name: M, " + more + "}]\n"
	}
	checkStories(t, []story{
		{"the average of five minutes", head("Average", "30", "300"), entry("values: 10x3 60x9") + "    expect: [{between: [0s, 299s], desired: 1}, {at: 5m, desired: 5}]\n"}, // (10+10+10+60+60)/5 = 30
		{"the average slides by a minute", head("Average", "30.0001", "300"), entry("values: 10x3 60x9") + "    expect: [{between: [0s, 359s], desired: 1}, {at: 6m, desired: 5}]\n"},
		{"the sum", head("Sum", "170", "300"), entry("values: 10x3 60x2 10x9") + "    expect: [{between: [0s, 359s], desired: 1}]\n"},
		{"the sum that reaches the threshold", head("Sum", "150", "300"), entry("values: 10x3 60x2 0x9") + "    expect: [{at: 299s, desired: 1}, {at: 5m, desired: 5}]\n"},
		{"the maximum", head("Maximum", "60", "300"), entry("values: 10x5 60 10x9") + "    expect: [{between: [0s, 359s], desired: 1}, {at: 6m, desired: 5}]\n"},
		{"the minimum", head("Minimum", "60", "300"), entry("values: 10 60x9") + "    expect: [{between: [2m, 359s], desired: 1}, {at: 6m, desired: 5}]\n"},
		{"the number of samples", head("SampleCount", "9", "300"), entry("values: 2x4 1x9") + "    expect: [{between: [0s, 299s], desired: 1}, {at: 5m, desired: 5}]\n"},
		{"gaps are left out", head("Average", "60", "300"), entry("values: _x4 60x2") + "    expect: [{at: 5m, desired: 5}]\n"},
		{"a period that began before time zero is not complete", head("Sum", "150", "300"), entry("values: 50x9") + "    expect: [{between: [0s, 299s], desired: 1, alarm: slow/alarm, state: INSUFFICIENT_DATA}, {at: 5m, desired: 5}]\n"},
		{"a delayed window ends with the newest published minute", head("Sum", "125", "300"), entry("values: 10x3 50x2 1x9") + "    metric_delay: 60s\n    expect: [{between: [0s, 359s], desired: 1}, {at: 6m, desired: 5}]\n"},
		{"also where the delay is longer than the period", head("Sum", "60", "120"), entry("values: 10x3 50 1x9") + "    metric_delay: 300s\n    expect: [{between: [0s, 539s], desired: 1}, {at: 9m, desired: 5}]\n"},
		{"a steady load behind a delay is that load in every window", below(head("Sum", "249", "300")), entry("values: 50x30") + "    metric_delay: 90s\n    expect: [{between: [0s, 419s], alarm: slow/alarm, state: INSUFFICIENT_DATA}, {between: [7m, 30m], desired: 1, alarm: slow/alarm, state: OK}]\n"},
		{"a minute of ten-second values waits for the last of them", head("Sum", "6", "60"), entry("period: 10, values: 1x6 0x30") + "    metric_delay: 30s\n    expect: [{between: [0s, 119s], desired: 1}, {at: 2m, desired: 5}]\n"},
		{"and is never less than the whole", below(head("Sum", "5", "60")), entry("period: 10, values: 1x60") + "    metric_delay: 30s\n    expect: [{between: [0s, 10m], desired: 1}]\n"},
		{"twenty seconds of ten-second values, too", head("Sum", "5", "20"), entry("period: 10, values: 1x2 5 0x9") + "    metric_delay: 25s\n    expect: [{between: [0s, 69s], desired: 1}, {at: 70s, desired: 5}]\n"},
		{"a delayed series of the alarm's own period stays on its grid", head("Average", "60", "300"), entry("period: 300, values: 10 60 10") + "    metric_delay: 60s\n    expect: [{between: [0s, 659s], desired: 1}, {at: 11m, desired: 5}]\n"},
		{"another statistic of the same entry", head("Maximum", "60", "60"), entry("values: 10x9, statistics: {Maximum: \"10x2 60\"}") + "    expect: [{between: [0s, 179s], desired: 1}, {at: 3m, desired: 5}]\n"},
		{"only the statistic that is read", head("Maximum", "60", "60"), entry("statistics: {Maximum: 10x2 60}") + "    expect: [{at: 3m, desired: 5}]\n"},
		{"ten-second values for a minute", head("Maximum", "60", "60"), entry("period: 10, values: 10x11 60 10x9") + "    expect: [{at: 119s, desired: 1}, {at: 2m, desired: 5}]\n"},
		{"a series of the alarm's own period stays on its grid", head("Average", "60", "300"), entry("period: 300, values: 10 60 10") + "    expect: [{between: [0s, 599s], desired: 1}, {at: 10m, desired: 5}]\n"},
		{"an alarm of twenty seconds trails by ten and acts between minutes", head("Average", "60", "20"), entry("period: 20, values: 10x2 60") + "    expect: [{between: [0s, 69s], desired: 1}, {at: 70s, desired: 5}]\n"},
		{"ten-second values for an alarm of twenty", head("Average", "60", "20"), entry("period: 10, values: 10x4 60x2") + "    expect: [{between: [0s, 69s], desired: 1}, {at: 70s, desired: 5}]\n"},
	})
}

func TestAMinuteAlarmActsOnWholeMinutesAlsoBesideAFastOne(t *testing.T) {
	head := fmt.Sprintf(slow, "Average", "60", "20") + `      - name: minute
        alarm: {metric: ECSServiceAverageCPUUtilization, comparison_operator: GreaterThanThreshold, threshold: 50, evaluation_periods: 1}
        adjustment_type: ChangeInCapacity
        cooldown: 0
        step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 1}]
`
	metrics := "    metrics: [{namespace: N, metric_name: M, period: 20, values: 10x30}, {policy: minute, values: 80x9}]\n"
	checkStories(t, []story{
		{"without a phase", head, "    desired: 1\n" + metrics + `    expect:
      - {between: [0s, 59s], desired: 1}
      - {between: [60s, 119s], desired: 2}
      - {between: [120s, 179s], desired: 3}
`},
		{"with a phase", head, "    desired: 1\n    phase: 7s\n" + metrics + `    expect:
      - {between: [0s, 66s], desired: 1}
      - {between: [67s, 126s], desired: 2}
      - {between: [127s, 186s], desired: 3}
`},
		{"with a phase above ten seconds", head, "    desired: 1\n    phase: 25s\n" + metrics + `    expect:
      - {between: [25s, 84s], desired: 1}
      - {between: [85s, 144s], desired: 2}
      - {between: [145s, 204s], desired: 3}
`},
		{"the fast one acts each ten seconds of that phase", head, "    desired: 1\n    phase: 47s\n" + strings.Replace(metrics, "10x30", "10x2 60 10x30", 1) + `    expect:
      - {between: [0s, 76s], desired: 1}
      - {between: [77s, 106s], desired: 5}
      - {between: [107s, 166s], desired: 6}
      - {between: [167s, 226s], desired: 7}
`},
	})
}

func TestAPolicyEntryGivesWhatItsAlarmsSeeWhateverTheMetric(t *testing.T) {
	tracking := func(metric string) string {
		return "targets:\n  - service: c/s\n    min_capacity: 1\n    max_capacity: 9\n    target_tracking:\n      - {name: a, " + metric + ", target_value: 10}\n"
	}
	body := "    desired: 1\n    metrics: [{policy: a, values: 40x3}]\n    expect: [{at: 179s, desired: 1}, {at: 3m, desired: 4, alarm: a/high, state: ALARM}]\n"
	label := "app/lb/1/targetgroup/tg/2"
	checkStories(t, []story{
		{"metric math", tracking("customized_metric: {metrics: [{id: m1, metric_stat: {metric: {namespace: N, metric_name: M}, stat: Sum}, return_data: false}, {id: e1, expression: m1 / 2}]}"), body},
		{"requests per target", tracking("metric: ALBRequestCountPerTarget, resource_label: " + label), body},
		{"requests per target by name", tracking("metric: ALBRequestCountPerTarget, resource_label: " + label), strings.Replace(body, "policy: a", "metric: ALBRequestCountPerTarget, resource_label: "+label, 1)},
		{"a customized metric by name", tracking("customized_metric: {namespace: N, metric_name: M, dimensions: {B: x, A: y}, statistic: Average}"), strings.Replace(body, "policy: a", "namespace: N, metric_name: M, dimensions: {A: y, B: x}", 1)},
		{"high resolution", tracking("metric: ECSServiceAverageCPUUtilizationHighResolution"), "    desired: 1\n    metrics: [{metric: ECSServiceAverageCPUUtilizationHighResolution, period: 20, values: 40x9}]\n    expect: [{between: [0s, 69s], desired: 1}, {at: 70s, desired: 4}]\n"},
	})
}

func TestASampleCountDecidesWhetherAPercentileMeansAnything(t *testing.T) {
	head := strings.Replace(fmt.Sprintf(slow, "Average", "60", "60"), "statistic: Average", "extended_statistic: p90, evaluate_low_sample_count_percentile: ignore", 1)
	checkStories(t, []story{
		{"too few samples", head, "    desired: 1\n    metrics: [{policy: slow, values: 90x5, statistics: {SampleCount: 10x5}}]\n    expect: [{between: [0s, 5m], desired: 1}]\n"},
		{"enough of them", head, "    desired: 1\n    metrics: [{namespace: N, metric_name: M, statistics: {p90: 90x5, SampleCount: 10 100x4}}]\n    expect: [{at: 1m, desired: 1}, {at: 2m, desired: 5}]\n"},
	})
}

func TestAnEntryOfAPatternSteersTheServicesItMatches(t *testing.T) {
	head := strings.Replace(stepping, "service: c/s", "service: \"c/*\"\n    tags: {team: web}", 1)
	checkStories(t, []story{{"a pattern with tags", head, "    desired: 1\n" + quiet("80") + "    expect: [{at: 1m, desired: 2}]\n"}})
}

func TestEveryPassTimeIsLookedAtWhateverTheFileSays(t *testing.T) {
	// A configuration's interval would make 60-second alarms act more often; in a test only the phase says when.
	s := story{head: stepping, body: "    desired: 1\n" + quiet("80x9") + "    expect: [{at: 9m, desired: 9}]\n"}
	if got := s.read(t).config.Interval; got != 0 {
		t.Errorf("interval = %s", got)
	}
	checkStories(t, []story{{"one task a minute", s.head, s.body}})
}

func TestAnExpectationThatMustHoldThroughoutFailsOnceWhereItFirstDoesNot(t *testing.T) {
	s := story{head: stepping, body: "    desired: 1\n" + quiet("30x5 80 30x9") + "    expect: [{between: [2m, 9m], desired: 1}]\n"}
	got := s.failures(t)
	if len(got) != 1 || offset(got[0].At) != "6m" || got[0].Expected != "desired 1 from 2m to 9m" || got[0].Got != "desired 2" {
		t.Errorf("failures: %+v", got)
	}
}

func TestAnExpectationThroughoutIsCheckedAtItsEndsAndAfterEveryEvent(t *testing.T) {
	for _, e := range []string{"{at: 2m10s, desired: 5}, {at: 2m11s, desired: 1}", "{at: 2m, desired: 4}", "{at: 3m, running: 9}"} {
		s := story{head: stepping, body: "    desired: 1\n" + quiet("30x9") + "    events: [" + e + "]\n    expect: [{between: [2m, 3m], desired: 1, running: 1}]\n"}
		if got := s.failures(t); len(got) != 1 {
			t.Errorf("%s: failures %+v", e, got)
		}
	}
}

func TestPoliciesThatShareAMetricMayEachSayTheSameOfIt(t *testing.T) {
	checkStories(t, []story{
		{"values", stepping, "    desired: 1\n    metrics: [{policy: out, values: 30 _ 80x3}, {policy: in, values: 30 _ 80x3}]\n    expect: [{at: 299s, desired: 3}]\n"},
		{"statistics", stepping, "    desired: 1\n    metrics: [{policy: out, statistics: {Average: 80x3}}, {policy: in, statistics: {Average: 80 80x2}}]\n    expect: [{at: 3m, desired: 4}]\n"},
	})
}

func TestOfSeveralEntriesThatFitTheOneThatIsMeantForTheMetricFeedsIt(t *testing.T) {
	head := `
targets:
  - service: c/s
    min_capacity: 1
    max_capacity: 9
    target_tracking:
      - {name: minute, metric: ECSServiceAverageCPUUtilization, target_value: 50}
      - {name: fast, metric: ECSServiceAverageCPUUtilizationHighResolution, target_value: 50}
`
	expect := `    expect:
      - {between: [70s, 179s], desired: 1, alarm: fast/high, state: OK}
      - {at: 3m, alarm: minute/high, state: ALARM}
`
	own := "{namespace: AWS/ECS, metric_name: CPUUtilization, dimensions: {ClusterName: c, ServiceName: s}, "
	var stories []story
	for _, entries := range []string{
		"{metric: ECSServiceAverageCPUUtilization, values: 80x9}, {metric: ECSServiceAverageCPUUtilizationHighResolution, period: 20, values: 50x30}",
		"{metric: ECSServiceAverageCPUUtilizationHighResolution, period: 10, values: 50x60}, {metric: ECSServiceAverageCPUUtilization, period: 30, values: 80x18}",
		"{metric: ECSServiceAverageCPUUtilization, values: 80x9}, {policy: fast, period: 20, values: 50x30}",
		own + "values: 80x9}, " + own + "period: 20, values: 50x30}",
	} {
		stories = append(stories, story{entries, head, "    desired: 1\n    metrics: [" + entries + "]\n" + expect})
	}
	checkStories(t, stories)
}

func TestMathThatIsOneMetricIsGivenByItsNameToo(t *testing.T) {
	head := "targets:\n  - service: c/s\n    min_capacity: 1\n    max_capacity: 9\n    target_tracking:\n      - {name: a, target_value: 10, customized_metric: {metrics: [{id: m1, metric_stat: {metric: {namespace: N, metric_name: M, dimensions: {Q: x}}, stat: %s}}]}}\n"
	name := "    desired: 1\n    metrics: [{namespace: N, metric_name: M, dimensions: {Q: x}, "
	checkStories(t, []story{
		{"values", fmt.Sprintf(head, "Sum"), name + "values: 40x3}]\n    expect: [{at: 3m, desired: 4}]\n"},
		{"finer values, by the statistic", fmt.Sprintf(head, "Sum"), name + "period: 20, values: 10x9}]\n    expect: [{at: 3m, desired: 3}]\n"},
		{"an extended statistic", fmt.Sprintf(head, "p90"), name + "statistics: {p90: 40x3}}]\n    expect: [{at: 3m, desired: 4}]\n"},
	})
}
