package scaler

import (
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/observe"
	"ecs-autoscaler/store"
)

// reminder is how often a problem that goes on is logged again.
const reminder = time.Hour

// trouble is a problem that has been told and not yet been solved.
type trouble struct {
	class awsapi.Class
	text  string
	told  time.Time
}

// problem logs an error of AWS's about a thing, with what to do: once, again when its class changes,
// and once an hour as long as it lasts.
func (e *Engine) problem(kind, about string, err error, action string) {
	e.complain(kind, about, awsapi.Classify(err), awsapi.Explain(err, action))
}

// complain is problem with a text of our own.
func (e *Engine) complain(kind, about string, class awsapi.Class, text string) {
	now := e.Clock.Now()
	key := kind + " " + about
	if t, known := e.troubles[key]; known && t.class == class && now.Sub(t.told) < reminder {
		return
	}
	e.troubles[key] = trouble{class: class, text: text, told: now}
	e.Logger.Warn(text, zap.String("problem", kind), zap.String("about", about), zap.String("class", string(class)))
}

// solved ends a problem, and says so if it had been told.
func (e *Engine) solved(kind, about string) {
	key := kind + " " + about
	if t, known := e.troubles[key]; known {
		delete(e.troubles, key)
		e.Logger.Info("solved: "+t.text, zap.String("problem", kind), zap.String("about", about))
	}
}

// noteReadProblems tells about metrics that could not be read.
func (p *pass) noteReadProblems(problems []observe.Problem) {
	failing := make(map[*observe.Entry]bool, len(problems))
	for i := range problems {
		pr := &problems[i]
		failing[pr.Entry] = true
		p.problem("metric", pr.Entry.Name(), pr.Err, "cloudwatch:GetMetricData")
	}
	for entry := range p.unread {
		if !failing[entry] {
			p.solved("metric", entry.Name())
			delete(p.unread, entry)
		}
	}
	for entry := range failing {
		p.unread[entry] = true
	}
}

// logDecision writes the one line of a decision that changes something or changes its reason.
func (p *pass) logDecision(d *evaluator.Decision) {
	p.Logger.Info(d.Message(),
		zap.String("cluster", d.Target.Cluster), zap.String("service", d.Target.Service),
		zap.String("action", string(d.Action)), zap.String("reason", string(d.Reason)),
		zap.String("outcome", string(d.Outcome)),
		zap.Int("desired", d.Desired), zap.Int("running", d.Running), zap.Int("wanted", d.Wanted),
		zap.Int("min", d.Min), zap.Int("max", d.Max), zap.Time("decided", d.Time))
}

// logActivity writes a line when an activity ends; that it began, or failed at once, is in its
// decision's line.
func (p *pass) logActivity(a *store.Activity) {
	if a.EndTime.IsZero() || a.Status == evaluator.Failed {
		return
	}
	p.Logger.Info(a.StatusMessage,
		zap.String("cluster", a.Target.Cluster), zap.String("service", a.Target.Service),
		zap.String("activity", a.ID), zap.String("status", string(a.Status)),
		zap.Duration("took", a.EndTime.Sub(a.StartTime)))
}
