package fixedpoint

import (
	"math"
	"math/big"
	"slices"

	"ecs-autoscaler/evaluator"
)

// interval is a range of loads: the open one between two loads, or a single load where both are the same. A nil high end is
// infinity.
type interval struct{ low, high *big.Rat }

func (v interval) point() bool { return v.high != nil && v.low.Cmp(v.high) == 0 }

// holds says that the load lies strictly inside.
func (v interval) holds(load *big.Rat) bool {
	return v.low.Cmp(load) < 0 && (v.high == nil || load.Cmp(v.high) < 0)
}

// middle is a load of the interval.
func (v interval) middle() *big.Rat {
	switch {
	case v.point():
		return v.low
	case v.high == nil:
		twice := new(big.Rat).Add(v.low, v.low)
		return twice.Add(twice, one)
	default:
		sum := new(big.Rat).Add(v.low, v.high)
		return sum.Mul(sum, half)
	}
}

var one, half = big.NewRat(1, 1), big.NewRat(1, 2)

// load is one of the interval that people can read: of an open one a number with few digits.
func (v interval) load() *big.Rat {
	middle := v.middle()
	if v.point() || v.high == nil {
		return middle
	}
	width, _ := new(big.Rat).Sub(v.high, v.low).Float64()
	for digits := -int(math.Ceil(math.Log10(width))); digits < 20; digits++ {
		if short := rounded(middle, digits); v.holds(short) {
			return short
		}
	}
	return middle
}

// rounded is x >= 0 with so many digits behind the point, or with zeros before it where digits is negative.
func rounded(x *big.Rat, digits int) *big.Rat {
	unit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(digits, -digits))), nil))
	if digits > 0 {
		unit.Inv(unit)
	}
	count := new(big.Rat).Add(new(big.Rat).Quo(x, unit), big.NewRat(1, 2))
	whole := new(big.Int).Quo(count.Num(), count.Denom())
	return unit.Mul(unit, new(big.Rat).SetInt(whole))
}

// edges are where what the evaluator decides may change.
type edges struct {
	// metric are values of the metric: thresholds, and the bounds of steps.
	metric []*big.Rat
	// load are loads: multiples of a target value, at which the wanted count of target tracking changes.
	load []*big.Rat
}

// edgesOf collects them, sorted. Below 0 there is no load.
func edgesOf(t *evaluator.Target) edges {
	var e edges
	for i := range t.Policies {
		p := &t.Policies[i]
		for _, a := range p.Alarms {
			e.metric = appendPositive(e.metric, a.Threshold)
			for _, s := range p.Step.Adjustments {
				e.metric = appendPositive(e.metric, a.Threshold+s.LowerBound)
				e.metric = appendPositive(e.metric, a.Threshold+s.UpperBound)
			}
		}
		for n := 1; p.Type == evaluator.TargetTrackingScaling && n <= t.Max; n++ {
			value := exact(p.TargetTracking.TargetValue)
			e.load = append(e.load, value.Mul(value, big.NewRat(int64(n), 1)))
		}
	}
	e.metric, e.load = sorted(e.metric), sorted(e.load)
	return e
}

func appendPositive(list []*big.Rat, x float64) []*big.Rat {
	if x <= 0 || math.IsInf(x, 0) {
		return list
	}
	return append(list, exact(x))
}

func exact(x float64) *big.Rat { return new(big.Rat).SetFloat64(x) }

func sorted(list []*big.Rat) []*big.Rat {
	slices.SortFunc(list, (*big.Rat).Cmp)
	return slices.CompactFunc(list, func(a, b *big.Rat) bool { return a.Cmp(b) == 0 })
}

// parts divides the interval so that in each part the evaluator decides one thing at a count, in ascending order.
func (e *edges) parts(count int, within interval) []interval {
	if within.point() || count == 0 {
		return []interval{within}
	}
	var inner []*big.Rat
	for _, x := range e.metric {
		if load := new(big.Rat).Mul(x, big.NewRat(int64(count), 1)); within.holds(load) {
			inner = append(inner, load)
		}
	}
	for _, load := range e.load {
		if within.holds(load) {
			inner = append(inner, load)
		}
	}
	var parts []interval
	low := within.low
	for _, load := range sorted(inner) {
		parts = append(parts, interval{low, load}, interval{load, load})
		low = load
	}
	return append(parts, interval{low, within.high})
}
