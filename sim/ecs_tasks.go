package sim

import (
	"strings"

	"ecs-autoscaler/sim/fleet"
	"ecs-autoscaler/sim/wire"
)

func (c *call) taskARN(s *service, t *fleet.Task) string {
	return c.region.arn("ecs", "task/"+s.key.cluster+"/"+t.ID)
}

func listTasks(c *call) (any, *wire.Error) {
	cluster, err := c.activeCluster()
	if err != nil {
		return nil, err
	}
	name := c.in.Text("serviceName")
	if name != "" && c.region.services[c.services[0]] == nil {
		return nil, errService()
	}
	var arns []string
	for _, s := range c.region.ordered {
		if s.key.cluster != cluster || name != "" && s.key != c.services[0] {
			continue
		}
		for _, t := range s.tasks.Tasks(c.now) {
			arns = append(arns, c.taskARN(s, &t))
		}
	}
	return c.listed(arns, maxPageItems, "taskArns", cluster, name)
}

func describeTasks(c *call) (any, *wire.Error) {
	cluster, err := c.activeCluster()
	if err != nil {
		return nil, err
	}
	wanted := c.in.Texts("tasks")
	if len(wanted) == 0 || len(wanted) > 100 {
		return nil, invalid("Tasks must be 1 to 100 identifiers.")
	}
	known := map[string]any{}
	for _, s := range c.region.ordered {
		if s.key.cluster != cluster {
			continue
		}
		for _, t := range s.tasks.Tasks(c.now) {
			known[t.ID] = c.task(s, &t)
		}
	}
	found, failures := []any{}, []any{}
	for _, arn := range wanted {
		id := arn[strings.LastIndexByte(arn, '/')+1:]
		if t := known[id]; t != nil {
			found = append(found, t)
			continue
		}
		failures = append(failures, missing(c.region.arn("ecs", "task/"+cluster+"/"+id)))
	}
	return map[string]any{"tasks": found, "failures": failures}, nil
}

func (c *call) task(s *service, t *fleet.Task) any {
	desired := "RUNNING"
	if t.Status == "DEACTIVATING" {
		desired = "STOPPED"
	}
	return map[string]any{
		"taskArn": c.taskARN(s, t), "clusterArn": c.region.arn("ecs", "cluster/"+s.key.cluster),
		"lastStatus": t.Status, "desiredStatus": desired, "taskDefinitionArn": t.TaskDefinition,
		"group": "service:" + s.key.service, "startedBy": t.DeploymentID, "launchType": s.launchType,
		"createdAt": c.wallTime(t.Created), "containers": []any{},
	}
}
