package daemon_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/scaler"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/sim"
	"ecs-autoscaler/store"
)

// standing is a clock that a test moves.
type standing struct{ now time.Time }

func (s *standing) Now() time.Time { return s.now }

func (s *standing) After(time.Duration) (<-chan time.Time, func() bool) {
	return make(chan time.Time), func() bool { return true }
}

// driven is a fleet that one goroutine drives through twenty minutes: every call that it made.
func driven(t *testing.T) (calls []string) {
	t.Helper()
	clock := &standing{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	s, err := sim.ParseScenario("scenario.yaml", []byte(threeClusters), nil)
	if err != nil {
		t.Fatal(err)
	}
	region, err := sim.New(s, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	clients, err := awsapi.Connect(t.Context(), awsapi.Options{
		Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: region.Transport()},
	})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := store.New(store.Memory())
	if err != nil {
		t.Fatal(err)
	}
	f, err := scaler.NewFleet(scaler.FleetOptions{
		Config: parse(t, memoryState+ofThreeClusters), Store: kept, Clock: clock, Logger: zap.NewNop(),
		Accounts: map[string]*scaler.Account{"": scaler.NewAccount(clients, scaler.AccountOptions{Clock: clock, Delay: -1, InFlight: 1})},
	})
	if err != nil {
		t.Fatal(err)
	}
	for end := clock.now.Add(20 * time.Minute); clock.now.Before(end); clock.now = f.Next() {
		if err := f.Pass(t.Context(), clock.now).Err; err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range region.Calls() {
		calls = append(calls, fmt.Sprint(c.Time, c.Operation, c.Queries, c.Input()))
	}
	return calls
}

func TestAFleetDrivenByOneGoroutineMakesTheSameCallsEachTime(t *testing.T) {
	first, second := driven(t), driven(t)
	if len(first) < 100 || !slices.Equal(first, second) {
		t.Errorf("%d calls and then %d, or others", len(first), len(second))
	}
}
