package config

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"ecs-autoscaler/evaluator"
)

// alarmOptions change an alarm of a target-tracking policy; zero values leave AWS's.
type alarmOptions struct {
	period                        int64
	evaluationPeriods, datapoints int
	thresholdPercent              float64
	at                            position
}

// read takes the options under key. Naming evaluation_periods alone resets datapoints_to_alarm to
// its default, which is the same number, as in PutMetricAlarm.
func (o *alarmOptions) read(m *mapping, key string, lowest, highest float64) {
	f := read(m, key, value.mapping)
	if !f.valid {
		return
	}
	inner := f.value
	o.at = f.at
	overlay(&o.period, read(inner, "period", alarmPeriod))
	if n := read(inner, "evaluation_periods", integer(1, math.MaxInt32)); n.valid {
		o.evaluationPeriods, o.datapoints, o.at = n.value, 0, n.at
	}
	points := read(inner, "datapoints_to_alarm", integer(1, math.MaxInt32))
	overlay(&o.datapoints, points)
	if points.valid && o.datapoints > o.evaluationPeriods {
		o.at = points.at
	}
	percent := read(inner, "threshold_percent", value.number)
	if percent.valid && (percent.value <= 0 || percent.value < lowest || percent.value > highest) {
		inner.d.errorf(percent.at, "threshold_percent of %s must be %s %s %%, not %s", key, rangeWords(lowest), text(highest), text(percent.value))
		percent.valid = false
	}
	overlay(&o.thresholdPercent, percent)
	inner.close()
}

func rangeWords(lowest float64) string {
	if lowest == 0 {
		return "above 0 and at most"
	}
	return "from " + text(lowest) + " to"
}

// text is a number as people write it.
func text(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// alarmPeriod reads 10, 20, 30 or a multiple of 60 seconds (API PutMetricAlarm Period, cases 235 and 236).
func alarmPeriod(v value) (int64, bool) {
	d, ok := v.duration()
	if !ok {
		return 0, false
	}
	p := int64(d.Seconds())
	if p == 10 || p == 20 || p == 30 || p > 0 && p%60 == 0 {
		return p, true
	}
	v.d.errorf(v.at, "%s must be 10, 20, 30 or a multiple of 60 seconds, not %d", v.key, p)
	return 0, false
}

// The longest an alarm may look back: a day for periods under an hour, else a week (aws-semantics 3.2).
const (
	day  = 86_400
	week = 7 * day
)

// checkWindow checks M <= N and the limit of N periods.
func (d *decoder) checkWindow(a evaluator.Alarm, period int64, at position) bool {
	if a.DatapointsToAlarm > a.EvaluationPeriods {
		d.errorf(at, "datapoints_to_alarm (%d) must not exceed evaluation_periods (%d)", a.DatapointsToAlarm, a.EvaluationPeriods)
		return false
	}
	limit, name := int64(week), "a week (604800 s)"
	if period < 3600 {
		limit, name = day, "a day (86400 s) for periods under an hour"
	}
	if int64(a.EvaluationPeriods) > limit/period {
		d.errorf(at, "evaluation_periods x period is %d x %d s, more than %s; at most %d periods of %d s are possible", a.EvaluationPeriods, period, name, limit/period, period)
		return false
	}
	return true
}

// stepAlarm reads the alarm of a step policy and gives its metric to the plan.
func (d *decoder) stepAlarm(v value, p *plan) (evaluator.Alarm, bool) {
	a := evaluator.Alarm{Name: "alarm", SampleCount: -1, Missing: evaluator.TreatMissing}
	m, ok := v.mapping()
	if !ok {
		return a, false
	}
	source, sourced := m.alarmMetric()
	windowed := m.alarmWindow(&a, &source)
	operator := need(m, "comparison_operator", "GreaterThanThreshold", oneOf(evaluator.GreaterThanThreshold,
		evaluator.GreaterThanOrEqualToThreshold, evaluator.LessThanThreshold, evaluator.LessThanOrEqualToThreshold))
	threshold := need(m, "threshold", "70", value.number)
	missing := read(m, "treat_missing_data", oneOf(
		evaluator.TreatMissing, evaluator.TreatIgnore, evaluator.TreatBreaching, evaluator.TreatNotBreaching))
	if source.metric.Namespace == "AWS/DynamoDB" {
		a.Missing = evaluator.TreatIgnore // CloudWatch's default there (aws-semantics 3.4).
	}
	overlay(&a.Missing, missing)
	lowSample, lowOK := m.lowSamples(source)
	m.close()
	a.Operator, a.Threshold, a.Percentile = operator.value, threshold.value, lowSample
	if !all(sourced, windowed, operator.valid, threshold.valid, missing.usable(), lowOK) {
		return a, false
	}
	p.watch(&a, source)
	return a, true
}

// alarmWindow reads period, evaluation_periods and datapoints_to_alarm.
func (m *mapping) alarmWindow(a *evaluator.Alarm, source *metricSource) bool {
	source.metric.Period = cmp.Or(source.metric.Period, customizedPeriod) // The metric may have been unreadable.
	period := read(m, "period", alarmPeriod)
	overlay(&source.metric.Period, period)
	n := need(m, "evaluation_periods", "3", integer(1, math.MaxInt32))
	points := read(m, "datapoints_to_alarm", integer(1, math.MaxInt32))
	a.EvaluationPeriods, a.DatapointsToAlarm = n.value, n.value
	overlay(&a.DatapointsToAlarm, points)
	at := n.at
	if points.present && a.DatapointsToAlarm > a.EvaluationPeriods {
		at = points.at
	}
	return n.valid && points.usable() && period.usable() && m.d.checkWindow(*a, source.metric.Period, at)
}

// all says whether everything is true, so that every mistake is looked for before the first one counts.
func all(conditions ...bool) bool { return !slices.Contains(conditions, false) }

// lowSamples reads evaluate_low_sample_count_percentile: the percentile as a fraction for ignore, else 0.
func (m *mapping) lowSamples(source metricSource) (float64, bool) {
	mode := read(m, "evaluate_low_sample_count_percentile", oneOf("evaluate", "ignore"))
	if !mode.present || mode.value == "evaluate" {
		return 0, !mode.present || mode.valid
	}
	p, err := strconv.ParseFloat(strings.TrimPrefix(source.metric.Stat, "p"), 64)
	if mode.valid && (!strings.HasPrefix(source.metric.Stat, "p") || err != nil || p <= 0 || p >= 100) {
		m.d.errorf(mode.at, "evaluate_low_sample_count_percentile: ignore needs an alarm on a percentile between p0 and p100; set extended_statistic, for example p90, or leave it out")
		return 0, false
	}
	return p / 100, mode.valid
}
