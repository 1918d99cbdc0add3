package scaler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/observe"
)

// hindsights is how many minutes a decision in hindsight is made for: that of the instant, and those before it. Nobody can tell
// afterwards which of the newest datapoints had been published.
const hindsights = 3

// Hindsight decides on a target as if it were the first look at it at an instant in the past: on the metrics that CloudWatch still
// has of then, on a service with that desired count, all of it running, and within the bounds of the configuration. It does so for
// the instant, which comes first, and for each of the two minutes before. Nothing that a memory would know counts: cooldowns, credit,
// earlier states of alarms, bounds that scheduled actions have set, deployments. It writes nothing. An error says what could not be
// read and why.
func (f *Fleet) Hindsight(ctx context.Context, k evaluator.Key, at time.Time, count int) ([]evaluator.Decision, error) {
	t, ok := f.Configured(k)
	if !ok {
		return nil, fmt.Errorf("%s is not a target of this configuration", k)
	}
	earliest := at.Add(-hindsights * time.Minute)
	reader := f.Accounts[k.Account].Metrics()
	entries := make([]*observe.Entry, len(t.Metrics))
	series := make([]*evaluator.Series, len(t.Metrics))
	for i := range t.Metrics {
		m, buckets := &t.Metrics[i], evaluator.Buckets(t, i)
		oldest := earliest.Add(-time.Duration(int64(buckets)*m.Period) * time.Second)
		if kept := retention(m.Period); f.Clock.Now().Sub(oldest) > kept {
			return nil, fmt.Errorf("CloudWatch keeps metrics with a period of %d s for %s only", m.Period, span(kept))
		}
		entries[i] = reader.Track(*m, buckets)
		series[i] = &entries[i].Series
	}
	decisions := make([]evaluator.Decision, hindsights)
	for i := range slices.Backward(decisions) { // forward in time, so that little is read twice
		then := at.Add(-time.Duration(i) * time.Minute)
		if err := readPast(ctx, reader, then, entries); err != nil {
			return nil, err
		}
		judgePast(t, series, then, count, &decisions[i])
	}
	return decisions, nil
}

func readPast(ctx context.Context, reader MetricReader, at time.Time, entries []*observe.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	if r := reader.Read(ctx, at, entries); len(r.Problems) > 0 {
		return errors.New(awsapi.Explain(r.Problems[0].Err, "cloudwatch:GetMetricData"))
	}
	return nil
}

func judgePast(t *evaluator.Target, series []*evaluator.Series, at time.Time, count int, d *evaluator.Decision) {
	m := evaluator.NewMemory(t)
	m.Register(t, t.Registration())
	m.Registered, m.LastDesired = true, count
	evaluator.Evaluate(t, &evaluator.Observation{
		Service: evaluator.Service{
			DescribedAt: at, Status: evaluator.ServiceActive, Desired: count, Running: count, Base: count, Controller: "ECS",
		},
		Series: series,
	}, m, at, d)
	d.Outcome = evaluator.OutcomeNone
}

// retention is how long CloudWatch keeps datapoints of a period in seconds (aws-semantics 7.1).
func retention(period int64) time.Duration {
	const day = 24 * time.Hour
	switch {
	case period < 60:
		return 3 * time.Hour
	case period%3600 == 0:
		return 455 * day
	case period%300 == 0:
		return 63 * day
	default:
		return 15 * day
	}
}

// span is a time as people say it.
func span(d time.Duration) string {
	if d < 24*time.Hour {
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}
