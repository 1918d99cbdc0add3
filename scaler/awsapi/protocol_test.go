package awsapi

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// reply is an answer of a server that a test plays.
func reply(r *http.Request, status int, body string, header ...string) (*http.Response, error) {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Request: r, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// asked counts the requests of a test's server by protocol.
type asked struct{ cbor, json int }

func (a *asked) note(r *http.Request) (isJSON bool) {
	if r.Header.Get("X-Amz-Target") == "GraniteServiceVersion20100801.GetMetricData" {
		a.json++
		return true
	}
	a.cbor++
	return false
}

func read(t *testing.T, c *Clients) (*cloudwatch.GetMetricDataOutput, error) {
	t.Helper()
	return c.CloudWatch.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(midday), EndTime: aws.Time(midday), MetricDataQueries: []types.MetricDataQuery{{Id: aws.String("m1")}},
	})
}

var midday = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func TestAnEndpointThatKnowsNoCBORIsAskedInJSONFromThenOn(t *testing.T) {
	environment(t, nil)
	var n asked
	c := connected(t, options(func(r *http.Request) (*http.Response, error) {
		if !n.note(r) {
			return reply(r, http.StatusNotFound, "<html>no such page</html>", "Content-Type", "text/html")
		}
		return reply(r, http.StatusOK, `{"MetricDataResults":[{"Id":"m1","Values":[24.5],"Timestamps":[1767225600],"StatusCode":"Complete"}]}`,
			"Content-Type", "application/x-amz-json-1.0")
	}))
	for range 3 {
		out, err := read(t, c)
		if err != nil {
			t.Fatal(err)
		}
		if r := out.MetricDataResults; len(r) != 1 || r[0].Values[0] != 24.5 || r[0].Timestamps[0].Unix() != 1767225600 {
			t.Errorf("read %+v", r)
		}
	}
	if n != (asked{cbor: 1, json: 3}) {
		t.Errorf("asked %+v, want CBOR once and JSON each time", n)
	}
}

func TestAnErrorInCBORIsNoReasonToChangeTheProtocol(t *testing.T) {
	environment(t, nil)
	var n asked
	c := connected(t, options(func(r *http.Request) (*http.Response, error) {
		n.note(r)
		return reply(r, http.StatusForbidden, "\xa1\x66__type\x75AccessDeniedException", "Smithy-Protocol", "rpc-v2-cbor", "Content-Type", "application/cbor")
	}))
	_, err := read(t, c)
	if Classify(err) != AccessDenied || n != (asked{cbor: 1}) {
		t.Errorf("asked %+v, got %s: %v", n, Classify(err), err)
	}
}

func TestAProxyThatIsOutOfOrderIsNoReasonToChangeTheProtocol(t *testing.T) {
	environment(t, nil)
	var n asked
	o := options(func(r *http.Request) (*http.Response, error) {
		n.note(r)
		return reply(r, http.StatusBadGateway, "bad gateway")
	})
	o.Speed = 1000 // the retries need not take seconds here
	c := connected(t, o)
	if _, err := read(t, c); Classify(err) != Server || n.json != 0 {
		t.Errorf("asked %+v, got %s: %v", n, Classify(err), err)
	}
}

func TestAnEndpointThatUnderstandsNeitherKeepsBeingAskedInCBORFirst(t *testing.T) {
	environment(t, nil)
	var n asked
	c := connected(t, options(func(r *http.Request) (*http.Response, error) {
		n.note(r)
		return reply(r, http.StatusNotFound, "nothing here")
	}))
	for range 2 {
		if _, err := read(t, c); err == nil {
			t.Error("no error")
		}
	}
	if n != (asked{cbor: 2, json: 2}) {
		t.Errorf("asked %+v, want each protocol in each call", n)
	}
}
