package scaler

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"ecs-autoscaler/config"
	"ecs-autoscaler/store"
)

const (
	// soonest is the least time between two passes: what a rate held back is tried again each second.
	soonest = time.Second
	// longest is the most, so that the daemon notices a clock that was set and shows that it lives.
	longest = time.Minute
	// summaryInterval is how often a line sums up what happened.
	summaryInterval = time.Minute
)

// SummaryMessage is the message of the line that sums up a minute.
const SummaryMessage = "summary"

// tally adds up the reports between two summary lines.
type tally struct {
	since                                    time.Time
	passes, looked, acted, requests, metrics int
}

func (s *tally) add(r Report) {
	s.passes++
	s.looked += r.Looked
	s.acted += r.Acted
	s.requests += r.Requests
	s.metrics += r.MetricsRequested
}

// gate is a lock for those who may have to wait long: a channel with room for one.
type gate chan struct{}

// Lock waits for the gate.
func (g gate) Lock() { g <- struct{}{} }

// Unlock lets the next one through.
func (g gate) Unlock() { <-g }

// gates are a gate for each cluster.
type gates struct {
	mu sync.Mutex
	of map[store.Scope]gate
}

// at is the gate of a cluster.
func (g *gates) at(sc store.Scope) gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.of == nil {
		g.of = map[store.Scope]gate{}
	}
	if g.of[sc] == nil {
		g.of[sc] = make(gate, 1)
	}
	return g.of[sc]
}

// runner is the engine of one cluster and what drives it.
type runner struct {
	scope  store.Scope
	fence  *store.Fence
	engine *Engine
	began  time.Time
	// gate is held by whoever works with the engine: a pass, a reload, a registration.
	gate gate
	// gone says that the fleet has let go of the engine. The gate guards it.
	gone bool
	// nudge ends the wait for the next pass.
	nudge chan struct{}
	// pending is a configuration to be taken up before the next pass.
	pending atomic.Pointer[config.Config]
	// askTime has the next pass ask AWS for the time.
	askTime atomic.Bool
	// next is when the next pass is due. The fleet's lock guards it.
	next time.Time
	// cancel and done are those of the goroutine, nil as long as there is none.
	cancel context.CancelFunc
	done   chan struct{}
}

func newRunner(sc store.Scope, fence *store.Fence, now time.Time) *runner {
	return &runner{
		scope: sc, fence: fence, engine: &Engine{}, began: now,
		gate: make(gate, 1), nudge: make(chan struct{}, 1),
	}
}

func (r *runner) sameFence(fence *store.Fence) bool {
	if r.fence == nil || fence == nil {
		return r.fence == fence
	}
	return *r.fence == *fence
}

// errGone says that the fleet has let go of an engine in the meantime.
var errGone = errors.New("the cluster has been given up")

// lock waits for the engine; it fails when ctx ends first, and when the engine is gone.
func (r *runner) lock(ctx context.Context) error {
	select {
	case r.gate <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if r.gone {
		r.unlock()
		return errGone
	}
	return nil
}

func (r *runner) unlock() { <-r.gate }

// wake has the next pass made at once.
func (r *runner) wake() {
	select {
	case r.nudge <- struct{}{}:
	default: // it has been woken already
	}
}

// halt tells the goroutine to stop, end waits for it, too.
func (r *runner) halt() {
	if r.cancel != nil {
		r.cancel()
	}
}

func (r *runner) end() {
	if r.halt(); r.done != nil {
		<-r.done
	}
}

// pass makes a pass of one engine at now, with the newest configuration.
func (f *Fleet) pass(ctx context.Context, r *runner, now time.Time) Report {
	if err := r.lock(ctx); err != nil {
		return Report{}
	}
	defer r.unlock()
	r.takeConfig()
	if r.askTime.Swap(false) {
		r.engine.askTheTime()
	}
	report := r.engine.Pass(ctx, now)
	end := f.Clock.Now()
	next := end.Add(r.engine.untilNext(end))
	f.mu.Lock()
	defer f.mu.Unlock()
	r.next = next
	f.sum.add(report)
	if report.Err == nil {
		f.passed = now
	}
	return report
}

// takeConfig takes up a configuration that waits. The caller holds the gate.
func (r *runner) takeConfig() {
	if c := r.pending.Swap(nil); c != nil && !r.gone {
		r.engine.Reload(c)
	}
}

// drive makes passes over one cluster until its context ends or it has become another daemon's.
func (f *Fleet) drive(ctx context.Context, r *runner) {
	report := Report{}
	for ctx.Err() == nil {
		if report = f.pass(ctx, r, f.Clock.Now()); errors.Is(report.Err, store.ErrFenced) {
			break
		}
		wake, stop := f.Clock.After(f.nextPass(r).Sub(f.Clock.Now()))
		select {
		case <-ctx.Done():
		case <-r.nudge:
		case <-wake:
		}
		stop()
	}
	close(r.done)
	f.tellFenced(r, report)
}

// nextPass is when the next pass of an engine is due.
func (f *Fleet) nextPass(r *runner) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return r.next
}

// tellFenced tells whoever wants to know it that a cluster has become another daemon's.
func (f *Fleet) tellFenced(r *runner, report Report) {
	if errors.Is(report.Err, store.ErrFenced) && f.OnFenced != nil {
		f.OnFenced(r.scope)
	}
}

// Run makes passes over all clusters until ctx ends, each on its own. What comes through reload is loaded and swapped in
// between two passes of each; a configuration that does not load leaves the old one in force. Writes under way are finished.
func (f *Fleet) Run(ctx context.Context, reload <-chan Reloading) {
	if f.InTurn {
		f.runInTurn(ctx, reload)
		return
	}
	f.mu.Lock()
	f.launch = func(r *runner) {
		each, cancel := context.WithCancel(ctx)
		r.cancel, r.done = cancel, make(chan struct{})
		go f.drive(each, r)
	}
	for _, r := range f.runners {
		f.launch(r)
	}
	f.mu.Unlock()
	var discovering sync.WaitGroup
	found := make(chan struct{}, 1)
	discovering.Go(func() { f.keepDiscovering(ctx, found) })
	for ctx.Err() == nil {
		f.keepHouse(ctx)
		wake, stop := f.Clock.After(longest / 4)
		select {
		case <-ctx.Done():
		case r := <-reload:
			f.takeUp(r)
			select {
			case found <- struct{}{}: // the new configuration may mean other clusters
			default:
			}
		case <-wake:
		}
		stop()
	}
	discovering.Wait()
	f.stop()
}

// runInTurn is Run in one goroutine.
func (f *Fleet) runInTurn(ctx context.Context, reload <-chan Reloading) {
	for ctx.Err() == nil {
		f.Pass(ctx, f.Clock.Now())
		select {
		case r := <-reload: // what waits already comes first: of several that are ready, select would cast dice
			f.takeUp(r)
		default:
		}
		wake, stop := f.Clock.After(f.Next().Sub(f.Clock.Now()))
		select {
		case <-ctx.Done():
		case r := <-reload:
			f.takeUp(r)
		case <-f.stir:
		case <-wake:
		}
		stop()
	}
}

// stop waits for the engines of Run. What they have is given back to whoever drives them next.
func (f *Fleet) stop() {
	f.mu.Lock()
	f.launch = nil
	runners := slices.Collect(maps.Values(f.runners))
	f.mu.Unlock()
	for _, r := range runners {
		changing := f.changing.at(r.scope)
		changing.Lock()
		r.end()
		r.cancel, r.done = nil, nil
		changing.Unlock()
	}
}

// keepDiscovering lists clusters whenever that is due.
func (f *Fleet) keepDiscovering(ctx context.Context, now <-chan struct{}) {
	for ctx.Err() == nil {
		if err := f.discover(ctx, f.Clock.Now()); err != nil {
			f.Logger.Error("a cluster could not be taken up; it is tried again with the next list of clusters", zap.Error(err))
		}
		wake, stop := f.Clock.After(max(f.nextList().Sub(f.Clock.Now()), soonest))
		select {
		case <-ctx.Done():
		case <-now:
		case <-wake:
		}
		stop()
	}
}

// nextList is when the clusters of some account are to be listed; an hour from now if of none.
func (f *Fleet) nextList() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := f.Clock.Now().Add(time.Hour)
	for _, name := range f.patterned() {
		if a := f.accounts[name]; a != nil && a.next.Before(next) {
			next = a.next
		}
	}
	return next
}

// listAll asks every account for its clusters at once, so that one that does not answer delays no other.
func listAll(ctx context.Context, all []*listing) {
	ctx, cancel := context.WithTimeout(ctx, listWithin)
	defer cancel()
	var g errgroup.Group
	for _, l := range all {
		g.Go(func() error {
			l.found, l.err = l.account.Clusters(ctx, "*")
			return nil
		})
	}
	_ = g.Wait() // the functions keep their errors in the listings
}

// Reloading asks for another configuration.
type Reloading struct {
	// Load reads it.
	Load func() (*config.Config, error)
	// Done is told what came of it: nil, an *IncompleteError, or why the one before stays in force. It may be nil, and must not wait.
	Done func(error)
}

// IncompleteError says that a configuration is in force, but that not every cluster it means could be taken up.
type IncompleteError struct{ Err error }

// Error names the clusters.
func (e *IncompleteError) Error() string {
	return "not everything in the new configuration could be taken up: " + e.Err.Error()
}

// Unwrap is the reason.
func (e *IncompleteError) Unwrap() error { return e.Err }

// takeUp does what is asked, and tells whoever asked what came of it.
func (f *Fleet) takeUp(r Reloading) {
	err := f.reloadFrom(r.Load)
	if r.Done != nil {
		r.Done(err)
	}
}

// reloadFrom loads a configuration and takes it up, or says why the fleet stays with the old one.
func (f *Fleet) reloadFrom(load func() (*config.Config, error)) error {
	c, err := load()
	if err != nil {
		f.common.telemetry.reload(false, f.Clock.Now())
		f.Logger.Error("the configuration was not reloaded; the one before stays in force", zap.Error(err))
		return err
	}
	f.mu.Lock()
	old := f.config
	f.mu.Unlock()
	if fixed := needRestart(old, c); len(fixed) > 0 {
		f.Logger.Warn("these settings changed in the file but hold only after a restart: " + strings.Join(fixed, ", "))
	}
	if err := f.Reload(c); err != nil {
		f.common.telemetry.reload(false, f.Clock.Now())
		f.Logger.Error("the configuration was reloaded, but not everything in it could be taken up", zap.Error(err))
		return &IncompleteError{err}
	}
	f.common.telemetry.reload(true, f.Clock.Now())
	f.Logger.Info("the configuration was reloaded", zap.Int("targets", f.targets()))
	return nil
}

// Reload swaps in a new configuration. A cluster that is at rest takes it up at once, one with a pass under way after that.
// It fails where a cluster that the configuration newly means cannot be taken up, or is in an account that is known only after a
// restart; the others have been taken up.
func (f *Fleet) Reload(c *config.Config) error {
	f.mu.Lock()
	f.config = c
	f.herald.listen(&c.Events)
	for _, a := range f.accounts {
		a.next = time.Time{}
	}
	f.mu.Unlock()
	if f.OnReload != nil {
		f.OnReload(c)
	}
	f.common.warned.clear()
	err := errors.Join(f.withoutAccount(c), f.sync())
	for _, r := range f.held() {
		r.pending.Store(c)
		f.mu.Lock()
		r.next = time.Time{}
		f.mu.Unlock()
		select {
		case r.gate <- struct{}{}:
			r.takeConfig()
			r.unlock()
		default: // the pass under way ends with another, see wake
		}
		r.wake()
	}
	return err
}

// withoutAccount names the accounts that targets are in and that this process does not know: new ones hold after a restart only.
func (f *Fleet) withoutAccount(c *config.Config) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	unknown := map[string]bool{}
	for _, t := range c.Targets {
		if f.accounts[t.Account] == nil && !unknown[t.Account] {
			unknown[t.Account] = true
			errs = append(errs, fmt.Errorf("the targets of account %s: accounts hold after a restart only; restart the daemon", t.Account))
		}
	}
	return errors.Join(errs...)
}

// needRestart names the settings that a process cannot change while it runs.
func needRestart(old, now *config.Config) []string {
	var names []string
	was, is := old.Access, now.Access
	for name, changed := range map[string]bool{
		"web_config_file": was.WebConfigFile != is.WebConfigFile, "token_file": was.TokenFile != is.TokenFile,
		"control_socket": was.ControlSocket != is.ControlSocket, "pprof": was.Pprof != is.Pprof,
		"region": old.Region != now.Region, "state": old.State != now.State, "listen": old.Listen != now.Listen,
		"dry_run": old.DryRun != now.DryRun, "metric_delay": old.MetricDelay != now.MetricDelay,
		"accounts": !config.SameAccounts(old, now), "decision_log": old.DecisionLog != now.DecisionLog,
	} {
		if changed {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
