package config

import (
	"time"

	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
)

// CatchUp says what happens to scheduled actions that fell due while the daemon was down.
type CatchUp string

// The newest missed fire of each action is replayed, or none is.
const (
	CatchUpNewest CatchUp = "newest"
	CatchUpNone   CatchUp = "none"
)

// options are what can be said in defaults, for a target and, where it concerns one, for a policy.
// Each level starts from a copy of the one above and overwrites what it mentions.
type options struct {
	metricAggregation             evaluator.Aggregation
	metricAggregationType         evaluator.Aggregation
	cooldownCredit                evaluator.CooldownCredit
	cooldownScope                 evaluator.CooldownScope
	scaleInDuringScaleOutCooldown bool

	scaleOutCooldown, scaleInCooldown, cooldown time.Duration
	disableScaleIn                              bool
	scaleOutAlarm, scaleInAlarm                 alarmOptions

	scaleInDuringDeployment  bool
	startSwitchedOffServices bool
	catchUp                  CatchUp
	rails                    rails
}

// awsCooldown is AWS's default for ECS (aws-semantics 1.1, 2.1).
const awsCooldown = 300 * time.Second

// awsOptions are AWS's defaults, and those of design.md section 3 where AWS has no such option.
func awsOptions() options {
	return options{
		metricAggregation:             evaluator.Average,
		metricAggregationType:         evaluator.Average,
		cooldownCredit:                evaluator.CreditBase,
		cooldownScope:                 evaluator.ScopePolicy,
		scaleInDuringScaleOutCooldown: true,
		scaleOutCooldown:              awsCooldown,
		scaleInCooldown:               awsCooldown,
		cooldown:                      awsCooldown,
		catchUp:                       CatchUpNewest,
	}
}

// readAll reads every option, in defaults or in a target.
func (o *options) readAll(m *strict.Mapping) {
	o.readTarget(m)
	o.rails.read(m)
	o.readCooldown(m)
	o.readTracking(m)
	o.readStep(m)
	strict.Overlay(&o.catchUp, strict.Read(m, "catch_up", strict.OneOf(CatchUpNewest, CatchUpNone)))
}

func (o *options) readTarget(m *strict.Mapping) {
	strict.Overlay(&o.scaleInDuringDeployment, strict.Read(m, "scale_in_during_deployment", strict.Value.Boolean))
	strict.Overlay(&o.startSwitchedOffServices, strict.Read(m, "start_switched_off_services", strict.Value.Boolean))
}

// readCooldown reads what both kinds of policy have.
func (o *options) readCooldown(m *strict.Mapping) {
	strict.Overlay(&o.cooldownCredit, strict.Read(m, "cooldown_credit", strict.OneOf(evaluator.CreditBase, evaluator.CreditDifference)))
	strict.Overlay(&o.cooldownScope, strict.Read(m, "cooldown_scope", strict.OneOf(evaluator.ScopePolicy, evaluator.ScopeTarget)))
	strict.Overlay(&o.scaleInDuringScaleOutCooldown, strict.Read(m, "scale_in_during_scale_out_cooldown", strict.Value.Boolean))
}

func (o *options) readTracking(m *strict.Mapping) {
	strict.Overlay(&o.metricAggregation, strict.Read(m, "metric_aggregation", aggregation))
	strict.Overlay(&o.scaleOutCooldown, strict.Read(m, "scale_out_cooldown", strict.Value.Duration))
	strict.Overlay(&o.scaleInCooldown, strict.Read(m, "scale_in_cooldown", strict.Value.Duration))
	strict.Overlay(&o.disableScaleIn, strict.Read(m, "disable_scale_in", strict.Value.Boolean))
	o.scaleOutAlarm.read(m, "scale_out_alarm", 100, 1000)
	o.scaleInAlarm.read(m, "scale_in_alarm", 0, 100)
}

func (o *options) readStep(m *strict.Mapping) {
	strict.Overlay(&o.cooldown, strict.Read(m, "cooldown", strict.Value.Duration))
	strict.Overlay(&o.metricAggregationType, strict.Read(m, "metric_aggregation_type",
		strict.OneOf(evaluator.Average, evaluator.Minimum, evaluator.Maximum)))
}

// aggregation reads our words, which differ from AWS's because AWS has no such option.
func aggregation(v strict.Value) (evaluator.Aggregation, bool) {
	word, ok := strict.OneOf("average", "latest", "maximum")(v)
	if !ok {
		return "", false
	}
	return map[string]evaluator.Aggregation{
		"average": evaluator.Average, "latest": evaluator.Latest, "maximum": evaluator.Maximum,
	}[word], true
}
