package fixedpoint

import "ecs-autoscaler/evaluator"

// Overlap is a range of a metric, from Low to High, in which two alarms are in ALARM at once: one of the policy Above (an index in
// Target.Policies), which looks for values above its threshold, one of the policy Below. Which of the two acts then depends on
// which alarm is the quicker one, so that Search, which sees both at rest, is not the whole truth.
type Overlap struct {
	Above, Below int
	Low, High    float64
}

// Overlapping finds the first pair of alarms of two of these policies that overlap. All of them must follow one metric.
func Overlapping(t *evaluator.Target, policies []int) (Overlap, bool) {
	for _, i := range policies {
		for _, k := range policies {
			for _, high := range t.Policies[i].Alarms {
				for _, low := range t.Policies[k].Alarms {
					if i != k && !high.Operator.Below() && low.Operator.Below() && overlap(high, low) {
						return Overlap{Above: i, Below: k, Low: high.Threshold, High: low.Threshold}, true
					}
				}
			}
		}
	}
	return Overlap{}, false
}

func overlap(high, low evaluator.Alarm) bool {
	both := high.Operator == evaluator.GreaterThanOrEqualToThreshold && low.Operator == evaluator.LessThanOrEqualToThreshold
	return high.Threshold < low.Threshold || high.Threshold == low.Threshold && both
}
