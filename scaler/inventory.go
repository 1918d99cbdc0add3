package scaler

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/observe"
)

// discoveryInterval is how often services that match a pattern are looked for. A new service then
// comes under the daemon's care within five minutes, at a fraction of AWS's 20 list calls a second.
const discoveryInterval = 5 * time.Minute

// discoveryRetry is how soon a list that failed is asked for again.
const discoveryRetry = time.Minute

// inventory knows which services the configuration means: those it names and those that match.
type inventory struct {
	config *config.Config
	// patterns are the cluster parts of all entries that need a list, each once.
	patterns []string
	// byTags says that some entry selects by ECS tags: then every candidate is described first.
	byTags bool
	// found are the services listed last, by the pattern they were listed for.
	found map[string][]evaluator.Key
	// tags are those of the candidates described so far, only when byTags.
	tags map[evaluator.Key]map[string]string
	next time.Time
	// listed says that every pattern has been listed, or has failed, once.
	listed bool
}

// binding is one service and the entry of the configuration that steers it.
type binding struct {
	key   evaluator.Key
	entry *config.Target
}

func newInventory(c *config.Config) inventory {
	inv := inventory{config: c, found: map[string][]evaluator.Key{}, tags: map[evaluator.Key]map[string]string{}}
	for _, t := range c.Targets {
		inv.byTags = inv.byTags || len(t.Tags) > 0
		if t.IsPattern() && !slices.Contains(inv.patterns, t.Cluster) {
			inv.patterns = append(inv.patterns, t.Cluster)
		}
	}
	inv.listed = len(inv.patterns) == 0
	return inv
}

// reload keeps what is known of the account and lists anew at the next pass.
func (inv inventory) reload(c *config.Config) inventory {
	n := newInventory(c)
	for _, p := range n.patterns {
		n.found[p] = inv.found[p]
	}
	n.tags = inv.tags
	return n
}

// discover lists the services of every pattern when it is time to. A list that fails keeps what was
// found before: a service is never dropped because AWS did not answer.
func (e *Engine) discover(ctx context.Context, now time.Time) {
	inv := &e.inventory
	if len(inv.patterns) == 0 || now.Before(inv.next) {
		return
	}
	inv.next = now.Add(discoveryInterval)
	for _, p := range inv.patterns {
		keys, err := e.Services.List(ctx, p)
		if err != nil {
			inv.next = now.Add(discoveryRetry)
			e.problem("list", p, err, "ecs:ListServices")
			continue
		}
		e.solved("list", p)
		inv.found[p] = keys
	}
	inv.listed = true
	e.sync()
}

// candidates are the services that tags must decide about and that have not been described yet.
func (inv *inventory) candidates() []evaluator.Key {
	if !inv.byTags {
		return nil
	}
	var keys []evaluator.Key
	for _, k := range inv.keys() {
		if _, known := inv.tags[k]; !known {
			keys = append(keys, k)
		}
	}
	return keys
}

// retag takes the tags of a description, if tags matter, and says whether they are news.
func (inv *inventory) retag(d *observe.Described) bool {
	if !inv.byTags || d.Err != nil {
		return false
	}
	old, known := inv.tags[d.Key]
	if known && maps.Equal(old, d.Tags) {
		return false
	}
	inv.tags[d.Key] = d.Tags
	return true
}

// keys are all services that some entry may mean, sorted, each once.
func (inv *inventory) keys() []evaluator.Key {
	var keys []evaluator.Key
	for _, t := range inv.config.Targets {
		if !t.IsPattern() {
			keys = append(keys, evaluator.Key{Cluster: t.Cluster, Service: t.Service})
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
	for _, k := range inv.keys() {
		tags, known := inv.tags[k]
		if inv.byTags && !known {
			continue
		}
		entry, others := inv.config.Select(k.Cluster, k.Service, tags)
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
	return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Service, b.Service))
}

// sync makes the engine's targets those that the inventory means: new ones are taken up, changed
// ones keep their memory, and the others are let go (their memory stays in the store).
func (e *Engine) sync() {
	warned := map[[2]*config.Target]bool{}
	bound := e.inventory.bindings(func(chosen, other *config.Target) {
		if pair := [2]*config.Target{chosen, other}; !warned[pair] {
			warned[pair] = true
			e.Logger.Warn("several entries match one service; the first or the more exact one holds",
				zap.String("entry", place(chosen)), zap.String("ignored", place(other)))
		}
	})
	stays := make(map[evaluator.Key]bool, len(bound))
	for _, b := range bound {
		stays[b.key] = true
		e.adopt(b)
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
func (e *Engine) adopt(b binding) {
	t := e.targets[b.key]
	if t != nil && t.entry == b.entry {
		return
	}
	spec := b.entry.Bind(b.key.Cluster, b.key.Service)
	if t == nil {
		t = e.newTarget(spec)
		e.removed = slices.DeleteFunc(e.removed, func(k evaluator.Key) bool { return k == b.key })
		e.targets[b.key] = t
	}
	old := t.entries
	t.entry, t.spec = b.entry, spec
	t.memory.Bind(spec)
	t.dirty = true
	e.track(t)
	e.untrack(old)
}

// release lets a target go.
func (e *Engine) release(t *target) {
	e.untrack(t.entries)
	delete(e.targets, t.spec.Key)
	e.removed = append(e.removed, t.spec.Key)
}
