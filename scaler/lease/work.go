package lease

import (
	"context"
	"time"

	"ecs-autoscaler/store"
)

// work is what is being done about scopes while the rounds go on: a state that loads slowly, or a write under way that has to
// end first, holds back neither the look at the leases nor the other scopes. Of each scope one thing is done at a time.
type work struct {
	busy  map[store.Scope]bool
	done  chan func()
	slots chan struct{}
	// apart has what begins in the same instant begin one after the other.
	apart bool
}

func newWork(apart bool) work {
	return work{busy: map[store.Scope]bool{}, done: make(chan func()), slots: make(chan struct{}, atOnce), apart: apart}
}

// begin does something about a scope. What it returns is done by whoever receives from done, between two rounds.
func (w *work) begin(sc store.Scope, do func() (then func())) {
	w.busy[sc] = true
	turn := time.Duration(0)
	if w.apart {
		turn = time.Duration(len(w.busy)) * time.Microsecond
	}
	go func() {
		time.Sleep(turn)
		then := do()
		w.done <- func() {
			delete(w.busy, sc)
			then()
		}
	}()
}

// wait ends when nothing is being done any more.
func (w *work) wait() {
	for len(w.busy) > 0 {
		(<-w.done)()
	}
}

// slot waits for one of the places of those that take or load something; without one ctx has ended.
func (w *work) slot(ctx context.Context) (leave func(), ok bool) {
	select {
	case w.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, false
	}
	return func() { <-w.slots }, true
}
