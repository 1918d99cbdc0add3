package config

import (
	"slices"
	"strings"

	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
)

// Inline reads the key targets of another kind of file, such as a policy test, as a configuration that
// says nothing else. Mistakes are reported through m; the Config is good when there are none.
func Inline(m *strict.Mapping) *Config {
	c := newConfig(m.File)
	c.targets(m, awsOptions())
	return c
}

// Only is the configuration of one service alone, by the entry that steers it: an exact name before a
// pattern, else the first in the file. An entry that asks for tags is taken to find them. False means that
// no entry matches.
func (c *Config) Only(k evaluator.Key) (*Config, bool) {
	entry := c.steering(k)
	if entry == nil {
		return nil, false
	}
	one := *entry
	one.Cluster, one.Service, one.Tags = k.Cluster, k.Service, nil
	only := *c
	only.Targets, only.patterns, only.unsupported = []*Target{&one}, nil, nil
	only.index()
	return &only, true
}

func (c *Config) steering(k evaluator.Key) *Target {
	if exact := c.exact[k]; len(exact) > 0 {
		return exact[0]
	}
	i := slices.IndexFunc(c.patterns, func(t *Target) bool { return t.matches(k) })
	if i < 0 {
		return nil
	}
	return c.patterns[i]
}

// MetricOf reads the keys by which a policy names its metric: metric and resource_label, or namespace, metric_name,
// dimensions and unit. The dimensions of a predefined metric are those of the service k. named is false where none of the
// keys is there; ok is false after a mistake, which was reported.
func MetricOf(m *strict.Mapping, k evaluator.Key) (metric evaluator.Metric, named, ok bool) {
	source, kind, right := predefinedSource(m)
	one := readSingleMetric(m)
	switch {
	case kind.Present && one.present:
		m.Errorf(kind.At, "metric names a predefined type; remove namespace, metric_name, dimensions and unit, or write them instead of metric")
		return evaluator.Metric{}, true, false
	case one.present:
		return one.metric, true, one.complete(m, m.Key) && one.valid
	case kind.Present && source.ofService:
		source.metric.Dimensions = serviceDimensions(k)
	}
	return source.metric, kind.Present, right
}

// serviceDimensions are those that ECS gives the metrics of a service.
func serviceDimensions(k evaluator.Key) []evaluator.Dimension {
	return []evaluator.Dimension{{Name: "ClusterName", Value: k.Cluster}, {Name: "ServiceName", Value: k.Service}}
}

// SimpleStatistics are the values of API Statistic.
func SimpleStatistics() []string { return slices.Clone(simpleStatistics) }

// IsStatistic says whether a word is a statistic or an extended one such as p90 (aws-semantics 3.3).
func IsStatistic(s string) bool { return slices.Contains(simpleStatistics, s) || extended(s) }

// TargetNames are the services and patterns of all entries, in file order, for messages.
func (c *Config) TargetNames() string {
	names := make([]string, len(c.Targets))
	for i, t := range c.Targets {
		names[i] = t.Pattern()
	}
	return strings.Join(names, ", ")
}
