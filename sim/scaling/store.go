package scaling

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"ecs-autoscaler/sim/wire"
)

// The one namespace and dimension that are simulated.
const (
	namespace = "ecs"
	dimension = "ecs:service:DesiredCount"
)

// Service is an ECS service as Application Auto Scaling sees it.
type Service struct {
	Desired, Running int
	// Active services can be scaled; a DAEMON service and one that is DRAINING or INACTIVE cannot.
	Active bool
	// Deploying says that a deployment is in progress which forbids scaling in (aws-semantics 1.12).
	Deploying bool
	// HighResolution says that CPU and memory come each 20 s and the controller allows policies on them.
	HighResolution bool
	// TargetGroup is the resource label of its load balancer, app/NAME/ID/targetgroup/NAME/ID; "" if it has none.
	TargetGroup string
}

// Fleet is the rest of the region.
type Fleet interface {
	// Service looks at a service; false if there is none.
	Service(cluster, name string, at time.Time) (Service, bool)
	// SetDesired writes the desired count of an active service.
	SetDesired(cluster, name string, n int, at time.Time)
	// Values are the datapoints, oldest first, that CloudWatch shows at an instant for the one of the MetricDataQueries that
	// returns data, of periods that begin in [from, to). Queries that CloudWatch refuses have none.
	Values(queries []any, from, to, at time.Time) []float64
}

// Options are what a store is told about the world around it.
type Options struct {
	Account, Region string
	// Start is when the managed scaling begins to act.
	Start time.Time
	// Seed decides the identifiers.
	Seed  uint64
	Fleet Fleet
}

// Store is the managed scaling of one account and region. It is safe for concurrent use; each request is atomic.
type Store struct {
	options Options

	mu         sync.Mutex
	at         time.Time // up to when it has acted
	draws      uint64    // identifiers made so far
	targets    map[string]*target
	alarms     map[string]*alarm
	activities []*activity // oldest first
}

// New makes a store without targets.
func New(options Options) *Store {
	return &Store{options: options, at: options.Start, targets: map[string]*target{}, alarms: map[string]*alarm{}}
}

// Request is a call as the store takes it.
type Request struct {
	// Operation is one of Operations.
	Operation string
	In        *wire.Input
	Now       time.Time
	// Setup is a call of the scenario: the service needs not be there, and members that only answers have are taken over.
	Setup bool
}

// request is a call being answered.
type request struct {
	*Store
	Request
}

var operations = map[string]func(*request) (map[string]any, *wire.Error){
	"RegisterScalableTarget":    (*request).registerTarget,
	"DeregisterScalableTarget":  (*request).deregisterTarget,
	"DescribeScalableTargets":   (*request).describeTargets,
	"PutScalingPolicy":          (*request).putPolicy,
	"DeleteScalingPolicy":       (*request).deletePolicy,
	"DescribeScalingPolicies":   (*request).describePolicies,
	"PutScheduledAction":        (*request).putAction,
	"DeleteScheduledAction":     (*request).deleteAction,
	"DescribeScheduledActions":  (*request).describeActions,
	"DescribeScalingActivities": (*request).describeActivities,
	"PutMetricAlarm":            (*request).putAlarm,
	"DescribeAlarms":            (*request).describeAlarms,
	"DeleteAlarms":              (*request).deleteAlarms,
}

// Operations are the calls that Do answers, by name.
func Operations() []string { return slices.Sorted(maps.Keys(operations)) }

// Do answers a request, after all that was to happen before it has happened.
func (s *Store) Do(q Request) (map[string]any, *wire.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !q.Setup {
		s.advance(q.Now)
	}
	output, err := operations[q.Operation](&request{s, q})
	if err == nil {
		err = q.In.Err()
	}
	return output, err
}

// address reads the target that a call is about.
func (r *request) address() (string, *wire.Error) {
	if err := r.namespace(); err != nil {
		return "", err
	}
	resource, dim := r.In.Text("ResourceId"), r.In.Text("ScalableDimension")
	switch {
	case r.Setup && dim == "":
		dim = dimension
	case resource == "":
		return "", missing("resourceId")
	case dim == "":
		return "", missing("scalableDimension")
	}
	if parts := strings.Split(resource, "/"); dim != dimension || len(parts) != 3 || parts[0] != "service" || parts[1] == "" || parts[2] == "" {
		return "", invalid("Unsupported service namespace, resource type or scalable dimension")
	}
	return resource, nil
}

// namespaces are those that Application Auto Scaling has (API ServiceNamespace).
var namespaces = []string{"ecs", "elasticmapreduce", "ec2", "appstream", "dynamodb", "rds", "sagemaker", "custom-resource", "comprehend",
	"lambda", "cassandra", "kafka", "elasticache", "neptune", "workspaces"}

func (r *request) namespace() *wire.Error {
	ns := r.In.Text("ServiceNamespace")
	switch {
	case ns == namespace || r.Setup && ns == "":
		return nil
	case ns == "":
		return missing("serviceNamespace")
	case !slices.Contains(namespaces, ns):
		return oneOf(ns, "serviceNamespace", namespaces)
	}
	return invalid("The simulated region scales ECS services only: it does not have the service namespace %s.", ns)
}

// registered finds the target that a call is about.
func (r *request) registered() (*target, *wire.Error) {
	resource, err := r.address()
	if err != nil {
		return nil, err
	}
	t := r.targets[resource]
	if t == nil {
		return nil, reject("ObjectNotFoundException", "No scalable target registered for service namespace: %s, resource ID: %s, scalable dimension: %s",
			namespace, resource, dimension)
	}
	return t, nil
}

// uuid makes an identifier that is new, and the same whenever the same requests are made.
func (s *Store) uuid() string {
	s.draws++
	a, b := mix(s.options.Seed+2*s.draws), mix(s.options.Seed^mix(s.draws))
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
}

// mix spreads the bits of a number (splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// arn names something that belongs to a target, as Application Auto Scaling does.
func (s *Store) arn(kind, id, resource, named string) string {
	return fmt.Sprintf("arn:aws:autoscaling:%s:%s:%s:%s:resource/%s/%s:%s", s.options.Region, s.options.Account, kind, id, namespace, resource, named)
}

// byResource lists the targets in the order of their names.
func (s *Store) byResource() []*target {
	list := make([]*target, 0, len(s.targets))
	for _, resource := range slices.Sorted(maps.Keys(s.targets)) {
		list = append(list, s.targets[resource])
	}
	return list
}
