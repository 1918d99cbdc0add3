package observe

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"ecs-autoscaler/scaler/awsapi"
)

const (
	// maxPages bounds how long one answer is followed; 100,800 datapoints fit on the first page.
	maxPages = 100
	// maxSplits bounds how many extra calls one Read spends on finding the query that spoils a call.
	maxSplits = 64
)

// Report is what one Read did.
type Report struct {
	// Requests counts GetMetricData requests, pages included; MetricsRequested what they are billed as.
	Requests, MetricsRequested, Datapoints int
	// Newest is the end of the newest bucket with a datapoint among those due, zero when there is none.
	Newest time.Time
	// Problems has an entry for each metric that was not read in full, in no particular order of metrics.
	Problems []Problem
}

// Problem is why a metric was not read in full.
type Problem struct {
	Entry *Entry
	Class awsapi.Class
	Err   error
	// Partial says that some of its datapoints did arrive.
	Partial bool
}

// reading is one Read under way.
type reading struct {
	m      *Metrics
	now    time.Time
	calls  []call
	next   atomic.Int64
	splits atomic.Int64

	requests, metrics, datapoints atomic.Int64
}

// scratch is what one worker needs for its calls, kept from Read to Read.
type scratch struct {
	entries []*Entry
	queries []cwtypes.MetricDataQuery
	cursor  int
	byID    map[string]*Entry
}

// Read asks CloudWatch for every datapoint of the due entries that is not yet settled, and fills their
// Series. Entries given twice are read once. A call that fails marks its own entries Failed, and
// the report says why; there is no error of the whole.
func (m *Metrics) Read(ctx context.Context, now time.Time, due []*Entry) Report {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.collect(now, due)
	r := &reading{m: m, now: now}
	r.run(ctx, m.batch)
	if again := m.internalErrors(); len(again) > 0 {
		r.run(ctx, again)
	}
	return r.finish()
}

func (m *Metrics) collect(now time.Time, due []*Entry) {
	m.pass++
	m.batch = m.batch[:0]
	for _, e := range due {
		if e != nil && e.pass != m.pass {
			e.pass = m.pass
			e.begin(now)
			m.batch = append(m.batch, e)
		}
	}
}

// internalErrors are the entries for which CloudWatch asks to try again.
func (m *Metrics) internalErrors() []*Entry {
	var again []*Entry
	for _, e := range m.batch {
		if e.status == internalError {
			again = append(again, e)
		}
	}
	return again
}

// run makes the calls for some entries, a bounded number at a time, and waits for all of them; where that is one, in the caller's
// goroutine.
func (r *reading) run(ctx context.Context, batch []*Entry) {
	r.calls = plan(batch, r.calls)
	r.next.Store(0)
	n := min(r.m.inFlight, len(r.calls))
	if n == 1 {
		r.work(ctx, r.m.scratch[0])
		return
	}
	var workers sync.WaitGroup
	for i := range n {
		workers.Go(func() { r.work(ctx, r.m.scratch[i]) })
	}
	workers.Wait()
}

func (r *reading) work(ctx context.Context, w *scratch) {
	for {
		i := int(r.next.Add(1)) - 1
		if i >= len(r.calls) {
			return
		}
		r.make(ctx, w, r.calls[i])
	}
}

// make makes one call. A call that CloudWatch refuses as invalid is cut in halves until the entry that
// spoils it is found, which is asked by itself from then on: one bad metric must not blind the others.
func (r *reading) make(ctx context.Context, w *scratch, c call) {
	answered, err := r.ask(ctx, w, c)
	invalid := err != nil && awsapi.Classify(err) == awsapi.Invalid && !answered
	if invalid && len(c.entries) > 1 && r.splits.Add(1) <= maxSplits {
		half := len(c.entries) / 2
		r.make(ctx, w, call{c.entries[:half], c.back})
		r.make(ctx, w, call{c.entries[half:], c.back})
		return
	}
	if len(c.entries) == 1 && (invalid || err == nil) {
		c.entries[0].alone = invalid
	}
	if err != nil {
		for _, e := range c.entries {
			e.fail(err)
		}
	}
}

// ask sends the request and follows its pages. answered says that at least one page came.
func (r *reading) ask(ctx context.Context, w *scratch, c call) (answered bool, err error) {
	in, billed := r.input(w, c)
	for range maxPages {
		if err := r.m.pace(ctx); err != nil {
			return answered, err
		}
		r.requests.Add(1)
		r.metrics.Add(int64(billed))
		out, err := r.m.api.GetMetricData(ctx, in)
		if err != nil {
			return answered, err
		}
		answered = true
		r.datapoints.Add(int64(w.take(out)))
		token := out.NextToken
		if token == nil || *token == "" || in.NextToken != nil && *in.NextToken == *token {
			return true, nil
		}
		in.NextToken = token
	}
	return true, nil
}

func (r *reading) input(w *scratch, c call) (in *cloudwatch.GetMetricDataInput, billed int) {
	w.entries, w.queries, w.cursor = c.entries, w.queries[:0], 0
	clear(w.byID)
	for _, e := range c.entries {
		w.queries = append(w.queries, e.queries...)
		billed += e.billed
	}
	s := &c.entries[0].Series
	from, to := time.Unix(s.End-int64(c.back)*s.Period, 0).UTC(), time.Unix(s.End, 0).UTC()
	return &cloudwatch.GetMetricDataInput{
		StartTime: &from, EndTime: &to, MetricDataQueries: w.queries, ScanBy: cwtypes.ScanByTimestampAscending,
	}, billed
}

// take hands the results of one page to their entries and counts the datapoints.
func (w *scratch) take(out *cloudwatch.GetMetricDataOutput) int {
	n := 0
	for i := range out.MetricDataResults {
		res := &out.MetricDataResults[i]
		if e := w.find(res.Id); e != nil {
			n += e.take(res)
		}
	}
	return n
}

// find is quick because CloudWatch answers in the order of the queries; it does not promise to.
func (w *scratch) find(id *string) *Entry {
	if id == nil {
		return nil
	}
	if w.cursor < len(w.entries) && w.entries[w.cursor].id == *id {
		w.cursor++
		return w.entries[w.cursor-1]
	}
	if len(w.byID) == 0 {
		w.byID = make(map[string]*Entry, len(w.entries))
		for _, e := range w.entries {
			w.byID[e.id] = e
		}
	}
	return w.byID[*id]
}

// finish turns the answers into what the evaluator sees, and into the report.
func (r *reading) finish() Report {
	rep := Report{Requests: int(r.requests.Load()), MetricsRequested: int(r.metrics.Load()), Datapoints: int(r.datapoints.Load())}
	var newest int64
	for _, e := range r.m.batch {
		if p := e.finish(); p != nil {
			rep.Problems = append(rep.Problems, *p)
		}
		if i := newestKnown(e.Series.Values); i >= 0 {
			newest = max(newest, e.Series.End-int64(len(e.Series.Values)-1-i)*e.Series.Period)
		}
		r.m.learner.look(e, r.now)
		if e.status == complete {
			e.lookedAt, e.lookedEnd = r.now, e.Series.End
		}
	}
	if newest > 0 {
		rep.Newest = time.Unix(newest, 0).UTC()
	}
	r.m.learner.learn(r.now)
	for _, e := range r.m.batch {
		r.m.settle(e)
	}
	c := r.m.counters
	c.requested.Add(float64(rep.MetricsRequested))
	c.dollars.Add(float64(rep.MetricsRequested) * dollarsPerMetric)
	c.datapoints.Add(float64(rep.Datapoints))
	return rep
}

var (
	errNoAnswer error = &smithy.GenericAPIError{Code: "NoAnswer", Message: "CloudWatch answered the call but not this query", Fault: smithy.FaultServer}
	errOffGrid  error = &smithy.GenericAPIError{Code: "OffGrid", Message: "CloudWatch answered with datapoints between the buckets of this period only", Fault: smithy.FaultClient}
)

// finish settles Partial and Failed, and says what was wrong.
func (e *Entry) finish() *Problem {
	s := &e.Series
	if e.status == complete && e.placed == 0 && e.offset > 0 {
		e.status, e.err = unanswered, errOffGrid
	}
	s.Partial = e.status == partly
	s.Failed = e.status != partly && e.status != complete
	if e.status == complete {
		return nil
	}
	if e.err == nil {
		e.err = errNoAnswer
	}
	return &Problem{Entry: e, Class: awsapi.Classify(e.err), Err: e.err, Partial: s.Partial}
}
