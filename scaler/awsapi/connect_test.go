package awsapi

import (
	"context"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// environment sets what the SDK reads: nothing of the machine's own may reach a test.
func environment(t *testing.T, set map[string]string) {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "ECS_") {
			t.Setenv(name, "") // restores it afterwards
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "credentials"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for k, v := range set {
		t.Setenv(k, v)
	}
}

var keys = credentials.NewStaticCredentialsProvider("AKID", "SECRET", "")

// options are those of a test that has credentials and a region.
func options(c answering) Options {
	return Options{Region: "eu-west-2", Credentials: keys, HTTPClient: c.client()}
}

func describe(t *testing.T, c *Clients) error {
	t.Helper()
	_, err := c.ECS.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Services: []string{"web"}})
	return err
}

func connected(t *testing.T, o Options) *Clients {
	t.Helper()
	c, err := Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func unreachable(r *http.Request) (*http.Response, error) {
	return nil, errors.New("no network in this test: " + r.URL.String())
}

func TestTheRegionIsLookedForWhereItMayStand(t *testing.T) {
	const task = `{"TaskARN":"arn:aws:ecs:ap-south-1:123456789012:task/c/0","AvailabilityZone":"us-west-1b"}`
	metadata := func(status int, body string) answering {
		return func(r *http.Request) (*http.Response, error) {
			if r.URL.String() != "http://169.254.170.2/v4/id/task" {
				return unreachable(r)
			}
			return respond(status, body), nil
		}
	}
	onECS := map[string]string{"ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/id/"}
	for _, c := range []struct {
		name   string
		option string
		env    map[string]string
		wire   answering
		want   string
	}{
		{"our option first", "eu-west-1", map[string]string{"AWS_REGION": "us-east-1"}, unreachable, "eu-west-1"},
		{"AWS_REGION", "", map[string]string{"AWS_REGION": "us-east-1"}, unreachable, "us-east-1"},
		{"AWS_DEFAULT_REGION", "", map[string]string{"AWS_DEFAULT_REGION": "us-east-2"}, unreachable, "us-east-2"},
		{"the task's ARN", "", onECS, metadata(200, task), "ap-south-1"},
		{"the task's zone", "", onECS, metadata(200, `{"AvailabilityZone":"us-west-1b"}`), "us-west-1"},
		{"the environment before the task", "", map[string]string{"AWS_REGION": "us-east-1", "ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/id"}, metadata(200, task), "us-east-1"},
		{"the instance's document", "", map[string]string{"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://imds"}, instance, "sa-east-1"},
		{"nowhere", "", nil, unreachable, ""},
		{"a task without either", "", onECS, metadata(200, `{}`), ""},
		{"a task's answer that is no JSON", "", onECS, metadata(200, `<html>`), ""},
		{"a task's answer of 500", "", onECS, metadata(500, task), ""},
		{"metadata that cannot be reached", "", onECS, unreachable, ""},
		{"metadata at no address", "", map[string]string{"ECS_CONTAINER_METADATA_URI_V4": "http://%zz"}, unreachable, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			environment(t, c.env)
			got, err := Connect(t.Context(), Options{Region: c.option, Credentials: keys, HTTPClient: c.wire.client()})
			if c.want == "" {
				if !errors.Is(err, ErrNoRegion) || !strings.Contains(err.Error(), "AWS_REGION") {
					t.Errorf("error %v, want ErrNoRegion", err)
				}
				return
			}
			if err != nil || got.Region != c.want {
				t.Errorf("region %+v, %v; want %s", got, err, c.want)
			}
		})
	}
}

// instance answers as an EC2 instance's metadata does.
func instance(r *http.Request) (*http.Response, error) {
	switch r.URL.Path {
	case "/latest/api/token":
		res := respond(200, "token")
		res.Header.Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
		return res, nil
	case "/latest/dynamic/instance-identity/document":
		return respond(200, `{"region":"sa-east-1"}`), nil
	}
	return unreachable(r)
}

func TestMetadataThatHangsEndsTheSearchForARegion(t *testing.T) {
	environment(t, map[string]string{"ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/id", "AWS_EC2_METADATA_DISABLED": "false"})
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := Connect(t.Context(), Options{Credentials: keys, HTTPClient: answering(hang).client()})
		if took := time.Since(start); !errors.Is(err, ErrNoRegion) || took > 3*time.Second {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestWithoutCredentialsTheDaemonSaysWhatToSet(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"none":        nil,
		"half a pair": {"AWS_ACCESS_KEY_ID": "AKID"},
	} {
		environment(t, env)
		_, err := Connect(t.Context(), Options{Region: "eu-west-2", HTTPClient: answering(unreachable).client()})
		if !errors.Is(err, ErrNoCredentials) || !strings.Contains(err.Error(), "AWS_ACCESS_KEY_ID") || Classify(err) != AccessDenied {
			t.Errorf("%s: %v (%s)", name, err, Classify(err))
		}
	}
}

func TestAProfileThatDoesNotExistIsNamed(t *testing.T) {
	environment(t, map[string]string{"AWS_PROFILE": "nobody"})
	if _, err := Connect(t.Context(), Options{Region: "eu-west-2"}); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("error %v, want one that names the profile", err)
	}
}

func TestAProfileGivesRegionEndpointAndKeys(t *testing.T) {
	environment(t, map[string]string{"AWS_PROFILE": "lab"})
	text := "[profile lab]\nregion = eu-north-1\nendpoint_url = http://profile.example\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = S\n"
	if err := os.WriteFile(os.Getenv("AWS_CONFIG_FILE"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var got *http.Request
	wire := answering(func(r *http.Request) (*http.Response, error) {
		got = r
		return respond(200, "{}"), nil
	})
	c := connected(t, Options{HTTPClient: wire.client()})
	if err := describe(t, c); err != nil {
		t.Fatal(err)
	}
	if c.Region != "eu-north-1" || got.URL.Host != "profile.example" || !strings.Contains(got.Header.Get("Authorization"), "AKIDPROFILE/") {
		t.Errorf("region %s, sent to %s with %s", c.Region, got.URL, got.Header.Get("Authorization"))
	}
}

func TestTheEndpointComesFromTheEnvironmentOrFromUs(t *testing.T) {
	for _, c := range []struct {
		name, option string
		env          map[string]string
		host         string
	}{
		{"AWS's own", "", nil, "ecs.eu-west-2.amazonaws.com"},
		{"AWS_ENDPOINT_URL", "", map[string]string{"AWS_ENDPOINT_URL": "http://localhost:4566"}, "localhost:4566"},
		{"AWS_ENDPOINT_URL_ECS", "", map[string]string{"AWS_ENDPOINT_URL": "http://localhost:1", "AWS_ENDPOINT_URL_ECS": "http://localhost:2"}, "localhost:2"},
		{"our option", "http://sim", map[string]string{"AWS_ENDPOINT_URL": "http://localhost:4566"}, "sim"},
	} {
		environment(t, c.env)
		var got *http.Request
		o := options(func(r *http.Request) (*http.Response, error) {
			got = r
			return respond(200, "{}"), nil
		})
		o.Endpoint = c.option
		if err := describe(t, connected(t, o)); err != nil {
			t.Fatal(err)
		}
		if got.URL.Host != c.host {
			t.Errorf("%s: sent to %s, want %s", c.name, got.URL.Host, c.host)
		}
		if ua := got.Header.Get("User-Agent"); !strings.Contains(ua, "app/ecs-autoscaler") {
			t.Errorf("user agent %s", ua)
		}
	}
}

func TestAnAppIDOfTheEnvironmentStays(t *testing.T) {
	environment(t, map[string]string{"AWS_SDK_UA_APP_ID": "ours"})
	var got *http.Request
	c := connected(t, options(func(r *http.Request) (*http.Response, error) {
		got = r
		return respond(200, "{}"), nil
	}))
	if err := describe(t, c); err != nil || !strings.Contains(got.Header.Get("User-Agent"), "app/ours") {
		t.Errorf("%v, user agent %s", err, got.Header.Get("User-Agent"))
	}
}

// A certificate authority of one's own works only on the SDK's own client: ours must still be one.
func TestTheDaemonsOwnClientTrustsTheCABundleOfTheEnvironment(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }))
	defer server.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, text, 0o600); err != nil {
		t.Fatal(err)
	}
	environment(t, map[string]string{"AWS_CA_BUNDLE": bundle, "AWS_ENDPOINT_URL": server.URL})
	if err := describe(t, connected(t, Options{Region: "eu-west-2", Credentials: keys})); err != nil {
		t.Error(err)
	}
}

func TestTheClientKeepsAsManyConnectionsAsItHasCalls(t *testing.T) {
	if n := ownHTTPClient().GetTransport().MaxIdleConnsPerHost; n < 64 {
		t.Errorf("%d idle connections a host, want at least 64", n)
	}
}

func throttle(n *atomic.Int64) answering {
	return func(*http.Request) (*http.Response, error) {
		n.Add(1)
		return respond(400, `{"__type":"ThrottlingException"}`), nil
	}
}

func TestARequestIsTriedThreeTimesUnlessTheEnvironmentSaysOtherwise(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want int64
	}{
		{nil, 3},
		{map[string]string{"AWS_MAX_ATTEMPTS": "5"}, 5},
		{map[string]string{"AWS_MAX_ATTEMPTS": "1"}, 1},
	} {
		environment(t, c.env)
		synctest.Test(t, func(t *testing.T) {
			var n atomic.Int64
			err := describe(t, connected(t, options(throttle(&n))))
			if Classify(err) != Throttled || n.Load() != c.want {
				t.Errorf("%v: %d attempts, %v; want %d", c.env, n.Load(), err, c.want)
			}
		})
	}
}

// The adaptive mode is looked at without virtual time: it sleeps for fractions of a nanosecond, which never end there.
func TestTheRetryModeOfTheEnvironmentCounts(t *testing.T) {
	environment(t, map[string]string{"AWS_RETRY_MODE": "adaptive", "AWS_MAX_ATTEMPTS": "2"})
	cfg, err := load(t.Context(), Options{Region: "eu-west-2", Credentials: keys})
	if err != nil {
		t.Fatal(err)
	}
	r := newRetryer(cfg.RetryMode, cfg.RetryMaxAttempts, &Options{Speed: 1})
	if _, ok := r.(hurried).RetryerV2.(*retry.AdaptiveMode); !ok || r.MaxAttempts() != 2 {
		t.Errorf("retryer %T of %d attempts, want the adaptive one of 2", r.(hurried).RetryerV2, r.MaxAttempts())
	}
	r = newRetryer("", 0, &Options{Speed: 1})
	if _, ok := r.(hurried).RetryerV2.(*retry.Standard); !ok || r.MaxAttempts() != 3 {
		t.Errorf("retryer %T of %d attempts, want the standard one of 3", r.(hurried).RetryerV2, r.MaxAttempts())
	}
}

func TestSpeedDividesTheDelaysBetweenAttempts(t *testing.T) {
	environment(t, map[string]string{"AWS_MAX_ATTEMPTS": "8"})
	took := func(speed float64) (longest time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			var n atomic.Int64
			o := options(throttle(&n))
			o.Speed = speed
			c, start := connected(t, o), time.Now()
			if err := describe(t, c); Classify(err) != Throttled {
				t.Error(err)
			}
			longest = time.Since(start)
		})
		return longest
	}
	// Seven delays with jitter, the k-th up to 2^k s and 20 s, come to some 40 s; their sum is below 2 s only by miracle.
	if slow, fast := took(1), took(1000); slow < 2*time.Second || fast > 100*time.Millisecond {
		t.Errorf("seven retries take %s, a thousand times faster %s", slow, fast)
	}
}

func TestNoRequestHangs(t *testing.T) {
	environment(t, nil)
	for speed, limit := range map[float64]time.Duration{1: 40 * time.Second, 20: 2 * time.Second, 10_000: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var n atomic.Int64
			o := options(func(r *http.Request) (*http.Response, error) {
				n.Add(1)
				return hang(r)
			})
			o.Speed = speed
			c, start := connected(t, o), time.Now()
			err := describe(t, c)
			if took := time.Since(start); n.Load() != 3 || Classify(err) != Timeout || took > limit || took < 3*patience(10*time.Second, speed) {
				t.Errorf("speed %v: %d attempts in %s, %v", speed, n.Load(), took, err)
			}
		})
	}
}

// slowBody sends its head at once and its body never.
type slowBody struct{ ctx context.Context }

func (s slowBody) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func (slowBody) Close() error { return nil }

func TestAnAnswerThatStopsHalfwayEndsWithTheAttempt(t *testing.T) {
	environment(t, nil)
	synctest.Test(t, func(t *testing.T) {
		c := connected(t, options(func(r *http.Request) (*http.Response, error) {
			res := respond(200, "")
			res.Body = slowBody{r.Context()}
			return res, nil
		}))
		start := time.Now()
		if err := describe(t, c); Classify(err) != Timeout || time.Since(start) > 40*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

func TestAShutdownStopsACallAtOnce(t *testing.T) {
	environment(t, nil)
	synctest.Test(t, func(t *testing.T) {
		c := connected(t, options(hang))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Services: []string{"web"}})
		if took := time.Since(start); took != time.Second || Classify(err) != Timeout {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

func TestCredentialsThatFailLaterAreAccessDenied(t *testing.T) {
	environment(t, nil)
	asked := 0
	provider := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		if asked++; asked == 1 {
			return aws.Credentials{AccessKeyID: "A", SecretAccessKey: "S", CanExpire: true, Expires: time.Now().Add(-time.Hour)}, nil
		}
		return aws.Credentials{}, errors.New("the role is gone")
	})
	c := connected(t, Options{Region: "eu-west-2", Credentials: provider, HTTPClient: answering(unreachable).client()})
	err := describe(t, c)
	if Classify(err) != AccessDenied || !strings.Contains(Explain(err, "DescribeServices"), "(the role is gone)") {
		t.Errorf("%s: %s", Classify(err), Explain(err, "DescribeServices"))
	}
}

func TestRequestsAreCountedByAccountServiceOperationAndClass(t *testing.T) {
	environment(t, nil)
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		n := 0
		o := options(func(*http.Request) (*http.Response, error) {
			if n++; n == 1 {
				return respond(400, `{"__type":"ThrottlingException"}`), nil
			}
			time.Sleep(100 * time.Millisecond)
			return respond(200, "{}"), nil
		})
		o.Registerer = registry
		if err := describe(t, connected(t, o)); err != nil {
			t.Fatal(err)
		}
		again := connected(t, o) // clients made anew go on counting
		other, err := again.In(Role{Account: "west", Region: "us-west-2"})
		if err := errors.Join(err, describe(t, again), describe(t, other)); err != nil {
			t.Fatal(err)
		}
		want := `
# HELP ecs_autoscaler_aws_requests_total Requests to AWS, retries included, by account, service, operation and class of the answer (ok, throttled, access_denied, not_found, not_active, invalid, server, timeout).
# TYPE ecs_autoscaler_aws_requests_total counter
ecs_autoscaler_aws_requests_total{account="",class="ok",operation="DescribeServices",service="ecs"} 2
ecs_autoscaler_aws_requests_total{account="west",class="ok",operation="DescribeServices",service="ecs"} 1
ecs_autoscaler_aws_requests_total{account="",class="throttled",operation="DescribeServices",service="ecs"} 1
`
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "ecs_autoscaler_aws_requests_total"); err != nil {
			t.Error(err)
		}
		if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
			t.Errorf("lint: %v %v", problems, err)
		}
		if n := testutil.CollectAndCount(registry, "ecs_autoscaler_aws_request_duration_seconds"); n != 2 {
			t.Errorf("%d duration series, want one of each account", n)
		}
	})
}

func TestACollectorOfAnotherShapeIsAMistakeInTheProgram(t *testing.T) {
	r := prometheus.NewRegistry()
	Register(r, prometheus.NewCounter(prometheus.CounterOpts{Name: "x_total", Help: "h"}))
	defer func() {
		if recover() == nil {
			t.Error("two metrics of one name are accepted")
		}
	}()
	Register(r, prometheus.NewCounterVec(prometheus.CounterOpts{Name: "x_total", Help: "other"}, []string{"l"}))
}

func TestTheDateOfEveryAnswerIsHandedOn(t *testing.T) {
	environment(t, nil)
	var dates []time.Time
	for i, header := range []string{"Fri, 01 Jan 2027 00:00:00 GMT", "yesterday", ""} {
		o := options(func(*http.Request) (*http.Response, error) {
			status := 200
			if i == 0 {
				status = 400 // an error has a date too
			}
			res := respond(status, "{}")
			res.Header.Set("Date", header)
			return res, nil
		})
		o.OnDate = func(d time.Time) { dates = append(dates, d) }
		if err := describe(t, connected(t, o)); (err != nil) != (i == 0) {
			t.Fatal(err)
		}
	}
	if want := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC); len(dates) != 1 || !dates[0].Equal(want) {
		t.Errorf("dates %v, want only %s", dates, want)
	}
}

func TestAnEndpointThatIsNoURLIsRefusedAtOnce(t *testing.T) {
	for endpoint, ok := range map[string]bool{
		"http://127.0.0.1:4566": true, "https://vpce.example": true,
		"nonsense": false, "127.0.0.1:4566": false, "ftp://127.0.0.1": false, "http://": false,
	} {
		environment(t, map[string]string{"AWS_ENDPOINT_URL": endpoint})
		_, err := Connect(t.Context(), options(unreachable))
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "AWS_ENDPOINT_URL") {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

// A machine may be suspended between the decision to send and the sending, where no timer runs.
func TestTheLastQuestionIsAskedWhenTheRequestIsReady(t *testing.T) {
	environment(t, nil)
	sent := 0
	o := Options{Region: "eu-west-2", Credentials: keys, HTTPClient: answering(func(*http.Request) (*http.Response, error) {
		sent++
		return nil, errors.New("nobody answers")
	}).client()}
	refused := errors.New("it is too late")
	c := connected(t, o)
	ctx := AskLast(t.Context(), func() error { return refused })
	_, err := c.ECS.UpdateService(ctx, &ecs.UpdateServiceInput{Service: aws.String("web")}, func(o *ecs.Options) { o.RetryMaxAttempts = 1 })
	if !errors.Is(err, refused) || sent != 0 {
		t.Errorf("%d requests sent, error %v; want none and the reason", sent, err)
	}
	_, err = c.ECS.UpdateService(AskLast(t.Context(), func() error { return nil }), &ecs.UpdateServiceInput{Service: aws.String("web")},
		func(o *ecs.Options) { o.RetryMaxAttempts = 1 })
	if err == nil || sent != 1 {
		t.Errorf("%d requests sent, error %v; want one that fails", sent, err)
	}
}
