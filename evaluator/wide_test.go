package evaluator

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// wide is a scene with whatever a configuration can say, on metrics that go on: each has a feed.
type wide struct {
	*scene
	feeds []*feed
	r     *rand.Rand
}

// feed is what CloudWatch has published of one metric so far, by the ends of the buckets.
type feed struct {
	known map[int64]float64
	mood  mood
	// negative says that the metric may be below 0.
	negative, samples bool
	// rare is how much of a gappy metric stays away at each look, in tenths.
	rare int
}

// mood is how a metric goes on.
type mood int

const (
	silent   mood = iota // nothing comes any more
	high                 // everything breaches upwards
	low                  // everything is as low as it can be
	changing             // anything
	gappy                // anything, and much of it late or never
	fickle               // highs and lows for a while each
	moods
)

func (f *feed) draw(r *rand.Rand, end int64) float64 {
	if f.samples {
		return []float64{0, 19, 20, 99, 100, 5000}[r.IntN(6)]
	}
	up, down := []float64{50.001, 60, 90, 1000}, []float64{0, 0, 0.1, 0.2, 20, 44}
	switch {
	case f.mood == high, f.mood == fickle && end/600%2 == 0:
		return up[r.IntN(len(up))]
	case f.mood == low, f.mood == fickle:
		if f.negative && r.IntN(3) == 0 {
			return -50
		}
		return down[r.IntN(len(down))]
	default:
		return slices.Concat(up, down, []float64{30, 40, 45, 45.1, 48, 50})[r.IntN(16)]
	}
}

// publish lets what may come by now come, and fills the series as the reader does.
func (w *wide) publish(now time.Time) {
	for i, f := range w.feeds {
		s := w.o.Series[i]
		s.End = s.closed(now.Unix(), w.target.Metrics[i].Hourly)
		if s.Period > minute {
			clear(f.known) // the grid slides: these are other buckets
		}
		for k := range s.Values {
			end := s.End - int64(len(s.Values)-1-k)*s.Period
			v, there := f.known[end]
			if !there && end+s.Soonest <= now.Unix() && f.comes(w.r) {
				v, there = f.draw(w.r, end), true
				f.known[end] = v
			}
			if !there {
				v = math.NaN()
			}
			s.Values[k] = v
		}
	}
}

// closed is where the newest bucket of the reader ends.
func (s *Series) closed(now int64, hourly bool) int64 {
	if hourly {
		return floor(now, hour)
	}
	n := closedBy(now, s.Period, 1)
	if s.Period < minute {
		return floor(n, s.Period)
	}
	return n
}

func (f *feed) comes(r *rand.Rand) bool {
	switch f.mood {
	case silent:
		return false
	case gappy:
		return r.IntN(10) >= f.rare
	case changing:
		return r.IntN(10) > 0
	default:
		return true
	}
}

// drawWide makes any situation, with the datapoints published by noon and offset.
func drawWide(t *rapid.T, tb testing.TB) *wide {
	seed := rapid.Uint64().Draw(t, "seed")
	w := &wide{r: rand.New(rand.NewPCG(seed, 1))}
	n := rapid.IntRange(1, 3).Draw(t, "policies")
	var policies []Policy
	for i := range n {
		policies = append(policies, drawWidePolicy(t, i))
	}
	slices.SortStableFunc(policies, func(a, b Policy) int {
		return -cmpBool(a.Type == TargetTrackingScaling, b.Type == TargetTrackingScaling)
	})
	lowest := []int{0, 0, 1, 2, 5}[w.r.IntN(5)]
	w.scene = newScene(tb, lowest, lowest+w.r.IntN(20), policies...)
	short := w.some(3)
	for i := range policies {
		w.drawMetric(i, short)
	}
	for i := range policies {
		drawPolicyMemory(t, &w.m.Policies[i])
		if k := w.r.IntN(i+5) - 4; k >= 0 {
			w.share(i, k)
		}
	}
	w.drawPercentiles(t)
	w.drawService(t)
	w.drawActivity(t)
	w.drawRegistration(t)
	w.drawActions(t)
	w.drawSteering(t)
	if w.some(2) {
		w.drawRails(t)
	}
	w.start([]int{0, 7, w.r.IntN(120)}[w.r.IntN(3)])
	return w
}

func cmpBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

// start publishes the past, each metric in a mood of its own, and then changes the moods.
func (w *wide) start(offset int) {
	w.now = noon.Add(time.Duration(offset) * time.Second)
	w.o.Service.DescribedAt = w.now
	for back := w.r.IntN(5); back >= 0; back-- {
		w.publish(w.now.Add(-time.Duration(back*w.r.IntN(300)) * time.Second))
		for _, f := range w.feeds {
			f.mood = mood(w.r.IntN(int(moods)))
		}
	}
	w.publish(w.now)
}

func (w *wide) drawMetric(i int, short bool) {
	m := &w.target.Metrics[i]
	m.Period = []int64{60, 60, 60, 60, 60, 60, 60, 300}[w.r.IntN(8)]
	if short && !w.some(4) {
		m.Period = []int64{10, 20, 20, 30}[w.r.IntN(4)]
	}
	m.Namespace = []string{"AWS/ECS", "AWS/ApplicationELB", "Ours"}[w.r.IntN(3)]
	delay := []int64{0, 20, 60, 120, 200, 300}[w.r.IntN(6)]
	var soon int64
	if m.Period == minute {
		soon = []int64{0, 0, 7, 45, 110, 200}[w.r.IntN(6)]
	}
	w.o.Series[i] = &Series{
		Period: m.Period, Delay: delay, Soonest: soon, Values: make([]float64, Buckets(w.target, i)),
		Partial: w.some(40), Failed: w.some(40),
	}
	w.feeds = append(w.feeds, &feed{
		known: map[int64]float64{}, negative: m.Namespace == "Ours", mood: mood(w.r.IntN(int(moods))), rare: 2 + w.r.IntN(8),
	})
}

// share lets policy i watch the metric of policy k.
func (w *wide) share(i, k int) {
	for j := range w.target.Policies[i].Alarms {
		if j == 0 || !w.some(3) { // the low alarm may have a period of its own
			w.target.Policies[i].Alarms[j].Metric = k
		}
	}
	for _, m := range []int{i, k} {
		w.o.Series[m].Values = make([]float64, Buckets(w.target, m))
	}
}

// drawPercentiles makes some step policies watch a percentile, with the sample counts as a metric more.
func (w *wide) drawPercentiles(t *rapid.T) {
	for i := range w.target.Policies {
		p := &w.target.Policies[i]
		if p.Type != StepScaling || !w.some(5) {
			continue
		}
		a := &p.Alarms[0]
		a.Percentile, a.SampleCount = rapid.SampledFrom([]float64{0.5, 0.9, 0.1}).Draw(t, "p"), len(w.target.Metrics)
		s := *w.o.Series[a.Metric]
		w.target.Metrics = append(w.target.Metrics, w.target.Metrics[a.Metric])
		s.Failed = w.some(20)
		w.o.Series = append(w.o.Series, &s)
		s.Values = make([]float64, Buckets(w.target, a.SampleCount))
		w.feeds = append(w.feeds, &feed{known: map[int64]float64{}, samples: true, mood: changing})
	}
}

func drawWidePolicy(t *rapid.T, i int) Policy {
	p := drawPolicy(t, i)
	for j := range p.Alarms {
		if a := &p.Alarms[j]; rapid.Bool().Draw(t, "own alarm") {
			a.EvaluationPeriods = rapid.SampledFrom([]int{1, 2, 3, 5, 8, 15}).Draw(t, "wide N")
			a.DatapointsToAlarm = rapid.IntRange(1, a.EvaluationPeriods).Draw(t, "wide M")
		}
	}
	if p.Type == TargetTrackingScaling {
		if rapid.IntRange(0, 3).Draw(t, "target 50") > 0 {
			p.TargetTracking.TargetValue, p.Alarms[0].Threshold = 50, 50
		}
		if len(p.Alarms) > 1 {
			p.Alarms[1].Threshold = p.TargetTracking.TargetValue * rapid.SampledFrom([]float64{0.5, 0.9, 1}).Draw(t, "low")
		}
		return p
	}
	p.Step = drawSteps(t, p.Alarms[0].Operator)
	return p
}

// drawSteps makes steps as a configuration may have them: without gap or overlap, on both sides of the threshold or on one.
func drawSteps(t *rapid.T, op ComparisonOperator) Step {
	s := Step{AdjustmentType: rapid.SampledFrom([]AdjustmentType{ChangeInCapacity, ExactCapacity, PercentChangeInCapacity}).Draw(t, "how")}
	cuts := []float64{0, 15, math.Inf(1)}
	switch shape := rapid.IntRange(0, 3).Draw(t, "shape"); {
	case shape == 0:
		cuts = []float64{math.Inf(-1), -10, 0, 5, math.Inf(1)}
	case shape == 1 && !op.Below():
		cuts = []float64{5, math.Inf(1)}
	case op.Below():
		cuts = []float64{math.Inf(-1), -15, 0}
	}
	for k := range len(cuts) - 1 {
		n := rapid.SampledFrom([]int{-100, -20, -3, -1, 0, 1, 2, 5, 50, 200}).Draw(t, "adjustment")
		if s.AdjustmentType == ExactCapacity {
			n = rapid.IntRange(0, 25).Draw(t, "exact")
		}
		s.Adjustments = append(s.Adjustments, StepAdjustment{cuts[k], cuts[k+1], n})
	}
	if s.AdjustmentType == PercentChangeInCapacity {
		s.MinAdjustmentMagnitude = rapid.IntRange(0, 3).Draw(t, "magnitude")
	}
	return s
}

// some is true once in n times; rapid's own numbers would be near 0 too often.
func (w *wide) some(n int) bool { return w.r.IntN(n) == 0 }

// drawService makes a service that is mostly one that can be scaled.
func (w *wide) drawService(t *rapid.T) {
	drawService(t, w.scene)
	v := &w.o.Service
	v.Status, v.Controller, v.Deploying, v.Daemon = ServiceActive, "ECS", w.some(8), w.some(60)
	if w.some(10) {
		v.Controller = []string{"CODE_DEPLOY", "EXTERNAL", ""}[w.r.IntN(3)]
	}
	switch w.r.IntN(60) {
	case 0:
		v.Status = ServiceDraining
	case 1:
		v.Status = ServiceMissing
	}
	if v.Desired = w.r.IntN(12); w.some(15) {
		v.Desired = 0
	}
	v.Running = v.Desired
	if w.some(3) {
		v.Running = w.r.IntN(24)
	}
	v.Base = v.Running
	if w.some(20) {
		v.Base = w.r.IntN(24)
	}
	w.target.Suspended.DynamicScalingIn, w.target.Suspended.DynamicScalingOut = w.some(10), w.some(10)
	w.m.Registered, w.m.LastDesired = !w.some(20), v.Desired
	if w.some(10) {
		w.m.LastDesired = w.r.IntN(12) - 1
	}
}

// drawActivity opens an activity of a policy, of a bound or of a policy that is gone. Without one nothing added is open.
func (w *wide) drawActivity(t *rapid.T) {
	if !w.some(5) {
		for i := range w.m.Policies {
			w.m.Policies[i].Cooldown.OpenAdded = 0
		}
		w.m.Shared.OpenAdded = 0
		return
	}
	w.m.Activity = ActivityMemory{
		ID: "a", Policy: rapid.SampledFrom([]string{"", "p0", "p1", "gone"}).Draw(t, "actor"), Open: true,
		From: rapid.IntRange(0, 30).Draw(t, "from"), To: w.o.Service.Desired,
		StartedAt: noon.Add(-time.Duration(rapid.IntRange(0, 3900).Draw(t, "started")) * time.Second),
	}
}

// drawRegistration lets run time and file change the bounds and the suspension.
func (w *wide) drawRegistration(t *rapid.T) {
	registered := w.m.Registered
	w.m.registered(w.target)
	if w.some(10) {
		r := w.m.InForce(w.target)
		r.Min = rapid.IntRange(0, 10).Draw(t, "runtime min")
		r.Max = r.Min + rapid.IntRange(0, 10).Draw(t, "runtime span")
		r.Suspended.DynamicScalingIn = w.some(3)
		r.Suspended.DynamicScalingOut = w.some(3)
		r.Suspended.Scheduled = w.some(3)
		w.m.Register(w.target, r)
	}
	w.m.Registered = registered
	if w.some(10) {
		w.target.Min = rapid.IntRange(0, 10).Draw(t, "new min")
		w.target.Max = w.target.Min + rapid.IntRange(0, 10).Draw(t, "new span")
	}
	if w.some(10) {
		w.target.Suspended.Scheduled = w.some(3)
		w.target.Suspended.DynamicScalingOut = w.some(3)
	}
}

func (w *wide) drawActions(t *rapid.T) {
	if !w.some(5) {
		return
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "actions") {
		w.target.ScheduledActions = append(w.target.ScheduledActions, drawAction(t, i))
	}
	w.m.Bind(w.target)
	for i := range w.m.Actions {
		a := &w.m.Actions[i]
		if !w.some(5) {
			a.Registered = noon.Add(-2 * time.Hour)
			a.Handled = noon.Add(-time.Duration(rapid.IntRange(0, 7200).Draw(t, "handled")) * time.Second)
			a.schedule(w.target.ScheduledActions[i].Schedule)
		}
	}
}

func drawAction(t *rapid.T, i int) ScheduledAction {
	at := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(-7200, 7200), rapid.SampledFrom([]int{-60, 0, 60, 120, 600})), 0, 8).Draw(t, "fires")
	slices.Sort(at)
	a := ScheduledAction{
		Name: fmt.Sprintf("a%d", i), Identity: fmt.Sprint(at), Schedule: instants(slices.Compact(at)),
		CatchUp: rapid.Bool().Draw(t, "catch up"),
	}
	sides := rapid.IntRange(1, 3).Draw(t, "sides")
	lowest := rapid.IntRange(0, 12).Draw(t, "action min")
	if sides&1 != 0 {
		a.Min = new(lowest)
	}
	if sides&2 != 0 {
		a.Max = new(lowest + rapid.IntRange(0, 8).Draw(t, "action span"))
	}
	return a
}
