package scaler

import (
	"cmp"
	"context"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/appscaling"
	"ecs-autoscaler/scaler/awsapi"
)

const (
	// managedInterval is how often Application Auto Scaling is asked about a service that it does not scale.
	managedInterval = 5 * time.Minute
	// managedRetry is how soon it is asked again where it has not answered, or where it scales the service, too.
	managedRetry = time.Minute
	// managedWithin bounds the wait for it in one pass, in which others may be about to scale: a question without an answer is not
	// asked again for a minute.
	managedWithin = 3 * time.Second
	// problemManaged is the kind of the problems with it.
	problemManaged = "managed"
)

// ManagedReader asks Application Auto Scaling about services, and suspends its scaling of them; appscaling.Reader is the one of the
// daemon.
type ManagedReader interface {
	Ask(ctx context.Context, now time.Time, keys []evaluator.Key) []appscaling.Answer
	Suspend(ctx context.Context, t *appscaling.Target) error
}

// managed is what Application Auto Scaling has said of a target.
type managed struct {
	// askAt is when it is asked again.
	askAt time.Time
	// answered says that there has been an answer: target is the last one, nil where the service is no scalable target.
	answered bool
	target   *appscaling.Target
	// failure is why the last question has no answer, or why the scaling could not be suspended.
	failure string
	// note is what people are told of all this.
	note string
}

// conflicts says that Application Auto Scaling scales the service.
func (m *managed) conflicts() bool { return m.target != nil && m.target.Now != appscaling.Suspended }

// asksManaged says whether Application Auto Scaling is asked at all.
func (e *Engine) asksManaged() bool {
	return e.Managed != nil && e.Config.ManagedPolicies() != config.ManagedIgnore
}

// dealAnew takes up another way to deal with managed scaling. What Application Auto Scaling has answered stays an answer, and it is
// asked again at once; where nobody asks any more nothing is known.
func (e *Engine) dealAnew() {
	for _, t := range e.order {
		e.solved(problemManaged, t.spec.String())
		t.managed.askAt, t.managed.failure = time.Time{}, ""
		if !e.asksManaged() {
			e.solved(problemManaged, "cluster "+t.spec.Cluster)
			t.managed = managed{}
		}
		t.managed.note, t.observation.Managed = e.managedNote(t), e.managedOf(t)
	}
}

// askManaged asks about the targets whose turn it is. What is only refreshed waits for a pass in which nothing is decided, a minute
// at most, and takes with it what would be due soon, so that the questions are full.
func (p *pass) askManaged(ctx context.Context) {
	if !p.asksManaged() || ctx.Err() != nil {
		return
	}
	keys := p.toAskManaged()
	if len(keys) == 0 {
		return
	}
	within, cancel := context.WithTimeout(ctx, managedWithin)
	defer cancel()
	answers := p.Managed.Ask(within, p.Clock.Now().Truncate(second), keys)
	if ctx.Err() != nil {
		return // what the stop has cut short is nobody's failure
	}
	var unanswered error
	for i := range answers {
		if a := &answers[i]; a.Err != nil {
			unanswered = a.Err
		} else {
			p.takeAnswer(within, p.targets[a.Key], a.Target)
		}
	}
	if about := "cluster " + p.targets[keys[0]].spec.Cluster; unanswered != nil {
		p.problem(problemManaged, about, unanswered, askedOperation)
		p.noteUnanswered(keys, unanswered)
	} else if len(answers) > 0 {
		p.solved(problemManaged, about)
	}
}

// askedOperation is what is asked, as a permission.
const askedOperation = "application-autoscaling:DescribeScalableTargets"

// toAskManaged are the services to ask about now, first those that were never answered for; a service that cannot be scaled is not
// worth a question.
func (p *pass) toAskManaged() []evaluator.Key {
	due := false
	var fresh, old []evaluator.Key
	for _, t := range p.order {
		wait := p.now.Sub(t.managed.askAt)
		switch {
		case wait < -managedRetry, !t.readable():
		case t.managed.answered:
			old = append(old, t.spec.Key)
			due = due || wait >= 0 && (!p.looking || wait >= managedRetry)
		case wait >= 0:
			fresh = append(fresh, t.spec.Key)
		}
	}
	if !due {
		return fresh
	}
	return append(fresh, old...)
}

// noteUnanswered has those wait that were to be asked about and have no answer by now: the next question would not be answered
// either. The last answer stays; without one, the target is held.
func (p *pass) noteUnanswered(keys []evaluator.Key, err error) {
	for _, k := range keys {
		t := p.targets[k]
		m := &t.managed
		switch {
		case m.askAt.After(p.now.Add(managedRetry / apart)): // it has been answered just now
			continue
		case m.answered:
			m.askAt = p.now.Add(managedInterval)
		default:
			m.askAt, m.failure = p.now.Add(managedRetry), awsapi.Explain(err, askedOperation)
		}
		p.updateManaged(t)
	}
}

// takeAnswer takes what Application Auto Scaling says of a target, and has it stop where that is wanted.
func (p *pass) takeAnswer(ctx context.Context, t *target, a *appscaling.Target) {
	m := &t.managed
	m.answered, m.target, m.failure, m.askAt = true, a, "", p.now.Add(managedInterval)
	if m.conflicts() && p.Config.ManagedPolicies() == config.ManagedSuspend && !p.Actuator.DryRun() {
		p.suspendManaged(ctx, t)
	}
	if m.conflicts() {
		m.askAt = p.now.Add(managedRetry)
		p.complain(problemManaged, t.spec.String(), conflictClass, cmp.Or(m.failure, p.conflictText(t)))
	} else {
		p.solved(problemManaged, t.spec.String())
	}
	p.updateManaged(t)
}

// conflictClass is the class of the problem that two scale one service: it stays until a person does something.
const conflictClass = awsapi.Invalid

// suspendManaged makes durable what there was, and then has Application Auto Scaling stop.
func (p *pass) suspendManaged(ctx context.Context, t *target) {
	before := *t.managed.target
	if was := t.memory.Managed; was == nil || was.ARN != before.ARN { // else it is ours already, and what was before us stays
		t.memory.Managed, t.dirty = &evaluator.ManagedBefore{ARN: before.ARN, Suspended: before.Now}, true
		if err := p.commit(nil); err != nil {
			t.memory.Managed = was
			t.managed.failure = "its managed scaling was not suspended, because what it was cannot be stored: " + err.Error()
			return
		}
	}
	if err := p.Managed.Suspend(ctx, &before); err != nil {
		t.managed.failure = awsapi.Explain(err, "application-autoscaling:RegisterScalableTarget")
		return
	}
	p.Logger.Info("managed scaling suspended; ecs-autoscaler handback --from-state gives it back as it was",
		zap.Stringer("target", t.spec.Key), zap.String("was", appscaling.Words(before.Now)))
	after := before
	after.Now = appscaling.Suspended
	t.managed.target = &after
}

// updateManaged tells the evaluator; where that is news, it decides soon.
func (p *pass) updateManaged(t *target) {
	t.managed.note = p.managedNote(t)
	now := p.managedOf(t)
	if now != t.observation.Managed {
		t.observation.Managed = now
		p.lookSoon(t, p.now)
	}
}

// managedOf is what stands against writing to a target.
func (e *Engine) managedOf(t *target) evaluator.Managed {
	mode := e.Config.ManagedPolicies()
	switch {
	case !e.asksManaged(), mode == config.ManagedWarn:
		return evaluator.NotManaged
	case !t.managed.answered:
		return evaluator.ManagedUnknown
	case t.managed.conflicts():
		return evaluator.ManagedToo
	default:
		return evaluator.NotManaged
	}
}

// conflictText says who else scales the target, and what follows from it.
func (e *Engine) conflictText(t *target) string {
	k := t.spec.Key
	text := "Application Auto Scaling scales the service, too (" + appscaling.Words(t.managed.target.Now) + " there); "
	if e.managedOf(t) == evaluator.NotManaged {
		return text + "both write its desired count: ecs-autoscaler takeover --cluster " + k.Cluster + " --service " + k.Service + " ends that"
	}
	return text + "nothing is written to it here until ecs-autoscaler takeover --cluster " + k.Cluster + " --service " + k.Service
}

// managedNote is what a target's note says of it: why nothing is written to it.
func (e *Engine) managedNote(t *target) string {
	switch {
	case e.managedOf(t) == evaluator.NotManaged:
		return ""
	case t.managed.failure != "":
		return t.managed.failure
	case t.managed.conflicts():
		return e.conflictText(t)
	default:
		return ""
	}
}
