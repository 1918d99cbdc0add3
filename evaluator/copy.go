package evaluator

// CopyFrom makes d a deep copy of src and reuses d's slices, so that a latest decision can be kept without allocating.
func (d *Decision) CopyFrom(src *Decision) {
	policies, scheduled, steering, rails := resize(d.Policies, len(src.Policies)), d.Scheduled, d.Steering, d.Rails
	*d = *src
	d.Policies, d.Scheduled = policies, append(scheduled[:0], src.Scheduled...)
	d.Steering = append(steering[:0], src.Steering...)
	d.Rails = append(rails[:0], src.Rails...)
	for i := range policies {
		policies[i].copyFrom(&src.Policies[i])
	}
}

func (p *PolicyDecision) copyFrom(src *PolicyDecision) {
	alarms := resize(p.Alarms, len(src.Alarms))
	*p = *src
	p.Alarms = alarms
	for j := range alarms {
		values := resize(alarms[j].Values, len(src.Alarms[j].Values))
		alarms[j] = src.Alarms[j]
		alarms[j].Values = values
		copy(values, src.Alarms[j].Values)
	}
}
