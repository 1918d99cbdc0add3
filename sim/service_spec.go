package sim

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ecs-autoscaler/sim/curve"
	"ecs-autoscaler/sim/fleet"
)

// serviceSpec is one service of the scenario.
type serviceSpec struct {
	fleet      fleet.Spec
	key        key
	launchType string
	tags       map[string]string
	load       curve.Curve
	cpu        gauge
	memory     gauge
	resolution time.Duration
	published  publication
	balancer   *balancer
}

// gauge says how a utilization in percent follows from the load of one task.
type gauge struct{ base, perLoad, noise, spread float64 }

// balancer is the load balancer in front of a service.
type balancer struct {
	loadBalancer, targetGroup string
	requestsPerLoad           float64 // a minute
}

// publication says when datapoints can be seen.
type publication struct {
	delay, spread, highResolutionDelay, partial time.Duration
}

var (
	verb          = regexp.MustCompile(`%0?[0-9]*d`)
	resourceLabel = regexp.MustCompile(`^(app/[^/]+/[0-9a-z]+)/(targetgroup/[^/]+/[0-9a-z]+)$`)
)

func (c *compiler) services(doc *document) error {
	c.known = map[key]bool{}
	for i := range doc.Home.Services {
		if err := c.service(fmt.Sprintf("%s.services[%d]", c.base, i), &doc.Home.Services[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) service(path string, d *serviceDoc) error {
	spec, err := c.template(path, d)
	if err != nil {
		return err
	}
	count := max(d.Count, 1)
	if d.Count < 0 || d.Count > 1_000_000 {
		return c.src.wrong(path+".count", "%d is outside 1 to 1000000", d.Count)
	}
	clusterName, name, _ := strings.Cut(d.Service, "/")
	if places := len(verb.FindAllString(name, -1)); count > 1 && places != 1 {
		return c.src.wrong(path+".service", "with count the name needs one place for the number, such as worker-%%05d")
	}
	for i := range count {
		one := spec
		one.key = key{clusterName, verb.ReplaceAllStringFunc(name, func(v string) string { return fmt.Sprintf(v, i) })}
		if d.Stagger != 0 {
			one.load = curve.Later{Curve: spec.load, By: d.Stagger.seconds() * float64(i) / float64(count)}
		}
		if err := c.add(path, one); err != nil {
			return err
		}
	}
	return nil
}

// add registers one service under its name.
func (c *compiler) add(path string, s serviceSpec) error {
	if !plainName.MatchString(s.key.cluster) || !plainName.MatchString(s.key.service) {
		return c.src.wrong(path+".service", "%q is not cluster/service with names of letters, digits, - and _", s.key)
	}
	if c.known[s.key] {
		return c.src.wrong(path+".service", "the service %s is there already", s.key)
	}
	c.known[s.key] = true
	c.ensure(s.key.cluster)
	s.fleet.Cluster, s.fleet.Name, s.fleet.Seed = s.key.cluster, s.key.service, c.s.seed^digest(s.key.String())
	if s.fleet.TaskDefinition == "" {
		s.fleet.TaskDefinition = s.key.service + ":1"
	}
	s.fleet.TaskDefinition = fmt.Sprintf("arn:aws:ecs:%s:%s:task-definition/%s", c.s.region, c.s.account, s.fleet.TaskDefinition)
	c.s.services = append(c.s.services, s)
	return nil
}

func digest(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s)) // never fails
	return h.Sum64()
}

// template is the service without its name.
func (c *compiler) template(path string, d *serviceDoc) (serviceSpec, error) {
	s := serviceSpec{launchType: or(d.LaunchType, "FARGATE"), tags: d.Tags, load: curve.Constant(0)}
	err := c.choices(path, d, &s)
	if err == nil {
		err = c.tasks(path, d, &s.fleet)
	}
	if err == nil {
		err = c.deployment(path, d, &s.fleet)
	}
	if err == nil {
		s.fleet.Events, err = c.events(path+".events", d.Events)
	}
	if err == nil {
		err = c.metrics(path, d, &s)
	}
	return s, err
}

func (c *compiler) choices(path string, d *serviceDoc, s *serviceSpec) error {
	s.fleet.Controller = fleet.Controller(or(d.Controller, string(fleet.ECS)))
	s.fleet.Status = fleet.Status(or(d.Status, string(fleet.Active)))
	s.fleet.TaskDefinition = d.TaskDefinition
	for _, f := range []struct {
		name, value string
		allowed     []string
	}{
		{"deployment_controller", d.Controller, []string{"ECS", "CODE_DEPLOY", "EXTERNAL"}},
		{"status", d.Status, statuses},
		{"scheduling_strategy", d.Strategy, []string{"REPLICA", "DAEMON"}},
		{"launch_type", d.LaunchType, []string{"FARGATE", "EC2", "EXTERNAL"}},
	} {
		if f.value != "" && !slices.Contains(f.allowed, f.value) {
			return c.src.wrong(path+"."+f.name, "%q must be one of %s", f.value, strings.Join(f.allowed, ", "))
		}
	}
	s.fleet.Daemon = d.Strategy == "DAEMON"
	return nil
}

var statuses = []string{"ACTIVE", "DRAINING", "INACTIVE"}

func (c *compiler) tasks(path string, d *serviceDoc, f *fleet.Spec) error {
	if d.Desired < 0 || d.Desired > c.s.limits.tasks {
		return c.src.wrong(path+".desired", "%d is outside 0 to %d", d.Desired, c.s.limits.tasks)
	}
	f.Desired, f.Begin, f.PlacementLimit = d.Desired, -c.s.history, fleet.Unlimited
	if d.PlacementLimit != nil {
		f.PlacementLimit = *d.PlacementLimit
	}
	if f.PlacementLimit < fleet.Unlimited {
		return c.src.wrong(path+".placement_limit", "must be a number of tasks, or -1 for no limit")
	}
	f.TaskStart = 30 * time.Second
	if d.TaskStart != nil {
		f.TaskStart = d.TaskStart.duration()
	}
	f.TaskStartSpread, f.TaskStop, f.TaskStopSpread = d.TaskStartSpread.duration(), d.TaskStop.duration(), d.TaskStopSpread.duration()
	times := map[string]time.Duration{"task_start": f.TaskStart, "task_start_spread": f.TaskStartSpread,
		"task_stop": f.TaskStop, "task_stop_spread": f.TaskStopSpread}
	for _, name := range sorted(times) {
		if times[name] < 0 {
			return c.src.wrong(path+"."+name, "must not be negative")
		}
	}
	return nil
}

func (c *compiler) deployment(path string, d *serviceDoc, f *fleet.Spec) error {
	f.MinimumHealthyPercent, f.MaximumPercent = 100, 200
	if p := d.Deployment.MinimumHealthyPercent; p != nil {
		f.MinimumHealthyPercent = *p
	}
	if p := d.Deployment.MaximumPercent; p != nil {
		f.MaximumPercent = *p
	}
	f.Bake, f.CircuitBreaker = d.Deployment.Bake.duration(), d.Deployment.CircuitBreaker
	path += ".deployment"
	switch {
	case f.MinimumHealthyPercent < 0 || f.MinimumHealthyPercent > 100:
		return c.src.wrong(path+".minimum_healthy_percent", "%d is outside 0 to 100", f.MinimumHealthyPercent)
	case f.MaximumPercent < 100 || f.MaximumPercent > 400:
		return c.src.wrong(path+".maximum_percent", "%d is outside 100 to 400", f.MaximumPercent)
	case f.Bake < 0:
		return c.src.wrong(path+".bake", "must not be negative")
	case f.Bake > 0 && f.Controller == fleet.ECS:
		return c.src.wrong(path+".bake", "only CODE_DEPLOY and EXTERNAL services bake")
	}
	return nil
}

func (c *compiler) events(path string, docs []eventDoc) ([]fleet.Event, error) {
	events := make([]fleet.Event, 0, len(docs))
	for i, d := range docs {
		here := path + "[" + strconv.Itoa(i) + "]"
		switch {
		case d.Desired != nil && (*d.Desired < 0 || *d.Desired > c.s.limits.tasks):
			return nil, c.src.wrong(here+".desired", "%d is outside 0 to %d", *d.Desired, c.s.limits.tasks)
		case d.Status != "" && !slices.Contains(statuses, d.Status):
			return nil, c.src.wrong(here+".status", "%q must be one of %s", d.Status, strings.Join(statuses, ", "))
		case d.PlacementLimit != nil && *d.PlacementLimit < fleet.Unlimited:
			return nil, c.src.wrong(here+".placement_limit", "must be a number of tasks, or -1 for no limit")
		case d.Kill < 0:
			return nil, c.src.wrong(here+".kill", "must not be negative")
		}
		e := fleet.Event{At: d.At.duration(), Desired: d.Desired, Deploy: d.Deploy, Status: fleet.Status(d.Status),
			PlacementLimit: d.PlacementLimit, FailStarts: d.FailStarts, Kill: d.Kill}
		if e == (fleet.Event{At: e.At}) {
			return nil, c.src.wrong(here, "nothing happens; name desired, deploy, status, placement_limit, fail_starts or kill")
		}
		events = append(events, e)
	}
	slices.SortStableFunc(events, func(a, b fleet.Event) int { return int(min(max(a.At-b.At, -1), 1)) })
	return events, nil
}

func (c *compiler) metrics(path string, d *serviceDoc, s *serviceSpec) (err error) {
	if d.Load != nil {
		if s.load, err = c.curves.build(path+".load", d.Load); err != nil {
			return err
		}
	}
	if s.cpu, err = c.gauge(path+".cpu", d.CPU, gauge{perLoad: 100}); err != nil {
		return err
	}
	if s.memory, err = c.gauge(path+".memory", d.Memory, gauge{base: 20, perLoad: 30}); err != nil {
		return err
	}
	if d.Resolution != 0 && d.Resolution != 20 && d.Resolution != 60 {
		return c.src.wrong(path+".resolution", "%d must be 20 or 60", d.Resolution)
	}
	s.resolution = time.Duration(or(d.Resolution, 60)) * time.Second
	if s.published, err = c.publication(path+".publication", &d.Publication); err != nil {
		return err
	}
	if d.LoadBalancer != nil {
		s.balancer, err = c.loadBalancer(path+".load_balancer", d.LoadBalancer)
	}
	return err
}

func (c *compiler) loadBalancer(path string, d *loadBalancerDoc) (*balancer, error) {
	label := resourceLabel.FindStringSubmatch(d.ResourceLabel)
	if label == nil {
		return nil, c.src.wrong(path+".resource_label", "%q is not app/NAME/ID/targetgroup/NAME/ID", d.ResourceLabel)
	}
	if !(d.RequestsPerLoad >= 0) {
		return nil, c.src.wrong(path+".requests_per_load", "must not be negative")
	}
	return &balancer{label[1], label[2], d.RequestsPerLoad}, nil
}

func (c *compiler) gauge(path string, d *gaugeDoc, g gauge) (gauge, error) {
	if d == nil {
		return g, nil
	}
	g.base, g.noise, g.spread = d.Base, d.Noise, d.Spread
	if d.PerLoad != nil {
		g.perLoad = *d.PerLoad
	}
	numbers := map[string]float64{"base": g.base, "per_load": g.perLoad, "noise": g.noise, "spread": g.spread}
	for _, name := range sorted(numbers) {
		if v := numbers[name]; !(v >= 0 && v <= 1e9) {
			return g, c.src.wrong(path+"."+name, "%v is outside 0 to 1e9", v)
		}
	}
	return g, nil
}
