package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler"
	"ecs-autoscaler/scaler/act"
	"ecs-autoscaler/scaler/observe"
	"ecs-autoscaler/store"
)

// rounds is how many pairs are measured; the medians are quoted. Each half of a pair is several passes long: at
// this rate of allocation a garbage collection falls into every second pass, and both sides must have theirs.
const (
	rounds   = 15
	inARound = 4
)

const fleetConfig = `
targets:
  - service: fleet/*
    min_capacity: 1
    max_capacity: 10
    target_tracking:
      - {name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}
      - {name: memory, metric: ECSServiceAverageMemoryUtilization, target_value: 62}
`

func parseFleet() (*config.Config, error) {
	c, found := config.Parse(config.Source{Name: "fleet", Text: []byte(fleetConfig)}, func(string) (string, bool) { return "", false })
	return c, found.Err()
}

// manual is a clock that stands until it is set.
type manual struct{ now time.Time }

func (m *manual) Now() time.Time { return m.now }

func (m *manual) After(time.Duration) (<-chan time.Time, func() bool) {
	return make(chan time.Time), func() bool { return true }
}

// calm is an ECS in which every service is at rest.
type calm struct{ describes int }

// AskTags changes nothing: no service has tags.
func (*calm) AskTags(bool) {}

// Calls allows everything.
func (*calm) Calls(time.Time) int { return fleetSize }

func (c *calm) Describe(_ context.Context, now time.Time, keys []evaluator.Key) []observe.Described {
	out := make([]observe.Described, len(keys))
	for i, k := range keys {
		out[i] = observe.Described{Key: k, Service: evaluator.Service{
			DescribedAt: now, Status: evaluator.ServiceActive, Desired: 4, Running: 4, Base: 4, Controller: "ECS",
		}}
	}
	c.describes += len(keys)
	return out
}

func (*calm) List(context.Context, string) ([]evaluator.Key, error) {
	keys := make([]evaluator.Key, fleetSize)
	for i := range keys {
		keys[i] = evaluator.Key{Cluster: "fleet", Service: fmt.Sprintf("service-%05d", i)}
	}
	return keys, nil
}

// fleet is an engine over 10,000 services at rest, and the CloudWatch that answers it.
type fleet struct {
	clock  *manual
	cloud  *cloud
	calm   *calm
	engine *scaler.Engine
	heap   uint64
	// described counts the services described in the passes that were measured.
	described int
}

func newFleet(ctx context.Context, dir string) (*fleet, error) {
	c, err := parseFleet()
	if err != nil {
		return nil, err
	}
	f := &fleet{clock: &manual{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}, calm: &calm{}}
	if f.cloud, err = newCloud(ctx); err != nil {
		return nil, err
	}
	backend, err := store.OpenFile(filepath.Join(dir, "state.db"))
	if err != nil {
		return nil, err
	}
	s, err := store.New(backend)
	if err != nil {
		return nil, err
	}
	before := heap()
	f.engine, err = scaler.New(scaler.Options{
		Config: c, Metrics: observe.NewMetrics(f.cloud, observe.MetricsOptions{Delay: 0}), Services: f.calm,
		Actuator: act.DryRun{}, Store: s, Clock: f.clock, Logger: zap.NewNop(), FixedPhase: new(time.Duration),
	})
	if err != nil {
		return nil, err
	}
	for range 20 { // everything is seen, read whole once, settled and remembered
		f.cloud.prepare(f.clock.now)
		f.engine.Pass(ctx, f.clock.now)
		if err := f.between(ctx); err != nil {
			return nil, err
		}
	}
	f.heap = heap() - before
	return f, nil
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// used is the processor time, user and system, of this process so far.
func used() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err) // RUSAGE_SELF cannot fail
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// cost measures the processor and the wall time of a function.
func cost(f func() error) (cpu, wall time.Duration, err error) {
	c, w := used(), time.Now()
	err = f()
	return used() - c, time.Since(w), err
}

// measured are the figures of the pairs.
type measured struct{ passCPU, passWall, aloneCPU, aloneWall []time.Duration }

func (f *fleet) measure(ctx context.Context) (measured, error) {
	var m measured
	pass := func() error { return f.engine.Pass(ctx, f.clock.now).Err }
	for range rounds {
		passCPU, passWall, err := f.several(pass, func() error { return f.between(ctx) })
		if err != nil {
			return m, err
		}
		f.cloud.inputs, f.cloud.recording = nil, true // one more pass, whose calls the SDK alone then makes
		_, _, err = f.once(pass)
		f.cloud.recording = false
		if err = errors.Join(err, f.between(ctx)); err != nil {
			return m, err
		}
		aloneCPU, aloneWall, err := f.several(func() error { return f.alone(ctx) }, func() error { return nil })
		if err != nil {
			return m, err
		}
		m.passCPU, m.passWall = append(m.passCPU, passCPU), append(m.passWall, passWall)
		m.aloneCPU, m.aloneWall = append(m.aloneCPU, aloneCPU), append(m.aloneWall, aloneWall)
	}
	return m, nil
}

// several measures a function a few times in a row, with something unmeasured after each, and gives the means.
func (f *fleet) several(do, then func() error) (cpu, wall time.Duration, err error) {
	for range inARound {
		c, w, err := f.once(do)
		if err = errors.Join(err, then()); err != nil {
			return 0, 0, err
		}
		cpu, wall = cpu+c/inARound, wall+w/inARound
	}
	return cpu, wall, nil
}

// once measures a function once, with the answers for its minute built before.
func (f *fleet) once(do func() error) (cpu, wall time.Duration, err error) {
	f.cloud.prepare(f.clock.now)
	before := f.calm.describes
	cpu, wall, err = cost(do)
	f.described += f.calm.describes - before
	return cpu, wall, err
}

// between makes the pass between two looks, in which the daemon refreshes what is only shown; it is not measured.
func (f *fleet) between(ctx context.Context) error {
	at := f.clock.now
	f.clock.now = at.Add(time.Second)
	r := f.engine.Pass(ctx, f.clock.now)
	f.clock.now = at.Add(time.Minute)
	return r.Err
}

// alone makes the calls of the pass before with nothing but the SDK, as many in flight.
func (f *fleet) alone(ctx context.Context) error {
	var g errgroup.Group
	g.SetLimit(8)
	for _, in := range f.cloud.inputs {
		g.Go(func() error {
			_, err := f.cloud.client.GetMetricData(ctx, in)
			return err
		})
	}
	return g.Wait()
}

// passes measures steady passes over a fleet at rest against prebuilt answers.
func passes(ctx context.Context, page *bytes.Buffer) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	f, err := newFleet(ctx, dir)
	if err != nil {
		return err
	}
	m, err := f.measure(ctx)
	if err != nil {
		return err
	}
	ratios := make([]float64, rounds)
	for i := range ratios {
		ratios[i] = float64(m.passCPU[i]) / float64(m.aloneCPU[i])
	}
	slices.Sort(ratios)
	fmt.Fprintf(page, "## A steady pass over 10,000 services with two policies each\n\n"+
		"`go run ./internal/bench`: %d rounds of %d passes, each beside %d times the same calls made by the SDK alone, against the same prebuilt answers in this process.\n\n"+
		"Every look at all 10,000 falls into one moment here, and none is left out: that is the most a pass can have to do. "+
		"With the looks where the daemon places them they are spread over five seconds, and at a fleet like this two in three are not made at all (see Reads).\n\n",
		rounds, inARound, inARound)
	fmt.Fprintf(page, "| figure | measured | to reach |\n|---|---|---|\n")
	fmt.Fprintf(page, "| GetMetricData requests a pass | %d | 40 |\n", len(f.cloud.inputs))
	fmt.Fprintf(page, "| services described in these passes (at rest they are refreshed between the looks) | %d | 0 |\n", f.described)
	fmt.Fprintf(page, "| processor time of a pass (median) | %s | |\n", round(median(m.passCPU)))
	fmt.Fprintf(page, "| processor time of the SDK alone (median) | %s | |\n", round(median(m.aloneCPU)))
	fmt.Fprintf(page, "| ratio, pair by pair: min, median, max | %.2f, %.2f, %.2f | at most 2 |\n", ratios[0], ratios[rounds/2], ratios[rounds-1])
	fmt.Fprintf(page, "| wall clock of a pass (median) | %s | |\n", round(median(m.passWall)))
	fmt.Fprintf(page, "| heap a service, all rooms, after 20 passes | %.1f KiB | 8 KiB |\n\n", float64(f.heap)/fleetSize/1024)
	return nil
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
