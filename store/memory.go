package store

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"ecs-autoscaler/evaluator"
)

// Memory is a backend that survives nothing but its store: for dry runs, single passes and tests.
// It behaves as the file does, and loading it again gives back what was committed.
func Memory() Backend {
	return &memoryBackend{memories: map[evaluator.Key]*evaluator.Memory{}, delays: map[Scope]map[string]Delay{}}
}

type memoryBackend struct {
	mu         sync.RWMutex
	closed     bool
	memories   map[evaluator.Key]*evaluator.Memory
	activities timeline[Activity]
	decisions  timeline[DecisionRecord]
	delays     map[Scope]map[string]Delay
	sequence   uint64
}

// Load opens the backend again if it has been closed: the same memory is its next life.
func (b *memoryBackend) Load() (*Snapshot, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = false
	s := &Snapshot{Delays: maps.Clone(b.delays[Scope{}]), ScopedDelays: maps.Clone(b.delays), Sequence: b.sequence}
	delete(s.ScopedDelays, Scope{})
	for k, m := range b.memories {
		s.Memories = append(s.Memories, Remembered{k, m})
	}
	for _, a := range b.activities.rows {
		if a.Open() {
			s.Open = append(s.Open, *a)
		}
	}
	return s, nil
}

// Commit implements Backend.
func (b *memoryBackend) Commit(d *Durable) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	for _, r := range d.Memories {
		b.memories[r.Target] = r.Memory
	}
	for _, a := range d.Activities {
		b.activities.put(a.key(), a)
	}
	for _, r := range d.Decisions {
		b.decisions.put(r.key(), r)
	}
	if d.Delays != nil {
		b.delays[d.Scope] = d.Delays
	}
	b.sequence = d.Sequence
	return nil
}

// Activities implements Backend.
func (b *memoryBackend) Activities(q Query) ([]Activity, string, error) {
	s, err := q.selection()
	if err != nil {
		return nil, "", err
	}
	return readTimeline(b, &b.activities, s, s.activity)
}

// Decisions implements Backend.
func (b *memoryBackend) Decisions(q Query) ([]DecisionRecord, string, error) {
	if err := decisionsHaveNoStatus(&q); err != nil {
		return nil, "", err
	}
	s, err := q.selection()
	if err != nil {
		return nil, "", err
	}
	return readTimeline(b, &b.decisions, s, s.decision)
}

func readTimeline[T any](b *memoryBackend, h *timeline[T], s *selection, match func(*T) bool) ([]T, string, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.closed {
		return nil, "", ErrClosed
	}
	rows, next := h.page(s, match)
	return rows, next, nil
}

// Prune implements Backend.
func (b *memoryBackend) Prune(before time.Time) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, ErrClosed
	}
	key := historyKey(before, "")
	return b.activities.prune(key, (*Activity).Open) +
		b.decisions.prune(key, func(*DecisionRecord) bool { return false }), nil
}

// Close implements Backend.
func (b *memoryBackend) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// timeline holds records in the order of their history keys.
type timeline[T any] struct {
	keys []string
	rows []*T
}

func (h *timeline[T]) put(key []byte, row *T) {
	k := string(key)
	i, found := slices.BinarySearch(h.keys, k)
	if found {
		h.rows[i] = row
		return
	}
	h.keys, h.rows = slices.Insert(h.keys, i, k), slices.Insert(h.rows, i, row)
}

// place is where a key stands or would stand; nil stands at the given end.
func (h *timeline[T]) place(key []byte, end int) int {
	if key == nil {
		return end
	}
	i, _ := slices.BinarySearchFunc(h.keys, string(key), cmp.Compare[string])
	return i
}

func (h *timeline[T]) page(s *selection, match func(*T) bool) ([]T, string) {
	p := page[T]{limit: s.limit}
	for i := h.place(s.before, len(h.rows)) - 1; i >= h.place(s.from, 0); i-- {
		if match(h.rows[i]) && !p.add([]byte(h.keys[i]), h.rows[i]) {
			break
		}
	}
	return p.rows, p.next
}

// prune removes the records before key, except those that must stay.
func (h *timeline[T]) prune(key []byte, stays func(*T) bool) int {
	old := h.place(key, 0)
	var kept timeline[T]
	for i := range old {
		if stays(h.rows[i]) {
			kept.keys, kept.rows = append(kept.keys, h.keys[i]), append(kept.rows, h.rows[i])
		}
	}
	if gone := old - len(kept.rows); gone > 0 {
		h.keys, h.rows = append(kept.keys, h.keys[old:]...), append(kept.rows, h.rows[old:]...)
		return gone
	}
	return 0
}
