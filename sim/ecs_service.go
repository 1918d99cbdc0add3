package sim

import (
	"fmt"
	"time"

	"ecs-autoscaler/sim/fleet"
	"ecs-autoscaler/sim/wire"
)

func (c *call) wallTime(d time.Duration) time.Time { return c.region.zero.Add(d) }

// service is the API's Service structure.
func (c *call) service(s *service, v fleet.View) map[string]any {
	created := c.wallTime(s.fleet.Begin).Add(-24 * time.Hour)
	out := map[string]any{
		"serviceArn": s.arn, "serviceName": s.key.service, "clusterArn": c.region.arn("ecs", "cluster/"+s.key.cluster),
		"status": string(v.Status), "desiredCount": v.Desired, "runningCount": v.Running, "pendingCount": v.Pending,
		"launchType": s.launchType, "schedulingStrategy": s.strategy(), "createdAt": created,
		"taskDefinition":       v.Deployments[0].TaskDefinition,
		"deploymentController": map[string]any{"type": string(s.fleet.Controller)},
		"deploymentConfiguration": map[string]any{
			"minimumHealthyPercent": s.fleet.MinimumHealthyPercent, "maximumPercent": s.fleet.MaximumPercent,
			"deploymentCircuitBreaker": map[string]any{"enable": s.fleet.CircuitBreaker, "rollback": false},
		},
		"events": c.messages(v.Messages), "loadBalancers": []any{}, "serviceRegistries": []any{},
		"placementConstraints": []any{}, "placementStrategy": []any{}, "propagateTags": "NONE",
		"enableECSManagedTags": false, "enableExecuteCommand": false, "deployments": []any{},
	}
	if b := s.balancer; b != nil {
		out["loadBalancers"] = []any{map[string]any{
			"targetGroupArn": c.region.arn("elasticloadbalancing", b.targetGroup), "containerName": "app", "containerPort": 80,
		}}
	}
	if s.fleet.Controller == fleet.ECS {
		out["deployments"], out["currentServiceRevisions"] = c.deployments(s, v.Deployments), c.revisions(s, v.Deployments)
	} else {
		out["taskSets"] = c.taskSets(s, v.Deployments)
	}
	return out
}

// maxEvents is how many events DescribeServices returns (aws-semantics 8.2).
const maxEvents = 100

func (c *call) messages(list []fleet.Message) []any {
	list = list[:min(len(list), c.region.scenario.limits.events)]
	all := make([]any, len(list))
	for i, m := range list {
		all[i] = map[string]any{"id": m.ID, "createdAt": c.wallTime(m.At), "message": m.Text}
	}
	return all
}

func (c *call) deployments(s *service, list []fleet.Deployment) []any {
	all := make([]any, len(list))
	for i, d := range list {
		status, reason := "PRIMARY", map[string]string{"IN_PROGRESS": "in progress", "COMPLETED": "completed", "FAILED": "failed"}[d.Rollout]
		if i > 0 {
			status = "ACTIVE"
		}
		all[i] = map[string]any{
			"id": d.ID, "status": status, "taskDefinition": d.TaskDefinition, "launchType": s.launchType,
			"desiredCount": d.Desired, "runningCount": d.Running, "pendingCount": d.Pending, "failedTasks": d.FailedTasks,
			"createdAt": c.wallTime(d.Created), "updatedAt": c.wallTime(d.Updated),
			"rolloutState": d.Rollout, "rolloutStateReason": fmt.Sprintf("ECS deployment %s %s.", d.ID, reason),
		}
	}
	return all
}

// taskSets shows revisions as CODE_DEPLOY and EXTERNAL services have them: the old one stays PRIMARY until it goes.
func (c *call) taskSets(s *service, list []fleet.Deployment) []any {
	all := make([]any, len(list))
	for i, d := range list {
		status, stability := "ACTIVE", "STABILIZING"
		if i == len(list)-1 {
			status = "PRIMARY"
		}
		if d.Running == d.Desired && d.Pending == 0 {
			stability = "STEADY_STATE"
		}
		all[i] = map[string]any{
			"id": d.ID, "taskSetArn": c.region.arn("ecs", "task-set/"+s.key.String()+"/"+d.ID), "serviceArn": s.arn,
			"clusterArn": c.region.arn("ecs", "cluster/"+s.key.cluster), "status": status, "taskDefinition": d.TaskDefinition,
			"computedDesiredCount": d.Desired, "runningCount": d.Running, "pendingCount": d.Pending,
			"createdAt": c.wallTime(d.Created), "updatedAt": c.wallTime(d.Updated), "launchType": s.launchType,
			"scale": map[string]any{"value": 100.0, "unit": "PERCENT"}, "stabilityStatus": stability,
		}
	}
	return all
}

// updatable are the members of UpdateService that the region simulates.
var updatable = map[string]bool{"cluster": true, "service": true, "desiredCount": true, "taskDefinition": true, "forceNewDeployment": true}

func updateService(c *call) (any, *wire.Error) {
	for _, name := range sorted(c.in.Members()) {
		if !updatable[name] && c.in.Has(name) {
			return nil, invalid("The simulated region does not change %s; it knows %v.", name, sorted(updatable))
		}
	}
	if c.in.Text("service") == "" {
		return nil, invalid("Service name cannot be empty.")
	}
	if _, err := c.activeCluster(); err != nil {
		return nil, err
	}
	s := c.region.services[c.services[0]]
	if s == nil {
		return nil, errService()
	}
	desired, definition, force := (*int)(nil), c.in.Text("taskDefinition"), c.in.Bool("forceNewDeployment", false)
	if c.in.Has("desiredCount") {
		n := c.in.Int("desiredCount", 0)
		desired = &n
	}
	if err := c.in.Err(); err != nil {
		return nil, err
	}
	if err := c.updatable(s, desired, definition != "" || force); err != nil {
		return nil, err
	}
	before, v := s.tasks.Update(c.now, desired, c.definition(definition), force)
	c.seen.wrote(s.key, before, v.Desired)
	return map[string]any{"service": c.service(s, v)}, nil
}

// updatable applies the rules of aws-semantics 8.1.
func (c *call) updatable(s *service, desired *int, deploys bool) *wire.Error {
	limit := c.region.scenario.limits.tasks
	switch {
	case s.tasks.Status(c.now) != fleet.Active:
		return reject("ServiceNotActiveException", "Service was not ACTIVE.")
	case desired != nil && s.fleet.Daemon:
		return invalid("The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again.")
	case desired != nil && *desired < 0:
		return invalid("Desired count must be 0 or more, not %d.", *desired)
	case desired != nil && *desired > limit:
		return invalid("Desired count %d is above the quota of %d tasks per service.", *desired, limit)
	case deploys && s.fleet.Controller != fleet.ECS:
		return invalid("Unable to update task definition on services with a %s deployment controller.", s.fleet.Controller)
	}
	return nil
}

// definition completes family:revision to an ARN.
func (c *call) definition(name string) string {
	if name == "" || len(name) > 4 && name[:4] == "arn:" {
		return name
	}
	return c.region.arn("ecs", "task-definition/"+name)
}
