package soak

import (
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/sim"
	"ecs-autoscaler/store"
)

// start is when virtual time begins in every bubble.
var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// tick is how often the harness looks whether every due look has happened.
const tick = time.Minute

// world is one seed alive: a region, a daemon that dies and comes back, and those who do things to both.
type world struct {
	t      *testing.T
	plan   *plan
	region *sim.Region
	r      *rand.Rand // of the harness alone
	logger *zap.Logger
	mutant *mutant

	// lock is held by whoever touches what follows: the harness, or the daemon's goroutine in its transport and its state.
	lock      sync.Mutex
	oracle    *oracle
	totals    *totals
	digest    *digest
	versions  []*version
	newest    *version
	process   *process // the one there is, nil while it is down and in worlds of several
	crew      *crew    // the daemons of a world that has several, nil in others
	machine   *machine // that the one daemon runs on
	processes int
	memory    store.Backend // in memory, or nil
	path      string        // of the state file, or empty
	full      bool
	undos     []undo // of the harness alone
	end       time.Time
	// troubled is until when something may be wrong with AWS, the clock or the disk.
	troubled deadline
	// failed says that enough did not hold; until is the rule that is waited for, if it is a certain one.
	failed  atomic.Bool
	awaited string
	looks   int
	prove   bool
	// published is when the newest version of the configuration was.
	published time.Time
}

// options are what a run of a world may be given.
type options struct {
	size   *size
	mutant *mutant
	until  string  // ends with the first violation of this rule
	pace   float64 // how often things happen, 0 leaves it to the seed
	// daemons is how many there are, 0 leaves it to the seed.
	daemons int
	trace   io.Writer
	exact   bool // the digest covers every byte of what is made durable
	prove   bool // every decision is made anew from its line of the decision log
	logger  *zap.Logger
}

// live runs a world in virtual time from its seed to its end and gives what came of it.
func live(t *testing.T, seed uint64, o options) *totals {
	t.Helper()
	sum := newTotals(seed)
	dir := shm(t)
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, plan: draw(seed, o.size, o.daemons), totals: sum, mutant: o.mutant, logger: o.logger, awaited: o.until, prove: o.prove}
		if o.pace > 0 {
			w.plan.pace = o.pace
		}
		if w.mutant == nil {
			w.mutant = &mutant{}
		}
		if w.mutant.harden != nil {
			for _, c := range w.plan.classes {
				w.mutant.harden(c.now)
			}
		}
		if w.logger == nil {
			w.logger = nop
		}
		if w.plan.file && w.plan.daemons == 1 {
			w.path = filepath.Join(dir, "state.db")
		}
		w.digest = newDigest(o.exact)
		w.digest.trace = o.trace
		w.run()
		sum.digest = w.digest.sum()
	})
	if names, err := litter(dir); err != nil || len(names) > 0 {
		t.Errorf("seed %d leaves files behind: %v %v", seed, names, err)
	}
	sum.took = time.Since(began)
	return sum
}

func (w *world) run() {
	text := w.plan.scenario()
	s, err := sim.ParseScenario("scenario.yaml", []byte(text), nil)
	if err != nil {
		w.t.Fatalf("seed %d: %v\n%s", w.plan.seed, err, text)
	}
	if w.region, err = sim.New(s, time.Now); err != nil {
		w.t.Fatal(err)
	}
	w.r = rand.New(rand.NewPCG(w.plan.seed, 0xbeef))
	w.machine = new(machine)
	w.machine.skew.Store(int64(w.plan.skew))
	if w.path == "" && w.plan.daemons == 1 {
		w.memory = store.Memory()
	}
	w.end = start.Add(w.plan.trouble + w.plan.calm)
	w.oracle = newOracle(w)
	w.publish()
	if w.plan.daemons > 1 {
		gather(w)
	} else {
		w.mustStart()
	}
	w.trouble(start.Add(w.plan.trouble))
	w.quiet()
	w.until(w.end)
	w.judge()
	if w.crew != nil {
		w.crew.leave()
		return
	}
	w.stop()
	if w.memory != nil {
		if err := w.memory.Close(); err != nil {
			w.t.Error(err)
		}
	}
}

// publish makes the newest rules of the plan a version of the configuration.
func (w *world) publish() {
	text := w.plan.configuration(w.mutant)
	c, found := config.Parse(config.Source{Name: "soak.yaml", Text: []byte(text)}, func(string) (string, bool) { return "", false })
	if c == nil {
		w.t.Fatalf("seed %d: %s\n%s", w.plan.seed, found.Detail(), text)
	}
	v := &version{number: len(w.versions), config: c}
	for _, class := range w.plan.classes {
		v.rules = append(v.rules, class.now)
	}
	w.versions = append(w.versions, v)
	w.newest, w.published = v, time.Now()
}

// mustStart starts a process; that only fails where the harness has made it.
func (w *world) mustStart() {
	w.totals.starts++
	if err := w.start(); err != nil {
		w.lock.Lock()
		defer w.lock.Unlock()
		w.violate("start", "", "the daemon does not start: %v", err)
	}
}

// until lets time pass, looks each minute at what the daemon has done, and buries it when it dies. The odd nanoseconds keep the
// harness from waking in the same instant as the daemon.
func (w *world) until(at time.Time) {
	for !w.failed.Load() {
		now := time.Now()
		if !now.Before(at) {
			return
		}
		next := now.Truncate(tick).Add(tick + 37*time.Second + 777)
		if next.Sub(now) > tick {
			next = next.Add(-tick)
		}
		if at.Before(next) {
			next = at
		}
		if !w.wait(next) {
			w.rise()
			continue
		}
		w.settle(time.Now())
		if next != at {
			w.look()
		}
	}
}

// wait sleeps until an instant, or until the process dies: then it is false.
func (w *world) wait(at time.Time) bool {
	if w.crew != nil {
		w.crew.wait(at)
		return true
	}
	if w.process == nil {
		time.Sleep(time.Until(at))
		return true
	}
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.process.died:
		return false
	}
}

// rise brings a new process up after some downtime.
func (w *world) rise() {
	w.bury()
	down := []time.Duration{0, time.Second, 20 * time.Second, 3 * time.Minute, 25 * time.Minute, 3 * time.Hour}[w.r.IntN(6)]
	w.down(down)
}

// down lets time pass without a daemon and then starts one.
func (w *world) down(d time.Duration) {
	w.totals.downtime += time.Duration(w.oracle.count) * d
	time.Sleep(d + time.Duration(w.r.IntN(1000))*time.Millisecond + 331)
	w.mustStart()
}

// most is how many violations a world may have before it ends.
const most = 10

// violate reports that something did not hold. Whoever calls it holds the lock.
func (w *world) violate(rule, about, format string, args ...any) {
	v := violation{
		seed: w.plan.seed, at: time.Now(), rule: rule, service: about, text: fmt.Sprintf(format, args...),
	}
	if about != "" {
		v.decision = w.lastDecision(about)
	}
	w.totals.violated++
	if w.totals.violated <= most {
		w.totals.violations = append(w.totals.violations, v)
	}
	if w.totals.violated >= most || w.awaited != "" && strings.Contains(rule, w.awaited) {
		w.failed.Store(true)
	}
}

// checked counts that something was looked at that must hold.
func (w *world) checked(rule string) { w.totals.checks[rule]++ }

func (w *world) lastDecision(about string) string {
	k := evaluator.ParseKey(about)
	p := w.holder(k.Cluster)
	if p == nil || p.daemon == nil {
		return ""
	}
	row, ok := p.daemon.Store().Target(k)
	if !ok {
		return ""
	}
	d, ok := row.Latest.Get()
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s %s", d.Time.Format(time.RFC3339), d.Message())
}

// holder is the process that steers a cluster now, nil if none does.
func (w *world) holder(cluster string) *process {
	if w.crew != nil {
		return w.crew.holder(cluster)
	}
	return w.process
}

// machine is what a daemon runs on, and its network. It outlives the process.
type machine struct {
	skew    atomic.Int64 // nanoseconds the wall clock is ahead
	latency atomic.Int64 // nanoseconds that each answer is on its way
	// cut is what cannot be reached, a sum of toAWS and toTable.
	cut atomic.Int64
	// troubled is until when something may be wrong with it.
	troubled deadline
}

// deadline is an instant that is only put off. It may be asked for while it is.
type deadline struct{ nanoseconds atomic.Int64 }

// extend puts it off until so long from now.
func (d *deadline) extend(by time.Duration) {
	if at := time.Now().Add(by).UnixNano(); at > d.nanoseconds.Load() {
		d.nanoseconds.Store(at)
	}
}

// over says that it has passed.
func (d *deadline) over(now time.Time) bool { return now.UnixNano() > d.nanoseconds.Load() }
