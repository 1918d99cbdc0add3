package daemon_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
)

// silent is a way to AWS on which nothing is ever answered that is about one cluster, as long as it is set.
type silent struct {
	next    http.RoundTripper
	cluster atomic.Pointer[string]
}

func (s *silent) hang(cluster string) *silent {
	s.cluster.Store(&cluster)
	return s
}

func (s *silent) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if cluster := s.cluster.Load(); cluster != nil && bytes.Contains(body, []byte(*cluster)) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	return s.next.RoundTrip(again)
}

// through starts a daemon whose requests go that way.
func (w *world) through(transport http.RoundTripper, text string) *daemon.Daemon {
	w.t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	w.logs = logs
	d, err := daemon.New(w.t.Context(), daemon.Options{
		Config: parse(w.t, "listen: \"\"\n"+memoryState+text), Logger: zap.New(core), AllowVolatileState: true,
		AWS: awsapi.Options{Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: transport}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

const threeClusters = `
region: eu-west-2
history: 1h
services:
  - {service: alpha/web-%02d, count: 30, desired: 4, load: {constant: 2.3}}
  - {service: quiet/web-%03d, count: 200, desired: 4, load: {constant: 2.3}}
  - {service: omega/web-%02d, count: 30, desired: 4, load: {constant: 2.3}}
`

const ofThreeClusters = `
targets:
  - service: "*/*"
    min_capacity: 1
    max_capacity: 10
    target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}]
`

// looks runs a daemon for a while and notes when each target was decided on, to the second.
func (w *world) looks(d *daemon.Daemon, span time.Duration) map[evaluator.Key][]time.Time {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	seen := map[evaluator.Key][]time.Time{}
	for end := time.Now().Add(span); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		for _, row := range d.Store().Targets() {
			dec, _ := row.Latest.Get()
			if all := seen[row.Key]; len(all) == 0 || !all[len(all)-1].Equal(dec.Time) {
				seen[row.Key] = append(all, dec.Time)
			}
		}
	}
	stop()
	if err := <-done; err != nil {
		w.t.Error(err)
	}
	return seen
}

func TestAClusterThatDoesNotAnswerDelaysNoLookAtTheOthers(t *testing.T) {
	const span = 7 * time.Minute
	var undisturbed, disturbed map[evaluator.Key][]time.Time
	inTime(t, threeClusters, func(w *world) {
		undisturbed = w.looks(w.through(w.region.Transport(), ofThreeClusters), span)
	})
	inTime(t, threeClusters, func(w *world) {
		way := &silent{next: w.region.Transport()}
		d := w.through(way, ofThreeClusters)
		go func() {
			time.Sleep(90 * time.Second) // all three have been seen
			way.hang("quiet")
		}()
		disturbed = w.looks(d, span)
	})
	compared := 0
	for k, want := range undisturbed {
		if k.Cluster == "quiet" {
			continue
		}
		compared++
		if got := disturbed[k]; !slices.EqualFunc(want, got, time.Time.Equal) {
			t.Fatalf("%s was looked at\n%v, but with a cluster that hangs\n%v", k, want, got)
		}
	}
	if compared != 60 || len(undisturbed[evaluator.Key{Cluster: "alpha", Service: "web-00"}]) < 3 {
		t.Errorf("%d targets were compared, looks at one of them %v", compared, undisturbed[evaluator.Key{Cluster: "alpha", Service: "web-00"}])
	}
}

func TestADaemonWithAClusterThatDoesNotAnswerStopsWithinTenSeconds(t *testing.T) {
	inTime(t, threeClusters, func(w *world) {
		way := &silent{next: w.region.Transport()}
		d := w.through(way.hang("quiet"), strings.ReplaceAll(ofThreeClusters, `"*/*"`, `"quiet/*"`))
		ctx, stop := context.WithCancel(w.t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		time.Sleep(95 * time.Second)
		began := time.Now()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %s to stop", took)
		}
	})
}

const twoLoads = `
region: eu-west-2
history: 1h
services:
  - {service: sleepy/web-%03d, count: 120, desired: 8, load: {constant: 1}}
  - {service: urgent/web-%02d, count: 30, desired: 4, load: {constant: 4.4}}
`

func TestScaleOutsOvertakeTheScaleInsOfOtherClusters(t *testing.T) {
	inTime(t, twoLoads, func(w *world) {
		d := w.through(w.region.Transport(), ofThreeClusters)
		w.live(d, 3*time.Minute)
		last := map[string]time.Time{}
		first, writes, throttled := time.Time{}, 0, 0
		for _, c := range w.region.Calls() {
			if c.Operation != "UpdateService" {
				continue
			}
			if c.Error != "" {
				throttled++
			}
			if writes++; first.IsZero() {
				first = c.Time
			}
			last[fmt.Sprint(c.Input()["cluster"])] = c.Time
		}
		if writes != 150 || throttled != 0 {
			t.Fatalf("%d writes, %d of them throttled; want 150 and none", writes, throttled)
		}
		if out := last["urgent"].Sub(first); out > 8*time.Second {
			t.Errorf("the last scale-out was %s after the first write, although 30 fit into the burst", out)
		}
		if in := last["sleepy"].Sub(first); in < 15*time.Second {
			t.Errorf("the last of 120 scale-ins was %s after the first write: sooner than AWS's rate allows", in)
		}
	})
}
