package awsapi

import (
	"context"
	"errors"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	"github.com/prometheus/client_golang/prometheus"
)

// telemetry counts what is asked of AWS: requests are attempts, because those are what AWS counts
// against its rates; durations are whole operations with their retries, which is what a pass waits for.
type telemetry struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newTelemetry(r prometheus.Registerer) *telemetry {
	t := &telemetry{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ecs_autoscaler_aws_requests_total",
			Help: "Requests to AWS, retries included, by account, service, operation and class of the answer (ok, throttled, access_denied, not_found, not_active, invalid, server, timeout).",
		}, []string{"account", "service", "operation", "class"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "ecs_autoscaler_aws_request_duration_seconds",
			Help:    "Duration of AWS operations, retries included.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"account", "service", "operation"}),
	}
	if r != nil {
		t.requests = Register(r, t.requests)
		t.duration = Register(r, t.duration)
	}
	return t
}

// Register registers a collector, or gives back the one of the same description that is there already, so
// that clients made anew go on counting where the old ones stopped. Any other failure is a mistake in
// the program and panics.
func Register[C prometheus.Collector](r prometheus.Registerer, c C) C {
	err := r.Register(c)
	if err == nil {
		return c
	}
	if are, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if existing, ok := are.ExistingCollector.(C); ok {
			return existing
		}
	}
	panic("register metric: " + err.Error())
}

// in is the middleware that counts the calls in one account, by its name in the configuration.
func (t *telemetry) in(account string) func(*middleware.Stack) error {
	return func(s *middleware.Stack) error {
		if err := s.Finalize.Insert(attemptCounter{t, account}, "Retry", middleware.After); err != nil {
			return err
		}
		return s.Initialize.Add(operationTimer{t, account}, middleware.Before)
	}
}

type attemptCounter struct {
	*telemetry
	account string
}

// ID names the middleware.
func (attemptCounter) ID() string { return "CountRequests" }

// HandleFinalize counts one attempt. One that had no credentials to be sent with counts as access_denied.
func (a attemptCounter) HandleFinalize(
	ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
) (middleware.FinalizeOutput, middleware.Metadata, error) {
	out, meta, err := next.HandleFinalize(ctx, in)
	service, operation := names(ctx)
	a.requests.WithLabelValues(a.account, service, operation, string(Classify(err))).Inc()
	return out, meta, err
}

type operationTimer struct {
	*telemetry
	account string
}

// ID names the middleware.
func (operationTimer) ID() string { return "TimeOperation" }

// HandleInitialize times one operation.
func (o operationTimer) HandleInitialize(
	ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
) (middleware.InitializeOutput, middleware.Metadata, error) {
	start := time.Now()
	out, meta, err := next.HandleInitialize(ctx, in)
	service, operation := names(ctx)
	o.duration.WithLabelValues(o.account, service, operation).Observe(time.Since(start).Seconds())
	return out, meta, err
}

// names are the IAM prefix of the service and the name of the operation.
func names(ctx context.Context) (service, operation string) {
	return strings.ToLower(awsmiddleware.GetServiceID(ctx)), awsmiddleware.GetOperationName(ctx)
}
