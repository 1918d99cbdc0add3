package notify

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/view"
)

// Tried is what came of trying a destination.
type Tried struct {
	Destination string `json:"destination"`
	Delivered   bool   `json:"delivered"`
	// Answer is what the destination said, or why it got nothing.
	Answer string `json:"answer"`
}

// Try sends one event of kind test to each destination of a configuration, whatever kinds it wants, and waits for the answers. Each has
// a single try of 10 s. Of the options Connect is needed.
func Try(ctx context.Context, c *config.Config, o Options) ([]Tried, error) {
	if o.Transport == nil {
		o.Transport = ownTransport()
	}
	s := &Sender{Options: o}
	e := view.About(config.EventTest, "", evaluator.Key{}, time.Now())
	e.Message, e.DryRun = "This is a test of ecs-autoscaler's events.", c.DryRun
	body, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	all := addresses(c)
	tried := make([]Tried, len(all))
	var trying sync.WaitGroup
	for i, a := range all {
		trying.Go(func() {
			got := s.carrier(a).carry(ctx, &letter{Event: e, body: body})
			tried[i] = Tried{Destination: a.name, Delivered: got.err == nil, Answer: got.said}
			if got.err != nil {
				tried[i].Answer = a.veil(got.err.Error())
			}
		})
	}
	trying.Wait()
	return tried, nil
}
