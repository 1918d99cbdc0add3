package scaler

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/observe"
	"ecs-autoscaler/store"
)

const (
	// batch is how many services one DescribeServices call takes (API DescribeServices).
	batch = 10
	// answerWithin bounds the wait for descriptions. It is that of one attempt: a call that hangs gets
	// its retries in later passes, where it holds nobody up.
	answerWithin = 10 * time.Second
)

// describe reads the services that this pass needs, within AWS's rate: those with an open activity,
// then those never seen, then those whose description has grown old, and last those that failed before, so
// that a cluster which does not answer holds nobody else back. Some calls are left for what is about to scale.
func (p *pass) describe(ctx context.Context) {
	var open, unseen, old, failing []*target
	for _, t := range p.order {
		switch {
		case !p.AlwaysDescribe && p.now.Before(t.describeAt):
		case t.describeErr != nil:
			failing = append(failing, t)
		case t.following():
			open = append(open, t)
		case t.known():
			// Services at rest are refreshed between the looks: what decides must not wait for what is only shown.
			if p.AlwaysDescribe || !p.looking || !t.resting() || p.now.Sub(t.describeAt) >= refreshInterval {
				old = append(old, t)
			}
		default:
			unseen = append(unseen, t)
		}
	}
	p.describeKeys(ctx, longestWaiting(open))
	p.describeKeys(ctx, append(keysOf(unseen), p.inventory.candidates(p.now)...))
	p.describeKeys(ctx, longestWaiting(old))
	p.describeKeys(ctx, longestWaiting(failing))
}

// longestWaiting puts first what has been due for longest: where the rate does not suffice for all,
// everyone gets a turn.
func longestWaiting(targets []*target) []evaluator.Key {
	slices.SortStableFunc(targets, func(a, b *target) int { return a.describeAt.Compare(b.describeAt) })
	return keysOf(targets)
}

func keysOf(targets []*target) []evaluator.Key {
	keys := make([]evaluator.Key, len(targets))
	for i, t := range targets {
		keys[i] = t.spec.Key
	}
	return keys
}

// describeKeys describes as many of the keys as the rate allows.
func (p *pass) describeKeys(ctx context.Context, keys []evaluator.Key) {
	n := min(len(keys), max(0, p.Services.Calls(p.Clock.Now().Truncate(second))-reservedCalls)*batch)
	if n == 0 || ctx.Err() != nil {
		return
	}
	described := p.ask(ctx, keys[:n])
	if ctx.Err() != nil {
		return // what the stop has cut short is nobody's failure
	}
	retagged := false
	for _, d := range described {
		retagged = p.inventory.retag(&d, p.now) || retagged
		if t := p.targets[d.Key]; t != nil {
			p.take(t, d)
		} else {
			p.noteCandidate(&d)
		}
	}
	if retagged {
		p.sync()
	}
}

// ask describes services, but does not wait longer than answerWithin. What it gives is of the instant at which it was answered:
// a cooldown that counted from the question would end too soon where the answer was long on its way.
// The rate is asked at the time as it is, not as it was when the pass began: a pass during which the clock is corrected would keep
// the bucket waiting for a time that comes much later.
func (e *Engine) ask(ctx context.Context, keys []evaluator.Key) []observe.Described {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	described := e.Services.Describe(ctx, e.Clock.Now().Truncate(second), keys)
	answered := e.Clock.Now().Truncate(second)
	for i := range described {
		if described[i].Err == nil {
			described[i].Service.DescribedAt = answered
		}
	}
	return described
}

// noteCandidate tells people about a service whose tags could not be read.
func (p *pass) noteCandidate(d *observe.Described) {
	if d.Err != nil {
		p.problem("describe", d.Key.String(), d.Err, "ecs:DescribeServices")
		return
	}
	p.solved("describe", d.Key.String())
}

// take puts a description to use: it is the newest there is, it settles what was open, and it
// shows what others did. It reports whether the description is any good.
func (p *pass) take(t *target, d observe.Described) bool {
	if d.Err != nil {
		t.describeErr = d.Err
		t.describeNote = awsapi.Explain(d.Err, "ecs:DescribeServices")
		t.describeAt = p.now.Add(spread(t.spec.Key, absentRetry))
		p.problem("describe", t.spec.String(), d.Err, "ecs:DescribeServices")
		return false
	}
	if t.underWay(&d.Service, p.now) {
		t.describeAt = t.inherited
		return false
	}
	p.solved("describe", t.spec.String())
	t.describeErr, t.describeNote = nil, ""
	p.noteStatus(t, &d.Service)
	if !sameCounts(d.Service, t.observation.Service) {
		p.lookSoon(t, p.now)
	}
	p.see(t, d.Service)
	t.describeAt = p.nextDescription(t, p.now)
	return true
}

// underWay says that the request of a process that has died may not have reached ECS yet: the count is still the one from
// before, and it is too early to conclude from it that nothing was written. A clock that is set back does not prolong this.
func (t *target) underWay(s *evaluator.Service, now time.Time) bool {
	left := t.inherited.Sub(now)
	return t.intent != nil && s.Desired != t.intent.To && left > 0 && left <= arrivesWithin+second
}

// see makes a service's state the target's present one and follows the open activity on it.
func (p *pass) see(t *target, s evaluator.Service) {
	if t.intent != nil {
		p.settle(t, &s)
	}
	before := t.memory.LastDesired
	tr := t.memory.Follow(t.spec, &s, s.DescribedAt)
	t.dirty = t.dirty || before != t.memory.LastDesired || tr.Status != ""
	t.observation.Service, t.described = s, true
	if tr.Status != "" {
		p.endActivity(t, tr, s.DescribedAt)
	}
	if tr.Foreign {
		p.noteForeign(t, tr, s.DescribedAt)
	}
}

// noteForeign counts a change of the desired count that somebody else made, and keeps a record of it among the activities.
func (p *pass) noteForeign(t *target, tr evaluator.Transition, at time.Time) {
	k := t.spec.Key
	p.telemetry.foreign.WithLabelValues(k.Account, k.Cluster, k.Service).Inc()
	p.Logger.Info("someone else changed the desired count; it is respected",
		zap.Stringer("target", k), zap.Int("from", tr.From), zap.Int("to", tr.To))
	generation := p.Store.NextGeneration()
	p.pending.Activities = append(p.pending.Activities, &store.Activity{
		ID: activityID(k, at, generation), Generation: generation, Target: k, Direction: evaluator.Hold, From: tr.From, To: tr.To,
		Reason: store.ForeignWrite, Status: evaluator.Successful, Description: evaluator.ForeignDescription(tr.To),
		Cause: evaluator.ForeignCause(tr.From, tr.To), StartTime: at, EndTime: at,
	})
}

// sameCounts says that nothing has changed that a decision could rest on.
func sameCounts(a, b evaluator.Service) bool {
	a.DescribedAt, b.DescribedAt = time.Time{}, time.Time{}
	return a == b
}

// endActivity closes the record of the activity that a description has ended.
func (p *pass) endActivity(t *target, tr evaluator.Transition, at time.Time) {
	if t.activity == nil {
		return
	}
	a := *t.activity
	t.activity = nil
	a.Status, a.EndTime = tr.Status, at
	a.StatusMessage = evaluator.StatusMessage(tr.Status, a.To, tr.ChangedTo, "")
	p.putActivity(a)
}

// putActivity queues an activity for this pass's transaction, counts it and logs it.
func (p *pass) putActivity(a store.Activity) {
	p.pending.Activities = append(p.pending.Activities, &a)
	p.telemetry.activity(&a)
	p.logActivity(&a)
}

// settle decides about an intent of which it is not known whether it reached ECS. Desired = to means
// that it did: its activity is open and is followed. Desired = from means that it did not: it is
// dropped, and the next evaluation decides anew. Anything else is someone else's later change.
func (p *pass) settle(t *target, s *evaluator.Service) {
	if t.intent.Policy == "" && s.Desired != t.intent.From {
		// The count has been brought into the bounds; what somebody made of it since is respected.
		t.memory.Registered, t.dirty = true, true
		if t.intent.Reason == evaluator.ByOverride {
			t.memory.Pinned(t.intent.To, t.intent.StartTime)
		}
	}
	switch s.Desired {
	case t.intent.To:
		d := intentDecision(t)
		p.begin(t, &d)
	case t.intent.From:
		p.dropIntent(t, cmp.Or(t.intentErr, "the request did not reach ECS"))
	default:
		a := *t.intent
		t.intent, t.intentErr = nil, ""
		a.Status, a.EndTime = evaluator.Overridden, s.DescribedAt
		a.StatusMessage = evaluator.StatusMessage(a.Status, a.To, s.Desired, "")
		p.putActivity(a)
	}
}

// begin opens the activity of an intent that ECS has accepted; one still open is overtaken by it.
func (p *pass) begin(t *target, d *evaluator.Decision) {
	if old := t.activity; old != nil {
		a := *old
		a.Status, a.EndTime = evaluator.Overridden, p.Clock.Now()
		a.StatusMessage = evaluator.StatusMessage(a.Status, a.To, d.Wanted, "")
		p.putActivity(a)
	}
	a := *t.intent
	a.Status = evaluator.InProgress
	a.StatusMessage = evaluator.StatusMessage(a.Status, a.To, 0, "")
	t.activity, t.intent, t.intentErr = &a, nil, ""
	t.memory.Begin(t.spec, d, a.ID)
	t.dirty = true
	p.putActivity(a)
}

// dropIntent ends an intent whose write did not happen.
func (p *pass) dropIntent(t *target, why string) {
	a := *t.intent
	t.intent, t.intentErr = nil, ""
	a.Status, a.EndTime = evaluator.Failed, p.Clock.Now()
	a.StatusMessage = evaluator.StatusMessage(a.Status, a.To, 0, why)
	p.putActivity(a)
}

// intentDecision is as much of the decision behind an intent as its activity needs to begin.
func intentDecision(t *target) evaluator.Decision {
	a := t.intent
	d := evaluator.Decision{
		Target: t.spec.Key, Time: a.StartTime, Action: a.Direction, Reason: a.Reason,
		Desired: a.From, Wanted: a.To, Policy: -1,
	}
	for i := range t.spec.Policies {
		d.Policies = append(d.Policies, evaluator.PolicyDecision{Name: t.spec.Policies[i].Name})
		if t.spec.Policies[i].Name == a.Policy {
			d.Policy = i
		}
	}
	return d
}

// noteStatus tells people about a service that cannot be scaled, once as long as it stays so.
func (p *pass) noteStatus(t *target, s *evaluator.Service) {
	var advice string
	switch {
	case s.Status == evaluator.ServiceMissing:
		advice = "ECS does not know it: check cluster and service name, region and account"
	case s.Status != evaluator.ServiceActive:
		advice = "it is " + string(s.Status) + ": it is left alone until it is ACTIVE"
	case s.Daemon:
		advice = "its scheduling strategy is DAEMON, which has no desired count: remove it from the configuration"
	default:
		p.solved("status", t.spec.String())
		return
	}
	p.complain("status", t.spec.String(), awsapi.NotFound, advice+reasonSuffix(s.Reason))
}

func reasonSuffix(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}
