package explain

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"ecs-autoscaler/evaluator"
)

// Text explains a decision as of now. The note is what is wrong with the target besides, such as that it could not be described; ""
// is nothing. It ends with a line break.
func Text(d *evaluator.Decision, now time.Time, note string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at %s\n\n%s\n", d.Target, stamp(d.Time), d.Message())
	if note != "" {
		fmt.Fprintf(&b, "%s.\n", strings.TrimRight(note, "."))
	}
	if d.Seen() {
		fmt.Fprintf(&b, "\nSeen: %d desired, %d running, %d pending; bounds %d to %d.\n", d.Desired, d.Running, d.Pending, d.Min, d.Max)
	}
	b.WriteString(byHand(d))
	for i := range d.Policies {
		b.WriteString("\n" + policy(d, i))
	}
	if d.Action == evaluator.Hold {
		b.WriteString("\n" + outlook(d))
	}
	if !d.Next.IsZero() {
		fmt.Fprintf(&b, "\nThe next look is at %s%s.\n", stamp(d.Next), ahead(d.Next.Sub(now)))
	}
	for i := range d.Policies {
		if plot := plotOf(&d.Policies[i]); plot != "" {
			b.WriteString("\n" + plot + "\n")
		}
	}
	return b.String()
}

// byHand is a paragraph about what persons steer, "" where that is nothing.
func byHand(d *evaluator.Decision) string {
	var b strings.Builder
	for i := range d.Steering {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "By hand: %s.\n", d.Steering[i].Sentence())
	}
	return b.String()
}

// stamp is an instant with its date: an explanation may be of any day.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// ahead says how far an instant is, if it is to come.
func ahead(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return ", in " + d.Round(time.Second).String()
}

// types are what people call the types of policies.
var types = map[evaluator.PolicyType]string{
	evaluator.TargetTrackingScaling: "target tracking", evaluator.StepScaling: "step scaling",
}

// policy is a paragraph about one policy: its wish and what became of it, and each of its alarms.
func policy(d *evaluator.Decision, i int) string {
	p := &d.Policies[i]
	var b strings.Builder
	fmt.Fprintf(&b, "Policy %s (%s%s) %s\n", p.Name, types[p.Type], aim(p), became(d, i))
	for j := range p.Alarms {
		fmt.Fprintf(&b, "  %s\n", alarm(p, &p.Alarms[j]))
	}
	return b.String()
}

// aim is what a policy follows.
func aim(p *evaluator.PolicyDecision) string {
	if len(p.Alarms) == 0 {
		return ""
	}
	if p.TargetValue > 0 {
		return " of " + p.Alarms[0].MetricName + " at " + number(p.TargetValue)
	}
	return " on " + p.Alarms[0].MetricName
}

// became is the wish of a policy and what the guards left of it. Why, the decision's own sentence says of the policy that it is about,
// or of all where it is the service that nothing can be done to.
func became(d *evaluator.Decision, i int) string {
	p := &d.Policies[i]
	text := "wanted nothing"
	if p.Wish != evaluator.Hold {
		text = "wanted to " + verb[p.Wish]
		if p.HasWanted {
			text += " to " + strconv.Itoa(p.Wanted)
		}
		if p.Action != p.Wish {
			text += " and was held, " + string(p.Reason)
		}
	}
	if i == d.Policy || p.Action != p.Wish && p.Reason == d.Reason && ways[d.Reason].service != nil {
		return text + "."
	}
	return text + ": " + d.PolicySentence(i) + "."
}

var verb = map[evaluator.Action]string{evaluator.ScaleOut: "scale out", evaluator.ScaleIn: "scale in", evaluator.Hold: "hold"}

// alarm is the state of one alarm, with what it takes to be in ALARM.
func alarm(p *evaluator.PolicyDecision, a *evaluator.AlarmDecision) string {
	text := "its alarm is " + state(a) + ": " + judged(a)
	if len(p.Alarms) > 1 {
		text = "alarm " + a.Name + " is " + state(a) + ": " + judged(a)
	}
	if n := missing(a.Values); n > 0 {
		text += "; " + counted(n, "datapoint") + " missing"
	}
	if a.Partial {
		text += "; the last read was incomplete"
	}
	return text
}

// judged is how many datapoints are beyond the threshold, and how many must be.
func judged(a *evaluator.AlarmDecision) string {
	if a.EvaluationPeriods == 1 {
		return "the newest datapoint " + plural(a.Breaching, "is ", "is not ") + beyond(a)
	}
	return fmt.Sprintf("%d of the newest %d datapoints %s %s, %d %s needed", a.Breaching, a.EvaluationPeriods,
		plural(a.Breaching, "is", "are"), beyond(a), a.DatapointsToAlarm, plural(a.DatapointsToAlarm, "is", "are"))
}

func missing(values []float64) (n int) {
	for _, v := range values {
		if math.IsNaN(v) {
			n++
		}
	}
	return n
}

func state(a *evaluator.AlarmDecision) string {
	if a.Previous != "" && a.Previous != a.State {
		return string(a.State) + ", after " + string(a.Previous)
	}
	return string(a.State)
}

// beyond is the comparison: "above 60".
func beyond(a *evaluator.AlarmDecision) string {
	return a.Operator.Words() + " " + number(a.Threshold)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func counted(n int, what string) string { return strconv.Itoa(n) + " " + what + plural(n, "", "s") }

// number has as many digits as people read, three behind the point.
func number(x float64) string {
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(x, 'f', 3, 64), "0"), ".")
}
