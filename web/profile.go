package web

import (
	"net/http"
	"net/http/pprof"
)

// profileNames are the profiles of the runtime that need no word of explanation.
var profileNames = []string{"allocs", "block", "goroutine", "heap", "mutex", "threadcreate"}

// profiles are the routes of the Go runtime's profiles. They cost time and show how the process works inside, so
// they exist only when asked for, and only for those who may give commands.
func profiles() []route {
	routes := []route{
		{private, "/debug/pprof/{$}", http.HandlerFunc(pprof.Index), "profiles of the process"},
		{private, "/debug/pprof/cmdline", http.HandlerFunc(pprof.Cmdline), "the command line"},
		{private, "/debug/pprof/profile", http.HandlerFunc(pprof.Profile), "processor time, ?seconds=30"},
		{private, "/debug/pprof/symbol", http.HandlerFunc(pprof.Symbol), "names of addresses"},
		{private, "/debug/pprof/trace", http.HandlerFunc(pprof.Trace), "an execution trace, ?seconds=1"},
	}
	for _, name := range profileNames {
		routes = append(routes, route{private, "/debug/pprof/" + name, pprof.Handler(name), "a profile of the runtime"})
	}
	return routes
}
