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
		only, ok := c.Only(evaluator.ParseKey(service))
		if !ok || len(only.Targets) != 1 || only.Targets[0].MinCapacity != want || only.Targets[0].Pattern() != service {
			t.Fatalf("%s: %+v", service, only)
		}
		k := evaluator.ParseKey(service)
		if chosen, others := only.Select(k.Cluster, k.Service, nil); chosen != only.Targets[0] || others != nil || only.NeedsTags() {
			t.Errorf("%s: chosen %+v and %v", service, chosen, others)
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
