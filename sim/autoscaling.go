package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"ecs-autoscaler/sim/fleet"
	"ecs-autoscaler/sim/scaling"
	"ecs-autoscaler/sim/wire"
)

// managed is the managed scaling of a scenario: calls of the API that were made before it began, and its past.
type managed struct {
	setup      []scalingCall
	activities []map[string]any
}

// scalingCall is a call that makes what is there from the beginning.
type scalingCall struct {
	operation string
	input     map[string]any
}

// scalingMembers are the members that a scenario may give: those of the API's structures, whether calls or answers have them.
// The first is the one that must be there besides ResourceId.
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
	d := &doc.Home.AutoScaling
	// They are tried on a store of their own, so that a mistake is found where it was written.
	trial := scaling.New(scaling.Options{Fleet: nobody{}})
	for _, list := range []struct {
		name, operation string
		from            []map[string]any
	}{
		{"scalable_targets", "RegisterScalableTarget", d.ScalableTargets}, {"scaling_policies", "PutScalingPolicy", d.ScalingPolicies},
		{"scheduled_actions", "PutScheduledAction", d.ScheduledActions}, {"scaling_activities", "", d.ScalingActivities},
	} {
		for i, item := range list.from {
			path := fmt.Sprintf("%s.application_autoscaling.%s[%d]", c.base, list.name, i)
			done, err := c.scalingItem(path, list.name, item)
			if err != nil {
				return err
			}
			if list.operation == "" {
				c.s.managed.activities = append(c.s.managed.activities, done)
				continue
			}
			if err := c.setup(trial, path, list.operation, done); err != nil {
				return err
			}
		}
	}
	for i, item := range doc.Home.MetricAlarms {
		if err := c.setup(trial, fmt.Sprintf("%s.metric_alarms[%d]", c.base, i), "PutMetricAlarm", plainMap(item)); err != nil {
			return err
		}
	}
	return nil
}

// setup keeps a call that the trial store accepts.
func (c *compiler) setup(trial *scaling.Store, path, operation string, input map[string]any) error {
	call := scalingCall{operation, input}
	if _, err := trial.Do(call.at(time.Unix(0, 0))); err != nil {
		return c.src.wrong(path, "as the input of %s: %s", operation, err.Message)
	}
	c.s.managed.setup = append(c.s.managed.setup, call)
	return nil
}

func (s *scalingCall) at(now time.Time) scaling.Request {
	return scaling.Request{Operation: s.operation, In: wire.In(s.input), Now: now, Setup: true}
}

// scalingItem checks the names of an item, and gives an activity what AWS always answers.
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
	done := plainMap(item)
	if err := c.scalingTimes(path, done); err != nil {
		return nil, err
	}
	for member, value := range map[string]any{
		"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": int64(0),
		"ActivityId": fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(digest(path)), digest(resource)>>16),
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

// nobody is a region without services.
type nobody struct{}

// Service finds nothing.
func (nobody) Service(string, string, time.Time) (scaling.Service, bool) {
	return scaling.Service{}, false
}

// SetDesired does nothing.
func (nobody) SetDesired(string, string, int, time.Time) {}

// Values has none.
func (nobody) Values([]any, time.Time, time.Time, time.Time) []float64 { return nil }

// scalingStore makes the managed scaling of a region; what the scenario declares is older than it.
func (r *Region) scalingStore() (*scaling.Store, error) {
	s := r.scenario
	store := scaling.New(scaling.Options{Account: s.account, Region: s.region,
		Start: r.zero, Seed: s.seed ^ digest("scaling"), Fleet: scaled{r}})
	for i := range s.managed.setup {
		if _, err := store.Do(s.managed.setup[i].at(r.zero.Add(-24 * time.Hour))); err != nil {
			return nil, err
		}
	}
	store.Declare(s.managed.activities)
	return store, nil
}

// manageScaling answers a call of Application Auto Scaling, or one about alarms.
func manageScaling(c *call) (any, *wire.Error) {
	output, err := c.region.scaling.Do(scaling.Request{Operation: c.wire.Operation, In: c.in, Now: c.wall})
	return output, err
}

// scaled is a region as managed scaling sees it.
type scaled struct{ region *Region }

// Service looks at a service.
func (f scaled) Service(cluster, name string, at time.Time) (scaling.Service, bool) {
	s := f.region.services[key{cluster, name}]
	if s == nil {
		return scaling.Service{}, false
	}
	v := s.tasks.View(at.Sub(f.region.zero))
	out := scaling.Service{
		Desired: v.Desired, Running: v.Running, Active: v.Status == fleet.Active && !s.fleet.Daemon,
		Deploying:      s.fleet.Controller == fleet.ECS && (len(v.Deployments) > 1 || v.Deployments[0].Rollout == "IN_PROGRESS"),
		HighResolution: s.fleet.Controller == fleet.ECS && s.resolution < time.Minute,
	}
	if s.balancer != nil {
		out.TargetGroup = s.balancer.loadBalancer + "/" + s.balancer.targetGroup
	}
	return out, true
}

// SetDesired writes a desired count.
func (f scaled) SetDesired(cluster, name string, n int, at time.Time) {
	f.region.services[key{cluster, name}].tasks.Apply(at.Sub(f.region.zero), fleet.Event{Desired: &n})
}

// Values reads metrics as a call of GetMetricData does, but for faults of whole calls and of answers: alarms see late and
// missing datapoints only.
func (f scaled) Values(queries []any, from, to, at time.Time) []float64 {
	r := f.region
	c := &call{region: r, wire: &wire.Request{Service: wire.CloudWatch, Operation: "GetMetricData", Region: r.scenario.region},
		wall: at, now: at.Sub(r.zero), caller: principal{account: r.scenario.account},
		in: wire.In(map[string]any{"MetricDataQueries": queries})}
	list, err := c.metricQueries()
	if err != nil {
		return nil
	}
	e := &evaluation{call: c, span: interval{from, to}, faults: r.metricFaults(c),
		queries: map[string]*metricQuery{}, done: map[string]*series{}, open: map[string]bool{}}
	for i := range list {
		e.queries[list[i].id] = &list[i]
	}
	for i := range list {
		if !list[i].returned {
			continue
		}
		if s, err := e.series(&list[i]); err == nil {
			return slices.DeleteFunc(slices.Clone(s.values), math.IsNaN)
		}
	}
	return nil
}
