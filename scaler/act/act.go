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
	"golang.org/x/time/rate"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
)

// The bucket of UpdateService, CreateService and DeleteService, per account and region
// (aws-semantics 8.3).
const (
	modifyRate  = 5
	modifyBurst = 50
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

	mu      sync.Mutex
	limiter *rate.Limiter
	now     time.Time // of the last Allow
}

// NewECS makes an actuator with a full bucket of writes.
func NewECS(api UpdateServiceAPI) *ECS {
	return &ECS{api: api, limiter: rate.NewLimiter(modifyRate, modifyBurst)}
}

// Allow takes one write from the rate; false means that none is left at now.
func (a *ECS) Allow(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now = now
	return a.limiter.AllowN(now, 1)
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
	}, fewAttempts)
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
func fewAttempts(o *ecs.Options) {
	if o.RetryMaxAttempts == 0 || o.RetryMaxAttempts > attempts {
		o.RetryMaxAttempts = attempts
	}
}

// DryRun is the actuator of a dry run. It has no fields, hence no client and no way to AWS.
type DryRun struct{}

// Allow always allows: what is not written needs no rate.
func (DryRun) Allow(time.Time) bool { return true }

// SetDesiredCount does nothing and describes nothing.
func (DryRun) SetDesiredCount(context.Context, evaluator.Key, int) (evaluator.Service, error) {
	return evaluator.Service{}, nil
}

// DryRun says that this actuator does not write.
func (DryRun) DryRun() bool { return true }
