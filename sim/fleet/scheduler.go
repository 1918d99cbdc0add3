package fleet

import (
	"fmt"
	"slices"
	"time"
)

// deploy makes a new revision PRIMARY.
func (s *Service) deploy(at time.Duration, taskDefinition string) {
	s.revisions++
	d := &deployment{revision: s.revisions, taskDefinition: taskDefinition, created: at, updated: at}
	s.deployments = slices.Insert(s.deployments, 0, d)
	s.say(at, fmt.Sprintf("(service %s) has started deployment %s.", s.spec.Name, s.deploymentID(d)))
}

// reconcile is the ECS scheduler: it launches and stops tasks until the counts are as wanted or something has to be
// waited for. It remembers the counts and works out when to look again.
func (s *Service) reconcile(at time.Duration) {
	primary := s.deployments[0]
	for range 1 + len(s.tasks) {
		before := len(s.tasks)
		s.trimPrimary(at, primary)
		s.launchPrimary(at, primary)
		s.retire(at, primary)
		s.settle(at)
		if len(s.tasks) == before {
			break
		}
	}
	s.note(at)
	s.complete(at, primary)
	s.schedule()
}

func (s *Service) trimPrimary(at time.Duration, primary *deployment) {
	runs, waits := s.countOf(primary.revision)
	if excess := runs + waits - s.desired; excess > 0 {
		s.stop(at, primary.revision, excess)
	}
	if !s.baking() {
		return
	}
	for _, d := range s.deployments[1:] {
		runs, waits := s.countOf(d.revision)
		if excess := runs + waits - s.desired; excess > 0 {
			s.stop(at, d.revision, excess)
		}
	}
}

func (s *Service) launchPrimary(at time.Duration, primary *deployment) {
	runs, waits := s.countOf(primary.revision)
	missing := s.desired - runs - waits
	if missing <= 0 || primary.failed {
		return
	}
	room := missing
	if len(s.deployments) > 1 && !s.baking() {
		room = min(room, s.desired*s.spec.MaximumPercent/100-len(s.tasks))
	}
	if room > 0 && s.launch(at, primary.revision, room) < room {
		s.say(at, fmt.Sprintf("(service %s) was unable to place a task because no container instance met all of its requirements.", s.spec.Name))
	}
}

// retire stops tasks of old revisions as far as enough healthy ones remain.
func (s *Service) retire(at time.Duration, primary *deployment) {
	if len(s.deployments) < 2 || s.waitsForBake(at, primary) {
		return
	}
	healthy := 0
	for _, d := range s.deployments {
		runs, _ := s.countOf(d.revision)
		healthy += runs
	}
	floor := (s.desired*s.spec.MinimumHealthyPercent + 99) / 100
	for _, d := range s.deployments[1:] {
		runs, waits := s.countOf(d.revision)
		n := min(runs, healthy-floor)
		if s.baking() {
			n = runs
		}
		healthy -= max(n, 0)
		s.stop(at, d.revision, waits+max(n, 0))
	}
}

// waitsForBake says whether the old task set of a blue/green deployment still has to stay.
func (s *Service) waitsForBake(at time.Duration, primary *deployment) bool {
	if !s.baking() {
		return false
	}
	if runs, _ := s.countOf(primary.revision); runs < s.desired {
		primary.steady = 0
		return true
	}
	if primary.steady == 0 {
		primary.steady = max(at, 1)
	}
	return at < primary.steady+s.spec.Bake
}

// baking says whether two task sets run side by side, as CodeDeploy and external controllers do it.
func (s *Service) baking() bool {
	return len(s.deployments) > 1 && s.spec.Controller != ECS
}

// complete drops revisions without tasks and marks the deployment COMPLETED when all is as wanted.
func (s *Service) complete(at time.Duration, primary *deployment) {
	s.deployments = slices.DeleteFunc(s.deployments, func(d *deployment) bool {
		return d != primary && !slices.ContainsFunc(s.tasks, func(t task) bool { return t.revision == d.revision })
	})
	runs, waits := s.countOf(primary.revision)
	if runs != s.desired || waits != 0 || len(s.deployments) > 1 || len(s.tasks) != runs {
		return
	}
	if !primary.done && !primary.failed {
		primary.done, primary.updated = true, at
		s.say(at, fmt.Sprintf("(service %s) (deployment %s) deployment completed.", s.spec.Name, s.deploymentID(primary)))
	}
	s.say(at, fmt.Sprintf("(service %s) has reached a steady state.", s.spec.Name))
}

// failed counts a task that did not start; the circuit breaker ends a deployment with too many of them.
func (s *Service) failed(at time.Duration, revision int) {
	s.say(at, fmt.Sprintf("(service %s) is unable to consistently start tasks successfully.", s.spec.Name))
	d := s.deployment(revision)
	if d == nil {
		return
	}
	d.failures++
	// Half the desired count, between 3 and 200: the threshold of the ECS deployment circuit breaker.
	threshold := min(max((s.desired+1)/2, 3), 200)
	if s.spec.CircuitBreaker && !d.done && d.failures >= threshold {
		d.failed, d.updated = true, at
		s.say(at, fmt.Sprintf("(service %s) (deployment %s) deployment failed: tasks failed to start.", s.spec.Name, s.deploymentID(d)))
	}
}
