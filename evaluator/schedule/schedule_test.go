package schedule

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

// utc reads "2006-01-02 15:04", with or without seconds.
func utc(t testing.TB, s string) time.Time {
	t.Helper()
	if len(s) == len("2006-01-02 15:04") {
		s += ":00"
	}
	at, err := time.Parse(time.DateTime, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func expression(t testing.TB, text string) Expression {
	t.Helper()
	e, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// checkFires walks forward with Next from an instant, and back with Newest, and wants the same fires both ways. A list
// that ends in "never" or "nothing after" wants no further one.
func checkFires(t *testing.T, s *Schedule, from, anchor time.Time, fires string) {
	t.Helper()
	at := from
	for want := range strings.SplitSeq(fires, ", ") {
		next, ok := s.Next(at, anchor)
		if want == "never" {
			newest, found := s.Newest(at, at.AddDate(9, 0, 0), anchor)
			if ok || found {
				t.Errorf("after %s: fires at %s, newest in nine years %s; want neither", at, next, newest)
			}
			return
		}
		if w := utc(t, want); !ok || !next.Equal(w) {
			t.Fatalf("after %s: fires at %s (%v), want %s", at, next, ok, w)
		}
		if next.Location() != time.UTC {
			t.Errorf("fire %s is not in UTC", next)
		}
		checkNewest(t, s, at, next, anchor)
		at = next
	}
}

// checkNewest looks back at a fire from behind it, from itself and from before it; at is the one before.
func checkNewest(t *testing.T, s *Schedule, at, fire, anchor time.Time) {
	t.Helper()
	for _, until := range []time.Time{fire, fire.Add(time.Nanosecond), fire.Add(59 * time.Second)} {
		if newest, ok := s.Newest(at, until, anchor); !ok || !newest.Equal(fire) {
			t.Errorf("newest in (%s, %s] is %s (%v), want %s", at, until, newest, ok, fire)
		}
	}
	if newest, ok := s.Newest(at, fire.Add(-time.Nanosecond), anchor); ok {
		t.Errorf("newest in (%s, %s) is %s, want none", at, fire, newest)
	}
}

func TestCronFiresAsDocumentedByAWS(t *testing.T) {
	for _, c := range []struct{ name, expression, from, fires string }{
		{"case 269: every day", "cron(0 10 * * ? *)", "2026-01-01 09:59", "2026-01-01 10:00, 2026-01-02 10:00"},
		{"case 271: every day with minutes", "cron(15 12 * * ? *)", "2026-01-01 00:00", "2026-01-01 12:15, 2026-01-02 12:15"},
		{"case 272: Monday to Friday", "cron(0 18 ? * MON-FRI *)", "2026-01-02 18:00", "2026-01-05 18:00, 2026-01-06 18:00"},
		{"case 274: every quarter of an hour", "cron(0/15 * * * ? *)", "2026-01-01 00:14", "2026-01-01 00:15, 2026-01-01 00:30, 2026-01-01 00:45, 2026-01-01 01:00"},
		{"case 275: every ten minutes of a workday", "cron(0/10 * ? * MON-FRI *)", "2026-01-02 23:50", "2026-01-05 00:00, 2026-01-05 00:10"},
		{"case 277: every Monday", "cron(30 6 ? * MON *)", "2026-01-01 00:00", "2026-01-05 06:30, 2026-01-12 06:30"},
		{"case 278: the last Friday, some years", "cron(15 10 ? * 6L 2019-2022)", "2019-01-01 00:00", "2019-01-25 10:15, 2019-02-22 10:15"},
		{"case 280: the second Tuesday", "cron(0 9 ? * 3#2 *)", "2026-01-01 00:00", "2026-01-13 09:00, 2026-02-10 09:00, 2026-03-10 09:00"},
		{"case 281: the fifth Friday, where there is one", "cron(0 9 ? * 6#5 *)", "2026-01-01 00:00", "2026-01-30 09:00, 2026-05-29 09:00, 2026-07-31 09:00"},
		{"case 283: the workday nearest to a Sunday", "cron(0 9 3W * ? *)", "2026-05-01 00:00", "2026-05-04 09:00"},
		{"case 284: the nearest workday stays in the month", "cron(0 9 1W * ? *)", "2026-07-31 00:00", "2026-08-03 09:00"},
		{"case 286: the last day", "cron(0 9 L * ? *)", "2026-02-01 00:00", "2026-02-28 09:00, 2026-03-31 09:00"},
		{"case 287: the last day of February", "cron(0 9 L 2 ? *)", "2026-03-01 00:00", "2027-02-28 09:00, 2028-02-29 09:00"},
		{"case 289: a range over midnight, the day is that of the fire", "cron(0/30 20-2 ? * MON-FRI *)", "2026-01-02 23:29", "2026-01-02 23:30, 2026-01-05 00:00"},
		{"case 290: the 31st, where there is one", "cron(0 12 31 * ? *)", "2026-01-31 12:00", "2026-03-31 12:00, 2026-05-31 12:00"},
		{"case 292: 1 is Sunday", "cron(0 0 ? * 1 *)", "2026-01-01 00:00", "2026-01-04 00:00"},
		{"case 293: 7 is Saturday", "cron(0 0 ? * 7 *)", "2026-01-01 00:00", "2026-01-03 00:00"},
		{"case 295: a list", "cron(5,35 14 * * ? *)", "2026-01-01 00:00", "2026-01-01 14:05, 2026-01-01 14:35, 2026-01-02 14:05"},
		{"case 296: every third month", "cron(0 0 1 1/3 ? *)", "2026-01-01 00:00", "2026-04-01 00:00, 2026-07-01 00:00, 2026-10-01 00:00, 2027-01-01 00:00"},
		{"case 298: a year that is over", "cron(0 0 * * ? 2025)", "2026-01-01 00:00", "never"},
		{"case 299: names of months and days", "cron(0 8 ? JAN,JUL MON#1 *)", "2026-01-01 00:00", "2026-01-05 08:00, 2026-07-06 08:00"},
		{"case 301: steps from a start", "cron(7/20 3/8 * * ? *)", "2026-01-01 00:00", "2026-01-01 03:07, 2026-01-01 03:27, 2026-01-01 03:47, 2026-01-01 11:07"},
		{"case 308: the second is not honoured", "cron(30 0 10 * * ? *)", "2026-01-01 00:00", "2026-01-01 10:00, 2026-01-02 10:00"},

		{"names in any case", "cron(0 8 ? jan Mon-fRi 2026)", "2026-01-30 07:00", "2026-01-30 08:00, never"},
		{"the last workday", "cron(0 8 LW * ? *)", "2026-01-01 00:00", "2026-01-30 08:00, 2026-02-27 08:00, 2026-03-31 08:00, 2026-04-30 08:00, 2026-05-29 08:00"},
		{"the workday nearest to a Saturday", "cron(0 8 15W 8 ? *)", "2026-01-01 00:00", "2026-08-14 08:00"},
		{"31W is skipped where there is no 31st", "cron(0 8 31W * ? *)", "2026-01-01 00:00", "2026-01-30 08:00, 2026-03-31 08:00, 2026-05-29 08:00"},
		{"L alone is Saturday", "cron(0 0 ? * L *)", "2026-01-01 00:00", "2026-01-03 00:00, 2026-01-10 00:00"},
		{"L after a name", "cron(0 0 ? * FRIL *)", "2026-01-01 00:00", "2026-01-30 00:00, 2026-02-27 00:00"},
		{"days of the month and marks in one list", "cron(0 0 1,15W,L * ? *)", "2026-08-01 00:00", "2026-08-14 00:00, 2026-08-31 00:00, 2026-09-01 00:00"},
		{"weekdays and one # in one list", "cron(0 0 ? * MON,WED#2 *)", "2026-01-06 00:00", "2026-01-12 00:00, 2026-01-14 00:00, 2026-01-19 00:00"},
		{"a range of days over the weekend", "cron(0 0 ? * FRI-MON *)", "2026-01-01 00:00", "2026-01-02 00:00, 2026-01-03 00:00, 2026-01-04 00:00, 2026-01-05 00:00, 2026-01-09 00:00"},
		{"a step goes on over the end of a range that wraps", "cron(0 20-4/3 * * ? *)", "2026-01-01 12:00", "2026-01-01 20:00, 2026-01-01 23:00, 2026-01-02 02:00, 2026-01-02 20:00"},
		{"a step within a range", "cron(10-30/10 9 * * ? *)", "2026-01-01 00:00", "2026-01-01 09:10, 2026-01-01 09:20, 2026-01-01 09:30, 2026-01-02 09:10"},
		{"months over the end of the year", "cron(0 0 1 NOV-FEB ? *)", "2026-01-15 00:00", "2026-02-01 00:00, 2026-11-01 00:00, 2026-12-01 00:00, 2027-01-01 00:00"},
		{"once in four years", "cron(0 0 29 2 ? *)", "2026-01-01 00:00", "2028-02-29 00:00, 2032-02-29 00:00"},
		{"a century that has no leap day", "cron(0 0 29 FEB ? *)", "2096-03-01 00:00", "2104-02-29 00:00"},
		{"every second year", "cron(0 0 1 1 ? 2025/2)", "2026-01-01 00:00", "2027-01-01 00:00, 2029-01-01 00:00"},
		{"the last fire of all", "cron(59 23 31 12 ? *)", "2198-12-31 23:59", "2199-12-31 23:59, never"},
		{"31 February", "cron(0 0 31 2 ? *)", "2026-01-01 00:00", "never"},
		{"30 February with a nearest workday", "cron(0 0 30W 2 ? *)", "2026-01-01 00:00", "never"},
		{"blanks anywhere between the fields", " cron(  0\t10 * *  ? * ) ", "2026-01-01 09:59", "2026-01-01 10:00"},
		{"seconds within the minute do not count", "cron(0 10 * * ? *)", "2026-01-01 10:00:01", "2026-01-02 10:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkFires(t, &Schedule{Expression: expression(t, c.expression)}, utc(t, c.from), time.Time{}, c.fires)
		})
	}
}

func TestLocalTimesFollowTheZone(t *testing.T) {
	for _, c := range []struct{ name, expression, zone, from, fires string }{
		{"case 325: winter in New York", "cron(0 9 * * ? *)", "America/New_York", "2026-03-07 00:00", "2026-03-07 14:00"},
		{"case 326: summer in New York", "cron(0 9 * * ? *)", "America/New_York", "2026-03-08 00:00", "2026-03-08 13:00"},
		{"case 328: winter again", "cron(0 9 * * ? *)", "America/New_York", "2026-11-01 00:00", "2026-11-01 14:00"},
		{"case 329: Paris", "cron(0 8 * * ? *)", "Europe/Paris", "2026-03-28 00:00", "2026-03-28 07:00, 2026-03-29 06:00"},
		{"case 331: Etc/GMT+9 is nine hours behind", "cron(0 12 * * ? *)", "Etc/GMT+9", "2026-06-01 00:00", "2026-06-01 21:00"},
		{"case 332: Tahiti is ten hours behind", "cron(0 12 * * ? *)", "Pacific/Tahiti", "2026-06-01 00:00", "2026-06-01 22:00"},
		{"case 334: a local time that does not exist is skipped", "cron(30 2 * * ? *)", "America/New_York", "2026-03-07 08:00", "2026-03-09 06:30"},
		{"case 335: a local time that exists twice fires once, the first time", "cron(30 1 * * ? *)", "America/New_York", "2026-10-31 06:00", "2026-11-01 05:30, 2026-11-02 06:30"},

		{"asked between the two, it does not fire again", "cron(30 1 * * ? *)", "America/New_York", "2026-11-01 06:10", "2026-11-02 06:30"},
		{"an hour that comes twice holds one hour of fires", "cron(0/30 * * * ? *)", "America/New_York", "2026-11-01 05:00", "2026-11-01 05:30, 2026-11-01 07:00, 2026-11-01 07:30"},
		{"an hour that is left out holds none", "cron(0/30 * * * ? *)", "America/New_York", "2026-03-08 06:00", "2026-03-08 06:30, 2026-03-08 07:00"},
		{"half an hour of daylight saving", "cron(15,45 1,2 * * ? *)", "Australia/Lord_Howe", "2026-10-03 12:00", "2026-10-03 14:45, 2026-10-03 15:15, 2026-10-03 15:45, 2026-10-04 14:15"},
		{"midnight that does not exist", "cron(0 0 ? * SUN *)", "America/Santiago", "2026-08-31 00:00", "2026-09-13 03:00"},
		{"a day that does not exist", "cron(0 12 * * ? *)", "Pacific/Apia", "2011-12-29 00:00", "2011-12-29 22:00, 2011-12-30 22:00"},
		{"every minute of a day that does not exist", "cron(* * 30 12 ? 2011)", "Pacific/Apia", "2011-12-01 00:00", "never"},
		{"at in New York", "at(2021-01-31T17:00:00)", "America/New_York", "2021-01-01 00:00", "2021-01-31 22:00, never"},
		{"at with seconds", "at(2021-01-31T17:00:59)", "UTC", "2021-01-01 00:00", "2021-01-31 17:00:59, never"},
		{"at a local time that does not exist", "at(2026-03-08T02:30:00)", "America/New_York", "2021-01-01 00:00", "never"},
		{"at a local time that exists twice", "at(2026-11-01T01:30:00)", "America/New_York", "2021-01-01 00:00", "2026-11-01 05:30, never"},
		{"a rate does not follow the clocks", "rate(1 day)", "America/New_York", "2026-03-07 00:00", "2026-03-08 00:00, 2026-03-09 00:00, 2026-03-10 00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &Schedule{Expression: expression(t, c.expression), Zone: zone(t, c.zone)}
			checkFires(t, s, utc(t, c.from), utc(t, "2026-03-05 00:00"), c.fires)
		})
	}
}

func TestBoundsAndAnchors(t *testing.T) {
	const year2026 = "2026-01-01 00:00"
	for _, c := range []struct{ name, expression, start, end, anchor, from, fires string }{
		{"case 344: a rate counts from its start", "rate(5 hours)", "2021-01-30 12:00", "2021-01-31 22:00", year2026, "2021-01-01 00:00",
			"2021-01-30 12:00, 2021-01-30 17:00, 2021-01-30 22:00, 2021-01-31 03:00, 2021-01-31 08:00, 2021-01-31 13:00, 2021-01-31 18:00, never"},
		{"case 346: nothing after the end", "cron(0 10 * * ? *)", "", "2026-01-07 00:00", year2026, "2026-01-05 00:00", "2026-01-05 10:00, 2026-01-06 10:00, never"},
		{"a fire at the end itself happens", "cron(0 10 * * ? *)", "", "2026-01-06 10:00", year2026, "2026-01-05 00:00", "2026-01-05 10:00, 2026-01-06 10:00, never"},
		{"one just behind it does not", "cron(0 10 * * ? *)", "", "2026-01-06 09:59:59", year2026, "2026-01-05 00:00", "2026-01-05 10:00, never"},
		{"a rate at its end", "rate(1 hour)", "2026-01-01 00:00", "2026-01-01 02:00", year2026, "2025-01-01 00:00", "2026-01-01 00:00, 2026-01-01 01:00, 2026-01-01 02:00, never"},
		{"a cron fires at its start, and then as it says", "cron(0 10 * * ? *)", "2026-01-05 12:34:56", "", year2026, "2026-01-01 00:00", "2026-01-05 12:34:56, 2026-01-06 10:00"},
		{"a cron that matches at its start fires once", "cron(0 10 * * ? *)", "2026-01-05 10:00", "", year2026, "2026-01-01 00:00", "2026-01-05 10:00, 2026-01-06 10:00"},
		{"a cron asked after its start", "cron(0 10 * * ? *)", "2026-01-05 12:00", "", year2026, "2026-01-05 12:00", "2026-01-06 10:00"},
		{"an impossible cron with a start fires there", "cron(0 0 31 2 ? *)", "2026-01-05 12:00", "", year2026, "2026-01-01 00:00", "2026-01-05 12:00, never"},
		{"a rate without start fires one interval after its registration", "rate(10 minutes)", "", "", "2026-01-01 08:03:07", "2025-01-01 00:00", "2026-01-01 08:13:07, 2026-01-01 08:23:07"},
		{"and keeps to it after years", "rate(7 days)", "", "", "2026-01-01 08:03:07", "2036-01-01 00:00", "2036-01-03 08:03:07"},
		{"a registration after the end", "rate(10 minutes)", "", "2026-01-01 00:00", "2026-01-01 08:00", "2025-01-01 00:00", "never"},
		{"an at before its start", "at(2026-01-01T00:00:00)", "2026-01-01 00:01", "", year2026, "2025-01-01 00:00", "never"},
		{"an at at its start", "at(2026-01-01T00:00:00)", "2026-01-01 00:00", "", year2026, "2025-01-01 00:00", "2026-01-01 00:00, never"},
		{"an at behind its end", "at(2026-01-01T00:00:00)", "", "2025-12-31 00:00", year2026, "2025-01-01 00:00", "never"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &Schedule{Expression: expression(t, c.expression)}
			if c.start != "" {
				s.Start = utc(t, c.start)
			}
			if c.end != "" {
				s.End = utc(t, c.end)
			}
			checkFires(t, s, utc(t, c.from), utc(t, c.anchor), c.fires)
		})
	}
}

func TestARateKeepsTheFractionOfItsAnchor(t *testing.T) {
	s := &Schedule{Expression: expression(t, "rate(1 minute)")}
	anchor := utc(t, "2026-01-01 00:00").Add(700 * time.Millisecond)
	for after, want := range map[string]time.Duration{"2026-01-01 00:00": time.Minute, "2026-01-01 00:01": time.Minute, "2026-01-01 00:01:01": 2 * time.Minute} {
		if got, ok := s.Next(utc(t, after), anchor); !ok || !got.Equal(anchor.Add(want)) {
			t.Errorf("after %s: %s, want %s after %s", after, got, want, anchor)
		}
	}
}

func TestTheNewestFireIsFoundOverDecades(t *testing.T) {
	until := utc(t, "2027-01-01 00:00")
	for text, want := range map[string]string{
		"rate(1 minute)":        "2027-01-01 00:00",
		"cron(* * * * ? *)":     "2027-01-01 00:00",
		"cron(0 0 29 2 ? *)":    "2024-02-29 00:00",
		"cron(0 12 ? * 2#5 *)":  "2026-11-30 12:00",
		"cron(0 0 1 1 ? 1970)":  "1970-01-01 00:00",
		"cron(59 23 ? 2 7#5 *)": "2020-02-29 23:59",
	} {
		s := &Schedule{Expression: expression(t, text), Zone: zone(t, "Etc/UTC")}
		if got, ok := s.Newest(time.Unix(-1, 0), until, utc(t, "2026-01-01 00:00")); !ok || !got.Equal(utc(t, want)) {
			t.Errorf("%s: newest is %s (%v), want %s", text, got, ok, want)
		}
	}
}

func TestWhatCanNeverFireSaysSo(t *testing.T) {
	london, newYork := zone(t, "Europe/London"), zone(t, "America/New_York")
	for _, c := range []struct {
		text       string
		zone       *time.Location
		start, end string
		never      bool
	}{
		{text: "cron(0 0 31 2 ? *)", never: true},
		{text: "cron(0 0 31 2,4,6,9,11 ? *)", never: true},
		{text: "cron(0 0 29 2 ? 2025-2027)", never: true},
		{text: "cron(0 0 29 2 ? *)"},
		{text: "cron(0 0 ? 2 SUN#5 2026)", never: true},
		{text: "cron(30 2 8 3 ? 2026)", zone: newYork, never: true},
		{text: "cron(30 2 8 3 ? 2026)", zone: london},
		{text: "cron(0 0 1 1 ? 2030)", end: "2029-01-01 00:00", never: true},
		{text: "cron(0 0 31 2 ? *)", start: "2026-01-01 00:00"},
		{text: "at(2026-03-29T01:30:00)", zone: london, never: true},
		{text: "at(2026-03-29T01:30:00)", zone: newYork},
		{text: "at(2026-03-29T01:30:00)", end: "2026-03-01 00:00", never: true},
		{text: "rate(1 minute)"},
		{text: "rate(1 minute)", start: "2026-01-01 00:00", end: "2026-01-01 00:00"},
	} {
		s := &Schedule{Expression: expression(t, c.text), Zone: c.zone}
		if c.start != "" {
			s.Start = utc(t, c.start)
		}
		if c.end != "" {
			s.End = utc(t, c.end)
		}
		if got := s.Never(); got != c.never {
			t.Errorf("%s in %s from %q to %q: Never is %v", c.text, c.zone, c.start, c.end, got)
		}
	}
	if !new(Schedule).Never() {
		t.Error("a schedule without expression fires")
	}
}

func TestLocalTimesThatComeTwiceAreKnown(t *testing.T) {
	for _, c := range []struct {
		zone, fire string
		want       bool
	}{
		{"America/New_York", "2026-11-01 05:30", true},
		{"America/New_York", "2026-11-01 06:30", false},
		{"America/New_York", "2026-11-01 04:59", false},
		{"America/New_York", "2026-11-01 05:00", true},
		{"America/New_York", "2026-03-08 06:30", false},
		{"Australia/Lord_Howe", "2026-04-04 14:45", true},
		{"Australia/Lord_Howe", "2026-04-04 14:15", false},
		{"UTC", "2026-11-01 05:30", false},
	} {
		s := &Schedule{Zone: zone(t, c.zone)}
		if got := s.ComesTwice(utc(t, c.fire)); got != c.want {
			t.Errorf("%s in %s: %v", c.fire, c.zone, got)
		}
	}
}

// sink keeps the compiler from leaving out what is measured.
var sink time.Time

func BenchmarkNext(b *testing.B) {
	for _, c := range []struct{ name, text, zone string }{
		{"rate", "rate(5 minutes)", "UTC"},
		{"office hours in UTC", "cron(0 8 ? * MON-FRI *)", "UTC"},
		{"office hours in London", "cron(0 8 ? * MON-FRI *)", "Europe/London"},
		{"leap day", "cron(0 0 29 2 ? *)", "UTC"},
		{"never", "cron(0 0 31 2 ? *)", "UTC"},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := &Schedule{Expression: expression(b, c.text), Zone: zone(b, c.zone)}
			from := utc(b, "2026-07-01 12:00")
			b.ReportAllocs()
			for b.Loop() {
				sink, _ = s.Next(from, from)
			}
		})
	}
}
