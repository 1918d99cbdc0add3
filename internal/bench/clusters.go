package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler"
	"ecs-autoscaler/sim"
	"ecs-autoscaler/store"
)

// The fleet of several clusters: 10,000 services in 20 clusters of one account.
const (
	clusterCount   = 20
	clusterSize    = fleetSize / clusterCount
	hangingCluster = "fleet-19"
)

const clustersConfig = `
targets:
  - service: "fleet-*/*"
    min_capacity: 1
    max_capacity: 10
    target_tracking:
      - {name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}
`

func clustersScenario(clusters, size int) (*sim.Scenario, error) {
	var text bytes.Buffer
	text.WriteString("region: eu-west-2\nhistory: 1h\nservices:\n")
	for i := range clusters {
		fmt.Fprintf(&text, "  - {service: fleet-%02d/service-%%05d, count: %d, desired: 4, load: {constant: 2.3}}\n", i, size)
	}
	return sim.ParseScenario("clusters.yaml", text.Bytes(), nil)
}

// silence is a way to the region on which one cluster gets no answer once it is told so.
type silence struct {
	next    http.RoundTripper
	cluster string
	on      atomic.Bool
}

// RoundTrip answers, or waits for the end of the request's time.
func (s *silence) RoundTrip(r *http.Request) (*http.Response, error) {
	if !s.on.Load() || r.Body == nil {
		return s.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(body, []byte(s.cluster)) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	return s.next.RoundTrip(again)
}

// wholeFleet is a fleet of clusters that runs as a daemon's does, each on its own.
type wholeFleet struct {
	clock scaler.Clock
	kept  *store.Store
	fleet *scaler.Fleet
	way   *silence
	calls func() int64
}

// clustersSpeed is how much faster than the machine's the time of this part runs. At a higher one the region's processor time,
// which no real region takes from the daemon, is what is measured.
const clustersSpeed = 5

func newWholeFleet(ctx context.Context) (*wholeFleet, error) {
	scenario, err := clustersScenario(clusterCount, clusterSize)
	if err != nil {
		return nil, err
	}
	clock := scaler.NewScaledClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), clustersSpeed)
	r, err := sim.New(scenario, clock.Now)
	if err != nil {
		return nil, err
	}
	c, found := config.Parse(config.Source{Name: "clusters", Text: []byte(clustersConfig)}, func(string) (string, bool) { return "", false })
	if err := found.Err(); err != nil {
		return nil, err
	}
	kept, err := store.New(store.Memory())
	if err != nil {
		return nil, err
	}
	way := &silence{next: r.Transport(), cluster: hangingCluster}
	w := &wholeFleet{clock: clock, kept: kept, way: way, calls: func() int64 { return newest(r) }}
	w.fleet, err = inRegion(ctx, fleetIn{config: c, clock: clock, store: kept, transport: w.way, inFlight: 8})
	return w, err
}

// late are by how many seconds targets were looked at later than planned, those of the given kind, until the clock says end.
func (w *wholeFleet) late(end time.Time, hanging bool) []float64 {
	planned := map[evaluator.Key]time.Time{}
	var late []float64
	for w.clock.Now().Before(end) {
		for _, row := range w.kept.Targets() {
			if (row.Key.Cluster == hangingCluster) != hanging {
				continue
			}
			row.Latest.View(func(d *evaluator.Decision) {
				if due, known := planned[row.Key]; known && d.Time.After(due.Add(-time.Minute)) && !d.Next.Equal(due) {
					late = append(late, max(d.Time.Sub(due).Seconds(), 0))
				}
				planned[row.Key] = d.Next
			})
		}
		time.Sleep(50 * time.Millisecond)
	}
	slices.Sort(late)
	return late
}

// clusters measures a fleet of 20 clusters with AWS's rates: how long it takes to know all, six steady minutes, and six
// in which a cluster does not answer.
func clusters(ctx context.Context, page *bytes.Buffer) error {
	w, err := newWholeFleet(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		w.fleet.Run(ctx, nil)
		close(done)
	}()
	defer func() { stop(); <-done }()
	began := w.clock.Now()
	for ready := false; !ready; ready, _ = w.fleet.Ready() {
		if w.clock.Now().Sub(began) > 10*time.Minute {
			return errors.New("clusters: not ready after ten minutes")
		}
		time.Sleep(10 * time.Millisecond)
	}
	first := w.clock.Now().Sub(began)
	w.late(w.clock.Now().Add(3*time.Minute), false) // it finds the places of its looks
	before := w.calls()
	steady := w.late(w.clock.Now().Add(6*time.Minute), false)
	calls := w.calls() - before
	w.way.on.Store(true)
	beside := w.late(w.clock.Now().Add(6*time.Minute), false)
	w.way.on.Store(false)
	fmt.Fprintf(page, "## %d clusters of %d services each, with AWS's rates\n\n", clusterCount, clusterSize)
	fmt.Fprintf(page, "A daemon's fleet in the simulated region, its token buckets included, at %d times the speed of the machine's clock; "+
		"the region takes its processor time from the same machine. A look is late by the time between the instant it was planned for and the one it was made at.\n\n", clustersSpeed)
	fmt.Fprintf(page, "| figure | measured | to reach |\n|---|---|---|\n")
	fmt.Fprintf(page, "| until all 10,000 services were described and decided, at AWS's 20 calls a second | %s | about 50 s |\n", first.Round(time.Second))
	fmt.Fprintf(page, "| calls to AWS in six steady minutes | %d | |\n", calls)
	fmt.Fprintf(page, "| looks late, median, 99th percentile and most of %d | %s | |\n", len(steady), quantiles(steady))
	fmt.Fprintf(page, "| the same in the other 19 clusters while one does not answer at all, of %d | %s | as above |\n\n", len(beside), quantiles(beside))
	return nil
}

func quantiles(sorted []float64) string {
	if len(sorted) == 0 {
		return "none was made"
	}
	at := func(share float64) float64 { return sorted[int(share*float64(len(sorted)-1))] }
	return fmt.Sprintf("%.0f s, %.0f s, %.0f s", at(0.5), at(0.99), at(1))
}

// The fleet whose memory is watched, and for how long.
const (
	monthClusters, monthSize = 3, 10
	monthDays                = 30
)

// month lets a fleet live through a month in virtual time and compares its heap after the first day with that after the last.
func month(ctx context.Context, page *bytes.Buffer) error {
	scenario, err := clustersScenario(monthClusters, monthSize)
	if err != nil {
		return err
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := &manual{start}
	r, err := sim.New(scenario, clock.Now)
	if err != nil {
		return err
	}
	c, found := config.Parse(config.Source{Name: "clusters", Text: []byte(clustersConfig)}, func(string) (string, bool) { return "", false })
	if err := found.Err(); err != nil {
		return err
	}
	kept, err := store.New(forgetful{store.Memory()})
	if err != nil {
		return err
	}
	f, err := inRegion(ctx, fleetIn{config: c, region: r, clock: clock, store: kept})
	if err != nil {
		return err
	}
	var heaps []float64
	for day := 1; day <= monthDays; day++ {
		for end := start.AddDate(0, 0, day); clock.now.Before(end); clock.now = f.Next() {
			if err := f.Pass(ctx, clock.now).Err; err != nil {
				return err
			}
		}
		heaps = append(heaps, float64(heap())/(1<<20))
	}
	runtime.KeepAlive(kept)
	fmt.Fprintf(page, "## Memory over a month\n\nThe whole process, the simulated region included, with a fleet of %d services in %d clusters that lives through %d days in virtual time.\n\n",
		monthClusters*monthSize, monthClusters, monthDays)
	fmt.Fprintf(page, "| figure | measured | to reach |\n|---|---|---|\n")
	fmt.Fprintf(page, "| heap after day 2 | %.1f MiB | |\n| heap after day %d | %.1f MiB | as much |\n| growth a day | %.3f MiB | 0 |\n\n",
		heaps[1], monthDays, heaps[monthDays-1], (heaps[monthDays-1]-heaps[1])/(monthDays-2))
	return nil
}

// forgetful is a state whose history is not kept: what is measured is the daemon, not what it has done.
type forgetful struct{ store.Backend }

// Commit keeps all but the history.
func (f forgetful) Commit(d *store.Durable) error {
	kept := *d
	kept.Decisions = nil
	kept.Activities = slices.DeleteFunc(slices.Clone(d.Activities), func(a *store.Activity) bool { return !a.Open() })
	return f.Backend.Commit(&kept)
}
