package dynamo

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// patience bounds an operation with all its attempts, and each of them.
type patience struct{ all, attempt time.Duration }

var (
	// commitPatience is well inside the 5 s from the beginning of an intent's commit within which the intent must be sent.
	commitPatience = patience{3 * time.Second, time.Second}
	readPatience   = patience{10 * time.Second, 4 * time.Second}
)

// The pauses between attempts grow from the first to the longest, each anywhere below.
const (
	firstPause   = 40 * time.Millisecond
	longestPause = 600 * time.Millisecond
)

// persist is that of the package, with the backend's own chance.
func (b *Backend) persist(ctx context.Context, p patience, do func(context.Context) error) error {
	return persist(ctx, p, b.Jitter, do)
}

// persist tries again what failed for a reason that passes, until its time is over. The pauses are spread by jitter, nil for chance.
func persist(ctx context.Context, p patience, jitter func() float64, do func(context.Context) error) error {
	if jitter == nil {
		jitter = rand.Float64
	}
	ctx, cancel := context.WithTimeout(ctx, p.all)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := attempt(ctx, p.attempt, do)
		if err == nil || !passing(err) || ctx.Err() != nil {
			return err
		}
		if !wait(ctx, time.Duration(jitter()*float64(pause))) {
			return err
		}
	}
}

func attempt(ctx context.Context, limit time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return do(ctx)
}

// wait reports whether there is time left after it.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// once leaves trying again to persist: only here is it known what an attempt may have done.
func once(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }
