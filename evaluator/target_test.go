package evaluator

import "testing"

func TestEqualMetricsShareOneQuery(t *testing.T) {
	cpu := func() Metric {
		return Metric{
			Namespace: "AWS/ECS", MetricName: "CPUUtilization", Stat: "Average", Period: 60,
			Dimensions: []Dimension{{"ClusterName", "c"}, {"ServiceName", "s"}},
		}
	}
	math := func(expression string) Metric {
		m := cpu()
		return Metric{Period: 60, Queries: []MetricDataQuery{{ID: "m1", Metric: &m}, {ID: "e1", Expression: expression, ReturnData: true}}}
	}
	same, other := cpu(), cpu()
	if same.Key() != other.Key() {
		t.Errorf("%s and %s are the same metric", same.Key(), other.Key())
	}
	different := []Metric{cpu(), cpu(), cpu(), cpu(), cpu(), cpu(), math("m1 / 2"), math("m1 / 3")}
	different[1].Period = 20
	different[2].Stat = "Maximum"
	different[3].Unit = "Percent"
	different[4].Dimensions = different[4].Dimensions[:1]
	different[5].Dimensions = []Dimension{{"ClusterName", `c"="s`}, {"ServiceName", "s"}}
	seen := map[string]int{}
	for i := range different {
		key := different[i].Key()
		if k, again := seen[key]; again {
			t.Errorf("metrics %d and %d differ but have the key %s", k, i, key)
		}
		seen[key] = i
	}
}

func TestGuardsAreAskedInThisOrder(t *testing.T) {
	want := []string{
		"due", "data", "change", "scale-in cooldown", "scale-out cooldown", "step limit", "flap guard", "peers", "scale-out alarm",
		"out of bounds", "deployment", "scale-in window", "fleet brake", "suspension", "bounds", "override",
	}
	for g := range guards {
		if g >= len(want) || guards[g].name != want[g] {
			t.Errorf("guard %d is %q; docs/architecture.md and the reasons that users see follow the order %v", g, guards[g].name, want)
		}
	}
}
