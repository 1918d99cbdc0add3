package fixedpoint

import (
	"math"
	"math/big"

	"ecs-autoscaler/evaluator"
)

// mostTrials is how often a threshold is lowered before Calmer gives up.
const mostTrials = 8

// hair is the least share of a threshold by which it is lowered.
const hair = 0.001

// Calmer is the highest threshold found for a step policy (an index in Target.Policies) with which the policies have neither a
// cycle nor an overshoot any more; false if lowering it does not help. What it returns has been searched like
// the target itself.
func Calmer(t *evaluator.Target, policies []int, policy int) (threshold float64, ok bool) {
	if t.Policies[policy].Type != evaluator.StepScaling {
		return 0, false
	}
	threshold = t.Policies[policy].Alarms[0].Threshold
	for range mostTrials {
		found := Search(with(t, policy, threshold), policies)
		q := found.Cycle
		if q == nil {
			q = found.Overshoot
		}
		if q == nil {
			return threshold, found.UpTo == t.Max
		}
		lower := q.lowestScaleIn(policy)
		if lower >= threshold {
			lower = threshold * (1 - hair) // It lies on the threshold, and with a little less it does not.
		}
		if threshold = short(min(lower, threshold)); threshold <= 0 {
			return 0, false
		}
	}
	return 0, false
}

// with is the target with another threshold.
func with(t *evaluator.Target, policy int, threshold float64) *evaluator.Target {
	own := *t
	own.Policies = append([]evaluator.Policy(nil), t.Policies...)
	alarms := append([]evaluator.Alarm(nil), t.Policies[policy].Alarms...)
	alarms[0].Threshold = threshold
	own.Policies[policy].Alarms = alarms
	return &own
}

// lowestScaleIn is the metric at which the sequence's first scale-in by the policy would cease to be due for all its loads.
func (q *Sequence) lowestScaleIn(policy int) float64 {
	for _, m := range q.Moves {
		if m.Policy == policy && m.To < m.Count {
			return q.Above / float64(m.Count)
		}
	}
	return math.Inf(1)
}

// short cuts a number to four digits, downwards.
func short(x float64) float64 {
	if x <= 0 || math.IsInf(x, 0) {
		return x
	}
	unit := math.Pow(10, 3-math.Floor(math.Log10(x)))
	return math.Floor(x*unit+1e-6) / unit
}

func number(x *big.Rat) float64 {
	if x == nil {
		return math.Inf(1)
	}
	f, _ := x.Float64()
	return f
}
