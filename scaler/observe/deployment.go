package observe

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// Deployment is how ECS rolls a service out.
type Deployment struct {
	// Rolling says that old tasks are replaced by new ones step by step, within the percentages: the ECS controller with the
	// strategy ROLLING, which is the default (API DeploymentConfiguration).
	Rolling bool
	// MinimumHealthyPercent and MaximumPercent are 100 and 200 where ECS does not say (API DeploymentConfiguration, REPLICA).
	MinimumHealthyPercent, MaximumPercent int
	// Revisions are the ARNs of the service revisions that have tasks, none where ECS does not say.
	Revisions []string
}

func deploymentOf(s *ecstypes.Service) *Deployment {
	d := &Deployment{MinimumHealthyPercent: 100, MaximumPercent: 200}
	strategy := ecstypes.DeploymentStrategyRolling
	if c := s.DeploymentConfiguration; c != nil {
		if c.MinimumHealthyPercent != nil {
			d.MinimumHealthyPercent = int(*c.MinimumHealthyPercent)
		}
		if c.MaximumPercent != nil {
			d.MaximumPercent = int(*c.MaximumPercent)
		}
		if c.Strategy != "" {
			strategy = c.Strategy
		}
	}
	by := s.DeploymentController
	byOthers := by != nil && by.Type != "" && by.Type != ecstypes.DeploymentControllerTypeEcs
	d.Rolling = !byOthers && strategy == ecstypes.DeploymentStrategyRolling
	for i := range s.CurrentServiceRevisions {
		d.Revisions = append(d.Revisions, aws.ToString(s.CurrentServiceRevisions[i].Arn))
	}
	return d
}

// answerDeployments gives each service that is there its deployment.
func (c *chunk) answerDeployments(out *ecs.DescribeServicesOutput) {
	for i := range out.Services {
		sv := &out.Services[i]
		if d := c.named(aws.ToString(sv.ServiceName), aws.ToString(sv.ServiceArn)); d != nil {
			d.Deployment = deploymentOf(sv)
		}
	}
}

// RevisionsAPI is what is used of the ECS client to read service revisions.
type RevisionsAPI interface {
	DescribeServiceRevisions(
		ctx context.Context, in *ecs.DescribeServiceRevisionsInput, optFns ...func(*ecs.Options),
	) (*ecs.DescribeServiceRevisionsOutput, error)
}

// revisionsPerCall is the most that one call describes.
const revisionsPerCall = 20

// Resolutions is how often ECS publishes each metric of service revisions, in seconds, by ARN and metric name (API
// DescribeServiceRevisions, the only call that shows it: aws-semantics 1.2). A metric without an entry is published each 60 s. With
// an error the result has the revisions that were described before.
func Resolutions(ctx context.Context, api RevisionsAPI, arns []string) (map[string]map[string]int, error) {
	found := map[string]map[string]int{}
	for some := range slices.Chunk(arns, revisionsPerCall) {
		out, err := api.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: some})
		if err != nil {
			return found, err
		}
		for i := range out.ServiceRevisions {
			r := &out.ServiceRevisions[i]
			found[aws.ToString(r.ServiceRevisionArn)] = resolutionsOf(r.Monitoring)
		}
		if len(out.Failures) > 0 {
			f := &out.Failures[0]
			return found, fmt.Errorf("service revision %s: %s", aws.ToString(f.Arn), aws.ToString(f.Reason))
		}
	}
	return found, nil
}

func resolutionsOf(m *ecstypes.MonitoringConfiguration) map[string]int {
	seconds := map[string]int{}
	if m == nil {
		return seconds
	}
	for i := range m.MetricConfigurations {
		c := &m.MetricConfigurations[i]
		for _, name := range c.MetricNames {
			seconds[name] = int(aws.ToInt32(c.ResolutionSeconds))
		}
	}
	return seconds
}
