package sim_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"ecs-autoscaler/sim"
)

// epoch is a whole minute at which the tests' regions begin.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// world is a region with a driven clock and the real SDK clients.
type world struct {
	*sim.Region
	t   testing.TB
	mu  sync.Mutex
	at  time.Time
	ecs *ecs.Client
	cw  *cloudwatch.Client
	aas *applicationautoscaling.Client
}

func newWorld(t testing.TB, scenario string) *world {
	t.Helper()
	s, err := sim.ParseScenario("test.yaml", []byte(scenario), nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, at: epoch}
	if w.Region, err = sim.New(s, w.now); err != nil {
		t.Fatal(err)
	}
	w.connect()
	return w
}

// connect makes SDK clients that talk to the region inside the process.
func (w *world) connect() {
	cfg := sdkConfig(w.Transport())
	w.ecs, w.cw, w.aas = ecs.NewFromConfig(cfg), cloudwatch.NewFromConfig(cfg), applicationautoscaling.NewFromConfig(cfg)
}

// sdkConfig is what the daemon uses, without retries so that tests see each error.
func sdkConfig(transport http.RoundTripper) aws.Config {
	return aws.Config{
		Region: "eu-west-2", Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
		HTTPClient: &http.Client{Transport: transport}, RetryMaxAttempts: 1,
	}
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

// pass lets simulated time pass.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func (w *world) context() context.Context { return w.t.Context() }
