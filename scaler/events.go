package scaler

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
	"ecs-autoscaler/view"
)

// Notifier is told what happens. Notify never waits and may be called from several goroutines.
type Notifier interface{ Notify(e view.Event) }

// maxHeld is how many events wait for a state that cannot be written; then the oldest go.
const maxHeld = 1000

// herald makes events of what the engine does and finds out. What rests on the state is told when the state has it: a process
// that dies in between finds it out and tells it again, and nothing is told twice.
type herald struct {
	notifier   Notifier
	region     string
	scope      store.Scope
	dry        bool
	atMaxAfter time.Duration
	// on says that somebody listens.
	on   bool
	held []view.Event
}

// listen takes up what the configuration says about events.
func (h *herald) listen(c *config.Events) {
	h.atMaxAfter, h.on = c.AtMaxAfter, h.notifier != nil && c.Any()
	if !h.on {
		h.held = nil
	}
}

// tellNow passes an event on.
func (h *herald) tellNow(e view.Event) {
	e.Region, e.DryRun = h.region, h.dry
	h.notifier.Notify(e)
}

// hold keeps an event until the state has what it rests on.
func (h *herald) hold(e view.Event) {
	if len(h.held) >= maxHeld {
		h.held = h.held[1:]
	}
	h.held = append(h.held, e)
}

// tellCommitted tells what a commit has made lasting, the activities first: they came first.
func (e *Engine) tellCommitted(activities []*store.Activity) {
	h := &e.herald
	if !h.on {
		return
	}
	for _, a := range activities {
		h.activity(a, e.decisionBehind(a))
	}
	for i := range h.held {
		h.tellNow(h.held[i])
	}
	h.held = nil
}

// decisionBehind is the decision that an activity has just come from, nil for one that has ended since or is not a decision's.
func (e *Engine) decisionBehind(a *store.Activity) *evaluator.Decision {
	t := e.targets[a.Target]
	if t == nil || a.Direction == evaluator.Hold || a.Status != evaluator.InProgress && a.Status != evaluator.Failed {
		return nil
	}
	d, ok := t.latest.Get()
	if !ok || !d.Time.Equal(a.StartTime) || d.Action != a.Direction {
		return nil
	}
	return &d
}

// activity tells of an activity that has begun or ended, with the decision that it has just come from, if any. That one is
// intended is no event.
func (h *herald) activity(a *store.Activity, from *evaluator.Decision) {
	switch {
	case !h.on, a.Status == evaluator.Pending:
		return
	case a.Reason == store.ForeignWrite:
		h.foreign(a)
		return
	}
	e := view.About(config.EventScalingActivity, view.EventStatus(a.Status), a.Target, a.StartTime, a.ID)
	if !a.EndTime.IsZero() {
		e.Time = a.EndTime.UTC()
	}
	e.Message = a.Target.String() + ": " + cmp.Or(a.StatusMessage, a.Description)
	e.Activity = new(view.ActivityOf(a))
	if from != nil {
		e.Message = a.Target.String() + ": " + from.Message()
		e.Decision = new(view.DecisionOf(from))
	}
	h.tellNow(e)
}

// wish tells what a dry run would have done.
func (h *herald) wish(d *evaluator.Decision) {
	if !h.on || d.Outcome != evaluator.OutcomeDryRun {
		return
	}
	h.hold(aboutDecision(config.EventScalingActivity, view.DryRun, d, d.Time))
}

// foreign tells that somebody else has changed the desired count, by the record of it.
func (h *herald) foreign(a *store.Activity) {
	e := view.About(config.EventForeignWrite, "", a.Target, a.StartTime, a.ID)
	e.Message = fmt.Sprintf("%s: somebody else changed the desired count from %d to %d; it is respected.", a.Target, a.From, a.To)
	e.ForeignWrite = &view.Change{From: a.From, To: a.To}
	e.Activity = new(view.ActivityOf(a))
	h.tellNow(e)
}

// problem tells of a problem, or that it is solved, at once: that the state cannot be written, the state need not know. With a
// count it is about that many more of its kind.
func (h *herald) problem(n *news, count int, now time.Time) {
	if !h.on || n.again || n.conflict() {
		return
	}
	status, at := view.Begun, n.told.Truncate(second)
	if n.solved {
		status, at = view.Ended, now.Truncate(second)
	}
	k := evaluator.Key{Account: h.scope.Account, Cluster: h.scope.Cluster}
	about := n.about
	switch {
	case count > 0:
		about = ""
	case aboutService[n.kind]:
		k = evaluator.ParseKey(n.about)
	}
	e := view.About(config.EventFailure, status, k, at, n.kind, about, string(n.class))
	e.Message, e.Since = n.text, view.Instant(n.since.Truncate(second))
	if about != "" {
		e.Message = about + ": " + n.text
	}
	if n.solved {
		e.Message = "Solved: " + e.Message
	}
	if count > 0 {
		e.Message, e.Since = fmt.Sprintf("%s: and %d more of this kind.", e.Message, count), nil
	}
	e.Problem = &view.Problem{Kind: n.kind, About: about, Class: string(n.class), Solved: n.solved, Count: count}
	h.tellNow(e)
}

// conflict says that an event of its own kind tells of the problem.
func (n *news) conflict() bool {
	return n.kind == problemManaged && !strings.HasPrefix(n.about, "cluster ")
}

// aboutService are the kinds of problems that are about a service.
var aboutService = map[string]bool{"describe": true, "status": true, "write": true}

// aboutDecision is an event that a decision gives rise to, identified by an instant.
func aboutDecision(kind config.EventKind, status view.EventStatus, d *evaluator.Decision, at time.Time, what ...string) view.Event {
	e := view.About(kind, status, d.Target, at, what...)
	e.Time, e.Message = d.Time.UTC(), d.Target.String()+": "+d.Message()
	e.Decision = new(view.DecisionOf(d))
	return e
}

// noteConditions tells what a decision has shown to begin or to be over.
func (p *pass) noteConditions(t *target, d *evaluator.Decision) {
	if !p.herald.on {
		return
	}
	p.noteSteering(t, d)
	p.noteConflict(t, d)
	p.noteAtMax(t, d)
}

// noteConflict tells that Application Auto Scaling scales the target, too, whatever follows from that. While that is asked and has not been
// answered, it stays as it is.
func (p *pass) noteConflict(t *target, d *evaluator.Decision) {
	m := &t.managed
	if p.asksManaged() && !m.answered {
		return
	}
	c := condition{kind: config.EventConflict, holds: m.conflicts(), ended: "Application Auto Scaling does not scale it any more"}
	if !p.asksManaged() {
		c.ended = "nobody asks any more whether Application Auto Scaling scales it, too"
	}
	if _, told := t.memory.HasTold(string(c.kind), c.about); c.holds && !told {
		c.begun = cmp.Or(m.failure, p.conflictText(t))
	}
	p.condition(t, d, c)
}

// telling says that a decision tells whether the max holds a target back: one that knew too little does not.
func telling(d *evaluator.Decision) bool {
	switch d.Reason {
	case evaluator.ServiceNotDescribed, evaluator.NothingDue, evaluator.StaleData, evaluator.InsufficientData,
		evaluator.ManagedPoliciesUnknown, evaluator.ByOverride: // while that is in force nobody asks the policies
		return false
	default:
		return true
	}
}

// noteAtMax tells when the target has stood at its max and wished to scale out for long enough.
func (p *pass) noteAtMax(t *target, d *evaluator.Decision) {
	if !telling(d) {
		return
	}
	stands := d.Reason == evaluator.AlreadyAtMaxCapacity
	switch {
	case !stands:
		t.atMaxSince = time.Time{}
	case t.atMaxSince.IsZero():
		t.atMaxSince = d.Time
	}
	c := condition{kind: config.EventAtMax, holds: stands, since: t.atMaxSince, ended: "its max capacity does not hold it back any more"}
	if _, told := t.memory.HasTold(string(c.kind), c.about); stands && !told {
		if d.Time.Sub(t.atMaxSince) < p.herald.atMaxAfter {
			return
		}
		c.begun = fmt.Sprintf("it has stood at its max capacity of %d for %s, and a policy still wishes to scale out", d.Max, short(p.herald.atMaxAfter))
	}
	p.condition(t, d, c)
}

// short is a duration without the zeros that Go puts behind it: 10m, 1h30m, 90s.
func short(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0 && d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return d.String()
	}
}

// suspensions are the kinds of scaling that can be suspended, in words.
var suspensions = [...]struct {
	by                 evaluator.Steers
	name, begun, ended string
}{
	{evaluator.SteersIn, "dynamic_scaling_in", "scaling in by policies is suspended", "scaling in by policies is not suspended any more"},
	{evaluator.SteersOut, "dynamic_scaling_out", "scaling out by policies is suspended", "scaling out by policies is not suspended any more"},
	{evaluator.SteersScheduled, "scheduled_scaling", "scheduled scaling is suspended", "scheduled scaling is not suspended any more"},
}

// noteSteering tells which kinds of scaling have been suspended and resumed, by the registration or by a person, and whether a person
// has overridden the count.
func (p *pass) noteSteering(t *target, d *evaluator.Decision) {
	s := t.memory.InForce(t.spec).Suspended
	registered := [...]bool{s.DynamicScalingIn, s.DynamicScalingOut, s.Scheduled} // as in suspensions
	for i := range suspensions {
		each := &suspensions[i]
		by := steeredBy(t, each.by, d.Time)
		p.condition(t, d, condition{
			kind: config.EventSuspension, about: each.name, holds: registered[i] || by != nil, by: by, begun: each.begun, ended: each.ended,
		})
	}
	by := steeredBy(t, evaluator.SteersCount, d.Time)
	p.condition(t, d, condition{
		kind: config.EventOverride, holds: by != nil, by: by,
		begun: "the desired count is overridden", ended: "the desired count is not overridden any more",
	})
}

// steeredBy is what a person steers of a target at an instant, nil where nobody does.
func steeredBy(t *target, what evaluator.Steers, at time.Time) *evaluator.Steering {
	for i := range t.memory.Steering {
		if s := &t.memory.Steering[i]; s.Steers == what && s.InForce(at) {
			return s
		}
	}
	return nil
}

// condition is something that lasts, as a decision shows it.
type condition struct {
	kind  config.EventKind
	about string
	holds bool
	// since is when it began, the zero value is now.
	since time.Time
	// by is the person's will behind it, nil where it is nobody's.
	by *evaluator.Steering
	// begun and ended say what happened, empty what the decision says.
	begun, ended string
}

// condition tells of the beginning and the end of what lasts, each once.
func (p *pass) condition(t *target, d *evaluator.Decision, c condition) {
	told, known := t.memory.HasTold(string(c.kind), c.about)
	if c.by != nil {
		c.since = c.by.Since
	}
	renewed := known && c.by != nil && !c.since.Equal(told.Since)
	if known == c.holds && !renewed {
		return
	}
	status, text := view.Begun, c.begun
	if known && !renewed {
		status, text = view.Ended, c.ended
		t.memory.Untell(string(c.kind), c.about)
	} else {
		told = evaluator.Condition{Kind: string(c.kind), About: c.about, Since: c.since}
		if told.Since.IsZero() {
			told.Since = d.Time
		}
		t.memory.Tell(told)
	}
	t.dirty = true
	e := aboutDecision(c.kind, status, d, told.Since, c.about)
	e.Since = view.Instant(told.Since)
	if text != "" {
		e.Message = d.Target.String() + ": " + text + "."
	}
	c.describe(&e)
	p.herald.hold(e)
}

// describe adds to an event what it is about.
func (c *condition) describe(e *view.Event) {
	if c.kind == config.EventSuspension {
		e.Suspension = &view.Suspension{Suspended: c.about}
	}
	if c.by == nil {
		return
	}
	e.Message = e.Message[:len(e.Message)-1] + " until " + c.by.Until().UTC().Format(time.RFC3339) + ": " + c.by.Reason
	if e.Suspension != nil {
		e.Suspension.Until, e.Suspension.Reason = view.Instant(c.by.Until()), c.by.Reason
	} else {
		e.Override = &view.Override{Desired: c.by.Desired, Until: c.by.Until().UTC(), Reason: c.by.Reason}
	}
}
