package appscaling

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
)

// Service names one in an account and region.
type Service struct{ Cluster, Name string }

// Acting is what Application Auto Scaling does to a service by itself: the names of the scaling policies and the scheduled actions
// that are not suspended.
type Acting struct{ Policies, ScheduledActions []string }

// ActsOn reads on which ECS services of the clients' account and region Application Auto Scaling may act: scalable targets whose three
// kinds of scaling are not all suspended. Those without policies and scheduled actions are among them. Each call that gets no answer is
// an error of its own among the joined ones; what the others say is in the result.
func ActsOn(ctx context.Context, c *awsapi.Clients) (map[Service]Acting, error) {
	targets := map[Service]evaluator.SuspendedState{}
	failed := scalableTargets(ctx, c, nil, func(of *types.ScalableTarget) error {
		if t, ok := targetOf(of); ok {
			targets[Service{t.Cluster, t.Service}] = t.Now
		}
		return nil
	})
	acting := map[Service]Acting{}
	for s, state := range targets {
		if state != Suspended {
			acting[s] = Acting{}
		}
	}
	note := func(resource *string, to func(*Acting, evaluator.SuspendedState)) {
		s, ok := serviceOf(aws.ToString(resource))
		if state, there := targets[s]; ok && there {
			if a, acts := acting[s]; acts {
				to(&a, state)
				acting[s] = a
			}
		}
	}
	return acting, errors.Join(failed,
		scalingPolicies(ctx, c, func(p *types.ScalingPolicy) error {
			note(p.ResourceId, func(a *Acting, s evaluator.SuspendedState) {
				if !s.DynamicScalingIn || !s.DynamicScalingOut {
					a.Policies = append(a.Policies, aws.ToString(p.PolicyName))
				}
			})
			return nil
		}),
		scheduledActions(ctx, c, func(of *types.ScheduledAction) error {
			note(of.ResourceId, func(a *Acting, s evaluator.SuspendedState) {
				if !s.Scheduled {
					a.ScheduledActions = append(a.ScheduledActions, aws.ToString(of.ScheduledActionName))
				}
			})
			return nil
		}))
}

// serviceOf reads service/CLUSTER/SERVICE.
func serviceOf(resource string) (Service, bool) {
	parts := strings.Split(resource, "/")
	if len(parts) != 3 || parts[0] != "service" {
		return Service{}, false
	}
	return Service{parts[1], parts[2]}, true
}
