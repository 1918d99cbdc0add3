package storetest

import (
	"fmt"
	"io"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// noon is the instant most tests are at.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

func keyOf(i int) evaluator.Key {
	return evaluator.Key{Cluster: "shop", Service: fmt.Sprintf("service-%05d", i)}
}

// memoryOf is a memory of realistic size that can be told from others by its last desired count.
func memoryOf(desired int) *evaluator.Memory {
	alarms := func() []evaluator.AlarmMemory {
		return []evaluator.AlarmMemory{
			{Name: "high", State: evaluator.OKState, Since: noon},
			{Name: "low", State: evaluator.AlarmingState, Since: noon},
		}
	}
	return &evaluator.Memory{
		Registered: true, Min: 1, Max: 10, LastDesired: desired,
		Activity: evaluator.ActivityMemory{ID: "a", Policy: "cpu", From: 1, To: desired, StartedAt: noon},
		Policies: []evaluator.PolicyMemory{
			{Name: "cpu", Alarms: alarms(), Cooldown: evaluator.Cooldown{ScaleOutFulfilled: noon, Added: 2}},
			{Name: "memory", Alarms: alarms()},
		},
	}
}

func targetOf(i, desired int) *store.Target {
	return &store.Target{
		Key: keyOf(i), Min: 1, Max: 10, Memory: memoryOf(desired), Latest: new(store.Latest), Policies: []string{"cpu", "memory"},
		Service: evaluator.Service{
			DescribedAt: noon, Status: evaluator.ServiceActive, Desired: desired, Running: desired, Controller: "ECS",
		},
	}
}

func targetsOf(n int) []*store.Target {
	rows := make([]*store.Target, n)
	for i := range rows {
		rows[i] = targetOf(i, 1)
	}
	return rows
}

// activityOf is the Pending intent number i, begun i minutes after noon.
func activityOf(i int) *store.Activity {
	return &store.Activity{
		ID: fmt.Sprintf("activity-%04d", i), Target: keyOf(i % 3), Policy: "cpu", PolicyType: evaluator.TargetTrackingScaling,
		Direction: evaluator.ScaleOut, From: 1, To: 2, Status: evaluator.Pending,
		Description: "Setting desired count to 2.", Reason: evaluator.ByTargetTracking, StartTime: at(i),
	}
}

func withStatus(a *store.Activity, status evaluator.ActivityStatus) *store.Activity {
	next := *a
	next.Status = status
	if !next.Open() {
		next.EndTime = next.StartTime.Add(time.Minute)
	}
	return &next
}

func decisionOf(i int) *store.DecisionRecord {
	return &store.DecisionRecord{
		Time: at(i), Target: keyOf(i % 3), Action: evaluator.Hold, Reason: evaluator.WithinTarget,
		JSON: fmt.Appendf(nil, `{"message":"decision %d"}`, i),
	}
}

func newStore(t testing.TB, b store.Backend) *store.Store {
	t.Helper()
	s, err := store.New(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s) })
	return s
}

func commit(t testing.TB, s *store.Store, c store.Changes) {
	t.Helper()
	if err := s.Commit(c); err != nil {
		t.Fatal(err)
	}
}

// shut closes a store or a backend.
func shut(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
