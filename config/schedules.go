package config

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // Time zones must not depend on the machine; a scratch image has none.
	"unicode"

	"ecs-autoscaler/config/strict"
)

// ScheduledAction is one entry of scheduled_actions (API PutScheduledAction). Nothing acts on it yet.
type ScheduledAction struct {
	Name     string
	Schedule string
	// Timezone is that of at and cron expressions.
	Timezone *time.Location
	// StartTime and EndTime bound a recurring schedule; zero means no bound.
	StartTime, EndTime time.Time
	// MinCapacity and MaxCapacity are nil where the action leaves the bound alone; at least one is set.
	MinCapacity, MaxCapacity *int
	CatchUp                  CatchUp
}

// maxScheduledActions is AWS's quota for one target (case 353).
const maxScheduledActions = 200

// scheduledAction reads one entry of scheduled_actions.
func (b *targetBuilder) scheduledAction(v strict.Value, t *Target) (ScheduledAction, bool) {
	m, ok := v.Mapping()
	if !ok {
		return ScheduledAction{}, false
	}
	a := ScheduledAction{Timezone: time.UTC, CatchUp: b.options.catchUp}
	a.Name = b.actionName(m)
	schedule := strict.Need(m, "schedule", `"cron(0 8 ? * MON-FRI *)"`, scheduleShape)
	a.Schedule = schedule.Value
	strict.Overlay(&a.Timezone, strict.Read(m, "timezone", timezone))
	start, end := strict.Read(m, "start_time", instant), strict.Read(m, "end_time", instant)
	a.StartTime, a.EndTime = start.Value, end.Value
	if start.Valid && end.Valid && !end.Value.After(start.Value) {
		b.d.Errorf(end.At, "end_time must be after start_time")
	}
	strict.Overlay(&a.CatchUp, strict.Read(m, "catch_up", strict.OneOf(CatchUpNewest, CatchUpNone)))
	a.MinCapacity, a.MaxCapacity = b.actionBounds(m, t)
	m.Close()
	return a, schedule.Valid
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

const scheduleForms = `"at(2026-01-31T17:00:00)", "rate(5 minutes)" or "cron(0 8 ? * MON-FRI *)"`

var rateForm = regexp.MustCompile(`^\s*([0-9]+)\s+(minutes?|hours?|days?)\s*$`)

// scheduleShape checks the outer form of an expression and the number of its fields.
func scheduleShape(v strict.Value) (string, bool) {
	s, ok := v.Filled()
	if !ok {
		return "", false
	}
	kind, inner, opened := strings.Cut(s, "(")
	known := kind == "at" || kind == "rate" || kind == "cron"
	switch {
	case opened && known && !strings.HasSuffix(inner, ")"):
		v.Errorf(v.At, "%s( is never closed in %q; put the whole schedule in quotes, because YAML ends an unquoted text at a comma inside { } or [ ]", kind, strict.Shorten(s))
		return "", false
	case !opened || !known:
		v.Errorf(v.At, "schedule must have one of the forms %s, not %q", scheduleForms, strict.Shorten(s))
		return "", false
	}
	if wrong := checkSchedule(kind, strings.TrimSuffix(inner, ")")); wrong != "" {
		v.Errorf(v.At, "%s, not %q", wrong, strict.Shorten(s))
		return "", false
	}
	return s, true
}

// checkSchedule says what is wrong between the parentheses, if anything (aws-semantics 4.3 to 4.5).
func checkSchedule(kind, inner string) string {
	switch kind {
	case "at":
		if _, err := time.Parse("2006-01-02T15:04:05", inner); err != nil {
			return "at(...) needs a date and a time as in at(2026-01-31T17:00:00)"
		}
	case "rate":
		m := rateForm.FindStringSubmatch(inner)
		if m == nil {
			return "rate(...) needs a whole number and minutes, hours or days as in rate(5 minutes)"
		}
		if n, err := strconv.ParseInt(m[1], 10, 32); err != nil || n < 1 {
			return "the number in rate(...) must be at least 1 and fit into 32 bits"
		}
	default:
		if n := len(strings.Fields(inner)); n != 6 && n != 7 {
			return "cron(...) has " + strconv.Itoa(n) + " fields but needs six, minutes hours day-of-month month day-of-week year, as in cron(0 8 ? * MON-FRI *) (seconds may come first)"
		}
	}
	return ""
}

// timezone reads an IANA name. Go's "Local" is refused: it would depend on the machine.
func timezone(v strict.Value) (*time.Location, bool) {
	s, ok := v.Filled()
	if !ok {
		return nil, false
	}
	zone, err := time.LoadLocation(s)
	if err != nil || s == "Local" {
		v.Errorf(v.At, "timezone must be an IANA name such as Europe/London or Etc/UTC, not %q", strict.Shorten(s))
		return nil, false
	}
	return zone, true
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
