package sim

import (
	"slices"
	"strings"
	"time"

	"ecs-autoscaler/sim/wire"
)

// quantity is what a metric measures.
type quantity uint8

const (
	cpuUtilization quantity = iota
	memoryUtilization
	liveTaskCount
	runningTaskCount
	pendingTaskCount
	desiredTaskCount
	requestCount
	requestCountPerTarget
	customValue
)

// metric is one time series that the region can make up for any time.
type metric struct {
	quantity  quantity
	owner     *service    // nil for a custom metric that is not divided
	custom    *metricSpec // with customValue only
	name      string
	unit      string
	published publication
	// resolution is how far apart datapoints are.
	resolution time.Duration
	seed       uint64
}

// serviceMetrics are the metrics of a service by their namespace, the metric name and what they measure.
var serviceMetrics = []struct {
	namespace, name string
	quantity        quantity
	unit            string
}{
	{"AWS/ECS", "CPUUtilization", cpuUtilization, "Percent"},
	{"AWS/ECS", "MemoryUtilization", memoryUtilization, "Percent"},
	{"AWS/ECS", "LiveTaskCount", liveTaskCount, "Count"},
	{"ECS/ContainerInsights", "RunningTaskCount", runningTaskCount, "Count"},
	{"ECS/ContainerInsights", "PendingTaskCount", pendingTaskCount, "Count"},
	{"ECS/ContainerInsights", "DesiredTaskCount", desiredTaskCount, "Count"},
	{"AWS/ApplicationELB", "RequestCount", requestCount, "Count"},
	{"AWS/ApplicationELB", "RequestCountPerTarget", requestCountPerTarget, "None"},
}

// find looks a metric up by its exact identity, as CloudWatch does; dimensions are sorted by name.
func (r *Region) find(namespace, name string, dimensions []dimension) (metric, bool) {
	for i := range serviceMetrics {
		m := &serviceMetrics[i]
		if m.namespace != namespace || m.name != name {
			continue
		}
		owner := r.owner(namespace, dimensions)
		if owner == nil || !r.emits(owner, m.quantity) {
			return metric{}, false
		}
		found := metric{quantity: m.quantity, owner: owner, name: name, unit: m.unit, published: owner.published,
			resolution: time.Minute, seed: owner.tasks.Spec().Seed + uint64(m.quantity)}
		if m.quantity <= memoryUtilization {
			found.resolution = owner.resolution
		}
		return found, true
	}
	custom := r.custom[metricID(namespace, name, dimensions)]
	if custom == nil {
		return metric{}, false
	}
	return metric{quantity: customValue, owner: r.services[custom.perTaskOf], custom: custom, name: name, unit: custom.unit,
		published: custom.published, resolution: custom.resolution, seed: custom.seed}, true
}

// owner is the service that dimensions belong to.
func (r *Region) owner(namespace string, dimensions []dimension) *service {
	if namespace == "AWS/ApplicationELB" {
		return r.behindTarget(dimensions)
	}
	if len(dimensions) != 2 || dimensions[0].name != "ClusterName" || dimensions[1].name != "ServiceName" {
		return nil
	}
	return r.services[key{dimensions[0].value, dimensions[1].value}]
}

// behindTarget is the service whose target group it is, alone or with its load balancer.
func (r *Region) behindTarget(dimensions []dimension) *service {
	last := len(dimensions) - 1
	if last < 0 || last > 1 || dimensions[last].name != "TargetGroup" {
		return nil
	}
	s := r.byTarget[dimensions[last].value]
	if s != nil && last == 1 && dimensions[0] != (dimension{"LoadBalancer", s.balancer.loadBalancer}) {
		return nil
	}
	return s
}

// emits says whether a service has a metric at all.
func (r *Region) emits(s *service, q quantity) bool {
	if q == runningTaskCount || q == pendingTaskCount || q == desiredTaskCount {
		return r.cluster(s.key.cluster).insights
	}
	return true
}

// delay is how long after its end a datapoint can be seen, without spread.
func (m *metric) delay() time.Duration {
	if m.resolution < time.Minute {
		return m.published.highResolutionDelay
	}
	return m.published.delay
}

// dimensions reads the API's Dimensions, sorted by name.
func dimensions(list []*wire.Input) ([]dimension, *wire.Error) {
	all := make([]dimension, len(list))
	for i, d := range list {
		all[i] = dimension{d.Text("Name"), d.Text("Value")}
		if err := d.Err(); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b dimension) int { return strings.Compare(a.name, b.name) })
	return all, nil
}
