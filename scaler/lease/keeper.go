package lease

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"ecs-autoscaler/store"
)

const (
	// Every is how often a daemon's heartbeat moves and how often it looks at those of the others. A write each five seconds is
	// 0.5 million a month, about a third of a dollar on demand, however many clusters there are.
	Every = 5 * time.Second
	// Expiry is how long a heartbeat must have stood still before the daemon's leases are taken: three beats may be lost.
	Expiry = 20 * time.Second
	// Within is the lease time: the longest from a daemon's death until its clusters are another's, as long as the table answers.
	// The last beat may be seen one look late, and that it has expired one look later.
	Within = Expiry + 2*Every
	// SendWithin is how long after its intent a write may still be sent. Whoever takes a lease that was not released waits as
	// long before it looks at the cluster, so that by then the former owner's last write has been sent or never will be.
	SendWithin = 5 * time.Second
	// callTimeout bounds one call to the table, which answers in milliseconds.
	callTimeout = 3 * time.Second
	// leaveTimeout bounds giving everything back when the daemon stops.
	leaveTimeout = time.Second
	// atOnce is how many leases are taken or given back at the same time.
	atOnce = 16
)

// Table is where the leases and the heartbeats are.
type Table interface {
	// ReadLeases reads all of them as they are, never from a replica that may lag.
	ReadLeases(ctx context.Context) ([]store.Lease, []store.Member, error)
	// Beat writes a heartbeat.
	Beat(ctx context.Context, m store.Member) error
	// Take makes owner the owner of a lease if its generation still is that of l (0: if there is none yet), and returns it with the
	// next generation. An error that wraps store.ErrFenced says that it was not; after any other it may have been.
	Take(ctx context.Context, l store.Lease, owner string) (store.Lease, error)
	// Release makes nobody the owner if owner and generation still are those of l, and moves the generation on. An error that wraps
	// store.ErrFenced says that they are not.
	Release(ctx context.Context, l store.Lease) error
	// Leave removes a heartbeat.
	Leave(ctx context.Context, id string) error
}

// Fleet is what steers the clusters.
type Fleet interface {
	// Scopes are those that the configuration means now.
	Scopes() []store.Scope
	// Hold begins to steer a scope; everything it commits carries the fence. It gives up when ctx ends. It tells people itself why it
	// failed, and when that is over.
	Hold(ctx context.Context, sc store.Scope, fence *store.Fence) error
	// Drop ends it and returns when nothing more is written. Of a scope that could not be held it ends what was told about that.
	Drop(sc store.Scope)
	// Unended says what a scope has left open that nobody steers: due whether activities are to be ended now, later whether
	// there are others that may have to be. It only reads the state.
	Unended(ctx context.Context, sc store.Scope) (due, later bool, err error)
	// EndUnended ends those that are due, under the fence, and calls nobody but the state.
	EndUnended(ctx context.Context, sc store.Scope, fence *store.Fence) error
}

// Options are what a Keeper works with. All but Address and Registerer are needed.
type Options struct {
	Table Table
	Fleet Fleet
	// ID is this daemon's own, different in each life of each daemon.
	ID string
	// Address is where this daemon's API listens, for people.
	Address    string
	Logger     *zap.Logger
	Registerer prometheus.Registerer
	// InTurn has what would begin in the same instant begin microseconds apart, always in the same order: for tests that must
	// replay exactly.
	InTurn bool
}

// Keeper takes and gives up leases for one daemon.
type Keeper struct {
	Options
	telemetry *telemetry
	// elapsed is this daemon's monotonic clock.
	elapsed func() time.Duration
	sights  sights
	// held are the leases whose scopes the fleet steers, taken those that it will after SendWithin, unheld why it could not when that
	// was last tried, left those that could not be given back yet, idle since when a free lease has been left to the member it should
	// go to, strays those that nobody wants.
	held   map[store.Scope]store.Lease
	taken  map[store.Scope]taking
	unheld map[store.Scope]error
	left   map[store.Scope]store.Lease
	idle   map[store.Scope]time.Duration
	strays map[store.Scope]*stray
	work   work
	// leases and members are as last read.
	leases  map[store.Scope]store.Lease
	members []store.Member
	wake    chan struct{}
	trouble bool
	// beats ends the heartbeat of a single pass; nil without one.
	beats func()

	mu      sync.Mutex // guards what follows
	digest  string
	fenced  map[store.Scope]bool
	view    View
	good    time.Duration // when a round last worked; negative before
	beaten  time.Duration // when the heartbeat was last written
	unread  error         // why the last round did not work
	mute    error         // why the heartbeat was not written the last time
	lacking string        // which of unheld are steered by nobody, and why
}

// taking is a lease that this daemon has and must not use yet.
type taking struct {
	lease store.Lease
	why   string
	from  time.Duration
}

// New makes a keeper that holds nothing yet.
func New(o Options) *Keeper {
	began := time.Now()
	return &Keeper{
		Options: o, telemetry: newTelemetry(o.Registerer),
		elapsed: func() time.Duration { return time.Since(began) },
		sights:  sights{every: Every, known: map[string]*sight{}},
		held:    map[store.Scope]store.Lease{}, taken: map[store.Scope]taking{}, unheld: map[store.Scope]error{},
		left: map[store.Scope]store.Lease{}, idle: map[store.Scope]time.Duration{}, strays: map[store.Scope]*stray{}, work: newWork(o.InTurn),
		wake: make(chan struct{}, 1), fenced: map[store.Scope]bool{}, good: -1,
		view: View{ID: o.ID, Leases: []LeaseView{}, Members: []MemberView{}},
	}
}

// Run takes part until ctx ends. What is held then is held on until Close.
func (k *Keeper) Run(ctx context.Context) {
	k.survey()
	var beating sync.WaitGroup
	beating.Go(func() { k.beat(ctx) })
	defer beating.Wait()
	for ctx.Err() == nil {
		k.round(ctx)
		k.rest(ctx)
	}
	k.work.wait()
}

// rest takes what is done aside until it is time for the next round.
func (k *Keeper) rest(ctx context.Context) {
	timer := time.NewTimer(k.pause())
	defer timer.Stop()
	for {
		// What waits already comes first: of several that are ready, select would cast dice.
		select {
		case then := <-k.work.done:
			then()
			k.show()
			continue
		default:
		}
		select {
		case then := <-k.work.done:
			then()
			k.show()
		case <-ctx.Done():
			return
		case <-k.wake:
			return
		case <-timer.C:
			return
		}
	}
}

// pause is the time until the next round: a look later, or when a lease that was taken may be used.
func (k *Keeper) pause() time.Duration {
	wait := Every
	for _, t := range k.taken {
		wait = min(wait, t.from-k.elapsed())
	}
	if k.trouble { // what is due cannot be done at once
		return max(wait, time.Second)
	}
	return max(wait, 0)
}

// beat moves this daemon's heartbeat, whatever the rounds are waiting for.
func (k *Keeper) beat(ctx context.Context) {
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	for n := uint64(1); ; n++ {
		k.beatOnce(ctx, n)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (k *Keeper) beatOnce(ctx context.Context, n uint64) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	k.mu.Lock()
	m := store.Member{ID: k.ID, Beat: n, Address: k.Address, Digest: k.digest}
	k.mu.Unlock()
	err := k.Table.Beat(ctx, m)
	if err != nil {
		k.telemetry.failed.Inc()
	} else {
		k.telemetry.beat.SetToCurrentTime()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.mute = err; err == nil {
		k.beaten = k.elapsed()
	}
}

// Fenced says that a commit for a scope was refused. It does not wait.
func (k *Keeper) Fenced(sc store.Scope) {
	k.mu.Lock()
	k.fenced[sc] = true
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// Ready reports whether this daemon takes part: neither the last round that worked nor the last heartbeat is longer ago than a lease
// lasts, and every cluster whose lease it has taken could be held. If not, the text is one line that says why.
func (k *Keeper) Ready() (bool, string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.elapsed()
	switch {
	case k.good < 0:
		return false, because("the leases have not been read yet", k.unread)
	case now-k.good > Expiry:
		return false, because("the leases cannot be read", k.unread)
	case now-k.beaten > Expiry:
		return false, because("the heartbeat cannot be written, so that other daemons take this one's clusters", k.mute)
	default:
		return k.lacking == "", k.lacking
	}
}

// Trouble is why the table of the leases could not be read, or the heartbeat not be written, when that was last tried; nil when both
// could.
func (k *Keeper) Trouble() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return cmp.Or(k.unread, k.mute)
}

// because puts an error behind what it is the cause of, in one line.
func because(what string, err error) string {
	if err == nil {
		return what
	}
	return what + ": " + strings.Join(strings.Fields(err.Error()), " ")
}

// Close gives back every lease and the heartbeat, so that the others need not wait. Run must have returned, and the fleet stopped.
func (k *Keeper) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if k.beats != nil {
		k.beats()
	}
	all := maps.Clone(k.held)
	maps.Copy(all, k.left)
	for sc, t := range k.taken {
		all[sc] = t.lease
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	errs := make(chan error, len(all)+1)
	for _, l := range all {
		g.Go(func() error { errs <- k.release(ctx, l); return nil })
	}
	_ = g.Wait() // the functions send their errors
	errs <- k.Table.Leave(ctx, k.ID)
	close(errs)
	var err error
	for e := range errs {
		err = errors.Join(err, e)
	}
	return err
}
