package appscaling

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
)

const (
	// askBatch is how many services one question names: all of them fit into one page (API DescribeScalableTargets, MaxResults).
	askBatch = 50
	// askRate and askBurst bound the questions of this daemon in an account and region, a second. AWS does not say what it allows.
	askRate  = 5
	askBurst = 20
)

// Reader asks Application Auto Scaling which services of an account and region are its scalable targets, and suspends these. Its
// methods may be called from several goroutines.
type Reader struct {
	clients *awsapi.Clients
	rate    *awsapi.Bucket
}

// NewReader makes a reader with a full bucket of questions.
func NewReader(c *awsapi.Clients) *Reader {
	return &Reader{clients: c, rate: awsapi.NewBucket(askRate, askBurst)}
}

// Answer is what is known of one service.
type Answer struct {
	Key evaluator.Key
	// Target is nil where the service is no scalable target.
	Target *Target
	// Err is why there is no answer.
	Err error
}

// Ask asks about as many of the services as the rate allows at now, in their order. Those that it left out are not in the result; the
// first question without an answer ends it, so that an API that does not answer is not waited for again and again.
func (r *Reader) Ask(ctx context.Context, now time.Time, keys []evaluator.Key) []Answer {
	var answers []Answer
	for batch := range slices.Chunk(keys, askBatch) {
		if !r.rate.Take(now, 0) {
			break
		}
		found, err := r.describe(ctx, batch)
		for _, k := range batch {
			answers = append(answers, Answer{Key: k, Target: found[resource(k.Cluster, k.Service)], Err: err})
		}
		if err != nil {
			break
		}
	}
	return answers
}

// describe gives the scalable targets among the services by their resource IDs.
func (r *Reader) describe(ctx context.Context, keys []evaluator.Key) (map[string]*Target, error) {
	var resources []string
	for _, k := range keys {
		resources = append(resources, resource(k.Cluster, k.Service))
	}
	found := map[string]*Target{}
	err := scalableTargets(ctx, r.clients, resources, func(t *types.ScalableTarget) error {
		if one, ok := targetOf(t); ok {
			found[resource(one.Cluster, one.Service)] = &one
		}
		return nil
	})
	return found, err
}

// Suspend suspends the three kinds of scaling of a target, and leaves everything else of it as it is.
func (r *Reader) Suspend(ctx context.Context, t *Target) error {
	return Switch(ctx, r.clients, Change{*t, Suspended})
}
