package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"ecs-autoscaler/evaluator"
)

// customizedPeriod is the period of every customized metric of Application Auto Scaling, whatever
// its storage resolution (aws-semantics 1.4, case 113).
const customizedPeriod = 60

// trackingMetric reads the metric of a target-tracking policy: predefined or customized, never both.
func (m *mapping) trackingMetric() (metricSource, bool) {
	source, kind, ok := m.predefinedSource()
	custom := read(m, "customized_metric", value.mapping)
	switch {
	case kind.present && custom.present:
		m.d.errorf(custom.at, "metric and customized_metric exclude each other; keep one of them")
	case kind.present:
		return source, ok
	case !custom.present:
		m.d.errorf(m.at, "the policy has no metric; add metric: ECSServiceAverageCPUUtilization (or another predefined type), or customized_metric")
	}
	if !custom.valid {
		return source, false
	}
	source, ok = custom.value.customizedSource()
	custom.value.close()
	return source, ok && !kind.present
}

// customizedSource reads a CustomizedMetricSpecification: one metric, or metric math.
func (m *mapping) customizedSource() (metricSource, bool) {
	one := m.singleMetric()
	stat := read(m, "statistic", statistic("write metrics: with one metric_stat, whose stat can be extended"))
	math := read(m, "metrics", value.queries)
	if math.present {
		return m.mathSource(math, one.present || stat.present)
	}
	return m.customized(one, stat, "customized_metric", "statistic: Average")
}

// customized completes a single metric. Unit is no part of its identity, the order of dimensions
// is none either: they are sorted.
func (m *mapping) customized(one singleMetric, stat field[string], where, example string) (metricSource, bool) {
	if !one.complete(m, where) {
		return metricSource{}, false
	}
	if !stat.present {
		m.d.errorf(m.at, "statistic is missing in %s; add %s", where, example)
	}
	metric := one.metric
	metric.Stat, metric.Period = stat.value, customizedPeriod
	bare := metric
	bare.Unit = ""
	return metricSource{metric: metric, identity: "customized " + bare.Key()}, one.valid && stat.valid
}

// mathSource makes a source of metric math, which excludes the keys of a single metric.
func (m *mapping) mathSource(math field[[]evaluator.MetricDataQuery], alsoSingle bool) (metricSource, bool) {
	if alsoSingle {
		m.d.errorf(math.at, "metrics excludes namespace, metric_name, dimensions, statistic and unit; describe each metric inside metrics")
	}
	s := metricSource{
		metric:   evaluator.Metric{Period: customizedPeriod, Queries: math.value},
		identity: "math " + mathIdentity(math.value),
	}
	return s, math.valid && !alsoSingle
}

// alarmMetric reads what the alarm of a step policy watches: predefined, single or metric math.
func (m *mapping) alarmMetric() (metricSource, bool) {
	source, kind, ok := m.predefinedSource()
	one := m.singleMetric()
	stat := m.alarmStatistic()
	math := read(m, "metrics", value.queries)
	single := one.present || stat.present
	switch {
	case kind.present && (single || math.present):
		m.d.errorf(kind.at, "metric names a predefined type, which fixes namespace, dimensions and statistic; remove the other keys that describe a metric, or write namespace and metric_name instead of metric")
		return source, false
	case kind.present:
		return source, ok
	case math.present:
		return m.mathSource(math, single)
	}
	return m.customized(one, stat, "alarm", "statistic: Average, or extended_statistic: p90")
}

// alarmStatistic reads statistic or extended_statistic, which exclude each other.
func (m *mapping) alarmStatistic() field[string] {
	stat := read(m, "statistic", statistic("write it as extended_statistic"))
	extended := read(m, "extended_statistic", extendedStatistic)
	switch {
	case !extended.present:
		return stat
	case stat.present:
		m.d.errorf(extended.at, "statistic and extended_statistic exclude each other; keep one of them")
		extended.valid = false
	}
	return extended
}

// singleMetric is namespace, metric_name, dimensions and unit as they stand in a mapping.
type singleMetric struct {
	metric         evaluator.Metric
	present, valid bool
	named, spaced  bool
}

func (m *mapping) singleMetric() singleMetric {
	space := read(m, "namespace", namespace)
	name := read(m, "metric_name", shortLine(255))
	dims := read(m, "dimensions", value.dimensions)
	unit := read(m, "unit", oneOf(units...))
	return singleMetric{
		metric:  evaluator.Metric{Namespace: space.value, MetricName: name.value, Dimensions: dims.value, Unit: unit.value},
		present: space.present || name.present || dims.present || unit.present,
		valid:   all(space.valid, name.valid, dims.usable(), unit.usable()),
		named:   name.present, spaced: space.present,
	}
}

// complete reports what is missing of a metric.
func (s singleMetric) complete(m *mapping, where string) bool {
	switch {
	case !s.present:
		m.d.errorf(m.at, "%s names no metric; add namespace and metric_name, or metrics for metric math%s", where,
			map[bool]string{true: ", or metric: ECSServiceAverageCPUUtilization"}[where == "alarm"])
		return false
	case !s.spaced:
		m.d.errorf(m.at, "namespace is missing in %s; add it, for example namespace: AWS/SQS", where)
	case !s.named:
		m.d.errorf(m.at, "metric_name is missing in %s; add it", where)
	}
	return s.spaced && s.named
}

// units are the values of API StandardUnit.
var units = strings.Fields(`Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes
	Bits Kilobits Megabits Gigabits Terabits Percent Count Bytes/Second Kilobytes/Second Megabytes/Second
	Gigabytes/Second Terabytes/Second Bits/Second Kilobits/Second Megabits/Second Gigabits/Second
	Terabits/Second Count/Second None`)

func namespace(v value) (string, bool) {
	s, ok := shortLine(255)(v)
	if ok && strings.HasPrefix(s, ":") {
		v.d.errorf(v.at, "namespace must not begin with a colon; write for example AWS/SQS")
		return "", false
	}
	return s, ok
}

// shortLine reads a text of 1 to most characters on one line.
func shortLine(most int) func(value) (string, bool) {
	return func(v value) (string, bool) {
		s, ok := shortText(most)(v)
		if ok && strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
			v.d.errorf(v.at, "%s must consist of printable characters only, not %q", v.key, shorten(s))
			return "", false
		}
		return s, ok
	}
}

// shortText reads a text of 1 to most characters.
func shortText(most int) func(value) (string, bool) {
	return func(v value) (string, bool) {
		s, ok := v.filled()
		if ok && len([]rune(s)) > most {
			v.d.errorf(v.at, "%s must have at most %d characters, not %d", v.key, most, len([]rune(s)))
			return "", false
		}
		return s, ok
	}
}

// maxDimensions is CloudWatch's limit (API Metric).
const maxDimensions = 30

// dimensions reads a mapping of name to value, sorted by name.
func (v value) dimensions() ([]evaluator.Dimension, bool) {
	pairs, ok := v.pairs(255, 1024)
	if len(pairs) > maxDimensions {
		v.d.errorf(v.at, "%s has %d entries, CloudWatch allows %d", v.key, len(pairs), maxDimensions)
		return nil, false
	}
	dims := make([]evaluator.Dimension, 0, len(pairs))
	for _, p := range pairs {
		switch {
		case strings.HasPrefix(p.key, ":"):
			v.d.errorf(p.at, "the name of a dimension must not begin with a colon")
			ok = false
		case ok && p.value == "":
			v.d.errorf(p.at, "the value of the dimension %s must not be empty", p.key)
			ok = false
		}
		dims = append(dims, evaluator.Dimension{Name: p.key, Value: p.value})
	}
	slices.SortFunc(dims, func(a, b evaluator.Dimension) int { return strings.Compare(a.Name, b.Name) })
	return dims, ok
}

// pair is an entry of a mapping with free keys: dimensions, tags.
type pair struct {
	key, value string
	at         position
}

func (v value) pairs(longestKey, longestValue int) ([]pair, bool) {
	m, ok := v.mapping()
	if !ok {
		return nil, false
	}
	var found []pair
	for _, e := range m.entries {
		p, good := v.pair(e, longestKey, longestValue)
		found = append(found, p)
		ok = ok && good
	}
	return found, ok
}

func (v value) pair(e entry, longestKey, longestValue int) (pair, bool) {
	key, _, keyRead := value{d: v.d, key: v.key, at: e.at}.substitute(e.key)
	item := v.d.valueOf(fmt.Sprintf("%q of %s", shorten(key), v.key), e.value)
	text, textRead := item.text()
	p := pair{key, text, e.at}
	if !keyRead || !textRead {
		return p, false
	}
	if key == "" || !printable(key, longestKey) {
		v.d.errorf(e.at, "a key of %s must have 1 to %d printable characters", v.key, longestKey)
		return p, false
	}
	if !printable(text, longestValue) {
		v.d.errorf(item.at, "%s must have at most %d printable characters", item.key, longestValue)
		return p, false
	}
	return p, true
}

func printable(s string, longest int) bool {
	return len([]rune(s)) <= longest && !strings.ContainsFunc(s, unicode.IsControl)
}
