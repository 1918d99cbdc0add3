package scaler

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// ErrNotSteered is what a command about a target gets that is not there, or that another daemon steers.
var ErrNotSteered = errors.New("not a target of this daemon")

// ErrRefused is what an override of a service gets whose count nothing here may set.
var ErrRefused = errors.New("it is not overridden")

// Steer does what a person asks of a target. What has changed is durable when it returns, and takes effect with the next pass.
// It must not run while a pass does. Where it fails nothing has changed: ErrNotSteered, ErrRefused, a command that Check finds
// wrong, or a state that cannot be written.
func (e *Engine) Steer(k evaluator.Key, c evaluator.Command) error {
	t := e.targets[k]
	if t == nil {
		return fmt.Errorf("%w: %s is not in its configuration, or its service has not been found yet", ErrNotSteered, k)
	}
	if err := c.Check(); err != nil {
		return fmt.Errorf("%s: %w", k, err)
	}
	p := &pass{Engine: e, now: e.Clock.Now().Truncate(second)}
	dealt := p.fireBefore(t)
	p.expireSteering(t, &p.scratch)
	before := t.memory.Clone()
	begun, ended := t.memory.Obey(&c, p.now)
	if !dealt {
		t.memory.CarryOver(before.Steering, p.now)
	}
	if why := p.refusal(t, &c); why != "" {
		t.memory = before
		return fmt.Errorf("%s: %w. %s", k, ErrRefused, why)
	}
	t.dirty = true
	if err := p.commit(nil); err != nil {
		t.memory = before
		if errors.Is(err, store.ErrFenced) {
			return fmt.Errorf("%w: another daemon steers %s now", ErrNotSteered, k)
		}
		return fmt.Errorf("%s: nothing was changed, because the state cannot be written: %w", k, err)
	}
	e.lookNow(t)
	for i := range begun {
		e.steered(t, &begun[i], begins, "")
	}
	for i := range ended {
		e.steered(t, &ended[i], isEnded, c.Reason)
	}
	return nil
}

// refusal is what the decision says that leaves an override undone, empty if it does not. A service that has not been described
// yet is not refused: nobody knows whether it will be.
func (p *pass) refusal(t *target, c *evaluator.Command) string {
	if c.Verb != evaluator.Override {
		return ""
	}
	d := &p.scratch
	p.evaluate(t, p.now, d)
	if d.Action != evaluator.Hold || d.Reason == evaluator.ByOverride || d.Reason == evaluator.ServiceNotDescribed {
		return ""
	}
	return d.Message()
}

// turn is what became of something that a person steers, as its line in the log goes on.
type turn string

const (
	begins  turn = ""
	isEnded turn = " was ended by a command"
	expires turn = " is over"
)

// steered is told of everything that persons steer where it has taken effect: that it began, and that it ended. why is the reason
// of whoever ended it.
func (e *Engine) steered(t *target, s *evaluator.Steering, what turn, why string) {
	message := s.Sentence()
	if what != begins {
		message = s.Named() + string(what)
	}
	fields := []zap.Field{
		zap.String("cluster", t.spec.Cluster), zap.String("service", t.spec.Service), zap.String("steers", string(s.Steers)),
		zap.Time("since", s.Since), zap.Time("until", s.Until()), zap.String("reason", s.Reason),
	}
	if why != "" {
		fields = append(fields, zap.String("why", why))
	}
	e.Logger.Info(message, fields...)
}

// expireSteering lets go of what a person steered and what was over at a decision.
func (p *pass) expireSteering(t *target, d *evaluator.Decision) {
	ended := t.memory.EndSteering(d)
	for i := range ended {
		t.dirty = true
		p.steered(t, &ended[i], expires, "")
	}
}

// Steer is Engine.Steer of the engine that has the target. It waits for a pass of that engine, and fails when ctx ends before it
// is its turn.
func (f *Fleet) Steer(ctx context.Context, k evaluator.Key, c evaluator.Command) error {
	return f.command(ctx, k, func(e *Engine) error { return e.Steer(k, c) })
}
