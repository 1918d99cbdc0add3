package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/go-memdb"

	"ecs-autoscaler/evaluator"
)

// Adopt takes what a backend that several daemons use remembers of a scope into memory, in place of what was known of it:
// its lease has just become this daemon's. With a backend that one daemon has for itself there is nothing to do, because
// New has loaded it whole. With an error, which is that of ctx when it ends first, nothing has changed.
func (s *Store) Adopt(ctx context.Context, sc Scope) error {
	shared, ok := s.backend.(Shared)
	if !ok {
		return nil
	}
	release, err := s.turns.take(sc)
	if err != nil {
		return err
	}
	defer release()
	snapshot, err := shared.LoadScope(ctx, sc)
	if err != nil {
		return fmt.Errorf("load what is remembered of %s: %w", sc, err)
	}
	txn := s.db.Txn(true)
	forget(txn, sc)
	takeSnapshot(txn, sc, snapshot)
	txn.Commit()
	s.raise(snapshot.Sequence)
	return nil
}

// OpenOf reads the open activities of a scope whose lease nobody has from a backend that several daemons use, oldest first.
// Nothing of them stays in memory. With a backend that one daemon has for itself there are none: OpenActivities has all.
func (s *Store) OpenOf(ctx context.Context, sc Scope) ([]Activity, error) {
	shared, ok := s.backend.(Shared)
	if !ok {
		return nil, nil
	}
	snapshot, err := shared.LoadScope(ctx, sc)
	if err != nil {
		return nil, fmt.Errorf("load what is remembered of %s: %w", sc, err)
	}
	return snapshot.Open, nil
}

// Drop forgets the rows of a scope in memory; what is durable of it stays. It is for a lease that has become another
// daemon's: what is not durable by now never will be.
func (s *Store) Drop(sc Scope) {
	release, err := s.turns.take(sc)
	if err != nil {
		return // nobody looks any more
	}
	defer release()
	txn := s.db.Txn(true)
	forget(txn, sc)
	txn.Commit()
}

// raise makes the sequence at least n.
func (s *Store) raise(n uint64) {
	for seen := s.sequence.Load(); seen < n; seen = s.sequence.Load() {
		s.sequence.CompareAndSwap(seen, n)
	}
}

// forget removes the rows of a scope.
func forget(txn *memdb.Txn, sc Scope) {
	forgetRows(txn, targetsTable, sc, func(t *Target) evaluator.Key { return t.Key })
	forgetRows(txn, dormantTable, sc, func(r *Remembered) evaluator.Key { return r.Target })
	forgetRows(txn, openTable, sc, func(a *Activity) evaluator.Key { return a.Target })
	for name := range delaysOf(txn, sc) {
		remove[delayRow](txn, delaysTable, &delayRow{scope: sc, name: name})
	}
}

func forgetRows[T any](txn *memdb.Txn, table string, sc Scope, key func(*T) evaluator.Key) {
	rows := slices.DeleteFunc(all[T](txn, table), func(row *T) bool { return ScopeOf(key(row)) != sc })
	for _, row := range rows {
		must(txn.Delete(table, row))
	}
}
