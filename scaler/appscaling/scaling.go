package appscaling

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"ecs-autoscaler/scaler/awsapi"
)

// Scaling is what Application Auto Scaling has of one ECS service.
type Scaling struct {
	Target
	// Min and Max are the registered bounds, those that a scheduled action of AWS's has set last included.
	Min, Max int
	// Policies and Scheduled are the names of its scaling policies and scheduled actions, sorted.
	Policies, Scheduled []string
}

// Acts says that Application Auto Scaling may set the desired count: not all three kinds of scaling are suspended.
func (s *Scaling) Acts() bool { return s.Now != Suspended }

// Acting are the scaling policies and the scheduled actions of which nobody has suspended everything that they do.
func (s *Scaling) Acting() (policies, actions []string) {
	if !s.Now.DynamicScalingIn || !s.Now.DynamicScalingOut {
		policies = s.Policies
	}
	if !s.Now.Scheduled {
		actions = s.Scheduled
	}
	return policies, actions
}

// Scalings are those of all ECS services of the clients' account and region, by cluster and service. It asks
// DescribeScalableTargets, DescribeScalingPolicies and DescribeScheduledActions, all pages of them. Each call that gets no answer is an
// error of its own among the joined ones, which names it and, where it is denied, the permission; what the others say is in the result.
func Scalings(ctx context.Context, c *awsapi.Clients) ([]Scaling, error) {
	by := map[string]*Scaling{}
	of := func(resource *string) *Scaling {
		if s := by[aws.ToString(resource)]; s != nil {
			return s
		}
		return &Scaling{} // of no target, and soon forgotten
	}
	err := errors.Join(
		scalableTargets(ctx, c, nil, func(s *types.ScalableTarget) error {
			if t, ok := targetOf(s); ok {
				by[aws.ToString(s.ResourceId)] = &Scaling{Target: t, Min: int(aws.ToInt32(s.MinCapacity)), Max: int(aws.ToInt32(s.MaxCapacity))}
			}
			return nil
		}),
		scalingPolicies(ctx, c, func(p *types.ScalingPolicy) error {
			s := of(p.ResourceId)
			s.Policies = append(s.Policies, aws.ToString(p.PolicyName))
			return nil
		}),
		scheduledActions(ctx, c, func(a *types.ScheduledAction) error {
			s := of(a.ResourceId)
			s.Scheduled = append(s.Scheduled, aws.ToString(a.ScheduledActionName))
			return nil
		}))
	all := make([]Scaling, 0, len(by))
	for _, resource := range slices.Sorted(maps.Keys(by)) {
		s := by[resource]
		slices.Sort(s.Policies)
		slices.Sort(s.Scheduled)
		all = append(all, *s)
	}
	return all, err
}
