package config

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // Time zones must not depend on the machine; a scratch image has none.
	"unicode"

	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/evaluator/schedule"
)

// ScheduledAction is one entry of scheduled_actions (API PutScheduledAction).
type ScheduledAction struct {
	Name string
	// Schedule says when; its Zone is set, UTC if the text names none.
	Schedule schedule.Schedule
	// MinCapacity and MaxCapacity are nil where the action leaves the bound alone; at least one is set.
	MinCapacity, MaxCapacity *int
	// CatchUp says what happens to a fire that fell due while the daemon was down.
	CatchUp CatchUp
}

// maxScheduledActions is AWS's quota for one target (case 353).
const maxScheduledActions = 200

// scheduledAction reads one entry of scheduled_actions.
func (b *targetBuilder) scheduledAction(v strict.Value, t *Target) (ScheduledAction, bool) {
	m, ok := v.Mapping()
	if !ok {
		return ScheduledAction{}, false
	}
	a := ScheduledAction{CatchUp: b.options.catchUp}
	a.Name = b.actionName(m)
	text := strict.Need(m, "schedule", `"cron(0 8 ? * MON-FRI *)"`, scheduleExpression)
	zone := strict.Read(m, "timezone", timezone)
	start, end := strict.Read(m, "start_time", instant), strict.Read(m, "end_time", instant)
	a.Schedule = schedule.Schedule{Expression: text.Value, Zone: time.UTC, Start: start.Value, End: end.Value}
	strict.Overlay(&a.Schedule.Zone, zone)
	switch {
	case start.Valid && end.Valid && !end.Value.After(start.Value):
		b.d.Errorf(end.At, "end_time must be after start_time")
	case all(text.Valid, zone.Usable(), start.Usable(), end.Usable()):
		lintNever(b.d, text.At, &a.Schedule)
	}
	strict.Overlay(&a.CatchUp, strict.Read(m, "catch_up", strict.OneOf(CatchUpNewest, CatchUpNone)))
	a.MinCapacity, a.MaxCapacity = b.actionBounds(m, t)
	m.Close()
	return a, text.Valid
}

// action is the evaluator's form. All services of the entry share it.
func (a *ScheduledAction) action() evaluator.ScheduledAction {
	s := &a.Schedule
	return evaluator.ScheduledAction{
		Name: a.Name, Schedule: s, Min: a.MinCapacity, Max: a.MaxCapacity, CatchUp: a.CatchUp == CatchUpNewest,
		Identity: strings.Join([]string{s.Expression.String(), s.Zone.String(), moment(s.Start), moment(s.End)}, " "),
	}
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// actionBounds reads the new bounds: at least one, and in order (case 352).
func (b *targetBuilder) actionBounds(m *strict.Mapping, t *Target) (low, high *int) {
	newMin, newMax := strict.Read(m, "min_capacity", capacity), strict.Read(m, "max_capacity", capacity)
	switch {
	case !newMin.Present && !newMax.Present:
		b.d.Errorf(m.At, "a scheduled action needs min_capacity or max_capacity, or both")
	case newMin.Valid && newMax.Valid && newMin.Value > newMax.Value:
		b.d.Errorf(newMin.At, "min_capacity (%d) must not exceed max_capacity (%d)", newMin.Value, newMax.Value)
	case b.bounded && !newMax.Present:
		b.lintCrossing(newMin, t.MaxCapacity < newMin.Value, "min_capacity %d exceeds", "max_capacity", t.MaxCapacity)
	case b.bounded && !newMin.Present:
		b.lintCrossing(newMax, t.MinCapacity > newMax.Value, "max_capacity %d is below", "min_capacity", t.MinCapacity)
	}
	return newMin.Pointer(), newMax.Pointer()
}

// actionName is stricter than the name of a policy (API ScheduledActionName, case 323).
func (b *targetBuilder) actionName(m *strict.Mapping) string {
	name := b.name(m, "scheduled action")
	at := b.names[name]
	switch {
	case name == "":
	case strings.ContainsAny(name, ":/|"):
		b.d.Errorf(at, "the name of a scheduled action must not contain a colon, slash or vertical bar, but %q does", strict.Shorten(name))
	case strings.TrimFunc(name, unicode.IsSpace) != name:
		b.d.Errorf(at, "the name of a scheduled action must not begin or end with a blank, but %q does", strict.Shorten(name))
	}
	return name
}

// scheduleExpression reads at(...), rate(...) or cron(...). A mistake is pointed at inside the text.
func scheduleExpression(v strict.Value) (schedule.Expression, bool) {
	s, ok := v.Filled()
	if !ok {
		return schedule.Expression{}, false
	}
	e, err := schedule.Parse(s)
	if wrong, ok := errors.AsType[*schedule.Error](err); ok {
		at, message := v.At, wrong.Error()
		if inside, found := v.Within(s, wrong.Offset); found {
			at, message = inside, wrong.Message()
		}
		v.Errorf(at, "%s%s", message, cutShort(v, s))
		return e, false
	}
	return e, true
}

// cutShort explains a text without its closing parenthesis: most probably YAML has cut it.
func cutShort(v strict.Value, s string) string {
	if strings.Contains(s, ")") || v.IsQuoted() {
		return ""
	}
	return "; put the whole schedule in quotes, because YAML ends an unquoted text at a comma inside { } or [ ]"
}

// timezone reads the name of a time zone.
func timezone(v strict.Value) (*time.Location, bool) {
	s, ok := v.Filled()
	if !ok {
		return nil, false
	}
	zone, err := Timezone(s)
	if err != nil {
		v.Errorf(v.At, "%s", err)
	}
	return zone, err == nil
}

// Timezone finds a time zone by its IANA name (API PutScheduledAction Timezone), in the data of this binary if the machine
// has none. Go's "Local" is refused: it would depend on the machine.
func Timezone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" || name == "" {
		return nil, fmt.Errorf("timezone must be an IANA name such as Europe/London or Etc/UTC, not %q", strict.Shorten(name))
	}
	return zone, nil
}

// instant reads RFC 3339. AWS's own times here are always UTC; an offset says the same instant.
func instant(v strict.Value) (time.Time, bool) {
	s, ok := v.Filled()
	if !ok {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		v.Errorf(v.At, "%s must be a time as in 2026-01-31T17:00:00Z, not %q", v.Key, strict.Shorten(s))
		return time.Time{}, false
	}
	return at.UTC(), true
}
