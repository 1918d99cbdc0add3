package config

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // Time zones must not depend on the machine; a scratch image has none.
	"unicode"
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
func (b *targetBuilder) scheduledAction(v value, t *Target) (ScheduledAction, bool) {
	m, ok := v.mapping()
	if !ok {
		return ScheduledAction{}, false
	}
	a := ScheduledAction{Timezone: time.UTC, CatchUp: b.options.catchUp}
	a.Name = b.actionName(m)
	schedule := need(m, "schedule", `"cron(0 8 ? * MON-FRI *)"`, scheduleShape)
	a.Schedule = schedule.value
	overlay(&a.Timezone, read(m, "timezone", timezone))
	start, end := read(m, "start_time", instant), read(m, "end_time", instant)
	a.StartTime, a.EndTime = start.value, end.value
	if start.valid && end.valid && !end.value.After(start.value) {
		b.d.errorf(end.at, "end_time must be after start_time")
	}
	overlay(&a.CatchUp, read(m, "catch_up", oneOf(CatchUpNewest, CatchUpNone)))
	a.MinCapacity, a.MaxCapacity = b.actionBounds(m, t)
	m.close()
	return a, schedule.valid
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

const scheduleForms = `"at(2026-01-31T17:00:00)", "rate(5 minutes)" or "cron(0 8 ? * MON-FRI *)"`

var rateForm = regexp.MustCompile(`^\s*([0-9]+)\s+(minutes?|hours?|days?)\s*$`)

// scheduleShape checks the outer form of an expression and the number of its fields.
func scheduleShape(v value) (string, bool) {
	s, ok := v.filled()
	if !ok {
		return "", false
	}
	kind, inner, opened := strings.Cut(s, "(")
	known := kind == "at" || kind == "rate" || kind == "cron"
	switch {
	case opened && known && !strings.HasSuffix(inner, ")"):
		v.d.errorf(v.at, "%s( is never closed in %q; put the whole schedule in quotes, because YAML ends an unquoted text at a comma inside { } or [ ]", kind, shorten(s))
		return "", false
	case !opened || !known:
		v.d.errorf(v.at, "schedule must have one of the forms %s, not %q", scheduleForms, shorten(s))
		return "", false
	}
	if wrong := checkSchedule(kind, strings.TrimSuffix(inner, ")")); wrong != "" {
		v.d.errorf(v.at, "%s, not %q", wrong, shorten(s))
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
func timezone(v value) (*time.Location, bool) {
	s, ok := v.filled()
	if !ok {
		return nil, false
	}
	zone, err := time.LoadLocation(s)
	if err != nil || s == "Local" {
		v.d.errorf(v.at, "timezone must be an IANA name such as Europe/London or Etc/UTC, not %q", shorten(s))
		return nil, false
	}
	return zone, true
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
