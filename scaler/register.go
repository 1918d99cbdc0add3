package scaler

import (
	"fmt"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// Registration is what RegisterScalableTarget may change of a scalable target at run time; nil leaves it as it is.
// What it sets wins over the configuration file until the file's own value changes.
type Registration struct {
	MinCapacity, MaxCapacity *int
	// The members of API SuspendedState.
	DynamicScalingInSuspended, DynamicScalingOutSuspended, ScheduledScalingSuspended *bool
}

// RegisterScalableTarget registers a target anew (API RegisterScalableTarget): the next pass brings its count into the
// bounds. What it sets is durable when it returns. It must not run while a pass does. It fails for a target that is not
// there, for bounds that cross or are negative, and where the state cannot be written.
func (e *Engine) RegisterScalableTarget(k evaluator.Key, r Registration) error {
	t := e.targets[k]
	if t == nil {
		return fmt.Errorf("%s is not a target of the configuration, or its service has not been found yet", k)
	}
	p := &pass{Engine: e, now: e.Clock.Now().Truncate(second)}
	p.fireBefore(t)
	now := t.memory.InForce(t.spec)
	set(&now.Min, r.MinCapacity)
	set(&now.Max, r.MaxCapacity)
	set(&now.Suspended.DynamicScalingIn, r.DynamicScalingInSuspended)
	set(&now.Suspended.DynamicScalingOut, r.DynamicScalingOutSuspended)
	set(&now.Suspended.Scheduled, r.ScheduledScalingSuspended)
	if now.Min < 0 || now.Min > now.Max {
		return fmt.Errorf("%s: min capacity %d and max capacity %d do not go together: they must be 0 <= min <= max", k, now.Min, now.Max)
	}
	before := t.memory.Clone()
	t.memory.Register(t.spec, now)
	t.dirty = true
	if err := p.commit(nil); err != nil {
		t.memory = before
		return fmt.Errorf("%s: nothing was changed, because the state cannot be written: %w", k, err)
	}
	e.lookNow(t)
	return nil
}

// fireBefore deals with the scheduled actions that are due by now as the registration so far has it: one that was due while
// scheduled scaling was suspended is not made up for by resuming it, and one that was due before a new min does not undo it.
// It reports whether they could be dealt with: nothing fires before the service has been described.
func (p *pass) fireBefore(t *target) bool {
	p.evaluate(t, p.now, &p.scratch)
	p.takeBounds(t, &p.scratch)
	return p.scratch.Reason != evaluator.ServiceNotDescribed
}

func set[T any](value *T, to *T) {
	if to != nil {
		*value = *to
	}
}

// takeBounds makes the bounds of a decision those in force, and the scheduled actions that were due a matter of the past.
func (p *pass) takeBounds(t *target, d *evaluator.Decision) {
	if !t.memory.TakeBounds(t.spec, d) {
		return
	}
	t.dirty = true
	for i := range d.Scheduled {
		f := &d.Scheduled[i]
		p.telemetry.scheduled.WithLabelValues(t.spec.Account, t.spec.Cluster, t.spec.Service, f.Name, string(f.Status)).Inc()
		p.recordFire(t, d, f)
	}
}

// recordFire keeps the activity of a scheduled action that has set the bounds or failed to. A dry run opens none.
func (p *pass) recordFire(t *target, d *evaluator.Decision, f *evaluator.ScheduledFire) {
	status, message := f.Activity()
	if status == "" || p.Actuator.DryRun() {
		return
	}
	generation := p.Store.NextGeneration()
	p.pending.Activities = append(p.pending.Activities, &store.Activity{
		ID: activityID(t.spec.Key, d.Time, generation), Generation: generation, Target: t.spec.Key,
		Direction: evaluator.Hold, From: d.Desired, To: d.Desired, Reason: evaluator.ByScheduledAction,
		Status: status, StatusMessage: message, Description: evaluator.BoundsDescription(f.Min, f.Max), Cause: f.Cause(),
		StartTime: f.At, EndTime: d.Time,
	})
}
