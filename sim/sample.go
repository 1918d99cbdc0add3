package sim

import (
	"math"
	"time"

	"ecs-autoscaler/sim/fleet"
)

// datapoint is the statistics of one period.
type datapoint struct {
	at                   int64 // unix seconds at which the period begins
	count, sum, min, max float64
}

// join adds another datapoint of the same period.
func (d *datapoint) join(o *datapoint) {
	if d.count == 0 {
		at := d.at
		*d = *o
		d.at = at
		return
	}
	d.count, d.sum = d.count+o.count, d.sum+o.sum
	d.min, d.max = min(d.min, o.min), max(d.max, o.max)
}

// grid is the periods that a query covers: the first begins at start, the last one begins before end.
type grid struct {
	start, end, period int64
}

func (g grid) len() int { return int(max(0, (g.end-g.start+g.period-1)/g.period)) }

// sampler makes up the datapoints of one metric.
type sampler struct {
	*metric
	region  *Region
	now     time.Duration
	late    []*activeFault
	missing []*activeFault
	changes []fleet.Change
	cursor  int
}

// each calls f with every datapoint of the metric's own resolution that can be seen now and begins in [from, to). f must not
// keep it.
func (s *sampler) each(from, to int64, f func(*datapoint)) {
	resolution := int64(s.resolution / time.Second)
	from, to = s.bounds(from, to, resolution)
	if from >= to {
		return
	}
	if s.owner != nil {
		s.changes = s.owner.tasks.Counts(s.now, s.region.since(from), s.region.since(to), s.changes[:0])
	}
	s.cursor = 0
	var d datapoint // one for all: what is handed to f lives on the heap
	for at := from; at < to; at += resolution {
		d = datapoint{at: at}
		if part := s.visible(at, resolution); part > 0 && s.measure(&d, resolution, part < 1) {
			f(&d)
		}
	}
}

// bounds cuts [from, to) to the time in which there can be datapoints, and puts it on the metric's own grid.
func (s *sampler) bounds(from, to, resolution int64) (int64, int64) {
	begin := s.region.zero.Add(-s.region.scenario.history).Unix()
	from = max(from, begin-resolution)
	if rest := from % resolution; rest != 0 {
		from += resolution - rest
	}
	return from, min(to, s.region.zero.Add(s.now).Unix())
}

// since is the time since time zero of a unix second.
func (r *Region) since(unix int64) time.Duration {
	return time.Duration(unix-r.zero.Unix())*time.Second - time.Duration(r.zero.Nanosecond())
}

// visible says how much of a datapoint can be seen: 0 nothing, 1 all, and a half while it is still partial.
func (s *sampler) visible(at, resolution int64) float64 {
	end := s.region.since(at + resolution)
	shown := end + s.delay()
	if s.published.spread > 0 {
		shown += time.Duration(fleet.Noise(s.seed^0x5bd1, uint64(at)) * float64(s.published.spread))
	}
	for _, f := range s.late {
		if f.during(end-s.resolution) && f.hits(s.seed, at) {
			shown += f.Delay
		}
	}
	for _, f := range s.missing {
		if f.during(end-s.resolution) && f.hits(s.seed, at) {
			return 0
		}
	}
	switch {
	case s.now < shown:
		return 0
	case s.now < shown+s.published.partial:
		return 0.5
	}
	return 1
}

// measure fills a datapoint from one or three looks at the service; false means that there is none.
func (s *sampler) measure(d *datapoint, resolution int64, partial bool) bool {
	looks := []time.Duration{s.resolution / 2}
	if s.quantity <= memoryUtilization && resolution == 60 {
		// ECS samples each 20 s (aws-semantics 7.3).
		looks = []time.Duration{10 * time.Second, 30 * time.Second, 50 * time.Second}
	}
	if partial {
		looks = looks[:1]
	}
	weight := 0.0
	for i := range looks {
		at := s.region.since(d.at) + looks[i]
		counts, ok := s.counts(at)
		if !ok {
			continue
		}
		s.look(d, at, counts, &weight)
	}
	if weight == 0 {
		return false
	}
	if partial && d.count > 1 {
		d.count = math.Ceil(d.count / 2)
	}
	d.sum = d.sum / weight * d.count
	return true
}

// counts are the tasks at a time; at must not run backwards between two calls.
func (s *sampler) counts(at time.Duration) (fleet.Change, bool) {
	if s.owner == nil {
		return fleet.Change{}, at >= -s.region.scenario.history
	}
	for s.cursor+1 < len(s.changes) && s.changes[s.cursor+1].At <= at {
		s.cursor++
	}
	if s.cursor >= len(s.changes) || s.changes[s.cursor].At > at {
		return fleet.Change{}, false
	}
	return s.changes[s.cursor], true
}

// look adds one look to a datapoint: count is the most tasks seen, sum is weighted by them.
func (s *sampler) look(d *datapoint, at time.Duration, c fleet.Change, weight *float64) {
	v, tasks, dev := s.read(at, c)
	if math.IsNaN(v) {
		return
	}
	low, high := v-dev, v+dev
	if s.quantity <= memoryUtilization {
		low, high = max(low, 0), min(high, 100)
	}
	if *weight == 0 {
		d.min, d.max = low, high
	}
	d.min, d.max = min(d.min, low), max(d.max, high)
	d.count = max(d.count, tasks)
	d.sum += v * tasks
	*weight += tasks
}

// read is the value at a time, how many tasks reported it, and how far single tasks are from it; NaN is no value.
func (s *sampler) read(at time.Duration, c fleet.Change) (v, tasks, deviation float64) {
	n := float64(c.Running)
	switch s.quantity {
	case liveTaskCount, runningTaskCount:
		v = n
	case pendingTaskCount:
		v = float64(c.Pending)
	case desiredTaskCount:
		v = float64(c.Desired)
	case customValue:
		return s.readCustom(at, n), 1, 0
	case requestCount:
		if v = s.owner.requests(at); v == 0 {
			return math.NaN(), 0, 0 // a load balancer without requests reports nothing
		}
	default:
		return s.readPerTask(at, n)
	}
	if s.quantity == liveTaskCount && n == 0 {
		return math.NaN(), 0, 0
	}
	return v, 1, 0
}

func (s *sampler) readPerTask(at time.Duration, n float64) (v, tasks, deviation float64) {
	if n == 0 {
		return math.NaN(), 0, 0
	}
	if s.quantity == requestCountPerTarget {
		return s.owner.requests(at) / n, 1, 0
	}
	g := &s.owner.cpu
	if s.quantity == memoryUtilization {
		g = &s.owner.memory
	}
	noise := 0.0
	if g.noise > 0 {
		noise = g.noise * (2*fleet.Noise(s.seed, uint64(s.region.zero.Add(at).Unix())) - 1)
	}
	return g.percent(s.owner.demand(at), n, noise), n, g.spread * (1 - 1/n)
}

func (s *sampler) readCustom(at time.Duration, n float64) float64 {
	v := s.custom.value.At(at.Seconds())
	if s.custom.noise > 0 {
		v += s.custom.noise * (2*fleet.Noise(s.seed, uint64(s.region.zero.Add(at).Unix())) - 1)
	}
	if s.owner == nil {
		return v
	}
	if n == 0 {
		return math.NaN()
	}
	return v / n
}

// demand is the load at a time, never below zero.
func (s *service) demand(at time.Duration) float64 { return max(0, s.load.At(at.Seconds())) }

// requests is the number of requests in a minute at that time.
func (s *service) requests(at time.Duration) float64 {
	return s.demand(at) * s.balancer.requestsPerLoad
}

// percent is the utilization of n tasks that share a demand; it saturates at 100 %.
func (g *gauge) percent(demand, n, noise float64) float64 {
	return min(max(g.base+g.perLoad*demand/n+noise, 0), 100)
}
