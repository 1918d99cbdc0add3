package sim

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"ecs-autoscaler/sim/fleet"
	"ecs-autoscaler/sim/wire"
)

// metricResult is one MetricDataResult.
type metricResult struct {
	id, label, status string
	times             []int64
	values            []float64
}

// metricData is the output of GetMetricData.
type metricData struct {
	results []metricResult
	next    string
}

// getMetricData answers GetMetricData (API cloudwatch; aws-semantics 7.1).
func getMetricData(c *call) (any, *wire.Error) {
	queries, err := c.metricQueries()
	if err != nil {
		return nil, err
	}
	span, err := c.interval()
	if err != nil {
		return nil, err
	}
	ascending, limit, err := c.reading()
	if err != nil {
		return nil, err
	}
	from, err := c.resume()
	if err != nil {
		return nil, err
	}
	results, err := c.evaluate(queries, span, ascending)
	if err != nil {
		return nil, err
	}
	out := &metricData{}
	out.results, out.next = c.cut(results, from, limit)
	return out, nil
}

// reading is the order and the number of datapoints that a request wants.
func (c *call) reading() (ascending bool, limit int, err *wire.Error) {
	switch order := c.in.Text("ScanBy"); order {
	case "", "TimestampDescending":
	case "TimestampAscending":
		ascending = true
	default:
		return false, 0, badMetrics("The value %q for parameter ScanBy must be TimestampDescending or TimestampAscending.", order)
	}
	limit = c.in.Int("MaxDatapoints", maxDatapoints)
	if limit < 1 || limit > maxDatapoints {
		return false, 0, badMetrics("The value %d for parameter MaxDatapoints must be between 1 and %d.", limit, maxDatapoints)
	}
	return ascending, min(limit, c.region.scenario.limits.pageDatapoints), nil
}

func (c *call) evaluate(queries []metricQuery, span interval, ascending bool) ([]metricResult, *wire.Error) {
	e := &evaluation{call: c, span: span, faults: c.region.metricFaults(c),
		queries: make(map[string]*metricQuery, len(queries)), done: map[string]*series{}, open: map[string]bool{}}
	for i := range queries {
		e.queries[queries[i].id] = &queries[i]
	}
	results := make([]metricResult, 0, len(queries))
	for i := range queries {
		q := &queries[i]
		s, err := e.series(q)
		if err != nil {
			return nil, err
		}
		if q.returned {
			results = append(results, e.result(q, s, ascending))
			if c.seen != nil {
				c.seen.measured(q, s, &results[len(results)-1])
			}
		}
	}
	return results, nil
}

// result turns a series into what is sent, with the faults that strike it.
func (e *evaluation) result(q *metricQuery, s *series, ascending bool) metricResult {
	r := metricResult{id: q.id, label: q.label, status: "Complete"}
	r.times, r.values = make([]int64, 0, len(s.values)), make([]float64, 0, len(s.values))
	for i, v := range s.values {
		if !math.IsNaN(v) {
			r.times, r.values = append(r.times, s.grid.start+int64(i)*s.grid.period), append(r.values, v)
		}
	}
	if s.metric != nil {
		what := func() uint64 { return e.call.identity() ^ s.metric.seed }
		for _, f := range e.faults {
			if strike := traits[f.Kind].strike; strike != nil && f.touches(s.metric) && f.strike(what, e.call.now) {
				strike(&r, f)
			}
		}
	}
	if !ascending {
		slices.Reverse(r.times)
		slices.Reverse(r.values)
	}
	return r
}

// halve is the fault PartialData.
func (r *metricResult) halve(*activeFault) {
	r.times, r.values, r.status = r.times[:len(r.times)/2], r.values[:len(r.values)/2], "PartialData"
}

// fail is InternalError and Forbidden.
func (r *metricResult) fail(f *activeFault) {
	r.times, r.values, r.status = nil, nil, "InternalError"
	if f.Kind == Forbidden {
		r.status = "Forbidden"
	}
}

// repeat is DuplicateDatapoints.
func (r *metricResult) repeat(*activeFault) {
	r.times, r.values = twice(r.times), twice(r.values)
}

// shuffle is OutOfOrder.
func (r *metricResult) shuffle(f *activeFault) {
	for i := len(r.times) - 1; i > 0; i-- {
		k := int(fleet.Noise(f.seed, uint64(i)) * float64(i+1))
		r.times[i], r.times[k] = r.times[k], r.times[i]
		r.values[i], r.values[k] = r.values[k], r.values[i]
	}
}

func twice[T any](list []T) []T {
	out := make([]T, 0, 2*len(list))
	for _, v := range list {
		out = append(out, v, v)
	}
	return out
}

// cut takes a page: datapoints from the given one on, at most limit. Results before and after the page are left out, a
// result that goes on has the status PartialData.
func (c *call) cut(results []metricResult, from, limit int) ([]metricResult, string) {
	page := make([]metricResult, 0, len(results))
	seen, to := 0, from+limit
	for _, r := range results {
		first, n := seen, len(r.values)
		seen += n
		switch {
		case first >= to && n > 0:
			return page, c.token(to)
		case from > 0 && seen <= from:
			continue // was on an earlier page
		}
		low, high := max(from-first, 0), min(to-first, n)
		r.times, r.values = r.times[low:high], r.values[low:high]
		if high < n {
			r.status = "PartialData"
			return append(page, r), c.token(to)
		}
		page = append(page, r)
	}
	return page, ""
}

// token names the place where the next page begins; it is bound to the request and to the time of the first page, so
// that later pages continue the same answer.
func (c *call) token(offset int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %d %d", offset, c.wall.UnixNano(), c.fingerprint()))
}

// resume reads NextToken and turns the call's time back to that of the first page.
func (c *call) resume() (int, *wire.Error) {
	token := c.in.Text("NextToken")
	if token == "" {
		return 0, nil
	}
	var offset int
	var nanos int64
	var request uint64
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		_, err = fmt.Sscanf(string(text), "%d %d %d", &offset, &nanos, &request)
	}
	if err != nil || offset < 0 || request != c.fingerprint() {
		return 0, reject("InvalidNextToken", "The next token specified is invalid.")
	}
	c.wall = time.Unix(0, nanos)
	c.now = c.wall.Sub(c.region.zero)
	return offset, nil
}

// fingerprint is of everything in the request but the token.
func (c *call) fingerprint() uint64 {
	rest := map[string]any{}
	for name, v := range c.in.Members() {
		if name != "NextToken" {
			rest[name] = v
		}
	}
	h := fnv.New64a()
	h.Write(wire.AppendJSON(nil, rest)) // never fails
	return h.Sum64()
}

// bytes is about how long the output is.
func (m *metricData) bytes() int {
	n := 256
	for i := range m.results {
		n += 64 + len(m.results[i].id) + len(m.results[i].label) + 16*len(m.results[i].times)
	}
	return n
}

// AppendCBOR writes the output without building a tree of it.
func (m *metricData) AppendCBOR(b []byte) []byte {
	w := wire.CBOR(slices.Grow(b, m.bytes()))
	members := 2
	if m.next != "" {
		members++
	}
	w.Map(members)
	w.Text("MetricDataResults")
	w.Array(len(m.results))
	for i := range m.results {
		m.results[i].append(&w)
	}
	w.Text("Messages")
	w.Array(0)
	if m.next != "" {
		w.Text("NextToken")
		w.Text(m.next)
	}
	return w
}

func (r *metricResult) append(w *wire.CBOR) {
	w.Map(5)
	w.Text("Id")
	w.Text(r.id)
	w.Text("Label")
	w.Text(r.label)
	w.Text("StatusCode")
	w.Text(r.status)
	w.Text("Timestamps")
	w.Array(len(r.times))
	for _, t := range r.times {
		w.Epoch(t)
	}
	w.Text("Values")
	w.Array(len(r.values))
	for _, v := range r.values {
		w.Float(v)
	}
}

// Tree is the output as the JSON protocol needs it.
func (m *metricData) Tree() map[string]any {
	results := make([]any, len(m.results))
	for i := range m.results {
		r := &m.results[i]
		times, values := make([]any, len(r.times)), make([]any, len(r.values))
		for k := range r.times {
			times[k], values[k] = r.times[k], r.values[k]
		}
		results[i] = map[string]any{"Id": r.id, "Label": r.label, "StatusCode": r.status, "Timestamps": times, "Values": values}
	}
	out := map[string]any{"MetricDataResults": results, "Messages": []any{}}
	if m.next != "" {
		out["NextToken"] = m.next
	}
	return out
}
