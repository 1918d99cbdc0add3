package sim

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ecs-autoscaler/sim/dynamo"
	"ecs-autoscaler/sim/wire"
)

// operation is one call that the region answers.
type operation struct {
	api   string
	class string                  // its rate class
	names func(*wire.Input) []key // the services that a request names
	run   func(*call) (any, *wire.Error)
}

// operations are all calls that the region answers, by name, but those of DynamoDB; no two services share one.
var operations = map[string]operation{
	"ListClusters":             {wire.ECS, clusterRead, noService, listClusters},
	"DescribeClusters":         {wire.ECS, clusterRead, noService, describeClusters},
	"ListServices":             {wire.ECS, serviceRead, noService, listServices},
	"DescribeServices":         {wire.ECS, serviceRead, namedServices, describeServices},
	"DescribeServiceRevisions": {wire.ECS, revisionRead, noService, describeRevisions},
	"UpdateService":            {wire.ECS, serviceModify, namedService, updateService},
	"ListTasks":                {wire.ECS, taskRead, namedTasks, listTasks},
	"DescribeTasks":            {wire.ECS, taskRead, noService, describeTasks},
	"ListTagsForResource":      {wire.ECS, tagRead, noService, listTags},

	"GetMetricData":       {wire.CloudWatch, metricRead, noService, getMetricData},
	"GetMetricStatistics": {wire.CloudWatch, metricStats, noService, getMetricStatistics},
	"ListMetrics":         {wire.CloudWatch, metricList, noService, listMetrics},
	"DescribeAlarms":      {wire.CloudWatch, alarmRead, noService, manageScaling},
	"PutMetricAlarm":      {wire.CloudWatch, alarmWrite, noService, manageScaling},
	"DeleteAlarms":        {wire.CloudWatch, alarmWrite, noService, manageScaling},

	"AssumeRole":        {wire.STS, identityUse, noService, assumeRole},
	"GetCallerIdentity": {wire.STS, identityUse, noService, getCallerIdentity},

	"RegisterScalableTarget":   {wire.AutoScaling, autoscaleWrite, scaledService, manageScaling},
	"DeregisterScalableTarget": {wire.AutoScaling, autoscaleWrite, scaledService, manageScaling},
	"PutScalingPolicy":         {wire.AutoScaling, autoscaleWrite, scaledService, manageScaling},
	"DeleteScalingPolicy":      {wire.AutoScaling, autoscaleWrite, scaledService, manageScaling},
	"PutScheduledAction":       {wire.AutoScaling, autoscaleWrite, scaledService, manageScaling},
	"DeleteScheduledAction":    {wire.AutoScaling, autoscaleWrite, scaledService, manageScaling},

	"DescribeScalableTargets":   {wire.AutoScaling, autoscaleRead, scaledService, manageScaling},
	"DescribeScalingPolicies":   {wire.AutoScaling, autoscaleRead, scaledService, manageScaling},
	"DescribeScheduledActions":  {wire.AutoScaling, autoscaleRead, scaledService, manageScaling},
	"DescribeScalingActivities": {wire.AutoScaling, autoscaleRead, scaledService, manageScaling},
}

// operationOf finds a call of a service.
func operationOf(w *wire.Request) (operation, bool) {
	if w.Service == wire.DynamoDB {
		op := operation{wire.DynamoDB, tableUse, noService, useTables}
		return op, slices.Contains(dynamo.Operations(), w.Operation)
	}
	op, known := operations[w.Operation]
	return op, known && op.api == w.Service
}

func operationsOf(api string) []string {
	if api == wire.DynamoDB {
		return dynamo.Operations()
	}
	names := map[string]bool{}
	for name, op := range operations {
		if op.api == api {
			names[name] = true
		}
	}
	return sorted(names)
}

func noService(*wire.Input) []key { return nil }

// reference reads a cluster and a service that are given by name or ARN.
func reference(cluster, service string) key {
	cluster = or(cluster[strings.LastIndexByte(cluster, '/')+1:], "default")
	return key{cluster, service[strings.LastIndexByte(service, '/')+1:]}
}

func namedService(in *wire.Input) []key {
	return []key{reference(in.Text("cluster"), in.Text("service"))}
}

func namedServices(in *wire.Input) []key {
	var keys []key
	for _, name := range in.Texts("services") {
		keys = append(keys, reference(in.Text("cluster"), name))
	}
	return keys
}

func namedTasks(in *wire.Input) []key {
	if !in.Has("serviceName") {
		return nil
	}
	return []key{reference(in.Text("cluster"), in.Text("serviceName"))}
}

// scaledService is the service whose scaling a request is about.
func scaledService(in *wire.Input) []key {
	var keys []key
	for _, resource := range append(in.Texts("ResourceIds"), in.Text("ResourceId")) {
		if name, found := strings.CutPrefix(resource, "service/"); found && strings.Count(name, "/") == 1 {
			cluster, service, _ := strings.Cut(name, "/")
			keys = append(keys, key{cluster, service})
		}
	}
	return keys
}

// page cuts a list: from and to are its bounds, next the token of what follows, "" at the end.
type page struct {
	from, to int
	next     string
}

// pageOf reads a token that belongs to a call with that scope and counts out max items of n. It is false for a token
// that this call never gave.
func pageOf(scope, token string, n, limit int) (page, bool) {
	p := page{}
	if token != "" {
		text, err := base64.RawURLEncoding.DecodeString(token)
		offset, found := strings.CutPrefix(string(text), scope+"\x00")
		from, convErr := strconv.Atoi(offset)
		if err != nil || !found || convErr != nil || from < 0 || from > n {
			return p, false
		}
		p.from = from
	}
	p.to = min(p.from+limit, n)
	if p.to < n {
		p.next = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s\x00%d", scope, p.to))
	}
	return p, true
}

// withToken adds the token under its name unless it is empty.
func (p page) withToken(output map[string]any, name string) map[string]any {
	if p.next != "" {
		output[name] = p.next
	}
	return output
}

func texts(list []string) []any {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = s
	}
	return all
}
