package evaluator

import "slices"

// NewMemory is what is known of a target before its first look: nothing. Its alarms start in
// INSUFFICIENT_DATA, as CloudWatch's do.
func NewMemory(t *Target) *Memory {
	m := &Memory{LastDesired: -1}
	m.Bind(t)
	return m
}

// Clone is a deep copy: committed memories are never changed in place.
func (m *Memory) Clone() *Memory {
	c := *m
	c.Policies = slices.Clone(m.Policies)
	c.Actions = slices.Clone(m.Actions)
	c.Steering = slices.Clone(m.Steering)
	c.Told = slices.Clone(m.Told)
	for i := range c.Policies {
		c.Policies[i].Alarms = slices.Clone(m.Policies[i].Alarms)
	}
	if m.Undo != nil {
		u := *m.Undo
		u.Cooldowns = slices.Clone(m.Undo.Cooldowns)
		u.Flaps = m.Undo.Flaps.clone()
		c.Undo = &u
	}
	c.Flaps = m.Flaps.clone()
	return &c
}

// Bind aligns the memory with the target after a reload: policies and alarms are found again by name and
// keep their state (updating an alarm leaves its state alone, API PutMetricAlarm), new ones start fresh,
// those that are gone are dropped.
func (m *Memory) Bind(t *Target) {
	policies := make([]PolicyMemory, len(t.Policies))
	cooldowns := make([]Cooldown, len(t.Policies))
	for i := range t.Policies {
		p := &t.Policies[i]
		known := PolicyMemory{Name: p.Name}
		if k := m.policy(p.Name); k >= 0 {
			known = m.Policies[k]
			if m.Undo != nil && k < len(m.Undo.Cooldowns) {
				cooldowns[i] = m.Undo.Cooldowns[k]
			}
		}
		known.Alarms = bindAlarms(known.Alarms, p.Alarms)
		policies[i] = known
	}
	m.Policies = policies
	m.Actions = bindActions(m.Actions, t.ScheduledActions)
	if m.Undo != nil {
		undo := *m.Undo
		undo.Cooldowns = cooldowns
		m.Undo = &undo
	}
	m.bindFlaps(t)
}

// bindFlaps forgets what no flap guard watches any more.
func (m *Memory) bindFlaps(t *Target) {
	if t.flapGuard() != nil {
		return
	}
	m.Flaps = nil
	if m.Undo != nil {
		m.Undo.Flaps = nil // Bind has made it a copy of its own
	}
}

func bindAlarms(known []AlarmMemory, alarms []Alarm) []AlarmMemory {
	bound := make([]AlarmMemory, len(alarms))
	for j := range alarms {
		bound[j] = AlarmMemory{Name: alarms[j].Name, State: InsufficientDataState}
		k := slices.IndexFunc(known, func(a AlarmMemory) bool { return a.Name == alarms[j].Name })
		if k >= 0 {
			bound[j] = known[k]
		}
	}
	return bound
}

// policy is the index of the policy with this name, -1 if it is not (or no longer) known.
func (m *Memory) policy(name string) int {
	for i := range m.Policies {
		if m.Policies[i].Name == name {
			return i
		}
	}
	return -1
}

// TakeBounds takes over the bounds that d decided on and the scheduled actions that were due at it, and reports whether
// that is news. Until the count is within the bounds (see Remember) the target counts as not registered, so
// that a write that fails is made up for.
func (m *Memory) TakeBounds(t *Target, d *Decision) bool {
	r := m.InForce(t)
	moved := d.Registers || m.File != t.Registration()
	for k := range d.Scheduled {
		if f := &d.Scheduled[k]; f.Status == FireApplied {
			r.Min, r.Max, moved = f.Min, f.Max, true
		}
	}
	news := m.adopt(t, r)
	if d.Reason != ServiceNotDescribed {
		news = m.handle(t, d.Time) || news
	}
	if news {
		m.Registered = m.Registered && !moved
		return true
	}
	return false
}

// Remember takes over what a final decision leaves: its bounds, the alarm states, whether an override has been carried out and
// whether the service is switched off. It reports whether anything changed that must survive a restart.
func (m *Memory) Remember(t *Target, d *Decision) bool {
	changed := m.TakeBounds(t, d)
	if d.Action == Hold || d.Outcome == OutcomeWritten {
		changed = m.rememberDone(d) || changed
	}
	changed = m.rememberAlarms(d) || changed
	off := m.SwitchedOff && d.Desired == 0 || d.Reason == ServiceSwitchedOff
	if d.Reason == ServiceNotDescribed || d.Reason == ServiceNotFound {
		off = m.SwitchedOff
	}
	changed = changed || off != m.SwitchedOff
	m.SwitchedOff = off
	return changed
}

// rememberDone takes over that the count is what registration and override ask for.
func (m *Memory) rememberDone(d *Decision) (changed bool) {
	if d.Registers && !m.Registered {
		m.Registered, changed = true, true
	}
	return d.Pins && m.Pinned(d.Wanted, d.Time) || changed
}

func (m *Memory) rememberAlarms(d *Decision) (changed bool) {
	for i := range min(len(d.Policies), len(m.Policies)) {
		known, seen := m.Policies[i].Alarms, d.Policies[i].Alarms
		for j := range min(len(known), len(seen)) {
			if known[j].State != seen[j].State {
				known[j].State, known[j].Since = seen[j].State, d.Time
				changed = true
			}
		}
	}
	return changed
}
