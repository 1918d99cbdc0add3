package evaluator

// combine turns what the guards left of the wishes into one count and one reason.
func (e *pass) combine() {
	d := e.d
	winner := e.winner(ScaleOut)
	if winner < 0 {
		winner = e.winner(ScaleIn)
	}
	if winner >= 0 && d.Policies[winner].Action != towards(d.Desired, e.bounded(&d.Policies[winner])) {
		winner = -1 // It would only take back a part of what scheduled actions make of the count just now: that is for the next look.
	}
	d.Wanted = e.desired
	if winner >= 0 {
		d.Wanted = e.bounded(&d.Policies[winner])
	}
	d.Action = towards(d.Desired, d.Wanted)
	switch {
	case d.Action != Hold && winner >= 0:
		d.Policy, d.Reason = winner, d.Policies[winner].Reason
	case d.Action != Hold:
		d.Reason = e.bound()
	default:
		e.explainHold()
	}
}

// bound is why the bounds moved the count: a scheduled action that has set them just now, or the bound itself.
func (e *pass) bound() Reason {
	for k := range e.d.Scheduled {
		if e.d.Scheduled[k].Status == FireApplied {
			return ByScheduledAction
		}
	}
	if e.d.Action == ScaleOut {
		return RaisedToMinCapacity
	}
	return LoweredToMax
}

// winner is the policy whose wish is carried out: the one with the largest capacity, for out and for in
// (API PutScalingPolicy), -1 if there is none. Of two equal ones it is the first in the file.
func (e *pass) winner(direction Action) int {
	best := -1
	for i := range e.d.Policies {
		p := &e.d.Policies[i]
		if p.Action == direction && (best < 0 || p.Wanted > e.d.Policies[best].Wanted) {
			best = i
		}
	}
	return best
}

// bounded is the wish brought into the bounds. Where somebody has set the count beyond one, a wish leads back to
// that bound first and goes on from there at the next look (aws-semantics 1.11).
func (e *pass) bounded(p *PolicyDecision) int {
	switch {
	case e.desired < e.r.Min:
		return e.r.Min
	case e.desired > e.r.Max:
		return e.r.Max
	default:
		return e.clamp(p.Wanted)
	}
}

func towards(from, to int) Action {
	switch {
	case to > from:
		return ScaleOut
	case to < from:
		return ScaleIn
	default:
		return Hold
	}
}

// explainHold finds the reason of a decision that changes nothing: a wish that was stopped, scale-out before
// scale-in, else what the policies lack, else that all is well.
func (e *pass) explainHold() {
	d := e.d
	for _, direction := range [...]Action{ScaleOut, ScaleIn} {
		for i := range d.Policies {
			if d.Policies[i].Wish == direction {
				d.Policy, d.Reason = i, d.Policies[i].Reason
				return
			}
		}
	}
	for k := range d.Scheduled {
		if d.Scheduled[k].Status == FireSuspended {
			d.Reason = ScheduledScalingSuspended
			return
		}
	}
	for i := range d.Policies {
		if restRank(d.Policies[i].Reason) > restRank(d.Reason) {
			d.Reason = d.Policies[i].Reason
		}
	}
}

// restRank orders the reasons of policies that wish for nothing by how much they matter.
func restRank(r Reason) int {
	switch r {
	case InsufficientData, StaleData, HighResolutionUnsupported:
		return 3
	case WithinTarget:
		return 2
	case AlarmNotInAlarm:
		return 1
	default:
		return 0
	}
}
