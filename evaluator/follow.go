package evaluator

import "time"

// FulfilWithin is how long an activity may take before it is Unfulfilled. AWS gives no number; one was still
// InProgress after half an hour without capacity, so an hour it is. From then on it leaves no credit, and the
// policy asks anew from what really runs.
const FulfilWithin = time.Hour

// Transition is what a look at the service changed.
type Transition struct {
	// Status is what the open activity became: Successful, Overridden, Unfulfilled, or empty if it is
	// still open or there is none.
	Status ActivityStatus
	// ChangedTo is the desired count found instead, with Overridden.
	ChangedTo int
	// Foreign says that somebody else changed the desired count From one To another.
	Foreign  bool
	From, To int
}

// Begin notes that d is being written: its activity is open, what a policy adds joins its credit, and a
// scale-out by a policy ends every running scale-in cooldown of the target (aws-semantics 1.10). An
// activity that was still open is superseded: of the same policy it goes on in the new one, of another it
// is overridden and leaves no credit.
func (m *Memory) Begin(t *Target, d *Decision, id string) {
	m.Undo = m.undo()
	policy := d.actor()
	if m.Activity.Open {
		m.supersede(policy, d.Action)
	}
	m.Activity = ActivityMemory{
		ID: id, Policy: policy, From: d.Desired, To: d.Wanted, Open: true, StartedAt: d.Time,
	}
	m.LastDesired = d.Wanted
	if d.Action == ScaleIn {
		m.remove(d.Desired - d.Wanted)
	}
	if i := m.policy(policy); i >= 0 && d.Action == ScaleOut {
		m.add(t, i, d)
	}
	m.turn(t, d)
}

// actor is the name of the policy whose wish is carried out, empty for a change of bounds.
func (d *Decision) actor() string {
	if d.Policy < 0 || d.Policy >= len(d.Policies) {
		return ""
	}
	return d.Policies[d.Policy].Name
}

func (m *Memory) undo() *Undo {
	u := &Undo{LastDesired: m.LastDesired, Activity: m.Activity, Shared: m.Shared, Flaps: m.Flaps}
	for i := range m.Policies {
		u.Cooldowns = append(u.Cooldowns, m.Policies[i].Cooldown)
	}
	return u
}

// supersede takes the credit of the open activity away, unless its own policy goes on scaling out.
func (m *Memory) supersede(next string, action Action) {
	if i := m.policy(m.Activity.Policy); i >= 0 && (m.Activity.Policy != next || action == ScaleIn) {
		m.Policies[i].Cooldown.dropOpen()
	}
	if next == "" || action == ScaleIn {
		m.Shared.dropOpen()
	}
}

// add joins what policy i adds to its credit. What a registration or a scheduled action added in the same
// decision is not the policy's.
func (m *Memory) add(t *Target, i int, d *Decision) {
	from := max(d.Desired, d.Start)
	for k := range m.Policies {
		m.Policies[k].Cooldown.ScaleInFulfilled = time.Time{}
	}
	m.Shared.ScaleInFulfilled = time.Time{}
	var p Policy
	if i < len(t.Policies) {
		p = t.Policies[i]
	}
	m.Policies[i].Cooldown.add(&p, d.Wanted-from, d.Time)
	m.Shared.add(&p, d.Wanted-from, d.Time)
}

// add counts n tasks to the chain of scale-outs, or starts a new chain if the last one is over.
func (c *Cooldown) add(p *Policy, n int, now time.Time) {
	if !c.chained(p, now) {
		c.Added = 0
	}
	c.Added += n
	c.OpenAdded += n
}

// remove takes n tasks that somebody has taken away out of every credit: what was added and is gone again
// serves no load, and must not keep a spike from being answered until the deadline.
func (m *Memory) remove(n int) {
	for i := range m.Policies {
		m.Policies[i].Cooldown.remove(n)
	}
	m.Shared.remove(n)
}

func (c *Cooldown) remove(n int) {
	c.Added = max(0, c.Added-n)
	c.OpenAdded = min(c.OpenAdded, c.Added)
}

// dropOpen takes what the open activity added out of the credit.
func (c *Cooldown) dropOpen() {
	c.Added = max(0, c.Added-c.OpenAdded)
	c.OpenAdded = 0
}

// Follow looks at a fresh description of the service: is the open activity fulfilled, overridden or
// hopeless, and has somebody else changed the desired count? A cooldown starts with fulfilment, which is when
// running equals desired, not with the write.
func (m *Memory) Follow(t *Target, s *Service, now time.Time) Transition {
	if s.DescribedAt.IsZero() || m.Activity.Open && s.DescribedAt.Before(m.Activity.StartedAt) {
		return Transition{}
	}
	gone := s.Status == ServiceMissing || s.Status == ServiceInactive
	var seen Transition
	if m.Activity.Open {
		seen.Status = m.outcome(s, gone, now)
		if seen.Status == Overridden {
			seen.ChangedTo = s.Desired
		}
		m.close(seen.Status, now)
	}
	if !gone {
		m.look(t, s, &seen)
	}
	return seen
}

// outcome is what has become of the open activity, empty if it is still under way.
func (m *Memory) outcome(s *Service, gone bool, now time.Time) ActivityStatus {
	switch {
	case gone:
		return Unfulfilled
	case s.Desired != m.Activity.To:
		return Overridden
	case s.Running == s.Desired:
		return Successful
	case now.Sub(m.Activity.StartedAt) >= FulfilWithin:
		return Unfulfilled
	default:
		return ""
	}
}

// close ends the open activity: fulfilled, it starts the cooldown of its policy; otherwise it leaves nothing.
func (m *Memory) close(status ActivityStatus, now time.Time) {
	if status == "" {
		return
	}
	m.Activity.Open = false
	m.Undo = nil
	if i := m.policy(m.Activity.Policy); i >= 0 {
		m.Policies[i].Cooldown.close(status, &m.Activity, now)
	}
	if m.Activity.Policy != "" {
		m.Shared.close(status, &m.Activity, now)
	}
}

func (c *Cooldown) close(status ActivityStatus, a *ActivityMemory, now time.Time) {
	switch {
	case status != Successful:
		c.dropOpen()
	case a.To > a.From:
		c.ScaleOutFulfilled, c.OpenAdded = now, 0
	case a.To < a.From:
		c.ScaleInFulfilled = now
	}
}

// look compares the desired count with the one last seen or written.
func (m *Memory) look(t *Target, s *Service, seen *Transition) {
	if m.LastDesired >= 0 && s.Desired != m.LastDesired {
		seen.Foreign, seen.From, seen.To = true, m.LastDesired, s.Desired
		before := m.LastDesired
		if seen.Status == Overridden {
			before = m.Activity.From // what the overridden activity added has left the credit already
		}
		m.remove(max(0, before-s.Desired))
	}
	// Whether a 0 is a person's doing can only be told before the new count becomes the one last seen.
	m.SwitchedOff = s.Desired == 0 && (m.SwitchedOff || switchedOff(t, s, m, m.InForce(t).Min))
	m.LastDesired = s.Desired
}

// Fail takes the open activity back: it starts no cooldown and leaves no credit, and what was before it holds
// again. An activity of ours that it was about to supersede is open again.
func (m *Memory) Fail() {
	u := m.Undo
	m.Undo = nil
	if u == nil {
		if m.Activity.Open {
			m.LastDesired = m.Activity.From
			m.close(Failed, m.Activity.StartedAt)
		}
		return
	}
	m.LastDesired, m.Activity, m.Shared, m.Flaps = u.LastDesired, u.Activity, u.Shared, u.Flaps
	for i := range min(len(m.Policies), len(u.Cooldowns)) {
		m.Policies[i].Cooldown = u.Cooldowns[i]
	}
}
