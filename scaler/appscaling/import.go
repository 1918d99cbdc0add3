package appscaling

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"ecs-autoscaler/config/described"
	"ecs-autoscaler/config/managed"
	"ecs-autoscaler/scaler/awsapi"
)

// Import reads the managed scaling of the ECS services of some clusters, by name; none means all clusters. It asks
// DescribeScalableTargets, DescribeScalingPolicies and DescribeScheduledActions, and DescribeAlarms where there are step policies,
// all pages of them. The same account gives the same document. An error names the call and, where it is denied, the permission.
func Import(ctx context.Context, c *awsapi.Clients, clusters []string) (managed.Document, error) {
	a := &account{clients: c, clusters: clusters, policies: map[string]bool{}}
	for _, read := range []func(context.Context) error{a.targets, a.scalingPolicies, a.scheduledActions, a.alarms} {
		if err := read(ctx); err != nil {
			return managed.Document{}, err
		}
	}
	slices.SortStableFunc(a.resources, func(x, y described.Resource) int {
		return strings.Compare(x.Place.Resource, y.Place.Resource)
	})
	return described.Document(c.Region, a.resources), nil
}

// account is what is read of one.
type account struct {
	clients   *awsapi.Clients
	clusters  []string
	resources []described.Resource
	// policies are the step policies among them, by ARN.
	policies map[string]bool
}

// wants says whether a resource is an ECS service of the clusters: service/CLUSTER/SERVICE.
func (a *account) wants(resource string) bool {
	parts := strings.Split(resource, "/")
	return len(a.clusters) == 0 || len(parts) == 3 && slices.Contains(a.clusters, parts[1])
}

// add takes a resource as the API describes it.
func (a *account) add(kind described.Kind, name, arn string, of any) error {
	attributes, err := tree(of)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	a.resources = append(a.resources, described.Resource{
		Kind: kind, Place: managed.Place{File: a.clients.Region, Resource: name}, ARN: arn, Attributes: attributes,
	})
	return nil
}

// tree is a structure of the API by the names of its members.
func tree(of any) (described.Value, error) {
	text, err := json.Marshal(of)
	if err != nil {
		return described.Value{}, err
	}
	var members any
	numbers := json.NewDecoder(bytes.NewReader(text))
	numbers.UseNumber()
	if err := numbers.Decode(&members); err != nil {
		return described.Value{}, err
	}
	return described.OfAPI(members), nil
}

func (a *account) targets(ctx context.Context) error {
	return scalableTargets(ctx, a.clients, nil, func(t *types.ScalableTarget) error {
		if !a.wants(aws.ToString(t.ResourceId)) {
			return nil
		}
		t.PredictedCapacity = nil // what a forecast says now is no setting
		if strings.Contains(aws.ToString(t.RoleARN), ":role/aws-service-role/") {
			t.RoleARN = nil // AWS's own, which every target has
		}
		return a.add(described.ScalableTarget, aws.ToString(t.ResourceId), "", t)
	})
}

func (a *account) scalingPolicies(ctx context.Context) error {
	return scalingPolicies(ctx, a.clients, func(p *types.ScalingPolicy) error {
		if !a.wants(aws.ToString(p.ResourceId)) {
			return nil
		}
		if p.PolicyType == types.PolicyTypeStepScaling {
			a.policies[aws.ToString(p.PolicyARN)] = true
		}
		name := aws.ToString(p.ResourceId) + " scaling policy " + aws.ToString(p.PolicyName)
		return a.add(described.ScalingPolicy, name, aws.ToString(p.PolicyARN), p)
	})
}

func (a *account) scheduledActions(ctx context.Context) error {
	return scheduledActions(ctx, a.clients, func(s *types.ScheduledAction) error {
		if !a.wants(aws.ToString(s.ResourceId)) {
			return nil
		}
		name := aws.ToString(s.ResourceId) + " scheduled action " + aws.ToString(s.ScheduledActionName)
		return a.add(described.ScheduledAction, name, "", s)
	})
}

// alarms reads those that start one of the step policies. The alarms of target tracking are AWS's own.
func (a *account) alarms(ctx context.Context) error {
	if len(a.policies) == 0 {
		return nil
	}
	return metricAlarms(ctx, a.clients, a.prefix(), func(m *cwtypes.MetricAlarm) error {
		if !slices.ContainsFunc(m.AlarmActions, func(action string) bool { return a.policies[action] }) {
			return nil
		}
		return a.add(described.Alarm, "alarm "+aws.ToString(m.AlarmName), "", m)
	})
}

// prefix is what the actions of all alarms of scaling policies in this account and region begin with, as those of its policies do:
// an account may have many thousands of other alarms.
func (a *account) prefix() *string {
	for arn := range a.policies {
		if before, _, found := strings.Cut(arn, ":scalingPolicy:"); found {
			before += ":scalingPolicy:"
			return &before
		}
	}
	return nil
}
