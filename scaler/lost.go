package scaler

import (
	"context"
	"slices"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/observe"
	"ecs-autoscaler/store"
)

// lost are the open activities that nobody follows any more: of targets that left the configuration, and what a crash left
// beside a later one of its target. For an hour they wait, because a target may come back.
func (p *pass) lost() (lost []store.Activity) {
	if !p.whole || len(p.inventory.failed) > 0 {
		return nil // some target may only not have been found yet
	}
	for _, a := range p.Store.OpenActivities() {
		ended := slices.ContainsFunc(p.pending.Activities, func(e *store.Activity) bool { return e.ID == a.ID })
		if p.owns(a.Target) && !ended && !p.follows(&a) && p.now.Sub(a.StartTime) >= evaluator.FulfilWithin {
			lost = append(lost, a)
		}
	}
	return lost
}

// describeLost looks once an hour at the services of lost activities: what came of a write whose answer a crash has cut off, nobody
// but ECS knows.
func (p *pass) describeLost(ctx context.Context) {
	if p.now.Sub(p.pruned) < pruneInterval || ctx.Err() != nil {
		return
	}
	var keys []evaluator.Key
	for _, a := range p.lost() {
		keys = append(keys, a.Target)
	}
	if len(keys) == 0 {
		return
	}
	p.found = map[evaluator.Key]*observe.Described{}
	described := p.ask(ctx, keys)
	for i := range described {
		p.found[described[i].Key] = &described[i]
	}
}

// endLost ends the lost activities whose service was described; the others are asked for again in an hour.
func (p *pass) endLost() {
	for _, a := range p.lost() {
		if d := p.found[a.Target]; d != nil && d.Err == nil {
			p.putActivity(endOf(a, &d.Service, p.now))
		}
	}
}

// endOf is the end of a lost activity whose service is found like that.
func endOf(a store.Activity, s *evaluator.Service, now time.Time) store.Activity {
	why := notFollowed
	switch {
	case s.Status == evaluator.ServiceMissing || s.Status == evaluator.ServiceInactive:
		a.Status = evaluator.Unfulfilled
	case s.Desired == a.From:
		a.Status, why = evaluator.Failed, "the request did not reach ECS"
	case s.Desired != a.To:
		a.Status = evaluator.Overridden
	case s.Running != a.To:
		a.Status = evaluator.Unfulfilled
	default:
		a.Status = evaluator.Successful
	}
	a.EndTime, a.StatusMessage = now, evaluator.StatusMessage(a.Status, a.To, s.Desired, why)
	return a
}

const notFollowed = "it is not followed any more, because its target is no longer in the configuration or has a later activity"

// follows reports whether the activity is one that its target still works on.
func (e *Engine) follows(a *store.Activity) bool {
	t := e.targets[a.Target]
	if t == nil {
		return false
	}
	return t.activity != nil && t.activity.ID == a.ID || t.intent != nil && t.intent.ID == a.ID
}
