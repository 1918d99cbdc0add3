package scaler

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// writer draws configurations: every kind of policy, option and scheduled action.
type writer struct{ *rand.Rand }

func (r writer) one(of ...string) string { return of[r.IntN(len(of))] }

func (r writer) number(of ...int) int { return of[r.IntN(len(of))] }

// document is a configuration of one target; its interval is still to be filled in.
func (r writer) document() string {
	low := r.number(0, 1, 2, 4)
	text := fmt.Sprintf(`
interval: %%s
defaults: {cooldown_scope: %s, cooldown_credit: %s, scale_in_during_deployment: %t, start_switched_off_services: %t, scale_in_during_scale_out_cooldown: %t}
targets:
  - service: c/web
    min_capacity: %d
    max_capacity: %d
`, r.one("policy", "target"), r.one("base", "difference"), r.IntN(3) == 0, r.IntN(3) == 0, r.IntN(2) == 0, low, low+r.IntN(15))
	if r.IntN(4) == 0 {
		text += fmt.Sprintf("    suspended_state: {dynamic_scaling_in_suspended: %t, dynamic_scaling_out_suspended: %t, scheduled_scaling_suspended: %t}\n",
			r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(2) == 0)
	}
	text += r.rails()
	kinds := r.IntN(3)
	if kinds != 1 {
		text += r.tracking()
	}
	if kinds != 0 {
		text += r.steps()
	}
	return text + r.actions()
}

// rails are safety rails, in half of all documents.
func (r writer) rails() string {
	if r.IntN(2) == 0 {
		return ""
	}
	text := fmt.Sprintf("    max_scale_out_step: %s\n    max_scale_in_step: %s\n", r.one("none", "1", "2", "50%%", "200%%"), r.one("none", "1", "3", "30%%"))
	text += fmt.Sprintf("    flap_guard: %s\n", r.one("false", "true", "{reversals: 1, within: 20m, max_scale_in_cooldown: 10m}", "{reversals: 2, scale_in_cooldown_factor: 3}"))
	if r.IntN(2) == 0 {
		at := midnight.Add(time.Duration(r.IntN(240*60)) * time.Second).Format("2006-01-02T15:04:05")
		text += fmt.Sprintf("    scale_in_forbidden: [{schedule: \"at(%s)\", duration: %d}, {schedule: \"cron(%d * * * ? *)\", duration: %d, timezone: Asia/Kolkata}]\n",
			at, 1+r.IntN(6000), r.IntN(60), 1+r.IntN(3000))
	}
	return text
}

func (r writer) tracking() string {
	text := "    target_tracking:\n"
	for i, metric := range []string{"ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization"}[:1+r.IntN(2)] {
		text += fmt.Sprintf("      - {name: t%d, metric: %s, target_value: 50, scale_out_cooldown: %d, scale_in_cooldown: %d, disable_scale_in: %t, metric_aggregation: %s}\n",
			i, metric, r.number(0, 60, 300), r.number(0, 60, 300), r.IntN(5) == 0, r.one("average", "latest", "maximum"))
	}
	return text
}

func (r writer) steps() string {
	text := "    step_scaling:\n"
	for i := range 1 + r.IntN(2) {
		n := 1 + r.IntN(6)
		how := r.one("ChangeInCapacity", "PercentChangeInCapacity", "ExactCapacity")
		op, bounds := "GreaterThanThreshold", "metric_interval_lower_bound: 0"
		first, second := r.number(0, 1, 2, 30), r.number(1, 3, 5, 100)
		if i == 1 {
			op, bounds = "LessThanOrEqualToThreshold", "metric_interval_upper_bound: 0"
			first, second = -first, -second
		}
		if how == "ExactCapacity" {
			first, second = r.IntN(12), r.IntN(12)
		}
		side := strings.Fields(bounds)[0]
		adjustments := fmt.Sprintf("{%s, %s 15, scaling_adjustment: %d}, {%s 15, scaling_adjustment: %d}", bounds, other(side), first, side, second)
		if i == 1 {
			adjustments = fmt.Sprintf("{%s, %s -15, scaling_adjustment: %d}, {%s -15, scaling_adjustment: %d}", bounds, other(side), first, side, second)
		}
		text += fmt.Sprintf(`      - name: s%d
        alarm: {metric: ECSServiceAverageCPUUtilization, comparison_operator: %s, threshold: %d, period: %d, evaluation_periods: %d, datapoints_to_alarm: %d, treat_missing_data: %s}
        adjustment_type: %s
        cooldown: %d
        step_adjustments: [%s]
`, i, op, r.number(40, 50, 60), r.number(60, 60, 60, 300), n, 1+r.IntN(n), r.one("missing", "ignore", "breaching", "notBreaching"),
			how, r.number(0, 60, 300), adjustments)
	}
	return text
}

func other(side string) string {
	if strings.Contains(side, "lower") {
		return "metric_interval_upper_bound:"
	}
	return "metric_interval_lower_bound:"
}

func (r writer) actions() string {
	n := r.IntN(4)
	if n == 0 {
		return ""
	}
	text := "    scheduled_actions:\n"
	for i := range n {
		schedule := fmt.Sprintf("rate(%d minutes)", r.number(2, 7, 30, 61))
		if r.IntN(2) == 0 {
			schedule = "at(" + midnight.Add(time.Duration(r.IntN(300*60))*time.Second).Format("2006-01-02T15:04:05") + ")"
		}
		low := r.IntN(8)
		bounds := r.one(fmt.Sprintf("min_capacity: %d", low), fmt.Sprintf("max_capacity: %d", low),
			fmt.Sprintf("min_capacity: %d, max_capacity: %d", low, low+r.IntN(6)))
		text += fmt.Sprintf("      - {name: a%d, schedule: %q, %s, catch_up: %s}\n", i, schedule, bounds, r.one("newest", "none"))
	}
	return text
}

// ordeal is a daemon that lives through whatever can happen, and is watched.
type ordeal struct {
	*bench
	rt      *rapid.T
	r       writer
	k       evaluator.Key
	text    string
	disk    *brittle
	written []string
}

func newOrdeal(rt *rapid.T, t *testing.T) *ordeal {
	seed := rapid.Uint64().Draw(rt, "seed")
	r := writer{rand.New(rand.NewPCG(seed, 2))}
	w := newWorld()
	d := &days{seed: seed, minutes: 2000, gaps: []float64{0, 0.02, 0.3}[r.IntN(3)], traces: map[string][]float64{}}
	w.value, w.late = d.value, int64(r.number(0, 5, 70, 200))
	w.startAfter = time.Duration(r.number(0, 0, 45, 200, 5000)) * time.Second
	if r.IntN(2) == 0 {
		w.phase = nil
	}
	w.dry = r.IntN(6) == 0
	o := &ordeal{rt: rt, r: r, k: w.add("web", r.IntN(9)), disk: &brittle{Backend: store.Memory()}}
	o.text = fmt.Sprintf(r.document(), r.one("auto", "60s", "20s"))
	o.bench = openBench(t, w, o.text, o.disk)
	w.onWrite = o.write
	return o
}

func (o *ordeal) fail(format string, args ...any) {
	o.rt.Helper()
	o.rt.Fatalf("%s at %s\n%s\nlast: %s", fmt.Sprintf(format, args...), o.now, o.text, o.last())
}

func (o *ordeal) last() string {
	row, ok := o.store.Target(o.k)
	if !ok {
		return "no target"
	}
	d, _ := row.Latest.Get()
	text, _ := d.MarshalJSON()
	return string(text)
}

// write is ECS, which may refuse, or take the count and say nothing. What is asked of it must lie within the bounds and not be
// what a suspension forbids.
func (o *ordeal) write(_ evaluator.Key, n int) (bool, error) {
	t := o.engine.targets[o.k]
	r, before := t.memory.InForce(t.spec), o.services[o.k].Desired
	switch {
	case o.dry:
		o.fail("a dry run writes")
	case n < r.Min || n > r.Max:
		o.fail("writes %d, the bounds are %d to %d", n, r.Min, r.Max)
	case n == before:
		o.fail("writes the count %d that is there", n)
	case t.intent == nil || t.intent.To != n:
		o.fail("writes %d without an intent", n)
	case t.intent.Policy != "" && stopped(r.Suspended, before, n):
		o.fail("%s writes %d after %d, which is suspended", t.intent.Policy, n, before)
	}
	o.written = append(o.written, fmt.Sprintf("%s %d->%d", o.now.Format("15:04:05"), before, n))
	answers := []struct {
		effect bool
		err    error
	}{{false, apiError("ThrottlingException")}, {true, timeout}, {false, timeout}, {false, apiError("AccessDeniedException")}}
	if k := o.r.IntN(20); k < len(answers) {
		return answers[k].effect, answers[k].err
	}
	return true, nil
}

func stopped(s evaluator.SuspendedState, from, to int) bool {
	return s.DynamicScalingOut && to > from || s.DynamicScalingIn && to < from
}

// strike lets something happen that the daemon has no hand in, or lets it all pass.
func (o *ordeal) strike() {
	s := o.services[o.k]
	if o.r.IntN(4) == 0 {
		o.readErr, o.partial, o.disk.broken, o.budget, s.Status = nil, false, false, -1, evaluator.ServiceActive
		clear(o.describeErr)
	}
	strikes := []func(){
		func() { o.set(o.k, o.r.IntN(12)) },
		func() { s.Deploying = !s.Deploying },
		func() { s.Running, s.ready = o.r.IntN(12), s.Desired },
		func() { o.describeErr[o.k] = apiError("ServerException") },
		func() { o.readErr = func(evaluator.Metric) error { return apiError("InternalFailure") } },
		func() { o.partial = true },
		func() { o.disk.broken = true },
		func() { o.budget = o.r.IntN(2) },
		func() { s.Status = evaluator.ServiceDraining },
		o.register,
		o.reload,
		o.die,
	}
	if k := o.r.IntN(4 * len(strikes)); k < len(strikes) {
		strikes[k]()
	}
}

func (o *ordeal) reload() {
	o.text = fmt.Sprintf(o.r.document(), "auto")
	o.engine.Reload(parse(o.t, o.text))
}

// die is kill -9, and after a while a new process.
func (o *ordeal) die() {
	o.move([]time.Duration{0, time.Second, 10 * time.Minute, 2 * time.Hour}[o.r.IntN(4)])
	o.disk.broken = false
	o.bench = o.restart(o.text)
}

func (o *ordeal) register() {
	low, yes := o.r.IntN(6), o.r.IntN(2) == 0
	high := low + o.r.IntN(9)
	r := Registration{MinCapacity: &low, MaxCapacity: &high}
	switch o.r.IntN(4) {
	case 0:
		r = Registration{DynamicScalingInSuspended: &yes}
	case 1:
		r = Registration{DynamicScalingOutSuspended: &yes}
	case 2:
		r = Registration{ScheduledScalingSuspended: &yes}
	}
	if err := o.engine.RegisterScalableTarget(o.k, r); err != nil && !o.disk.broken {
		o.fail("%v", err)
	}
}

// done is what a second pass at the same instant must not add to. It may be the first to describe the service again, and so to find
// what another hand has done, once.
func (o *ordeal) done() string {
	ours, found := 0, map[string]bool{}
	note := func(a *store.Activity) {
		if a.Reason != store.ForeignWrite {
			ours++
			return
		}
		if what := fmt.Sprint(a.StartTime, a.From, a.To); a.From == a.To || found[what] {
			o.fail("another hand's change is recorded twice, or is none: %+v", a)
		} else {
			found[what] = true
		}
	}
	for _, a := range o.activities() {
		note(&a)
	}
	for _, a := range o.engine.pending.Activities {
		note(a)
	}
	return fmt.Sprintf("%d writes, %d metrics read, %d activities", len(o.writes), o.metricReads, ours)
}

// look makes a pass and one more at the same instant, and checks what must hold after it.
func (o *ordeal) look() {
	wrote := len(o.writes)
	o.pass()
	first := o.done()
	acted := len(o.writes) - wrote
	row, ok := o.store.Target(o.k)
	if ok && acted > 0 {
		if d, _ := row.Latest.Get(); d.Action == evaluator.Hold || d.Outcome == evaluator.OutcomeNone || acted > 1 {
			o.fail("%d writes", acted)
		}
	}
	o.judge(acted)
	if o.pass(); o.done() != first {
		o.fail("the second pass at one instant: %s after %s", o.done(), first)
	}
	t := o.engine.targets[o.k]
	if fire := t.memory.NextFire(); t.known() && !fire.IsZero() && !fire.After(o.now) {
		o.fail("the fire at %s is still to come", fire)
	}
	if r := t.memory.InForce(t.spec); r.Min > r.Max {
		o.fail("the bounds are %d to %d", r.Min, r.Max)
	}
}

// judge checks the words of the last decision.
func (o *ordeal) judge(acted int) {
	row, ok := o.store.Target(o.k)
	if !ok {
		return
	}
	d, ok := row.Latest.Get()
	if !ok || !d.Time.Equal(o.now) {
		return
	}
	text := d.Message()
	claimed := strings.HasPrefix(text, "Scaled")
	switch {
	case claimed && acted == 0, d.Outcome == evaluator.OutcomeWritten && acted == 0:
		o.fail("claims a write: %s", text)
	case d.Reason == "", !strings.HasSuffix(text, "."), d.Seen() && !strings.ContainsAny(text, "0123456789"):
		o.fail("says %s", text)
	case !d.Next.After(o.now):
		o.fail("looks again at %s", d.Next)
	}
}

// fires are the activities of scheduled actions; each must be there once.
func (o *ordeal) fires() {
	seen := map[string]bool{}
	for _, a := range o.activities() {
		if !strings.HasPrefix(a.Description, "Setting min capacity") {
			continue
		}
		once := a.Cause + " " + a.StartTime.String()
		if seen[once] {
			o.fail("twice: %s", once)
		}
		seen[once] = true
		if o.dry {
			o.fail("a dry run records %s", once)
		}
	}
}

// TestInvariantsOfTheEngine lets a daemon live through faults, restarts, other hands, reloads and registrations.
func TestInvariantsOfTheEngine(t *testing.T) {
	writes := 0
	rapid.Check(t, func(rt *rapid.T) {
		o := newOrdeal(rt, t)
		for range 10 + o.r.IntN(80) {
			o.look()
			if o.r.IntN(2) == 0 {
				o.strike()
			}
			wait := o.engine.untilNext(o.now)
			if o.r.IntN(6) == 0 {
				wait = min(wait, time.Duration(1+o.r.IntN(30))*time.Second)
			}
			o.move(wait)
		}
		if o.fires(); o.dry && len(o.writes) > 0 {
			o.fail("a dry run has written %v", o.written)
		}
		writes += len(o.writes)
	})
	if writes == 0 {
		t.Error("nothing was ever written")
	}
	t.Logf("%d writes", writes)
}

// TestInvariantARestartBetweenTwoLooksChangesNothing: a daemon that dies again and again does what one does that lives on.
func TestInvariantARestartBetweenTwoLooksChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		r := writer{rand.New(rand.NewPCG(seed, 3))}
		d := &days{
			seed: seed, minutes: 20 + r.IntN(40), late: int64(r.IntN(200)), gaps: []float64{0, 0.02, 0.3}[r.IntN(3)],
			start: []time.Duration{0, 45 * time.Second, 200 * time.Second}[r.IntN(3)], config: r.document(), traces: map[string][]float64{},
		}
		want, _ := d.live(t, "60s")
		d.before = func(b *bench) *bench {
			for _, tg := range b.engine.targets {
				if b.engine.evaluation(tg, time.Minute, b.now).Equal(b.now) && r.IntN(5) == 0 {
					return b.restart(fmt.Sprintf(d.config, "auto"))
				}
			}
			return b
		}
		got, _ := d.live(t, "auto")
		if !slices.Equal(want, got) {
			rt.Fatalf("%s\nliving on:\n%s\ndying:\n%s", d.config, strings.Join(want, "\n"), strings.Join(got, "\n"))
		}
	})
}

// TestInvariantLookingLessDoesTheSame is about all that a configuration can say. Other hands are left to TestPropertyLookingLessDoesTheSame:
// where nothing acts they are noticed when the service at rest is described, which comes between two looks and so at other instants.
func TestInvariantLookingLessDoesTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		r := writer{rand.New(rand.NewPCG(seed, 4))}
		d := &days{
			seed: seed, minutes: 30 + r.IntN(80), late: int64(r.IntN(200)), gaps: []float64{0, 0.02, 0.3}[r.IntN(3)],
			start: []time.Duration{0, 45 * time.Second, 200 * time.Second}[r.IntN(3)], config: r.document(), traces: map[string][]float64{},
		}
		want, _ := d.live(t, "60s")
		got, _ := d.live(t, "auto")
		if !slices.Equal(want, got) {
			rt.Fatalf("%s\nlooking each minute:\n%s\nlooking less:\n%s", d.config, strings.Join(want, "\n"), strings.Join(got, "\n"))
		}
	})
}
