package store

import "ecs-autoscaler/evaluator"

// view is all that a store shows.
type view struct {
	Memories   map[evaluator.Key]*evaluator.Memory
	Open       []Activity
	Activities []Activity
	Decisions  []DecisionRecord
	Delays     map[string]Delay
}

// observe reads everything, the history in pages of that size.
func observe(t fataler, s *Store, pageSize int) view {
	t.Helper()
	v := view{Memories: map[evaluator.Key]*evaluator.Memory{}, Open: s.OpenActivities(), Delays: s.Delays()}
	for _, row := range s.Targets() {
		v.Memories[row.Key] = s.Memory(row.Key)
	}
	v.Activities = pages(t, s.Activities, Query{Limit: pageSize})
	v.Decisions = pages(t, s.Decisions, Query{Limit: pageSize})
	return v
}

// fataler is what *testing.T and *rapid.T have in common here.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// pages reads all pages from q on.
func pages[T any](t fataler, read func(Query) ([]T, string, error), q Query) []T {
	t.Helper()
	all := []T{}
	for {
		rows, next, err := read(q)
		if err != nil {
			t.Fatalf("page after %d records: %v", len(all), err)
		}
		all = append(all, rows...)
		if next == "" {
			return all
		}
		if len(rows) != q.Limit {
			t.Fatalf("a page of %d that is not the last has %d records", q.Limit, len(rows))
		}
		q.Cursor = next
	}
}
