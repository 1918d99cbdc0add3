package config

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // Time zones must not depend on the machine; a scratch image has none.
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"

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
func (b *targetBuilder) scheduledAction(v value, t *Target) (ScheduledAction, bool) {
	m, ok := v.mapping()
	if !ok {
		return ScheduledAction{}, false
	}
	a := ScheduledAction{CatchUp: b.options.catchUp}
	a.Name = b.actionName(m)
	text := need(m, "schedule", `"cron(0 8 ? * MON-FRI *)"`, scheduleExpression)
	zone := read(m, "timezone", timezone)
	start, end := read(m, "start_time", instant), read(m, "end_time", instant)
	a.Schedule = schedule.Schedule{Expression: text.value, Zone: time.UTC, Start: start.value, End: end.value}
	overlay(&a.Schedule.Zone, zone)
	switch {
	case start.valid && end.valid && !end.value.After(start.value):
		b.d.errorf(end.at, "end_time must be after start_time")
	case all(text.valid, zone.usable(), start.usable(), end.usable()):
		b.d.lintNever(text.at, &a.Schedule)
	}
	overlay(&a.CatchUp, read(m, "catch_up", oneOf(CatchUpNewest, CatchUpNone)))
	a.MinCapacity, a.MaxCapacity = b.actionBounds(m, t)
	m.close()
	return a, text.valid
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
func (b *targetBuilder) actionBounds(m *mapping, t *Target) (low, high *int) {
	newMin, newMax := read(m, "min_capacity", capacity), read(m, "max_capacity", capacity)
	switch {
	case !newMin.present && !newMax.present:
		b.d.errorf(m.at, "a scheduled action needs min_capacity or max_capacity, or both")
	case newMin.valid && newMax.valid && newMin.value > newMax.value:
		b.d.errorf(newMin.at, "min_capacity (%d) must not exceed max_capacity (%d)", newMin.value, newMax.value)
	case b.bounded && !newMax.present:
		b.d.lintCrossing(newMin, t.MaxCapacity < newMin.value, "min_capacity %d exceeds", "max_capacity", t.MaxCapacity)
	case b.bounded && !newMin.present:
		b.d.lintCrossing(newMax, t.MinCapacity > newMax.value, "max_capacity %d is below", "min_capacity", t.MinCapacity)
	}
	return newMin.pointer(), newMax.pointer()
}

// actionName is stricter than the name of a policy (API ScheduledActionName, case 323).
func (b *targetBuilder) actionName(m *mapping) string {
	name := b.name(m, "scheduled action")
	at := b.names[name]
	switch {
	case name == "":
	case strings.ContainsAny(name, ":/|"):
		b.d.errorf(at, "the name of a scheduled action must not contain a colon, slash or vertical bar, but %q does", shorten(name))
	case strings.TrimFunc(name, unicode.IsSpace) != name:
		b.d.errorf(at, "the name of a scheduled action must not begin or end with a blank, but %q does", shorten(name))
	}
	return name
}

// scheduleExpression reads at(...), rate(...) or cron(...). A mistake is pointed at inside the text.
func scheduleExpression(v value) (schedule.Expression, bool) {
	s, ok := v.filled()
	if !ok {
		return schedule.Expression{}, false
	}
	e, err := schedule.Parse(s)
	if wrong, ok := errors.AsType[*schedule.Error](err); ok {
		at, message := v.at, wrong.Error()
		if inside, found := v.within(s, wrong.Offset); found {
			at, message = inside, wrong.Message()
		}
		v.d.errorf(at, "%s%s", message, v.cutShort(s))
		return e, false
	}
	return e, true
}

// cutShort explains a text without its closing parenthesis: most probably YAML has cut it.
func (v value) cutShort(s string) string {
	if kind := v.node.GetToken().Type; strings.Contains(s, ")") || kind == token.SingleQuoteType || kind == token.DoubleQuoteType {
		return ""
	}
	return "; put the whole schedule in quotes, because YAML ends an unquoted text at a comma inside { } or [ ]"
}

// within is the place of a byte of a scalar's text, unless escapes, variables, aliases or folded lines hide it.
func (v value) within(s string, offset int) (position, bool) {
	if v.at.line < 1 || v.at.line > len(v.d.lines) {
		return v.at, false
	}
	line := v.d.lines[v.at.line-1]
	rest := line[byteOffset(line, v.at.column):]
	plain := strings.TrimLeft(rest, `"'`)
	if len(rest)-len(plain) > 1 || !strings.HasPrefix(plain, s) {
		return v.at, false
	}
	return position{v.at.line, v.at.column + len(rest) - len(plain) + utf8.RuneCountInString(s[:offset])}, true
}

// timezone reads the name of a time zone.
func timezone(v value) (*time.Location, bool) {
	s, ok := v.filled()
	if !ok {
		return nil, false
	}
	zone, err := Timezone(s)
	if err != nil {
		v.d.errorf(v.at, "%s", err)
	}
	return zone, err == nil
}

// Timezone finds a time zone by its IANA name (API PutScheduledAction Timezone), in the data of this binary if the machine
// has none. Go's "Local" is refused: it would depend on the machine.
func Timezone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" || name == "" {
		return nil, fmt.Errorf("timezone must be an IANA name such as Europe/London or Etc/UTC, not %q", shorten(name))
	}
	return zone, nil
}

// instant reads RFC 3339. AWS's own times here are always UTC; an offset says the same instant.
func instant(v value) (time.Time, bool) {
	s, ok := v.filled()
	if !ok {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		v.d.errorf(v.at, "%s must be a time as in 2026-01-31T17:00:00Z, not %q", v.key, shorten(s))
		return time.Time{}, false
	}
	return at.UTC(), true
}
