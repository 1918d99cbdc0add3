package observe

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"pgregory.net/rapid"
)

func TestAWindowEndsAtTheNewestClosedBucket(t *testing.T) {
	for _, c := range []struct {
		period int64
		now    string
		want   string
	}{
		{60, "08:34:00", "08:34:00"},
		{60, "08:34:06", "08:34:00"},
		{60, "08:34:59", "08:34:00"},
		{300, "08:34:06", "08:34:00"},
		{3600, "08:34:06", "08:34:00"},
		{10, "01:05:23", "01:05:10"},
		{10, "01:05:20", "01:05:10"},
		{10, "01:05:19", "01:05:00"},
		{20, "01:05:29", "01:05:00"},
		{20, "01:05:30", "01:05:20"},
		{30, "01:05:49", "01:05:30"},
		{30, "01:05:39", "01:05:00"},
		{30, "01:05:40", "01:05:30"},
	} {
		now, err := time.Parse(time.TimeOnly, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Unix(closedEnd(now, c.period), 0).UTC().Format(time.TimeOnly); got != c.want {
			t.Errorf("period %d at %s ends at %s, want %s", c.period, c.now, got, c.want)
		}
	}
}

func TestAFirstReadReadsEverything(t *testing.T) {
	c := newCloud()
	c.publish("cpu", t0, 0, 1, 2, 3, 4, 5)
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	e := m.Track(cpu("cpu"), 4)
	rep := c.at(t, m, t0.Add(5*time.Minute+6*time.Second), e)
	wantNoProblems(t, rep)
	wantSeries(t, e, t0.Add(5*time.Minute), "2 3 4 5")
	if rep.Newest != t0.Add(5*time.Minute) || rep.Datapoints != 4 || rep.Requests != 1 || rep.MetricsRequested != 1 {
		t.Errorf("report %+v", rep)
	}
	in := c.calls[0]
	if in.ScanBy != cwtypes.ScanByTimestampAscending || *in.StartTime != t0.Add(time.Minute) || *in.EndTime != t0.Add(5*time.Minute) {
		t.Errorf("asked %s %s", in.ScanBy, c.window(0))
	}
}

func TestALaterReadReadsFromThreeBucketsBeforeTheNewestKnownOne(t *testing.T) {
	c := newCloud()
	c.publish("cpu", t0.Add(-10*time.Minute), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	e := m.Track(cpu("cpu"), 8)
	c.at(t, m, t0.Add(6*time.Second), e)
	c.points["cpu"][8].value = 90 // still changing
	c.points["cpu"][3].value = 40 // settled
	c.at(t, m, t0.Add(66*time.Second), e)
	wantSeries(t, e, t0.Add(time.Minute), "4 5 6 7 8 90 10 11")
	start := t0.Add(-4 * time.Minute)
	if in := c.calls[1]; *in.StartTime != start {
		t.Errorf("asked %s, want from %s", c.window(1), start)
	}
}

func TestAHoleIsReadAgainAsLongAsItIsInRange(t *testing.T) {
	c := newCloud()
	c.publish("cpu", t0.Add(-8*time.Minute), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	c.points["cpu"][2].visible = t0.Add(30 * time.Second)
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	e := m.Track(cpu("cpu"), 8)
	c.at(t, m, t0, e)
	wantSeries(t, e, t0, "1 2 _ 4 5 6 7 8")
	c.at(t, m, t0.Add(time.Minute), e)
	wantSeries(t, e, t0.Add(time.Minute), "2 3 4 5 6 7 8 9")
	if in := c.calls[1]; *in.StartTime != t0.Add(-6*time.Minute) {
		t.Errorf("asked %s, want from the hole", c.window(1))
	}
}

func TestTimeWithoutReadsShiftsTheBuckets(t *testing.T) {
	for _, c := range []struct {
		name string
		gap  time.Duration
		want string
	}{
		{"none", 0, "1 2 3 4"},
		{"one bucket", time.Minute, "2 3 4 5"},
		{"part of the range", 3 * time.Minute, "4 5 6 7"},
		{"more than the range", 5 * time.Minute, "6 7 8 _"},
		{"a day", 24 * time.Hour, "_ _ _ _"},
		{"a clock set back", -2 * time.Minute, "_ _ 1 2"},
		{"a clock set far back", -24 * time.Hour, "_ _ _ _"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cw := newCloud()
			cw.publish("cpu", t0.Add(-4*time.Minute), 0, 1, 2, 3, 4, 5, 6, 7, 8)
			m := NewMetrics(cw, MetricsOptions{Delay: -1})
			e := m.Track(cpu("cpu"), 4)
			cw.at(t, m, t0, e)
			cw.at(t, m, t0.Add(c.gap), e)
			wantSeries(t, e, t0.Add(c.gap), c.want)
		})
	}
}

func TestWhatIsNotOnTheGridIsLeftOut(t *testing.T) {
	c := newCloud()
	at := func(s float64) time.Time { return t0.Add(time.Duration(s * float64(time.Second))) }
	c.change = func(_ int, out *cloudwatch.GetMetricDataOutput) {
		r := &out.MetricDataResults[0]
		r.Timestamps = []time.Time{at(-60), at(-120), at(-90), at(-60.5), at(0), at(-600), at(-120), at(-180), at(-180), at(-180), at(-240)}
		r.Values = []float64{4, 1, 90, 91, 92, 93, 3, 2, math.NaN(), math.Inf(1)}
	}
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	e := m.Track(cpu("cpu"), 4)
	wantNoProblems(t, c.at(t, m, t0, e))
	wantSeries(t, e, t0, "_ 2 3 4")
}

func TestDatapointsBetweenTheBucketsOnlyAreAProblemNotSilence(t *testing.T) {
	c := newCloud()
	c.change = func(_ int, out *cloudwatch.GetMetricDataOutput) {
		out.MetricDataResults[0].Timestamps = []time.Time{t0.Add(-30 * time.Second)}
		out.MetricDataResults[0].Values = []float64{1}
	}
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	e := m.Track(cpu("cpu"), 4)
	rep := c.at(t, m, t0, e)
	if len(rep.Problems) != 1 || !e.Series.Failed || rep.Problems[0].Class != "invalid" {
		t.Errorf("problems %v, failed %v; want one, invalid", rep.Problems, e.Series.Failed)
	}
}

func TestALongPeriodSlidesWithTheMinute(t *testing.T) {
	t.Run("case 230: periods of five minutes", func(t *testing.T) {
		c := newCloud()
		c.change = func(_ int, out *cloudwatch.GetMetricDataOutput) {
			in := c.calls[len(c.calls)-1]
			for at := *in.StartTime; at.Before(*in.EndTime); at = at.Add(5 * time.Minute) {
				r := &out.MetricDataResults[0]
				r.Timestamps, r.Values = append(r.Timestamps, at), append(r.Values, float64(at.Minute()))
			}
		}
		m := NewMetrics(c, MetricsOptions{Delay: -1})
		e := m.Track(withPeriod(cpu("cpu"), 300), 3)
		now := t0.Add(34*time.Minute + 6*time.Second)
		c.at(t, m, now, e)
		wantSeries(t, e, t0.Add(34*time.Minute), "19 24 29")
		c.at(t, m, now.Add(time.Minute), e)
		wantSeries(t, e, t0.Add(35*time.Minute), "20 25 30")
		if len(c.calls) != 2 || c.calls[1].EndTime.Sub(*c.calls[1].StartTime) != 15*time.Minute {
			t.Errorf("asked %s, want the whole range", c.window(1))
		}
	})
}

func TestAWiderWishKeepsWhatIsKnown(t *testing.T) {
	c := newCloud()
	c.publish("cpu", t0.Add(-6*time.Minute), 0, 1, 2, 3, 4, 5, 6)
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	e := m.Track(cpu("cpu"), 3)
	c.at(t, m, t0, e)
	if again := m.Track(cpu("cpu"), 5); again != e {
		t.Fatal("the same metric has two entries")
	}
	wantSeries(t, e, t0, "_ _ 4 5 6")
	c.at(t, m, t0, e)
	wantSeries(t, e, t0, "2 3 4 5 6")
	m.Track(cpu("cpu"), 2)
	if len(e.Series.Values) != 5 {
		t.Errorf("a narrower wish left %d buckets", len(e.Series.Values))
	}
}

// The series always equals what one would find by brute force: a bucket is known when some read that
// succeeded found it published, closed and in range, and it has been in range since.
func TestTheBucketsEqualABruteForceModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		period := rapid.SampledFrom([]int64{10, 20, 30, 60}).Draw(rt, "period")
		buckets := rapid.IntRange(1, 12).Draw(rt, "buckets")
		c := newCloud()
		c.points["cpu"] = points(rt, period)
		c.change = func(_ int, out *cloudwatch.GetMetricDataOutput) {
			shuffle(&out.MetricDataResults[0], rapid.Uint64().Draw(rt, "order"))
		}
		failing := false
		c.refuse = func(int, *cloudwatch.GetMetricDataInput) error {
			if failing {
				return apiError("InternalFailure")
			}
			return nil
		}
		m := NewMetrics(c, MetricsOptions{Delay: -1})
		e := m.Track(withPeriod(cpu("cpu"), period), buckets)
		known := map[int64]float64{}
		now := t0
		for range rapid.IntRange(1, 12).Draw(rt, "reads") {
			now = now.Add(time.Duration(rapid.IntRange(0, int(4*period)).Draw(rt, "gap")) * time.Second)
			failing = rapid.IntRange(0, 4).Draw(rt, "fails") == 0
			c.now = now
			m.Read(t.Context(), now, []*Entry{e})
			model(known, c.points["cpu"], e, now, failing)
			for i, v := range e.Series.Values {
				at := e.Series.End - int64(buckets-i)*period
				want, ok := known[at]
				if ok != (v == v) || ok && v != want {
					rt.Fatalf("at %s the bucket of %d is %v, want %v (%v)", now, at-t0.Unix(), v, want, ok)
				}
			}
			if e.Series.Failed != failing {
				rt.Fatalf("Failed is %v, want %v", e.Series.Failed, failing)
			}
		}
	})
}

// points are datapoints around t0, some buckets empty, published at any time and in any order.
func points(rt *rapid.T, period int64) []point {
	var ps []point
	for at := t0.Unix() - 15*period; at < t0.Unix()+40*period; at += period {
		if rapid.IntRange(0, 5).Draw(rt, "missing") == 0 {
			continue
		}
		late := rapid.IntRange(0, int(5*period)).Draw(rt, "late")
		ps = append(ps, point{time.Unix(at, 0), time.Unix(at+period+int64(late), 0), float64(at)})
	}
	return ps
}

// shuffle puts an answer out of order and gives every datapoint twice, the first time wrong.
func shuffle(r *cwtypes.MetricDataResult, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, seed))
	rng.Shuffle(len(r.Values), func(i, j int) {
		r.Values[i], r.Values[j] = r.Values[j], r.Values[i]
		r.Timestamps[i], r.Timestamps[j] = r.Timestamps[j], r.Timestamps[i]
	})
	wrong := make([]float64, len(r.Values))
	for i := range wrong {
		wrong[i] = -1
	}
	r.Timestamps = append(slices.Clone(r.Timestamps), r.Timestamps...)
	r.Values = append(wrong, r.Values...)
}

func model(known map[int64]float64, ps []point, e *Entry, now time.Time, failing bool) {
	end := closedEnd(now, e.Series.Period)
	from := end - int64(len(e.Series.Values))*e.Series.Period
	for at := range known {
		if at < from || at >= end {
			delete(known, at)
		}
	}
	if failing {
		return
	}
	for _, p := range ps {
		if at := p.at.Unix(); at >= from && at < end && !p.visible.After(now) {
			known[at] = p.value
		}
	}
}

// CloudWatch evaluates an alarm over more than a day once an hour, with data up to the top of the hour (case 232).
func TestBucketsOfAnAlarmOverDaysEndAtTheTopOfTheHour(t *testing.T) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	hourly := withPeriod(cpu("cpu"), 3600)
	hourly.Hourly = true
	e, sliding := m.Track(hourly, 3), m.Track(withPeriod(cpu("cpu"), 3600), 3)
	for i := range 9 {
		at := t0.Add(time.Duration(i) * time.Hour)
		c.points["cpu"] = append(c.points["cpu"], point{at, at.Add(time.Hour), float64(i)})
	}
	for _, past := range []time.Duration{0, time.Minute, 37 * time.Minute, 59 * time.Minute} {
		wantNoProblems(t, c.at(t, m, t0.Add(5*time.Hour+past), e))
		wantSeries(t, e, t0.Add(5*time.Hour), "2 3 4")
	}
	before := len(c.calls)
	c.at(t, m, t0.Add(6*time.Hour+time.Minute), e, sliding)
	wantSeries(t, e, t0.Add(6*time.Hour), "3 4 5")
	if sliding.Series.End != t0.Add(6*time.Hour+time.Minute).Unix() {
		t.Errorf("the other series of that period ends at %d", sliding.Series.End)
	}
	if got := len(c.calls) - before; got != 2 {
		t.Errorf("%d calls for two windows", got)
	}
}
