package decisionlog

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/evaluator/schedule"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// web is a target with a step policy and a scheduled action.
func web(name string) *evaluator.Target {
	expression, err := schedule.Parse("cron(0 8 ? * MON-FRI *)")
	if err != nil {
		panic(err)
	}
	return &evaluator.Target{
		Key: evaluator.Key{Cluster: "shop", Service: name}, Min: 1, Max: 10,
		Policies: []evaluator.Policy{{
			Name: "out", Type: evaluator.StepScaling, ScaleOutCooldown: time.Minute, ScaleInCooldown: time.Minute, Aggregation: evaluator.Average,
			Alarms: []evaluator.Alarm{{
				Name: "alarm", SampleCount: -1, EvaluationPeriods: 3, DatapointsToAlarm: 2, Threshold: 70, Operator: evaluator.GreaterThanThreshold,
			}},
			Step: evaluator.Step{AdjustmentType: evaluator.ChangeInCapacity, Adjustments: []evaluator.StepAdjustment{{UpperBound: math.Inf(1), ScalingAdjustment: 2}}},
		}},
		ScheduledActions: []evaluator.ScheduledAction{{Name: "morning", Schedule: &schedule.Schedule{Expression: expression}, Min: new(0), Max: new(10)}},
		Metrics:          []evaluator.Metric{{MetricName: "CPUUtilization", Period: 60}},
	}
}

// look is a decision about a target whose newest datapoint is a value, so many minutes after noon.
func look(t *evaluator.Target, minutes int, value float64) (*evaluator.Observation, *evaluator.Memory, *evaluator.Decision) {
	now := noon.Add(time.Duration(minutes) * time.Minute)
	o := &evaluator.Observation{
		Service: evaluator.Service{DescribedAt: now, Status: evaluator.ServiceActive, Desired: 2, Running: 2, Base: 2, Controller: "ECS"},
		Series:  []*evaluator.Series{{End: now.Unix(), Period: 60, Values: []float64{50, math.NaN(), 80, value}}},
	}
	m := evaluator.NewMemory(t)
	m.LastDesired, m.Registered, m.Min, m.Max, m.File = 2, true, t.Min, t.Max, t.Registration()
	d := &evaluator.Decision{}
	evaluator.Evaluate(t, o, m, now, d)
	return o, m, d
}

// tell gives a decision to a log.
func tell(l *Log, t *evaluator.Target, minutes int, value float64) {
	o, m, d := look(t, minutes, value)
	l.Evaluated(t, o, m, d)(evaluator.OutcomeDryRun)
}

// text is a log of some decisions about two services.
func text(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	l := New(Options{Out: &b, Version: "1.2.3", Now: func() time.Time { return noon }, Logger: zap.NewNop()})
	first, second := web("web"), web("api")
	for minute := range 3 {
		tell(l, first, minute, 90)
		tell(l, second, minute, 20)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// replayOf makes a log anew.
func replayOf(t testing.TB, log string) (*Replay, error) {
	t.Helper()
	r := &Replay{}
	return r, r.Log("d.jsonl", strings.NewReader(log))
}

// clockwork is a clock that stands until it is moved, with the log's lines.
type clockwork struct {
	mu   sync.Mutex
	at   time.Time
	logs *observer.ObservedLogs
}

func newClockwork(path string) (*clockwork, Options) {
	core, logs := observer.New(zapcore.InfoLevel)
	c := &clockwork{at: noon, logs: logs}
	return c, Options{Path: path, Version: "1.2.3", Now: c.now, Logger: zap.New(core)}
}

func (c *clockwork) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clockwork) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// messages are the log's lines so far.
func (c *clockwork) messages() string {
	var b strings.Builder
	for _, e := range c.logs.All() {
		fmt.Fprintf(&b, "%s: %s\n", e.Level, e.Message)
	}
	return b.String()
}
