package config

import (
	"time"

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
func (o *options) readAll(m *mapping) {
	o.readTarget(m)
	o.readCooldown(m)
	o.readTracking(m)
	o.readStep(m)
	overlay(&o.catchUp, read(m, "catch_up", oneOf(CatchUpNewest, CatchUpNone)))
}

func (o *options) readTarget(m *mapping) {
	overlay(&o.scaleInDuringDeployment, read(m, "scale_in_during_deployment", value.boolean))
	overlay(&o.startSwitchedOffServices, read(m, "start_switched_off_services", value.boolean))
}

// readCooldown reads what both kinds of policy have.
func (o *options) readCooldown(m *mapping) {
	overlay(&o.cooldownCredit, read(m, "cooldown_credit", oneOf(evaluator.CreditBase, evaluator.CreditDifference)))
	overlay(&o.cooldownScope, read(m, "cooldown_scope", oneOf(evaluator.ScopePolicy, evaluator.ScopeTarget)))
	overlay(&o.scaleInDuringScaleOutCooldown, read(m, "scale_in_during_scale_out_cooldown", value.boolean))
}

func (o *options) readTracking(m *mapping) {
	overlay(&o.metricAggregation, read(m, "metric_aggregation", aggregation))
	overlay(&o.scaleOutCooldown, read(m, "scale_out_cooldown", value.duration))
	overlay(&o.scaleInCooldown, read(m, "scale_in_cooldown", value.duration))
	overlay(&o.disableScaleIn, read(m, "disable_scale_in", value.boolean))
	o.scaleOutAlarm.read(m, "scale_out_alarm", 100, 1000)
	o.scaleInAlarm.read(m, "scale_in_alarm", 0, 100)
}

func (o *options) readStep(m *mapping) {
	overlay(&o.cooldown, read(m, "cooldown", value.duration))
	overlay(&o.metricAggregationType, read(m, "metric_aggregation_type", oneOf(evaluator.Average, evaluator.Minimum, evaluator.Maximum)))
}

// aggregation reads our words, which differ from AWS's because AWS has no such option.
func aggregation(v value) (evaluator.Aggregation, bool) {
	word, ok := oneOf("average", "latest", "maximum")(v)
	if !ok {
		return "", false
	}
	return map[string]evaluator.Aggregation{
		"average": evaluator.Average, "latest": evaluator.Latest, "maximum": evaluator.Maximum,
	}[word], true
}
