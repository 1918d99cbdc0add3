// Package fleet simulates what ECS does with the tasks of one service: starting, stopping, rolling deployments,
// placement. It has no clock: every method takes the time since the scenario's time zero, and all that happened
// since the last call is worked out then, event by event, so that days at rest cost nothing.
package fleet

import "time"

// Controller is the deployment controller of a service (API ecs DeploymentControllerType).
type Controller string

// The controllers of ECS.
const (
	ECS        Controller = "ECS"
	CodeDeploy Controller = "CODE_DEPLOY"
	External   Controller = "EXTERNAL"
)

// Status is a service's status (API ecs Service).
type Status string

// The states of a service.
const (
	Active   Status = "ACTIVE"
	Draining Status = "DRAINING"
	Inactive Status = "INACTIVE"
)

// Unlimited as a placement limit lets every task be placed.
const Unlimited = -1

// Spec is what a service is at time zero and how its tasks behave.
type Spec struct {
	Cluster, Name string
	// Seed decides the spread of start times; services with equal seeds behave alike.
	Seed uint64
	// Desired is also the number of tasks that run from the beginning, as far as they can be placed.
	Desired int
	// Begin is the time, usually zero or before, since when those tasks have been running.
	Begin time.Duration
	// TaskStart passes from launch to RUNNING, TaskStop from the order to stop until a task no longer counts.
	// Each is longer by up to its spread, by seed.
	TaskStart, TaskStartSpread time.Duration
	TaskStop, TaskStopSpread   time.Duration
	// MinimumHealthyPercent and MaximumPercent bound a rolling deployment (API ecs DeploymentConfiguration).
	MinimumHealthyPercent, MaximumPercent int
	// Bake is how long both revisions run side by side before the old one goes; CODE_DEPLOY and EXTERNAL only.
	Bake time.Duration
	// PlacementLimit is how many tasks find room, or Unlimited.
	PlacementLimit int
	// CircuitBreaker marks a deployment FAILED when its tasks fail to start as often as the ECS threshold.
	CircuitBreaker bool
	Controller     Controller
	Status         Status
	Daemon         bool
	TaskDefinition string
	// Events are what happens to the service by itself, ascending in At.
	Events []Event
}

// Event is something that happens to a service: each field that is set takes effect.
type Event struct {
	At time.Duration
	// Desired is someone else's write of the desired count.
	Desired *int
	// Deploy starts a deployment of the same task definition, whatever the controller.
	Deploy bool
	// Status changes the service's status; INACTIVE and DRAINING stop its tasks.
	Status Status
	// PlacementLimit changes how many tasks find room; Unlimited lifts it.
	PlacementLimit *int
	// FailStarts makes every task that is about to run fail instead, until it is false again.
	FailStarts *bool
	// Kill stops that many running tasks, as a crash does; ECS replaces them.
	Kill int
}
