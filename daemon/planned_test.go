package daemon_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// Synctest's time begins at midnight UTC of 1 January 2000.
const working = `
targets:
  - service: c/web
    min_capacity: 1
    max_capacity: 10
    target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60, disable_scale_in: true}]
    scheduled_actions:
      - {name: open, schedule: "cron(0 9 * * ? *)", timezone: Europe/Paris, min_capacity: 4}
      - {name: close, schedule: "cron(30 17 * * ? *)", timezone: Europe/Paris, min_capacity: 1, max_capacity: 3}
      - {name: widen, schedule: "rate(20 hours)", max_capacity: 10}
`

// The whole daemon with its clock, its own choice of looks and the real SDK: a working day, a restart in the middle of
// it, and a night that it sleeps through.
func TestAScheduledDay(t *testing.T) {
	inTime(t, `{clusters: [{name: c}], services: [{service: c/web, desired: 2, load: 0.2}]}`, func(w *world) {
		b := store.Memory()
		is := func(desired int, when string) {
			w.t.Helper()
			if got := w.view().Desired; got != desired {
				w.t.Errorf("%s: desired %d, want %d", when, got, desired)
			}
		}
		w.live(w.start(working, b), 7*time.Hour+59*time.Minute)
		is(2, "before nine in Paris, which is eight UTC")
		w.live(w.start(working, b), 2*time.Minute)
		is(4, "after nine")
		w.live(w.start(working, b), 7*time.Hour)
		is(4, "a restart later")
		time.Sleep(3 * time.Hour) // nobody looks: 17:30 is missed
		w.live(w.start(working, b), time.Minute)
		is(3, "after the missed fire set max")
		w.live(w.start(working, b), 4*time.Hour)
		is(3, "at night, when a wider max moves nothing")
		var told []string
		for _, a := range slices.Backward(history(w.t, b)) {
			if a.Reason == evaluator.ByScheduledAction {
				told = append(told, a.StartTime.Format("15:04")+" "+a.Description)
			}
		}
		want := "08:00 Setting min capacity to 4 and max capacity to 10 | 08:00 Setting desired count to 4. | " +
			"16:30 Setting min capacity to 1 and max capacity to 3 | 18:01 Setting desired count to 3. | " +
			"20:00 Setting min capacity to 1 and max capacity to 10"
		if got := strings.Join(told, " | "); got != want {
			w.t.Errorf("activities\n%s\nwant\n%s", got, want)
		}
	})
}
