package observe

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"pgregory.net/rapid"
)

// publication is how many seconds after its end the bucket of a metric that ends then is published; NaN is never.
type publication func(metric int, end int64) float64

func constantly(d float64) publication { return func(int, int64) float64 { return d } }

func uniformly(r *rand.Rand, low, high float64) publication {
	return func(int, int64) float64 { return low + (high-low)*r.Float64() }
}

// sometimes leaves out that share of the buckets.
func sometimes(r *rand.Rand, share float64, p publication) publication {
	return func(metric int, end int64) float64 {
		if r.Float64() < share {
			return math.NaN()
		}
		return p(metric, end)
	}
}

// observer looks at metrics of one namespace as the engine does: each minute, or less often, so many seconds after its
// beginning as their place is, and some seconds more that differ from target to target.
type observer struct {
	t      testing.TB
	m      *Metrics
	c      *cloud
	groups []*group
	delay  publication
	every  time.Duration
	upTo   time.Time
	// looks that expected a bucket, those that did not find it, and those that a look sooner would have found it, too.
	looks, vain, late int
}

// group are metrics that are looked at in the same second.
type group struct {
	second  int64
	entries []*Entry
	next    time.Time
}

const spread = 5

func newObserver(t testing.TB, metrics int, delay publication) *observer {
	o := &observer{t: t, c: newCloud(), delay: delay, upTo: t0.Add(-20 * time.Minute), every: time.Minute}
	o.m = NewMetrics(o.c, MetricsOptions{Delay: -1})
	for i := range metrics {
		if i < spread {
			o.groups = append(o.groups, &group{second: int64(i*3) % spread, next: t0.Add(time.Duration(i) * time.Second)})
		}
		g := o.groups[i%spread]
		g.entries = append(g.entries, o.m.Track(cpu("m"+strconv.Itoa(i)), 8))
	}
	return o
}

// publish makes the datapoints of the buckets that end by then, and forgets old ones.
func (o *observer) publish(until time.Time) {
	for ; !o.upTo.Add(time.Minute).After(until); o.upTo = o.upTo.Add(time.Minute) {
		end := o.upTo.Add(time.Minute)
		for name, n := range o.metrics() {
			d := o.delay(n, end.Unix())
			if p := o.c.points[name]; !math.IsNaN(d) {
				visible := end.Add(time.Duration(d * float64(time.Second)))
				o.c.points[name] = append(p[max(0, len(p)-20):], point{o.upTo, visible, 1})
			}
		}
	}
}

// metrics are the names with their numbers.
func (o *observer) metrics() func(func(string, int) bool) {
	return func(yield func(string, int) bool) {
		for i, g := range o.groups {
			for j := range g.entries {
				if n := i + j*spread; !yield("m"+strconv.Itoa(n), n) {
					return
				}
			}
		}
	}
}

// live lives for a time.
func (o *observer) live(d time.Duration) {
	o.looks, o.vain = 0, 0
	for end := o.soonest().next.Add(d); o.soonest().next.Before(end); {
		o.look(o.soonest())
	}
}

// soonest is the group that is looked at next.
func (o *observer) soonest() *group {
	g := o.groups[0]
	for _, other := range o.groups {
		if other.next.Before(g.next) {
			g = other
		}
	}
	return g
}

func (o *observer) look(g *group) {
	now, expected := g.next, floor(g.next.Unix()-g.entries[0].Place, minute)
	o.publish(now)
	o.c.calls = nil
	soonest, before := g.entries[0].Series.Soonest, newestEnd(g.entries[0])
	rep := o.c.at(o.t, o.m, now, g.entries...)
	for _, e := range g.entries {
		o.looks++
		if newestEnd(e) < expected {
			o.vain++
		}
	}
	if end := newestEnd(g.entries[0]); len(rep.Problems) == 0 && before > 0 && end > before && end+soonest > now.Unix() {
		o.late++
	}
	phase := (g.entries[0].Place + g.second) % minute
	at := now.Add(o.every).Unix() - 45
	g.next = time.Unix(floor(at-phase+59, minute)+phase, 0).UTC()
}

// newestEnd is the end of the newest bucket with a datapoint, 0 if there is none.
func newestEnd(e *Entry) int64 {
	i := newestKnown(e.Series.Values)
	if i < 0 {
		return 0
	}
	return e.Series.End - int64(len(e.Series.Values)-1-i)*e.Series.Period
}

// place is where the next looks are placed.
func (o *observer) place() float64 { return float64(o.m.learner.known[standardECS].place.look()) }

func (o *observer) wantPlace(low, high float64) {
	o.t.Helper()
	if p := o.place(); p < low || p > high {
		o.t.Errorf("looks are placed %v s after the end of a bucket, want %v to %v", p, low, high)
	}
}

func TestLooksArePlacedJustAfterTheDelay(t *testing.T) {
	for _, delay := range []float64{0, 5, 25, 45, 59, 60, 65, 90, 119, 170, 250} {
		for _, metrics := range []int{1, 5, 15} {
			t.Run(strconv.Itoa(int(delay))+" s, "+strconv.Itoa(metrics)+" metrics", func(t *testing.T) {
				o := newObserver(t, metrics, constantly(delay))
				o.live(40 * time.Minute)
				looks, vain := 0, 0
				for range 12 {
					o.wantPlace(delay-grain, delay+retreat+grain)
					o.live(10 * time.Minute)
					looks, vain = looks+o.looks, vain+o.vain
				}
				if float64(vain) > .1*float64(looks) {
					t.Errorf("%d of %d looks are in vain, want a tenth at most", vain, looks)
				}
			})
		}
	}
}

func TestAJitteringDelayCostsFewLooks(t *testing.T) {
	for name, c := range map[string]struct {
		delay     func(r *rand.Rand) publication
		low, high float64
	}{
		"55 to 65 s":                  {func(r *rand.Rand) publication { return uniformly(r, 55, 65) }, 55, 75},
		"60 to 70 s":                  {func(r *rand.Rand) publication { return uniformly(r, 60, 70) }, 60, 80},
		"20 to 80 s":                  {func(r *rand.Rand) publication { return uniformly(r, 20, 80) }, 65, 90},
		"0 to 60 s":                   {func(r *rand.Rand) publication { return uniformly(r, 0, 60) }, 45, 70},
		"40 s with a tail of 12 s":    {func(r *rand.Rand) publication { return func(int, int64) float64 { return 40 + 12*r.ExpFloat64() } }, 60, 125},
		"one in a hundred 200 s":      {func(r *rand.Rand) publication { return hiccups(r, 60, 200) }, 55, 90},
		"the fleet's services differ": {func(*rand.Rand) publication { return func(m int, _ int64) float64 { return 40 + float64(m%5)*5 } }, 35, 70},
	} {
		for _, metrics := range []int{1, 5, 15} {
			t.Run(name+", "+strconv.Itoa(metrics)+" metrics", func(t *testing.T) {
				o := newObserver(t, metrics, c.delay(rand.New(rand.NewPCG(1, 2))))
				o.live(time.Hour)
				looks, vain := 0, 0
				for range 12 {
					o.live(10 * time.Minute)
					looks, vain = looks+o.looks, vain+o.vain
					o.wantPlace(c.low, c.high)
				}
				if vain*10 > looks {
					t.Errorf("%d of %d looks are in vain, want a tenth at most", vain, looks)
				}
			})
		}
	}
}

// hiccups are a hundredth of the buckets.
func hiccups(r *rand.Rand, usual, seldom float64) publication {
	return func(int, int64) float64 {
		if r.IntN(100) == 0 {
			return seldom
		}
		return usual
	}
}

func TestThePlaceFollowsTheDelay(t *testing.T) {
	for _, c := range []struct {
		from, to float64
		within   time.Duration
	}{
		{250, 5, time.Hour}, {170, 65, time.Hour}, {120, 60, 30 * time.Minute},
		{5, 60, 40 * time.Minute}, {60, 65, 40 * time.Minute}, {65, 170, time.Hour}, {5, 250, 2 * time.Hour},
		// That a bucket comes less than a minute sooner is only seen by coming sooner, too.
		{65, 45, 2 * time.Hour}, {90, 62, 2 * time.Hour}, {60, 5, 2 * time.Hour},
	} {
		for _, metrics := range []int{1, 15} {
			o := newObserver(t, metrics, constantly(c.from))
			o.live(90 * time.Minute)
			o.delay = constantly(c.to)
			o.live(c.within)
			if p := o.place(); p < c.to-grain || p > c.to+retreat+grain {
				t.Errorf("%s after the delay of %d metrics went from %v to %v s looks are placed at %v s", c.within, metrics, c.from, c.to, p)
			}
		}
	}
}

func TestRareLooksFindTheirPlaceToo(t *testing.T) {
	for _, every := range []time.Duration{3 * time.Minute, 15 * time.Minute} {
		o := newObserver(t, 1, constantly(65))
		o.every = every
		o.live(60 * every)
		o.wantPlace(65-grain, 65+retreat+grain)
	}
}

// A bucket that never comes is not late.
func TestGapsDoNotMoveThePlace(t *testing.T) {
	for _, share := range []float64{.05, .3, .8} {
		for _, metrics := range []int{1, 15} {
			o := newObserver(t, metrics, sometimes(rand.New(rand.NewPCG(3, 4)), share, constantly(65)))
			o.live(3 * time.Hour)
			o.wantPlace(65-grain, 65+retreat+grain)
		}
	}
}

func TestSilenceAndFailedOrPartialReadsTeachNoPlace(t *testing.T) {
	for name, spoil := range map[string]func(o *observer){
		"the metric has stopped": func(o *observer) { o.delay = constantly(math.NaN()) },
		"the reads fail": func(o *observer) {
			o.c.refuse = func(int, *cloudwatch.GetMetricDataInput) error { return apiError("InternalFailure") }
		},
		"the reads are partial": func(o *observer) {
			o.c.change = func(_ int, out *cloudwatch.GetMetricDataOutput) {
				for i := range out.MetricDataResults {
					out.MetricDataResults[i].StatusCode = cwtypes.StatusCodePartialData
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newObserver(t, 5, constantly(65))
			o.live(time.Hour)
			spoil(o)
			o.live(10 * time.Minute) // what was already published comes in
			before := o.place()
			o.live(2 * time.Hour)
			if got := o.place(); got != before {
				t.Errorf("the place went from %v to %v", before, got)
			}
		})
	}
}

func TestSoonestIsNotKnownBeforeThePlaceHasSettled(t *testing.T) {
	o := newObserver(t, 1, constantly(65))
	e := o.groups[0].entries[0]
	if e.Series.Soonest != 0 || e.Place != startStandard {
		t.Errorf("at first looks are placed at %d s and a bucket may come after %d s, want 120 and 0", e.Place, e.Series.Soonest)
	}
	o.live(5 * time.Minute)
	if e.Series.Soonest != 0 {
		t.Errorf("after five looks a bucket may come after %d s, want 0", e.Series.Soonest)
	}
	o.live(time.Hour)
	if s := e.Series.Soonest; s < 40 || s > 60 {
		t.Errorf("after an hour a bucket may come after %d s, want a little less than 65", s)
	}
	o.delay = constantly(5)
	o.look(o.groups[0])
	if s := e.Series.Soonest; s != 0 {
		t.Errorf("after a bucket that came a minute sooner the next may come after %d s, want 0", s)
	}
}

// Whoever looks first when the next bucket can be there finds every bucket with the look at which somebody who looks each
// minute finds it, as long as no bucket comes a minute sooner than they usually do.
func TestPropertyNoBucketComesSoonerThanSoonest(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		low := rapid.Float64Range(0, 200).Draw(rt, "low")
		width := rapid.Float64Range(0, 40).Draw(rt, "width")
		share := rapid.SampledFrom([]float64{0, 0, .1, .5}).Draw(rt, "gaps")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		o := newObserver(t, rapid.SampledFrom([]int{1, 2, 7}).Draw(rt, "metrics"), sometimes(r, share, uniformly(r, low, low+width)))
		o.every = time.Duration(rapid.SampledFrom([]int{1, 1, 4}).Draw(rt, "minutes")) * time.Minute
		o.live(90 * o.every)
		if o.late > 0 {
			rt.Errorf("%d buckets were there before anybody would have looked", o.late)
		}
		if share > 0 || rapid.IntRange(0, 3).Draw(rt, "stays") > 0 {
			return
		}
		fall := rapid.Float64Range(0, low).Draw(rt, "fall")
		o.delay, o.every = uniformly(r, low-fall, low-fall+width), time.Minute
		o.live(2 * time.Hour)
		o.late = 0
		o.live(time.Hour)
		if o.late > 0 {
			rt.Errorf("two hours after the delay fell by %.0f s %d buckets were there before anybody would have looked", fall, o.late)
		}
	})
}

func TestThePlaceOutlivesARestart(t *testing.T) {
	o := newObserver(t, 1, constantly(170))
	o.live(2 * time.Hour)
	again := NewMetrics(newCloud(), MetricsOptions{Delay: -1})
	again.Restore(o.m.Delays())
	if e := again.Track(cpu("x"), 1); e.Place < 170 || e.Place > 240 || e.Series.Soonest != 0 {
		t.Errorf("after a restart looks are placed at %d s, a bucket may come after %d; want about 170 and 0", e.Place, e.Series.Soonest)
	}
}

func TestAFixedDelayIsThePlace(t *testing.T) {
	m := NewMetrics(newCloud(), MetricsOptions{Delay: 45 * time.Second})
	if e := m.Track(cpu("x"), 1); e.Place != 45 {
		t.Errorf("looks are placed at %d s, want 45", e.Place)
	}
}

func TestMathIsLookedAtWhenItsSlowestNamespaceIsThere(t *testing.T) {
	m := NewMetrics(newCloud(), MetricsOptions{Delay: -1})
	m.Restore(map[string]Delay{"AWS/SQS standard": {30, 50}, "ECS/ContainerInsights standard": {75.5, 50}})
	if e := m.Track(ratio("A"), 3); e.Place != 80 || e.Series.Soonest != 0 {
		t.Errorf("looks are placed at %d s, a bucket may come after %d; want 80 and 0", e.Place, e.Series.Soonest)
	}
}
