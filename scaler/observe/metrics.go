package observe

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/prometheus/client_golang/prometheus"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
)

// CloudWatchAPI is what is used of the CloudWatch client.
type CloudWatchAPI interface {
	GetMetricData(
		ctx context.Context, in *cloudwatch.GetMetricDataInput, optFns ...func(*cloudwatch.Options),
	) (*cloudwatch.GetMetricDataOutput, error)
}

// defaultInFlight calls at once cost little more processor time than one and take an eighth of the time.
const defaultInFlight = 8

// MetricsOptions are the choices a configuration has for reading metrics.
type MetricsOptions struct {
	// Delay is how long after its end a bucket may be unpublished rather than missing; negative
	// learns it per namespace ("auto").
	Delay time.Duration
	// Registerer takes the metrics about metrics read; nil registers none.
	Registerer prometheus.Registerer
	// InFlight is how many GetMetricData calls run at once; 0 means 8.
	InFlight int
	// Pace is asked before each call and returns when the account's rate allows it, or with the error that ends the call; nil
	// is for a reader that has the rate for itself.
	Pace func(ctx context.Context) error
}

// The pace of GetMetricData in an account and region: a tenth of AWS's 500 calls a second (aws-semantics 7.1), because others
// read metrics there too.
const (
	paceRate  = 50
	paceBurst = 100
)

// NewPaceRate is the bucket of GetMetricData calls in an account and region.
func NewPaceRate() *awsapi.Bucket { return awsapi.NewBucket(paceRate, paceBurst) }

// Metrics reads the datapoints of every tracked metric. Its methods may be called from several goroutines;
// one Read runs at a time, and Track and Release wait for it.
type Metrics struct {
	api      CloudWatchAPI
	inFlight int
	pace     func(ctx context.Context) error
	fixed    time.Duration
	learner  *learner
	counters counters

	mu      sync.Mutex
	entries map[string]*Entry
	numbers int
	pass    uint64
	batch   []*Entry
	scratch []*scratch
}

type counters struct {
	requested, dollars, datapoints prometheus.Counter
}

// dollarsPerMetric is the price of GetMetricData: each metric requested, however many datapoints come
// back (aws-semantics 7.4).
const dollarsPerMetric = 0.01 / 1000

// NewMetrics makes a reader that tracks nothing yet.
func NewMetrics(api CloudWatchAPI, o MetricsOptions) *Metrics {
	if o.InFlight <= 0 {
		o.InFlight = defaultInFlight
	}
	if o.Pace == nil {
		o.Pace = func(context.Context) error { return nil }
	}
	m := &Metrics{
		api: api, inFlight: o.InFlight, pace: o.Pace, fixed: o.Delay,
		learner: newLearner(o.Delay), counters: newCounters(o.Registerer),
		entries: map[string]*Entry{},
	}
	for range o.InFlight {
		m.scratch = append(m.scratch, &scratch{})
	}
	return m
}

func newCounters(r prometheus.Registerer) counters {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		if r == nil {
			return c
		}
		return awsapi.Register[prometheus.Counter](r, c)
	}
	return counters{
		requested:  counter("ecs_autoscaler_metrics_requested_total", "Metrics requested from GetMetricData, which is what AWS bills; every page of an answer counts again."),
		dollars:    counter("ecs_autoscaler_metrics_requested_cost_dollars_total", "Estimated price of the metrics requested, at 0.01 dollars for 1,000."),
		datapoints: counter("ecs_autoscaler_getmetricdata_datapoints_total", "Datapoints received from GetMetricData."),
	}
}

// Track makes a metric one of those that Read can read, holding the given number of buckets. Metrics of
// the same Key share one Entry, as wide as the widest wish. Each Track needs its Release.
func (m *Metrics) Track(metric evaluator.Metric, buckets int) *Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := metric.Key()
	e := m.entries[key]
	if e == nil {
		m.numbers++
		e = newEntry(metric, key, "q"+strconv.Itoa(m.numbers))
		e.number = m.numbers
		e.delays = m.learner.classes(&e.metric)
		m.entries[key] = e
	}
	e.refs++
	e.widen(max(buckets, 1))
	m.settle(e)
	return e
}

// Release gives back one Track. An entry that nobody tracks any more is forgotten.
func (m *Metrics) Release(e *Entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e.refs--; e.refs <= 0 && m.entries[e.key] == e {
		delete(m.entries, e.key)
	}
}

// Delays gives what has been learned of publication delays, to be kept over a restart. The keys are
// namespaces, each with its class of periods.
func (m *Metrics) Delays() map[string]Delay { return m.learner.save() }

// Restore takes up what Delays gave before a restart.
func (m *Metrics) Restore(d map[string]Delay) { m.learner.restore(d) }

// settle puts what is known of the metric's publication where decisions and looks find it.
func (m *Metrics) settle(e *Entry) {
	e.Series.Delay = m.delay(e)
	e.Place, e.Series.Soonest = m.learner.place(e)
}

// delay is the metric's publication delay in whole seconds: fixed, or the slowest of its namespaces'.
func (m *Metrics) delay(e *Entry) int64 {
	if m.fixed >= 0 {
		return int64((m.fixed + time.Second - 1) / time.Second)
	}
	return m.learner.slowest(e.delays)
}
