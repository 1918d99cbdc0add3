package sim

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestStartAndEndAreRoundedAsCloudWatchRoundsThem(t *testing.T) {
	today := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	clock := func(text string) time.Time {
		at, err := time.Parse("15:04:05", text)
		if err != nil {
			t.Fatal(err)
		}
		return today.Add(at.Sub(at.Truncate(24 * time.Hour)))
	}
	for _, c := range []struct {
		name       string
		start, end string
		daysAgo    int
		period     int64
		from, to   string
	}{
		{"case 385: ten seconds with a period of 10", "01:05:13", "01:05:23", 0, 10, "01:05:10", "01:05:20"},
		{"case 386: five minutes with a period of 5", "15:02:17", "15:07:17", 0, 5, "15:02:15", "15:07:15"},
		{"a start within 15 days goes to the minute", "12:32:34", "12:40:00", 1, 60, "12:32:00", "12:40:00"},
		{"case 388: a start 20 days ago goes to five minutes", "12:32:34", "12:40:00", 20, 300, "12:30:00", "12:40:00"},
		{"case 389: a start 70 days ago goes to the hour", "12:32:34", "13:40:00", 70, 3600, "12:00:00", "13:40:00"},
		{"case 391: the end itself is not included", "10:00:00", "10:05:00", 0, 60, "10:00:00", "10:05:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			past := -time.Duration(c.daysAgo) * day
			span := interval{clock(c.start).Add(past), clock(c.end).Add(past)}
			g := span.grid(clock("23:00:00"), c.period)
			if want := (grid{clock(c.from).Add(past).Unix(), clock(c.to).Add(past).Unix(), c.period}); g != want {
				t.Errorf("%+v, want %+v", g, want)
			}
		})
	}
}

func TestAGridHoldsEveryPeriodThatBeginsBeforeItsEnd(t *testing.T) {
	for _, c := range []struct {
		start, end, period int64
		want               int
	}{{0, 300, 60, 5}, {0, 301, 60, 6}, {0, 0, 60, 0}, {60, 0, 60, 0}, {0, 1, 3600, 1}} {
		if got := (grid{c.start, c.end, c.period}).len(); got != c.want {
			t.Errorf("from %d to %d by %d: %d periods, want %d", c.start, c.end, c.period, got, c.want)
		}
	}
}

func TestClippingKeepsTheGrid(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	region, err := New(&Scenario{limits: limits{calls: 1}}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		c := &call{region: region, wall: now.Add(time.Duration(rapid.IntRange(0, 500).Draw(t, "hours")) * time.Hour)}
		period := rapid.SampledFrom([]int64{10, 60, 300, 420, 3600}).Draw(t, "period")
		start := now.Unix() + rapid.Int64Range(-1e9, 3e6).Draw(t, "start")
		before := grid{start, start + rapid.Int64Range(0, 1e9).Draw(t, "length"), period}
		after := c.clip(before)
		if after.start < before.start || (after.start-before.start)%period != 0 {
			t.Fatalf("%+v became %+v, which is another grid", before, after)
		}
		if after.end > max(c.wall.Unix()+1, after.start) || after.len() > 500*360+10 {
			t.Fatalf("%+v became %+v, which reaches into the future or has too many periods", before, after)
		}
	})
}

func TestATokenBucketNeverGivesMoreThanItsRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rate{float64(rapid.IntRange(1, 20).Draw(t, "burst")), float64(rapid.IntRange(0, 10).Draw(t, "rate"))}
		b := buckets{rates: map[string]rate{"class": limit}, state: map[string]*bucket{}}
		now, taken := time.Duration(0), 0.0
		for range rapid.IntRange(1, 200).Draw(t, "calls") {
			now += time.Duration(rapid.IntRange(0, 500).Draw(t, "pause")) * time.Millisecond
			if b.take("Call", "class", now) {
				taken++
			}
			if most := limit.burst + limit.perSecond*now.Seconds(); taken > most+1e-6 {
				t.Fatalf("%v calls passed within %v, at most %v may", taken, now, most)
			}
		}
	})
}
