package evaluator

import "time"

// cooldown is the one that policy i answers to: its own, or that of the whole target.
func (e *pass) cooldown(i int) *Cooldown {
	switch {
	case e.t.Policies[i].CooldownScope == ScopeTarget:
		return &e.m.Shared
	case i < len(e.m.Policies):
		return &e.m.Policies[i].Cooldown
	default:
		return &noCooldown
	}
}

// noCooldown is that of a policy that nothing is remembered of; it is only read.
var noCooldown Cooldown

// scaleOutEnds is the deadline of the scale-out cooldown, an instant long past if there is none.
func (c *Cooldown) scaleOutEnds(p *Policy) time.Time {
	return c.ScaleOutFulfilled.Add(p.ScaleOutCooldown)
}

// scaleInEnds is the deadline of the scale-in cooldown, an instant long past if there is none.
func (c *Cooldown) scaleInEnds(p *Policy) time.Time {
	return c.ScaleInFulfilled.Add(p.ScaleInCooldown)
}

// chained says that what was added last still counts: its activity is open, whatever the cooldown is, or
// its cooldown runs. At the deadline itself the cooldown is over.
func (c *Cooldown) chained(p *Policy, now time.Time) bool {
	return c.OpenAdded > 0 || now.Before(c.scaleOutEnds(p))
}

// credit is the part of what policy i has just added that already runs: +2 and then +3 within the cooldown
// give one more task, not three (aws-semantics 1.10).
func (e *pass) credit(i int) int {
	c := e.cooldown(i)
	if c.Added <= 0 || !c.chained(&e.t.Policies[i], e.d.Time) {
		return 0
	}
	s := &e.o.Service
	return min(max(c.Added-max(0, s.Desired-s.Base), 0), c.Added)
}

// scalingIn says that a scale-in of policy i, or with ScopeTarget of any policy, has not been fulfilled yet.
func (e *pass) scalingIn(i int) bool {
	a, p := &e.m.Activity, &e.t.Policies[i]
	if !a.Open || a.To >= a.From {
		return false
	}
	return a.Policy == p.Name || p.CooldownScope == ScopeTarget && a.Policy != ""
}
