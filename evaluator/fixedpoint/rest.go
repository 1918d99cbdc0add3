package fixedpoint

import (
	"math"
	"math/big"
	"time"

	"ecs-autoscaler/evaluator"
)

// period is that of the one datapoint that the evaluator is shown.
const period = 60

// look is when it is shown: any whole minute will do, for nothing in a target at rest depends on the time.
var look = time.Unix(1_800_000_000, 0)

// rest is a target whose policies all follow one load and see its newest datapoint only: at a constant load M of N
// equal datapoints say what one of them does.
type rest struct {
	target      *evaluator.Target
	observation evaluator.Observation
	memory      *evaluator.Memory
	decision    evaluator.Decision
	series      evaluator.Series
}

// newRest takes from t what decides at rest: bounds, policies and the limits of a step.
func newRest(t *evaluator.Target, policies []int) *rest {
	own := &evaluator.Target{Key: t.Key, Min: t.Min, Max: t.Max}
	own.Metrics = []evaluator.Metric{{Namespace: "load", Stat: "Average", Period: period}}
	if t.Rails != nil {
		own.Rails = &evaluator.Rails{MaxScaleOutStep: t.Rails.MaxScaleOutStep, MaxScaleInStep: t.Rails.MaxScaleInStep}
	}
	for _, i := range policies {
		own.Policies = append(own.Policies, alone(t.Policies[i]))
	}
	r := &rest{target: own, memory: evaluator.NewMemory(own)}
	r.memory.Registered = true
	r.memory.Min, r.memory.Max, r.memory.File = t.Min, t.Max, own.Registration()
	r.series = evaluator.Series{End: look.Unix(), Period: period, Values: make([]float64, 1)}
	r.observation.Series = []*evaluator.Series{&r.series}
	r.observation.Service = evaluator.Service{DescribedAt: look, Status: evaluator.ServiceActive, Controller: "ECS"}
	return r
}

// alone is the policy with alarms that judge one datapoint.
func alone(p evaluator.Policy) evaluator.Policy {
	alarms := make([]evaluator.Alarm, len(p.Alarms))
	for j, a := range p.Alarms {
		a.Metric, a.SampleCount, a.Percentile = 0, -1, 0
		a.EvaluationPeriods, a.DatapointsToAlarm = 1, 1
		alarms[j] = a
	}
	p.Alarms = alarms
	return p
}

// decide is what the evaluator makes of a count at a load. Without tasks there is no datapoint.
func (r *rest) decide(count int, load *big.Rat) *evaluator.Decision {
	r.series.Values[0] = math.NaN()
	if count > 0 {
		r.series.Values[0] = each(load, count)
	}
	s := &r.observation.Service
	s.Desired, s.Running, s.Base = count, count, count
	r.memory.LastDesired = count
	evaluator.Evaluate(r.target, &r.observation, r.memory, look, &r.decision)
	return &r.decision
}

// each is the metric: what one of count tasks has of the load, rounded once.
func each(load *big.Rat, count int) float64 {
	x, _ := new(big.Rat).Quo(load, new(big.Rat).SetInt64(int64(count))).Float64()
	return x
}
