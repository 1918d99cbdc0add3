package scaler

import (
	"fmt"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
)

// resting lets n services rest for a while and returns the calls that described them and the instants at which each was.
func resting(t *testing.T, n int, lasting time.Duration) (calls int, at map[evaluator.Key][]time.Time) {
	t.Helper()
	w := newWorld()
	w.phase, w.late = nil, 65
	for i := range n {
		w.add(fmt.Sprintf("svc%04d", i), 2)
	}
	b := newBench(t, w, `
metric_delay: 65s
targets: [{service: "c/*", min_capacity: 1, max_capacity: 9, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50}]}]
`)
	at = map[evaluator.Key][]time.Time{}
	for end := w.now.Add(lasting); w.now.Before(end); w.now = w.now.Add(b.engine.untilNext(w.now)) {
		w.describes = nil
		if b.pass(); w.now.Sub(midnight) < 11*time.Minute {
			w.calls = -1 // all are described first, and the place of the looks is found
		}
		for _, k := range w.describes {
			at[k] = append(at[k], w.now)
		}
	}
	return -1 - w.calls, at
}

// What may be asked of DescribeServices is an account's, and many clusters share it: calls go out full, but not all at one moment.
func TestServicesAtRestAreDescribedTenInACall(t *testing.T) {
	for _, c := range []struct{ services, most int }{{8, 1}, {30, 3}, {40, 4}, {100, 15}, {500, 70}} {
		calls, at := resting(t, c.services, 51*time.Minute)
		if calls > 4*c.most {
			t.Errorf("%d services: %d calls in 40 minutes, want at most %d", c.services, calls, 4*c.most)
		}
		busiest, moments := 0, map[time.Time]int{}
		for _, instants := range at {
			for _, i := range instants[1:] {
				moments[i]++
				busiest = max(busiest, moments[i])
			}
		}
		if busiest > 2*slotSize {
			t.Errorf("%d services: %d are described at one moment", c.services, busiest)
		}
	}
}

func TestEachServiceAtRestIsDescribedEveryTenMinutesBetweenTheLooks(t *testing.T) {
	_, at := resting(t, 300, 51*time.Minute)
	for k, instants := range at {
		if len(instants) < 5 {
			t.Errorf("%s was described %d times", k, len(instants))
		}
		for i := 1; i < len(instants); i++ {
			gap, second := instants[i].Sub(instants[i-1]), instants[i].Add(-65*time.Second).Second()
			if gap > refreshInterval || i > 2 && gap != refreshInterval || second < quietAfter || second >= quietAfter+quiet {
				t.Errorf("%s: described at %s, %s after the time before", k, instants[i].Format(time.TimeOnly), gap)
			}
		}
	}
}

func TestClustersAreDescribedAtInstantsOfTheirOwn(t *testing.T) {
	e, seen := &Engine{Options: Options{FixedPhase: new(time.Duration)}}, map[int64]bool{}
	for i := range 20 {
		k := evaluator.Key{Cluster: fmt.Sprintf("prod-%02d", i), Service: "web"}
		seen[int64(e.between(&target{spec: &evaluator.Target{Key: k}}, refreshInterval))] = true
	}
	if len(seen) < 15 {
		t.Errorf("20 clusters share %d instants", len(seen))
	}
}
