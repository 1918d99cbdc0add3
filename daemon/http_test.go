package daemon_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/zap"

	"ecs-autoscaler/daemon"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/sim"
	"ecs-autoscaler/store"
)

// gated lets no request through before it is opened.
type gated struct {
	http.RoundTripper
	open chan struct{}
}

func (g gated) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-g.open:
		return g.RoundTripper.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// small is a region of one service at rest, in real time.
func small(t *testing.T) *sim.Region {
	t.Helper()
	s, err := sim.ParseScenario("scenario.yaml", []byte("region: eu-west-2\nhistory: 1h\nservices: [{service: c/web, desired: 2, load: {constant: 0.95}}]\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	region, err := sim.New(s, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return region
}

func listening(t *testing.T, address string, transport http.RoundTripper) (*daemon.Daemon, error) {
	t.Helper()
	return daemon.New(t.Context(), daemon.Options{
		Config: parse(t, fmt.Sprintf("listen: %q\n", address)+tracking), Logger: zap.NewNop(), AllowVolatileState: true,
		AWS: awsapi.Options{Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: transport}},
	})
}

// get asks over a connection of its own, which is gone afterwards.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// awaitReady asks until the daemon is ready.
func awaitReady(t *testing.T, url string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		if status, _ := get(t, url+"/readyz"); status == http.StatusOK {
			return
		}
		<-tick.C
	}
	t.Fatal("never ready")
}

// everyMetricIsDocumented compares what the whole daemon exposes with docs/metrics.md, and lints its names.
func everyMetricIsDocumented(t *testing.T, exposed string) {
	t.Helper()
	problems, err := promlint.New(strings.NewReader(exposed)).Lint()
	if err != nil {
		t.Error(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "ecs_autoscaler_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	documented, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`# TYPE (ecs_autoscaler_\w+)`).FindAllStringSubmatch(exposed, -1) {
		if !strings.Contains(string(documented), "`"+m[1]+"`") {
			t.Errorf("docs/metrics.md does not know %s", m[1])
		}
	}
}

func TestReadyzSaysNoBeforeTheFirstFullPassAndYesAfterIt(t *testing.T) {
	gate := gated{small(t).Transport(), make(chan struct{})}
	d, err := listening(t, "127.0.0.1:0", gate)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	url := "http://" + d.Addr()
	if status, body := get(t, url+"/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "the first pass") {
		t.Errorf("before the first pass: %d %s", status, body)
	}
	if status, _ := get(t, url+"/healthz"); status != http.StatusOK {
		t.Errorf("healthz is %d before the first pass, want 200: the process lives", status)
	}
	close(gate.open)
	awaitReady(t, url)
	metrics := []string{"ecs_autoscaler_desired_tasks{", "ecs_autoscaler_build_info{", "ecs_autoscaler_aws_requests_total{", "ecs_autoscaler_clock_offset_seconds"}
	_, body := get(t, url+"/metrics")
	if lacks := slices.DeleteFunc(metrics, func(m string) bool { return strings.Contains(body, m) }); len(lacks) > 0 {
		t.Errorf("/metrics lacks %v", lacks)
	}
	everyMetricIsDocumented(t, body)
	stop()
	if err := <-done; err != nil {
		t.Errorf("stopped with %v", err)
	}
	if status, _ := get(t, url+"/healthz"); status != 0 {
		t.Errorf("still answers %d after the stop", status)
	}
	if err := d.Store().Commit(store.Changes{}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("the state is not closed: %v", err)
	}
}

func TestAPortInUseIsSaidAndNothingStaysOpen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = listening(t, l.Addr().String(), small(t).Transport())
	if err == nil || !strings.Contains(err.Error(), "give a free address") {
		t.Errorf("error %v, want what to do", err)
	}
}

func TestADaemonThatNeverRanGivesItsPortBack(t *testing.T) {
	d, err := listening(t, "127.0.0.1:0", small(t).Transport())
	if err != nil {
		t.Fatal(err)
	}
	address := d.Addr()
	if err := d.Close(t.Context()); err != nil {
		t.Error(err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("the port is still taken: %v", err)
	}
	l.Close()
}

func TestAClientThatHoldsItsConnectionDoesNotSpoilTheStop(t *testing.T) {
	d, err := listening(t, "127.0.0.1:0", small(t).Transport())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	if status, _ := get(t, "http://"+d.Addr()+"/healthz"); status != http.StatusOK {
		t.Fatalf("healthz %d", status)
	}
	conn, err := net.Dial("tcp", d.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\n") // and never the end
	stop()
	if err := <-done; err != nil {
		t.Errorf("stopped with %v, want in order", err)
	}
	if _, err := bufio.NewReader(conn).ReadByte(); err == nil {
		t.Error("the connection is still served")
	}
}

func TestSIGTERMStopsWithinTenSecondsWhileAWSHangs(t *testing.T) {
	for name, fault := range map[string]string{
		"a description hangs":                "{kind: timeout_before, operation: DescribeServices}",
		"a read hangs":                       "{kind: hang, operation: GetMetricData}",
		"a write hangs after it took effect": "{kind: timeout_after, operation: UpdateService}",
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, `
region: eu-west-2
history: 1h
services: [{service: c/web, desired: 2, load: {constant: 1.9}}]
faults: [`+fault+`]
`, func(w *world) {
				b := store.Memory()
				d := w.start(tracking, b)
				ctx, stop := context.WithCancel(w.t.Context())
				done := make(chan error, 1)
				go func() { done <- d.Run(ctx) }()
				synctest.Wait() // everything waits for AWS
				began := time.Now()
				stop()
				if err := <-done; err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("stopped after %s", took)
				}
				s, err := store.New(b)
				if err != nil {
					t.Fatal(err)
				}
				if open := s.OpenActivities(); strings.HasPrefix(name, "a write") && len(open) != 1 {
					t.Errorf("%d open activities, want the intent whose outcome is unknown", len(open))
				}
			})
		})
	}
}

func TestOnceWaitsForWhatARateHeldBack(t *testing.T) {
	var services, targets strings.Builder
	for i := range 55 { // AWS's burst is 50 writes
		fmt.Fprintf(&services, "  - {service: c/s%d, desired: 2, task_start: 0s, load: {constant: 1.9}}\n", i)
	}
	fmt.Fprintf(&targets, "  - {service: c/*, min_capacity: 1, max_capacity: 10, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50}]}\n")
	inTime(t, "region: eu-west-2\nhistory: 1h\npublication: {delay: 0s}\nservices:\n"+services.String(), func(w *world) {
		d := w.start(memoryState+"targets:\n"+targets.String(), nil)
		decisions, err := d.Once(w.t.Context())
		if err != nil {
			t.Errorf("%v, want all of them handled", err)
		}
		for i := range decisions {
			if o := decisions[i].Outcome; decisions[i].Action != evaluator.Hold && o != evaluator.OutcomeWritten {
				t.Errorf("%s: %s", decisions[i].Target, o)
			}
		}
		if n := w.called("UpdateService"); n != 55 {
			t.Errorf("%d writes, want 55", n)
		}
		if err := d.Close(w.t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestOnceSaysWhatCouldNotBeReadOrListed(t *testing.T) {
	for denied, c := range map[string]struct{ service, says string }{
		"GetMetricData": {"c/web", "(1 of 1)"},
		"ListServices":  {"c/*", "in c could not"},
	} {
		inTime(t, `
region: eu-west-2
history: 1h
services: [{service: c/web, desired: 2, load: {constant: 0.95}}]
faults: [{kind: access_denied, operation: `+denied+`}]
`, func(w *world) {
			d := w.start(strings.ReplaceAll(tracking, "c/web", c.service), nil)
			if _, err := d.Once(w.t.Context()); !errors.Is(err, daemon.ErrUnhandled) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s is denied: error %v, want one that says %q", denied, err, c.says)
			}
			if err := d.Close(w.t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPlanKnowsOnlyTheTargetsOfItsConfiguration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	b, err := store.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.New(b)
	if err != nil {
		t.Fatal(err)
	}
	gone := parse(t, tracking).Targets[0].Bind("c", "gone")
	row := &store.Target{Key: gone.Key, Memory: evaluator.NewMemory(gone), Latest: &store.Latest{}}
	if err := errors.Join(s.Commit(store.Changes{Targets: []*store.Target{row}}), s.Close()); err != nil {
		t.Fatal(err)
	}
	c := parse(t, "listen: \"\"\nstate: \"file:"+path+"\"\n"+strings.TrimPrefix(tracking, memoryState))
	decisions, source, err := daemon.Plan(t.Context(), daemon.Options{
		Config: c, Logger: zap.NewNop(),
		AWS: awsapi.Options{Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: small(t).Transport()}},
	})
	if err != nil || source != daemon.FromFile || len(decisions) != 1 {
		t.Errorf("%d decisions, memory from %s, error %v; want one, from the file, and none", len(decisions), source, err)
	}
}

func TestPlanIsNotMisledBySomethingElseOnItsPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	other := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"status":"ok"}`) }), ReadHeaderTimeout: time.Second}
	served := make(chan struct{})
	go func() { defer close(served); _ = other.Serve(l) }()
	defer func() { other.Close(); <-served }()
	c := parse(t, fmt.Sprintf("listen: %q\n", l.Addr())+tracking)
	_, source, err := daemon.Plan(t.Context(), daemon.Options{
		Config: c, Logger: zap.NewNop(),
		AWS: awsapi.Options{Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: small(t).Transport()}},
	})
	if err != nil || source != daemon.FromNone {
		t.Errorf("memory from %s, error %v; want none", source, err)
	}
}

func TestPlanReadsATableItselfBecauseADaemonKnowsOnlyWhatItSteers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	steersNothing := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"state":"dynamodb:ecs-autoscaler","targets":[]}`)
	})}
	served := make(chan struct{})
	go func() { defer close(served); _ = steersNothing.Serve(l) }()
	defer func() { steersNothing.Close(); <-served }()
	o := daemon.Options{
		Config: parse(t, fmt.Sprintf("listen: %q\nstate: \"dynamodb:ecs-autoscaler\"\n", l.Addr())+strings.TrimPrefix(tracking, memoryState)), Logger: zap.NewNop(),
		AWS: awsapi.Options{Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: small(t).Transport()}},
	}
	if _, err := daemon.InitState(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if _, source, err := daemon.Plan(t.Context(), o); err != nil || source != daemon.FromDynamoDB {
		t.Errorf("memory from %s, error %v", source, err)
	}
}

func TestPlanIsNotMisledByAnotherConfigurationsDaemon(t *testing.T) {
	d, err := listening(t, "127.0.0.1:0", small(t).Transport())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	awaitReady(t, "http://"+d.Addr())
	for state, want := range map[string]daemon.MemorySource{"memory:": daemon.FromDaemon, "file:another.db": daemon.FromNone} {
		c := parse(t, fmt.Sprintf("listen: %q\nstate: %q\n", d.Addr(), state)+strings.TrimPrefix(tracking, memoryState))
		_, source, err := daemon.Plan(t.Context(), daemon.Options{
			Config: c, Logger: zap.NewNop(),
			AWS: awsapi.Options{Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: small(t).Transport()}},
		})
		if source != want || err != nil && !errors.Is(err, daemon.ErrUnhandled) {
			t.Errorf("%s: memory from %s, error %v; want %s", state, source, err, want)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
