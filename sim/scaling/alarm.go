package scaling

import (
	"maps"
	"slices"
	"strings"
	"time"

	"ecs-autoscaler/sim/wire"
)

// alarm is a metric alarm of CloudWatch; members is how it was put.
type alarm struct {
	name, arn string
	members   map[string]any
	updated   time.Time
	state     string
	reason    string
	changed   time.Time // when state became what it is
	looked    time.Time // when the state was last worked out anew
	seen      []float64 // the datapoints that decided the state, newest last
}

// The states of an alarm.
const (
	stateOK   = "OK"
	stateFire = "ALARM"
	stateNone = "INSUFFICIENT_DATA"
)

func (s *Store) addAlarm(members map[string]any, at time.Time) *alarm {
	name, _ := members["AlarmName"].(string)
	a := &alarm{name: name, members: members, updated: at, changed: at, looked: at,
		state: stateNone, reason: "Unchecked: Initial alarm creation"}
	a.arn = "arn:aws:cloudwatch:" + s.options.Region + ":" + s.options.Account + ":alarm:" + name
	if old := s.alarms[name]; old != nil { // a changed alarm keeps its state (API PutMetricAlarm)
		a.state, a.reason, a.changed, a.looked = old.state, old.reason, old.changed, old.looked
	}
	s.alarms[name] = a
	return a
}

// calls says whether an alarm has a policy among its actions.
func (a *alarm) calls(p *policy) bool {
	for _, action := range wire.In(a.members).Texts("AlarmActions") {
		if arn, _, _ := strings.Cut(action, ":createdBy/"); arn == p.arn {
			return true
		}
	}
	return false
}

// makeAlarms makes the one or two alarms of a target tracking policy (aws-semantics 1.5).
func (r *request) makeAlarms(t *target, p *policy) {
	goal := number(p.config["TargetValue"])
	p.high = r.addAlarm(p.trackingAlarm(t, "AlarmHigh", r.uuid(), goal), r.Now)
	if disabled, _ := p.config["DisableScaleIn"].(bool); !disabled {
		p.low = r.addAlarm(p.trackingAlarm(t, "AlarmLow", r.uuid(), 0.9*goal), r.Now)
	}
}

func (p *policy) trackingAlarm(t *target, kind, id string, threshold float64) map[string]any {
	members := p.metric(t)
	periods, operator := int64(3), "GreaterThanThreshold"
	if kind == "AlarmLow" {
		operator = "LessThanThreshold"
		periods = 15
		if members["Period"] == int64(20) {
			periods = 30
		}
	}
	maps.Copy(members, map[string]any{
		"AlarmName": "TargetTracking-" + t.resource + "-" + kind + "-" + id, "ActionsEnabled": true,
		"AlarmDescription":  "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy " + p.arn + ".",
		"AlarmActions":      []any{p.arn + ":createdBy/" + p.action},
		"EvaluationPeriods": periods, "Threshold": threshold, "ComparisonOperator": operator,
	})
	return members
}

// metric is what the alarms of a target tracking policy look at (aws-semantics 1.2 and 1.4).
func (p *policy) metric(t *target) map[string]any {
	in := wire.In(p.config)
	if in.Has("PredefinedMetricSpecification") {
		return predefinedMetric(t, in.Structure("PredefinedMetricSpecification"))
	}
	custom := in.Structure("CustomizedMetricSpecification")
	if !custom.Has("Metrics") {
		members := maps.Clone(custom.Members())
		members["Period"] = int64(60)
		return members
	}
	queries := []any{}
	for _, q := range custom.Structures("Metrics") {
		query := maps.Clone(q.Members())
		if stat := q.Structure("MetricStat"); q.Has("MetricStat") {
			query["MetricStat"] = maps.Clone(stat.Members())
			query["MetricStat"].(map[string]any)["Period"] = int64(60)
		}
		query["ReturnData"] = q.Bool("ReturnData", true)
		queries = append(queries, query)
	}
	return map[string]any{"Metrics": queries}
}

func predefinedMetric(t *target, in *wire.Input) map[string]any {
	kind := in.Text("PredefinedMetricType")
	if kind == albRequests {
		balancer, group, _ := strings.Cut(in.Text("ResourceLabel"), "/targetgroup/")
		return map[string]any{"Namespace": "AWS/ApplicationELB", "MetricName": "RequestCountPerTarget", "Statistic": "Sum", "Period": int64(60),
			"Dimensions": dimensions("LoadBalancer", balancer, "TargetGroup", "targetgroup/"+group)}
	}
	members := map[string]any{"Namespace": "AWS/ECS", "MetricName": "CPUUtilization", "Statistic": "Average",
		"Unit": "Percent", "Period": int64(60),
		"Dimensions": dimensions("ClusterName", t.cluster, "ServiceName", t.service)}
	if strings.Contains(kind, "Memory") {
		members["MetricName"] = "MemoryUtilization"
	}
	if metricTypes[kind] {
		members["Period"] = int64(20)
	}
	return members
}

func dimensions(pairs ...string) []any {
	list := []any{}
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, map[string]any{"Name": pairs[i], "Value": pairs[i+1]})
	}
	return list
}

// dropAlarms deletes the alarms that target tracking made for a policy.
func (s *Store) dropAlarms(p *policy) {
	for _, a := range []*alarm{p.high, p.low} {
		if a != nil {
			delete(s.alarms, a.name)
		}
	}
	p.high, p.low = nil, nil
}

// byName lists the alarms in the order of their names.
func (s *Store) byName() []*alarm {
	list := make([]*alarm, 0, len(s.alarms))
	for _, name := range slices.Sorted(maps.Keys(s.alarms)) {
		list = append(list, s.alarms[name])
	}
	return list
}
