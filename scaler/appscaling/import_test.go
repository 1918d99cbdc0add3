package appscaling

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"ecs-autoscaler/config/managed"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/sim"
)

// connected are clients of a simulated region.
func connected(t *testing.T, scenario string) *awsapi.Clients {
	t.Helper()
	s, err := sim.ParseScenario("scenario.yaml", []byte(scenario), nil)
	if err != nil {
		t.Fatal(err)
	}
	region, err := sim.New(s, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	c, err := awsapi.Connect(t.Context(), awsapi.Options{
		Region: "eu-west-2", HTTPClient: &http.Client{Transport: region.Transport()},
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// crowd is a region of n services, each with a step policy that an alarm starts and a scheduled action.
func crowd(n int) string {
	var services, targets, policies, actions, alarms strings.Builder
	for i := range n {
		arn := fmt.Sprintf("arn:aws:autoscaling:eu-west-2:123456789012:scalingPolicy:00000000-0000-4000-8000-%012d:resource/ecs/service/c/s%03d:policyName/out", i, i)
		fmt.Fprintf(&services, "  - {service: c/s%03d, desired: 1}\n", i)
		fmt.Fprintf(&targets, "    - {ResourceId: service/c/s%03d, MinCapacity: 1, MaxCapacity: 4}\n", i)
		fmt.Fprintf(&policies, "    - {PolicyName: out, PolicyARN: \"%s\", PolicyType: StepScaling, ResourceId: service/c/s%03d, StepScalingPolicyConfiguration: "+
			"{AdjustmentType: ChangeInCapacity, StepAdjustments: [{MetricIntervalLowerBound: 0, ScalingAdjustment: 1}]}}\n", arn, i)
		fmt.Fprintf(&actions, "    - {ScheduledActionName: morning, ResourceId: service/c/s%03d, Schedule: \"cron(0 8 ? * * *)\", ScalableTargetAction: {MinCapacity: 2}}\n", i)
		fmt.Fprintf(&alarms, "  - {AlarmName: high-%03d, AlarmActions: [\"%s\"], Namespace: N, MetricName: M, Statistic: Average, Period: 60, "+
			"EvaluationPeriods: 1, Threshold: 5, ComparisonOperator: GreaterThanThreshold}\n", i, arn)
	}
	return "region: eu-west-2\nservices:\n" + services.String() + "application_autoscaling:\n  scalable_targets:\n" + targets.String() +
		"  scaling_policies:\n" + policies.String() + "  scheduled_actions:\n" + actions.String() + "metric_alarms:\n" + alarms.String()
}

func TestAnAccountIsReadToItsLastPage(t *testing.T) {
	const services = 120 // a page has 50 targets, 10 policies, 50 alarms
	doc, err := Import(t.Context(), connected(t, crowd(services)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Targets) != services || len(doc.Losses) > 0 {
		t.Fatalf("%d targets, losses %v", len(doc.Targets), doc.Losses)
	}
	for i := range doc.Targets {
		one := &doc.Targets[i]
		if one.Service != fmt.Sprintf("s%03d", i) || len(one.Steps) != 1 || len(one.Actions) != 1 || one.Steps[0].Alarm.Threshold != 5 {
			t.Fatalf("target %d is %+v", i, one)
		}
	}
}

func TestAnImportSaysWhatItMayNotRead(t *testing.T) {
	const region = "region: eu-west-2\nservices: [{service: c/s, desired: 1}]\napplication_autoscaling:\n" +
		"  scalable_targets: [{ResourceId: service/c/s, MinCapacity: 1, MaxCapacity: 4}]\n" +
		"  scaling_policies: [{PolicyName: out, PolicyType: StepScaling, ResourceId: service/c/s, StepScalingPolicyConfiguration: " +
		"{AdjustmentType: ChangeInCapacity, StepAdjustments: [{MetricIntervalLowerBound: 0, ScalingAdjustment: 1}]}}]\n"
	for operation, permission := range map[string]string{
		"DescribeScalableTargets":  "application-autoscaling:DescribeScalableTargets",
		"DescribeScalingPolicies":  "application-autoscaling:DescribeScalingPolicies",
		"DescribeScheduledActions": "application-autoscaling:DescribeScheduledActions",
		"DescribeAlarms":           "cloudwatch:DescribeAlarms",
	} {
		_, err := Import(t.Context(), connected(t, region+"faults: [{kind: access_denied, operation: "+operation+"}]\n"), nil)
		if err == nil || !strings.Contains(err.Error(), permission) {
			t.Errorf("without %s: %v", permission, err)
		}
	}
}

func TestAStepPolicyWithoutAlarmIsNamed(t *testing.T) {
	const region = "region: eu-west-2\nservices: [{service: c/s, desired: 1}]\napplication_autoscaling:\n" +
		"  scalable_targets: [{ResourceId: service/c/s, MinCapacity: 1, MaxCapacity: 4}]\n" +
		"  scaling_policies: [{PolicyName: out, PolicyType: StepScaling, ResourceId: service/c/s, StepScalingPolicyConfiguration: " +
		"{AdjustmentType: ChangeInCapacity, StepAdjustments: [{MetricIntervalLowerBound: 0, ScalingAdjustment: 1}]}}]\n" +
		"metric_alarms: [{AlarmName: other, AlarmActions: [\"arn:aws:sns:eu-west-2:123456789012:people\"], Namespace: N, MetricName: M, Statistic: Average, " +
		"Period: 60, EvaluationPeriods: 1, Threshold: 5, ComparisonOperator: GreaterThanThreshold}]\n"
	doc, err := Import(t.Context(), connected(t, region), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Losses) != 1 || !strings.Contains(doc.Losses[0].String(), "eu-west-2 service/c/s scaling policy out: left out: no alarm of the input has this policy") {
		t.Errorf("losses %v", doc.Losses)
	}
	if text := string(managed.Write(doc)); !strings.Contains(text, "# LOST eu-west-2 service/c/s scaling policy out") {
		t.Errorf("the configuration is\n%s", text)
	}
}
