package store

import "sync"

// turns has the changes of each scope come one after the other, those of different ones side by side. Whoever waits for a
// turn waits for a backend, which may be at the other end of a network; hence channels, and no locks.
type turns struct {
	mu     sync.Mutex
	of     map[Scope]chan struct{}
	busy   sync.WaitGroup
	closed bool
}

// take waits for the turn of a scope. It fails with ErrClosed when there are no more.
func (t *turns) take(sc Scope) (release func(), err error) {
	turn := t.queue(sc)
	if turn == nil {
		return nil, ErrClosed
	}
	turn <- struct{}{}
	return func() { <-turn; t.busy.Done() }, nil
}

// queue is where the changes of a scope wait; nil when there are to be none.
func (t *turns) queue(sc Scope) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil
	}
	if t.of == nil {
		t.of = map[Scope]chan struct{}{}
	}
	if t.of[sc] == nil {
		t.of[sc] = make(chan struct{}, 1)
	}
	t.busy.Add(1)
	return t.of[sc]
}

// close lets nobody in any more and waits for those who are.
func (t *turns) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.busy.Wait()
}
