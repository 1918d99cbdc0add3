package sim

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ecs-autoscaler/sim/dynamo"
	"ecs-autoscaler/sim/fleet"
	"ecs-autoscaler/sim/scaling"
	"ecs-autoscaler/sim/wire"
)

// Region is a simulated AWS region: an http.Handler that speaks the wire protocols of ECS, CloudWatch, Application Auto
// Scaling, DynamoDB and STS, and an in-process transport for SDK clients. It is safe for concurrent use. It has no
// goroutine and no timer of its own: its state is worked out up to the present at each request.
//
// A scenario may have further places, each another account or region; Region.At gives them. Requests find their place
// by their signature, whichever of the Regions they were sent to. Calls and faults are those of all places together.
type Region struct {
	*world
	scenario *Scenario
	services map[key]*service
	ordered  []*service // by cluster, then name
	byTarget map[string]*service
	custom   map[string]*metricSpec
	buckets  buckets
	dynamo   *dynamo.Store
	scaling  *scaling.Store
}

// world is what all places of a scenario have in common.
type world struct {
	clock  func() time.Time
	zero   time.Time
	seed   uint64
	record record
	people people

	home       *Region
	placesLock sync.Mutex
	places     map[place]*Region

	active     atomic.Pointer[[]*activeFault]
	faultLock  sync.Mutex
	faultCount int
	requests   atomic.Uint64
}

// service is one ECS service with what it is measured by.
type service struct {
	*serviceSpec
	tasks *fleet.Service
	arn   string
}

// New brings a scenario to life. now is the region's clock: time zero of the scenario is its `start` or else the first
// reading of the clock. The clock may run at any speed; it is read once a request.
func New(s *Scenario, now func() time.Time) (*Region, error) {
	if s == nil || now == nil {
		return nil, fmt.Errorf("a simulated region needs a scenario and a clock")
	}
	w := &world{
		clock: now, zero: s.start, seed: s.seed, record: record{calls: s.limits.calls, bytes: s.limits.bytes},
		people: people{sessions: map[string]principal{}}, places: map[place]*Region{},
	}
	if w.zero.IsZero() {
		w.zero = now()
	}
	for _, part := range append([]*Scenario{s}, s.places...) {
		if err := w.settle(part); err != nil {
			return nil, err
		}
	}
	for _, f := range s.faults {
		if _, err := w.home.Inject(f); err != nil {
			return nil, err
		}
	}
	return w.home, nil
}

// settle makes a place; the first one is home.
func (w *world) settle(s *Scenario) error {
	r := &Region{
		world: w, scenario: s,
		services: make(map[key]*service, len(s.services)), byTarget: map[string]*service{}, custom: map[string]*metricSpec{},
		buckets: buckets{rates: s.limits.rates, state: map[string]*bucket{}},
	}
	var err error
	if r.dynamo, err = r.store(); err != nil {
		return err
	}
	for i := range s.services {
		r.add(&s.services[i])
	}
	slices.SortFunc(r.ordered, func(a, b *service) int { return compare(a.key, b.key) })
	for i := range s.custom {
		m := &s.custom[i]
		r.custom[metricID(m.namespace, m.name, m.dimensions)] = m
	}
	if r.scaling, err = r.scalingStore(); err != nil {
		return err
	}
	if w.home == nil {
		w.home = r
	}
	w.places[place{s.account, s.region}] = r
	return nil
}

func (r *Region) add(spec *serviceSpec) {
	s := &service{serviceSpec: spec, tasks: fleet.New(spec.fleet)}
	s.arn = r.arn("ecs", "service/"+spec.key.String())
	r.services[spec.key] = s
	r.ordered = append(r.ordered, s)
	if spec.balancer != nil {
		r.byTarget[spec.balancer.targetGroup] = s
	}
}

func compare(a, b key) int {
	if a.cluster != b.cluster {
		if a.cluster < b.cluster {
			return -1
		}
		return 1
	}
	if a.service < b.service {
		return -1
	}
	if a.service > b.service {
		return 1
	}
	return 0
}

func (r *Region) arn(api, rest string) string {
	return "arn:aws:" + api + ":" + r.scenario.region + ":" + r.scenario.account + ":" + rest
}

// present is the time since time zero, once managed scaling has done what was due until then.
func (r *Region) present() time.Duration {
	now := r.clock()
	r.scaling.Advance(now)
	return now.Sub(r.zero)
}

// Elapsed is the time since the region's time zero, by its clock.
func (r *Region) Elapsed() time.Duration { return r.clock().Sub(r.zero) }

// Zero is the instant of the scenario's time zero.
func (r *Region) Zero() time.Time { return r.zero }

// call is one request being answered.
type call struct {
	region   *Region
	id       string
	wire     *wire.Request
	in       *wire.Input
	now      time.Duration
	wall     time.Time
	services []key // which services it names
	tables   []string
	queries  int
	caller   principal
	half     bool    // a fault leaves half of a batch undone
	mark     uint64  // see identity
	read     float64 // capacity units of DynamoDB
	write    float64
	seen     *Seen // nil when nobody watches
}

// ending is how a call ends: with an answer, or with none.
type ending int

const (
	answered ending = iota
	silent          // no answer comes
	stalled         // half an answer comes
	cut             // the connection breaks
)

// outcome is an answer and what becomes of it.
type outcome struct {
	wire.Answer
	ending ending
	wait   time.Duration
}

// handle answers a request, and notes in seen what it did unless that is nil.
func (r *Region) handle(req *http.Request, seen *Seen) outcome {
	c := &call{wall: r.clock(), seen: seen}
	c.now = c.wall.Sub(r.zero)
	c.id = fmt.Sprintf("%08x-5151-4000-8000-%012x", uint32(r.seed), r.requests.Add(1))
	var err *wire.Error
	c.wire, err = wire.Read(req)
	c.caller = r.caller(c.wire.Credential)
	c.region = r.placeOf(c.caller, c.wire.Region)
	c.region.scaling.Advance(c.wall)
	entry := Call{Time: c.wall, API: c.wire.Service, Operation: c.wire.Operation, request: c.wire,
		Account: c.region.scenario.account, Region: c.region.scenario.region}
	out := outcome{wait: r.home.scenario.responseTime}
	if err == nil {
		c.in = wire.In(c.wire.Input)
		c.wire.Input = nil // the record decodes the body again if somebody asks
		out, err = c.answer(&entry)
		out.wait += r.home.scenario.responseTime
	}
	if err != nil {
		out.Answer = c.wire.Fail(c.id, err)
		entry.Error = err.Code
	}
	entry.Queries, entry.ReadUnits, entry.WriteUnits = c.queries, c.read, c.write
	if entry.Status = out.Status; out.ending == silent || out.ending == cut {
		entry.Status = 0
	}
	r.record.add(entry)
	if seen != nil {
		seen.seeing(c, &entry, &out)
	}
	return out
}

// answer runs the operation, or the fault that strikes it.
func (c *call) answer(entry *Call) (outcome, *wire.Error) {
	if err := c.authenticate(); err != nil {
		return outcome{}, err
	}
	op, known := operationOf(c.wire)
	if !known {
		return outcome{}, unknownOperation(c.wire)
	}
	c.services, c.tables = op.names(c.in), dynamo.Tables(c.wire.Operation, c.in)
	fault := c.region.callFault(c)
	if fault == nil {
		return c.operate(op, &trait{})
	}
	entry.Fault = fault.Kind
	t := traits[fault.Kind]
	if t.answer != nil {
		return outcome{}, t.answer(c, fault)
	}
	if t.early != answered {
		return outcome{ending: t.early}, nil
	}
	c.half = t.half
	out, err := c.operate(op, t)
	if t.delay > 0 {
		out.wait = fault.Delay
	}
	return out, err
}

// operate runs the operation within its rate.
func (c *call) operate(op operation, t *trait) (outcome, *wire.Error) {
	if c.region.scenario.limits.throttling && !c.region.buckets.take(c.wire.Operation, op.class, c.now) {
		return outcome{}, throttled(c.wire)
	}
	result, err := op.run(c)
	if err == nil {
		err = c.in.Err()
	}
	if err != nil {
		return outcome{}, err
	}
	return outcome{Answer: c.wire.Succeed(c.id, result), ending: t.late}, nil
}
