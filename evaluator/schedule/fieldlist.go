package schedule

import "strings"

// parseCron reads six fields, or seven with the seconds first (aws-semantics 4.5).
func parseCron(inner piece) (*cron, *Error) {
	words, wrong := sixFields(inner)
	if wrong != nil {
		return nil, wrong
	}
	c := &cron{byWeekday: words[dayOfMonth].String() == "?"}
	for i, word := range words {
		if isDay(i) && word.String() == "?" {
			continue
		}
		for _, entry := range word.list() {
			if wrong := c.entry(i, entry); wrong != nil {
				return nil, midnight(wrong, entry, words)
			}
		}
	}
	if wrong := oneDay(words[dayOfMonth], words[dayOfWeek]); wrong != nil {
		return nil, wrong
	}
	return c, nil
}

// midnight corrects hour 24 where it fires each day, because then the next day is as good. Elsewhere, what was meant for
// the end of a day would come at its beginning.
func midnight(wrong *Error, entry piece, words []piece) *Error {
	if hour := words[hours]; entry.String() != "24" || entry.from < hour.from || entry.to > hour.to {
		return wrong
	}
	for _, i := range []int{dayOfMonth, month, dayOfWeek, year} {
		if s := words[i].String(); s != "*" && s != "?" {
			return wrong
		}
	}
	wrong.Hint = ""
	return wrong.hint("midnight is 0").fixed(entry.instead("0"))
}

// sixFields are the fields without the second, which no fire depends on.
func sixFields(inner piece) ([]piece, *Error) {
	words := inner.fields()
	switch {
	case len(words) == fieldCount && quartz(words):
		return nil, withoutYear(inner, words)
	case len(words) == fieldCount:
		return words, nil
	case len(words) != fieldCount+1:
		return nil, miscounted(inner, words)
	}
	for _, entry := range words[0].list() {
		if _, wrong := second.span(entry); wrong != nil {
			return nil, wrong.hint("the first of seven fields is the second")
		}
	}
	return words[1:], nil
}

// isDay says that a field names days, so that ? and marks may stand in it.
func isDay(i int) bool { return i == dayOfMonth || i == dayOfWeek }

// oneDay checks that exactly one of the two day fields is ? (EB-CRON, cases 302 to 305).
func oneDay(monthly, weekly piece) *Error {
	m, w := monthly.String(), weekly.String()
	const problem = "exactly one of day-of-month and day-of-week must be ?"
	switch {
	case m == "?" && w == "?":
		return weekly.wrong(problem + ", but both are").fixed(monthly.instead("*"))
	case m == "?" || w == "?":
		return nil
	case w == "*":
		return weekly.wrong(problem + ", but neither is").fixed(weekly.instead("?"))
	case m == "*":
		wrong := monthly.wrong(problem + ", but neither is").fixed(monthly.instead("?"))
		if len(w) == 1 && "1" <= w && w <= "7" {
			wrong = wrong.hint("Sunday is 1, so " + w + " is " + fields[dayOfWeek].names[w[0]-'1'])
		}
		return wrong
	}
	return weekly.wrong(problem + ", but neither is").
		hint("days of the month and days of the week together take two expressions, " + weekly.instead("?") + " and " + monthly.instead("?"))
}

// entry adds one entry of a list to field i.
func (c *cron) entry(i int, p piece) *Error {
	switch s := strings.ToUpper(p.String()); {
	case s == "":
		return p.around().wrong("%s has an empty entry; a list is written without blanks and without a comma at its ends", fields[i].name)
	case s == "?" && isDay(i):
		return p.around().wrong("? stands alone in %s, not in a list", fields[i].name)
	case i == dayOfMonth && strings.ContainsAny(s, "LW") && strings.Trim(s, "0123456789-/LW") == "":
		return c.addMark(p)
	case i == dayOfWeek && strings.Contains(s, "#"):
		return c.addNth(p)
	case i == dayOfWeek && strings.HasSuffix(s, "L"):
		return c.addLastOf(p)
	}
	return c.addSpan(i, p)
}

// addSpan reads what every field knows and joins it with what is there.
func (c *cron) addSpan(i int, p piece) *Error {
	values, wrong := fields[i].span(p)
	low := fields[i].low
	if i == year {
		low = 0 // Years are kept from 1970.
	}
	for n, ok := values.from(0); ok; n, ok = values.from(n + 1) {
		c.sets[i].add(n + low)
	}
	return wrong
}

// addMark reads L, LW and nW of day-of-month.
func (c *cron) addMark(p piece) *Error {
	switch s := strings.ToUpper(p.String()); {
	case s == "L":
		c.lastDay = true
	case s == "LW":
		c.lastWorkday = true
	case s == "WL":
		return p.wrong("the last workday of the month is written LW, not %s", p).fixed(p.instead("LW"))
	case s == "W":
		return p.wrong("W needs a day before it, as in 15W, the workday nearest to the 15th")
	case strings.HasSuffix(s, "W"):
		n, wrong := fields[dayOfMonth].value(p.part(0, len(s)-1))
		if wrong != nil {
			return wrong.hint("W follows one day, as in 15W")
		}
		c.nearest.add(n + 1)
	default:
		return p.wrong("day-of-month cannot be %s", p.shown()).hint("the last day is L, the last workday LW, the workday nearest to the 15th 15W; others count from 1 to 31")
	}
	return nil
}

// addLastOf reads L and dL of day-of-week.
func (c *cron) addLastOf(p piece) *Error {
	day := p.part(0, p.to-p.from-1)
	if day.String() == "" {
		c.sets[dayOfWeek].add(7) // L alone is the last day of the week (EMU).
		return nil
	}
	n, wrong := fields[dayOfWeek].value(day)
	if wrong != nil {
		return wrong.hint("L follows one day, as in 6L or FRIL, the last Friday of the month")
	}
	c.lastOf.add(n + 1)
	return nil
}

// addNth reads d#k of day-of-week. There can be only one (EB-CRON).
func (c *cron) addNth(p piece) *Error {
	day, number, _ := p.cut("#")
	n, wrong := fields[dayOfWeek].value(day)
	if wrong != nil {
		return wrong.hint("# follows one day, as in 3#2, the second Tuesday of the month")
	}
	s := number.String()
	if len(s) != 1 || s < "1" || s > "5" {
		place := number
		if s == "" {
			place = p
		}
		return place.wrong("the number after # must be from 1 to 5, not %s", number.shown()).hint("3#2 is the second Tuesday of the month")
	}
	if c.nth.k != 0 {
		return p.wrong("day-of-week can have only one entry with #").hint("write a second expression for it")
	}
	c.nth.weekday, c.nth.k = n+1, int(s[0]-'0')
	return nil
}
