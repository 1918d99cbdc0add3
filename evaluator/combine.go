package evaluator

// combine turns what the guards left of the wishes into one count and one reason.
func (e *pass) combine() {
	d := e.d
	winner := e.winner(ScaleOut)
	if winner < 0 {
		winner = e.winner(ScaleIn)
	}
	if winner >= 0 && d.Policies[winner].Action != towards(d.Desired, e.limited(winner)) {
		winner = -1 // It would only take back a part of what scheduled actions make of the count just now: that is for the next look.
	}
	d.Wanted = e.desired
	if winner >= 0 {
		d.Wanted = e.limited(winner)
	}
	d.Action = towards(d.Desired, d.Wanted)
	switch {
	case d.Action != Hold && winner >= 0:
		d.Policy, d.Reason = winner, d.Policies[winner].Reason
		e.noteLimit(winner)
	case d.Action != Hold:
		d.Reason = e.bound()
	default:
		e.explainHold()
	}
}

// bound is why the count moved without a policy: an override, a scheduled action that has moved a bound just now, or the bound itself.
func (e *pass) bound() Reason {
	switch {
	case e.pinned:
		return ByOverride
	case e.moved:
		return ByScheduledAction
	case e.d.Action == ScaleOut:
		return RaisedToMinCapacity
	default:
		return LoweredToMax
	}
}

// fired says that a scheduled action was due and became that.
func (e *pass) fired(status FireStatus) bool {
	for k := range e.d.Scheduled {
		if e.d.Scheduled[k].Status == status {
			return true
		}
	}
	return false
}

// winner is the policy whose wish is carried out: the one with the largest capacity, for out and for in
// (API PutScalingPolicy), -1 if there is none. Of two equal ones it is the first in the file.
func (e *pass) winner(direction Action) int {
	best := -1
	for i := range e.d.Policies {
		if e.d.Policies[i].Action == direction && (best < 0 || e.larger(i, best)) {
			best = i
		}
	}
	return best
}

// larger says that policy i comes to a larger capacity than policy k: with a step limit to what that leaves of it, for a
// policy whose own step is nearly used up may want the most and get the least.
func (e *pass) larger(i, k int) bool {
	if e.t.Rails != nil {
		if mine, others := e.limited(i), e.limited(k); mine != others {
			return mine > others
		}
	}
	return e.d.Policies[i].Wanted > e.d.Policies[k].Wanted
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
		return e.r.clamp(p.Wanted)
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

// wishRank is the rank from which on a policy has wished for something.
const wishRank = 4

// explainHold finds the reason of a decision that changes nothing: that of the policy where it matters most, of two
// equal ones the first in the file. An override, and a scheduled action that is suspended, stand between wishes and rest.
func (e *pass) explainHold() {
	d, foremost, most := e.d, -1, 0
	for i := range d.Policies {
		if rank := d.Policies[i].rank(); rank > most {
			foremost, most = i, rank
		}
	}
	if foremost >= 0 {
		d.Reason = d.Policies[foremost].Reason
	}
	switch {
	case most >= wishRank:
		d.Policy = foremost
	case steering(d.Steering, SteersCount) != nil:
		d.Reason = ByOverride
	case e.fired(FireSuspended):
		d.Reason = ScheduledScalingSuspended
	}
}

// rank says how much the policy's reason matters where nothing changes: a wish that was stopped, scale-out before
// scale-in, before the reason of one that wishes for nothing.
func (p *PolicyDecision) rank() int {
	switch p.Wish {
	case ScaleOut:
		return wishRank + 1
	case ScaleIn:
		return wishRank
	default:
		return restRank(p.Reason)
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
