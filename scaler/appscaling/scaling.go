package appscaling

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
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

// mostOnPage is the largest page of Application Auto Scaling (aws-semantics 6.5).
const mostOnPage = 50

// Scalings are those of all ECS services of the clients' account and region, by cluster and service. It asks
// DescribeScalableTargets, DescribeScalingPolicies and DescribeScheduledActions, all pages of them. An error names the call and, where
// it is denied, the permission.
func Scalings(ctx context.Context, c *awsapi.Clients) ([]Scaling, error) {
	all, err := scalableTargets(ctx, c)
	if err != nil {
		return nil, err
	}
	by := make(map[string]*Scaling, len(all))
	for i := range all {
		by[resource(all[i].Cluster, all[i].Service)] = &all[i]
	}
	if err := addPolicies(ctx, c, by); err != nil {
		return nil, err
	}
	if err := addScheduled(ctx, c, by); err != nil {
		return nil, err
	}
	for i := range all {
		slices.Sort(all[i].Policies)
		slices.Sort(all[i].Scheduled)
	}
	return all, nil
}

func scalableTargets(ctx context.Context, c *awsapi.Clients) ([]Scaling, error) {
	pages := applicationautoscaling.NewDescribeScalableTargetsPaginator(c.ApplicationAutoScaling,
		&applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: types.ServiceNamespaceEcs})
	var all []Scaling
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explained(err, "application-autoscaling:DescribeScalableTargets")
		}
		for i := range page.ScalableTargets {
			s := &page.ScalableTargets[i]
			if t, ok := targetOf(s); ok {
				all = append(all, Scaling{Target: t, Min: int(aws.ToInt32(s.MinCapacity)), Max: int(aws.ToInt32(s.MaxCapacity))})
			}
		}
	}
	slices.SortFunc(all, func(a, b Scaling) int {
		return cmp.Or(strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Service, b.Service))
	})
	return all, nil
}

func addPolicies(ctx context.Context, c *awsapi.Clients, by map[string]*Scaling) error {
	pages := applicationautoscaling.NewDescribeScalingPoliciesPaginator(c.ApplicationAutoScaling,
		&applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: types.ServiceNamespaceEcs, MaxResults: aws.Int32(mostOnPage)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return explained(err, "application-autoscaling:DescribeScalingPolicies")
		}
		for i := range page.ScalingPolicies {
			p := &page.ScalingPolicies[i]
			if s := by[aws.ToString(p.ResourceId)]; s != nil {
				s.Policies = append(s.Policies, aws.ToString(p.PolicyName))
			}
		}
	}
	return nil
}

func addScheduled(ctx context.Context, c *awsapi.Clients, by map[string]*Scaling) error {
	pages := applicationautoscaling.NewDescribeScheduledActionsPaginator(c.ApplicationAutoScaling,
		&applicationautoscaling.DescribeScheduledActionsInput{ServiceNamespace: types.ServiceNamespaceEcs, MaxResults: aws.Int32(mostOnPage)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return explained(err, "application-autoscaling:DescribeScheduledActions")
		}
		for i := range page.ScheduledActions {
			a := &page.ScheduledActions[i]
			if s := by[aws.ToString(a.ResourceId)]; s != nil {
				s.Scheduled = append(s.Scheduled, aws.ToString(a.ScheduledActionName))
			}
		}
	}
	return nil
}
