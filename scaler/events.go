package scaler

import (
	"cmp"
	"fmt"
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
	if !h.on || a.Status == evaluator.Pending || a.Reason == foreignRecord {
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

// foreign tells that somebody else has changed the desired count.
func (h *herald) foreign(k evaluator.Key, tr *evaluator.Transition, at time.Time) {
	if !h.on {
		return
	}
	e := view.About(config.EventForeignWrite, "", k, at, fmt.Sprint(tr.From, tr.To))
	e.Message = fmt.Sprintf("%s: somebody else changed the desired count from %d to %d; it is respected.", k, tr.From, tr.To)
	e.ForeignWrite = &view.Change{From: tr.From, To: tr.To}
	h.hold(e)
}

// problem tells of a problem, or that it is solved, at once: that the state cannot be written, the state need not know. With a
// count it is about that many more of its kind.
func (h *herald) problem(n *news, count int, now time.Time) {
	if !h.on || n.again {
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
	p.noteSuspensions(t, d)
	if !tells(d) {
		return
	}
	conflict := d.Reason == managedPolicyConflict
	p.condition(t, d, condition{kind: config.EventConflict, holds: conflict, ended: "the conflict with managed policies is over"})
	p.noteAtMax(t, d)
}

const (
	// managedPolicyConflict is why a target is held that managed policies scale, too, managedPoliciesUnknown why one is of which nobody
	// knows that yet.
	managedPolicyConflict  evaluator.Reason = "ManagedPolicyConflict"
	managedPoliciesUnknown evaluator.Reason = "ManagedPoliciesUnknown"
	// foreignRecord is the reason of the record of a change that somebody else made: an event of its own kind tells of it.
	foreignRecord evaluator.Reason = "ForeignWrite"
)

// tells says that a decision says whether conditions hold: one that knew too little leaves them as they are.
func tells(d *evaluator.Decision) bool {
	switch d.Reason {
	case evaluator.ServiceNotDescribed, evaluator.NothingDue, evaluator.StaleData, evaluator.InsufficientData, managedPoliciesUnknown:
		return false
	default:
		return true
	}
}

// noteAtMax tells when the target has stood at its max and wished to scale out for long enough.
func (p *pass) noteAtMax(t *target, d *evaluator.Decision) {
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
		c.begun = fmt.Sprintf("it has stood at its max capacity of %d for %s, and a policy still wishes to scale out", d.Max, span(p.herald.atMaxAfter))
	}
	p.condition(t, d, c)
}

// span is a duration without the zeros that Go puts behind it: 10m, 1h30m, 90s.
func span(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0 && d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return d.String()
	}
}

// noteSuspensions tells which kinds of scaling have been suspended and resumed.
func (p *pass) noteSuspensions(t *target, d *evaluator.Decision) {
	s := t.memory.InForce(t.spec).Suspended
	for _, each := range []struct {
		name, text string
		holds      bool
	}{
		{"dynamic_scaling_in", "scaling in by policies", s.DynamicScalingIn},
		{"dynamic_scaling_out", "scaling out by policies", s.DynamicScalingOut},
		{"scheduled_scaling", "scheduled scaling", s.Scheduled},
	} {
		p.condition(t, d, condition{
			kind: config.EventSuspension, about: each.name, holds: each.holds,
			begun: each.text + " is suspended", ended: each.text + " is not suspended any more",
		})
	}
}

// condition is something that lasts, as a decision shows it.
type condition struct {
	kind  config.EventKind
	about string
	holds bool
	// since is when it began, the zero value is now.
	since time.Time
	// begun and ended say what happened, empty what the decision says.
	begun, ended string
}

// condition tells of the beginning and the end of what lasts, each once.
func (p *pass) condition(t *target, d *evaluator.Decision, c condition) {
	told, known := t.memory.HasTold(string(c.kind), c.about)
	if known == c.holds {
		return
	}
	status, text := view.Begun, c.begun
	if known {
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
	if c.kind == config.EventSuspension {
		e.Suspension = &view.Suspension{Suspended: c.about}
	}
	p.herald.hold(e)
}
