package daemon

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ecs-autoscaler/notify"
	"ecs-autoscaler/scaler/awsapi"
)

const (
	// deliverFor is how long a stop waits for events that have not been delivered, stopWithin what it leaves of that where writes took
	// their time: the daemon stops within 10 s.
	deliverFor = 5 * time.Second
	stopWithin = 9 * time.Second
	// leastDelivery is for what the last pass had to tell.
	leastDelivery = 500 * time.Millisecond
)

// events is the sender with what its end needs to know.
type events struct {
	*notify.Sender
	// asked is when a stop was asked for, in nanoseconds since 1970; 0 is never.
	asked     atomic.Int64
	finishing sync.WaitGroup
}

// newEvents makes what tells the destinations of the configuration of events.
func (d *Daemon) newEvents(registry prometheus.Registerer) {
	o := d.options
	o.AWS.Registerer = registry
	d.events = &events{Sender: notify.New(notify.Options{Connect: o.publisher, Transport: o.Webhooks, Logger: o.Logger, Registerer: registry})}
	d.events.Reload(o.Config)
	d.cleanup.push("events", d.events.finish)
}

func (e *events) askedToStop() { e.asked.Store(time.Now().UnixNano()) }

// finish takes no more events and goes on delivering those that there are, while others stop.
func (e *events) finish(ctx context.Context) error {
	within := deliverFor
	if asked := e.asked.Load(); asked > 0 {
		within = max(leastDelivery, min(deliverFor, stopWithin-time.Since(time.Unix(0, asked))))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	e.finishing.Go(func() {
		defer cancel()
		e.Close(ctx)
	})
	return nil
}

// wait waits for the end of what finish has begun. A start that failed early has nothing to wait for.
func (e *events) wait() {
	if e != nil {
		e.finishing.Wait()
	}
}

// publisher makes the client for the SNS topics of a region, with the daemon's own credentials.
func (o Options) publisher(ctx context.Context, region string) (notify.Publisher, error) {
	a := o.AWS
	a.Region = region
	return awsapi.ConnectSNS(ctx, a)
}

// TestEvents sends an event of kind test to each destination of the configuration and says what came of it.
func TestEvents(ctx context.Context, o Options) ([]notify.Tried, error) {
	return notify.Try(ctx, o.Config, notify.Options{Connect: o.publisher, Transport: o.Webhooks, Logger: o.Logger})
}
