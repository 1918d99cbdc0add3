package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	aas "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

const resource = "service/shop/api"

// shopAt is a service under a constant load, whose datapoints are seen at once.
func shopAt(desired int, load string) string {
	return fmt.Sprintf("publication: {delay: 0s}\nlimits: {throttling: false}\nservices: [{service: shop/api, desired: %d, task_start: 30s, load: %s}]\n", desired, load)
}

func (w *world) register(low, high int32) error {
	_, err := w.aas.RegisterScalableTarget(w.context(), &aas.RegisterScalableTargetInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount",
		ResourceId: aws.String(resource), MinCapacity: &low, MaxCapacity: &high})
	return err
}

func (w *world) switches(in, out, scheduled bool) {
	w.t.Helper()
	_, err := w.aas.RegisterScalableTarget(w.context(), &aas.RegisterScalableTargetInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount",
		ResourceId: aws.String(resource), SuspendedState: &scaling.SuspendedState{
			DynamicScalingInSuspended: &in, DynamicScalingOutSuspended: &out, ScheduledScalingSuspended: &scheduled}})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) putPolicy(name, kind string, change func(*aas.PutScalingPolicyInput)) (*aas.PutScalingPolicyOutput, error) {
	in := &aas.PutScalingPolicyInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount", ResourceId: aws.String(resource),
		PolicyName: &name, PolicyType: scaling.PolicyType(kind)}
	change(in)
	return w.aas.PutScalingPolicy(w.context(), in)
}

func track(metric string, target float64) func(*aas.PutScalingPolicyInput) {
	return func(in *aas.PutScalingPolicyInput) {
		in.TargetTrackingScalingPolicyConfiguration = &scaling.TargetTrackingScalingPolicyConfiguration{TargetValue: &target,
			PredefinedMetricSpecification: &scaling.PredefinedMetricSpecification{PredefinedMetricType: scaling.MetricType(metric)}}
	}
}

const cpu = "ECSServiceAverageCPUUtilization"

// activities are what DescribeScalingActivities tells, newest first, as lines of time, status, description and reason.
func (w *world) activities(all bool) []string {
	w.t.Helper()
	out, err := w.aas.DescribeScalingActivities(w.context(), &aas.DescribeScalingActivitiesInput{ServiceNamespace: "ecs", IncludeNotScaledActivities: &all})
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, a := range out.ScalingActivities {
		line := fmt.Sprint(a.StartTime.Sub(epoch), " ", a.StatusCode, " ", *a.Description)
		for _, r := range a.NotScaledReasons {
			line += " " + *r.Code
		}
		lines = append(lines, line)
	}
	return lines
}

// manage makes a world with a registered target and a policy of target tracking on CPU.
func manage(t *testing.T, scenario string, low, high int32, target float64) *world {
	t.Helper()
	w := newWorld(t, scenario)
	if err := w.register(low, high); err != nil {
		t.Fatal(err)
	}
	if _, err := w.putPolicy("cpu", "TargetTrackingScaling", track(cpu, target)); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) minutesPass(n int) {
	for range n {
		w.pass(time.Minute)
		w.Services()
	}
}

func TestRegisteringBringsTheCountIntoTheBounds(t *testing.T) {
	w := newWorld(t, shopAt(1, "0.1"))
	if err := w.register(3, 5); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	expect(t, "activities", w.activities(false), []string{"0s Successful Setting desired count to 3."})
	if err := w.register(1, 2); err != nil {
		t.Fatal(err)
	}
	if v, err := w.Service("shop", "api"); err != nil || v.Desired != 2 {
		t.Errorf("the service %+v, %v, want 2 tasks", v, err)
	}
	out, err := w.aas.DescribeScalableTargets(w.context(), &aas.DescribeScalableTargetsInput{ServiceNamespace: "ecs", ResourceIds: []string{resource}})
	if err != nil || *out.ScalableTargets[0].MaxCapacity != 2 || !out.ScalableTargets[0].CreationTime.Equal(epoch) || *out.ScalableTargets[0].SuspendedState.DynamicScalingInSuspended {
		t.Errorf("targets %+v, %v", out, err)
	}
}

func TestRegistrationsAreRefusedAsAWSDoes(t *testing.T) {
	w := newWorld(t, shopAt(1, "0.1"))
	for _, c := range []struct {
		resource, namespace, dimension string
		low, high                      *int32
		want                           string
	}{
		{resource, "ecs", "ecs:service:DesiredCount", nil, aws.Int32(2), "ValidationException: MinCapacity"},
		{resource, "ecs", "ecs:service:DesiredCount", aws.Int32(3), aws.Int32(2), "ValidationException: Minimum capacity cannot be greater"},
		{resource, "ecs", "ecs:service:DesiredCount", aws.Int32(-1), aws.Int32(2), "ValidationException: MinCapacity"},
		{"service/shop/none", "ecs", "ecs:service:DesiredCount", aws.Int32(1), aws.Int32(2), "ValidationException: ECS service doesn't exist: service/shop/none"},
		{"table/x", "dynamodb", "dynamodb:table:ReadCapacityUnits", aws.Int32(1), aws.Int32(2), "ValidationException: The simulated region scales ECS services only: it does not have the service namespace dynamodb"},
		{"table/x", "ecs", "ecs:service:DesiredCount", aws.Int32(1), aws.Int32(2), "ValidationException: Unsupported service namespace, resource type or scalable dimension"},
		{resource, "ec3", "ecs:service:DesiredCount", aws.Int32(1), aws.Int32(2), "Value 'ec3' at 'serviceNamespace' failed to satisfy constraint"},
	} {
		_, err := w.aas.RegisterScalableTarget(w.context(), &aas.RegisterScalableTargetInput{ResourceId: &c.resource, MinCapacity: c.low, MaxCapacity: c.high,
			ServiceNamespace: scaling.ServiceNamespace(c.namespace), ScalableDimension: scaling.ScalableDimension(c.dimension)})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %s", c.namespace, c.resource, err, c.want)
		}
	}
}

func TestTargetTrackingScalesOutAndIn(t *testing.T) {
	// Out to ceil(2*90/60) = 3; a minute later ceil(3*mean(90,90,80)/60) = 5 less the 1 that the cooldown counts; in to
	// ceil(4*45/60) = 3 after 15 minutes; then the load falls.
	w := manage(t, shopAt(2, "{steps: [{at: 0s, value: 1.8}, {at: 30m, value: 0.2}]}"), 1, 10, 60)
	w.minutesPass(60)
	expect(t, "activities", w.activities(false), []string{"45m20s Successful Setting desired count to 1.", "20m20s Successful Setting desired count to 3.",
		"4m20s Successful Setting desired count to 4.", "3m20s Successful Setting desired count to 3."})
	out, err := w.aas.DescribeScalingActivities(w.context(), &aas.DescribeScalingActivitiesInput{ServiceNamespace: "ecs", ResourceId: aws.String(resource)})
	if err != nil {
		t.Fatal(err)
	}
	first := out.ScalingActivities[3]
	if !strings.HasPrefix(*first.Cause, "monitor alarm TargetTracking-service/shop/api-AlarmHigh-") || !strings.HasSuffix(*first.Cause, " in state ALARM triggered policy cpu") {
		t.Errorf("the cause is %s", *first.Cause)
	}
	if *first.StatusMessage != "Successfully set desired count to 3. Change successfully fulfilled by ecs." || first.EndTime.Sub(*first.StartTime) != 40*time.Second {
		t.Errorf("the activity ended %v: %s", first.EndTime.Sub(*first.StartTime), *first.StatusMessage)
	}
}

func TestManagedScalingComesOutTheSameHoweverOftenOneLooks(t *testing.T) {
	run := func(steps int) []string {
		w := manage(t, shopAt(2, "{sine: {mean: 3, amplitude: 2, period: 45m}}"), 1, 10, 60)
		for range steps {
			w.pass(4 * time.Hour / time.Duration(steps))
			w.Services()
		}
		return w.activities(true)
	}
	seldom, often := run(1), run(2400)
	expect(t, "activities", seldom, often)
	if len(seldom) < 10 {
		t.Errorf("only %d activities", len(seldom))
	}
}

func TestSuspendedSwitchesHoldManagedScaling(t *testing.T) {
	w := manage(t, shopAt(2, "{steps: [{at: 0s, value: 1.8}, {at: 60m, value: 0.2}]}"), 1, 10, 60)
	_, err := w.aas.PutScheduledAction(w.context(), &aas.PutScheduledActionInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount", ResourceId: aws.String(resource),
		ScheduledActionName: aws.String("more"), Schedule: aws.String("rate(10 minutes)"), ScalableTargetAction: &scaling.ScalableTargetAction{MinCapacity: aws.Int32(5)}})
	if err != nil {
		t.Fatal(err)
	}
	w.switches(true, true, true)
	w.minutesPass(30)
	expect(t, "activities while suspended", w.activities(true), nil)
	w.switches(true, false, true)
	w.minutesPass(60)
	expect(t, "activities while only scaling out may", w.activities(false), []string{"31m20s Successful Setting desired count to 4.", "30m20s Successful Setting desired count to 3."})
	w.switches(false, false, true)
	w.minutesPass(2)
	expect(t, "the newest once scaling in may again", w.activities(false)[:1], []string{"1h30m20s Successful Setting desired count to 1."})
}

func TestWhatDidNotScaleIsToldOnRequest(t *testing.T) {
	w := manage(t, shopAt(2, "1.8"), 1, 2, 60)
	w.minutesPass(20)
	expect(t, "activities", w.activities(false), nil)
	expect(t, "all activities", w.activities(true), []string{"3m20s Failed Attempting to scale due to alarm triggered AlreadyAtMaxCapacity"})
}

func TestARisingLoadIsFollowedWithinCooldowns(t *testing.T) {
	// The load grows on: what wants no more than the last scale-out gave waits 300 s from when that one's tasks run.
	w := manage(t, shopAt(2, "{line: [{at: 0s, value: 1.8}, {at: 60m, value: 6}]}"), 1, 20, 60)
	w.minutesPass(60)
	lines := w.activities(false)
	if len(lines) < 4 || len(lines) > 12 {
		t.Errorf("activities %q", lines)
	}
}

func TestAWriteOfSomebodyElseOverridesAnActivity(t *testing.T) {
	w := newWorld(t, "limits: {throttling: false}\nservices: [{service: shop/api, desired: 1, task_start: 5m}]\n")
	if err := w.register(3, 9); err != nil {
		t.Fatal(err)
	}
	w.minutesPass(1)
	if err := w.SetDesired("shop", "api", 4); err != nil {
		t.Fatal(err)
	}
	w.minutesPass(1)
	out, err := w.aas.DescribeScalingActivities(w.context(), &aas.DescribeScalingActivitiesInput{ServiceNamespace: "ecs"})
	if err != nil || out.ScalingActivities[0].StatusCode != "Overridden" || *out.ScalingActivities[0].StatusMessage != "Successfully set desired count to 3. Found it was later changed to 4." {
		t.Errorf("activities %+v, %v", out.ScalingActivities, err)
	}
}

func TestScheduledActionsSetBoundsAndThenTheCount(t *testing.T) {
	w := newWorld(t, shopAt(3, "0.1"))
	if err := w.register(1, 10); err != nil {
		t.Fatal(err)
	}
	put := func(name, schedule, zone string, low, high *int32) error {
		_, err := w.aas.PutScheduledAction(w.context(), &aas.PutScheduledActionInput{ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount", ResourceId: aws.String(resource),
			ScheduledActionName: &name, Schedule: &schedule, Timezone: &zone, ScalableTargetAction: &scaling.ScalableTargetAction{MinCapacity: low, MaxCapacity: high}})
		return err
	}
	for _, c := range []struct {
		name, schedule string
		low, high      *int32
	}{
		{"up", "at(2026-01-01T01:05:00)", aws.Int32(5), nil},         // 00:05 UTC
		{"wrong", "cron(10 1 ? * * *)", nil, aws.Int32(2)},           // below the min of 5
		{"down", "cron(0/20 1 ? * THU *)", aws.Int32(0), new(int32)}, // 00:20 UTC
	} {
		if err := put(c.name, c.schedule, "Europe/Paris", c.low, c.high); err != nil {
			t.Fatal(err)
		}
	}
	w.minutesPass(23)
	expect(t, "activities", w.activities(false), []string{
		"20m0s Successful Setting desired count to 0.", "20m0s Successful Setting min capacity to 0 and max capacity to 0",
		"10m0s Failed Setting max capacity to 2", "5m0s Successful Setting desired count to 5.", "5m0s Successful Setting min capacity to 5",
	})
	for _, c := range []struct{ name, schedule, want string }{
		{"a/b", "rate(1 day)", "scheduledActionName"}, {"x", "rate(0 days)", "write rate"}, {"x", "cron(* * * * * *)", "must be ?"},
		{"x", "at(tomorrow)", "write at"}, {"x", "every day", "none of at"}, {"x", "cron(61 * ? * * *)", "minutes, which has 0 to 59"},
	} {
		if err := put(c.name, c.schedule, "UTC", aws.Int32(1), nil); code(err) != "ValidationException" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v", c.name, c.schedule, err)
		}
	}
	if err := put("x", "rate(1 day)", "Mars/Olympus", aws.Int32(1), nil); code(err) != "ValidationException" {
		t.Errorf("a zone that is none: %v", err)
	}
	if err := put("x", "rate(1 day)", "UTC", nil, nil); code(err) != "ValidationException" {
		t.Errorf("an action that sets nothing: %v", err)
	}
}

// trackingAlarms are the alarms of the target, high before low.
func (w *world) trackingAlarms() []types.MetricAlarm {
	w.t.Helper()
	out, err := w.cw.DescribeAlarms(w.context(), &cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: aws.String("TargetTracking-" + resource)})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.MetricAlarms
}

// alarmLine is what makes an alarm, without its identifier.
func alarmLine(a *types.MetricAlarm) string {
	name, _, _ := strings.Cut(*a.AlarmName, "-AlarmHigh-")
	name, _, _ = strings.Cut(name, "-AlarmLow-")
	return fmt.Sprint(name, " ", a.ComparisonOperator, " ", *a.Threshold, " ", *a.EvaluationPeriods, " of ", *a.Period, " s, ", a.StateValue, " ", a.DatapointsToAlarm == nil)
}

func TestTargetTrackingHasTwoAlarmsOfItsOwn(t *testing.T) {
	w := manage(t, shopAt(2, "1"), 1, 10, 50)
	var lines []string
	for _, a := range w.trackingAlarms() {
		lines = append(lines, alarmLine(&a))
	}
	expect(t, "alarms", lines, []string{
		"TargetTracking-service/shop/api GreaterThanThreshold 50 3 of 60 s, INSUFFICIENT_DATA true",
		"TargetTracking-service/shop/api LessThanThreshold 45 15 of 60 s, INSUFFICIENT_DATA true",
	})
}

func TestAPolicyThatIsPutAgainHasNewAlarms(t *testing.T) {
	w := manage(t, shopAt(2, "1"), 1, 10, 50)
	before := *w.trackingAlarms()[0].AlarmName
	if _, err := w.putPolicy("cpu", "TargetTrackingScaling", func(in *aas.PutScalingPolicyInput) {
		track(cpu, 40)(in)
		in.TargetTrackingScalingPolicyConfiguration.DisableScaleIn = aws.Bool(true)
	}); err != nil {
		t.Fatal(err)
	}
	after := w.trackingAlarms()
	if len(after) != 1 || *after[0].AlarmName == before || *after[0].Threshold != 40 {
		t.Fatalf("alarms %+v after %s", after, before)
	}
	out, err := w.aas.DescribeScalingPolicies(w.context(), &aas.DescribeScalingPoliciesInput{ServiceNamespace: "ecs"})
	if err != nil {
		t.Fatal(err)
	}
	if p := out.ScalingPolicies[0]; *p.Alarms[0].AlarmARN != *after[0].AlarmArn || !strings.HasPrefix(after[0].AlarmActions[0], *p.PolicyARN+":createdBy/") {
		t.Errorf("the policy %+v, its alarm %+v", p, after[0])
	}
}

func TestADeregisteredTargetTakesItsAlarmsAlong(t *testing.T) {
	w := manage(t, shopAt(2, "1"), 1, 10, 50)
	if _, err := w.aas.DeregisterScalableTarget(w.context(), &aas.DeregisterScalableTargetInput{
		ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount", ResourceId: aws.String(resource)}); err != nil {
		t.Fatal(err)
	}
	if left := w.trackingAlarms(); len(left) != 0 {
		t.Errorf("alarms %+v", left)
	}
}
