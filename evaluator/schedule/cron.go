package schedule

import "time"

// The fields of a cron expression, in the order of its text (aws-semantics 4.5).
const (
	minutes = iota
	hours
	dayOfMonth
	month
	dayOfWeek
	year
	fieldCount
)

// cron is what a clock on the wall must show for a fire.
type cron struct {
	// sets are the plain values of each field: years from 1970, days of the week from 1, Sunday.
	sets [fieldCount]set
	// lastDay and lastWorkday are L and LW, nearest the n of nW.
	lastDay, lastWorkday bool
	nearest              set
	// lastOf are the d of dL, nth is d#k.
	lastOf set
	nth    struct{ weekday, k int }
	// byWeekday says that day-of-week counts and day-of-month is ?.
	byWeekday bool
}

// reading is what a clock shows, from the slowest hand to the fastest: year, month, day, hour, minute.
type reading [5]int

// The ends of time, as far as cron knows it.
var (
	earliestReading = reading{firstYear, 1, 1, 0, 0}
	latestReading   = reading{lastYear, 12, 31, 23, 59}
)

// readingOf is the reading after so many seconds from 1970; seconds past the minute are not shown.
func readingOf(local int64) reading {
	t := time.Unix(local, 0).UTC()
	y, m, d := t.Date()
	return reading{y, int(m), d, t.Hour(), t.Minute()}
}

// seconds is the inverse of readingOf.
func (r reading) seconds() int64 {
	return time.Date(r[0], time.Month(r[1]), r[2], r[3], r[4], 0, 0, time.UTC).Unix()
}

// forward is the first matching reading at or after r. It works like an odometer: a hand that has no further value
// moves the next slower one and turns back, and so does every hand behind one that moved.
func (c *cron) forward(r reading) (reading, bool) {
	for i := 0; i < len(r); {
		hand, base := c.hand(i, r)
		n, ok := hand.from(r[i] - base)
		switch {
		case ok && n+base == r[i]:
			i++
		case ok:
			r[i] = n + base
			i++
			copy(r[i:], earliestReading[i:])
		case i == 0:
			return r, false
		default:
			copy(r[i:], earliestReading[i:])
			i--
			r[i]++
		}
	}
	return r, true
}

// backward is the last matching reading at or before r.
func (c *cron) backward(r reading) (reading, bool) {
	for i := 0; i < len(r); {
		hand, base := c.hand(i, r)
		n, ok := hand.upTo(r[i] - base)
		switch {
		case ok && n+base == r[i]:
			i++
		case ok:
			r[i] = n + base
			i++
			copy(r[i:], latestReading[i:])
		case i == 0:
			return r, false
		default:
			copy(r[i:], latestReading[i:])
			i--
			r[i]--
		}
	}
	return r, true
}

// hand is the set of values that hand i may show, given the slower ones, and what its 0 stands for.
func (c *cron) hand(i int, r reading) (values set, base int) {
	switch i {
	case 0:
		return c.sets[year], firstYear
	case 1:
		return c.sets[month], 0
	case 2:
		return c.days(r[0], r[1]), 0
	case 3:
		return c.sets[hours], 0
	default:
		return c.sets[minutes], 0
	}
}

// days are the matching days of one month.
func (c *cron) days(y, m int) set {
	length := daysIn(y, m)
	offset := int(time.Date(y, time.Month(m), 1, 0, 0, 0, 0, time.UTC).Weekday()) // of the 1st, Sunday is 0
	if c.byWeekday {
		return c.weekdays(length, offset)
	}
	days := c.sets[dayOfMonth]
	days[0] &= 1<<(length+1) - 1
	if c.lastDay {
		days.add(length)
	}
	for n, ok := c.nearest.from(1); ok && n <= length; n, ok = c.nearest.from(n + 1) {
		days.add(nearestWorkday(n, length, offset))
	}
	if c.lastWorkday {
		days.add(nearestWorkday(length, length, offset))
	}
	return days
}

// weekdays are the days of a month that day-of-week names.
func (c *cron) weekdays(length, offset int) set {
	var days set
	for day := 1; day <= length; day++ {
		weekday := (offset+day-1)%7 + 1
		switch {
		case c.sets[dayOfWeek].has(weekday),
			c.lastOf.has(weekday) && day > length-7,
			c.nth.weekday == weekday && c.nth.k == (day+6)/7:
			days.add(day)
		}
	}
	return days
}

// nearestWorkday is the day from Monday to Friday that is nearest to day n and in the same month (EB-CRON; that it
// stays in the month is Quartz's rule, cases 283 and 284).
func nearestWorkday(n, length, offset int) int {
	switch weekday := (offset + n - 1) % 7; {
	case weekday == 6 && n == 1:
		return 3
	case weekday == 6:
		return n - 1
	case weekday == 0 && n == length:
		return n - 2
	case weekday == 0:
		return n + 1
	}
	return n
}

// daysIn is the length of a month.
func daysIn(y, m int) int { return time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day() }
