package scaler

import (
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/observe"
	"ecs-autoscaler/store"
)

// pruneInterval is how often history older than its keeping time is removed.
const pruneInterval = time.Hour

// maxBacklog is how many decisions wait for a state that cannot be written; then the oldest go.
const maxBacklog = 1000

// record keeps a decision: always as the target's latest, and in the history and the log when it
// changes something or its reason changes.
func (p *pass) record(t *target, d *evaluator.Decision) {
	t.latest.Set(d)
	p.telemetry.decision(d)
	now := recorded{d.Action, toldReason(d), d.Outcome, d.Wanted}
	if !t.news(now, d) {
		if len(d.Scheduled) > 0 {
			p.logDecision(d) // that a scheduled action was due is worth a line, whatever came of it
		}
		return
	}
	t.last = now
	p.herald.wish(d)
	p.logDecision(d)
	text, err := d.MarshalJSON() // json.Marshal would go through it once more
	if err != nil {
		p.Logger.Error("a decision could not be written down", zap.Stringer("target", d.Target), zap.Error(err))
		return
	}
	r := &store.DecisionRecord{Time: d.Time, Target: d.Target, Action: d.Action, Reason: d.Reason, JSON: text}
	if p.Store.Sparing() && !r.Changed() && len(d.Scheduled) == 0 {
		return
	}
	p.pending.Decisions = append(p.pending.Decisions, r)
}

// toldReason is the reason for telling news from repetition: a count that a scheduled action would have brought into the
// bounds, and that the bounds now ask for, is the same to a reader.
func toldReason(d *evaluator.Decision) evaluator.Reason {
	if d.Action != evaluator.Hold && d.Policy < 0 && d.Reason != evaluator.ByOverride {
		return evaluator.ByScheduledAction
	}
	return d.Reason
}

// news reports whether a decision is worth keeping: every write is, and what differs from what was kept last. The same hold at
// another count is no news, nor is a look between two evaluations that an alarm waits for.
func (t *target) news(now recorded, d *evaluator.Decision) bool {
	switch {
	case d.Outcome == evaluator.OutcomeWritten:
		return true
	case d.Action != evaluator.Hold:
		return now != t.last
	case d.Reason == evaluator.NothingDue && len(d.Policies) > 0:
		return false
	default:
		return now.action != t.last.action || now.reason != t.last.reason
	}
}

// remember commits what the pass has changed, in one transaction; none when nothing changed. What
// could not be committed stays marked and is tried again with the next pass.
func (p *pass) remember() {
	if p.fenced {
		return // what is left to say is not this daemon's to say
	}
	pruning := p.now.Sub(p.pruned) >= pruneInterval
	if pruning {
		p.pruned = p.now
		p.endLost()
	}
	err := p.commit(nil)
	if err != nil {
		p.report.Err = err
	}
	if p.fenced {
		return
	}
	if err != nil {
		p.complain("state", "", awsapi.Server, "the state could not be written; nothing is written to ECS until it can: "+err.Error())
		return
	}
	if p.report.Err == nil {
		p.solved("state", "")
	}
	if pruning && p.Scope == nil {
		p.prune()
	}
}

// commit makes everything that is new durable in one transaction, and the intents with it.
func (p *pass) commit(intents []*store.Activity) error {
	c := p.changes()
	c.Activities, c.Decisions, c.Delays = slices.Concat(p.pending.Activities, intents), p.pending.Decisions, p.changedDelays()
	changed := p.changed()
	for _, t := range changed {
		c.Targets = append(c.Targets, t.nextRow())
	}
	for _, k := range slices.SortedFunc(maps.Keys(p.leaving), compareKeys) {
		t := p.leaving[k]
		if t.dirty {
			c.Targets = append(c.Targets, t.nextRow())
		}
		c.Removed = append(c.Removed, k)
	}
	if err := p.Store.Commit(c); err != nil {
		p.noteFence(err)
		if over := len(p.pending.Decisions) - maxBacklog; over > 0 {
			p.pending.Decisions = slices.Delete(p.pending.Decisions, 0, over)
		}
		return err
	}
	for i, t := range changed {
		t.row, t.dirty = c.Targets[i], false
	}
	p.pending = store.Changes{}
	p.tellCommitted(c.Activities)
	clear(p.leaving)
	if c.Delays != nil {
		p.delays = c.Delays
	}
	return nil
}

// changed are the targets whose row in the store is not what it should be.
func (e *Engine) changed() []*target {
	var changed []*target
	for _, t := range e.order {
		if t.dirty || t.stale() {
			changed = append(changed, t)
		}
	}
	return changed
}

// stale reports whether the store's row shows something that is no longer so.
func (t *target) stale() bool {
	if t.row == nil {
		return true
	}
	if t.described && !sameCounts(t.row.Service, t.observation.Service) {
		return true
	}
	t.described = false
	return t.row.Note != t.note()
}

// note is one sentence on what is wrong with the target, empty when nothing is.
func (t *target) note() string {
	if t.describeNote != "" {
		return t.describeNote
	}
	if t.managed.note != "" {
		return t.managed.note
	}
	for _, tr := range t.entries {
		if tr.note != "" {
			return tr.note
		}
	}
	return ""
}

// nextRow is the row that the store is to have. An unchanged memory keeps its pointer, by which the
// store sees that there is nothing durable to write.
func (t *target) nextRow() *store.Target {
	r := t.memory.InForce(t.spec)
	row := &store.Target{
		Key: t.spec.Key, Min: r.Min, Max: r.Max,
		Service: t.observation.Service, Latest: t.latest, Note: t.note(),
	}
	for i := range t.spec.Policies {
		row.Policies = append(row.Policies, t.spec.Policies[i].Name)
	}
	if t.dirty || t.row == nil {
		row.Memory = t.memory.Clone()
	} else {
		row.Memory = t.row.Memory
	}
	return row
}

// changedDelays are the learned publication delays if one has moved by a second or more, else nil.
func (e *Engine) changedDelays() map[string]store.Delay {
	learned := storeDelays(e.Metrics.Delays())
	if maps.EqualFunc(learned, e.delays, func(a, b store.Delay) bool { return a.Near(b) }) {
		return nil
	}
	return learned
}

// prune removes old history.
func (p *pass) prune() {
	if _, err := p.Store.Prune(p.now); err != nil {
		p.Logger.Warn("old history could not be removed; it is tried again in an hour", zap.Error(err))
	}
}

func storeDelays(in map[string]observe.Delay) map[string]store.Delay {
	out := make(map[string]store.Delay, len(in))
	for k, d := range in {
		out[k] = store.Delay(d)
	}
	return out
}

func observeDelays(in map[string]store.Delay) map[string]observe.Delay {
	out := make(map[string]observe.Delay, len(in))
	for k, d := range in {
		out[k] = observe.Delay(d)
	}
	return out
}

// finish publishes the result of a pass to the status methods and the metrics.
func (e *Engine) finish(p *pass, took time.Duration) {
	e.telemetry.pass(p.report.Err, took)
	if c, ok := e.Clock.(interface{ Offset() time.Duration }); ok {
		e.telemetry.offset.Set(c.Offset().Seconds())
	}
	e.tell()
	ready, why := e.readiness(p.report.Err)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ready, e.why, e.problems = ready, why, len(e.troubles)
	if p.report.Err == nil {
		e.lastPass = p.now
	}
}

// readiness is whether there has been a first full pass and the state can be written.
func (e *Engine) readiness(err error) (bool, string) {
	if e.fenced {
		return false, "another daemon steers this cluster now"
	}
	if err != nil {
		return false, "the state cannot be written: " + err.Error()
	}
	if e.whole {
		return true, ""
	}
	if !e.inventory.listed {
		return false, "the services of the configuration's patterns have not been listed yet"
	}
	if unasked := e.inventory.candidates(time.Time{}); len(unasked) > 0 {
		return false, "the first pass has not reached " + unasked[0].String() + " yet, whose tags decide whether it is a target"
	}
	for _, t := range e.order {
		if !t.looked {
			return false, "the first pass has not reached " + t.spec.String() + " yet"
		}
	}
	e.whole = true
	return true, ""
}
