package soak

import (
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// slot is where the last decision of a service is found without asking the store.
type slot struct {
	service *service
	latest  *store.Latest
}

// grace is how long after its due instant a look may come: a minute, and a few seconds for the pass itself.
const grace = 65 * time.Second

// settling is how long a daemon may take after its start until it has seen everything.
const settling = 4 * time.Minute

// look counts the services that had every due look in the past minute, and finds those that had not.
func (w *world) look() {
	w.lock.Lock()
	defer w.lock.Unlock()
	p := w.process
	if p == nil || p.dead {
		return
	}
	now := time.Now()
	if len(p.slots) == 0 || w.looks%8 == 0 || p.slotsOf != p.version {
		p.findSlots()
	}
	w.looks++
	if p.overdue(now) {
		p.findSlots() // some may be of targets that have gone, as those do whose service is no longer listed
	}
	calm := now.After(w.troubled) && !w.full && now.Sub(p.began) > settling && now.Sub(w.published) > settling
	w.totals.checks["a due look happens"] += int64(len(p.slots))
	for i := range p.slots {
		var next time.Time
		p.slots[i].latest.View(func(d *evaluator.Decision) { next = d.Next })
		switch {
		case !next.IsZero() && now.Sub(next) <= grace:
			w.totals.served++
		case !calm:
			w.totals.outages++
		default:
			w.totals.outages++
			w.violate("a due look happens", p.slots[i].service.key.String(), "the next look was due at %s", next.Format(time.RFC3339))
		}
	}
}

// overdue says that some look that is known to be due has not happened.
func (p *process) overdue(now time.Time) (late bool) {
	for i := range p.slots {
		p.slots[i].latest.View(func(d *evaluator.Decision) { late = late || now.Sub(d.Next) > grace })
	}
	return late
}

// findSlots looks up where the decisions are.
func (p *process) findSlots() {
	p.slots, p.slotsOf = p.slots[:0], p.version
	for _, row := range p.daemon.Store().Targets() {
		if s := p.w.oracle.byKey[row.Key]; s != nil && row.Latest != nil {
			p.slots = append(p.slots, slot{s, row.Latest})
		}
	}
}
