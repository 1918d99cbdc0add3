package evaluator

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// noon is when every scene begins: a whole minute and a whole hour.
var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// scene is a target with its service, metrics and memory at an instant; tests tell stories with it.
type scene struct {
	testing.TB
	target *Target
	o      Observation
	m      *Memory
	now    time.Time
	d      Decision
}

// newScene registers a target whose policies each read a metric of their own, at 4 running tasks of 4 desired.
func newScene(t testing.TB, lowest, highest int, policies ...Policy) *scene {
	t.Helper()
	s := &scene{TB: t, now: noon}
	s.target = &Target{Key: Key{Cluster: "c", Service: "s"}, Min: lowest, Max: highest, Policies: policies}
	for i := range policies {
		policies[i].Alarms = slices.Clone(policies[i].Alarms)
		for j := range policies[i].Alarms {
			policies[i].Alarms[j].Metric = i
		}
		s.target.Metrics = append(s.target.Metrics, Metric{MetricName: "CPUUtilization", Period: 60})
		s.o.Series = append(s.o.Series, &Series{Period: 60})
	}
	s.m = NewMemory(s.target)
	s.m.registered(s.target)
	s.o.Service = Service{DescribedAt: noon, Status: ServiceActive, Controller: "ECS"}
	s.counts(4, 4)
	return s
}

func (s *scene) counts(desired, running int) *scene {
	v := &s.o.Service
	v.Desired, v.Running, v.Base = desired, running, running
	if s.m.LastDesired < 0 {
		s.m.LastDesired = desired
	}
	return s
}

// metric gives policy i the values, the last of which is the bucket that ended at the current minute.
func (s *scene) metric(i int, values string) *scene {
	period := s.target.Metrics[i].Period
	s.o.Series[i] = &Series{Period: period, End: closedBy(s.now.Unix(), period, 1), Values: parse(values)}
	return s
}

// parse reads "50x3 _ 80": three times 50, one missing, 80.
func parse(text string) []float64 {
	var values []float64
	for word := range strings.FieldsSeq(text) {
		number, times, repeated := strings.Cut(word, "x")
		n := 1
		if repeated {
			n, _ = strconv.Atoi(times)
		}
		v := math.NaN()
		if number != "_" && number != "-" {
			v, _ = strconv.ParseFloat(number, 64)
		}
		for range n {
			values = append(values, v)
		}
	}
	return values
}

// at moves the clock to so many seconds after noon; the newest buckets move with it.
func (s *scene) at(seconds int) *scene {
	s.now = noon.Add(time.Duration(seconds) * time.Second)
	s.o.Service.DescribedAt = s.now
	for _, series := range s.o.Series {
		series.End = closedBy(s.now.Unix(), series.Period, 1)
	}
	return s
}

func (s *scene) decide() *Decision {
	Evaluate(s.target, &s.o, s.m, s.now, &s.d)
	return &s.d
}

// expect decides and compares.
func (s *scene) expect(wanted int, why Reason) *scene {
	s.Helper()
	d := s.decide()
	if d.Wanted != wanted || d.Reason != why {
		s.Errorf("at %s: wanted %d (%s), expected %d (%s): %s",
			s.now.Sub(noon), d.Wanted, d.Reason, wanted, why, d.Message())
	}
	return s
}

// write carries the last decision out: ECS has accepted the count, nothing has started yet.
func (s *scene) write() *scene {
	s.m.Remember(s.target, &s.d)
	s.m.Begin(s.target, &s.d, "a")
	s.o.Service.Desired = s.d.Wanted
	return s
}

// runs lets so many tasks run and looks at the service.
func (s *scene) runs(n int) *scene {
	s.o.Service.Running, s.o.Service.Base = n, n
	s.m.Follow(s.target, &s.o.Service, s.now)
	return s
}

// tracking is a target-tracking policy with AWS's alarms, cooldowns of 300 s and AWS's choices.
func tracking(name string, target float64) Policy {
	return Policy{
		Name: name, Type: TargetTrackingScaling,
		ScaleOutCooldown: 300 * time.Second, ScaleInCooldown: 300 * time.Second,
		ScaleInDuringScaleOutCooldown: true,
		TargetTracking:                TargetTracking{TargetValue: target},
		Alarms: []Alarm{
			{Name: "high", SampleCount: -1, EvaluationPeriods: 3, DatapointsToAlarm: 3, Threshold: target, Operator: GreaterThanThreshold, Missing: TreatMissing},
			{Name: "low", SampleCount: -1, EvaluationPeriods: 15, DatapointsToAlarm: 15, Threshold: 0.9 * target, Operator: LessThanThreshold, Missing: TreatMissing},
		},
	}
}

// stepping is a step policy with an alarm of one period.
func stepping(name string, op ComparisonOperator, threshold float64, s Step) Policy {
	return Policy{
		Name: name, Type: StepScaling, Step: s,
		ScaleOutCooldown: 300 * time.Second, ScaleInCooldown: 300 * time.Second,
		ScaleInDuringScaleOutCooldown: true,
		Alarms: []Alarm{{
			Name: "alarm", SampleCount: -1, EvaluationPeriods: 1, DatapointsToAlarm: 1,
			Threshold: threshold, Operator: op, Missing: TreatMissing,
		}},
	}
}

// above and below make one step that holds everything on that side of the threshold.
func above(how AdjustmentType, adjustment int) Step {
	return Step{AdjustmentType: how, Adjustments: []StepAdjustment{{0, math.Inf(1), adjustment}}}
}

func below(how AdjustmentType, adjustment int) Step {
	return Step{AdjustmentType: how, Adjustments: []StepAdjustment{{math.Inf(-1), 0, adjustment}}}
}

// registered makes a target one whose count has been brought into its configured bounds.
func (m *Memory) registered(t *Target) {
	m.Register(t, t.Registration())
	m.Registered = true
}

// letPass deals with what was due up to now under the registration so far, as the engine does before it changes.
func (s *scene) letPass() {
	s.decide()
	s.m.TakeBounds(s.target, &s.d)
}
