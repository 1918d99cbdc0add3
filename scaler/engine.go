package scaler

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/observe"
	"ecs-autoscaler/store"
)

// MetricReader reads metrics from CloudWatch; observe.Metrics is the one of the daemon.
type MetricReader interface {
	Track(m evaluator.Metric, buckets int) *observe.Entry
	Release(e *observe.Entry)
	Read(ctx context.Context, now time.Time, due []*observe.Entry) observe.Report
	Delays() map[string]observe.Delay
	Restore(map[string]observe.Delay)
}

// ServiceReader describes and lists ECS services; observe.Services is the one of the daemon.
type ServiceReader interface {
	Calls(now time.Time) int
	Describe(ctx context.Context, now time.Time, keys []evaluator.Key) []observe.Described
	List(ctx context.Context, clusterPattern string) ([]evaluator.Key, error)
	AskTags(yes bool)
}

// Actuator writes desired counts; act.ECS and act.DryRun are the two there are.
type Actuator interface {
	Left(now time.Time, direction evaluator.Action) int
	Allow(now time.Time, direction evaluator.Action) bool
	SetDesiredCount(ctx context.Context, k evaluator.Key, n int) (evaluator.Service, error)
	DryRun() bool
}

// Recorder takes down what decisions were made of; decisionlog.Log is the one there is. It may be used concurrently and must
// never keep the engine waiting.
type Recorder interface {
	// Evaluated is told of every evaluation that may become a decision: what Evaluate was given at d.Time, and what it made of
	// it. Target aside, it must copy what it keeps. What it returns is called once with the outcome when the decision is
	// concluded, and not at all for one that is made anew before that.
	Evaluated(t *evaluator.Target, o *evaluator.Observation, m *evaluator.Memory, d *evaluator.Decision) (concluded func(evaluator.Outcome))
}

// Options are what an Engine works with. Config, Metrics, Services, Actuator, Store, Clock and Logger are needed.
type Options struct {
	Config   *config.Config
	Metrics  MetricReader
	Services ServiceReader
	Actuator Actuator
	// Managed is asked whether Application Auto Scaling scales a service, too; nil is nobody, and then nothing does.
	Managed ManagedReader
	Store   *store.Store
	Clock   Clock
	Logger  *zap.Logger
	// FixedPhase, where it is set, is how long after each whole evaluation interval (a minute, 10 s for periods under a
	// minute) targets are looked at, and then every look is made. Without it looks follow what the daemon learns.
	FixedPhase *time.Duration
	// AlwaysDescribe describes every service at every look, where that costs nothing and there are no passes in between.
	AlwaysDescribe bool
	// Brake is shared by the engines of one daemon; nil gives the engine one of its own.
	Brake *Brake
	// Registerer takes the engine's own Prometheus metrics; nil keeps them to itself.
	Registerer prometheus.Registerer
	// Scope limits the engine to the targets of one cluster of an account, where others have the rest; nil is everything.
	Scope *store.Scope
	// Fence is the lease that the engine's commits rest on; nil where the state is this daemon's alone.
	Fence *store.Fence
	// Notifier is told what happens, and Region is what it is told the region is; nil is nobody.
	Notifier Notifier
	Region   string
	// InFlight is how many lists and how many writes are under way at once; 0 means 8.
	InFlight int
	// Recorder takes down what decisions were made of; nil is nobody.
	Recorder Recorder
}

// defaultInFlight calls at once cost little more processor time than one and take an eighth of the time.
const defaultInFlight = 8

// Engine holds the targets and runs passes over them. A pass and a reload exclude each other; the
// status methods may be called at any time.
type Engine struct {
	Options
	*common
	complaints
	herald    herald
	inventory inventory
	targets   map[evaluator.Key]*target
	order     []*target // by key, so that passes are deterministic
	tracked   map[*observe.Entry]*trackedEntry
	scratch   evaluator.Decision
	// fleet is what all targets of the daemon were like at the last pass.
	fleet  evaluator.Fleet
	pruned time.Time
	delays map[string]store.Delay
	// leaving are targets let go since the last commit: until then the store does not know what they knew.
	leaving map[evaluator.Key]*target
	// pending are the activities and decisions that the next commit makes durable.
	pending store.Changes
	// unread are the metrics that could not be read, with the name by which that was told.
	unread map[*observe.Entry]string
	// whole says that there has been a first full pass.
	whole bool
	// corrected is how often the clock had been moved when the engine last looked.
	corrected int64
	// fenced says that a commit was refused because the lease has moved on: nothing is decided any more.
	fenced bool

	mu       sync.Mutex // guards what follows, which the status methods read
	ready    bool
	why      string
	lastPass time.Time
	specs    map[evaluator.Key]*evaluator.Target
	problems int
}

// New makes an engine for the targets of the configuration, with what the store remembers of them.
func New(o Options) (*Engine, error) {
	if o.Clock == nil {
		return nil, errNeeded
	}
	e := &Engine{}
	if err := e.begin(o, newCommon(o.Registerer, e.LastPass)); err != nil {
		return nil, err
	}
	e.telemetry.reload(true, o.Clock.Now())
	return e, nil
}

var errNeeded = errors.New("scaler: configuration, store, clock and logger are needed")

// begin starts an engine that shares some things with others.
func (e *Engine) begin(o Options, shared *common) error {
	if o.Config == nil || o.Store == nil || o.Clock == nil || o.Logger == nil {
		return errNeeded
	}
	if o.InFlight <= 0 {
		o.InFlight = defaultInFlight
	}
	*e = Engine{
		Options: o,
		common:  shared, complaints: newComplaints(o.Clock, o.Logger),
		targets: map[evaluator.Key]*target{},
		tracked: map[*observe.Entry]*trackedEntry{},
		leaving: map[evaluator.Key]*target{},
		unread:  map[*observe.Entry]string{},
		why:     "the first pass has not finished",
	}
	if e.Brake == nil {
		e.Brake = NewBrake(o.Registerer)
	}
	e.Brake.SetLimit(o.Config.HaltIfUnreadyPercent)
	e.Config = e.within(o.Config)
	e.herald = herald{notifier: o.Notifier, region: o.Region, scope: e.scope(), dry: o.Actuator.DryRun()}
	e.herald.listen(&e.Config.Events)
	e.heard = e.herald.problem
	e.corrected = e.corrections()
	e.delays = e.learnedDelays()
	o.Metrics.Restore(observeDelays(e.delays))
	e.inventory = e.newInventory()
	o.Services.AskTags(e.inventory.byTags)
	e.sync()
	return nil
}

// Reload swaps in a new configuration: targets that stay keep what is remembered of them, also when
// their policies change. It must not run while a pass does.
func (e *Engine) Reload(c *config.Config) {
	before := e.Config.ManagedPolicies()
	e.Config = e.within(c)
	e.herald.listen(&e.Config.Events)
	if e.Config.ManagedPolicies() != before {
		e.dealAnew()
	}
	e.Brake.SetLimit(c.HaltIfUnreadyPercent)
	e.inventory = e.inventory.reload(e.newInventory())
	e.Services.AskTags(e.inventory.byTags)
	if e.Scope == nil { // with others, whoever reloads them all clears it once
		e.warned.clear()
	}
	for _, t := range e.order {
		t.blocked = blocked{}
		if t.managed.conflicts() || !t.managed.answered { // whoever reloads may have just ended that
			t.managed.askAt = time.Time{}
		}
	}
	e.sync()
}

// Ready reports whether there has been a first full pass, in which every target was looked at, and
// the state can be written; and if not, why. Targets that come later do not take it back.
func (e *Engine) Ready() (bool, string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ready, e.why
}

// LastPass is when the last pass without an error of the daemon's own ended; zero before the first.
func (e *Engine) LastPass() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lastPass
}

// Configured is the target as the configuration in force describes it; false when there is none.
func (e *Engine) Configured(k evaluator.Key) (*evaluator.Target, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, ok := e.specs[k]
	return t, ok
}
