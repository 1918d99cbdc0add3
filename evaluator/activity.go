package evaluator

import "strconv"

// ActivityStatus is the status of a scaling activity (API ScalingActivity.StatusCode).
type ActivityStatus string

// The statuses of a scaling activity.
const (
	// Pending: the write is intended, ECS has not answered yet.
	Pending ActivityStatus = "Pending"
	// InProgress: ECS has accepted the count, the running count has not reached it yet.
	InProgress ActivityStatus = "InProgress"
	// Successful: the running count has reached the desired count.
	Successful ActivityStatus = "Successful"
	// Overridden: the desired count was changed again before it was reached.
	Overridden ActivityStatus = "Overridden"
	// Unfulfilled: ECS did not get there in time, or cannot any more.
	Unfulfilled ActivityStatus = "Unfulfilled"
	// Failed: ECS did not accept the count.
	Failed ActivityStatus = "Failed"
)

// StatusMessage is AWS's text for an activity in status s that set the desired count to to. changedTo is the
// count found with Overridden, why the error with Failed and Unfulfilled; Pending has no text.
func StatusMessage(s ActivityStatus, to, changedTo int, why string) string {
	done := "Successfully set desired count to " + strconv.Itoa(to) + ". "
	switch s {
	case InProgress:
		return done + "Waiting for change to be fulfilled by ecs."
	case Successful:
		return done + "Change successfully fulfilled by ecs."
	case Overridden:
		return done + "Found it was later changed to " + strconv.Itoa(changedTo) + "."
	case Unfulfilled:
		return done + "Change was not fulfilled by ecs." + because(why)
	case Failed:
		return "Failed to set desired count to " + strconv.Itoa(to) + "." + because(why)
	default:
		return ""
	}
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " Reason: " + why
}

// ForeignDescription is the text of the record of a change that somebody else made.
func ForeignDescription(to int) string {
	return "Somebody else set desired count to " + strconv.Itoa(to) + "."
}

// ForeignCause is its cause: what the count was before, as it was last seen or written here.
func ForeignCause(from, to int) string {
	return "the desired count was found changed from " + strconv.Itoa(from) + " to " + strconv.Itoa(to) + ", and not by this daemon"
}

// ActivityDescription is AWS's description of an activity that sets the desired count to to.
func ActivityDescription(to int) string {
	return "Setting desired count to " + strconv.Itoa(to) + "."
}

// BoundsDescription is AWS's description of the activity of a scheduled action that sets both bounds.
func BoundsDescription(low, high int) string {
	return "Setting min capacity to " + strconv.Itoa(low) + " and max capacity to " + strconv.Itoa(high)
}

// Activity is the status of the activity that a scheduled action makes by setting the bounds, and its message. It makes
// none where it was suspended or missed; then the status is empty.
func (f *ScheduledFire) Activity() (s ActivityStatus, message string) {
	low, high := strconv.Itoa(f.Min), strconv.Itoa(f.Max)
	switch f.Status {
	case FireApplied:
		return Successful, "Successfully set min capacity to " + low + " and max capacity to " + high + "."
	case FireFailed:
		return Failed, "Failed to set min capacity to " + low + " and max capacity to " + high +
			"." + because("min capacity must not exceed max capacity: a scheduled action that moves one bound past the other has to set both.")
	default:
		return "", ""
	}
}

// Cause is the cause of the activity of a scheduled action in AWS's words.
func (f *ScheduledFire) Cause() string { return "scheduled action name " + f.Name + " was triggered" }

// Cause is the cause of the activity in AWS's words: the alarm and policy that triggered it, or the bound
// that was set. It is empty for a decision that changes nothing.
func (d *Decision) Cause() string {
	switch {
	case d.Action == Hold:
		return ""
	case d.Reason == ByOverride:
		return d.overrideCause()
	case d.Reason == RaisedToMinCapacity, d.Reason == ByScheduledAction && d.Action == ScaleOut:
		return "minimum capacity was set to " + strconv.Itoa(d.Min)
	case d.Reason == LoweredToMax, d.Reason == ByScheduledAction:
		return "maximum capacity was set to " + strconv.Itoa(d.Max)
	default:
		return d.Trigger()
	}
}

// Trigger is the alarm and the policy that the decision is about in AWS's words, also where it holds: AWS records an
// attempt that did not scale with the same cause. It is empty for a decision that is about no policy.
func (d *Decision) Trigger() string {
	if d.Policy < 0 || d.Policy >= len(d.Policies) {
		return ""
	}
	return d.Policies[d.Policy].cause(d.Target)
}

func (p *PolicyDecision) cause(k Key) string {
	if len(p.Alarms) == 0 {
		return "triggered policy " + p.Name
	}
	a := &p.Alarms[p.alarm()]
	return "monitor alarm ecs-autoscaler/" + k.String() + "/" + p.Name + "/" + a.Name +
		" in state " + string(a.State) + " triggered policy " + p.Name
}
