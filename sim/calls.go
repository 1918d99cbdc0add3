package sim

import (
	"sync"
	"time"

	"ecs-autoscaler/sim/wire"
)

// Call is one request that the region received.
type Call struct {
	// Number counts from 1 over the life of the region.
	Number int64
	// Time is the region's clock when the request arrived.
	Time time.Time
	// API is ecs, cloudwatch, application-autoscaling, dynamodb or sts.
	API       string
	Operation string
	// Account and Region are the place in which the call was made.
	Account, Region string
	// Queries is the number of MetricDataQueries, and of DescribeServices the number of services asked for.
	Queries int
	// ReadUnits and WriteUnits are the capacity units of DynamoDB that the call consumed.
	ReadUnits, WriteUnits float64
	// Error is the code that was answered, "" for success.
	Error string
	// Fault is the kind of the injected fault that struck the whole call, "" if none did.
	Fault FaultKind
	// Status is the HTTP status; 0 when no answer was given.
	Status int

	request *wire.Request
}

// Input is the request's decoded payload: strings, int64, float64, bool, time.Time, []any and map[string]any. It is
// nil when the payload was no longer kept or not understood.
func (c *Call) Input() map[string]any {
	if c.request == nil {
		return nil
	}
	input, err := c.request.Decode()
	if err != nil {
		return nil
	}
	return input
}

// record keeps the newest calls, bounded by their number and by the size of their payloads.
type record struct {
	calls, bytes int // the bounds

	mu    sync.Mutex
	count int64
	ring  []Call
	first int64 // number of the oldest call in the ring
	held  int   // bytes of payload kept
	bare  int64 // number of the oldest call whose payload is kept
}

func (r *record) add(c Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	c.Number = r.count
	if len(r.ring) < r.calls {
		r.ring = append(r.ring, c)
	} else {
		r.drop(r.at(r.first))
		r.first++
		*r.at(c.Number) = c
	}
	if r.first == 0 {
		r.first, r.bare = 1, 1
	}
	r.held += size(&c)
	for r.bare = max(r.bare, r.first); r.held > r.bytes && r.bare <= r.count; r.bare++ {
		r.drop(r.at(r.bare))
	}
}

func size(c *Call) int {
	if c.request == nil {
		return 0
	}
	return len(c.request.Body)
}

// drop forgets a payload.
func (r *record) drop(c *Call) {
	r.held -= size(c)
	c.request = nil
}

func (r *record) at(number int64) *Call { return &r.ring[(number-1)%int64(r.calls)] }

// list copies the calls from the given number on, oldest first.
func (r *record) list(from int64) []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Call
	for n := max(from, r.first, 1); n <= r.count; n++ {
		all = append(all, *r.at(n))
	}
	return all
}

// Calls lists the calls received, oldest first. The newest are kept: 20,000 calls and 64 MiB of payloads unless the
// scenario says otherwise.
func (r *Region) Calls() []Call { return r.record.list(0) }

// CallsSince lists the calls with a number above n, oldest first.
func (r *Region) CallsSince(n int64) []Call { return r.record.list(n + 1) }
