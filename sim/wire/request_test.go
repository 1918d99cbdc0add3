package wire_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ecs-autoscaler/sim/wire"
)

const signature = "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-2/ecs/aws4_request, SignedHeaders=host, Signature=00"

// request builds an HTTP request; header is name, value, name, value ...
func request(body string, header ...string) *http.Request {
	req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	req.Header.Set("Authorization", signature)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

func TestEachProtocolIsRecognised(t *testing.T) {
	rpc := request("", "Smithy-Protocol", "rpc-v2-cbor")
	rpc.URL.Path = "/service/GraniteServiceVersion20100801/operation/GetMetricData"
	for _, c := range []struct {
		name      string
		req       *http.Request
		service   string
		operation string
		protocol  wire.Protocol
	}{
		{"ECS from SDK and CLI", request("{}", "X-Amz-Target", "AmazonEC2ContainerServiceV20141113.ListClusters",
			"Content-Type", "application/x-amz-json-1.1"), wire.ECS, "ListClusters", wire.JSON11},
		{"CloudWatch from the CLI", request("{}", "X-Amz-Target", "GraniteServiceVersion20100801.ListMetrics",
			"Content-Type", "application/x-amz-json-1.0"), wire.CloudWatch, "ListMetrics", wire.JSON10},
		{"CloudWatch from the SDK", rpc, wire.CloudWatch, "GetMetricData", wire.CBOR2},
		{"Application Auto Scaling", request("", "X-Amz-Target", "AnyScaleFrontendService.DescribeScalableTargets"),
			wire.AutoScaling, "DescribeScalableTargets", wire.JSON11},
	} {
		r, err := wire.Read(c.req)
		if err != nil || r.Service != c.service || r.Operation != c.operation || r.Protocol != c.protocol {
			t.Errorf("%s: %+v, %v", c.name, r, err)
		}
		if r.Credential != "AKID" || r.Region != "eu-west-2" {
			t.Errorf("%s: signed by %q for %q, want AKID for eu-west-2", c.name, r.Credential, r.Region)
		}
	}
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	fmt.Fprint(w, text)
	w.Close()
	return b.String()
}

func TestGzippedBodiesAreInflated(t *testing.T) {
	r, err := wire.Read(request(zipped(`{"a": [1, 2.5, "x"]}`), "X-Amz-Target", "AnyScaleFrontendService.X", "Content-Encoding", "gzip"))
	if err != nil || !reflect.DeepEqual(r.Input, map[string]any{"a": []any{int64(1), 2.5, "x"}}) {
		t.Errorf("read %v, %v", r.Input, err)
	}
}

func TestWhatIsNoRequestIsRefused(t *testing.T) {
	ecs := []string{"X-Amz-Target", "AmazonEC2ContainerServiceV20141113.ListClusters"}
	get := request("")
	get.Method = http.MethodGet
	odd := request("", "Smithy-Protocol", "rpc-v2-cbor")
	for _, c := range []struct {
		name string
		req  *http.Request
		want string
	}{
		{"a GET", get, "UnknownOperationException"},
		{"no target", request("{}"), "UnknownOperationException"},
		{"another service", request("{}", "X-Amz-Target", "Kinesis_20131202.ListStreams"), "UnknownOperationException"},
		{"an RPC path that is none", odd, "UnknownOperationException"},
		{"no JSON", request("{", ecs...), "SerializationException"},
		{"JSON and more", request("{}{}", ecs...), "SerializationException"},
		{"a list", request("[]", ecs...), "SerializationException"},
		{"a number that does not fit", request(`{"a":1e999}`, ecs...), "SerializationException"},
		{"gzip that is none", request("{}", append(ecs, "Content-Encoding", "gzip")...), "SerializationException"},
		{"a gzip bomb", request(zipped(strings.Repeat(" ", 9<<20)), append(ecs, "Content-Encoding", "gzip")...), "SerializationException"},
	} {
		if _, err := wire.Read(c.req); err == nil || err.Code != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func TestErrorsHaveTheShapeOfTheirProtocol(t *testing.T) {
	fail := func(service string, p wire.Protocol, e wire.Error) wire.Answer {
		return (&wire.Request{Service: service, Protocol: p}).Fail("id", &e)
	}
	a := fail(wire.ECS, wire.JSON11, wire.Error{Status: 400, Code: "ClusterNotFoundException", Message: "Cluster not found."})
	if got := string(a.Body); got != `{"__type":"ClusterNotFoundException","message":"Cluster not found."}` {
		t.Errorf("ECS answers %s", got)
	}
	if a.Header.Get("Content-Type") != "application/x-amz-json-1.1" || a.Header.Get("x-amzn-RequestId") != "id" || a.Status != 400 {
		t.Errorf("ECS answers %d with %v", a.Status, a.Header)
	}
	a = fail(wire.CloudWatch, wire.JSON10, wire.Error{Status: 400, Code: "ThrottlingException", QueryCode: "Throttling", Message: "Rate exceeded"})
	if got := a.Header.Get("x-amzn-query-error"); got != "Throttling;Sender" {
		t.Errorf("the query error is %q", got)
	}
	a = fail(wire.CloudWatch, wire.CBOR2, wire.Error{Status: 500, Code: "InternalServiceFault", Message: "no"})
	v, err := wire.DecodeCBOR(a.Body)
	want := map[string]any{"__type": "com.amazonaws.cloudwatch#InternalServiceFault", "message": "no"}
	if err != nil || !reflect.DeepEqual(v, want) || a.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" ||
		a.Header.Get("x-amzn-query-error") != "InternalServiceFault;Receiver" {
		t.Errorf("CBOR answers %v %v with %v", v, err, a.Header)
	}
	if got := (&wire.Error{Code: "A", Message: "b"}).Error(); got != "A: b" {
		t.Errorf("as a Go error it says %q", got)
	}
}

func TestJSONTreesAreWrittenInOrderAndReadBack(t *testing.T) {
	got := string(wire.AppendJSON(nil, map[string]any{"b": []any{1, int64(2), 0.5, true, nil}, "a": "x\"<", "t": time.UnixMilli(1500)}))
	if want := `{"a":"x\"\u003c","b":[1,2,0.5,true,null],"t":1.5}`; got != want {
		t.Errorf("wrote %s, want %s", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.MapOf(rapid.String(), rapid.OneOf(rapid.Int64().AsAny(), rapid.Bool().AsAny(),
			rapid.StringMatching(`[a-zé€\n"\\]*`).AsAny())).Draw(t, "m")
		m := map[string]any{}
		for k, v := range want {
			m[strings.ToValidUTF8(k, "?")] = v
		}
		got, err := wire.DecodeJSON(wire.AppendJSON(nil, m))
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Fatalf("wrote %#v, read %#v, %v", m, got, err)
		}
	})
}

func TestMembersAreReadByTheirType(t *testing.T) {
	in := wire.In(map[string]any{
		"text": "x", "yes": true, "n": int64(3), "whole": 4.0, "list": []any{"a", "b"}, "s": map[string]any{"k": "v"},
		"all": []any{map[string]any{"k": "1"}}, "t1": int64(60), "t2": 60.5, "t3": "1970-01-01T00:01:00Z", "t4": time.Unix(60, 0), "null": nil,
	})
	got := []any{in.Text("text"), in.Text("absent"), in.Bool("yes", false), in.Bool("absent", true), in.Int("n", 0), in.Int("whole", 0),
		in.Int("absent", 7), in.Texts("list"), in.Structure("s").Text("k"), in.Structures("all")[0].Text("k"), in.Has("null")}
	want := []any{"x", "", true, true, 3, 4, 7, []string{"a", "b"}, "v", "1", false}
	if !reflect.DeepEqual(got, want) || in.Err() != nil {
		t.Errorf("read %v, %v; want %v", got, in.Err(), want)
	}
	for _, name := range []string{"t1", "t3", "t4"} {
		if !in.Time(name).Equal(time.Unix(60, 0)) {
			t.Errorf("%s is %v, want a minute past the epoch", name, in.Time(name))
		}
	}
	if !in.Time("t2").Equal(time.UnixMilli(60500)) || !in.Time("absent").IsZero() {
		t.Errorf("t2 is %v", in.Time("t2"))
	}
}

func TestAMemberOfTheWrongTypeIsNamed(t *testing.T) {
	members := map[string]any{"a": map[string]any{}, "b": 1.5, "c": []any{int64(1)}, "d": "soon", "e": int64(1 << 40), "f": true}
	for name, read := range map[string]func(*wire.Input){
		"a must be a string":             func(in *wire.Input) { in.Text("a") },
		"b must be a whole number":       func(in *wire.Input) { in.Int("b", 0) },
		"e must be a whole number":       func(in *wire.Input) { in.Int("e", 0) },
		"c must be a list of strings":    func(in *wire.Input) { in.Texts("c") },
		"c must be a list of structures": func(in *wire.Input) { in.Structures("c") },
		"b must be a structure":          func(in *wire.Input) { in.Structure("b") },
		"d must be a time":               func(in *wire.Input) { in.Time("d") },
		"f must be a time":               func(in *wire.Input) { in.Time("f") },
		"a must be a boolean":            func(in *wire.Input) { in.Bool("a", false) },
		"d must be a list of strings":    func(in *wire.Input) { in.Texts("d") },
	} {
		in := wire.In(members)
		if read(in); in.Err() == nil || in.Err().Message != name {
			t.Errorf("error %v, want %q", in.Err(), name)
		}
	}
}
