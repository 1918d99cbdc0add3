package dynamo

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"ecs-autoscaler/store"
)

// What the lease item has besides the lease: how the scope's commits follow each other, and how to see one whole.
const (
	lastAttribute     = "LastCommit"  // the token of the last commit
	itemsAttribute    = "CommitItems" // how many items of the state partition it wrote
	timeAttribute     = "CommitTime"  // when it was made, in seconds
	sequenceAttribute = "Sequence"
	commitAttribute   = "CommitToken" // in those items: the commit that wrote them
)

// LoadScope returns everything but the history of one scope, strongly consistent. The caller is the one who commits to
// the scope from here on: what a failed commit has left behind is his to see, and is not taken back any more.
func (b *Backend) LoadScope(ctx context.Context, s store.Scope) (*store.Snapshot, error) {
	if err := b.usable(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readPatience.all)
	defer cancel()
	l := b.ledgerOf(s)
	l.mu.Lock()
	defer l.mu.Unlock()
	snapshot, err := b.load(ctx, s, l)
	if err == nil {
		l.doubt = doubt{}
	}
	return snapshot, explain(b.Table, "Query", err)
}

// load reads a scope until the commit that the lease names is there as a whole. A transaction is one in what it allows
// and refuses, but DynamoDB puts its items in place one after the other, and a query may come in between.
func (b *Backend) load(ctx context.Context, s store.Scope, l *ledger) (*store.Snapshot, error) {
	for pause := firstPause; ; pause *= 2 {
		lease, err := b.readLease(ctx, s)
		if err != nil {
			return nil, err
		}
		r := &scopeReader{table: b.Table, last: lease.last, snapshot: &store.Snapshot{Delays: map[string]store.Delay{}, Sequence: lease.sequence}}
		if err := b.query(ctx, partition(statePartition(s)), r.take); err != nil {
			return nil, err
		}
		if r.ofLast == lease.items || !b.settling(lease) {
			if l.generation != lease.Generation {
				l.doubt = doubt{} // it is the business of whoever has had the lease since
			}
			l.known, l.generation, l.last = true, lease.Generation, lease.last
			l.open = map[string]bool{}
			for _, a := range r.snapshot.Open {
				l.open[a.ID] = true
			}
			return r.sorted(), nil
		}
		if !wait(ctx, min(pause, time.Second)) {
			return nil, partial(b.Table, s)
		}
	}
}

// settling reports whether the last commit is so young that it may not be in place yet. Of an old one a marked item may
// have expired, so its items are not counted any more. Nor are they where somebody has removed the time (docs/state.md): an
// item that is missing for good was deleted by hand.
func (b *Backend) settling(l leaseItem) bool { return b.Now().Sub(l.at).Abs() < tombstone/2 }

// scopeReader makes a snapshot of the items of a scope.
type scopeReader struct {
	table    string
	last     string
	ofLast   int
	snapshot *store.Snapshot
}

func (s *scopeReader) take(i item) (bool, error) {
	r := reader{item: i}
	if s.last != "" && r.text(commitAttribute) == s.last {
		s.ofLast++
	}
	switch sort := r.text(sortKey); {
	case sort == delaysSort:
		r.json("Delays", &s.snapshot.Delays)
	case strings.HasPrefix(sort, memoryPrefix):
		s.snapshot.Memories = append(s.snapshot.Memories, r.memory())
	case strings.HasPrefix(sort, openPrefix):
		if a := r.activity(); a.Open() {
			s.snapshot.Open = append(s.snapshot.Open, a)
		}
	default:
		r.err = errors.Join(r.err, errors.New("nothing of this name is known here"))
	}
	if r.err != nil {
		return false, damaged(s.table, i, r.err)
	}
	return true, nil
}

func (s *scopeReader) sorted() *store.Snapshot {
	slices.SortFunc(s.snapshot.Open, func(a, b store.Activity) int {
		return cmp.Or(a.StartTime.Compare(b.StartTime), cmp.Compare(a.Generation, b.Generation))
	})
	return s.snapshot
}

// Scopes are those that have any state, sorted by account and cluster.
func (b *Backend) Scopes() ([]store.Scope, error) {
	if err := b.usable(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), readPatience.all)
	defer cancel()
	var all []store.Scope
	err := b.readLeases(ctx, func(l *leaseItem) {
		if l.last != "" && l.Scope.Cluster != "" {
			all = append(all, l.Scope)
		}
	}, func(store.Member) {})
	slices.SortFunc(all, compareScopes)
	return all, err
}
