package soak

import (
	"slices"
	"time"

	"ecs-autoscaler/sim"
)

// happenings are those of a world of several daemons: each befalls one of them, or the table, or the services.
func (c *crew) happenings() []*happening {
	own := func(do func()) func(*world) { return func(*world) { do() } }
	all := []*happening{
		{name: "fault", every: 4 * hour, do: (*world).injectFault},
		{name: "table", every: 4 * hour, do: own(c.injectTableFault)},
		{name: "trap", every: 4 * hour, do: own(c.setTrap)},
		{name: "kill", every: 12 * hour, do: own(c.killOne)},
		{name: "restart", every: 8 * hour, do: own(c.restart)},
		{name: "join", every: 16 * hour, do: own(c.join)},
		{name: "reload", every: 6 * hour, do: (*world).reload},
		{name: "partition", every: 5 * hour, do: own(c.partition)},
		{name: "sleep", every: 12 * hour, do: own(c.suspendOne)},
		{name: "skew", every: 24 * hour, do: own(c.setClock)},
		{name: "slow", every: 16 * hour, do: own(c.slowNetwork)},
		{name: "api", every: 6 * hour, do: (*world).compareAPI},
		{name: "foreign", every: 2 * day, perService: true, do: (*world).otherHand},
		{name: "deploy", every: 3 * day, perService: true, do: (*world).deployOne},
		{name: "crash", every: 4 * day, perService: true, do: (*world).crashTasks},
		{name: "room", every: 8 * day, perService: true, do: (*world).noRoom},
		{name: "status", every: 30 * day, perService: true, do: (*world).retire},
	}
	if only := c.mutant.befall; only != nil {
		all = slices.DeleteFunc(all, func(h *happening) bool { return !slices.Contains(only, h.name) })
	}
	return all
}

// ofTable are the faults of DynamoDB.
var ofTable = []sim.FaultKind{
	sim.Throttling, sim.ServerError, sim.TransactionConflict, sim.TransactionConflict, sim.AccessDenied, sim.ExpiredCredentials,
	sim.TimeoutBefore, sim.TimeoutAfter, sim.TimeoutAfter, sim.Hang, sim.ConnectionReset, sim.ConnectionResetAfter, sim.ConnectionResetAfter, sim.Slow,
}

// injectTableFault has something go wrong between all daemons and the table.
func (c *crew) injectTableFault() {
	f := sim.Fault{Kind: one(c.r, ofTable...), API: "dynamodb", From: c.region.Elapsed(), Probability: 0.2 + 0.8*c.r.Float64()}
	length := seconds(c.r, 5, 600)
	if chance(c.r, 0.1) {
		length = seconds(c.r, 600, 3600)
	}
	f.To = f.From + length
	f.Operation = one(c.r, "", "", "TransactWriteItems", "TransactWriteItems", "Query", "GetItem", "UpdateItem", "PutItem")
	if f.Kind == sim.TransactionConflict {
		f.Operation = one(c.r, "", "TransactWriteItems", "UpdateItem")
	}
	if f.Kind == sim.Slow {
		f.Delay = time.Duration(100+c.r.IntN(4000)) * time.Millisecond
	}
	id, err := c.region.Inject(f)
	if err != nil {
		c.t.Fatal(err)
	}
	c.upset(length + 3*time.Minute)
	c.later(length+time.Second, func() { c.region.Clear(id) })
}

// setTrap has one die, or fall asleep, at one of its next commits or writes to ECS.
func (c *crew) setTrap() {
	s := c.some()
	if s == nil {
		return
	}
	m := one(c.r, beforeCommit, afterCommit, afterIntent, afterIntent, beforeSend, afterEffect, afterAnswer, beforeLease, afterLease)
	t := trap{moment: m, left: 1 + c.r.IntN(3)}
	if m == beforeCommit || m == afterCommit {
		t.left = 1 + c.r.IntN(12)
	}
	if chance(c.r, 0.35) {
		t.nap = time.Duration(one(c.r, 2, 4, 6, 15, 28, 60, 300)) * time.Second
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	if s.process != nil {
		s.process.trap = t
	}
}

// killOne is kill -9 at any instant.
func (c *crew) killOne() {
	if s := c.some(); s != nil {
		c.lock.Lock()
		defer c.lock.Unlock()
		if p := s.process; p != nil && !p.dead {
			c.totals.crash("at a random instant")
			p.kill()
		}
	}
}

// restart replaces daemons by new ones, one or all of them: the new one first, or the old one first.
func (c *crew) restart() {
	all := c.alive()
	if len(all) == 0 {
		return
	}
	if chance(c.r, 0.5) {
		all = []*seat{all[c.r.IntN(len(all))]}
	}
	first := chance(c.r, 0.5)
	for i, s := range all {
		c.later(time.Duration(i)*seconds(c.r, 5, 120)+time.Duration(i)*1009, func() { c.replace(s, first) })
	}
}

// replace restarts the daemon of a seat.
func (c *crew) replace(s *seat, newFirst bool) {
	p := c.on(s)
	if p == nil || p.gone() || s.extra {
		return
	}
	c.totals.restarts++
	if !newFirst {
		c.stop(s)
		c.later(time.Duration(one(c.r, 0, 1, 20))*time.Second+2003, func() { c.start(s) })
		return
	}
	old := &seat{number: s.number, machine: s.machine, process: p, extra: true}
	c.lock.Lock()
	c.seats, s.process = append(c.seats, old), nil
	c.lock.Unlock()
	c.start(s)
	c.later(seconds(c.r, 1, 90)+3001, func() { c.stop(old) })
}

// join has another daemon take part for a while.
func (c *crew) join() {
	if len(c.alive()) > c.plan.daemons+1 {
		return
	}
	c.totals.joins++
	s := c.newSeat(true)
	c.start(s)
	c.later(seconds(c.r, 20, 7200), func() { c.stop(s) })
}

// reload has every daemon read the new configuration, one after the other. Whoever calls it holds the lock.
func (c *crew) reload() {
	for _, s := range c.living() {
		p := s.process
		c.later(seconds(c.r, 0, 120)+time.Duration(p.number)*13, func() {
			if !p.gone() {
				p.daemon.Reload()
			}
		})
	}
}

// partition cuts one off from AWS, from the table, or from both.
func (c *crew) partition() {
	s := c.some()
	if s == nil {
		return
	}
	ways := one(c.r, toAWS, toTable, toTable, toAWS|toTable)
	length := seconds(c.r, 5, 240)
	if chance(c.r, 0.3) {
		length = seconds(c.r, 240, 3600)
	}
	c.totals.fault(map[int]string{toAWS: "partition_aws", toTable: "partition_table", toAWS | toTable: "partition"}[ways])
	s.machine.cut.Store(int64(ways | one(c.r, 0, 0, refused)))
	s.process.upset(length + 3*time.Minute)
	c.later(length, func() { s.machine.cut.Store(0) })
}

func (c *crew) suspendOne() {
	if s := c.some(); s != nil {
		d := seconds(c.r, 5, 120)
		if chance(c.r, 0.3) {
			d = seconds(c.r, 120, 1800)
		}
		s.process.naps.take(d)
		c.totals.fault("machine_asleep")
		s.process.upset(d + 3*time.Minute)
	}
}

// setClock steps the wall clock of one machine.
func (c *crew) setClock() {
	if s := c.some(); s != nil {
		s.machine.skew.Store(c.r.Int64N(int64(20*time.Minute)) - int64(10*time.Minute))
		c.totals.fault("clock_step")
		s.process.upset(3 * time.Minute)
	}
}

func (c *crew) slowNetwork() {
	if s := c.some(); s != nil {
		length := seconds(c.r, 60, 1200)
		s.machine.setLatency(time.Duration(50+c.r.IntN(4000)) * time.Millisecond)
		c.totals.fault("slow_network")
		s.process.upset(length + 3*time.Minute)
		c.later(length, func() { s.machine.setLatency(0) })
	}
}

// quiet ends all trouble.
func (c *crew) quiet() {
	c.lock.Lock()
	for _, s := range c.seats {
		s.machine.cut.Store(0)
		s.machine.setLatency(0)
		if s.process != nil {
			s.process.trap = trap{}
		}
	}
	c.lock.Unlock()
	for _, s := range c.seats {
		if s.extra {
			c.stop(s)
		} else {
			c.start(s)
		}
		if p := c.on(s); p != nil {
			p.daemon.Reload()
		}
	}
	c.upset(10 * time.Minute)
}
