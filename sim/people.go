package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ecs-autoscaler/sim/fleet"
)

// ServiceView is what a person, the demo and tests look at.
type ServiceView struct {
	Cluster string `json:"cluster"`
	Service string `json:"service"`
	Status  string `json:"status"`
	Desired int    `json:"desired"`
	Running int    `json:"running"`
	Pending int    `json:"pending"`
	// Load is the demand in tasks: 3 keeps three tasks fully busy.
	Load float64 `json:"load"`
	// CPU and Memory are the utilization in percent at this moment; without running tasks they are 100 under load, else 0.
	CPU    float64 `json:"cpu"`
	Memory float64 `json:"memory"`
	// TaskSeconds is the running count integrated since the region began.
	TaskSeconds float64 `json:"task_seconds"`
	// Deploying says whether a deployment is in progress.
	Deploying bool `json:"deploying"`
}

// Services looks at all services now, sorted by cluster and name.
func (r *Region) Services() []ServiceView {
	now := r.present()
	views := make([]ServiceView, 0, len(r.ordered))
	for _, s := range r.ordered {
		views = append(views, s.look(now))
	}
	return views
}

// Service looks at one service now.
func (r *Region) Service(cluster, name string) (ServiceView, error) {
	s, err := r.service(cluster, name)
	if err != nil {
		return ServiceView{}, err
	}
	return s.look(r.present()), nil
}

func (r *Region) service(cluster, name string) (*service, error) {
	s := r.services[key{cluster, name}]
	if s == nil {
		return nil, fmt.Errorf("the simulated region has no service %s/%s", cluster, name)
	}
	return s, nil
}

func (s *service) look(now time.Duration) ServiceView {
	v := s.tasks.View(now)
	return ServiceView{
		Cluster: s.key.cluster, Service: s.key.service, Status: string(v.Status),
		Desired: v.Desired, Running: v.Running, Pending: v.Pending, Load: s.demand(now),
		CPU: s.percent(&s.cpu, now, v.Running), Memory: s.percent(&s.memory, now, v.Running),
		TaskSeconds: v.TaskSeconds, Deploying: len(v.Deployments) > 1 || v.Deployments[0].Rollout == "IN_PROGRESS",
	}
}

// percent is the utilization without noise.
func (s *service) percent(g *gauge, at time.Duration, running int) float64 {
	demand := s.demand(at)
	if running > 0 {
		return g.percent(demand, float64(running), 0)
	}
	if demand > 0 {
		return 100
	}
	return 0
}

// SecondsAbove is for how long, since the region began, the CPU utilization of a service was above percent. It looks
// each ten seconds; time with load but without a running task counts.
func (r *Region) SecondsAbove(cluster, name string, percent float64) (float64, error) {
	s, err := r.service(cluster, name)
	if err != nil {
		return 0, err
	}
	const step = 10 * time.Second
	now, begin := r.present(), -r.scenario.history
	changes := s.tasks.Counts(now, begin, now, nil)
	total, k := 0.0, 0
	for at := begin; at < now; at += step {
		for k+1 < len(changes) && changes[k+1].At <= at {
			k++
		}
		if s.percent(&s.cpu, at, int(changes[k].Running)) > percent {
			total += min(step, now-at).Seconds()
		}
	}
	return total, nil
}

// Happening is something that other people, deployments or crashes do to a service. Each field that is set happens.
type Happening struct {
	// Desired is someone else's write of the desired count.
	Desired *int
	// Deploy starts a new deployment of the same task definition.
	Deploy bool
	// Status becomes ACTIVE, DRAINING or INACTIVE.
	Status string
	// PlacementLimit is from now on the number of tasks that find room; -1 is no limit.
	PlacementLimit *int
	// FailStarts makes tasks fail instead of running, until it is false again.
	FailStarts *bool
	// Kill crashes that many running tasks; ECS replaces them.
	Kill int
}

// Happen makes something happen to a service now.
func (r *Region) Happen(cluster, name string, h Happening) error {
	s, err := r.service(cluster, name)
	if err != nil {
		return err
	}
	if err := h.check(); err != nil {
		return err
	}
	s.tasks.Apply(r.present(), fleet.Event{Desired: h.Desired, Deploy: h.Deploy, Status: fleet.Status(h.Status),
		PlacementLimit: h.PlacementLimit, FailStarts: h.FailStarts, Kill: h.Kill})
	return nil
}

// check says what is wrong with a happening.
func (h *Happening) check() error {
	switch {
	case h.Status != "" && !slices.Contains(statuses, h.Status):
		return fmt.Errorf("status %q must be one of %s", h.Status, strings.Join(statuses, ", "))
	case h.Desired != nil && *h.Desired < 0:
		return fmt.Errorf("a desired count of %d is below 0", *h.Desired)
	case h.PlacementLimit != nil && *h.PlacementLimit < fleet.Unlimited:
		return fmt.Errorf("a placement limit of %d is below -1", *h.PlacementLimit)
	case h.Kill < 0:
		return fmt.Errorf("%d tasks cannot be killed", h.Kill)
	}
	return nil
}

// SetDesired is someone else's write of the desired count, without a call that is recorded.
func (r *Region) SetDesired(cluster, name string, n int) error {
	return r.Happen(cluster, name, Happening{Desired: &n})
}

// Deploy starts a deployment of a service.
func (r *Region) Deploy(cluster, name string) error {
	return r.Happen(cluster, name, Happening{Deploy: true})
}
