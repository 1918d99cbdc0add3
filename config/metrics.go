package config

import (
	"slices"
	"strings"
	"unicode"

	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
)

// customizedPeriod is the period of every customized metric of Application Auto Scaling, whatever
// its storage resolution (aws-semantics 1.4, case 113).
const customizedPeriod = 60

// trackingMetric reads the metric of a target-tracking policy: predefined or customized, never both.
func trackingMetric(m *strict.Mapping) (metricSource, bool) {
	source, kind, ok := predefinedSource(m)
	custom := strict.Read(m, "customized_metric", strict.Value.Mapping)
	switch {
	case kind.Present && custom.Present:
		m.Errorf(custom.At, "metric and customized_metric exclude each other; keep one of them")
	case kind.Present:
		return source, ok
	case !custom.Present:
		m.Errorf(m.At, "the policy has no metric; add metric: ECSServiceAverageCPUUtilization (or another predefined type), or customized_metric")
	}
	if !custom.Valid {
		return source, false
	}
	source, ok = customizedSource(custom.Value)
	custom.Value.Close()
	return source, ok && !kind.Present
}

// customizedSource reads a CustomizedMetricSpecification: one metric, or metric math.
func customizedSource(m *strict.Mapping) (metricSource, bool) {
	one := readSingleMetric(m)
	stat := strict.Read(m, "statistic", statistic("write metrics: with one metric_stat, whose stat can be extended"))
	math := strict.Read(m, "metrics", queries)
	if math.Present {
		return mathSource(m, math, one.present || stat.Present)
	}
	return customized(m, one, stat, "customized_metric", "statistic: Average")
}

// customized completes a single metric. Unit is no part of its identity, the order of dimensions
// is none either: they are sorted.
func customized(m *strict.Mapping, one singleMetric, stat strict.Field[string], where, example string) (metricSource, bool) {
	if !one.complete(m, where) {
		return metricSource{}, false
	}
	if !stat.Present {
		m.Errorf(m.At, "statistic is missing in %s; add %s", where, example)
	}
	metric := one.metric
	metric.Stat, metric.Period = stat.Value, customizedPeriod
	bare := metric
	bare.Unit = ""
	return metricSource{metric: metric, identity: "customized " + bare.Key()}, one.valid && stat.Valid
}

// mathSource makes a source of metric math, which excludes the keys of a single metric.
func mathSource(m *strict.Mapping, math strict.Field[[]evaluator.MetricDataQuery], alsoSingle bool) (metricSource, bool) {
	if alsoSingle {
		m.Errorf(math.At, "metrics excludes namespace, metric_name, dimensions, statistic and unit; describe each metric inside metrics")
	}
	s := metricSource{
		metric:   evaluator.Metric{Period: customizedPeriod, Queries: math.Value},
		identity: "math " + mathIdentity(math.Value),
	}
	return s, math.Valid && !alsoSingle
}

// alarmMetric reads what the alarm of a step policy watches: predefined, single or metric math.
func alarmMetric(m *strict.Mapping) (metricSource, bool) {
	source, kind, ok := predefinedSource(m)
	one := readSingleMetric(m)
	stat := alarmStatistic(m)
	math := strict.Read(m, "metrics", queries)
	single := one.present || stat.Present
	switch {
	case kind.Present && (single || math.Present):
		m.Errorf(kind.At, "metric names a predefined type, which fixes namespace, dimensions and statistic; remove the other keys that describe a metric, or write namespace and metric_name instead of metric")
		return source, false
	case kind.Present:
		return source, ok
	case math.Present:
		return mathSource(m, math, single)
	}
	return customized(m, one, stat, "alarm", "statistic: Average, or extended_statistic: p90")
}

// alarmStatistic reads statistic or extended_statistic, which exclude each other.
func alarmStatistic(m *strict.Mapping) strict.Field[string] {
	stat := strict.Read(m, "statistic", statistic("write it as extended_statistic"))
	extended := strict.Read(m, "extended_statistic", extendedStatistic)
	switch {
	case !extended.Present:
		return stat
	case stat.Present:
		m.Errorf(extended.At, "statistic and extended_statistic exclude each other; keep one of them")
		extended.Valid = false
	}
	return extended
}

// singleMetric is namespace, metric_name, dimensions and unit as they stand in a mapping.
type singleMetric struct {
	metric         evaluator.Metric
	present, valid bool
	named, spaced  bool
}

func readSingleMetric(m *strict.Mapping) singleMetric {
	space := strict.Read(m, "namespace", namespace)
	name := strict.Read(m, "metric_name", shortLine(255))
	dims := strict.Read(m, "dimensions", dimensions)
	unit := strict.Read(m, "unit", strict.OneOf(units...))
	return singleMetric{
		metric:  evaluator.Metric{Namespace: space.Value, MetricName: name.Value, Dimensions: dims.Value, Unit: unit.Value},
		present: space.Present || name.Present || dims.Present || unit.Present,
		valid:   all(space.Valid, name.Valid, dims.Usable(), unit.Usable()),
		named:   name.Present, spaced: space.Present,
	}
}

// complete reports what is missing of a metric.
func (s singleMetric) complete(m *strict.Mapping, where string) bool {
	switch {
	case !s.present:
		m.Errorf(m.At, "%s names no metric; add namespace and metric_name, or metrics for metric math%s", where,
			map[bool]string{true: ", or metric: ECSServiceAverageCPUUtilization"}[where == "alarm"])
		return false
	case !s.spaced:
		m.Errorf(m.At, "namespace is missing in %s; add it, for example namespace: AWS/SQS", where)
	case !s.named:
		m.Errorf(m.At, "metric_name is missing in %s; add it", where)
	}
	return s.spaced && s.named
}

// units are the values of API StandardUnit.
var units = strings.Fields(`Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes
	Bits Kilobits Megabits Gigabits Terabits Percent Count Bytes/Second Kilobytes/Second Megabytes/Second
	Gigabytes/Second Terabytes/Second Bits/Second Kilobits/Second Megabits/Second Gigabits/Second
	Terabits/Second Count/Second None`)

func namespace(v strict.Value) (string, bool) {
	s, ok := shortLine(255)(v)
	if ok && strings.HasPrefix(s, ":") {
		v.Errorf(v.At, "namespace must not begin with a colon; write for example AWS/SQS")
		return "", false
	}
	return s, ok
}

// shortLine reads a text of 1 to most characters on one line.
func shortLine(most int) func(strict.Value) (string, bool) {
	return func(v strict.Value) (string, bool) {
		s, ok := shortText(most)(v)
		if ok && strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
			v.Errorf(v.At, "%s must consist of printable characters only, not %q", v.Key, strict.Shorten(s))
			return "", false
		}
		return s, ok
	}
}

// shortText reads a text of 1 to most characters.
func shortText(most int) func(strict.Value) (string, bool) {
	return func(v strict.Value) (string, bool) {
		s, ok := v.Filled()
		if ok && len([]rune(s)) > most {
			v.Errorf(v.At, "%s must have at most %d characters, not %d", v.Key, most, len([]rune(s)))
			return "", false
		}
		return s, ok
	}
}

// maxDimensions is CloudWatch's limit (API Metric).
const maxDimensions = 30

// dimensions reads a mapping of name to value, sorted by name.
func dimensions(v strict.Value) ([]evaluator.Dimension, bool) {
	pairs, ok := v.Pairs(255, 1024)
	if len(pairs) > maxDimensions {
		v.Errorf(v.At, "%s has %d entries, CloudWatch allows %d", v.Key, len(pairs), maxDimensions)
		return nil, false
	}
	dims := make([]evaluator.Dimension, 0, len(pairs))
	for _, p := range pairs {
		switch {
		case strings.HasPrefix(p.Key, ":"):
			v.Errorf(p.At, "the name of a dimension must not begin with a colon")
			ok = false
		case ok && p.Value == "":
			v.Errorf(p.At, "the value of the dimension %s must not be empty", p.Key)
			ok = false
		}
		dims = append(dims, evaluator.Dimension{Name: p.Key, Value: p.Value})
	}
	slices.SortFunc(dims, func(a, b evaluator.Dimension) int { return strings.Compare(a.Name, b.Name) })
	return dims, ok
}
