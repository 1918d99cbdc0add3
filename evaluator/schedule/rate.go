package schedule

import (
	"errors"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// unit is a unit of time in seconds, under every name that people give it.
type unit struct {
	seconds int64
	// plural is AWS's name, "" for a unit that rate does not have.
	plural string
	others string
}

// units are AWS's three, and after them those that people expect. A day has 24 hours, whatever the clocks do
// (aws-semantics 4.4).
var units = []unit{
	{60, "minutes", "minute m min mins"},
	{3600, "hours", "hour h hr hrs"},
	{86_400, "days", "day d"},
	{1, "", "seconds second s sec secs"},
	{7 * 86_400, "", "weeks week w wk wks"},
}

// singular is how one of them is called.
func (u unit) singular() string { return strings.TrimSuffix(u.plural, "s") }

func unitOf(name string) (unit, bool) {
	name = strings.ToLower(name)
	for _, u := range units {
		if name == u.plural || slices.Contains(strings.Fields(u.others), name) {
			return u, true
		}
	}
	return unit{}, false
}

// maxRate is the longest interval in seconds, 292 years: what a time.Duration holds.
const maxRate = int64(math.MaxInt64 / time.Second)

// splitNumber parts a number from a unit that has no blank before it.
var splitNumber = regexp.MustCompile(`^([-+]?[0-9.,]*)(.*)$`)

// parseRate reads "N unit" and gives the interval in seconds. AWS lists singular and plural without a rule on which
// number goes with which, so both go with any (aws-semantics 4.4, case 316).
func parseRate(inner piece) (int64, *Error) {
	words := inner.fields()
	if len(words) == 1 {
		n := len(splitNumber.FindStringSubmatch(words[0].String())[1])
		return 0, incomplete(inner, words[0].part(0, n), words[0].part(n, words[0].to-words[0].from))
	}
	if len(words) != 2 {
		wrong := inner.orAll().wrong("rate(...) needs one number and one unit, minutes, hours or days, as in rate(5 minutes)")
		if len(words) == 3 && strings.EqualFold(words[0].String(), "every") {
			wrong = wrong.fixed(inner.instead(words[1].String() + " " + words[2].String()))
		}
		return 0, wrong
	}
	u, wrong := parseUnit(inner, words[0], words[1])
	if wrong != nil {
		return 0, wrong
	}
	return interval(inner, words[0], u)
}

// incomplete is a rate of which the number, the unit or the blank between them is missing.
func incomplete(inner, number, name piece) *Error {
	u, known := unitOf(name.String())
	switch {
	case name.String() == "":
		return number.wrong("the unit is missing after %s: minutes, hours or days, as in rate(5 minutes)", number.shown())
	case number.String() == "" && known:
		return name.wrong("the number is missing before %s", name.shown()).fixed(inner.instead("1 " + u.singularOr(name.String())))
	case number.String() == "":
		return name.wrong("rate(...) needs one number and one unit, minutes, hours or days, as in rate(5 minutes)")
	}
	return inner.wrong("a blank is missing between the number and the unit").fixed(inner.instead(number.String() + " " + name.String()))
}

// singularOr is AWS's name, or what was written where AWS has none.
func (u unit) singularOr(written string) string {
	if u.plural == "" {
		return written
	}
	return u.singular()
}

// parseUnit reads minutes, hours or days, and explains what else there is.
func parseUnit(inner, number, name piece) (unit, *Error) {
	u, known := unitOf(name.String())
	n, _ := strconv.ParseInt(number.String(), 10, 64) // a number that is wrong gives no correction
	switch {
	case u.plural != "" && (name.String() == u.plural || name.String() == u.singular()):
		return u, nil
	case u.plural != "":
		return u, name.wrong("the unit must be minutes, hours or days, not %s", name.shown()).fixed(name.instead(u.plural))
	case !known:
		wrong := name.wrong("the unit must be minutes, hours or days, not %s", name.shown())
		if plain := strings.ToLower(name.String()); strings.HasPrefix(plain, "month") || strings.HasPrefix(plain, "year") {
			wrong = wrong.hint("months and years differ in length; for the first of every month write cron(0 0 1 * ? *)")
		}
		return u, wrong
	case u.seconds == 1:
		return u, seconds(inner, name, n)
	}
	wrong := name.wrong("the unit must be minutes, hours or days, not %s", name.shown()).hint("a week has 7 days")
	if 0 < n && n <= maxRate/u.seconds {
		wrong = wrong.fixed(inner.instead(rateOf(n * u.seconds)))
	}
	return u, wrong
}

// seconds explains that AWS has no unit below the minute (aws-semantics 4.5).
func seconds(inner, name piece, n int64) *Error {
	wrong := name.wrong("the unit must be minutes, hours or days, not %s", name.shown()).hint("the finest interval is 1 minute")
	if n > 0 {
		wrong = wrong.fixed(inner.instead(rateOf(max(60, n/60*60))))
	}
	return wrong
}

// rateOf writes whole minutes in the largest unit that needs no fraction.
func rateOf(seconds int64) string {
	u := units[0]
	for _, larger := range units[1:3] {
		if seconds%larger.seconds == 0 {
			u = larger
		}
	}
	n := seconds / u.seconds
	if n == 1 {
		return "1 " + u.singular()
	}
	return strconv.FormatInt(n, 10) + " " + u.plural
}

// interval is number x unit in seconds: a whole number from 1 (API PutScheduledAction, case 317).
func interval(inner, number piece, u unit) (int64, *Error) {
	n, err := strconv.ParseInt(number.String(), 10, 64)
	if (err != nil && !errors.Is(err, strconv.ErrRange)) || number.String()[0] == '+' {
		wrong := number.wrong("the number must be a whole number, at least 1, not %s", number.shown())
		x, err := strconv.ParseFloat(number.String(), 64)
		if s := x * float64(u.seconds); err == nil && s >= 60 && s <= float64(maxRate) && math.Mod(s, 60) == 0 {
			wrong = wrong.fixed(inner.instead(rateOf(int64(s))))
		}
		return 0, wrong
	}
	switch {
	case n < 1:
		return 0, number.wrong("the number must be at least 1, not %s", number.shown())
	case n > maxRate/u.seconds:
		return 0, number.wrong("the interval must be at most %d %s (292 years), not %s", maxRate/u.seconds, u.plural, number.shown())
	}
	return n * u.seconds, nil
}

// multiple is the n-th fire of a rate, counted from base.
func (e Expression) multiple(base time.Time, n int64) time.Time {
	return time.Unix(base.Unix()+n*e.every, int64(base.Nanosecond())).UTC()
}

// count is the greatest n for which multiple(base, n) is not after t.
func (e Expression) count(base, t time.Time) int64 {
	seconds := t.Unix() - base.Unix()
	if t.Nanosecond() < base.Nanosecond() {
		seconds--
	}
	n := seconds / e.every
	if seconds%e.every < 0 {
		n--
	}
	return n
}
