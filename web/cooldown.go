package web

import (
	"iter"
	"time"

	"ecs-autoscaler/evaluator"
)

// ends is when the cooldowns of one policy end, zero for a direction in which nothing was fulfilled.
type ends struct {
	policy            string
	scaleOut, scaleIn time.Time
}

// cooldownEnds derives the ends from what is remembered and the policies as they are configured now, in their
// order. A policy that the memory does not know yet has none.
func cooldownEnds(t *evaluator.Target, m *evaluator.Memory) iter.Seq[ends] {
	return func(yield func(ends) bool) {
		if t == nil || m == nil {
			return
		}
		for i := range t.Policies {
			if !yield(endsOf(&t.Policies[i], m)) {
				return
			}
		}
	}
}

func endsOf(p *evaluator.Policy, m *evaluator.Memory) ends {
	e := ends{policy: p.Name}
	c := cooldownOf(p, m)
	if c == nil {
		return e
	}
	if !c.ScaleOutFulfilled.IsZero() {
		e.scaleOut = c.ScaleOutFulfilled.Add(p.ScaleOutCooldown)
	}
	if !c.ScaleInFulfilled.IsZero() {
		e.scaleIn = c.ScaleInFulfilled.Add(p.ScaleInCooldown)
	}
	return e
}

// cooldownOf is the cooldown that the policy answers to, nil if none is remembered.
func cooldownOf(p *evaluator.Policy, m *evaluator.Memory) *evaluator.Cooldown {
	if p.CooldownScope == evaluator.ScopeTarget {
		return &m.Shared
	}
	for i := range m.Policies {
		if m.Policies[i].Name == p.Name {
			return &m.Policies[i].Cooldown
		}
	}
	return nil
}
