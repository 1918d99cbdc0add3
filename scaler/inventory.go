package scaler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/observe"
	"ecs-autoscaler/store"
)

// discoveryInterval is how often services that match a pattern are looked for. A new service then
// comes under the daemon's care within five minutes, at a fraction of AWS's 20 list calls a second.
const discoveryInterval = 5 * time.Minute

// discoveryRetry is how soon a list that failed is asked for again.
const discoveryRetry = time.Minute

// listWithin bounds the wait for all lists together; the largest accounts need half of it.
const listWithin = time.Minute

// retagInterval is how old the tags of a service that is no target may become, at most.
const retagInterval = 10 * time.Minute

// inventory knows which services the configuration means: those it names and those that match.
type inventory struct {
	config *config.Config
	// patterns are the cluster parts of all entries that need a list, each once.
	patterns []string
	// byTags says that some entry selects by ECS tags: then every candidate is described first.
	byTags bool
	// found are the services listed last, by the pattern they were listed for.
	found map[string][]evaluator.Key
	// seen are the services whose tags were asked for, only when byTags.
	seen map[evaluator.Key]*candidate
	next time.Time
	// listed says that every pattern has been listed, or has failed, once; failed are those that did the last time.
	listed bool
	failed []string
}

// candidate is a service that tags decide about.
type candidate struct {
	tags map[string]string
	// known is false when its tags could not be read yet.
	known bool
	// again is when to ask for the tags of one that is no target.
	again time.Time
}

// binding is one service and the entry of the configuration that steers it.
type binding struct {
	key   evaluator.Key
	entry *config.Target
}

func (e *Engine) newInventory() inventory {
	inv := inventory{config: e.Config, found: map[string][]evaluator.Key{}, seen: map[evaluator.Key]*candidate{}}
	for _, t := range e.Config.Targets {
		inv.byTags = inv.byTags || len(t.Tags) > 0
		cluster := t.Cluster
		if e.Scope != nil {
			cluster = e.Scope.Cluster // which of the clusters a pattern means has been found out
		}
		if t.IsPattern() && !slices.Contains(inv.patterns, cluster) {
			inv.patterns = append(inv.patterns, cluster)
		}
	}
	inv.listed = len(inv.patterns) == 0
	return inv
}

// reload keeps what is known of the account in an inventory that lists anew at the next pass.
func (inv inventory) reload(n inventory) inventory {
	for _, p := range n.patterns {
		n.found[p] = inv.found[p]
	}
	n.seen = inv.seen
	return n
}

// listed is what came of listing one pattern.
type listed struct {
	keys []evaluator.Key
	err  error
}

// discover lists the services of every pattern when it is time to. A list that fails in part adds what
// it found to what was found before: a service is never dropped because AWS did not answer.
func (p *pass) discover(ctx context.Context) {
	inv := &p.inventory
	late := p.now.Sub(inv.next)
	waits := inv.listed && p.looking && late < discoveryInterval
	if len(inv.patterns) == 0 || late < 0 || waits {
		return
	}
	lists := p.list(ctx)
	if ctx.Err() != nil {
		return
	}
	if slices.ContainsFunc(lists, func(l listed) bool { return errors.Is(l.err, observe.ErrRate) }) {
		inv.next = p.now.Add(second)
		return
	}
	p.takeLists(lists)
}

// takeLists makes what was just listed the inventory. Clusters that were listed at one moment are not again.
func (p *pass) takeLists(lists []listed) {
	inv, here := &p.inventory, evaluator.Key{Account: p.scope().Account, Cluster: p.scope().Cluster}
	inv.next, inv.failed = p.now.Add(discoveryInterval), nil
	if p.Scope != nil {
		inv.next = p.now.Add(spread(here, discoveryInterval))
	}
	for i, pattern := range inv.patterns {
		about := store.Scope{Account: p.scope().Account, Cluster: pattern}.String()
		if err := lists[i].err; err != nil {
			inv.next, inv.failed = p.now.Add(spread(here, discoveryRetry)), append(inv.failed, about)
			p.problem("list", about, err, "ecs:ListServices")
			inv.found[pattern] = union(inv.found[pattern], lists[i].keys)
			continue
		}
		p.solved("list", about)
		inv.found[pattern] = lists[i].keys
	}
	inv.listed = true
	p.sync()
}

// Unlisted are the clusters and patterns of clusters whose services could not all be listed, and the
// services whose tags could not be read, as of the last pass: there may be targets in them that nobody knows.
// Unlike the status methods it must not be called while a pass runs.
func (e *Engine) Unlisted() []string {
	names := slices.Clone(e.inventory.failed)
	for k, c := range e.inventory.seen {
		if !c.known {
			names = append(names, k.String())
		}
	}
	slices.Sort(names)
	return names
}

// list asks for all patterns at once, so that a cluster that does not answer delays no other's.
func (e *Engine) list(ctx context.Context) []listed {
	ctx, cancel := context.WithTimeout(ctx, listWithin)
	defer cancel()
	lists := make([]listed, len(e.inventory.patterns))
	var g errgroup.Group
	g.SetLimit(e.InFlight)
	for i, p := range e.inventory.patterns {
		g.Go(func() error {
			lists[i].keys, lists[i].err = e.Services.List(ctx, p)
			return nil
		})
	}
	_ = g.Wait() // the functions keep their errors in the lists
	return lists
}

func union(a, b []evaluator.Key) []evaluator.Key {
	all := slices.Concat(a, b)
	slices.SortFunc(all, compareKeys)
	return slices.Compact(all)
}

// candidates are the services that tags must decide about and that are to be described for it: those
// never asked first.
func (inv *inventory) candidates(now time.Time) []evaluator.Key {
	if !inv.byTags {
		return nil
	}
	var fresh, again []evaluator.Key
	for _, k := range inv.keys() {
		switch c := inv.seen[k]; {
		case c == nil:
			fresh = append(fresh, k)
		case !now.Before(c.again):
			again = append(again, k)
		}
	}
	return append(fresh, again...)
}

// nextCandidate is when some candidate is to be described; zero when there is none.
func (inv *inventory) nextCandidate(now time.Time) (next time.Time) {
	if !inv.byTags {
		return next
	}
	for _, k := range inv.keys() {
		c := inv.seen[k]
		if c == nil {
			return now
		}
		if next.IsZero() || c.again.Before(next) {
			next = c.again
		}
	}
	return next
}

// retag takes the tags of a description, if tags matter, and says whether they are news.
func (inv *inventory) retag(d *observe.Described, now time.Time) bool {
	if !inv.byTags {
		return false
	}
	c := inv.seen[d.Key]
	if c == nil {
		c = &candidate{}
		inv.seen[d.Key] = c
	}
	if d.Err != nil {
		c.again = now.Add(absentRetry)
		return false
	}
	c.again = now.Add(spread(d.Key, retagInterval))
	if c.known && maps.Equal(c.tags, d.Tags) {
		return false
	}
	c.tags, c.known = d.Tags, true
	return true
}

// forget lets go of the tags of services that are gone.
func (inv *inventory) forget(keys []evaluator.Key) {
	here := make(map[evaluator.Key]bool, len(keys))
	for _, k := range keys {
		here[k] = true
	}
	maps.DeleteFunc(inv.seen, func(k evaluator.Key, _ *candidate) bool { return !here[k] })
}

// keys are all services that some entry may mean, sorted, each once.
func (inv *inventory) keys() []evaluator.Key {
	var keys []evaluator.Key
	for _, t := range inv.config.Targets {
		if !t.IsPattern() {
			keys = append(keys, evaluator.Key{Account: t.Account, Cluster: t.Cluster, Service: t.Service})
		}
	}
	for _, p := range inv.patterns {
		keys = append(keys, inv.found[p]...)
	}
	slices.SortFunc(keys, compareKeys)
	return slices.Compact(keys)
}

// bindings pairs every service that is meant with its entry.
func (inv *inventory) bindings(warn func(chosen, other *config.Target)) []binding {
	var out []binding
	keys := inv.keys()
	inv.forget(keys)
	for _, k := range keys {
		var tags map[string]string
		if c := inv.seen[k]; inv.byTags {
			if c == nil || !c.known {
				continue
			}
			tags = c.tags
		}
		entry, others := inv.config.SelectKey(k, tags)
		if entry == nil {
			continue
		}
		for _, o := range others {
			warn(entry, o)
		}
		out = append(out, binding{k, entry})
	}
	return out
}

func compareKeys(a, b evaluator.Key) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Service, b.Service))
}

// sync makes the engine's targets those that the inventory means: new ones are taken up, changed
// ones keep their memory, and the others are let go (their memory stays in the store).
func (e *Engine) sync() {
	bound := e.inventory.bindings(func(chosen, other *config.Target) {
		if e.warned.first(chosen, other) {
			e.Logger.Warn("several entries match one service; the first or the more exact one holds",
				zap.String("entry", place(chosen)), zap.String("ignored", place(other)))
		}
	})
	stays := make(map[evaluator.Key]bool, len(bound))
	open := e.openActivities()
	for _, b := range bound {
		stays[b.key] = true
		e.adopt(b, open)
	}
	for k, t := range e.targets {
		if !stays[k] {
			e.release(t)
		}
	}
	e.order = e.order[:0]
	specs := make(map[evaluator.Key]*evaluator.Target, len(bound))
	for _, b := range bound {
		e.order = append(e.order, e.targets[b.key])
		specs[b.key] = e.targets[b.key].spec
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.specs = specs
}

// place is where an entry stands in the configuration.
func place(t *config.Target) string {
	return fmt.Sprintf("%s:%d: %s", t.File, t.Line, t.Pattern())
}

// adopt takes up one service, or gives one that is there already its new entry.
func (e *Engine) adopt(b binding, open map[evaluator.Key][]store.Activity) {
	t := e.targets[b.key]
	if t != nil && t.entry == b.entry {
		return
	}
	spec := b.entry.Bind(b.key.Cluster, b.key.Service)
	if t == nil {
		if t = e.leaving[b.key]; t == nil {
			t = e.newTarget(spec, open)
		}
		delete(e.leaving, b.key)
		e.targets[b.key] = t
		t.observation.Managed = e.managedOf(t)
	}
	old := t.entries
	t.entry, t.spec = b.entry, spec
	t.memory.Bind(spec)
	t.dirty = true
	e.track(t)
	e.untrack(old)
}

// release lets a target go, with everything that was said about it.
func (e *Engine) release(t *target) {
	e.untrack(t.entries)
	t.entries, t.metricDue = nil, nil
	delete(e.targets, t.spec.Key)
	e.leaving[t.spec.Key] = t
	e.telemetry.forget(t.spec.Key)
	for _, kind := range []string{"describe", "status", "write", problemManaged} {
		delete(e.troubles, problemKey{kind, t.spec.String()})
	}
}
