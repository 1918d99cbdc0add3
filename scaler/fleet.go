package scaler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// FleetOptions are what a Fleet works with. Config, Accounts, Store, Clock and Logger are needed.
type FleetOptions struct {
	Config *config.Config
	// Accounts are the ways to AWS by the configuration's names; the daemon's own account has the empty one.
	Accounts map[string]*Account
	Store    *store.Store
	Clock    Clock
	Logger   *zap.Logger
	// Registerer takes the Prometheus metrics of the fleet; nil keeps them to itself.
	Registerer prometheus.Registerer
	// Shared says that several daemons share the clusters out: then the fleet starts with none, and Hold gives it some.
	Shared bool
	// OnFenced is told that a cluster has become another daemon's; nothing is decided about it any more. It is called without
	// locks and may call Drop. Nil is nobody.
	OnFenced func(store.Scope)
	// Sharing says for the summary how many problems there are with sharing the clusters out, and why the daemon does not take part
	// in it, empty if it does. Nil is no problem.
	Sharing func() (problems int, why string)
	// Notifier is told what happens; nil is nobody. OnReload is told the configuration that is taken up; nil is nobody.
	Notifier Notifier
	OnReload func(*config.Config)
	// FixedPhase and InFlight are those of every engine's Options.
	FixedPhase *time.Duration
	InFlight   int
	// Recorder is that of every engine's Options.
	Recorder Recorder
	// InTurn has Run make the passes of all clusters one after the other, always in the same order: for tests that must replay
	// exactly. A cluster that does not answer then delays the others.
	InTurn bool
}

// Fleet runs one Engine for each cluster of each account, so that one that is slow or does not answer holds back nobody else. In
// one account they share AWS's rates, and all of them the store, the clock, the log and the metrics. Run gives each a
// goroutine of its own; with Pass and Next a single goroutine drives all of them. Its methods may be called from several
// goroutines, but Run, Pass and Whole exclude each other.
type Fleet struct {
	FleetOptions
	common *common
	brake  *Brake

	// syncing is held by whoever makes the engines those of the configuration, changing by whoever starts or stops that of a
	// cluster, which may wait for AWS.
	syncing  gate
	changing gates
	// stir ends the wait of Run where all take turns: there is another cluster, or a command.
	stir chan struct{}

	mu       sync.Mutex // guards what follows
	config   *config.Config
	accounts map[string]*account
	runners  map[store.Scope]*runner
	// launch gives an engine a goroutine that lives as long as Run runs; nil when it does not.
	launch func(*runner)
	// passed is when a pass of any engine ended last without an error of the daemon's own.
	passed    time.Time
	sum       tally
	complains complaints
	herald    herald
	pruned    time.Time
}

// account is an Account with what is known of its clusters.
type account struct {
	*Account
	name string
	// clusters are the names listed last. They are listed only where the configuration has patterns of clusters.
	clusters []string
	next     time.Time
	listed   bool
	failed   bool
}

// NewFleet makes a fleet for the clusters that the configuration names. Those of its patterns follow when they have been
// listed, by Run, Pass or Whole. It fails where the state of a cluster cannot be loaded.
func NewFleet(o FleetOptions) (*Fleet, error) {
	if o.Config == nil || o.Store == nil || o.Clock == nil || o.Logger == nil {
		return nil, errNeeded
	}
	f := &Fleet{
		FleetOptions: o, config: o.Config, accounts: map[string]*account{}, runners: map[store.Scope]*runner{},
		syncing: make(gate, 1), stir: make(chan struct{}, 1),
		sum: tally{since: o.Clock.Now()}, complains: newComplaints(o.Clock, o.Logger),
	}
	f.herald = herald{notifier: o.Notifier, dry: o.dry()}
	f.herald.listen(&o.Config.Events)
	f.complains.heard = f.herald.problem
	f.common, f.brake = newCommon(o.Registerer, f.LastPass), NewBrake(o.Registerer)
	f.common.telemetry.reload(true, o.Clock.Now())
	for name, a := range o.Accounts {
		f.accounts[name] = &account{Account: a, name: name}
	}
	return f, f.sync()
}

// dry says that the fleet has nothing to write with.
func (o *FleetOptions) dry() bool {
	for _, a := range o.Accounts {
		if a.Actuator.DryRun() {
			return true
		}
	}
	return false
}

// held are the engines in the order of their scopes.
func (f *Fleet) held() []*runner {
	f.mu.Lock()
	defer f.mu.Unlock()
	held := make([]*runner, 0, len(f.runners))
	for _, r := range f.runners {
		held = append(held, r)
	}
	slices.SortFunc(held, func(a, b *runner) int { return compareScopes(a.scope, b.scope) })
	return held
}

// of is the engine that has a target; nil if none has.
func (f *Fleet) of(k evaluator.Key) *runner {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.runners[store.ScopeOf(k)]
}

// Ready reports whether every cluster has had a first full pass, in which every target was looked at, and the state can be
// written; and if not, which has not and why. With true the text may still say which account cannot be worked in: its
// targets say so too.
func (f *Fleet) Ready() (bool, string) {
	if why := f.unlisted(); why != "" {
		return false, why
	}
	for _, r := range f.held() {
		if ok, why := r.engine.Ready(); !ok {
			return false, fmt.Sprintf("cluster %s: %s", r.scope, why)
		}
	}
	return true, f.trouble()
}

// unlisted says which account's clusters have not been listed yet, if any.
func (f *Fleet) unlisted() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range f.patterned() {
		if a := f.accounts[name]; a != nil && !a.listed {
			return "the clusters of " + accountText(name) + " have not been listed yet"
		}
	}
	return ""
}

func (f *Fleet) trouble() string {
	var all []string
	for name, a := range f.Accounts {
		if a.Trouble != nil {
			if why := a.Trouble(); why != "" {
				all = append(all, accountText(name)+": "+why)
			}
		}
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

func accountText(name string) string {
	if name == "" {
		return "the daemon's own account"
	}
	return "account " + name
}

// LastPass is when the last pass without an error of the daemon's own ended, for the cluster for which that is the longest
// ago; zero before the first. A cluster that has had none yet counts from when it was taken up. Where several daemons share the
// clusters and this one has none, it is late with nothing: that is now.
func (f *Fleet) LastPass() time.Time {
	held := f.held()
	if f.Shared && len(held) == 0 {
		return f.Clock.Now()
	}
	f.mu.Lock()
	oldest := f.passed
	f.mu.Unlock()
	if oldest.IsZero() {
		return oldest
	}
	if f.Shared {
		oldest = f.Clock.Now() // the last pass may have been over a cluster that is another's by now
	}
	for _, r := range held {
		at := r.engine.LastPass()
		if at.IsZero() {
			at = r.began
		}
		if at.Before(oldest) {
			oldest = at
		}
	}
	return oldest
}

// Configured is the target as the configuration in force describes it; false when there is none here.
func (f *Fleet) Configured(k evaluator.Key) (*evaluator.Target, bool) {
	r := f.of(k)
	if r == nil {
		return nil, false
	}
	return r.engine.Configured(k)
}

// Unlisted are the accounts whose clusters and the clusters whose services could not all be listed, and the services whose
// tags could not be read: there may be targets in them that nobody knows. It waits for passes under way.
func (f *Fleet) Unlisted() []string {
	names := f.failedLists()
	for _, r := range f.held() {
		r.gate <- struct{}{}
		names = append(names, r.engine.Unlisted()...)
		<-r.gate
	}
	slices.Sort(names)
	return names
}

// failedLists are the accounts whose clusters could not be listed the last time.
func (f *Fleet) failedLists() (names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range f.patterned() {
		if a := f.accounts[name]; a != nil && a.failed {
			names = append(names, accountText(name))
		}
	}
	return names
}

// RegisterScalableTarget is Engine.RegisterScalableTarget of the engine that has the target. It waits for a pass of that
// engine, and fails when ctx ends before it is its turn.
func (f *Fleet) RegisterScalableTarget(ctx context.Context, k evaluator.Key, change Registration) error {
	return f.command(ctx, k, func(e *Engine) error { return e.RegisterScalableTarget(k, change) })
}

// command has the engine that has a target carry something out between two passes, and makes the next pass at once. Where ctx ends
// first, or the target is nobody's here, nothing is changed.
func (f *Fleet) command(ctx context.Context, k evaluator.Key, carryOut func(*Engine) error) error {
	r := f.of(k)
	if r == nil {
		return fmt.Errorf("%w: another daemon steers the cluster of %s, or it has not been found yet", ErrNotSteered, k)
	}
	switch err := r.lock(ctx); {
	case errors.Is(err, errGone):
		return fmt.Errorf("%w: the cluster of %s has just been given up", ErrNotSteered, k)
	case err != nil:
		return fmt.Errorf("%s: nothing was changed, because a pass over its cluster took too long: %w", k, err)
	}
	defer r.unlock()
	if err := carryOut(r.engine); err != nil {
		return err
	}
	f.mu.Lock()
	r.next = time.Time{}
	f.mu.Unlock()
	r.wake()
	f.rouse()
	return nil
}
