package sim

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"time"

	"ecs-autoscaler/sim/metricmath"
	"ecs-autoscaler/sim/wire"
)

// The limits of GetMetricData (aws-semantics 7.1).
const (
	maxQueries    = 500
	maxDatapoints = 100_800
)

// metricQuery is one MetricDataQuery.
type metricQuery struct {
	id, label  string
	returned   bool
	period     int64
	expression *metricmath.Expression
	metric     metric
	found      bool // whether there is such a metric
	stat       statistic
	unit       string
}

var queryID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]{0,254}$`)

// badMetrics is the error of CloudWatch's validation.
func badMetrics(format string, args ...any) *wire.Error {
	return reject("ValidationError", format, args...)
}

// queries reads and checks MetricDataQueries.
func (c *call) metricQueries() ([]metricQuery, *wire.Error) {
	list := c.in.Structures("MetricDataQueries")
	c.queries = len(list)
	if len(list) == 0 {
		return nil, badMetrics("The parameter MetricDataQueries is required.")
	}
	if len(list) > maxQueries {
		return nil, badMetrics("The collection MetricDataQueries must not have a size greater than %d.", maxQueries)
	}
	queries := make([]metricQuery, len(list))
	seen := make(map[string]bool, len(list))
	for i, in := range list {
		q := &queries[i]
		if err := c.metricQuery(in, q); err != nil {
			return nil, err
		}
		if err := in.Err(); err != nil {
			return nil, err
		}
		if seen[q.id] {
			return nil, badMetrics("The values for parameter id in MetricDataQueries are not unique. %s is there twice.", q.id)
		}
		seen[q.id] = true
	}
	return queries, nil
}

func (c *call) metricQuery(in *wire.Input, q *metricQuery) *wire.Error {
	q.id, q.label, q.returned = in.Text("Id"), in.Text("Label"), in.Bool("ReturnData", true)
	q.period = int64(in.Int("Period", 0))
	if !queryID.MatchString(q.id) {
		return badMetrics("The value %q for parameter MetricDataQueries.member.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.", q.id)
	}
	if in.Has("Expression") == in.Has("MetricStat") {
		return badMetrics("The query %s needs exactly one of Expression and MetricStat.", q.id)
	}
	if in.Has("MetricStat") {
		return c.metricStat(in.Structure("MetricStat"), q)
	}
	expression, err := metricmath.Parse(in.Text("Expression"))
	if err != nil {
		return badMetrics("Error in expression '%s': %v.", q.id, err)
	}
	q.expression = expression
	q.label = or(q.label, q.id)
	return nil
}

func (c *call) metricStat(in *wire.Input, q *metricQuery) *wire.Error {
	m := in.Structure("Metric")
	q.period, q.unit = int64(in.Int("Period", 0)), in.Text("Unit")
	dims, err := dimensions(m.Structures("Dimensions"))
	if err != nil {
		return err
	}
	namespace, name := m.Text("Namespace"), m.Text("MetricName")
	for _, read := range []*wire.Input{in, m} {
		if err := read.Err(); err != nil {
			return err
		}
	}
	if namespace == "" || name == "" {
		return badMetrics("The query %s needs MetricStat.Metric.Namespace and MetricName.", q.id)
	}
	if !validPeriod(q.period) {
		return badMetrics("Period must be 1, 5, 10, 20, 30 or any multiple of 60; %d of query %s is not.", q.period, q.id)
	}
	known := false
	if q.stat, known = parseStatistic(in.Text("Stat")); !known {
		return badMetrics("The value %q for parameter Stat of query %s is not supported by the simulated region; Average, Sum, Minimum, Maximum, SampleCount and pNN are.", in.Text("Stat"), q.id)
	}
	q.label = or(q.label, name)
	q.metric, q.found = c.region.find(namespace, name, dims)
	if q.found && q.unit != "" && q.unit != q.metric.unit {
		q.found = false // another unit finds nothing, nothing is converted
	}
	return nil
}

func validPeriod(p int64) bool {
	return p > 0 && (p%60 == 0 || slices.Contains([]int64{1, 5, 10, 20, 30}, p))
}

// interval is the time that a request asks for.
type interval struct{ start, end time.Time }

func (c *call) interval() (interval, *wire.Error) {
	i := interval{c.in.Time("StartTime"), c.in.Time("EndTime")}
	switch {
	case !c.in.Has("StartTime") || !c.in.Has("EndTime"):
		return i, badMetrics("The parameters StartTime and EndTime are required.")
	case !i.start.Before(i.end):
		return i, badMetrics("The parameter StartTime must be less than the parameter EndTime.")
	}
	return i, nil
}

const day = 24 * time.Hour

// grid lays periods over the interval: StartTime is rounded down as aws-semantics 7.1 says, and for periods under a
// minute EndTime too. Periods are counted from the rounded StartTime, not from midnight.
func (i interval) grid(now time.Time, period int64) grid {
	unit := int64(60)
	switch age := now.Sub(i.start); {
	case period < 60:
		unit = period
	case age > 63*day:
		unit = 3600
	case age >= 15*day:
		unit = 300
	}
	g := grid{start: floor(i.start.Unix(), unit), end: i.end.Unix(), period: period}
	if i.end.Nanosecond() > 0 {
		g.end++
	}
	if period < 60 {
		g.end = floor(i.end.Unix(), period)
	}
	return g
}

func floor(v, unit int64) int64 {
	rest := v % unit
	if rest < 0 {
		rest += unit
	}
	return v - rest
}

// clip keeps the part of a grid that can have datapoints, on the same periods: no region is asked for the year 1970.
func (c *call) clip(g grid) grid {
	begin := c.region.zero.Add(-c.region.scenario.history).Unix()
	retention := time.Duration(455) * day
	switch {
	case g.period < 60:
		retention = 3 * time.Hour
	case g.period%300 != 0:
		retention = 15 * day
	case g.period%3600 != 0:
		retention = 63 * day
	}
	begin = max(begin, c.wall.Add(-retention).Unix())
	if g.start < begin {
		g.start += (begin - g.start) / g.period * g.period
	}
	g.end = max(g.start, min(g.end, c.wall.Unix()+1))
	return g
}

// samplerFor prepares a metric with the faults that concern it.
func (c *call) samplerFor(m *metric, faults []*activeFault) *sampler {
	s := &sampler{metric: m, region: c.region, now: c.now}
	for _, f := range faults {
		if !f.touches(m) {
			continue
		}
		if f.Kind == LateDatapoints {
			s.late = append(s.late, f)
		}
		if f.Kind == MissingDatapoints {
			s.missing = append(s.missing, f)
		}
	}
	return s
}

// touches says whether a fault concerns a metric.
func (f *activeFault) touches(m *metric) bool {
	if !matches(f.Metric, m.name) {
		return false
	}
	return f.Service == "" || m.owner != nil && matches(f.Service, m.owner.key.String())
}

// evaluation works the queries of one request out; each is computed once.
type evaluation struct {
	call    *call
	span    interval
	faults  []*activeFault
	queries map[string]*metricQuery
	done    map[string]*series
	open    map[string]bool // guards against circles
}

// series is the result of a query on its grid.
type series struct {
	grid   grid
	values []float64
	metric *metric // nil for an expression
	owned  metric  // that metric, or the first one of an expression that belongs to a service
	sample *sampler
}

func (e *evaluation) series(q *metricQuery) (*series, *wire.Error) {
	if s := e.done[q.id]; s != nil {
		return s, nil
	}
	if e.open[q.id] {
		return nil, badMetrics("The expressions refer to each other in a circle at %s.", q.id)
	}
	e.open[q.id] = true
	s, err := e.compute(q)
	if err == nil {
		e.done[q.id] = s
	}
	return s, err
}

func (e *evaluation) compute(q *metricQuery) (*series, *wire.Error) {
	if q.expression != nil {
		return e.expression(q)
	}
	s := &series{grid: e.call.clip(e.span.grid(e.call.wall, q.period))}
	if !q.found {
		s.values = make([]float64, s.grid.len())
		for i := range s.values {
			s.values[i] = math.NaN()
		}
		return s, nil
	}
	s.metric, s.owned, s.sample = &q.metric, q.metric, e.call.samplerFor(&q.metric, e.faults)
	s.values = s.sample.values(s.grid, q.stat)
	return s, nil
}

func (e *evaluation) expression(q *metricQuery) (*series, *wire.Error) {
	inputs := map[string][]float64{}
	result := &series{}
	for _, id := range q.expression.IDs() {
		other := e.queries[id]
		if other == nil {
			return nil, badMetrics("Error in expression '%s': Undefined variable: %s.", q.id, id)
		}
		s, err := e.series(other)
		if err != nil {
			return nil, err
		}
		if len(inputs) > 0 && s.grid != result.grid {
			return nil, badMetrics("Error in expression '%s': the simulated region needs one period for all metrics of an expression.", q.id)
		}
		inputs[id], result.grid = s.values, s.grid
		if result.owned.owner == nil {
			result.owned = s.owned
		}
	}
	if len(inputs) == 0 {
		result.grid = e.call.clip(e.span.grid(e.call.wall, max(q.period, 60)))
	}
	values, err := q.expression.Evaluate(inputs, result.grid.len())
	if err != nil {
		return nil, badMetrics("Error in expression '%s': %s.", q.id, fmt.Sprint(err))
	}
	result.values = values
	return result, nil
}
