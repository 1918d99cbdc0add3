package soak

import (
	"slices"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/sim"
	"ecs-autoscaler/store"
)

// Tolerances, each with its reason; docs/soak.md lists them.
const (
	// clockError is how far the daemon's time may be from the region's without being corrected: two seconds, and one that both
	// AWS's dates and the engine's instants are cut by.
	clockError = 3 * time.Second
	// fresh is how old a decision may be when its write begins, patience how long the write may take.
	fresh, patience = 10 * time.Second, 8 * time.Second
	// raced is how long before the decision the description that it rests on may have been made.
	raced = 12 * time.Second
)

// oracle watches the region and the durable state and says what does not hold. It has its own arithmetic.
type oracle struct {
	w        *world
	services []*service
	byKey    map[evaluator.Key]*service
	bounds   []*bounds // by class
	records  map[string]*record
	count    int
	highest  map[string]uint64 // sequence by what it counts in: everything, or where there are several daemons a cluster
	tenures  map[string]*tenure
	tokens   map[string]bool      // of the transactions that were made
	undone   map[string]time.Time // activities that were taken out again
}

// service is one service as the region has it.
type service struct {
	key      evaluator.Key
	class    int
	deeds    []*deed
	records  []*record // newest last
	deployed time.Time
	// off is since when somebody else wants it to have no tasks, zero when nobody does.
	off time.Time
	// others are the instants at which somebody else wrote its desired count.
	others []time.Time
}

// record is an activity as the durable state has it.
type record struct {
	store.Activity
	service *service
	written []time.Time // when the region executed its write
	policy  *policy     // of the configuration it was decided with, nil for a change of bounds
	rules   *rules
	process int
	// changed is when it became durable as it is.
	changed time.Time
	// generation is that of the lease under which it was committed, begun the moment before that.
	generation uint64
	begun      time.Time
}

// deed is a write of ours that the region executed for the first time.
type deed struct {
	*record
	at   time.Time
	from int // the desired count before, as the region had it
	// most and fewest tasks ran when it was decided.
	most, fewest int
	// root is the most that ran when the chain of scale-outs began that this one continues.
	root int
}

func newOracle(w *world) *oracle {
	o := &oracle{
		w: w, byKey: map[evaluator.Key]*service{}, records: map[string]*record{}, highest: map[string]uint64{},
		tenures: map[string]*tenure{}, tokens: map[string]bool{}, undone: map[string]time.Time{},
	}
	for _, c := range w.plan.classes {
		for _, name := range c.services() {
			s := &service{key: evaluator.Key{Cluster: c.cluster, Service: name}, class: c.number}
			o.services = append(o.services, s)
			o.byKey[s.key] = s
		}
		o.bounds = append(o.bounds, newBounds(c.now))
	}
	o.count = len(o.services)
	return o
}

// adopted notes that a process works with another configuration from now on.
func (o *oracle) adopted(p *process) {
	for i, r := range p.version.rules {
		if o.w.crew == nil {
			o.bounds[i].adopt(r, time.Now())
		} else if t := o.tenures[o.w.plan.classes[i].cluster]; t != nil && t.holder == p {
			o.bounds[i].adoptShared(r, time.Now())
		}
	}
}

// died notes the end of a process.
func (*oracle) died(*process) {}

// foreign notes that somebody else writes a desired count.
func (o *oracle) foreign(s *service, n int) {
	now := time.Now()
	s.others = append(s.others, now)
	switch {
	case n > 0:
		s.off = time.Time{}
	case s.off.IsZero():
		for _, b := range o.bounds[s.class].at(now) {
			if b.min == 0 {
				return // a count like any other
			}
		}
		s.off = now
	}
}

// othersBetween says that somebody else wrote the desired count in that time.
func (s *service) othersBetween(from, to time.Time) bool {
	for _, at := range slices.Backward(s.others) {
		if !at.After(to) {
			return !at.Before(from)
		}
	}
	return false
}

// committed takes what has become durable.
func (o *oracle) committed(p *process, d *store.Durable) {
	o.w.totals.commits++
	for _, a := range d.Activities {
		o.activity(p, a)
	}
	o.counted("", d.Sequence)
}

// counted: the sequence never falls.
func (o *oracle) counted(what string, sequence uint64) {
	w := o.w
	w.checked("the sequence never falls")
	if sequence < o.highest[what] {
		w.violate("the sequence never falls", "", "the sequence %s is %d after %d", what, sequence, o.highest[what])
	}
	o.highest[what] = max(o.highest[what], sequence)
}

// activity checks one activity against what was known of it.
func (o *oracle) activity(p *process, a *store.Activity) {
	w := o.w
	s := o.byKey[a.Target]
	if s == nil {
		w.violate("activities are of services", a.Target.String(), "activity %s is of a service that there is not", a.ID)
		return
	}
	old := o.records[a.ID]
	if old == nil {
		o.newRecord(p, s, a)
		return
	}
	w.checked("an activity keeps what it is")
	if !old.same(a) {
		w.violate("an activity keeps what it is", s.key.String(), "%+v became %+v", old.Activity, *a)
	}
	w.checked("what has ended stays so")
	if !old.Open() && old.Status != a.Status {
		w.violate("what has ended stays so", s.key.String(), "activity %s is %s after %s", a.ID, a.Status, old.Status)
	}
	ended := old.Open() && !a.Open()
	old.Activity, old.changed = *a, time.Now()
	if ended {
		o.ended(old)
	}
}

// same says that it is the same activity, whatever has become of it.
func (r *record) same(a *store.Activity) bool {
	return r.From == a.From && r.To == a.To && r.StartTime.Equal(a.StartTime) && r.Policy == a.Policy && r.Generation == a.Generation
}

func (o *oracle) newRecord(p *process, s *service, a *store.Activity) {
	w := o.w
	r := &record{Activity: *a, service: s, process: p.number, changed: time.Now(), rules: p.version.rules[s.class]}
	o.records[a.ID] = r
	if a.Direction == evaluator.Hold { // of a scheduled action, which sets bounds
		return
	}
	w.checked("an intent stands before its write")
	if a.Status != evaluator.Pending {
		w.violate("an intent stands before its write", s.key.String(), "activity %s begins as %s", a.ID, a.Status)
	}
	if r.rules != nil {
		for _, q := range r.rules.policies {
			if q.name == a.Policy {
				r.policy = q
			}
		}
	}
	if a.Policy != "" && r.policy == nil {
		w.violate("policies are those of the configuration", s.key.String(), "activity %s is of the policy %q", a.ID, a.Policy)
	}
	s.records = append(s.records, r)
	w.totals.intents++
}

// wrote judges a write that the region has just executed.
func (o *oracle) wrote(t *trip, wr *sim.Write, at time.Time) {
	w, p := o.w, t.p
	s := o.byKey[evaluator.Key{Cluster: wr.Cluster, Service: wr.Service}]
	w.totals.writes++
	w.checked("every write has a durable intent")
	r := s.intent(wr.To)
	if r == nil {
		o.formerOwnHand(t, s, wr.To)
		w.violate("every write has a durable intent", s.key.String(), "%d -> %d was written without one", wr.From, wr.To)
		return
	}
	w.checked("a write follows its decision at once")
	if age := at.Sub(r.StartTime); age > fresh+patience+clockError || age < -clockError {
		w.violate("a write follows its decision at once", s.key.String(), "%d -> %d was written %s after the decision", wr.From, wr.To, age)
	}
	o.ownHand(t, r)
	r.written = append(r.written, at)
	if len(r.written) > 1 {
		o.again(r, wr, at)
		return
	}
	d := &deed{record: r, at: at, from: wr.From}
	o.judge(p, d)
	s.deeds = append(s.deeds, d)
}

// intent is the newest open one that sets a count.
func (s *service) intent(to int) *record {
	for _, r := range slices.Backward(s.records) {
		if r.Status == evaluator.Pending && r.To == to {
			return r
		}
	}
	return nil
}

// again judges a second execution of one write: that is the SDK, trying again what was not answered.
func (o *oracle) again(r *record, wr *sim.Write, at time.Time) {
	w := o.w
	w.checked("no step is applied twice")
	if wr.From != wr.To && !r.service.othersBetween(r.written[0], at) {
		w.violate("no step is applied twice", r.service.key.String(), "the write of activity %s changed %d -> %d again", r.ID, wr.From, wr.To)
	}
}

// ended checks that what an activity came to is what the region did.
func (o *oracle) ended(r *record) {
	w := o.w
	if r.Direction == evaluator.Hold {
		return
	}
	w.checked("an activity's end is the region's")
	now := time.Now()
	if wrong := o.wronglyEnded(r, now); wrong != "" {
		w.violate("an activity's end is the region's", r.service.key.String(), "activity %s %d -> %d is %s (%s), but %s", r.ID, r.From, r.To, r.Status, r.StatusMessage, wrong)
	}
}

// wronglyEnded says what of an activity's end is not so, or is empty. Where somebody else wrote meanwhile, more than one end is right.
func (o *oracle) wronglyEnded(r *record, now time.Time) string {
	others, executed := r.service.othersBetween(r.StartTime.Add(-raced-clockError), now), len(r.written) > 0
	alone := !others && !r.rewritten()
	switch {
	case r.Status == evaluator.Failed && executed && alone:
		return "was executed at " + r.written[0].Format(time.RFC3339Nano)
	case r.Status == evaluator.Successful && (!executed && !others || !o.fulfilled(r, now)):
		return "was not fulfilled"
	case r.Status == evaluator.Overridden && alone:
		return "nobody has changed it"
	default:
		return ""
	}
}

// rewritten says that a later write of ours followed.
func (r *record) rewritten() bool {
	for _, k := range slices.Backward(r.service.records) {
		switch {
		case k == r:
			return false
		case len(k.written) > 0 || k.Status != evaluator.Failed:
			return true
		}
	}
	return false
}

// fulfilled says that the service ran as many tasks as it wanted, and those of the activity, at some time since.
func (o *oracle) fulfilled(r *record, now time.Time) bool {
	for _, c := range o.history(r.service, r.StartTime.Add(-clockError), now) {
		if c.Desired == r.To && c.Running == r.To {
			return true
		}
	}
	return false
}

// history is how the counts of a service changed.
func (o *oracle) history(s *service, from, to time.Time) []sim.Counts {
	list, err := o.w.region.CountsBetween(s.key.Cluster, s.key.Service, from, to)
	if err != nil {
		o.w.t.Fatal(err)
	}
	return list
}
