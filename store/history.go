package store

import (
	"encoding/json"
	"time"

	"ecs-autoscaler/evaluator"
)

// ForeignWrite is the reason of the record of a change that somebody else made to the desired count. No decision has it, and the
// direction of the record is hold: it is nothing of ours.
const ForeignWrite evaluator.Reason = "ForeignWrite"

// Activity is a scaling activity (API ScalingActivity, aws-semantics 6.2). With status Pending it
// is the durable intent that stands before the write to ECS; later commits with the same ID and
// StartTime say what became of it.
type Activity struct {
	// ID identifies the activity, at most 1024 bytes. Together with StartTime it never changes.
	ID         string                   `json:"ActivityId"`
	Target     evaluator.Key            `json:"Target"`
	Policy     string                   `json:"PolicyName,omitempty"`
	PolicyType evaluator.PolicyType     `json:"PolicyType,omitempty"`
	Direction  evaluator.Action         `json:"Direction"`
	From       int                      `json:"From"`
	To         int                      `json:"To"`
	Status     evaluator.ActivityStatus `json:"StatusCode"`
	// StatusMessage, Description and Cause are AWS's texts.
	StatusMessage string           `json:"StatusMessage,omitempty"`
	Description   string           `json:"Description,omitempty"`
	Cause         string           `json:"Cause,omitempty"`
	Reason        evaluator.Reason `json:"Reason"`
	StartTime     time.Time        `json:"StartTime"`
	// EndTime is zero as long as the activity is open.
	EndTime time.Time `json:"EndTime,omitzero"`
	// Generation grows with each activity of the store, over restarts too. Commit assigns one to a
	// new activity that has none.
	Generation uint64 `json:"Generation"`
}

// Open says that the outcome is not known yet: the status is Pending or InProgress.
func (a *Activity) Open() bool {
	return a.Status == evaluator.Pending || a.Status == evaluator.InProgress
}

func (a *Activity) key() []byte { return historyKey(a.StartTime, a.ID) }

// DecisionRecord is a decision that was worth keeping: it changed something, or its reason differed
// from the one before.
type DecisionRecord struct {
	// ID identifies the record, at most 1024 bytes; Commit assigns one where it is empty.
	ID     string           `json:"DecisionId"`
	Time   time.Time        `json:"Time"`
	Target evaluator.Key    `json:"Target"`
	Action evaluator.Action `json:"Action"`
	Reason evaluator.Reason `json:"Reason"`
	// JSON is the decision as every output shows it.
	JSON json.RawMessage `json:"Decision,omitempty"`
}

func (d *DecisionRecord) key() []byte { return historyKey(d.Time, d.ID) }
