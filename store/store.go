package store

import (
	"cmp"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-memdb"

	"ecs-autoscaler/evaluator"
)

// Store holds what is current in memory and keeps what must survive in its backend. Its methods
// may be called from several goroutines; readers never wait for a commit.
type Store struct {
	db       *memdb.MemDB
	backend  Backend
	sequence atomic.Uint64

	turns turns // of those who look at the rows before and make those after visible

	health atomic.Pointer[Health]
}

// New loads what b remembers. No target is current yet: the caller commits those that it is
// configured for, and Memory gives it what is remembered of them. Closing the store closes b; with an error b stays the caller's.
func New(b Backend) (*Store, error) {
	snapshot, err := b.Load()
	if err != nil {
		return nil, err
	}
	db, err := memdb.NewMemDB(schema())
	must(err)
	s := &Store{db: db, backend: b}
	s.health.Store(&Health{})
	s.sequence.Store(snapshot.Sequence)
	txn := db.Txn(true)
	takeSnapshot(txn, Scope{}, snapshot)
	txn.Commit()
	return s, nil
}

// takeSnapshot puts what a backend remembers into the tables; its delays without a scope become those of sc.
func takeSnapshot(txn *memdb.Txn, sc Scope, snapshot *Snapshot) {
	for i := range snapshot.Memories {
		insert(txn, dormantTable, &snapshot.Memories[i])
	}
	for i := range snapshot.Open {
		insert(txn, openTable, &snapshot.Open[i])
	}
	for name, delay := range snapshot.Delays {
		insert(txn, delaysTable, &delayRow{sc, name, delay})
	}
	for scope, delays := range snapshot.ScopedDelays {
		for name, delay := range delays {
			insert(txn, delaysTable, &delayRow{scope, name, delay})
		}
	}
}

// Close waits for commits under way and closes the backend. What was current can still be read;
// commits and history fail with ErrClosed.
func (s *Store) Close() error {
	s.turns.close()
	return s.backend.Close()
}

// Targets returns the current rows, sorted by cluster and service.
func (s *Store) Targets() []*Target { return all[Target](s.db.Txn(false), targetsTable) }

// Target returns the current row of k.
func (s *Store) Target(k evaluator.Key) (*Target, bool) {
	t := first[Target](s.db.Txn(false), targetsTable, k)
	return t, t != nil
}

// Memory returns what is remembered of k, whether or not k is current; nil if nothing is. It must
// not be changed: clone it.
func (s *Store) Memory(k evaluator.Key) *evaluator.Memory {
	txn := s.db.Txn(false)
	if t := first[Target](txn, targetsTable, k); t != nil {
		return t.Memory
	}
	if r := first[Remembered](txn, dormantTable, k); r != nil {
		return r.Memory
	}
	return nil
}

// OpenActivities returns the activities with status Pending or InProgress, oldest first.
func (s *Store) OpenActivities() []Activity {
	rows := all[Activity](s.db.Txn(false), openTable)
	slices.SortStableFunc(rows, func(a, b *Activity) int {
		return cmp.Or(a.StartTime.Compare(b.StartTime), cmp.Compare(a.Generation, b.Generation))
	})
	open := make([]Activity, len(rows))
	for i, a := range rows {
		open[i] = *a
	}
	return open
}

// Activities returns the page of scaling activities that q asks for, newest first, and the cursor
// of the next page, empty after the last. An error that wraps ErrQuery is the asker's.
func (s *Store) Activities(q Query) (page []Activity, next string, err error) {
	return s.backend.Activities(q)
}

// Decisions returns the page of kept decisions that q asks for, newest first, and the cursor of
// the next page, empty after the last. An error that wraps ErrQuery is the asker's.
func (s *Store) Decisions(q Query) (page []DecisionRecord, next string, err error) {
	return s.backend.Decisions(q)
}

// Delays returns the publication delays that were learned without a scope, by name.
func (s *Store) Delays() map[string]Delay { return s.DelaysOf(Scope{}) }

// DelaysOf returns the publication delays that a scope has learned, by name.
func (s *Store) DelaysOf(sc Scope) map[string]Delay { return delaysOf(s.db.Txn(false), sc) }

func delaysOf(txn *memdb.Txn, sc Scope) map[string]Delay {
	delays := map[string]Delay{}
	for _, row := range all[delayRow](txn, delaysTable) {
		if row.scope == sc {
			delays[row.name] = row.delay
		}
	}
	return delays
}

// NextGeneration returns a number greater than any given before. It becomes durable with the
// activity that carries it, so after a crash a number that no activity got may be given again.
func (s *Store) NextGeneration() uint64 { return s.sequence.Add(1) }

// Prune removes activities that started and decisions that were made more than Retention before
// now, and returns how many. It interrupts itself for commits; open activities stay.
func (s *Store) Prune(now time.Time) (int, error) {
	n, err := s.backend.Prune(now.Add(-Retention))
	if err != nil {
		return n, fmt.Errorf("prune the history: %w", err)
	}
	return n, nil
}
