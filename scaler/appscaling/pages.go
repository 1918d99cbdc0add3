package appscaling

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"ecs-autoscaler/scaler/awsapi"
)

// pages is a paginator of the SDK.
type pages[Page, Options any] interface {
	HasMorePages() bool
	NextPage(ctx context.Context, optFns ...func(*Options)) (*Page, error)
}

// each takes the items of all pages, and ends with the first error.
func each[Page, Options, Item any](
	ctx context.Context, all pages[Page, Options], action string, items func(*Page) []Item, take func(*Item) error,
) error {
	for all.HasMorePages() {
		page, err := all.NextPage(ctx)
		if err != nil {
			return explained(err, action)
		}
		list := items(page)
		for i := range list {
			if err := take(&list[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// explainedError says which call failed and what to do, and still is the error that it was.
type explainedError struct {
	error
	text string
}

func (e explainedError) Error() string { return e.text }

// Unwrap gives what AWS or the network said.
func (e explainedError) Unwrap() error { return e.error }

// explained names the call that failed, and what to do.
func explained(err error, action string) error {
	return explainedError{err, awsapi.Explain(err, action)}
}

// scalableTargets takes those of ECS: all, or only these resources.
func scalableTargets(ctx context.Context, c *awsapi.Clients, resources []string, take func(*types.ScalableTarget) error) error {
	all := applicationautoscaling.NewDescribeScalableTargetsPaginator(c.ApplicationAutoScaling,
		&applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: types.ServiceNamespaceEcs, ResourceIds: resources},
		func(o *applicationautoscaling.DescribeScalableTargetsPaginatorOptions) { o.StopOnDuplicateToken = true })
	return each(ctx, all, "application-autoscaling:DescribeScalableTargets",
		func(page *applicationautoscaling.DescribeScalableTargetsOutput) []types.ScalableTarget {
			return page.ScalableTargets
		}, take)
}

func scalingPolicies(ctx context.Context, c *awsapi.Clients, take func(*types.ScalingPolicy) error) error {
	all := applicationautoscaling.NewDescribeScalingPoliciesPaginator(c.ApplicationAutoScaling,
		&applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: types.ServiceNamespaceEcs},
		func(o *applicationautoscaling.DescribeScalingPoliciesPaginatorOptions) { o.StopOnDuplicateToken = true })
	return each(ctx, all, "application-autoscaling:DescribeScalingPolicies",
		func(page *applicationautoscaling.DescribeScalingPoliciesOutput) []types.ScalingPolicy {
			return page.ScalingPolicies
		}, take)
}

func scheduledActions(ctx context.Context, c *awsapi.Clients, take func(*types.ScheduledAction) error) error {
	all := applicationautoscaling.NewDescribeScheduledActionsPaginator(c.ApplicationAutoScaling,
		&applicationautoscaling.DescribeScheduledActionsInput{ServiceNamespace: types.ServiceNamespaceEcs},
		func(o *applicationautoscaling.DescribeScheduledActionsPaginatorOptions) {
			o.StopOnDuplicateToken = true
		})
	return each(ctx, all, "application-autoscaling:DescribeScheduledActions",
		func(page *applicationautoscaling.DescribeScheduledActionsOutput) []types.ScheduledAction {
			return page.ScheduledActions
		}, take)
}

// metricAlarms takes those with an action that begins with prefix; nil is for all.
func metricAlarms(ctx context.Context, c *awsapi.Clients, prefix *string, take func(*cwtypes.MetricAlarm) error) error {
	all := cloudwatch.NewDescribeAlarmsPaginator(c.CloudWatch,
		&cloudwatch.DescribeAlarmsInput{ActionPrefix: prefix, AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeMetricAlarm}},
		func(o *cloudwatch.DescribeAlarmsPaginatorOptions) { o.StopOnDuplicateToken = true })
	return each(ctx, all, "cloudwatch:DescribeAlarms",
		func(page *cloudwatch.DescribeAlarmsOutput) []cwtypes.MetricAlarm { return page.MetricAlarms }, take)
}
