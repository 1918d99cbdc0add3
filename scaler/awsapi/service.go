package awsapi

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ecs-autoscaler/evaluator"
)

// primary is Deployment.status of the newest deployment (API Deployment; ECS has no enum for it).
const primary = "PRIMARY"

// ServiceOf is an ECS service in the evaluator's words, described at the given instant. Missing
// fields are safe: no controller means ECS, no deployments means none in progress, and a service
// without status keeps it empty, which nobody takes for ACTIVE. A nil service is MISSING.
func ServiceOf(s *ecstypes.Service, at time.Time) evaluator.Service {
	if s == nil {
		return evaluator.Service{DescribedAt: at, Status: evaluator.ServiceMissing}
	}
	return evaluator.Service{
		DescribedAt: at,
		Status:      evaluator.ServiceStatus(aws.ToString(s.Status)),
		Daemon:      s.SchedulingStrategy == ecstypes.SchedulingStrategyDaemon,
		Desired:     int(s.DesiredCount),
		Running:     int(s.RunningCount),
		Pending:     int(s.PendingCount),
		Base:        base(s),
		Controller:  controller(s),
		Deploying:   deploying(s),
	}
}

func controller(s *ecstypes.Service) string {
	if s.DeploymentController == nil || s.DeploymentController.Type == "" {
		return string(ecstypes.DeploymentControllerTypeEcs)
	}
	return string(s.DeploymentController.Type)
}

// base keeps the two revisions of a native blue/green, linear or canary deployment from doubling
// what a policy computes from: whether AWS counts both is undocumented (aws-semantics 1.12).
func base(s *ecstypes.Service) int {
	if withTasks(s) < 2 || !twoRevisions(s) {
		return int(s.RunningCount)
	}
	i := slices.IndexFunc(s.Deployments, func(d ecstypes.Deployment) bool { return aws.ToString(d.Status) == primary })
	if i < 0 {
		return int(s.RunningCount)
	}
	return int(s.Deployments[i].RunningCount)
}

func twoRevisions(s *ecstypes.Service) bool {
	if s.DeploymentConfiguration == nil {
		return false
	}
	switch s.DeploymentConfiguration.Strategy {
	case ecstypes.DeploymentStrategyBlueGreen, ecstypes.DeploymentStrategyLinear, ecstypes.DeploymentStrategyCanary:
		return true
	case ecstypes.DeploymentStrategyRolling:
	}
	return false
}

// deploying is true from the start of a deployment until its steady state, or while tasks of an older
// revision are left: behind a Classic Load Balancer ECS gives no rollout state (aws-semantics 8.2).
func deploying(s *ecstypes.Service) bool {
	for i := range s.Deployments {
		d := &s.Deployments[i]
		if aws.ToString(d.Status) == primary && d.RolloutState == ecstypes.DeploymentRolloutStateInProgress {
			return true
		}
	}
	return withTasks(s) > 1
}

// withTasks counts the deployments that have tasks or want some.
func withTasks(s *ecstypes.Service) int {
	n := 0
	for i := range s.Deployments {
		d := &s.Deployments[i]
		if d.DesiredCount > 0 || d.RunningCount > 0 || d.PendingCount > 0 {
			n++
		}
	}
	return n
}
