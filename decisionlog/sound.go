package decisionlog

import (
	"errors"
	"fmt"

	"ecs-autoscaler/evaluator"
)

// A log may come from a stranger: what would keep the evaluator busy for hours, or is not of its arguments' form, is refused.
const (
	mostPeriods = 1 << 16
	longestWait = 24 * 3600
)

// sound says what is wrong with a target that no configuration could have made.
func sound(t *evaluator.Target) error {
	for i := range t.Policies {
		for j := range t.Policies[i].Alarms {
			a, path := &t.Policies[i].Alarms[j], fmt.Sprintf("policies[%d].alarms[%d]", i, j)
			switch {
			case a.Metric < 0 || a.Metric >= len(t.Metrics):
				return at(path, fmt.Errorf("the target has no metric %d", a.Metric))
			case a.EvaluationPeriods < 1 || a.EvaluationPeriods > mostPeriods:
				return at(path, fmt.Errorf("evaluation_periods must be 1 to %d", mostPeriods))
			}
		}
	}
	return scheduled(t)
}

// scheduled says which of the target's schedules is not there.
func scheduled(t *evaluator.Target) error {
	for i := range t.ScheduledActions {
		if t.ScheduledActions[i].Schedule == nil {
			return at(fmt.Sprintf("scheduled_actions[%d]", i), errNoSchedule)
		}
	}
	if t.Rails == nil {
		return nil
	}
	for i := range t.Rails.ScaleInForbidden {
		if t.Rails.ScaleInForbidden[i].Schedule == nil {
			return at(fmt.Sprintf("rails.scale_in_forbidden[%d]", i), errNoSchedule)
		}
	}
	return nil
}

var errNoSchedule = errors.New("the schedule is missing")

// fits says what is wrong with an observation that no reader could have made.
func fits(t *evaluator.Target, d *Recorded) error {
	if n := len(d.Observation.Series); n > len(t.Metrics) {
		return at("observation.series", fmt.Errorf("the target has %d metrics, not %d", len(t.Metrics), n))
	}
	for i, s := range d.Observation.Series {
		if s == nil {
			continue
		}
		if s.Period < 0 || s.Delay < 0 || s.Delay > longestWait {
			return at(fmt.Sprintf("observation.series[%d]", i), fmt.Errorf("period must be above 0, and delay 0 to %d", longestWait))
		}
	}
	return nil
}
