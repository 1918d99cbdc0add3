package scaler

import (
	"errors"

	"ecs-autoscaler/evaluator"
)

// Registration is what RegisterScalableTarget may change of a scalable target at run time; nil leaves it as it is.
// What it sets wins over the configuration file until the file's own value changes.
type Registration struct {
	MinCapacity, MaxCapacity *int
	// The members of API SuspendedState.
	DynamicScalingInSuspended, DynamicScalingOutSuspended, ScheduledScalingSuspended *bool
}

// RegisterScalableTarget registers a target anew (API RegisterScalableTarget): the next pass brings its count into the
// bounds. It must not run while a pass does. It fails for a target that is not there and for bounds that cross.
func (e *Engine) RegisterScalableTarget(k evaluator.Key, r Registration) error {
	_, _ = k, r
	return errors.New("not yet")
}
