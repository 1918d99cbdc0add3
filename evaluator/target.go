package evaluator

import (
	"strings"
	"time"
)

// Key names a scalable target: one ECS service in one cluster.
type Key struct {
	// Account is the name that the configuration gives to another AWS account or region; empty is the daemon's own.
	Account string `json:"account,omitempty"`
	Cluster string `json:"cluster"`
	Service string `json:"service"`
}

// String is the form people write: cluster/service, or account/cluster/service where an account is named.
func (k Key) String() string {
	if k.Account == "" {
		return k.Cluster + "/" + k.Service
	}
	return k.Account + "/" + k.Cluster + "/" + k.Service
}

// Target is a scalable target as the configuration describes it, with every default filled in.
// It is immutable once built; the policies' alarms refer to Metrics by index.
type Target struct {
	Key
	// Min and Max are the capacity bounds, 0 <= Min <= Max.
	Min, Max int
	// Policies stand in file order: target tracking first, then step scaling.
	Policies []Policy
	// ScheduledActions stand in file order.
	ScheduledActions []ScheduledAction
	// Metrics are what the policies read. Two policies that want the same metric share one entry.
	Metrics []Metric
	// Suspended switches off kinds of scaling (API SuspendedState).
	Suspended SuspendedState
	// ScaleInDuringDeployment lets scale-in go on while an ECS deployment is in progress; AWS holds it.
	ScaleInDuringDeployment bool
	// StartSwitchedOff lets a desired count of 0 below a positive Min be raised; otherwise it
	// means that a person switched the service off.
	StartSwitchedOff bool
	// Rails are the target's safety rails, nil for none. Targets of one configuration entry share them.
	Rails *Rails
}

// SuspendedState has the members of the AWS structure of that name; the zero value suspends nothing.
type SuspendedState struct {
	DynamicScalingIn  bool `json:"dynamic_scaling_in_suspended"`
	DynamicScalingOut bool `json:"dynamic_scaling_out_suspended"`
	Scheduled         bool `json:"scheduled_scaling_suspended"`
}

// PolicyType is the AWS name of a kind of scaling policy (API PolicyType).
type PolicyType string

// The policy types that the evaluator knows.
const (
	TargetTrackingScaling PolicyType = "TargetTrackingScaling"
	StepScaling           PolicyType = "StepScaling"
)

// Policy is one scaling policy of a target. Type says which of TargetTracking and Step is filled in.
type Policy struct {
	Name string
	Type PolicyType
	// Alarms are High and Low for target tracking (Low is absent with DisableScaleIn), and the
	// one alarm of a step policy.
	Alarms []Alarm
	// ScaleOutCooldown and ScaleInCooldown are whole seconds, >= 0; a step policy has the same in both.
	ScaleOutCooldown, ScaleInCooldown time.Duration
	// CooldownScope says whose activities the cooldowns of this policy answer to.
	CooldownScope CooldownScope
	// CooldownCredit says how capacity that the policy has just added counts towards its next wish.
	CooldownCredit CooldownCredit
	// ScaleInDuringScaleOutCooldown allows scale-in while the policy's scale-out cooldown runs; AWS does not forbid it.
	ScaleInDuringScaleOutCooldown bool
	// Aggregation turns the datapoints an alarm reports into the one number a step is sized from.
	Aggregation Aggregation

	TargetTracking TargetTracking
	Step           Step
}

// TargetTracking is the part of a policy that only target tracking has.
type TargetTracking struct {
	// TargetValue is the value the metric is kept near, > 0.
	TargetValue float64
	// DisableScaleIn makes the policy one that never removes capacity and has no Low alarm.
	DisableScaleIn bool
}

// Step is the part of a policy that only step scaling has.
type Step struct {
	AdjustmentType AdjustmentType
	// Adjustments are sorted by lower bound and have neither gap nor overlap.
	Adjustments []StepAdjustment
	// MinAdjustmentMagnitude is 0 when unset; only with PercentChangeInCapacity.
	MinAdjustmentMagnitude int
}

// StepAdjustment is one interval, relative to the alarm's threshold (API StepAdjustment). An open
// bound is -Inf or +Inf.
type StepAdjustment struct {
	LowerBound, UpperBound float64
	ScalingAdjustment      int
}

// AdjustmentType is the AWS name of how a ScalingAdjustment is meant (API AdjustmentType).
type AdjustmentType string

// The adjustment types of step scaling.
const (
	ChangeInCapacity        AdjustmentType = "ChangeInCapacity"
	ExactCapacity           AdjustmentType = "ExactCapacity"
	PercentChangeInCapacity AdjustmentType = "PercentChangeInCapacity"
)

// Aggregation turns several datapoints into one number.
type Aggregation string

// Average, Minimum and Maximum are AWS's (API MetricAggregationType); Latest, the newest
// datapoint alone, is ours for target tracking.
const (
	Average Aggregation = "Average"
	Minimum Aggregation = "Minimum"
	Maximum Aggregation = "Maximum"
	Latest  Aggregation = "Latest"
)

// CooldownScope says whether a cooldown holds back only the policy that acted or every policy of the target.
type CooldownScope string

// AWS does not document which of the two it does; the policy that acted is the default.
const (
	ScopePolicy CooldownScope = "policy"
	ScopeTarget CooldownScope = "target"
)

// CooldownCredit says how the capacity a policy added during its cooldown counts.
type CooldownCredit string

const (
	// CreditBase takes it out of the base that the next adjustment is computed from (the default).
	CreditBase CooldownCredit = "base"
	// CreditDifference computes the adjustment from the running count and takes it out of the change.
	CreditDifference CooldownCredit = "difference"
)

// ParseKey reads what String wrote. No part can contain a slash; text without one is a service without a cluster.
func ParseKey(text string) Key {
	part := strings.SplitN(text, "/", 3)
	switch len(part) {
	case 1:
		return Key{Service: text}
	case 2:
		return Key{Cluster: part[0], Service: part[1]}
	default:
		return Key{Account: part[0], Cluster: part[1], Service: part[2]}
	}
}
