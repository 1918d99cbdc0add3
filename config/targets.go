package config

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"unique"

	"ecs-autoscaler/evaluator"
)

// Target is one entry of targets: a service, or a pattern of services, with bounds and policies.
// It is immutable.
type Target struct {
	// Cluster and Service are names, or patterns with * and ?.
	Cluster, Service string
	// Tags must all stand on the ECS service with these values; nil asks for none.
	Tags map[string]string
	// File and Line are where the entry begins.
	File string
	Line int
	// MinCapacity and MaxCapacity are the bounds of the desired count.
	MinCapacity, MaxCapacity int
	// ScheduledActions stand in file order.
	ScheduledActions []ScheduledAction
	// PredictiveScaling is read and checked; see Config.Unsupported.
	PredictiveScaling []PredictivePolicy

	suspended               evaluator.SuspendedState
	scaleInDuringDeployment bool
	startSwitchedOff        bool
	plan                    plan
	at                      position
}

// Pattern is the service as the text has it: cluster/service.
func (t *Target) Pattern() string { return t.Cluster + "/" + t.Service }

// IsPattern says whether the entry can stand for several services.
func (t *Target) IsPattern() bool { return isPattern(t.Cluster) || isPattern(t.Service) }

// Bind makes the evaluator's target of one service that the entry matches: dimensions of
// predefined metrics are filled in, every default is set. Targets of one entry share their
// policies, which nobody may change.
func (t *Target) Bind(cluster, service string) *evaluator.Target {
	cluster = unique.Make(cluster).Value() // One copy for all services of a cluster.
	bound := &evaluator.Target{
		Key: evaluator.Key{Cluster: cluster, Service: service},
		Min: t.MinCapacity, Max: t.MaxCapacity, Suspended: t.suspended,
		ScheduledActions:        t.plan.actions,
		ScaleInDuringDeployment: t.scaleInDuringDeployment, StartSwitchedOff: t.startSwitchedOff,
	}
	bound.Metrics, bound.Policies = t.plan.bind([]evaluator.Dimension{
		{Name: "ClusterName", Value: cluster}, {Name: "ServiceName", Value: service},
	})
	return bound
}

// targetBuilder collects what the policies of one target have in common.
type targetBuilder struct {
	d       *decoder
	options options
	names   map[string]position
	tracked map[string]position
	plan    *plan
	// bounded says that the target's own bounds are right, so that others can be compared with them.
	bounded bool
}

// target reads one entry of targets.
func (d *decoder) target(v value, inherited options, c *Config) (*Target, bool) {
	m, ok := v.mapping()
	if !ok {
		return nil, false
	}
	m.key = "a target"
	t := &Target{File: d.file, Line: m.at.line, at: m.at}
	service := need(m, "service", "my-cluster/my-service", servicePattern)
	if service.valid {
		t.Cluster, t.Service, _ = strings.Cut(service.value, "/")
		m.key = "target " + service.value
	}
	overlay(&t.Tags, read(m, "tags", value.tags))
	bounded := t.bounds(m)
	inherited.readAll(m)
	b := &targetBuilder{
		d: d, options: inherited, names: map[string]position{}, tracked: map[string]position{}, plan: &t.plan, bounded: bounded,
	}
	read(m, "target_tracking", list(b.tracking))
	read(m, "step_scaling", list(b.stepPolicy))
	b.planned(m, t, c)
	overlay(&t.suspended, read(m, "suspended_state", suspendedState))
	t.scaleInDuringDeployment, t.startSwitchedOff = inherited.scaleInDuringDeployment, inherited.startSwitchedOffServices
	m.close()
	return t, service.valid
}

// planned reads what acts by the clock.
func (b *targetBuilder) planned(m *mapping, t *Target, c *Config) {
	actions := read(m, "scheduled_actions", list(func(v value) (ScheduledAction, bool) { return b.scheduledAction(v, t) }))
	for _, a := range actions.value {
		t.ScheduledActions = append(t.ScheduledActions, a.value)
		b.plan.actions = append(b.plan.actions, a.value.action())
	}
	if len(actions.value) > maxScheduledActions {
		b.d.errorf(actions.keyAt, "scheduled_actions has %d entries, AWS allows %d for one target", len(actions.value), maxScheduledActions)
	}
	policies := read(m, "predictive_scaling", list(b.predictive))
	for _, p := range policies.value {
		t.PredictiveScaling = append(t.PredictiveScaling, p.value)
	}
	if len(policies.value) > 0 {
		c.notYet(b.d, policies.keyAt, "predictive_scaling of "+t.Pattern())
	}
}

// policy is what both kinds of policy take from the options.
func (o options) policy(name string, kind evaluator.PolicyType) evaluator.Policy {
	return evaluator.Policy{
		Name: name, Type: kind, CooldownScope: o.cooldownScope, CooldownCredit: o.cooldownCredit,
		ScaleInDuringScaleOutCooldown: o.scaleInDuringScaleOutCooldown,
	}
}

// capacity reads a bound of the desired count.
func capacity(v value) (int, bool) { return integer(0, math.MaxInt32)(v) }

func (t *Target) bounds(m *mapping) bool {
	low := need(m, "min_capacity", "1", capacity)
	high := need(m, "max_capacity", "4", capacity)
	if low.valid && high.valid && low.value > high.value {
		m.d.errorf(low.at, "min_capacity (%d) must not exceed max_capacity (%d)", low.value, high.value)
	}
	t.MinCapacity, t.MaxCapacity = low.value, high.value
	return low.valid && high.valid
}

var ecsName = regexp.MustCompile(`^[A-Za-z0-9_*?-]{1,255}$`)

// servicePattern reads cluster/service.
func servicePattern(v value) (string, bool) {
	s, ok := v.filled()
	if !ok {
		return "", false
	}
	cluster, service, two := strings.Cut(s, "/")
	if two && ecsName.MatchString(cluster) && ecsName.MatchString(service) {
		return s, true
	}
	v.d.errorf(v.at, "service must be CLUSTER/SERVICE, each 1 to 255 of a-z A-Z 0-9 _ - and the wildcards * ?, not %q%s", shorten(s), guessService(s))
	return "", false
}

// guessService finds the pair in an ARN or an Application Auto Scaling resource id.
func guessService(s string) string {
	part := strings.Split(s, "/")
	if n := len(part); n >= 3 && strings.HasSuffix(part[n-3], "service") {
		return fmt.Sprintf("; did you mean %s/%s?", part[n-2], part[n-1])
	}
	if len(part) == 1 && ecsName.MatchString(s) {
		return fmt.Sprintf("; did you mean default/%s or */%s?", s, s)
	}
	return ""
}

// tags reads ECS tags; AWS allows an empty value.
func (v value) tags() (map[string]string, bool) {
	pairs, ok := v.pairs(128, 256)
	tags := make(map[string]string, len(pairs))
	for _, p := range pairs {
		tags[p.key] = p.value
	}
	if ok && len(tags) == 0 {
		v.d.errorf(v.at, "tags is empty; add a tag such as {team: web}, or remove it")
		return nil, false
	}
	return tags, ok
}

// suspendedState reads API SuspendedState.
func suspendedState(v value) (evaluator.SuspendedState, bool) {
	m, ok := v.mapping()
	var s evaluator.SuspendedState
	if !ok {
		return s, false
	}
	overlay(&s.DynamicScalingIn, read(m, "dynamic_scaling_in_suspended", value.boolean))
	overlay(&s.DynamicScalingOut, read(m, "dynamic_scaling_out_suspended", value.boolean))
	overlay(&s.Scheduled, read(m, "scheduled_scaling_suspended", value.boolean))
	m.close()
	return s, true
}

// name reads the name of a policy or an action, unique in the target over all kinds; messages
// about the rest of the mapping then call it by its name.
func (b *targetBuilder) name(m *mapping, kind string) string {
	f := need(m, "name", "cpu", shortLine(256)) // API PutScalingPolicy PolicyName.
	if !f.valid {
		return ""
	}
	m.key = kind + " " + shorten(f.value)
	if first, twice := b.names[f.value]; twice {
		b.d.errorf(f.at, "the name %q is used twice in this target, first on line %d; names are unique over policies and scheduled actions of all kinds", shorten(f.value), first.line)
		return f.value
	}
	b.names[f.value] = f.at
	return f.value
}
