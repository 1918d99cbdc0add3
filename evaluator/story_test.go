package evaluator

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// The stories run a target minute by minute, as the daemon does, and check what it does at each of them.

// minutes feeds one value a minute to every policy and carries out what is decided; every task starts at once.
func (s *scene) minutes(values []float64, want ...int) {
	s.Helper()
	for k := range s.target.Metrics {
		s.o.Series[k].Values = nil
	}
	for minute, v := range values {
		s.at(60 * (minute + 1))
		for k := range s.target.Metrics {
			s.o.Series[k].Values = append(s.o.Series[k].Values, v)
		}
		s.m.Follow(s.target, &s.o.Service, s.now)
		if s.decide().Action != Hold {
			s.write().runs(s.d.Wanted)
		} else {
			s.m.Remember(s.target, &s.d)
		}
		if s.o.Service.Desired != want[minute] {
			s.Errorf("minute %d at %v: %d tasks, expected %d: %s", minute+1, v, s.o.Service.Desired, want[minute], s.d.Message())
		}
	}
}

func TestStoryRepeatedOncePerMinute(t *testing.T) {
	t.Run("case 254: an alarm that stays in ALARM for five minutes invokes its policy once a minute", func(t *testing.T) {
		p := outBy(1)
		p.ScaleOutCooldown = 0
		newScene(t, 1, 100, p).minutes(parse("60x5 20"), 5, 6, 7, 8, 9, 9)
	})
}

func TestStoryThreeBreachingMinutes(t *testing.T) {
	t.Log("three minutes at 80 of 50 scale out, the cooldown holds, then the load has to be low for fifteen")
	s := newScene(t, 1, 10, tracking("cpu", 50)).counts(1, 1)
	values := parse("20x3 80x4 48x2 20x17")
	want := []int{1, 1, 1, 1, 1, 2, 2, 2, 2}
	for range 14 {
		want = append(want, 2)
	}
	s.minutes(values, append(want, 1, 1, 1)...)
}

func TestStoryFlaskappSteps(t *testing.T) {
	inf := math.Inf(1)
	out := stepping("memory-out", GreaterThanThreshold, 10, Step{
		AdjustmentType: ChangeInCapacity,
		Adjustments:    []StepAdjustment{{0, 10, 1}, {10, 25, 2}, {25, inf, 3}},
	})
	in := stepping("memory-in", LessThanOrEqualToThreshold, 10, below(ChangeInCapacity, -1))
	for _, p := range []*Policy{&out, &in} {
		p.ScaleOutCooldown, p.ScaleInCooldown = time.Minute, time.Minute
	}
	s := newScene(t, 1, 4, out, in).counts(1, 1)
	s.minutes(parse("5 15 22 40 10 10 9 5 5"),
		1, // At min.
		2, // 5 above: +1.
		4, // 12 above: +2; the cooldown of minute 2 is over at its deadline.
		4, // 30 above: +3, but max is 4.
		3, // On the threshold the scale-in alarm breaches: -1.
		2, // The scale-in cooldown of minute 5 is over.
		1, 1, 1)
	if s.d.Reason != AlreadyAtMinCapacity {
		t.Errorf("ends with %s", s.d.Reason)
	}
}

func TestStoryThirdBreachingBucket(t *testing.T) {
	t.Run("case 256: it acts as soon as it has closed and is there", func(t *testing.T) {
		s := newScene(t, 1, 10, tracking("cpu", 50))
		s.o.Series[0] = &Series{Period: 60, End: noon.Unix(), Values: parse("20 20 80x3"), Delay: 120}
		s.now = noon.Add(-time.Second)
		s.expect(4, WithinTarget) // One of the newest three is good.
		if got := s.d.Policies[0].Alarms[0].State; got != OKState {
			t.Errorf("a second before the bucket closes the alarm is %s", got)
		}
		s.now = noon
		s.expect(7, ByTargetTracking)
	})
}

func TestStoryLateDatapointsHoldNothingUpAndInventNothing(t *testing.T) {
	t.Log("a metric that comes two minutes late is judged on what is there; when it stops coming, scale-in stops")
	s := newScene(t, 1, 10, tracking("cpu", 50))
	end := noon.Unix()
	s.o.Series[0] = &Series{Period: 60, End: end, Values: parse("20x15 _ _"), Delay: 120}
	s.expect(2, ByTargetTracking)
	for late := range 4 {
		s.o.Series[0].Values = append(parse("20x15 _ _"), parse(fmt.Sprintf("_x%d", late+1))...)
		s.o.Series[0].End = end + 60*int64(late+1)
		s.now = noon.Add(time.Duration(late+1) * time.Minute)
		s.m.Policies[0].Alarms[1].State = AlarmingState
		s.expect(4, StaleData)
	}
}

func TestStorySomebodyElseScales(t *testing.T) {
	t.Log("a count set by hand is respected: nothing scales until an alarm asks for it, from the count found")
	s := newScene(t, 1, 10, tracking("cpu", 50)).metric(0, "48x15").expect(4, WithinTarget)
	s.counts(8, 8).at(60)
	if seen := s.m.Follow(s.target, &s.o.Service, s.now); !seen.Foreign || seen.From != 4 || seen.To != 8 {
		t.Errorf("noticed %+v", seen)
	}
	s.expect(8, WithinTarget)
	s.metric(0, "25x15").expect(4, ByTargetTracking)
}

func TestStoryWakesFromZero(t *testing.T) {
	t.Log("a worker at 0 starts with one task, waits out its cooldown, then follows the backlog per task")
	p := tracking("backlog", 100)
	p.ScaleOutCooldown = 2 * time.Minute
	s := newScene(t, 0, 20, p).counts(0, 0)
	s.minutes(parse("0 0 800 800 800 800 100"), 0, 0, 1, 1, 8, 8, 8)
}
