package scaler

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/observe"
	"ecs-autoscaler/store"
)

// midnight is where the tests' time begins: a whole minute.
var midnight = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// world is a small ECS and CloudWatch with behaviour: tasks start after a while, metrics are what a
// test says, calls are recorded, and whatever a test wants goes wrong.
type world struct {
	mu       sync.Mutex
	now      time.Time
	services map[evaluator.Key]*service
	tags     map[evaluator.Key]map[string]string
	// value gives the datapoint of a metric's bucket that begins at a unix second; NaN is none.
	value func(m evaluator.Metric, start int64) float64
	// startAfter is how long new tasks take.
	startAfter time.Duration
	// late is how many seconds after its end a bucket is usually published, jitter what one bucket's delay differs by.
	late   int64
	jitter func(start int64) int64

	describes, writes []evaluator.Key
	metricReads       int
	entries           map[*observe.Entry]evaluator.Metric
	calls, budget     int // what the rates still allow; negative is without limit
	dry, tagged       bool

	describeErr map[evaluator.Key]error
	listErr     error
	readErr     func(m evaluator.Metric) error
	partial     bool
	// onWrite may fail a write, before or after it took effect.
	onWrite   func(k evaluator.Key, n int) (takesEffect bool, err error)
	onRequest func()
	// phase is that of the engine's looks; nil lets it place them.
	phase *time.Duration
	// notifier is told of events; nil is nobody.
	notifier Notifier
}

type service struct {
	evaluator.Service
	readyAt time.Time
	ready   int
}

func newWorld() *world {
	return &world{
		now: midnight, services: map[evaluator.Key]*service{}, tags: map[evaluator.Key]map[string]string{},
		value: func(evaluator.Metric, int64) float64 { return 50 }, entries: map[*observe.Entry]evaluator.Metric{},
		calls: -1, budget: -1, describeErr: map[evaluator.Key]error{}, phase: new(time.Duration),
	}
}

// add puts a service at rest into the world.
func (w *world) add(name string, count int) evaluator.Key {
	k := evaluator.Key{Cluster: "c", Service: name}
	w.services[k] = &service{ready: count, Service: evaluator.Service{
		Status: evaluator.ServiceActive, Desired: count, Running: count, Base: count, Controller: "ECS",
	}}
	return k
}

func (w *world) settle(s *service) evaluator.Service {
	if s.ready != s.Running && !w.now.Before(s.readyAt) {
		s.Running = s.ready
	}
	s.Base, s.Pending = s.Running, max(0, s.Desired-s.Running)
	out := s.Service
	out.DescribedAt = w.now
	return out
}

func (w *world) set(k evaluator.Key, n int) {
	s := w.services[k]
	w.settle(s)
	s.Running = min(s.Running, n) // stopping is immediate
	s.Desired, s.ready, s.readyAt = n, n, w.now.Add(w.startAfter)
	w.settle(s)
}

// Now and After make the world a Clock that stands until a test moves it.
func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) After(time.Duration) (<-chan time.Time, func() bool) {
	return make(chan time.Time), func() bool { return true }
}

func (w *world) Track(m evaluator.Metric, buckets int) *observe.Entry {
	key := m.Key()
	for e, have := range w.entries {
		if have.Key() == key {
			return e
		}
	}
	e := &observe.Entry{}
	e.Series = evaluator.Series{Period: m.Period, Values: make([]float64, buckets)}
	w.entries[e] = m
	return e
}

func (w *world) Release(*observe.Entry) {}

func (w *world) Delays() map[string]observe.Delay { return nil }
func (w *world) Restore(map[string]observe.Delay) {}
func (w *world) DryRun() bool                     { return w.dry }

func (w *world) AskTags(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tagged = yes
}

func (w *world) Calls(time.Time) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return unlimited(w.calls)
}

func unlimited(n int) int {
	if n < 0 {
		return math.MaxInt32
	}
	return n
}

func (w *world) Read(_ context.Context, now time.Time, due []*observe.Entry) observe.Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := observe.Report{Requests: 1, MetricsRequested: len(due)}
	w.metricReads += len(due)
	for _, e := range due {
		m, s := w.entries[e], &e.Series
		s.Failed, s.Partial = false, w.partial
		if w.readErr != nil {
			if err := w.readErr(m); err != nil {
				s.Failed = true
				r.Problems = append(r.Problems, observe.Problem{Entry: e, Err: err})
				continue
			}
		}
		s.End = now.Unix() / 60 * 60
		s.Delay, s.Soonest, e.Place = w.late, w.late, w.late
		for i := range s.Values {
			start := s.End - int64(len(s.Values)-i)*s.Period
			s.Values[i] = math.NaN()
			if start+s.Period+w.delay(start) <= now.Unix() {
				s.Values[i] = w.value(m, start)
			}
		}
	}
	return r
}

// delay is that of the bucket that begins then, at least 0.
func (w *world) delay(start int64) int64 {
	if w.jitter == nil {
		return w.late
	}
	return max(w.late+w.jitter(start), 0)
}

func (w *world) Describe(_ context.Context, _ time.Time, keys []evaluator.Key) []observe.Described {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []observe.Described
	for chunk := range slices.Chunk(keys, batch) {
		if w.calls == 0 {
			break
		}
		w.calls--
		for _, k := range chunk {
			w.describes = append(w.describes, k)
			out = append(out, w.described(k))
		}
	}
	if w.onRequest != nil {
		w.onRequest()
	}
	return out
}

func (w *world) described(k evaluator.Key) observe.Described {
	d := observe.Described{Key: k, Err: w.describeErr[k]}
	if w.tagged {
		d.Tags = w.tags[k]
	}
	if s, ok := w.services[k]; ok {
		d.Service = w.settle(s)
	} else {
		d.Service = evaluator.Service{DescribedAt: w.now, Status: evaluator.ServiceMissing, Reason: "MISSING"}
	}
	return d
}

func (w *world) List(_ context.Context, pattern string) ([]evaluator.Key, error) {
	var keys []evaluator.Key
	for k := range w.services {
		if pattern == "*" || pattern == k.Cluster {
			keys = append(keys, k)
		}
	}
	return keys, w.listErr
}

func (w *world) Left(time.Time, evaluator.Action) int { return unlimited(w.budget) }

func (w *world) Allow(time.Time, evaluator.Action) bool {
	if w.budget == 0 {
		return false
	}
	w.budget--
	return true
}

func (w *world) SetDesiredCount(_ context.Context, k evaluator.Key, n int) (evaluator.Service, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = append(w.writes, k)
	if w.onWrite != nil {
		effect, err := w.onWrite(k, n)
		if effect {
			w.set(k, n)
		}
		if err != nil {
			return evaluator.Service{}, err
		}
	}
	w.set(k, n)
	return w.settle(w.services[k]), nil
}

// apiError is an AWS error with a code.
func apiError(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: "as the test wants it"}
}

// timeout is what a request that was cut off looks like.
var timeout = context.DeadlineExceeded

// bench is an engine in a world.
type bench struct {
	*world
	t       *testing.T
	backend store.Backend
	store   *store.Store
	engine  *Engine
	logs    *observer.ObservedLogs
}

// parse reads a configuration that is expected to be right.
func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, found := config.Parse(config.Source{Name: "test.yaml", Text: []byte(text)}, func(string) (string, bool) { return "", false })
	if c == nil {
		t.Fatalf("configuration: %s", found.Detail())
	}
	return c
}

func newBench(t *testing.T, w *world, text string) *bench {
	t.Helper()
	return openBench(t, w, text, store.Memory())
}

// openBench starts an engine on a backend, as a process does.
func openBench(t *testing.T, w *world, text string, b store.Backend) *bench {
	t.Helper()
	s, err := store.New(b)
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zapcore.InfoLevel)
	e, err := New(Options{
		Config: parse(t, text), Metrics: w, Services: w, Actuator: w, Store: s, Clock: w, Logger: zap.New(core),
		FixedPhase: w.phase, Notifier: w.notifier, Region: "eu-west-2",
	})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{world: w, t: t, backend: b, store: s, engine: e, logs: logs}
}

// restart is kill -9 and a new process: nothing is closed in order, the state is what was durable.
func (b *bench) restart(text string) *bench {
	b.t.Helper()
	return openBench(b.t, b.world, text, b.backend)
}

// pass makes one pass at the world's time.
func (b *bench) pass() Report {
	b.t.Helper()
	return b.engine.Pass(b.t.Context(), b.Now())
}

// minutes makes n passes, each a minute after the one before.
func (b *bench) minutes(n int) {
	b.t.Helper()
	for range n {
		b.move(time.Minute)
		b.pass()
	}
}

// between makes a pass a second later, between two looks: that is when lists and old descriptions are refreshed.
func (b *bench) between() {
	b.t.Helper()
	b.move(time.Second)
	b.pass()
}

func (b *bench) move(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) decision(k evaluator.Key) evaluator.Decision {
	b.t.Helper()
	row, ok := b.store.Target(k)
	if !ok {
		b.t.Fatalf("no target %s", k)
	}
	d, ok := row.Latest.Get()
	if !ok {
		b.t.Fatalf("no decision about %s", k)
	}
	return d
}

// expect compares a service's desired count and the reason of the last decision about it.
func (b *bench) expect(k evaluator.Key, desired int, reason evaluator.Reason) {
	b.t.Helper()
	d := b.decision(k)
	if got := b.services[k].Desired; got != desired || d.Reason != reason {
		b.t.Errorf("at %s: desired %d (%s), want %d (%s)\n%s",
			b.now.Format("15:04:05"), got, d.Reason, desired, reason, d.Message())
	}
}

func (b *bench) activities() []store.Activity {
	b.t.Helper()
	page, _, err := b.store.Activities(store.Query{Limit: store.MaxLimit})
	if err != nil {
		b.t.Fatal(err)
	}
	return page
}

// statuses are the activities' statuses, newest first.
func (b *bench) statuses() []evaluator.ActivityStatus {
	var out []evaluator.ActivityStatus
	for _, a := range b.activities() {
		out = append(out, a.Status)
	}
	return out
}

// logged counts the log lines that contain a text.
func (b *bench) logged(text string) int {
	return b.logs.Filter(func(e observer.LoggedEntry) bool {
		return contains(e.Message, text)
	}).Len()
}

// brittle is a backend whose commits fail as long as broken is set.
type brittle struct {
	store.Backend
	broken bool
}

var errDisk = errors.New("no space left on device")

func (b *brittle) Commit(d *store.Durable) error {
	if b.broken {
		return errDisk
	}
	return b.Backend.Commit(d)
}
