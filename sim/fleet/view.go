package fleet

import (
	"fmt"
	"slices"
	"sort"
	"time"
)

// View is what DescribeServices tells of a service.
type View struct {
	Status                    Status
	Desired, Running, Pending int
	// Limit is the placement limit in force, or Unlimited.
	Limit int
	// Deployments are newest first, the first one is PRIMARY.
	Deployments []Deployment
	// Messages are newest first, at most 100.
	Messages []Message
	// TaskSeconds is the running count integrated since the beginning.
	TaskSeconds float64
	// At is the time the view is of.
	At time.Duration
}

// Deployment is one revision of a service (API ecs Deployment, and TaskSet for the other controllers).
type Deployment struct {
	ID, TaskDefinition        string
	Desired, Running, Pending int
	FailedTasks               int
	// Rollout is IN_PROGRESS, COMPLETED or FAILED.
	Rollout          string
	Created, Updated time.Duration
}

// Message is a line of a service's events.
type Message struct {
	ID   string
	At   time.Duration
	Text string
}

// Task is one task as ListTasks and DescribeTasks show it.
type Task struct {
	ID, TaskDefinition, DeploymentID string
	// Status is PENDING, RUNNING or DEACTIVATING.
	Status  string
	Created time.Duration
}

// maxMessages is how many events DescribeServices returns (aws-semantics 8.2).
const maxMessages = 100

// View describes the service at now.
func (s *Service) View(now time.Duration) View {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(now)
	return s.view()
}

func (s *Service) view() View {
	runs, waits := s.count()
	v := View{
		Status: s.status, Desired: s.desired, Running: runs, Pending: waits, Limit: s.limit,
		TaskSeconds: s.taskSeconds + s.since(s.at), At: s.at, Messages: slices.Clone(s.journal),
	}
	slices.Reverse(v.Messages)
	for i, d := range s.deployments {
		v.Deployments = append(v.Deployments, s.deploymentView(d, i == 0))
	}
	return v
}

func (s *Service) deploymentView(d *deployment, primary bool) Deployment {
	v := Deployment{
		ID: s.deploymentID(d), TaskDefinition: d.taskDefinition, FailedTasks: d.failures,
		Rollout: "IN_PROGRESS", Created: d.created, Updated: d.updated,
	}
	for i := range s.tasks {
		switch t := &s.tasks[i]; {
		case t.revision != d.revision:
		case t.phase == pending:
			v.Pending++
		default:
			v.Running++
		}
	}
	if primary || s.baking() {
		v.Desired = s.desired
	}
	switch {
	case d.failed:
		v.Rollout = "FAILED"
	case d.done:
		v.Rollout = "COMPLETED"
	}
	return v
}

// Counts appends to dst the changes that decide the counts between from and to: the last one at or before from, if
// it is still remembered, and all up to to.
func (s *Service) Counts(now, from, to time.Duration, dst []Change) []Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(now)
	first := sort.Search(len(s.history), func(i int) bool { return s.history[i].At > from })
	for _, c := range s.history[max(first-1, 0):] {
		if c.At > to {
			break
		}
		dst = append(dst, c)
	}
	return dst
}

// Tasks lists the tasks at now, oldest first.
func (s *Service) Tasks(now time.Duration) []Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(now)
	list := make([]Task, 0, len(s.tasks))
	for i := range s.tasks {
		t := &s.tasks[i]
		v := Task{ID: fmt.Sprintf("%016x%016x", s.spec.Seed, t.id), Created: t.created,
			Status: [...]string{pending: "PENDING", running: "RUNNING", stopping: "DEACTIVATING"}[t.phase]}
		if d := s.deployment(t.revision); d != nil {
			v.TaskDefinition, v.DeploymentID = d.taskDefinition, s.deploymentID(d)
		}
		list = append(list, v)
	}
	return list
}

func (s *Service) deploymentID(d *deployment) string {
	return fmt.Sprintf("ecs-svc/%016d", s.spec.Seed%1e12*1e3+uint64(d.revision))
}

// say adds an event. ECS does not repeat an equal message within six hours (aws-semantics 8.4), but "steady state"
// follows each change of the counts.
func (s *Service) say(at time.Duration, text string) {
	if last, ok := s.said[text]; ok && at-last < 6*time.Hour && !s.changedSince(last) {
		return
	}
	if s.said == nil || len(s.said) > 4*maxMessages {
		s.said = map[string]time.Duration{}
	}
	s.said[text] = at
	if len(s.journal) == maxMessages {
		s.journal = append(s.journal[:0], s.journal[1:]...)
	}
	s.draws++
	s.journal = append(s.journal, Message{
		ID: fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(s.spec.Seed), s.draws), At: at, Text: text,
	})
}

// changedSince says whether the counts changed after at.
func (s *Service) changedSince(at time.Duration) bool {
	return len(s.history) > 0 && s.history[len(s.history)-1].At > at
}

// Status is the service's status at now.
func (s *Service) Status(now time.Duration) Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(now)
	return s.status
}
