package web

import (
	"cmp"
	"net/http"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// scrapesInFlight bounds how many /metrics answers are made at once: at 10,000 targets one answer is
// some 30 MB of text, and a supervisor that hammers the endpoint must not take the daemon's memory.
const scrapesInFlight = 8

// Engine is what this room wants to know of the loop.
type Engine interface {
	// Ready says whether a first full pass has been made, and if not what is being waited for.
	Ready() (ok bool, why string)
	// LastPass is when the last successful pass ended, zero before the first.
	LastPass() time.Time
}

// Leases is how this daemon shares the clusters out with others.
type Leases interface {
	// Leases is who steers what, as this daemon last saw it, ready to be shown as JSON (docs/daemons.md).
	Leases() any
	// Trouble is why the table that has them could not be used when that was last tried, nil when it could.
	Trouble() error
}

// Options are what the pages are made from.
type Options struct {
	// Store holds the rows that are shown. Required.
	Store *store.Store
	// Engine answers /readyz. Required.
	Engine Engine
	// Gatherer is the registry behind /metrics; nil shows an empty one.
	Gatherer prometheus.Gatherer
	// Configured gives a target as the configuration now describes it. Cooldowns are remembered as the
	// instants activities were fulfilled, so their ends can only be told with the present cooldown
	// at hand; nil leaves them out.
	Configured func(evaluator.Key) (*evaluator.Target, bool)
	// Leases answers /api/v1/leases; nil where the state is this daemon's alone.
	Leases Leases
	// State names where the daemon remembers, by which plan knows the daemon of its own configuration.
	State string
	// Commands are what requests may change; nil is nothing.
	Commands Commands
	// Guard decides who may give commands; nil lets nobody.
	Guard *Guard
	// Trusted says that whoever gets here may do everything: the file permissions of the control socket have let him in.
	Trusted bool
	// Pprof shows the profiles of the process below /debug/pprof/ to those who may give commands.
	Pprof bool
	// Hosts are the names that a listener on loopback answers to, beside localhost and IP addresses; nil is every name.
	Hosts []string
	// Version, Commit and Date are of the build.
	Version, Commit, Date string
	// Now is the daemon's clock; nil is time.Now.
	Now func() time.Time
}

// server is the state that the endpoints share.
type server struct {
	Options
	turns slots
}

// New gives the handler of everything this room shows, and of the commands that it takes.
func New(o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Gatherer == nil {
		o.Gatherer = prometheus.NewRegistry()
	}
	if o.Configured == nil {
		o.Configured = func(evaluator.Key) (*evaluator.Target, bool) { return nil, false }
	}
	if o.Commands == nil {
		o.Commands = noCommands{}
	}
	if o.Guard == nil {
		o.Guard, _ = NewGuard(GuardOptions{}) // only a token file can be wrong
	}
	s := &server{o, make(slots, answersInFlight)}
	return guarded(s.ownHosts(s.mux(s.routes())))
}

func (s *server) routes() []route {
	routes := []route{
		{open, "/metrics", metricsHandler(s.Gatherer), "metrics for Prometheus"},
		{open, "/healthz", http.HandlerFunc(healthz), "200 while the process is alive"},
		{open, "/readyz", http.HandlerFunc(s.readyz), "200 after the first full pass, 503 with the reason before"},
		{open, "/api/v1/targets", s.answer(s.targets), "the scalable targets"},
		{open, "/api/v1/targets/{cluster}/{service}", s.answer(s.target), "one of them in full"},
		{open, "/api/v1/decisions", s.answer(s.decisions), "decisions that changed something or changed their reason, newest first"},
		{open, "/api/v1/activities", s.answer(s.activities), "scaling activities, newest first"},
		{open, "/api/v1/version", s.answer(s.version), "version of the daemon, and when it last made a pass"},
		{open, "/api/v1/leases", s.answer(s.leases), "which of several daemons steers which cluster"},
		{command, "/api/v1/reload", carryOut(s.reload), "load the configuration anew"},
		{command, "/api/v1/targets/{cluster}/{service}/suspend", carryOut(s.suspend), "suspend scaling for some time"},
		{command, "/api/v1/targets/{cluster}/{service}/resume", carryOut(s.resume), "end what a suspension has begun"},
		{command, "/api/v1/targets/{cluster}/{service}/override", carryOut(s.override), "set the desired count for some time, or end that"},
	}
	if s.Pprof {
		routes = append(routes, profiles()...)
	}
	return routes
}

// guarded sets the headers that belong on every answer: what is shown is true for this instant only, and
// a browser must not guess at its type. No body is read further than a command's may go.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// metricsHandler serves what can be gathered even if one collector fails: a daemon whose metrics vanish
// over one bad label cannot be watched.
func metricsHandler(g prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(withoutEmptyAccounts{g}, promhttp.HandlerOpts{
		EnableOpenMetrics:   true,
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: scrapesInFlight,
	})
}

func healthz(w http.ResponseWriter, _ *http.Request) {
	writePlain(w, http.StatusOK, "ok\n")
}

func (s *server) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := s.Store.Health().Err; err != nil {
		writePlain(w, http.StatusServiceUnavailable, "not ready: the state cannot be written: "+err.Error()+"\n")
		return
	}
	if ok, why := s.Engine.Ready(); !ok {
		writePlain(w, http.StatusServiceUnavailable, "not ready: "+cmp.Or(why, "no full pass has been made yet")+"\n")
		return
	}
	writePlain(w, http.StatusOK, "ok\n")
}
