package evaluator

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// Each invariant is asked of one decision; the tests ask all of them at every step of a life.
var invariants = map[string]func(w *wide) string{
	"bounds": staysWithinBounds, "ignorance": knowsWhatItRemoves, "words": saysWhatItDoes, "looks": looksInTime, "suspension": obeysSuspension,
	"rails": obeysRails, "steering": obeysSteering,
}

func (w *wide) check(rt *rapid.T) {
	rt.Helper()
	for name, broken := range invariants {
		if why := broken(w); why != "" {
			rt.Fatalf("%s: %s\n%s", name, why, w.story())
		}
	}
}

// story is what a counterexample is told with.
func (w *wide) story() string {
	text, _ := json.MarshalIndent(&w.d, "", " ")
	memory, _ := json.Marshal(w.m)
	return fmt.Sprintf("%s\nmemory %s\ntarget %+v\nservice %+v\n%s", w.d.Message(), memory, *w.target, w.o.Service, text)
}

// staysWithinBounds: what is wanted lies within the bounds in force, and where somebody has set the count beyond one it
// comes back to just that bound.
func staysWithinBounds(w *wide) string {
	d := &w.d
	switch {
	case d.Action != towards(d.Desired, d.Wanted):
		return fmt.Sprintf("%s from %d to %d", d.Action, d.Desired, d.Wanted)
	case d.Min > d.Max:
		return "the bounds cross"
	case d.Wanted == d.Desired:
		return ""
	case d.Wanted < d.Min || d.Wanted > d.Max:
		return "wanted is out of bounds"
	case d.Start < d.Min && d.Wanted != d.Min, d.Start > d.Max && d.Wanted != d.Max:
		return "it goes on beyond the bound that it comes back to"
	default:
		return followsItsPolicy(d)
	}
}

// followsItsPolicy: the count goes where the policy does that the decision is about.
func followsItsPolicy(d *Decision) string {
	switch {
	case d.Policy >= 0 && d.Policies[d.Policy].stays():
		return "a step of nothing moves the count"
	case d.Policy >= 0 && d.Policies[d.Policy].Action != d.Action:
		return "the policy goes the other way"
	default:
		return ""
	}
}

// knowsWhatItRemoves: a policy removes tasks on at least M real breaching datapoints, a real newest one and a complete read.
func knowsWhatItRemoves(w *wide) string {
	d := &w.d
	if d.Action != ScaleIn || d.Policy < 0 {
		return ""
	}
	p := &w.target.Policies[d.Policy]
	a := &p.Alarms[len(p.Alarms)-1]
	s := w.o.Series[a.Metric]
	if s.Failed || s.Partial {
		return "the read was not complete"
	}
	end := plainWindowEnd(s, w.now.Unix())
	if math.IsNaN(s.at(end)) {
		return "the newest datapoint is missing"
	}
	return w.countsWhatItRemoves(a, s, end)
}

// countsWhatItRemoves goes over the newest datapoints of the alarm.
func (w *wide) countsWhatItRemoves(a *Alarm, s *Series, end int64) string {
	judged, breaching := 0, 0
	for k := range evaluationRange(a.EvaluationPeriods, s.Period) {
		at := end - int64(k)*s.Period
		v := s.at(at)
		if math.IsNaN(v) || judged == a.EvaluationPeriods {
			continue
		}
		judged++
		if plainBreaches(a.Operator, v, a.Threshold) {
			breaching++
		}
		if a.Percentile > 0 && !(w.o.Series[a.SampleCount].at(at) >= sampleLimit(a.Percentile)*(1-tolerance)) {
			return "a datapoint rests on too few samples"
		}
	}
	if breaching < a.DatapointsToAlarm {
		return fmt.Sprintf("%d datapoints breach", breaching)
	}
	return ""
}

// at is the value of the bucket that ends there.
func (s *Series) at(end int64) float64 {
	if i := len(s.Values) - 1 - int((s.End-end)/s.Period); i >= 0 && i < len(s.Values) {
		return s.Values[i]
	}
	return math.NaN()
}

var (
	whyNot = []Reason{ // the reasons of a hold
		AlreadyAtMaxCapacity, AlreadyAtMinCapacity, AlreadyAtDesiredCapacity, AutoScalingAnticipatedFlapping,
		TargetServicePutResourceAsUnscalable, WithinTarget, AlarmNotInAlarm, NoMatchingStep, HighResolutionUnsupported, NothingDue,
		InsufficientData, StaleData, CooldownInEffect, ActivityInProgress, PolicyNotReadyToScaleIn, OutOfBoundsByOthers,
		DynamicScalingSuspended, ServiceSwitchedOff, ServiceNotFound, ServiceNotActive, ServiceNotScalable, ServiceNotDescribed,
		ManagedPolicyConflict, ManagedPoliciesUnknown,
		ScheduledScalingSuspended, ScaleInForbidden, HeldByFlapGuard, HeldByFleetBrake,
	}
	odd = regexp.MustCompile(`NaN|Inf|%!|  |\.\.|a policy|,\.|:\.`)
)

// saysWhatItDoes: every decision has a reason that fits its action, and a sentence with the numbers that claims nothing untrue.
func saysWhatItDoes(w *wide) string {
	d := &w.d
	text := d.Message()
	switch {
	case d.Reason != ByOverride && slices.Contains(whyNot, d.Reason) != (d.Action == Hold):
		return fmt.Sprintf("%s because of %s", d.Action, d.Reason)
	case !strings.HasSuffix(text, "."), odd.MatchString(text), strings.Contains(text, "caled out from"), strings.Contains(text, "caled in from"):
		return "it says " + text
	case d.Seen() && !strings.Contains(text, strconv.Itoa(d.Desired)), d.Action != Hold && !strings.Contains(text, strconv.Itoa(d.Wanted)):
		return "it does not say the numbers: " + text
	case d.Policy >= 0 && !d.speaksOf(text):
		return "it does not name its policy: " + text
	case (d.Action != Hold) != (d.Cause() != ""):
		return fmt.Sprintf("%s has the cause %q", d.Action, d.Cause())
	}
	if k := slices.IndexFunc(d.Policies, unexplained); k >= 0 {
		return fmt.Sprintf("policy %+v", d.Policies[k])
	}
	return claims(d, text)
}

func (d *Decision) speaksOf(text string) bool {
	p := &d.Policies[d.Policy]
	service := d.Reason == ServiceNotFound || d.Reason == ServiceNotActive || d.Reason == ServiceNotScalable ||
		d.Reason == ServiceNotDescribed || d.Reason == ServiceSwitchedOff ||
		d.Reason == ManagedPolicyConflict || d.Reason == ManagedPoliciesUnknown
	return service || strings.Contains(text, "policy "+p.Name)
}

// claims compares what a sentence says with the numbers.
func claims(d *Decision, text string) string {
	for claim, true := range map[string]bool{
		"at max capacity already":     d.Start == d.Max,
		"at min capacity already":     d.Start == d.Min,
		"but max capacity is":         d.Start == d.Max || d.Wanted == d.Max,
		"but min capacity is":         d.Start == d.Min || d.Wanted == d.Min,
		"dynamic scaling":             d.Reason == DynamicScalingSuspended,
		"a deployment is in progress": d.Reason == TargetServicePutResourceAsUnscalable,
		"it has no policies":          len(d.Policies) == 0,
	} {
		if strings.Contains(text, claim) && !true {
			return "it is not so: " + text
		}
	}
	if _, named, ok := strings.Cut(text, "others are not ready to scale in: "); ok {
		return blames(d, named)
	}
	return ""
}

// blames finds a policy that is said to be in the way of a scale-in and is not: out of the way are policies that do not want to
// scale out and have no part in scaling in together.
func blames(d *Decision, named string) string {
	for i := range d.Policies {
		p := &d.Policies[i]
		together := p.Type == TargetTrackingScaling && d.Policies[d.Policy].Type == TargetTrackingScaling && len(p.Alarms) > 1
		if strings.Contains(named, p.Name+" (") && p.Wish != ScaleOut && !together {
			return p.Name + " is in nobody's way: " + named
		}
	}
	return ""
}

// looksInTime: the next look is after this one, a quarter of an hour away at most, and no fire of a scheduled action waits for it.
func looksInTime(w *wide) string {
	d := &w.d
	if !d.Next.After(d.Time) || d.Next.After(d.Time.Add(15*time.Minute)) {
		return "looks again at " + d.Next.String()
	}
	if ends := w.m.SteeringEnds(d.Time); !ends.IsZero() && ends.Before(d.Next) {
		return fmt.Sprintf("a suspension or an override ends at %s, the next look is at %s", ends, d.Next)
	}
	for _, a := range w.target.ScheduledActions {
		if fire, ok := a.Schedule.Next(d.Time, d.Time); ok && fire.Before(d.Next) {
			return fmt.Sprintf("%s fires at %s, the next look is at %s", a.Name, fire, d.Next)
		}
	}
	return ""
}

// obeysSuspension: no policy goes where the registration in force has suspended dynamic scaling.
func obeysSuspension(w *wide) string {
	d, s := &w.d, w.m.InForce(w.target).Suspended
	if d.Policy >= 0 && (d.Action == ScaleOut && s.DynamicScalingOut || d.Action == ScaleIn && s.DynamicScalingIn) {
		return "a suspended direction moves"
	}
	for k := range d.Scheduled {
		if s.Scheduled && d.Scheduled[k].Status != FireSuspended {
			return "a suspended action fires"
		}
	}
	return ""
}

func TestInvariantsOfEveryDecision(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWide(rt, t)
		w.decide()
		w.check(rt)
	})
}

// TestInvariantEveryOutcomeIsToldAsItWas: only a written change is told as done.
func TestInvariantEveryOutcomeIsToldAsItWas(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWide(rt, t)
		d := w.decide()
		d.Outcome = rapid.SampledFrom([]Outcome{
			OutcomeNone, OutcomeWritten, OutcomeDryRun, OutcomeRateLimited, "not_leader",
			OutcomeFailed + "throttled", OutcomeFailed + "timeout", OutcomeFailed + "access_denied",
		}).Draw(rt, "outcome")
		text := d.Message()
		claimed := strings.HasPrefix(text, "Scaled")
		if claimed != (d.Action != Hold && d.Outcome == OutcomeWritten) || !strings.HasSuffix(text, ".") || odd.MatchString(text) {
			rt.Fatalf("%s with outcome %s says %s", d.Action, d.Outcome, text)
		}
	})
}

// TestInvariantTheSameAgainChangesNothing: a decision is a function of its input, and remembering it twice is remembering it once.
func TestInvariantTheSameAgainChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWide(rt, t)
		var first Decision
		first.CopyFrom(w.decide())
		if diff := sameDecision(&first, w.decide()); diff != "" {
			rt.Fatalf("a second decision on the same differs: %s", diff)
		}
		if w.m.Remember(w.target, &w.d); w.m.Remember(w.target, &w.d) {
			rt.Fatalf("remembering it once more is news\n%s", w.story())
		}
		w.decide()
		if w.m.Remember(w.target, &w.d) && w.m.Remember(w.target, w.decide()) {
			rt.Fatalf("deciding on the same for the third time is news\n%s", w.story())
		}
		if len(w.d.Scheduled) > 0 {
			rt.Fatalf("a scheduled action fires twice\n%s", w.story())
		}
	})
}

func sameDecision(a, b *Decision) string {
	return cmp.Diff(a, b, cmpopts.EquateNaNs(), cmpopts.EquateEmpty())
}

// TestInvariantARestartChangesNothing: what is written down and read again decides as what was there.
func TestInvariantARestartChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWide(rt, t)
		if rapid.Bool().Draw(rt, "begun") {
			w.decide()
			if w.m.Remember(w.target, &w.d); w.d.Action != Hold {
				w.m.Begin(w.target, &w.d, "b")
			}
			w.now = w.now.Add(time.Duration(rapid.IntRange(1, 300).Draw(rt, "later")) * time.Second)
			w.publish(w.now)
		}
		var first Decision
		first.CopyFrom(w.decide())
		before := w.m
		w.m = reborn(rt, w.m, w.target)
		if diff := sameDecision(&first, w.decide()); diff != "" {
			rt.Fatalf("after a restart: %s\n%s", diff, w.story())
		}
		if diff := sameDecision(&first, redecided(rt, &first)); diff != "" {
			rt.Fatalf("the decision became %s", diff)
		}
		before.Remember(w.target, &first)
		w.m.Remember(w.target, &w.d)
		if diff := cmp.Diff(before, w.m, cmp.AllowUnexported(ActionMemory{}), cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("after a restart it remembers %s", diff)
		}
	})
}

// reborn is what a restart makes of a memory.
func reborn(rt *rapid.T, m *Memory, t *Target) *Memory {
	rt.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		rt.Fatal(err)
	}
	again := new(Memory)
	if err := json.Unmarshal(text, again); err != nil {
		rt.Fatal(err)
	}
	again.Bind(t)
	return again
}

func redecided(rt *rapid.T, d *Decision) *Decision {
	rt.Helper()
	text, err := json.Marshal(d)
	if err != nil {
		rt.Fatal(err)
	}
	again := new(Decision)
	if err := json.Unmarshal(text, again); err != nil {
		rt.Fatal(err)
	}
	return again
}

// TestInvariantMonotone: with target tracking alone, a higher metric never gives fewer tasks, whatever is remembered.
func TestInvariantMonotone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWide(rt, t)
		for i := range w.target.Policies {
			if w.target.Policies[i].Type != TargetTrackingScaling {
				rt.Skip("step policies remove without regard to the others")
			}
		}
		v := &w.o.Service
		v.Running, v.Base = max(v.Running, 1), max(v.Base, 1)
		less := w.decide().Wanted
		var first Decision
		first.CopyFrom(&w.d)
		add := []float64{1e-9, 0.1, 5, 50, 1000}[w.r.IntN(5)]
		often := w.r.IntN(5)
		for _, s := range w.o.Series {
			for k := range s.Values {
				if w.r.IntN(5) <= often {
					s.Values[k] += add
				}
			}
		}
		if more := w.decide().Wanted; less > more {
			rt.Fatalf("wants %d, with higher metrics %d: %s\n%s", less, more, first.Message(), w.story())
		}
	})
}
