package scaler

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"ecs-autoscaler/evaluator"
)

// never is when the last pass was made before there was any.
func never() time.Time { return time.Time{} }

func TestTheEnginesMetricsHaveProperNames(t *testing.T) {
	r := prometheus.NewRegistry()
	m := newTelemetry(r, never)
	m.notScaled.WithLabelValues("", "c", "web", "CooldownInEffect").Inc()
	m.foreign.WithLabelValues("", "c", "web").Inc()
	m.scheduled.WithLabelValues("", "c", "web", "day", "applied").Inc()
	m.activities.WithLabelValues("", "c", "web", "scale_out", "Successful").Inc()
	m.pass(nil, 0)
	problems, err := testutil.GatherAndLint(r)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

func TestBeingWithinTargetIsNotCountedAsNotScaled(t *testing.T) {
	m := newTelemetry(prometheus.NewRegistry(), never)
	for _, c := range []struct {
		reason evaluator.Reason
		want   float64
	}{
		{evaluator.WithinTarget, 0}, {evaluator.AlarmNotInAlarm, 0}, {evaluator.NothingDue, 0},
		{evaluator.CooldownInEffect, 1}, {evaluator.AlreadyAtMaxCapacity, 1}, {evaluator.StaleData, 1},
	} {
		reason, want := c.reason, c.want
		d := evaluator.Decision{Target: evaluator.Key{Cluster: "c", Service: "web"}, Action: evaluator.Hold, Reason: reason}
		m.decision(&d)
		if got := testutil.ToFloat64(m.notScaled.WithLabelValues("", "c", "web", string(reason))); got != want {
			t.Errorf("%s counted %v times, want %v", reason, got, want)
		}
	}
}
