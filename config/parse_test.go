package config

import (
	"fmt"
	"strings"
	"testing"

	"ecs-autoscaler/evaluator"
)

// parse reads a text that must be right.
func parse(t *testing.T, text string) *Config {
	t.Helper()
	c, found := Parse(Source{Name: "test.yaml", Text: []byte(text)}, environment)
	if c == nil || found.HasErrors() {
		t.Fatalf("want no errors in\n%s\ngot\n%s", text, found.Detail())
	}
	return c
}

// messages are the errors of a text, one a line.
func messages(text string) string {
	_, found := Parse(Source{Name: "test.yaml", Text: []byte(text)}, environment)
	var b strings.Builder
	for _, d := range found.Errors() {
		b.WriteString(d.String() + "\n")
	}
	return b.String()
}

// target wraps the body of a target, written at column 5.
func target(body string) string {
	return "targets:\n  - service: web/api\n    min_capacity: 1\n    max_capacity: 10\n" + body
}

// tracking wraps one target-tracking policy in flow style.
func tracking(policy string) string {
	return target("    target_tracking: [{name: cpu, " + policy + "}]\n")
}

// cpu is the shortest complete policy.
const cpu = "metric: ECSServiceAverageCPUUtilization, target_value: 50"

// stepping wraps a step policy; the alarm and the steps are in flow style.
func stepping(alarm, kind, steps, more string) string {
	return target(fmt.Sprintf("    step_scaling:\n      - {name: s, alarm: {%s}, adjustment_type: %s, step_adjustments: [%s]%s}\n", alarm, kind, steps, more))
}

// memoryAlarm is a complete alarm.
const memoryAlarm = "metric: ECSServiceAverageMemoryUtilization, comparison_operator: GreaterThanThreshold, threshold: 50, period: 60, evaluation_periods: 3"

// steps turns "0,10,1 10,,2" into step adjustments; an empty bound is open.
func steps(short string) string {
	var all []string
	for one := range strings.FieldsSeq(short) {
		p := strings.Split(one, ",")
		s := "scaling_adjustment: " + p[2]
		if p[1] != "" {
			s = "metric_interval_upper_bound: " + p[1] + ", " + s
		}
		if p[0] != "" {
			s = "metric_interval_lower_bound: " + p[0] + ", " + s
		}
		all = append(all, "{"+s+"}")
	}
	return strings.Join(all, ", ")
}

// bindOnly binds the one target of a text.
func bindOnly(t *testing.T, text string) *evaluator.Target {
	t.Helper()
	return parse(t, text).Targets[0].Bind("web", "api")
}

// rule is a text and the part of a message that refuses it; "" if AWS accepts it.
type rule struct{ name, text, refused string }

func checkRules(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			got := messages(r.text)
			switch {
			case r.refused == "" && got != "":
				t.Errorf("must be accepted:\n%s\ngot\n%s", r.text, got)
			case r.refused != "" && !strings.Contains(got, r.refused):
				t.Errorf("want an error with %q for\n%s\ngot\n%s", r.refused, r.text, got)
			}
		})
	}
}
