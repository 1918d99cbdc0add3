package soak

import (
	"fmt"
	"slices"
	"time"

	"ecs-autoscaler/scaler/lease"
	"ecs-autoscaler/store"
)

// tenure is the lease of a cluster as the table has it.
type tenure struct {
	store.Lease
	since time.Time
	// holder is the process that it is the lease of, nil if it is nobody's.
	holder *process
	// expired says that it was taken from another that had not given it back.
	expired bool
}

func (t *tenure) String() string {
	if t == nil {
		return "nobody's yet"
	}
	return fmt.Sprintf("generation %d of %q since %s", t.Generation, t.Owner, t.since.Format(time.RFC3339Nano))
}

// changed takes what has become durable in the table that several daemons share.
func (o *oracle) changed(t *trip) {
	c := t.change
	if c.commits() {
		o.committedUnderLease(t)
		return
	}
	o.moved(t)
}

// moved takes a lease that has been taken or given back.
func (o *oracle) moved(t *trip) {
	w, c := o.w, t.change
	before := o.tenures[c.cluster]
	if before == nil {
		before = &tenure{}
	}
	w.checked("a lease's generation grows by one")
	if c.lease.Generation != before.Generation+1 {
		w.violate("a lease's generation grows by one", "", "that of %s is %d after %d", c.cluster, c.lease.Generation, before.Generation)
	}
	now := &tenure{Lease: c.lease, since: time.Now(), expired: before.Owner != "" && before.Owner != c.lease.Owner}
	o.tenures[c.cluster] = now
	if c.lease.Owner == "" {
		w.checked("only its owner gives a lease back")
		if before.holder != t.p {
			w.violate("only its owner gives a lease back", "", "%s gives back that of %s, which is %s", t.p.id, c.cluster, before)
		}
		w.crew.orphaned(c.cluster)
		return
	}
	if now.holder = t.p; t.p.id != c.lease.Owner {
		w.violate("a lease's generation grows by one", "", "%s takes that of %s for %s", t.p.id, c.cluster, c.lease.Owner)
	}
	w.crew.taken(c.cluster, before)
	w.totals.taken(before, c.lease.Owner)
	for i, r := range t.p.version.rules {
		if w.plan.classes[i].cluster == c.cluster {
			o.bounds[i].adoptShared(r, time.Now())
		}
	}
}

// committedUnderLease takes a transaction that the region has made, whether its answer arrives or not.
func (o *oracle) committedUnderLease(t *trip) {
	w, c := o.w, t.change
	if o.tokens[c.token] {
		return // a second attempt of what was done
	}
	o.tokens[c.token] = true
	w.totals.commits++
	w.digest.transaction(t)
	o.underLease(t)
	o.waited(t)
	for _, id := range c.undone {
		o.takenBack(id)
	}
	for _, a := range c.activities {
		o.activity(t.p, a)
		if r := o.records[a.ID]; r != nil && r.begun.IsZero() {
			r.generation, r.begun = c.lease.Generation, t.p.begun[c.cluster]
		}
	}
	o.counted(c.cluster, c.sequence)
}

// underLease: nothing becomes durable under a lease that has moved on.
func (o *oracle) underLease(t *trip) {
	w, c := o.w, t.change
	held := o.tenures[c.cluster]
	rules := []string{"one steers a cluster"}
	if t.p.slept() {
		rules = append(rules, "who has slept writes nothing with an old lease")
	}
	for _, rule := range rules {
		w.checked(rule)
		if held == nil || c.lease.Generation != held.Generation || held.holder != t.p {
			w.violate(rule, "", "a commit of %s to %s under generation %d is durable, the lease is %s", t.p.id, c.cluster, c.lease.Generation, held)
		}
	}
}

// waited: who takes a lease that was not given back leaves its former owner the time to send what it has committed.
func (o *oracle) waited(t *trip) {
	held := o.tenures[t.change.cluster]
	if held == nil || !held.expired {
		return
	}
	o.w.checked("who takes an expired lease waits")
	if since := time.Since(held.since); since < lease.SendWithin {
		o.w.violate("who takes an expired lease waits", "", "%s commits to %s after %s, the lease is %s", t.p.id, t.change.cluster, since, held)
	}
}

// takenBack: an intent that is taken out of the table was never sent.
func (o *oracle) takenBack(id string) {
	w, r := o.w, o.records[id]
	if r == nil {
		return // it never came in
	}
	w.checked("what is taken back was not done")
	if len(r.written) > 0 {
		w.violate("what is taken back was not done", r.service.key.String(), "activity %s to %d was executed at %s", id, r.To, r.written[0].Format(time.RFC3339Nano))
	}
	delete(o.records, id)
	o.undone[id] = time.Now()
	s := r.service
	for i, k := range s.records {
		if k == r {
			s.records = append(s.records[:i:i], s.records[i+1:]...)
			return
		}
	}
}

// undoneSince says that an activity was taken out after an instant.
func (o *oracle) undoneSince(id string, at time.Time) bool { return !o.undone[id].Before(at) }

// ownHand: a write is sent by the process that has committed its intent, and within the time for which the lease that
// it rests on still keeps the next owner from looking at the cluster.
func (o *oracle) ownHand(t *trip, r *record) {
	w := o.w
	if w.crew == nil {
		return
	}
	held := o.tenures[r.Target.Cluster]
	rules := []string{"one steers a cluster"}
	if t.p.slept() {
		rules = append(rules, "who has slept writes nothing with an old lease")
	}
	for _, rule := range rules {
		w.checked(rule)
		late := t.sent.Sub(r.begun)
		if r.process != t.p.number || late > lease.SendWithin {
			w.violate(rule, r.service.key.String(), "%d -> %d was sent by %s %s after the commit by process %d under generation %d, the lease is %s",
				r.From, r.To, t.p.id, late, r.process, r.generation, held)
		}
	}
}

// formerOwnHand is ownHand for a write whose intent somebody has settled meanwhile.
func (o *oracle) formerOwnHand(t *trip, s *service, to int) {
	for _, r := range slices.Backward(s.records) {
		if r.process == t.p.number && r.To == to && len(r.written) == 0 {
			o.ownHand(t, r)
			return
		}
	}
}

// slept says that the machine of a process has been asleep not long ago.
func (p *process) slept() bool {
	p.naps.mu.Lock()
	defer p.naps.mu.Unlock()
	n := len(p.naps.taken)
	return n > 0 && time.Since(p.naps.taken[n-1].from) < 2*hour
}

// doze puts the machine to sleep in the middle of something. Whoever calls it holds the lock.
func (p *process) doze(d time.Duration, where string) {
	p.naps.take(d)
	p.w.totals.fault("asleep " + where)
	p.upset(d + 3*time.Minute)
}

// upset says that until then something may be wrong with the process.
func (p *process) upset(d time.Duration) { p.machine.troubled.extend(d) }

// excused says that AWS or the machine may keep the process from what it should do. Whoever calls it holds the lock.
func (p *process) excused() bool {
	now := time.Now()
	return p.w.crew != nil && (p.dead || !p.w.troubled.over(now) || !p.machine.troubled.over(now))
}

// adoptShared is adopt for a cluster that goes from process to process. The one before may have left without having written down
// what it made of its own version: then this one changes what was there before that.
func (b *bounds) adoptShared(r *rules, now time.Time) {
	if r == b.rules {
		return
	}
	earlier := *b
	if b.earlier != nil {
		b.earlier.adopt(r, now)
	}
	b.adopt(r, now)
	if b.earlier != nil {
		for _, m := range b.earlier.may {
			b.may = add(b.may, m)
		}
	}
	earlier.earlier = nil
	earlier.may = append([]pair(nil), earlier.may...)
	b.earlier = &earlier
}
