package web

import (
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"net/http"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"

	"github.com/prometheus/client_golang/prometheus"
)

// many is a store of n targets with two target-tracking policies each, all known.
func many(b *testing.B, n int) (*store.Store, func(evaluator.Key) (*evaluator.Target, bool)) {
	b.Helper()
	s := newStore(b)
	var c store.Changes
	for i := range n {
		row := flaskappRow()
		row.Key = evaluator.Key{Cluster: fmt.Sprintf("production-%d", i%10), Service: fmt.Sprintf("service-%05d", i)}
		row.Policies = []string{"cpu", "memory"}
		second := row.Memory.Policies[0]
		second.Name = "memory"
		row.Memory.Policies = append(row.Memory.Policies, second)
		c.Targets = append(c.Targets, row)
	}
	commit(b, s, c)
	d := flaskappDecision()
	d.Policies = append(d.Policies, d.Policies[0])
	d.Policies[1].Name = "memory"
	d.Policies[1].Alarms = []evaluator.AlarmDecision{d.Policies[0].Alarms[0], d.Policies[0].Alarms[1]}
	d.Policies[1].Alarms[1].Values = append([]float64{math.NaN()}, make([]float64, 15)...)
	for _, row := range s.Targets() {
		d.Target = row.Key
		row.Latest.Set(d)
	}
	t, _ := configured(flaskapp)
	t.Policies = append(t.Policies, t.Policies[0])
	t.Policies[1].Name = "memory"
	return s, func(evaluator.Key) (*evaluator.Target, bool) { return t, true }
}

func handlerOf(b *testing.B, n int) http.Handler {
	b.Helper()
	s, find := many(b, n)
	r := prometheus.NewRegistry()
	o := Options{Store: s, Engine: &engine{ready: true}, Gatherer: r, Configured: find, Now: func() time.Time { return clock }}
	if err := Register(r, o); err != nil {
		b.Fatal(err)
	}
	return New(o)
}

// discard is a client that counts what it is sent.
type discard struct {
	header http.Header
	bytes  int64
}

func (d *discard) Header() http.Header { return d.header }
func (d *discard) WriteHeader(int)     {}
func (d *discard) Write(p []byte) (int, error) {
	d.bytes += int64(len(p))
	return len(p), nil
}

func ask(b *testing.B, h http.Handler, path string, header http.Header) {
	b.Helper()
	b.ReportAllocs()
	r, err := http.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header = header
	var bytes int64
	for b.Loop() {
		d := &discard{header: http.Header{}}
		h.ServeHTTP(d, r)
		bytes = d.bytes
	}
	b.ReportMetric(float64(bytes)/(1<<20), "MiB")
}

// BenchmarkCollect is this room's own part of a scrape of 10,000 targets with two policies each.
func BenchmarkCollect(b *testing.B) {
	s, find := many(b, 10_000)
	c := &collector{s, find, time.Now}
	b.ReportAllocs()
	samples := 0
	for b.Loop() {
		ch := make(chan prometheus.Metric, 1000)
		go func() {
			c.Collect(ch)
			close(ch)
		}()
		samples = 0
		for range ch {
			samples++
		}
	}
	b.ReportMetric(float64(samples), "samples")
}

// BenchmarkScrape is a whole scrape of 10,000 targets, as text and as Prometheus asks for it.
func BenchmarkScrape(b *testing.B) {
	h := handlerOf(b, 10_000)
	b.Run("text", func(b *testing.B) { ask(b, h, "/metrics", http.Header{}) })
	b.Run("openmetrics gzip", func(b *testing.B) {
		ask(b, h, "/metrics", http.Header{
			"Accept": {"application/openmetrics-text;version=1.0.0"}, "Accept-Encoding": {"gzip"},
		})
	})
}

// BenchmarkTargets lists a page of 1,000 out of 10,000, and looks through all of them for none.
func BenchmarkTargets(b *testing.B) {
	h := handlerOf(b, 10_000)
	b.Run("page of 1000", func(b *testing.B) { ask(b, h, "/api/v1/targets?limit=1000", http.Header{}) })
	b.Run("none found", func(b *testing.B) { ask(b, h, "/api/v1/targets?reason=StaleData", http.Header{}) })
	b.Run("one", func(b *testing.B) { ask(b, h, "/api/v1/targets/production-5/service-00005", http.Header{}) })
}

// BenchmarkGzip is what compressing alone costs of a scrape; the rest is ours and the library's.
func BenchmarkGzip(b *testing.B) {
	h := handlerOf(b, 10_000)
	text := get(h, http.MethodGet, "/metrics").Body.Bytes()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		z := gzip.NewWriter(io.Discard)
		_, _ = z.Write(text)
		_ = z.Close()
	}
}
