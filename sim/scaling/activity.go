package scaling

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"ecs-autoscaler/sim/wire"
)

// kept is how long activities are remembered (API DescribeScalingActivities).
const kept = 6 * 7 * 24 * time.Hour

// activity is a scaling activity (aws-semantics 6.2 and 6.3).
type activity struct {
	id, resource                        string
	description, cause, status, message string
	start, end                          time.Time
	unscaled                            map[string]any // the reason of one that did not scale
	declared                            map[string]any // of a scenario: the whole structure

	desired  int // the count that was set
	from     int
	policy   *policy // that set it, nil for bounds
	cooldown time.Duration
}

// record begins an activity.
func (s *Store) record(t *target, description, cause string, at time.Time) *activity {
	a := &activity{id: s.uuid(), resource: t.resource, description: description, cause: cause, start: at, status: "InProgress"}
	s.activities = append(s.activities, a)
	return a
}

// declare takes over an activity of the scenario.
func (s *Store) declare(members map[string]any) {
	resource, _ := members["ResourceId"].(string)
	start, _ := members["StartTime"].(time.Time)
	s.activities = append(s.activities, &activity{resource: resource, start: start, declared: members})
}

// Declare takes over scaling activities of a scenario, the API's structures, oldest first.
func (s *Store) Declare(list []map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, members := range list {
		s.declare(members)
	}
}

// describeActivities answers DescribeScalingActivities: newest first, six weeks back, and those that did not scale if asked for.
func (r *request) describeActivities() (map[string]any, *wire.Error) {
	f, err := r.filter("", 50)
	if err != nil {
		return nil, err
	}
	all := r.In.Bool("IncludeNotScaledActivities", false)
	items := []any{}
	for _, a := range slices.Backward(r.activities) {
		if f.wants(a.resource, "") && (all || !a.notScaled()) && (a.start.IsZero() || r.Now.Sub(a.start) <= kept) {
			items = append(items, a.describe())
		}
	}
	return r.page("ScalingActivities", items, f)
}

func (a *activity) notScaled() bool {
	return a.unscaled != nil || a.declared["NotScaledReasons"] != nil
}

// describe is the API's ScalingActivity.
func (a *activity) describe() map[string]any {
	if a.declared != nil {
		return a.declared
	}
	out := (&target{resource: a.resource}).address()
	maps.Copy(out, map[string]any{"ActivityId": a.id,
		"Description": a.description, "Cause": a.cause, "StatusCode": a.status, "StartTime": a.start})
	if a.message != "" {
		out["StatusMessage"] = a.message
	}
	if !a.end.IsZero() {
		out["EndTime"] = a.end
	}
	if a.unscaled != nil {
		out["NotScaledReasons"] = []any{a.unscaled}
	}
	return out
}

// write sets the desired count and begins the activity that says so. One that still waited has been overridden.
func (s *Store) write(t *target, n int, cause string, at time.Time) *activity {
	service, _ := s.options.Fleet.Service(t.cluster, t.service, at)
	s.override(t, n, at)
	a := s.record(t, fmt.Sprintf("Setting desired count to %d.", n), cause, at)
	a.desired, a.from = n, service.Desired
	a.message = fmt.Sprintf("Successfully set desired count to %d. Waiting for change to be fulfilled by ecs.", n)
	s.options.Fleet.SetDesired(t.cluster, t.service, n, at)
	t.memory.open, t.memory.reason = a, ""
	return a
}

// override ends an activity that waits for a count which nobody wants any more.
func (s *Store) override(t *target, n int, at time.Time) {
	a := t.memory.open
	if a == nil {
		return
	}
	a.status, a.end = "Overridden", at
	a.message = fmt.Sprintf("Successfully set desired count to %d. Found it was later changed to %d.", a.desired, n)
	t.memory.open = nil
}

// fit brings the count of an active service between the bounds (aws-semantics 4.2 and 6.1).
func (s *Store) fit(t *target, at time.Time) {
	service, there := s.options.Fleet.Service(t.cluster, t.service, at)
	switch {
	case !there || !service.Active:
	case service.Desired < t.min:
		s.write(t, t.min, fmt.Sprintf("minimum capacity was set to %d", t.min), at)
	case service.Desired > t.max:
		s.write(t, t.max, fmt.Sprintf("maximum capacity was set to %d", t.max), at)
	}
}
