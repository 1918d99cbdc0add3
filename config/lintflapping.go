package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/evaluator/fixedpoint"
)

// flapping warns of policies that cannot come to rest, each metric for itself.
func (e linted) flapping() {
	var done []string
	for i := range e.Policies {
		metric := e.shared(i)
		if metric == "" || slices.Contains(done, metric) {
			continue
		}
		done = append(done, metric)
		var together []int
		for k := range e.Policies {
			if e.shared(k) == metric {
				together = append(together, k)
			}
		}
		e.together(together)
	}
}

// shared names what is shared out over the tasks and shows in the metric of the policy, or is empty where the metric is
// something else: the length of a queue does not depend on the number of tasks. Periods do not matter at a
// constant load, and statistics of a utilisation do not where each task has as much.
func (e linted) shared(i int) string {
	m := e.metric(&e.Policies[i].Alarms[0])
	switch {
	case m.Namespace == ecsNamespace && strings.HasSuffix(m.MetricName, "Utilization") && m.Stat != "Sum" && m.Stat != "SampleCount":
		return fmt.Sprint(m.MetricName, m.Dimensions)
	case m.Namespace == "AWS/ApplicationELB" && m.MetricName == "RequestCountPerTarget":
		return fmt.Sprint(m.MetricName, m.Stat, m.Dimensions)
	default:
		return ""
	}
}

// together says what is worst about policies that follow one metric.
func (e linted) together(policies []int) {
	v := e.verdict(policies)
	if q := v.Cycle; q != nil {
		e.warnf(e.at(scalesIn(q)), "%s cannot come to rest at a constant load: %s, and so on without end%s; %s",
			e.involved(q), e.story(q), e.sameFor(q), e.advice(v, scalesIn(q)))
		return
	}
	if o, found := fixedpoint.Overlapping(e.Target, policies); found {
		high, low := &e.Policies[o.Above].Alarms[0], lastAlarm(&e.Policies[o.Below])
		e.warnf(e.at(o.Below), "%s and %s are in ALARM at once where %s is %s %s and %s %s: whichever acts first, the other takes it back; let %s scale in only below %s, with a margin",
			e.name(o.Above), e.name(o.Below), e.metric(high).MetricName,
			high.Operator.Words(), text(o.Low), low.Operator.Words(), text(o.High), e.name(o.Below), text(o.Low))
		return
	}
	if q := v.Overshoot; q != nil {
		e.warnf(e.at(scalesIn(q)), "policy %s scales in by more than the band between scale-in and scale-out bears: %s; %s",
			e.name(scalesIn(q)), e.story(q), e.advice(v, scalesIn(q)))
	}
}

func lastAlarm(p *evaluator.Policy) *evaluator.Alarm { return &p.Alarms[len(p.Alarms)-1] }

// verdict asks fixedpoint, once for all entries that differ in their names only.
func (e linted) verdict(policies []int) verdict {
	key := e.question(policies)
	if v, known := e.searched[key]; known {
		return v
	}
	v := verdict{Result: fixedpoint.Search(e.Target, policies)}
	q := v.Cycle
	if q == nil {
		q = v.Overshoot
	}
	if q != nil {
		v.calmer, v.ok = fixedpoint.Calmer(e.Target, policies, scalesIn(q))
	}
	e.searched[key] = v
	return v
}

// question is everything that the search depends on, with the places of the policies in the entry.
func (e linted) question(policies []int) string {
	var b strings.Builder
	fmt.Fprint(&b, e.Min, e.Max)
	if e.Rails != nil {
		fmt.Fprint(&b, e.Rails.MaxScaleOutStep, e.Rails.MaxScaleInStep)
	}
	for _, i := range policies {
		p := &e.Policies[i]
		fmt.Fprint(&b, "|", i, p.Type, p.TargetTracking, p.Step)
		for _, a := range p.Alarms {
			fmt.Fprint(&b, a.Operator, a.Threshold)
		}
	}
	return b.String()
}

// scalesIn is the policy that takes tasks away first.
func scalesIn(q *fixedpoint.Sequence) int { return q.Moves[0].Policy }

// involved names the policies of a sequence.
func (e linted) involved(q *fixedpoint.Sequence) string {
	var names []string
	for _, m := range q.Moves {
		if name := e.name(m.Policy); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 1 {
		return "policy " + names[0]
	}
	return "policies " + strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// mostMoves is how much of a long sequence is told.
const mostMoves = 6

// story tells the moves with their numbers.
func (e linted) story(q *fixedpoint.Sequence) string {
	metric := e.metric(&e.Policies[scalesIn(q)].Alarms[0]).MetricName
	parts := []string{fmt.Sprintf("with a load of %s (%s x tasks)", numeral(q.Load), metric)}
	for k, m := range q.Moves {
		if k == mostMoves {
			parts = append(parts, "and on")
			break
		}
		parts = append(parts, fmt.Sprintf("%s at %s each, for which %s sets %d", tasks(m.Count), numeral(m.Metric), e.name(m.Policy), m.To))
	}
	return parts[0] + " there are " + strings.Join(parts[1:], ", then ")
}

func tasks(n int) string {
	if n == 1 {
		return "1 task"
	}
	return strconv.Itoa(n) + " tasks"
}

// sameFor says which loads do the same.
func (e linted) sameFor(q *fixedpoint.Sequence) string {
	switch {
	case q.Above == q.Below:
		return ", at exactly this load"
	case math.IsInf(q.Below, 1):
		return ", as with every load above " + numeral(q.Above)
	default:
		return ", as with every load above " + numeral(q.Above) + " and below " + numeral(q.Below)
	}
}

// advice is what was found to end it, and else what usually does.
func (e linted) advice(v verdict, policy int) string {
	if v.ok {
		return fmt.Sprintf("with a threshold of %s or less for %s it does not happen", text(v.calmer), e.name(policy))
	}
	return "leave a margin between scaling out and scaling in that is wider than what one step makes of the metric, or let one policy follow the metric"
}

// numeral is a number with at most six digits, as a person would write it.
func numeral(x float64) string { return strconv.FormatFloat(roundTo(x, 6), 'f', -1, 64) }

func roundTo(x float64, digits int) float64 {
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', digits, 64), 64)
	if err != nil {
		return x
	}
	return y
}
