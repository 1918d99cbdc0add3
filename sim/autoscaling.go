package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ecs-autoscaler/sim/wire"
)

// scalingDocs is what the describe calls of Application Auto Scaling answer, in the API's own structures.
type scalingDocs struct{ targets, policies, actions, activities []map[string]any }

// scalingMembers are the members of the API's structures; the first is the one that must be there besides ResourceId.
var scalingMembers = map[string][]string{
	"scalable_targets": {"MaxCapacity", "MinCapacity", "ResourceId", "ServiceNamespace", "ScalableDimension", "RoleARN",
		"CreationTime", "SuspendedState", "ScalableTargetARN", "PredictedCapacity"},
	"scaling_policies": {"PolicyName", "PolicyType", "PolicyARN", "ResourceId", "ServiceNamespace", "ScalableDimension",
		"StepScalingPolicyConfiguration", "TargetTrackingScalingPolicyConfiguration", "PredictiveScalingPolicyConfiguration",
		"Alarms", "CreationTime"},
	"scheduled_actions": {"ScheduledActionName", "Schedule", "Timezone", "StartTime", "EndTime", "ScalableTargetAction",
		"ScheduledActionARN", "ResourceId", "ServiceNamespace", "ScalableDimension", "CreationTime"},
	"scaling_activities": {"StatusCode", "ActivityId", "Description", "Cause", "StartTime", "EndTime", "StatusMessage",
		"Details", "NotScaledReasons", "ResourceId", "ServiceNamespace", "ScalableDimension"},
}

func (c *compiler) scaling(doc *document) error {
	d := &doc.AutoScaling
	for _, f := range []struct {
		name string
		from []map[string]any
		to   *[]map[string]any
	}{
		{"scalable_targets", d.ScalableTargets, &c.s.scaling.targets}, {"scaling_policies", d.ScalingPolicies, &c.s.scaling.policies},
		{"scheduled_actions", d.ScheduledActions, &c.s.scaling.actions}, {"scaling_activities", d.ScalingActivities, &c.s.scaling.activities},
	} {
		for i, item := range f.from {
			done, err := c.scalingItem(fmt.Sprintf("%s.application_autoscaling.%s[%d]", c.base, f.name, i), f.name, item)
			if err != nil {
				return err
			}
			*f.to = append(*f.to, done)
		}
	}
	return nil
}

// scalingItem checks the names of an item and adds what AWS always answers.
func (c *compiler) scalingItem(path, kind string, item map[string]any) (map[string]any, error) {
	members := scalingMembers[kind]
	for _, name := range sorted(item) {
		if !slices.Contains(members, name) {
			return nil, c.src.wrong(path+"."+name, "no member of the API's structure; it has %s", strings.Join(members, ", "))
		}
	}
	resource, _ := item["ResourceId"].(string)
	if !strings.HasPrefix(resource, "service/") || strings.Count(resource, "/") != 2 {
		return nil, c.src.wrong(path, "ResourceId must be service/CLUSTER/SERVICE, not %q", resource)
	}
	if item[members[0]] == nil {
		return nil, c.src.wrong(path, "%s is needed", members[0])
	}
	name, _ := item[members[0]].(string)
	done, _ := plainTree(item).(map[string]any)
	prefix := "arn:aws:autoscaling:" + c.s.region + ":" + c.s.account + ":"
	if err := c.scalingTimes(path, done); err != nil {
		return nil, err
	}
	for member, value := range map[string]any{
		"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount", "CreationTime": int64(1735689600),
		"RoleARN":            "arn:aws:iam::" + c.s.account + ":role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService",
		"ScalableTargetARN":  fmt.Sprintf("arn:aws:application-autoscaling:%s:%s:scalable-target/%016x", c.s.region, c.s.account, digest(resource)),
		"PolicyARN":          fmt.Sprintf("%sscalingPolicy:%016x:resource/ecs/%s:policyName/%s", prefix, digest(resource), resource, name),
		"ScheduledActionARN": fmt.Sprintf("%sscheduledAction:%016x:resource/ecs/%s:scheduledActionName/%s", prefix, digest(resource), resource, name),
		"ActivityId":         fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(digest(path)), digest(resource)>>16),
	} {
		if slices.Contains(members, member) && done[member] == nil {
			done[member] = value
		}
	}
	return done, nil
}

// scalingTimes turns the times of an item, written like 2026-01-01T00:00:00Z, into instants.
func (c *compiler) scalingTimes(path string, item map[string]any) error {
	for _, member := range []string{"CreationTime", "StartTime", "EndTime"} {
		if item[member] == nil {
			continue
		}
		text, _ := item[member].(string)
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return c.src.wrong(path+"."+member, "%v is no time; write it like 2026-01-01T00:00:00Z", item[member])
		}
		item[member] = t
	}
	return nil
}

// plainTree turns what the YAML decoder makes into the values of package wire.
func plainTree(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k := range v {
			m[k] = plainTree(v[k])
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plainTree(v[i])
		}
		return list
	case uint64:
		return int64(v)
	}
	return v
}

func describeScalableTargets(c *call) (any, *wire.Error) {
	return c.scaling(c.region.scenario.scaling.targets, "ScalableTargets", "ResourceIds", "ResourceId")
}

func describeScalingPolicies(c *call) (any, *wire.Error) {
	return c.scaling(c.region.scenario.scaling.policies, "ScalingPolicies", "PolicyNames", "PolicyName")
}

func describeScheduledActions(c *call) (any, *wire.Error) {
	return c.scaling(c.region.scenario.scaling.actions, "ScheduledActions", "ScheduledActionNames", "ScheduledActionName")
}

func describeScalingActivities(c *call) (any, *wire.Error) {
	return c.scaling(c.region.scenario.scaling.activities, "ScalingActivities", "", "")
}

// scalingPage is the default and largest page of the describe calls (aws-semantics 6.5).
const scalingPage = 50

// scaling answers a describe call: the items of the namespace that the filters let through, in pages.
func (c *call) scaling(items []map[string]any, output, filter, member string) (any, *wire.Error) {
	namespace := c.in.Text("ServiceNamespace")
	if namespace == "" {
		return nil, reject("ValidationException", "1 validation error detected: Value null at 'serviceNamespace' failed to satisfy constraint: Member must not be null")
	}
	wanted, resource, dimension := c.in.Texts(filter), c.in.Text("ResourceId"), c.in.Text("ScalableDimension")
	found := []any{}
	for _, item := range items {
		name, _ := item[member].(string)
		if item["ServiceNamespace"] != namespace || resource != "" && item["ResourceId"] != resource ||
			dimension != "" && item["ScalableDimension"] != dimension || len(wanted) > 0 && !slices.Contains(wanted, name) {
			continue
		}
		found = append(found, item)
	}
	limit := c.in.Int("MaxResults", scalingPage)
	p, ok := pageOf(c.wire.Operation+"\x00"+namespace+"\x00"+resource, c.in.Text("NextToken"), len(found), min(max(limit, 1), scalingPage))
	if !ok {
		return nil, reject("InvalidNextTokenException", "Invalid token.")
	}
	return p.withToken(map[string]any{output: found[p.from:p.to]}, "NextToken"), nil
}
