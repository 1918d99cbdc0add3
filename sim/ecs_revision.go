package sim

import (
	"strings"
	"time"

	"ecs-autoscaler/sim/fleet"
	"ecs-autoscaler/sim/wire"
)

// revisionsPerDescribe is how many revisions a call describes at most (API ecs DescribeServiceRevisions).
const revisionsPerDescribe = 20

// revisionARN is that of the service revision which a deployment rolls out; both end in the same number.
func (c *call) revisionARN(s *service, d *fleet.Deployment) string {
	return c.region.arn("ecs", "service-revision/"+s.key.String()+"/"+strings.TrimPrefix(d.ID, "ecs-svc/"))
}

// revisions are those that DescribeServices names of a service under the ECS controller.
func (c *call) revisions(s *service, list []fleet.Deployment) []any {
	all := make([]any, len(list))
	for i := range list {
		d := &list[i]
		all[i] = map[string]any{
			"arn": c.revisionARN(s, d), "requestedTaskCount": d.Desired, "runningTaskCount": d.Running, "pendingTaskCount": d.Pending,
		}
	}
	return all
}

// describeRevisions knows the revisions that have tasks; AWS remembers older ones, too.
func describeRevisions(c *call) (any, *wire.Error) {
	arns := c.in.Texts("serviceRevisionArns")
	if len(arns) == 0 || len(arns) > revisionsPerDescribe {
		return nil, invalid("serviceRevisionArns must have 1 to %d members, not %d.", revisionsPerDescribe, len(arns))
	}
	found, failures := []any{}, []any{}
	for _, arn := range arns {
		if r := c.revision(arn); r != nil {
			found = append(found, r)
			continue
		}
		failures = append(failures, missing(arn))
	}
	return map[string]any{"serviceRevisions": found, "failures": failures}, nil
}

// revision is the API's ServiceRevision structure, nil for one that is not there. Only here does ECS show the monitoring of a
// service (aws-semantics 1.2).
func (c *call) revision(arn string) map[string]any {
	_, name, _ := strings.Cut(arn, ":service-revision/")
	parts := strings.Split(name, "/")
	if len(parts) != 3 {
		return nil
	}
	s := c.region.services[key{parts[0], parts[1]}]
	if s == nil || s.fleet.Controller != fleet.ECS {
		return nil
	}
	for _, d := range s.tasks.View(c.now).Deployments {
		if c.revisionARN(s, &d) != arn {
			continue
		}
		out := map[string]any{
			"serviceRevisionArn": arn, "serviceArn": s.arn, "clusterArn": c.region.arn("ecs", "cluster/"+s.key.cluster),
			"taskDefinition": d.TaskDefinition, "launchType": s.launchType, "createdAt": c.wallTime(d.Created),
		}
		if s.resolution < time.Minute {
			out["monitoring"] = map[string]any{"metricConfigurations": []any{map[string]any{
				"metricNames": []any{"CPUUtilization", "MemoryUtilization"}, "resolutionSeconds": int(s.resolution.Seconds()),
			}}}
		}
		return out
	}
	return nil
}
