package scaler

import (
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// A state that somebody has edited, or that a machine with a wrong clock has written, may have cooldowns of years.
func TestACooldownFromTheFutureHoldsNoScaleInForYears(t *testing.T) {
	for _, test := range []struct {
		name     string
		ahead    time.Duration
		scalesIn bool
		told     int
	}{
		{"an hour ahead is believed", time.Hour, false, 0},
		{"years ahead count as now", 3 * 365 * 24 * time.Hour, true, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld()
			k := w.add("web", 4)
			w.value = constant(30)
			b := newBench(t, w, tracking)
			b.pass()
			row, _ := b.store.Target(k)
			m := row.Memory.Clone()
			for i := range m.Policies {
				m.Policies[i].Cooldown.ScaleInFulfilled = w.Now().Add(test.ahead)
			}
			m.LastDesired = w.services[k].Desired
			changed := *row
			changed.Memory = m
			if err := b.store.Commit(store.Changes{Targets: []*store.Target{&changed}}); err != nil {
				t.Fatal(err)
			}
			w.services[k].Desired, w.services[k].Running = 4, 4
			b = b.restart(tracking)
			b.minutes(30)
			if got := w.services[k].Desired; (got < 4) != test.scalesIn {
				t.Errorf("%d are desired", got)
			}
			if got := b.logs.FilterMessageSnippet("times in the future").Len(); got != test.told {
				t.Errorf("it is told %d times, want %d", got, test.told)
			}
			if got := b.store.Memory(k); got.Rewind(&evaluator.Target{}, w.Now(), evaluator.MostAhead) {
				t.Error("the state still has a time in the future")
			}
		})
	}
}
