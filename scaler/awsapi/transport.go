package awsapi

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/middleware"
)

// idlePerHost is how many connections to one endpoint are kept. It must be at least the calls in flight: with the SDK's
// 10, 32 calls in flight open and close connections all the time, for twice the processor time.
const idlePerHost = 64

func ownHTTPClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = idlePerHost
		t.MaxIdleConns = 4 * idlePerHost
	})
}

// plainBody hides the WriterTo of request bodies. The SDK closes a request's body as soon as the answer's
// head is there. net/http may then still be looking whether the body is longer than announced; the
// SDK's closed body answers Read with the end, but WriteTo with the error io.EOF, for which net/http
// closes the connection under the answer: "use of closed network connection" (aws-sdk-go-v2 issues
// 1825 and 2737). It takes a server as near as this machine; BenchmarkLoopback counts it.
type plainBody struct{ next aws.HTTPClient }

// Do sends the request with a body that is nothing but a reader, unless its context has been given a reason not to.
func (p plainBody) Do(r *http.Request) (*http.Response, error) {
	if ask, ok := r.Context().Value(lastQuestion{}).(func() error); ok {
		if err := ask(); err != nil {
			return nil, err
		}
	}
	if _, ok := r.Body.(io.WriterTo); ok {
		r = r.WithContext(r.Context())
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return p.next.Do(r)
}

// lastQuestion is the key of what AskLast has put into a context.
type lastQuestion struct{}

// AskLast gives a context whose requests are sent only if ask, asked as the last thing before that, returns no error. Signing and
// looking for credentials take time, and a machine may be suspended in between, where no timer runs.
func AskLast(ctx context.Context, ask func() error) context.Context {
	return context.WithValue(ctx, lastQuestion{}, ask)
}

// deadline bounds every attempt of an operation, from signing to the last byte of the answer, so that
// no request hangs; the retryer then tries again like after any other timeout.
type deadline struct{ after time.Duration }

func (d deadline) install(s *middleware.Stack) error {
	return s.Finalize.Insert(d, "Retry", middleware.After)
}

// ID names the middleware.
func (deadline) ID() string { return "AttemptDeadline" }

// HandleFinalize runs one attempt.
func (d deadline) HandleFinalize(
	ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
) (middleware.FinalizeOutput, middleware.Metadata, error) {
	// Where the operation ends no later than the attempt, nothing is left to try again: which of the two was it must not
	// depend on whose timer is asked first.
	if ends, bounded := ctx.Deadline(); bounded && !ends.After(time.Now().Add(d.after)) {
		return next.HandleFinalize(ctx, in)
	}
	attempt, cancel := context.WithTimeout(ctx, d.after)
	defer cancel()
	out, meta, err := next.HandleFinalize(attempt, in)
	if err != nil && attempt.Err() != nil && ctx.Err() == nil {
		// The SDK takes the end of a context for a wish to stop, which it does not retry.
		err = attemptTimeoutError(d)
	}
	return out, meta, err
}

// attemptTimeoutError is a net.Error, which is what the SDK's retryer looks for.
type attemptTimeoutError struct{ after time.Duration }

// Error says how long was waited.
func (e attemptTimeoutError) Error() string { return "no answer within " + e.after.String() }

// Timeout says that it is one.
func (attemptTimeoutError) Timeout() bool { return true }

// Temporary says that it may pass.
func (attemptTimeoutError) Temporary() bool { return true }

// Unwrap is what the end of time is called in Go.
func (attemptTimeoutError) Unwrap() error { return context.DeadlineExceeded }
