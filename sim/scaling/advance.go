package scaling

import (
	"fmt"
	"time"

	"ecs-autoscaler/sim/wire"
)

// The world is looked at each 20 seconds: activities are followed and scheduled actions run then. Alarms with periods of a minute
// or more are looked at once a minute, 20 seconds after it began; AWS gives each alarm a second of its own.
const (
	tick  = 20 * time.Second
	phase = 20 // seconds after the full minute
)

// Advance does all that is due up to now.
func (s *Store) Advance(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(now)
}

func (s *Store) advance(now time.Time) {
	for {
		at := s.at.Truncate(tick).Add(tick)
		if at.After(now) {
			return
		}
		if len(s.targets) == 0 && len(s.alarms) == 0 {
			s.at = now.Truncate(tick)
			return
		}
		s.step(s.at, at)
		s.at = at
	}
}

func (s *Store) step(before, at time.Time) {
	targets := s.byResource()
	for _, t := range targets {
		s.settle(t, at)
		for _, a := range t.actions {
			if a.fires(before, at) && !t.suspended.scheduled {
				s.run(t, a, at)
			}
		}
	}
	for _, a := range s.byName() {
		if a.due(at) {
			s.look(a, at)
		}
	}
	for _, t := range targets {
		s.scale(t, at)
	}
}

// memory is what a target remembers between two looks.
type memory struct {
	open   *activity // that waits until as many tasks run as it set
	credit int       // what a scale-out added whose cooldown lasts
	out    time.Time // until when a scale-out cooldown lasts
	in     time.Time // and a scale-in cooldown
	reason string    // the last reason for not scaling, until something changes
}

// settle ends the activity of a target whose count runs, or has been changed by somebody else.
func (s *Store) settle(t *target, at time.Time) {
	a := t.memory.open
	if a == nil {
		return
	}
	service, _ := s.options.Fleet.Service(t.cluster, t.service, at)
	switch {
	case service.Desired != a.desired:
		s.override(t, service.Desired, at)
	case service.Running == a.desired:
		a.status, a.end = "Successful", at
		a.message = fmt.Sprintf("Successfully set desired count to %d. Change successfully fulfilled by ecs.", a.desired)
		t.memory.open = nil
		switch {
		case a.policy == nil: // bounds start no cooldown (aws-semantics 1.10)
		case a.desired > a.from:
			t.memory.out = at.Add(a.cooldown)
		default:
			t.memory.in = at.Add(a.cooldown)
		}
	}
}

// due says whether an alarm is looked at now.
func (a *alarm) due(at time.Time) bool {
	return wire.In(a.members).Int("Period", 60) < 60 || at.Unix()%60 == phase
}

// look works out the state of an alarm: of the newest EvaluationPeriods datapoints within two periods more, DatapointsToAlarm must
// breach. Datapoints that are not there are what TreatMissingData says; by default they decide nothing.
func (s *Store) look(a *alarm, at time.Time) {
	in := wire.In(a.members)
	n, period := in.Int("EvaluationPeriods", 1), time.Duration(a.period())*time.Second
	to := at.Truncate(period)
	values := s.options.Fleet.Values(a.queries(), to.Add(-time.Duration(n+2)*period), to, at)
	values = values[max(len(values)-n, 0):]
	breaching := 0
	for _, v := range values {
		if breaches(in.Text("ComparisonOperator"), v, number(a.members["Threshold"])) {
			breaching++
		}
	}
	calm, gaps, treat := len(values)-breaching, n-len(values), in.Text("TreatMissingData")
	switch treat {
	case "breaching":
		breaching += gaps
	case "notBreaching":
		calm += gaps
	}
	state, needed := a.state, in.Int("DatapointsToAlarm", n)
	switch {
	case breaching >= needed:
		state = stateFire
	case calm > n-needed:
		state = stateOK
	case len(values) == 0 && treat != "ignore":
		state = stateNone
	}
	a.become(state, fmt.Sprintf("%d of the newest %d datapoints %v were beyond the threshold (%v).", breaching, n, values, number(a.members["Threshold"])), at)
	a.seen = values
}

func (a *alarm) become(state, reason string, at time.Time) {
	if a.state != state {
		a.changed, a.looked, a.state, a.reason = at, at, state, "Threshold Crossed: "+reason
		if state == stateNone {
			a.reason = "Insufficient Data: " + reason
		}
	}
}

// period is that of the alarm, or of the first metric of its math, in seconds.
func (a *alarm) period() int {
	in := wire.In(a.members)
	for _, q := range in.Structures("Metrics") {
		if q.Has("MetricStat") {
			return q.Structure("MetricStat").Int("Period", 60)
		}
	}
	return in.Int("Period", 60)
}

// queries are the MetricDataQueries of the alarm.
func (a *alarm) queries() []any {
	in := wire.In(a.members)
	if list, ok := a.members["Metrics"].([]any); ok {
		return list
	}
	stat := map[string]any{"Metric": map[string]any{"Namespace": in.Text("Namespace"), "MetricName": in.Text("MetricName"),
		"Dimensions": a.members["Dimensions"]}, "Period": int64(a.period()), "Stat": in.Text("Statistic") + in.Text("ExtendedStatistic")}
	if unit := in.Text("Unit"); unit != "" {
		stat["Unit"] = unit
	}
	return []any{map[string]any{"Id": "m1", "MetricStat": stat}}
}

func breaches(operator string, v, threshold float64) bool {
	switch operator {
	case "GreaterThanThreshold":
		return v > threshold
	case "GreaterThanOrEqualToThreshold":
		return v >= threshold
	case "LessThanThreshold":
		return v < threshold
	}
	return v <= threshold
}
