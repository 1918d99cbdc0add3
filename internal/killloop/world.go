package main

import (
	"fmt"
	"strings"
	"time"
)

// The services: steps that follow a metric which swings, target tracking of a load that swings, and bounds that scheduled actions
// change each minute. Every one has single steps, so that within a cooldown there is nothing more to add.
const (
	steps, trackers, scheduled = 14, 5, 5

	outCooldown, inCooldown = 15 * time.Second, 10 * time.Second
	lowest, highest         = 1, 12
)

// cooldowns are those of the policies by name; a policy that is not here has none that is checked.
var cooldowns = map[string]time.Duration{"out": outCooldown, "in": inCooldown}

func scenarioText() string {
	var b strings.Builder
	b.WriteString(`region: eu-west-2
history: 3m
response_time: 3ms
publication: {delay: 0s, high_resolution_delay: 0s}
limits: {throttling: false, recorded_calls: 500000, recorded_megabytes: 512}
services:
`)
	for i := range steps {
		fmt.Fprintf(&b, "  - {service: c/step-%02d, desired: 3, task_start: %ds}\n", i, i%3)
	}
	for i := range trackers {
		fmt.Fprintf(&b, "  - {service: c/track-%02d, desired: 3, task_start: 1s, resolution: 20, load: {square: {low: 0.5, high: 4, period: 80s, phase: %ds}}}\n", i, 13*i)
	}
	for i := range scheduled {
		fmt.Fprintf(&b, "  - {service: c/plan-%02d, desired: 3, task_start: 1s, load: 1}\n", i)
	}
	b.WriteString("custom_metrics:\n")
	for i := range steps {
		fmt.Fprintf(&b, "  - {namespace: Kill/Loop, metric_name: Pressure, dimensions: {Service: step-%02d}, resolution: 10, value: {square: {low: 10, high: 90, period: %ds, phase: %ds}}}\n",
			i, 60+10*(i%4), 7*i)
	}
	b.WriteString(`faults:
  - {kind: connection_reset_after, operation: UpdateService, from: 0s, probability: 0.05}
  - {kind: connection_reset, operation: UpdateService, from: 0s, probability: 0.05}
  - {kind: throttling, operation: UpdateService, from: 0s, probability: 0.05}
  - {kind: server_error, operation: UpdateService, from: 0s, probability: 0.05}
`)
	return b.String()
}

func configurationText(listen string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "listen: %q\nstate: \"file:state.db\"\ninterval: 10s\nmetric_delay: 0s\ntargets:\n", listen)
	for i := range steps {
		alarm := fmt.Sprintf("namespace: Kill/Loop, metric_name: Pressure, dimensions: {Service: step-%02d}, statistic: Average, period: 10, evaluation_periods: 1", i)
		fmt.Fprintf(&b, `  - service: c/step-%02d
    min_capacity: %d
    max_capacity: %d
    step_scaling:
      - name: out
        alarm: {%s, comparison_operator: GreaterThanThreshold, threshold: 50}
        adjustment_type: ChangeInCapacity
        cooldown: %d
        step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 2}]
      - name: in
        alarm: {%s, comparison_operator: LessThanThreshold, threshold: 50}
        adjustment_type: ChangeInCapacity
        cooldown: %d
        step_adjustments: [{metric_interval_upper_bound: 0, scaling_adjustment: -1}]
`, i, lowest, highest, alarm, int(outCooldown.Seconds()), alarm, int(inCooldown.Seconds()))
	}
	for i := range trackers {
		fmt.Fprintf(&b, `  - service: c/track-%02d
    min_capacity: %d
    max_capacity: %d
    target_tracking:
      - {name: cpu, metric: ECSServiceAverageCPUUtilizationHighResolution, target_value: 60, scale_out_cooldown: 10, scale_in_cooldown: 10,
         scale_out_alarm: {evaluation_periods: 1, datapoints_to_alarm: 1}, scale_in_alarm: {evaluation_periods: 1, datapoints_to_alarm: 1}}
`, i, lowest, highest)
	}
	for i := range scheduled {
		fmt.Fprintf(&b, `  - service: c/plan-%02d
    min_capacity: %d
    max_capacity: %d
    scheduled_actions:
      - {name: even, schedule: "cron(0/2 * ? * * *)", min_capacity: %d, max_capacity: %d}
      - {name: odd, schedule: "cron(1/2 * ? * * *)", min_capacity: %d, max_capacity: %d}
`, i, lowest, highest, 4+i, highest, lowest, 2+i%2)
	}
	return b.String()
}
