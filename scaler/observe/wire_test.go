package observe

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/smithy-go/encoding/cbor"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
)

var (
	_ CloudWatchAPI = (*cloudwatch.Client)(nil)
	_ ECSAPI        = (*ecs.Client)(nil)
)

// wire answers one request after the other on the real protocols, the last answer again and again.
type wire struct {
	answers  []wireAnswer
	requests [][]byte
}

type wireAnswer struct {
	status int
	header string // of X-Amzn-Query-Error
	body   []byte
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	request, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	a := w.answers[min(len(w.requests), len(w.answers)-1)]
	w.requests = append(w.requests, request)
	h := http.Header{"Content-Type": {"application/x-amz-json-1.1"}}
	if p := r.Header.Get("Smithy-Protocol"); p != "" {
		h = http.Header{"Smithy-Protocol": {p}, "Content-Type": {"application/cbor"}}
	}
	if a.header != "" {
		h.Set("X-Amzn-Query-Error", a.header)
	}
	return &http.Response{StatusCode: a.status, Header: h, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r}, nil
}

func (w *wire) cloudWatch() *cloudwatch.Client {
	return cloudwatch.New(cloudwatch.Options{
		Region: "eu-west-2", HTTPClient: &http.Client{Transport: w}, Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
	})
}

func (w *wire) ecs() *ecs.Client {
	return ecs.New(ecs.Options{
		Region: "eu-west-2", HTTPClient: &http.Client{Transport: w}, Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
	})
}

func cborError(code string) []byte {
	return cbor.Encode(cbor.Map{"__type": cbor.String("com.amazonaws.cloudwatch#" + code), "message": cbor.String("no")})
}

func TestDatapointsArriveOverTheRealProtocol(t *testing.T) {
	end := t0.Unix()
	w := &wire{answers: []wireAnswer{{status: 200, body: answer([]string{"q1", "q2"}, end-180, 60, 3)}}}
	m := NewMetrics(w.cloudWatch(), MetricsOptions{Delay: -1})
	e := fleet(m, 1, 3)
	wantNoProblems(t, m.Read(t.Context(), t0, e))
	wantSeries(t, e[0], t0, "40.25 40.25 40.25")
	wantSeries(t, e[1], t0, "41.25 41.25 41.25")
	request, err := cbor.Decode(w.requests[0])
	if err != nil {
		t.Fatal(err)
	}
	queries := request.(cbor.Map)["MetricDataQueries"].(cbor.List)
	stat := queries[0].(cbor.Map)["MetricStat"].(cbor.Map)
	if len(queries) != 2 || stat["Stat"] != cbor.String("Average") || stat["Unit"] != nil || stat["Period"] != cbor.Uint(60) {
		t.Errorf("sent %v", request)
	}
}

// The codes of CloudWatch's CBOR errors, with and without the header that names them as the old protocol did.
func TestErrorsOfTheRealProtocolHaveTheirClass(t *testing.T) {
	for _, c := range []struct {
		a    wireAnswer
		want awsapi.Class
	}{
		{wireAnswer{400, "InvalidParameterValue;Sender", cborError("InvalidParameterValueException")}, awsapi.Invalid},
		{wireAnswer{400, "", cborError("InvalidParameterCombinationException")}, awsapi.Invalid},
		{wireAnswer{400, "", cborError("ThrottlingException")}, awsapi.Throttled},
		{wireAnswer{400, "Throttling;Sender", cborError("Throttling")}, awsapi.Throttled},
		{wireAnswer{403, "", cborError("AccessDeniedException")}, awsapi.AccessDenied},
		{wireAnswer{403, "", cborError("ExpiredTokenException")}, awsapi.AccessDenied},
		{wireAnswer{500, "InternalServiceError;Receiver", cborError("InternalServiceFault")}, awsapi.Server},
		{wireAnswer{503, "", nil}, awsapi.Server},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &wire{answers: []wireAnswer{c.a}}
			m := NewMetrics(w.cloudWatch(), MetricsOptions{Delay: -1})
			e := m.Track(cpu("cpu"), 3)
			wantProblem(t, m.Read(t.Context(), t0, []*Entry{e}), e, c.want, false)
		})
	}
}

func TestAThrottledReadIsRetriedByTheSDK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answers: []wireAnswer{
			{400, "", cborError("ThrottlingException")},
			{500, "", cborError("InternalServiceFault")},
			{200, "", answer([]string{"q1"}, t0.Unix()-180, 60, 3)},
		}}
		m := NewMetrics(w.cloudWatch(), MetricsOptions{Delay: -1})
		e := m.Track(cpu("cpu"), 3)
		rep := m.Read(t.Context(), t0, []*Entry{e})
		wantNoProblems(t, rep)
		if len(w.requests) != 3 || rep.Requests != 1 {
			t.Errorf("%d attempts of %d requests, want 3 of 1", len(w.requests), rep.Requests)
		}
	})
}

func TestServicesArriveOverTheRealProtocol(t *testing.T) {
	const body = `{"services":[{"serviceName":"web","serviceArn":"arn:aws:ecs:eu-west-2:123456789012:service/prod/web","status":"ACTIVE",
		"desiredCount":4,"runningCount":6,"pendingCount":1,"schedulingStrategy":"REPLICA","deploymentController":{"type":"ECS"},
		"deploymentConfiguration":{"strategy":"BLUE_GREEN"},"tags":[{"key":"team","value":"web"}],
		"deployments":[{"status":"PRIMARY","rolloutState":"IN_PROGRESS","desiredCount":4,"runningCount":2},{"status":"ACTIVE","desiredCount":4,"runningCount":4}]}],
		"failures":[{"arn":"arn:aws:ecs:eu-west-2:123456789012:service/prod/gone","reason":"MISSING"}]}`
	w := &wire{answers: []wireAnswer{{200, "", []byte(body)}}}
	got := NewServices(w.ecs(), ServicesOptions{Tags: true}).Describe(t.Context(), t0, []evaluator.Key{{Cluster: "prod", Service: "gone"}, {Cluster: "prod", Service: "web"}})
	want := evaluator.Service{DescribedAt: t0, Status: "ACTIVE", Desired: 4, Running: 6, Pending: 1, Base: 2, Controller: "ECS", Deploying: true}
	if got[1].Service != want || got[1].Tags["team"] != "web" || got[1].Err != nil {
		t.Errorf("web is %+v, want %+v", got[1], want)
	}
	if got[0].Service.Status != evaluator.ServiceMissing || got[0].Err != nil {
		t.Errorf("gone is %+v", got[0])
	}
	if sent := string(w.requests[0]); !strings.Contains(sent, `"include":["TAGS"]`) || !strings.Contains(sent, `"cluster":"prod"`) {
		t.Errorf("sent %s", sent)
	}
}

func TestAClusterThatIsNotThereArrivesAsMissing(t *testing.T) {
	w := &wire{answers: []wireAnswer{{400, "", []byte(`{"__type":"ClusterNotFoundException","message":"Cluster not found."}`)}}}
	got := NewServices(w.ecs(), ServicesOptions{}).Describe(t.Context(), t0, keys("nowhere", 2))
	for _, d := range got {
		if d.Err != nil || d.Service.Status != evaluator.ServiceMissing || d.Service.Reason != "ClusterNotFoundException: Cluster not found" {
			t.Errorf("%+v", d)
		}
	}
}
