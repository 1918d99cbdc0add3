package config

import (
	"maps"
	"slices"
	"strings"

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
func (m *mapping) predefinedSource() (metricSource, field[string], bool) {
	kind := read(m, "metric", oneOf(predefinedNames...))
	label := read(m, "resource_label", value.filled)
	if !kind.valid {
		return metricSource{}, kind, false
	}
	p := predefined[kind.value]
	s := metricSource{
		metric:   evaluator.Metric{Namespace: "AWS/ECS", MetricName: p.name, Stat: p.stat, Period: p.period},
		identity: kind.value + " " + label.value,
	}
	if kind.value != predefinedALB {
		s.ofService = true
		if label.present {
			m.d.errorf(label.at, "resource_label belongs to %s only; %s needs none, remove it", predefinedALB, kind.value)
		}
		return s, kind, !label.present
	}
	s.metric.Namespace = "AWS/ApplicationELB"
	s.metric.Dimensions = m.d.labelDimensions(kind.value, kind.at, label)
	return s, kind, s.metric.Dimensions != nil
}

const labelForm = "app/LOAD-BALANCER-NAME/ID/targetgroup/TARGET-GROUP-NAME/ID"

// labelDimensions splits a resource label into the two dimensions of RequestCountPerTarget (aws-semantics 1.3).
func (d *decoder) labelDimensions(metric string, at position, label field[string]) []evaluator.Dimension {
	if !label.present {
		d.errorf(at, "%s needs resource_label: %s, the ends of the ARNs of the load balancer and of the target group", metric, labelForm)
		return nil
	}
	if !label.valid {
		return nil
	}
	part := strings.Split(label.value, "/")
	if len(part) != 6 || part[0] != "app" || part[3] != "targetgroup" || slices.Contains(part, "") || len(label.value) > 1023 {
		d.errorf(label.at, "resource_label must have the form %s, at most 1023 characters, not %q", labelForm, shorten(label.value))
		return nil
	}
	return []evaluator.Dimension{
		{Name: "LoadBalancer", Value: strings.Join(part[:3], "/")},
		{Name: "TargetGroup", Value: strings.Join(part[3:], "/")},
	}
}
