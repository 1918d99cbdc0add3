package scaler

import (
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
)

// A fulfilment that is seen in an answer that was long on its way happened at most when the answer came, and maybe just then.
func TestACooldownCountsFromTheAnswerNotFromTheQuestion(t *testing.T) {
	const slow = 5 * time.Second
	fulfilled := func(b *bench, k evaluator.Key) time.Time {
		return b.engine.targets[k].memory.Policies[0].Cooldown.ScaleOutFulfilled
	}
	t.Run("to a write", func(t *testing.T) {
		w := newWorld()
		k := w.add("web", 2)
		w.value = func(evaluator.Metric, int64) float64 { return 90 }
		w.onWrite = func(evaluator.Key, int) (bool, error) {
			w.now = w.now.Add(slow)
			return false, nil
		}
		b := newBench(t, w, tracking)
		b.pass()
		b.expect(k, 4, evaluator.ByTargetTracking)
		if got := fulfilled(b, k); !got.Equal(b.now) {
			t.Errorf("the cooldown counts from %s, the answer came at %s", got, b.now)
		}
	})
	t.Run("to a description", func(t *testing.T) {
		w := newWorld()
		k := w.add("web", 2)
		w.value = func(evaluator.Metric, int64) float64 { return 90 }
		w.startAfter = 50 * time.Second
		b := newBench(t, w, tracking)
		b.pass()
		w.value = func(evaluator.Metric, int64) float64 { return 50 }
		w.onRequest = func() { w.now = w.now.Add(slow) }
		b.minutes(1)
		if got, least := fulfilled(b, k), midnight.Add(time.Minute+slow); got.Before(least) {
			t.Errorf("the cooldown counts from %s, the answer came at %s", got, least)
		}
	})
}
