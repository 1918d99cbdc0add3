package scaler

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// common is what the engines of one daemon share.
type common struct {
	telemetry *telemetry
	// warned are the overlapping entries of the present configuration that people have been told of.
	warned *warnings
}

func newCommon(r prometheus.Registerer, lastPass func() time.Time) *common {
	return &common{telemetry: newTelemetry(r, lastPass), warned: &warnings{told: map[[2]*config.Target]bool{}}}
}

// warnings are pairs of overlapping entries, each to be told once.
type warnings struct {
	mu   sync.Mutex
	told map[[2]*config.Target]bool
}

// first says whether the pair has not been told yet, and that it has been from now on.
func (w *warnings) first(chosen, other *config.Target) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	pair := [2]*config.Target{chosen, other}
	if w.told[pair] {
		return false
	}
	w.told[pair] = true
	return true
}

func (w *warnings) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.told)
}

// within is the part of a configuration that the engine is for.
func (e *Engine) within(c *config.Config) *config.Config {
	if e.Scope == nil {
		return c
	}
	return c.Within(e.Scope.Account, e.Scope.Cluster)
}

// scope is that of the engine, the zero value where it is for everything.
func (e *Engine) scope() store.Scope {
	if e.Scope == nil {
		return store.Scope{}
	}
	return *e.Scope
}

// owns says whether a target belongs to the engine's part.
func (e *Engine) owns(k evaluator.Key) bool { return e.Scope == nil || store.ScopeOf(k) == *e.Scope }

// learnedDelays are those that the engine's scope has learned, or where it has not yet, those that the daemon had learned
// before there were scopes.
func (e *Engine) learnedDelays() map[string]store.Delay {
	if own := e.Store.DelaysOf(e.scope()); len(own) > 0 {
		return own
	}
	return e.Store.Delays()
}

// changes are those of a commit that is the engine's.
func (e *Engine) changes() store.Changes { return store.Changes{Scope: e.scope(), Fence: e.Fence} }

// noteFence takes the answer of a commit: after ErrFenced the engine decides nothing any more.
func (e *Engine) noteFence(err error) {
	if errors.Is(err, store.ErrFenced) && !e.fenced {
		e.fenced = true
		e.Logger.Warn("another daemon steers this cluster now; this one has stopped deciding about it")
	}
}

// sendWithin is how long after the moment before its intent's commit began a write may be sent under a lease: whoever takes
// the lease over waits for longer (Options.WriteAfter).
const sendWithin = 5 * time.Second

// stopwatch measures from now on how much time passes, by the clock's own stopwatch where it has one.
func stopwatch(c Clock) func() time.Duration {
	if s, ok := c.(interface{ Stopwatch() func() time.Duration }); ok {
		return s.Stopwatch()
	}
	began := c.Now()
	return func() time.Duration { return c.Now().Sub(began) }
}

// patience is how long a write may take, retries included: no longer than the lease that it rests on allows.
func (e *Engine) patience(since func() time.Duration) time.Duration {
	if e.Fence == nil {
		return writeTimeout
	}
	return min(writeTimeout, sendWithin-since())
}
