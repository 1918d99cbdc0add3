package web

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"

	"github.com/prometheus/client_golang/prometheus"
)

// clock is the instant at which the tests ask.
var clock = time.Date(2026, 3, 1, 8, 0, 30, 0, time.UTC)

func ago(d time.Duration) time.Time { return clock.Add(-d) }

// engine is a loop that says what a test wants to hear.
type engine struct {
	ready bool
	why   string
	last  time.Time
}

func (e *engine) Ready() (bool, string) { return e.ready, e.why }
func (e *engine) LastPass() time.Time   { return e.last }

// shares is a daemon that has one of two clusters, beside another that is dead. It has the form of lease.View.
type shares struct{ trouble error }

func (s shares) Trouble() error { return s.trouble }

func (shares) Leases() any {
	return json.RawMessage(`{"id":"host-a-5f0c2b1e","leases":[` +
		`{"cluster":"flaskapp","owner":"host-a-5f0c2b1e","generation":12,"steered":true},` +
		`{"account":"staging","cluster":"shop","owner":"host-b-90d7a3c4","generation":3,"steered":false}],"members":[` +
		`{"id":"host-a-5f0c2b1e","address":"127.0.0.1:8080","alive":true},` +
		`{"id":"host-b-90d7a3c4","address":"127.0.0.1:8080","alive":false}]}`)
}

var (
	flaskapp = evaluator.Key{Cluster: "flaskapp", Service: "flaskapp"}
	worker   = evaluator.Key{Cluster: "flaskapp", Service: "worker"}
	ghost    = evaluator.Key{Cluster: "shop", Service: "ghost"}
)

// configured are the targets as a configuration file would describe them.
func configured(k evaluator.Key) (*evaluator.Target, bool) {
	switch k {
	case flaskapp:
		return &evaluator.Target{Key: k, Min: 1, Max: 4, Policies: []evaluator.Policy{{
			Name: "cpu", Type: evaluator.TargetTrackingScaling,
			ScaleOutCooldown: time.Minute, ScaleInCooldown: 5 * time.Minute, CooldownScope: evaluator.ScopePolicy,
		}}}, true
	case worker:
		return &evaluator.Target{Key: k, Min: 0, Max: 20, Policies: []evaluator.Policy{
			{Name: "backlog-out", Type: evaluator.StepScaling, ScaleOutCooldown: time.Minute, ScaleInCooldown: time.Minute, CooldownScope: evaluator.ScopeTarget},
			{Name: "backlog-in", Type: evaluator.StepScaling, ScaleOutCooldown: 2 * time.Minute, ScaleInCooldown: 2 * time.Minute, CooldownScope: evaluator.ScopeTarget},
		}}, true
	}
	return nil, false
}

// flaskappDecision is a target-tracking policy whose wish its cooldown stops.
func flaskappDecision() *evaluator.Decision {
	alarms := []evaluator.AlarmDecision{
		{
			Name: "high", MetricName: "CPUUtilization", State: evaluator.AlarmingState, Previous: evaluator.AlarmingState,
			Threshold: 60, Operator: evaluator.GreaterThanThreshold,
			Breaching: 3, DatapointsToAlarm: 3, EvaluationPeriods: 3,
			End: clock.Unix() - 30, Period: 60, Values: []float64{81.5, 88, 90.25, math.NaN()}, Judged: 3,
		},
		{
			Name: "low", MetricName: "CPUUtilization", State: evaluator.OKState, Previous: evaluator.OKState,
			Threshold: 54, Operator: evaluator.LessThanThreshold, DatapointsToAlarm: 15, EvaluationPeriods: 15,
			End: clock.Unix() - 30, Period: 60, Values: []float64{math.NaN(), 81.5, 88, 90.25, math.NaN()}, Judged: 3,
		},
	}
	return &evaluator.Decision{
		Target: flaskapp, Time: ago(2 * time.Second), Action: evaluator.Hold, Reason: evaluator.CooldownInEffect,
		Outcome: evaluator.OutcomeNone, Desired: 2, Running: 2, Wanted: 2, Min: 1, Max: 4, Start: 2, Policy: 0,
		Next: clock.Add(18 * time.Second),
		Policies: []evaluator.PolicyDecision{{
			Name: "cpu", Type: evaluator.TargetTrackingScaling,
			Wish: evaluator.ScaleOut, Action: evaluator.Hold, Reason: evaluator.CooldownInEffect,
			Wanted: 2, HasWanted: true, Metric: 86.5833, HasMetric: true, Aggregation: evaluator.Average, TargetValue: 60, Base: 1, Credit: 1,
			CooldownEnds: clock.Add(18 * time.Second), Alarms: alarms,
		}},
	}
}

// workerDecision is a step policy that has just scaled out.
func workerDecision() *evaluator.Decision {
	return &evaluator.Decision{
		Target: worker, Time: ago(time.Minute), Action: evaluator.ScaleOut, Reason: evaluator.ByStepScaling,
		Outcome: evaluator.OutcomeWritten, Desired: 3, Running: 3, Wanted: 6, Min: 0, Max: 20, Start: 3, Policy: 0,
		Next: clock,
		Policies: []evaluator.PolicyDecision{
			{
				Name: "backlog-out", Type: evaluator.StepScaling,
				Wish: evaluator.ScaleOut, Action: evaluator.ScaleOut, Reason: evaluator.ByStepScaling,
				Wanted: 6, HasWanted: true, Metric: 950, HasMetric: true, Aggregation: evaluator.Average, Base: 3,
				Adjustment: 3, AdjustmentType: evaluator.ChangeInCapacity,
				Alarms: []evaluator.AlarmDecision{{
					Name: "alarm", MetricName: "ApproximateNumberOfMessagesVisible", State: evaluator.AlarmingState, Previous: evaluator.OKState,
					Threshold: 500, Operator: evaluator.GreaterThanThreshold,
					Breaching: 1, DatapointsToAlarm: 1, EvaluationPeriods: 1,
					End: clock.Unix() - 90, Period: 60, Values: []float64{950}, Judged: 1,
				}},
			},
			{
				Name: "backlog-in", Type: evaluator.StepScaling, Wish: evaluator.Hold, Action: evaluator.Hold, Reason: evaluator.InsufficientData,
				Alarms: []evaluator.AlarmDecision{{
					Name: "alarm", MetricName: "ApproximateNumberOfMessagesVisible", State: evaluator.InsufficientDataState, Previous: evaluator.InsufficientDataState,
					Threshold: 10, Operator: evaluator.LessThanThreshold, DatapointsToAlarm: 5, EvaluationPeriods: 5,
					End: clock.Unix() - 90, Period: 60, Values: []float64{math.NaN(), math.NaN(), math.NaN()},
				}},
			},
		},
	}
}

// notScaledDecision is one of hours ago: the policy wanted more than the bounds allow.
func notScaledDecision() *evaluator.Decision {
	d := flaskappDecision()
	d.Time, d.Reason, d.Desired, d.Running, d.Wanted = ago(4*time.Hour), evaluator.AlreadyAtMaxCapacity, 4, 4, 4
	p := &d.Policies[0]
	p.Reason, p.Wanted, p.Base, p.Credit, p.CooldownEnds = evaluator.AlreadyAtMaxCapacity, 6, 4, 0, time.Time{}
	return d
}

func flaskappRow() *store.Target {
	return &store.Target{
		Key: flaskapp, Min: 1, Max: 4, Policies: []string{"cpu"},
		Service: evaluator.Service{
			DescribedAt: ago(40 * time.Second), Status: evaluator.ServiceActive,
			Desired: 2, Running: 2, Base: 2, Controller: "ECS",
		},
		Memory: &evaluator.Memory{
			Registered: true, Min: 1, Max: 4, File: evaluator.Registration{Min: 1, Max: 4}, LastDesired: 2,
			Activity: evaluator.ActivityMemory{ID: "a-1", Policy: "cpu", From: 1, To: 2, StartedAt: ago(65 * time.Second)},
			Policies: []evaluator.PolicyMemory{{
				Name: "cpu",
				Alarms: []evaluator.AlarmMemory{
					{Name: "high", State: evaluator.AlarmingState, Since: ago(2 * time.Minute)},
					{Name: "low", State: evaluator.OKState, Since: ago(time.Hour)},
				},
				Cooldown: evaluator.Cooldown{ScaleOutFulfilled: ago(42 * time.Second), Added: 1},
			}},
		},
	}
}

func workerRow() *store.Target {
	return &store.Target{
		Key: worker, Min: 0, Max: 20, Policies: []string{"backlog-out", "backlog-in"},
		Service: evaluator.Service{
			DescribedAt: ago(time.Minute), Status: evaluator.ServiceActive,
			Desired: 6, Running: 3, Pending: 3, Base: 3, Controller: "ECS", Deploying: true,
		},
		Memory: &evaluator.Memory{
			Registered: true, Max: 20, File: evaluator.Registration{Max: 20}, LastDesired: 6,
			Activity: evaluator.ActivityMemory{ID: "a-2", Policy: "backlog-out", From: 3, To: 6, Open: true, StartedAt: ago(time.Minute)},
			Shared:   evaluator.Cooldown{ScaleInFulfilled: ago(3 * time.Hour)},
			Policies: []evaluator.PolicyMemory{
				{Name: "backlog-out", Alarms: []evaluator.AlarmMemory{{Name: "alarm", State: evaluator.AlarmingState, Since: ago(time.Minute)}}},
				{Name: "backlog-in", Alarms: []evaluator.AlarmMemory{{Name: "alarm", State: evaluator.InsufficientDataState}}},
			},
		},
	}
}

// ghostRow is a target that ECS was never seen to have.
func ghostRow() *store.Target {
	return &store.Target{
		Key: ghost, Min: 2, Max: 8, Policies: []string{"cpu"},
		Note: "ECS knows no service ghost in cluster shop; correct the name or remove the target",
	}
}

func fixedActivities() []*store.Activity {
	return []*store.Activity{
		{
			ID: "a-1", Target: flaskapp, Policy: "cpu", PolicyType: evaluator.TargetTrackingScaling,
			Direction: evaluator.ScaleOut, From: 1, To: 2, Status: evaluator.Successful,
			StatusMessage: "Successfully set desired count to 2. Change successfully fulfilled by ecs.",
			Description:   "Setting desired count to 2.",
			Cause:         "monitor alarm ecs-autoscaler/flaskapp/flaskapp/cpu/high in state ALARM triggered policy cpu",
			Reason:        evaluator.ByTargetTracking, StartTime: ago(65 * time.Second), EndTime: ago(42 * time.Second),
		},
		{
			ID: "a-2", Target: worker, Policy: "backlog-out", PolicyType: evaluator.StepScaling,
			Direction: evaluator.ScaleOut, From: 3, To: 6, Status: evaluator.InProgress,
			StatusMessage: "Successfully set desired count to 6. Waiting for change to be fulfilled by ecs.",
			Description:   "Setting desired count to 6.",
			Cause:         "monitor alarm ecs-autoscaler/flaskapp/worker/backlog-out/alarm in state ALARM triggered policy backlog-out",
			Reason:        evaluator.ByStepScaling, StartTime: ago(time.Minute),
		},
		{
			ID: "a-0", Target: worker, Direction: evaluator.ScaleIn, From: 25, To: 20, Status: evaluator.Successful,
			StatusMessage: "Successfully set desired count to 20. Change successfully fulfilled by ecs.",
			Description:   "Setting desired count to 20.", Cause: "maximum capacity was set to 20",
			Reason: evaluator.LoweredToMax, StartTime: ago(3*time.Hour + time.Minute), EndTime: ago(3 * time.Hour),
		},
	}
}

func record(t testing.TB, d *evaluator.Decision) *store.DecisionRecord {
	t.Helper()
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return &store.DecisionRecord{Time: d.Time, Target: d.Target, Action: d.Action, Reason: d.Reason, JSON: text}
}

// newStore is an empty store in memory.
func newStore(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.New(store.Memory())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func commit(t testing.TB, s *store.Store, c store.Changes) {
	t.Helper()
	if err := s.Commit(c); err != nil {
		t.Fatal(err)
	}
}

// filled is a store with the fixed rows.
func filled(t testing.TB) *store.Store {
	t.Helper()
	s := newStore(t)
	commit(t, s, store.Changes{
		Targets:    []*store.Target{flaskappRow(), workerRow(), ghostRow()},
		Activities: fixedActivities(),
		Decisions:  []*store.DecisionRecord{record(t, flaskappDecision()), record(t, workerDecision()), record(t, notScaledDecision())},
	})
	for _, d := range []*evaluator.Decision{flaskappDecision(), workerDecision()} {
		row, ok := s.Target(d.Target)
		if !ok {
			t.Fatalf("%s is not there", d.Target)
		}
		row.Latest.Set(d)
	}
	return s
}

// optionsOf shows s with a fixed clock and the fixed configuration.
func optionsOf(t testing.TB, s *store.Store) Options {
	t.Helper()
	o := Options{
		Store: s, Engine: &engine{ready: true, last: ago(2 * time.Second)}, Configured: configured,
		Version: "1.2.3", Commit: "0123abc", Date: "2026-02-28T12:00:00Z",
		Now: func() time.Time { return clock }, Leases: shares{},
	}
	registry := prometheus.NewPedanticRegistry()
	if err := Register(registry, o); err != nil {
		t.Fatal(err)
	}
	o.Gatherer = registry
	return o
}

// get asks h as a client would, without a network.
func get(h http.Handler, method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

// newRequest asks for a content type.
func newRequest(h http.Handler, target, accept string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("Accept", accept)
	h.ServeHTTP(w, r)
	return w
}

// decode reads the body of an answer into v.
func decode(t testing.TB, body io.Reader, v any) {
	t.Helper()
	if err := json.NewDecoder(body).Decode(v); err != nil {
		t.Fatal(err)
	}
}
