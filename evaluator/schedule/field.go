package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The years that AWS's cron expressions know (aws-semantics 4.5).
const (
	firstYear = 1970
	lastYear  = 2199
)

// field is what may stand in one field of a cron expression.
type field struct {
	name      string
	low, high int
	// names stand for the numbers from low.
	names []string
}

var fields = [fieldCount]field{
	minutes:    {"minutes", 0, 59, nil},
	hours:      {"hours", 0, 23, nil},
	dayOfMonth: {"day-of-month", 1, 31, nil},
	month:      {"month", 1, 12, []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
	dayOfWeek:  {"day-of-week", 1, 7, []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}},
	year:       {"year", firstYear, lastYear, nil},
}

// second is the first of seven fields. It is checked and not honoured: 1 minute is the finest resolution.
var second = field{"seconds", 0, 59, nil}

// size is how many values a field has.
func (f field) size() int { return f.high - f.low + 1 }

// allowed says it for messages.
func (f field) allowed() string {
	s := fmt.Sprintf("from %d to %d", f.low, f.high)
	if len(f.names) > 0 {
		s += fmt.Sprintf(" or %s to %s", f.names[0], f.names[len(f.names)-1])
	}
	return s
}

// span reads *, a, a-b and each of them with /n, and gives the values from f.low, which is 0.
func (f field) span(p piece) (set, *Error) {
	body, step, stepped := p.cut("/")
	from, to, every := 0, f.size()-1, 1
	var wrong *Error
	switch low, high, ranged := body.cut("-"); {
	case body.String() == "*":
	case body.String() == "" && stepped:
		return set{}, p.wrong("%s has nothing before the slash", f.name).fixed(p.instead("*" + p.String()))
	case ranged:
		from, to, wrong = f.ends(body, low, high)
	default:
		from, wrong = f.value(body)
		if !stepped {
			to = from
		}
	}
	if wrong == nil && stepped {
		every, wrong = f.step(p, step)
	}
	if wrong != nil {
		return set{}, wrong
	}
	var values set
	for n := from; n <= to; n += every {
		values.add(n % f.size())
	}
	return values, nil
}

// ends are those of a range. One that runs backwards goes over the end of the field and on from its beginning
// (EB-CRON has hours 20-2); for years that would mean nothing.
func (f field) ends(body, low, high piece) (from, to int, wrong *Error) {
	if from, wrong = f.value(low); wrong != nil {
		return 0, 0, wrong
	}
	if to, wrong = f.value(high); wrong != nil {
		return 0, 0, wrong
	}
	if to < from && f.low == firstYear {
		return 0, 0, body.wrong("the years %s run backwards", body.shown()).fixed(body.instead(high.String() + "-" + low.String()))
	}
	if to < from {
		to += f.size()
	}
	return from, to, nil
}

// step is the n of /n. A step beyond the field is refused, because whoever writes 0/90 minutes does not want 0.
func (f field) step(p, step piece) (int, *Error) {
	n, err := strconv.Atoi(step.String())
	if err == nil && 1 <= n && n <= f.size() && digits(step.String()) {
		return n, nil
	}
	if step.String() == "" {
		return 0, p.wrong("%s has no number after the slash", f.name)
	}
	wrong := step.wrong("the step of %s must be from 1 to %d, not %s", f.name, f.size(), step.shown())
	if n > f.size() && (f.high == 59 || f.high == 23) {
		wrong = wrong.hint(fmt.Sprintf("a step stays inside the field; for every %d %s write rate(%d %s)", n, f.name, n, f.name))
	}
	return 0, wrong
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// value reads a number or a name, and counts it from f.low.
func (f field) value(p piece) (int, *Error) {
	s := p.String()
	if i := slices.Index(f.names, strings.ToUpper(s)); i >= 0 {
		return i, nil
	}
	if !digits(s) {
		return 0, f.unknown(p)
	}
	n, err := strconv.Atoi(s)
	if err == nil && f.low <= n && n <= f.high {
		return n - f.low, nil
	}
	return 0, f.outside(p, n)
}

// outside explains a number that the field does not have.
func (f field) outside(p piece, n int) *Error {
	wrong := p.wrong("%s must be %s, not %s", f.name, f.allowed(), p.shown())
	switch {
	case f.high == 23 && n == 24:
		return wrong.hint("24 is hour 0 of the next day")
	case f.name == second.name && n == 60:
		return wrong.hint("60 is second 0 of the next minute")
	case f.high == 59 && n == 60:
		return wrong.hint("60 is minute 0 of the next hour")
	case f.high == 7 && n == 0:
		return wrong.hint("Sunday is 1").fixed(p.instead("SUN"))
	case f.high == lastYear && len(p.String()) == 2:
		return wrong.fixed(p.instead("20" + p.String()))
	}
	return wrong
}

// unknown explains what is neither a number nor a name of this field.
func (f field) unknown(p piece) *Error {
	s := strings.ToUpper(p.String())
	switch {
	case s == "":
		return p.around().wrong("a value is missing in %s, which must be %s", f.name, f.allowed())
	case s == "?":
		return p.wrong("%s cannot be ?, which stands in a day field and says that the other one counts", f.name).fixed(p.instead("*"))
	}
	wrong := p.wrong("%s must be %s, not %s", f.name, f.allowed(), p.shown())
	if len(s) > 3 && slices.Contains(f.names, s[:3]) {
		return wrong.fixed(p.instead(s[:3]))
	}
	for _, other := range fields {
		if slices.Contains(other.names, s) {
			return wrong.hint(fmt.Sprintf("%s is a value of %s; the order is %s", s, other.name, order))
		}
	}
	if strings.ContainsAny(s, "L#W") && len(s) <= 3 {
		wrong = wrong.hint("L stands in day-of-month and day-of-week, W in day-of-month and # in day-of-week")
	}
	return wrong
}

// order is that of the fields.
const order = "minutes hours day-of-month month day-of-week year"

// around is the word, between blanks and parentheses, that an empty piece stands in.
func (p piece) around() piece {
	const ends = " \t\n\r()"
	from := strings.LastIndexAny(p.whole[:p.from], ends) + 1
	to := strings.IndexAny(p.whole[p.to:], ends)
	if to < 0 {
		to = len(p.whole) - p.to
	}
	return piece{p.whole, from, p.to + to}
}
