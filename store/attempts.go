package store

import (
	"bytes"
	"encoding/base64"
	"slices"

	"ecs-autoscaler/evaluator"
)

// notScaled are AWS's not-scaled reasons (API NotScaledReason.Code): why a wish came to nothing.
var notScaled = []evaluator.Reason{
	evaluator.AlreadyAtMaxCapacity, evaluator.AlreadyAtMinCapacity, evaluator.AlreadyAtDesiredCapacity,
	evaluator.AutoScalingAnticipatedFlapping, evaluator.TargetServicePutResourceAsUnscalable,
}

// NotScaled says that the decision is what AWS calls a not scaled activity: a hold for one of its five reasons.
// Decisions are kept when their reason changes, so of equal ones in a row there is one.
func (d *DecisionRecord) NotScaled() bool {
	return d.Action == evaluator.Hold && slices.Contains(notScaled, d.Reason)
}

// NotScaledStatus is the status that AWS gives a not scaled activity: Failed, but Successful where the capacity is what
// was wanted (aws-semantics 6.3).
func (d *DecisionRecord) NotScaledStatus() evaluator.ActivityStatus {
	if d.Reason == evaluator.AlreadyAtDesiredCapacity {
		return evaluator.Successful
	}
	return evaluator.Failed
}

// Attempt is a scaling activity, or else a decision that did not scale.
type Attempt struct {
	Activity  *Activity
	NotScaled *DecisionRecord
}

func (a *Attempt) key() []byte {
	if a.Activity != nil {
		return a.Activity.key()
	}
	return a.NotScaled.key()
}

// Attempts returns what Activities returns and, in their places in time, the decisions that did not scale (API
// DescribeScalingActivities with IncludeNotScaledActivities). Such a decision has a status, see NotScaledStatus, and no direction: a
// query for a direction finds none.
func (s *Store) Attempts(q Query) (page []Attempt, next string, err error) {
	done, moreDone, err := s.backend.Activities(q)
	if err != nil {
		return nil, "", err
	}
	q.NotScaled = true
	undone, moreUndone, err := s.backend.Decisions(q)
	if err != nil {
		return nil, "", err
	}
	for i := range done {
		page = append(page, Attempt{Activity: &done[i]})
	}
	for i := range undone {
		page = append(page, Attempt{NotScaled: &undone[i]})
	}
	slices.SortFunc(page, func(a, b Attempt) int { return bytes.Compare(b.key(), a.key()) })
	limit := q.limit()
	if len(page) > limit || moreDone != "" || moreUndone != "" {
		page = page[:min(limit, len(page))]
		next = base64.RawURLEncoding.EncodeToString(page[len(page)-1].key())
	}
	return page, next, nil
}
