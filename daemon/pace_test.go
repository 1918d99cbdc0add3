package daemon_test

import (
	"fmt"
	"testing"
	"time"

	"ecs-autoscaler/store"
)

const oneMore = `
targets:
  - service: c/web
    min_capacity: 1
    max_capacity: 100
    step_scaling:
      - name: out
        alarm: {metric: ECSServiceAverageCPUUtilization, comparison_operator: GreaterThanThreshold, threshold: 10, evaluation_periods: 1}
        adjustment_type: ChangeInCapacity
        cooldown: 60
        step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 1}]
`

// Looks that come a moment before a cooldown ends make it a look longer: with a cooldown of a minute, tasks that start at
// once and a load that asks for more all the time, nearly every minute has its step.
func TestACooldownOfAMinuteDoesNotLastTwo(t *testing.T) {
	for _, late := range []int{30, 60, 75} {
		t.Run(fmt.Sprintf("published after %d s", late), func(t *testing.T) {
			scenario := fmt.Sprintf(`{publication: {delay: %ds}, clusters: [{name: c}], services: [{service: c/web, desired: 1, task_start: 0s, load: 90}]}`, late)
			inTime(t, scenario, func(w *world) {
				b := store.Memory()
				w.live(w.start(oneMore, b), time.Hour)
				if n := len(history(w.t, b)); n < 50 {
					w.t.Errorf("%d steps in an hour", n)
				}
			})
		})
	}
}
