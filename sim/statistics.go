package sim

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// statistic is how the samples of a period become one number.
type statistic struct {
	name       string
	percentile float64 // with the name p
}

var percentileName = regexp.MustCompile(`^p([0-9]{1,2}(?:\.[0-9]{1,10})?|100)$`)

// parseStatistic knows Average, Sum, Minimum, Maximum, SampleCount and percentiles such as p90 or p99.9.
func parseStatistic(name string) (statistic, bool) {
	switch name {
	case "Average", "Sum", "Minimum", "Maximum", "SampleCount":
		return statistic{name: name}, true
	}
	found := percentileName.FindStringSubmatch(name)
	if found == nil {
		return statistic{}, false
	}
	p, err := strconv.ParseFloat(found[1], 64)
	return statistic{"p", p}, err == nil && p > 0
}

func (s statistic) of(d *datapoint) float64 {
	switch s.name {
	case "Sum":
		return d.sum
	case "Minimum":
		return d.min
	case "Maximum":
		return d.max
	case "SampleCount":
		return d.count
	}
	return d.sum / d.count
}

// values are the datapoints of a grid, NaN where there is none.
func (s *sampler) values(g grid, stat statistic) []float64 {
	values := make([]float64, g.len())
	for i := range values {
		values[i] = math.NaN()
	}
	if g.period < 60 && s.resolution == time.Minute {
		return values // a metric of standard resolution has nothing finer (aws-semantics 7.1)
	}
	if stat.name == "p" {
		s.percentiles(g, stat.percentile, values)
		return values
	}
	current := datapoint{at: math.MinInt64}
	flush := func() {
		if current.count > 0 {
			values[(current.at-g.start)/g.period] = stat.of(&current)
		}
	}
	s.each(g.start, g.end, func(d *datapoint) {
		at := d.at - (d.at-g.start)%g.period
		if at != current.at {
			flush()
			current = datapoint{at: at}
		}
		current.join(d)
	})
	flush()
	return values
}

// percentiles takes the tasks of a datapoint as evenly spread between its minimum and maximum.
func (s *sampler) percentiles(g grid, p float64, values []float64) {
	collected := map[int64][]float64{}
	s.each(g.start, g.end, func(d *datapoint) {
		i := (d.at - g.start) / g.period
		n := max(d.count, 1)
		for k := range int(n) {
			collected[i] = append(collected[i], d.min+(d.max-d.min)*(float64(k)+0.5)/n)
		}
	})
	for i, list := range collected {
		slices.Sort(list)
		rank := int(math.Ceil(p / 100 * float64(len(list))))
		values[i] = list[min(max(rank, 1), len(list))-1]
	}
}
