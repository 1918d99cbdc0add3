package described

import (
	"slices"
	"strings"

	"ecs-autoscaler/config/managed"
)

// Kind is one of the resources that make managed scaling up.
type Kind int

// The kinds of resources.
const (
	ScalableTarget Kind = iota
	ScalingPolicy
	ScheduledAction
	Alarm
)

// Resource is one of them as its source describes it.
type Resource struct {
	Kind  Kind
	Place managed.Place
	// ARN is what alarm_actions name a policy by.
	ARN string
	// Label stands for the name where none is given.
	Label string
	// Attributes are a mapping.
	Attributes Value
}

// Document reads resources that belong together, in the order of the source, and gives what [managed.Check] has left of it.
func Document(region string, resources []Resource) managed.Document {
	r := &reader{targets: map[string]*managed.Target{}, dropped: map[*managed.Target]bool{}, noted: map[string]bool{},
		alarms: map[string][]*alarm{}}
	for _, kind := range []Kind{ScalableTarget, Alarm, ScalingPolicy, ScheduledAction} {
		for _, res := range resources {
			if res.Kind == kind {
				r.resource(res)
			}
		}
	}
	r.idle()
	doc := managed.Document{Region: region, Losses: r.losses, Notes: r.notes, Missing: r.unknown}
	for _, t := range r.order {
		doc.Targets = append(doc.Targets, *t)
	}
	return managed.Check(doc)
}

type reader struct {
	order   []*managed.Target
	targets map[string]*managed.Target
	// dropped are those with mistakes; what belongs to them is read for what is missing.
	dropped map[*managed.Target]bool
	// alarms are found by the ARN of a policy, as it is shown.
	alarms        map[string][]*alarm
	everyAlarm    []*alarm
	losses, notes []managed.Loss
	unknown       []string
	noted         map[string]bool
	// broken says that the entry being read has a mistake.
	broken bool
}

func (r *reader) lose(at managed.Place, attribute, value, why string) {
	r.losses = append(r.losses, managed.Loss{Place: at, Attribute: attribute, Value: value, Why: why})
}

// wrong is a value that makes its entry useless.
func (r *reader) wrong(at managed.Place, attribute, value, why string) {
	r.broken = true
	r.lose(at, attribute, value, why+": the entry is left out")
}

// missing asks for values.
func (r *reader) missing(names ...string) {
	r.broken = true
	for _, n := range names {
		if !slices.Contains(r.unknown, n) {
			r.unknown = append(r.unknown, n)
		}
	}
}

// guessed notes once for each name and attribute that a label stands for a value.
func (r *reader) guessed(at managed.Place, attribute, name, result string) {
	if key := attribute + name; !r.noted[key] {
		r.noted[key] = true
		r.notes = append(r.notes, managed.Loss{Place: at, Attribute: attribute,
			Why: "guessed to be " + result + ", because " + name + " is not known here; give it with --var '" + name + "=VALUE'"})
	}
}

func (r *reader) resource(res Resource) {
	r.broken = false
	o := r.object(res.Place, "", res.Attributes)
	switch res.Kind {
	case ScalableTarget:
		r.target(o)
	case Alarm:
		r.alarm(o, res)
	case ScalingPolicy:
		r.policy(o, res)
	case ScheduledAction:
		if t := r.scaled(o); t != nil {
			r.scheduled(o, t, res.Label)
		}
	}
}

// The namespace and the dimension of ECS services (API RegisterScalableTarget).
const (
	namespaceECS = "ecs"
	dimensionECS = "ecs:service:DesiredCount"
)

// ofECS reads the three names of a scalable target; the ID is "" for what is no ECS service, which is named.
func (r *reader) ofECS(o *object) string {
	o.ignore("id", "arn", "alarm_arns", "tags_all", "region")
	target := strings.Split(o.get("scaling_target_id").Text, "|") // CloudFormation: ID|DIMENSION|NAMESPACE.
	space, dimension := o.text("service_namespace"), o.text("scalable_dimension")
	id := o.text("resource_id")
	if len(target) == 3 && id == "" {
		joined := r.object(o.at, "", Mapping(map[string]Value{"resource_id": Text(target[0])}))
		id, dimension, space = joined.text("resource_id"), target[1], target[2]
	}
	ecs := space == namespaceECS || space == "" && strings.HasPrefix(id, "service/")
	if !ecs || dimension != dimensionECS && dimension != "" {
		r.lose(o.at, "service_namespace", space, "skipped: only the desired count of ECS services is scaled here ("+id+")")
		return ""
	}
	return id
}

func (r *reader) target(o *object) {
	id := r.ofECS(o)
	if id == "" {
		return
	}
	t := &managed.Target{Place: o.at}
	parts := strings.Split(id, "/")
	if len(parts) != 3 || parts[0] != "service" {
		r.wrong(o.at, "resource_id", id, "is not service/CLUSTER/SERVICE")
		return
	}
	t.Cluster, t.Service = parts[1], parts[2]
	t.Min, t.Max = o.whole(o.needed("min_capacity"), "min_capacity"), o.whole(o.needed("max_capacity"), "max_capacity")
	s := o.inner("suspended_state")
	t.Suspended = managed.Suspended{
		In:        s.boolean(false, "dynamic_scaling_in_suspended"),
		Out:       s.boolean(false, "dynamic_scaling_out_suspended"),
		Scheduled: s.boolean(false, "scheduled_scaling_suspended"),
	}
	s.close()
	o.without("left out: the daemon writes with its own role", "role_arn")
	o.without("left out: tags of a managed target say nothing here", "tags")
	o.ignore("creation_time", "scalable_target_arn")
	actions := o.each("scheduled_actions")
	o.close()
	if r.targets[id] == nil {
		r.targets[id] = t
	}
	if r.broken {
		r.dropped[t] = true
		return
	}
	r.order = append(r.order, t)
	for _, a := range actions {
		r.broken = false
		r.scheduled(a, t, "action")
	}
}

// scaled is the target that a policy or an action belongs to.
func (r *reader) scaled(o *object) *managed.Target {
	id := r.ofECS(o)
	if id == "" {
		return nil
	}
	t := r.targets[id]
	if t == nil {
		r.lose(o.at, "resource_id", id, "left out: the scalable target of this service, which has its bounds, was not found in the input")
	} else if r.dropped[t] {
		r.lose(o.at, "resource_id", id, "left out: the scalable target of this service is not right")
	}
	return t
}

func (r *reader) scheduled(o *object, t *managed.Target, label string) {
	a := managed.Action{Place: o.at, Name: o.text("name", "scheduled_action_name"), Schedule: o.exact("schedule")}
	if a.Name == "" {
		a.Name = label
	}
	a.Timezone, a.StartTime, a.EndTime = o.exact("timezone"), o.exact("start_time"), o.exact("end_time")
	bounds := o.inner("scalable_target_action")
	a.Min, a.Max = bounds.optional("min_capacity"), bounds.optional("max_capacity")
	bounds.close()
	o.ignore("scheduled_action_arn", "creation_time")
	o.close()
	if !r.broken {
		t.Actions = append(t.Actions, a)
	}
}
