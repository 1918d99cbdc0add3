package scaling

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ecs-autoscaler/sim/wire"
)

// alarmMembers are the members of PutMetricAlarm that the region keeps; the rest is refused by name, or nothing would come of it.
var alarmMembers = []string{"AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions",
	"InsufficientDataActions", "MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period",
	"Unit", "EvaluationPeriods", "DatapointsToAlarm", "Threshold",
	"ComparisonOperator", "TreatMissingData", "EvaluateLowSampleCountPercentile", "Metrics", "Tags"}

var operators = []string{"GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"}

// maxAlarms is CloudWatch's quota of metric alarms in a region.
const maxAlarms = 5000

// putAlarm answers PutMetricAlarm (API cloudwatch).
func (r *request) putAlarm() (map[string]any, *wire.Error) {
	if err := r.checkAlarm(); err != nil {
		return nil, err
	}
	if err := r.In.Err(); err != nil {
		return nil, err
	}
	name := r.In.Text("AlarmName")
	if len(r.alarms) >= maxAlarms && r.alarms[name] == nil {
		err := reject("LimitExceededFault", "The maximum limit for the number of alarms has been reached.")
		err.QueryCode = "LimitExceeded"
		return nil, err
	}
	members := map[string]any{"ActionsEnabled": true}
	for _, member := range alarmMembers {
		if r.In.Has(member) && member != "Tags" {
			members[member] = r.In.Members()[member]
		}
	}
	members["Threshold"] = number(members["Threshold"]) // JSON and YAML have 5, CBOR must have 5.0
	a := r.addAlarm(members, r.Now)
	for _, t := range r.targets { // whoever edits an alarm of target tracking has edited it
		for _, p := range t.policies {
			p.follow(a)
		}
	}
	return map[string]any{}, nil
}

func (p *policy) follow(a *alarm) {
	if p.high != nil && p.high.name == a.name {
		p.high = a
	}
	if p.low != nil && p.low.name == a.name {
		p.low = a
	}
}

func (r *request) checkAlarm() *wire.Error {
	for _, member := range slices.Sorted(maps.Keys(r.In.Members())) {
		if r.In.Has(member) && !slices.Contains(alarmMembers, member) {
			return badAlarm("The simulated region's alarms do not have %s; they have %s.", member, strings.Join(alarmMembers, ", "))
		}
	}
	name, operator, periods := r.In.Text("AlarmName"), r.In.Text("ComparisonOperator"), r.In.Int("EvaluationPeriods", 0)
	treat := r.In.Text("TreatMissingData")
	if err := firstBroken(
		rule{outside(len(name)-1, 254), badAlarm("The parameter AlarmName must have 1 to 255 characters.")},
		rule{!slices.Contains(operators, operator), badAlarm("1 validation error detected: Value '%s' at 'comparisonOperator' failed to satisfy constraint: Member must satisfy enum value set: [%s]",
			operator, strings.Join(operators, ", "))},
		rule{periods < 1, badAlarm("The parameter EvaluationPeriods must be 1 or more.")},
		rule{!r.In.Has("Threshold"), badAlarm("The parameter Threshold is required.")},
		rule{outside(r.In.Int("DatapointsToAlarm", periods)-1, periods-1), badAlarm("The parameter DatapointsToAlarm must be from 1 to EvaluationPeriods.")},
		rule{!slices.Contains([]string{"", "missing", "breaching", "notBreaching", "ignore"}, treat),
			badAlarm("The value '%s' for the parameter TreatMissingData is none of breaching, notBreaching, ignore and missing.", treat)},
	); err != nil {
		return err
	}
	for _, actions := range []string{"AlarmActions", "OKActions", "InsufficientDataActions"} {
		if len(r.In.Texts(actions)) > 5 {
			return badAlarm("The parameter %s must have at most 5 members.", actions)
		}
	}
	if r.In.Has("Metrics") {
		return r.checkAlarmMath()
	}
	return r.checkAlarmMetric(periods)
}

func (r *request) checkAlarmMath() *wire.Error {
	for _, member := range []string{"MetricName", "Namespace", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic"} {
		if r.In.Has(member) {
			return badAlarm("The parameter %s must not be given together with Metrics.", member)
		}
	}
	returned := 0
	for _, q := range r.In.Structures("Metrics") {
		if q.Bool("ReturnData", true) {
			returned++
		}
	}
	if returned != 1 {
		return badAlarm("Exactly one element of the Metrics list should return data, not %d.", returned)
	}
	return nil
}

func (r *request) checkAlarmMetric(periods int) *wire.Error {
	period, statistic := r.In.Int("Period", 0), r.In.Text("Statistic")
	longest := 86400
	if period >= 3600 {
		longest *= 7
	}
	return firstBroken(
		rule{r.In.Text("MetricName") == "" || r.In.Text("Namespace") == "", badAlarm("The parameters MetricName and Namespace are required, or Metrics.")},
		rule{r.In.Has("Statistic") == r.In.Has("ExtendedStatistic"), badAlarm("Exactly one of the parameters Statistic and ExtendedStatistic is required.")},
		rule{statistic != "" && !slices.Contains(statistics, statistic),
			badAlarm("The value '%s' for the parameter Statistic is none of %s.", statistic, strings.Join(statistics, ", "))},
		rule{!slices.Contains([]int{10, 20, 30}, period) && (period < 60 || period%60 != 0), badAlarm("The parameter Period must be 10, 20, 30 or a multiple of 60.")},
		rule{period*periods > longest, badAlarm("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400), or a week for periods of an hour and more.")},
	)
}

// deleteAlarms answers DeleteAlarms; names that are not there do not matter (API cloudwatch).
func (r *request) deleteAlarms() (map[string]any, *wire.Error) {
	names := r.In.Texts("AlarmNames")
	if len(names) == 0 || len(names) > 100 {
		return nil, badAlarm("The parameter AlarmNames must have 1 to 100 members.")
	}
	for _, name := range names {
		delete(r.alarms, name)
	}
	return map[string]any{}, nil
}

// alarmFilter says which alarms DescribeAlarms wants; what is empty is all.
type alarmFilter struct {
	names, types          []string
	prefix, state, action string
}

func (f *alarmFilter) wants(a *alarm) bool {
	for _, r := range []bool{
		len(f.names) == 0 || slices.Contains(f.names, a.name), strings.HasPrefix(a.name, f.prefix), f.state == "" || a.state == f.state,
		f.action == "" || a.acts(f.action), len(f.types) == 0 || slices.Contains(f.types, "MetricAlarm"),
	} {
		if !r {
			return false
		}
	}
	return true
}

// describeAlarms answers DescribeAlarms: metric alarms by name, page by page.
func (r *request) describeAlarms() (map[string]any, *wire.Error) {
	f := &alarmFilter{names: r.In.Texts("AlarmNames"), types: r.In.Texts("AlarmTypes"), prefix: r.In.Text("AlarmNamePrefix"),
		state: r.In.Text("StateValue"), action: r.In.Text("ActionPrefix")}
	limit := r.In.Int("MaxRecords", 50)
	if err := firstBroken(
		rule{outside(limit-1, 99), badAlarm("The parameter MaxRecords must be from 1 to 100.")},
		rule{len(f.names) > 100, badAlarm("The parameter AlarmNames must have at most 100 members.")},
		rule{len(f.names) > 0 && f.prefix != "", badAlarm("The parameters AlarmNames and AlarmNamePrefix exclude each other.")},
	); err != nil {
		return nil, err
	}
	found := []any{}
	for _, a := range r.byName() {
		if f.wants(a) {
			found = append(found, a.describe())
		}
	}
	scope := fmt.Sprint("DescribeAlarms", *f)
	from, ok := resume(scope, r.In.Text("NextToken"), len(found))
	if !ok {
		return nil, reject("InvalidNextToken", "The next token specified is invalid.")
	}
	to := min(from+limit, len(found))
	out := map[string]any{"MetricAlarms": found[from:to], "CompositeAlarms": []any{}}
	if to < len(found) {
		out["NextToken"] = token(scope, to)
	}
	return out, nil
}

// acts says whether one of the actions begins with prefix.
func (a *alarm) acts(prefix string) bool {
	in := wire.In(a.members)
	return slices.ContainsFunc(slices.Concat(in.Texts("AlarmActions"), in.Texts("OKActions"), in.Texts("InsufficientDataActions")),
		func(action string) bool { return strings.HasPrefix(action, prefix) })
}

// describe is the API's MetricAlarm.
func (a *alarm) describe() map[string]any {
	out := map[string]any{"OKActions": []any{}, "AlarmActions": []any{}, "InsufficientDataActions": []any{}, "Dimensions": []any{}}
	maps.Copy(out, a.members)
	maps.Copy(out, map[string]any{
		"AlarmArn": a.arn, "AlarmConfigurationUpdatedTimestamp": a.updated, "StateValue": a.state, "StateReason": a.reason,
		"StateUpdatedTimestamp": a.looked, "StateTransitionedTimestamp": a.changed,
	})
	return out
}
