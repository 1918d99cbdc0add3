package config

import (
	"cmp"
	"time"

	"ecs-autoscaler/config/strict"
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
func (b *targetBuilder) predictive(v strict.Value) (PredictivePolicy, bool) {
	m, ok := v.Mapping()
	if !ok {
		return PredictivePolicy{}, false
	}
	p := PredictivePolicy{Mode: ForecastOnly, SchedulingBufferTime: 300 * time.Second, MaxCapacityBreachBehavior: HonorMaxCapacity}
	p.Name = b.name(m, "policy")
	target := strict.Need(m, "target_value", "60", positive)
	p.TargetValue = target.Value
	p.predictiveMetrics(m)
	strict.Overlay(&p.Mode, strict.Read(m, "mode", strict.OneOf(ForecastOnly, ForecastAndScale)))
	strict.Overlay(&p.SchedulingBufferTime, strict.Read(m, "scheduling_buffer_time", bufferTime))
	p.breach(m)
	m.Close()
	return p, target.Valid
}

// bufferTime reads less than an hour (case 365).
func bufferTime(v strict.Value) (time.Duration, bool) {
	d, ok := v.Duration()
	if ok && d >= time.Hour {
		v.Errorf(v.At, "%s must be less than 3600 seconds, not %d", v.Key, int(d.Seconds()))
		return 0, false
	}
	return d, ok
}

// breach reads the two keys that depend on each other (cases 358 and 359).
func (p *PredictivePolicy) breach(m *strict.Mapping) {
	behavior := strict.Read(m, "max_capacity_breach_behavior", strict.OneOf(HonorMaxCapacity, IncreaseMaxCapacity))
	strict.Overlay(&p.MaxCapacityBreachBehavior, behavior)
	buffer := strict.Read(m, "max_capacity_buffer", strict.Integer(0, 100))
	p.MaxCapacityBuffer = buffer.Value
	increase := p.MaxCapacityBreachBehavior == IncreaseMaxCapacity
	switch {
	case behavior.Present && !behavior.Valid:
	case increase && !buffer.Present:
		m.Errorf(behavior.At, "IncreaseMaxCapacity needs max_capacity_buffer, 0 to 100 percent of the forecast")
	case !increase && buffer.Present:
		m.Errorf(buffer.At, "max_capacity_buffer belongs to max_capacity_breach_behavior: IncreaseMaxCapacity only; remove it")
	}
}

// predictiveMetrics reads exactly one specification (case 371), in one of its three forms.
func (p *PredictivePolicy) predictiveMetrics(m *strict.Mapping) {
	pair := strict.Read(m, "metric_pair", strict.OneOf("ECSServiceCPUUtilization", "ECSServiceMemoryUtilization", "ALBRequestCount"))
	scaling := strict.Read(m, "scaling_metric",
		strict.OneOf("ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization", predefinedALB))
	load := strict.Read(m, "load_metric",
		strict.OneOf("ECSServiceTotalCPUUtilization", "ECSServiceTotalMemoryUtilization", "TotalALBRequestCount"))
	label := strict.Read(m, "resource_label", strict.Value.Filled)
	custom := []strict.Field[[]evaluator.MetricDataQuery]{
		strict.Read(m, "customized_scaling_metric", mathOnly),
		strict.Read(m, "customized_load_metric", mathOnly),
		strict.Read(m, "customized_capacity_metric", mathOnly),
	}
	p.MetricPair, p.ScalingMetric, p.LoadMetric, p.ResourceLabel = pair.Value, scaling.Value, load.Value, label.Value
	p.CustomizedScalingMetric, p.CustomizedLoadMetric, p.CustomizedCapacityMetric = custom[0].Value, custom[1].Value, custom[2].Value
	customized := custom[0].Present || custom[1].Present || custom[2].Present
	forms := 0
	for _, form := range []bool{pair.Present, scaling.Present || load.Present, customized} {
		if form {
			forms++
		}
	}
	const right = "write either metric_pair, or scaling_metric and load_metric, or customized_scaling_metric and customized_load_metric"
	switch {
	case forms != 1:
		m.Errorf(m.At, "a predictive policy has exactly one metric specification, this one has %d; %s", forms, right)
	case scaling.Present != load.Present, customized && !(custom[0].Present && custom[1].Present):
		m.Errorf(m.At, "half of the metric specification is missing; %s", right)
	}
	p.labelled(m, label)
}

// labelled checks that a label comes with an ALB metric and an ALB metric with a label.
func (p *PredictivePolicy) labelled(m *strict.Mapping, label strict.Field[string]) {
	alb := p.MetricPair == "ALBRequestCount" || p.ScalingMetric == predefinedALB || p.LoadMetric == "TotalALBRequestCount"
	switch {
	case alb:
		labelDimensions(m.Decoder, cmp.Or(p.MetricPair, p.ScalingMetric, p.LoadMetric), m.At, label)
	case label.Present:
		m.Errorf(label.At, "resource_label belongs to metrics of a load balancer only; remove it")
	}
}

// mathOnly reads {metrics: [...]}.
func mathOnly(v strict.Value) ([]evaluator.MetricDataQuery, bool) {
	m, ok := v.Mapping()
	if !ok {
		return nil, false
	}
	f := strict.Need(m, "metrics", "[{id: m1, metric_stat: {...}}]", forecastQueries)
	m.Close()
	return f.Value, f.Valid
}
