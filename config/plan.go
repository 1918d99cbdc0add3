package config

import (
	"slices"

	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
)

// plan is everything of a target that does not depend on the service: built once when the text
// is parsed and shared by all services of a pattern.
type plan struct {
	policies []evaluator.Policy
	// places are where the policies stand in the text.
	places  []strict.Position
	metrics []plannedMetric
	actions []evaluator.ScheduledAction
}

// plannedMetric is a metric whose dimensions may still be those of a service to come.
type plannedMetric struct {
	evaluator.Metric
	ofService bool
	key       string
}

// add appends a policy that stands at a place.
func (p *plan) add(policy evaluator.Policy, at strict.Position) {
	p.policies, p.places = append(p.policies, policy), append(p.places, at)
}

// watch makes the alarm refer to the metric, and to its SampleCount where the alarm needs it.
func (p *plan) watch(a *evaluator.Alarm, source metricSource) {
	source.metric.Hourly = evaluator.MultiDay(source.metric.Period, a.EvaluationPeriods)
	a.Metric = p.index(source)
	if a.Percentile > 0 {
		source.metric.Stat = "SampleCount"
		a.SampleCount = p.index(source)
	}
}

// index gives the same metric the same place.
func (p *plan) index(source metricSource) int {
	key := source.metric.Key()
	i := slices.IndexFunc(p.metrics, func(m plannedMetric) bool { return m.ofService == source.ofService && m.key == key })
	if i < 0 {
		i = len(p.metrics)
		p.metrics = append(p.metrics, plannedMetric{source.metric, source.ofService, key})
	}
	return i
}

// bind fills in the dimensions. Policies are shared between services unless, for this very
// service, a predefined metric turns out to be one that the text also spells out.
func (p *plan) bind(dims []evaluator.Dimension) ([]evaluator.Metric, []evaluator.Policy) {
	metrics := make([]evaluator.Metric, len(p.metrics))
	for i, m := range p.metrics {
		metrics[i] = m.Metric
		if m.ofService {
			metrics[i].Dimensions = dims
		}
	}
	same := p.sameMetrics(metrics)
	if same == nil {
		return metrics, p.policies
	}
	return merge(metrics, p.policies, same)
}

// sameMetrics maps every metric to the first equal one, or is nil if all differ. Only a metric
// of the service and a spelled-out one can have become equal.
func (p *plan) sameMetrics(metrics []evaluator.Metric) []int {
	var same []int
	for i := range metrics {
		for j := range i {
			if p.metrics[i].ofService != p.metrics[j].ofService && equal(&metrics[i], &metrics[j]) {
				if same == nil {
					same = indexes(len(metrics))
				}
				same[i] = j
			}
		}
	}
	return same
}

func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// equal compares what Key is made of; metric math is never of a service.
func equal(a, b *evaluator.Metric) bool {
	return a.MetricName == b.MetricName && a.Namespace == b.Namespace && a.Stat == b.Stat && a.Unit == b.Unit &&
		a.Period == b.Period && a.Hourly == b.Hourly && slices.Equal(a.Dimensions, b.Dimensions) && len(a.Queries)+len(b.Queries) == 0
}

// merge drops repeated metrics and makes copies of the policies that refer to what is left.
func merge(metrics []evaluator.Metric, policies []evaluator.Policy, same []int) ([]evaluator.Metric, []evaluator.Policy) {
	var kept []evaluator.Metric
	place := make([]int, len(metrics))
	for i, first := range same {
		if first == i {
			place[i] = len(kept)
			kept = append(kept, metrics[i])
			continue
		}
		place[i] = place[first]
	}
	own := slices.Clone(policies)
	for i := range own {
		own[i].Alarms = slices.Clone(own[i].Alarms)
		for j := range own[i].Alarms {
			a := &own[i].Alarms[j]
			a.Metric = place[a.Metric]
			if a.SampleCount >= 0 {
				a.SampleCount = place[a.SampleCount]
			}
		}
	}
	return kept, own
}
