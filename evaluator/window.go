package evaluator

import (
	"math"
	"time"
)

const (
	minute = 60
	hour   = 3600
	day    = 24 * hour

	// tick is how often CloudWatch evaluates alarms with a period under a minute, and how far their
	// window stays behind the clock.
	tick = 10

	// longestDelay is how long a datapoint may be unpublished before its bucket counts as missing.
	longestDelay = 300

	// CloudWatch fetches more buckets than the N it judges: N+2, and N+6 for periods under a minute
	// (aws-semantics 3.2; the second number was captured, the first is in the documented example).
	spareBuckets, spareShortBuckets = 2, 6
)

// LookInterval is how often CloudWatch evaluates an alarm with a period of so many seconds: every
// 10 s under a minute, else every minute.
func LookInterval(period int64) time.Duration {
	return time.Duration(lookSeconds(period)) * time.Second
}

func lookSeconds(period int64) int64 {
	if period < minute {
		return tick
	}
	return minute
}

// Buckets is how many buckets a series of t.Metrics[metric] must hold so that every alarm on it can be
// judged: the widest evaluation range, and room for a publication delay of 300 s behind the clock.
func Buckets(t *Target, metric int) int {
	period := t.Metrics[metric].Period
	widest := 1
	for i := range t.Policies {
		for j := range t.Policies[i].Alarms {
			a := &t.Policies[i].Alarms[j]
			if a.Metric == metric || a.SampleCount == metric && a.Percentile > 0 {
				widest = max(widest, evaluationRange(a.EvaluationPeriods, period))
			}
		}
	}
	return widest + int((longestDelay+period-1)/period)
}

// evaluationRange is how many buckets are looked at for n evaluation periods.
func evaluationRange(n int, period int64) int {
	if period < minute {
		return n + spareShortBuckets
	}
	return n + spareBuckets
}

// MultiDay says that an alarm with n evaluation periods looks back more than a day. CloudWatch evaluates such an
// alarm once an hour, with data up to the top of the hour (aws-semantics 3.2).
func MultiDay(period int64, n int) bool { return period*int64(n) > day }

// closedBy is the instant at or before which a bucket must end to be used at now.
func closedBy(now, period int64, n int) int64 {
	switch {
	case period < minute:
		return floor(now-tick, tick)
	case MultiDay(period, n):
		return floor(now, hour)
	default:
		return floor(now, minute)
	}
}

// windowEnd is where the window of an alarm with n evaluation periods ends: at the newest closed bucket
// that has a datapoint or, if that is later, at the newest one that would be published by now. A
// bucket after that is not missing, it is merely not there yet.
func windowEnd(s *Series, now int64, n int) int64 {
	closed := s.onGrid(closedBy(now, s.Period, n))
	settled := closed
	if published := now - s.Delay; published < closed {
		settled = s.onGrid(published)
	}
	for end := closed; end > settled; end -= s.Period {
		if i := s.index(end); i >= 0 && i < len(s.Values) && !missing(s.Values[i]) {
			return end
		}
	}
	return settled
}

// onGrid is the newest end of a bucket at or before the instant; the grid is anchored at End.
func (s *Series) onGrid(instant int64) int64 {
	if instant == s.End { // mostly; a division costs as much as judging three buckets
		return instant
	}
	past := (instant - s.End) % s.Period
	if past < 0 {
		past += s.Period
	}
	return instant - past
}

// index is where the bucket that ends at end stands in Values; it may be outside, then nothing is known of it.
func (s *Series) index(end int64) int {
	if end == s.End {
		return len(s.Values) - 1
	}
	return len(s.Values) - 1 - int((s.End-end)/s.Period)
}

// readable says that the series can be judged at all.
func (s *Series) readable() bool { return s != nil && !s.Failed && s.Period > 0 }

func floor(instant, unit int64) int64 {
	past := instant % unit
	if past < 0 {
		past += unit
	}
	return instant - past
}

// missing says that a bucket has no datapoint; no number of CloudWatch's is infinite.
func missing(v float64) bool { return v-v != 0 }

var nothing = math.NaN()
