package soak

import (
	"ecs-autoscaler/decisionlog"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler"
)

// proof has every decision made anew from its line of the decision log, in the moment in which it is made.
type proof struct{ *world }

// recorder is the proof, where it is asked for.
func (w *world) recorder() scaler.Recorder {
	if !w.prove {
		return nil
	}
	return proof{w}
}

// Evaluated implements scaler.Recorder.
func (p proof) Evaluated(t *evaluator.Target, o *evaluator.Observation, m *evaluator.Memory, d *evaluator.Decision) func(evaluator.Outcome) {
	err := decisionlog.Verify(t, o, m, d)
	return func(evaluator.Outcome) {
		p.lock.Lock()
		defer p.lock.Unlock()
		p.checked("a decision follows from its line of the decision log")
		if err != nil {
			p.violate("a decision follows from its line of the decision log", t.String(), "%v", err)
		}
	}
}
