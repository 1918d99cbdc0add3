// Package act writes AWS: it sets the desired count of an ECS service, and nothing else.
//
// There are two actuators. [ECS] writes; [DryRun] has no client to write with, so that a dry run
// provably changes nothing.
package act

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
)

// The bucket of UpdateService, CreateService and DeleteService, per account and region
// (aws-semantics 8.3).
const (
	modifyRate  = 5
	modifyBurst = 50
	// reservedForOut is how many writes of the burst are left to scale-outs. As long as scale-outs wait anywhere in the
	// account, they take what the bucket is refilled by, so that it never holds as much for a scale-in.
	reservedForOut = 10
	// attempts is fewer than the SDK's three: each one is taken from AWS's bucket too, and the next pass
	// decides afresh anyway.
	attempts = 2
)

// UpdateServiceAPI is what is used of the ECS client to write.
type UpdateServiceAPI interface {
	UpdateService(ctx context.Context, in *ecs.UpdateServiceInput, optFns ...func(*ecs.Options)) (*ecs.UpdateServiceOutput, error)
}

// ECS sets desired counts for real. Its methods may be called from several goroutines.
type ECS struct {
	api UpdateServiceAPI

	rate     *awsapi.Bucket
	attempts int

	mu  sync.Mutex
	now time.Time // of the last Allow
}

// NewECS makes an actuator with a full bucket of writes.
func NewECS(api UpdateServiceAPI) *ECS {
	return &ECS{api: api, rate: awsapi.NewBucket(modifyRate, modifyBurst), attempts: attempts}
}

// NewSingleAttempt makes an actuator whose writes are never repeated: for a daemon that may have lost the right to write
// before a second attempt.
func NewSingleAttempt(api UpdateServiceAPI) *ECS {
	a := NewECS(api)
	a.attempts = 1
	return a
}

// Left is how many writes in a direction the rate allows at now.
func (a *ECS) Left(now time.Time, direction evaluator.Action) int {
	return max(a.rate.Left(now)-reserve(direction), 0)
}

// Allow takes one write in a direction from the rate; false means that none is left at now. The last of the burst are left
// to scale-outs, of all clusters that the actuator writes to.
func (a *ECS) Allow(now time.Time, direction evaluator.Action) bool {
	if !a.rate.Take(now, reserve(direction)) {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now = now
	return true
}

func reserve(direction evaluator.Action) int {
	if direction == evaluator.ScaleOut {
		return 0
	}
	return reservedForOut
}

// SetDesiredCount writes the desired count n of a service and gives the service as ECS answered, described
// at the instant of the last Allow. The request carries cluster, service and desired count, nothing else: so it never
// starts a deployment. The rate is not its business, see Allow.
func (a *ECS) SetDesiredCount(ctx context.Context, k evaluator.Key, n int) (evaluator.Service, error) {
	if n < 0 || n > math.MaxInt32 {
		return evaluator.Service{}, fmt.Errorf("desired count of %s: %d is not between 0 and %d", k, n, math.MaxInt32)
	}
	count := int32(n)
	out, err := a.api.UpdateService(ctx, &ecs.UpdateServiceInput{
		Cluster: &k.Cluster, Service: &k.Service, DesiredCount: &count,
	}, a.fewAttempts)
	if err != nil {
		return evaluator.Service{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return awsapi.ServiceOf(out.Service, a.now), nil
}

// DryRun says that this actuator writes.
func (*ECS) DryRun() bool { return false }

// fewAttempts leaves a lower number from the environment as it is.
func (a *ECS) fewAttempts(o *ecs.Options) {
	o.APIOptions = append(o.APIOptions, awsapi.WatchAttempts)
	if o.RetryMaxAttempts == 0 || o.RetryMaxAttempts > a.attempts {
		o.RetryMaxAttempts = a.attempts
	}
}

// DryRun is the actuator of a dry run. It has no fields, hence no client and no way to AWS.
type DryRun struct{}

// Left is as many as anybody asks for: what is not written needs no rate.
func (DryRun) Left(time.Time, evaluator.Action) int { return math.MaxInt32 }

// Allow always allows.
func (DryRun) Allow(time.Time, evaluator.Action) bool { return true }

// SetDesiredCount does nothing and describes nothing.
func (DryRun) SetDesiredCount(context.Context, evaluator.Key, int) (evaluator.Service, error) {
	return evaluator.Service{}, nil
}

// DryRun says that this actuator does not write.
func (DryRun) DryRun() bool { return true }
