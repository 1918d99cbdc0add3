package store

import "ecs-autoscaler/evaluator"

// Sparing is what a backend implements that charges for each record. Of the decisions only those that changed something
// are to be kept there: six weeks of every hold's reasons would cost more than the alarms that they replace.
type Sparing interface{ Sparing() bool }

// Changed reports whether the decision did something, or something is to be told of what it could not do: it scaled, or
// wanted to, or is what AWS calls a not scaled activity. Holds that only have another reason than the one before do not count.
func (d *DecisionRecord) Changed() bool { return d.Action != evaluator.Hold || d.NotScaled() }

// Sparing reports whether the backend wants nothing kept but what changed something.
func (s *Store) Sparing() bool {
	b, ok := s.backend.(Sparing)
	return ok && b.Sparing()
}
