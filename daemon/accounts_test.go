package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/sim"
)

// aws3 are three places behind the hosts of AWS: the daemon's own region, another region, and another account, which is
// known by the credentials of its role.
type aws3 struct {
	own, ireland, production *sim.Region

	mu sync.Mutex
	// assumed are the requests for the role, deny says that they are refused, down that the other region does not answer.
	assumed    []url.Values
	deny, down bool
}

const roleKey = "ASIAPRODUCTION"

func newAWS3(t *testing.T) *aws3 {
	t.Helper()
	region := func(name string) *sim.Region {
		s, err := sim.ParseScenario(name, []byte("history: 1h\nservices: [{service: c/web, desired: 2, load: {constant: 1.8}}]\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := sim.New(s, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	return &aws3{own: region("own"), ireland: region("ireland"), production: region("production")}
}

func (a *aws3) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

func (a *aws3) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Host, "sts.") {
		return a.assume(r)
	}
	a.mu.Lock()
	down := a.down
	a.mu.Unlock()
	elsewhere := strings.Contains(r.URL.Host, ".eu-west-1.")
	switch {
	case elsewhere && down:
		<-r.Context().Done()
		return nil, r.Context().Err()
	case elsewhere:
		return a.ireland.Transport().RoundTrip(r)
	case strings.Contains(r.Header.Get("Authorization"), "Credential="+roleKey+"/"):
		return a.production.Transport().RoundTrip(r)
	default:
		return a.own.Transport().RoundTrip(r)
	}
}

// assume answers API AssumeRole.
func (a *aws3) assume(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.assumed = append(a.assumed, form)
	status, text := http.StatusOK, fmt.Sprintf(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>`, roleKey, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	if a.deny {
		status, text = http.StatusForbidden, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>AccessDenied</Code><Message>not authorized to perform sts:AssumeRole</Message></Error></ErrorResponse>`
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(strings.NewReader(text)), Request: r,
		ContentLength: int64(len(text)),
	}, nil
}

func (a *aws3) requested() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.assumed)
}

const threePlaces = `listen: ""
state: "memory:"
region: eu-west-2
accounts:
  - {name: ireland, region: eu-west-1}
  - {name: production, role_arn: "arn:aws:iam::123456789012:role/scaler", external_id: "ours"}
targets:
  - {service: c/web, min_capacity: 1, max_capacity: 10, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}]}
  - {service: c/web, account: ireland, min_capacity: 1, max_capacity: 10, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 45}]}
  - {service: "*/web", account: production, min_capacity: 1, max_capacity: 10, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 30}]}
`

// inPlaces starts a daemon in the three places.
func inPlaces(t *testing.T, places *aws3, text string, credentials aws.CredentialsProvider) (*daemon.Daemon, *observer.ObservedLogs, error) {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	d, err := daemon.New(t.Context(), daemon.Options{
		Config: parse(t, text), Logger: zap.New(core), AllowVolatileState: true,
		AWS: awsapi.Options{Credentials: credentials, HTTPClient: &http.Client{Transport: places}},
	})
	return d, logs, err
}

// alive runs a daemon until the test stops it.
func alive(t *testing.T, d *daemon.Daemon) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func desired(t *testing.T, r *sim.Region) int {
	t.Helper()
	v, err := r.Service("c", "web")
	if err != nil {
		t.Fatal(err)
	}
	return v.Desired
}

var inProduction = evaluator.Key{Account: "production", Cluster: "c", Service: "web"}

func TestOneDaemonScalesInSeveralAccountsAndRegions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		places := newAWS3(t)
		d, _, err := inPlaces(t, places, threePlaces, keys)
		if err != nil {
			t.Fatal(err)
		}
		stop := alive(t, d)
		time.Sleep(20 * time.Minute)
		for name, c := range map[string]struct {
			region *sim.Region
			want   int
		}{"own": {places.own, 3}, "ireland": {places.ireland, 4}, "production": {places.production, 6}} {
			if got := desired(t, c.region); got != c.want {
				t.Errorf("%s: desired %d, want %d", name, got, c.want)
			}
		}
		form := places.assumed[0]
		if form.Get("RoleArn") != "arn:aws:iam::123456789012:role/scaler" || form.Get("ExternalId") != "ours" || places.requested() != 1 {
			t.Errorf("%d requests for the role, the first %v", places.requested(), form)
		}
		row, ok := d.Store().Target(inProduction)
		if dec, _ := row.Latest.Get(); !ok || dec.Target != inProduction {
			t.Errorf("the target %v was decided on as %s", ok, dec.Target)
		}
		time.Sleep(2 * time.Hour)
		if n := places.requested(); n != 3 {
			t.Errorf("the credentials of the role were asked for %d times in 140 minutes, want 3: they last an hour and are renewed in time", n)
		}
		counted(t, d, `class="ok",operation="GetMetricData",service="cloudwatch"`,
			`account="ireland",class="ok",operation="DescribeServices",service="ecs"`,
			`account="production",class="ok",operation="UpdateService",service="ecs"`,
			`account="production",class="ok",operation="AssumeRole",service="sts"`)
		stop()
	})
}

// counted checks that calls to AWS with these labels have been counted.
func counted(t *testing.T, d *daemon.Daemon, labels ...string) {
	t.Helper()
	answer := httptest.NewRecorder()
	d.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	for _, l := range labels {
		if !strings.Contains(answer.Body.String(), "ecs_autoscaler_aws_requests_total{"+l+"} ") {
			t.Errorf("no calls are counted with %s", l)
		}
	}
}

func TestAnAccountThatLetsNobodyInLeavesTheOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		places := newAWS3(t)
		places.deny = true
		text := strings.ReplaceAll(threePlaces, `"*/web"`, "c/web")
		d, logs, err := inPlaces(t, places, text, keys)
		if err != nil {
			t.Fatal(err)
		}
		stop := alive(t, d)
		time.Sleep(time.Hour)
		if got := [3]int{desired(t, places.own), desired(t, places.ireland), desired(t, places.production)}; got != [3]int{3, 4, 2} {
			t.Errorf("desired %v", got)
		}
		row, _ := d.Store().Target(inProduction)
		if !strings.Contains(row.Note, "trust policy") || !strings.Contains(row.Note, "sts:AssumeRole") {
			t.Errorf("the note is %q", row.Note)
		}
		if n := logs.FilterField(zap.String("account", "production")).FilterMessageSnippet("could not be assumed").Len(); n < 1 || n > 3 {
			t.Errorf("the log says %d times that the role could not be assumed", n)
		}
		if n := places.requested(); n < 8 || n > 40 {
			t.Errorf("the role was asked for %d times in an hour", n)
		}
		comesBack(t, places, d)
		stop()
	})
}

// comesBack opens the role and waits until the service behind it is scaled.
func comesBack(t *testing.T, places *aws3, d *daemon.Daemon) {
	t.Helper()
	places.set(func() { places.deny = false })
	time.Sleep(20 * time.Minute)
	if got := desired(t, places.production); got != 6 {
		t.Errorf("desired %d 20 minutes after the role was opened, want 6", got)
	}
	if row, _ := d.Store().Target(inProduction); row.Note != "" {
		t.Errorf("the note is still %q", row.Note)
	}
}

func TestARegionThatDoesNotAnswerLeavesTheOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		places := newAWS3(t)
		places.down = true
		text := strings.ReplaceAll(threePlaces, "service: c/web, account: ireland", `service: "*/web", account: ireland`)
		d, _, err := inPlaces(t, places, text, keys)
		if err != nil {
			t.Fatal(err)
		}
		stop := alive(t, d)
		time.Sleep(5 * time.Minute)
		if desired(t, places.own) != 3 || desired(t, places.production) != 6 {
			t.Errorf("desired %d and %d, want 3 and 6", desired(t, places.own), desired(t, places.production))
		}
		places.set(func() { places.down = false })
		time.Sleep(10 * time.Minute)
		if got := desired(t, places.ireland); got != 4 {
			t.Errorf("desired %d in the region that came back, want 4", got)
		}
		stop()
	})
}

func TestMissingCredentialsOfItsOwnStopADaemonThatNeedsThem(t *testing.T) {
	none := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("the chain has an end")
	})
	synctest.Test(t, func(t *testing.T) {
		places := newAWS3(t)
		if _, _, err := inPlaces(t, places, threePlaces, none); !errors.Is(err, awsapi.ErrNoCredentials) {
			t.Errorf("error %v, want ErrNoCredentials", err)
		}
		elsewhere := strings.ReplaceAll(threePlaces, "{service: c/web, min", "{service: c/web, account: production, min")
		elsewhere = strings.ReplaceAll(elsewhere, `"*/web"`, "c/web-*")
		d, logs, err := inPlaces(t, places, elsewhere, none)
		if err != nil {
			t.Fatal(err)
		}
		stop := alive(t, d)
		time.Sleep(5 * time.Minute)
		stop()
		if logs.FilterMessageSnippet("the chain has an end").Len() == 0 {
			t.Error("nothing in the log says that there are no credentials")
		}
	})
}
