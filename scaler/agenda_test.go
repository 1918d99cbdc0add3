package scaler

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// sharing are services of which each two have a metric in common, and which are looked at at different seconds.
func sharing(services, highest int) string {
	var text strings.Builder
	text.WriteString("targets:\n")
	for i := range services {
		fmt.Fprintf(&text, `  - service: c/s%d
    min_capacity: 1
    max_capacity: %d
    target_tracking:
      - {name: own, metric: ECSServiceAverageCPUUtilization, target_value: 50, scale_out_cooldown: 60, scale_in_cooldown: 60}
      - {name: shared, target_value: 50, customized_metric: {namespace: N, metric_name: M%d, statistic: Average}}
`, i, highest, i/2)
	}
	return text.String()
}

// unrest is a world in which whatever an appointment or a row depends on changes.
type unrest struct {
	*bench
	rt       *rapid.T
	disk     *brittle
	services int
	load     float64
	failing  string // the beginning of the names of metrics that cannot be read
}

func newUnrest(t *testing.T, rt *rapid.T) *unrest {
	t.Helper()
	u := &unrest{rt: rt, disk: &brittle{Backend: store.Memory()}, services: 6, load: 50}
	w := newWorld()
	w.phase, w.startAfter = nil, 90*time.Second
	for i := range u.services - 1 { // the last one comes later, or never
		w.add(fmt.Sprintf("s%d", i), 3)
	}
	w.value = func(evaluator.Metric, int64) float64 { return u.load }
	w.readErr = func(m evaluator.Metric) error {
		if u.failing != "" && strings.HasPrefix(m.MetricName, u.failing) {
			return apiError("InternalServiceFault")
		}
		return nil
	}
	u.bench = openBench(t, w, sharing(u.services, 10), u.disk)
	return u
}

func (u *unrest) number(what string, low, high int) int {
	return rapid.IntRange(low, high).Draw(u.rt, what)
}

func (u *unrest) key() evaluator.Key {
	return evaluator.Key{Cluster: "c", Service: fmt.Sprintf("s%d", u.number("service", 0, u.services-1))}
}

// happen lets one thing happen between two passes.
func (u *unrest) happen() {
	rapid.SampledFrom([]func(){
		func() { u.load = rapid.SampledFrom([]float64{10, 50, 90, math.NaN()}).Draw(u.rt, "load") },
		func() { u.failing = rapid.SampledFrom([]string{"", "M", "M0", "CPU"}).Draw(u.rt, "failing") },
		func() {
			u.describeErr[u.key()] = rapid.SampledFrom([]error{nil, timeout, apiError("AccessDeniedException")}).Draw(u.rt, "error")
		},
		func() {
			if k := u.key(); u.world.services[k] != nil {
				u.set(k, u.number("count", 0, 12))
			}
		},
		func() { u.disk.broken = !u.disk.broken },
		func() {
			u.engine.Reload(parse(u.t, sharing(u.number("services", 2, u.services), u.number("highest", 2, 12))))
		},
		func() {
			low := u.number("low", 0, 2)
			_ = u.engine.RegisterScalableTarget(u.key(), Registration{MinCapacity: &low}) // fails where the disk does
		},
		u.engine.askTheTime, u.engine.lookAnew,
		func() { u.add(fmt.Sprintf("s%d", u.services-1), 2) },
	}).Draw(u.rt, "event")()
}

func TestPropertyAPassLeavesOutOnlyTargetsThatNothingHasTouched(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		u := newUnrest(t, rt)
		for range u.number("events", 1, 8) {
			u.happen()
			for range u.number("passes", 1, 12) {
				u.move(u.engine.untilNext(u.Now()))
				u.pass() // checks
			}
		}
	})
}

func TestTheAgendaReachesAllInstants(t *testing.T) {
	for _, c := range []struct {
		name string
		at   time.Time
		want int64
	}{
		{"no time at all is long ago", time.Time{}, math.MinInt64},
		{"an instant keeps its nanoseconds", midnight.Add(7), midnight.Unix()*1e9 + 7},
		{"1970", time.Unix(0, 0), 0},
		{"before 1970", time.Unix(-2, 5), -2e9 + 5},
		{"what is too far is the last there is", time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC), math.MaxInt64},
	} {
		if got := nanoseconds(c.at); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestAForgottenTouchCostsAMinuteNotTheTarget(t *testing.T) {
	w := newWorld()
	w.add("s0", 3)
	b := openBench(t, w, sharing(1, 10), store.Memory())
	b.minutes(3)
	k := b.engine.order[0]
	k.nextLook, k.describeAt = b.now.AddDate(0, 0, 1), b.now.AddDate(0, 0, 1)
	b.engine.touch(k)
	b.engine.written() // the agenda has tomorrow
	k.nextLook, k.describeAt = time.Time{}, time.Time{}
	b.now = b.now.Add(time.Minute)
	if r := b.engine.Pass(t.Context(), b.now); r.Looked != 1 {
		t.Errorf("looked at %d targets", r.Looked)
	}
}
