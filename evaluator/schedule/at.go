package schedule

import (
	"regexp"
	"strconv"
	"time"
)

// atForm is a date and a time as people write them; what is not AWS's form of it is told apart afterwards.
var atForm = regexp.MustCompile(`(?i)^\s*([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})` +
	`(?:(t|\s+)([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})([.,][0-9]+)?)?)?` +
	`\s*(z|utc|gmt|[-+][0-9]{1,2}(?::?[0-9]{2})?)?\s*$`)

// The groups of atForm.
const (
	atYear = 1 + iota
	atMonth
	atDay
	atSeparator
	atHour
	atMinute
	atSecond
	atFraction
	atZone
	atGroups
)

// moment is the date and time of an at, as far as it is written.
type moment struct {
	all   piece
	parts [atGroups]piece
	// there says which parts are written; the others are empty pieces.
	there [atGroups]bool
}

// parseAt reads yyyy-mm-ddThh:mm:ss (aws-semantics 4.3).
func parseAt(inner piece) (int64, *Error) {
	m := moment{all: inner}
	found := atForm.FindStringSubmatchIndex(inner.String())
	if found == nil {
		return 0, inner.orAll().wrong("at(...) needs a date and a time, yyyy-mm-ddThh:mm:ss, as in at(2026-01-31T17:00:00)")
	}
	for i := range m.parts {
		if found[2*i] >= 0 {
			m.parts[i], m.there[i] = inner.part(found[2*i], found[2*i+1]), true
		}
	}
	if wrong := m.impossible(); wrong != nil {
		return 0, wrong
	}
	if wrong := m.misspelt(); wrong != nil {
		return 0, wrong.fixed(inner.instead(m.spelt()))
	}
	return m.seconds(), nil
}

// number is the value of a part, 0 where it is not written.
func (m *moment) number(part int) int {
	n, _ := strconv.Atoi(m.parts[part].String()) // at most four digits, or none
	return n
}

func (m *moment) seconds() int64 {
	return time.Date(m.number(atYear), time.Month(m.number(atMonth)), m.number(atDay),
		m.number(atHour), m.number(atMinute), m.number(atSecond), 0, time.UTC).Unix()
}

// impossible finds numbers that no calendar and no clock shows.
func (m *moment) impossible() *Error {
	for _, r := range []struct {
		part      int
		name      string
		low, high int
	}{{atMonth, "month", 1, 12}, {atDay, "day", 1, 31}, {atHour, "hour", 0, 23}, {atMinute, "minute", 0, 59}, {atSecond, "second", 0, 59}} {
		n, part := m.number(r.part), m.parts[r.part]
		if !m.there[r.part] || r.low <= n && n <= r.high {
			continue
		}
		wrong := part.wrong("the %s must be from %d to %d, not %s", r.name, r.low, r.high, part)
		if r.part == atHour && n == 24 {
			wrong = wrong.hint("midnight is 00:00:00 of the day that begins").fixed(m.all.instead(m.spelt()))
		}
		return wrong
	}
	year, month := m.number(atYear), time.Month(m.number(atMonth))
	if days := daysIn(year, int(month)); m.number(atDay) > days {
		return m.parts[atDay].wrong("%s %d has %d days, so there is no day %s", month, year, days, m.parts[atDay])
	}
	return nil
}

// misspelt finds what is clear but not written as AWS wants it.
func (m *moment) misspelt() *Error {
	whole := m.all.trim()
	switch {
	case m.there[atZone]:
		return m.parts[atZone].wrong("at(...) takes a local time, without %s", m.parts[atZone].shown()).hint("the time zone is a setting of its own (timezone), UTC if nothing is said")
	case !m.there[atHour]:
		return whole.wrong("at(...) needs a date and a time, and the time is missing")
	case m.parts[atSeparator].String() != "T":
		return m.parts[atSeparator].wrong("date and time must be separated by T, not %s", m.parts[atSeparator].shown())
	case !m.there[atSecond]:
		return whole.wrong("at(...) needs the seconds too")
	case m.there[atFraction]:
		return m.parts[atFraction].wrong("at(...) takes whole seconds")
	case whole.String() != m.spelt():
		return whole.wrong("month, day, hour, minute and second need two digits each")
	}
	return nil
}

// spelt is the moment as AWS wants it written. An offset is dropped, not applied: only who wrote it knows whether the
// time or the zone was meant.
func (m *moment) spelt() string { return time.Unix(m.seconds(), 0).UTC().Format("2006-01-02T15:04:05") }
