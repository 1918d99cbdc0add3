package awsapi

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestABucketLeavesItsReserve(t *testing.T) {
	b := NewBucket(5, 50)
	taken := 0
	for b.Take(t0, 10) {
		taken++
	}
	if taken != 40 || b.Left(t0) != 10 {
		t.Fatalf("%d were taken and %d are left, want 40 and 10", taken, b.Left(t0))
	}
	for b.Take(t0, 0) {
		taken++
	}
	if taken != 50 {
		t.Errorf("%d were taken, want 50", taken)
	}
	b.Owe(t0, 10)
	if n := b.Left(t0.Add(2 * time.Second)); n != 0 {
		t.Errorf("%d are left two seconds after ten were owed, want none", n)
	}
	if n := b.Left(t0.Add(time.Hour)); n != 50 {
		t.Errorf("%d are left after an hour, want 50", n)
	}
}

func TestCallersWhoTookTheTimeAMomentAgoDoNotRefillTheBucketAgain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b, now, made := NewBucket(20, 100), t0, 0
		b.Left(t0)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(rt, "ms")) * time.Millisecond)
			behind := time.Duration(rapid.IntRange(0, 2999).Draw(rt, "behind")) * time.Millisecond
			for range rapid.IntRange(0, 120).Draw(rt, "wanted") {
				if b.Take(now.Add(-behind), 0) {
					made++
				}
			}
			if limit := 100 + 20*now.Sub(t0).Seconds(); float64(made) > limit+1e-6 {
				rt.Fatalf("%d calls in %s, the bucket gives %v", made, now.Sub(t0), limit)
			}
		}
	})
}

func TestAClockThatWasSetBackDoesNotStopTheBucket(t *testing.T) {
	for _, by := range []time.Duration{2 * time.Second, 3 * time.Second, 4 * time.Minute, 284 * time.Second, time.Hour, 400 * 24 * time.Hour} {
		b := NewBucket(20, 100)
		for b.Take(t0, 0) {
		}
		b.Take(t0.Add(-by), 0)
		if n := b.Left(t0.Add(-by + 4*time.Second)); n < 19 || n > 80 {
			t.Errorf("%d are left 4 s after the clock was set back by %s, want 20 for each second in which it was not ahead", n, by)
		}
	}
}

// bubble is the clock of a synctest bubble.
type bubble struct{}

func (bubble) Now() time.Time { return time.Now() }

func (bubble) After(d time.Duration) (<-chan time.Time, func() bool) {
	t := time.NewTimer(d)
	return t.C, t.Stop
}

func TestWhoWaitsHasItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, began := NewBucket(50, 100), time.Now()
		for range 200 {
			if err := b.Wait(t.Context(), bubble{}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("200 calls took %s, want 2s: 100 at once and 50 a second", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := b.Wait(ctx, bubble{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the end of the wait", err)
		}
	})
}
