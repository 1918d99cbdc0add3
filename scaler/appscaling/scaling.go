package appscaling

import (
	"context"
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

// Scalings are those of all ECS services of the clients' account and region, by cluster and service. It asks
// DescribeScalableTargets, DescribeScalingPolicies and DescribeScheduledActions, all pages of them. An error names the call and, where
// it is denied, the permission.
func Scalings(ctx context.Context, c *awsapi.Clients) ([]Scaling, error) {
	by := map[string]*Scaling{}
	err := scalableTargets(ctx, c, nil, func(of *types.ScalableTarget) error {
		if t, ok := targetOf(of); ok {
			by[aws.ToString(of.ResourceId)] = &Scaling{Target: t, Min: int(aws.ToInt32(of.MinCapacity)), Max: int(aws.ToInt32(of.MaxCapacity))}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = scalingPolicies(ctx, c, func(p *types.ScalingPolicy) error {
		if s := by[aws.ToString(p.ResourceId)]; s != nil {
			s.Policies = append(s.Policies, aws.ToString(p.PolicyName))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = scheduledActions(ctx, c, func(a *types.ScheduledAction) error {
		if s := by[aws.ToString(a.ResourceId)]; s != nil {
			s.Scheduled = append(s.Scheduled, aws.ToString(a.ScheduledActionName))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	all := make([]Scaling, 0, len(by))
	for _, resource := range slices.Sorted(maps.Keys(by)) {
		s := by[resource]
		slices.Sort(s.Policies)
		slices.Sort(s.Scheduled)
		all = append(all, *s)
	}
	return all, nil
}
