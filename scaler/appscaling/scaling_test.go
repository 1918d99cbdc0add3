package appscaling

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// estate has a service for each combination that makes a difference.
const estate = `
region: eu-west-2
services: [{service: c/all, desired: 1}, {service: c/in, desired: 1}, {service: c/night, desired: 1}, {service: c/off, desired: 1}, {service: c/bare, desired: 1}]
application_autoscaling:
  scalable_targets:
    - {ResourceId: service/c/all, MinCapacity: 1, MaxCapacity: 4}
    - {ResourceId: service/c/in, MinCapacity: 1, MaxCapacity: 4, SuspendedState: {DynamicScalingInSuspended: true, ScheduledScalingSuspended: true}}
    - {ResourceId: service/c/night, MinCapacity: 1, MaxCapacity: 4, SuspendedState: {DynamicScalingInSuspended: true, DynamicScalingOutSuspended: true}}
    - {ResourceId: service/c/off, MinCapacity: 1, MaxCapacity: 4, SuspendedState: {DynamicScalingInSuspended: true, DynamicScalingOutSuspended: true, ScheduledScalingSuspended: true}}
    - {ResourceId: service/c/bare, MinCapacity: 1, MaxCapacity: 4}
`

// managedEstate gives each service but the bare one a policy and an action.
func managedEstate() string {
	var policies, actions strings.Builder
	for _, name := range []string{"all", "in", "night", "off"} {
		policies.WriteString("    - {PolicyName: out, PolicyType: StepScaling, ResourceId: service/c/" + name + ", StepScalingPolicyConfiguration: " +
			"{AdjustmentType: ChangeInCapacity, StepAdjustments: [{MetricIntervalLowerBound: 0, ScalingAdjustment: 1}]}}\n")
		actions.WriteString("    - {ScheduledActionName: night, ResourceId: service/c/" + name + ", Schedule: \"cron(0 22 ? * * *)\", ScalableTargetAction: {MaxCapacity: 2}}\n")
	}
	return estate + "  scaling_policies:\n" + policies.String() + "  scheduled_actions:\n" + actions.String()
}

// acting are what the services have that is not suspended, by name; a service without anything may still act.
func acting(all []Scaling) map[string][2][]string {
	found := map[string][2][]string{}
	for i := range all {
		if all[i].Acts() {
			policies, actions := all[i].Acting()
			found[all[i].Service] = [2][]string{policies, actions}
		}
	}
	return found
}

func TestOnlyWhatIsNotSuspendedActs(t *testing.T) {
	got, err := Scalings(t.Context(), connected(t, managedEstate()))
	if err != nil {
		t.Fatal(err)
	}
	policy, action := []string{"out"}, []string{"night"}
	want := map[string][2][]string{"all": {policy, action}, "in": {policy, nil}, "night": {nil, action}, "bare": {}}
	if diff := cmp.Diff(want, acting(got)); diff != "" {
		t.Error(diff)
	}
}

func TestEachCallWithoutAnAnswerIsNamed(t *testing.T) {
	got, err := Scalings(t.Context(), connected(t, managedEstate()+"faults: [{kind: access_denied, operation: DescribeScalingPolicies}]\n"))
	if err == nil || !strings.Contains(err.Error(), "application-autoscaling:DescribeScalingPolicies") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
	if all := acting(got); len(all) != 4 || len(all["all"][1]) != 1 {
		t.Errorf("what was answered is %v", all)
	}
	got, err = Scalings(t.Context(), connected(t, managedEstate()+"faults: [{kind: access_denied, api: application-autoscaling}]\n"))
	if err == nil || strings.Count(err.Error(), "was denied: ") != 3 || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}
