package soak

import (
	"sync"
	"time"
)

// naps are the times at which a machine stands still, as when a virtual machine is suspended: its monotonic clock does too, and
// what the process was about to do it does when the machine wakes up.
type naps struct {
	mu    sync.Mutex
	taken []nap
}

type nap struct{ from, to time.Time }

// take puts the machine to sleep now.
func (n *naps) take(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	if last := len(n.taken) - 1; last >= 0 && n.taken[last].to.After(now) {
		return
	}
	n.taken = append(n.taken, nap{now, now.Add(d)})
}

// before is how long the machine has slept up to an instant.
func (n *naps) before(at time.Time) (slept time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.taken {
		if at.Before(p.to) {
			slept += max(0, at.Sub(p.from))
		} else {
			slept += p.to.Sub(p.from)
		}
	}
	return slept
}

// wait lets whoever is about to do something sleep as long as the machine does, if it does.
func (n *naps) wait() (slept bool) {
	n.mu.Lock()
	var until time.Time
	if last := len(n.taken) - 1; last >= 0 {
		until = n.taken[last].to
	}
	n.mu.Unlock()
	d := time.Until(until)
	if d > 0 {
		time.Sleep(d)
	}
	return d > 0
}
