package observe

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"ecs-autoscaler/evaluator"
)

func TestTheSameMetricIsAskedOnce(t *testing.T) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	a, b := m.Track(cpu("cpu"), 3), m.Track(cpu("cpu"), 3)
	rep := c.at(t, m, t0, a, b, a, nil)
	if a != b || rep.MetricsRequested != 1 || len(c.calls[0].MetricDataQueries) != 1 {
		t.Errorf("asked %d queries for one metric", len(c.calls[0].MetricDataQueries))
	}
	other := cpu("cpu")
	other.Stat = "Maximum"
	if m.Track(other, 3) == a {
		t.Error("another statistic shares the entry")
	}
}

func TestAReleasedMetricIsForgottenWithItsLastUser(t *testing.T) {
	m := NewMetrics(newCloud(), MetricsOptions{Delay: -1})
	a := m.Track(cpu("cpu"), 3)
	m.Track(cpu("cpu"), 3)
	m.Release(a)
	if m.Track(cpu("cpu"), 3) != a {
		t.Error("the entry went with its first user")
	}
	m.Release(a)
	m.Release(a)
	b := m.Track(cpu("cpu"), 3)
	if b == a || len(m.entries) != 1 {
		t.Error("the entry outlives its last user")
	}
	m.Release(a)
	if m.Track(cpu("cpu"), 3) != b {
		t.Error("a release too many took somebody else's entry")
	}
}

func TestThePriceIsCounted(t *testing.T) {
	r := prometheus.NewPedanticRegistry()
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1, Registerer: r})
	e := track(c, m, 3)
	e = append(e, m.Track(evaluator.Metric{Period: 60, Queries: []evaluator.MetricDataQuery{
		{ID: "a", Metric: &evaluator.Metric{Namespace: "N", MetricName: "A", Stat: "Sum"}},
		{ID: "b", Metric: &evaluator.Metric{Namespace: "N", MetricName: "B", Stat: "Sum"}},
		{ID: "e", Expression: "a / b", ReturnData: true},
	}}, 3))
	c.at(t, m, t0, e...)
	want := `
# HELP ecs_autoscaler_getmetricdata_datapoints_total Datapoints received from GetMetricData.
# TYPE ecs_autoscaler_getmetricdata_datapoints_total counter
ecs_autoscaler_getmetricdata_datapoints_total 3
# HELP ecs_autoscaler_metrics_requested_cost_dollars_total Estimated price of the metrics requested, at 0.01 dollars for 1,000.
# TYPE ecs_autoscaler_metrics_requested_cost_dollars_total counter
ecs_autoscaler_metrics_requested_cost_dollars_total 5e-05
# HELP ecs_autoscaler_metrics_requested_total Metrics requested from GetMetricData, which is what AWS bills; every page of an answer counts again.
# TYPE ecs_autoscaler_metrics_requested_total counter
ecs_autoscaler_metrics_requested_total 5
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(r); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	NewMetrics(c, MetricsOptions{Delay: -1, Registerer: r}) // a second reader goes on counting
}

func TestAnEntryIsNamedInCloudWatchsWords(t *testing.T) {
	m := NewMetrics(newCloud(), MetricsOptions{Delay: -1})
	plain := cpu("CPUUtilization")
	plain.Dimensions = []evaluator.Dimension{{Name: "ClusterName", Value: "c"}, {Name: "ServiceName", Value: "s"}}
	for want, metric := range map[string]evaluator.Metric{
		"AWS/ECS CPUUtilization {ClusterName=c, ServiceName=s}": plain,
		`metric math "m1 / m2"`:                                 ratio("A"),
	} {
		if got := m.Track(metric, 1).Name(); got != want {
			t.Errorf("named %s, want %s", got, want)
		}
	}
}

func TestReadingTrackingAndSavingMayOverlap(t *testing.T) {
	c := newCloud()
	c.now = t0
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	entries := track(c, m, 600)
	var all sync.WaitGroup
	all.Go(func() {
		for range 20 {
			m.Read(t.Context(), t0, entries)
		}
	})
	all.Go(func() {
		for i := range 200 {
			m.Release(m.Track(cpu("m"+strconv.Itoa(i)), 1+i%5))
		}
	})
	all.Go(func() {
		for range 200 {
			m.Restore(m.Delays())
		}
	})
	all.Wait()
	if rep := m.Read(t.Context(), t0, entries); len(rep.Problems) != 0 {
		t.Errorf("problems %v", rep.Problems)
	}
}
