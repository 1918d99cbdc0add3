package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/zap"

	"ecs-autoscaler/scaler"
	"ecs-autoscaler/scaler/act"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/observe"
	"ecs-autoscaler/sim"
	"ecs-autoscaler/store"
)

const fleetScenario = `
region: eu-west-2
start: 2026-01-01T00:00:00Z
history: 1h
services:
  - {service: fleet/service-%05d, count: 10000, desired: 4, load: {constant: 2.3}, memory: {base: 57, per_load: 0}}
`

// region measures a steady pass against the simulated region over loopback HTTP. The region has to make the
// answers up, so wall clock is what counts here.
func region(ctx context.Context, page *bytes.Buffer) error {
	clock := &manual{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	scenario, err := sim.ParseScenario("fleet.yaml", []byte(fleetScenario), nil)
	if err != nil {
		return err
	}
	r, err := sim.New(scenario, clock.Now)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: r, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(l) }() // ends with Close
	defer func() { _ = server.Close() }()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	engine, err := regionEngine(ctx, clock, "http://"+l.Addr().String(), filepath.Join(dir, "state.db"))
	if err != nil {
		return err
	}
	first := firstPass(ctx, engine, clock)
	clock.now = clock.now.Add(time.Minute) // what was described last has only just been looked at
	var walls []time.Duration
	var calls int64
	for range rounds {
		clock.now = clock.now.Add(time.Minute).Truncate(time.Minute)
		before := newest(r)
		_, wall, err := cost(func() error { return engine.Pass(ctx, clock.now).Err })
		if err != nil {
			return err
		}
		walls, calls = append(walls, wall), calls+newest(r)-before
		clock.now = clock.now.Add(time.Second) // between two looks: lists and descriptions are refreshed
		if err := engine.Pass(ctx, clock.now).Err; err != nil {
			return err
		}
	}
	fmt.Fprintf(page, "## The same fleet in the simulated region, over loopback HTTP\n\nAgain with every look at all of them in one moment.\n\n")
	fmt.Fprintf(page, "| figure | measured | to reach |\n|---|---|---|\n")
	fmt.Fprintf(page, "| wall clock of a steady pass (median of %d) | %s | under 3 s |\n", rounds, round(median(walls)))
	fmt.Fprintf(page, "| calls to AWS in these %d passes | %d | %d, all of them GetMetricData |\n", rounds, calls, 40*rounds)
	fmt.Fprintf(page, "| simulated seconds until all 10,000 services were described and decided, at AWS's 20 calls a second | %d | about 50 |\n\n", first)
	return nil
}

// newest is the number of the newest call that the region has answered.
func newest(r *sim.Region) int64 {
	calls := r.Calls()
	return calls[len(calls)-1].Number
}

// firstPass makes a pass each simulated second until every service has been looked at, and counts them.
func firstPass(ctx context.Context, e *scaler.Engine, clock *manual) int {
	for seconds := 0; ; seconds++ {
		e.Pass(ctx, clock.now)
		if ready, _ := e.Ready(); ready || seconds > 600 {
			return seconds
		}
		clock.now = clock.now.Add(time.Second)
	}
}

func regionEngine(ctx context.Context, clock scaler.Clock, endpoint, state string) (*scaler.Engine, error) {
	c, err := parseFleet()
	if err != nil {
		return nil, err
	}
	clients, err := awsapi.Connect(ctx, awsapi.Options{
		Region: "eu-west-2", Endpoint: endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
		}),
	})
	if err != nil {
		return nil, err
	}
	backend, err := store.OpenFile(state)
	if err != nil {
		return nil, err
	}
	s, err := store.New(backend)
	if err != nil {
		return nil, err
	}
	return scaler.New(scaler.Options{
		Config: c, Metrics: observe.NewMetrics(clients.CloudWatch, observe.MetricsOptions{Delay: -1}),
		Services: observe.NewServices(clients.ECS, observe.ServicesOptions{}), Actuator: act.DryRun{}, Store: s,
		Clock: clock, Logger: zap.NewNop(), FixedPhase: new(time.Duration),
	})
}
