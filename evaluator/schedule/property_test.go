package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The oracle knows nothing of sets, calendars or transitions: it looks at every minute, and enumerates what the entries
// of the text stand for.

// enumerated keeps what enumerate has found, because there are many minutes.
var enumerated = map[string][]int{}

// enumerate lists the values of an entry in a field that runs from low to high.
func enumerate(entry string, low, high int, names string) []int {
	key := entry + " " + strconv.Itoa(high)
	all, known := enumerated[key]
	if !known {
		all = enumerateOnce(entry, low, high, names)
		enumerated[key] = all
	}
	return all
}

func enumerateOnce(entry string, low, high int, names string) []int {
	body, step, stepped := strings.Cut(entry, "/")
	a, b, ranged := strings.Cut(body, "-")
	switch {
	case body == "*":
		a, b = strconv.Itoa(low), strconv.Itoa(high)
	case stepped && !ranged:
		b = strconv.Itoa(high)
	case !ranged:
		b = a
	}
	every := 1
	if stepped {
		every = number(step, 0, "")
	}
	var all []int
	for n, i := number(a, low, names), 0; ; n, i = n+1, i+1 {
		if n > high {
			n = low
		}
		if i%every == 0 {
			all = append(all, n)
		}
		if n == number(b, low, names) {
			return all
		}
	}
}

// number reads a number, or a name among names of three letters, the first of which is low.
func number(s string, low int, names string) int {
	if i := strings.Index(names, s); i >= 0 && len(s) == 3 {
		return low + i/3
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(s)
	}
	return n
}

const (
	monthNames = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"
	dayNames   = "SUNMONTUEWEDTHUFRISAT"
)

// monthDay says whether an entry of day-of-month means the day of t.
func monthDay(entry string, t time.Time) bool {
	tomorrow := t.AddDate(0, 0, 1)
	switch {
	case entry == "L":
		return tomorrow.Day() == 1
	case entry == "LW" || strings.HasSuffix(entry, "W"):
		// Of all workdays of the month, the one with the least distance.
		first := t.AddDate(0, 0, 1-t.Day())
		goal, best := first.AddDate(0, 1, -1), time.Time{}
		if entry != "LW" {
			n, _ := strconv.Atoi(strings.TrimSuffix(entry, "W"))
			if n > goal.Day() {
				return false
			}
			goal = first.AddDate(0, 0, n-1)
		}
		for d := first; d.Month() == first.Month(); d = d.AddDate(0, 0, 1) {
			if d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
				continue
			}
			if best.IsZero() || d.Sub(goal).Abs() < best.Sub(goal).Abs() {
				best = d
			}
		}
		return best.Day() == t.Day()
	}
	return slices.Contains(enumerate(entry, 1, 31, ""), t.Day())
}

// weekDay says whether an entry of day-of-week means the day of t.
func weekDay(entry string, t time.Time) bool {
	is := func(day string) bool {
		return slices.Contains(enumerate(day, 1, 7, dayNames), int(t.Weekday())+1)
	}
	day, k, counted := strings.Cut(entry, "#")
	switch {
	case entry == "L":
		return t.Weekday() == time.Saturday
	case counted:
		return is(day) && strconv.Itoa((t.Day()-1)/7+1) == k
	case strings.HasSuffix(entry, "L"):
		return is(strings.TrimSuffix(entry, "L")) && t.AddDate(0, 0, 7).Month() != t.Month()
	}
	return is(entry)
}

// matches says whether a clock that shows t is at a fire of six fields.
func matches(f []string, t time.Time) bool {
	plain := func(list string, low, high int, names string, n int) bool {
		for e := range strings.SplitSeq(list, ",") {
			if slices.Contains(enumerate(e, low, high, names), n) {
				return true
			}
		}
		return false
	}
	if !plain(f[0], 0, 59, "", t.Minute()) || !plain(f[1], 0, 23, "", t.Hour()) || !plain(f[3], 1, 12, monthNames, int(t.Month())) || !plain(f[5], 1970, 2199, "", t.Year()) {
		return false
	}
	if f[2] != "?" {
		return slices.ContainsFunc(strings.Split(f[2], ","), func(e string) bool { return monthDay(e, t) })
	}
	return slices.ContainsFunc(strings.Split(f[4], ","), func(e string) bool { return weekDay(e, t) })
}

// wall is what a clock shows, as if its zone were UTC.
func wall(t time.Time, z *time.Location) time.Time {
	l := t.In(z)
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), 0, time.UTC)
}

// shownBefore says whether clocks have shown the local time of t already.
func shownBefore(t time.Time, z *time.Location) bool {
	for _, back := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 23 * time.Hour, 24 * time.Hour} {
		if wall(t.Add(-back), z).Equal(wall(t, z)) {
			return true
		}
	}
	return false
}

// drawSpan makes an entry of a field without marks.
func drawSpan(t *rapid.T, low, high int, names string) string {
	one := func(label string) string {
		n := rapid.IntRange(low, high).Draw(t, label)
		if names != "" && rapid.Bool().Draw(t, "name") {
			return names[3*(n-low) : 3*(n-low)+3]
		}
		return strconv.Itoa(n)
	}
	body := rapid.SampledFrom([]string{"*", "one", "range", "a/"}).Draw(t, "form")
	if body == "range" {
		body = one("from") + "-" + one("to")
	}
	if body == "one" {
		return one("one")
	}
	if body == "a/" {
		body = one("from")
	} else if rapid.Bool().Draw(t, "no step") {
		return body
	}
	return fmt.Sprintf("%s/%d", body, rapid.IntRange(1, high-low+1).Draw(t, "step"))
}

// drawList makes one to three entries.
func drawList(t *rapid.T, entry func() string) string {
	var all []string
	for range rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "entries") {
		all = append(all, entry())
	}
	return strings.Join(all, ",")
}

// drawDays makes the two day fields.
func drawDays(t *rapid.T) (monthly, weekly string) {
	if rapid.Bool().Draw(t, "by weekday") {
		nth := false
		return "?", drawList(t, func() string {
			day := rapid.SampledFrom([]string{"1", "2", "7", "SUN", "FRI", "SAT"}).Draw(t, "weekday")
			mark := rapid.SampledFrom([]string{"", "", "L", "L alone", "#"}).Draw(t, "mark")
			switch {
			case mark == "L":
				return day + "L"
			case mark == "L alone":
				return "L"
			case mark == "#" && !nth:
				nth = true
				return fmt.Sprintf("%s#%d", day, rapid.IntRange(1, 5).Draw(t, "k"))
			}
			return drawSpan(t, 1, 7, dayNames)
		})
	}
	return drawList(t, func() string {
		switch rapid.SampledFrom([]string{"", "", "L", "LW", "W"}).Draw(t, "mark") {
		case "L":
			return "L"
		case "LW":
			return "LW"
		case "W":
			return fmt.Sprintf("%dW", rapid.IntRange(1, 31).Draw(t, "workday"))
		}
		return drawSpan(t, 1, 31, "")
	}), "?"
}

// changes are zones, and days around which their clocks are changed or a year or month begins.
var changes = []struct{ zone, day string }{
	{"UTC", "2027-12-31 12:00"}, {"UTC", "2028-02-29 00:00"},
	{"America/New_York", "2026-03-08 07:00"}, {"America/New_York", "2026-11-01 06:00"},
	{"Europe/London", "2026-03-29 01:00"}, {"Europe/London", "2026-10-25 01:00"},
	{"Australia/Lord_Howe", "2026-04-04 15:00"}, {"Australia/Lord_Howe", "2026-10-03 15:30"},
	{"Pacific/Apia", "2011-12-30 10:00"}, {"Pacific/Apia", "2012-03-31 14:00"},
	{"Asia/Tehran", "2021-03-21 20:30"}, {"Asia/Tehran", "2022-09-21 19:30"},
	{"America/Santiago", "2026-09-06 04:00"}, {"America/Santiago", "2026-04-05 03:00"},
	{"Pacific/Kwajalein", "1993-08-21 12:00"}, {"Asia/Kathmandu", "2026-01-01 00:00"}, {"America/St_Johns", "2026-03-08 05:30"},
}

// TestEveryMinuteAroundAChangeOfClocksIsAsTheTextSays compares Next and Newest with a look at every minute of three days.
func TestEveryMinuteAroundAChangeOfClocksIsAsTheTextSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(changes).Draw(t, "change")
		z, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		middle, err := time.Parse("2006-01-02 15:04", c.day)
		if err != nil {
			t.Fatal(err)
		}
		monthly, weekly := drawDays(t)
		f := []string{
			drawList(t, func() string { return drawSpan(t, 0, 59, "") }), drawList(t, func() string { return drawSpan(t, 0, 23, "") }),
			monthly, rapid.SampledFrom([]string{"*", "*", "1/2", "OCT-MAR"}).Draw(t, "month"), weekly, rapid.SampledFrom([]string{"*", "*", "2011/1"}).Draw(t, "year"),
		}
		if rapid.Bool().Draw(t, "any day") {
			f[2], f[4] = "*", "?"
		}
		text := "cron(" + strings.Join(f, " ") + ")"
		e, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		begin, end := middle.Add(-36*time.Hour), middle.Add(36*time.Hour)
		var fires []time.Time
		for at := begin; !at.After(end); at = at.Add(time.Minute) {
			if matches(f, wall(at, z)) && !shownBefore(at, z) {
				fires = append(fires, at)
			}
		}
		s := &Schedule{Expression: e, Zone: z}
		for range 5 {
			after := begin.Add(time.Duration(rapid.IntRange(0, 72*3600-1).Draw(t, "after")) * time.Second)
			compare(t, s, time.Time{}, fires, after, end)
			compare(t, s, time.Time{}, fires, middle.Add(time.Duration(rapid.IntRange(-120, 120).Draw(t, "near"))*time.Minute), end)
		}
		walk(t, s, time.Time{}, fires, begin, end)
	})
}

// compare asks once each way at an instant in (begin, end], of which all fires are known.
func compare(t *rapid.T, s *Schedule, anchor time.Time, fires []time.Time, at, end time.Time) {
	i, _ := slices.BinarySearchFunc(fires, at.Add(1), time.Time.Compare)
	next, ok := s.Next(at, anchor)
	switch {
	case i < len(fires) && (!ok || !next.Equal(fires[i])):
		t.Fatalf("%s in %s: Next(%s) is %s (%v), want %s", s.Expression, s.Zone, at, next, ok, fires[i])
	case i == len(fires) && ok && !next.After(end):
		t.Fatalf("%s in %s: Next(%s) is %s, want none until %s", s.Expression, s.Zone, at, next, end)
	}
	if i > 0 {
		if newest, ok := s.Newest(fires[i-1].Add(-1), at, anchor); !ok || !newest.Equal(fires[i-1]) {
			t.Fatalf("%s in %s: newest until %s is %s (%v), want %s", s.Expression, s.Zone, at, newest, ok, fires[i-1])
		}
		if newest, ok := s.Newest(fires[i-1], at, anchor); ok {
			t.Fatalf("%s in %s: newest in (%s, %s] is %s, want none", s.Expression, s.Zone, fires[i-1], at, newest)
		}
	}
}

// walk goes from fire to fire and meets each exactly once.
func walk(t *rapid.T, s *Schedule, anchor time.Time, fires []time.Time, begin, end time.Time) {
	at := begin.Add(-time.Second)
	for _, want := range fires {
		next, ok := s.Next(at, anchor)
		if !ok || !next.Equal(want) {
			t.Fatalf("%s in %s: after %s comes %s (%v), want %s", s.Expression, s.Zone, at, next, ok, want)
		}
		if newest, ok := s.Newest(at, next, anchor); !ok || !newest.Equal(next) {
			t.Fatalf("%s in %s: newest in (%s, %s] is %s (%v)", s.Expression, s.Zone, at, next, newest, ok)
		}
		at = next
	}
	if next, ok := s.Next(at, anchor); ok && !next.After(end) {
		t.Fatalf("%s in %s: after %s comes %s, want none until %s", s.Expression, s.Zone, at, next, end)
	}
}

// TestEveryDayOfTenYearsIsAsTheTextSays compares the days of an expression at noon with a look at every day.
func TestEveryDayOfTenYearsIsAsTheTextSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		monthly, weekly := drawDays(t)
		f := []string{
			"0", "12", monthly, drawList(t, func() string { return drawSpan(t, 1, 12, monthNames) }), weekly,
			rapid.SampledFrom([]string{"*", "2024-2033", "*/4", "2025,2027-2030/2"}).Draw(t, "year"),
		}
		e, err := Parse("cron(" + strings.Join(f, " ") + ")")
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
		end := begin.AddDate(10, 0, 0)
		var fires []time.Time
		for at := begin.Add(12 * time.Hour); at.Before(end); at = at.AddDate(0, 0, 1) {
			if matches(f, at) {
				fires = append(fires, at)
			}
		}
		walk(t, &Schedule{Expression: e}, time.Time{}, fires, begin, end)
	})
}

// TestARateIsItsAnchorAndMultiples compares a rate with counting.
func TestARateIsItsAnchorAndMultiples(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "n")
		e, err := Parse(fmt.Sprintf("rate(%d minutes)", n))
		if err != nil {
			t.Fatal(err)
		}
		anchor := time.Date(2026, 1, 1, 0, 0, 0, rapid.IntRange(0, 999_999_999).Draw(t, "nanoseconds"), time.UTC)
		s := &Schedule{Expression: e}
		base, fires := anchor, []time.Time(nil)
		if rapid.Bool().Draw(t, "start") {
			s.Start = anchor.Add(time.Duration(rapid.IntRange(-90, 90).Draw(t, "start in minutes")) * time.Minute)
			base, fires = s.Start, []time.Time{s.Start}
		}
		if rapid.Bool().Draw(t, "end") {
			s.End = base.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "end in minutes")) * time.Minute)
		}
		for at := base.Add(time.Duration(n) * time.Minute); at.Sub(base) < 24*time.Hour; at = at.Add(time.Duration(n) * time.Minute) {
			fires = append(fires, at)
		}
		fires = slices.DeleteFunc(fires, func(f time.Time) bool { return !s.End.IsZero() && f.After(s.End) })
		begin := base.Add(-time.Hour)
		compare(t, s, anchor, fires, begin.Add(time.Duration(rapid.Int64Range(0, int64(17*time.Hour)).Draw(t, "at"))), base.Add(24*time.Hour-1))
		walk(t, s, anchor, fires, begin, base.Add(24*time.Hour-1))
	})
}
