package soak

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"ecs-autoscaler/sim"
)

// totals is what came of one world, or of many.
type totals struct {
	seed       uint64
	worlds     int
	served     int64 // minutes of services in which every due look happened
	outages    int64 // minutes in which one was overdue because AWS, the clock or the disk was in trouble
	downtime   time.Duration
	starts     int
	several    int // worlds of several daemons
	joins      int
	takeOvers  int // of clusters from dead daemons
	handOvers  int // of clusters that were given back
	restarts   int
	reloads    int
	apis       int              // how often the API was compared with the region
	calls      map[string]int64 // by operation
	datapoints int64
	writes     int64
	intents    int64
	commits    int64
	counting   sync.Mutex // guards faults and crashes
	faults     map[string]int64
	crashes    map[string]int64
	checks     map[string]int64
	violated   int
	violations []violation
	digest     string
	took       time.Duration
}

// violation is something that did not hold.
type violation struct {
	seed          uint64
	at            time.Time
	rule, service string
	text          string
	decision      string
}

func (v *violation) String() string {
	text := fmt.Sprintf("seed %d at %s: %s: %s: %s", v.seed, v.at.UTC().Format(time.RFC3339Nano), v.service, v.rule, v.text)
	if v.decision != "" {
		text += "\n  last decision: " + v.decision
	}
	return text + fmt.Sprintf("\n  replay: make soak SEED=%d YEARS=0%s", v.seed, given())
}

func newTotals(seed uint64) *totals {
	return &totals{seed: seed, worlds: 1, calls: map[string]int64{}, faults: map[string]int64{}, crashes: map[string]int64{}, checks: map[string]int64{}}
}

// fault counts something that went wrong; the harness and the daemon's goroutine both do.
func (t *totals) fault(kind string) {
	t.counting.Lock()
	defer t.counting.Unlock()
	t.faults[kind]++
}

func (t *totals) crash(where string) {
	t.counting.Lock()
	defer t.counting.Unlock()
	t.crashes[where]++
}

// call counts one request and what struck it.
func (t *totals) call(s *sim.Seen) {
	t.calls[s.Operation]++
	if s.Fault != "" {
		t.fault(string(s.Fault))
	}
	for i := range s.Measured {
		if st := s.Measured[i].Status; st != "" && st != "Complete" {
			t.fault("metric_" + st)
		}
	}
}

// taken counts a lease that has become a daemon's.
func (t *totals) taken(before *tenure, owner string) {
	switch {
	case before.Owner == "" && before.Generation > 0:
		t.handOvers++
	case before.Owner != "" && before.Owner != owner:
		t.takeOvers++
	}
}

// add joins the totals of another world.
func (t *totals) add(o *totals) {
	t.worlds += o.worlds
	t.served, t.outages, t.downtime = t.served+o.served, t.outages+o.outages, t.downtime+o.downtime
	t.starts, t.restarts, t.reloads = t.starts+o.starts, t.restarts+o.restarts, t.reloads+o.reloads
	t.apis += o.apis
	t.several, t.joins = t.several+o.several, t.joins+o.joins
	t.takeOvers, t.handOvers = t.takeOvers+o.takeOvers, t.handOvers+o.handOvers
	t.datapoints, t.writes, t.intents, t.commits = t.datapoints+o.datapoints, t.writes+o.writes, t.intents+o.intents, t.commits+o.commits
	join(t.calls, o.calls)
	join(t.faults, o.faults)
	join(t.crashes, o.crashes)
	join(t.checks, o.checks)
	t.violated += o.violated
	t.violations = append(t.violations, o.violations...)
	t.took += o.took
}

func join(a, b map[string]int64) {
	for k, n := range b {
		a[k] += n
	}
}

func (t *totals) years() float64 { return float64(t.served) / (365 * 24 * 60) }

func sum(m map[string]int64) (n int64) {
	for _, k := range m {
		n += k
	}
	return n
}

// report prints the totals; the first line is the one to quote.
func (t *totals) report(w io.Writer, first, last uint64) {
	perMinute := 0.0
	if t.took > 0 {
		perMinute = t.years() / t.took.Minutes()
	}
	fmt.Fprintf(w, "soak: seeds %d to %d, %.2f service-years, %.2f years a core-minute, %d faults injected, %d crashes survived, %d restarts, %d invariants checked, %d violations\n",
		first, last, t.years(), perMinute, sum(t.faults), sum(t.crashes), t.restarts, sum(t.checks), t.violated)
	fmt.Fprintf(w, "  not counted: %.2f service-years of outages, %.2f of downtime\n", float64(t.outages)/(365*24*60), t.downtime.Hours()/(365*24))
	fmt.Fprintf(w, "  %d worlds, %d starts, %d reloads, %d calls, %d datapoints, %d durable writes, %d intents, %d writes to ECS, %s\n",
		t.worlds, t.starts, t.reloads, sum(t.calls), t.datapoints, t.commits, t.intents, t.writes, t.took.Round(time.Second))
	if t.several > 0 {
		fmt.Fprintf(w, "  %d worlds of several daemons: %d clusters taken over, %d handed over, %d joins\n", t.several, t.takeOvers, t.handOvers, t.joins)
	}
	fmt.Fprintf(w, "  calls: %s\n  faults: %s\n  crashes: %s\n  checks: %s\n", list(t.calls), list(t.faults), list(t.crashes), list(t.checks))
	for i := range t.violations {
		fmt.Fprintln(w, t.violations[i].String())
	}
}

func list(m map[string]int64) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(parts, ", ")
}
