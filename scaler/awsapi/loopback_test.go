package awsapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/smithy-go/encoding/cbor"
)

// answering is a transport in this process.
type answering func(*http.Request) (*http.Response, error)

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

func (a answering) client() *http.Client { return &http.Client{Transport: a} }

// Do makes it an SDK HTTP client that nothing of net/http stands in front of.
func (a answering) Do(r *http.Request) (*http.Response, error) { return a(r) }

func respond(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// What net/http does between the answer's head and its body, made certain: the body is sent, the SDK closes it, then
// net/http looks for more of it.
func lookBehind(t *testing.T, wrap func(aws.HTTPClient) aws.HTTPClient) error {
	t.Helper()
	var after error
	next := answering(func(r *http.Request) (*http.Response, error) {
		if _, err := io.Copy(io.Discard, io.LimitReader(r.Body, r.ContentLength)); err != nil {
			t.Fatal(err)
		}
		if err := r.Body.Close(); err != nil {
			t.Fatal(err)
		}
		_, after = io.Copy(io.Discard, r.Body)
		return respond(http.StatusOK, "{}"), nil
	})
	client := ecs.New(ecs.Options{
		Region: "eu-west-2", HTTPClient: wrap(next),
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
	})
	if _, err := client.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Services: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	return after
}

func TestABodyClosedUnderTheTransportIsNoErrorWithAPlainBody(t *testing.T) {
	if err := lookBehind(t, func(c aws.HTTPClient) aws.HTTPClient { return plainBody{c} }); err != nil {
		t.Errorf("reading behind the closed body: %v, want its end", err)
	}
	bare := lookBehind(t, func(c aws.HTTPClient) aws.HTTPClient { return c })
	if bare == nil {
		t.Log("the SDK has cured its body: plainBody may go")
	}
}

func TestARequestWithoutBodyPassesUnchanged(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
	r.Body = nil
	got := (*http.Request)(nil)
	p := plainBody{answering(func(r *http.Request) (*http.Response, error) {
		got = r
		return respond(http.StatusOK, ""), nil
	})}
	res, err := p.Do(r)
	if err != nil || got != r {
		t.Fatalf("Do gave %v and sent %p, want the request %p itself", err, got, r)
	}
	_ = res.Body.Close()
}

// BenchmarkLoopback counts the attempts that a server on the same machine makes fail, with request bodies as
// the SDK makes them and as this package sends them. The answers are 100 kB, as GetMetricData's are.
func BenchmarkLoopback(b *testing.B) {
	answer := cbor.Encode(cbor.Map{"Junk": cbor.String(strings.Repeat("x", 100_000))})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("Content-Type", "application/cbor")
		_, _ = w.Write(answer)
	}))
	defer server.Close()
	b.Run("as the SDK sends", func(b *testing.B) { loopback(b, server.URL, ownHTTPClient().Freeze()) })
	b.Run("plain body", func(b *testing.B) { loopback(b, server.URL, plainBody{ownHTTPClient().Freeze()}) })
}

func loopback(b *testing.B, url string, client aws.HTTPClient) {
	c := cloudwatch.New(cloudwatch.Options{
		Region: "eu-west-2", BaseEndpoint: &url, HTTPClient: client, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
	})
	now, failed := time.Unix(1_800_000_000, 0), 0
	for b.Loop() {
		if _, err := c.GetMetricData(b.Context(), &cloudwatch.GetMetricDataInput{StartTime: &now, EndTime: &now, MetricDataQueries: []cwtypes.MetricDataQuery{}}); err != nil {
			failed++
		}
	}
	b.ReportMetric(100*float64(failed)/float64(b.N), "%failed")
}
