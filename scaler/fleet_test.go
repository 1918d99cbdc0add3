package scaler

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// squad is a fleet in a world, driven by one goroutine.
type squad struct {
	*world
	t        *testing.T
	store    *store.Store
	fleet    *Fleet
	logs     *observer.ObservedLogs
	clusters []string
	listErr  error
	fenced   []store.Scope
}

// addIn puts a service at rest into a cluster of the world.
func (w *world) addIn(cluster, name string, count int) evaluator.Key {
	k := evaluator.Key{Cluster: cluster, Service: name}
	w.services[k] = &service{ready: count, Service: evaluator.Service{
		Status: evaluator.ServiceActive, Desired: count, Running: count, Base: count, Controller: "ECS",
	}}
	return k
}

// inWorld is the way to the world as to an account.
func (s *squad) inWorld() *Account {
	return &Account{
		Region: "world", Actuator: s.world,
		Metrics:  func() MetricReader { return s.world },
		Services: func() ServiceReader { return s.world },
		Clusters: func(_ context.Context, pattern string) ([]string, error) {
			if s.listErr != nil {
				return nil, s.listErr
			}
			return slices.DeleteFunc(slices.Clone(s.clusters), func(name string) bool {
				ok, err := path.Match(pattern, name)
				return err != nil || !ok
			}), nil
		},
	}
}

func newSquad(t *testing.T, w *world, text string, b store.Backend, change func(*FleetOptions)) *squad {
	t.Helper()
	kept, err := store.New(b)
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zapcore.InfoLevel)
	s := &squad{world: w, t: t, store: kept, logs: logs, clusters: []string{"c", "d"}}
	o := FleetOptions{
		Config: parse(t, text), Accounts: map[string]*Account{"": s.inWorld()}, Store: kept, Clock: w, Logger: zap.New(core),
		FixedPhase: w.phase, OnFenced: func(sc store.Scope) { s.fenced = append(s.fenced, sc) },
	}
	if change != nil {
		change(&o)
	}
	if s.fleet, err = NewFleet(o); err != nil {
		t.Fatal(err)
	}
	return s
}

// pass makes a pass at the world's time.
func (s *squad) pass() Report {
	s.t.Helper()
	return s.fleet.Pass(s.t.Context(), s.Now())
}

// wait lets time pass.
func (s *squad) wait(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// minutes goes through n minutes as the fleet itself asks for it.
func (s *squad) minutes(n int) {
	s.t.Helper()
	for end := s.Now().Add(time.Duration(n) * time.Minute); s.Now().Before(end); {
		next := s.fleet.Next()
		s.mu.Lock()
		s.now = next
		s.mu.Unlock()
		s.pass()
	}
}

func (s *squad) names() []string {
	var names []string
	for _, row := range s.store.Targets() {
		names = append(names, row.Key.String())
	}
	return names
}

const anyCluster = `
targets:
  - service: "*/web*"
    min_capacity: 1
    max_capacity: 10
    target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50, scale_out_cooldown: 120, scale_in_cooldown: 60}]
`

func TestAFleetFollowsTheClustersThatAPatternMeans(t *testing.T) {
	w := newWorld()
	w.addIn("c", "web", 2)
	w.addIn("d", "web", 2)
	w.addIn("e", "web", 2)
	s := newSquad(t, w, anyCluster, store.Memory(), nil)
	if ok, why := s.fleet.Ready(); ok || !strings.Contains(why, "clusters") {
		t.Errorf("ready %v before the clusters are known: %s", ok, why)
	}
	s.minutes(2)
	if got := s.names(); !slices.Equal(got, []string{"c/web", "d/web"}) {
		t.Errorf("targets %v", got)
	}
	if ok, why := s.fleet.Ready(); !ok || why != "" {
		t.Errorf("not ready: %s", why)
	}
	s.clusters = []string{"d", "e"}
	s.minutes(6)
	if got := s.names(); !slices.Equal(got, []string{"d/web", "e/web"}) {
		t.Errorf("targets %v after one cluster went and one came", got)
	}
	if s.store.Memory(evaluator.Key{Cluster: "c", Service: "web"}) == nil {
		t.Error("what was remembered of the cluster that went is gone: it may come back")
	}
	s.listErr, s.clusters = apiError("AccessDeniedException"), nil
	s.minutes(12)
	if got := s.names(); !slices.Equal(got, []string{"d/web", "e/web"}) {
		t.Errorf("targets %v after a list that failed", got)
	}
	if got := s.fleet.Unlisted(); !slices.Equal(got, []string{"the daemon's own account"}) || s.logs.FilterMessageSnippet("ecs:ListClusters").Len() != 1 {
		t.Errorf("unlisted %v, told %d times", got, s.logs.FilterMessageSnippet("ecs:ListClusters").Len())
	}
}

func TestAReloadReachesEveryClusterAndTakesUpNewOnes(t *testing.T) {
	w := newWorld()
	w.addIn("c", "web", 2)
	k := w.addIn("d", "web", 2)
	s := newSquad(t, w, tracking, store.Memory(), nil)
	s.minutes(2)
	if err := s.fleet.Reload(parse(t, strings.ReplaceAll(tracking, "c/web", "d/web"))); err != nil {
		t.Fatal(err)
	}
	w.value = constant(100)
	s.minutes(1)
	if got := s.names(); !slices.Equal(got, []string{"d/web"}) || w.services[k].Desired != 4 {
		t.Errorf("targets %v, desired %d", got, w.services[k].Desired)
	}
	if spec, ok := s.fleet.Configured(k); !ok || spec.Max != 10 {
		t.Errorf("configured %+v, %v", spec, ok)
	}
	five := 5
	if err := s.fleet.RegisterScalableTarget(t.Context(), k, Registration{MinCapacity: &five}); err != nil {
		t.Fatal(err)
	}
	s.minutes(2)
	if got := w.services[k].Desired; got < 5 {
		t.Errorf("desired %d after min capacity 5 was registered", got)
	}
	if err := s.fleet.RegisterScalableTarget(t.Context(), evaluator.Key{Cluster: "c", Service: "web"}, Registration{}); err == nil {
		t.Error("a target that left was registered")
	}
}

func TestARegistrationWaitsForThePassOverItsClusterAndNoLonger(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	s := newSquad(t, w, tracking, store.Memory(), nil)
	s.minutes(1)
	s.fleet.of(k).gate <- struct{}{} // a pass is under way
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.fleet.RegisterScalableTarget(ctx, k, Registration{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the end of the wait", err)
	}
}

// fencing is a backend whose lease moves on when a test says so.
type fencing struct {
	store.Backend
	moved bool
	seen  []*store.Fence
	scope []store.Scope
	// slow is how long a commit takes.
	slow time.Duration
	// damage is why nothing can be loaded.
	damage error
}

func (f *fencing) Commit(d *store.Durable) error {
	time.Sleep(f.slow)
	f.seen, f.scope = append(f.seen, d.Fence), append(f.scope, d.Scope)
	if f.moved {
		return fmt.Errorf("lease: %w", store.ErrFenced)
	}
	return f.Backend.Commit(d)
}

func (f *fencing) LoadScope(context.Context, store.Scope) (*store.Snapshot, error) {
	if f.damage != nil {
		return nil, f.damage
	}
	return f.Backend.Load()
}

func (f *fencing) Scopes() ([]store.Scope, error) { return nil, nil }

func shared(o *FleetOptions) { o.Shared = true }

var inC = store.Scope{Cluster: "c"}

func lease(generation uint64) *store.Fence { return &store.Fence{Scope: inC, Generation: generation} }

func hold(t *testing.T, f *Fleet, fence *store.Fence) {
	t.Helper()
	if err := f.Hold(t.Context(), inC, fence); err != nil {
		t.Fatal(err)
	}
}

// checkFences wants every commit to rest on the lease of the third generation.
func (f *fencing) checkFences(t *testing.T) {
	t.Helper()
	for i, fence := range f.seen {
		if fence == nil || *fence != *lease(3) || f.scope[i] != inC {
			t.Errorf("commit %d rests on %v", i, fence)
		}
	}
}

func TestTheSameLeaseAgainChangesNothingAndAnotherOneStartsAnew(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	s := newSquad(t, w, tracking, &fencing{Backend: store.Memory()}, shared)
	hold(t, s.fleet, lease(3))
	held := s.fleet.of(k)
	hold(t, s.fleet, lease(3))
	if s.fleet.of(k) != held {
		t.Error("the same lease again is another engine")
	}
	hold(t, s.fleet, lease(4))
	if s.fleet.of(k) == held {
		t.Error("another lease is the same engine")
	}
}

func TestASharedFleetSteersWhatItHoldsAndNothingElse(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	w.addIn("d", "web", 2)
	b := &fencing{Backend: store.Memory()}
	w.value = constant(100)
	s := newSquad(t, w, anyCluster, b, shared)
	s.minutes(2)
	if len(s.names()) != 0 || len(w.writes) != 0 {
		t.Fatalf("targets %v and writes %v without a lease", s.names(), w.writes)
	}
	if got := s.fleet.Scopes(); !slices.Equal(got, []store.Scope{inC, {Cluster: "d"}}) {
		t.Errorf("scopes %v", got)
	}
	hold(t, s.fleet, lease(3))
	s.minutes(1)
	if got := s.names(); !slices.Equal(got, []string{"c/web"}) || w.services[k].Desired != 4 {
		t.Errorf("targets %v, desired %d", got, w.services[k].Desired)
	}
	b.checkFences(t)
	s.fleet.Drop(inC)
	writes := len(w.writes)
	s.minutes(5)
	if len(s.names()) != 0 || len(w.writes) != writes || s.store.Memory(k) != nil {
		t.Errorf("targets %v and %d more writes after the cluster was dropped", s.names(), len(w.writes)-writes)
	}
}

func TestWithALostLeaseNothingIsSentAndNothingDecided(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	b := &fencing{Backend: store.Memory()}
	s := newSquad(t, w, tracking, b, shared)
	hold(t, s.fleet, lease(1))
	s.minutes(2)
	b.moved, w.value = true, constant(100)
	s.minutes(1)
	row, _ := s.store.Target(k)
	d, _ := row.Latest.Get()
	if len(w.writes) != 0 || d.Action != evaluator.ScaleOut || d.Outcome != evaluator.OutcomeNotLeader {
		t.Errorf("%d writes, outcome %s of %s; want none and not_leader", len(w.writes), d.Outcome, d.Action)
	}
	if !slices.Equal(s.fenced, []store.Scope{inC}) {
		t.Errorf("told of %v", s.fenced)
	}
	reads, commits := w.metricReads, len(b.seen)
	b.moved = false
	s.minutes(5)
	if w.metricReads != reads || len(b.seen) != commits || len(w.writes) != 0 {
		t.Errorf("%d reads, %d commits and %d writes after the lease was lost", w.metricReads-reads, len(b.seen)-commits, len(w.writes))
	}
	s.fleet.Drop(inC)
	if len(b.seen) != commits || len(s.names()) != 0 {
		t.Error("dropping a cluster that is another's has committed something, or left its targets")
	}
	hold(t, s.fleet, lease(5))
	s.pass()
	if w.services[k].Desired != 4 {
		t.Errorf("desired %d after the lease came back, want 4", w.services[k].Desired)
	}
}

// awake is a Clock of the bubble's time, which has the stopwatch of the real one.
type awake struct{ *SystemClock }

// patient takes as long for a write as the test says, and notes how long it might have.
type patient struct {
	*world
	left []time.Duration
}

func (p *patient) SetDesiredCount(ctx context.Context, k evaluator.Key, n int) (evaluator.Service, error) {
	end, _ := ctx.Deadline()
	p.left = append(p.left, time.Until(end))
	return p.world.SetDesiredCount(ctx, k, n)
}

func TestUnderALeaseAWriteEndsFiveSecondsAfterItsIntentBegan(t *testing.T) {
	for _, c := range []struct {
		commit time.Duration
		want   []time.Duration
	}{{0, []time.Duration{5 * time.Second}}, {2 * time.Second, []time.Duration{3 * time.Second}}, {5 * time.Second, nil}} {
		t.Run(c.commit.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.now = time.Now()
				w.add("web", 2)
				w.value = constant(100)
				writer := &patient{world: w}
				b := &fencing{Backend: store.Memory()}
				s := newSquad(t, w, tracking, b, func(o *FleetOptions) {
					o.Shared, o.Clock, o.Accounts[""].Actuator = true, awake{NewSystemClock()}, writer
				})
				hold(t, s.fleet, lease(1))
				b.slow = c.commit
				s.fleet.Pass(t.Context(), time.Now())
				if !slices.Equal(writer.left, c.want) {
					t.Errorf("writes had %v, want %v", writer.left, c.want)
				}
			})
		})
	}
}

func TestTheStopwatchCountsTheTimeOfASuspendedMachine(t *testing.T) {
	elapsed, wall := time.Duration(0), midnight
	c := &SystemClock{elapsed: func() time.Duration { return elapsed }, wall: func() time.Time { return wall }}
	since := c.Stopwatch()
	elapsed, wall = time.Second, wall.Add(time.Hour)
	if got := since(); got != time.Hour {
		t.Errorf("%s after an hour of sleep", got)
	}
	wall = midnight.Add(-time.Hour)
	if got := since(); got != time.Second {
		t.Errorf("%s after the wall clock was set back", got)
	}
}

func TestAClusterBeginsWithTheDelaysFromBeforeThereWereScopes(t *testing.T) {
	w := newWorld()
	w.add("web", 2)
	kept, err := store.New(store.Memory())
	if err != nil {
		t.Fatal(err)
	}
	old := map[string]store.Delay{"AWS/ECS standard": {Seconds: 61, Samples: 30}}
	if err := kept.Commit(store.Changes{Delays: old}); err != nil {
		t.Fatal(err)
	}
	e := &Engine{Options: Options{Store: kept, Scope: &inC}}
	if got := e.learnedDelays(); got["AWS/ECS standard"].Seconds != 61 {
		t.Errorf("delays %v, want those without a scope", got)
	}
	own := map[string]store.Delay{"AWS/ECS standard": {Seconds: 90, Samples: 30}}
	if err := kept.Commit(store.Changes{Scope: inC, Delays: own}); err != nil {
		t.Fatal(err)
	}
	if got := e.learnedDelays(); got["AWS/ECS standard"].Seconds != 90 {
		t.Errorf("delays %v, want its own", got)
	}
}

func TestTheWholeFleetIsLookedAtOnce(t *testing.T) {
	w := newWorld()
	w.addIn("c", "web", 2)
	w.addIn("d", "web", 2)
	w.value = constant(100)
	s := newSquad(t, w, strings.ReplaceAll(anyCluster, "*/web*", "c/web")+`  - {service: d/web, min_capacity: 1, max_capacity: 10}`+"\n", store.Memory(), nil)
	s.world.mu.Lock()
	s.world.dry = true
	s.world.mu.Unlock()
	if err := s.fleet.Whole(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.names(); len(got) != 2 || s.fleet.LastPass().IsZero() {
		t.Errorf("targets %v", got)
	}
}

// stepped is a clock whose machine was set, or was asleep, once.
type stepped struct {
	*world
	by time.Duration
}

func (s *stepped) Step() time.Duration {
	by := s.by
	s.by = 0
	return by
}

func TestAClockThatWasSetHasAWSAskedForTheTime(t *testing.T) {
	w := newWorld()
	w.add("web", 2)
	clock := &stepped{world: w}
	s := newSquad(t, w, tracking, store.Memory(), func(o *FleetOptions) { o.Clock = clock })
	s.pass()
	s.wait(10 * time.Second)
	s.pass()
	clock.by = time.Hour
	before := len(w.describes)
	for range 2 {
		s.pass()
		s.wait(2 * time.Second)
	}
	if got := len(w.describes) - before; got != 1 {
		t.Errorf("%d descriptions since the step, want 1: one answer tells the time", got)
	}
}

// A lease may be taken while the configuration is reloaded: the engine that is being made must not stay with the one before.
func TestAClusterThatIsTakenUpDuringAReloadGetsTheNewConfiguration(t *testing.T) {
	w := newWorld()
	k := w.add("web", 2)
	var s *squad
	s = newSquad(t, w, stepping, store.Memory(), func(o *FleetOptions) {
		o.Shared = true
		o.Accounts[""].Services = func() ServiceReader {
			if err := s.fleet.Reload(parse(t, strings.ReplaceAll(stepping, "min_capacity: 1", "min_capacity: 3"))); err != nil {
				t.Error(err)
			}
			return w
		}
	})
	if err := s.fleet.Hold(t.Context(), store.Scope{Cluster: "c"}, nil); err != nil {
		t.Fatal(err)
	}
	s.pass()
	if spec, ok := s.fleet.Configured(k); !ok || spec.Min != 3 {
		t.Errorf("configured %v: %+v, want the min capacity of the new configuration", ok, spec)
	}
}
