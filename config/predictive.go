package config

import (
	"cmp"
	"time"

	"ecs-autoscaler/evaluator"
)

// PredictiveMode says whether a forecast acts (API PredictiveScalingMode).
type PredictiveMode string

// ForecastOnly is the default (case 367).
const (
	ForecastOnly     PredictiveMode = "ForecastOnly"
	ForecastAndScale PredictiveMode = "ForecastAndScale"
)

// BreachBehavior says what happens when the forecast exceeds the maximum capacity.
type BreachBehavior string

// HonorMaxCapacity is the default.
const (
	HonorMaxCapacity    BreachBehavior = "HonorMaxCapacity"
	IncreaseMaxCapacity BreachBehavior = "IncreaseMaxCapacity"
)

// PredictivePolicy is one entry of predictive_scaling (aws-semantics 5). Nothing acts on it yet.
// Either MetricPair, or ScalingMetric and LoadMetric, or the customized metrics are filled in.
type PredictivePolicy struct {
	Name                      string
	TargetValue               float64
	MetricPair                string
	ScalingMetric, LoadMetric string
	ResourceLabel             string
	// CustomizedScalingMetric, CustomizedLoadMetric and CustomizedCapacityMetric are metric math.
	CustomizedScalingMetric, CustomizedLoadMetric, CustomizedCapacityMetric []evaluator.MetricDataQuery
	Mode                                                                    PredictiveMode
	// SchedulingBufferTime is how much before the hour capacity is raised, 0 <= x < 1 h.
	SchedulingBufferTime      time.Duration
	MaxCapacityBreachBehavior BreachBehavior
	// MaxCapacityBuffer is in percent of the forecast, with IncreaseMaxCapacity only.
	MaxCapacityBuffer int
}

// predictive reads one entry of predictive_scaling.
func (b *targetBuilder) predictive(v value) (PredictivePolicy, bool) {
	m, ok := v.mapping()
	if !ok {
		return PredictivePolicy{}, false
	}
	p := PredictivePolicy{Mode: ForecastOnly, SchedulingBufferTime: 300 * time.Second, MaxCapacityBreachBehavior: HonorMaxCapacity}
	p.Name = b.name(m, "policy")
	target := need(m, "target_value", "60", positive)
	p.TargetValue = target.value
	p.predictiveMetrics(m)
	overlay(&p.Mode, read(m, "mode", oneOf(ForecastOnly, ForecastAndScale)))
	overlay(&p.SchedulingBufferTime, read(m, "scheduling_buffer_time", bufferTime))
	p.breach(m)
	m.close()
	return p, target.valid
}

// bufferTime reads less than an hour (case 365).
func bufferTime(v value) (time.Duration, bool) {
	d, ok := v.duration()
	if ok && d >= time.Hour {
		v.d.errorf(v.at, "%s must be less than 3600 seconds, not %d", v.key, int(d.Seconds()))
		return 0, false
	}
	return d, ok
}

// breach reads the two keys that depend on each other (cases 358 and 359).
func (p *PredictivePolicy) breach(m *mapping) {
	behavior := read(m, "max_capacity_breach_behavior", oneOf(HonorMaxCapacity, IncreaseMaxCapacity))
	overlay(&p.MaxCapacityBreachBehavior, behavior)
	buffer := read(m, "max_capacity_buffer", integer(0, 100))
	p.MaxCapacityBuffer = buffer.value
	increase := p.MaxCapacityBreachBehavior == IncreaseMaxCapacity
	switch {
	case behavior.present && !behavior.valid:
	case increase && !buffer.present:
		m.d.errorf(behavior.at, "IncreaseMaxCapacity needs max_capacity_buffer, 0 to 100 percent of the forecast")
	case !increase && buffer.present:
		m.d.errorf(buffer.at, "max_capacity_buffer belongs to max_capacity_breach_behavior: IncreaseMaxCapacity only; remove it")
	}
}

// predictiveMetrics reads exactly one specification (case 371), in one of its three forms.
func (p *PredictivePolicy) predictiveMetrics(m *mapping) {
	pair := read(m, "metric_pair", oneOf("ECSServiceCPUUtilization", "ECSServiceMemoryUtilization", "ALBRequestCount"))
	scaling := read(m, "scaling_metric", oneOf("ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization", predefinedALB))
	load := read(m, "load_metric", oneOf("ECSServiceTotalCPUUtilization", "ECSServiceTotalMemoryUtilization", "TotalALBRequestCount"))
	label := read(m, "resource_label", value.filled)
	custom := []field[[]evaluator.MetricDataQuery]{
		read(m, "customized_scaling_metric", mathOnly),
		read(m, "customized_load_metric", mathOnly),
		read(m, "customized_capacity_metric", mathOnly),
	}
	p.MetricPair, p.ScalingMetric, p.LoadMetric, p.ResourceLabel = pair.value, scaling.value, load.value, label.value
	p.CustomizedScalingMetric, p.CustomizedLoadMetric, p.CustomizedCapacityMetric = custom[0].value, custom[1].value, custom[2].value
	customized := custom[0].present || custom[1].present || custom[2].present
	forms := 0
	for _, form := range []bool{pair.present, scaling.present || load.present, customized} {
		if form {
			forms++
		}
	}
	const right = "write either metric_pair, or scaling_metric and load_metric, or customized_scaling_metric and customized_load_metric"
	switch {
	case forms != 1:
		m.d.errorf(m.at, "a predictive policy has exactly one metric specification, this one has %d; %s", forms, right)
	case scaling.present != load.present, customized && !(custom[0].present && custom[1].present):
		m.d.errorf(m.at, "half of the metric specification is missing; %s", right)
	}
	p.labelled(m, label)
}

// labelled checks that a label comes with an ALB metric and an ALB metric with a label.
func (p *PredictivePolicy) labelled(m *mapping, label field[string]) {
	alb := p.MetricPair == "ALBRequestCount" || p.ScalingMetric == predefinedALB || p.LoadMetric == "TotalALBRequestCount"
	switch {
	case alb:
		m.d.labelDimensions(cmp.Or(p.MetricPair, p.ScalingMetric, p.LoadMetric), m.at, label)
	case label.present:
		m.d.errorf(label.at, "resource_label belongs to metrics of a load balancer only; remove it")
	}
}

// mathOnly reads {metrics: [...]}.
func mathOnly(v value) ([]evaluator.MetricDataQuery, bool) {
	m, ok := v.mapping()
	if !ok {
		return nil, false
	}
	f := need(m, "metrics", "[{id: m1, metric_stat: {...}}]", value.forecastQueries)
	m.close()
	return f.value, f.valid
}
