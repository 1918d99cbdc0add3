package web

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
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
	// State names where the daemon remembers, by which plan knows the daemon of its own configuration.
	State string
	// Version, Commit and Date are of the build.
	Version, Commit, Date string
	// Now is the daemon's clock; nil is time.Now.
	Now func() time.Time
}

// server is the state that the endpoints share.
type server struct {
	Options
}

// route is one path with what answers it.
type route struct {
	path    string
	handler http.Handler
	about   string
}

// New gives the handler of everything this room shows. It answers GET and HEAD alone.
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
	s := &server{o}
	return guarded(mux(s.routes()))
}

func (s *server) routes() []route {
	return []route{
		{"/metrics", metricsHandler(s.Gatherer), "metrics for Prometheus"},
		{"/healthz", http.HandlerFunc(healthz), "200 while the process is alive"},
		{"/readyz", http.HandlerFunc(s.readyz), "200 after the first full pass, 503 with the reason before"},
		{"/api/v1/targets", answer(s.targets), "the scalable targets"},
		{"/api/v1/targets/{cluster}/{service}", answer(s.target), "one of them in full"},
		{"/api/v1/decisions", answer(s.decisions), "decisions that changed something or changed their reason, newest first"},
		{"/api/v1/activities", answer(s.activities), "scaling activities, newest first"},
		{"/api/v1/version", answer(s.version), "version of the daemon, and when it last made a pass"},
	}
}

// mux sends each path to its handler. Every path is there twice, with and without a method, so that a
// wrong method is answered in JSON like every other mistake.
func mux(routes []route) *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("/", notFound)
	index := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writePlain(w, http.StatusOK, indexText(routes))
	})
	for _, r := range append([]route{{path: "/{$}", handler: index}}, routes...) {
		m.Handle("GET "+r.path, r.handler)
		m.HandleFunc(r.path, methodNotAllowed)
	}
	return m
}

func indexText(routes []route) string {
	var b strings.Builder
	b.WriteString("ecs-autoscaler\n\n")
	for _, r := range routes {
		fmt.Fprintf(&b, "%-37s %s\n", r.path, r.about)
	}
	return b.String()
}

// guarded sets the headers that belong on every answer: what is shown is true for this instant only, and
// a browser must not guess at its type.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
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
