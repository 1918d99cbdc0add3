package observe

import (
	"cmp"
	"slices"
)

// Quotas of one GetMetricData call (aws-semantics 7.1).
const (
	maxQueries    = 500
	maxDatapoints = 100_800
)

// call is what one GetMetricData request asks: entries of one period whose buckets end together, all read
// equally far back.
type call struct {
	entries []*Entry
	back    int
}

// plan sorts the batch and cuts it into as few calls as the quotas allow. Those that must be read far back
// stand together, so that a hole in one metric does not widen the window of every call.
func plan(batch []*Entry, calls []call) []call {
	slices.SortFunc(batch, compare)
	calls = calls[:0]
	for start := 0; start < len(batch); {
		n := fitting(batch[start:])
		first := batch[start]
		calls = append(calls, call{entries: batch[start : start+n], back: first.back})
		start += n
	}
	return calls
}

func compare(a, b *Entry) int {
	if c := cmp.Or(cmp.Compare(a.Series.Period, b.Series.Period), cmp.Compare(a.Series.End, b.Series.End)); c != 0 {
		return c
	}
	if a.solo() != b.solo() {
		if a.solo() {
			return -1
		}
		return 1
	}
	if c := cmp.Compare(b.back, a.back); c != 0 {
		return c
	}
	return cmp.Compare(a.number, b.number)
}

// worthACall is how many datapoints that nobody needs cost as much as another call, for this process and for CloudWatch.
const worthACall = 1000

// fitting is how many entries from the front go into one call. The first is read farthest back, and all others as far: where that
// is too much of a waste, they go into a call of their own.
func fitting(batch []*Entry) int {
	first := batch[0]
	if first.solo() {
		return 1
	}
	limit := min(maxQueries, max(maxDatapoints/max(first.back, 1), 1))
	queries, fits := 0, 0
	for _, e := range batch {
		if queries += len(e.queries); queries > limit || !e.together(first) || e.solo() {
			break
		}
		fits++
	}
	for i, e := range batch[:fits] {
		if (first.back-e.back)*(fits-i) > worthACall {
			return i
		}
	}
	return fits
}

// together says that two entries can be asked in one request.
func (e *Entry) together(other *Entry) bool {
	return e.Series.Period == other.Series.Period && e.Series.End == other.Series.End
}

func (e *Entry) solo() bool { return e.exclusive || e.alone }
