package sim

import (
	"math"
	"slices"
	"strings"
	"time"

	"ecs-autoscaler/sim/wire"
)

// getMetricStatistics answers the older call for one metric (API cloudwatch GetMetricStatistics).
func getMetricStatistics(c *call) (any, *wire.Error) {
	c.queries = 1
	span, err := c.interval()
	if err != nil {
		return nil, err
	}
	dims, err := dimensions(c.in.Structures("Dimensions"))
	if err != nil {
		return nil, err
	}
	period := int64(c.in.Int("Period", 0))
	names, extended := c.in.Texts("Statistics"), c.in.Texts("ExtendedStatistics")
	switch {
	case !validPeriod(period):
		return nil, parameter("InvalidParameterValueException", "InvalidParameterValue", "The parameter Period must be 1, 5, 10, 20, 30 or any multiple of 60.")
	case len(names) == 0 && len(extended) == 0:
		return nil, parameter("MissingRequiredParameterException", "MissingParameter", "The parameter Statistics or ExtendedStatistics is required.")
	}
	g := c.clip(span.grid(c.wall, period))
	if n := span.grid(c.wall, period).len(); n > 1440 {
		return nil, parameter("InvalidParameterCombinationException", "InvalidParameterCombination",
			"You have requested up to %d datapoints, which exceeds the limit of 1,440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.", n)
	}
	m, found := c.region.find(c.in.Text("Namespace"), c.in.Text("MetricName"), dims)
	if unit := c.in.Text("Unit"); unit != "" && unit != m.unit {
		found = false
	}
	points, err := c.statistics(g, &m, found, slices.Concat(names, extended))
	if err != nil {
		return nil, err
	}
	return map[string]any{"Label": c.in.Text("MetricName"), "Datapoints": points}, nil
}

func (c *call) statistics(g grid, m *metric, found bool, names []string) ([]any, *wire.Error) {
	rows := make([]map[string]any, g.len())
	for _, name := range names {
		stat, known := parseStatistic(name)
		if !known {
			return nil, parameter("InvalidParameterValueException", "InvalidParameterValue", "The value %q for parameter Statistics is not supported by the simulated region.", name)
		}
		if !found {
			continue
		}
		for i, v := range c.samplerFor(m, c.region.metricFaults(c)).values(g, stat) {
			if math.IsNaN(v) {
				continue
			}
			if rows[i] == nil {
				rows[i] = map[string]any{"Timestamp": time.Unix(g.start+int64(i)*g.period, 0), "Unit": m.unit}
			}
			if stat.name != "p" {
				rows[i][name] = v
				continue
			}
			extended, _ := rows[i]["ExtendedStatistics"].(map[string]any)
			if extended == nil {
				extended = map[string]any{}
				rows[i]["ExtendedStatistics"] = extended
			}
			extended[name] = v
		}
	}
	points := []any{}
	for _, row := range rows {
		if row != nil {
			points = append(points, row)
		}
	}
	return points, nil
}

// metricsPerPage is the page of ListMetrics (API cloudwatch).
const metricsPerPage = 500

// listMetrics answers ListMetrics: what exists, filtered by namespace, name and dimensions.
func listMetrics(c *call) (any, *wire.Error) {
	filters := c.in.Structures("Dimensions")
	namespace, name := c.in.Text("Namespace"), c.in.Text("MetricName")
	found := []any{}
	offer := func(ns, n string, dims ...dimension) {
		if namespace != "" && ns != namespace || name != "" && n != name || !satisfies(filters, dims) {
			return
		}
		found = append(found, map[string]any{"Namespace": ns, "MetricName": n, "Dimensions": dimensionList(dims)})
	}
	for _, s := range c.region.ordered {
		c.region.metricsOf(s, offer)
	}
	for _, id := range sorted(c.region.custom) {
		m := c.region.custom[id]
		offer(m.namespace, m.name, m.dimensions...)
	}
	scope := []string{c.wire.Operation, namespace, name}
	for _, f := range filters {
		scope = append(scope, f.Text("Name"), f.Text("Value"))
	}
	p, ok := pageOf(strings.Join(scope, "\x00"), c.in.Text("NextToken"), len(found), metricsPerPage)
	if !ok {
		return nil, parameter("InvalidParameterValueException", "InvalidParameterValue", "The next token specified is invalid.")
	}
	return p.withToken(map[string]any{"Metrics": found[p.from:p.to]}, "NextToken"), nil
}

// metricsOf offers the metrics that a service emits.
func (r *Region) metricsOf(s *service, offer func(namespace, name string, dims ...dimension)) {
	for _, m := range serviceMetrics {
		switch {
		case m.namespace != "AWS/ApplicationELB":
			if r.emits(s, m.quantity) {
				offer(m.namespace, m.name, dimension{"ClusterName", s.key.cluster}, dimension{"ServiceName", s.key.service})
			}
		case s.balancer != nil:
			group := dimension{"TargetGroup", s.balancer.targetGroup}
			offer(m.namespace, m.name, group)
			offer(m.namespace, m.name, dimension{"LoadBalancer", s.balancer.loadBalancer}, group)
		}
	}
}

func satisfies(filters []*wire.Input, dims []dimension) bool {
	for _, f := range filters {
		if !slices.ContainsFunc(dims, func(d dimension) bool {
			return d.name == f.Text("Name") && (!f.Has("Value") || d.value == f.Text("Value"))
		}) {
			return false
		}
	}
	return true
}

func dimensionList(dims []dimension) []any {
	list := make([]any, len(dims))
	for i, d := range dims {
		list[i] = map[string]any{"Name": d.name, "Value": d.value}
	}
	return list
}
