package policytest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler"
	"ecs-autoscaler/store"
)

// fleet is how many other targets a test takes there to be: so many that the tested one does not tip the scales.
const fleet = 10000

// play is one test under way.
type play struct {
	*test
	ctx     context.Context
	world   *world
	backend store.Backend
	// engine is nil while the daemon is down, which it is until back.
	engine *scaler.Engine
	// brake is that of a fleet in which the tested service is one of many.
	brake *scaler.Brake
	store *store.Store
	back  time.Duration
	// at is the present offset, happened how many of the events are over.
	at       time.Duration
	happened int
	// decision is that of the last pass, which was at decided; there is none before the first.
	decision evaluator.Decision
	decided  time.Duration
	known    bool
	failures []Failure
}

// run plays a test and returns what did not hold.
func (t *test) run(ctx context.Context) ([]Failure, error) {
	p := &play{
		test: t, ctx: ctx, backend: store.Memory(), brake: scaler.NewBrake(nil),
		world: &world{
			now: t.start, key: t.target.Key, faults: map[string][]fault{},
			service: service{desired: t.desired, running: t.running, taskStart: t.taskStart},
		},
	}
	p.brake.Report("the others", fleet, 0)
	if err := p.begin(); err != nil {
		return nil, err
	}
	for at := time.Duration(0); at <= t.until; at = p.next() {
		if err := p.instant(at); err != nil {
			return nil, err
		}
	}
	return p.failures, ctx.Err()
}

// begin starts the daemon on what is durable.
func (p *play) begin() error {
	s, err := store.New(p.backend)
	if err != nil {
		return err
	}
	p.store = s
	p.engine, err = scaler.New(scaler.Options{
		Config: p.config, Metrics: newMetrics(p.world, p.test), Services: p.world, Actuator: p.world,
		Store: s, Clock: p.world, Logger: zap.NewNop(), Brake: p.brake, FixedPhase: &p.phase, AlwaysDescribe: true,
	})
	return err
}

// next is the first instant after the present one at which something is to be done or looked at.
func (p *play) next() time.Duration {
	next := p.until + 1
	sooner := func(at time.Duration) {
		if at > p.at && at < next {
			next = at
		}
	}
	sooner(p.phase)
	if p.at >= p.phase {
		sooner(p.phase + (p.at - p.phase).Truncate(p.interval) + p.interval)
	}
	if p.happened < len(p.events) {
		sooner(p.events[p.happened].at)
	}
	if starting := p.world.service.starting; len(starting) > 0 {
		sooner(starting[0].at.Sub(p.start))
	}
	for _, x := range p.expects {
		sooner(x.from)
		sooner(x.to)
	}
	return next
}

// instant does what falls on one instant, in its order: tasks that finish starting, events, the pass, expectations.
func (p *play) instant(at time.Duration) error {
	p.at, p.world.now = at, p.start.Add(at)
	p.world.service.start(p.world.now)
	for ; p.happened < len(p.events) && p.events[p.happened].at == at; p.happened++ {
		e := &p.events[p.happened]
		if err := e.happen(p); err != nil {
			p.fail(e.place.Line, "the event "+e.what+" to happen", err.Error())
		}
	}
	if at >= p.phase && (at-p.phase)%p.interval == 0 {
		if err := p.pass(); err != nil {
			return err
		}
	}
	for _, x := range p.expects {
		if !x.failed && x.from <= at && at <= x.to {
			p.check(x)
		}
	}
	return p.ctx.Err()
}

// pass lets the daemon make its pass, unless it is down.
func (p *play) pass() error {
	up, err := p.up()
	if !up || err != nil {
		return err
	}
	if p.world.recovers(updateService) {
		// After a refusal the daemon would wait for minutes, or for somebody who mends it and reloads the configuration.
		p.engine.Reload(p.config)
	}
	if r := p.engine.Pass(p.ctx, p.world.now); r.Err != nil {
		return r.Err
	}
	if row, ok := p.store.Target(p.world.key); ok {
		p.known = row.Latest.View(p.decision.CopyFrom) || p.known
		p.decided = p.at
	}
	return nil
}

// up says whether the daemon runs, and starts it when it is time to.
func (p *play) up() (bool, error) {
	if p.engine == nil && p.at >= p.back {
		if err := p.begin(); err != nil {
			return false, err
		}
	}
	return p.engine != nil, nil
}

// restart is kill -9: nothing is closed in order, and what is not durable is gone.
func (p *play) restart(down time.Duration) error {
	p.brake.Forget(p.engine)
	p.engine, p.store, p.back = nil, nil, p.at+down
	_, err := p.up()
	return err
}

// register asks the daemon for other bounds or suspensions.
func (p *play) register(r scaler.Registration) error {
	if _, err := p.up(); err != nil {
		return err
	}
	return p.engine.RegisterScalableTarget(p.world.key, r)
}

// steer gives the daemon a command.
func (p *play) steer(c evaluator.Command) error {
	if _, err := p.up(); err != nil {
		return err
	}
	return p.engine.Steer(p.world.key, c)
}

// capacity are the bounds of the desired count.
type capacity struct{ low, high int }

// bounds are those that the last pass kept to, before the first the configuration's.
func (p *play) bounds() capacity {
	if p.known {
		return capacity{p.decision.Min, p.decision.Max}
	}
	return capacity{p.target.Min, p.target.Max}
}

func (p *play) reason() string {
	if !p.known {
		return "none, there was no pass yet"
	}
	return string(p.decision.Reason)
}

func (p *play) alarmState(policy, alarm int) string {
	if !p.known || policy >= len(p.decision.Policies) {
		return string(evaluator.InsufficientDataState)
	}
	return string(p.decision.Policies[policy].Alarms[alarm].State)
}

// check compares an expectation with what is so.
func (p *play) check(x *expectation) {
	var want, got []string
	for i := range x.facts {
		f := &x.facts[i]
		if is := f.got(p); is != f.want {
			want = append(want, f.name+" "+f.want)
			got = append(got, f.name+" "+is)
		}
	}
	if len(want) == 0 {
		return
	}
	x.failed = true
	expected := strings.Join(want, ", ")
	if x.from != x.to {
		expected += fmt.Sprintf(" from %s to %s", offset(x.from), offset(x.to))
	}
	p.fail(x.place.Line, expected, strings.Join(got, ", "))
}

// fail notes what does not hold, with the decision of the last pass and what that was made on.
func (p *play) fail(line int, expected, got string) {
	p.failures = append(p.failures, Failure{
		At: p.at, Time: p.world.now, Line: line, Expected: expected, Got: got, Explanation: p.explanation(),
	})
}

func (p *play) explanation() string {
	if !p.known {
		return "There was no pass yet; the first is at " + offset(p.phase) + "."
	}
	lines := append([]string{"Pass at " + offset(p.decided) + ": " + p.decision.Message()}, p.decision.Evidence()...)
	return strings.Join(lines, "\n  ")
}
