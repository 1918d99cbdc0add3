package config

import "ecs-autoscaler/evaluator"

// index prepares Select: exact names by key, patterns in file order.
func (c *Config) index() {
	c.exact = make(map[evaluator.Key][]*Target, len(c.Targets))
	for _, t := range c.Targets {
		if t.IsPattern() {
			c.patterns = append(c.patterns, t)
			continue
		}
		k := evaluator.Key{Account: t.Account, Cluster: t.Cluster, Service: t.Service}
		c.exact[k] = append(c.exact[k], t)
	}
}

// Select finds the entry for a service of the daemon's own account, see SelectKey.
func (c *Config) Select(cluster, service string, tags map[string]string) (t *Target, others []*Target) {
	return c.SelectKey(evaluator.Key{Cluster: cluster, Service: service}, tags)
}

// SelectKey finds the entry for a service: an exact name beats a pattern, else the first in the file
// counts. The others that match come back too, so that somebody can be warned; t is nil if none does.
func (c *Config) SelectKey(k evaluator.Key, tags map[string]string) (t *Target, others []*Target) {
	keep := func(candidate *Target) {
		switch {
		case !candidate.tagged(tags):
		case t == nil:
			t = candidate
		default:
			others = append(others, candidate)
		}
	}
	for _, candidate := range c.exact[k] {
		keep(candidate)
	}
	for _, candidate := range c.patterns {
		if candidate.matches(k) {
			keep(candidate)
		}
	}
	return t, others
}

// NeedsTags says whether any entry selects by tags, so that services must be described with theirs.
func (c *Config) NeedsTags() bool {
	for _, t := range c.Targets {
		if len(t.Tags) > 0 {
			return true
		}
	}
	return false
}

// matches says whether the entry's pattern does.
func (t *Target) matches(k evaluator.Key) bool {
	return t.Account == k.Account && glob(t.Cluster, k.Cluster) && glob(t.Service, k.Service)
}

func (t *Target) tagged(tags map[string]string) bool {
	for key, want := range t.Tags {
		if have, ok := tags[key]; !ok || have != want {
			return false
		}
	}
	return true
}
