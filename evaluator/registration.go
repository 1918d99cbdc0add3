package evaluator

// Registration is what RegisterScalableTarget sets of a scalable target (API RegisterScalableTarget): the bounds of
// its desired count, 0 <= Min <= Max, and the kinds of scaling that are switched off.
type Registration struct {
	Min       int            `json:"min"`
	Max       int            `json:"max"`
	Suspended SuspendedState `json:"suspended,omitzero"`
}

// clamp brings a count into the bounds.
func (r Registration) clamp(count int) int { return min(max(count, r.Min), r.Max) }

// Registration is what the configuration says of the target.
func (t *Target) Registration() Registration {
	return Registration{Min: t.Min, Max: t.Max, Suspended: t.Suspended}
}

// InForce is the registration that holds: the configuration's, and over it what scheduled actions and
// RegisterScalableTarget have set, each value until the configuration changes its own.
func (m *Memory) InForce(t *Target) Registration {
	r := Registration{Min: m.Min, Max: m.Max, Suspended: m.Suspended}
	file := t.Registration()
	if file == m.File {
		return r
	}
	r.Min = changed(r.Min, m.File.Min, file.Min)
	r.Max = changed(r.Max, m.File.Max, file.Max)
	if r.Min > r.Max {
		r.Min, r.Max = file.Min, file.Max
	}
	s, before, now := &r.Suspended, m.File.Suspended, file.Suspended
	s.DynamicScalingIn = changed(s.DynamicScalingIn, before.DynamicScalingIn, now.DynamicScalingIn)
	s.DynamicScalingOut = changed(s.DynamicScalingOut, before.DynamicScalingOut, now.DynamicScalingOut)
	s.Scheduled = changed(s.Scheduled, before.Scheduled, now.Scheduled)
	return r
}

// changed is the value in force, or what the configuration says now if that is no longer what it said before.
func changed[T comparable](inForce, before, now T) T {
	if before != now {
		return now
	}
	return inForce
}

// Register sets r for the target, as RegisterScalableTarget does: the next decision brings the count into the
// bounds, also where r changes none of them (aws-semantics 6.1). r.Min must not exceed r.Max.
func (m *Memory) Register(t *Target, r Registration) {
	m.adopt(t, r)
	m.Registered = false
}

// adopt puts r in force over the present configuration, and reports whether that is news.
func (m *Memory) adopt(t *Target, r Registration) bool {
	file := t.Registration()
	if m.File == file && (Registration{m.Min, m.Max, m.Suspended}) == r {
		return false
	}
	m.Min, m.Max, m.Suspended, m.File = r.Min, r.Max, r.Suspended, file
	return true
}
