package sim_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	aas "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"ecs-autoscaler/sim"
)

func stepsOf(kind string, change func(*scaling.StepScalingPolicyConfiguration), steps ...scaling.StepAdjustment) func(*aas.PutScalingPolicyInput) {
	return func(in *aas.PutScalingPolicyInput) {
		in.StepScalingPolicyConfiguration = &scaling.StepScalingPolicyConfiguration{AdjustmentType: scaling.AdjustmentType(kind), StepAdjustments: steps}
		change(in.StepScalingPolicyConfiguration)
	}
}

func unchanged(*scaling.StepScalingPolicyConfiguration) {}

// stepBy is a step; "" is no bound.
func stepBy(lower, upper string, by int32) scaling.StepAdjustment {
	s := scaling.StepAdjustment{ScalingAdjustment: &by}
	for text, to := range map[*string]**float64{&lower: &s.MetricIntervalLowerBound, &upper: &s.MetricIntervalUpperBound} {
		var v float64
		if n, _ := fmt.Sscan(*text, &v); n == 1 {
			*to = &v
		}
	}
	return s
}

func predict(change func(*scaling.PredictiveScalingPolicyConfiguration)) func(*aas.PutScalingPolicyInput) {
	return func(in *aas.PutScalingPolicyInput) {
		in.PredictiveScalingPolicyConfiguration = &scaling.PredictiveScalingPolicyConfiguration{MetricSpecifications: []scaling.PredictiveScalingMetricSpecification{
			{TargetValue: aws.Float64(60), PredefinedMetricPairSpecification: &scaling.PredictiveScalingPredefinedMetricPairSpecification{PredefinedMetricType: aws.String("ECSServiceCPUUtilization")}}}}
		change(in.PredictiveScalingPolicyConfiguration)
	}
}

func custom(metrics ...scaling.TargetTrackingMetricDataQuery) func(*aas.PutScalingPolicyInput) {
	return func(in *aas.PutScalingPolicyInput) {
		in.TargetTrackingScalingPolicyConfiguration = &scaling.TargetTrackingScalingPolicyConfiguration{TargetValue: aws.Float64(10),
			CustomizedMetricSpecification: &scaling.CustomizedMetricSpecification{Metrics: metrics}}
	}
}

func TestPoliciesAreCheckedAsAWSDoes(t *testing.T) {
	w := manage(t, shopAt(2, "1"), 1, 10, 50)
	exact, change, percent := "ExactCapacity", "ChangeInCapacity", "PercentChangeInCapacity"
	many := make([]scaling.StepAdjustment, 21)
	for i := range many {
		many[i] = stepBy(fmt.Sprint(i), fmt.Sprint(i+1), 1)
	}
	for _, c := range []struct {
		name, kind string
		put        func(*aas.PutScalingPolicyInput)
		want       string
	}{
		{"case 115: no label", "TargetTrackingScaling", track("ALBRequestCountPerTarget", 10), "ResourceLabel must be app/"},
		{"case 116: a label for CPU", "TargetTrackingScaling", func(in *aas.PutScalingPolicyInput) {
			track("ECSServiceAverageMemoryUtilization", 10)(in)
			in.TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.ResourceLabel = aws.String("app/a/b/targetgroup/c/d")
		}, "ResourceLabel must not be specified"},
		{"a target group of nobody", "TargetTrackingScaling", func(in *aas.PutScalingPolicyInput) {
			track("ALBRequestCountPerTarget", 10)(in)
			in.TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.ResourceLabel = aws.String("app/a/b/targetgroup/c/d")
		}, "is not attached to the service"},
		{"a high resolution that the service has not", "TargetTrackingScaling", track(cpu+"HighResolution", 50), "High-resolution metrics are not fully enabled"},
		{"a metric of another service", "TargetTrackingScaling", track("DynamoDBReadCapacityUtilization", 50), "Value 'DynamoDBReadCapacityUtilization' at"},
		{"the same metric twice", "TargetTrackingScaling", track(cpu, 70), "Only one TargetTrackingScaling policy for a given metric specification"},
		{"a target of nothing", "TargetTrackingScaling", track("ECSServiceAverageMemoryUtilization", 0), "TargetValue must be greater than 0"},
		{"no metric that returns data", "TargetTrackingScaling", custom(scaling.TargetTrackingMetricDataQuery{Id: aws.String("a"), Expression: aws.String("1"), ReturnData: aws.Bool(false)}), "Exactly one of the Metrics"},
		{"another type's configuration", "StepScaling", track(cpu, 50), "takes no TargetTrackingScalingPolicyConfiguration"},
		{"no configuration", "StepScaling", func(*aas.PutScalingPolicyInput) {}, "needs StepScalingPolicyConfiguration"},
		{"no such type", "Magic", func(*aas.PutScalingPolicyInput) {}, "Value 'Magic' at 'policyType'"},
		{"a gap", "StepScaling", stepsOf(change, unchanged, stepBy("0", "10", 1), stepBy("20", "", 2)), "gap"},
		{"an overlap", "StepScaling", stepsOf(change, unchanged, stepBy("0", "10", 1), stepBy("5", "", 2)), "overlap"},
		{"no bounds", "StepScaling", stepsOf(change, unchanged, stepBy("", "", 1)), "At least one of the bounds"},
		{"bounds turned round", "StepScaling", stepsOf(change, unchanged, stepBy("5", "1", 1)), "greater than its lower"},
		{"no step without upper bound", "StepScaling", stepsOf(change, unchanged, stepBy("0", "10", 1)), "unspecified upper bound"},
		{"no step without lower bound", "StepScaling", stepsOf(change, unchanged, stepBy("-5", "0", 1)), "unspecified lower bound"},
		{"two without upper bound", "StepScaling", stepsOf(change, unchanged, stepBy("0", "", 1), stepBy("5", "", 1)), "At most one"},
		{"a negative exact capacity", "StepScaling", stepsOf(exact, unchanged, stepBy("0", "", -1)), "ExactCapacity adjustment"},
		{"a magnitude without percent", "StepScaling", stepsOf(change, func(s *scaling.StepScalingPolicyConfiguration) { s.MinAdjustmentMagnitude = aws.Int32(1) }, stepBy("0", "", 1)), "MinAdjustmentMagnitude is supported"},
		{"a magnitude of nothing", "StepScaling", stepsOf(percent, func(s *scaling.StepScalingPolicyConfiguration) { s.MinAdjustmentMagnitude = new(int32) }, stepBy("0", "", 1)), "MinAdjustmentMagnitude must be"},
		{"21 steps", "StepScaling", stepsOf(change, unchanged, many...), "LimitExceededException"},
		{"no steps", "StepScaling", stepsOf(change, unchanged), "at least one step"},
		{"case 358: an increase without a buffer", "PredictiveScaling", predict(func(p *scaling.PredictiveScalingPolicyConfiguration) {
			p.MaxCapacityBreachBehavior = "IncreaseMaxCapacity"
		}), "MaxCapacityBuffer"},
		{"case 359: a buffer without an increase", "PredictiveScaling", predict(func(p *scaling.PredictiveScalingPolicyConfiguration) { p.MaxCapacityBuffer = aws.Int32(10) }), "MaxCapacityBuffer"},
		{"case 365: a buffer time of an hour", "PredictiveScaling", predict(func(p *scaling.PredictiveScalingPolicyConfiguration) { p.SchedulingBufferTime = aws.Int32(3600) }), "less than 3600"},
		{"case 371: two metrics", "PredictiveScaling", predict(func(p *scaling.PredictiveScalingPolicyConfiguration) {
			p.MetricSpecifications = append(p.MetricSpecifications, p.MetricSpecifications[0])
		}), "exactly one metric specification"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := w.putPolicy("x", c.kind, c.put)
			if err == nil || !strings.Contains(err.Error(), c.want) || code(err) != "ValidationException" && code(err) != "LimitExceededException" {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
	if _, err := w.putPolicy("cpu", "StepScaling", stepsOf(change, unchanged, stepBy("0", "", 1))); code(err) != "ValidationException" {
		t.Errorf("another type for a policy that is there: %v", err)
	}
}

func TestWhatIsNotThereCannotBeChanged(t *testing.T) {
	w := newWorld(t, shopAt(2, "1"))
	ns, dim, id := scaling.ServiceNamespaceEcs, scaling.ScalableDimensionECSServiceDesiredCount, aws.String(resource)
	_, put := w.putPolicy("cpu", "TargetTrackingScaling", track(cpu, 50))
	_, policy := w.aas.DeleteScalingPolicy(w.context(), &aas.DeleteScalingPolicyInput{ServiceNamespace: ns, ScalableDimension: dim, ResourceId: id, PolicyName: aws.String("x")})
	_, action := w.aas.DeleteScheduledAction(w.context(), &aas.DeleteScheduledActionInput{ServiceNamespace: ns, ScalableDimension: dim, ResourceId: id, ScheduledActionName: aws.String("x")})
	_, target := w.aas.DeregisterScalableTarget(w.context(), &aas.DeregisterScalableTargetInput{ServiceNamespace: ns, ScalableDimension: dim, ResourceId: id})
	for what, err := range map[string]error{"put": put, "policy": policy, "action": action, "target": target} {
		if code(err) != "ObjectNotFoundException" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestQuotasOfATarget(t *testing.T) {
	w := manage(t, shopAt(2, "1"), 1, 10, 50)
	for i := range 50 {
		if _, err := w.putPolicy(fmt.Sprint("s", i), "StepScaling", stepsOf("ChangeInCapacity", unchanged, stepBy("0", "", 1))); i < 49 && err != nil || i == 49 && code(err) != "LimitExceededException" {
			t.Fatalf("policy %d: %v", i+2, err)
		}
	}
	w.readPoliciesInPages()
}

// readPoliciesInPages reads 50 policies.
func (w *world) readPoliciesInPages() {
	t := w.t
	t.Helper()
	in := &aas.DescribeScalingPoliciesInput{ServiceNamespace: "ecs"}
	total, pages := 0, 0
	for p := aas.NewDescribeScalingPoliciesPaginator(w.aas, in); p.HasMorePages(); pages++ {
		out, err := p.NextPage(w.context())
		if err != nil {
			t.Fatal(err)
		}
		total += len(out.ScalingPolicies)
	}
	if total != 50 || pages != 5 {
		t.Errorf("%d policies in %d pages, want 50 in 5", total, pages)
	}
	first, err := w.aas.DescribeScalingPolicies(w.context(), in)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.aas.DescribeScalingPolicies(w.context(), &aas.DescribeScalingPoliciesInput{ServiceNamespace: "ecs", ResourceId: aws.String(resource), NextToken: first.NextToken})
	if code(err) != "InvalidNextTokenException" {
		t.Errorf("a token of another resource: %v", err)
	}
}

func TestHighResolutionPoliciesLookEachTwentySeconds(t *testing.T) {
	w := newWorld(t, "publication: {high_resolution_delay: 0s}\nlimits: {throttling: false}\nservices: [{service: shop/api, desired: 2, resolution: 20, load: 1.8}]\n")
	if err := w.register(1, 10); err != nil {
		t.Fatal(err)
	}
	if _, err := w.putPolicy("fast", "TargetTrackingScaling", track(cpu+"HighResolution", 60)); err != nil {
		t.Fatal(err)
	}
	w.pass(5 * time.Minute)
	lines := w.activities(false)
	if first := lines[len(lines)-1]; first != "1m0s Successful Setting desired count to 3." {
		t.Errorf("the first activity is %s", first)
	}
}

func TestMetricMathDrivesAManagedPolicy(t *testing.T) {
	w := newWorld(t, shopAt(2, "1")+"custom_metrics: [{namespace: AWS/SQS, metric_name: Visible, value: 60}]\nclusters: [{name: shop, container_insights: true}]\n")
	if err := w.register(1, 10); err != nil {
		t.Fatal(err)
	}
	metric := func(id, namespace, name string, dims ...string) scaling.TargetTrackingMetricDataQuery {
		q := scaling.TargetTrackingMetricDataQuery{Id: &id, ReturnData: aws.Bool(false), MetricStat: &scaling.TargetTrackingMetricStat{
			Stat: aws.String("Average"), Metric: &scaling.TargetTrackingMetric{Namespace: &namespace, MetricName: &name}}}
		for i := 0; i < len(dims); i += 2 {
			q.MetricStat.Metric.Dimensions = append(q.MetricStat.Metric.Dimensions, scaling.TargetTrackingMetricDimension{Name: &dims[i], Value: &dims[i+1]})
		}
		return q
	}
	_, err := w.putPolicy("backlog", "TargetTrackingScaling", custom(metric("q", "AWS/SQS", "Visible"),
		metric("n", "ECS/ContainerInsights", "RunningTaskCount", "ClusterName", "shop", "ServiceName", "api"),
		scaling.TargetTrackingMetricDataQuery{Id: aws.String("e"), Expression: aws.String("q / n")}))
	if err != nil {
		t.Fatal(err)
	}
	w.minutesPass(4)
	expect(t, "activities", w.activities(false), []string{"3m20s Successful Setting desired count to 6."})
}

func (w *world) alarm(change func(*cloudwatch.PutMetricAlarmInput)) error {
	in := &cloudwatch.PutMetricAlarmInput{AlarmName: aws.String("high"), Namespace: aws.String("AWS/ECS"), MetricName: aws.String("CPUUtilization"),
		Dimensions: []types.Dimension{{Name: aws.String("ClusterName"), Value: aws.String("shop")}, {Name: aws.String("ServiceName"), Value: aws.String("api")}},
		Statistic:  types.StatisticAverage, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(3), DatapointsToAlarm: aws.Int32(2), Threshold: aws.Float64(70),
		ComparisonOperator: types.ComparisonOperatorGreaterThanOrEqualToThreshold}
	change(in)
	_, err := w.cw.PutMetricAlarm(w.context(), in)
	return err
}

func TestAStepPolicyActsOnTheAlarmThatNamesIt(t *testing.T) {
	w := newWorld(t, shopAt(4, "3.6"))
	if err := w.register(1, 10); err != nil {
		t.Fatal(err)
	}
	out, err := w.putPolicy("out", "StepScaling", stepsOf("PercentChangeInCapacity", func(s *scaling.StepScalingPolicyConfiguration) { s.MinAdjustmentMagnitude = aws.Int32(2) },
		stepBy("0", "15", 10), stepBy("15", "", 25)))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.alarm(func(in *cloudwatch.PutMetricAlarmInput) { in.AlarmActions = []string{*out.PolicyARN} }); err != nil {
		t.Fatal(err)
	}
	w.minutesPass(10)
	// Two datapoints of 90 breach; 25 % of 4 is less than the magnitude of 2.
	expect(t, "activities", w.activities(false), []string{"2m20s Successful Setting desired count to 6."})
	policies, err := w.aas.DescribeScalingPolicies(w.context(), &aas.DescribeScalingPoliciesInput{ServiceNamespace: "ecs"})
	if err != nil || len(policies.ScalingPolicies[0].Alarms) != 1 || *policies.ScalingPolicies[0].Alarms[0].AlarmName != "high" {
		t.Errorf("policies %+v, %v", policies, err)
	}
	alarms, err := w.cw.DescribeAlarms(w.context(), &cloudwatch.DescribeAlarmsInput{StateValue: types.StateValueOk})
	if err != nil || len(alarms.MetricAlarms) != 1 || alarms.MetricAlarms[0].StateTransitionedTimestamp.Before(epoch.Add(3*time.Minute)) {
		t.Errorf("alarms that are OK %+v, %v", alarms, err)
	}
}

func TestAlarmsTreatMissingDataAsTheySay(t *testing.T) {
	w := newWorld(t, shopAt(2, "1"))
	for _, treat := range []string{"missing", "breaching", "notBreaching", "ignore"} {
		if err := w.alarm(func(in *cloudwatch.PutMetricAlarmInput) {
			in.AlarmName, in.MetricName, in.TreatMissingData = &treat, aws.String("Nothing"), &treat
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.minutesPass(5)
	out, err := w.cw.DescribeAlarms(w.context(), &cloudwatch.DescribeAlarmsInput{MaxRecords: aws.Int32(3)})
	if err != nil || out.NextToken == nil {
		t.Fatalf("alarms %+v, %v", out, err)
	}
	rest, err := w.cw.DescribeAlarms(w.context(), &cloudwatch.DescribeAlarmsInput{MaxRecords: aws.Int32(3), NextToken: out.NextToken})
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, a := range append(out.MetricAlarms, rest.MetricAlarms...) {
		states = append(states, *a.AlarmName+" "+string(a.StateValue))
	}
	expect(t, "states", states, []string{"breaching ALARM", "ignore INSUFFICIENT_DATA", "missing INSUFFICIENT_DATA", "notBreaching OK"})
	if _, err := w.cw.DeleteAlarms(w.context(), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"ignore", "missing", "none"}}); err != nil {
		t.Error(err)
	}
	if left, err := w.cw.DescribeAlarms(w.context(), &cloudwatch.DescribeAlarmsInput{}); err != nil || len(left.MetricAlarms) != 2 {
		t.Errorf("%d alarms are left, %v", len(left.MetricAlarms), err)
	}
}

func TestAlarmsAreChecked(t *testing.T) {
	w := newWorld(t, shopAt(2, "1"))
	for want, change := range map[string]func(*cloudwatch.PutMetricAlarmInput){
		"AlarmName":              func(in *cloudwatch.PutMetricAlarmInput) { in.AlarmName = aws.String(strings.Repeat("x", 256)) },
		"comparisonOperator":     func(in *cloudwatch.PutMetricAlarmInput) { in.ComparisonOperator = "Equal" },
		"EvaluationPeriods must": func(in *cloudwatch.PutMetricAlarmInput) { in.EvaluationPeriods = new(int32) },
		"Threshold is required":  func(in *cloudwatch.PutMetricAlarmInput) { in.Threshold = nil },
		"DatapointsToAlarm":      func(in *cloudwatch.PutMetricAlarmInput) { in.DatapointsToAlarm = aws.Int32(4) },
		"TreatMissingData":       func(in *cloudwatch.PutMetricAlarmInput) { in.TreatMissingData = aws.String("zero") },
		"Period must":            func(in *cloudwatch.PutMetricAlarmInput) { in.Period = aws.Int32(61) },
		"more than a day|across": func(in *cloudwatch.PutMetricAlarmInput) {
			in.Period, in.EvaluationPeriods = aws.Int32(600), aws.Int32(145)
		},
		"Exactly one": func(in *cloudwatch.PutMetricAlarmInput) { in.ExtendedStatistic = aws.String("p90") },
		"together with Metrics": func(in *cloudwatch.PutMetricAlarmInput) {
			in.Metrics = []types.MetricDataQuery{{Id: aws.String("a"), Expression: aws.String("1")}}
		},
		"at most 5":             func(in *cloudwatch.PutMetricAlarmInput) { in.OKActions = make([]string, 6) },
		"do not have Threshold": func(in *cloudwatch.PutMetricAlarmInput) { in.ThresholdMetricId = aws.String("a") },
	} {
		_, word, more := strings.Cut(want, "|")
		if !more {
			word = want
		}
		if err := w.alarm(change); code(err) != "ValidationError" || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestTheManagedExampleScales(t *testing.T) {
	text, err := os.ReadFile("../examples/scenarios/managed.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, string(text))
	w.pass(15 * time.Minute)
	var acted []string
	for _, v := range w.Services() {
		acted = append(acted, fmt.Sprint(v.Service, " ", v.Desired > 1))
	}
	expect(t, "services with more than one task", acted, []string{"reports false", "web true", "worker true"})
}

func TestDeclaredManagedScalingIsCheckedWhereItIsWritten(t *testing.T) {
	target := "application_autoscaling: {scalable_targets: [{ResourceId: service/c/s, MaxCapacity: 3}], "
	for _, c := range []struct{ scenario, want string }{
		{"application_autoscaling: {scalable_targets: [{ResourceId: service/c/s, MinCapacity: 4, MaxCapacity: 3}]}", "scalable_targets[0]: as the input of RegisterScalableTarget: Minimum capacity"},
		{"application_autoscaling: {scaling_policies: [{PolicyName: a, PolicyType: StepScaling, ResourceId: service/c/s}]}", "scaling_policies[0]: as the input of PutScalingPolicy: No scalable target registered"},
		{target + "scheduled_actions: [{ScheduledActionName: a, Schedule: never, ResourceId: service/c/s, ScalableTargetAction: {MinCapacity: 1}}]}", "scheduled_actions[0]: as the input of PutScheduledAction: The schedule expression never"},
		{"metric_alarms: [{AlarmName: a}]", "metric_alarms[0]: as the input of PutMetricAlarm"},
	} {
		if _, err := sim.ParseScenario("test.yaml", []byte(c.scenario), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.scenario, err, c.want)
		}
	}
}
