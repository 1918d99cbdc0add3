package explain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ecs-autoscaler/evaluator"
)

// outlook says what would have to happen for a service whose count is held to scale, one sentence for each way.
func outlook(d *evaluator.Decision) string {
	if what := ways[d.Reason].service; what != nil {
		return "Before anything can happen, " + what(d) + ".\n"
	}
	var b strings.Builder
	for i := range d.Policies {
		if s := forPolicy(d, &d.Policies[i]); s != "" {
			b.WriteString(s)
		}
	}
	if b.Len() == 0 {
		return "Nothing here scales the service by itself: it has no policy.\n"
	}
	return b.String()
}

// forPolicy is what one policy waits for: the end of what holds it, or an alarm.
func forPolicy(d *evaluator.Decision, p *evaluator.PolicyDecision) string {
	if p.Wish != evaluator.Hold && p.Action == evaluator.Hold {
		if what := ways[p.Reason].guard; what != nil {
			return fmt.Sprintf("For policy %s to %s, %s.\n", p.Name, verb[p.Wish], what(d, p))
		}
	}
	var b strings.Builder
	for j := range p.Alarms {
		if a := &p.Alarms[j]; a.State != evaluator.AlarmingState {
			fmt.Fprintf(&b, "For policy %s to %s, %s.\n", p.Name, direction(p, a), needed(a))
		}
	}
	return b.String()
}

// direction is where an alarm leads. Of a step policy nobody knows before a step applies.
func direction(p *evaluator.PolicyDecision, a *evaluator.AlarmDecision) string {
	switch {
	case p.Type != evaluator.TargetTrackingScaling:
		return "act"
	case a.Operator.Below():
		return "scale in"
	default:
		return "scale out"
	}
}

// needed is what an alarm lacks.
func needed(a *evaluator.AlarmDecision) string {
	if a.EvaluationPeriods == 1 {
		return "a datapoint of " + a.MetricName + " must be " + beyond(a)
	}
	return fmt.Sprintf("%d of %d datapoints of %s must be %s, and %d %s", a.DatapointsToAlarm, a.EvaluationPeriods,
		a.MetricName, beyond(a), a.Breaching, plural(a.Breaching, "is", "are"))
}

// way is what must happen before any policy of the service counts, or for a wish that was held; both are nil for a reason of which
// there is nothing to say but what the alarms lack.
type way struct {
	service func(*evaluator.Decision) string
	guard   func(*evaluator.Decision, *evaluator.PolicyDecision) string
}

// before is a way whose words are always the same.
func before(what string) way { return way{service: func(*evaluator.Decision) string { return what }} }

// held is one for a wish.
func held(what string) way {
	return way{guard: func(*evaluator.Decision, *evaluator.PolicyDecision) string { return what }}
}

func takenOver(d *evaluator.Decision) string {
	return "Application Auto Scaling must stop scaling the service: ecs-autoscaler takeover --cluster " + d.Target.Cluster +
		" --service " + d.Target.Service
}

var ways = map[evaluator.Reason]way{
	evaluator.ServiceNotDescribed:    before("ECS must answer ecs:DescribeServices"),
	evaluator.ServiceNotFound:        {service: found},
	evaluator.ServiceNotActive:       before("the service must be ACTIVE"),
	evaluator.ServiceNotScalable:     before("the service must have the REPLICA strategy: DAEMON has no desired count"),
	evaluator.ServiceSwitchedOff:     before("somebody must set the desired count above 0 again"),
	evaluator.ManagedPolicyConflict:  {service: takenOver},
	evaluator.ManagedPoliciesUnknown: before("Application Auto Scaling must answer application-autoscaling:DescribeScalableTargets"),
	evaluator.HeldByFleetBrake:       before("fewer targets of the daemon must lack data than halt_if_unready_percent allows"),
	evaluator.ByOverride:             {service: overrideOver},

	evaluator.AlreadyAtMaxCapacity:                 {guard: moreThanMax},
	evaluator.AlreadyAtMinCapacity:                 {guard: lessThanMin},
	evaluator.AlreadyAtDesiredCapacity:             {guard: anotherCount},
	evaluator.AutoScalingAnticipatedFlapping:       held("the load must fall until one task fewer can carry it within the target"),
	evaluator.TargetServicePutResourceAsUnscalable: held("the deployment of ECS must come to its end"),
	evaluator.CooldownInEffect:                     {guard: cooldownOver},
	evaluator.HeldByFlapGuard:                      {guard: cooldownOver},
	evaluator.ActivityInProgress:                   {guard: carriedOut},
	evaluator.PolicyNotReadyToScaleIn:              {guard: agreed},
	evaluator.InsufficientData:                     {guard: dataBack},
	evaluator.StaleData:                            {guard: dataBack},
	evaluator.HighResolutionUnsupported:            held("it must follow a metric with a period of 60 seconds: this deployment controller has no others"),
	evaluator.NoMatchingStep:                       held("a step must cover the distance of the metric from the threshold"),
	evaluator.NothingDue:                           held("its alarm must be evaluated, at one of the next looks"),
	evaluator.OutOfBoundsByOthers:                  {guard: withinBounds},
	evaluator.DynamicScalingSuspended:              {guard: resumed},
	evaluator.ScaleInForbidden:                     {guard: windowClosed},

	evaluator.WithinTarget: {}, evaluator.AlarmNotInAlarm: {}, evaluator.ScheduledScalingSuspended: {},
	evaluator.ByTargetTracking: {}, evaluator.ByStepScaling: {}, evaluator.ByScheduledAction: {},
	evaluator.RaisedToMinCapacity: {}, evaluator.LoweredToMax: {},
}

func found(d *evaluator.Decision) string {
	return "the service must exist: create it, or correct its name in the configuration (" + d.Target.String() + ")"
}

// overrideOver also has a policy's wish: it is of no use until then.
func overrideOver(d *evaluator.Decision) string {
	for i := range d.Steering {
		if s := &d.Steering[i]; s.Steers == evaluator.SteersCount {
			return "the override must end, at " + stamp(s.Until()) + ", or be ended with ecs-autoscaler override " + d.Target.String() + " --end"
		}
	}
	return "the override must end"
}

// resumed is what lifts the suspension of the direction that a policy wishes to go.
func resumed(d *evaluator.Decision, p *evaluator.PolicyDecision) string {
	what := evaluator.SteersOut
	if p.Wish == evaluator.ScaleIn {
		what = evaluator.SteersIn
	}
	for i := range d.Steering {
		s := &d.Steering[i]
		switch {
		case s.Steers != what:
		case s.Beyond:
			return "suspended_state must allow it again, and the suspension must end, at " + stamp(s.Until())
		default:
			return "the suspension must end, at " + stamp(s.Until()) + ", or be ended with ecs-autoscaler resume " + d.Target.String() + " " + string(what)
		}
	}
	return "suspended_state must allow it again"
}

func moreThanMax(d *evaluator.Decision, _ *evaluator.PolicyDecision) string {
	return "max_capacity must be more than " + strconv.Itoa(d.Max)
}

func lessThanMin(d *evaluator.Decision, _ *evaluator.PolicyDecision) string {
	return "min_capacity must be less than " + strconv.Itoa(d.Min)
}

func anotherCount(d *evaluator.Decision, _ *evaluator.PolicyDecision) string {
	return "the metric must ask for another count than " + strconv.Itoa(d.Desired)
}

func carriedOut(d *evaluator.Decision, _ *evaluator.PolicyDecision) string {
	return fmt.Sprintf("its last change must be carried out: %d of %s", d.Running, plural(d.Desired, "1 task runs", strconv.Itoa(d.Desired)+" tasks run"))
}

func withinBounds(d *evaluator.Decision, _ *evaluator.PolicyDecision) string {
	return fmt.Sprintf("the desired count, which somebody has set to %d, must be within %d to %d again", d.Desired, d.Min, d.Max)
}

func cooldownOver(_ *evaluator.Decision, p *evaluator.PolicyDecision) string {
	if p.CooldownEnds.IsZero() {
		return "its cooldown must end"
	}
	return "its cooldown must end, at " + stamp(p.CooldownEnds)
}

// agreed names the target-tracking policies that want no fewer tasks.
func agreed(d *evaluator.Decision, p *evaluator.PolicyDecision) string {
	var others []string
	for i := range d.Policies {
		if o := &d.Policies[i]; o.Name != p.Name && o.Wish != evaluator.ScaleIn {
			others = append(others, o.Name)
		}
	}
	if len(others) == 0 {
		return "every other target-tracking policy must want fewer tasks, too"
	}
	return "every other target-tracking policy must want fewer tasks, too: " + strings.Join(others, ", ")
}

func dataBack(_ *evaluator.Decision, p *evaluator.PolicyDecision) string {
	i := slices.IndexFunc(p.Alarms, func(a evaluator.AlarmDecision) bool { return a.State == evaluator.AlarmingState })
	if i < 0 {
		return "CloudWatch must have datapoints of its metric again"
	}
	return "CloudWatch must have the newest datapoints of " + p.Alarms[i].MetricName
}

func windowClosed(d *evaluator.Decision, _ *evaluator.PolicyDecision) string {
	for i := range d.Rails {
		if r := &d.Rails[i]; !r.Until.IsZero() {
			return "the window of scale_in_forbidden must close, at " + stamp(r.Until)
		}
	}
	return "the window of scale_in_forbidden must close"
}
