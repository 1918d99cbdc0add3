package config

import (
	"time"

	"ecs-autoscaler/evaluator"
)

// What CloudWatch asks for, in dollars (aws-semantics 7.4): a metric requested by GetMetricData, a month of an alarm, and
// one of an alarm with a period under a minute.
const (
	metricRequested = 0.01 / 1000
	alarmMonth      = 0.10
	fastAlarmMonth  = 0.30
)

// month is the month of 730 hours that AWS's prices are compared with.
const month = 730 * time.Hour

// Prices are what the policies of a configuration cost a month at CloudWatch, in dollars, and what alarms managed by AWS
// would. A pattern counts as one service. The free tier is left out.
type Prices struct {
	// Metrics is how many different metrics are read.
	Metrics int `json:"metrics"`
	// Requests is how many of them are requested in a month of 730 hours at most: each at each evaluation. With interval: auto
	// many are left out.
	Requests int     `json:"requests"`
	Dollars  float64 `json:"dollars"`
	// Alarms is how many CloudWatch alarms the same policies need when AWS evaluates them, ManagedDollars what they cost:
	// each counts once for each metric of its metric math.
	Alarms         int     `json:"managed_alarms"`
	ManagedDollars float64 `json:"managed_dollars"`
	// Patterns is how many entries stand for several services.
	Patterns int `json:"patterns"`
}

// Prices estimates them.
func (c *Config) Prices() Prices {
	var p Prices
	known := map[string]bool{}
	for _, t := range c.Targets {
		if t.IsPattern() {
			p.Patterns++
		}
		bound := t.Bind(t.Cluster, t.Service)
		for i := range bound.Metrics {
			m := &bound.Metrics[i]
			if key := t.Account + " " + m.Key(); !known[key] {
				known[key] = true
				p.read(m, c.Interval)
			}
		}
		for i := range bound.Policies {
			for j := range bound.Policies[i].Alarms {
				p.alarm(&bound.Metrics[bound.Policies[i].Alarms[j].Metric])
			}
		}
	}
	p.Dollars = float64(p.Requests) * metricRequested
	return p
}

// read adds a metric that is requested at each of its evaluations, or more often where the interval says so.
func (p *Prices) read(m *evaluator.Metric, interval time.Duration) {
	every := evaluator.LookInterval(m.Period)
	if interval > 0 {
		every = min(every, interval)
	}
	p.Metrics += billed(m)
	p.Requests += billed(m) * int(month/every)
}

// alarm adds an alarm that AWS would evaluate.
func (p *Prices) alarm(m *evaluator.Metric) {
	p.Alarms++
	if m.Period < 60 {
		p.ManagedDollars += fastAlarmMonth * float64(billed(m))
		return
	}
	p.ManagedDollars += alarmMonth * float64(billed(m))
}

// billed is how many metrics are paid for: those that metric math reads, not its results.
func billed(m *evaluator.Metric) int {
	if len(m.Queries) == 0 {
		return 1
	}
	n := 0
	for i := range m.Queries {
		if m.Queries[i].Metric != nil {
			n++
		}
	}
	return max(n, 1)
}
