package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ecs-autoscaler/config/strict"
)

// simpleStatistics are the values of API Statistic.
var simpleStatistics = []string{"Average", "Sum", "Minimum", "Maximum", "SampleCount"}

// statistic reads one of the five; an extended one is named as such.
func statistic(instead string) func(strict.Value) (string, bool) {
	return func(v strict.Value) (string, bool) {
		s, ok := v.Scalar("a statistic")
		if ok && !slices.Contains(simpleStatistics, s.Text) && extended(s.Text) {
			v.Errorf(v.At, "%s cannot be the extended statistic %s; %s", v.Key, s.Text, instead)
			return "", false
		}
		if !ok {
			return "", false
		}
		return strict.OneOf(simpleStatistics...)(v)
	}
}

const extendedForms = "p90, tm90, wm98, tc90, ts90, IQM, PR(100:500) or TM(5%:95%)"

// extendedStatistic reads what API ExtendedStatistic allows.
func extendedStatistic(v strict.Value) (string, bool) {
	s, ok := v.Scalar("an extended statistic such as " + extendedForms)
	if !ok {
		return "", false
	}
	if slices.Contains(simpleStatistics, s.Text) {
		v.Errorf(v.At, "%s is not an extended statistic; write statistic: %s", s.Text, s.Text)
		return "", false
	}
	if !extended(s.Text) {
		v.Wrong("an extended statistic such as "+extendedForms, s)
		return "", false
	}
	return s.Text, true
}

// anyStatistic reads the stat of a metric in metric math: simple or extended.
func anyStatistic(v strict.Value) (string, bool) {
	what := strings.Join(simpleStatistics, ", ") + ", or extended such as " + extendedForms
	s, ok := v.Scalar(what)
	switch {
	case !ok:
		return "", false
	case slices.Contains(simpleStatistics, s.Text) || extended(s.Text):
		return s.Text, true
	}
	if near, ok := strict.Nearest(s.Text, simpleStatistics); ok {
		v.Errorf(v.At, "%s cannot be %q; did you mean %s?", v.Key, strict.Shorten(s.Text), near)
		return "", false
	}
	v.Wrong(what, s)
	return "", false
}

var (
	percentile        = regexp.MustCompile(`^(p|tm|wm|tc|ts)([0-9]{1,3}(?:\.[0-9]{1,10})?)$`)
	intervalStatistic = regexp.MustCompile(`^(PR|TM|WM|TC|TS)\(([0-9.]*)(%?):([0-9.]*)(%?)\)$`)
)

// extended says whether s is pNN.NN, tm, wm, tc, ts, IQM, PR(a:b) or TM, WM, TC, TS of an
// interval in values or in percent (aws-semantics 3.3).
func extended(s string) bool {
	if s == "IQM" {
		return true
	}
	if m := percentile.FindStringSubmatch(s); m != nil {
		p, err := strconv.ParseFloat(m[2], 64)
		return err == nil && p <= 100
	}
	m := intervalStatistic.FindStringSubmatch(s)
	if m == nil {
		return false
	}
	low, high := intervalEnd{m[2], m[3]}, intervalEnd{m[4], m[5]}
	percentileRank := m[1] == "PR" // It takes values only.
	return low.before(high) && !(percentileRank && low.percent+high.percent != "")
}

// intervalEnd is one end of an interval; an omitted one is open.
type intervalEnd struct{ number, percent string }

// before says whether two ends make an interval: at least one is given, both in one unit and in order.
func (e intervalEnd) before(high intervalEnd) bool {
	a, aOK := e.value()
	b, bOK := high.value()
	switch {
	case !aOK || !bOK:
		return false
	case e.number == "" || high.number == "":
		return e.number != high.number
	}
	return e.percent == high.percent && a < b
}

func (e intervalEnd) value() (float64, bool) {
	if e.number == "" {
		return 0, e.percent == ""
	}
	x, err := strconv.ParseFloat(e.number, 64)
	return x, err == nil && (e.percent == "" || x <= 100)
}
