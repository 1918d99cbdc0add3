package scaling

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"ecs-autoscaler/sim/wire"
)

// action is a scheduled action; low and high are the bounds it sets, nil where it leaves them.
type action struct {
	name, arn, expression, zone string
	schedule                    schedule
	start, end                  time.Time
	low, high                   *int
	created                     time.Time
	declared                    map[string]any
}

var actionName = regexp.MustCompile(`^[^\s:/|\p{Cc}]([^:/|\p{Cc}]{0,254}[^\s:/|\p{Cc}])?$`)

// putAction answers PutScheduledAction (API; aws-semantics 4.1). Bounds and schedule that are left out stay as they were,
// start and end do not.
func (r *request) putAction() (map[string]any, *wire.Error) {
	t, err := r.registered()
	if err != nil {
		return nil, err
	}
	name := r.In.Text("ScheduledActionName")
	if !actionName.MatchString(name) {
		return nil, constraint("'"+name+"'", "scheduledActionName", "Member must have 1 to 256 characters, no colon, slash, bar or control character, and no blank at its ends")
	}
	i := slices.IndexFunc(t.actions, func(a *action) bool { return a.name == name })
	next := &action{name: name, created: r.Now}
	if i >= 0 {
		next = new(*t.actions[i])
	} else if len(t.actions) >= maxActions {
		return nil, reject("LimitExceededException", "You have reached the maximum of %d scheduled actions for the scalable target %s.", maxActions, t.resource)
	}
	if err := r.fill(next); err != nil {
		return nil, err
	}
	if i >= 0 {
		t.actions[i] = next
		return map[string]any{}, nil
	}
	next.arn = r.arn("scheduledAction", r.uuid(), t.resource, "scheduledActionName/"+name)
	t.actions = append(t.actions, next)
	return map[string]any{}, nil
}

// fill reads what a request says of an action.
func (r *request) fill(a *action) *wire.Error {
	if text := r.In.Text("Schedule"); text != "" {
		a.expression = text
	}
	if zone := r.In.Text("Timezone"); zone != "" {
		a.zone = zone
	}
	a.start, a.end = r.In.Time("StartTime"), r.In.Time("EndTime")
	if err := a.bounds(r.In.Structure("ScalableTargetAction")); err != nil {
		return err
	}
	if err := a.read(); err != nil {
		return err
	}
	if r.In.Has("EndTime") && r.In.Has("StartTime") && !a.start.Before(a.end) {
		return invalid("The start time must be earlier than the end time.")
	}
	if r.Setup {
		a.declared = declared(r.In, "CreationTime", "ScheduledActionARN")
	}
	return r.In.Err()
}

// read understands the schedule expression in its time zone.
func (a *action) read() *wire.Error {
	location, err := time.LoadLocation(a.zone)
	if err != nil || a.zone == "Local" {
		return invalid("The time zone %s is not valid.", a.zone)
	}
	if a.expression == "" {
		return invalid("Schedule is required to create a scheduled action.")
	}
	if a.schedule, err = parseSchedule(a.expression, location); err != nil {
		return invalid("The schedule expression %s is not valid: %v", a.expression, err)
	}
	return nil
}

func (a *action) bounds(in *wire.Input) *wire.Error {
	for member, to := range map[string]**int{"MinCapacity": &a.low, "MaxCapacity": &a.high} {
		if !in.Has(member) {
			continue
		}
		n := in.Int(member, 0)
		if n < 0 {
			return invalid("%s must be 0 or more.", member)
		}
		*to = &n
	}
	switch {
	case a.low == nil && a.high == nil:
		return invalid("At least one of MinCapacity and MaxCapacity is required in ScalableTargetAction.")
	case a.low != nil && a.high != nil && *a.low > *a.high:
		return invalid("Minimum capacity cannot be greater than maximum capacity")
	}
	return in.Err()
}

func (r *request) deleteAction() (map[string]any, *wire.Error) {
	resource, err := r.address()
	if err != nil {
		return nil, err
	}
	name, t := r.In.Text("ScheduledActionName"), r.targets[resource]
	named := func(a *action) bool { return a.name == name }
	if t == nil || !slices.ContainsFunc(t.actions, named) {
		return nil, notFound("scheduled action", resource, name)
	}
	t.actions = slices.DeleteFunc(t.actions, named)
	return map[string]any{}, nil
}

func (r *request) describeActions() (map[string]any, *wire.Error) {
	f, err := r.filter("ScheduledActionNames", 50)
	if err != nil {
		return nil, err
	}
	items := []any{}
	for _, t := range r.byResource() {
		for _, a := range t.actions {
			if f.wants(t.resource, a.name) {
				items = append(items, a.describe(t))
			}
		}
	}
	return r.page("ScheduledActions", items, f)
}

// describe is the API's ScheduledAction.
func (a *action) describe(t *target) map[string]any {
	limits := map[string]any{}
	if a.low != nil {
		limits["MinCapacity"] = *a.low
	}
	if a.high != nil {
		limits["MaxCapacity"] = *a.high
	}
	out := t.address()
	maps.Copy(out, map[string]any{"ScheduledActionName": a.name, "ScheduledActionARN": a.arn, "Schedule": a.expression,
		"CreationTime": a.created, "ScalableTargetAction": limits})
	if a.zone != "" {
		out["Timezone"] = a.zone
	}
	for member, at := range map[string]time.Time{"StartTime": a.start, "EndTime": a.end} {
		if !at.IsZero() {
			out[member] = at
		}
	}
	maps.Copy(out, a.declared)
	return out
}

// fires says whether an action is due after one instant, up to another.
func (a *action) fires(after, upTo time.Time) bool {
	if !a.end.IsZero() && upTo.After(a.end) || upTo.Before(a.start) {
		return false
	}
	if _, once := a.schedule.(once); !once && !a.start.IsZero() && after.Before(a.start) {
		return true // a recurring action begins at its start (aws-semantics 4.4 and 4.5)
	}
	from := a.start
	if from.IsZero() {
		from = a.created
	}
	return a.schedule.due(from, after, upTo)
}

// run sets the bounds that an action has, and then the count (aws-semantics 4.2).
func (s *Store) run(t *target, a *action, at time.Time) {
	low, high, text := t.min, t.max, "Setting "
	if a.low != nil {
		low = *a.low
		text += fmt.Sprintf("min capacity to %d", low)
	}
	if a.high != nil {
		high = *a.high
		if a.low != nil {
			text += " and "
		}
		text += fmt.Sprintf("max capacity to %d", high)
	}
	act := s.record(t, text, fmt.Sprintf("scheduled action name %s was triggered", a.name), at)
	act.end = at
	if low > high {
		act.status = "Failed"
		act.message = fmt.Sprintf("Failed to set min capacity to %d and max capacity to %d. Reason: Minimum capacity cannot be greater than maximum capacity", low, high)
		return
	}
	act.status, act.message = "Successful", "Successfully set"+text[len("Setting"):]
	t.min, t.max = low, high
	s.fit(t, at)
}
