package config

import (
	"maps"
	"slices"
	"strings"

	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
)

// metricSource is what a policy reads, before it is known for which service.
type metricSource struct {
	metric evaluator.Metric
	// ofService says that the dimensions ClusterName and ServiceName are filled in by Bind.
	ofService bool
	// identity is what two target-tracking policies of one target must not share (aws-semantics 1.4).
	identity string
}

// predefinedMetric is one row of aws-semantics 1.2.
type predefinedMetric struct {
	name, stat string
	period     int64
}

// predefinedALB is the one type that needs a resource_label.
const predefinedALB = "ALBRequestCountPerTarget"

// predefined are kept as strings: the SDK's enum lacks the high-resolution types. The unit stays
// open, so that a policy and an alarm on the same metric share one query.
var predefined = map[string]predefinedMetric{
	"ECSServiceAverageCPUUtilization":                  {"CPUUtilization", "Average", 60},
	"ECSServiceAverageMemoryUtilization":               {"MemoryUtilization", "Average", 60},
	"ECSServiceAverageCPUUtilizationHighResolution":    {"CPUUtilization", "Average", 20},
	"ECSServiceAverageMemoryUtilizationHighResolution": {"MemoryUtilization", "Average", 20},
	predefinedALB: {"RequestCountPerTarget", "Sum", 60},
}

var predefinedNames = slices.Sorted(maps.Keys(predefined))

// predefinedSource reads metric and resource_label, which belong together (cases 115 and 116).
func predefinedSource(m *strict.Mapping) (metricSource, strict.Field[string], bool) {
	kind := strict.Read(m, "metric", strict.OneOf(predefinedNames...))
	label := strict.Read(m, "resource_label", strict.Value.Filled)
	if !kind.Valid {
		return metricSource{}, kind, false
	}
	p := predefined[kind.Value]
	s := metricSource{
		metric:   evaluator.Metric{Namespace: "AWS/ECS", MetricName: p.name, Stat: p.stat, Period: p.period},
		identity: kind.Value + " " + label.Value,
	}
	if kind.Value != predefinedALB {
		s.ofService = true
		if label.Present {
			m.Errorf(label.At, "resource_label belongs to %s only; %s needs none, remove it", predefinedALB, kind.Value)
		}
		return s, kind, !label.Present
	}
	s.metric.Namespace = "AWS/ApplicationELB"
	s.metric.Dimensions = labelDimensions(m.Decoder, kind.Value, kind.At, label)
	return s, kind, s.metric.Dimensions != nil
}

const labelForm = "app/LOAD-BALANCER-NAME/ID/targetgroup/TARGET-GROUP-NAME/ID"

// labelDimensions splits a resource label into the two dimensions of RequestCountPerTarget (aws-semantics 1.3).
func labelDimensions(d *strict.Decoder, metric string, at strict.Position, label strict.Field[string]) []evaluator.Dimension {
	if !label.Present {
		d.Errorf(at, "%s needs resource_label: %s, the ends of the ARNs of the load balancer and of the target group", metric, labelForm)
		return nil
	}
	if !label.Valid {
		return nil
	}
	part := strings.Split(label.Value, "/")
	if len(part) != 6 || part[0] != "app" || part[3] != "targetgroup" || slices.Contains(part, "") || len(label.Value) > 1023 {
		d.Errorf(label.At, "resource_label must have the form %s, at most 1023 characters, not %q", labelForm, strict.Shorten(label.Value))
		return nil
	}
	return []evaluator.Dimension{
		{Name: "LoadBalancer", Value: strings.Join(part[:3], "/")},
		{Name: "TargetGroup", Value: strings.Join(part[3:], "/")},
	}
}
