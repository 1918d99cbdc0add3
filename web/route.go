package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// access says what a route is, and by that who may use it. A route that does not say is a command: nothing
// that changes something can be registered open by forgetting a word.
type access int

const (
	// command changes something. It is answered to POST, by those who are authorized, from no other site.
	command access = iota
	// private only shows, but to those who may give commands.
	private
	// open only shows, to everybody who reaches the listener.
	open
)

// route is one path with what answers it.
type route struct {
	access  access
	path    string
	handler http.Handler
	about   string
}

// method is the one that the route answers; HEAD comes with GET.
func (r *route) method() string {
	if r.access == command {
		return http.MethodPost
	}
	return http.MethodGet
}

// mux sends each path to its handler. Every path is there twice, with and without a method, so that a
// wrong method is answered in JSON like every other mistake.
func (s *server) mux(routes []route) *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("/", notFound)
	index := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writePlain(w, http.StatusOK, indexText(routes))
	})
	for _, r := range append([]route{{open, "/{$}", index, ""}}, routes...) {
		m.Handle(r.method()+" "+r.path, s.admitting(r.access, r.handler))
		m.HandleFunc(r.path, methodNotAllowed(r.access))
	}
	return m
}

// admitting lets those through whom the access of a route lets in.
func (s *server) admitting(a access, next http.Handler) http.Handler {
	if a == open {
		return next
	}
	sites := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := sites.Check(r); err != nil {
			s.Guard.refuse(crossSite)
			writeProblem(w, &problem{http.StatusForbidden, forbidden,
				"a page of another site may not give commands to the daemon; commands come from programs, or from a page of this address"})
			return
		}
		if !s.Trusted {
			if err := s.Guard.authorize(r); err != nil {
				writeProblem(w, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func indexText(routes []route) string {
	var b strings.Builder
	b.WriteString("ecs-autoscaler\n\n")
	for _, r := range routes {
		path := strings.TrimSuffix(r.path, "{$}") // which is Go's for the end of a path
		if r.access == command {
			path = r.method() + " " + path
		}
		fmt.Fprintf(&b, "%-50s %s\n", path, r.about)
	}
	return b.String()
}

const (
	// answersInFlight bounds how many answers of the API are made at once, each of them up to some megabytes.
	answersInFlight = 16
	// answerWait is how long a request waits for its turn.
	answerWait = 10 * time.Second
)

// slots are the turns that requests take.
type slots chan struct{}

// take waits for a turn; release ends it. A client that has gone needs none.
func (s slots) take(ctx context.Context) (release func(), ok bool) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	select {
	case s <- struct{}{}:
		return func() { <-s }, true
	case <-ctx.Done():
		return nil, false
	}
}

// handler answers with what an endpoint says.
func (e endpoint) handler(w http.ResponseWriter, r *http.Request) {
	v, err := e(r)
	if err != nil {
		writeProblem(w, err)
		return
	}
	writeJSON(w, http.StatusOK, v)
}

// carryOut makes a handler of a command. Commands do not take turns with those who only look.
func carryOut(e endpoint) http.Handler { return http.HandlerFunc(e.handler) }

// answer makes a handler of an endpoint that shows something.
func (s *server) answer(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		release, ok := s.turns.take(r.Context())
		if !ok {
			s.Guard.refuse(overloaded)
			w.Header().Set("Retry-After", "5")
			writeProblem(w, &problem{http.StatusServiceUnavailable, unavailable, "too many requests at once; ask again later, and for smaller pages"})
			return
		}
		defer release()
		e.handler(w, r)
	})
}
