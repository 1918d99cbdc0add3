package policytest

import "math"

// series are the datapoints of one metric in one statistic: value k covers [start + k*period, start + (k+1)*period) and
// is published delay seconds after that. Beyond its values a series is missing.
type series struct {
	start, period, delay int64
	values               []float64
	// how makes one number of several; nil for a metric whose period is the series' own.
	how aggregation
}

// aggregation turns the values of one statistic, NaN where they are missing, into that of a longer period; it is NaN
// where all are missing.
type aggregation func(values []float64) float64

// aggregations are those of the simple statistics. No percentile follows from others.
var aggregations = map[string]aggregation{
	"Average":     average,
	"Sum":         sum,
	"SampleCount": sum,
	"Minimum":     func(values []float64) float64 { return joined(values, math.Min) },
	"Maximum":     func(values []float64) float64 { return joined(values, math.Max) },
}

func average(values []float64) float64 {
	n := 0
	for _, v := range values {
		if !math.IsNaN(v) {
			n++
		}
	}
	return sum(values) / float64(n)
}

func sum(values []float64) float64 {
	return joined(values, func(a, b float64) float64 { return a + b })
}

// joined joins the values two by two.
func joined(values []float64, join func(a, b float64) float64) float64 {
	so := math.NaN()
	for _, v := range values {
		switch {
		case math.IsNaN(v):
		case math.IsNaN(so):
			so = v
		default:
			so = join(so, v)
		}
	}
	return so
}

// bucket is the datapoint of the period [begin, begin+width) as it can be read at now; NaN is none. It is there once the
// whole of it is published, and there is none of a period that began before the series: what is known of only a part
// would be a Sum that is too small, and scale in where nothing has fallen.
func (s *series) bucket(begin, width, now int64) float64 {
	first := (begin - s.start) / s.period
	last := min((begin+width-s.start)/s.period, int64(len(s.values)))
	switch {
	case begin < s.start, begin+width+s.delay > now, first >= last:
		return math.NaN()
	case last-first == 1:
		return s.values[first]
	default:
		return s.how(s.values[first:last])
	}
}

// newest is where the newest bucket of a metric ends that is read at now. Periods under a minute trail and stay on
// their grid; longer ones slide by a minute or, where the series itself is coarser, by its period, because its values
// cannot be cut; hourly is how CloudWatch evaluates alarms over days (aws-semantics 3.2). A window that slides ends with
// the newest minute that is published. One that ended with the clock would be judged on a part of what it covers, or
// wait for its end for as long as it is wide.
func (s *series) newest(now, period int64, hourly bool) int64 {
	const trail, minute, hour = 10, 60, 3600
	if period < minute {
		return floor(floor(now-trail, trail), period)
	}
	if period > max(s.period, minute) {
		now -= s.delay
	}
	end := floor(now, minute)
	if hourly {
		end = floor(now, hour)
	}
	return s.start + floor(end-s.start, max(s.period, minute))
}

func floor(t, step int64) int64 {
	r := t % step
	if r < 0 {
		r += step
	}
	return t - r
}
