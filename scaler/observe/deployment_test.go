package observe

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"

	"ecs-autoscaler/evaluator"
)

func TestADeploymentIsWhatECSSaysOfIt(t *testing.T) {
	controller := func(kind ecstypes.DeploymentControllerType) *ecstypes.DeploymentController {
		return &ecstypes.DeploymentController{Type: kind}
	}
	for name, c := range map[string]struct {
		is   ecstypes.Service
		want Deployment
	}{
		"nothing is said": {ecstypes.Service{}, Deployment{Rolling: true, MinimumHealthyPercent: 100, MaximumPercent: 200}},
		"percentages and revisions": {ecstypes.Service{
			DeploymentController: controller(ecstypes.DeploymentControllerTypeEcs),
			DeploymentConfiguration: &ecstypes.DeploymentConfiguration{
				MinimumHealthyPercent: aws.Int32(0), MaximumPercent: aws.Int32(150), Strategy: ecstypes.DeploymentStrategyRolling,
			},
			CurrentServiceRevisions: []ecstypes.ServiceCurrentRevisionSummary{{Arn: aws.String("r1")}, {Arn: aws.String("r2")}},
		}, Deployment{Rolling: true, MaximumPercent: 150, Revisions: []string{"r1", "r2"}}},
		"blue and green": {ecstypes.Service{
			DeploymentConfiguration: &ecstypes.DeploymentConfiguration{Strategy: ecstypes.DeploymentStrategyBlueGreen},
		}, Deployment{MinimumHealthyPercent: 100, MaximumPercent: 200}},
		"another controller": {ecstypes.Service{DeploymentController: controller(ecstypes.DeploymentControllerTypeExternal)},
			Deployment{MinimumHealthyPercent: 100, MaximumPercent: 200}},
	} {
		if diff := cmp.Diff(&c.want, deploymentOf(&c.is)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestDeploymentsAreThereWhereTheyWereAskedFor(t *testing.T) {
	keys := []evaluator.Key{{Cluster: "c", Service: "a"}, {Cluster: "c", Service: "gone"}}
	for _, asked := range []bool{false, true} {
		e := &estate{clusters: map[string][]string{"c": {"a"}}}
		found := NewServices(e, ServicesOptions{Deployments: asked}).Describe(t.Context(), time.Unix(0, 0), keys)
		if len(found) != 2 || found[0].Deployment != nil != asked || found[1].Deployment != nil {
			t.Errorf("asked: %v, found %+v", asked, found)
		}
	}
}

// archive answers for service revisions; those with odd numbers are monitored each 20 s.
type archive struct {
	calls int
	fails error
}

func (a *archive) DescribeServiceRevisions(_ context.Context, in *ecs.DescribeServiceRevisionsInput, _ ...func(*ecs.Options)) (*ecs.DescribeServiceRevisionsOutput, error) {
	a.calls++
	if a.calls > 1 && a.fails != nil {
		return nil, a.fails
	}
	out := &ecs.DescribeServiceRevisionsOutput{}
	for _, arn := range in.ServiceRevisionArns {
		n, err := strconv.Atoi(strings.TrimPrefix(arn, "r"))
		if err != nil {
			out.Failures = append(out.Failures, ecstypes.Failure{Arn: &arn, Reason: aws.String("MISSING")})
			continue
		}
		r := ecstypes.ServiceRevision{ServiceRevisionArn: &arn}
		if n%2 == 1 {
			r.Monitoring = &ecstypes.MonitoringConfiguration{MetricConfigurations: []ecstypes.MetricConfiguration{
				{MetricNames: []string{"CPUUtilization"}, ResolutionSeconds: aws.Int32(20)},
			}}
		}
		out.ServiceRevisions = append(out.ServiceRevisions, r)
	}
	return out, nil
}

func TestResolutionsAreAskedForTwentyRevisionsAtATime(t *testing.T) {
	var arns []string
	for i := range 45 {
		arns = append(arns, "r"+strconv.Itoa(i))
	}
	a := &archive{}
	found, err := Resolutions(t.Context(), a, arns)
	if err != nil || a.calls != 3 || len(found) != 45 || found["r1"]["CPUUtilization"] != 20 || len(found["r2"]) != 0 {
		t.Errorf("%d calls, %d revisions, r1 %v, r2 %v, %v", a.calls, len(found), found["r1"], found["r2"], err)
	}
}

func TestResolutionsSayWhatTheyKnowBeforeAnError(t *testing.T) {
	var arns []string
	for i := range 45 {
		arns = append(arns, "r"+strconv.Itoa(i))
	}
	broken := errors.New("broken")
	if found, err := Resolutions(t.Context(), &archive{fails: broken}, arns); !errors.Is(err, broken) || len(found) != 20 {
		t.Errorf("%d revisions, %v", len(found), err)
	}
	found, err := Resolutions(t.Context(), &archive{}, slices.Insert(arns[:2:2], 1, "what"))
	if err == nil || err.Error() != "service revision what: MISSING" || len(found) != 2 {
		t.Errorf("%d revisions, %v", len(found), err)
	}
}
