package scaler

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/config"
)

const (
	// soonest is the least time between two passes: what a rate held back is tried again each second.
	soonest = time.Second
	// longest is the most, so that the daemon notices a clock that was set and shows that it lives.
	longest = time.Minute
	// summaryInterval is how often a line sums up what happened.
	summaryInterval = time.Minute
)

// SummaryMessage is the message of the line that sums up a minute.
const SummaryMessage = "summary"

// tally adds up the reports between two summary lines.
type tally struct {
	since                                    time.Time
	passes, looked, acted, requests, metrics int
}

// Run makes a pass whenever one is due until ctx ends. What comes through reload is loaded and
// swapped in between two passes; a configuration that does not load leaves the old one in force.
func (e *Engine) Run(ctx context.Context, reload <-chan func() (*config.Config, error)) {
	sum := tally{since: e.Clock.Now()}
	for ctx.Err() == nil {
		e.noteClock()
		now := e.Clock.Now()
		sum.add(e.Pass(ctx, now))
		e.summarize(&sum)
		wake, stop := e.Clock.After(e.untilNext(e.Clock.Now()))
		select {
		case <-ctx.Done():
		case load := <-reload:
			e.reloadFrom(load)
		case <-wake:
		}
		stop()
	}
}

func (s *tally) add(r Report) {
	s.passes++
	s.looked += r.Looked
	s.acted += r.Acted
	s.requests += r.Requests
	s.metrics += r.MetricsRequested
}

// summarize writes the summary line when it is time for one.
func (e *Engine) summarize(s *tally) {
	now := e.Clock.Now()
	if now.Sub(s.since) < summaryInterval {
		return
	}
	ready, why := e.Ready()
	fields := []zap.Field{
		zap.Int("targets", len(e.order)), zap.Int("passes", s.passes), zap.Int("looked", s.looked),
		zap.Int("acted", s.acted), zap.Int("get_metric_data", s.requests), zap.Int("metrics_requested", s.metrics),
		zap.Int("problems", len(e.troubles)), zap.Bool("ready", ready),
	}
	if !ready {
		fields = append(fields, zap.String("why", why))
	}
	e.Logger.Info(SummaryMessage, fields...)
	*s = tally{since: now}
}

// untilNext is how long to wait for the next pass.
func (e *Engine) untilNext(now time.Time) time.Duration {
	next := now.Add(longest)
	sooner := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	for _, t := range e.order {
		if t.known() || t.describeErr != nil {
			sooner(t.nextLook)
		}
		sooner(t.describeAt)
	}
	if len(e.inventory.patterns) > 0 {
		sooner(e.inventory.next)
	}
	if next := e.inventory.nextCandidate(now); !next.IsZero() {
		sooner(next)
	}
	return max(next.Sub(now), soonest)
}

// reloadFrom loads a configuration and takes it up, or says why it stays with the old one.
func (e *Engine) reloadFrom(load func() (*config.Config, error)) {
	c, err := load()
	if err != nil {
		e.telemetry.reload(false, e.Clock.Now())
		e.Logger.Error("the configuration was not reloaded; the one before stays in force", zap.Error(err))
		return
	}
	if fixed := needRestart(e.Config, c); len(fixed) > 0 {
		e.Logger.Warn("these settings changed in the file but hold only after a restart: " + strings.Join(fixed, ", "))
	}
	e.Reload(c)
	e.telemetry.reload(true, e.Clock.Now())
	e.Logger.Info("the configuration was reloaded", zap.Int("targets", len(e.order)))
}

// needRestart names the settings that a process cannot change while it runs.
func needRestart(old, now *config.Config) []string {
	var names []string
	for name, changed := range map[string]bool{
		"region": old.Region != now.Region, "state": old.State != now.State, "listen": old.Listen != now.Listen,
		"dry_run": old.DryRun != now.DryRun, "metric_delay": old.MetricDelay != now.MetricDelay,
	} {
		if changed {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// noteClock tells people about a wall clock that was set. No deadline depends on it: the daemon's time runs on the monotonic
// clock and follows AWS's.
func (e *Engine) noteClock() {
	c, ok := e.Clock.(interface{ Step() time.Duration })
	if !ok {
		return
	}
	if step := c.Step(); step != 0 {
		e.Logger.Warn("the machine's clock was set; cooldowns and other deadlines are not moved by it, they follow AWS's time",
			zap.Duration("by", step))
		e.askTheTime()
	}
}

// askTheTime has a service described in the coming pass, for the date of the answer: what looks like a step may be a machine
// that was asleep. Its monotonic clock has stood still, and the next look may be a quarter of an hour away.
func (e *Engine) askTheTime() {
	if len(e.order) > 0 {
		e.order[0].describeAt = time.Time{}
	}
}
