package daemon

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"ecs-autoscaler/evaluator"
)

// newsInterval is how often Watch asks whether there is news; looks are made when the daemon would make them.
const newsInterval = time.Second

// News is what differs from what Watch has shown before.
type News struct {
	// Decisions are at first those of all targets, and then those whose action, reason or count is another than before, by name.
	Decisions []evaluator.Decision
	// Gone are the names of targets that are none any more.
	Gone []string
}

// Watch evaluates every target once, and then goes on as the daemon would until ctx ends, which is no error. show is told what is
// new: of all targets first, and then of those that have changed. What goes wrong is in the log, once; what show returns ends it.
func (p *Planner) Watch(ctx context.Context, show func(News) error) error {
	decisions, err := p.Once(ctx)
	switch {
	case ctx.Err() != nil:
		return nil // somebody has seen enough
	case errors.Is(err, ErrUnhandled):
		p.daemon.options.Logger.Warn(err.Error())
	case err != nil:
		return err
	}
	seen := sightings{}
	if err := show(seen.news(decisions)); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var steering sync.WaitGroup
	defer steering.Wait()
	defer stop()
	steering.Go(func() { p.daemon.fleet.Run(ctx, p.daemon.reload) })
	return p.follow(ctx, seen, show)
}

// follow shows what the daemon comes to.
func (p *Planner) follow(ctx context.Context, seen sightings, show func(News) error) error {
	for {
		wake, stop := p.daemon.fleet.Clock.After(newsInterval)
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-wake:
		}
		decisions, _ := p.daemon.decisions() // what could not be handled has a decision that says so, and has been told of
		if n := seen.news(planned(decisions)); len(n.Decisions)+len(n.Gone) > 0 {
			if err := show(n); err != nil {
				return err
			}
		}
	}
}

// sighting is what of a decision is worth a line when it changes.
type sighting struct {
	action evaluator.Action
	reason evaluator.Reason
	wanted int
}

// sightings are what has been shown of each target.
type sightings map[evaluator.Key]sighting

// news are the decisions that differ, which count as shown from now on. A look between two evaluations that an alarm waits for decides
// nothing.
func (s sightings) news(decisions []evaluator.Decision) (n News) {
	here := make(map[evaluator.Key]bool, len(decisions))
	for i := range decisions {
		d := &decisions[i]
		here[d.Target] = true
		now := sighting{d.Action, d.Reason, d.Wanted}
		before, known := s[d.Target]
		if known && (now == before || d.Reason == evaluator.NothingDue && len(d.Policies) > 0) {
			continue
		}
		s[d.Target] = now
		n.Decisions = append(n.Decisions, *d)
	}
	for k := range s {
		if !here[k] {
			delete(s, k)
			n.Gone = append(n.Gone, k.String())
		}
	}
	slices.Sort(n.Gone)
	return n
}
