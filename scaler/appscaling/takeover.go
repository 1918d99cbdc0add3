package appscaling

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
)

// Suspended is the state of a target to which AWS does nothing.
var Suspended = evaluator.SuspendedState{DynamicScalingIn: true, DynamicScalingOut: true, Scheduled: true}

// Words names what is suspended: "nothing suspended", "scaling in suspended", "all suspended".
func Words(s evaluator.SuspendedState) string {
	var names []string
	for _, one := range []struct {
		name string
		on   bool
	}{{"scaling in", s.DynamicScalingIn}, {"scaling out", s.DynamicScalingOut}, {"scheduled scaling", s.Scheduled}} {
		if one.on {
			names = append(names, one.name)
		}
	}
	switch len(names) {
	case 0:
		return "nothing suspended"
	case 3:
		return "all suspended"
	default:
		return strings.Join(names, " and ") + " suspended"
	}
}

// Target is a scalable target of an ECS service as Application Auto Scaling has it now.
type Target struct {
	// ARN is the target's own; it is another one when the target has been registered anew.
	ARN              string
	Cluster, Service string
	Now              evaluator.SuspendedState
}

// Change is what is to become of a target's switches.
type Change struct {
	Target
	To evaluator.SuspendedState
}

// Changes says whether there is anything to do.
func (c *Change) Changes() bool { return c.Now != c.To }

// Choice says which services are meant.
type Choice struct {
	// Cluster is its name, Service that of one service in it, "" for all.
	Cluster, Service string
}

func (c Choice) means(t *Target) bool {
	return t.Cluster == c.Cluster && (c.Service == "" || t.Service == c.Service)
}

// Managed are the scalable targets of the ECS services of the clients' account and region that are meant, by name.
func Managed(ctx context.Context, c *awsapi.Clients, chosen Choice) ([]Target, error) {
	var resources []string
	if chosen.Service != "" {
		resources = []string{resource(chosen.Cluster, chosen.Service)}
	}
	var all []Target
	err := scalableTargets(ctx, c, resources, func(of *types.ScalableTarget) error {
		if t, ok := targetOf(of); ok && chosen.means(&t) {
			all = append(all, t)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b Target) int { return strings.Compare(a.Service, b.Service) })
	return all, nil
}

func resource(cluster, service string) string { return "service/" + cluster + "/" + service }

// targetOf reads one; false for what is no desired count of an ECS service.
func targetOf(t *types.ScalableTarget) (Target, bool) {
	parts := strings.Split(aws.ToString(t.ResourceId), "/")
	if len(parts) != 3 || parts[0] != "service" || t.ScalableDimension != types.ScalableDimensionECSServiceDesiredCount {
		return Target{}, false
	}
	out := Target{ARN: aws.ToString(t.ScalableTargetARN), Cluster: parts[1], Service: parts[2]}
	if s := t.SuspendedState; s != nil {
		out.Now = evaluator.SuspendedState{
			DynamicScalingIn: aws.ToBool(s.DynamicScalingInSuspended), DynamicScalingOut: aws.ToBool(s.DynamicScalingOutSuspended),
			Scheduled: aws.ToBool(s.ScheduledScalingSuspended),
		}
	}
	return out, true
}

// Switch sets the switches of a target and leaves everything else of it as it is. Setting what is set already does nothing.
func Switch(ctx context.Context, c *awsapi.Clients, change Change) error {
	_, err := c.ApplicationAutoScaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String(resource(change.Cluster, change.Service)),
		SuspendedState: &types.SuspendedState{
			DynamicScalingInSuspended: &change.To.DynamicScalingIn, DynamicScalingOutSuspended: &change.To.DynamicScalingOut,
			ScheduledScalingSuspended: &change.To.Scheduled,
		},
	})
	if err != nil {
		return explained(err, "application-autoscaling:RegisterScalableTarget")
	}
	return nil
}

// Record is what takeovers found, so that a handback can restore exactly that.
type Record struct {
	// Version is that of the format, 1.
	Version int     `json:"version"`
	Targets []Taken `json:"targets"`
}

// Taken is one target that was taken over.
type Taken struct {
	ARN     string                   `json:"scalable_target_arn"`
	Region  string                   `json:"region"`
	Cluster string                   `json:"cluster"`
	Service string                   `json:"service"`
	Before  evaluator.SuspendedState `json:"before"`
	// TakenAt is when Before was seen.
	TakenAt time.Time `json:"taken_at"`
}

func (t *Taken) is(region string, of *Target) bool {
	return t.Region == region && t.ARN == of.ARN && t.Cluster == of.Cluster && t.Service == of.Service
}

// Takeover are the changes that suspend the targets, and the record with what they are before. What is in the record already stays
// there: it is what was before the first takeover.
func (r Record) Takeover(region string, now time.Time, targets []Target) (Record, []Change) {
	after := Record{Version: 1, Targets: slices.Clone(r.Targets)}
	var changes []Change
	for i := range targets {
		t := &targets[i]
		changes = append(changes, Change{*t, Suspended})
		if !slices.ContainsFunc(after.Targets, func(k Taken) bool { return k.is(region, t) }) {
			after.Targets = append(after.Targets, Taken{t.ARN, region, t.Cluster, t.Service, t.Now, now.UTC().Truncate(time.Second)})
		}
	}
	slices.SortStableFunc(after.Targets, func(a, b Taken) int {
		return cmp.Or(strings.Compare(a.Region, b.Region), strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Service, b.Service))
	})
	return after, changes
}

// Handback are the changes that restore what the record says of the targets, the record without those, and the entries that are
// meant but have no target any more, which stay in the record.
func (r Record) Handback(region string, chosen Choice, targets []Target) (after Record, changes []Change, gone []Taken) {
	after = Record{Version: 1, Targets: []Taken{}}
	for _, k := range r.Targets {
		i := slices.IndexFunc(targets, func(t Target) bool { return k.is(region, &t) })
		switch {
		case i >= 0:
			changes = append(changes, Change{targets[i], k.Before})
			continue
		case k.Region == region && chosen.means(&Target{Cluster: k.Cluster, Service: k.Service}):
			gone = append(gone, k)
		}
		after.Targets = append(after.Targets, k)
	}
	return after, changes, gone
}
