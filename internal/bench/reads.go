package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/demo"
	"ecs-autoscaler/scaler"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/observe"
	"ecs-autoscaler/sim"
	"ecs-autoscaler/store"
)

// GetMetricData costs so much a metric, a month has so many days.
const (
	dollarsAMetric = 0.01 / 1000
	daysAMonth     = 730.0 / 24
)

const idleScenario = `
region: eu-west-2
history: 30m
publication: {delay: 60s, delay_spread: 10s}
services:
  - {service: idle/within, desired: 4, load: {constant: 2.28}, cpu: {noise: 1}}
  - {service: idle/at-min, desired: 2, load: {constant: 0.4}, cpu: {noise: 1}}
  - {service: idle/fine, desired: 4, load: {constant: 2.28}, cpu: {noise: 1}, resolution: 20}
`

const idleConfig = `
targets:
  - service: idle/%s
    min_capacity: 2
    max_capacity: 16
    target_tracking: [{name: cpu, metric: %s, target_value: 60}]
`

// served is a service, or several, whose reads are counted over a day.
type served struct {
	name     string
	scenario func() (*sim.Scenario, error)
	config   func() (*config.Config, error)
	// each is the time between two evaluations of its alarms, at which whoever leaves out none looks, delay the longest
	// publication delay of its metrics.
	each, delay time.Duration
	// managed is what the alarms cost that AWS would keep for its policies, in dollars a month.
	managed float64
}

func everything() []served {
	idle := func() (*sim.Scenario, error) { return sim.ParseScenario("idle.yaml", []byte(idleScenario), nil) }
	of := func(service, metric string) func() (*config.Config, error) {
		return func() (*config.Config, error) {
			c, found := config.Parse(config.Source{Name: "idle", Text: fmt.Appendf(nil, idleConfig, service, metric)},
				func(string) (string, bool) { return "", false })
			return c, found.Err()
		}
	}
	const cpu = "ECSServiceAverageCPUUtilization"
	return []served{
		{"the demo's two services", sim.DemoScenario, demo.Configuration, time.Minute, 70 * time.Second, 0.40},
		{"shop/api alone, target tracking", sim.DemoScenario, demoTarget("api"), time.Minute, 70 * time.Second, 0.20},
		{"flaskapp/flaskapp alone, two step policies", sim.DemoScenario, demoTarget("flaskapp"), time.Minute, 70 * time.Second, 0.20},
		{"idle: CPU within the target all day", idle, of("within", cpu), time.Minute, 70 * time.Second, 0.20},
		{"idle: at min capacity", idle, of("at-min", cpu), time.Minute, 70 * time.Second, 0.20},
		{"within the target, high resolution (20 s)", idle, of("fine", cpu+"HighResolution"), 10 * time.Second, 20 * time.Second, 0.60},
	}
}

// demoTarget is the demo's configuration of one of its services.
func demoTarget(service string) func() (*config.Config, error) {
	return func() (*config.Config, error) {
		c, err := demo.Configuration()
		if err != nil {
			return nil, err
		}
		c.Targets = slices.DeleteFunc(c.Targets, func(t *config.Target) bool { return t.Service != service })
		return c, nil
	}
}

// tally is a reader that counts what it asks for.
type tally struct {
	scaler.MetricReader
	requested *int
}

// Read reads and counts.
func (t *tally) Read(ctx context.Context, now time.Time, due []*observe.Entry) observe.Report {
	r := t.MetricReader.Read(ctx, now, due)
	*t.requested += r.MetricsRequested
	return r
}

// day is what a daemon did in its first day.
type day struct {
	requested  int
	activities []string
}

func (d day) dollars() float64 { return float64(d.requested) * dollarsAMetric * daysAMonth }

// live lets a daemon live through the first day, with that interval, 0 for auto, and that delay, negative for auto.
func (s *served) live(ctx context.Context, interval, delay time.Duration) (day, error) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := &manual{start}
	scenario, err := s.scenario()
	if err != nil {
		return day{}, err
	}
	r, err := sim.New(scenario, clock.Now)
	if err != nil {
		return day{}, err
	}
	c, err := s.config()
	if err != nil {
		return day{}, err
	}
	c.Interval, c.MetricDelay = interval, delay
	kept, err := store.New(store.Memory())
	if err != nil {
		return day{}, err
	}
	var d day
	f, err := inRegion(ctx, fleetIn{config: c, region: r, clock: clock, store: kept, requested: &d.requested})
	if err != nil {
		return day{}, err
	}
	for end := start.Add(24 * time.Hour); clock.now.Before(end); clock.now = f.Next() {
		f.Pass(ctx, clock.now)
	}
	done, _, err := kept.Activities(store.Query{Limit: store.MaxLimit})
	for _, a := range done {
		d.activities = append(d.activities, fmt.Sprint(a.Target, a.StartTime, a.EndTime, a.From, a.To, a.Policy, a.Status))
	}
	return d, err
}

// fleetIn is a fleet that is to be in a simulated region.
type fleetIn struct {
	config *config.Config
	region *sim.Region
	clock  scaler.Clock
	store  *store.Store
	// requested counts the metrics that it asks for; nil does not.
	requested *int
	// transport is the way to the region; nil is a direct one.
	transport http.RoundTripper
	// inFlight is how many calls each cluster has under way at once; 0 is one after the other.
	inFlight int
}

// inRegion makes a fleet in a simulated region. With calls one after the other its days are the same every time.
func inRegion(ctx context.Context, in fleetIn) (*scaler.Fleet, error) {
	if in.transport == nil {
		in.transport = in.region.Transport()
	}
	clients, err := awsapi.Connect(ctx, awsapi.Options{
		Region: "eu-west-2", Endpoint: "http://region.invalid", HTTPClient: &http.Client{Transport: in.transport},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
		}),
	})
	if err != nil {
		return nil, err
	}
	account := scaler.NewAccount(clients, scaler.AccountOptions{Clock: in.clock, Delay: in.config.MetricDelay, InFlight: max(in.inFlight, 1)})
	if reader := account.Metrics; in.requested != nil {
		account.Metrics = func() scaler.MetricReader { return &tally{reader(), in.requested} }
	}
	return scaler.NewFleet(scaler.FleetOptions{
		Config: in.config, Accounts: map[string]*scaler.Account{"": account}, Store: in.store, Clock: in.clock, Logger: zap.NewNop(),
	})
}

const readsText = `## Reads

The first day of a daemon in the simulated region, in virtual time; go run ./internal/bench -parts reads measures this alone.
The demo's services live through the day of their traces. Datapoints are published 60 to 70 s after the end of their bucket (high
resolution: 10 to 20 s).

"each" looks at each evaluation of an alarm, a minute apart (high resolution: 10 s), "auto" is interval: auto. Both are told the
delay (metric_delay), so that they look at the same instants, and what they do is the same, activity by activity; the benchmark
fails where it is not. "learned" is interval: auto with metric_delay: auto, which has to find the delay first and goes on trying to
look sooner; it acts at other seconds, so its activities are not those of the others. GetMetricData costs $0.01 for 1,000 metrics
requested. "managed" is the price a month of the alarms that AWS would keep: two for a target-tracking policy, one for a step
policy, $0.10 each, at high resolution $0.30. "acts" counts the scaling activities of "each" and "auto".

| service | each: metrics a day | a month | auto: metrics a day | a month | share | learned: metrics a day | a month | managed | acts |
|---|---|---|---|---|---|---|---|---|---|
`

// reads counts the metrics that daemons ask for in a day, and what that costs beside the alarms that AWS would keep.
func reads(ctx context.Context, page *bytes.Buffer) error {
	page.WriteString(readsText)
	for _, s := range everything() {
		each, err := s.live(ctx, s.each, s.delay)
		auto, err2 := s.live(ctx, 0, s.delay)
		learned, err3 := s.live(ctx, 0, -1)
		if err := errors.Join(err, err2, err3); err != nil {
			return err
		}
		if diff := slices.Compare(each.activities, auto.activities); diff != 0 {
			return fmt.Errorf("%s: %d activities with every look and %d with those that matter, or others", s.name, len(each.activities), len(auto.activities))
		}
		fmt.Fprintf(page, "| %s | %d | $%.2f | %d | $%.2f | %.0f %% | %d | $%.2f | $%.2f | %d |\n", s.name, each.requested, each.dollars(),
			auto.requested, auto.dollars(), 100*float64(auto.requested)/float64(each.requested),
			learned.requested, learned.dollars(), s.managed, len(each.activities))
	}
	page.WriteString("\n")
	return nil
}

var parts = map[string]func(context.Context, *bytes.Buffer) error{
	"passes": passes, "region": region, "clusters": clusters, "month": month, "reads": reads, "micro": micro,
}

// chosen are the parts of the page in their order.
func chosen(names string) ([]func(context.Context, *bytes.Buffer) error, error) {
	var out []func(context.Context, *bytes.Buffer) error
	for name := range strings.SplitSeq(names, ",") {
		part := parts[name]
		if part == nil {
			return nil, fmt.Errorf("-parts %s: there is no part %q; the parts are passes, region, clusters, month, reads and micro", names, name)
		}
		out = append(out, part)
	}
	return out, nil
}
