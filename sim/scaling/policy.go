package scaling

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"ecs-autoscaler/sim/wire"
)

// The types of policies, and the member of the API in which each has its configuration.
const (
	tracking   = "TargetTrackingScaling"
	stepping   = "StepScaling"
	predictive = "PredictiveScaling"
)

var configurations = map[string]string{
	tracking: "TargetTrackingScalingPolicyConfiguration", stepping: "StepScalingPolicyConfiguration",
	predictive: "PredictiveScalingPolicyConfiguration",
}

// policy is a scaling policy; config is its configuration as it was put.
type policy struct {
	name, kind, arn string
	action          string // the identifier in the actions of its alarms, createdBy
	config          map[string]any
	created         time.Time
	high, low       *alarm // of target tracking; low is nil where scaling in is disabled
	declared        map[string]any
}

// putPolicy answers PutScalingPolicy (API; aws-semantics 1.1, 2.3 and 5).
func (r *request) putPolicy() (map[string]any, *wire.Error) {
	t, err := r.registered()
	if err != nil {
		return nil, err
	}
	name := r.In.Text("PolicyName")
	if err := policyName(name); err != nil {
		return nil, err
	}
	old := t.policy(name)
	kind, config, err := r.configuration(old)
	if err != nil {
		return nil, err
	}
	if err := r.checkPolicy(t, name, kind, config); err != nil {
		return nil, err
	}
	p := old
	if p == nil {
		if len(t.policies) >= maxPolicies {
			return nil, reject("LimitExceededException", "You have reached the maximum of %d scaling policies for the scalable target %s.", maxPolicies, t.resource)
		}
		p = &policy{name: name, kind: kind, created: r.Now, action: r.uuid()}
		p.arn = r.arn("scalingPolicy", r.uuid(), t.resource, "policyName/"+name)
		t.policies = append(t.policies, p)
	}
	if r.Setup {
		p.declared = declared(r.In, "CreationTime", "PolicyARN", "Alarms")
		if arn := r.In.Text("PolicyARN"); arn != "" {
			p.arn = arn
		}
	}
	p.config = config
	r.dropAlarms(p)
	if kind == tracking {
		r.makeAlarms(t, p)
	}
	return map[string]any{"PolicyARN": p.arn, "Alarms": r.alarmsOf(p)}, nil
}

func policyName(name string) *wire.Error {
	switch {
	case name == "":
		return missing("policyName")
	case len([]rune(name)) > 256:
		return constraint("'"+name+"'", "policyName", "Member must have length less than or equal to 256")
	case strings.IndexFunc(name, func(c rune) bool { return !unicode.IsPrint(c) }) >= 0:
		return constraint("'"+name+"'", "policyName", `Member must satisfy regular expression pattern: \p{Print}+`)
	}
	return nil
}

// configuration reads type and configuration of a policy; those that are left out stay as they were.
func (r *request) configuration(old *policy) (kind string, config map[string]any, err *wire.Error) {
	if kind, err = r.policyType(old); err != nil {
		return "", nil, err
	}
	for other, member := range configurations {
		if r.In.Has(member) && other != kind {
			return "", nil, invalid("A policy of type %s takes no %s.", kind, member)
		}
	}
	member := configurations[kind]
	switch given := r.In.Members()[member].(type) {
	case map[string]any:
		return kind, given, nil
	case nil:
		if old != nil {
			return kind, old.config, nil
		}
	}
	return "", nil, invalid("A policy of type %s needs %s.", kind, member)
}

func (r *request) policyType(old *policy) (string, *wire.Error) {
	kind := r.In.Text("PolicyType")
	switch {
	case old != nil && kind != "" && kind != old.kind:
		return "", invalid("The policy type of the scaling policy %s is %s and cannot be changed to %s.", old.name, old.kind, kind)
	case old != nil:
		return old.kind, nil
	case kind == "":
		return "", invalid("PolicyType is required to create a scaling policy.")
	case configurations[kind] == "":
		return "", oneOf(kind, "policyType", slices.Sorted(maps.Keys(configurations)))
	}
	return kind, nil
}

func (t *target) policy(name string) *policy {
	for _, p := range t.policies {
		if p.name == name {
			return p
		}
	}
	return nil
}

// deletePolicy answers DeleteScalingPolicy: the alarms of target tracking go with it, those of others stay.
func (r *request) deletePolicy() (map[string]any, *wire.Error) {
	resource, err := r.address()
	if err != nil {
		return nil, err
	}
	name := r.In.Text("PolicyName")
	t := r.targets[resource]
	if name == "" {
		return nil, missing("policyName")
	}
	if t == nil || t.policy(name) == nil {
		return nil, notFound("scaling policy", resource, name)
	}
	r.dropAlarms(t.policy(name))
	t.policies = slices.DeleteFunc(t.policies, func(p *policy) bool { return p.name == name })
	return map[string]any{}, nil
}

func (r *request) describePolicies() (map[string]any, *wire.Error) {
	f, err := r.filter("PolicyNames", 10) // half the page of the other calls and less (aws-semantics 6.5)
	if err != nil {
		return nil, err
	}
	items := []any{}
	for _, t := range r.byResource() {
		for _, p := range t.policies {
			if f.wants(t.resource, p.name) {
				items = append(items, r.describePolicy(t, p))
			}
		}
	}
	return r.page("ScalingPolicies", items, f)
}

// describePolicy is the API's ScalingPolicy.
func (s *Store) describePolicy(t *target, p *policy) map[string]any {
	out := t.address()
	maps.Copy(out, map[string]any{
		"PolicyName": p.name, "PolicyType": p.kind, "PolicyARN": p.arn, "CreationTime": p.created, "Alarms": s.alarmsOf(p),
		configurations[p.kind]: p.config,
	})
	maps.Copy(out, p.declared)
	return out
}

// alarmsOf lists the alarms that call a policy, by name.
func (s *Store) alarmsOf(p *policy) []any {
	list := []any{}
	for _, name := range slices.Sorted(maps.Keys(s.alarms)) {
		if a := s.alarms[name]; a.calls(p) {
			list = append(list, map[string]any{"AlarmName": a.name, "AlarmARN": a.arn})
		}
	}
	return list
}
