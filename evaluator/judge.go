package evaluator

// tally is what the judged datapoints of an alarm come to.
type tally struct {
	bad, good int
	// oldest and oldestBad are the ages in buckets of the oldest judged datapoint and of the oldest
	// breaching one; the window's newest bucket has age 1.
	oldest, oldestBad int
}

// comparison is an operator taken apart, so that the loop over the datapoints does not compare strings.
type comparison struct {
	threshold float64
	// side is 1 above the threshold and -1 below it.
	side    float64
	orEqual bool
}

func comparisonOf(op ComparisonOperator, threshold float64) comparison {
	c := comparison{threshold: threshold, side: 1}
	switch op {
	case GreaterThanOrEqualToThreshold:
		c.orEqual = true
	case LessThanThreshold:
		c.side = -1
	case LessThanOrEqualToThreshold:
		c.side, c.orEqual = -1, true
	default: // GreaterThanThreshold
	}
	return c
}

// breaches is exact: two numbers are equal where their difference is zero, also in floating point.
func (c comparison) breaches(v float64) bool {
	beyond := (v - c.threshold) * c.side
	return beyond > 0 || beyond == 0 && c.orEqual
}

// count judges the newest datapoints of the window, at most EvaluationPeriods of them, as far back as
// the evaluation range reaches (aws-semantics 3.4). The window's newest bucket has the index newest.
func count(a *Alarm, s *Series, newest int) tally {
	c, n := comparisonOf(a.Operator, a.Threshold), a.EvaluationPeriods
	var y tally
	if first := newest - n + 1; first >= 0 && newest < len(s.Values) {
		if y = c.count(s.Values[first : newest+1]); y.oldest == n {
			return y
		}
	}
	first, left := max(0, newest-evaluationRange(n, s.Period)+1), n-y.oldest
	for i := min(newest-y.oldest, len(s.Values)-1); i >= first && left > 0; i-- {
		v := s.Values[i]
		if missing(v) {
			continue
		}
		left--
		y.oldest = newest - i + 1
		if c.breaches(v) {
			y.bad++
			y.oldestBad = y.oldest
		}
	}
	y.good = n - left - y.bad
	return y
}

// count judges values from the newest back to the first that is missing. Nearly every window has none, and this
// loop is the faster one: it saves a twentieth of the whole evaluation.
func (c comparison) count(values []float64) (y tally) {
	for i := len(values) - 1; i >= 0 && !missing(values[i]); i-- {
		y.oldest++
		if c.breaches(values[i]) {
			y.bad++
			y.oldestBad = y.oldest
		}
	}
	y.good = y.oldest - y.bad
	return y
}

// state is CloudWatch's decision on the judged datapoints; all 40 cells of its two documented tables
// come out of it (see the tests of section 10.12).
func (y tally) state(a *Alarm, previous AlarmState) AlarmState {
	fills := a.EvaluationPeriods - y.bad - y.good
	switch {
	case y.bad >= a.DatapointsToAlarm:
		return AlarmingState
	case fills <= 0 || a.Missing == TreatNotBreaching:
		return OKState
	case a.Missing == TreatBreaching:
		return alarmingIf(y.bad+fills >= a.DatapointsToAlarm)
	default:
		return y.sparse(a, previous)
	}
}

// sparse decides with too few datapoints in the modes missing and ignore.
func (y tally) sparse(a *Alarm, previous AlarmState) AlarmState {
	switch {
	case y.good > 0:
		return OKState
	case a.Missing == TreatIgnore:
		return previous
	case y.bad == 0:
		return InsufficientDataState
	case y.oldestBad >= a.DatapointsToAlarm:
		// The premature-alarm rule: a breach that has stood this long without a good datapoint alarms
		// even though fewer than M datapoints are there.
		return AlarmingState
	default:
		// AWS leaves open what young breaching datapoints alone give. The state is kept, which is
		// INSUFFICIENT_DATA for an alarm that has seen nothing else yet.
		return previous
	}
}

func alarmingIf(alarming bool) AlarmState {
	if alarming {
		return AlarmingState
	}
	return OKState
}

// significant says whether a percentile alarm that ignores low sample counts has enough samples in every
// datapoint it judged; otherwise its state is kept (aws-semantics 3.5). AWS states the limit for one
// period only, so each judged one has to meet it.
func significant(a *Alarm, samples *Series, d *AlarmDecision) bool {
	if a.Percentile <= 0 {
		return true
	}
	if !samples.readable() {
		return false
	}
	// A relative tolerance, because 10/(1-0.9) is a little more than 100 in floating point.
	needed := sampleLimit(a.Percentile) * (1 - tolerance)
	for k, v := range d.Values {
		if missing(v) {
			continue
		}
		i := samples.index(d.End - int64(len(d.Values)-1-k)*d.Period)
		if i < 0 || i >= len(samples.Values) || !(samples.Values[i] >= needed) {
			return false
		}
	}
	return true
}

// sampleLimit is how many samples a percentile needs to mean something: 10/(1-p) in the upper half, 10/p in the lower.
func sampleLimit(p float64) float64 {
	if p >= 0.5 {
		return 10 / (1 - p)
	}
	return 10 / p
}

// fill puts n buckets up to the index newest into the decision, oldest first.
func (a *AlarmDecision) fill(s *Series, newest, n int) {
	a.Values = resize(a.Values, n)
	first := newest - n + 1
	if first >= 0 && first+n <= len(s.Values) {
		copy(a.Values, s.Values[first:])
		return
	}
	for k := range a.Values {
		a.Values[k] = nothing
		if i := first + k; i >= 0 && i < len(s.Values) {
			a.Values[k] = s.Values[i]
		}
	}
}

// newestMissing says that the window's newest bucket has no datapoint.
func (a *AlarmDecision) newestMissing() bool {
	return len(a.Values) == 0 || missing(a.Values[len(a.Values)-1])
}

// judge fills the decision on one alarm. Every real value among d.Values is one the alarm was judged on.
func judge(a *Alarm, s, samples *Series, now int64, d *AlarmDecision) {
	d.End, d.Period = windowEnd(s, now, a.EvaluationPeriods), s.Period
	newest := s.index(d.End)
	y := count(a, s, newest)
	d.Judged, d.Breaching = y.bad+y.good, y.bad
	d.fill(s, newest, max(a.EvaluationPeriods, y.oldest))
	if significant(a, samples, d) {
		d.State = y.state(a, d.Previous)
	}
}
