package sim_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"ecs-autoscaler/sim"
)

const signature = "AWS4-HMAC-SHA256 Credential=x/20260101/eu-west-2/monitoring/aws4_request, SignedHeaders=host, Signature=0"

// serve puts a world on a port of the loopback.
func serve(t *testing.T, scenario string) (*world, *httptest.Server) {
	t.Helper()
	w := newWorld(t, scenario)
	server := httptest.NewUnstartedServer(w)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return w, server
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// send posts a request and reads the whole answer.
func send(t *testing.T, url, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// TestJSONCallsAnswerAsRecorded compares whole answers with testdata/golden.json, as the AWS CLI sees them.
func TestJSONCallsAnswerAsRecorded(t *testing.T) {
	_, server := serve(t, "history: 4m"+busy)
	const golden = "testdata/golden.json"
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var calls []struct {
		Target   string
		Request  json.RawMessage
		Status   int
		Response json.RawMessage
	}
	if err := json.Unmarshal(text, &calls); err != nil {
		t.Fatal(err)
	}
	for i, c := range calls {
		got := send(t, server.URL, string(c.Request), "X-Amz-Target", c.Target, "Content-Type", "application/x-amz-json-1.1", "Authorization", signature)
		var want bytes.Buffer
		if err := json.Compact(&want, c.Response); err != nil {
			t.Fatal(err)
		}
		if got.status != c.Status || got.body != want.String() {
			t.Errorf("%d %s answers %d\n%s\nwant %d\n%s", i, c.Target, got.status, got.body, c.Status, want.String())
		}
	}
}

func TestEveryAnswerHasARequestIDAndTheRealDate(t *testing.T) {
	_, server := serve(t, busy)
	ids := map[string]bool{}
	for range 3 {
		got := send(t, server.URL, "{}", "X-Amz-Target", "AmazonEC2ContainerServiceV20141113.ListClusters", "Authorization", signature)
		ids[got.header.Get("x-amzn-RequestId")] = true
		date, err := http.ParseTime(got.header.Get("Date"))
		if err != nil || time.Since(date).Abs() > time.Minute {
			t.Errorf("the date is %v, %v; want the real one", date, err)
		}
	}
	if len(ids) != 3 || ids[""] {
		t.Errorf("request ids %v, want three different ones", ids)
	}
}

func TestARequestWithoutASignatureIsRefused(t *testing.T) {
	_, server := serve(t, busy)
	for target, want := range map[string]string{
		"AmazonEC2ContainerServiceV20141113.ListClusters":  "400 MissingAuthenticationTokenException",
		"AnyScaleFrontendService.DescribeScalableTargets":  "400 MissingAuthenticationTokenException",
		"GraniteServiceVersion20100801.ListMetrics":        "403 com.amazonaws.cloudwatch#MissingAuthenticationTokenException",
		"AmazonEC2ContainerServiceV20141113.CreateService": "400 MissingAuthenticationTokenException",
	} {
		refused := send(t, server.URL, "{}", "X-Amz-Target", target)
		var body struct {
			Type string `json:"__type"`
		}
		if err := json.Unmarshal([]byte(refused.body), &body); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%d %s", refused.status, body.Type); got != want {
			t.Errorf("%s answers %s, want %s", target, got, want)
		}
	}
}

func TestAnOperationThatIsNotSimulatedSaysWhichAre(t *testing.T) {
	_, server := serve(t, busy)
	got := send(t, server.URL, "{}", "X-Amz-Target", "AmazonEC2ContainerServiceV20141113.CreateService", "Authorization", signature)
	if got.status != 400 || !strings.Contains(got.body, "UnknownOperationException") || !strings.Contains(got.body, "DescribeServices, DescribeTasks") {
		t.Errorf("answer %d %s", got.status, got.body)
	}
	got = send(t, server.URL+"/elsewhere", "{}")
	if got.status != 404 || !strings.Contains(got.body, "POST /elsewhere is no call") {
		t.Errorf("answer %d %s", got.status, got.body)
	}
}

func TestZippedRequestsAreInflated(t *testing.T) {
	_, server := serve(t, busy)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	fmt.Fprint(z, `{"cluster": "c"}`)
	z.Close()
	got := send(t, server.URL, zipped.String(), "X-Amz-Target", "AmazonEC2ContainerServiceV20141113.ListServices",
		"Content-Encoding", "gzip", "Authorization", signature)
	if !strings.Contains(got.body, "service/c/s") {
		t.Errorf("answer %s", got.body)
	}
}

// plainBody hides the WriterTo of request bodies, the cure for the wart of loopback HTTP in docs/simulated-region.md.
type plainBody struct{ http.RoundTripper }

func (p plainBody) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Body = struct{ io.ReadCloser }{req.Body}
	return p.RoundTripper.RoundTrip(req)
}

func client(server *httptest.Server, transport http.RoundTripper) *ecs.Client {
	cfg := sdkConfig(plainBody{transport})
	cfg.BaseEndpoint = &server.URL
	return ecs.NewFromConfig(cfg)
}

func TestTheSDKSpeaksHTTP1AndCleartextHTTP2(t *testing.T) {
	_, server := serve(t, busy)
	two := &http.Transport{Protocols: new(http.Protocols)}
	two.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(two.CloseIdleConnections)
	for name, transport := range map[string]http.RoundTripper{"HTTP/1.1": http.DefaultTransport, "HTTP/2": two} {
		out, err := client(server, transport).ListClusters(t.Context(), &ecs.ListClustersInput{})
		if err != nil || len(out.ClusterArns) != 1 {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
}

func TestFaultsOfTheConnectionHappenOnTheNetworkToo(t *testing.T) {
	w, server := serve(t, shop)
	for _, c := range []struct {
		kind   sim.FaultKind
		effect int32
		want   string
	}{
		{sim.ConnectionReset, 2, "reset|EOF|closed"}, {sim.ConnectionResetAfter, 3, "reset|EOF|closed"},
		{sim.TimeoutBefore, 3, "deadline"}, {sim.TimeoutAfter, 4, "deadline"}, {sim.Hang, 5, "deadline|EOF|closed"}, {sim.Slow, 6, ""},
	} {
		id := w.inject(sim.Fault{Kind: c.kind, Operation: "UpdateService", Delay: time.Millisecond})
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		next := w.describe("api").DesiredCount + 1
		_, err := client(server, http.DefaultTransport).UpdateService(ctx, &ecs.UpdateServiceInput{
			Cluster: aws.String("shop"), Service: aws.String("api"), DesiredCount: &next})
		cancel()
		if (err == nil) != (c.want == "") || err != nil && !regexp.MustCompile(c.want).MatchString(err.Error()) {
			t.Errorf("%s: error %v, want %s", c.kind, err, c.want)
		}
		w.Clear(id)
		if got := w.describe("api").DesiredCount; got != c.effect {
			t.Errorf("%s: desired count %d, want %d", c.kind, got, c.effect)
		}
	}
}

func TestAConnectionIsCutInHTTP2Too(t *testing.T) {
	w, server := serve(t, shop)
	two := &http.Transport{Protocols: new(http.Protocols)}
	two.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(two.CloseIdleConnections)
	w.inject(sim.Fault{Kind: sim.ConnectionReset})
	if _, err := client(server, two).ListClusters(t.Context(), &ecs.ListClustersInput{}); err == nil {
		t.Error("the call was answered")
	}
}

// page reads a page under /_sim/ into v.
func page(t *testing.T, method, url, body string, v any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

func TestPeopleLookAtServices(t *testing.T) {
	_, server := serve(t, shop)
	var services []sim.ServiceView
	if status := page(t, "GET", server.URL+"/_sim/services", "", &services); status != 200 || len(services) != 5 || services[1].Running != 2 {
		t.Errorf("services %d %+v", status, services)
	}
}

func TestPeopleLookAtCalls(t *testing.T) {
	w, server := serve(t, shop)
	for range 5 {
		w.describe("api")
	}
	if err := w.update("api", 3); err != nil {
		t.Fatal(err)
	}
	var calls []struct {
		Number    int
		Operation string
		Input     map[string]any
	}
	page(t, "GET", server.URL+"/_sim/calls", "", &calls)
	if len(calls) != 6 || calls[0].Number != 1 || calls[0].Input != nil {
		t.Errorf("calls %+v", calls)
	}
	page(t, "GET", server.URL+"/_sim/calls?since=3&limit=2&input=true", "", &calls)
	if len(calls) != 2 || calls[1].Operation != "UpdateService" || calls[1].Input["desiredCount"] != 3.0 {
		t.Errorf("the newest two calls are %+v", calls)
	}
}

func TestPagesThatAreNoneAreRefused(t *testing.T) {
	_, server := serve(t, shop)
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "calls?limit=0", "", 400, "limit at least 1"},
		{"GET", "calls?since=yesterday", "", 400, "whole numbers"},
		{"GET", "nothing", "", 404, "GET nothing is no page"},
		{"PUT", "faults", "", 404, "PUT faults is no page"},
		{"POST", "faults", `{"kind": "rain"}`, 400, `fault:1:10: kind: "rain" is none of`},
		{"POST", "faults", `{"knid": "rain"}`, 400, "fault:1:2: unknown field"},
		{"POST", "faults", "kind: late_datapoints\ndelay: forever", 400, "fault:2:8: "},
		{"POST", "faults", `{"kind": "throttling", "to": "0s"}`, 400, "the end must be later"},
		{"DELETE", "faults?id=nobody", "", 404, `there is no fault "nobody"`},
	} {
		var refused struct{ Error string }
		status := page(t, c.method, server.URL+"/_sim/"+c.path, c.body, &refused)
		if status != c.status || !strings.Contains(refused.Error, c.want) {
			t.Errorf("%s %s %s: %d %s, want %d %q", c.method, c.path, c.body, status, refused.Error, c.status, c.want)
		}
	}
}

func TestPeopleInjectFaults(t *testing.T) {
	w, server := serve(t, shop)
	w.pass(time.Hour)
	var made struct{ ID string }
	fault := `{"kind": "throttling", "for": "2m", "probability": 1, "operation": "List*"}`
	if status := page(t, "POST", server.URL+"/_sim/faults", fault, &made); status != 201 || made.ID == "" {
		t.Fatalf("answer %d %+v", status, made)
	}
	if got := code(w.listClusters()); got != "ThrottlingException" {
		t.Errorf("the call answers %q", got)
	}
	w.pass(2 * time.Minute)
	if err := w.listClusters(); err != nil {
		t.Errorf("two minutes later: %v", err)
	}
	var faults []map[string]any
	page(t, "GET", server.URL+"/_sim/faults", "", &faults)
	got := fmt.Sprint(faults)
	if want := "[map[from:1h0m0s id:fault-1 kind:throttling operation:List* probability:1 to:1h2m0s]]"; got != want {
		t.Errorf("faults %s, want %s", got, want)
	}
	if status := page(t, "DELETE", server.URL+"/_sim/faults?id="+made.ID, "", &faults); status != 200 || len(faults) != 0 {
		t.Errorf("after the end %d %v", status, faults)
	}
}
