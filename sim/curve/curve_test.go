package curve_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ecs-autoscaler/sim/curve"
)

func TestCurvesHaveTheirValueAtEachTime(t *testing.T) {
	steps := curve.Steps{Points: []curve.Point{{T: 0, Value: 1}, {T: 60, Value: 5}}}
	line := curve.Line{Points: []curve.Point{{T: 10, Value: 0}, {T: 20, Value: 10}}}
	square := curve.Square{Low: 1, High: 9, Period: 100, Duty: 0.25, Phase: 0}
	sine := curve.Sine{Mean: 10, Amplitude: 4, Period: 3600}
	for _, c := range []struct {
		name  string
		curve curve.Curve
		t     float64
		want  float64
	}{
		{"a constant is always itself", curve.Constant(3), -5, 3},
		{"steps have the first value before the first point", steps, -1, 1},
		{"steps hold until the next point", steps, 59.9, 1},
		{"steps change exactly at the point", steps, 60, 5},
		{"steps keep the last value", steps, 1e9, 5},
		{"steps repeat", curve.Steps{Points: steps.Points, Every: 120}, 130, 1},
		{"steps repeat before zero too", curve.Steps{Points: steps.Points, Every: 120}, -10, 5},
		{"a line is level before its first point", line, 0, 0},
		{"a line interpolates", line, 15, 5},
		{"a line is level after its last point", line, 30, 10},
		{"a square is high first", square, 24.9, 9},
		{"a square is low for the rest", square, 25, 1},
		{"a square is periodic", square, 100, 9},
		{"a square is shifted by its phase", curve.Square{Low: 1, High: 9, Period: 100, Duty: 0.25, Phase: 50}, 0, 1},
		{"a sine starts at its mean", sine, 0, 10},
		{"a sine peaks after a quarter", sine, 900, 14},
		{"a sum adds", curve.Sum{curve.Constant(2), line}, 15, 7},
		{"later is a shift", curve.Later{Curve: line, By: 5}, 20, 5},
	} {
		if got := c.curve.At(c.t); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: At(%v) = %v, want %v", c.name, c.t, got, c.want)
		}
	}
}

const sample = "timestamp,value\n2018-04-25T00:00:00Z,10\n2018-04-25T00:01:00Z,20\n2018-04-25T00:03:00Z,40\n"

func TestATraceIsInterpolatedScaledAndShifted(t *testing.T) {
	trace, err := curve.ReadTrace("x.csv", strings.NewReader(sample))
	if err != nil {
		t.Fatal(err)
	}
	from := trace.Start().Add(time.Minute)
	for _, c := range []struct {
		repeat bool
		t      float64
		want   float64
	}{
		{false, 0, 2}, {false, 60, 3}, {false, -30, 1.5}, {false, 600, 4}, {false, -600, 1},
		// Three minutes and one step of two more: the period is 300 s.
		{true, 120, 4}, {true, 240, 1}, {true, 300, 2},
	} {
		if got := trace.Curve(from, 0.1, c.repeat).At(c.t); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("repeat %v: At(%v) = %v, want %v", c.repeat, c.t, got, c.want)
		}
	}
	if got := trace.End().Sub(trace.Start()); got != 3*time.Minute {
		t.Errorf("the trace lasts %v, want 3m", got)
	}
}

func TestAPercentileIsANearestRank(t *testing.T) {
	trace, err := curve.ReadTrace("x.csv", strings.NewReader(sample))
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[float64]float64{0: 10, 33: 10, 50: 20, 67: 40, 100: 40} {
		if got := trace.Percentile(p); got != want {
			t.Errorf("percentile %v = %v, want %v", p, got, want)
		}
	}
}

func TestABadTraceIsRefusedWithItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "x.csv:1: a trace begins with the line timestamp,value",
		"time,value\n":                   "x.csv:1: a trace begins",
		"timestamp,value\n":              "no datapoints",
		"timestamp,value\nyesterday,1\n": `x.csv:2: timestamp "yesterday"`,
		"timestamp,value\n1000-01-01T00:00:00Z,1\n":   "x.csv:2: timestamp 1000-01-01T00:00:00Z is outside the years",
		"timestamp,value\n2018-04-25T00:00:00Z,NaN\n": `x.csv:2: value "NaN" is not a finite number`,
		"timestamp,value\n2018-04-25T00:00:00Z,1,2\n": "x.csv:2: ",
		sample + "2018-04-25T00:03:00Z,1\n":           "x.csv:5: timestamp 2018-04-25T00:03:00Z is not later",
	} {
		if _, err := curve.ReadTrace("x.csv", strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("trace %q: error %v, want one with %q", text, err, want)
		}
	}
}

func TestPeriodicCurvesRepeatAndStayBetweenTheirExtremes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Float64Range(-50, 50).Draw(t, "low")
		high := low + rapid.Float64Range(0, 50).Draw(t, "height")
		period := float64(rapid.IntRange(1, 100_000).Draw(t, "period"))
		at := float64(rapid.IntRange(-1_000_000, 1_000_000).Draw(t, "at"))
		points := []curve.Point{{T: 0, Value: low}, {T: period / 2, Value: high}, {T: period, Value: low}}
		for _, c := range []curve.Curve{
			curve.Square{Low: low, High: high, Period: period, Duty: 0.5},
			curve.Line{Points: points, Every: period},
			curve.Steps{Points: points[:2], Every: period},
		} {
			v := c.At(at)
			if v < low-1e-9 || v > high+1e-9 {
				t.Fatalf("%T: %v is outside [%v, %v]", c, v, low, high)
			}
			if later := c.At(at + period); math.Abs(v-later) > 1e-6*(1+high-low) {
				t.Fatalf("%T: %v at %v but %v one period of %v later", c, v, at, later, period)
			}
		}
	})
}

func FuzzReadTrace(f *testing.F) {
	f.Add(sample)
	f.Add("timestamp,value\n\"a\n")
	f.Fuzz(func(t *testing.T, text string) {
		trace, err := curve.ReadTrace("x.csv", strings.NewReader(text))
		if err == nil && trace.End().Before(trace.Start()) {
			t.Fatalf("accepted a trace that ends %v before its start %v", trace.End(), trace.Start())
		}
	})
}
