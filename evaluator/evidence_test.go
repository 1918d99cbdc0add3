package evaluator

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestEvidenceIsALineAnAlarmWithItsDatapoints(t *testing.T) {
	gap := math.NaN()
	for _, c := range []struct {
		name  string
		alarm AlarmDecision
		want  string
	}{
		{
			"a new state and runs of values",
			AlarmDecision{
				Name: "high", MetricName: "CPUUtilization", State: AlarmingState, Previous: OKState, Operator: GreaterThanThreshold, Threshold: 50,
				Breaching: 3, DatapointsToAlarm: 3, EvaluationPeriods: 5, End: 600, Period: 60, Values: []float64{gap, gap, 80, 80, 80.0001},
			},
			"p/high: ALARM (was OK); CPUUtilization > 50: 3 breaching, 3 of 5 needed; every 60 s from 00:05: _x2 80x2 80.0001",
		},
		{
			"the same state and seconds",
			AlarmDecision{
				Name: "low", MetricName: "M", State: OKState, Previous: OKState, Operator: LessThanOrEqualToThreshold, Threshold: 0.1,
				DatapointsToAlarm: 1, EvaluationPeriods: 1, End: 130, Period: 10, Values: []float64{1.0 / 3},
			},
			"p/low: OK; M <= 0.1: 0 breaching, 1 of 1 needed; every 10 s from 00:02:00: 0.3333333333",
		},
		{
			"what could not be read",
			AlarmDecision{Name: "alarm", MetricName: "M", State: InsufficientDataState, Previous: InsufficientDataState},
			"p/alarm: INSUFFICIENT_DATA; M could not be read",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Decision{Policies: []PolicyDecision{{Name: "p", Alarms: []AlarmDecision{c.alarm}}}}
			if got := strings.Join(d.Evidence(), "\n"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestEveryOperatorHasItsSign(t *testing.T) {
	for op, want := range map[ComparisonOperator]string{
		GreaterThanThreshold: ">", GreaterThanOrEqualToThreshold: ">=", LessThanThreshold: "<", LessThanOrEqualToThreshold: "<=",
	} {
		if got := op.symbol(); got != want {
			t.Errorf("%s is %s, want %s", op, got, want)
		}
	}
}

func TestReasonsAreAllThatCanBeExplained(t *testing.T) {
	all := Reasons()
	if len(all) != len(explanations) || !slices.IsSorted(all) || !slices.Contains(all, AlreadyAtMaxCapacity) {
		t.Errorf("reasons: %v", all)
	}
}
