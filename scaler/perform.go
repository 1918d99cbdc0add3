package scaler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/store"
)

const (
	// chunk is how many services are described, decided upon again and written in one go: AWS's
	// burst for UpdateService. It keeps the time between the second decision and the write short.
	chunk = 50
	// freshFor is the age at which a decision is no longer acted on (AWS refuses alarm data older
	// than about 10 s, aws-semantics 1.14).
	freshFor = 10 * time.Second
	// stateRetry is how soon a state that could not be written is tried again, and what could not be done without it.
	stateRetry = 5 * time.Second
	// writeTimeout bounds one write including its retries, so that a stop within 10 s can wait for it.
	writeTimeout = 8 * time.Second
)

// attempt is one decision on its way to ECS.
type attempt struct {
	t        *target
	decision evaluator.Decision
	activity store.Activity
	service  evaluator.Service // as of the answer
	err      error
}

// act carries out what was decided: describe afresh, decide again on that, make the intent durable,
// write, take the outcome.
func (p *pass) act(ctx context.Context) {
	for start := 0; start < len(p.acting); start += chunk {
		targets := p.acting[start:min(start+chunk, len(p.acting))]
		if ctx.Err() != nil {
			return
		}
		targets = p.affordable(targets)
		fresh := p.refresh(ctx, targets)
		if ctx.Err() != nil {
			return // what the stop has cut short is neither a failure nor a decision
		}
		p.write(ctx, p.confirm(targets, fresh))
	}
}

// affordable are the targets that may be written now. Where the rate has no write left for scale-ins, their services are not
// described for nothing: that rate, too, is everybody's in the account.
func (p *pass) affordable(targets []*target) []*target {
	if p.Actuator.Left(p.Clock.Now().Truncate(second), evaluator.ScaleIn) > 0 {
		return targets
	}
	i := slices.IndexFunc(targets, func(t *target) bool { return t.urgency == lastly })
	if i < 0 {
		return targets
	}
	p.confirm(targets[i:], nil) // none of them is described afresh, so none is written
	return targets[:i]
}

// confirm decides again on the fresh descriptions. It returns what still is to be written and may be;
// everything else is concluded here.
func (p *pass) confirm(targets []*target, fresh map[*target]bool) []*attempt {
	now := p.Clock.Now().Truncate(second)
	var attempts []*attempt
	for _, t := range targets {
		a := &attempt{t: t}
		p.judge(t, now, &a.decision)
		switch {
		case a.decision.Action == evaluator.Hold:
			// On an old description nobody knows whether the count is within the bounds, or the one that is asked for.
			a.decision.Registers, a.decision.Pins = a.decision.Registers && fresh[t], a.decision.Pins && fresh[t]
		case t.describeErr != nil:
			a.decision.Outcome = failed(awsapi.Classify(t.describeErr))
		case !fresh[t]:
			a.decision.Outcome = evaluator.OutcomeRateLimited
		case p.Actuator.DryRun():
			a.decision.Outcome = evaluator.OutcomeDryRun
			p.report.Acted++
		case now.Before(t.blocked.until):
			a.decision.Outcome = failed(t.blocked.class)
		case p.fenced:
			a.decision.Outcome = evaluator.OutcomeNotLeader
		case !p.Actuator.Allow(now, a.decision.Action):
			a.decision.Outcome = evaluator.OutcomeRateLimited
		default:
			attempts = append(attempts, a)
			continue
		}
		p.conclude(t, &a.decision)
	}
	return attempts
}

// refresh describes the targets again; those that the rate left out or that failed are not in the result.
func (p *pass) refresh(ctx context.Context, targets []*target) map[*target]bool {
	fresh := make(map[*target]bool, len(targets))
	described := p.ask(ctx, keysOf(targets))
	if ctx.Err() != nil {
		return fresh
	}
	for _, d := range described {
		t := p.targets[d.Key]
		fresh[t] = p.take(t, d)
	}
	return fresh
}

func failed(c awsapi.Class) evaluator.Outcome { return evaluator.OutcomeFailed + evaluator.Outcome(c) }

// write makes the intents durable in one transaction and sends them. Without a durable intent
// nothing is sent.
func (p *pass) write(ctx context.Context, attempts []*attempt) {
	if len(attempts) == 0 {
		return
	}
	since := stopwatch(p.Clock)
	if err := p.intend(attempts); err != nil {
		p.report.Err = err
		for _, a := range attempts {
			if p.fenced {
				a.decision.Outcome = evaluator.OutcomeNotLeader
			}
			p.conclude(a.t, &a.decision)
			a.t.nextLook, a.t.retry = p.now.Add(stateRetry), true
		}
		return
	}
	p.send(ctx, attempts, since)
	for _, a := range attempts {
		p.settleAttempt(a)
	}
}

// intend stores the intents: activities that are Pending. What the pass has found out so far goes with
// them, so that after a crash no intent stands beside an earlier one of its target that is long over, and no scheduled
// action has moved a count without its bounds.
func (p *pass) intend(attempts []*attempt) error {
	intents := make([]*store.Activity, len(attempts))
	for i, a := range attempts {
		p.takeBounds(a.t, &a.decision)
		a.activity = newActivity(a.t, &a.decision, p.Store.NextGeneration())
		intents[i] = &a.activity
	}
	err := p.commit(intents)
	if p.fenced {
		return err
	}
	if err != nil {
		p.complain("state", "", awsapi.Server, "the intent could not be stored, so nothing was written to ECS: "+err.Error())
		return err
	}
	for _, a := range attempts {
		a.t.intent = &a.activity
	}
	return nil
}

// newActivity is the record of a decision that is about to be written.
func newActivity(t *target, d *evaluator.Decision, generation uint64) store.Activity {
	a := store.Activity{
		ID:         activityID(t.spec.Key, d.Time, generation),
		Generation: generation,
		Target:     t.spec.Key, Direction: d.Action, From: d.Desired, To: d.Wanted, Reason: d.Reason,
		Status: evaluator.Pending, Description: evaluator.ActivityDescription(d.Wanted),
		Cause: d.Cause(), StartTime: d.Time,
	}
	if d.Policy >= 0 {
		a.Policy, a.PolicyType = t.spec.Policies[d.Policy].Name, t.spec.Policies[d.Policy].Type
	}
	return a
}

// activityID is unique: times have seconds and may come twice, generations do not. They have as many digits as it takes to
// sort by them.
func activityID(k evaluator.Key, at time.Time, generation uint64) string {
	return fmt.Sprintf("%s/%d-%010d", k, at.Unix(), generation)
}

// send calls ECS for every attempt. A write under way is finished even when ctx ends; one not begun
// by then is not begun.
func (p *pass) send(ctx context.Context, attempts []*attempt, since func() time.Duration) {
	var g errgroup.Group
	g.SetLimit(p.InFlight)
	for _, a := range attempts {
		g.Go(func() error {
			patience := p.patience(since)
			if err := p.stillGood(ctx, a, patience); err != nil {
				a.err = err
				return nil
			}
			wctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
			defer cancel()
			if p.Fence != nil { // then there is one attempt only, so that what was not sent has no effect
				wctx = awsapi.AskLast(wctx, func() error { return p.stillGood(ctx, a, p.patience(since)) })
			}
			a.service, a.err = p.Actuator.SetDesiredCount(wctx, a.t.spec.Key, a.decision.Wanted)
			a.service.DescribedAt = p.Clock.Now().Truncate(second)
			return nil
		})
	}
	_ = g.Wait() // the functions keep their errors in the attempts
}

// notSentError is why an attempt was given up before its request was made.
type notSentError string

func (e notSentError) Error() string { return string(e) }

// stillGood reports why an attempt must not be sent any more.
func (p *pass) stillGood(ctx context.Context, a *attempt, patience time.Duration) error {
	if patience <= 0 {
		return notSentError("it had waited " + sendWithin.String() + " since its intent, after which another daemon may write")
	}
	if ctx.Err() != nil {
		return notSentError("the daemon was stopping")
	}
	if age := p.Clock.Now().Sub(a.decision.Time); age > freshFor {
		return notSentError("the decision had grown " + age.Round(time.Second).String() + " old")
	}
	return nil
}

// settleAttempt takes the outcome of a write.
func (p *pass) settleAttempt(a *attempt) {
	t, d := a.t, &a.decision
	if a.err != nil {
		p.settleFailure(a)
		return
	}
	d.Outcome = evaluator.OutcomeWritten
	p.report.Acted++
	p.solved("write", t.spec.String())
	p.begin(t, d)
	p.conclude(t, d)
	p.see(t, a.service)
	// What has just been written may be fulfilled already: when to look next is decided on that.
	p.evaluate(t, p.now, &p.scratch)
	p.plan(t, &p.scratch, p.now)
	d.Next = t.nextLook
	t.latest.Set(d)
	t.describeAt = p.nextDescription(t, p.now)
}

// settleFailure takes a write that failed. Where ECS may have taken it all the same (a timeout, an
// error of the server's, a second attempt that was throttled or refused and whose first was lost), the intent stays and the
// next description decides; otherwise it is over.
func (p *pass) settleFailure(a *attempt) {
	t, d := a.t, &a.decision
	if why, notSent := errors.AsType[notSentError](a.err); notSent {
		p.dropIntent(t, string(why))
		p.conclude(t, d)
		t.nextLook, t.retry = p.now, true
		return
	}
	class := awsapi.Classify(a.err)
	d.Outcome = failed(class)
	p.problem("write", t.spec.String(), a.err, "ecs:UpdateService")
	if why := awsapi.Explain(a.err, "ecs:UpdateService"); awsapi.MayBeDone(a.err) {
		t.intentErr = why
		t.describeAt = p.nextDescription(t, p.now)
	} else {
		p.dropIntent(t, why)
	}
	if !class.Retry() {
		t.blocked = blocked{class: class, until: p.Clock.Now().Add(spread(t.spec.Key, 2*blockedFor))}
	}
	p.conclude(t, d)
}
