package store

import (
	"slices"
	"sync"

	"ecs-autoscaler/evaluator"
)

// Target is the current row of a scalable target. Rows are immutable: to change one, commit
// another. Only Latest lives on, from row to row, behind its own lock.
type Target struct {
	Key evaluator.Key
	// Min and Max are the capacity bounds in force, 0 <= Min <= Max.
	Min, Max int
	// Service is the service as last described; DescribedAt is zero before the first look.
	Service evaluator.Service
	// Memory is what the evaluator remembers. It is written to the durable state when its pointer
	// differs from the row before, so it is cloned before it is changed. A nil Memory means that
	// of the row before, or what is remembered from an earlier time.
	Memory *evaluator.Memory
	// Latest holds the last decision. Commit fills a nil one in: that of the row before, or a new one.
	Latest *Latest
	// Policies are the names of the policies in file order.
	Policies []string
	// Note says in one sentence what is wrong with the target, empty when nothing is.
	Note string
}

// same says whether committing t after old would change nothing that a reader could see.
func (t *Target) same(old *Target) bool {
	return t == old ||
		t.Min == old.Min && t.Max == old.Max && t.Note == old.Note &&
			t.Memory == old.Memory && t.Latest == old.Latest &&
			t.Service == old.Service && slices.Equal(t.Policies, old.Policies)
}

// completed is t with what it leaves open taken from the row before it (nil if there is none) and
// from what is remembered of its key. The caller's row itself stays as it is.
func (t *Target) completed(old *Target, remembered *evaluator.Memory) *Target {
	if t.Memory != nil && t.Latest != nil {
		return t
	}
	row := *t
	if row.Memory == nil {
		row.Memory = remembered
	}
	if row.Latest == nil && old != nil {
		row.Latest = old.Latest
	}
	if row.Latest == nil {
		row.Latest = new(Latest)
	}
	return &row
}

// Latest is the slot of a target's last decision. It has its own lock, so that a pass in which
// nothing but the decisions changed commits no row. The zero value is an empty slot.
type Latest struct {
	mu       sync.RWMutex
	known    bool
	decision evaluator.Decision
}

// Set puts a copy of d into the slot. It does not allocate once the slot has held a decision of
// that shape.
func (l *Latest) Set(d *evaluator.Decision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.decision.CopyFrom(d)
	l.known = true
}

// Get returns a deep copy of the last decision, and false if there has been none yet.
func (l *Latest) Get() (evaluator.Decision, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var d evaluator.Decision
	if l.known {
		d.CopyFrom(&l.decision)
	}
	return d, l.known
}

// View calls see with the last decision and true, or does nothing and returns false if there has
// been none. It copies nothing: see must neither keep nor change what it is given, nor Set.
func (l *Latest) View(see func(d *evaluator.Decision)) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.known {
		see(&l.decision)
	}
	return l.known
}
