package scaler

import (
	"encoding/json"
	"maps"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/observe"
	"ecs-autoscaler/store"
)

// pruneInterval is how often history older than its keeping time is removed.
const pruneInterval = time.Hour

// record keeps a decision: always as the target's latest, and in the history and the log when it
// changes something or its reason changes.
func (p *pass) record(t *target, d *evaluator.Decision) {
	t.latest.Set(d)
	p.telemetry.decision(d)
	now := recorded{d.Action, d.Reason, d.Outcome, d.Wanted}
	if now == t.last && d.Outcome != evaluator.OutcomeWritten {
		return
	}
	if d.Action == evaluator.Hold && now.action == t.last.action && now.reason == t.last.reason {
		t.last = now
		return // the same hold at another count is no news
	}
	t.last = now
	p.logDecision(d)
	text, err := json.Marshal(d)
	if err != nil {
		p.Logger.Error("a decision could not be written down", zap.Stringer("target", d.Target), zap.Error(err))
		return
	}
	p.changes.Decisions = append(p.changes.Decisions, &store.DecisionRecord{
		Time: d.Time, Target: d.Target, Action: d.Action, Reason: d.Reason, JSON: text,
	})
}

// remember commits what the pass has changed, in one transaction; none when nothing changed. What
// could not be committed stays marked and is tried again with the next pass.
func (p *pass) remember() {
	p.changes.Removed = p.removed
	for _, t := range p.order {
		if t.dirty || t.stale() {
			p.changes.Targets = append(p.changes.Targets, t.nextRow())
		}
	}
	delays := p.changedDelays()
	p.changes.Delays = delays
	p.changes.Activities = append(p.backlog.Activities, p.changes.Activities...)
	p.changes.Decisions = append(p.backlog.Decisions, p.changes.Decisions...)
	if err := p.Store.Commit(p.changes); err != nil {
		p.report.Err = err
		p.backlog = store.Changes{Activities: p.changes.Activities, Decisions: p.changes.Decisions}
		p.complain("state", "", awsapi.Server, "the state could not be written; nothing is written to ECS until it can: "+err.Error())
		return
	}
	if p.report.Err == nil {
		p.solved("state", "")
	}
	p.backlog = store.Changes{}
	p.removed = nil
	if delays != nil {
		p.delays = delays
	}
	for _, row := range p.changes.Targets {
		t := p.targets[row.Key]
		t.row, t.dirty = row, false
	}
	p.prune()
}

// stale reports whether the store's row shows something that is no longer so.
func (t *target) stale() bool {
	if t.row == nil {
		return true
	}
	a, b := t.row.Service, t.observation.Service
	a.DescribedAt, b.DescribedAt = time.Time{}, time.Time{}
	return a != b
}

// nextRow is the row that the store is to have. An unchanged memory keeps its pointer, by which the
// store sees that there is nothing durable to write.
func (t *target) nextRow() *store.Target {
	row := &store.Target{
		Key: t.spec.Key, Min: t.spec.Min, Max: t.spec.Max,
		Service: t.observation.Service, Latest: t.latest,
	}
	for i := range t.spec.Policies {
		row.Policies = append(row.Policies, t.spec.Policies[i].Name)
	}
	if t.describeErr != nil {
		row.Note = awsapi.Explain(t.describeErr, "ecs:DescribeServices")
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

// prune removes old history once in a while.
func (p *pass) prune() {
	if p.now.Sub(p.pruned) < pruneInterval {
		return
	}
	p.pruned = p.now
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
	e.telemetry.pass(p.report.Err, took, p.now)
	ready, why := e.readiness(p.report.Err)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ready, e.why = ready, why
	if p.report.Err == nil {
		e.lastPass = p.now
	}
}

// readiness is whether every target has been looked at once and the state can be written.
func (e *Engine) readiness(err error) (bool, string) {
	if err != nil {
		return false, "the state cannot be written: " + err.Error()
	}
	if !e.inventory.listed {
		return false, "the services of the configuration's patterns have not been listed yet"
	}
	for _, t := range e.order {
		if !t.looked {
			return false, "the first pass has not reached " + t.spec.String() + " yet"
		}
	}
	return true, ""
}
