package sim

import (
	"strings"

	"ecs-autoscaler/sim/fleet"
	"ecs-autoscaler/sim/wire"
)

// maxPageItems is how many names a list call of ECS returns at most (API ecs ListServices maxResults).
const maxPageItems = 100

const (
	servicesPerPage     = 10 // ListServices without maxResults (aws-semantics 8.2)
	servicesPerDescribe = 10
)

var (
	errCluster = func() *wire.Error { return reject("ClusterNotFoundException", "Cluster not found.") }
	errService = func() *wire.Error { return reject("ServiceNotFoundException", "Service not found.") }
)

func invalid(format string, args ...any) *wire.Error {
	return reject("InvalidParameterException", format, args...)
}

// listed cuts a page of names for an ECS list call.
func (c *call) listed(names []string, absent int, output string, scope ...string) (any, *wire.Error) {
	limit := c.in.Int("maxResults", absent)
	if limit < 1 || limit > maxPageItems {
		return nil, invalid("maxResults must be between 1 and %d", maxPageItems)
	}
	scope = append(scope, c.wire.Operation)
	p, ok := pageOf(strings.Join(scope, "\x00"), c.in.Text("nextToken"), len(names), min(limit, c.region.scenario.limits.pageItems))
	if !ok {
		return nil, invalid("Invalid token.")
	}
	return p.withToken(map[string]any{output: texts(names[p.from:p.to])}, "nextToken"), nil
}

func listClusters(c *call) (any, *wire.Error) {
	var names []string
	for _, cl := range c.region.scenario.clusters {
		if cl.status == "ACTIVE" {
			names = append(names, c.region.arn("ecs", "cluster/"+cl.name))
		}
	}
	return c.listed(names, maxPageItems, "clusterArns")
}

func describeClusters(c *call) (any, *wire.Error) {
	names := c.in.Texts("clusters")
	if len(names) == 0 {
		names = []string{"default"}
	}
	if len(names) > 100 {
		return nil, invalid("at most 100 clusters can be described at once")
	}
	found, failures := []any{}, []any{}
	for _, name := range names {
		k := reference(name, "")
		if cl := c.region.cluster(k.cluster); cl != nil {
			found = append(found, c.cluster(cl))
			continue
		}
		failures = append(failures, missing(c.region.arn("ecs", "cluster/"+k.cluster)))
	}
	return map[string]any{"clusters": found, "failures": failures}, nil
}

func missing(arn string) any { return map[string]any{"arn": arn, "reason": "MISSING"} }

func (r *Region) cluster(name string) *cluster {
	for i := range r.scenario.clusters {
		if r.scenario.clusters[i].name == name {
			return &r.scenario.clusters[i]
		}
	}
	return nil
}

func (c *call) cluster(cl *cluster) any {
	active, runs, waits := 0, 0, 0
	for _, s := range c.region.ordered {
		if s.key.cluster != cl.name {
			continue
		}
		v := s.tasks.View(c.now)
		if v.Status == fleet.Active {
			active++
		}
		runs, waits = runs+v.Running, waits+v.Pending
	}
	insights := "disabled"
	if cl.insights {
		insights = "enabled"
	}
	return map[string]any{
		"clusterArn": c.region.arn("ecs", "cluster/"+cl.name), "clusterName": cl.name, "status": cl.status,
		"activeServicesCount": active, "runningTasksCount": runs, "pendingTasksCount": waits,
		"registeredContainerInstancesCount": 0, "tags": tagList(cl.tags), "statistics": []any{},
		"settings": []any{map[string]any{"name": "containerInsights", "value": insights}},
	}
}

func tagList(tags map[string]string) []any {
	list := []any{}
	for _, k := range sorted(tags) {
		list = append(list, map[string]any{"key": k, "value": tags[k]})
	}
	return list
}

// activeCluster is the cluster a request names, or default.
func (c *call) activeCluster() (string, *wire.Error) {
	name := reference(c.in.Text("cluster"), "").cluster
	cl := c.region.cluster(name)
	if cl == nil {
		return name, errCluster()
	}
	if cl.status != "ACTIVE" {
		return name, reject("ClusterNotFoundException", "The referenced cluster was inactive.")
	}
	return name, nil
}

func listServices(c *call) (any, *wire.Error) {
	cluster, err := c.activeCluster()
	if err != nil {
		return nil, err
	}
	launch, strategy := c.in.Text("launchType"), c.in.Text("schedulingStrategy")
	var names []string
	for _, s := range c.region.ordered {
		if s.key.cluster != cluster || launch != "" && s.launchType != launch || strategy != "" && s.strategy() != strategy {
			continue
		}
		if s.tasks.Status(c.now) != fleet.Inactive {
			names = append(names, s.arn)
		}
	}
	return c.listed(names, servicesPerPage, "serviceArns", cluster, launch, strategy)
}

func (s *service) strategy() string {
	if s.fleet.Daemon {
		return "DAEMON"
	}
	return "REPLICA"
}

func describeServices(c *call) (any, *wire.Error) {
	names := c.in.Texts("services")
	c.queries = len(names)
	switch {
	case len(names) == 0:
		return nil, invalid("Services cannot be empty.")
	case len(names) > servicesPerDescribe:
		return nil, invalid("Services length must be at most %d, not %d.", servicesPerDescribe, len(names))
	}
	if _, err := c.activeCluster(); err != nil {
		return nil, err
	}
	withTags := false
	for _, include := range c.in.Texts("include") {
		withTags = withTags || include == "TAGS"
	}
	found, failures := []any{}, []any{}
	for _, k := range c.services {
		s := c.region.services[k]
		if s == nil {
			failures = append(failures, missing(c.region.arn("ecs", "service/"+k.String())))
			continue
		}
		described := c.service(s, s.tasks.View(c.now))
		if withTags {
			described["tags"] = tagList(s.tags)
		}
		found = append(found, described)
	}
	return map[string]any{"services": found, "failures": failures}, nil
}

func listTags(c *call) (any, *wire.Error) {
	_, resource, _ := strings.Cut(c.in.Text("resourceArn"), "service/")
	cluster, name, _ := strings.Cut(resource, "/")
	s := c.region.services[key{cluster, name}]
	if s == nil {
		return nil, invalid("The specified resource %q is no service of this region.", c.in.Text("resourceArn"))
	}
	return map[string]any{"tags": tagList(s.tags)}, nil
}
