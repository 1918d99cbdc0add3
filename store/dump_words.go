package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ecs-autoscaler/evaluator"
)

// The words that a document may have where the daemon knows only some. statuses are those that an activity can have; a failed
// outcome has a class behind it.
var (
	statuses = []evaluator.ActivityStatus{
		evaluator.Pending, evaluator.InProgress, evaluator.Successful, evaluator.Overridden, evaluator.Unfulfilled, evaluator.Failed,
	}
	actions     = []evaluator.Action{evaluator.Hold, evaluator.ScaleOut, evaluator.ScaleIn}
	reasons     = evaluator.Reasons()
	policyTypes = []evaluator.PolicyType{evaluator.TargetTrackingScaling, evaluator.StepScaling}
	alarmStates = []evaluator.AlarmState{evaluator.OKState, evaluator.AlarmingState, evaluator.InsufficientDataState}
	steered     = []evaluator.Steers{evaluator.SteersIn, evaluator.SteersOut, evaluator.SteersScheduled, evaluator.SteersCount}
	outcomes    = []evaluator.Outcome{
		evaluator.OutcomeNone, evaluator.OutcomeWritten, evaluator.OutcomeDryRun, evaluator.OutcomeRateLimited, evaluator.OutcomeNotLeader,
		evaluator.OutcomeFailed + "CLASS",
	}
)

// words looks at one record after the other and keeps the first mistake.
type words struct {
	*dumpParser
	path string
	err  error
}

// check refuses a word that is none of those that there are.
func check[T ~string](w *words, field, what string, value T, known []T) {
	if w.err != nil || slices.Contains(known, value) {
		return
	}
	all := make([]string, len(known))
	for i, k := range known {
		all[i] = string(k)
	}
	w.err = w.wrongBelow(w.path, field, fmt.Sprintf("%q is no %s; it must be one of %s", string(value), what, strings.Join(all, ", ")))
}

// checkAny is check for what may be left out.
func checkAny[T ~string](w *words, field, what string, value T, known []T) {
	if value != "" {
		check(w, field, what, value, known)
	}
}

func (p *dumpParser) activityWords(path string, a *Activity) error {
	w := &words{dumpParser: p, path: path}
	check(w, ".Direction", "action", a.Direction, actions)
	check(w, ".Reason", "reason", a.Reason, reasons)
	checkAny(w, ".PolicyType", "type of a policy", a.PolicyType, policyTypes)
	return w.err
}

func (p *dumpParser) memoryWords(path string, m *evaluator.Memory) error {
	w := &words{dumpParser: p, path: path}
	for i := range m.Policies {
		for j := range m.Policies[i].Alarms {
			check(w, fmt.Sprintf(".Memory.policies[%d].alarms[%d].state", i, j), "state of an alarm", m.Policies[i].Alarms[j].State, alarmStates)
		}
	}
	for i := range m.Steering {
		check(w, fmt.Sprintf(".Memory.steering[%d].steers", i), "thing to steer", m.Steering[i].Steers, steered)
	}
	if m.Flaps != nil {
		checkAny(w, ".Memory.flaps.direction", "action", m.Flaps.Direction, actions)
	}
	if m.Undo != nil && m.Undo.Flaps != nil {
		checkAny(w, ".Memory.undo.flaps.direction", "action", m.Undo.Flaps.Direction, actions)
	}
	return w.err
}

// decisionWords looks at the record and at the decision in it, of which earlier versions had less.
func (p *dumpParser) decisionWords(path string, r *DecisionRecord) error {
	w := &words{dumpParser: p, path: path}
	check(w, ".Action", "action", r.Action, actions)
	check(w, ".Reason", "reason", r.Reason, reasons)
	if w.err != nil || len(r.JSON) == 0 {
		return w.err
	}
	var d evaluator.Decision
	if err := p.decode(path+".Decision", r.JSON, &d); err != nil {
		return err
	}
	checkAny(w, ".Decision.action", "action", d.Action, actions)
	checkAny(w, ".Decision.reason", "reason", d.Reason, reasons)
	if class, failed := strings.CutPrefix(string(d.Outcome), string(evaluator.OutcomeFailed)); !failed || class == "" {
		checkAny(w, ".Decision.outcome", "outcome", d.Outcome, outcomes)
	}
	for i := range d.Policies {
		w.policy(fmt.Sprintf(".Decision.policies[%d]", i), &d.Policies[i])
	}
	return w.err
}

func (w *words) policy(at string, d *evaluator.PolicyDecision) {
	checkAny(w, at+".type", "type of a policy", d.Type, policyTypes)
	checkAny(w, at+".wish", "action", d.Wish, actions)
	checkAny(w, at+".action", "action", d.Action, actions)
	checkAny(w, at+".reason", "reason", d.Reason, reasons)
	for j := range d.Alarms {
		checkAny(w, fmt.Sprintf("%s.alarms[%d].state", at, j), "state of an alarm", d.Alarms[j].State, alarmStates)
		checkAny(w, fmt.Sprintf("%s.alarms[%d].previous_state", at, j), "state of an alarm", d.Alarms[j].Previous, alarmStates)
	}
}

// mostDigits are those of 60 million decisions. What is longer is rather a name that somebody else gave.
const mostDigits = 5

// number is the one that the store gave a decision, 0 where the name is not the store's.
func (d *DecisionRecord) number() uint64 {
	digits, ours := strings.CutPrefix(d.ID, decisionPrefix)
	n, err := strconv.ParseUint(digits, decisionBase, 64)
	if !ours || err != nil || len(digits) > mostDigits {
		return 0
	}
	return n
}

// checkNumber refuses a decision whose number would be given again.
func (p *dumpParser) checkNumber(path string, r *DecisionRecord, sequence uint64) error {
	if n := r.number(); n > sequence {
		return p.wrongBelow(path, ".DecisionId", fmt.Sprintf("%s has the number %d; the sequence, which is %d, must be at least that", r.ID, n, sequence))
	}
	return nil
}

// checkFollowed refuses a memory with an open activity that is none of the open activities. One that has begun an hour ago may be
// missing there: those of a target that has left the configuration are ended, and its memory stays as it was.
func (p *dumpParser) checkFollowed(d *Dump) error {
	open := map[string]evaluator.Key{}
	for i := range d.Open {
		open[d.Open[i].ID] = d.Open[i].Target
	}
	for i := range d.Memories {
		a := &d.Memories[i].Memory.Activity
		if target, known := open[a.ID]; !a.Open || known && target == d.Memories[i].Target ||
			!a.StartedAt.IsZero() && !a.StartedAt.After(p.latest.Add(-evaluator.MostAhead-evaluator.FulfilWithin)) {
			continue
		}
		return p.wrongBelow(fmt.Sprintf("memories[%d]", i), ".Memory.activity.open", fmt.Sprintf(
			"is true, but %s has no activity %q in open_activities; add that one, or make this false", d.Memories[i].Target, a.ID))
	}
	return nil
}
