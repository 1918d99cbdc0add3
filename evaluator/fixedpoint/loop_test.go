package fixedpoint

import (
	"math"
	"time"

	"ecs-autoscaler/evaluator"
)

// closed runs the real evaluator, with every alarm's own window, cooldowns, credit and activities, minute by minute at a
// constant load, and gives the count at the end of each minute. Tasks start at once, datapoints are there at once.
func closed(t *evaluator.Target, load float64, count, minutes int) []int {
	m, d := evaluator.NewMemory(t), evaluator.Decision{}
	s := evaluator.Service{Status: evaluator.ServiceActive, Controller: "ECS"}
	s.Desired, s.Running, s.Base = count, count, count
	series := &evaluator.Series{Period: period}
	o := evaluator.Observation{}
	for range t.Metrics {
		o.Series = append(o.Series, series)
	}
	counts := make([]int, 0, minutes)
	for k := range minutes {
		now := look.Add(time.Duration(k) * time.Minute)
		series.End, series.Values = now.Unix(), append(series.Values, datapoint(load, s.Running))
		s.DescribedAt, o.Service = now, s
		m.Follow(t, &s, now)
		evaluator.Evaluate(t, &o, m, now, &d)
		if d.Action != evaluator.Hold {
			m.Begin(t, &d, "a")
			d.Outcome = evaluator.OutcomeWritten
			s.Desired, s.Running, s.Base = d.Wanted, d.Wanted, d.Wanted
			s.DescribedAt = now
			m.Follow(t, &s, now)
		}
		m.Remember(t, &d)
		counts = append(counts, s.Desired)
	}
	return counts
}

func datapoint(load float64, tasks int) float64 {
	if tasks == 0 {
		return math.NaN()
	}
	return load / float64(tasks)
}

// reversals is how often the counts change direction in the second half, when whatever comes to rest has done so.
func reversals(counts []int) int {
	n, last := 0, 0
	for k := len(counts) / 2; k < len(counts); k++ {
		way := 0
		switch change := counts[k] - counts[k-1]; {
		case change > 0:
			way = 1
		case change < 0:
			way = -1
		}
		if way*last < 0 {
			n++
		}
		if way != 0 {
			last = way
		}
	}
	return n
}
