package scaler

import (
	"sync/atomic"
	"time"
)

// Clock tells the time and waits. The daemon, the demo and the tests each bring their own.
type Clock interface {
	// Now is the present instant.
	Now() time.Time
	// After sends once d has passed on this clock; stop releases it early.
	After(d time.Duration) (c <-chan time.Time, stop func() bool)
}

// maxOffset is how far the daemon's time may be from AWS's before it is corrected. Response dates
// have whole seconds, and a round trip takes part of one, so that less cannot be told from noise.
const maxOffset = 2 * time.Second

// An answer that was long on its way looks as if AWS's clock were behind. Up to maxLate only so many
// such dates in a row set the clock back; without that, a slow network or a busy machine would turn it
// to and fro, and passes would be made over and over.
const (
	maxLate   = 15 * time.Second
	lateDates = 3
)

// SystemClock is AWS's time as well as this machine can know it. It runs on the monotonic clock, so
// that a step of the wall clock (a person, NTP, a resumed machine) moves no deadline, and is set
// right by the dates of AWS's responses when it is more than two seconds off.
type SystemClock struct {
	start   time.Time            // the wall clock when this one began
	elapsed func() time.Duration // by the monotonic clock, since then
	wall    func() time.Time

	offset atomic.Int64 // nanoseconds AWS is ahead of us
	behind atomic.Int64 // how many dates in a row were behind us, but not by more than a late answer's may be
	moves  atomic.Int64 // how often that was corrected
	step   atomic.Int64 // nanoseconds the wall clock has stepped against the monotonic one
}

// NewSystemClock starts a clock at the machine's present time.
func NewSystemClock() *SystemClock {
	began := time.Now()
	return NewClockOf(func() time.Time { return time.Now().Round(0) }, func() time.Duration { return time.Since(began) })
}

// NewClockOf starts a clock on another machine's wall clock, and on its monotonic clock, which says how long this one has been running.
func NewClockOf(wall func() time.Time, elapsed func() time.Duration) *SystemClock {
	return &SystemClock{start: wall(), elapsed: elapsed, wall: wall}
}

// Now is the start plus what the monotonic clock has counted, plus the offset from AWS.
func (c *SystemClock) Now() time.Time {
	return c.local().Add(time.Duration(c.offset.Load()))
}

func (c *SystemClock) local() time.Time { return c.start.Add(c.elapsed()) }

// After waits on the machine's timer.
func (c *SystemClock) After(d time.Duration) (<-chan time.Time, func() bool) {
	t := time.NewTimer(d)
	return t.C, t.Stop
}

// Observe takes the date of an AWS response. It returns how much the daemon's time was moved, which
// is zero as long as the two agree within two seconds.
func (c *SystemClock) Observe(date time.Time) time.Duration {
	// A date is cut to the second: the middle of that second is the best guess.
	off := int64(date.Add(time.Second / 2).Sub(c.local()))
	old := c.offset.Load()
	moved := time.Duration(off - old)
	if moved.Abs() <= maxOffset {
		c.behind.Store(0)
		return 0
	}
	if late := moved < 0 && moved >= -maxLate; late && c.behind.Add(1) < lateDates {
		return 0
	}
	if !c.offset.CompareAndSwap(old, off) {
		return 0
	}
	c.behind.Store(0)
	c.moves.Add(1)
	return moved
}

// Stopwatch measures from now on how much time passes: by the monotonic clock or by the wall clock, whichever says more.
// The monotonic one stands still while the machine is suspended.
func (c *SystemClock) Stopwatch() func() time.Duration {
	elapsed, wall := c.elapsed(), c.wall()
	return func() time.Duration { return max(c.elapsed()-elapsed, c.wall().Sub(wall)) }
}

// Offset is how far AWS's time is ahead of the machine's, as corrected so far.
func (c *SystemClock) Offset() time.Duration { return time.Duration(c.offset.Load()) }

// Corrections counts how often AWS's dates have moved this clock.
func (c *SystemClock) Corrections() int64 { return c.moves.Load() }

// Step reports by how much the wall clock has stepped against the monotonic one since the last call;
// zero when it stepped by no more than two seconds.
func (c *SystemClock) Step() time.Duration {
	wall := c.wall().Sub(c.local())
	stepped := wall - time.Duration(c.step.Load())
	if stepped.Abs() <= maxOffset {
		return 0
	}
	c.step.Store(int64(wall))
	return stepped
}

// ScaledClock starts at an instant of its own and runs faster than the machine's, for the demo.
type ScaledClock struct {
	start time.Time
	real  time.Time
	speed float64
}

// NewScaledClock starts at start and passes speed seconds in every real one; speed > 0.
func NewScaledClock(start time.Time, speed float64) *ScaledClock {
	return &ScaledClock{start: start, real: time.Now(), speed: speed}
}

// Now is the start plus the scaled time since.
func (c *ScaledClock) Now() time.Time {
	return c.start.Add(time.Duration(float64(time.Since(c.real)) * c.speed))
}

// After waits d of this clock's time.
func (c *ScaledClock) After(d time.Duration) (<-chan time.Time, func() bool) {
	t := time.NewTimer(time.Duration(float64(d) / c.speed))
	return t.C, t.Stop
}
