package fleet

import (
	"math"
	"slices"
	"sync"
	"time"
)

const never = time.Duration(math.MaxInt64)

// Service is one simulated ECS service. It is safe for concurrent use. Time never runs backwards in it: an earlier
// time than the last one seen changes nothing.
type Service struct {
	spec Spec

	mu          sync.Mutex
	at          time.Duration
	desired     int
	status      Status
	limit       int
	failStarts  bool
	tasks       []task
	deployments []*deployment // newest first; the first is PRIMARY
	events      []Event       // not happened yet
	journal     []Message     // oldest first
	said        map[string]time.Duration
	history     []Change
	taskSeconds float64
	nextTask    int
	revisions   int
	draws       uint64
	due         time.Duration // when something happens next
}

// New makes a service whose tasks already run.
func New(spec Spec) *Service {
	s := &Service{
		spec: spec, at: spec.Begin, desired: spec.Desired,
		status: spec.Status, limit: spec.PlacementLimit, revisions: 1,
	}
	s.events = slices.Clone(spec.Events)
	s.deployments = []*deployment{{revision: 1, taskDefinition: spec.TaskDefinition, created: spec.Begin, updated: spec.Begin, done: true}}
	if s.status != Active {
		s.desired = 0
	}
	s.launch(spec.Begin, 1, s.desired)
	for i := range s.tasks {
		s.tasks[i].phase = running
	}
	s.note(spec.Begin)
	s.schedule()
	return s
}

// Spec is what the service was made from.
func (s *Service) Spec() *Spec { return &s.spec }

// advance works out all that happens up to now.
func (s *Service) advance(now time.Duration) {
	for s.due <= now {
		at := s.due
		s.at = at
		s.settle(at)
		for len(s.events) > 0 && s.events[0].At <= at {
			e := s.events[0]
			s.events = s.events[1:]
			s.apply(at, e)
		}
		s.reconcile(at)
	}
	s.at = max(s.at, now)
}

// schedule works out when something happens next without anyone asking for it.
func (s *Service) schedule() {
	s.due = never
	for i := range s.tasks {
		if s.tasks[i].phase != running {
			s.due = min(s.due, s.tasks[i].due)
		}
	}
	if len(s.events) > 0 {
		s.due = min(s.due, s.events[0].At)
	}
	if d := s.deployments[0]; s.baking() && d.steady > 0 && d.steady+s.spec.Bake > s.at {
		s.due = min(s.due, d.steady+s.spec.Bake)
	}
}

// Apply makes something happen to the service now: what other people, deployments and crashes do.
func (s *Service) Apply(now time.Duration, e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(now)
	s.apply(s.at, e)
	s.reconcile(s.at)
}

func (s *Service) apply(at time.Duration, e Event) {
	if e.Status != "" {
		s.status = e.Status
	}
	if e.Desired != nil {
		s.desired = *e.Desired
	}
	if s.status != Active {
		s.desired = 0
	}
	if e.PlacementLimit != nil {
		s.limit = *e.PlacementLimit
	}
	if e.FailStarts != nil {
		s.failStarts = *e.FailStarts
	}
	if e.Deploy && s.status == Active {
		s.deploy(at, s.deployments[0].taskDefinition)
	}
	s.kill(at, e.Kill)
}

// kill crashes n running tasks, the oldest first.
func (s *Service) kill(at time.Duration, n int) {
	for i := 0; i < len(s.tasks) && n > 0; i++ {
		if s.tasks[i].phase == running {
			s.tasks[i].phase, s.tasks[i].due = stopping, at
			n--
		}
	}
	s.settle(at)
}

// Update is an UpdateService call: it sets the desired count if that is not nil, and a new task definition or force
// starts a deployment. A desired count alone never does (aws-semantics 8.1). before is the desired count that it found.
func (s *Service) Update(now time.Duration, desired *int, taskDefinition string, force bool) (before int, v View) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(now)
	before = s.desired
	if desired != nil {
		s.desired = *desired
	}
	if taskDefinition == "" {
		taskDefinition = s.deployments[0].taskDefinition
	}
	if force || taskDefinition != s.deployments[0].taskDefinition {
		s.deploy(s.at, taskDefinition)
	}
	s.deployments[0].updated = s.at
	s.reconcile(s.at)
	return before, s.view()
}

func (s *Service) deployment(revision int) *deployment {
	for _, d := range s.deployments {
		if d.revision == revision {
			return d
		}
	}
	return nil
}
