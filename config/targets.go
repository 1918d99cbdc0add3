package config

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"unique"

	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
)

// Target is one entry of targets: a service, or a pattern of services, with bounds and policies.
// It is immutable.
type Target struct {
	// Account is the name of an Account, or "" for the daemon's own.
	Account string
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
	rails                   *evaluator.Rails
	plan                    plan
	at                      strict.Position
}

// Pattern is the service as the text has it: cluster/service, after its account where one is named.
func (t *Target) Pattern() string {
	return evaluator.Key{Account: t.Account, Cluster: t.Cluster, Service: t.Service}.String()
}

// IsPattern says whether the entry can stand for several services.
func (t *Target) IsPattern() bool { return isPattern(t.Cluster) || isPattern(t.Service) }

// Bind makes the evaluator's target of one service that the entry matches: dimensions of
// predefined metrics are filled in, every default is set. Targets of one entry share their
// policies, which nobody may change.
func (t *Target) Bind(cluster, service string) *evaluator.Target {
	cluster = unique.Make(cluster).Value() // One copy for all services of a cluster.
	bound := &evaluator.Target{
		Key: evaluator.Key{Account: t.Account, Cluster: cluster, Service: service},
		Min: t.MinCapacity, Max: t.MaxCapacity, Suspended: t.suspended,
		ScheduledActions:        t.plan.actions,
		ScaleInDuringDeployment: t.scaleInDuringDeployment, StartSwitchedOff: t.startSwitchedOff,
		Rails: t.rails,
	}
	bound.Metrics, bound.Policies = t.plan.bind(serviceDimensions(bound.Key))
	return bound
}

// targetBuilder collects what the policies of one target have in common.
type targetBuilder struct {
	d       *strict.Decoder
	options options
	names   map[string]strict.Position
	tracked map[string]strict.Position
	plan    *plan
	// bounded says that the target's own bounds are right, so that others can be compared with them.
	bounded bool
}

// readTarget reads one entry of targets.
func readTarget(d *strict.Decoder, v strict.Value, inherited options, c *Config) (*Target, bool) {
	m, ok := v.Mapping()
	if !ok {
		return nil, false
	}
	m.Key = "a target"
	t := &Target{File: d.File, Line: m.At.Line, at: m.At}
	service := strict.Need(m, "service", "my-cluster/my-service", servicePattern)
	if service.Valid {
		t.Cluster, t.Service, _ = strings.Cut(service.Value, "/")
		m.Key = "target " + service.Value
	}
	strict.Overlay(&t.Account, strict.Read(m, "account", c.account))
	strict.Overlay(&t.Tags, strict.Read(m, "tags", tags))
	bounded := t.bounds(m)
	inherited.readAll(m)
	b := &targetBuilder{
		d: d, options: inherited, names: map[string]strict.Position{}, tracked: map[string]strict.Position{}, plan: &t.plan, bounded: bounded,
	}
	strict.Read(m, "target_tracking", strict.List(b.tracking))
	strict.Read(m, "step_scaling", strict.List(b.stepPolicy))
	b.planned(m, t, c)
	strict.Overlay(&t.suspended, strict.Read(m, "suspended_state", suspendedState))
	t.scaleInDuringDeployment, t.startSwitchedOff = inherited.scaleInDuringDeployment, inherited.startSwitchedOffServices
	t.rails = inherited.rails.evaluated()
	m.Close()
	return t, service.Valid
}

// planned reads what acts by the clock.
func (b *targetBuilder) planned(m *strict.Mapping, t *Target, c *Config) {
	actions := strict.Read(m, "scheduled_actions",
		strict.List(func(v strict.Value) (ScheduledAction, bool) { return b.scheduledAction(v, t) }))
	for _, a := range actions.Value {
		t.ScheduledActions = append(t.ScheduledActions, a.Value)
		b.plan.actions = append(b.plan.actions, a.Value.action())
	}
	if len(actions.Value) > maxScheduledActions {
		b.d.Errorf(actions.KeyAt, "scheduled_actions has %d entries, AWS allows %d for one target", len(actions.Value), maxScheduledActions)
	}
	policies := strict.Read(m, "predictive_scaling", strict.List(b.predictive))
	for _, p := range policies.Value {
		t.PredictiveScaling = append(t.PredictiveScaling, p.Value)
	}
	if len(policies.Value) > 0 {
		c.notYet(b.d, policies.KeyAt, "predictive_scaling of "+t.Pattern())
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
func capacity(v strict.Value) (int, bool) { return strict.Integer(0, math.MaxInt32)(v) }

func (t *Target) bounds(m *strict.Mapping) bool {
	low := strict.Need(m, "min_capacity", "1", capacity)
	high := strict.Need(m, "max_capacity", "4", capacity)
	if low.Valid && high.Valid && low.Value > high.Value {
		m.Errorf(low.At, "min_capacity (%d) must not exceed max_capacity (%d)", low.Value, high.Value)
	}
	t.MinCapacity, t.MaxCapacity = low.Value, high.Value
	return low.Valid && high.Valid
}

var ecsName = regexp.MustCompile(`^[A-Za-z0-9_*?-]{1,255}$`)

// servicePattern reads cluster/service.
func servicePattern(v strict.Value) (string, bool) {
	s, ok := v.Filled()
	if !ok {
		return "", false
	}
	cluster, service, two := strings.Cut(s, "/")
	if two && ecsName.MatchString(cluster) && ecsName.MatchString(service) {
		return s, true
	}
	v.Errorf(v.At, "service must be CLUSTER/SERVICE, each 1 to 255 of a-z A-Z 0-9 _ - and the wildcards * ?, not %q%s", strict.Shorten(s), guessService(s))
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
func tags(v strict.Value) (map[string]string, bool) {
	pairs, ok := v.Pairs(128, 256)
	tags := make(map[string]string, len(pairs))
	for _, p := range pairs {
		tags[p.Key] = p.Value
	}
	if ok && len(tags) == 0 {
		v.Errorf(v.At, "tags is empty; add a tag such as {team: web}, or remove it")
		return nil, false
	}
	return tags, ok
}

// suspendedState reads API SuspendedState.
func suspendedState(v strict.Value) (evaluator.SuspendedState, bool) {
	m, ok := v.Mapping()
	var s evaluator.SuspendedState
	if !ok {
		return s, false
	}
	strict.Overlay(&s.DynamicScalingIn, strict.Read(m, "dynamic_scaling_in_suspended", strict.Value.Boolean))
	strict.Overlay(&s.DynamicScalingOut, strict.Read(m, "dynamic_scaling_out_suspended", strict.Value.Boolean))
	strict.Overlay(&s.Scheduled, strict.Read(m, "scheduled_scaling_suspended", strict.Value.Boolean))
	m.Close()
	return s, true
}

// name reads the name of a policy or an action, unique in the target over all kinds; messages
// about the rest of the mapping then call it by its name.
func (b *targetBuilder) name(m *strict.Mapping, kind string) string {
	f := strict.Need(m, "name", "cpu", shortLine(256)) // API PutScalingPolicy PolicyName.
	if !f.Valid {
		return ""
	}
	m.Key = kind + " " + strict.Shorten(f.Value)
	if first, twice := b.names[f.Value]; twice {
		b.d.Errorf(f.At, "the name %q is used twice in this target, first on line %d; names are unique over policies and scheduled actions of all kinds", strict.Shorten(f.Value), first.Line)
		return f.Value
	}
	b.names[f.Value] = f.At
	return f.Value
}
