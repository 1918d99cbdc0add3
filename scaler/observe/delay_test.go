package observe

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ecs-autoscaler/evaluator"
)

const standardECS = "AWS/ECS standard"

// watch reads one metric, published late after each minute, every interval from phase on.
func watch(t *testing.T, m *Metrics, c *cloud, e *Entry, late, phase, interval time.Duration, reads int) {
	t.Helper()
	c.points["cpu"] = nil
	c.publish("cpu", t0, late, make([]float64, reads*int(interval/time.Minute)+10)...)
	for i := range reads {
		c.at(t, m, t0.Add(10*time.Minute+phase+time.Duration(i)*interval), e)
	}
}

func learning() (*Metrics, *cloud, *Entry) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	return m, c, m.Track(cpu("cpu"), 8)
}

// What a daemon that looks at a fixed phase of the minute can know: the delay is found as the age of a bucket at the
// first look that has it.
func TestTheDelayFollowsPublication(t *testing.T) {
	for _, c := range []struct {
		name                  string
		late, phase, interval time.Duration
		reads                 int
		want                  int64
	}{
		{"published at once, looked at 5 s after the minute", 0, 5 * time.Second, time.Minute, 20, 5},
		{"published 45 s late, looked at 50 s", 45 * time.Second, 50 * time.Second, time.Minute, 20, 50},
		{"published 45 s late, looked at 5 s", 45 * time.Second, 5 * time.Second, time.Minute, 20, 65},
		{"published 119 s late", 119 * time.Second, 0, time.Minute, 20, 120},
		{"published 200 s late", 200 * time.Second, 30 * time.Second, time.Minute, 20, 210},
		{"published 299 s late", 299 * time.Second, 0, time.Minute, 20, 300},
		{"looked at every three minutes only", 45 * time.Second, 5 * time.Second, 3 * time.Minute, 20, 65},
		{"looked at every three minutes, at 50 s", 45 * time.Second, 50 * time.Second, 3 * time.Minute, 20, 50},
		{"too few looks to leave the start", 0, 5 * time.Second, time.Minute, 3, 120},
		{"few looks suffice to exceed the start", 250 * time.Second, 10 * time.Second, time.Minute, 8, 250},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, cw, e := learning()
			if e.Series.Delay != 120 {
				t.Fatalf("the delay starts at %d, want 120", e.Series.Delay)
			}
			watch(t, m, cw, e, c.late, c.phase, c.interval, c.reads)
			if e.Series.Delay != c.want {
				t.Errorf("the delay is %d, want %d", e.Series.Delay, c.want)
			}
		})
	}
}

func TestTheDelayRisesAgainWhenPublicationSlowsDown(t *testing.T) {
	for _, interval := range []time.Duration{time.Minute, 3 * time.Minute} {
		m, c, e := learning()
		watch(t, m, c, e, 0, 5*time.Second, interval, 150)
		if e.Series.Delay != 5 {
			t.Fatalf("the delay is %d, want 5", e.Series.Delay)
		}
		late := 100 * time.Second
		c.points["cpu"] = nil
		start := t0.Add(1000 * time.Minute)
		c.publish("cpu", start, late, make([]float64, 300)...)
		for i := range 30 {
			c.at(t, m, start.Add(10*time.Minute+5*time.Second+time.Duration(i)*interval), e)
		}
		if e.Series.Delay < 100 || e.Series.Delay > 180 {
			t.Errorf("looking every %s the delay is %d, want 100 to 180", interval, e.Series.Delay)
		}
	}
}

func TestHistoryAndSilenceTeachNothing(t *testing.T) {
	m, c, e := learning()
	c.publish("cpu", t0, 0, 1, 2, 3)
	for i := range 10 {
		c.at(t, m, t0.Add(7*time.Minute+time.Duration(i)*time.Minute), e)
	}
	if e.Series.Delay != 120 || len(m.Delays()) != 0 {
		t.Errorf("from a metric that stopped %v was learned", m.Delays())
	}
}

func TestAFailedOrPartialReadIsNoLook(t *testing.T) {
	m, c, e := learning()
	c.publish("cpu", t0, 0, make([]float64, 100)...)
	c.at(t, m, t0.Add(10*time.Minute), e)
	before := m.Delays()
	c.refuse = func(int, *cloudwatch.GetMetricDataInput) error { return apiError("InternalFailure") }
	for i := range 9 {
		c.at(t, m, t0.Add(time.Duration(11+i)*time.Minute), e)
	}
	if diff := cmp.Diff(before, m.Delays()); diff != "" {
		t.Error(diff)
	}
	c.refuse = nil
	c.at(t, m, t0.Add(20*time.Minute), e)
	if d := m.Delays()[standardECS]; d.Seconds > 120 {
		t.Errorf("buckets nobody could see raised the delay to %v", d.Seconds)
	}
}

func TestShortPeriodsHaveADelayOfTheirOwn(t *testing.T) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	short, long := m.Track(withPeriod(cpu("short"), 20), 8), m.Track(cpu("long"), 8)
	if short.Series.Delay != 20 || long.Series.Delay != 120 {
		t.Fatalf("delays start at %d and %d, want 20 and 120", short.Series.Delay, long.Series.Delay)
	}
	for i := range 60 {
		at := t0.Add(time.Duration(i) * 20 * time.Second)
		c.points["short"] = append(c.points["short"], point{at, at.Add(53 * time.Second), 1})
	}
	for i := range 60 {
		c.at(t, m, t0.Add(3*time.Minute+time.Duration(i)*10*time.Second), short)
	}
	if short.Series.Delay < 33 || short.Series.Delay > 50 || m.Track(cpu("other"), 1).Series.Delay != 120 {
		t.Errorf("delay is %d, want 33 to 50; long periods %v", short.Series.Delay, m.Delays())
	}
}

func TestMathWaitsForItsSlowestNamespaceAndTeachesNothing(t *testing.T) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	m.Restore(map[string]Delay{"AWS/SQS standard": {30, 50}, "ECS/ContainerInsights standard": {75.5, 50}})
	e := m.Track(ratio("A"), 3)
	c.publish("q1_0 / q1_1", t0, 0, make([]float64, 50)...)
	for i := range 20 {
		c.at(t, m, t0.Add(time.Duration(5+i)*time.Minute), e)
	}
	if e.Series.Delay != 76 {
		t.Errorf("delay is %d, want 76", e.Series.Delay)
	}
}

func TestAFixedDelayWins(t *testing.T) {
	for _, c := range []struct {
		fixed time.Duration
		want  int64
	}{{0, 0}, {45 * time.Second, 45}, {1500 * time.Millisecond, 2}} {
		cw := newCloud()
		m := NewMetrics(cw, MetricsOptions{Delay: c.fixed})
		e := m.Track(cpu("cpu"), 8)
		watch(t, m, cw, e, 100*time.Second, 0, time.Minute, 20)
		if e.Series.Delay != c.want {
			t.Errorf("delay is %d, want %d", e.Series.Delay, c.want)
		}
	}
}

func TestWhatWasLearnedOutlivesARestart(t *testing.T) {
	m, c, e := learning()
	watch(t, m, c, e, 45*time.Second, 50*time.Second, time.Minute, 20)
	text, err := json.Marshal(m.Delays())
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"AWS/ECS standard":{"seconds":50,"samples":20}}`; string(text) != want {
		t.Errorf("saved %s, want %s", text, want)
	}
	var saved map[string]Delay
	if err := json.Unmarshal(text, &saved); err != nil {
		t.Fatal(err)
	}
	again := NewMetrics(newCloud(), MetricsOptions{Delay: -1})
	again.Restore(saved)
	if d := again.Track(cpu("x"), 1).Series.Delay; d != 50 {
		t.Errorf("after the restart the delay is %d, want 50", d)
	}
	if diff := cmp.Diff(saved, again.Delays()); diff != "" {
		t.Error(diff)
	}
}

func TestNonsenseIsNotRestored(t *testing.T) {
	m := NewMetrics(newCloud(), MetricsOptions{Delay: -1})
	m.Restore(map[string]Delay{
		"AWS/ECS standard": {-1, 9}, "A standard": {301, 9}, "B standard": {math.NaN(), 9}, "C standard": {10, 0}, "AWS/ECS": {10, 9}, "": {10, 9},
	})
	if len(m.Delays()) != 0 || m.Track(cpu("x"), 1).Series.Delay != 120 {
		t.Errorf("restored %v", m.Delays())
	}
}

func TestAFleetDoesNotPushThePastOut(t *testing.T) {
	c := &delayClass{start: 120, seconds: 120}
	for range 20 {
		c.pending = append(c.pending, 10)
		c.learn()
	}
	for i := range 10_000 {
		c.pending = append(c.pending, float64(i%200))
	}
	c.learn()
	if c.used != 20+perRead || c.samples != 20+perRead {
		t.Errorf("%d samples are kept, want %d", c.used, 20+perRead)
	}
	if c.seconds < 150 {
		t.Errorf("the slow ones of the fleet are lost: %v", c.seconds)
	}
}

func TestTheEstimateIsThe95thPercentileOfTheLast120(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		samples := rapid.SliceOfN(rapid.Float64Range(-10, 400), enough, 400).Draw(rt, "samples")
		c := &delayClass{start: 120}
		for _, s := range samples {
			c.pending = append(c.pending, s)
			c.learn()
		}
		last := slices.Clone(samples[max(0, len(samples)-windowSize):])
		slices.Sort(last)
		want := min(max(last[int(math.Ceil(.95*float64(len(last))))-1], 0), 300)
		if c.seconds != want {
			rt.Errorf("after %d samples the estimate is %v, want %v", len(samples), c.seconds, want)
		}
	})
}

func TestNamespacesAreLearnedApart(t *testing.T) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	var entries []*Entry
	for i, late := range []time.Duration{5 * time.Second, 65 * time.Second} {
		name := "m" + strconv.Itoa(i)
		c.publish(name, t0, late, make([]float64, 60)...)
		entries = append(entries, m.Track(evaluator.Metric{Namespace: "N" + strconv.Itoa(i), MetricName: name, Stat: "Average", Period: 60}, 8))
	}
	for i := range 30 {
		c.at(t, m, t0.Add(10*time.Minute+10*time.Second+time.Duration(i)*time.Minute), entries...)
	}
	want := map[string]Delay{"N0 standard": {10, 30}, "N1 standard": {70, 30}}
	if diff := cmp.Diff(want, m.Delays()); diff != "" {
		t.Error(diff)
	}
}

func TestAWiderWishAndAClockSetBackTeachNothing(t *testing.T) {
	m, c, e := learning()
	c.publish("cpu", t0, 0, make([]float64, 100)...)
	now := t0.Add(50 * time.Minute)
	c.at(t, m, now, e)
	m.Track(cpu("cpu"), 30)
	c.at(t, m, now, e)
	c.at(t, m, now.Add(-5*time.Minute), e)
	c.at(t, m, now, e)
	for i := range 10 {
		c.at(t, m, now.Add(time.Duration(i-40)*time.Minute), e) // farther back than there are buckets
	}
	if d := m.Delays()[standardECS]; d.Seconds > 120 {
		t.Errorf("old buckets raised the delay to %v", d.Seconds)
	}
}

// Nothing else may teach what a queue of one's own and Container Insights take. Without that a newest bucket that comes after the
// two minutes of the beginning would be missing for ever, and nothing would scale in.
func TestMathLearnsThatItComesLaterThanItsNamespacesAreKnownTo(t *testing.T) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	e := m.Track(ratio("A"), 8)
	c.publish("q1_0 / q1_1", t0, 155*time.Second, make([]float64, 60)...)
	for i := range 30 {
		c.at(t, m, t0.Add(10*time.Minute+2*time.Second+time.Duration(i)*time.Minute), e)
	}
	if e.Series.Delay < 155 || e.Series.Delay > 185 {
		t.Errorf("delay is %d, want 155 to 185", e.Series.Delay)
	}
	again := NewMetrics(c, MetricsOptions{Delay: -1})
	again.Restore(m.Delays())
	if e := again.Track(ratio("B"), 8); e.Series.Delay < 155 || e.Series.Delay > 185 {
		t.Errorf("after a restart the delay is %d, want 155 to 185", e.Series.Delay)
	}
}
