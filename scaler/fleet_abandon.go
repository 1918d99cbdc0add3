package scaler

import (
	"context"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// abandon ends the activities of clusters that are no longer in the configuration; each engine does so for those of its own.
func (f *Fleet) abandon() {
	if f.Shared || len(f.failedLists()) > 0 || f.unlisted() != "" {
		return // whose they are others know, or nobody does yet
	}
	_, err := f.endAll(store.Changes{}, func(a *store.Activity) bool { return f.of(a.Target) == nil })
	if err != nil {
		f.Logger.Warn("activities that nobody follows any more could not be ended; it is tried again in an hour", zap.Error(err))
	}
}

// Unended says what a cluster has left open that nobody steers, where several daemons share them out: due whether activities are
// open for so long that they are to be ended, later whether others are. While it is not known which clusters the
// configuration means, nothing is due. It fails where the state cannot be read before ctx ends.
func (f *Fleet) Unended(ctx context.Context, sc store.Scope) (due, later bool, err error) {
	if len(f.failedLists()) > 0 || f.unlisted() != "" {
		return false, true, nil
	}
	open, err := f.Store.OpenOf(ctx, sc)
	now := f.Clock.Now()
	for i := range open {
		if forgotten(&open[i], now) {
			due = true
		} else {
			later = true
		}
	}
	return due, later, err
}

// EndUnended ends the activities of a cluster that nobody steers, under a lease that is for this alone: no engine is started and ECS is
// not called. It fails where the state cannot be read or written; then it wraps store.ErrFenced if the lease has moved on.
func (f *Fleet) EndUnended(ctx context.Context, sc store.Scope, fence *store.Fence) error {
	changing := f.changing.at(sc)
	changing.Lock()
	defer changing.Unlock()
	if err := f.Store.Adopt(ctx, sc); err != nil {
		return err
	}
	defer f.Store.Drop(sc)
	n, err := f.endAll(store.Changes{Scope: sc, Fence: fence}, func(a *store.Activity) bool { return store.ScopeOf(a.Target) == sc })
	if err == nil && n > 0 {
		f.Logger.Info("activities were ended of a cluster that is in nobody's configuration any more", zap.Stringer("cluster", sc), zap.Int("activities", n))
	}
	return err
}

// endAll ends the open activities that are meant and forgotten in one commit, and says how many they were.
func (f *Fleet) endAll(c store.Changes, meant func(*store.Activity) bool) (int, error) {
	now := f.Clock.Now()
	for _, a := range f.Store.OpenActivities() {
		if meant(&a) && forgotten(&a, now) {
			abandoned := abandon(a, now)
			c.Activities = append(c.Activities, &abandoned)
		}
	}
	if len(c.Activities) == 0 {
		return 0, nil
	}
	if err := f.Store.Commit(c); err != nil {
		return 0, err
	}
	for _, a := range c.Activities {
		f.common.telemetry.activity(a)
		f.tellEnded(a)
	}
	return len(c.Activities), nil
}

// tellEnded tells of an activity that no engine follows.
func (f *Fleet) tellEnded(a *store.Activity) {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := f.herald
	if known := f.accounts[a.Target.Account]; known != nil {
		h.region = known.Region
	}
	h.activity(a, nil)
}

// forgotten says that an activity is open for longer than one is followed.
func forgotten(a *store.Activity, now time.Time) bool {
	return now.Sub(a.StartTime) >= evaluator.FulfilWithin
}

// abandon is the end of an activity of a cluster that nobody asks for any more. Of one that was never answered it does not
// say that it failed.
func abandon(a store.Activity, now time.Time) store.Activity {
	pending := a.Status == evaluator.Pending
	a.Status, a.EndTime = evaluator.Unfulfilled, now
	if a.StatusMessage = evaluator.StatusMessage(a.Status, a.To, 0, notFollowed); pending {
		a.StatusMessage = "It is not known whether the desired count was set: " + notFollowed
	}
	return a
}
