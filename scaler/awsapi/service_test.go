package awsapi

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"ecs-autoscaler/evaluator"
)

var t0 = time.Unix(1_800_000_000, 0).UTC()

func deployment(status string, rollout ecstypes.DeploymentRolloutState, desired, running int32) ecstypes.Deployment {
	return ecstypes.Deployment{Status: aws.String(status), RolloutState: rollout, DesiredCount: desired, RunningCount: running}
}

func strategy(s ecstypes.DeploymentStrategy) *ecstypes.DeploymentConfiguration {
	return &ecstypes.DeploymentConfiguration{Strategy: s}
}

const (
	inProgress = ecstypes.DeploymentRolloutStateInProgress
	completed  = ecstypes.DeploymentRolloutStateCompleted
)

func TestAServiceIsConverted(t *testing.T) {
	got := ServiceOf(&ecstypes.Service{
		Status: aws.String("DRAINING"), DesiredCount: 4, RunningCount: 3, PendingCount: 1,
		DeploymentController: &ecstypes.DeploymentController{Type: ecstypes.DeploymentControllerTypeCodeDeploy},
		SchedulingStrategy:   ecstypes.SchedulingStrategyDaemon,
	}, t0)
	want := evaluator.Service{
		DescribedAt: t0, Status: evaluator.ServiceDraining, Daemon: true, Desired: 4, Running: 3, Pending: 1, Base: 3, Controller: "CODE_DEPLOY",
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestMissingFieldsAreSafe(t *testing.T) {
	if got := ServiceOf(&ecstypes.Service{}, t0); got != (evaluator.Service{DescribedAt: t0, Controller: "ECS"}) {
		t.Errorf("an empty service is %+v", got)
	}
	if got := ServiceOf(nil, t0); got != (evaluator.Service{DescribedAt: t0, Status: evaluator.ServiceMissing}) {
		t.Errorf("no service is %+v", got)
	}
	if got := ServiceOf(&ecstypes.Service{DeploymentController: &ecstypes.DeploymentController{}}, t0); got.Controller != "ECS" {
		t.Errorf("an empty controller is %q", got.Controller)
	}
	if got := ServiceOf(&ecstypes.Service{Deployments: []ecstypes.Deployment{{}, {}}, DeploymentConfiguration: strategy(ecstypes.DeploymentStrategyCanary)}, t0); got.Deploying || got.Base != 0 {
		t.Errorf("empty deployments are %+v", got)
	}
}

func TestADeploymentInProgressIsSeen(t *testing.T) {
	for _, c := range []struct {
		name string
		d    []ecstypes.Deployment
		want bool
	}{
		{"none listed (CODE_DEPLOY, EXTERNAL)", nil, false},
		{"completed", []ecstypes.Deployment{deployment("PRIMARY", completed, 3, 3)}, false},
		{"case 149: the first deployment of a new service", []ecstypes.Deployment{deployment("PRIMARY", inProgress, 3, 0)}, true},
		{"in progress at a desired count of 0", []ecstypes.Deployment{deployment("PRIMARY", inProgress, 0, 0)}, true},
		{"rolling", []ecstypes.Deployment{deployment("PRIMARY", inProgress, 3, 1), deployment("ACTIVE", completed, 2, 2)}, true},
		{"old tasks still stopping", []ecstypes.Deployment{deployment("PRIMARY", completed, 3, 3), deployment("ACTIVE", completed, 0, 1)}, true},
		{"an old deployment without tasks", []ecstypes.Deployment{deployment("PRIMARY", completed, 3, 3), deployment("INACTIVE", completed, 0, 0)}, false},
		{"behind a Classic Load Balancer, rolling", []ecstypes.Deployment{deployment("PRIMARY", "", 3, 1), deployment("ACTIVE", "", 2, 2)}, true},
		{"behind a Classic Load Balancer, at rest", []ecstypes.Deployment{deployment("PRIMARY", "", 3, 3)}, false},
		{"failed and stopped by the circuit breaker", []ecstypes.Deployment{deployment("PRIMARY", ecstypes.DeploymentRolloutStateFailed, 3, 3)}, false},
		{"an older one in progress is none", []ecstypes.Deployment{deployment("PRIMARY", completed, 3, 3), deployment("ACTIVE", inProgress, 0, 0)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ServiceOf(&ecstypes.Service{Deployments: c.d}, t0).Deploying; got != c.want {
				t.Errorf("Deploying is %v, want %v", got, c.want)
			}
		})
	}
}

func TestTheBaseIsOneRevisionWhenTwoRunSideBySide(t *testing.T) {
	two := []ecstypes.Deployment{deployment("ACTIVE", completed, 4, 4), deployment("PRIMARY", inProgress, 4, 3)}
	one := two[1:]
	for _, c := range []struct {
		name     string
		strategy *ecstypes.DeploymentConfiguration
		d        []ecstypes.Deployment
		want     int
	}{
		{"no configuration", nil, two, 7},
		{"rolling", strategy(ecstypes.DeploymentStrategyRolling), two, 7},
		{"blue/green", strategy(ecstypes.DeploymentStrategyBlueGreen), two, 3},
		{"linear", strategy(ecstypes.DeploymentStrategyLinear), two, 3},
		{"canary", strategy(ecstypes.DeploymentStrategyCanary), two, 3},
		{"blue/green with one revision", strategy(ecstypes.DeploymentStrategyBlueGreen), one, 7},
		{"blue/green without a PRIMARY", strategy(ecstypes.DeploymentStrategyBlueGreen), []ecstypes.Deployment{two[0], two[0]}, 7},
		{"an unknown strategy", strategy("MAGIC"), two, 7},
	} {
		s := &ecstypes.Service{RunningCount: 7, Deployments: c.d, DeploymentConfiguration: c.strategy}
		if got := ServiceOf(s, t0).Base; got != c.want {
			t.Errorf("%s: base is %d, want %d", c.name, got, c.want)
		}
	}
}
