package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/scaler"
	"ecs-autoscaler/scaler/act"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/observe"
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
	// State is used instead of the one that Config names; it is closed with the daemon.
	State *store.Store
	// AWS says how to reach AWS; the zero value is the SDK's own environment.
	AWS awsapi.Options
	// Clock is the daemon's time; nil is the machine's, corrected by AWS's.
	Clock scaler.Clock
	// InFlight is how many calls of a kind are under way at once; 0 means 8.
	InFlight int
}

// Daemon is one running ecs-autoscaler.
type Daemon struct {
	options  Options
	store    *store.Store
	engine   *scaler.Engine
	region   string
	listener net.Listener
	server   *http.Server
	handler  http.Handler
	reload   chan func() (*config.Config, error)
	cleanup  cleanup
}

// New opens the state, connects to AWS and binds the port, but looks at nothing yet. When it fails,
// everything it had opened is closed again.
func New(ctx context.Context, o Options) (*Daemon, error) {
	d := &Daemon{options: o, reload: make(chan func() (*config.Config, error), 1)}
	if err := d.start(ctx); err != nil {
		return nil, errors.Join(err, d.cleanup.run(ctx))
	}
	return d, nil
}

func (d *Daemon) start(ctx context.Context) error {
	if err := d.openState(); err != nil {
		return err
	}
	d.cleanup.push("state", func(context.Context) error { return d.store.Close() })
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	engine, err := d.newEngine(ctx, registry)
	if err != nil {
		return err
	}
	d.engine = engine
	if err := d.show(registry); err != nil {
		return err
	}
	return d.listen(ctx)
}

func (d *Daemon) openState() (err error) {
	if d.store = d.options.State; d.store != nil {
		return nil
	}
	d.store, err = OpenState(d.options.Config, d.options.AllowVolatileState)
	return err
}

// newEngine connects to AWS and builds the engine on it.
func (d *Daemon) newEngine(ctx context.Context, registry prometheus.Registerer) (*scaler.Engine, error) {
	o := d.options
	clock := o.Clock
	if clock == nil {
		c := scaler.NewSystemClock()
		o.AWS.OnDate = d.followAWS(c)
		clock = c
	}
	o.AWS.Registerer = registry
	if o.AWS.Region == "" {
		o.AWS.Region = o.Config.Region
	}
	clients, err := awsapi.Connect(ctx, o.AWS)
	if err != nil {
		return nil, err
	}
	d.region = clients.Region
	return scaler.New(scaler.Options{
		Config:     o.Config,
		Metrics:    observe.NewMetrics(clients.CloudWatch, observe.MetricsOptions{Delay: o.Config.MetricDelay, Registerer: registry, InFlight: o.InFlight}),
		Services:   observe.NewServices(clients.ECS, observe.ServicesOptions{Tags: o.Config.NeedsTags(), InFlight: o.InFlight}),
		Actuator:   actuator(o.Config.DryRun, clients),
		Store:      d.store,
		Clock:      clock,
		Logger:     o.Logger,
		Registerer: registry,
		InFlight:   o.InFlight,
	})
}

// actuator is the one that writes, or the one that has nothing to write with.
func actuator(dryRun bool, c *awsapi.Clients) scaler.Actuator {
	if dryRun {
		return act.DryRun{}
	}
	return act.NewECS(c.ECS)
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

// listen binds the port and prepares the server on it; an empty address means no server.
func (d *Daemon) listen(ctx context.Context) error {
	addr := d.options.Config.Listen
	if addr == "" {
		return nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w: %s", addr, err, listenAdvice(err))
	}
	d.listener, d.server = l, web.NewServer(addr, d.handler)
	d.cleanup.push("HTTP server", d.stopServing)
	return nil
}

// show prepares what the port answers.
func (d *Daemon) show(registry *prometheus.Registry) error {
	o := web.Options{
		Store: d.store, Engine: d.engine, Gatherer: registry, Configured: d.engine.Configured, Now: d.engine.Clock.Now,
		State: stateName(d.options.Config), Version: d.options.Build.Version, Commit: d.options.Build.Commit, Date: d.options.Build.Date,
	}
	d.handler = web.New(o)
	return web.Register(registry, o)
}

// Handler answers what is asked of the daemon's port; it is there without a port, too.
func (d *Daemon) Handler() http.Handler { return d.handler }

// listenAdvice says what to do about an address that cannot be had.
func listenAdvice(err error) string {
	const where = `listen in the configuration, or --listen of the demo`
	if errors.Is(err, syscall.EADDRINUSE) {
		return `is another ecs-autoscaler running? give a free address (` + where + `), or "" for no HTTP server`
	}
	return `give an address of this machine as host:port (` + where + `), or "" for no HTTP server`
}

// stopServing answers the requests under way. A client that is too slow, or holds a connection without
// asking, is cut off: it is no reason to stop with an error.
func (d *Daemon) stopServing(ctx context.Context) error {
	err := d.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = d.server.Close()
	}
	// A server that never served does not know its listener.
	if closing := d.listener.Close(); !errors.Is(closing, net.ErrClosed) {
		err = errors.Join(err, closing)
	}
	return err
}

// Addr is the address the daemon listens on, empty without a server.
func (d *Daemon) Addr() string {
	if d.listener == nil {
		return ""
	}
	return d.listener.Addr().String()
}

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
	case d.reload <- d.options.Load:
	default: // one is pending already
	}
}

// Run serves and makes passes until ctx ends, then stops in order. A write under way is finished.
func (d *Daemon) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if d.server != nil {
		go func() {
			if err := d.server.Serve(d.listener); !errors.Is(err, http.ErrServerClosed) {
				cancel(fmt.Errorf("the HTTP server ended: %w", err))
			}
		}()
		d.options.Logger.Info("listening", zap.String("address", d.Addr()))
	}
	d.engine.Run(ctx, d.reload)
	err := context.Cause(ctx)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) { // a stop that was asked for
		err = nil
	}
	return errors.Join(err, d.Close(ctx))
}

// Close stops what New has started, also when ctx has ended; Run calls it itself.
func (d *Daemon) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	return d.cleanup.run(ctx)
}
