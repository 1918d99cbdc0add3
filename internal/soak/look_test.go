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
	if w.crew != nil {
		w.crew.look(time.Now())
		return
	}
	if p := w.process; p != nil && !p.dead {
		w.lookAt(p, time.Now())
	}
}

func (w *world) lookAt(p *process, now time.Time) {
	if w.looks++; w.looks%8 == 1 || p.slotsOf != p.version || p.overdue(now) {
		p.findSlots() // also for those of targets that have gone, as they do whose service is no longer listed
	}
	calm := w.troubled.over(now) && !w.full && now.Sub(latest(p.began, w.published)) > settling
	w.totals.checks["a due look happens"] += int64(len(p.slots))
	for i := range p.slots {
		next := p.slots[i].next()
		if !next.IsZero() && now.Sub(next) <= grace {
			w.totals.served++
			continue
		}
		if w.totals.outages++; calm {
			w.violate("a due look happens", p.slots[i].service.key.String(), "the next look was due at %s", next.Format(time.RFC3339))
		}
	}
}

// next is when the service was to be looked at again, as the last decision about it has it.
func (s *slot) next() (next time.Time) {
	s.latest.View(func(d *evaluator.Decision) { next = d.Next })
	return next
}

// overdue says that some look that is known to be due has not happened.
func (p *process) overdue(now time.Time) (late bool) {
	for i := range p.slots {
		late = late || now.Sub(p.slots[i].next()) > grace
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
