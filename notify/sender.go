package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/view"
)

// Options are what a Sender works with. Connect and Logger are needed.
type Options struct {
	// Connect makes the client that publishes to the topics of a region. It is called where nobody waits for it.
	Connect func(ctx context.Context, region string) (Publisher, error)
	// Transport carries what is sent to webhooks; nil is one of its own.
	Transport http.RoundTripper
	Logger    *zap.Logger
	// Registerer takes the metrics; nil keeps them to itself.
	Registerer prometheus.Registerer
}

// Sender takes events to the destinations of a configuration. Its methods may be called from several goroutines.
type Sender struct {
	Options
	telemetry *telemetry
	ctx       context.Context // of all tries; it ends when Close gives up
	cancel    context.CancelFunc
	running   sync.WaitGroup

	mu           sync.Mutex // guards what follows
	destinations []*destination
	closed       bool
}

// New makes a sender without destinations; Reload gives it some.
func New(o Options) *Sender {
	if o.Transport == nil {
		o.Transport = ownTransport()
	}
	s := &Sender{Options: o, telemetry: newTelemetry(o.Registerer)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// ownTransport is Go's own with connections that nobody else uses.
func ownTransport() http.RoundTripper {
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		return t.Clone()
	}
	return http.DefaultTransport
}

// Notify gives an event to every destination that wants its kind. It does not wait for any.
func (s *Sender) Notify(e view.Event) {
	body, err := json.Marshal(e)
	if err != nil { // nothing in an event cannot be written
		s.Logger.Error("an event could not be written down", zap.String("kind", string(e.Kind)), zap.Error(err))
		return
	}
	l := &letter{Event: e, body: body, accepted: time.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.destinations {
		if d.wants(e.Kind) {
			d.put(l)
		}
	}
}

// Reload makes the destinations those of a configuration. One that stays as it is keeps what waits for it; what waits for one that
// goes is lost, and counted.
func (s *Sender) Reload(c *config.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	before := s.destinations
	s.destinations = nil
	for _, a := range addresses(c) {
		d := take(&before, a)
		if d == nil {
			d = s.open(a)
		}
		s.destinations = append(s.destinations, d)
	}
	for _, d := range before {
		d.abandon()
	}
}

// take removes the destination of an address from a list; nil if there is none.
func take(from *[]*destination, a address) *destination {
	for i, d := range *from {
		if d.same(a) {
			*from = append((*from)[:i:i], (*from)[i+1:]...)
			return d
		}
	}
	return nil
}

// open starts a destination.
func (s *Sender) open(a address) *destination {
	d := newDestination(s.ctx, a, s.carrier(a), s.telemetry, s.Logger)
	s.running.Go(d.run)
	return d
}

// carrier is the way to an address.
func (s *Sender) carrier(a address) carrier {
	if a.webhook != nil {
		return newWebhook(a.webhook, s.Transport)
	}
	return &topic{Topic: *a.topic, connect: s.Connect}
}

// Close delivers what waits until ctx ends. What is left then is lost, counted and said in the log.
func (s *Sender) Close(ctx context.Context) {
	s.mu.Lock()
	s.closed = true
	for _, d := range s.destinations {
		d.finish()
	}
	s.destinations = nil
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, s.cancel)
	defer stop()
	s.running.Wait()
	s.cancel()
	if t, ok := s.Transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}
