package soak

import (
	"time"

	"ecs-autoscaler/scaler/lease"
)

// takenWithin is how long a cluster may be nobody's: the lease time after its owner's death, and as long for a free one that is left to
// another who does not come for it. callsTake is what the calls themselves may take.
const (
	takenWithin = lease.Within + callsTake
	callsTake   = 5 * time.Second
)

// taken: a cluster that was nobody's has been taken in time, by whomever. Whoever calls it holds the lock.
func (c *crew) taken(cluster string, before *tenure) {
	orphaned, known := c.orphans[cluster]
	delete(c.orphans, cluster)
	if !known || before.Generation == 0 || c.changing() {
		return
	}
	for _, s := range c.living() {
		if s.able.IsZero() || s.process.excused() || !c.means(s.process, cluster) {
			continue
		}
		c.checked("a cluster is taken over")
		if since := latest(orphaned, s.able); time.Since(since) > takenWithin {
			c.violate("a cluster is taken over", "", "nobody had %s since %s, and %s could since %s; the lease was %s",
				cluster, orphaned.Format(time.RFC3339), s.process.id, s.able.Format(time.RFC3339), before)
		}
		return
	}
}

// changing says that the daemons may have different configurations, so that they do not agree on the shares.
func (c *crew) changing() bool { return time.Since(c.published) < 2*time.Minute+settling }

// look counts the services that had every due look in the past minute, each by the daemon that steers its cluster, and
// finds the clusters that nobody steers. Whoever calls it holds the lock.
func (c *crew) look(now time.Time) {
	c.measureAble(now)
	for _, s := range c.living() {
		s.process.findSlots()
	}
	services := map[string]int{}
	for _, s := range c.oracle.services {
		services[s.key.Cluster]++
	}
	for _, name := range c.plan.names {
		if services[name] > 0 {
			c.lookAtCluster(name, services[name], now)
		}
	}
}

// measureAble finds out since when each process could have taken something over.
func (c *crew) measureAble(now time.Time) {
	for _, s := range c.seats {
		switch {
		case s.process == nil || s.process.excused():
			s.able = time.Time{}
		case s.able.IsZero():
			s.able = now
		}
	}
}

// lookAtCluster looks whether a cluster is steered, and whether its services had their looks.
func (c *crew) lookAtCluster(name string, services int, now time.Time) {
	p := c.holder(name)
	if p == nil {
		c.orphaned(name)
		c.totals.downtime += time.Duration(services) * tick
		c.takenOver(name, now)
		return
	}
	t := c.oracle.tenures[name]
	calm := !p.excused() && now.Sub(latest(latest(p.began, t.since), latest(p.adopted, c.published.Add(2*time.Minute)))) > settling
	seen := 0
	for i := range p.slots {
		if p.slots[i].service.key.Cluster != name {
			continue
		}
		seen++
		c.checked("a due look happens")
		next := p.slots[i].next()
		if !next.IsZero() && now.Sub(next) <= grace {
			c.totals.served++
			continue
		}
		if c.totals.outages++; calm {
			c.violate("a due look happens", p.slots[i].service.key.String(), "the next look of %s was due at %s", p.id, next.Format(time.RFC3339))
		}
	}
	if seen == 0 && calm && c.steerable(p, name) {
		c.violate("a cluster is taken over", "", "%s has the lease of %s since %s, but does not steer it", p.id, name, t.since.Format(time.RFC3339))
	}
}

// steerable says that there is something to steer in a cluster.
func (c *crew) steerable(p *process, name string) bool {
	for _, s := range c.oracle.services {
		if s.key.Cluster != name || p.version.rules[s.class] == nil || s.othersBetween(time.Now().Add(-hour), time.Now()) {
			continue
		}
		if v, err := c.region.Service(name, s.key.Service); err == nil && v.Status == "ACTIVE" {
			return true
		}
	}
	return false
}

// takenOver: a cluster that nobody steers is taken by a daemon that could all the time.
func (c *crew) takenOver(name string, now time.Time) {
	for _, s := range c.living() {
		if s.able.IsZero() || !c.means(s.process, name) || c.changing() {
			continue
		}
		c.checked("a cluster is taken over")
		if since := latest(c.orphans[name], s.able); now.Sub(since) > takenWithin {
			c.violate("a cluster is taken over", "", "nobody has %s since %s, and %s could since %s; the lease is %s",
				name, c.orphans[name].Format(time.RFC3339), s.process.id, s.able.Format(time.RFC3339), c.oracle.tenures[name])
			delete(c.orphans, name)
			return
		}
	}
}

// means says that a cluster is in the configuration of a process.
func (c *crew) means(p *process, name string) bool {
	for i, r := range p.version.rules {
		if r != nil && c.plan.classes[i].cluster == name {
			return true
		}
	}
	return false
}
