package evaluator

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// explanations has the sentence of every reason, without its full stop. The policy is the one that the reason is about.
var explanations = map[Reason]func(d *Decision, p *PolicyDecision) string{
	ByTargetTracking:                     carriedOut,
	ByStepScaling:                        carriedOut,
	ByScheduledAction:                    byAction,
	ByOverride:                           byOverride,
	RaisedToMinCapacity:                  raised,
	LoweredToMax:                         lowered,
	AlreadyAtMaxCapacity:                 atMax,
	AlreadyAtMinCapacity:                 atMin,
	AlreadyAtDesiredCapacity:             atDesired,
	AutoScalingAnticipatedFlapping:       flapping,
	TargetServicePutResourceAsUnscalable: deploymentRuns,
	WithinTarget:                         withinTarget,
	AlarmNotInAlarm:                      notInAlarm,
	HighResolutionUnsupported:            highResolutionUnsupported,
	NoMatchingStep:                       noStep,
	NothingDue:                           nothingDue,
	InsufficientData:                     tooLittleData,
	StaleData:                            staleData,
	CooldownInEffect:                     cooldownRuns,
	ActivityInProgress:                   activityOpen,
	PolicyNotReadyToScaleIn:              notReady,
	OutOfBoundsByOthers:                  outsideBounds,
	DynamicScalingSuspended:              directionSuspended,
	ScheduledScalingSuspended:            schedulesSuspended,
	ServiceSwitchedOff:                   serviceOff,
	ServiceNotFound:                      serviceGone,
	ServiceNotActive:                     serviceInactive,
	ServiceNotScalable:                   serviceDaemon,
	ServiceNotDescribed:                  serviceUnknown,
	ManagedPolicyConflict:                managedToo,
	ManagedPoliciesUnknown:               managedUnknown,
	ScaleInForbidden:                     inForbiddenWindow,
	HeldByFlapGuard:                      guardedFromFlapping,
	HeldByFleetBrake:                     fleetHalted,
}

// called is how a sentence names the policy; there is one even where nothing is known of it.
func (p *PolicyDecision) called() string {
	if p.Name == "" {
		return "a policy"
	}
	return "policy " + p.Name
}

// wants is the policy and its wish: "policy cpu wants 6".
func (p *PolicyDecision) wants() string {
	switch {
	case p.HasWanted:
		return p.called() + " wants " + strconv.Itoa(p.Wanted)
	case p.Wish == ScaleIn:
		return p.called() + " wants fewer tasks"
	default:
		return p.called() + " wants more tasks"
	}
}

// carriedOut ends with the limit or the bound that the wish was brought to, if it was.
func carriedOut(d *Decision, p *PolicyDecision) string {
	text := p.called() + ": " + p.sizing()
	if cut := d.stepClause(p); cut != "" {
		return text + cut
	}
	switch {
	case p.Wanted == d.Wanted:
		return text
	case d.Wanted == d.Max:
		return text + ", but max capacity is " + strconv.Itoa(d.Max)
	default:
		return text + ", but min capacity is " + strconv.Itoa(d.Min)
	}
}

// byAction names the scheduled actions that fired, in their order; the last one's bounds hold.
func byAction(d *Decision, _ *PolicyDecision) string {
	return d.fires(FireApplied) + " set min capacity to " + strconv.Itoa(d.Min) + " and max capacity to " + strconv.Itoa(d.Max)
}

// fires names the scheduled actions with that status.
func (d *Decision) fires(status FireStatus) string {
	var names []string
	for k := range d.Scheduled {
		if d.Scheduled[k].Status == status {
			names = append(names, d.Scheduled[k].Name)
		}
	}
	switch len(names) {
	case 0:
		return "a scheduled action"
	case 1:
		return "scheduled action " + names[0]
	default:
		return "scheduled actions " + strings.Join(names, ", ")
	}
}

func raised(d *Decision, _ *PolicyDecision) string {
	return "min capacity was set to " + strconv.Itoa(d.Min)
}

func lowered(d *Decision, _ *PolicyDecision) string {
	return "max capacity was set to " + strconv.Itoa(d.Max)
}

func atMax(d *Decision, p *PolicyDecision) string {
	return p.wants() + against(p.Wanted <= d.Max, "max", d.Max)
}

func atMin(d *Decision, p *PolicyDecision) string {
	return p.wants() + against(p.Wanted >= d.Min, "min", d.Min)
}

// against joins a wish and the bound that the count is at, which stands in its way or not.
func against(allowed bool, which string, bound int) string {
	if allowed {
		return ", and the desired count is at " + which + " capacity already"
	}
	return ", but " + which + " capacity is " + strconv.Itoa(bound)
}

func atDesired(d *Decision, p *PolicyDecision) string {
	desired := strconv.Itoa(d.Desired)
	if p.Wanted == d.Desired {
		return p.wants() + ", and the desired count is " + desired + " already; " + p.sizing()
	}
	if p.Wish == ScaleIn {
		return p.wants() + ", no fewer than the desired count of " + desired + "; " + p.sizing()
	}
	return p.wants() + ", no more than the desired count of " + desired + "; " + p.sizing()
}

func flapping(_ *Decision, p *PolicyDecision) string {
	return p.called() + " finds the load low, but one task fewer would raise it above the target; " + p.sizing()
}

func deploymentRuns(_ *Decision, p *PolicyDecision) string {
	return p.wants() + ", but nothing is scaled in while a deployment is in progress"
}

func withinTarget(_ *Decision, p *PolicyDecision) string {
	return "no target-tracking alarm is in ALARM" + p.nearest()
}

// nearest quotes the newest datapoint that a resting policy saw.
func (p *PolicyDecision) nearest() string {
	for j := range p.Alarms {
		a := &p.Alarms[j]
		if newest, ok := latest(a.Values); ok && p.TargetValue > 0 {
			return "; " + p.called() + " saw " + a.MetricName + " at " + decimal(newest) +
				", its target is " + decimal(p.TargetValue)
		}
	}
	return ""
}

func notInAlarm(_ *Decision, p *PolicyDecision) string {
	for j := range p.Alarms {
		a := &p.Alarms[j]
		if newest, ok := latest(a.Values); ok {
			return "no alarm is in ALARM; " + p.called() + " saw " + a.MetricName + " at " +
				decimal(newest) + ", its threshold is " + decimal(a.Threshold)
		}
	}
	return "no alarm is in ALARM"
}

func noStep(_ *Decision, p *PolicyDecision) string {
	return p.called() + " has no step for it: " + p.sizing()
}

func nothingDue(d *Decision, p *PolicyDecision) string {
	if len(d.Policies) == 0 {
		return "it has no policies"
	}
	return p.wants() + ", but its alarm is not evaluated at this look"
}

func tooLittleData(d *Decision, p *PolicyDecision) string {
	if p.Wish == ScaleIn && len(p.Alarms) > 0 && p.Alarms[p.alarm()].suffices() {
		return p.doubtful(d)
	}
	return p.called() + " has too little data to act on" + p.have()
}

// suffices says that the alarm itself has all the datapoints that a scale-in needs.
func (a *AlarmDecision) suffices() bool {
	return a.Breaching > 0 && a.Breaching >= a.DatapointsToAlarm && !a.newestMissing()
}

// doubtful is why a scale-in is not acted on although its datapoints are there.
func (p *PolicyDecision) doubtful(d *Decision) string {
	a := &p.Alarms[p.alarm()]
	switch {
	case a.Partial:
		return p.called() + " got " + a.MetricName + " in part only, and nothing is scaled in on that"
	case !p.HasWanted && p.Type == TargetTrackingScaling:
		return p.called() + " finds the load low, but none of the " + counted(d.Desired, "desired task") +
			" runs, so that says nothing about them"
	default:
		return p.called() + " has too few samples in the datapoints of " + a.MetricName + " for its percentile"
	}
}

func staleData(_ *Decision, p *PolicyDecision) string {
	if !p.known() {
		return p.called() + " could not read its metric"
	}
	return p.called() + " lacks the newest datapoint" + p.have()
}

// known says that the policy has seen a datapoint.
func (p *PolicyDecision) known() bool {
	return slices.ContainsFunc(p.Alarms, func(a AlarmDecision) bool { return a.Judged > 0 })
}

// have is how many datapoints of its metric there are.
func (p *PolicyDecision) have() string {
	if len(p.Alarms) == 0 {
		return ""
	}
	a := p.lacking()
	return ": " + counted(a.Judged, "datapoint") + " of " + a.MetricName + " in the last " +
		counted(max(len(a.Values), a.EvaluationPeriods), "period") +
		", " + strconv.Itoa(a.Breaching) + " of them breaching; it needs " + strconv.Itoa(a.DatapointsToAlarm)
}

// lacking is the alarm that a reason about data is about: the one in INSUFFICIENT_DATA, else the one that acts.
func (p *PolicyDecision) lacking() *AlarmDecision {
	for j := range p.Alarms {
		if p.Wish == Hold && p.Alarms[j].State == InsufficientDataState {
			return &p.Alarms[j]
		}
	}
	return &p.Alarms[p.alarm()]
}

func cooldownRuns(d *Decision, p *PolicyDecision) string {
	text := p.wants() + ", but its cooldown is in effect"
	if !p.CooldownEnds.IsZero() {
		text += " until " + p.CooldownEnds.UTC().Format(time.TimeOnly) + " UTC"
	}
	return text + p.creditClause() + d.stepClause(p)
}

func activityOpen(d *Decision, p *PolicyDecision) string {
	return p.wants() + ", but the last scaling activity is still in progress: " +
		strconv.Itoa(d.Running) + " of " + strconv.Itoa(d.Desired) + " tasks run" + p.creditClause() + d.stepClause(p)
}

func notReady(d *Decision, p *PolicyDecision) string {
	var others []string
	for i := range d.Policies {
		o := &d.Policies[i]
		if o.Action != ScaleIn && o.Name != p.Name && o.Reason != PolicyNotReadyToScaleIn && p.waitsFor(o) {
			others = append(others, o.Name+" ("+string(o.Reason)+")")
		}
	}
	if len(others) == 0 {
		return p.wants() + ", but other policies are not ready to scale in"
	}
	return p.wants() + ", but others are not ready to scale in: " + strings.Join(others, ", ")
}

// waitsFor says that p, which wants to scale in, is held back by o: one that wants to scale out, or one that takes part where
// target-tracking policies scale in together.
func (p *PolicyDecision) waitsFor(o *PolicyDecision) bool {
	together := p.Type == TargetTrackingScaling && o.Type == TargetTrackingScaling && len(o.Alarms) > 1
	return o.Wish == ScaleOut || together
}

func outsideBounds(d *Decision, p *PolicyDecision) string {
	return p.wants() + ", but somebody has set the desired count outside of min " + strconv.Itoa(d.Min) +
		" and max " + strconv.Itoa(d.Max) + " capacity, and it is not taken further out"
}

func serviceOff(d *Decision, _ *PolicyDecision) string {
	return "the desired count was set to 0 by hand although min capacity is " + strconv.Itoa(d.Min) +
		"; set it above 0 to have the service scaled again"
}

func serviceGone(d *Decision, _ *PolicyDecision) string {
	return "ECS knows no service " + d.Target.Service + " in cluster " + d.Target.Cluster
}

func serviceInactive(d *Decision, _ *PolicyDecision) string {
	return "service " + d.Target.String() + " is being drained or has been deleted"
}

func serviceDaemon(d *Decision, _ *PolicyDecision) string {
	return "service " + d.Target.String() + " uses the DAEMON scheduling strategy, so ECS sets its count"
}

func managedToo(d *Decision, _ *PolicyDecision) string {
	return "Application Auto Scaling scales " + d.Target.String() + ", too, so it is left alone at " + strconv.Itoa(d.Desired) +
		" until its three kinds of scaling are suspended there; ecs-autoscaler takeover does that"
}

func managedUnknown(d *Decision, _ *PolicyDecision) string {
	return "whether Application Auto Scaling scales " + d.Target.String() + ", too, has not been answered yet, so it is left alone at " +
		strconv.Itoa(d.Desired)
}

func serviceUnknown(d *Decision, _ *PolicyDecision) string {
	return "service " + d.Target.String() + " has not been described yet"
}
