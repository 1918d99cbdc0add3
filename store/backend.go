package store

import (
	"errors"
	"math"
	"time"

	"ecs-autoscaler/evaluator"
)

// Retention is how long activities and decisions are kept: six weeks, as Application Auto Scaling
// keeps its scaling activities (DescribeScalingActivities).
const Retention = 6 * 7 * 24 * time.Hour

// pruneBatch bounds how many records one durable transaction removes, so that pruning never holds
// up a pass for long: 1,000 take a few milliseconds.
const pruneBatch = 1000

// ErrClosed is returned by a store or backend that has been closed.
var ErrClosed = errors.New("the state is closed")

// Backend is where the durable half of the store lives. Its methods may be called at the same
// time from several goroutines.
type Backend interface {
	// Load returns everything but the history.
	Load() (*Snapshot, error)
	// Commit makes d durable in one transaction: all of it or, with an error, nothing.
	Commit(d *Durable) error
	// Activities returns the page that q asks for, newest first, and the cursor of the next one,
	// empty after the last.
	Activities(q Query) ([]Activity, string, error)
	// Decisions is like Activities.
	Decisions(q Query) ([]DecisionRecord, string, error)
	// Prune removes what ended its life before that instant, in bounded transactions, and returns
	// how many records went. Open activities stay, however old.
	Prune(before time.Time) (int, error)
	// Close releases the backend. Closing twice is harmless.
	Close() error
}

// Checker is a backend that can tell without writing that a commit would fail.
type Checker interface {
	// Check returns why nothing can be committed, nil as far as is known.
	Check() error
}

// Snapshot is what a backend knows besides the history.
type Snapshot struct {
	Memories []Remembered
	// Open are the activities with status Pending or InProgress, oldest first.
	Open []Activity
	// Delays are those that were learned without a scope, or by the scope that was asked for.
	Delays map[string]Delay
	// ScopedDelays are those that scopes have learned; only a backend that loads all at once has them here.
	ScopedDelays map[Scope]map[string]Delay
	// Sequence is the highest number given to an activity or a decision so far.
	Sequence uint64
}

// Remembered is the memory of one target.
type Remembered struct {
	Target evaluator.Key     `json:"Target"`
	Memory *evaluator.Memory `json:"Memory"`
}

// Durable is one transaction. Its values are complete, checked and shared with nobody who
// would change them.
type Durable struct {
	Memories   []Remembered
	Activities []*Activity
	Decisions  []*DecisionRecord
	// Delays replaces the delays that Scope has learned; nil leaves them.
	Delays map[string]Delay
	Scope  Scope
	// Sequence is the highest number given so far.
	Sequence uint64
	// Fence is the condition of the whole; nil for none.
	Fence *Fence
}

// empty says that there is nothing to make durable.
func (d *Durable) empty() bool {
	return len(d.Memories) == 0 && len(d.Activities) == 0 && len(d.Decisions) == 0 && d.Delays == nil
}

// Delay is how long after its end a bucket of a namespace and period class was published.
type Delay struct {
	// Seconds is the learned delay, 0 to 300.
	Seconds float64 `json:"Seconds"`
	// Samples is how many datapoints it was learned from.
	Samples int `json:"Samples,omitempty"`
}

// Near says that two delays differ by less than a second, which is not worth a durable write.
func (d Delay) Near(other Delay) bool { return math.Abs(d.Seconds-other.Seconds) < 1 }
