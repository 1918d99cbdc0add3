package config

import (
	"strconv"
	"time"

	"ecs-autoscaler/evaluator"
)

// cooldowns warns of cooldowns that end before the metric can show what was done. They begin when the tasks run, so that
// how long a task takes to start is no part of them; that a running task takes its share of the load at once is assumed.
func (e linted) cooldowns(i int) {
	p := &e.Policies[i]
	if e.Max-e.Min < 2 || p.Step.AdjustmentType == evaluator.ExactCapacity {
		return // There is no second step, or it makes no difference.
	}
	if p.Type == evaluator.StepScaling {
		e.cooldown(i, "cooldown", p.ScaleOutCooldown, e.stands(p, &p.Alarms[0]))
		return
	}
	e.cooldown(i, "scale_out_cooldown", p.ScaleOutCooldown, e.stands(p, &p.Alarms[0]))
	if len(p.Alarms) > 1 {
		// What is left of old datapoints after a scale-in can lead one step too far down, but not back again and again.
		e.cooldown(i, "scale_in_cooldown", p.ScaleInCooldown, standing{period: e.metric(&p.Alarms[1]).Period, n: 1, m: 1})
	}
}

// standing is how long an alarm can stay in ALARM although every new datapoint is good: M of N stay so for N - M + 1 periods.
type standing struct {
	period int64
	n, m   int
}

func (s standing) seconds() int64 { return int64(s.n-s.m+1) * s.period }

// stands looks at an alarm whose policy counts on all of its datapoints, or on the newest alone.
func (e linted) stands(p *evaluator.Policy, a *evaluator.Alarm) standing {
	s := standing{e.metric(a).Period, a.EvaluationPeriods, a.DatapointsToAlarm}
	if p.Aggregation == evaluator.Latest {
		s.n, s.m = 1, 1
	}
	return s
}

func (e linted) cooldown(i int, key string, is time.Duration, s standing) {
	least := s.seconds()
	if is >= time.Duration(least)*time.Second {
		return
	}
	why := "one period, after which the first datapoint is there in which the new count shows"
	if s.n > s.m {
		why = "(" + strconv.Itoa(s.n) + " - " + strconv.Itoa(s.m) + " + 1) x " + strconv.FormatInt(s.period, 10) +
			" s, for which " + strconv.Itoa(s.m) + " of " + strconv.Itoa(s.n) + " old datapoints can keep its alarm in ALARM"
	}
	e.warnf(e.at(i), "%s of policy %s is %d s, less than %d s: %s; until then the policy acts again on a load that is dealt with. The cooldown begins when the tasks run, so their start is not part of it; use %d, and more where a running task needs time before it takes load",
		key, e.name(i), int64(is.Seconds()), least, why, least)
}
