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

// linesPerKind is how many lines a pass writes about one kind of problem; what is beyond is counted in one more.
const linesPerKind = 5

// problemKey is what a problem is about: a kind, and a service, metric or pattern.
type problemKey struct{ kind, about string }

// trouble is a problem that has been told and not yet been solved.
type trouble struct {
	class awsapi.Class
	text  string
	// since is when it began, told when it was told last.
	since, told time.Time
}

// news is a problem, or the end of one, that the present pass is to tell.
type news struct {
	problemKey
	trouble
	// again says that it is only a reminder, solved that it is over.
	again, solved bool
}

// complaints tell people about problems: once, and again when they are over.
type complaints struct {
	clock  Clock
	logger *zap.Logger
	// troubles are the problems told and not yet solved, news what is still to be told.
	troubles map[problemKey]trouble
	news     []news
	// heard is told what is logged, with how many more there are where it is about several; nil is nobody.
	heard func(n *news, count int, now time.Time)
}

func newComplaints(clock Clock, logger *zap.Logger) complaints {
	return complaints{clock: clock, logger: logger, troubles: map[problemKey]trouble{}}
}

// problem logs an error of AWS's about a thing, with what to do: once, again when its class changes,
// and once an hour as long as it lasts.
func (c *complaints) problem(kind, about string, err error, action string) {
	c.complain(kind, about, awsapi.Classify(err), awsapi.Explain(err, action))
}

// complain is problem with a text of our own.
func (c *complaints) complain(kind, about string, class awsapi.Class, text string) {
	now := c.clock.Now()
	key := problemKey{kind, about}
	before, known := c.troubles[key]
	again := known && before.class == class
	if again && now.Sub(before.told) < reminder {
		return
	}
	t := trouble{class: class, text: text, since: now, told: now}
	if again {
		t.since = before.since
	}
	c.troubles[key] = t
	c.news = append(c.news, news{problemKey: key, trouble: t, again: again})
}

// solved ends a problem, and says so if it had been told.
func (c *complaints) solved(kind, about string) {
	key := problemKey{kind, about}
	if t, known := c.troubles[key]; known {
		delete(c.troubles, key)
		c.news = append(c.news, news{problemKey: key, trouble: t, solved: true})
	}
}

// tell logs what the pass has found out about problems. A missing permission strikes thousands of
// services at once: each is counted, a few are named.
func (c *complaints) tell() {
	type group struct {
		kind   string
		class  awsapi.Class
		solved bool
	}
	told, more, sample := map[group]int{}, map[group]int{}, map[group]*news{}
	for i := range c.news {
		n := &c.news[i]
		g := group{n.kind, n.class, n.solved}
		if told[g]++; told[g] > linesPerKind {
			more[g]++
			sample[g] = n
			continue
		}
		fields := []zap.Field{zap.String("problem", n.kind), zap.String("about", n.about)}
		if n.solved {
			c.logger.Info("solved: "+n.text, fields...)
		} else {
			c.logger.Warn(n.text, append(fields, zap.String("class", string(n.class)))...)
		}
		c.hear(n, 0)
	}
	for g, count := range more {
		fields := []zap.Field{zap.String("problem", g.kind), zap.Int("count", count), zap.String("class", string(g.class))}
		if g.solved {
			c.logger.Info("solved: more problems of this kind", fields...)
		} else {
			c.logger.Warn("more problems of this kind; /api/v1/targets has the note of each target", fields...)
		}
		c.hear(sample[g], count)
	}
	c.news = nil
}

func (c *complaints) hear(n *news, count int) {
	if c.heard != nil {
		c.heard(n, count, c.clock.Now())
	}
}

// noteReadProblems tells about the metrics that could not be read, and that others can be again. What was not
// read this time stays as it was.
func (p *pass) noteReadProblems(read []*observe.Entry, problems []observe.Problem) {
	failing := make(map[*observe.Entry]bool, len(problems))
	for i := range problems {
		pr := &problems[i]
		failing[pr.Entry] = true
		name := pr.Entry.Name()
		p.unread[pr.Entry] = name
		p.tracked[pr.Entry].note = awsapi.Explain(pr.Err, "cloudwatch:GetMetricData")
		p.problem("metric", name, pr.Err, "cloudwatch:GetMetricData")
	}
	for _, entry := range read {
		if name, known := p.unread[entry]; known && !failing[entry] {
			p.solved("metric", name)
			p.tracked[entry].note = ""
			delete(p.unread, entry)
		}
	}
}

// logDecision writes the one line of a decision that changes something or changes its reason.
func (p *pass) logDecision(d *evaluator.Decision) {
	fields := []zap.Field{
		zap.String("cluster", d.Target.Cluster), zap.String("service", d.Target.Service),
		zap.String("action", string(d.Action)), zap.String("reason", string(d.Reason)),
		zap.String("outcome", string(d.Outcome)), zap.Int("min", d.Min), zap.Int("max", d.Max), zap.Time("decided", d.Time),
	}
	if d.Seen() {
		fields = append(fields, zap.Int("desired", d.Desired), zap.Int("running", d.Running), zap.Int("wanted", d.Wanted))
	}
	p.Logger.Info(d.Message(), fields...)
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
