package config

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
)

// alarmOptions change an alarm of a target-tracking policy; zero values leave AWS's.
type alarmOptions struct {
	period                        int64
	evaluationPeriods, datapoints int
	thresholdPercent              float64
	at                            strict.Position
}

// read takes the options under key. Naming evaluation_periods alone resets datapoints_to_alarm to
// its default, which is the same number, as in PutMetricAlarm.
func (o *alarmOptions) read(m *strict.Mapping, key string, lowest, highest float64) {
	f := strict.Read(m, key, strict.Value.Mapping)
	if !f.Valid {
		return
	}
	inner := f.Value
	o.at = f.At
	strict.Overlay(&o.period, strict.Read(inner, "period", alarmPeriod))
	if n := strict.Read(inner, "evaluation_periods", strict.Integer(1, math.MaxInt32)); n.Valid {
		o.evaluationPeriods, o.datapoints, o.at = n.Value, 0, n.At
	}
	points := strict.Read(inner, "datapoints_to_alarm", strict.Integer(1, math.MaxInt32))
	strict.Overlay(&o.datapoints, points)
	if points.Valid && o.datapoints > o.evaluationPeriods {
		o.at = points.At
	}
	percent := strict.Read(inner, "threshold_percent", strict.Value.Number)
	if percent.Valid && (percent.Value <= 0 || percent.Value < lowest || percent.Value > highest) {
		inner.Errorf(percent.At, "threshold_percent of %s must be %s %s %%, not %s", key, rangeWords(lowest), text(highest), text(percent.Value))
		percent.Valid = false
	}
	strict.Overlay(&o.thresholdPercent, percent)
	inner.Close()
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
func alarmPeriod(v strict.Value) (int64, bool) {
	d, ok := v.Duration()
	if !ok {
		return 0, false
	}
	p := int64(d.Seconds())
	if p == 10 || p == 20 || p == 30 || p > 0 && p%60 == 0 {
		return p, true
	}
	v.Errorf(v.At, "%s must be 10, 20, 30 or a multiple of 60 seconds, not %d", v.Key, p)
	return 0, false
}

// The longest an alarm may look back: a day for periods under an hour, else a week (aws-semantics 3.2).
const (
	day  = 86_400
	week = 7 * day
)

// checkWindow checks M <= N and the limit of N periods.
func checkWindow(d *strict.Decoder, a evaluator.Alarm, period int64, at strict.Position) bool {
	if a.DatapointsToAlarm > a.EvaluationPeriods {
		d.Errorf(at, "datapoints_to_alarm (%d) must not exceed evaluation_periods (%d)", a.DatapointsToAlarm, a.EvaluationPeriods)
		return false
	}
	limit, name := int64(week), "a week (604800 s)"
	if period < 3600 {
		limit, name = day, "a day (86400 s) for periods under an hour"
	}
	if int64(a.EvaluationPeriods) > limit/period {
		d.Errorf(at, "evaluation_periods x period is %d x %d s, more than %s; at most %d periods of %d s are possible", a.EvaluationPeriods, period, name, limit/period, period)
		return false
	}
	return true
}

// stepAlarm reads the alarm of a step policy and gives its metric to the plan.
func stepAlarm(v strict.Value, p *plan) (evaluator.Alarm, bool) {
	a := evaluator.Alarm{Name: "alarm", SampleCount: -1, Missing: evaluator.TreatMissing}
	m, ok := v.Mapping()
	if !ok {
		return a, false
	}
	source, sourced := alarmMetric(m)
	windowed := alarmWindow(m, &a, &source)
	operator := strict.Need(m, "comparison_operator", "GreaterThanThreshold", strict.OneOf(evaluator.GreaterThanThreshold,
		evaluator.GreaterThanOrEqualToThreshold, evaluator.LessThanThreshold, evaluator.LessThanOrEqualToThreshold))
	threshold := strict.Need(m, "threshold", "70", strict.Value.Number)
	missing := strict.Read(m, "treat_missing_data", strict.OneOf(
		evaluator.TreatMissing, evaluator.TreatIgnore, evaluator.TreatBreaching, evaluator.TreatNotBreaching))
	if source.metric.Namespace == "AWS/DynamoDB" {
		a.Missing = evaluator.TreatIgnore // CloudWatch's default there (aws-semantics 3.4).
	}
	strict.Overlay(&a.Missing, missing)
	lowSample, lowOK := lowSamples(m, source)
	m.Close()
	a.Operator, a.Threshold, a.Percentile = operator.Value, threshold.Value, lowSample
	if !all(sourced, windowed, operator.Valid, threshold.Valid, missing.Usable(), lowOK) {
		return a, false
	}
	p.watch(&a, source)
	return a, true
}

// alarmWindow reads period, evaluation_periods and datapoints_to_alarm.
func alarmWindow(m *strict.Mapping, a *evaluator.Alarm, source *metricSource) bool {
	source.metric.Period = cmp.Or(source.metric.Period, customizedPeriod) // The metric may have been unreadable.
	period := strict.Read(m, "period", alarmPeriod)
	strict.Overlay(&source.metric.Period, period)
	n := strict.Need(m, "evaluation_periods", "3", strict.Integer(1, math.MaxInt32))
	points := strict.Read(m, "datapoints_to_alarm", strict.Integer(1, math.MaxInt32))
	a.EvaluationPeriods, a.DatapointsToAlarm = n.Value, n.Value
	strict.Overlay(&a.DatapointsToAlarm, points)
	at := n.At
	if points.Present && a.DatapointsToAlarm > a.EvaluationPeriods {
		at = points.At
	}
	return n.Valid && points.Usable() && period.Usable() && checkWindow(m.Decoder, *a, source.metric.Period, at)
}

// all says whether everything is true, so that every mistake is looked for before the first one counts.
func all(conditions ...bool) bool { return !slices.Contains(conditions, false) }

// lowSamples reads evaluate_low_sample_count_percentile: the percentile as a fraction for ignore, else 0.
func lowSamples(m *strict.Mapping, source metricSource) (float64, bool) {
	mode := strict.Read(m, "evaluate_low_sample_count_percentile", strict.OneOf("evaluate", "ignore"))
	if !mode.Present || mode.Value == "evaluate" {
		return 0, !mode.Present || mode.Valid
	}
	p, err := strconv.ParseFloat(strings.TrimPrefix(source.metric.Stat, "p"), 64)
	if mode.Valid && (!strings.HasPrefix(source.metric.Stat, "p") || err != nil || p <= 0 || p >= 100) {
		m.Errorf(mode.At, "evaluate_low_sample_count_percentile: ignore needs an alarm on a percentile between p0 and p100; set extended_statistic, for example p90, or leave it out")
		return 0, false
	}
	return p / 100, mode.Valid
}
