package scaler

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"ecs-autoscaler/evaluator"
)

// Pass makes a pass over every cluster that is due at now, one after the other in a fixed order, in the caller's goroutine:
// for a driver that has the whole time in its hand. A cluster that does not answer then delays those after it. The report
// adds up theirs; its Err joins them.
func (f *Fleet) Pass(ctx context.Context, now time.Time) Report {
	sum := Report{Err: f.discover(ctx, now)}
	for _, r := range f.held() {
		if now.Before(f.nextPass(r)) || ctx.Err() != nil {
			continue
		}
		report := f.pass(ctx, r, now)
		sum.Looked += report.Looked
		sum.Acted += report.Acted
		sum.Requests += report.Requests
		sum.MetricsRequested += report.MetricsRequested
		sum.Err = errors.Join(sum.Err, report.Err)
		f.tellFenced(r, report)
	}
	f.keepHouse(ctx)
	return sum
}

// Next is when Pass has something to do again, at the soonest now.
func (f *Fleet) Next() time.Time {
	now, next := f.Clock.Now(), f.nextList()
	if limit := now.Add(longest); limit.Before(next) {
		next = limit
	}
	for _, r := range f.held() {
		if due := f.nextPass(r); due.Before(next) {
			next = due
		}
	}
	return latest(now, next)
}

// List finds out which clusters the configuration means; it fails when ctx ends before that is known.
func (f *Fleet) List(ctx context.Context) error {
	for {
		if err := f.discover(ctx, f.Clock.Now()); err != nil {
			return err
		}
		if f.unlisted() == "" {
			return nil
		}
		if err := pause(ctx, f.Clock); err != nil {
			return err
		}
	}
}

// Whole makes passes over all clusters at once until every target has been looked at and no rate holds a write back. It
// fails where the state cannot be written or ctx ends.
func (f *Fleet) Whole(ctx context.Context) error {
	if err := f.List(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, r := range f.held() {
		g.Go(func() error { return f.whole(ctx, r) })
	}
	return g.Wait()
}

// whole is Whole for one cluster.
func (f *Fleet) whole(ctx context.Context, r *runner) error {
	for {
		if report := f.pass(ctx, r, f.Clock.Now()); report.Err != nil {
			return report.Err
		}
		if ready, _ := r.engine.Ready(); ready && !r.engine.heldBack() {
			return nil
		}
		if err := pause(ctx, f.Clock); err != nil {
			return err
		}
	}
}

// heldBack reports whether a rate still holds a write back.
func (e *Engine) heldBack() bool {
	for _, t := range e.order {
		held := false
		t.latest.View(func(d *evaluator.Decision) {
			held = d.Outcome == evaluator.OutcomeRateLimited
		})
		if held {
			return true
		}
	}
	return false
}

// pause waits a second of the clock, as long as AWS's rates need to give more calls.
func pause(ctx context.Context, clock Clock) error {
	wake, stop := clock.After(second)
	defer stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wake:
		return nil
	}
}

// keepHouse does what is the daemon's and no cluster's: it sums up, looks at the clock and removes old history.
func (f *Fleet) keepHouse(ctx context.Context) {
	f.noteClock()
	f.summarize()
	now := f.Clock.Now()
	f.mu.Lock()
	due := now.Sub(f.pruned) >= pruneInterval && ctx.Err() == nil
	if due {
		f.pruned = now
	}
	f.mu.Unlock()
	if !due {
		return
	}
	f.abandon()
	if _, err := f.Store.Prune(now); err != nil {
		f.Logger.Warn("old history could not be removed; it is tried again in an hour", zap.Error(err))
	}
}

// noteClock tells people about a wall clock that was set. No deadline depends on it: the daemon's time runs on the monotonic
// clock and follows AWS's. But what looks like a step may be a machine that was asleep, while its monotonic clock stood still,
// and the next look may be a quarter of an hour away: so AWS is asked for the time.
func (f *Fleet) noteClock() {
	c, ok := f.Clock.(interface{ Step() time.Duration })
	if !ok {
		return
	}
	step := c.Step()
	if step == 0 {
		return
	}
	f.Logger.Warn("the machine's clock was set; cooldowns and other deadlines are not moved by it, they follow AWS's time",
		zap.Duration("by", step))
	for _, r := range f.held() {
		r.askTime.Store(true)
		f.mu.Lock()
		r.next = time.Time{}
		f.mu.Unlock()
		r.wake()
	}
}

// askTheTime has a service described in the coming pass, for the date of the answer.
func (e *Engine) askTheTime() {
	if len(e.order) > 0 {
		e.order[0].describeAt = time.Time{}
	}
}

// summarize writes the summary line when it is time for one.
func (f *Fleet) summarize() {
	now := f.Clock.Now()
	f.mu.Lock()
	sum := f.sum
	due := now.Sub(sum.since) >= summaryInterval
	if due {
		f.sum = tally{since: now}
	}
	f.mu.Unlock()
	if !due {
		return
	}
	held, problems := f.held(), f.problems()
	ready, why := f.Ready()
	if f.Sharing != nil {
		more, apart := f.Sharing()
		if problems += more; apart != "" {
			ready, why = false, apart
		}
	}
	fields := []zap.Field{
		zap.Int("clusters", len(held)), zap.Int("targets", f.targets()), zap.Int("passes", sum.passes), zap.Int("looked", sum.looked),
		zap.Int("acted", sum.acted), zap.Int("get_metric_data", sum.requests), zap.Int("metrics_requested", sum.metrics),
		zap.Int("problems", problems), zap.Bool("ready", ready),
	}
	if why != "" {
		fields = append(fields, zap.String("why", why))
	}
	f.Logger.Info(SummaryMessage, fields...)
}

// targets counts those of all engines, problems what is wrong with them and with the accounts.
func (f *Fleet) targets() (n int) {
	for _, r := range f.held() {
		targets, _ := r.engine.counts()
		n += targets
	}
	return n
}

func (f *Fleet) problems() int {
	f.mu.Lock()
	n := len(f.complains.troubles)
	f.mu.Unlock()
	for _, r := range f.held() {
		_, problems := r.engine.counts()
		n += problems
	}
	return n
}

// counts are the targets of the engine, and the problems that it has told of and that are not solved.
func (e *Engine) counts() (targets, problems int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.specs), e.problems
}
