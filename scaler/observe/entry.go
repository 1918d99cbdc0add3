package observe

import (
	"math"
	"slices"
	"time"

	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"ecs-autoscaler/evaluator"
)

const (
	minute       = 60
	hour         = 3600
	shortTrail   = 10 // periods under a minute trail by 10 to 20 s (aws-semantics 3.2)
	rereadBefore = 3  // buckets before the newest known one that may still change
)

// Entry is one tracked metric and its buckets.
type Entry struct {
	// Series is filled by Read and only read by everybody else.
	Series evaluator.Series

	// Place is how many seconds after the end of a bucket it is best looked for.
	Place int64

	metric evaluator.Metric
	key    string
	number int
	refs   int
	delays []*delayClass

	// What CloudWatch is asked, made once: several queries for metric math, one otherwise.
	id      string
	period  int32
	queries []cwtypes.MetricDataQuery
	billed  int
	// exclusive is a Metrics Insights query, of which CloudWatch takes one a call.
	exclusive bool
	// alone was found to spoil a call for everybody in it, and is asked by itself until it is right.
	alone bool

	// The last complete read: when it was, and up to which instant it looked.
	lookedAt  time.Time
	lookedEnd int64

	// The read under way.
	pass   uint64
	back   int
	status status
	err    error
	offset int // datapoints that were not on the grid
	placed int
	// Ends of buckets that this read found a first datapoint for: the newest of any, and the oldest of
	// those that the last complete read looked for in vain.
	appeared, appearedLate int64
}

// status is how far the answer for one entry has come.
type status uint8

const (
	unanswered status = iota
	partly
	internalError
	forbidden
	complete
)

// newEntry is an entry without buckets yet; see widen.
func newEntry(metric evaluator.Metric, key, id string) *Entry {
	e := &Entry{metric: metric, key: key, id: id, period: int32(metric.Period)}
	e.Series.Period = max(metric.Period, 1)
	e.buildQueries()
	return e
}

// widen makes room for more buckets; older ones are unknown until the next read.
func (e *Entry) widen(buckets int) {
	if missing := buckets - len(e.Series.Values); missing > 0 {
		e.Series.Values = append(nans(missing), e.Series.Values...)
		e.lookedAt = time.Time{}
	}
}

func nans(n int) []float64 {
	v := make([]float64, n)
	erase(v)
	return v
}

func erase(v []float64) {
	for i := range v {
		v[i] = math.NaN()
	}
}

// sliding says that the buckets have no fixed grid: a period above a minute is cut backwards
// from the last full minute, wherever that is (aws-semantics 3.2).
func (e *Entry) sliding() bool { return e.Series.Period > minute }

// closedEnd is where the newest closed bucket ends at now.
func closedEnd(now time.Time, period int64) int64 {
	if period >= minute {
		return floor(now.Unix(), minute)
	}
	return floor(floor(now.Unix()-shortTrail, shortTrail), period)
}

// closedEnd is where the newest closed bucket of the entry ends at now: for alarms over days at the top of the hour.
func (e *Entry) closedEnd(now time.Time) int64 {
	if e.metric.Hourly {
		return floor(now.Unix(), hour)
	}
	return closedEnd(now, e.Series.Period)
}

func floor(t, step int64) int64 {
	r := t % step
	if r < 0 {
		r += step
	}
	return t - r
}

// begin moves the buckets to now and works out how far back to read.
func (e *Entry) begin(now time.Time) {
	e.status, e.err, e.offset, e.placed, e.appeared, e.appearedLate = unanswered, nil, 0, 0, 0, 0
	e.advance(e.closedEnd(now))
	e.back = e.lookback()
}

// advance lets the newest bucket end at end. Buckets that come into view are unknown, on either side: a
// clock may be set back.
func (e *Entry) advance(end int64) {
	s := &e.Series
	if s.End == end {
		return
	}
	if end < s.End {
		e.lookedAt = time.Time{} // what was looked for lies in the future now
	}
	by := (end - s.End) / s.Period
	n := int64(len(s.Values))
	switch {
	case e.sliding(), by >= n, -by >= n:
		erase(s.Values)
	case by > 0:
		copy(s.Values, s.Values[by:])
		erase(s.Values[n-by:])
	default:
		copy(s.Values[-by:], s.Values)
		erase(s.Values[:-by])
	}
	s.End = end
}

// lookback is how many of the newest buckets to read: everything when nothing is known, or from three
// buckets before the newest known one, because those still change, or from the oldest unknown
// one, because it may have come late.
func (e *Entry) lookback() int {
	v := e.Series.Values
	if e.sliding() {
		return len(v)
	}
	newest := newestKnown(v)
	if newest < 0 {
		return len(v)
	}
	from := max(newest-rereadBefore, 0)
	if hole := slices.IndexFunc(v[:newest], math.IsNaN); hole >= 0 {
		from = min(from, hole)
	}
	return len(v) - from
}

func newestKnown(v []float64) int {
	for i, x := range slices.Backward(v) {
		if !math.IsNaN(x) {
			return i
		}
	}
	return -1
}

// take puts one result on the grid: any order, the last of equals wins, what is off the grid, outside of
// the buckets or no number is left out.
func (e *Entry) take(r *cwtypes.MetricDataResult) int {
	n := min(len(r.Timestamps), len(r.Values))
	for i := range n {
		e.place(r.Timestamps[i], r.Values[i])
	}
	switch r.StatusCode {
	case cwtypes.StatusCodePartialData:
		e.status = partly
	case cwtypes.StatusCodeInternalError:
		e.status = internalError
	case cwtypes.StatusCodeForbidden:
		e.status = forbidden
	case cwtypes.StatusCodeComplete:
		e.status = complete
	default:
		e.status = complete
	}
	if e.status != complete {
		e.err = statusError(r)
	}
	return n
}

func (e *Entry) place(at time.Time, value float64) {
	s := &e.Series
	from := at.Unix() - (s.End - int64(len(s.Values))*s.Period)
	if from%s.Period != 0 || at.Nanosecond() != 0 {
		e.offset++
		return
	}
	i := from / s.Period
	if i < 0 || i >= int64(len(s.Values)) || math.IsNaN(value) || math.IsInf(value, 0) {
		return
	}
	e.placed++
	if math.IsNaN(s.Values[i]) {
		e.noteFirst(at.Unix() + s.Period)
	}
	s.Values[i] = value
}

func (e *Entry) noteFirst(end int64) {
	e.appeared = max(e.appeared, end)
	if !e.lookedAt.IsZero() && end <= e.lookedEnd && (e.appearedLate == 0 || end < e.appearedLate) {
		e.appearedLate = end
	}
}

// statusError makes an error of a result's status, with the code that awsapi.Classify knows.
func statusError(r *cwtypes.MetricDataResult) error {
	err := &smithy.GenericAPIError{Code: string(r.StatusCode), Message: "CloudWatch gave no reason", Fault: smithy.FaultServer}
	for _, m := range r.Messages {
		if m.Value != nil && *m.Value != "" {
			err.Message = *m.Value
		}
	}
	return err
}

// fail keeps the first error of an entry that has not been answered in full.
func (e *Entry) fail(err error) {
	if e.status != complete {
		e.err = err
	}
}
