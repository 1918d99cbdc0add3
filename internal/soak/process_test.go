package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/daemon"
	"ecs-autoscaler/scaler"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/store"
)

// errKilled is what everything gives to a process that is dead. The SDK takes it for a wish to stop and tries nothing again.
var errKilled error = killedError{}

type killedError struct{}

func (killedError) Error() string       { return "the process was killed" }
func (killedError) CanceledError() bool { return true }

// errFull is a disk that takes no more.
var errFull = errors.New("no space left on device")

// moment is a place at which a process may be killed.
type moment int

const (
	never moment = iota
	beforeCommit
	afterCommit
	beforeSend
	afterEffect
	afterAnswer
	beforeLease
	afterLease
	afterIntent
)

var moments = map[moment]string{
	never: "never", beforeCommit: "before a durable write", afterCommit: "after a durable write", beforeSend: "before an UpdateService is sent",
	afterEffect: "after an UpdateService, before its answer", afterAnswer: "after the answer to an UpdateService",
	afterIntent: "after an intent is durable, before the answer", beforeLease: "before a lease is moved", afterLease: "after a lease is moved, before the answer",
}

// trap kills the process at the n-th passage of a moment.
type trap struct {
	moment moment
	left   int
	// nap has the machine fall asleep instead, for so long.
	nap time.Duration
}

// version is one configuration as the daemon and the oracle have it. It is never changed.
type version struct {
	number int
	config *config.Config
	rules  []*rules // by class, nil where the class is not in it
}

// process is one life of a daemon. Its transport, its state and its clock go through the harness.
type process struct {
	w       *world
	number  int
	daemon  *daemon.Daemon
	version *version
	clock   *scaler.SystemClock
	cancel  context.CancelFunc
	done    chan error
	died    chan struct{}
	began   time.Time
	trap    trap
	dead    bool
	machine *machine
	trips   map[*trip]bool // under way
	// id is its name among several, begun since when it makes the commit to each cluster durable that is under way.
	id      string
	begun   map[string]time.Time
	adopted time.Time // the version
	known   map[series]*known
	slots   []slot
	slotsOf *version
	naps    naps
	chance  *rand.Rand
}

var keys = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
})

// start makes a process on the durable state and lets it run.
func (w *world) start() error {
	backend, err := w.open()
	if err != nil {
		return err
	}
	p := w.newProcess(w.machine)
	p.clock = p.newClock()
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	w.oracle.adopted(p)
	s, err := store.New(w.mutant.backend(&disk{Backend: backend, p: p}))
	if err != nil {
		cancel()
		return errors.Join(err, backend.Close())
	}
	o := daemon.Options{
		Config: p.version.config, Logger: w.logger, State: s, AllowVolatileState: true, Clock: p.clock, InFlight: 1, InTurn: true,
		Recorder: w.recorder(),
		Load: func() (*config.Config, error) {
			w.lock.Lock()
			defer w.lock.Unlock()
			p.version = w.newest
			w.oracle.adopted(p)
			return p.version.config, nil
		},
		AWS: awsapi.Options{
			Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: p}, Jitter: p.chance.Float64,
			OnDate: func(date time.Time) { p.clock.Observe(date) },
		},
	}
	if p.daemon, err = daemon.New(ctx, o); err != nil {
		cancel()
		return errors.Join(err, s.Close())
	}
	w.process = p
	go func() {
		time.Sleep(breath) // by now the harness sleeps, too: only one of the two is ever awake
		p.done <- p.daemon.Run(ctx)
	}()
	return nil
}

// breath keeps what a process does from the instant at which the harness starts it.
const breath = 1_000_003 * time.Nanosecond

func (w *world) newProcess(m *machine) *process {
	w.processes++
	p := &process{
		w: w, number: w.processes, version: w.newest, machine: m, done: make(chan error, 1), died: make(chan struct{}),
		began: time.Now(), adopted: time.Now(), known: map[series]*known{}, trips: map[*trip]bool{}, begun: map[string]time.Time{},
	}
	p.chance = rand.New(rand.NewPCG(w.plan.seed, uint64(p.number)))
	return p
}

// newClock is the clock of the machine that the daemon runs on: the region's, but for the skew.
func (p *process) newClock() *scaler.SystemClock {
	began := time.Now()
	return scaler.NewClockOf(p.wall, func() time.Duration { return time.Since(began) - p.naps.before(time.Now()) })
}

// wall is the machine's wall clock.
func (p *process) wall() time.Time {
	return time.Now().Round(0).Add(time.Duration(p.machine.skew.Load()))
}

// open gives the durable state to a process that starts.
func (w *world) open() (store.Backend, error) {
	if w.path == "" {
		return w.memory, nil
	}
	return store.OpenFile(w.path)
}

// kill is kill -9: from now on nothing that the process does has any effect. Whoever calls it holds the lock.
func (p *process) kill() {
	if p.dead {
		return
	}
	p.dead = true
	p.cancel()
	for t := range p.trips {
		t.cancel()
	}
	close(p.died)
	if p.w.crew != nil {
		p.w.crew.deaths <- p
	}
}

// gone says that the process is dead.
func (p *process) gone() bool {
	p.w.lock.Lock()
	defer p.w.lock.Unlock()
	return p.dead
}

// passes counts a passage of a moment and says whether the process dies at it.
func (p *process) passes(m moment) bool {
	if p.trap.moment != m {
		return false
	}
	if p.trap.left--; p.trap.left > 0 {
		return false
	}
	nap := p.trap.nap
	p.trap = trap{}
	if nap > 0 {
		p.doze(nap, moments[m])
		return false
	}
	p.w.totals.crash(moments[m])
	p.kill()
	return true
}

// ends is the error of a dead process, which does not keep an answer.
func (*process) ends(resp *http.Response) error {
	if resp != nil {
		_ = resp.Body.Close() // nobody is left to tell
	}
	return errKilled
}

// disk is the durable state of one process: cut off when it dies, now and then full, and seen by the oracle.
type disk struct {
	store.Backend
	p *process
}

// Commit makes d durable, unless the process dies before or the disk is full.
func (b *disk) Commit(d *store.Durable) error {
	w := b.p.w
	b.p.naps.wait()
	w.lock.Lock()
	defer w.lock.Unlock()
	if b.p.dead || b.p.passes(beforeCommit) {
		return errKilled
	}
	if w.full && b.p.chance.Float64() < 0.7 {
		w.totals.fault("disk_full")
		return errFull
	}
	if err := b.Backend.Commit(d); err != nil {
		return err
	}
	w.oracle.committed(b.p, d)
	w.digest.commit(b.p, d)
	if b.p.passes(afterCommit) {
		return errKilled
	}
	return nil
}

// Prune keeps half a day of history, so that worlds of thousands of services stay small.
func (b *disk) Prune(before time.Time) (int, error) {
	w := b.p.w
	w.lock.Lock()
	defer w.lock.Unlock()
	if b.p.dead {
		return 0, errKilled
	}
	return b.Backend.Prune(before.Add(store.Retention - history))
}

// history is how long a world remembers activities and decisions.
const history = 12 * time.Hour

// bury waits for the goroutines of a process that is dead.
func (w *world) bury() {
	p := w.process
	w.logger.Debug("the process was killed", zap.Error(<-p.done))
	w.process = nil
	w.lock.Lock()
	defer w.lock.Unlock()
	w.oracle.died(p)
}

// stop ends a process in good order.
func (w *world) stop() {
	p := w.process
	p.cancel()
	err := <-p.done
	w.process = nil
	w.lock.Lock()
	defer w.lock.Unlock()
	if err != nil && !p.dead && !w.full {
		w.violate("stop", "", "the daemon stopped with an error: %v", err)
	}
	w.oracle.died(p)
}

// second tries to start another daemon on the same file, which must be refused.
func (w *world) second() {
	b, err := store.OpenFile(w.path)
	w.lock.Lock()
	defer w.lock.Unlock()
	w.checked("one owner")
	w.totals.fault("second_daemon")
	if err == nil {
		if !w.process.dead { // it may have died while the second one waited
			w.violate("one owner", "", "a second process could open the state file")
		}
		if err := b.Close(); err != nil {
			w.t.Error(err)
		}
		return
	}
	if !strings.Contains(err.Error(), "another") {
		w.violate("one owner", "", "a second process was refused with %v", err)
	}
}

// litter lists what the state directory has beside the state.
func litter(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		if e.Name() != "state.db" {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// nop is a logger for worlds that nobody looks at.
var nop = zap.NewNop()

func (m moment) String() string { return fmt.Sprint(moments[m]) }
