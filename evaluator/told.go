package evaluator

import (
	"slices"
	"time"
)

// Condition is something that lasts and that people have been told of: its end is for whoever looks at the target then, another
// process or another daemon.
type Condition struct {
	// Kind is what it is, in the words of events, and About what it is about where there may be several of a kind.
	Kind  string `json:"kind"`
	About string `json:"about,omitempty"`
	// Since is when it began.
	Since time.Time `json:"since"`
}

// HasTold finds a condition that people have been told of.
func (m *Memory) HasTold(kind, about string) (Condition, bool) {
	i := m.told(kind, about)
	if i < 0 {
		return Condition{}, false
	}
	return m.Told[i], true
}

// Tell remembers that people have been told of a condition.
func (m *Memory) Tell(c Condition) {
	m.Untell(c.Kind, c.About)
	m.Told = append(m.Told, c)
}

// Untell forgets a condition: people have been told that it is over.
func (m *Memory) Untell(kind, about string) {
	if i := m.told(kind, about); i >= 0 {
		m.Told = slices.Delete(slices.Clone(m.Told), i, i+1)
	}
	if len(m.Told) == 0 {
		m.Told = nil
	}
}

func (m *Memory) told(kind, about string) int {
	return slices.IndexFunc(m.Told, func(c Condition) bool { return c.Kind == kind && c.About == about })
}
