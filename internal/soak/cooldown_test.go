package soak

import (
	"slices"
	"time"

	"ecs-autoscaler/evaluator"
)

// span is what became of a write in the region.
type span struct {
	// fulfilled is when as many tasks ran as it wanted, zero if that was not before the end.
	fulfilled time.Time
	// disturbed says that the desired count became another one before.
	disturbed bool
}

// since looks at what became of a write up to an instant.
func (o *oracle) since(d *deed, until time.Time) (s span) {
	for _, c := range o.history(d.service, d.at, until) {
		switch {
		case c.From.After(until):
		case c.From.Before(d.at) && c.Desired != d.To: // before the write, in the same instant or earlier
		case c.Desired != d.To:
			s.disturbed = true
			return s
		case s.fulfilled.IsZero() && c.Running == d.To:
			s.fulfilled = latest(c.From, d.at)
			s.disturbed = s.fulfilled.Sub(d.at) > evaluator.FulfilWithin-2*time.Minute // it may have been given up
			return s
		}
	}
	return s
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// answers says that the cooldown of a policy counts from that write.
func (d *deed) answers(q *policy, r *rules) bool {
	return d.policy != nil && (d.policy.name == q.name || r.scopeTarget)
}

// cooledDown: a scale-in waits for the fulfilment of the policy's last one, and for its cooldown. A scale-out ends it.
func (o *oracle) cooledDown(d *deed) {
	w, s := o.w, d.service
	for _, before := range slices.Backward(s.deeds) {
		if before.policy != nil && before.Direction == evaluator.ScaleOut {
			o.cooledDownAfterScaleOut(d, before)
			return
		}
		if before.Direction != evaluator.ScaleIn || !before.answers(d.policy, d.rules) {
			continue
		}
		if s.othersBetween(before.at, d.at) {
			return // somebody may have overridden it before it was seen to be fulfilled
		}
		w.checked("no cooldown is lost or shortened")
		since := o.since(before, d.at)
		ends := since.fulfilled.Add(d.policy.inCooldown)
		switch {
		case since.disturbed: // by a schedule, a registration or another policy
		case since.fulfilled.IsZero():
			if d.at.Sub(before.at) < evaluator.FulfilWithin-clockError {
				w.violate("no cooldown is lost or shortened", d.about(), "%d -> %d by %s while its %d -> %d of %s is not fulfilled",
					d.From, d.To, d.policy.name, before.From, before.To, before.at.Format(time.RFC3339))
			}
		case d.at.Before(ends.Add(-clockError)):
			w.violate("no cooldown is lost or shortened", d.about(), "%d -> %d by %s at %s, the %d -> %d of %s was fulfilled at %s and its cooldown ends at %s",
				d.From, d.To, d.policy.name, d.at.Format(time.RFC3339Nano), before.From, before.To, before.at.Format(time.RFC3339Nano),
				since.fulfilled.Format(time.RFC3339Nano), ends.Format(time.RFC3339Nano))
		}
		return
	}
}

// cooledDownAfterScaleOut is for policies that must not scale in during their own scale-out cooldown.
func (o *oracle) cooledDownAfterScaleOut(d, before *deed) {
	w := o.w
	if d.rules.duringOut || !before.answers(d.policy, d.rules) || d.service.othersBetween(before.at, d.at) {
		return
	}
	since := o.since(before, d.at)
	if since.disturbed || since.fulfilled.IsZero() {
		return
	}
	w.checked("no scale-in in a scale-out cooldown")
	if ends := since.fulfilled.Add(d.policy.outCooldown); d.at.Before(ends.Add(-clockError)) {
		w.violate("no scale-in in a scale-out cooldown", d.about(), "%d -> %d by %s, its cooldown ends at %s", d.From, d.To, d.policy.name, ends.Format(time.RFC3339Nano))
	}
}

// creditCounts: while a scale-out is open or cools down, what it has added counts: no step is applied twice. Only chains
// that nobody else has disturbed are judged.
func (o *oracle) creditCounts(p *process, d *deed) {
	w, s := o.w, d.service
	d.root = max(d.most, d.from)                                  // what starts already is not of this chain
	for _, b := range o.bounds[d.service.class].at(d.StartTime) { // nor is what leads to the minimum, in the same decision
		d.root = max(d.root, b.min)
	}
	if d.Direction != evaluator.ScaleOut || len(s.deeds) == 0 || !d.countsCredit() || o.beyond(d) {
		return
	}
	before := s.deeds[len(s.deeds)-1]
	if !d.continues(before) || !o.runs(before, d) || d.most > max(before.To, before.root) {
		return
	}
	d.root = before.root
	low, high := p.metric(d)
	w.checked("no step is applied twice")
	if most := d.policy.furthest(evaluator.ScaleOut, d.root, low, high); d.To > most {
		w.violate("no step is applied twice", d.about(), "%d -> %d by %s during the cooldown of its %d -> %d of %s: from %d running at first, at most %d",
			d.From, d.To, d.policy.name, before.From, before.To, before.at.Format(time.RFC3339), d.root, most)
	}
}

// countsCredit says that the credit of the policy is what the oracle can work out: an exact capacity has none, and
// the difference of percents depends on what ran in between.
func (d *deed) countsCredit() bool {
	how := d.policy.adjustment
	return how == "ChangeInCapacity" || how != "ExactCapacity" && !d.rules.difference
}

// continues says that a scale-out may belong to the chain of the one before.
func (d *deed) continues(before *deed) bool {
	return before.Direction == evaluator.ScaleOut && before.policy != nil && before.policy.name == d.policy.name &&
		before.rules == d.rules && !d.service.othersBetween(before.at, d.at)
}

// runs says that a scale-out is still open, or its cooldown is not over.
func (o *oracle) runs(before, d *deed) bool {
	since := o.since(before, d.at)
	switch {
	case since.disturbed:
		return false
	case since.fulfilled.IsZero():
		return d.at.Sub(before.at) < evaluator.FulfilWithin
	default:
		return d.at.Before(since.fulfilled.Add(d.policy.outCooldown - clockError))
	}
}
