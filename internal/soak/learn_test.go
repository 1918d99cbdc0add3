package soak

import (
	"time"

	"ecs-autoscaler/sim"
)

// series names what datapoints belong to.
type series struct {
	cluster, service, metric string
	statistic                string
	expression               bool
	period                   int64
}

// known is what one process has been told of one series: the newest datapoints, ascending.
type known struct {
	begins []int64
	values []float64
	// complete says that the last attempt to read it was answered in full, at readAt.
	complete bool
	readAt   time.Time
}

// keeps is how many datapoints are remembered.
const keeps = 64

// learn takes up what an answer told the process; a call that came to nothing tells it that it knows nothing new.
func (p *process) learn(seen *sim.Seen, delivered bool) {
	for i := range seen.Measured {
		m := &seen.Measured[i]
		id := series{m.Cluster, m.Service, m.Metric, m.Statistic, m.Expression, m.Period}
		k := p.known[id]
		if k == nil {
			k = &known{}
			p.known[id] = k
		}
		if k.complete = delivered && m.Status == "Complete"; !delivered {
			continue
		}
		k.readAt = seen.Time
		p.w.totals.datapoints += int64(len(m.Times))
		if m.Period > 60 { // the buckets of longer periods lie elsewhere each time
			k.begins, k.values = k.begins[:0], k.values[:0]
		}
		for j, at := range m.Times {
			k.put(at, m.Values[j])
		}
	}
}

func (k *known) put(at int64, v float64) {
	i := len(k.begins)
	for i > 0 && k.begins[i-1] > at {
		i--
	}
	if i > 0 && k.begins[i-1] == at {
		k.values[i-1] = v
		return
	}
	k.begins, k.values = append(k.begins, 0), append(k.values, 0)
	copy(k.begins[i+1:], k.begins[i:])
	copy(k.values[i+1:], k.values[i:])
	k.begins[i], k.values[i] = at, v
	if n := len(k.begins); n > 2*keeps {
		k.begins = append(k.begins[:0], k.begins[n-keeps:]...)
		k.values = append(k.values[:0], k.values[n-keeps:]...)
	}
}

// window is the newest n datapoints of an alarm whose newest bucket begins at newest, as far back as it looks.
func (k *known) window(a *alarm, newest int64) (values []float64) {
	oldest := newest - int64(a.n+a.spare()-1)*a.period
	for i := len(k.begins) - 1; i >= 0 && k.begins[i] >= oldest && len(values) < a.n; i-- {
		if k.begins[i] <= newest {
			values = append(values, k.values[i])
		}
	}
	return values
}

// breaching counts those beyond the alarm's threshold.
func (a *alarm) breaching(values []float64) (n int) {
	for _, v := range values {
		if a.breaches(v) {
			n++
		}
	}
	return n
}

// newest are the beginnings of the newest datapoints that a decision may rest on: the last one, and where the daemon's clock
// may be behind the region's also the one before.
func (k *known) newest() []int64 {
	n := len(k.begins)
	if n == 0 {
		return nil
	}
	if n == 1 {
		return k.begins
	}
	return []int64{k.begins[n-1], k.begins[n-2]}
}
