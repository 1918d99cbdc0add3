package evaluator

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The functions of this file say again, as plainly as the documents do, what the fast code does. They are
// frozen: change the specification before changing them.

// plainState is the reference decision of aws-semantics 3.4, on the whole evaluation range.
func plainState(window []float64, a *Alarm, previous AlarmState) AlarmState {
	var points []bool
	oldestBad := 0
	for i, v := range window {
		if math.IsNaN(v) {
			continue
		}
		breaching := plainBreaches(a.Operator, v, a.Threshold)
		if breaching && oldestBad == 0 {
			oldestBad = len(window) - i
		}
		points = append(points, breaching)
	}
	n, m := a.EvaluationPeriods, a.DatapointsToAlarm
	if len(points) >= n {
		return alarmingIf(plainCount(points[len(points)-n:], true) >= m)
	}
	fill, bad, good := n-len(points), plainCount(points, true), plainCount(points, false)
	switch a.Missing {
	case TreatBreaching:
		return alarmingIf(bad+fill >= m)
	case TreatNotBreaching:
		return alarmingIf(bad >= m)
	case TreatIgnore:
		return plainIgnore(bad, good, m, previous)
	default:
		return plainMissing(bad, good, oldestBad, m, previous)
	}
}

func plainIgnore(bad, good, m int, previous AlarmState) AlarmState {
	if bad >= m {
		return AlarmingState
	}
	if good > 0 {
		return OKState
	}
	return previous
}

func plainMissing(bad, good, oldestBad, m int, previous AlarmState) AlarmState {
	if bad >= m {
		return AlarmingState
	}
	if good > 0 {
		return OKState
	}
	if bad == 0 {
		return InsufficientDataState
	}
	if oldestBad >= m {
		return AlarmingState
	}
	return previous
}

func plainBreaches(op ComparisonOperator, v, threshold float64) bool {
	switch op {
	case GreaterThanThreshold:
		return v > threshold
	case GreaterThanOrEqualToThreshold:
		return v >= threshold
	case LessThanThreshold:
		return v < threshold
	case LessThanOrEqualToThreshold:
		return v <= threshold
	default:
		panic("no such operator: " + op)
	}
}

func plainCount(breaching []bool, which bool) int {
	n := 0
	for _, b := range breaching {
		if b == which {
			n++
		}
	}
	return n
}

func TestOracleAlarmState(t *testing.T) {
	operators := []ComparisonOperator{
		GreaterThanThreshold, GreaterThanOrEqualToThreshold, LessThanThreshold, LessThanOrEqualToThreshold,
	}
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(rt, "N")
		a := &Alarm{
			EvaluationPeriods: n, DatapointsToAlarm: rapid.IntRange(1, n).Draw(rt, "M"), Threshold: 50,
			Operator: rapid.SampledFrom(operators).Draw(rt, "operator"),
			Missing:  rapid.SampledFrom([]TreatMissingData{TreatMissing, TreatIgnore, TreatBreaching, TreatNotBreaching}).Draw(rt, "mode"),
		}
		value := rapid.SampledFrom([]float64{math.NaN(), math.NaN(), 49, 50, 51})
		window := rapid.SliceOfN(value, evaluationRange(n, 60), evaluationRange(n, 60)).Draw(rt, "window")
		older := rapid.SliceOfN(value, 0, 5).Draw(rt, "older than the range")
		previous := rapid.SampledFrom([]AlarmState{OKState, AlarmingState, InsufficientDataState}).Draw(rt, "previous")

		s := &Series{Period: 60, End: noon.Unix(), Values: slices.Concat(older, window)}
		d := AlarmDecision{Previous: previous, State: previous}
		judge(a, s, nil, noon.Unix(), &d)
		if want := plainState(window, a, previous); d.State != want {
			rt.Fatalf("%v: %s, expected %s", window, d.State, want)
		}
	})
}

// TestOracleProportional compares with exact arithmetic on numbers of three decimals. Up to 5,000 tasks at a metric of
// 200 the tolerance never swallows a real fraction: that would be at least a thousandth of the target.
func TestOracleProportional(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		base := rapid.Int64Range(1, 5000).Draw(rt, "base")
		metric := rapid.Int64Range(0, 199_999).Draw(rt, "metric in thousandths")
		target := rapid.Int64Range(1, 1_000_000).Draw(rt, "target in thousandths")
		exact := new(big.Rat).SetFrac64(base*metric, target)
		quotient, rest := new(big.Int).QuoRem(exact.Num(), exact.Denom(), new(big.Int))
		want := quotient.Int64()
		if rest.Sign() > 0 {
			want++
		}
		got := proportional(int(base), float64(metric)/1000, float64(target)/1000)
		if int64(got) != min(want, mostTasks) {
			rt.Fatalf("ceil(%d x %d / %d) = %d, expected %d", base, metric, target, got, want)
		}
	})
}

// plainPercent is AWS's text: above 1 down, between 0 and 1 to 1, between 0 and -1 to -1, below -1 up.
func plainPercent(base, percent int) int {
	raw := float64(base) * float64(percent) / 100
	switch {
	case raw > 0 && raw < 1:
		return 1
	case raw < 0 && raw > -1:
		return -1
	case raw > 0:
		return int(math.Floor(raw))
	default:
		return int(math.Ceil(raw))
	}
}

func TestOraclePercentChange(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		base, percent := rapid.IntRange(0, 5000).Draw(rt, "base"), rapid.IntRange(-100, 500).Draw(rt, "percent")
		if got, want := percentChange(base, percent, 0), plainPercent(base, percent); got != want {
			rt.Fatalf("%d %% of %d is %d, expected %d", percent, base, got, want)
		}
		least := rapid.IntRange(1, 50).Draw(rt, "least")
		if got := percentChange(base, percent, least); percent != 0 && got*sign(percent) < least {
			rt.Fatalf("%d %% of %d is %d, at least %d was asked for", percent, base, got, least)
		}
	})
}

// plainWindowEnd tries every bucket, newest first.
func plainWindowEnd(s *Series, now int64) int64 {
	closed := now / 60 * 60
	if s.Period < 60 {
		closed = (now - 10) / 10 * 10
	}
	end := s.End + 1000*s.Period
	for {
		k := int((s.End - end) / s.Period)
		there := k >= 0 && k < len(s.Values) && !math.IsNaN(s.Values[len(s.Values)-1-k])
		if end <= closed && (there || end+s.Delay <= now) {
			return end
		}
		end -= s.Period
	}
}

func TestOracleWindowEnd(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := &Series{
			Period: rapid.SampledFrom([]int64{10, 20, 30, 60, 300}).Draw(rt, "period"),
			Delay:  rapid.Int64Range(0, 300).Draw(rt, "delay"),
			Values: drawValues(rt),
		}
		s.End = noon.Unix() + s.Period*rapid.Int64Range(-5, 5).Draw(rt, "end")
		now := noon.Unix() + rapid.Int64Range(-100, 100).Draw(rt, "now")
		if got, want := windowEnd(s, now, 3), plainWindowEnd(s, now); got != want {
			rt.Fatalf("%+v at %d: %d, expected %d", s, now, got, want)
		}
	})
}
