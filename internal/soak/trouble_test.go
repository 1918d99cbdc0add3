package soak

import (
	"fmt"
	"slices"
	"time"

	"ecs-autoscaler/sim"
)

// happening is a kind of thing that befalls a world again and again.
type happening struct {
	name string
	// every is the mean time between two; perService divides it by the number of services.
	every      time.Duration
	perService bool
	do         func(w *world)
	next       time.Time
}

const hour, day = time.Hour, 24 * time.Hour

func (w *world) happenings() []*happening {
	if w.crew != nil {
		return w.crew.happenings()
	}
	return []*happening{
		{name: "fault", every: 3 * hour, do: (*world).injectFault},
		{name: "trap", every: 7 * hour, do: (*world).setTrap},
		{name: "kill", every: 14 * hour, do: (*world).killNow},
		{name: "restart", every: 20 * hour, do: (*world).restart},
		{name: "reload", every: 6 * hour, do: (*world).reload},
		{name: "disk", every: 20 * hour, do: (*world).fillDisk},
		{name: "sleep", every: 30 * hour, do: (*world).suspendMachine},
		{name: "skew", every: 30 * hour, do: (*world).setClock},
		{name: "slow", every: 24 * hour, do: (*world).slowNetwork},
		{name: "second", every: 24 * hour, do: (*world).twoAtOnce},
		{name: "api", every: 6 * hour, do: (*world).compareAPI},
		{name: "foreign", every: 2 * day, perService: true, do: (*world).otherHand},
		{name: "deploy", every: 3 * day, perService: true, do: (*world).deployOne},
		{name: "crash", every: 4 * day, perService: true, do: (*world).crashTasks},
		{name: "room", every: 8 * day, perService: true, do: (*world).noRoom},
		{name: "status", every: 30 * day, perService: true, do: (*world).retire},
	}
}

// undo is something that ends a happening.
type undo struct {
	at time.Time
	do func()
}

// trouble lets things happen until an instant.
func (w *world) trouble(until time.Time) {
	w.until(start.Add(15 * time.Minute)) // every target is seen before anything goes wrong
	all := w.happenings()
	for _, h := range all {
		w.schedule(h)
	}
	for !w.failed.Load() && time.Now().Before(until) {
		next := all[0]
		for _, h := range all {
			if h.next.Before(next.next) {
				next = h
			}
		}
		if !next.next.Before(until) {
			break
		}
		w.until(next.next)
		time.Sleep(aside)
		w.digest.happening(next.name)
		next.do(w)
		w.schedule(next)
	}
	w.until(until)
}

// aside keeps what happens, and answers that are late, out of the instants of a process and away from its deadlines: one that was
// started a second ago, while a second daemon waited for its file, acts at exactly the same nanosecond.
const aside = 1009 * time.Nanosecond

// schedule draws when a happening comes next.
func (w *world) schedule(h *happening) {
	mean := float64(h.every) / w.plan.pace
	if h.perService {
		mean /= float64(w.oracle.count)
	}
	h.next = time.Now().Add(time.Duration(w.r.ExpFloat64()*mean) + 1013)
}

// upset says that until then AWS, the clock or the disk may keep the daemon from looking.
func (w *world) upset(d time.Duration) { w.troubled.extend(d) }

// faultKinds are what may go wrong between the daemon and AWS, with how often.
var faultKinds = []sim.FaultKind{
	sim.Throttling, sim.Throttling, sim.ServerError, sim.ServerError, sim.AccessDenied, sim.ExpiredCredentials,
	sim.TimeoutBefore, sim.TimeoutAfter, sim.TimeoutAfter, sim.Hang, sim.ConnectionReset, sim.ConnectionResetAfter, sim.ConnectionResetAfter, sim.Slow,
	sim.PartialData, sim.InternalError, sim.Forbidden, sim.MissingDatapoints, sim.MissingDatapoints, sim.LateDatapoints, sim.LateDatapoints,
	sim.DuplicateDatapoints, sim.OutOfOrder,
}

// ofMetrics are those that strike single metrics.
var ofMetrics = []sim.FaultKind{
	sim.PartialData, sim.InternalError, sim.Forbidden, sim.MissingDatapoints, sim.LateDatapoints, sim.DuplicateDatapoints, sim.OutOfOrder,
}

func (w *world) injectFault() {
	f := sim.Fault{Kind: faultKinds[w.r.IntN(len(faultKinds))], From: w.region.Elapsed(), Probability: 0.2 + 0.8*w.r.Float64()}
	length := seconds(w.r, 30, 2400)
	if chance(w.r, 0.05) {
		length = seconds(w.r, 3600, 4*3600)
	}
	f.To = f.From + length
	if chance(w.r, 0.4) {
		f.Service = w.someClass().pattern()
	}
	if slices.Contains(ofMetrics, f.Kind) {
		f.Metric = one(w.r, "", "CPUUtilization", "*")
	} else {
		f.Operation = one(w.r, "", "UpdateService", "UpdateService", "DescribeServices", "GetMetricData", "List*")
	}
	if f.Kind == sim.Slow {
		f.Delay = seconds(w.r, 1, 20) + aside
	}
	id, err := w.region.Inject(f)
	if err != nil {
		w.t.Fatal(err)
	}
	w.upset(length + 3*time.Minute)
	w.later(length+time.Second, func() { w.region.Clear(id) })
}

// later has something done after a while, between two looks of the harness.
func (w *world) later(d time.Duration, do func()) {
	w.undos = append(w.undos, undo{time.Now().Add(d), do})
}

// settle does what is due.
func (w *world) settle(now time.Time) {
	kept := w.undos[:0]
	var due []undo
	for _, u := range w.undos {
		if u.at.After(now) {
			kept = append(kept, u)
		} else {
			due = append(due, u)
		}
	}
	w.undos = kept
	for _, u := range due {
		u.do()
	}
}

func (w *world) someClass() *class { return w.plan.classes[w.r.IntN(len(w.plan.classes))] }

func (w *world) someService() *service { return w.oracle.services[w.r.IntN(len(w.oracle.services))] }

// setTrap has the process die at one of the next durable writes or writes to ECS.
func (w *world) setTrap() {
	w.lock.Lock()
	defer w.lock.Unlock()
	if w.process == nil || w.process.dead {
		return
	}
	m := one(w.r, beforeCommit, afterCommit, beforeSend, afterEffect, afterAnswer)
	left := 1 + w.r.IntN(4)
	if m == beforeCommit || m == afterCommit {
		left = 1 + w.r.IntN(30)
	}
	w.process.trap = trap{moment: m, left: left}
}

// killNow is kill -9 at any instant.
func (w *world) killNow() {
	// Most instants are between two passes; half of the time it strikes at the next request or answer instead.
	w.lock.Lock()
	if w.process == nil || w.process.dead {
		w.lock.Unlock()
		return
	}
	w.totals.crash("at a random instant")
	w.process.kill()
	w.lock.Unlock()
	w.rise()
}

func (w *world) restart() {
	if w.process == nil {
		return
	}
	w.totals.restarts++
	w.stop()
	w.down([]time.Duration{0, 0, 30 * time.Second, 10 * time.Minute}[w.r.IntN(4)])
}

func (w *world) fillDisk() {
	length := seconds(w.r, 30, 3600)
	w.setFull(true)
	w.later(length, func() { w.setFull(false) })
}

func (w *world) setFull(full bool) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.full = full
}

// suspendMachine stops the machine's monotonic clock for a while, as when a virtual machine sleeps.
func (w *world) suspendMachine() {
	w.lock.Lock()
	defer w.lock.Unlock()
	if w.process == nil {
		return
	}
	d := seconds(w.r, 20, 1800)
	w.process.naps.take(d)
	w.totals.fault("machine_asleep")
	w.upset(d + 3*time.Minute)
}

// setClock steps the wall clock of the machine.
func (w *world) setClock() {
	w.machine.skew.Store(int64(seconds(w.r, -600, 600)))
	w.totals.fault("clock_step")
	w.upset(3 * time.Minute)
}

func (w *world) slowNetwork() {
	w.machine.setLatency(time.Duration(50+w.r.IntN(6000))*time.Millisecond + aside)
	w.totals.fault("slow_network")
	length := seconds(w.r, 60, 1200)
	w.upset(length + 3*time.Minute)
	w.later(length, func() { w.machine.setLatency(0) })
}

func (m *machine) setLatency(d time.Duration) { m.latency.Store(int64(d)) }

func (w *world) twoAtOnce() {
	if w.path != "" && w.process != nil {
		w.second()
	}
}

// happen makes something happen to a service.
func (w *world) happen(s *service, h sim.Happening) {
	if err := w.region.Happen(s.key.Cluster, s.key.Service, h); err != nil {
		w.t.Fatal(err)
	}
}

// otherHand is somebody else's write of the desired count; now and then one that switches the service off.
func (w *world) otherHand() {
	s := w.someService()
	w.lock.Lock()
	defer w.lock.Unlock()
	n := w.r.IntN(14)
	if chance(w.r, 0.1) {
		n = 0
		w.later(seconds(w.r, 60, 4*3600), func() {
			one := 1 + w.r.IntN(3)
			w.lock.Lock()
			defer w.lock.Unlock()
			w.totals.fault("foreign_write")
			w.oracle.foreign(s, one)
			w.happen(s, sim.Happening{Desired: &one})
		})
	}
	w.totals.fault("foreign_write")
	w.oracle.foreign(s, n)
	w.happen(s, sim.Happening{Desired: &n})
}

func (w *world) deployOne() {
	s := w.someService()
	w.lock.Lock()
	defer w.lock.Unlock()
	w.totals.fault("deployment")
	s.deployed = time.Now()
	yes, no := true, false
	if chance(w.r, 0.4) { // of something that does not start
		w.happen(s, sim.Happening{FailStarts: &yes})
		w.later(seconds(w.r, 600, 5400), func() { w.happen(s, sim.Happening{FailStarts: &no}) })
	}
	w.happen(s, sim.Happening{Deploy: true})
}

func (w *world) crashTasks() {
	w.totals.fault("task_crash")
	w.happen(w.someService(), sim.Happening{Kill: 1 + w.r.IntN(3)})
}

// noRoom keeps tasks from starting for a while.
func (w *world) noRoom() {
	s := w.someService()
	w.totals.fault("no_capacity")
	length := seconds(w.r, 120, 2*3600)
	if chance(w.r, 0.5) {
		limit, none := w.r.IntN(5), -1
		w.happen(s, sim.Happening{PlacementLimit: &limit})
		w.later(length, func() { w.happen(s, sim.Happening{PlacementLimit: &none}) })
		return
	}
	yes, no := true, false
	w.happen(s, sim.Happening{FailStarts: &yes})
	w.later(length, func() { w.happen(s, sim.Happening{FailStarts: &no}) })
}

// retire takes a service out of service for a while; somebody then brings it back.
func (w *world) retire() {
	s := w.someService()
	w.lock.Lock()
	defer w.lock.Unlock()
	w.totals.fault("service_gone")
	w.happen(s, sim.Happening{Status: one(w.r, "DRAINING", "INACTIVE")})
	w.oracle.foreign(s, 0)
	w.later(seconds(w.r, 120, 3*3600), func() {
		n := 1 + w.r.IntN(4)
		w.lock.Lock()
		defer w.lock.Unlock()
		w.oracle.foreign(s, n)
		w.happen(s, sim.Happening{Status: "ACTIVE", Desired: &n})
	})
}

// reload changes the configuration of some classes and has the daemon read it anew.
func (w *world) reload() {
	w.lock.Lock()
	defer w.lock.Unlock()
	for range 1 + w.r.IntN(3) {
		w.change(w.someClass())
	}
	w.publish()
	w.totals.reloads++
	if w.crew != nil {
		w.crew.reload()
		return
	}
	if w.process != nil && !w.process.dead {
		w.process.daemon.Reload()
	}
}

// change draws new rules for a class, which are a copy: versions are never changed.
func (w *world) change(c *class) {
	if c.now == nil {
		c.now = c.before
		return
	}
	k := *c.now
	r := w.r
	switch r.IntN(8) {
	case 0, 1:
		k.min = r.IntN(4)
		k.max = k.min + 1 + r.IntN(12)
	case 2:
		k.suspendedIn, k.suspendedOut = !k.suspendedIn, k.suspendedOut && chance(r, 0.5)
	case 3:
		k.suspendedOut = !k.suspendedOut
	case 4:
		k.policies = retuned(w, k.policies)
	case 5:
		k.duringDeployment = !k.duringDeployment
	case 6:
		if c.count == 1 || chance(r, 0.3) { // away with it for a while
			c.before, c.now = c.now, nil
			return
		}
	default:
		k.scopeTarget = !k.scopeTarget
	}
	c.now = &k
}

// retuned gives policies other cooldowns.
func retuned(w *world, old []*policy) []*policy {
	var tuned []*policy
	for _, p := range old {
		q := *p
		q.outCooldown = time.Duration(one(w.r, 0, 60, 120, 300)) * time.Second
		q.inCooldown = q.outCooldown
		if q.tracking {
			q.inCooldown = time.Duration(one(w.r, 0, 60, 300, 600)) * time.Second
		}
		tuned = append(tuned, &q)
	}
	return tuned
}

// quiet ends all trouble.
func (w *world) quiet() {
	w.region.Clear("")
	w.settle(time.Now().Add(1000 * hour))
	w.settle(time.Now().Add(1000 * hour))
	w.setFull(false)
	w.machine.setLatency(0)
	w.lock.Lock()
	changed := false
	for _, c := range w.plan.classes {
		if c.now == nil {
			c.now, changed = c.before, true
		}
	}
	if changed {
		w.publish()
	}
	if w.crew != nil {
		w.lock.Unlock()
		w.crew.quiet()
		return
	}
	p := w.process
	if p != nil {
		p.trap = trap{}
	}
	w.lock.Unlock()
	if p != nil && changed && !p.dead {
		p.daemon.Reload()
	}
	if w.process == nil && !w.failed.Load() {
		w.mustStart()
	}
	w.upset(10 * time.Minute)
}

func (w *world) String() string {
	return fmt.Sprintf("seed %d at %s", w.plan.seed, time.Now().Format(time.RFC3339))
}
