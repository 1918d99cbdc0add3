package soak

import (
	"fmt"
	"math"
	"time"

	"ecs-autoscaler/evaluator"
)

// judge checks a write that has been executed for the first time.
func (o *oracle) judge(p *process, d *deed) {
	o.foundWhatItDecidedOn(d)
	o.withinBounds(d)
	o.notOff(d)
	o.measureBase(d)
	if d.policy == nil {
		return
	}
	o.notSuspended(d)
	o.onData(p, d)
	if o.sized(p, d) {
		o.creditCounts(p, d)
	}
	if d.Direction == evaluator.ScaleIn {
		o.notDuringDeployment(d)
		o.cooledDown(d)
		o.peersAreReady(p, d)
	}
}

func (d *deed) about() string { return d.service.key.String() }

// decided is the region's time from which on what the decision rests on was looked at.
func (d *deed) looked() time.Time { return d.StartTime.Add(-raced - clockError) }

// othersLately says that somebody else's hand came between the look and the write.
func (d *deed) othersLately() bool { return d.service.othersBetween(d.looked(), d.at) }

// foundWhatItDecidedOn: the count that the intent starts from is that of the region, and it leads where it says.
func (o *oracle) foundWhatItDecidedOn(d *deed) {
	w := o.w
	w.checked("an intent says what the region did")
	if d.From != d.from && !d.othersLately() {
		w.violate("an intent says what the region did", d.about(), "%d -> %d is recorded as %d -> %d", d.from, d.To, d.From, d.To)
	}
	w.checked("a scale-out raises, a scale-in lowers")
	if out := d.Direction == evaluator.ScaleOut; d.From == d.To || out != (d.To > d.From) {
		w.violate("a scale-out raises, a scale-in lowers", d.about(), "%s from %d to %d", d.Direction, d.From, d.To)
	}
}

// withinBounds: the count never leaves the bounds by our hand. A change of bounds leads to a bound.
func (o *oracle) withinBounds(d *deed) {
	w := o.w
	w.checked("the count stays within the bounds")
	may := o.bounds[d.service.class].at(d.StartTime)
	for _, b := range may {
		if d.To >= b.min && d.To <= b.max && (d.policy != nil || d.To == b.min || d.To == b.max || len(d.rules.actions) > 1) {
			return
		}
	}
	w.violate("the count stays within the bounds", d.about(), "%d -> %d (%s), the bounds are %v", d.From, d.To, d.Reason, may)
}

// notOff: what a person has switched off stays off, as long as 0 is not within the bounds.
func (o *oracle) notOff(d *deed) {
	s, w := d.service, o.w
	if d.rules.startOff || d.from != 0 || s.off.IsZero() || s.off.After(d.looked()) {
		return
	}
	b := o.bounds[s.class]
	for _, m := range b.at(d.StartTime) {
		if m.min == 0 {
			return
		}
	}
	if b.free.After(s.off) { // where 0 is within the bounds it is a count like any other, which a later min raises
		return
	}
	w.checked("what is switched off stays off")
	w.violate("what is switched off stays off", d.about(), "0 -> %d, it is off since %s", d.To, s.off.Format(time.RFC3339))
}

// measureBase finds the most and the fewest tasks that ran when it was decided.
func (o *oracle) measureBase(d *deed) {
	d.most, d.fewest = 0, math.MaxInt
	for _, c := range o.history(d.service, d.looked(), d.at) {
		d.most, d.fewest = max(d.most, c.Running), min(d.fewest, c.Running)
	}
}

func (o *oracle) notSuspended(d *deed) {
	o.w.checked("nothing moves in a suspended direction")
	if d.rules.suspendedIn && d.Direction == evaluator.ScaleIn || d.rules.suspendedOut && d.Direction == evaluator.ScaleOut {
		o.w.violate("nothing moves in a suspended direction", d.about(), "%s from %d to %d", d.Direction, d.From, d.To)
	}
}

// side is the alarm behind a direction of a policy.
func (p *policy) side(direction evaluator.Action) *alarm {
	if !p.tracking {
		return p.alarm()
	}
	if direction == evaluator.ScaleIn {
		return p.in
	}
	return p.out
}

// told is what a process knows of a policy's metric.
func (p *process) told(s *service, q *policy) *known {
	a := q.side(evaluator.ScaleOut)
	name := s.key.Service
	id := series{s.key.Cluster, name, q.metric.metricName(), q.metric.statistic(), q.metric.kind == "math", a.period}
	if q.metric.kind == "math" {
		id.metric = "RunningTaskCount"
	}
	return p.known[id]
}

// onData: a scale-in needs M real datapoints in ALARM and an answer in full; a scale-out one.
func (o *oracle) onData(p *process, d *deed) {
	w, q := o.w, d.policy
	rule := "a scale-in has its datapoints"
	if d.Direction == evaluator.ScaleOut {
		rule = "a scale-out has a datapoint"
	}
	w.checked(rule)
	a, k := q.side(d.Direction), p.told(d.service, q)
	if a == nil || k == nil || len(k.begins) == 0 {
		w.violate(rule, d.about(), "%s %d -> %d by %s, of whose metric nothing is known", d.Direction, d.From, d.To, q.name)
		return
	}
	if why := k.speaksAgainst(a, d); why != "" {
		w.violate(rule, d.about(), "%d -> %d by %s, whose metric %s", d.From, d.To, q.name, why)
	}
}

// speaksAgainst says why the datapoints that are known do not justify a write, or is empty.
func (k *known) speaksAgainst(a *alarm, d *deed) string {
	best, values := 0, []float64(nil)
	for _, newest := range k.newest() {
		v := k.window(a, newest)
		if n := a.breaching(v); n > best || values == nil {
			best, values = n, v
		}
	}
	needed := a.m
	if d.Direction == evaluator.ScaleOut {
		needed = 1
	}
	age := d.at.Unix() - (k.begins[len(k.begins)-1] + a.period)
	switch {
	case best < needed:
		return fmt.Sprintf("was %v: %d are beyond %g, %d are needed", values, best, a.threshold, needed)
	case d.Direction == evaluator.ScaleOut:
		return ""
	case !k.complete:
		return "could not be read last"
	case age > 300+60+a.period+int64((fresh+patience+clockError).Seconds()):
		return fmt.Sprintf("is %d s old", age)
	default:
		return ""
	}
}

// metric is what a policy may have computed with: the least and the greatest real datapoint of its window.
func (p *process) metric(d *deed) (low, high float64) {
	a, k := d.policy.side(d.Direction), p.told(d.service, d.policy)
	low, high = math.Inf(1), math.Inf(-1)
	if k == nil {
		return low, high
	}
	wide := *a
	wide.n += a.spare() + 1
	for _, newest := range k.newest() {
		for _, v := range k.window(&wide, newest) {
			low, high = min(low, v), max(high, v)
		}
	}
	return low, high
}

// furthest is the capacity farthest in a direction that a policy may want on a base and metrics between two.
func (p *policy) furthest(direction evaluator.Action, base int, low, high float64) int {
	if p.tracking {
		if direction == evaluator.ScaleIn {
			return int(math.Ceil(float64(base)*low/p.target - 1e-6))
		}
		return max(1, int(math.Ceil(float64(base)*high/p.target-1e-6)))
	}
	var all []int
	a := p.alarm()
	for _, s := range p.steps {
		if a.threshold+s.lower <= high+1e-6 && a.threshold+s.upper >= low-1e-6 {
			all = append(all, p.adjusted(base, s.by))
		}
	}
	if len(all) == 0 {
		return base
	}
	most, least := all[0], all[0]
	for _, n := range all {
		most, least = max(most, n), min(least, n)
	}
	if direction == evaluator.ScaleIn {
		return max(0, least)
	}
	return most
}

// adjusted applies one step (aws-semantics 2.3).
func (p *policy) adjusted(base, by int) int {
	switch p.adjustment {
	case "ExactCapacity":
		return by
	case "ChangeInCapacity":
		return base + by
	}
	change := int(math.Trunc(float64(base*by) / 100))
	if change == 0 && base*by != 0 {
		change = int(math.Copysign(1, float64(by)))
	}
	if p.magnitude > 0 && abs(change) < p.magnitude {
		change = int(math.Copysign(float64(p.magnitude), float64(by)))
	}
	return base + change
}

func abs(n int) int { return max(n, -n) }

// sized: a step is no larger than its policy makes it of what ran. It is false where that does not hold.
func (o *oracle) sized(p *process, d *deed) bool {
	w := o.w
	w.checked("a step has its size")
	low, high := p.metric(d)
	if math.IsInf(low, 0) {
		return true
	}
	beyond := o.beyond(d)
	switch {
	case beyond: // it only leads back to a bound
	case d.Direction == evaluator.ScaleOut:
		if most := d.policy.furthest(d.Direction, d.most, low, high); d.To > most {
			w.violate("a step has its size", d.about(), "%d -> %d by %s, of %d running and a metric up to %g at most %d", d.From, d.To, d.policy.name, d.most, high, most)
			return false
		}
	default:
		if least := d.policy.furthest(d.Direction, d.fewest, low, high); d.To < least {
			w.violate("a step has its size", d.about(), "%d -> %d by %s, of %d running and a metric from %g at least %d", d.From, d.To, d.policy.name, d.fewest, low, least)
			return false
		}
	}
	return true
}

// beyond says that the count goes to a bound, as one out of the bounds does, or one that a schedule or a registration moves
// in the same decision.
func (o *oracle) beyond(d *deed) bool {
	for _, b := range o.bounds[d.service.class].at(d.StartTime) {
		if d.To == b.min || d.To == b.max {
			return true
		}
	}
	return false
}

// notDuringDeployment: AWS holds scale-in while ECS deploys.
func (o *oracle) notDuringDeployment(d *deed) {
	w, s := o.w, d.service
	if d.rules.duringDeployment || s.deployed.IsZero() || s.deployed.After(d.looked()) {
		return
	}
	v, err := w.region.Service(s.key.Cluster, s.key.Service)
	if err != nil {
		w.t.Fatal(err)
	}
	w.checked("no scale-in while ECS deploys")
	if v.Deploying && !w.plan.classes[s.class].external {
		w.violate("no scale-in while ECS deploys", d.about(), "%d -> %d, a deployment began at %s", d.From, d.To, s.deployed.Format(time.RFC3339))
	}
}

// peersAreReady: target tracking removes capacity only when all its policies on the target are ready to.
func (o *oracle) peersAreReady(p *process, d *deed) {
	if !d.policy.tracking {
		return
	}
	for _, q := range d.rules.policies {
		if q == d.policy || !q.tracking || q.in == nil {
			continue
		}
		o.w.checked("all policies are ready to scale in")
		k, best := p.told(d.service, q), 0
		if k != nil {
			for _, newest := range k.newest() {
				best = max(best, q.in.breaching(k.window(q.in, newest)))
			}
		}
		if best < q.in.m {
			o.w.violate("all policies are ready to scale in", d.about(), "%d -> %d by %s, of %s only %d datapoints are below %g", d.From, d.To, d.policy.name, q.name, best, q.in.threshold)
		}
	}
}
