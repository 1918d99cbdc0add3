package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// audit holds what the daemon promised against what the region has seen.
type audit struct {
	*stage
	violations []string
	exports    int
	asked      int // times that the API answered
	last       int64
	writes     int // calls of UpdateService that had their effect
	calls      []call
	// counts are the desired counts as the calls make them, known every activity ever exported, by ID.
	counts map[string]int
	known  map[string]store.Activity
	// shownLast is what the API has shown in the present life.
	shownLast map[string]string
	fulfilled map[string]time.Time
}

func newAudit(s *stage) *audit {
	a := &audit{stage: s, counts: map[string]int{}, known: map[string]store.Activity{}, fulfilled: map[string]time.Time{}}
	return a
}

func (a *audit) violate(format string, args ...any) {
	v := fmt.Sprintf(format, args...)
	a.violations = append(a.violations, v)
	if len(a.violations) <= 20 {
		fmt.Println("VIOLATION:", v)
	}
}

// watch lets the daemon live for a while, and if asked to looks at what its API says of activities.
func (a *audit) watch(ctx context.Context, d *process, long time.Duration, ask bool) {
	died := time.After(long)
	a.shownLast = nil
	for {
		select {
		case <-died:
			return
		case err := <-d.ended:
			d.ended <- err
			return
		case <-time.After(40 * time.Millisecond):
			if !ask {
				continue
			}
			if shown, err := a.shown(ctx); err == nil {
				a.shownLast = shown
				a.asked++
			}
		}
	}
}

// inspect looks at a dead daemon's file, and at what the region has heard.
func (a *audit) inspect(ctx context.Context) error {
	// The calls first: the intent of each is durable before it is made, so it is in the file that is read afterwards.
	calls, err := a.stage.calls(ctx, a.last)
	if err != nil {
		return err
	}
	d, err := a.export(ctx)
	if err != nil {
		a.violate("the state does not open: %v", err)
		return nil
	}
	a.exports++
	activities := append(slices.Clone(d.Activities), d.Open...)
	a.history(activities)
	for i := range calls {
		c := &calls[i]
		a.last = c.Number
		if c.done() {
			a.write(c, activities)
		}
	}
	a.shownIsKept()
	a.memories(d)
	return nil
}

// history checks that nothing that was once there is gone, and that what had ended has not changed.
func (a *audit) history(activities []store.Activity) {
	now := map[string]store.Activity{}
	for i := range activities {
		now[activities[i].ID] = activities[i]
	}
	for id, before := range a.known {
		after, there := now[id]
		if !there {
			a.violate("activity %s is gone", id)
		} else if !before.Open() && after.Status != before.Status {
			a.violate("activity %s was %s and is %s", id, before.Status, after.Status)
		}
	}
	maps.Copy(a.known, now)
}

// write checks that a call has its intent and stays in the bounds.
func (a *audit) write(c *call, activities []store.Activity) {
	a.writes++
	a.calls = append(a.calls, *c)
	to := c.Input.DesiredCount
	if to < lowest || to > highest {
		a.violate("%s was set to %d, beyond %d to %d", c.Input.Service, to, lowest, highest)
	}
	intended := func(t store.Activity) bool { return t.Target.Service == c.Input.Service && t.To == to && near(&t, c) }
	if !slices.ContainsFunc(activities, intended) {
		a.violate("%s was set to %d at %s without an intent", c.Input.Service, to, c.Time.Format(time.StampMilli))
	}
}

// near says that a call can be that of an activity: a write takes ten seconds at most.
func near(t *store.Activity, c *call) bool {
	age := c.Time.Sub(t.StartTime)
	return age > -2*time.Second && age < 20*time.Second
}

// shownIsKept checks that what the API had shown is in the file.
func (a *audit) shownIsKept() {
	for id, status := range a.shownLast {
		kept, there := a.known[id]
		switch {
		case !there:
			a.violate("activity %s was shown and is not in the file", id)
		case status != string(kept.Status) && status != "Pending" && status != "InProgress":
			a.violate("activity %s was shown as %s and is %s in the file", id, status, kept.Status)
		}
	}
}

// memories checks that no cooldown begins earlier than it did.
func (a *audit) memories(d *store.Dump) {
	for _, r := range d.Memories {
		for _, p := range r.Memory.Policies {
			key := r.Target.String() + "/" + p.Name
			if at := p.Cooldown.ScaleOutFulfilled; at.Before(a.fulfilled[key]) {
				a.violate("the scale-out cooldown of %s began at %s and now at %s", key, a.fulfilled[key], at)
			} else {
				a.fulfilled[key] = at
			}
		}
	}
}

// conclude checks what can be checked only in the end: each change of a count has an activity of its own, every activity from before
// the last kill has an outcome, cooldowns were kept, and the region's counts are those of the calls.
func (a *audit) conclude(ctx context.Context, killed time.Time) error {
	used := map[string]bool{}
	all := slices.SortedFunc(maps.Values(a.known), func(x, y store.Activity) int { return int(x.Generation) - int(y.Generation) })
	for i := range a.calls {
		a.owned(&a.calls[i], all, used)
	}
	for i := range all {
		t := &all[i]
		if t.Open() && t.StartTime.Before(killed) {
			a.violate("activity %s has no outcome: %s", t.ID, t.Status)
		}
		if t.Status == evaluator.Successful && !used[t.ID] && t.From != t.To {
			a.violate("activity %s of %s from %d to %d is Successful without a write", t.ID, t.Target, t.From, t.To)
		}
	}
	a.cooldownsKept(all)
	counts, err := a.desired(ctx)
	for service, n := range a.counts {
		if err == nil && counts[service] != n {
			a.violate("%s has %d, but was set to %d", service, counts[service], n)
		}
	}
	return err
}

// owned finds the activity of a call that changed a count: each has one of its own, or a step was made twice.
func (a *audit) owned(c *call, all []store.Activity, used map[string]bool) {
	from, known := a.counts[c.Input.Service]
	to := c.Input.DesiredCount
	if !known {
		from = 3
	}
	a.counts[c.Input.Service] = to
	if from == to {
		return // a second attempt of a call whose answer was lost
	}
	for i := range all {
		t := &all[i]
		// One that Failed has told people that nothing was done.
		if t.Status != evaluator.Failed && t.Target.Service == c.Input.Service && t.From == from && t.To == to && near(t, c) && !used[t.ID] {
			used[t.ID] = true
			return
		}
	}
	a.violate("%s went from %d to %d at %s without an activity of its own", c.Input.Service, from, to, c.Time.Format(time.StampMilli))
}

// cooldownsKept checks that a step waits for the cooldown of the one before by the same policy. A scale-out ends the cooldown of scale-ins.
func (a *audit) cooldownsKept(all []store.Activity) {
	last := map[string]*store.Activity{}
	for i := range all {
		t := &all[i]
		if t.Status == evaluator.Failed || cooldowns[t.Policy] == 0 {
			continue
		}
		service := t.Target.Service
		before := last[service+t.Policy]
		if before != nil && before.Status == evaluator.Successful && t.StartTime.Before(before.EndTime.Add(cooldowns[t.Policy])) {
			a.violate("%s scaled %s at %s although the cooldown of the activity that ended at %s is %s", service, t.Policy,
				t.StartTime.Format(time.TimeOnly), before.EndTime.Format(time.TimeOnly), cooldowns[t.Policy])
		}
		last[service+t.Policy] = t
		if t.Policy == "out" {
			delete(last, service+"in")
		}
	}
}

func (a *audit) report(w io.Writer, s *stage, took time.Duration) {
	statuses := map[string]int{}
	for _, t := range a.known {
		statuses[string(t.Status)]++
	}
	fmt.Fprintf(w, "kills %d, starts %d, in %s\n", s.starts-1, s.starts, took.Round(time.Second))
	fmt.Fprintf(w, "state opened %d times, API answered %d times\n", a.exports, a.asked)
	fmt.Fprintf(w, "writes that had their effect %d\n", a.writes)
	fmt.Fprintf(w, "activities %d:", len(a.known))
	for _, status := range slices.Sorted(maps.Keys(statuses)) {
		fmt.Fprintf(w, " %s %d", status, statuses[status])
	}
	fmt.Fprintf(w, "\nviolations %d\n", len(a.violations))
}
