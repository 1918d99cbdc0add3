package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ecs-autoscaler/evaluator"
)

// railsOf binds the one target of a text.
func railsOf(t *testing.T, defaults, target string) *evaluator.Rails {
	t.Helper()
	text := "defaults: {" + defaults + "}\ntargets:\n  - service: prod/web\n    min_capacity: 1\n    max_capacity: 9\n" +
		"    target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}]\n"
	for line := range strings.SplitSeq(target, "\n") {
		text += "    " + line + "\n"
	}
	return bind(t, text).Rails
}

func bind(t *testing.T, text string) *evaluator.Target {
	t.Helper()
	c := parse(t, text)
	chosen, _ := c.Select("prod", "web", nil)
	return chosen.Bind("prod", "web")
}

func TestRailsAreOffUnlessTheyAreWritten(t *testing.T) {
	if got := railsOf(t, "", ""); got != nil {
		t.Errorf("got %+v", got)
	}
	off := "max_scale_out_step: none\nmax_scale_in_step: none\nflap_guard: false\nscale_in_forbidden: []"
	on := `max_scale_out_step: 5, max_scale_in_step: 10%, flap_guard: true, scale_in_forbidden: [{schedule: "at(2026-01-01T00:00:00)", duration: 60}]`
	if got := railsOf(t, on, off); got != nil {
		t.Errorf("switched off in the target, but got %+v", got)
	}
}

func TestRailsOfATargetReplaceThoseOfTheDefaults(t *testing.T) {
	usual := evaluator.FlapGuard{Reversals: 3, Within: time.Hour, Factor: 2, Longest: time.Hour}
	for _, c := range []struct {
		name, defaults, target string
		want                   evaluator.Rails
	}{
		{"tasks", "", "max_scale_out_step: 5", evaluator.Rails{MaxScaleOutStep: evaluator.StepLimit{Tasks: 5}}},
		{"a share", "", "max_scale_out_step: 50%", evaluator.Rails{MaxScaleOutStep: evaluator.StepLimit{Percent: 50}}},
		{"in quotes", "", `max_scale_in_step: "100%"`, evaluator.Rails{MaxScaleInStep: evaluator.StepLimit{Percent: 100}}},
		{"of an environment", "", `max_scale_in_step: "${MIN}"`, evaluator.Rails{MaxScaleInStep: evaluator.StepLimit{Tasks: 2}}},
		{"inherited", "max_scale_out_step: 5", "max_scale_in_step: 2", evaluator.Rails{MaxScaleOutStep: evaluator.StepLimit{Tasks: 5}, MaxScaleInStep: evaluator.StepLimit{Tasks: 2}}},
		{"replaced", "max_scale_out_step: 5", "max_scale_out_step: 7%", evaluator.Rails{MaxScaleOutStep: evaluator.StepLimit{Percent: 7}}},
		{"the usual guard", "flap_guard: false", "flap_guard: true", evaluator.Rails{FlapGuard: usual}},
		{"an empty mapping", "", "flap_guard: {}", evaluator.Rails{FlapGuard: usual}},
		{"its own guard", "flap_guard: {reversals: 9}", "flap_guard: {within: 5m}", evaluator.Rails{FlapGuard: evaluator.FlapGuard{Reversals: 3, Within: 5 * time.Minute, Factor: 2, Longest: time.Hour}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := railsOf(t, c.defaults, c.target)
			if diff := cmp.Diff(&c.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("rails (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheFleetBrakeIsASettingOfTheDaemon(t *testing.T) {
	text := "targets: [{service: prod/web, min_capacity: 1, max_capacity: 9, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}]}]\n"
	if c := parse(t, text); c.HaltIfUnreadyPercent != 0 {
		t.Errorf("halts at %v", c.HaltIfUnreadyPercent)
	}
	if c := parse(t, "halt_if_unready_percent: 12.5\n"+text); c.HaltIfUnreadyPercent != 12.5 {
		t.Errorf("halts at %v", c.HaltIfUnreadyPercent)
	}
}

// A window lasts as long as it says, whatever the clocks do: in London they go forward on 29 March 2026 and back on 25 October.
func TestAWindowLastsAsLongAsItSaysWhateverTheClocksDo(t *testing.T) {
	r := railsOf(t, "", `scale_in_forbidden: [{name: night, schedule: "cron(0 22 * * ? *)", duration: 10h, timezone: Europe/London}]`)
	w := r.ScaleInForbidden[0]
	for fired, closes := range map[string]string{
		"2026-03-28T22:00:00Z": "2026-03-29T08:00:00Z", // 09:00 there
		"2026-07-01T21:00:00Z": "2026-07-02T07:00:00Z",
		"2026-10-24T21:00:00Z": "2026-10-25T07:00:00Z", // 07:00 there
	} {
		open, _ := time.Parse(time.RFC3339, fired)
		shut, _ := time.Parse(time.RFC3339, closes)
		for at, want := range map[time.Time]bool{open.Add(-time.Second): false, open: true, shut.Add(-time.Second): true, shut: false} {
			fire, is := w.Schedule.Newest(at.Add(-w.Duration), at, time.Time{})
			if is != want || is && !fire.Equal(open) {
				t.Errorf("at %s open is %v since %s, want %v", at, is, fire, want)
			}
		}
	}
}
