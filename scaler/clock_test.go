package scaler

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ecs-autoscaler/evaluator"
)

// testClock is a SystemClock whose wall and monotonic clocks a test turns.
type testClock struct {
	*SystemClock
	mono     time.Duration
	wallTime time.Duration
}

func newTestClock() *testClock {
	c := &testClock{}
	c.SystemClock = &SystemClock{
		start:   midnight,
		elapsed: func() time.Duration { return c.mono },
		wall:    func() time.Time { return midnight.Add(c.wallTime) },
	}
	return c
}

func (c *testClock) pass(d time.Duration) { c.mono += d; c.wallTime += d }

func TestAStepOfTheWallClockMovesNoDeadlineAndIsToldOnce(t *testing.T) {
	for _, step := range []time.Duration{time.Hour, -time.Hour, 3 * time.Second} {
		c := newTestClock()
		c.pass(time.Minute)
		c.wallTime += step
		if got := c.Now(); !got.Equal(midnight.Add(time.Minute)) {
			t.Errorf("after a step of %s it is %s, want a minute past midnight", step, got)
		}
		if got := c.Step(); got != step {
			t.Errorf("the step was told as %s, want %s", got, step)
		}
		if got := c.Step(); got != 0 {
			t.Errorf("the step of %s was told twice", step)
		}
	}
}

func TestTheDaemonsTimeFollowsAWSBeyondTwoSeconds(t *testing.T) {
	c := newTestClock()
	if moved := c.Observe(midnight.Add(time.Second)); moved != 0 {
		t.Errorf("moved by %s for one second", moved)
	}
	if moved := c.Observe(midnight.Add(-time.Hour)); moved != -time.Hour+500*time.Millisecond {
		t.Errorf("moved by %s, want an hour back", moved)
	}
	if c.Corrections() != 1 || c.Offset().Round(time.Second) != -time.Hour+time.Second && c.Offset() != -time.Hour+500*time.Millisecond {
		t.Errorf("%d corrections, offset %s", c.Corrections(), c.Offset())
	}
	c.pass(time.Minute)
	if moved := c.Observe(c.Now().Truncate(time.Second)); moved != 0 {
		t.Errorf("moved by %s although the two agree", moved)
	}
}

func TestAfterAnyDatesTheClockIsWithinTwoSecondsOfTheLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newTestClock()
		for _, s := range rapid.SliceOfN(rapid.Int64Range(-1e6, 1e6), 1, 20).Draw(t, "seconds off") {
			date := midnight.Add(time.Duration(s) * time.Second)
			for range lateDates { // one alone may only have been long on its way
				c.Observe(date)
			}
			if d := c.Now().Sub(date); d < -maxOffset || d > maxOffset+time.Second {
				t.Fatalf("the clock is %s from AWS's", d)
			}
			c.pass(time.Millisecond)
		}
	})
}

// correcting is a world whose clock AWS's first answer moves.
type correcting struct {
	*world
	moves int64
}

func (c *correcting) Corrections() int64 { return c.moves }

func TestAPassDuringWhichTheClockWasSetDecidesNothingAndIsMadeAgain(t *testing.T) {
	w := newWorld()
	k := w.add("web", 6)
	w.value = constant(1)
	b := newBench(t, w, strings.Replace(tracking, "scale_in_cooldown: 60", "scale_in_cooldown: 60, scale_in_alarm: {evaluation_periods: 1, datapoints_to_alarm: 1}", 1))
	clock := &correcting{world: w}
	b.engine.Clock = clock
	w.onRequest = func() {
		if clock.moves == 0 {
			clock.moves++
			w.now = w.now.Add(-time.Hour)
		}
	}
	b.pass()
	if len(w.writes) != 0 {
		t.Fatal("decided on what was read at a wrong time")
	}
	b.move(time.Second)
	b.pass()
	b.expect(k, 1, evaluator.ByTargetTracking)
}

func TestTheScaledClockRunsFaster(t *testing.T) {
	c := NewScaledClock(midnight, 1e6)
	wake, stop := c.After(time.Hour)
	defer stop()
	<-wake
	if passed := c.Now().Sub(midnight); passed < time.Hour {
		t.Errorf("%s passed, want at least the hour that was waited for", passed)
	}
}

func TestAReloadTellsWhatNeedsARestart(t *testing.T) {
	old := parse(t, tracking)
	now := parse(t, "region: eu-west-1\nlisten: \"\"\n"+tracking)
	if got := strings.Join(needRestart(old, now), ", "); got != "listen, region" {
		t.Errorf("named %q, want listen and region", got)
	}
	if got := needRestart(old, old); len(got) != 0 {
		t.Errorf("named %v for no change", got)
	}
}

func TestAReloadMayBeginToSelectByTags(t *testing.T) {
	w := newWorld()
	a, other := w.add("a", 2), w.add("b", 2)
	w.tags[a] = map[string]string{"team": "web"}
	b := newBench(t, w, fleet)
	b.pass()
	b.engine.Reload(parse(t, strings.ReplaceAll(fleet, "service: c/*", "service: c/*\n    tags: {team: web}")))
	b.minutes(1)
	_, first := b.store.Target(a)
	_, second := b.store.Target(other)
	if !first || second {
		t.Errorf("targets: a %v, b %v; want only the tagged one", first, second)
	}
}

func TestALateDateDoesNotTurnTheClockBack(t *testing.T) {
	c := newTestClock()
	c.pass(time.Minute)
	late := c.Now().Add(-4 * time.Second) // an answer that took four seconds to arrive
	if moved := c.Observe(late); moved != 0 {
		t.Errorf("one late answer moved the clock by %s", moved)
	}
	c.Observe(c.Now())
	c.Observe(late)
	c.Observe(late)
	if c.Corrections() != 0 {
		t.Error("late answers between prompt ones moved the clock")
	}
	c.Observe(late)
	if c.Corrections() != 1 {
		t.Error("a clock that is four seconds ahead of every answer was not set")
	}
}
