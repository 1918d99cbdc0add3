package evaluator

import (
	"encoding/json"
	"time"
)

// Memory is what the evaluator must know of the past of one target. It is durable, and nothing in it
// can be derived from elsewhere. Evaluate only reads it; the methods below are its only writers.
type Memory struct {
	// Registered says that the count has been brought into the bounds since they were last registered.
	Registered bool `json:"registered"`
	// Min, Max and Suspended are what is in force, File what the configuration said when it was last asked (see InForce).
	Min       int            `json:"min"`
	Max       int            `json:"max"`
	Suspended SuspendedState `json:"suspended,omitzero"`
	File      Registration   `json:"file"`
	// Actions has one entry for each of Target.ScheduledActions, in that order (see Bind).
	Actions []ActionMemory `json:"actions,omitempty"`
	// LastDesired is the desired count last seen or written, -1 before the first look. A different
	// count found later is a foreign change.
	LastDesired int `json:"last_desired"`
	// SwitchedOff says that the service was found at 0 below a positive min and not by our hand.
	SwitchedOff bool `json:"switched_off,omitempty"`
	// Activity is the open or last scaling activity of the target.
	Activity ActivityMemory `json:"activity"`
	// Policies has one entry for each of Target.Policies, in that order (see Bind).
	Policies []PolicyMemory `json:"policies"`
	// Shared is the cooldown of the whole target, for policies with ScopeTarget.
	Shared Cooldown `json:"shared"`
	// Undo is what Begin replaced, until its activity is over.
	Undo *Undo `json:"undo,omitempty"`
	// Steering is what persons steer for some time, at most one of a kind (see Obey).
	Steering []Steering `json:"steering,omitempty"`
	// Flaps is what the flap guard remembers, nil where there is none.
	Flaps *FlapMemory `json:"flaps,omitempty"`
	// Told are the conditions that people have been told of and that are not over as far as they know. Evaluate does not look at them.
	Told []Condition `json:"told,omitempty"`
	// Managed is what the managed scaling of the service was before the daemon suspended it; nil where it did not. Nothing is
	// decided by it: it is kept for whoever gives the scaling back to AWS. It is never changed, but replaced.
	Managed *ManagedBefore `json:"managed,omitempty"`
}

// ManagedBefore is a scalable target of Application Auto Scaling before its scaling was suspended.
type ManagedBefore struct {
	// ARN is the target's own (API ScalableTarget.ScalableTargetARN); it is another one when it has been registered anew.
	ARN       string         `json:"scalable_target_arn"`
	Suspended SuspendedState `json:"suspended"`
}

// UnmarshalJSON reads a memory. Before there were runtime bounds it had no File: then Min and Max were the configuration's.
func (m *Memory) UnmarshalJSON(text []byte) error {
	type plain Memory
	in := struct {
		*plain
		File *Registration `json:"file"`
	}{plain: (*plain)(m)}
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	m.File = Registration{Min: m.Min, Max: m.Max}
	if in.File != nil {
		m.File = *in.File
	}
	return nil
}

// Undo is what Fail goes back to: a failed write must leave neither cooldown nor credit, but those of the
// activities before it still hold.
type Undo struct {
	LastDesired int            `json:"last_desired"`
	Activity    ActivityMemory `json:"activity"`
	Cooldowns   []Cooldown     `json:"cooldowns"`
	Shared      Cooldown       `json:"shared"`
	Flaps       *FlapMemory    `json:"flaps,omitempty"`
}

// ActivityMemory is the open or last activity of a target.
type ActivityMemory struct {
	ID string `json:"id,omitempty"`
	// Policy is the name of the policy that made it, empty for a change of bounds.
	Policy string `json:"policy,omitempty"`
	From   int    `json:"from"`
	To     int    `json:"to"`
	// Open says that running has not been seen to equal desired since.
	Open      bool      `json:"open"`
	StartedAt time.Time `json:"started_at"`
}

// PolicyMemory is what is remembered of one policy.
type PolicyMemory struct {
	Name string `json:"name"`
	// Alarms has one entry for each of Policy.Alarms.
	Alarms   []AlarmMemory `json:"alarms"`
	Cooldown Cooldown      `json:"cooldown"`
}

// AlarmMemory is the state of an alarm and since when it holds.
type AlarmMemory struct {
	Name  string     `json:"name"`
	State AlarmState `json:"state"`
	Since time.Time  `json:"since"`
}

// Cooldown is kept as the instants activities were fulfilled; deadlines are derived from the policy's
// present cooldown, so that a changed configuration holds at once.
type Cooldown struct {
	// ScaleOutFulfilled is when the newest fulfilled scale-out was; zero when there was none.
	ScaleOutFulfilled time.Time `json:"scale_out_fulfilled,omitzero"`
	// ScaleInFulfilled is when the newest fulfilled scale-in was; a later scale-out clears it (AWS:
	// a scale-out cancels a running scale-in cooldown).
	ScaleInFulfilled time.Time `json:"scale_in_fulfilled,omitzero"`
	// Added is what has been added since the present chain of scale-out cooldowns began.
	Added int `json:"added,omitempty"`
	// OpenAdded is the part of Added that belongs to activities not yet fulfilled.
	OpenAdded int `json:"open_added,omitempty"`
}
