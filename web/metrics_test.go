package web

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
)

func TestTheNamesOfTheMetricsPassTheLinter(t *testing.T) {
	problems, err := testutil.GatherAndLint(optionsOf(t, filled(t)).Gatherer)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// registryOf has the gauges of s alone.
func registryOf(t testing.TB, c prometheus.Collector) *prometheus.Registry {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(c); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhatIsNotKnownIsAbsentAndNeverZero(t *testing.T) {
	s := newStore(t)
	commit(t, s, store.Changes{Targets: []*store.Target{ghostRow()}})
	want := `
# HELP ecs_autoscaler_max_capacity Max capacity of the scalable target, in tasks.
# TYPE ecs_autoscaler_max_capacity gauge
ecs_autoscaler_max_capacity{account="",cluster="shop",service="ghost"} 8
# HELP ecs_autoscaler_min_capacity Min capacity of the scalable target, in tasks.
# TYPE ecs_autoscaler_min_capacity gauge
ecs_autoscaler_min_capacity{account="",cluster="shop",service="ghost"} 2
`
	if err := testutil.GatherAndCompare(registryOf(t, newCollector(&Options{Store: s})), strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestAServiceThatECSDoesNotKnowHasNoCounts(t *testing.T) {
	s := newStore(t)
	row := ghostRow()
	row.Service = evaluator.Service{DescribedAt: clock, Status: evaluator.ServiceMissing, Reason: "MISSING"}
	commit(t, s, store.Changes{Targets: []*store.Target{row}})
	current, _ := s.Target(row.Key)
	current.Latest.Set(&evaluator.Decision{Target: row.Key, Time: clock, Action: evaluator.Hold, Reason: evaluator.ServiceNotFound, Policy: -1})
	if n, err := testutil.GatherAndCount(registryOf(t, newCollector(&Options{Store: s})), "ecs_autoscaler_desired_tasks", "ecs_autoscaler_running_tasks", "ecs_autoscaler_pending_tasks", "ecs_autoscaler_wanted_capacity"); n != 0 || err != nil {
		t.Errorf("it has %d counts (%v)", n, err)
	}
	body := get(New(optionsOf(t, s)), http.MethodGet, "/api/v1/targets/shop/ghost").Body.String()
	if !strings.Contains(body, `"desired":null,"running":null,"pending":null,"status":"MISSING"`) {
		t.Errorf("%s", body)
	}
}

func TestATargetThatGoesTakesItsSeriesAlong(t *testing.T) {
	s := filled(t)
	r := registryOf(t, newCollector(&Options{Store: s}))
	before, err := testutil.GatherAndCount(r, "ecs_autoscaler_desired_tasks")
	if err != nil || before != 2 {
		t.Errorf("%d services were described (%v), want 2", before, err)
	}
	commit(t, s, store.Changes{Removed: []evaluator.Key{worker}})
	after, err := testutil.GatherAndCount(r, "ecs_autoscaler_desired_tasks")
	if err != nil || after != 1 {
		t.Errorf("%d services are described (%v), want 1", after, err)
	}
}

func TestEndsOfCooldownsNeedTheConfiguration(t *testing.T) {
	s := filled(t)
	const name = "ecs_autoscaler_policy_cooldown_end_timestamp_seconds"
	if n, err := testutil.GatherAndCount(registryOf(t, newCollector(&Options{Store: s})), name); n != 0 || err != nil {
		t.Errorf("without a configuration there are %d (%v)", n, err)
	}
	for _, o := range []Options{{Store: s}, {Store: s, Configured: configured}} {
		r := prometheus.NewPedanticRegistry()
		if err := Register(r, o); err != nil {
			t.Fatal(err)
		}
		want := 0
		if o.Configured != nil {
			want = 3 // flaskapp's scale-out, and the shared scale-in of both of worker's policies.
		}
		if n, err := testutil.GatherAndCount(r, name); n != want || err != nil {
			t.Errorf("there are %d ends (%v), want %d", n, err, want)
		}
	}
}

func TestACooldownEndsAsThePolicyNowSays(t *testing.T) {
	cpu := &evaluator.PolicyMemory{Name: "cpu", Cooldown: evaluator.Cooldown{ScaleOutFulfilled: ago(time.Minute), ScaleInFulfilled: ago(time.Hour)}}
	m := &evaluator.Memory{Policies: []evaluator.PolicyMemory{*cpu}, Shared: evaluator.Cooldown{ScaleInFulfilled: ago(time.Second)}}
	policy := evaluator.Policy{Name: "cpu", ScaleOutCooldown: 5 * time.Minute, ScaleInCooldown: 2 * time.Hour}
	for _, c := range []struct {
		name   string
		change func(p *evaluator.Policy)
		want   ends
	}{
		{"its own", func(*evaluator.Policy) {}, ends{"cpu", clock.Add(4 * time.Minute), clock.Add(time.Hour)}},
		{"shortened to nothing", func(p *evaluator.Policy) { p.ScaleOutCooldown = 0 }, ends{"cpu", ago(time.Minute), clock.Add(time.Hour)}},
		{"of the whole target", func(p *evaluator.Policy) { p.CooldownScope = evaluator.ScopeTarget }, ends{"cpu", time.Time{}, clock.Add(2*time.Hour - time.Second)}},
		{"of a policy that is new", func(p *evaluator.Policy) { p.Name = "new" }, ends{policy: "new"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := policy
			c.change(&p)
			for got := range cooldownEnds(&evaluator.Target{Policies: []evaluator.Policy{p}}, m) {
				if got != c.want {
					t.Errorf("%+v, want %+v", got, c.want)
				}
			}
		})
	}
	for range cooldownEnds(nil, m) {
		t.Error("a target that is not configured has no policies")
	}
	for range cooldownEnds(&evaluator.Target{Policies: []evaluator.Policy{policy}}, nil) {
		t.Error("a target without memory has no cooldowns")
	}
	for range cooldownEnds(&evaluator.Target{Policies: []evaluator.Policy{policy, policy}}, m) {
		break // Stopping early must not panic.
	}
}

func TestTheNewestDatapointIsTheLastThatIsNotMissing(t *testing.T) {
	missing := math.NaN()
	series := func(end, period int64, values ...float64) evaluator.AlarmDecision {
		return evaluator.AlarmDecision{End: end, Period: period, Values: values}
	}
	for _, c := range []struct {
		name   string
		alarms []evaluator.AlarmDecision
		end    int64
		value  float64
		ok     bool
	}{
		{"no alarm", nil, 0, 0, false},
		{"no buckets", []evaluator.AlarmDecision{series(600, 60)}, 0, 0, false},
		{"all missing", []evaluator.AlarmDecision{series(600, 60, missing, missing)}, 0, 0, false},
		{"the newest is there", []evaluator.AlarmDecision{series(600, 60, 1, 2)}, 600, 2, true},
		{"the newest two are missing", []evaluator.AlarmDecision{series(600, 60, 1, 2, missing, missing)}, 480, 2, true},
		{"the second alarm has a newer one", []evaluator.AlarmDecision{series(600, 60, 1, missing), series(600, 20, 7, 0, missing)}, 580, 0, true},
		{"the first alarm has the newer one", []evaluator.AlarmDecision{series(600, 60, 1), series(600, 20, 7, missing)}, 600, 1, true},
		{"infinity is a value", []evaluator.AlarmDecision{series(600, 60, math.Inf(1))}, 600, math.Inf(1), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			end, value, ok := newestDatapoint(c.alarms)
			if end != c.end || value != c.value || ok != c.ok {
				t.Errorf("%d %v %v, want %d %v %v", end, value, ok, c.end, c.value, c.ok)
			}
		})
	}
}

func TestAlarmStatesAreNumbers(t *testing.T) {
	for state, want := range map[evaluator.AlarmState]float64{
		evaluator.AlarmingState: 1, evaluator.OKState: 0, evaluator.InsufficientDataState: -1, "": -1,
	} {
		if got := stateNumber(state); got != want {
			t.Errorf("%q is %v, want %v", state, got, want)
		}
	}
}

// The samples share their labels; what the registry sees must be what the library would have made.
func TestASampleIsWhatTheLibraryWouldHaveMade(t *testing.T) {
	ch := make(chan prometheus.Metric, 10)
	w := &writer{ch: ch}
	inStaging := flaskapp
	inStaging.Account = "staging"
	w.labelTarget(inStaging)
	w.labelPolicy("cpu")
	w.send(desiredTasks, 3, w.target)
	w.send(targetValue, -0.5, w.policy)
	w.send(cooldownEnd, 1e9, w.directionLabels(scaleInPair))
	w.send(alarmState, math.Inf(1), w.alarmLabels("high"))
	w.sendTime(decidedAt, clock.Add(250*time.Millisecond), w.target)
	w.sendTime(decidedAt, time.Time{}, w.target)
	close(ch)
	gauge := func(d *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
		return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	wants := []prometheus.Metric{
		gauge(desiredTasks, 3, "staging", "flaskapp", "flaskapp"),
		gauge(targetValue, -0.5, "staging", "flaskapp", "cpu", "flaskapp"),
		gauge(cooldownEnd, 1e9, "staging", "flaskapp", "scale_in", "cpu", "flaskapp"),
		gauge(alarmState, math.Inf(1), "staging", "high", "flaskapp", "cpu", "flaskapp"),
		gauge(decidedAt, float64(clock.UnixMilli()+250)/1000, "staging", "flaskapp", "flaskapp"),
	}
	for i, want := range wants {
		got := <-ch
		if got.Desc() != want.Desc() {
			t.Errorf("sample %d is of %s, want %s", i, got.Desc(), want.Desc())
		}
		if diff := cmp.Diff(written(t, want), written(t, got)); diff != "" {
			t.Errorf("sample %d of %s (-want +got):\n%s", i, got.Desc(), diff)
		}
	}
	if extra, more := <-ch; more {
		t.Errorf("no time is sent as %v", extra)
	}
}

func written(t *testing.T, m prometheus.Metric) string {
	t.Helper()
	var out dto.Metric
	if err := m.Write(&out); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(out.GetGauge().GetValue())
	for _, l := range out.GetLabel() {
		text += fmt.Sprintf("\n%s=%s", l.GetName(), l.GetValue())
	}
	return text
}

func TestASecondRegistrationIsAnError(t *testing.T) {
	s := newStore(t)
	r := prometheus.NewRegistry()
	if err := Register(r, Options{Store: s}); err != nil {
		t.Fatal(err)
	}
	if err := Register(r, Options{Store: s}); err == nil {
		t.Error("it is accepted twice")
	}
}

func TestOneNameThatIsNotUTF8DoesNotTakeTheOtherMetricsAlong(t *testing.T) {
	s := filled(t)
	commit(t, s, store.Changes{Targets: []*store.Target{{Key: evaluator.Key{Cluster: "c", Service: "bad\xff"}, Max: 1}}})
	w := get(New(optionsOf(t, s)), http.MethodGet, "/metrics")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `ecs_autoscaler_max_capacity{cluster="flaskapp",service="flaskapp"} 4`) {
		t.Errorf("%d\n%s", w.Code, w.Body)
	}
}

func TestPrometheusGetsOpenMetricsWhenItAsksForIt(t *testing.T) {
	w := newRequest(New(optionsOf(t, filled(t))), "/metrics", "application/openmetrics-text; version=1.0.0")
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "application/openmetrics-text; version=1.0.0") ||
		!strings.HasSuffix(w.Body.String(), "# EOF\n") {
		t.Errorf("%v\n%s", w.Header(), w.Body)
	}
}

// Scrapes, lists, commits and decisions go on at the same time; the race detector watches.
func TestScrapesAndPassesDoNotDisturbEachOther(t *testing.T) {
	s := filled(t)
	h := New(optionsOf(t, s))
	var all sync.WaitGroup
	for _, path := range []string{"/metrics", "/metrics", "/api/v1/targets?memory=true", "/api/v1/targets/flaskapp/flaskapp", "/api/v1/decisions"} {
		all.Go(func() {
			for range 30 {
				if w := get(h, http.MethodGet, path); w.Code != 200 {
					t.Errorf("%s: %d %s", path, w.Code, w.Body)
				}
			}
		})
	}
	all.Go(func() {
		for i := range 60 {
			pass(t, s, i)
		}
	})
	all.Wait()
}

// pass does to the store what a pass does: a decision, and every other time a row and a record.
func pass(t *testing.T, s *store.Store, i int) {
	d := flaskappDecision()
	d.Time = clock.Add(time.Duration(i) * time.Minute)
	row, _ := s.Target(flaskapp)
	row.Latest.Set(d)
	if i%2 == 0 {
		return
	}
	next := flaskappRow()
	next.Service.Desired = i
	if err := s.Commit(store.Changes{Targets: []*store.Target{next}, Decisions: []*store.DecisionRecord{record(t, d)}}); err != nil {
		t.Error(err)
	}
}
