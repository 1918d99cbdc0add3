package view

import (
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// Activity is a scaling activity with the field names of the AWS API (ScalingActivity), and beside them
// what the daemon knows more: the policy, the counts, the direction and the reason.
type Activity struct {
	ActivityID        string                   `json:"activity_id"`
	ServiceNamespace  string                   `json:"service_namespace"`
	ResourceID        string                   `json:"resource_id"`
	ScalableDimension string                   `json:"scalable_dimension"`
	Description       string                   `json:"description"`
	Cause             string                   `json:"cause"`
	StartTime         time.Time                `json:"start_time"`
	EndTime           *time.Time               `json:"end_time"`
	StatusCode        evaluator.ActivityStatus `json:"status_code"`
	StatusMessage     string                   `json:"status_message"`
	Account           string                   `json:"account,omitempty"`
	Cluster           string                   `json:"cluster"`
	Service           string                   `json:"service"`
	PolicyName        string                   `json:"policy_name,omitempty"`
	PolicyType        evaluator.PolicyType     `json:"policy_type,omitempty"`
	Direction         evaluator.Action         `json:"direction"`
	From              int                      `json:"from"`
	To                int                      `json:"to"`
	Reason            evaluator.Reason         `json:"reason"`
	// NotScaledReasons is of an activity that did not scale only.
	NotScaledReasons []NotScaledReason `json:"not_scaled_reasons,omitempty"`
}

// NotScaledReason says why an activity did not scale, with the one count that explains it (API NotScaledReason).
type NotScaledReason struct {
	Code            evaluator.Reason `json:"code"`
	MaxCapacity     *int             `json:"max_capacity,omitempty"`
	MinCapacity     *int             `json:"min_capacity,omitempty"`
	CurrentCapacity *int             `json:"current_capacity,omitempty"`
}

// ActivityOf shows an activity.
func ActivityOf(a *store.Activity) Activity {
	return Activity{
		ActivityID:       a.ID,
		ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount",
		ResourceID:  "service/" + a.Target.Cluster + "/" + a.Target.Service,
		Description: a.Description, Cause: a.Cause,
		StartTime: a.StartTime.UTC(), EndTime: Instant(a.EndTime),
		StatusCode: a.Status, StatusMessage: a.StatusMessage,
		Account: a.Target.Account, Cluster: a.Target.Cluster, Service: a.Target.Service,
		PolicyName: a.Policy, PolicyType: a.PolicyType,
		Direction: a.Direction, From: a.From, To: a.To, Reason: a.Reason,
	}
}

// Instant shows a time in UTC, and null where there is none.
func Instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	u := t.UTC()
	return &u
}
