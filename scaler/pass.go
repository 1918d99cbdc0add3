package scaler

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/observe"
	"ecs-autoscaler/store"
)

// reservedCalls is how many DescribeServices calls a pass leaves for services that are about to be
// scaled while it works through those it has not seen yet. AWS allows 20 a second.
const reservedCalls = 10

// readWithin bounds the wait for metrics: the attempts of one call, each of which has a deadline of its own, and no more. What
// has not been read by then is read at a later look.
const readWithin = 40 * time.Second

// Report is what a pass did.
type Report struct {
	// Looked is how many targets were evaluated, Acted how many desired counts were written (or
	// would have been, in a dry run).
	Looked, Acted int
	// Requests and MetricsRequested are what CloudWatch was asked for.
	Requests, MetricsRequested int
	// Err is an error of the daemon's own: the state could not be written, or it wraps store.ErrFenced because the cluster
	// is another daemon's by now. Errors about single targets are not the pass's.
	Err error
}

// untilNext is how long to wait for the next pass.
func (e *Engine) untilNext(now time.Time) time.Duration {
	next := now.Add(longest)
	sooner := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	for _, t := range e.order {
		if t.known() || t.describeErr != nil {
			sooner(t.nextLook)
		}
		sooner(t.describeAt)
		if t.readable() && e.asksManaged() {
			sooner(t.managed.askAt)
		}
	}
	if e.Store.Health().Err != nil {
		sooner(now.Add(stateRetry))
	}
	if len(e.inventory.patterns) > 0 {
		sooner(e.inventory.next)
	}
	if next := e.inventory.nextCandidate(now); !next.IsZero() {
		sooner(next)
	}
	return max(next.Sub(now), soonest)
}

// pass is the work of one pass; it lives on the stack of Pass.
type pass struct {
	*Engine
	now time.Time
	// looking says that some target is due: then what is only refreshed waits for a pass of its own.
	looking bool
	due     []*target
	acting  []*target
	// found are the services of lost activities.
	found  map[evaluator.Key]*observe.Described
	report Report
}

// second is the resolution of the engine's time, which is that of AWS's cooldowns. Without it, a
// cooldown of 60 s that began some milliseconds after the minute would hold back two looks, not one.
const second = time.Second

// Pass looks at every target that is due at now, decides, acts and remembers. It never fails because
// of one target. When ctx ends, a write under way is finished and no other is begun.
func (e *Engine) Pass(ctx context.Context, now time.Time) Report {
	if e.fenced {
		return Report{Err: store.ErrFenced}
	}
	began := e.Clock.Now()
	now = now.Truncate(second)
	if e.moved() { // since the pass before, by an answer to somebody else
		e.lookAnew()
	}
	p := &pass{Engine: e, now: now}
	p.looking = slices.ContainsFunc(e.order, p.isDue)
	p.discover(ctx)
	p.describe(ctx)
	p.askManaged(ctx)
	p.collect()
	p.read(ctx)
	switch {
	case ctx.Err() != nil: // a read that the stop has cut short is nobody's lack of data
	case e.moved():
		e.lookAnew() // what was just read was asked for at a wrong time
	default:
		p.brakeFleet()
		p.decide()
		p.act(ctx)
	}
	p.describeLost(ctx)
	p.remember()
	e.finish(p, e.Clock.Now().Sub(began))
	return p.report
}

// corrections counts how often the clock has been moved, by AWS's dates or not at all.
func (e *Engine) corrections() int64 {
	if c, ok := e.Clock.(interface{ Corrections() int64 }); ok {
		return c.Corrections()
	}
	return 0
}

// moved says whether the clock has been moved since it was asked last.
func (e *Engine) moved() bool {
	before := e.corrected
	e.corrected = e.corrections()
	return e.corrected != before
}

// lookAnew makes everything due at once: after the clock was moved, times noted by it mean nothing.
func (e *Engine) lookAnew() {
	e.inventory.next, e.pruned = time.Time{}, time.Time{}
	for _, t := range e.order {
		t.nextLook, t.describeAt, t.managed.askAt, t.blocked, t.retry = time.Time{}, time.Time{}, time.Time{}, blocked{}, false
		clear(t.metricDue)
		t.dirty = t.memory.Rewind(t.spec, e.Clock.Now().Truncate(second), 0) || t.dirty
	}
	for _, tr := range e.tracked {
		tr.readAt = time.Time{}
	}
}

// collect finds the targets that are due.
func (p *pass) collect() {
	for _, t := range p.order {
		if p.isDue(t) {
			p.due = append(p.due, t)
		}
	}
}

// isDue says whether there is something to decide about a target; before it has been asked for there is not.
func (p *pass) isDue(t *target) bool {
	return (t.known() || t.describeErr != nil) && !p.now.Before(t.nextLook)
}

// read asks CloudWatch for the metrics of the due targets whose next bucket may have closed, each
// metric once however many policies and targets want it.
func (p *pass) read(ctx context.Context) {
	var entries []*observe.Entry
	for _, t := range p.due {
		entries = p.queue(t, entries)
	}
	if len(entries) == 0 {
		return
	}
	within, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	r := p.Metrics.Read(within, p.now, entries)
	p.report.Requests, p.report.MetricsRequested = r.Requests, r.MetricsRequested
	if ctx.Err() == nil {
		p.noteReadProblems(entries, r.Problems)
	}
}

// queue adds what of a target's metrics is due to what is read, and says so in the observation. What a
// rate stopped is due once more on the same datapoints, until there may be new ones.
func (p *pass) queue(t *target, entries []*observe.Entry) []*observe.Entry {
	readable, again := t.readable(), t.retry
	t.retry = false
	for i, tr := range t.entries {
		due := !p.now.Before(t.metricDue[i])
		if readable && due {
			t.evaluated = p.now
		}
		t.observation.Due[i] = readable && (due || again && t.observation.Due[i])
		fresh := p.interval(t.spec.Metrics[i].Period) / apart
		if t.awaits { // what was published since the look before must not wait for the one after
			fresh = second
		}
		if readable && due && !p.now.Before(tr.readAt.Add(fresh)) {
			tr.readAt = p.now
			entries = append(entries, tr.Entry)
		}
	}
	return entries
}

// decide evaluates every due target on what was just read. What holds is recorded; what would act,
// or might if the counts have changed meanwhile, goes on to act.
func (p *pass) decide() {
	d := &p.scratch
	for _, t := range p.due {
		p.believe(t)
		p.judge(t, p.now, d)
		switch {
		case awsapi.Classify(t.describeErr) == awsapi.Timeout:
			// It did not answer a moment ago: asking again would make all others wait, so it has its turn
			// at the end of a later pass.
			if d.Action != evaluator.Hold {
				d.Outcome = failed(awsapi.Timeout)
			}
			d.Registers, d.Pins = false, false // the count may be another by now: it is set right when ECS answers
			p.conclude(t, d)
		case d.Action != evaluator.Hold || t.deservesDescription(d, p.now):
			p.acting = append(p.acting, t)
			t.urgency = urgency(d)
		default:
			p.conclude(t, d)
		}
	}
	slices.SortStableFunc(p.acting, func(a, b *target) int { return a.urgency - b.urgency })
}

// believe looks at what is remembered of a target before the first look, when AWS has told the time: an instant far in the future,
// which somebody has written or a clock was wrong about, would hold the target until then.
func (p *pass) believe(t *target) {
	if t.looked || !t.memory.Rewind(t.spec, p.now, evaluator.MostAhead) {
		return
	}
	t.dirty = true
	p.Logger.Warn("the state had times in the future, more than a day from now; they count as now", zap.Stringer("target", t.spec))
}

// urgency orders what acts: scale-out first, so that when AWS's rate does not suffice for all it is
// the capacity that somebody waits for.
func urgency(d *evaluator.Decision) int {
	switch d.Action {
	case evaluator.ScaleOut:
		return 0
	case evaluator.Hold:
		return 1
	default:
		return lastly
	}
}

// lastly is the urgency of a scale-in.
const lastly = 2

// evaluate decides on one target at an instant.
func (e *Engine) evaluate(t *target, now time.Time, d *evaluator.Decision) {
	t.observation.Fleet = e.fleet
	evaluator.Evaluate(t.spec, &t.observation, t.memory, now, d)
	d.Outcome = evaluator.OutcomeNone
}

// judge is evaluate for what may become the decision on a target.
func (e *Engine) judge(t *target, now time.Time, d *evaluator.Decision) {
	e.evaluate(t, now, d)
	if e.Recorder != nil {
		t.concluded = e.Recorder.Evaluated(t.spec, &t.observation, t.memory, d)
	}
}

// recent is the age up to which a description need not be repeated: less than a look's interval, because looks are not
// exactly a minute apart.
const recent = 30 * time.Second

// deservesDescription reports whether a hold rests on counts that may have changed: a registration or an override that finds nothing to
// do, or a scale-out that only the count stopped, on a description that is not recent.
func (t *target) deservesDescription(d *evaluator.Decision, now time.Time) bool {
	if d.Registers || d.Pins {
		return t.observation.Service.DescribedAt.Before(now)
	}
	if now.Sub(t.observation.Service.DescribedAt) < recent {
		return false
	}
	for i := range d.Policies {
		p := &d.Policies[i]
		if p.HasWanted && p.Action == evaluator.ScaleOut || p.HasWanted && p.Wanted > d.Desired {
			return true
		}
	}
	return false
}

// conclude takes a decision as final: its alarm states, its registration and when to look again.
func (p *pass) conclude(t *target, d *evaluator.Decision) {
	t.looked = true
	p.takeBounds(t, d)
	if t.memory.Remember(t.spec, d) {
		t.dirty = true
	}
	p.expireSteering(t, d)
	p.noteConditions(t, d)
	p.plan(t, d, p.now)
	switch d.Outcome {
	case evaluator.OutcomeRateLimited, evaluator.OutcomeNotLeader:
		t.retry, t.nextLook = true, p.now.Add(time.Second)
	default:
	}
	d.Next = t.nextLook
	p.report.Looked++
	p.record(t, d)
	if t.concluded != nil {
		t.concluded(d.Outcome)
		t.concluded = nil
	}
}
