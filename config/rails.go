package config

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/evaluator/schedule"
)

// rails are the options of the safety rails; see evaluator.Rails.
type rails struct {
	scaleOutStep, scaleInStep evaluator.StepLimit
	forbidden                 []evaluator.ForbiddenWindow
	flapGuard                 evaluator.FlapGuard
}

// What flap_guard: true means, and what a mapping need not say.
var usualFlapGuard = evaluator.FlapGuard{Reversals: 3, Within: time.Hour, Factor: 2, Longest: time.Hour}

const (
	// mostOutPercent allows a service to grow elevenfold in one step; beyond that a limit is none.
	mostOutPercent = 1000
	// longestWindow is the longest that scale-in can be forbidden by one fire.
	longestWindow = 366 * 24 * time.Hour
	mostReversals = 16
	mostFactor    = 10
	longestGuard  = 24 * time.Hour
	// mostFires is how many fires are looked at to see whether a window ever closes: those of a day and more of minutes.
	mostFires = 2000
)

// read reads the rails of defaults or a target. A list of windows replaces the one of defaults.
func (r *rails) read(m *strict.Mapping) {
	strict.Overlay(&r.scaleOutStep, strict.Read(m, "max_scale_out_step", stepLimit(mostOutPercent)))
	strict.Overlay(&r.scaleInStep, strict.Read(m, "max_scale_in_step", stepLimit(100)))
	windows := strict.Read(m, "scale_in_forbidden", strict.List(forbiddenWindow))
	if windows.Valid {
		r.forbidden = nil
		for _, w := range windows.Value {
			r.forbidden = append(r.forbidden, w.Value)
		}
	}
	strict.Overlay(&r.flapGuard, strict.Read(m, "flap_guard", flapGuard))
}

// evaluated is the evaluator's form, nil where all rails are off.
func (r *rails) evaluated() *evaluator.Rails {
	off := r.scaleOutStep == evaluator.StepLimit{} && r.scaleInStep == evaluator.StepLimit{} &&
		len(r.forbidden) == 0 && r.flapGuard == evaluator.FlapGuard{}
	if off {
		return nil
	}
	return &evaluator.Rails{
		MaxScaleOutStep: r.scaleOutStep, MaxScaleInStep: r.scaleInStep, ScaleInForbidden: r.forbidden, FlapGuard: r.flapGuard,
	}
}

var stepForm = regexp.MustCompile(`^(0|[1-9][0-9]*)%?$`)

// stepLimit reads a number of tasks, a percentage in quotes or not, or none. A step of 0 would be a suspension.
func stepLimit(mostPercent int) func(strict.Value) (evaluator.StepLimit, bool) {
	what := fmt.Sprintf("none, a number of tasks (5, at least 1) or a percentage of the desired count (\"50%%\", from 1%% to %d%%)", mostPercent)
	return func(v strict.Value) (evaluator.StepLimit, bool) {
		var l evaluator.StepLimit
		s, ok := v.Scalar(what)
		if !ok || s.Text == "none" {
			return l, ok
		}
		err := l.UnmarshalText([]byte(s.Text))
		switch {
		case err != nil, !stepForm.MatchString(s.Text), l.Tasks > math.MaxInt32, l.Percent > mostPercent:
			v.Wrong(what, s)
			return l, false
		case l == evaluator.StepLimit{}:
			v.Errorf(v.At, "%s must not be 0, which would stop this direction for good; use suspended_state for that, or none for no limit", v.Key)
			return l, false
		}
		return l, true
	}
}

// forbiddenWindow reads one entry of scale_in_forbidden.
func forbiddenWindow(v strict.Value) (evaluator.ForbiddenWindow, bool) {
	m, ok := v.Mapping()
	if !ok {
		return evaluator.ForbiddenWindow{}, false
	}
	m.Key = "a window of scale_in_forbidden"
	name := strict.Read(m, "name", shortLine(256))
	text := strict.Need(m, "schedule", `"cron(0 8 ? * MON-FRI *)"`, scheduleExpression)
	zone := strict.Read(m, "timezone", timezone)
	lasts := strict.Need(m, "duration", "10h", strict.Value.Duration)
	m.Close()
	s := &schedule.Schedule{Expression: text.Value, Zone: time.UTC}
	strict.Overlay(&s.Zone, zone)
	switch {
	case !text.Valid || !lasts.Valid || !zone.Usable() || !name.Usable():
		return evaluator.ForbiddenWindow{}, false
	case strings.HasPrefix(text.Value.String(), "rate("):
		m.Errorf(text.At, "a window needs a schedule with times of its own, cron(...) or at(...): a rate counts from when it was first seen")
		return evaluator.ForbiddenWindow{}, false
	case lasts.Value == 0 || lasts.Value > longestWindow:
		m.Errorf(lasts.At, "duration must be from 1 second to 366 days (8784h), not %s", lasts.Value)
		return evaluator.ForbiddenWindow{}, false
	}
	lintNever(m.Decoder, text.At, s)
	lintAlways(m.Decoder, lasts.At, s, lasts.Value)
	return evaluator.ForbiddenWindow{Name: name.Value, Schedule: s, Duration: lasts.Value}, true
}

// lintAlways warns of a window that never closes: one year is looked at, from a day on which nothing special happens.
func lintAlways(d *strict.Decoder, at strict.Position, s *schedule.Schedule, lasts time.Duration) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end := begin.AddDate(1, 0, 0)
	fire, fires := s.Next(begin, begin)
	for n := 0; fires && n < mostFires; n++ {
		next, again := s.Next(fire, begin)
		if fires = again && next.Sub(fire) <= lasts; next.After(end) {
			break
		}
		fire = next
	}
	if fires {
		d.Warnf(at, "this window never closes: %s fires again within %s, so that scale-in is always forbidden; use suspended_state or disable_scale_in for that, or a shorter duration", s.Expression, lasts)
	}
}

// flapGuard reads true, false, or a mapping that changes what true means.
func flapGuard(v strict.Value) (evaluator.FlapGuard, bool) {
	if !v.IsMapping() {
		return flapGuardWord(v)
	}
	m, ok := v.Mapping()
	if !ok {
		return evaluator.FlapGuard{}, false
	}
	g := usualFlapGuard
	reversals := strict.Read(m, "reversals", strict.Integer(1, mostReversals))
	within := strict.Read(m, "within", durationWithin(time.Minute, longestGuard))
	factor := strict.Read(m, "scale_in_cooldown_factor", strict.Integer(2, mostFactor))
	longest := strict.Read(m, "max_scale_in_cooldown", durationWithin(time.Minute, longestGuard))
	m.Close()
	strict.Overlay(&g.Reversals, reversals)
	strict.Overlay(&g.Within, within)
	strict.Overlay(&g.Factor, factor)
	strict.Overlay(&g.Longest, longest)
	return g, reversals.Usable() && within.Usable() && factor.Usable() && longest.Usable()
}

// flapGuardWord reads true or false.
func flapGuardWord(v strict.Value) (evaluator.FlapGuard, bool) {
	const what = "true, false or a mapping such as {reversals: 3, within: 1h}"
	s, ok := v.Scalar(what)
	switch {
	case !ok || s.Text == "false":
		return evaluator.FlapGuard{}, ok
	case s.Text == "true":
		return usualFlapGuard, true
	default:
		v.Wrong(what, s)
		return evaluator.FlapGuard{}, false
	}
}

// durationWithin reads a duration between two others, both included.
func durationWithin(low, high time.Duration) func(strict.Value) (time.Duration, bool) {
	return func(v strict.Value) (time.Duration, bool) {
		d, ok := v.Duration()
		if ok && (d < low || d > high) {
			v.Errorf(v.At, "%s must be from %d to %d seconds, not %d", v.Key, int(low.Seconds()), int(high.Seconds()), int(d.Seconds()))
			return 0, false
		}
		return d, ok
	}
}

// haltPercent reads halt_if_unready_percent.
func haltPercent(v strict.Value) (float64, bool) {
	x, ok := v.Number()
	if ok && (x <= 0 || x >= 100) {
		v.Errorf(v.At, "%s must be above 0 and below 100, not %s; leave it out for no brake", v.Key, text(x))
		return 0, false
	}
	return x, ok
}
