package act

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"pgregory.net/rapid"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
)

var (
	t0  = time.Unix(1_800_000_000, 0).UTC()
	web = evaluator.Key{Cluster: "prod", Service: "web"}
)

// wire is an ECS that speaks the real protocol inside this process.
type wire struct {
	status int
	answer string
	bodies []string
	target string
	// lost is how many requests are not answered before the first answer.
	lost int
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	w.bodies = append(w.bodies, string(body))
	w.target = r.Header.Get("X-Amz-Target")
	if len(w.bodies) <= w.lost {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return &http.Response{
		StatusCode: w.status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
		Body: io.NopCloser(strings.NewReader(w.answer)), ContentLength: int64(len(w.answer)), Request: r,
	}, nil
}

func (w *wire) client(attempts int) *ecs.Client {
	return ecs.New(ecs.Options{
		Region: "eu-west-2", HTTPClient: &http.Client{Transport: w}, RetryMaxAttempts: attempts,
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
	})
}

func TestTheRequestCarriesClusterServiceAndDesiredCountAndNothingElse(t *testing.T) {
	t.Run("case 151: so that it starts no deployment", func(t *testing.T) {
		w := &wire{status: 200, answer: `{"service":{"serviceName":"web","status":"ACTIVE","desiredCount":7,"runningCount":4,"pendingCount":3}}`}
		a := NewECS(w.client(0))
		a.Allow(t0, evaluator.ScaleOut)
		got, err := a.SetDesiredCount(t.Context(), web, 7)
		if err != nil {
			t.Fatal(err)
		}
		var sent map[string]any
		if err := json.Unmarshal([]byte(w.bodies[0]), &sent); err != nil {
			t.Fatal(err)
		}
		if want := map[string]any{"cluster": "prod", "service": "web", "desiredCount": 7.0}; !maps.Equal(sent, want) {
			t.Errorf("sent %v, want %v", sent, want)
		}
		if w.target != "AmazonEC2ContainerServiceV20141113.UpdateService" {
			t.Errorf("called %s", w.target)
		}
		want := evaluator.Service{DescribedAt: t0, Status: "ACTIVE", Desired: 7, Running: 4, Pending: 3, Base: 4, Controller: "ECS"}
		if got != want {
			t.Errorf("service is %+v, want %+v", got, want)
		}
	})
}

func TestZeroIsSentAsZero(t *testing.T) {
	w := &wire{status: 200, answer: `{}`}
	if _, err := NewECS(w.client(0)).SetDesiredCount(t.Context(), web, 0); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(w.bodies[0], `"desiredCount":0`) {
		t.Errorf("sent %s", w.bodies[0])
	}
}

func TestACountThatECSCannotTakeIsNotSent(t *testing.T) {
	w := &wire{status: 200, answer: `{}`}
	for _, n := range []int{-1, math.MaxInt32 + 1} {
		if _, err := NewECS(w.client(0)).SetDesiredCount(t.Context(), web, n); err == nil || !strings.Contains(err.Error(), "prod/web") {
			t.Errorf("count %d: %v", n, err)
		}
	}
	if len(w.bodies) != 0 {
		t.Errorf("sent %v", w.bodies)
	}
}

// Every attempt is taken from AWS's bucket, so a throttled write is not tried thrice.
func TestAThrottledWriteIsTriedTwice(t *testing.T) {
	for _, c := range []struct{ configured, want int }{{0, 2}, {3, 2}, {5, 2}, {1, 1}} {
		synctest.Test(t, func(t *testing.T) {
			w := &wire{status: 400, answer: `{"__type":"ThrottlingException","message":"Rate exceeded"}`}
			_, err := NewECS(w.client(c.configured)).SetDesiredCount(t.Context(), web, 2)
			if awsapi.Classify(err) != awsapi.Throttled || len(w.bodies) != c.want {
				t.Errorf("with %d attempts configured: %d requests, %v; want %d, throttled", c.configured, len(w.bodies), err, c.want)
			}
		})
	}
}

func TestErrorsComeBackForTheirClass(t *testing.T) {
	for code, class := range map[string]awsapi.Class{
		"ServiceNotFoundException": awsapi.NotFound, "ServiceNotActiveException": awsapi.NotActive, "ClusterNotFoundException": awsapi.NotFound,
		"AccessDeniedException": awsapi.AccessDenied, "InvalidParameterException": awsapi.Invalid, "ExpiredTokenException": awsapi.AccessDenied,
	} {
		w := &wire{status: 400, answer: `{"__type":"` + code + `","message":"no"}`}
		got, err := NewECS(w.client(0)).SetDesiredCount(t.Context(), web, 2)
		if awsapi.Classify(err) != class || got != (evaluator.Service{}) || len(w.bodies) != 1 {
			t.Errorf("%s: %+v after %d requests, %v; want class %s", code, got, len(w.bodies), err, class)
		}
	}
}

func TestFiftyWritesAtOnceThenFiveASecond(t *testing.T) {
	t.Run("case 404: inside the rate of AWS", func(t *testing.T) {
		a := NewECS(nil)
		for _, c := range []struct {
			at   time.Duration
			want int
		}{{0, 50}, {0, 0}, {time.Second, 5}, {1100 * time.Millisecond, 0}, {1200 * time.Millisecond, 1}, {time.Second, 0}, {time.Minute, 50}} {
			n := 0
			for a.Allow(t0.Add(c.at), evaluator.ScaleOut) {
				n++
			}
			if n != c.want {
				t.Errorf("at %s %d writes are allowed, want %d", c.at, n, c.want)
			}
		}
	})
}

func TestNoSpanOfTimeHasMoreWritesThanTheBucketGives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, now, made := NewECS(nil), t0, 0
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 5000).Draw(rt, "ms")) * time.Millisecond)
			for range rapid.IntRange(0, 60).Draw(rt, "wanted") {
				if a.Allow(now, evaluator.ScaleOut) {
					made++
				}
			}
			if limit := 50 + 5*now.Sub(t0).Seconds(); float64(made) > limit+1e-6 {
				rt.Fatalf("%d writes in %s, the bucket gives %v", made, now.Sub(t0), limit)
			}
		}
	})
}

// recorder is an UpdateServiceAPI that keeps what it was asked.
type recorder struct{ inputs []*ecs.UpdateServiceInput }

func (r *recorder) UpdateService(_ context.Context, in *ecs.UpdateServiceInput, _ ...func(*ecs.Options)) (*ecs.UpdateServiceOutput, error) {
	r.inputs = append(r.inputs, in)
	return &ecs.UpdateServiceOutput{Service: &ecstypes.Service{DesiredCount: *in.DesiredCount}}, nil
}

func TestTheInputHasThreeFieldsSet(t *testing.T) {
	r := &recorder{}
	if _, err := NewECS(r).SetDesiredCount(t.Context(), web, 3); err != nil {
		t.Fatal(err)
	}
	in := reflect.ValueOf(*r.inputs[0])
	var set []string
	for i := range in.NumField() {
		if !in.Field(i).IsZero() {
			set = append(set, in.Type().Field(i).Name)
		}
	}
	slices.Sort(set)
	if want := []string{"Cluster", "DesiredCount", "Service"}; !slices.Equal(set, want) {
		t.Errorf("set are %v, want %v", set, want)
	}
}

// A dry run cannot write: its actuator has no field that could hold a client, nor any other state.
func TestTheDryRunHasNothingToWriteWith(t *testing.T) {
	if d := reflect.TypeFor[DryRun](); d.Kind() != reflect.Struct || d.NumField() != 0 || d.Size() != 0 {
		t.Errorf("DryRun is %s with %d fields and %d bytes, want a struct with none", d.Kind(), d.NumField(), d.Size())
	}
}

func TestBothActuatorsHaveTheSameMethods(t *testing.T) {
	dry, wet := reflect.TypeFor[DryRun](), reflect.TypeFor[*ECS]()
	if dry.NumMethod() != wet.NumMethod() {
		t.Fatalf("%d and %d methods", dry.NumMethod(), wet.NumMethod())
	}
	for m := range dry.Methods() {
		other, ok := wet.MethodByName(m.Name)
		if !ok || other.Type.NumIn() != m.Type.NumIn() || other.Type.NumOut() != m.Type.NumOut() {
			t.Errorf("%s differs", m.Name)
			continue
		}
		for k := 1; k < m.Type.NumIn(); k++ {
			if m.Type.In(k) != other.Type.In(k) {
				t.Errorf("%s: argument %d is %s and %s", m.Name, k, m.Type.In(k), other.Type.In(k))
			}
		}
	}
}

func TestADryRunAllowsEverythingAndDescribesNothing(t *testing.T) {
	var d DryRun
	for range 1000 {
		if !d.Allow(t0, evaluator.ScaleIn) {
			t.Fatal("a dry run has a rate")
		}
	}
	got, err := d.SetDesiredCount(t.Context(), web, 9)
	if err != nil || got != (evaluator.Service{}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if !d.DryRun() || NewECS(nil).DryRun() {
		t.Error("the actuators do not know what they are")
	}
}

var _ UpdateServiceAPI = (*ecs.Client)(nil)

func TestTheLastWritesOfTheBurstAreForScaleOuts(t *testing.T) {
	a, ins, outs := NewECS(nil), 0, 0
	for a.Allow(t0, evaluator.ScaleIn) {
		ins++
	}
	if left := a.Left(t0, evaluator.ScaleIn); ins != 40 || left != 0 {
		t.Errorf("%d scale-ins are allowed and %d left, want 40 and none", ins, left)
	}
	if left := a.Left(t0, evaluator.ScaleOut); left != 10 {
		t.Errorf("%d scale-outs are left, want 10", left)
	}
	for second := range 20 { // both wait: what comes in goes to the scale-outs
		now := t0.Add(time.Duration(second) * time.Second)
		for a.Allow(now, evaluator.ScaleIn) {
			t.Fatal("a scale-in was allowed while scale-outs waited")
		}
		for a.Allow(now, evaluator.ScaleOut) {
			outs++
		}
	}
	if outs != 10+19*5 {
		t.Errorf("%d scale-outs in 20 seconds, want 105", outs)
	}
}

// The permission to write may end between two attempts; what came of the first one nobody has said.
func TestARefusalAfterALostAnswerDoesNotSayThatNothingWasDone(t *testing.T) {
	for lost, want := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := &wire{status: 400, answer: `{"__type":"AccessDeniedException","message":"no"}`, lost: lost}
			_, err := NewECS(w.client(0)).SetDesiredCount(t.Context(), web, 2)
			if awsapi.Classify(err) != awsapi.AccessDenied || awsapi.MayBeDone(err) != want {
				t.Errorf("%d answers lost: %v, may be done: %t, want %t", lost, err, awsapi.MayBeDone(err), want)
			}
		})
	}
}

func TestUnderALeaseThereIsOneAttempt(t *testing.T) {
	w := &wire{status: 500, answer: `{"__type":"ServerException"}`}
	if _, err := NewSingleAttempt(w.client(0)).SetDesiredCount(t.Context(), web, 2); err == nil || len(w.bodies) != 1 {
		t.Errorf("error %v after %d requests, want one", err, len(w.bodies))
	}
}
