package policytest

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/aws/smithy-go"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/observe"
)

// The operations that can be made to fail.
const (
	updateService    = "UpdateService"
	describeServices = "DescribeServices"
	getMetricData    = "GetMetricData"
)

// world is what stands in for AWS: one service and its metrics at one instant. It is the engine's clock, its reader of
// services and its actuator; metrics has the rest.
type world struct {
	now     time.Time
	key     evaluator.Key
	service service
	// faults are those of each operation, the oldest first.
	faults map[string][]fault
}

// fault is an operation that fails for some time.
type fault struct {
	err   error
	until time.Time
}

// fail makes an operation fail from now on.
func (w *world) fail(operation, code string, during time.Duration) {
	w.faults[operation] = append(w.faults[operation], fault{
		err:   &smithy.GenericAPIError{Code: code, Message: "the test says so"},
		until: w.now.Add(during),
	})
}

// wrong is the error with which an operation fails now, if it does: that of the newest fault which lasts.
func (w *world) wrong(operation string) error {
	for _, f := range slices.Backward(w.faults[operation]) {
		if w.now.Before(f.until) {
			return f.err
		}
	}
	return nil
}

// recovers forgets the faults of an operation that are over, and says whether there were any.
func (w *world) recovers(operation string) bool {
	before := len(w.faults[operation])
	w.faults[operation] = slices.DeleteFunc(w.faults[operation], func(f fault) bool { return !w.now.Before(f.until) })
	return len(w.faults[operation]) < before
}

// Now is the virtual time.
func (w *world) Now() time.Time { return w.now }

// After never comes: nobody waits on virtual time.
func (w *world) After(time.Duration) (<-chan time.Time, func() bool) {
	return nil, func() bool { return false }
}

// Calls says that DescribeServices has no rate here.
func (w *world) Calls(time.Time) int { return math.MaxInt32 }

// Describe implements scaler.ServiceReader.
func (w *world) Describe(_ context.Context, _ time.Time, keys []evaluator.Key) []observe.Described {
	described := make([]observe.Described, len(keys))
	for i, k := range keys {
		described[i] = observe.Described{Key: k, Service: w.seen(), Err: w.wrong(describeServices)}
	}
	return described
}

// List finds nothing: the tested service is named, and there are no others.
func (w *world) List(context.Context, string) ([]evaluator.Key, error) { return nil, nil }

// AskTags has nothing to ask: which entry steers the service has been settled.
func (w *world) AskTags(bool) {}

// Left says that UpdateService has no rate here.
func (w *world) Left(time.Time, evaluator.Action) int { return math.MaxInt32 }

// Allow says so too.
func (w *world) Allow(time.Time, evaluator.Action) bool { return true }

// DryRun is never: the tested engine acts.
func (w *world) DryRun() bool { return false }

// SetDesiredCount implements scaler.Actuator.
func (w *world) SetDesiredCount(_ context.Context, _ evaluator.Key, n int) (evaluator.Service, error) {
	if err := w.wrong(updateService); err != nil {
		return evaluator.Service{}, err
	}
	w.service.set(n, w.now)
	return w.seen(), nil
}

// seen is the service as ECS describes it now.
func (w *world) seen() evaluator.Service {
	s := &w.service
	return evaluator.Service{
		DescribedAt: w.now, Status: evaluator.ServiceActive, Controller: "ECS", Deploying: s.deploying,
		Desired: s.desired, Running: s.running, Base: s.running, Pending: max(0, s.desired-s.running),
	}
}

// service is an ECS service whose new tasks take a while to start and whose surplus tasks stop at once.
type service struct {
	desired, running int
	deploying        bool
	taskStart        time.Duration
	// starting are tasks on their way, the oldest first.
	starting []starting
}

// starting are the new tasks of one write, which begin to run together.
type starting struct {
	at time.Time
	n  int
}

// set changes the desired count. What is missing starts together; what is too much stops, the youngest first.
func (s *service) set(desired int, now time.Time) {
	if desired == s.desired {
		return
	}
	s.desired = desired
	have := s.running
	for _, b := range s.starting {
		have += b.n
	}
	if have < desired {
		s.starting = append(s.starting, starting{now.Add(s.taskStart), desired - have})
	}
	for surplus := have - desired; surplus > 0 && len(s.starting) > 0; {
		youngest := &s.starting[len(s.starting)-1]
		n := min(surplus, youngest.n)
		youngest.n -= n
		surplus -= n
		if youngest.n == 0 {
			s.starting = s.starting[:len(s.starting)-1]
		}
	}
	s.running = min(s.running, desired)
	s.start(now)
}

// force sets the running count until the next change of the desired one.
func (s *service) force(running int) { s.running, s.starting = running, nil }

// start lets run what has finished starting.
func (s *service) start(now time.Time) {
	for len(s.starting) > 0 && !now.Before(s.starting[0].at) {
		s.running += s.starting[0].n
		s.starting = s.starting[1:]
	}
}

// metrics is the CloudWatch of a test; one life of the daemon has one.
type metrics struct {
	*world
	// series has what there is to read, by the key of the metric; tracked and entries what the engine reads.
	series  map[string]*series
	tracked map[string]*tracked
	entries map[*observe.Entry]*tracked
}

// tracked is a metric that the engine reads.
type tracked struct {
	observe.Entry
	series *series
	hourly bool
}

func newMetrics(w *world, t *test) *metrics {
	m := &metrics{world: w, series: map[string]*series{}, tracked: map[string]*tracked{}, entries: map[*observe.Entry]*tracked{}}
	for i := range t.target.Metrics {
		m.series[t.target.Metrics[i].Key()] = t.series[i]
	}
	return m
}

// Track implements scaler.MetricReader. Entries of one metric are shared, as wide as the widest wish.
func (m *metrics) Track(metric evaluator.Metric, buckets int) *observe.Entry {
	key := metric.Key()
	t := m.tracked[key]
	if t == nil {
		t = &tracked{series: m.series[key], hourly: metric.Hourly}
		t.Series.Period, t.Series.Delay = metric.Period, t.series.delay
		m.tracked[key] = t
		m.entries[&t.Entry] = t
	}
	if len(t.Series.Values) < buckets {
		t.Series.Values = make([]float64, buckets)
	}
	return &t.Entry
}

// Release keeps what was tracked: a test has few metrics.
func (m *metrics) Release(*observe.Entry) {}

// Delays has nothing to learn: the test says how late datapoints come.
func (m *metrics) Delays() map[string]observe.Delay { return nil }

// Restore takes up nothing.
func (m *metrics) Restore(map[string]observe.Delay) {}

// Read implements scaler.MetricReader.
func (m *metrics) Read(_ context.Context, now time.Time, due []*observe.Entry) observe.Report {
	r := observe.Report{Requests: 1, MetricsRequested: len(due)}
	err := m.wrong(getMetricData)
	for _, e := range due {
		e.Series.Failed = err != nil
		if err != nil {
			r.Problems = append(r.Problems, observe.Problem{Entry: e, Class: awsapi.Classify(err), Err: err})
			continue
		}
		t := m.entries[e]
		t.read(now.Unix())
	}
	return r
}

// read fills the buckets that can be read at now.
func (t *tracked) read(now int64) {
	s := &t.Series
	s.End = t.series.newest(now, s.Period, t.hourly)
	begin := s.End - int64(len(s.Values))*s.Period
	for i := range s.Values {
		s.Values[i] = t.series.bucket(begin+int64(i)*s.Period, s.Period, now)
	}
}
