package awsapi

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bucket is a token bucket as AWS has one for each kind of call in an account and region (aws-semantics 8.3): everybody who
// makes such calls there shares it. Its methods may be called from several goroutines.
type Bucket struct {
	mu      sync.Mutex
	limiter *rate.Limiter
	latest  time.Time
}

// NewBucket makes a full bucket of burst calls that is refilled by perSecond.
func NewBucket(perSecond float64, burst int) *Bucket {
	return &Bucket{limiter: rate.NewLimiter(rate.Limit(perSecond), burst)}
}

// rewound is how far an instant may lie before the latest one and still be that of a caller who has just looked at the clock, in
// whole seconds. What is further back is a clock that was set: it must not keep anybody waiting until it is as late again.
const rewound = 3 * time.Second

// at is the instant that counts for a caller at now. The bucket must not be refilled twice for the moment between two callers.
func (b *Bucket) at(now time.Time) time.Time {
	behind := b.latest.Sub(now)
	if behind > 0 && behind < rewound {
		return b.latest
	}
	if behind > 0 { // the limiter knows no way back
		used := b.limiter.Burst() - int(b.limiter.TokensAt(b.latest))
		b.limiter = rate.NewLimiter(b.limiter.Limit(), b.limiter.Burst())
		b.limiter.ReserveN(now, min(max(used, 0), b.limiter.Burst()))
	}
	b.latest = now
	return now
}

// Left is how many calls the bucket allows at now.
func (b *Bucket) Left(now time.Time) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(int(b.limiter.TokensAt(b.at(now))), 0)
}

// Take takes one call from the bucket, if afterwards at least reserve are left; false means that it was not taken.
func (b *Bucket) Take(now time.Time, reserve int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = b.at(now)
	return int(b.limiter.TokensAt(now)) > reserve && b.limiter.AllowN(now, 1)
}

// Owe books n calls that were made without asking; those to come wait for them.
func (b *Bucket) Owe(now time.Time, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = b.at(now)
	for range n {
		b.limiter.ReserveN(now, 1)
	}
}

// Waiter is a clock to wait by.
type Waiter interface {
	Now() time.Time
	After(d time.Duration) (c <-chan time.Time, stop func() bool)
}

// Wait takes one call from the bucket, and waits by the clock until there is one. It fails only when ctx ends first; what
// was waited for is then used up all the same.
func (b *Bucket) Wait(ctx context.Context, clock Waiter) error {
	b.mu.Lock()
	now := b.at(clock.Now())
	delay := b.limiter.ReserveN(now, 1).DelayFrom(now)
	b.mu.Unlock()
	if delay <= 0 {
		return nil
	}
	wake, stop := clock.After(delay)
	defer stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wake:
		return nil
	}
}
