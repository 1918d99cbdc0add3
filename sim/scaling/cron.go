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
		for _, part := range strings.Split(f, ",") {
			if _, _, _, err := known.part(part); err != nil {
				return c, err
			}
		}
		c.fields[i] = f
	}
	return c, nil
}

// part reads one of the values of a field, such as 5, 1-5, */10 or 3/4: from and to are its ends, which may be turned round.
func (f *cronField) part(text string) (from, to, step int, err error) {
	span, by, stepped := strings.Cut(text, "/")
	step = 1
	if stepped {
		if step, err = strconv.Atoi(by); err != nil || step < 1 {
			return 0, 0, 0, fmt.Errorf("%q is no step in the field %s", text, f.name)
		}
	}
	if span == "*" {
		return f.low, f.high, step, nil
	}
	first, last, ranged := strings.Cut(span, "-")
	from, err = strconv.Atoi(first)
	to = from
	if ranged && err == nil {
		to, err = strconv.Atoi(last)
	} else if stepped {
		to = f.high
	}
	if err != nil || from < f.low || from > f.high || to < f.low || to > f.high {
		return 0, 0, 0, fmt.Errorf("%q is not in the field %s, which has %d to %d; L, W and # are not simulated", text, f.name, f.low, f.high)
	}
	return from, to, step, nil
}

func (f *cronField) has(text string, v int) bool {
	for _, part := range strings.Split(text, ",") {
		from, to, step, err := f.part(part)
		if err != nil {
			continue // parseCron has read it
		}
		distance, length := v-from, to-from
		if length < 0 { // such as 22-2
			length += f.high - f.low + 1
		}
		if distance < 0 {
			distance += f.high - f.low + 1
			if to >= from {
				continue
			}
		}
		if distance <= length && distance%step == 0 {
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
