package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	appID = "ecs-autoscaler"
	// attemptTimeout is how long one attempt may take, answer read included, at speed 1.
	attemptTimeout = 10 * time.Second
	// leastPatience is real time: a machine is no faster because a demo's clock is.
	leastPatience = 250 * time.Millisecond
	// setupTimeout bounds the search for credentials at the start.
	setupTimeout = 15 * time.Second

	credentialsAdvice = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the ECS task or EC2 instance an IAM role"
)

// What Connect cannot do without.
var (
	// ErrNoRegion says that neither the configuration nor the environment nor any metadata names a region.
	ErrNoRegion = errors.New("no AWS region: set region in the configuration, or AWS_REGION in the environment, or a region in the profile; on ECS and EC2 it is taken from the task's or instance's metadata")
	// ErrNoCredentials says that the SDK's credential chain came to its end without credentials.
	ErrNoCredentials = errors.New("no AWS credentials: " + credentialsAdvice)
)

// Options are what the daemon decides about its AWS clients; everything else comes from the SDK's own
// environment variables and profiles. The zero value is right in production.
type Options struct {
	// Region wins over the environment when it is not empty.
	Region string
	// HTTPClient replaces the daemon's own, for the calls and the metadata; the SDK's credential chain keeps its own.
	HTTPClient aws.HTTPClient
	// Registerer takes the request metrics; nil registers none.
	Registerer prometheus.Registerer
	// Speed divides retry delays and deadlines, for a demo on accelerated time; 0 means 1.
	Speed float64
	// Credentials replaces the SDK's credential chain.
	Credentials aws.CredentialsProvider
	// Endpoint replaces AWS's, and the environment's AWS_ENDPOINT_URL.
	Endpoint string
	// Unchecked leaves it to the first call to find out that there are no credentials or no region: for clients from which
	// only those of other accounts are derived.
	Unchecked bool
	// OnDate gets the date of every answer; nil for nobody. It may be called from several goroutines.
	OnDate func(time.Time)
	// Jitter gives numbers in [0, 1) by which retry delays are spread; nil is the SDK's own chance. A run that is to be
	// repeated exactly brings its own.
	Jitter func() float64
}

// Clients are the SDK clients that the daemon uses, and the region they are for.
type Clients struct {
	ECS        *ecs.Client
	CloudWatch *cloudwatch.Client
	// ApplicationAutoScaling is asked about the managed scaling that this daemon replaces.
	ApplicationAutoScaling *applicationautoscaling.Client
	Region                 string

	cfg aws.Config
	// each gives the middleware of each call in an account, by its name in the configuration.
	each    func(account string) []func(*middleware.Stack) error
	trouble func() string
}

// Connect makes the clients. It asks the credential chain once, so that a daemon without credentials
// says so at its start; expired ones show only at the first call. Errors are ErrNoRegion,
// ErrNoCredentials, or what the SDK has against its environment (a profile that does not exist).
func Connect(ctx context.Context, o Options) (*Clients, error) {
	cfg, err := settle(ctx, o)
	if err != nil {
		return nil, err
	}
	return newClients(cfg, eachCall(o), ""), nil
}

// settle finds the settings that all clients share.
func settle(ctx context.Context, o Options) (aws.Config, error) {
	o.Speed = o.speed()
	cfg, err := load(ctx, o)
	if err != nil {
		return cfg, fmt.Errorf("AWS settings of the environment or of a profile: %w", err)
	}
	if cfg.Region, err = region(ctx, o, cfg); err != nil && !o.Unchecked {
		return cfg, err
	}
	if err := checkEndpoint(cfg.BaseEndpoint); err != nil {
		return cfg, err
	}
	return cfg, finish(ctx, o, &cfg)
}

// speed is 1 where none is set.
func (o *Options) speed() float64 {
	if o.Speed <= 0 {
		return 1
	}
	return o.Speed
}

// eachCall is the middleware of each call, which counts for an account, by its name in the configuration.
func eachCall(o Options) func(account string) []func(*middleware.Stack) error {
	t := newTelemetry(o.Registerer)
	return func(account string) []func(*middleware.Stack) error {
		return []func(*middleware.Stack) error{t.in(account), deadline{patience(attemptTimeout, o.speed())}.install, dates{o.OnDate}.install}
	}
}

// newClients makes the clients of an account.
func newClients(cfg aws.Config, all func(account string) []func(*middleware.Stack) error, account string) *Clients {
	each := all(account)
	return &Clients{
		ECS:        ecs.NewFromConfig(cfg, func(eo *ecs.Options) { eo.APIOptions = append(eo.APIOptions, each...) }),
		CloudWatch: cloudwatch.NewFromConfig(cfg, func(co *cloudwatch.Options) { co.APIOptions = append(co.APIOptions, each...); speak(co) }),
		ApplicationAutoScaling: applicationautoscaling.NewFromConfig(cfg,
			func(ao *applicationautoscaling.Options) { ao.APIOptions = append(ao.APIOptions, each...) }),
		Region: cfg.Region, cfg: cfg, each: all,
	}
}

func load(ctx context.Context, o Options) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(ownHTTPClient()),
		// The SDK's warnings would stand between the lines of our log; what matters comes back as an error.
		config.WithLogger(logging.Nop{}),
	}
	if o.Region != "" {
		options = append(options, config.WithRegion(o.Region))
	}
	if o.Credentials != nil {
		options = append(options, config.WithCredentialsProvider(o.Credentials))
	}
	if o.Endpoint != "" {
		options = append(options, config.WithBaseEndpoint(o.Endpoint))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if o.HTTPClient != nil {
		cfg.HTTPClient = o.HTTPClient // only now: AWS_CA_BUNDLE makes the SDK refuse any client but its own
	}
	return cfg, err
}

// finish turns what the SDK loaded into what the daemon wants. The HTTP client is wrapped only now,
// because AWS_CA_BUNDLE works on nothing but the SDK's own client.
func finish(ctx context.Context, o Options, cfg *aws.Config) error {
	if cfg.AppID == "" {
		cfg.AppID = appID
	}
	if b, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		cfg.HTTPClient = b.Freeze()
	}
	cfg.HTTPClient = plainBody{cfg.HTTPClient}
	mode, attempts := cfg.RetryMode, cfg.RetryMaxAttempts
	cfg.Retryer = func() aws.Retryer { return newRetryer(mode, attempts, &o) }
	cfg.Credentials = namedCredentials{cfg.Credentials}
	if o.Unchecked {
		return nil
	}
	return checkCredentials(ctx, cfg.Credentials)
}

// checkEndpoint refuses an endpoint that no request can be sent to; the SDK would only find out at each call.
func checkEndpoint(endpoint *string) error {
	if endpoint == nil {
		return nil
	}
	u, err := url.Parse(*endpoint)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		return nil
	}
	return fmt.Errorf("AWS endpoint %q (AWS_ENDPOINT_URL, or endpoint_url of the profile): must be a URL such as http://127.0.0.1:4566", *endpoint)
}

func checkCredentials(ctx context.Context, p aws.CredentialsProvider) error {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	if _, err := p.Retrieve(ctx); err != nil {
		return fmt.Errorf("%w (%s)", ErrNoCredentials, Brief(err))
	}
	return nil
}

// namedCredentials gives failures of the credential chain a type of their own, so that they can be
// told apart from failures of the service that was to be called.
type namedCredentials struct{ aws.CredentialsProvider }

// Retrieve asks the chain.
func (n namedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if n.CredentialsProvider == nil {
		return aws.Credentials{}, &CredentialsError{ErrNoCredentials}
	}
	c, err := n.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return c, &CredentialsError{err}
	}
	return c, nil
}

// hurried divides the delays of a retryer.
type hurried struct {
	aws.RetryerV2
	speed float64
}

// RetryDelay is the SDK's, divided.
func (h hurried) RetryDelay(attempt int, err error) (time.Duration, error) {
	d, err := h.RetryerV2.RetryDelay(attempt, err)
	return scale(d, h.speed), err
}

// spread is the SDK's back-off with another source of chance: up to 2^attempt seconds, and no more than 20.
type spread struct{ jitter func() float64 }

// BackoffDelay is how long to wait after that many attempts.
func (s spread) BackoffDelay(attempt int, _ error) (time.Duration, error) {
	most := min(retry.DefaultMaxBackoff, time.Second<<min(attempt, 10))
	return time.Duration(s.jitter() * float64(most)), nil
}

// newRetryer is the SDK's standard retryer, three attempts unless the environment says otherwise.
func newRetryer(mode aws.RetryMode, attempts int, own *Options) aws.Retryer {
	speed := own.Speed
	standard := func(o *retry.StandardOptions) {
		if attempts > 0 {
			o.MaxAttempts = attempts
		}
		if own.Jitter != nil {
			o.Backoff = spread{own.Jitter}
		}
	}
	if mode == aws.RetryModeAdaptive {
		return hurried{retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
			o.StandardOptions = append(o.StandardOptions, standard)
		}), speed}
	}
	return hurried{retry.NewStandard(standard), speed}
}

func scale(d time.Duration, speed float64) time.Duration {
	return time.Duration(float64(d) / speed)
}

// patience divides a deadline, but not below what a busy machine may need for an answer of its own.
func patience(d time.Duration, speed float64) time.Duration {
	return max(scale(d, speed), leastPatience)
}
