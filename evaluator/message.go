package evaluator

import (
	"math"
	"strconv"
	"strings"
)

// Message says in one or two plain sentences what was decided and why, with the numbers. It never claims a write
// that did not happen: the first words follow the outcome. It is made anew at every call.
func (d *Decision) Message() string {
	explain, known := explanations[d.Reason]
	if !known {
		explain = func(d *Decision, _ *PolicyDecision) string { return string(d.Reason) }
	}
	return d.headline() + ": " + explain(d, d.chosen()) + "." + d.firesBeside() + d.railsBeside()
}

// firesBeside tells of the scheduled actions that were due and are not the reason of the decision.
func (d *Decision) firesBeside() string {
	var text strings.Builder
	for k := range d.Scheduled {
		f := &d.Scheduled[k]
		if f.Status == FireApplied && d.Reason == ByScheduledAction || f.Status == FireSuspended && d.Reason == ScheduledScalingSuspended {
			continue
		}
		text.WriteString(" Scheduled action " + f.Name + " " + f.became() + ".")
	}
	return text.String()
}

// became is what became of the fire.
func (f *ScheduledFire) became() string {
	bounds := "min capacity to " + strconv.Itoa(f.Min) + " and max capacity to " + strconv.Itoa(f.Max)
	switch f.Status {
	case FireApplied:
		return "set " + bounds
	case FireFailed:
		return "failed: it would set " + bounds + ", and the bounds stay as they were"
	case FireSuspended:
		return "was due, but scheduled scaling is suspended; it is not made up for"
	default:
		return "was missed while nobody looked, and catch_up is none"
	}
}

// chosen is the policy that the decision's reason is about; without one it is a policy that knows nothing, so
// that an explanation never has to ask.
func (d *Decision) chosen() *PolicyDecision {
	if d.Policy >= 0 && d.Policy < len(d.Policies) {
		return &d.Policies[d.Policy]
	}
	for i := range d.Policies {
		if d.Policies[i].Reason == d.Reason {
			return &d.Policies[i]
		}
	}
	return &PolicyDecision{}
}

// headline is what became of the desired count.
func (d *Decision) headline() string {
	switch {
	case d.Reason == ServiceNotFound || d.Reason == ServiceNotDescribed:
		return "Not scaled" // No count is known that it could be held at.
	case d.Action == Hold:
		return "Held at " + strconv.Itoa(d.Desired)
	}
	change := " from " + strconv.Itoa(d.Desired) + " to " + strconv.Itoa(d.Wanted)
	if d.Action == ScaleIn {
		return d.attempt("scale in", "scaled in", change)
	}
	return d.attempt("scale out", "scaled out", change)
}

// attempt is what became of the write of a change. Where ECS gave no answer it may have taken it all the same.
func (d *Decision) attempt(do, done, change string) string {
	class, failed := strings.CutPrefix(string(d.Outcome), string(OutcomeFailed))
	switch {
	case class == "timeout" || class == "server":
		return "May not have " + done + change + " (" + class + ")"
	case failed:
		return "Could not " + do + change + " (" + spaced(class) + ")"
	case d.Outcome == OutcomeWritten:
		return "S" + done[1:] + change
	case d.Outcome == OutcomeDryRun:
		return "Would " + do + change + " (dry run)"
	case d.Outcome == OutcomeRateLimited:
		return "Could not " + do + change + " yet (rate limited)"
	case d.Outcome == OutcomeNone || d.Outcome == "":
		return "Would " + do + change
	default:
		return "Did not " + do + change + " (" + spaced(string(d.Outcome)) + ")"
	}
}

func spaced(s string) string { return strings.ReplaceAll(s, "_", " ") }

// sizing is how a policy came to its number.
func (p *PolicyDecision) sizing() string {
	if !p.HasMetric || len(p.Alarms) == 0 {
		return "its alarm is in ALARM"
	}
	if p.Type == StepScaling {
		return p.stepSizing()
	}
	return p.measured() + ", " + p.besideTarget() + "; " + p.computation()
}

// measured is the metric, how it was aggregated, and of how much: "CPUUtilization averaged 93.1 over 3 datapoints".
func (p *PolicyDecision) measured() string {
	a := &p.Alarms[p.alarm()]
	n, number := a.Judged, decimal(p.Metric)
	switch p.Aggregation {
	case Latest:
		return a.MetricName + " was " + number + " at the latest datapoint"
	case Maximum:
		return a.MetricName + " was at most " + number + " over " + counted(n, "datapoint")
	case Minimum:
		return a.MetricName + " was at least " + number + " over " + counted(n, "datapoint")
	default:
		return a.MetricName + " averaged " + number + " over " + counted(n, "datapoint")
	}
}

func (p *PolicyDecision) besideTarget() string {
	low, target := p.Alarms[p.alarm()].Threshold, decimal(p.TargetValue)
	switch {
	case p.Wish == ScaleIn && p.Metric < low:
		return "below " + decimal(low) + " at a target of " + target
	case p.Wish == ScaleOut && p.Metric > p.TargetValue:
		return "above the target of " + target
	default:
		return "against the target of " + target
	}
}

// computation is the formula of target tracking with its numbers.
func (p *PolicyDecision) computation() string {
	if p.Base == 0 && p.Wish == ScaleOut {
		return "nothing to compute from, so it starts with 1" + p.creditClause()
	}
	formula := "ceil(" + strconv.Itoa(p.Base) + " x " + decimal(p.Metric) + " / " + decimal(p.TargetValue) + ")"
	return formula + p.lessCredit() + " = " + strconv.Itoa(p.Wanted) + p.creditClause()
}

// lessCredit is the credit in the formula itself, which it is only in with CreditDifference.
func (p *PolicyDecision) lessCredit() string {
	if p.Credit == 0 || p.CooldownCredit != CreditDifference {
		return ""
	}
	return " - " + strconv.Itoa(p.Credit)
}

// creditClause says that the policy does not count again what it has just added.
func (p *PolicyDecision) creditClause() string {
	if p.Credit == 0 {
		return ""
	}
	return ", after taking out the " + strconv.Itoa(p.Credit) + " it has just added"
}

func (p *PolicyDecision) stepSizing() string {
	a := &p.Alarms[0]
	offset := p.Metric - a.Threshold
	where := "on the threshold of "
	switch {
	case offset > 0:
		where = decimal(offset) + " above the threshold of "
	case offset < 0:
		where = decimal(-offset) + " below the threshold of "
	}
	text := p.measured() + ", " + where + decimal(a.Threshold)
	if p.AdjustmentType == "" {
		return text
	}
	return text + "; " + p.adjustment() + p.lessCredit() + " = " + strconv.Itoa(p.Wanted) + p.creditClause()
}

// adjustment is the step that applies: "2 + 3", "10 + 30 %", "exactly 5".
func (p *PolicyDecision) adjustment() string {
	if p.AdjustmentType == ExactCapacity {
		return "exact capacity"
	}
	operator, size := " + ", p.Adjustment
	if size < 0 {
		operator, size = " - ", -size
	}
	unit := ""
	if p.AdjustmentType == PercentChangeInCapacity {
		unit = " %"
	}
	return "step " + strconv.Itoa(p.Base) + operator + strconv.Itoa(size) + unit
}

// decimal writes a number for people: at most three decimals, more only where nothing would be left of it.
func decimal(v float64) string {
	if v != 0 && math.Abs(v) < 0.001 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	text := strconv.FormatFloat(v, 'f', 3, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// PolicySentence says why the policy with this index of Policies wants what it wants, or was held, without a full stop.
func (d *Decision) PolicySentence(i int) string {
	p := &d.Policies[i]
	explain, known := explanations[p.Reason]
	if !known {
		return string(p.Reason)
	}
	return explain(d, p)
}
