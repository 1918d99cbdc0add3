package sim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

const gauges = `
publication: {delay: 0s}
clusters: [{name: c, container_insights: true}, {name: plain}]
services:
  - service: c/web
    desired: 2
    task_start: 90s
    load: {steps: [{at: 0s, value: 1}, {at: 3m, value: 0}]}
    load_balancer: {resource_label: app/lb/1a/targetgroup/tg/2b, requests_per_load: 600}
  - {service: plain/web, desired: 1}
custom_metrics:
  - {namespace: AWS/SQS, metric_name: Visible, dimensions: {QueueName: jobs}, unit: Count, value: {ramp: {from: 0, to: 600, end: 10m}}}
  - {namespace: Own, metric_name: Share, value: 12, per_task_of: c/web}
  - {namespace: Own, metric_name: Fast, value: 5, noise: 1, resolution: 10, publication: {high_resolution_delay: 0s}}
`

// query asks for any metric; dims is name, value, name, value ...
func query(id, namespace, metric, statistic string, dims ...string) types.MetricDataQuery {
	m := &types.Metric{Namespace: &namespace, MetricName: &metric}
	for i := 0; i < len(dims); i += 2 {
		m.Dimensions = append(m.Dimensions, types.Dimension{Name: &dims[i], Value: &dims[i+1]})
	}
	return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{Metric: m, Period: aws.Int32(60), Stat: &statistic}}
}

func TestLoadBalancersCountRequestsForEachTarget(t *testing.T) {
	w := newWorld(t, gauges)
	w.pass(5 * time.Minute)
	r := w.data(5*time.Minute,
		query("group", "AWS/ApplicationELB", "RequestCountPerTarget", "Sum", "TargetGroup", "targetgroup/tg/2b"),
		query("both", "AWS/ApplicationELB", "RequestCountPerTarget", "Sum", "TargetGroup", "targetgroup/tg/2b", "LoadBalancer", "app/lb/1a"),
		query("total", "AWS/ApplicationELB", "RequestCount", "Sum", "TargetGroup", "targetgroup/tg/2b"),
		query("wrong", "AWS/ApplicationELB", "RequestCountPerTarget", "Sum", "TargetGroup", "targetgroup/tg/2b", "LoadBalancer", "app/other/1"),
		query("none", "AWS/ApplicationELB", "RequestCountPerTarget", "Sum", "LoadBalancer", "app/lb/1a"),
	).MetricDataResults
	// Without traffic the rate for each target is zero, the total is not there at all.
	expect(t, "by group", r[0].Values, []float64{300, 300, 300, 0, 0})
	expect(t, "by both", r[1].Values, r[0].Values)
	expect(t, "total", r[2].Values, []float64{600, 600, 600})
	expect(t, "another load balancer", r[3].Values, nil)
	expect(t, "no group", r[4].Values, nil)
}

func TestContainerInsightsCountTasksWhereTheClusterHasThem(t *testing.T) {
	w := newWorld(t, gauges)
	w.pass(2 * time.Minute)
	if err := w.SetDesired("c", "web", 5); err != nil {
		t.Fatal(err)
	}
	w.pass(2 * time.Minute)
	at := func(id, metric, cluster string) types.MetricDataQuery {
		return query(id, "ECS/ContainerInsights", metric, "Average", "ClusterName", cluster, "ServiceName", "web")
	}
	r := w.data(5*time.Minute, at("running", "RunningTaskCount", "c"), at("pending", "PendingTaskCount", "c"),
		at("desired", "DesiredTaskCount", "c"), at("plain", "RunningTaskCount", "plain")).MetricDataResults
	expect(t, "running", r[0].Values, []float64{2, 2, 2, 5})
	expect(t, "pending", r[1].Values, []float64{0, 0, 3, 0})
	expect(t, "desired", r[2].Values, []float64{2, 2, 5, 5})
	expect(t, "without insights", r[3].Values, nil)
}

func TestCustomMetricsFollowTheirCurves(t *testing.T) {
	w := newWorld(t, gauges)
	w.pass(2 * time.Minute)
	if err := w.SetDesired("c", "web", 0); err != nil {
		t.Fatal(err)
	}
	w.pass(2 * time.Minute)
	fast := query("fast", "Own", "Fast", "SampleCount")
	r := w.data(5*time.Minute, query("queue", "AWS/SQS", "Visible", "Maximum", "QueueName", "jobs"),
		query("share", "Own", "Share", "Average"), fast, query("noise", "Own", "Fast", "Average")).MetricDataResults
	expect(t, "queue", r[0].Values, []float64{30, 90, 150, 210})
	expect(t, "share, while tasks run", r[1].Values, []float64{6, 6})
	expect(t, "samples of ten seconds", r[2].Values, []float64{6, 6, 6, 6})
	for _, v := range r[3].Values {
		if v < 4 || v > 6 || v == 5 {
			t.Errorf("value %v, want 5 with noise of at most 1", v)
		}
	}
}

func TestMetricsAreListedWithFilters(t *testing.T) {
	w := newWorld(t, gauges)
	list := func(in cloudwatch.ListMetricsInput) int {
		out, err := w.cw.ListMetrics(w.context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Metrics)
	}
	name := []types.DimensionFilter{{Name: aws.String("ServiceName"), Value: aws.String("web")}, {Name: aws.String("ClusterName")}}
	for _, c := range []struct {
		what string
		in   cloudwatch.ListMetricsInput
		want int
	}{
		{"all", cloudwatch.ListMetricsInput{}, 3 + 3 + 4 + 3 + 3},
		{"a namespace", cloudwatch.ListMetricsInput{Namespace: aws.String("AWS/ECS")}, 6},
		{"a name", cloudwatch.ListMetricsInput{MetricName: aws.String("CPUUtilization")}, 2},
		{"dimensions", cloudwatch.ListMetricsInput{Namespace: aws.String("ECS/ContainerInsights"), Dimensions: name}, 3},
		{"nothing", cloudwatch.ListMetricsInput{Namespace: aws.String("AWS/EC2")}, 0},
	} {
		if got := list(c.in); got != c.want {
			t.Errorf("%s: %d metrics, want %d", c.what, got, c.want)
		}
	}
	if _, err := w.cw.ListMetrics(w.context(), &cloudwatch.ListMetricsInput{NextToken: aws.String("x")}); code(err) != "InvalidParameterValue" {
		t.Errorf("a token that was never given: %v", err)
	}
}

func TestManyMetricsAreListedInPagesOfFiveHundred(t *testing.T) {
	w := newWorld(t, "services: [{service: c/s-%03d, count: 400}]")
	var pages []int
	for p := cloudwatch.NewListMetricsPaginator(w.cw, &cloudwatch.ListMetricsInput{}); p.HasMorePages(); {
		out, err := p.NextPage(w.context())
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, len(out.Metrics))
	}
	expect(t, "pages", pages, []int{500, 500, 200})
}

func statistics(window time.Duration, names ...types.Statistic) *cloudwatch.GetMetricStatisticsInput {
	return &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AWS/ECS"), MetricName: aws.String("CPUUtilization"), Period: aws.Int32(60), Statistics: names,
		Dimensions: []types.Dimension{{Name: aws.String("ClusterName"), Value: aws.String("c")}, {Name: aws.String("ServiceName"), Value: aws.String("web")}},
		StartTime:  aws.Time(epoch), EndTime: aws.Time(epoch.Add(window)),
	}
}

func TestGetMetricStatisticsGivesSeveralStatisticsAtOnce(t *testing.T) {
	w := newWorld(t, gauges)
	w.pass(3 * time.Minute)
	in := statistics(3*time.Minute, types.StatisticAverage, types.StatisticSampleCount)
	in.ExtendedStatistics = []string{"p90"}
	out, err := w.cw.GetMetricStatistics(w.context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Datapoints) != 3 || *out.Label != "CPUUtilization" {
		t.Fatalf("%d datapoints of %s, want 3", len(out.Datapoints), *out.Label)
	}
	d := out.Datapoints[1]
	if *d.Average != 50 || *d.SampleCount != 2 || d.ExtendedStatistics["p90"] != 50 || d.Unit != types.StandardUnitPercent || !d.Timestamp.Equal(epoch.Add(time.Minute)) {
		t.Errorf("datapoint %+v", d)
	}
}

func TestGetMetricStatisticsIsRefusedAsCloudWatchRefusesIt(t *testing.T) {
	w := newWorld(t, gauges)
	w.pass(time.Minute)
	odd, nothing, unit := statistics(time.Hour, "Average"), statistics(time.Hour), statistics(time.Hour, "Average")
	odd.Period, unit.Unit = aws.Int32(7), types.StandardUnitBytes
	for name, c := range map[string]struct {
		in   *cloudwatch.GetMetricStatisticsInput
		want string
	}{
		"an odd period":            {odd, "InvalidParameterValue"},
		"no statistic":             {nothing, "MissingParameter"},
		"an unknown statistic":     {statistics(time.Hour, "Median"), "InvalidParameterValue"},
		"more than 1440":           {statistics(48*time.Hour, "Average"), "InvalidParameterCombination"},
		"no time":                  {statistics(0, "Average"), "ValidationError"},
		"another unit is no error": {unit, ""},
	} {
		if _, err := w.cw.GetMetricStatistics(w.context(), c.in); code(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestThereAreNoAlarms(t *testing.T) {
	w := newWorld(t, gauges)
	out, err := w.cw.DescribeAlarms(w.context(), &cloudwatch.DescribeAlarmsInput{})
	if err != nil || len(out.MetricAlarms) != 0 {
		t.Errorf("alarms %+v, %v", out, err)
	}
}

const managed = `
application_autoscaling:
  scalable_targets:
    - {ResourceId: service/c/a, MinCapacity: 1, MaxCapacity: 4, CreationTime: "2026-01-01T00:00:00Z",
       SuspendedState: {DynamicScalingInSuspended: true}}
    - {ResourceId: service/c/b, MinCapacity: 2, MaxCapacity: 8}
  scaling_policies:
    - PolicyName: out
      PolicyType: StepScaling
      ResourceId: service/c/a
      StepScalingPolicyConfiguration:
        AdjustmentType: ChangeInCapacity
        Cooldown: 60
        StepAdjustments: [{MetricIntervalLowerBound: 0, ScalingAdjustment: 1}]
  scheduled_actions:
    - {ScheduledActionName: night, Schedule: "rate(1 day)", ResourceId: service/c/a, ScalableTargetAction: {MinCapacity: 0}}
  scaling_activities:
    - {StatusCode: Successful, ResourceId: service/c/a, Description: Setting desired count to 2., Cause: x, StartTime: "2026-01-01T00:00:00Z"}
`

func TestScalableTargetsAreDescribedAsDeclared(t *testing.T) {
	w := newWorld(t, managed)
	out, err := w.aas.DescribeScalableTargets(w.context(), &applicationautoscaling.DescribeScalableTargetsInput{
		ServiceNamespace: scaling.ServiceNamespaceEcs, ResourceIds: []string{"service/c/a"}})
	if err != nil || len(out.ScalableTargets) != 1 {
		t.Fatalf("targets %+v, %v", out, err)
	}
	a := out.ScalableTargets[0]
	if *a.MaxCapacity != 4 || !a.CreationTime.Equal(epoch) || !*a.SuspendedState.DynamicScalingInSuspended || a.ScalableDimension != "ecs:service:DesiredCount" ||
		!strings.Contains(*a.RoleARN, "AWSServiceRoleForApplicationAutoScaling_ECSService") {
		t.Errorf("target %+v", a)
	}
}

func TestScalingPoliciesAreDescribedAsDeclared(t *testing.T) {
	w := newWorld(t, managed)
	out, err := w.aas.DescribeScalingPolicies(w.context(), &applicationautoscaling.DescribeScalingPoliciesInput{
		ServiceNamespace: scaling.ServiceNamespaceEcs, PolicyNames: []string{"out"}})
	if err != nil || len(out.ScalingPolicies) != 1 {
		t.Fatalf("policies %+v, %v", out, err)
	}
	if p := out.ScalingPolicies[0]; *p.StepScalingPolicyConfiguration.Cooldown != 60 || !strings.HasSuffix(*p.PolicyARN, "policyName/out") {
		t.Errorf("policy %+v", p)
	}
}

func TestScheduledActionsAndActivitiesAreDescribedAsDeclared(t *testing.T) {
	w := newWorld(t, managed)
	ns := scaling.ServiceNamespaceEcs
	actions, err := w.aas.DescribeScheduledActions(w.context(), &applicationautoscaling.DescribeScheduledActionsInput{ServiceNamespace: ns, ResourceId: aws.String("service/c/a")})
	if err != nil || len(actions.ScheduledActions) != 1 || *actions.ScheduledActions[0].ScalableTargetAction.MinCapacity != 0 {
		t.Errorf("actions %+v, %v", actions, err)
	}
	activities, err := w.aas.DescribeScalingActivities(w.context(), &applicationautoscaling.DescribeScalingActivitiesInput{ServiceNamespace: ns})
	if err != nil || len(activities.ScalingActivities) != 1 || !activities.ScalingActivities[0].StartTime.Equal(epoch) {
		t.Errorf("activities %+v, %v", activities, err)
	}
}

func TestManagedScalingIsDescribedInPages(t *testing.T) {
	w := newWorld(t, managed)
	in := &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: scaling.ServiceNamespaceEcs, MaxResults: aws.Int32(1)}
	first, err := w.aas.DescribeScalableTargets(w.context(), in)
	if err != nil || len(first.ScalableTargets) != 1 || first.NextToken == nil {
		t.Fatalf("first page %+v, %v", first, err)
	}
	in.NextToken = first.NextToken
	second, err := w.aas.DescribeScalableTargets(w.context(), in)
	if err != nil || len(second.ScalableTargets) != 1 || second.NextToken != nil || *second.ScalableTargets[0].ResourceId != "service/c/b" {
		t.Errorf("second page %+v, %v", second, err)
	}
	in.NextToken = aws.String("nonsense")
	if _, err := w.aas.DescribeScalableTargets(w.context(), in); code(err) != "InvalidNextTokenException" {
		t.Errorf("a token that was never given: %v", err)
	}
	_, err = w.aas.DescribeScalableTargets(w.context(), &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: scaling.ServiceNamespaceDynamodb})
	if code(err) != "ValidationException" || !strings.Contains(err.Error(), "namespace dynamodb") {
		t.Errorf("another namespace: %v", err)
	}
}
