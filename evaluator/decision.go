package evaluator

import "time"

// Action is what a decision does to the desired count.
type Action string

// Hold is a decision like any other.
const (
	Hold     Action = "hold"
	ScaleOut Action = "scale_out"
	ScaleIn  Action = "scale_in"
)

// Reason is the one code that says why a decision is what it is.
type Reason string

// AWS's not-scaled reasons keep their names (API NotScaledReason.Code).
const (
	AlreadyAtMaxCapacity                 Reason = "AlreadyAtMaxCapacity"
	AlreadyAtMinCapacity                 Reason = "AlreadyAtMinCapacity"
	AlreadyAtDesiredCapacity             Reason = "AlreadyAtDesiredCapacity"
	AutoScalingAnticipatedFlapping       Reason = "AutoScalingAnticipatedFlapping"
	TargetServicePutResourceAsUnscalable Reason = "TargetServicePutResourceAsUnscalable"
)

// Why it scaled.
const (
	ByTargetTracking    Reason = "TargetTrackingPolicy"
	ByStepScaling       Reason = "StepScalingPolicy"
	ByScheduledAction   Reason = "ScheduledAction"
	ByOverride          Reason = "Override" // also why a policy's wish came to nothing meanwhile
	RaisedToMinCapacity Reason = "RaisedToMinCapacity"
	LoweredToMax        Reason = "LoweredToMaxCapacity"
)

// Why it did not.
const (
	WithinTarget              Reason = "WithinTarget"
	AlarmNotInAlarm           Reason = "AlarmNotInAlarm"
	NoMatchingStep            Reason = "NoMatchingStep"
	NothingDue                Reason = "NothingDue"
	InsufficientData          Reason = "InsufficientData"
	StaleData                 Reason = "StaleData"
	CooldownInEffect          Reason = "CooldownInEffect"
	ActivityInProgress        Reason = "ActivityInProgress"
	PolicyNotReadyToScaleIn   Reason = "PolicyNotReadyToScaleIn"
	OutOfBoundsByOthers       Reason = "OutOfBoundsByOthers"
	DynamicScalingSuspended   Reason = "DynamicScalingSuspended"
	ScheduledScalingSuspended Reason = "ScheduledScalingSuspended"
	ServiceSwitchedOff        Reason = "ServiceSwitchedOff"
	ServiceNotFound           Reason = "ServiceNotFound"
	ServiceNotActive          Reason = "ServiceNotActive"
	ServiceNotScalable        Reason = "ServiceNotScalable"
	ServiceNotDescribed       Reason = "ServiceNotDescribed"
	ManagedPolicyConflict     Reason = "ManagedPolicyConflict"  // Application Auto Scaling scales the service, too
	ManagedPoliciesUnknown    Reason = "ManagedPoliciesUnknown" // nobody knows yet whether it does
)

// Why a safety rail of ours, which AWS does not have, held it back.
const (
	ScaleInForbidden Reason = "ScaleInForbidden"
	HeldByFlapGuard  Reason = "FlapGuard"
	HeldByFleetBrake Reason = "FleetBrake"
)

// Outcome is what became of the decision's write; it is not a reason.
type Outcome string

// The outcomes. A failed write is "failed:" and the class of the error.
const (
	OutcomeNone        Outcome = "none"
	OutcomeWritten     Outcome = "written"
	OutcomeDryRun      Outcome = "dry_run"
	OutcomeRateLimited Outcome = "rate_limited"
	OutcomeNotLeader   Outcome = "not_leader" // another daemon steers the cluster, or did a moment ago
	OutcomeFailed      Outcome = "failed:"    // followed by an error class
)

// Decision carries every number on the way to a desired count. Evaluate fills one that the caller
// owns and reuses its slices. The log line, the JSON, the metrics and the tests all render it.
type Decision struct {
	Target Key
	Time   time.Time
	Action Action
	Reason Reason
	// Outcome is set by whoever acts on the decision.
	Outcome Outcome
	// Desired, Running and Pending are the counts seen before the decision, Wanted the desired count decided after
	// every guard; on Hold it equals Desired.
	Desired, Running, Pending, Wanted int
	// Min and Max are the bounds in force, after the scheduled actions in this decision.
	Min, Max int
	// Start is the count that the policies started from: Desired, brought into the bounds where this decision registers
	// the target or a scheduled action has set new ones.
	Start int
	// Scheduled are the scheduled actions that were due, in the order in which they fired.
	Scheduled []ScheduledFire
	// Policy is the index in Policies of the one whose wish was carried out or stopped, -1 if there is none.
	Policy   int
	Policies []PolicyDecision
	// Registers says that carrying this decision out (or finding nothing to do) registers the target, for the first time
	// or with the bounds that a scheduled action has set.
	Registers bool
	// Steering is what persons steered: the suspensions and the override in force, and a suspension that is over but was not
	// when a scheduled action was due.
	Steering []Steering
	// Pins says that carrying this decision out (or finding nothing to do) carries out an override.
	Pins bool
	// Rails are the safety rails that were in effect.
	Rails []Rail
	// Next is when to look again: nothing can happen sooner, as long as nobody else changes the service.
	Next time.Time
}

// PolicyDecision is what one policy made of the observation.
type PolicyDecision struct {
	Name string
	Type PolicyType
	// Wish is the direction that the policy's alarms ask for, Hold when they ask for nothing. Action is what
	// the guards left of it: Hold beside another Wish is a wish that was stopped, Reason says by what.
	Wish   Action
	Action Action
	Reason Reason
	// Wanted is the policy's own wish before bounds; it counts only when HasWanted.
	Wanted    int
	HasWanted bool
	// Metric is the aggregated number the wish was sized from; it counts only when HasMetric.
	Metric    float64
	HasMetric bool
	// Aggregation is how Metric was made of the datapoints.
	Aggregation Aggregation
	// TargetValue is of target tracking, else 0.
	TargetValue float64
	// Adjustment is the ScalingAdjustment of the step that applies, and AdjustmentType how it is meant; both are
	// zero for target tracking and where no step applies.
	Adjustment     int
	AdjustmentType AdjustmentType
	// Base is the capacity the wish was computed from: the running count after Credit, what the policy has
	// itself just added, was taken out. With CreditDifference Credit was taken out of the change instead.
	Base, Credit int
	// CooldownCredit is how the policy counts Credit.
	CooldownCredit CooldownCredit
	// CooldownEnds is the deadline that stopped the wish, zero when none did.
	CooldownEnds time.Time
	// UsualCooldown is how long the policy waits before a scale-in, WidenedCooldown how long while the flap guard holds it
	// back; both are zero when it does not.
	UsualCooldown, WidenedCooldown time.Duration
	Alarms                         []AlarmDecision
}

// AlarmDecision is the state of one alarm and the datapoints it was judged on.
type AlarmDecision struct {
	Name string
	// MetricName is what people call the metric: its name or, for metric math, the returned expression.
	MetricName string
	State      AlarmState
	Previous   AlarmState
	Threshold  float64
	Operator   ComparisonOperator
	// Judged counts the real datapoints that the alarm was judged on.
	Judged int
	// Breaching counts the real datapoints beyond the threshold among those judged, of the
	// DatapointsToAlarm needed and EvaluationPeriods judged.
	Breaching, DatapointsToAlarm, EvaluationPeriods int
	// Partial says that the last read of the metric was incomplete, which never justifies a scale-in.
	Partial bool
	// End and Period place Values, oldest first; NaN is a missing datapoint.
	End, Period int64
	Values      []float64
}

// Seen reports whether the counts are known: nobody knows those of a service that ECS does not know or
// that could not be described.
func (d *Decision) Seen() bool {
	return d.Reason != ServiceNotFound && d.Reason != ServiceNotDescribed
}
