package evaluator

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Reasons are all reasons that a decision can have, sorted.
func Reasons() []Reason { return slices.Sorted(maps.Keys(explanations)) }

// Evidence is one line an alarm: its state and the datapoints that it was judged on, oldest first, in the notation of
// policy tests (80x3 is 80 three times, _ is a missing one). It stands beside Message where somebody has to see why.
func (d *Decision) Evidence() []string {
	var lines []string
	for i := range d.Policies {
		for j := range d.Policies[i].Alarms {
			lines = append(lines, d.Policies[i].Name+"/"+d.Policies[i].Alarms[j].evidence())
		}
	}
	return lines
}

func (a *AlarmDecision) evidence() string {
	state := string(a.State)
	if a.Previous != a.State {
		state += " (was " + string(a.Previous) + ")"
	}
	if a.Period == 0 {
		return a.Name + ": " + state + "; " + a.MetricName + " could not be read"
	}
	text := a.Name + ": " + state + "; " + a.MetricName + " " + a.Operator.symbol() + " " + exact(a.Threshold) + ": " +
		strconv.Itoa(a.Breaching) + " breaching, " + strconv.Itoa(a.DatapointsToAlarm) + " of " + strconv.Itoa(a.EvaluationPeriods) + " needed"
	layout := "15:04"
	if a.Period < minute {
		layout = time.TimeOnly
	}
	begin := time.Unix(a.End-int64(len(a.Values))*a.Period, 0).UTC()
	return text + "; every " + strconv.FormatInt(a.Period, 10) + " s from " + begin.Format(layout) + ": " + runs(a.Values)
}

// symbol is the operator as people write it in a line of numbers.
func (op ComparisonOperator) symbol() string {
	sign := ">"
	if op.Below() {
		sign = "<"
	}
	if op.orEqual() {
		sign += "="
	}
	return sign
}

// runs writes runs of equal values as value x count.
func runs(values []float64) string {
	var words []string
	for i := 0; i < len(values); {
		n := 1
		for i+n < len(values) && (values[i+n] == values[i] || missing(values[i+n]) && missing(values[i])) {
			n++
		}
		word := "_"
		if !missing(values[i]) {
			word = exact(values[i])
		}
		if n > 1 {
			word += "x" + strconv.Itoa(n)
		}
		words = append(words, word)
		i += n
	}
	return strings.Join(words, " ")
}

// exact shows what decimal rounds away: that 10.0001 is more than 10 decides.
func exact(v float64) string { return strconv.FormatFloat(v, 'g', 10, 64) }
