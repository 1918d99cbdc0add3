package evaluator

import (
	"fmt"
	"time"
)

// MostAhead is how far ahead of now an instant of a memory may lie and still be believed: clocks differ, by hours where a time zone was
// wrong. Nothing in a memory is an instant to come, so what lies further ahead was never true.
const MostAhead = 24 * time.Hour

// Instant is one of a memory, with its place in the memory's JSON, like policies[0].cooldown.scale_in_fulfilled.
type Instant struct {
	Path string
	At   *time.Time
}

// Instants are all that there are in the memory, also those that are zero.
func (m *Memory) Instants() []Instant {
	var all instantList
	for i := range m.Actions {
		at := fmt.Sprintf("actions[%d].", i)
		all.add(at+"registered", &m.Actions[i].Registered)
		all.add(at+"handled", &m.Actions[i].Handled)
	}
	for i := range m.Steering {
		all.add(fmt.Sprintf("steering[%d].since", i), &m.Steering[i].Since)
	}
	all.add("activity.started_at", &m.Activity.StartedAt)
	for i := range m.Policies {
		p, at := &m.Policies[i], fmt.Sprintf("policies[%d].", i)
		for j := range p.Alarms {
			all.add(fmt.Sprintf("%salarms[%d].since", at, j), &p.Alarms[j].Since)
		}
		all.cooldown(at+"cooldown.", &p.Cooldown)
	}
	all.cooldown("shared.", &m.Shared)
	all.flaps("flaps.", m.Flaps)
	for i := range m.Told {
		all.add(fmt.Sprintf("told[%d].since", i), &m.Told[i].Since)
	}
	if u := m.Undo; u != nil {
		all.add("undo.activity.started_at", &u.Activity.StartedAt)
		for i := range u.Cooldowns {
			all.cooldown(fmt.Sprintf("undo.cooldowns[%d].", i), &u.Cooldowns[i])
		}
		all.cooldown("undo.shared.", &u.Shared)
		all.flaps("undo.flaps.", u.Flaps)
	}
	return all
}

type instantList []Instant

func (all *instantList) add(path string, at *time.Time) { *all = append(*all, Instant{path, at}) }

func (all *instantList) cooldown(path string, c *Cooldown) {
	all.add(path+"scale_out_fulfilled", &c.ScaleOutFulfilled)
	all.add(path+"scale_in_fulfilled", &c.ScaleInFulfilled)
}

func (all *instantList) flaps(path string, f *FlapMemory) {
	if f == nil {
		return
	}
	for i := range f.Reversals {
		all.add(fmt.Sprintf("%sreversals[%d]", path, i), &f.Reversals[i])
	}
}

// Rewind makes up for a clock that was ahead, or for a memory that somebody has changed: what lies more than ahead after now has
// not happened then, at the latest it happens now. It reports whether there was anything.
func (m *Memory) Rewind(t *Target, now time.Time, ahead time.Duration) (news bool) {
	for _, i := range m.Instants() {
		if i.At.After(now.Add(ahead)) {
			*i.At, news = now, true
		}
	}
	if news {
		m.Arm(t)
	}
	return news
}
