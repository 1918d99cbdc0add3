package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/daemon"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/lease"
	"ecs-autoscaler/store"
	"ecs-autoscaler/store/dynamo"
)

// crew are the daemons of a world that has several. They share a table in the region.
type crew struct {
	*world
	seats  []*seat
	deaths chan *process
	// graves are processes that are dead or have been told to stop, whose goroutines may still be ending.
	graves []*process
	// orphans are the clusters that no living process has the lease of, and since when.
	orphans map[string]time.Time
}

// seat is where a daemon runs: a machine, and the process on it, nil while it is down.
type seat struct {
	number  int
	machine *machine
	process *process
	// extra says that it is there for a while only.
	extra bool
	// able is since when the process could have taken something over, zero while it cannot.
	able time.Time
}

const table = "soak"

// drawDaemons draws how many daemons there are, from a source of its own: worlds of one stay what they are.
func (p *plan) drawDaemons(services, fixed int) {
	r := rand.New(rand.NewPCG(p.seed, 0xdae307))
	p.daemons = 1
	if services <= 400 && r.IntN(4) == 0 {
		p.daemons = 2 + r.IntN(2)
	}
	if fixed > 0 {
		p.daemons = fixed
	}
	if p.daemons == 1 {
		return
	}
	p.names = []string{"blue", "green", "red", "grey", "pink", "gold"}[:2+r.IntN(5)]
}

// place gives a class its cluster where there are several daemons.
func (p *plan) place(c *class) {
	if p.daemons > 1 {
		c.cluster = p.names[c.number%len(p.names)]
	}
}

// clusters are those of the scenario.
func (p *plan) clusters() string {
	if p.daemons == 1 {
		return "clusters: [{name: blue, container_insights: true}, {name: green, container_insights: true}]\n"
	}
	text := "dynamodb: {table_delay: 0s}\nclusters: ["
	for i, name := range p.names {
		if i > 0 {
			text += ", "
		}
		text += "{name: " + name + ", container_insights: true}"
	}
	return text + "]\n"
}

// gather makes the table and starts the daemons, one after the other.
func gather(w *world) {
	c := &crew{world: w, deaths: make(chan *process, 100), orphans: map[string]time.Time{}}
	ctx := context.Background()
	client, err := awsapi.ConnectDynamoDB(ctx, awsapi.Options{Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: w.region.Transport()}})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := dynamo.Init(ctx, client, table); err != nil {
		w.t.Fatal(err)
	}
	w.totals.several++
	w.crew = c
	for range w.plan.daemons {
		c.start(c.newSeat(false))
		time.Sleep(time.Duration(w.r.IntN(20_000))*time.Millisecond + 1777)
	}
}

func (c *crew) newSeat(extra bool) *seat {
	s := &seat{number: len(c.seats) + 1, machine: new(machine), extra: extra}
	if chance(c.r, 0.6) {
		s.machine.skew.Store(c.r.Int64N(int64(20*time.Minute)) - int64(10*time.Minute))
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	c.seats = append(c.seats, s)
	return s
}

// start brings a process up on a seat. It fails while the table cannot be reached, and is then tried again, as what runs daemons does.
func (c *crew) start(s *seat) {
	if c.on(s) != nil || c.failed.Load() {
		return
	}
	c.totals.starts++
	p, err := c.launch(s)
	c.lock.Lock()
	defer c.lock.Unlock()
	if err == nil {
		s.process, s.able = p, time.Time{}
		return
	}
	if !p.excused() {
		c.violate("start", "", "the daemon does not start: %v", err)
	}
	c.later(10*time.Second, func() { c.start(s) })
}

// launch makes a process on the shared table and lets it run.
func (c *crew) launch(s *seat) (*process, error) {
	c.lock.Lock()
	p := c.newProcess(s.machine)
	p.id = fmt.Sprintf("daemon-%d", p.number)
	p.clock = p.newClock()
	c.lock.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	aws := awsapi.Options{
		Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: p}, Jitter: p.jitter,
		OnDate: func(date time.Time) { p.clock.Observe(date) },
	}
	state, leases, err := p.openTable(ctx, aws)
	if err != nil {
		cancel()
		return p, err
	}
	p.daemon, err = daemon.New(ctx, daemon.Options{
		Config: p.version.config, Logger: c.logger.With(zap.String("daemon", p.id)), State: state, Leases: leases, Clock: c.mutant.time(p.clock),
		InFlight: 1, InTurn: true, Member: p.id, AWS: aws, Recorder: c.recorder(),
		Load: func() (*config.Config, error) {
			c.lock.Lock()
			defer c.lock.Unlock()
			p.version, p.adopted = c.newest, time.Now()
			c.oracle.adopted(p)
			return p.version.config, nil
		},
	})
	if err != nil {
		cancel()
		return p, errors.Join(err, state.Close())
	}
	go func() {
		time.Sleep(breath + time.Duration(p.number)*101)
		p.done <- p.daemon.Run(ctx)
	}()
	return p, nil
}

// openTable opens the state as the daemon would itself, but for what makes it replay exactly and lets the harness look on.
func (p *process) openTable(ctx context.Context, aws awsapi.Options) (*store.Store, lease.Table, error) {
	client, err := awsapi.ConnectDynamoDB(ctx, awsapi.Options{Region: aws.Region, Credentials: keys, HTTPClient: aws.HTTPClient, Jitter: aws.Jitter})
	if err != nil {
		return nil, nil, err
	}
	var names sync.Mutex
	given := map[store.Scope]int{}
	b, err := dynamo.Open(ctx, dynamo.Options{
		API: p.w.mutant.table(client), Table: table, Now: p.wall, Jitter: p.jitter,
		Token: func(sc store.Scope) string {
			names.Lock()
			defer names.Unlock()
			given[sc]++
			return fmt.Sprintf("p%d-%s-%d", p.number, sc, given[sc])
		},
	})
	if err != nil {
		return nil, nil, err
	}
	s, err := store.New(sharedDisk{p.w.mutant.shared(b), p})
	if err != nil {
		return nil, nil, err
	}
	return s, p.w.mutant.leases(b), nil
}

// jitter is chance that depends on nothing but whose it is and when it is asked for.
func (p *process) jitter() float64 {
	return float64(mixed(p.w.plan.seed, uint64(p.number), uint64(time.Now().UnixNano()))>>11) / (1 << 53)
}

// sharedDisk is the state of one process in the shared table.
type sharedDisk struct {
	store.Shared
	p *process
}

// Commit notes when it begins.
func (b sharedDisk) Commit(d *store.Durable) error {
	if d.Fence != nil {
		b.p.w.lock.Lock()
		b.p.begun[d.Fence.Scope.Cluster] = time.Now()
		b.p.w.lock.Unlock()
	}
	return b.Shared.Commit(d)
}

// Sparing is as the table has it.
func (sharedDisk) Sparing() bool { return true }

// wait lets time pass until an instant, buries who dies meanwhile, and does what is due.
func (c *crew) wait(until time.Time) {
	for {
		next := until
		for i := range c.undos {
			if at := c.undos[i].at; at.Before(next) {
				next = at
			}
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case p := <-c.deaths:
			timer.Stop()
			c.bury(p)
			continue
		case <-timer.C:
		}
		if c.settle(time.Now()); !time.Now().Before(until) || c.failed.Load() {
			return
		}
	}
}

// bury takes a dead process from its seat. Another one starts there after some time.
func (c *crew) bury(p *process) {
	c.graves = append(c.graves, p)
	c.lock.Lock()
	defer c.lock.Unlock()
	c.widowed(p)
	for _, s := range c.seats {
		if s.process != p {
			continue
		}
		s.process = nil
		if s.extra {
			return
		}
		down := []time.Duration{0, time.Second, 8 * time.Second, 25 * time.Second, 3 * time.Minute, 25 * time.Minute}[c.r.IntN(6)]
		c.later(down+time.Duration(c.r.IntN(1000))*time.Millisecond+331, func() { c.start(s) })
	}
}

// stop ends the process of a seat in good order.
func (c *crew) stop(s *seat) {
	p := c.on(s)
	if p == nil || p.gone() {
		return
	}
	c.seated(s, nil)
	p.cancel()
	err := <-p.done
	c.lock.Lock()
	defer c.lock.Unlock()
	p.done <- err // it may have died meanwhile, and have a grave
	if err != nil && !p.excused() {
		c.violate("stop", "", "%s stopped with an error: %v", p.id, err)
	}
	p.dead = true
	c.widowed(p)
}

// widowed notes that nobody has what a process had.
func (c *crew) widowed(p *process) {
	for cluster, t := range c.oracle.tenures {
		if t.holder == p {
			c.orphaned(cluster)
		}
	}
}

func (c *crew) orphaned(cluster string) {
	if _, known := c.orphans[cluster]; !known {
		c.orphans[cluster] = time.Now()
	}
}

// holder is the living process that has the lease of a cluster, nil if none has.
func (c *crew) holder(cluster string) *process {
	t := c.oracle.tenures[cluster]
	if t == nil || t.holder == nil || t.holder.dead {
		return nil
	}
	return t.holder
}

// on is the process on a seat, nil if there is none.
func (c *crew) on(s *seat) *process {
	c.lock.Lock()
	defer c.lock.Unlock()
	return s.process
}

// seated puts a process on a seat, or nil.
func (c *crew) seated(s *seat, p *process) {
	c.lock.Lock()
	defer c.lock.Unlock()
	s.process = p
}

// living are the seats with a process that runs. Whoever calls it holds the lock.
func (c *crew) living() (all []*seat) {
	for _, s := range c.seats {
		if s.process != nil && !s.process.dead {
			all = append(all, s)
		}
	}
	return all
}

// alive is living for whoever does not hold the lock.
func (c *crew) alive() []*seat {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.living()
}

// some is one of them, nil if there is none.
func (c *crew) some() *seat {
	all := c.alive()
	if len(all) == 0 {
		return nil
	}
	return all[c.r.IntN(len(all))]
}

// someone is a process whose API should answer, nil if there is none.
func (c *crew) someone() *process {
	c.lock.Lock()
	defer c.lock.Unlock()
	for _, s := range c.living() {
		if !s.process.excused() && time.Since(s.process.began) > time.Minute {
			return s.process
		}
	}
	return nil
}

// leave ends all, and waits for the dead.
func (c *crew) leave() {
	for _, s := range c.alive() {
		c.stop(s)
	}
	for {
		select {
		case p := <-c.deaths:
			c.graves = append(c.graves, p)
			continue
		default:
		}
		break
	}
	for _, p := range c.graves {
		c.logger.Debug("the process was killed", zap.Error(<-p.done))
	}
}
