package config

import (
	"strings"
	"testing"
)

// The line shown is the one to correct, not the one on which the alarm begins.
func TestAWindowThatIsTooLongIsFoundWhereItStands(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"M of a step policy's alarm", target(`    step_scaling:
      - name: s
        alarm:
          metric: ECSServiceAverageCPUUtilization
          comparison_operator: GreaterThanThreshold
          threshold: 50
          evaluation_periods: 3
          datapoints_to_alarm: 4
        adjustment_type: ChangeInCapacity
        step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 1}]
`), "test.yaml:12:32: error: datapoints_to_alarm (4) must not exceed evaluation_periods (3)"},
		{"N of a step policy's alarm", target(`    step_scaling:
      - name: s
        alarm:
          metric: ECSServiceAverageCPUUtilization
          comparison_operator: GreaterThanThreshold
          threshold: 50
          evaluation_periods: 1441
        adjustment_type: ChangeInCapacity
        step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 1}]
`), "test.yaml:11:31: error: evaluation_periods x period"},
		{"M of a target-tracking policy's alarm", target(`    target_tracking:
      - name: cpu
        metric: ECSServiceAverageCPUUtilization
        target_value: 50
        scale_in_alarm:
          evaluation_periods: 10
          datapoints_to_alarm: 11
`), "test.yaml:11:32: error: datapoints_to_alarm (11) must not exceed evaluation_periods (10)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, found := Parse(Source{Name: "test.yaml", Text: []byte(c.text)}, environment); !strings.HasPrefix(found.Detail(), c.want) {
				t.Errorf("got %s\nwant %s", found.Detail(), c.want)
			}
		})
	}
}
