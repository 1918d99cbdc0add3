package described

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ecs-autoscaler/config/managed"
)

// alarm is one whose actions name policies.
type alarm struct {
	managed.Alarm

	name string
	// used says that a policy of the input is started by it.
	used bool
	// actions are policies that it names.
	actions []string
}

// isPolicy says whether an action is a scaling policy of ECS, by an ARN or by a reference that nobody could resolve.
func isPolicy(action string) bool {
	return strings.Contains(action, ":scalingPolicy:") || strings.Contains(action, "aws_appautoscaling_policy")
}

// alarm reads an alarm and remembers it under the policies that it names. What it says is judged by the first policy.
func (r *reader) alarm(o *object, res Resource) {
	var policies []string
	for _, action := range o.get("alarm_actions").all() {
		if isPolicy(action.Text) {
			policies = append(policies, action.Text)
		}
	}
	if len(policies) == 0 {
		return // It does not scale anything.
	}
	a := &alarm{name: cmp.Or(o.text("alarm_name"), res.Label), actions: policies}
	r.everyAlarm = append(r.everyAlarm, a)
	a.Place = o.at
	if !o.boolean(true, "actions_enabled") {
		r.wrong(o.at, "actions_enabled", "false", "switches the alarm's actions off")
	}
	r.measure(o, a)
	a.Operator, a.Threshold = o.exact("comparison_operator"), o.needed("threshold")
	a.EvaluationPeriods = o.whole(o.needed("evaluation_periods"), "evaluation_periods")
	a.DatapointsToAlarm = o.integer(0, "datapoints_to_alarm")
	a.TreatMissing = o.exact("treat_missing_data")
	a.IgnoreLowSamples = o.exact("evaluate_low_sample_count_percentiles", "evaluate_low_sample_count_percentile") == "ignore"
	r.alarmActions(o)
	o.close()
	a.used = r.broken // It has been named already.
	if r.broken {
		return
	}
	for _, p := range policies {
		r.alarms[shown(p)] = append(r.alarms[shown(p)], a)
	}
}

// measure reads what the alarm watches, and how often.
func (r *reader) measure(o *object, a *alarm) {
	a.Metric = metric(o)
	if extended := o.exact("extended_statistic"); a.Metric.Statistic == "" {
		a.Metric.Statistic = extended
	}
	entries := o.each("metric_query", "metrics")
	a.Period = o.integer(0, "period")
	for _, e := range entries {
		p := e.peek("period", "metric.period", "metric_stat.period")
		e.ignore("period")
		if p != 0 && a.Period != 0 && p != a.Period {
			r.wrong(o.at, e.path+".period", fmt.Sprint(p), fmt.Sprintf("differs from the %d s of another entry, and one alarm has one period here", a.Period))
		}
		a.Period = cmp.Or(a.Period, p)
	}
	a.Period = cmp.Or(a.Period, 60)
	a.Metric.Queries = queries(entries)
	shown := slices.ContainsFunc(entries, func(e *object) bool { return e.has("return_data") && e.boolean(true, "return_data") })
	for i, e := range entries { // Terraform's alarms return nothing unless told to, the API's everything.
		a.Metric.Queries[i].Hidden = !e.boolean(!shown, "return_data")
	}
}

// peek is a number that is found at one of several paths; 0 if at none.
func (o *object) peek(paths ...string) int {
	for _, path := range paths {
		at := o
		keys := strings.Split(path, ".")
		for _, k := range keys[:len(keys)-1] {
			at = at.inner(k)
		}
		if last := keys[len(keys)-1]; at.has(last) {
			return at.integer(0, last)
		}
	}
	return 0
}

// alarmActions names what the alarm does besides.
func (r *reader) alarmActions(o *object) {
	for _, action := range o.get("alarm_actions").all() {
		if !isPolicy(action.Text) {
			r.lose(o.at, "alarm_actions", action.String(), "left out: this action is not a scaling policy; keep the alarm for it")
		}
	}
	o.without("left out: the alarm of a policy does nothing else here", "ok_actions", "insufficient_data_actions")
	o.without("left out: an alarm has no description here", "alarm_description")
	o.without("left out: an alarm has no tags here", "tags")
	o.ignore("id", "arn", "tags_all", "alarm_arn", "region")
	// What an account says of the alarm's past and present.
	o.ignore("alarm_configuration_updated_timestamp", "state_reason", "state_reason_data", "state_transitioned_timestamp",
		"state_updated_timestamp", "state_value", "evaluation_state")
}

// idle names alarms whose policy is not in the input.
func (r *reader) idle() {
	for _, a := range r.everyAlarm {
		if !a.used {
			r.lose(a.Place, "alarm_actions", shown(strings.Join(a.actions, ", ")), "left out with the alarm: this policy is not in the input")
		}
	}
}
