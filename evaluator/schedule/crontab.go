package schedule

import (
	"slices"
	"strconv"
	"strings"
)

// crontabFields is how many fields crontab has: no year.
const crontabFields = fieldCount - 1

// miscounted explains a cron expression that has neither six fields nor seven.
func miscounted(inner piece, words []piece) *Error {
	if len(words) == 0 {
		return inner.orAll().wrong("cron(...) is empty but needs six fields: %s", order).hint("write for example cron(0 8 ? * MON-FRI *)")
	}
	place := piece{inner.whole, words[0].from, words[len(words)-1].to}
	wrong := place.wrong("cron(...) has %d fields but needs six: %s", len(words), order)
	switch {
	case len(words) != crontabFields:
		return wrong.hint("write for example cron(0 8 ? * MON-FRI *)")
	case slices.ContainsFunc(words, func(w piece) bool { return w.String() == "?" }):
		return wrong.hint("the year is missing").fixed(place.instead(place.String() + " *"))
	}
	return fromCrontab(wrong, place, words)
}

// fromCrontab proposes what five fields mean in crontab, where Sunday is 0 or 7 and both day fields may count.
func fromCrontab(wrong *Error, place piece, words []piece) *Error {
	var s [crontabFields]string
	for i, w := range words {
		s[i] = w.String()
	}
	weekly := crontabWeekdays(s[dayOfWeek])
	six := func(monthly, weekly string) string {
		return place.instead(strings.Join([]string{s[minutes], s[hours], monthly, s[month], weekly, "*"}, " "))
	}
	switch {
	case s[dayOfWeek] == "*":
		return wrong.hint("this looks like crontab, which has no year and no ?").fixed(six(s[dayOfMonth], "?"))
	case s[dayOfMonth] == "*":
		return wrong.hint("this looks like crontab, which has no year, and where Sunday is 0 and not 1").fixed(six("?", weekly))
	}
	one, other := six(s[dayOfMonth], "?"), six("?", weekly)
	_, wrongOne := parse(one)
	_, wrongOther := parse(other)
	if wrongOne != nil || wrongOther != nil {
		return wrong.hint("write for example cron(0 8 ? * MON-FRI *)")
	}
	return wrong.hint("this looks like crontab, which fires on the days of either field; that takes two expressions, " + one + " and " + other)
}

// crontabWeekdays writes the numbers of a list as names, which mean the same everywhere.
func crontabWeekdays(list string) string {
	names := fields[dayOfWeek].names
	entries := strings.Split(list, ",")
	for i, entry := range entries {
		body, step, stepped := strings.Cut(entry, "/")
		if body == "0-7" {
			body = "SUN-SAT"
		}
		ends := strings.Split(body, "-")
		for j, end := range ends {
			if n, err := strconv.Atoi(end); err == nil && 0 <= n && n <= 7 {
				ends[j] = names[n%7]
			}
		}
		entries[i] = strings.Join(ends, "-")
		if stepped {
			entries[i] += "/" + step
		}
	}
	return strings.Join(entries, ",")
}

// quartz recognises Quartz's six fields, where the first is the second and the last a day of the week. Where one of AWS's
// day fields is ? already, a ? at the end is meant for the year, because no hour and no month of Quartz is ?.
func quartz(words []piece) bool {
	s := strings.ToUpper(words[year].String())
	if s == "?" {
		return words[dayOfMonth].String() != "?" && words[dayOfWeek].String() != "?"
	}
	return s == "L" || strings.Contains(s, "#") || len(s) >= 3 && slices.Contains(fields[dayOfWeek].names, s[:3])
}

// withoutYear explains it. The second goes, because six fields have none.
func withoutYear(inner piece, words []piece) *Error {
	five := piece{inner.whole, words[1].from, words[year].to}
	return words[year].wrong("year must be from %d to %d or *, not %s", firstYear, lastYear, words[year].shown()).
		hint("six fields begin with minutes and end with the year; this looks like seconds first and no year").
		fixed(inner.instead(five.String() + " *"))
}
