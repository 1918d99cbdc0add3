package daemon

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/scaler"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/lease"
	"ecs-autoscaler/store"
	"ecs-autoscaler/web"
)

// stopTimeout bounds what follows the last pass: answering requests under way and closing the state.
// With the 8 s that a write may take it stays inside the 10 s promised for SIGTERM.
const stopTimeout = 1500 * time.Millisecond

// Build says which binary this is; it is shown by /metrics and version.
type Build struct{ Version, Commit, Date string }

// Options are what a daemon is made of. Config and Logger are needed.
type Options struct {
	Config *config.Config
	// Load reads the configuration anew for a reload; nil refuses reloads.
	Load   func() (*config.Config, error)
	Logger *zap.Logger
	Build  Build
	// AllowVolatileState permits state in memory for a daemon that writes.
	AllowVolatileState bool
	// State is used instead of the one that Config names; it is closed with the daemon. Leases is where daemons that share
	// that State keep their leases; nil where it is this daemon's alone.
	State  *store.Store
	Leases lease.Table
	// Member is this daemon's name among those that share a state, different in each life of each daemon; "" makes one up.
	Member string
	// AWS says how to reach AWS; the zero value is the SDK's own environment.
	AWS awsapi.Options
	// Webhooks carries what is posted to webhooks; nil is the machine's own network.
	Webhooks http.RoundTripper
	// InFlight is how many requests of a kind each cluster has under way at once; 0 means 8.
	InFlight int
	// InTurn makes the passes of all clusters one after the other, and begins what is done about leases one after the other, for
	// tests that must replay exactly.
	InTurn bool
	// Client says how Plan asks a running daemon.
	Client ClientOptions
	// Clock is the daemon's time; nil is the machine's, corrected by AWS's.
	Clock scaler.Clock
	// Stdout is where a decision log to standard output goes; nil is nowhere.
	Stdout io.Writer
	// Recorder is used instead of the decision log that Config names; nil leaves it to Config.
	Recorder scaler.Recorder
}

// Daemon is one running ecs-autoscaler.
type Daemon struct {
	options Options
	store   *store.Store
	leases  lease.Table
	fleet   *scaler.Fleet
	keeper  *lease.Keeper
	events  *events
	region  string
	clients map[string]*awsapi.Clients
	fronts  []*front
	address string
	handler http.Handler
	reload  chan scaler.Reloading
	cleanup cleanup
}

// New opens the state, connects to AWS and binds the port, but looks at nothing yet. When it fails,
// everything it had opened is closed again.
func New(ctx context.Context, o Options) (*Daemon, error) {
	d := &Daemon{options: o, reload: make(chan scaler.Reloading, 1)}
	if err := d.start(ctx); err != nil {
		err = errors.Join(err, d.cleanup.run(ctx))
		d.events.wait()
		return nil, err
	}
	return d, nil
}

func (d *Daemon) start(ctx context.Context) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := d.openState(ctx, registry); err != nil {
		return err
	}
	d.cleanup.push("state", func(context.Context) error { return d.store.Close() })
	tellMigration(d.options.Logger, d.store.Migration())
	d.newEvents(registry)
	if err := d.newFleet(ctx, registry); err != nil {
		return err
	}
	if err := d.newKeeper(registry); err != nil {
		return err
	}
	if err := d.listen(ctx, registry); err != nil {
		return err
	}
	if d.keeper != nil {
		d.cleanup.push("leases", d.keeper.Close) // first of all: others wait for them, and clients may be slow
	}
	return nil
}

func (d *Daemon) openState(ctx context.Context, registry prometheus.Registerer) (err error) {
	if d.store, d.leases = d.options.State, d.options.Leases; d.store != nil {
		return nil
	}
	o := d.options
	o.AWS.Registerer = registry
	d.store, d.leases, err = OpenState(ctx, o)
	return err
}

// followAWS sets the clock by the dates of AWS's responses and says so when it had to.
func (d *Daemon) followAWS(c *scaler.SystemClock) func(time.Time) {
	return func(date time.Time) {
		if moved := c.Observe(date); moved != 0 {
			d.options.Logger.Warn("this machine's time differs from AWS's; the daemon follows AWS's",
				zap.Duration("by", moved))
		}
	}
}

// listen prepares what the daemon answers, and servers on what the configuration names; nothing named means no server.
func (d *Daemon) listen(ctx context.Context, registry *prometheus.Registry) error {
	o := web.Options{
		Store: d.store, Engine: status{d}, Gatherer: registry, Configured: d.fleet.Configured, Now: d.fleet.Clock.Now,
		State: stateName(d.options.Config), Version: d.options.Build.Version, Commit: d.options.Build.Commit, Date: d.options.Build.Date,
	}
	if d.keeper != nil {
		o.Leases = leases{d.keeper}
	}
	if err := web.Register(registry, o); err != nil {
		return err
	}
	d.handler = web.New(o)
	if c := d.options.Config; c.Listen == "" && c.Access.ControlSocket == "" {
		return nil
	}
	return d.open(ctx, o, registry)
}

// Handler answers what is asked of the daemon's port, without commands; it is there without a port, too.
func (d *Daemon) Handler() http.Handler { return d.handler }

// Addr is the address the daemon listens on, empty without a listener.
func (d *Daemon) Addr() string { return d.address }

// Region is the AWS region the daemon works in.
func (d *Daemon) Region() string { return d.region }

// Store gives the daemon's state for reading.
func (d *Daemon) Store() *store.Store { return d.store }

// Reload asks for the configuration to be loaded anew between two passes; it does not wait.
func (d *Daemon) Reload() {
	if d.options.Load == nil {
		d.options.Logger.Warn("nothing to reload: the configuration did not come from a file")
		return
	}
	select {
	case d.reload <- scaler.Reloading{Load: d.options.Load}:
	default: // one is pending already
	}
}

// Run serves and makes passes until ctx ends, then stops in order. A write under way is finished.
func (d *Daemon) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, f := range d.fronts {
		go func() {
			if err := f.serve(d.options.Logger); err != nil {
				cancel(err)
			}
		}()
		d.options.Logger.Info("listening", zap.Stringer("address", f.listener.Addr()))
	}
	context.AfterFunc(ctx, d.events.askedToStop)
	d.steer(ctx)
	err := context.Cause(ctx)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) { // a stop that was asked for
		err = nil
	}
	return errors.Join(err, d.Close(ctx))
}

// steer makes passes until ctx ends, and where the clusters are shared out, takes part in that.
func (d *Daemon) steer(ctx context.Context) {
	var keeping sync.WaitGroup
	if d.keeper != nil {
		keeping.Go(func() { d.keeper.Run(ctx) })
	}
	d.fleet.Run(ctx, d.reload)
	keeping.Wait()
}

// Close stops what New has started, also when ctx has ended; Run calls it itself.
func (d *Daemon) Close(ctx context.Context) error {
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err := d.cleanup.run(stopping)
	d.events.wait()
	return err
}
