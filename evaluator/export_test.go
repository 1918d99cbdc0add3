package evaluator

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// DrawSituation makes anything that Evaluate can be given. Its schedules are those of a function.
func DrawSituation(t *rapid.T, tb testing.TB, schedule func() Schedule) (*Target, *Observation, *Memory, time.Time) {
	w := drawWide(t, tb)
	for i := range w.target.ScheduledActions {
		w.target.ScheduledActions[i].Schedule = schedule()
	}
	if w.target.Rails != nil {
		for i := range w.target.Rails.ScaleInForbidden {
			w.target.Rails.ScaleInForbidden[i].Schedule = schedule()
		}
	}
	w.m.Arm(w.target)
	return w.target, &w.o, w.m, w.now
}
