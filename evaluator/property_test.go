package evaluator

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// drawPolicy makes any policy that a configuration can contain.
func drawPolicy(t *rapid.T, i int) Policy {
	name := fmt.Sprintf("p%d", i)
	var p Policy
	if rapid.Bool().Draw(t, "tracking") {
		p = tracking(name, rapid.SampledFrom([]float64{0.3, 50, 300}).Draw(t, "target"))
		if p.TargetTracking.DisableScaleIn = rapid.Bool().Draw(t, "disable scale-in"); p.TargetTracking.DisableScaleIn {
			p.Alarms = p.Alarms[:1]
		}
	} else {
		p = drawStepPolicy(t, name)
	}
	p.ScaleOutCooldown = time.Duration(rapid.SampledFrom([]int{0, 60, 300}).Draw(t, "out cooldown")) * time.Second
	p.ScaleInCooldown = time.Duration(rapid.SampledFrom([]int{0, 60, 300}).Draw(t, "in cooldown")) * time.Second
	p.CooldownScope = rapid.SampledFrom([]CooldownScope{ScopePolicy, ScopeTarget}).Draw(t, "scope")
	p.CooldownCredit = rapid.SampledFrom([]CooldownCredit{CreditBase, CreditDifference}).Draw(t, "credit")
	p.ScaleInDuringScaleOutCooldown = rapid.Bool().Draw(t, "in during out")
	p.Aggregation = rapid.SampledFrom([]Aggregation{"", Average, Minimum, Maximum, Latest}).Draw(t, "aggregation")
	return p
}

func drawStepPolicy(t *rapid.T, name string) Policy {
	how := rapid.SampledFrom([]AdjustmentType{ChangeInCapacity, ExactCapacity, PercentChangeInCapacity}).Draw(t, "type")
	n := rapid.IntRange(-20, 20).Draw(t, "adjustment")
	if how == ExactCapacity {
		n = max(n, -n)
	}
	op := rapid.SampledFrom([]ComparisonOperator{
		GreaterThanThreshold, GreaterThanOrEqualToThreshold, LessThanThreshold, LessThanOrEqualToThreshold,
	}).Draw(t, "operator")
	step := above(how, n)
	if op.Below() {
		step = below(how, n)
	}
	p := stepping(name, op, 50, step)
	a := &p.Alarms[0]
	a.EvaluationPeriods = rapid.IntRange(1, 5).Draw(t, "N")
	a.DatapointsToAlarm = rapid.IntRange(1, a.EvaluationPeriods).Draw(t, "M")
	a.Missing = rapid.SampledFrom([]TreatMissingData{TreatMissing, TreatIgnore, TreatBreaching, TreatNotBreaching}).Draw(t, "missing")
	return p
}

// drawValues makes a series that stays on one level for a while, as real ones do, with gaps.
func drawValues(t *rapid.T) []float64 {
	var values []float64
	for range rapid.IntRange(0, 4).Draw(t, "levels") {
		level := rapid.SampledFrom([]float64{math.NaN(), 0, 0.1, 20, 44, 48, 50, 60, 95, 1000}).Draw(t, "level")
		for range rapid.IntRange(1, 17).Draw(t, "length") {
			values = append(values, level)
		}
	}
	return values
}

// drawScene makes any situation the evaluator can be asked about.
func drawScene(t *rapid.T, tb testing.TB) *scene {
	var policies []Policy
	for i := range rapid.IntRange(0, 3).Draw(t, "policies") {
		policies = append(policies, drawPolicy(t, i))
	}
	lowest := rapid.IntRange(0, 5).Draw(t, "min")
	s := newScene(tb, lowest, lowest+rapid.IntRange(0, 20).Draw(t, "span"), policies...)
	for i := range policies {
		s.target.Metrics[i].Period = rapid.SampledFrom([]int64{10, 20, 60, 300}).Draw(t, "period")
		s.o.Series[i] = &Series{
			Period: s.target.Metrics[i].Period, End: closedBy(noon.Unix(), s.target.Metrics[i].Period, 1),
			Values: drawValues(t), Delay: rapid.Int64Range(0, 300).Draw(t, "delay"),
			Partial: rapid.IntRange(0, 9).Draw(t, "partial") == 0, Failed: rapid.IntRange(0, 9).Draw(t, "failed") == 0,
		}
		drawPolicyMemory(t, &s.m.Policies[i])
		s.o.Due = append(s.o.Due, rapid.IntRange(0, 9).Draw(t, "due") > 0)
	}
	drawService(t, s)
	return s
}

func drawService(t *rapid.T, s *scene) {
	desired := rapid.IntRange(0, 30).Draw(t, "desired")
	s.counts(desired, rapid.OneOf(rapid.Just(desired), rapid.IntRange(0, 30)).Draw(t, "running"))
	v := &s.o.Service
	v.Status = rapid.SampledFrom([]ServiceStatus{ServiceActive, ServiceActive, ServiceActive, ServiceDraining, ServiceMissing}).Draw(t, "status")
	v.Controller = rapid.SampledFrom([]string{"ECS", "CODE_DEPLOY", "EXTERNAL"}).Draw(t, "controller")
	v.Deploying = rapid.IntRange(0, 5).Draw(t, "deploying") == 0
	v.Daemon = rapid.IntRange(0, 20).Draw(t, "daemon") == 0
	s.target.ScaleInDuringDeployment = rapid.Bool().Draw(t, "in during deployment")
	s.target.StartSwitchedOff = rapid.Bool().Draw(t, "start switched off")
	s.target.Suspended.DynamicScalingIn = rapid.IntRange(0, 5).Draw(t, "in suspended") == 0
	s.target.Suspended.DynamicScalingOut = rapid.IntRange(0, 5).Draw(t, "out suspended") == 0
	s.m.Registered = rapid.IntRange(0, 5).Draw(t, "registered") > 0
	s.m.LastDesired = rapid.IntRange(-1, 3).Draw(t, "last desired")
	s.m.Shared = drawCooldown(t)
}

func drawPolicyMemory(t *rapid.T, m *PolicyMemory) {
	for j := range m.Alarms {
		m.Alarms[j].State = rapid.SampledFrom([]AlarmState{OKState, AlarmingState, InsufficientDataState}).Draw(t, "state")
	}
	m.Cooldown = drawCooldown(t)
}

func drawCooldown(t *rapid.T) Cooldown {
	var c Cooldown
	if rapid.Bool().Draw(t, "scaled out") {
		c.ScaleOutFulfilled = noon.Add(-time.Duration(rapid.IntRange(0, 600).Draw(t, "ago")) * time.Second)
	}
	if rapid.Bool().Draw(t, "scaled in") {
		c.ScaleInFulfilled = noon.Add(-time.Duration(rapid.IntRange(0, 600).Draw(t, "ago")) * time.Second)
	}
	c.Added = rapid.IntRange(0, 10).Draw(t, "added")
	c.OpenAdded = rapid.IntRange(0, c.Added).Draw(t, "open added")
	return c
}

func TestPropertyNeverOutsideTheBoundsByOurHand(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawScene(rt, t).decide()
		if d.Wanted != d.Desired && (d.Wanted < d.Min || d.Wanted > d.Max) {
			rt.Fatalf("from %d to %d outside of %d to %d: %s", d.Desired, d.Wanted, d.Min, d.Max, d.Message())
		}
	})
}

func TestPropertyEveryDecisionExplainsItself(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawScene(rt, t).decide()
		if !slices.Contains(reasons, d.Reason) || d.Message() == "" {
			rt.Fatalf("reason %q, message %q", d.Reason, d.Message())
		}
		if d.Action != towards(d.Desired, d.Wanted) {
			rt.Fatalf("%s from %d to %d", d.Action, d.Desired, d.Wanted)
		}
		if !d.Next.After(d.Time) || d.Outcome != OutcomeNone {
			rt.Fatalf("looks again at %s, outcome %s", d.Next, d.Outcome)
		}
		if k := slices.IndexFunc(d.Policies, unexplained); k >= 0 {
			rt.Fatalf("policy %+v", d.Policies[k])
		}
		if (d.Action != Hold) != (d.Cause() != "") {
			rt.Fatalf("%s has the cause %q", d.Action, d.Cause())
		}
	})
}

// unexplained finds a policy decision that gives no reason, or acts without a wish or a number.
func unexplained(p PolicyDecision) bool {
	return !slices.Contains(reasons, p.Reason) || p.Action != Hold && (p.Action != p.Wish || !p.HasWanted)
}

func TestPropertyNoScaleInOnIgnorance(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScene(rt, t)
		d := s.decide()
		if d.Action != ScaleIn || d.Policy < 0 {
			return
		}
		p := &d.Policies[d.Policy]
		a := &s.target.Policies[d.Policy].Alarms[p.alarm()]
		seen, series := &p.Alarms[p.alarm()], s.o.Series[a.Metric]
		breaching := 0
		for _, v := range seen.Values {
			if !missing(v) && comparisonOf(a.Operator, a.Threshold).breaches(v) {
				breaching++
			}
		}
		if series.Partial || series.Failed || seen.newestMissing() || breaching < a.DatapointsToAlarm {
			rt.Fatalf("scaled in on %v: %s", seen.Values, d.Message())
		}
	})
}

func TestPropertyTargetTrackingIsMonotoneInTheMetric(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScene(rt, t)
		p := tracking("cpu", 50)
		p.CooldownCredit = rapid.SampledFrom([]CooldownCredit{CreditBase, CreditDifference}).Draw(rt, "credit")
		low := newScene(t, s.target.Min, s.target.Max, p)
		low.o.Service, low.target.StartSwitchedOff = s.o.Service, s.target.StartSwitchedOff
		drawPolicyMemory(rt, &low.m.Policies[0])
		v := rapid.Float64Range(0, 200).Draw(rt, "metric")
		w := rapid.Float64Range(v, 400).Draw(rt, "higher metric")
		less := low.metric(0, fmt.Sprintf("%vx17", v)).decide().Wanted
		more := low.metric(0, fmt.Sprintf("%vx17", w)).decide().Wanted
		if less > more {
			rt.Fatalf("%v wants %d, %v wants %d", v, less, w, more)
		}
	})
}

func TestPropertySuspendedTargetsOnlyRegister(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScene(rt, t)
		s.target.Suspended = SuspendedState{DynamicScalingIn: true, DynamicScalingOut: true}
		if d := s.decide(); d.Action != Hold && d.Reason != RaisedToMinCapacity && d.Reason != LoweredToMax {
			rt.Fatalf("%s", d.Message())
		}
	})
}

// TestPropertyEvaluateOnlyReads also shows that nothing of an earlier decision is left in one that is reused.
func TestPropertyEvaluateOnlyReads(t *testing.T) {
	var used Decision
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScene(rt, t)
		before := fmt.Sprintf("%+v %+v %+v", *s.target, observed(&s.o), *s.m)
		fresh := s.decide()
		Evaluate(s.target, &s.o, s.m, s.now, &used)
		if after := fmt.Sprintf("%+v %+v %+v", *s.target, observed(&s.o), *s.m); after != before {
			rt.Fatalf("before %s\nafter %s", before, after)
		}
		if diff := cmp.Diff(fresh, &used, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("a second decision on the same differs: %s", diff)
		}
	})
}

func observed(o *Observation) []any {
	seen := []any{o.Service, o.Due}
	for _, s := range o.Series {
		seen = append(seen, *s)
	}
	return seen
}

func TestPropertyDecisionsSurviveJSON(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawScene(rt, t).decide()
		text, err := json.Marshal(d)
		if err != nil {
			rt.Fatal(err)
		}
		var again Decision
		if err := json.Unmarshal(text, &again); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(*d, again, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("%s became: %s", text, diff)
		}
	})
}

func TestPropertyCopyIsEqualAndIndependent(t *testing.T) {
	var kept Decision
	rapid.Check(t, func(rt *rapid.T) {
		d := drawScene(rt, t).decide()
		kept.CopyFrom(d)
		if diff := cmp.Diff(*d, kept, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
			rt.Fatal(diff)
		}
		text := kept.Message()
		for i := range d.Policies {
			d.Policies[i].Name, d.Policies[i].Metric = "changed", -1
			for j := range d.Policies[i].Alarms {
				clear(d.Policies[i].Alarms[j].Values)
			}
		}
		if kept.Message() != text {
			rt.Fatalf("%q became %q", text, kept.Message())
		}
	})
}

// TestPropertyLongLife runs a target for an hour, with writes that fail, tasks that start late and other
// hands, and checks what must hold of the memory after every step.
func TestPropertyLongLife(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newScene(t, 1, 20, drawPolicy(rt, 0), drawPolicy(rt, 1))
		foreign := false
		for minute := range 60 {
			s.at(60*minute).metric(0, fmt.Sprintf("%vx20", rapid.SampledFrom([]int{10, 48, 90}).Draw(rt, "a")))
			s.metric(1, fmt.Sprintf("%vx20", rapid.SampledFrom([]int{10, 48, 90}).Draw(rt, "b")))
			switch rapid.IntRange(0, 9).Draw(rt, "event") {
			case 0:
				s.o.Service.Desired, foreign = rapid.IntRange(0, 30).Draw(rt, "foreign"), true
			case 1, 2, 3, 4:
				s.o.Service.Running, s.o.Service.Base = s.o.Service.Desired, s.o.Service.Desired
			}
			s.m.Follow(s.target, &s.o.Service, s.now)
			before := s.m.Clone()
			if s.decide().Action == Hold {
				continue
			}
			if rapid.IntRange(0, 4).Draw(rt, "fails") == 0 {
				s.m.Begin(s.target, &s.d, "x")
				if s.m.Fail(); fmt.Sprint(*s.m) != fmt.Sprint(*before) && before.Undo == nil {
					rt.Fatalf("after a failed write %+v, before %+v", s.m, before)
				}
			} else {
				s.write()
			}
			checkMemory(rt, s, foreign)
		}
	})
}

func checkMemory(rt *rapid.T, s *scene, foreign bool) {
	if v := s.o.Service.Desired; !foreign && (v < s.target.Min || v > s.target.Max) {
		rt.Fatalf("desired count %d", v)
	}
	cooldowns := []Cooldown{s.m.Shared}
	for _, p := range s.m.Policies {
		cooldowns = append(cooldowns, p.Cooldown)
	}
	for _, c := range cooldowns {
		if c.OpenAdded < 0 || c.Added < c.OpenAdded || !s.m.Activity.Open && c.OpenAdded > 0 {
			rt.Fatalf("%+v while %+v", c, s.m.Activity)
		}
	}
}
