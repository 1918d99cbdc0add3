// Package curve describes how a quantity changes with time: a constant, steps, a line through points, a sine, a square
// wave, a recorded trace, or a sum of them. Time is seconds since the scenario's time zero and may be negative.
package curve

import (
	"math"
	"sort"
)

// Curve gives the value at t seconds after time zero. Implementations are immutable and safe for concurrent use.
type Curve interface {
	At(t float64) float64
}

// Constant is the same at all times.
type Constant float64

// At gives the constant.
func (c Constant) At(float64) float64 { return float64(c) }

// Point is a value at a time in seconds.
type Point struct{ T, Value float64 }

// Steps holds the value of each point until the next one; before the first point it has the first value.
// Points ascend in T. Every, when above zero, repeats the curve with that period in seconds.
type Steps struct {
	Points []Point
	Every  float64
}

// At gives the value of the newest point not after t.
func (s Steps) At(t float64) float64 {
	i := after(s.Points, wrap(t, s.Every))
	return s.Points[max(i-1, 0)].Value
}

// Line runs straight from point to point and is level before the first and after the last one.
// Points ascend in T. Every, when above zero, repeats the curve with that period in seconds.
type Line struct {
	Points []Point
	Every  float64
}

// At interpolates between the two points around t.
func (l Line) At(t float64) float64 {
	t = wrap(t, l.Every)
	i := after(l.Points, t)
	switch i {
	case 0:
		return l.Points[0].Value
	case len(l.Points):
		return l.Points[i-1].Value
	}
	a, b := l.Points[i-1], l.Points[i]
	return a.Value + (b.Value-a.Value)*(t-a.T)/(b.T-a.T)
}

// Sine swings around Mean by Amplitude with Period seconds; at t = Phase it passes Mean upwards.
type Sine struct{ Mean, Amplitude, Period, Phase float64 }

// At gives Mean + Amplitude·sin(2π(t-Phase)/Period).
func (s Sine) At(t float64) float64 {
	return s.Mean + s.Amplitude*math.Sin(2*math.Pi*(t-s.Phase)/s.Period)
}

// Square is High during the first Duty part (0 to 1) of each Period seconds counted from Phase, Low during the rest.
type Square struct{ Low, High, Period, Duty, Phase float64 }

// At gives High or Low.
func (s Square) At(t float64) float64 {
	if wrap(t-s.Phase, s.Period) < s.Duty*s.Period {
		return s.High
	}
	return s.Low
}

// Sum adds its parts.
type Sum []Curve

// At adds the values of the parts.
func (s Sum) At(t float64) float64 {
	total := 0.0
	for _, c := range s {
		total += c.At(t)
	}
	return total
}

// Later is a curve that runs By seconds later.
type Later struct {
	Curve Curve
	By    float64
}

// At gives the value the curve had By seconds before t.
func (l Later) At(t float64) float64 { return l.Curve.At(t - l.By) }

// after is the index of the first point later than t.
func after(points []Point, t float64) int {
	return sort.Search(len(points), func(i int) bool { return points[i].T > t })
}

// wrap brings t into [0, every); every <= 0 leaves it alone.
func wrap(t, every float64) float64 {
	if every <= 0 {
		return t
	}
	if t = math.Mod(t, every); t < 0 {
		t += every
	}
	return t
}
