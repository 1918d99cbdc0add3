package evaluator

import (
	"regexp"
	"strings"
	"testing"
)

// reasons has every reason of the vocabulary.
var reasons = []Reason{
	AlreadyAtMaxCapacity, AlreadyAtMinCapacity, AlreadyAtDesiredCapacity, AutoScalingAnticipatedFlapping,
	TargetServicePutResourceAsUnscalable, ByTargetTracking, ByStepScaling, RaisedToMinCapacity, LoweredToMax,
	WithinTarget, AlarmNotInAlarm, NoMatchingStep, HighResolutionUnsupported, NothingDue, InsufficientData, StaleData, CooldownInEffect,
	ActivityInProgress, PolicyNotReadyToScaleIn, OutOfBoundsByOthers, DynamicScalingSuspended, ServiceSwitchedOff,
	ServiceNotFound, ServiceNotActive, ServiceNotScalable, ServiceNotDescribed, ManagedPolicyConflict, ManagedPoliciesUnknown, ByScheduledAction, ScheduledScalingSuspended,
	ScaleInForbidden, HeldByFlapGuard, HeldByFleetBrake, ByOverride,
}

// beginning is how the sentence of a hold at 4 begins: a service whose counts nobody knows is held at nothing.
func beginning(why Reason) string {
	if why == ServiceNotFound || why == ServiceNotDescribed {
		return "Not scaled: "
	}
	return "Held at 4: "
}

func TestEveryReasonHasASentenceOfItsOwn(t *testing.T) {
	if len(explanations) != len(reasons) {
		t.Errorf("there are %d sentences for %d reasons", len(explanations), len(reasons))
	}
	sentences := map[string]Reason{}
	for _, why := range reasons {
		d := Decision{
			Target: Key{Cluster: "c", Service: "s"}, Action: Hold, Reason: why, Desired: 4, Running: 4, Wanted: 4, Min: 1, Max: 8,
			Policies: []PolicyDecision{{
				Name: "cpu", Type: TargetTrackingScaling, Wish: ScaleIn, Action: Hold, Reason: why, Wanted: 3, HasWanted: true,
				Alarms: []AlarmDecision{{Name: "high"}, {Name: "low"}},
			}},
		}
		text := d.Message()
		if !strings.HasPrefix(text, beginning(why)) || !strings.HasSuffix(text, ".") || strings.Contains(text, string(why)) {
			t.Errorf("%s: %q", why, text)
		}
		first, again := sentences[text]
		carried := why == ByStepScaling && first == ByTargetTracking
		if again && !carried {
			t.Errorf("%s says the same as %s: %q", why, first, text)
		}
		sentences[text] = why
		if bare := (&Decision{Reason: why, Action: Hold, Policy: -1}).Message(); bare == "" {
			t.Errorf("%s has nothing to say about an empty decision", why)
		}
	}
}

func TestMessages(t *testing.T) {
	cpu := func() *scene { return newScene(t, 1, 100, tracking("cpu", 50)) }
	for _, c := range []struct {
		name string
		s    *scene
		want string
	}{
		{"a scale-out", cpu().counts(2, 2).metric(0, "93 93.2 93.1"),
			"Would scale out from 2 to 4: policy cpu: CPUUtilization averaged 93.1 over 3 datapoints, above the target of 50; ceil(2 x 93.1 / 50) = 4."},
		{"a scale-in", cpu().metric(0, "20x15"),
			"Would scale in from 4 to 2: policy cpu: CPUUtilization averaged 20 over 15 datapoints, below 45 at a target of 50; ceil(4 x 20 / 50) = 2."},
		{"at rest", cpu().metric(0, "48.25x15"),
			"Held at 4: no target-tracking alarm is in ALARM; policy cpu saw CPUUtilization at 48.25, its target is 50."},
		{"flapping", cpu().metric(0, "40x15"),
			"Held at 4: policy cpu finds the load low, but one task fewer would raise it above the target; CPUUtilization averaged 40 over 15 datapoints, below 45 at a target of 50; ceil(4 x 40 / 50) = 4."},
		{"no data", cpu().metric(0, "_x15"),
			"Held at 4: policy cpu has too little data to act on: 0 datapoints of CPUUtilization in the last 3 periods, 0 of them breaching; it needs 3."},
		{"stale data", cpu().metric(0, "20x16 _"),
			"Held at 4: policy cpu lacks the newest datapoint: 15 datapoints of CPUUtilization in the last 16 periods, 15 of them breaching; it needs 15."},
		{"from nothing", newScene(t, 0, 10, tracking("cpu", 50)).counts(0, 0).metric(0, "80x3"),
			"Would scale out from 0 to 1: policy cpu: CPUUtilization averaged 80 over 3 datapoints, above the target of 50; nothing to compute from, so it starts with 1."},
		{"two that do not agree", newScene(t, 1, 10, tracking("cpu", 50), tracking("mem", 50)).metric(0, "20x15").metric(1, "48x15"),
			"Held at 4: policy cpu wants 2, but others are not ready to scale in: mem (WithinTarget)."},
		{"a step", newScene(t, 1, 10, graded()).counts(1, 1).metric(0, "65"),
			"Would scale out from 1 to 3: policy p: CPUUtilization averaged 65 over 1 datapoint, 15 above the threshold of 50; step 1 + 2 = 3."},
		{"a percent step", newScene(t, 1, 100, stepping("p", LessThanThreshold, 50, below(PercentChangeInCapacity, -30))).counts(13, 13).metric(0, "20"),
			"Would scale in from 13 to 10: policy p: CPUUtilization averaged 20 over 1 datapoint, 30 below the threshold of 50; step 13 - 30 % = 10."},
		{"an exact capacity", newScene(t, 1, 100, stepping("p", GreaterThanOrEqualToThreshold, 50, above(ExactCapacity, 9))).metric(0, "50"),
			"Would scale out from 4 to 9: policy p: CPUUtilization averaged 50 over 1 datapoint, on the threshold of 50; exact capacity = 9."},
		{"a wish beyond max", newScene(t, 1, 5, tracking("cpu", 50)).metric(0, "100x3"),
			"Would scale out from 4 to 5: policy cpu: CPUUtilization averaged 100 over 3 datapoints, above the target of 50; ceil(4 x 100 / 50) = 8, but max capacity is 5."},
		{"a wish below min", newScene(t, 3, 5, tracking("cpu", 50)).metric(0, "10x15"),
			"Would scale in from 4 to 3: policy cpu: CPUUtilization averaged 10 over 15 datapoints, below 45 at a target of 50; ceil(4 x 10 / 50) = 1, but min capacity is 3."},
		{"low load at min", newScene(t, 2, 5, tracking("cpu", 50)).counts(2, 2).metric(0, "40x15"),
			"Held at 2: policy cpu wants 2, and the desired count is at min capacity already."},
		{"a scale-out below the count at max", newScene(t, 1, 10, tracking("cpu", 50)).counts(10, 4).metric(0, "80x15"),
			"Held at 10: policy cpu wants 7, and the desired count is at max capacity already."},
		{"a partial read", func() *scene { s := cpu().metric(0, "20x15"); s.o.Series[0].Partial = true; return s }(),
			"Held at 4: policy cpu got CPUUtilization in part only, and nothing is scaled in on that."},
		{"low load while nothing runs", cpu().counts(4, 0).metric(0, "20x15"),
			"Held at 4: policy cpu finds the load low, but none of the 4 desired tasks runs, so that says nothing about them."},
		{"a percentile of too few samples", func() *scene {
			s := newScene(t, 1, 10, stepping("p", LessThanThreshold, 50, below(ChangeInCapacity, -1))).metric(0, "20")
			s.target.Policies[0].Alarms[0].SampleCount, s.target.Policies[0].Alarms[0].Percentile = 1, 0.9
			s.m.Policies[0].Alarms[0].State = AlarmingState
			return s
		}(),
			"Held at 4: policy p has too few samples in the datapoints of CPUUtilization for its percentile."},
		{"a service that is not there", func() *scene { s := cpu().counts(0, 0); s.o.Service.Status = ServiceMissing; return s }(),
			"Not scaled: ECS knows no service s in cluster c."},
		{"a fresh start at low load", cpu().metric(0, "_x10 20x5"),
			"Held at 4: policy cpu has too little data to act on: 5 datapoints of CPUUtilization in the last 15 periods, 5 of them breaching; it needs 15."},
		{"a metric that cannot be read", func() *scene { s := cpu(); s.o.Series[0].Failed = true; return s }(),
			"Held at 4: policy cpu could not read its metric."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.s.decide().Message(); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestMessageAtTheBound(t *testing.T) {
	s := newScene(t, 1, 4, tracking("cpu", 50)).metric(0, "75x15")
	if got, want := s.decide().Message(), "Held at 4: policy cpu wants 6, but max capacity is 4."; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestMessageWithinACooldown(t *testing.T) {
	s := newScene(t, 1, 100, tracking("cpu", 50)).counts(10, 10).at(0).metric(0, "100x15").expect(20, ByTargetTracking).write()
	s.at(20).runs(20).at(60).metric(0, "60x15").decide()
	want := "Held at 20: policy cpu wants 12, but its cooldown is in effect until 12:05:20 UTC, after taking out the 10 it has just added."
	if got := s.d.Message(); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestMessageWithCreditDifference(t *testing.T) {
	p := tracking("cpu", 50)
	p.CooldownCredit = CreditDifference
	s := newScene(t, 1, 100, p).counts(10, 10).at(0).metric(0, "75x3").expect(15, ByTargetTracking).write()
	s.at(20).runs(15).at(60).metric(0, "75x3").decide()
	want := "Would scale out from 15 to 18: policy cpu: CPUUtilization averaged 75 over 3 datapoints, above the target of 50; " +
		"ceil(15 x 75 / 50) - 5 = 18, after taking out the 5 it has just added."
	if got := s.d.Message(); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestMessageClaimsNoWriteThatDidNotHappen(t *testing.T) {
	s := newScene(t, 1, 100, tracking("cpu", 50)).metric(0, "75x15")
	for _, c := range []struct {
		outcome Outcome
		want    string
	}{
		{OutcomeWritten, "Scaled out from 4 to 6: "},
		{OutcomeNone, "Would scale out from 4 to 6: "},
		{OutcomeDryRun, "Would scale out from 4 to 6 (dry run): "},
		{OutcomeRateLimited, "Could not scale out from 4 to 6 yet (rate limited): "},
		{OutcomeFailed + "throttled", "Could not scale out from 4 to 6 (throttled): "},
		{OutcomeFailed + "timeout", "May not have scaled out from 4 to 6 (timeout): "},
		{OutcomeFailed + "server", "May not have scaled out from 4 to 6 (server): "},
		{OutcomeFailed + "not_found", "Could not scale out from 4 to 6 (not found): "},
		{"not_leader", "Did not scale out from 4 to 6 (not leader): "},
	} {
		s.decide().Outcome = c.outcome
		if got := s.d.Message(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, expected it to begin %q", c.outcome, got, c.want)
		}
	}
	claim := regexp.MustCompile(`^Scaled`)
	s.metric(0, "20x15").decide()
	if s.d.Outcome = OutcomeDryRun; claim.MatchString(s.d.Message()) {
		t.Errorf("claims a write: %s", s.d.Message())
	}
	if s.d.Outcome = OutcomeWritten; !strings.HasPrefix(s.d.Message(), "Scaled in from 4 to 2: ") {
		t.Errorf("got %s", s.d.Message())
	}
}

func TestMessageOfAnUnknownReasonNamesIt(t *testing.T) {
	if got := (&Decision{Action: Hold, Reason: "NewReason", Policy: -1}).Message(); got != "Held at 0: NewReason." {
		t.Errorf("got %q", got)
	}
}

func TestDecimal(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 50: "50", 93.1: "93.1", 93.12345: "93.123", 1e6: "1000000", -2.5: "-2.5", 0.00012345: "0.000123", 44.99999999: "45",
	} {
		if got := decimal(v); got != want {
			t.Errorf("%v is written %q, expected %q", v, got, want)
		}
	}
}
