package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// receiver is a webhook's other end: it takes what is posted to /ok, and refuses the rest.
type receiver struct {
	mu   sync.Mutex
	said strings.Builder
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	if req.URL.Path != "/ok" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said.WriteString(req.Header.Get("Authorization") + " " + req.Header.Get("X-Ecs-Autoscaler-Signature") + " " + string(body) + "\n")
}

func (r *receiver) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said.String()
}

// receive are the commands receiver, which starts one at $RECEIVER, and received PATTERN, which waits for an event.
func receive() (start, received func(ts *testscript.TestScript, neg bool, args []string)) {
	var all sync.Map // by script
	start = func(ts *testscript.TestScript, _ bool, _ []string) {
		r := &receiver{}
		server := httptest.NewServer(r)
		ts.Defer(server.Close)
		ts.Setenv("RECEIVER", server.Listener.Addr().String())
		all.Store(ts, r)
	}
	received = func(ts *testscript.TestScript, neg bool, args []string) {
		known, ok := all.Load(ts)
		if !ok || neg || len(args) != 1 {
			ts.Fatalf("usage: receiver, then received PATTERN")
		}
		pattern := regexp.MustCompile(args[0])
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for range 500 { // ten seconds
			if pattern.MatchString(known.(*receiver).text()) {
				return
			}
			<-tick.C
		}
		ts.Fatalf("no event matches %s; these came:\n%s", pattern, known.(*receiver).text())
	}
	return start, received
}
