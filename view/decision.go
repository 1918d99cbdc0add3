package view

import (
	"time"

	"ecs-autoscaler/evaluator"
)

// Decision is the gist of a decision: the members that it shares with the whole object of the API, by the same names and
// with the same values, but for the policies and what they have seen.
type Decision struct {
	Target  string            `json:"target"`
	Time    time.Time         `json:"time"`
	Action  evaluator.Action  `json:"action"`
	Reason  evaluator.Reason  `json:"reason"`
	Outcome evaluator.Outcome `json:"outcome"`
	Desired int               `json:"desired"`
	Running int               `json:"running"`
	Pending int               `json:"pending"`
	Wanted  int               `json:"wanted"`
	Min     int               `json:"min"`
	Max     int               `json:"max"`
	Message string            `json:"message"`
	Policy  *string           `json:"policy"`
	Next    time.Time         `json:"next"`
}

// DecisionOf is the gist of a decision.
func DecisionOf(d *evaluator.Decision) Decision {
	v := Decision{
		Target: d.Target.String(), Time: d.Time.UTC(), Action: d.Action, Reason: d.Reason, Outcome: d.Outcome,
		Desired: d.Desired, Running: d.Running, Pending: d.Pending, Wanted: d.Wanted, Min: d.Min, Max: d.Max,
		Message: d.Message(), Next: d.Next.UTC(),
	}
	if d.Policy >= 0 && d.Policy < len(d.Policies) {
		v.Policy = new(d.Policies[d.Policy].Name)
	}
	return v
}
