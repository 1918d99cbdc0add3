package daemon

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/appscaling"
)

func (c *Comparison) note(text string) { c.Notes = append(c.Notes, text) }

func (c *Comparison) differ(code, format string, args ...any) {
	c.Differences = append(c.Differences, Difference{code, fmt.Sprintf(format, args...)})
}

// cooled is how long after an activity a cooldown may matter: as long as the default of AWS's cooldowns (aws-semantics 1.10).
const cooled = 5 * time.Minute

// noteShortly says that AWS's last activity followed another one, whose cooldown has a say there and not in hindsight.
func (c *Comparison) noteShortly(before *appscaling.Activity) {
	a := c.Managed.LastActivity
	if after := a.StartTime.Sub(before.StartTime); before.Scaled() && before.Policy != "" && after <= cooled {
		c.note(fmt.Sprintf("AWS's activity before it (%s, policy %s) was %s earlier; what its cooldown holds back or counts is not in what would have been decided here",
			changed(before), before.Policy, after))
	}
}

func changed(a *appscaling.Activity) string {
	if a.From == nil {
		return fmt.Sprintf("to %d", *a.To)
	}
	return fmt.Sprintf("from %d to %d", *a.From, *a.To)
}

// judge finds the differences. Of what might have been decided at AWS's last activity that counts which AWS decided, if it is among it.
func (c *Comparison) judge(spec *evaluator.Target, then []evaluator.Decision) {
	c.Result = ResultSame
	switch c.Then = c.chosen(then); {
	case c.Then != nil:
		c.judgeThen()
	case c.Now != nil && c.Now.Action != evaluator.Hold:
		c.differ("decision_now", "here the count would be set from %d to %d now, which AWS has not done", c.Now.Desired, c.Now.Wanted)
	}
	c.judgeBounds(spec)
	c.judgeNames(spec)
	if s := c.Managed.Suspended; s != (evaluator.SuspendedState{}) {
		c.note("at AWS: " + appscaling.Words(s) + ", so it does less than its policies want")
	}
	if len(c.Differences) > 0 {
		c.Result = ResultDifferent
	}
}

// chosen is the decision to compare with AWS's activity: one that agrees, else that of its own minute. None counts that was made
// without data.
func (c *Comparison) chosen(then []evaluator.Decision) *evaluator.Decision {
	if len(then) == 0 {
		return nil
	}
	for i := range then {
		if c.agrees(&then[i]) && !blind(&then[i]) {
			return &then[i]
		}
	}
	if blind(&then[0]) {
		c.note("not decided anew at AWS's last activity: CloudWatch does not have the metrics of then (" + string(then[0].Reason) + ")")
		return nil
	}
	return &then[0]
}

// blind says that a decision was made without data.
func blind(d *evaluator.Decision) bool {
	return d.Reason == evaluator.InsufficientData || d.Reason == evaluator.StaleData
}

// agrees says that a decision comes to what AWS did: the same count where it scaled, the same where it did not.
func (c *Comparison) agrees(d *evaluator.Decision) bool {
	a := c.Managed.LastActivity
	if a.Scaled() {
		return d.Action != evaluator.Hold && a.To != nil && d.Wanted == *a.To
	}
	return d.Action == evaluator.Hold
}

func (c *Comparison) judgeThen() {
	a, d := c.Managed.LastActivity, c.Then
	at := a.StartTime.Format("2006-01-02 15:04:05") + " UTC"
	switch {
	case c.agrees(d):
		if len(a.NotScaled) > 0 && a.NotScaled[0].Code != string(d.Reason) {
			c.note("AWS did not scale for " + a.NotScaled[0].Code + ", here it would have been " + string(d.Reason))
		}
	case a.Scaled():
		c.differ("decision_then", "at %s AWS set the count from %d to %d; here: %s", at, *a.From, *a.To, d.Message())
	default:
		c.differ("decision_then", "at %s AWS left the count at %d (%s); here: %s", at, *a.From, a.NotScaled[0].Code, d.Message())
	}
}

// judgeBounds compares those in force.
func (c *Comparison) judgeBounds(spec *evaluator.Target) {
	low, high := spec.Min, spec.Max
	if c.Now != nil && c.Now.Seen() {
		low, high = c.Now.Min, c.Now.Max
	}
	moved := ""
	if len(c.Managed.Scheduled) > 0 {
		moved = " (AWS's scheduled actions move it)"
	}
	if c.Managed.MinCapacity != low {
		c.differ("min_capacity", "min_capacity is %d at AWS%s and %d here", c.Managed.MinCapacity, moved, low)
	}
	if c.Managed.MaxCapacity != high {
		c.differ("max_capacity", "max_capacity is %d at AWS%s and %d here", c.Managed.MaxCapacity, moved, high)
	}
}

// judgeNames looks for policies and scheduled actions of AWS's that the configuration has not. A step policy that several alarms start
// is several here, by the names that import gives them.
func (c *Comparison) judgeNames(spec *evaluator.Target) {
	for _, name := range c.Managed.Policies {
		if !slices.ContainsFunc(spec.Policies, func(p evaluator.Policy) bool {
			return p.Name == name || p.Type == evaluator.StepScaling && strings.HasPrefix(p.Name, name+"-")
		}) {
			c.differ("policy", "AWS's scaling policy %s has no counterpart of that name here", name)
		}
	}
	for _, name := range c.Managed.Scheduled {
		if !slices.ContainsFunc(spec.ScheduledActions, func(a evaluator.ScheduledAction) bool { return a.Name == name }) {
			c.differ("scheduled_action", "AWS's scheduled action %s has no counterpart of that name here", name)
		}
	}
}
