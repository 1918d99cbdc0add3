package scaling

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cron is cron(…): whether a minute is one of those it means is asked of each minute. The wildcards L, W and # are not
// simulated.
type cron struct {
	zone   *time.Location
	fields [6]string // minutes, hours, day of month, month, day of week, year; names are numbers, ? is *
}

// cronField is what a field may have.
type cronField struct {
	name      string
	low, high int
	names     string
}

var cronFields = [6]cronField{
	{"minutes", 0, 59, ""}, {"hours", 0, 23, ""}, {"day of month", 1, 31, ""},
	{"month", 1, 12, "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"}, {"day of week", 1, 7, "SUN MON TUE WED THU FRI SAT"},
	{"year", 1970, 2199, ""},
}

func parseCron(text string, zone *time.Location) (cron, error) {
	c := cron{zone: zone}
	fields := strings.Fields(strings.ToUpper(text))
	if len(fields) != len(c.fields) {
		return c, fmt.Errorf("cron has six fields, minutes hours day-of-month month day-of-week year, not %d", len(fields))
	}
	if (fields[2] == "?") == (fields[4] == "?") {
		return c, fmt.Errorf("exactly one of day of month and day of week must be ?")
	}
	for i, f := range fields {
		known := &cronFields[i]
		for n, name := range strings.Fields(known.names) {
			f = strings.ReplaceAll(f, name, strconv.Itoa(n+1))
		}
		if f == "?" && (i == 2 || i == 4) {
			f = "*"
		}
		for part := range strings.SplitSeq(f, ",") {
			if _, err := known.part(part); err != nil {
				return c, err
			}
		}
		c.fields[i] = f
	}
	return c, nil
}

// part reads one of the values of a field, such as 5, 1-5, */10 or 3/4: from and to are its ends, which may be turned round.
func (f *cronField) part(text string) (p cronPart, err error) {
	span, by, stepped := strings.Cut(text, "/")
	p.step = 1
	if stepped {
		if p.step, err = strconv.Atoi(by); err != nil || p.step < 1 {
			return p, fmt.Errorf("%q is no step in the field %s", text, f.name)
		}
	}
	first, last, ranged := strings.Cut(span, "-")
	switch {
	case span == "*":
		p.from, p.to = f.low, f.high
	case ranged:
		p.from, p.to = f.number(first), f.number(last)
	default:
		p.from = f.number(first)
		if p.to = p.from; stepped {
			p.to = f.high
		}
	}
	if p.from < f.low || p.to < f.low {
		return p, fmt.Errorf("%q is not in the field %s, which has %d to %d; L, W and # are not simulated", text, f.name, f.low, f.high)
	}
	return p, nil
}

// cronPart is each step-th value from one to another.
type cronPart struct{ from, to, step int }

// number is a value of the field, -1 if it is none.
func (f *cronField) number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < f.low || n > f.high {
		return -1
	}
	return n
}

func (f *cronField) has(text string, v int) bool {
	for part := range strings.SplitSeq(text, ",") {
		p, err := f.part(part)
		if err != nil {
			continue // parseCron has read it
		}
		distance, length, round := v-p.from, p.to-p.from, f.high-f.low+1
		if length < 0 { // such as 22-2
			length, distance = length+round, (distance+round)%round
		}
		if distance >= 0 && distance <= length && distance%p.step == 0 {
			return true
		}
	}
	return false
}

func (c cron) due(_, after, upTo time.Time) bool {
	minute := upTo.Truncate(time.Minute)
	if !minute.After(after) {
		return false
	}
	t := minute.In(c.zone)
	for i, v := range []int{t.Minute(), t.Hour(), t.Day(), int(t.Month()), int(t.Weekday()) + 1, t.Year()} {
		if !cronFields[i].has(c.fields[i], v) {
			return false
		}
	}
	return !repeated(t)
}

// repeated says that clocks have been put back and show this time for the second time.
func repeated(t time.Time) bool {
	_, now := t.Zone()
	_, before := t.Add(-3 * time.Hour).Zone()
	if before <= now {
		return false
	}
	_, then := t.Add(-time.Duration(before-now) * time.Second).Zone()
	return then == before
}
