package view

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
)

// EventVersion is the version of the form of Event. It grows when members change their meaning or go, not when there are more.
const EventVersion = 1

// EventStatus says what of something that lasts an event is about. Events about activities have the activity's status.
type EventStatus string

// The statuses of what lasts, and that of what a dry run would have done.
const (
	Begun  EventStatus = "begun"
	Ended  EventStatus = "ended"
	DryRun EventStatus = "dry_run"
)

// Event is something that happened, as destinations get it. Members that do not belong to its kind are absent.
type Event struct {
	Version int `json:"version"`
	// ID is the same whenever the same event is sent, and another one for every other event.
	ID     string           `json:"id"`
	Kind   config.EventKind `json:"kind"`
	Status EventStatus      `json:"status,omitempty"`
	// Time is when it happened, not when it is sent.
	Time    time.Time `json:"time"`
	Account string    `json:"account,omitempty"`
	Region  string    `json:"region,omitempty"`
	Cluster string    `json:"cluster,omitempty"`
	Service string    `json:"service,omitempty"`
	// Message is a sentence for people.
	Message string `json:"message"`
	// DryRun says that the daemon writes nothing to ECS.
	DryRun bool `json:"dry_run,omitempty"`
	// Since is when what lasts began.
	Since        *time.Time  `json:"since,omitempty"`
	Activity     *Activity   `json:"activity,omitempty"`
	Decision     *Decision   `json:"decision,omitempty"`
	Problem      *Problem    `json:"problem,omitempty"`
	ForeignWrite *Change     `json:"foreign_write,omitempty"`
	Suspension   *Suspension `json:"suspension,omitempty"`
	Override     *Override   `json:"override,omitempty"`
}

// Problem is what does not work.
type Problem struct {
	// Kind is what is affected: describe, metric, write, state and the like; About is the service, metric or account.
	Kind  string `json:"kind"`
	About string `json:"about,omitempty"`
	// Class is that of the error, as in ecs_autoscaler_aws_requests_total.
	Class  string `json:"class"`
	Solved bool   `json:"solved"`
	// Count is how many more problems of the kind there are that no event of their own tells of, 0 in an event about one.
	Count int `json:"count,omitempty"`
}

// Change is one of the desired count.
type Change struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Suspension says which kind of scaling an event is about: dynamic_scaling_in, dynamic_scaling_out or scheduled_scaling.
type Suspension struct {
	Suspended string `json:"suspended"`
	// Until and Reason are a person's who has suspended it for some time.
	Until  *time.Time `json:"until,omitempty"`
	Reason string     `json:"reason,omitempty"`
}

// Override is the desired count that a person has set for some time, before it is brought into the bounds.
type Override struct {
	Desired int       `json:"desired"`
	Until   time.Time `json:"until"`
	Reason  string    `json:"reason"`
}

// About is an event of a kind about a target, or where its service is empty about a cluster, at an instant. What tells it from
// others of its kind, status, target and second is what beside them makes its ID.
func About(kind config.EventKind, status EventStatus, k evaluator.Key, at time.Time, what ...string) Event {
	parts := append([]string{string(kind), string(status), k.Account, k.Cluster, k.Service, at.UTC().Format(time.RFC3339)}, what...)
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return Event{
		Version: EventVersion, ID: hex.EncodeToString(sum[:16]), Kind: kind, Status: status, Time: at.UTC(),
		Account: k.Account, Cluster: k.Cluster, Service: k.Service,
	}
}

// Key names the target.
func (e *Event) Key() evaluator.Key {
	return evaluator.Key{Account: e.Account, Cluster: e.Cluster, Service: e.Service}
}
