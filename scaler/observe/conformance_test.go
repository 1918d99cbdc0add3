package observe

import (
	"math"
	"testing"
	"time"

	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestDatapointsAreAskedForAsCloudWatchCountsThem(t *testing.T) {
	c := newCloud()
	c.publish("cpu", t0, 0, 1, 2, 3, 4, 5, 6)
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	e := m.Track(cpu("cpu"), 3)
	wantNoProblems(t, c.at(t, m, t0.Add(5*time.Minute+10*time.Second), e))
	in := c.calls[0]
	t.Run("case 391: the end is that of the newest closed bucket, whose successor is not in it", func(t *testing.T) {
		if !in.EndTime.Equal(t0.Add(5 * time.Minute)) {
			t.Errorf("asked up to %s", in.EndTime)
		}
		wantSeries(t, e, t0.Add(5*time.Minute), "3 4 5")
	})
	t.Run("case 394: the order is asked for, because the default is the other one", func(t *testing.T) {
		if in.ScanBy != cwtypes.ScanByTimestampAscending {
			t.Errorf("asked for %q", in.ScanBy)
		}
	})
}

func TestABucketThatIsNotThereIsMissing(t *testing.T) {
	t.Run("case 392: neither 0 nor the one before", func(t *testing.T) {
		c := newCloud()
		c.publish("cpu", t0, 0, 1, 2)
		c.publish("cpu", t0.Add(3*time.Minute), 0, 4)
		m := NewMetrics(c, MetricsOptions{Delay: -1})
		e := m.Track(cpu("cpu"), 4)
		wantNoProblems(t, c.at(t, m, t0.Add(4*time.Minute), e))
		wantSeries(t, e, t0.Add(4*time.Minute), "1 2 _ 4")
	})
}

// TestShortPeriodsStayOnCloudWatchsGrid reads at the instants of the documentation's examples: what is asked for must be what
// CloudWatch would round it to, or the buckets that come back would be others.
func TestShortPeriodsStayOnCloudWatchsGrid(t *testing.T) {
	at := func(clock string) time.Time {
		now, err := time.Parse(time.TimeOnly, clock)
		if err != nil {
			t.Fatal(err)
		}
		return t0.Truncate(24 * time.Hour).Add(now.Sub(now.Truncate(24 * time.Hour)))
	}
	for _, c := range []struct {
		name, now  string
		period     int64
		start, end string
	}{
		{"10 s at 01:05:23, ten seconds behind", "01:05:23", 10, "01:04:40", "01:05:10"},
		{"20 s at 01:05:23", "01:05:23", 20, "01:04:00", "01:05:00"},
		{"60 s at 12:32:34", "12:32:34", 60, "12:29:00", "12:32:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cloud := newCloud()
			m := NewMetrics(cloud, MetricsOptions{Delay: -1})
			cloud.at(t, m, at(c.now), m.Track(withPeriod(cpu("cpu"), c.period), 3))
			if got, want := cloud.window(0), c.start+"-"+c.end; got != want {
				t.Errorf("asked %s, want %s", got, want)
			}
		})
	}
}

// TestWhatReadingCosts counts the dollars of one read; a month has 730 hours.
func TestWhatReadingCosts(t *testing.T) {
	const minutesAMonth = 730 * 60
	perRead := func(t *testing.T, metrics int) float64 {
		t.Helper()
		c := newCloud()
		m := NewMetrics(c, MetricsOptions{Delay: -1, Registerer: prometheus.NewPedanticRegistry()})
		c.at(t, m, t0, fleet(m, metrics, 3)[:metrics]...)
		return testutil.ToFloat64(m.counters.dollars)
	}
	near := func(t *testing.T, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-6 {
			t.Errorf("%v dollars, want %v", got, want)
		}
	}
	t.Run("case 395: a metric each minute of a month", func(t *testing.T) {
		if minutesAMonth != 43_800 {
			t.Errorf("%d reads", minutesAMonth)
		}
		near(t, perRead(t, 1)*minutesAMonth, 0.438)
	})
	t.Run("case 397: a hundred of them", func(t *testing.T) {
		near(t, perRead(t, 100)*minutesAMonth, 43.80)
	})
	t.Run("case 398: two managed alarms cost as much as a read each 131 s", func(t *testing.T) {
		reads := 0.20 / perRead(t, 1)
		if every := math.Floor(730 * 3600 / reads); every != 131 {
			t.Errorf("a read each %v s", every)
		}
	})
}
