package config

import (
	"testing"

	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
)

func TestOnlyIsTheEntryThatSteersTheService(t *testing.T) {
	c := parse(t, `
interval: 30
targets:
  - {service: "a/*", min_capacity: 1, max_capacity: 2, tags: {team: web}}
  - {service: a/b, min_capacity: 3, max_capacity: 4}
  - {service: "*/?", min_capacity: 5, max_capacity: 6}
`)
	for service, want := range map[string]int{"a/b": 3, "a/c": 1, "z/b": 5} {
		k := evaluator.ParseKey(service)
		only, ok := c.Only(k)
		if !ok || len(only.Targets) != 1 || only.NeedsTags() {
			t.Fatalf("%s: %+v", service, only)
		}
		if chosen, _ := only.Select(k.Cluster, k.Service, nil); chosen == nil || chosen.MinCapacity != want || chosen.Pattern() != service {
			t.Errorf("%s: chosen %+v", service, chosen)
		}
	}
	if only, ok := c.Only(evaluator.ParseKey("z/long")); ok {
		t.Errorf("z/long: %+v", only)
	}
	if len(c.Targets) != 3 || c.TargetNames() != "a/*, a/b, */?" {
		t.Errorf("the configuration itself has changed: %s", c.TargetNames())
	}
}

func TestAMetricIsNamedAsInAPolicy(t *testing.T) {
	k := evaluator.Key{Cluster: "c", Service: "s"}
	for text, want := range map[string]evaluator.Metric{
		"{metric: ECSServiceAverageCPUUtilization}": {
			Namespace: "AWS/ECS", MetricName: "CPUUtilization", Dimensions: serviceDimensions(k), Stat: "Average", Period: 60,
		},
		"{namespace: N, metric_name: M, dimensions: {B: y, A: x}, unit: Count}": {
			Namespace: "N", MetricName: "M", Dimensions: []evaluator.Dimension{{Name: "A", Value: "x"}, {Name: "B", Value: "y"}}, Unit: "Count",
		},
	} {
		d := strict.New("t", environment, form)
		v, _ := d.Read([]byte(text))
		m, _ := v.Mapping()
		got, named, ok := MetricOf(m, k)
		if !named || !ok || got.Key() != want.Key() {
			t.Errorf("%s: %+v\n%s", text, got, d.Findings().Detail())
		}
	}
	d := strict.New("t", environment, form)
	v, _ := d.Read([]byte("{values: 1}"))
	m, _ := v.Mapping()
	if _, named, _ := MetricOf(m, k); named || d.HasErrors() {
		t.Errorf("no metric is named: %s", d.Findings().Detail())
	}
}
