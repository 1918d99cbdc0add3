package observe

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
)

// ECSAPI is what is used of the ECS client to read.
type ECSAPI interface {
	DescribeServices(ctx context.Context, in *ecs.DescribeServicesInput, optFns ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error)
	ListServices(ctx context.Context, in *ecs.ListServicesInput, optFns ...func(*ecs.Options)) (*ecs.ListServicesOutput, error)
	ListClusters(ctx context.Context, in *ecs.ListClustersInput, optFns ...func(*ecs.Options)) (*ecs.ListClustersOutput, error)
}

// The bucket that DescribeServices and ListServices share, per account and region (aws-semantics 8.3),
// and the most services one call describes.
const (
	readRate  = 20
	readBurst = 100
	perCall   = 10
)

// ServicesOptions are the choices for reading services.
type ServicesOptions struct {
	// Tags asks for the services' tags, needed only where targets are chosen by them.
	Tags bool
	// InFlight is how many calls run at once; 0 means 8.
	InFlight int
	// Deployments asks for what Described.Deployment has, which costs no call more.
	Deployments bool
	// Account is that of the services' keys.
	Account string
	// Rate is the account's bucket of these calls, see NewReadRate, which other readers may share; nil is one of its own.
	Rate *awsapi.Bucket
	// Now is the clock of a reader that shares its Rate: List then asks the rate before its first call. Nil is for one that
	// lists so rarely that it may do without.
	Now func() time.Time
}

// listReserve is how many calls of the rate a list leaves for services that are about to be scaled.
const listReserve = 20

// NewReadRate is the bucket that DescribeServices and ListServices share in an account and region.
func NewReadRate() *awsapi.Bucket { return awsapi.NewBucket(readRate, readBurst) }

// Services describes and lists ECS services within AWS's rate. Its methods may be called from several
// goroutines.
type Services struct {
	api      ECSAPI
	tags     atomic.Bool
	inFlight int
	account  string
	rate     *awsapi.Bucket
	clock    func() time.Time
	// deployments says that each Described has its Deployment.
	deployments bool

	mu     sync.Mutex
	listed int // requests of List that the bucket has not been told of
}

// Described is one service as just described.
type Described struct {
	Key evaluator.Key
	// Service has the status MISSING and a reason when ECS does not know the service or its cluster.
	Service evaluator.Service
	// Tags are there when they were asked for.
	Tags map[string]string
	// Deployment is there when it was asked for and ECS knows the service.
	Deployment *Deployment
	// Err says that the call failed and Service says nothing.
	Err error
}

// NewServices makes a reader.
func NewServices(api ECSAPI, o ServicesOptions) *Services {
	if o.InFlight <= 0 {
		o.InFlight = defaultInFlight
	}
	if o.Rate == nil {
		o.Rate = NewReadRate()
	}
	s := &Services{api: api, inFlight: o.InFlight, account: o.Account, rate: o.Rate, clock: o.Now, deployments: o.Deployments}
	s.tags.Store(o.Tags)
	return s
}

// AskTags says whether descriptions come with the services' tags from now on.
func (s *Services) AskTags(yes bool) { s.tags.Store(yes) }

// Calls is how many DescribeServices calls the rate allows at now, each for ten services of one cluster.
func (s *Services) Calls(now time.Time) int {
	s.settle(now)
	return s.rate.Left(now)
}

// allow takes one call from the rate.
func (s *Services) allow(now time.Time) bool {
	s.settle(now)
	return s.rate.Take(now, 0)
}

// settle books the requests of List, which is not told the time, as a debt.
func (s *Services) settle(now time.Time) {
	s.mu.Lock()
	listed := s.listed
	s.listed = 0
	s.mu.Unlock()
	s.rate.Owe(now, listed)
}

// chunk is what one call asks: up to ten services of one cluster.
type chunk struct {
	account string
	cluster string
	names   []string
	found   []Described
}

// Describe describes services, ten of a cluster in a call, in the order given. Each call is taken from the
// rate at now; a service beyond the rate is absent from the result, and may be asked for at the
// next pass. A service that ECS does not know is Status MISSING, not an error.
func (s *Services) Describe(ctx context.Context, now time.Time, keys []evaluator.Key) []Described {
	chunks := chunked(keys)
	allowed := 0
	for allowed < len(chunks) && s.allow(now) {
		allowed++
	}
	chunks = chunks[:allowed]
	s.describeAll(ctx, now, chunks)
	found := make([]Described, 0, len(keys))
	for i := range chunks {
		found = append(found, chunks[i].found...)
	}
	return found
}

// describeAll makes all calls, a bounded number at a time; where that is one, in the caller's goroutine.
func (s *Services) describeAll(ctx context.Context, now time.Time, chunks []chunk) {
	if min(s.inFlight, len(chunks)) <= 1 {
		for i := range chunks {
			s.describe(ctx, now, &chunks[i])
		}
		return
	}
	var calls errgroup.Group
	calls.SetLimit(s.inFlight)
	for i := range chunks {
		calls.Go(func() error {
			s.describe(ctx, now, &chunks[i])
			return nil
		})
	}
	_ = calls.Wait() // no call returns an error: each result has its own
}

// chunked groups keys by cluster, without doubles, in the order of their first appearance.
func chunked(keys []evaluator.Key) []chunk {
	var chunks []chunk
	open := map[evaluator.Key]int{}
	seen := make(map[evaluator.Key]bool, len(keys))
	for _, k := range keys {
		if seen[k] {
			continue
		}
		seen[k] = true
		cluster := evaluator.Key{Account: k.Account, Cluster: k.Cluster}
		i, ok := open[cluster]
		if !ok || len(chunks[i].names) == perCall {
			i = len(chunks)
			open[cluster] = i
			chunks = append(chunks, chunk{account: k.Account, cluster: k.Cluster})
		}
		chunks[i].names = append(chunks[i].names, k.Service)
	}
	return chunks
}

// describe makes one call. If ECS finds one of the names invalid, each is asked by itself as far
// as the rate goes, so that one bad name costs only itself.
func (s *Services) describe(ctx context.Context, now time.Time, c *chunk) {
	in := &ecs.DescribeServicesInput{Cluster: &c.cluster, Services: c.names}
	if s.tags.Load() {
		in.Include = []ecstypes.ServiceField{ecstypes.ServiceFieldTags}
	}
	out, err := s.api.DescribeServices(ctx, in)
	switch {
	case err == nil:
		c.answer(out, now)
		if s.deployments {
			c.answerDeployments(out)
		}
	case awsapi.Code(err) == "ClusterNotFoundException":
		c.all(Described{Service: missing(awsapi.Brief(err), now)})
	case awsapi.Classify(err) == awsapi.Invalid && len(c.names) > 1:
		s.describeEach(ctx, now, c, err)
	default:
		c.all(Described{Err: err})
	}
}

func (s *Services) describeEach(ctx context.Context, now time.Time, c *chunk, err error) {
	for _, name := range c.names {
		one := chunk{account: c.account, cluster: c.cluster, names: []string{name}}
		if s.allow(now) {
			s.describe(ctx, now, &one)
		} else {
			one.all(Described{Err: err})
		}
		c.found = append(c.found, one.found...)
	}
}

// all gives every service of the call the same result.
func (c *chunk) all(d Described) {
	for _, name := range c.names {
		d.Key = evaluator.Key{Account: c.account, Cluster: c.cluster, Service: name}
		c.found = append(c.found, d)
	}
}

func missing(reason string, at time.Time) evaluator.Service {
	return evaluator.Service{DescribedAt: at, Status: evaluator.ServiceMissing, Reason: reason}
}

var errNotAnswered error = &smithy.GenericAPIError{Code: "NoAnswer", Message: "ECS answered the call but not for this service", Fault: smithy.FaultServer}

// answer gives each name its service or its failure.
func (c *chunk) answer(out *ecs.DescribeServicesOutput, at time.Time) {
	c.all(Described{Err: errNotAnswered})
	for i := range out.Services {
		sv := &out.Services[i]
		if d := c.named(aws.ToString(sv.ServiceName), aws.ToString(sv.ServiceArn)); d != nil {
			*d = Described{Key: d.Key, Service: awsapi.ServiceOf(sv, at), Tags: tags(sv.Tags)}
		}
	}
	for i := range out.Failures {
		f := &out.Failures[i]
		if d := c.named("", aws.ToString(f.Arn)); d != nil {
			*d = failed(d.Key, f, at)
		}
	}
}

func failed(k evaluator.Key, f *ecstypes.Failure, at time.Time) Described {
	reason := aws.ToString(f.Reason)
	if reason == string(evaluator.ServiceMissing) {
		if f.Detail != nil {
			reason += ": " + *f.Detail
		}
		return Described{Key: k, Service: missing(reason, at)}
	}
	return Described{Key: k, Err: &smithy.GenericAPIError{Code: reason, Message: aws.ToString(f.Detail), Fault: smithy.FaultClient}}
}

// named finds a result by the service's name, or by its ARN, which ends in the name.
func (c *chunk) named(name, arn string) *Described {
	for i := range c.found {
		if asked := c.found[i].Key.Service; asked == name || asked == arn || asked == lastPart(arn) {
			return &c.found[i]
		}
	}
	return nil
}

func tags(list []ecstypes.Tag) map[string]string {
	if len(list) == 0 {
		return nil
	}
	m := make(map[string]string, len(list))
	for _, t := range list {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return m
}
