package scaling

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
	"time"

	"ecs-autoscaler/sim/wire"
)

// The quotas of aws-semantics 6.5.
const (
	maxTargets  = 3000
	maxPolicies = 50
	maxActions  = 200
	maxSteps    = 20
)

// target is a scalable target with what belongs to it.
type target struct {
	resource         string
	cluster, service string
	arn, role        string
	min, max         int
	suspended        suspended
	created          time.Time
	policies         []*policy
	actions          []*action
	declared         map[string]any // what a scenario says that answers have
	memory           memory
}

// suspended are the three switches (API SuspendedState).
type suspended struct{ in, out, scheduled bool }

// registerTarget answers RegisterScalableTarget (API; aws-semantics 6.1).
func (r *request) registerTarget() (map[string]any, *wire.Error) {
	resource, err := r.address()
	if err != nil {
		return nil, err
	}
	t := r.targets[resource]
	fresh := t == nil
	if fresh {
		if t, err = r.newTarget(resource); err != nil {
			return nil, err
		}
	}
	low, high, state := r.In.Int("MinCapacity", t.min), r.In.Int("MaxCapacity", t.max), r.In.Structure("SuspendedState")
	switches := t.suspended.with(state)
	if err := cmp.Or(r.In.Err(), state.Err(), bounds(low, high)); err != nil {
		return nil, err
	}
	if fresh {
		t.arn = fmt.Sprintf("arn:aws:application-autoscaling:%s:%s:scalable-target/%s", r.options.Region, r.options.Account, strings.ReplaceAll(r.uuid(), "-", ""))
		r.targets[resource] = t
	}
	t.min, t.max, t.suspended = low, high, switches
	if r.Setup {
		t.declared = declared(r.In, "CreationTime", "RoleARN", "ScalableTargetARN", "PredictedCapacity")
	} else {
		r.fit(t, r.Now)
	}
	return map[string]any{"ScalableTargetARN": t.describe()["ScalableTargetARN"]}, nil
}

func (r *request) newTarget(resource string) (*target, *wire.Error) {
	parts := strings.Split(resource, "/")
	t := &target{resource: resource, cluster: parts[1], service: parts[2], created: r.Now, min: -1, max: -1}
	t.role = "arn:aws:iam::" + r.options.Account + ":role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"
	if _, there := r.options.Fleet.Service(t.cluster, t.service, r.Now); !there && !r.Setup {
		return nil, invalid("ECS service doesn't exist: %s", resource)
	}
	if len(r.targets) >= maxTargets {
		return nil, reject("LimitExceededException", "You have reached the maximum of %d scalable targets for the service namespace %s.", maxTargets, namespace)
	}
	return t, nil
}

func bounds(low, high int) *wire.Error {
	switch {
	case low < 0:
		return invalid("MinCapacity is needed to register a scalable target, and must be 0 or more")
	case high < 0:
		return invalid("MaxCapacity is needed to register a scalable target, and must be 0 or more")
	case low > high:
		return invalid("Minimum capacity cannot be greater than maximum capacity")
	}
	return nil
}

// with changes those of the switches that are given.
func (s suspended) with(in *wire.Input) suspended {
	return suspended{
		in:        in.Bool("DynamicScalingInSuspended", s.in),
		out:       in.Bool("DynamicScalingOutSuspended", s.out),
		scheduled: in.Bool("ScheduledScalingSuspended", s.scheduled),
	}
}

// deregisterTarget answers DeregisterScalableTarget: policies, their alarms and scheduled actions go with the target.
func (r *request) deregisterTarget() (map[string]any, *wire.Error) {
	resource, err := r.address()
	if err != nil {
		return nil, err
	}
	t := r.targets[resource]
	if t == nil {
		return nil, notFound("scalable target", resource, "")
	}
	for _, p := range t.policies {
		r.dropAlarms(p)
	}
	delete(r.targets, resource)
	return map[string]any{}, nil
}

func (r *request) describeTargets() (map[string]any, *wire.Error) {
	f, err := r.filter("ResourceIds", 50)
	if err != nil {
		return nil, err
	}
	items := []any{}
	for _, t := range r.byResource() {
		if f.wants(t.resource, t.resource) {
			items = append(items, t.describe())
		}
	}
	return r.page("ScalableTargets", items, f)
}

// describe is the API's ScalableTarget.
func (t *target) describe() map[string]any {
	out := t.address()
	maps.Copy(out, map[string]any{
		"MinCapacity": t.min, "MaxCapacity": t.max, "RoleARN": t.role, "CreationTime": t.created, "ScalableTargetARN": t.arn,
		"SuspendedState": map[string]any{
			"DynamicScalingInSuspended": t.suspended.in, "DynamicScalingOutSuspended": t.suspended.out,
			"ScheduledScalingSuspended": t.suspended.scheduled,
		},
	})
	maps.Copy(out, t.declared)
	return out
}

// address are the members that name a target everywhere.
func (t *target) address() map[string]any {
	return map[string]any{"ServiceNamespace": namespace, "ResourceId": t.resource, "ScalableDimension": dimension}
}

// declared are members of an answer that a scenario gives; times are written as text.
func declared(in *wire.Input, names ...string) map[string]any {
	out := map[string]any{}
	for _, name := range names {
		if !in.Has(name) {
			continue
		}
		out[name] = in.Members()[name]
		if strings.HasSuffix(name, "Time") {
			out[name] = in.Time(name)
		}
	}
	return out
}
