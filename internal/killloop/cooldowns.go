package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// chain is what the audit knows of the cooldowns of a service.
type chain struct {
	out, in *store.Activity // the last of each policy, nil where its cooldown binds nothing
	// added is what the chain of scale-outs has added and nobody has taken away since.
	added int
}

// cooldownsKept checks that a step waits for the cooldown of the one before by the same policy. A scale-out ends the cooldown of
// scale-ins. A scale-in gives as much back to the next scale-out as it takes away: a spike after it is answered at once.
func (a *audit) cooldownsKept(all []store.Activity) {
	chains := map[string]*chain{}
	for i := range all {
		t := &all[i]
		if t.Status == evaluator.Failed || cooldowns[t.Policy] == 0 {
			continue
		}
		c := chains[t.Target.Service]
		if c == nil {
			c = &chain{}
			chains[t.Target.Service] = c
		}
		if before := c.follow(t); before != nil {
			a.violate("%s scaled %s from %d to %d at %s although the cooldown of the activity that ended at %s is %s%s", t.Target.Service,
				t.Policy, t.From, t.To, t.StartTime.Format(time.TimeOnly), before.EndTime.Format(time.TimeOnly), cooldowns[t.Policy],
				a.around(t.Target.Service, t.StartTime))
		}
	}
}

// follow takes an activity, and returns the one before whose cooldown it does not keep.
func (c *chain) follow(t *store.Activity) (broken *store.Activity) {
	if t.Policy == "in" {
		if within(c.in, t) {
			broken = c.in
		}
		c.in, c.added = t, max(0, c.added-(t.From-t.To))
		return broken
	}
	if within(c.out, t) {
		if t.To-t.From > max(0, outStep-c.added) {
			broken = c.out
		}
	} else {
		c.added = 0
	}
	c.out, c.in, c.added = t, nil, c.added+t.To-t.From
	return broken
}

// within says that t began before the cooldown of an earlier one was over. What was not Successful begins none.
func within(before, t *store.Activity) bool {
	return before != nil && before.Status == evaluator.Successful && t.StartTime.Before(before.EndTime.Add(cooldowns[t.Policy]))
}

// aroundFor is how much before and after a violation is shown.
const aroundFor = 45 * time.Second

// around tells what happened to a service about an instant: activities, calls and kills in the order of time.
func (a *audit) around(service string, at time.Time) string {
	type line struct {
		at   time.Time
		text string
	}
	var lines []line
	add := func(when time.Time, format string, args ...any) {
		if d := when.Sub(at); d > -aroundFor && d < aroundFor {
			lines = append(lines, line{when, fmt.Sprintf(format, args...)})
		}
	}
	for _, t := range a.known {
		if t.Target.Service == service {
			add(t.StartTime, "activity %d %s %d to %d: %s until %s (%s)", t.Generation, t.Policy, t.From, t.To, t.Status,
				t.EndTime.Format(time.TimeOnly), t.StatusMessage)
		}
	}
	for i := range a.calls {
		if c := &a.calls[i]; c.Input.Service == service {
			add(c.Time, "call %d set it to %d %s", c.Number, c.Input.DesiredCount, c.Fault)
		}
	}
	for _, t := range a.killed {
		add(t, "killed")
	}
	slices.SortStableFunc(lines, func(x, y line) int { return x.at.Compare(y.at) })
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "\n    %s %s", l.at.UTC().Format("15:04:05.000"), l.text)
	}
	return b.String()
}
