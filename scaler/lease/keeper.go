package lease

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

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
	// Release makes nobody the owner if the generation still is that of l, and moves the generation on.
	Release(ctx context.Context, l store.Lease) error
	// Leave removes a heartbeat.
	Leave(ctx context.Context, id string) error
}

// Fleet is what steers the clusters.
type Fleet interface {
	// Scopes are those that the configuration means now.
	Scopes() []store.Scope
	// Hold begins to steer a scope; everything it commits carries the fence.
	Hold(sc store.Scope, fence *store.Fence) error
	// Drop ends it and returns when nothing more is written.
	Drop(sc store.Scope)
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
}

// Keeper takes and gives up leases for one daemon.
type Keeper struct {
	Options
	telemetry *telemetry
	// elapsed is this daemon's monotonic clock.
	elapsed func() time.Duration
	sights  sights
	// held are the leases whose scopes the fleet steers, taken those that it will after SendWithin, idle since when a free lease has
	// been left to the member it should go to.
	held    map[store.Scope]store.Lease
	taken   map[store.Scope]taking
	idle    map[store.Scope]time.Duration
	wake    chan struct{}
	trouble bool

	mu     sync.Mutex // guards what follows
	digest string
	fenced map[store.Scope]bool
	view   View
	good   time.Duration // when a round last worked; negative before
}

// taking is a lease that this daemon has and must not use yet.
type taking struct {
	lease store.Lease
	from  time.Duration
}

// New makes a keeper that holds nothing yet.
func New(o Options) *Keeper {
	began := time.Now()
	return &Keeper{
		Options: o, telemetry: newTelemetry(o.Registerer),
		elapsed: func() time.Duration { return time.Since(began) },
		sights:  sights{every: Every, known: map[string]*sight{}},
		held:    map[store.Scope]store.Lease{}, taken: map[store.Scope]taking{}, idle: map[store.Scope]time.Duration{},
		wake: make(chan struct{}, 1), fenced: map[store.Scope]bool{}, good: -1,
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
		timer := time.NewTimer(k.pause())
		select {
		case <-ctx.Done():
		case <-k.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// pause is the time until the next round: a look later, or when a lease that was taken may be used.
func (k *Keeper) pause() time.Duration {
	wait := Every
	for _, t := range k.taken {
		wait = min(wait, t.from-k.elapsed())
	}
	return max(wait, 0)
}

// TakeFree takes every lease that nobody has, for a single pass, and returns which scopes are other daemons'. Run must not be
// called before or after it.
func (k *Keeper) TakeFree(ctx context.Context) (others []string, err error) {
	leases, _, err := k.read(ctx)
	if err != nil {
		return nil, err
	}
	for _, sc := range sorted(k.survey()) {
		if leases[sc].Owner == "" {
			k.take(ctx, leases[sc], sc, isFree)
		}
		if _, held := k.held[sc]; !held {
			others = append(others, sc.String())
		}
	}
	return others, nil
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
	if err := k.Table.Beat(ctx, m); err != nil {
		k.telemetry.failed.Inc()
		return
	}
	k.telemetry.beat.SetToCurrentTime()
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

// Ready reports whether this daemon takes part: the last round that worked is not longer ago than a lease lasts.
func (k *Keeper) Ready() (bool, string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.good < 0:
		return false, "the leases have not been read yet"
	case k.elapsed()-k.good > Expiry:
		return false, "the leases cannot be read"
	default:
		return true, ""
	}
}

// Close gives back every lease and the heartbeat, so that the others need not wait. Run must have returned, and the fleet stopped.
func (k *Keeper) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	for sc, t := range k.taken {
		k.held[sc] = t.lease
	}
	return errors.Join(k.releaseAll(ctx, k.held), k.Table.Leave(ctx, k.ID))
}
