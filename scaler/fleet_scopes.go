package scaler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/store"
)

func compareScopes(a, b store.Scope) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Cluster, b.Cluster))
}

// Scopes are the clusters that the configuration means now, sorted: those that it names, and those of its patterns as they
// were last listed.
func (f *Fleet) Scopes() []store.Scope {
	f.mu.Lock()
	defer f.mu.Unlock()
	meant := map[store.Scope]bool{}
	for _, t := range f.config.Targets {
		a := f.accounts[t.Account]
		if a == nil {
			continue
		}
		if !t.AnyCluster() {
			meant[store.Scope{Account: t.Account, Cluster: t.Cluster}] = true
			continue
		}
		for _, name := range a.clusters {
			if t.InCluster(name) {
				meant[store.Scope{Account: t.Account, Cluster: name}] = true
			}
		}
	}
	scopes := make([]store.Scope, 0, len(meant))
	for sc := range meant {
		scopes = append(scopes, sc)
	}
	slices.SortFunc(scopes, compareScopes)
	return scopes
}

// patterned are the accounts in which the configuration has patterns of clusters, sorted. The caller holds the lock.
func (f *Fleet) patterned() []string {
	var names []string
	for _, t := range f.config.Targets {
		if t.AnyCluster() && !slices.Contains(names, t.Account) {
			names = append(names, t.Account)
		}
	}
	slices.Sort(names)
	return names
}

// sync has an engine for every cluster that is meant and lets go of the others, unless somebody else shares them out.
func (f *Fleet) sync() error {
	if f.Shared {
		return nil
	}
	f.syncing.Lock()
	defer f.syncing.Unlock()
	scopes := f.Scopes()
	unmeant := slices.DeleteFunc(f.held(), func(r *runner) bool {
		_, meant := slices.BinarySearchFunc(scopes, r.scope, compareScopes)
		return meant
	})
	for _, r := range unmeant {
		r.halt() // so that their writes under way end side by side
	}
	for _, r := range unmeant {
		f.Drop(r.scope)
	}
	var errs []error
	for _, sc := range scopes {
		errs = append(errs, f.Hold(context.Background(), sc, nil))
	}
	return errors.Join(errs...)
}

// Hold takes a cluster up: what is remembered of it is loaded, and passes over it begin. With the same fence again nothing
// happens; with another one the cluster is taken up anew. It fails for an account that is not there, and where the state
// cannot be loaded before ctx ends. Under a fence that is a problem that people are told of, until Hold works or Drop is called.
func (f *Fleet) Hold(ctx context.Context, sc store.Scope, fence *store.Fence) error {
	err := f.hold(ctx, sc, fence)
	if fence != nil && ctx.Err() == nil {
		f.noteHold(sc, err)
	}
	return err
}

// problemUnsteered is the kind of problem that a cluster has whose lease is this daemon's and that cannot be taken up.
const problemUnsteered = "state"

func (f *Fleet) noteHold(sc store.Scope, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if about := "cluster " + sc.String(); err == nil {
		f.complains.solved(problemUnsteered, about)
	} else {
		text := "the cluster cannot be taken up, so nobody steers it; it is tried again every few seconds: " + err.Error()
		f.complains.complain(problemUnsteered, about, awsapi.Classify(err), text)
	}
	f.complains.tell()
}

func (f *Fleet) hold(ctx context.Context, sc store.Scope, fence *store.Fence) error {
	changing := f.changing.at(sc)
	changing.Lock()
	defer changing.Unlock()
	f.mu.Lock()
	had, a, c := f.runners[sc], f.accounts[sc.Account], f.config
	f.mu.Unlock()
	if had != nil && had.sameFence(fence) {
		return nil
	}
	if had != nil {
		f.letGo(had)
	}
	if a == nil {
		return fmt.Errorf("cluster %s: there is no account of that name", sc)
	}
	if err := f.Store.Adopt(ctx, sc); err != nil {
		return err
	}
	logger := f.Logger
	if sc.Account != "" {
		logger = logger.With(zap.String("account", sc.Account))
	}
	r := newRunner(sc, fence, f.Clock.Now())
	err := r.engine.begin(Options{
		Config: c, Metrics: a.Metrics(), Services: a.Services(), Actuator: a.Actuator, Managed: a.Managed, Store: f.Store,
		Clock: f.Clock, Logger: logger, FixedPhase: f.FixedPhase, InFlight: f.InFlight, Brake: f.brake, Scope: &sc, Fence: fence,
		Recorder: f.Recorder, Notifier: f.Notifier, Region: a.Region,
	}, f.common)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.runners[sc] = r
	if f.config != c { // reloaded meanwhile, without this engine
		r.pending.Store(f.config)
	}
	if f.launch != nil {
		f.launch(r)
	}
	f.rouse()
	return nil
}

// rouse ends the wait of Run where all take turns.
func (f *Fleet) rouse() {
	select {
	case f.stir <- struct{}{}:
	default: // it is awake already
	}
}

// Drop lets go of a cluster: a write under way is finished, the last changes are committed, and what is in memory of it is
// forgotten, a problem of Hold's among it. It waits until that is done, which takes no longer than a write may.
func (f *Fleet) Drop(sc store.Scope) {
	changing := f.changing.at(sc)
	changing.Lock()
	defer changing.Unlock()
	f.mu.Lock()
	r := f.runners[sc]
	delete(f.complains.troubles, problemKey{problemUnsteered, "cluster " + sc.String()})
	f.mu.Unlock()
	if r != nil {
		f.letGo(r)
	}
}

func (f *Fleet) letGo(r *runner) {
	f.mu.Lock()
	delete(f.runners, r.scope)
	f.mu.Unlock()
	r.end()
	r.gate.Lock() // a registration may be under way, or where all take turns a pass
	defer r.gate.Unlock()
	r.gone = true
	f.brake.Forget(r.engine)
	r.engine.retire(f.Shared)
	if f.Shared {
		f.Store.Drop(r.scope)
	}
}

// retire lets go of all targets. What the engine still has to say is committed, and where the state stays in memory, that
// they are no targets any more.
func (e *Engine) retire(keep bool) {
	p := &pass{Engine: e, now: e.Clock.Now().Truncate(second)}
	if keep {
		p.remember()
	}
	for _, t := range e.order {
		e.release(t)
	}
	e.order = nil
	if !keep {
		p.remember()
	}
	e.tell()
}

// discover lists the clusters of every account whose list is due, all at once, and takes up what it finds.
func (f *Fleet) discover(ctx context.Context, now time.Time) error {
	var all []*listing
	f.mu.Lock()
	for _, name := range f.patterned() {
		if a := f.accounts[name]; a != nil && !now.Before(a.next) {
			all = append(all, &listing{account: a})
		}
	}
	f.mu.Unlock()
	if len(all) == 0 {
		return nil
	}
	if listAll(ctx, all); ctx.Err() == nil { // what a stop has cut short is nobody's failure
		f.mu.Lock()
		for _, l := range all {
			f.takeClusters(l, now)
		}
		f.complains.tell()
		f.mu.Unlock()
	}
	return f.sync()
}

// listing is one account's clusters being listed.
type listing struct {
	account *account
	found   []string
	err     error
}

// takeClusters makes what was just listed the account's clusters. A list that failed takes none away.
func (f *Fleet) takeClusters(l *listing, now time.Time) {
	a := l.account
	about, here := accountText(a.name), evaluator.Key{Account: a.name}
	a.listed, a.failed = true, l.err != nil
	if l.err != nil {
		a.next = now.Add(spread(here, discoveryRetry))
		f.complains.problem("clusters", about, l.err, "ecs:ListClusters")
		return
	}
	a.next = now.Add(discoveryInterval)
	a.clusters = l.found
	f.complains.solved("clusters", about)
}
