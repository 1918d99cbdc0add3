package daemon_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"ecs-autoscaler/config"
	"ecs-autoscaler/daemon"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/sim"
	"ecs-autoscaler/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a simulated region in a synctest bubble, with the real SDK client in front of it.
type world struct {
	t      *testing.T
	region *sim.Region
	logs   *observer.ObservedLogs
}

// inTime runs a test in virtual time: days of the daemon's life, real retries included, take milliseconds.
func inTime(t *testing.T, scenario string, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := sim.ParseScenario("scenario.yaml", []byte(scenario), nil)
		if err != nil {
			t.Fatal(err)
		}
		region, err := sim.New(s, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		test(&world{t: t, region: region})
	})
}

var keys = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
})

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, found := config.Parse(config.Source{Name: "test.yaml", Text: []byte(text)}, func(string) (string, bool) { return "", false })
	if c == nil {
		t.Fatal(found.Detail())
	}
	return c
}

// start makes a daemon for the region, on a state that outlives it if one is given.
func (w *world) start(text string, b store.Backend) *daemon.Daemon {
	w.t.Helper()
	c := parse(w.t, "listen: \"\"\n"+text)
	core, logs := observer.New(zapcore.InfoLevel)
	w.logs = logs
	o := daemon.Options{
		Config: c, Logger: zap.New(core), AllowVolatileState: true,
		AWS: awsapi.Options{Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: w.region.Transport()}},
	}
	if b != nil {
		s, err := store.New(b)
		if err != nil {
			w.t.Fatal(err)
		}
		o.State = s
	}
	d, err := daemon.New(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// live runs a daemon for a while and then stops it in order.
func (w *world) live(d *daemon.Daemon, span time.Duration) {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	time.Sleep(span) // of the bubble
	stop()
	if err := <-done; err != nil {
		w.t.Error(err)
	}
}

func (w *world) view() sim.ServiceView {
	w.t.Helper()
	v, err := w.region.Service("c", "web")
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// called counts the calls of an operation that were answered without error.
func (w *world) called(operation string) int {
	n := 0
	for _, c := range w.region.Calls() {
		if c.Operation == operation && c.Error == "" {
			n++
		}
	}
	return n
}

func (w *world) logged(text string) int {
	return w.logs.Filter(func(e observer.LoggedEntry) bool { return strings.Contains(e.Message, text) }).Len()
}

const memoryState = "state: \"memory:\"\n"

const tracking = memoryState + `
targets:
  - service: c/web
    min_capacity: 1
    max_capacity: 10
    target_tracking:
      - {name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50, scale_out_cooldown: 60, scale_in_cooldown: 60}
`

// square is a load that needs 2 tasks and 6 tasks at 50 % CPU in turn, an hour each.
const square = `
region: eu-west-2
services:
  - {service: c/web, desired: 2, task_start: 45s, load: {square: {low: 0.9, high: 2.9, period: 2h}}}
`

func TestHoursOfTargetTracking(t *testing.T) {
	inTime(t, square, func(w *world) {
		b := store.Memory()
		d := w.start(tracking, b)
		w.live(d, 8*time.Hour)
		all := history(t, b)
		if n := w.called("UpdateService"); n != len(all) || n < 8 {
			t.Errorf("%d writes and %d activities in eight hours, want the same number, and at least two an up and down", n, len(all))
		}
		for _, a := range all {
			if a.To < 1 || a.To > 10 || a.From == a.To {
				t.Errorf("activity from %d to %d", a.From, a.To)
			}
			if a.Status != evaluator.Successful && a.Status != evaluator.Overridden {
				t.Errorf("activity to %d ended %s: %s", a.To, a.Status, a.StatusMessage)
			}
		}
		if n := w.called("GetMetricData"); n > 8*60+2 {
			t.Errorf("%d reads in eight hours, want at most one a minute", n)
		}
	})
}

// history are all activities that a backend keeps.
func history(t *testing.T, b store.Backend) (all []store.Activity) {
	t.Helper()
	s, err := store.New(b)
	if err != nil {
		t.Fatal(err)
	}
	for q := (store.Query{Limit: 1000}); ; {
		page, next, err := s.Activities(q)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, page...); next == "" {
			break
		}
		q.Cursor = next
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return all
}

func TestTheSampledFlaskappScalesByItsSteps(t *testing.T) {
	text, err := os.ReadFile("../examples/flaskapp/step-scaling.yaml")
	if err != nil {
		t.Fatal(err)
	}
	inTime(t, `
region: eu-west-2
publication: {delay: 60s}
services:
  - service: flaskapp/flaskapp
    desired: 1
    task_start: 30s
    load: {steps: [{at: 0s, value: 0.2}, {at: 10m, value: 2}, {at: 40m, value: 0.2}]}
    memory: {base: 5, per_load: 20}
`, func(w *world) {
		d := w.start(strings.Replace(string(text), "state: \"file:state.db\"", memoryState, 1), nil)
		ctx, stop := context.WithCancel(w.t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		var counts []int
		time.Sleep(30 * time.Second) // between two passes
		for range 60 {
			time.Sleep(time.Minute)
			v, err := w.region.Service("flaskapp", "flaskapp")
			if err != nil {
				t.Fatal(err)
			}
			if len(counts) == 0 || counts[len(counts)-1] != v.Desired {
				counts = append(counts, v.Desired)
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		// 45 % with one task is 35 above the threshold: +3, and at 4 tasks 15 % is still above 10. Afterwards 9 %
		// and less is at or below it: one task a look.
		if want := []int{1, 4, 3, 2, 1}; !slices.Equal(counts, want) {
			t.Errorf("desired counts %v, want %v", counts, want)
		}
	})
}

func TestAMetricOutageHoldsTheCountAndTheDaemonSaysSo(t *testing.T) {
	for name, c := range map[string]struct{ fault, says string }{
		"CloudWatch has no new datapoints": {"kind: missing_datapoints", "policy cpu"},
		"access to CloudWatch is denied":   {"kind: access_denied, operation: GetMetricData", "allow the action cloudwatch:GetMetricData"},
		"CloudWatch fails":                 {"kind: server_error, operation: GetMetricData", "cloudwatch:GetMetricData failed on the side of AWS"},
		"CloudWatch throttles":             {"kind: throttling, operation: GetMetricData", "cloudwatch:GetMetricData was throttled"},
		"credentials have expired":         {"kind: expired_credentials", "the AWS credentials have expired; renew them"},
		"CloudWatch answers in part":       {"kind: partial_data", "(PartialData: "},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, `
region: eu-west-2
history: 1h
services:
  - {service: c/web, desired: 6, load: {steps: [{at: 0s, value: 2.9}, {at: 29m, value: 0.1}, {at: 3h, value: 2.9}]}}
faults: [{`+c.fault+`, from: 30m, for: 1h}]
`, func(w *world) {
				d := w.start(tracking, nil)
				ctx, stop := context.WithCancel(w.t.Context())
				done := make(chan error, 1)
				go func() { done <- d.Run(ctx) }()
				time.Sleep(time.Hour + 29*time.Minute)
				if v := w.view(); v.Desired != 6 {
					t.Errorf("desired %d during the outage, want 6", v.Desired)
				}
				row, _ := d.Store().Target(evaluator.Key{Cluster: "c", Service: "web"})
				if dec, _ := row.Latest.Get(); dec.Reason != evaluator.StaleData && dec.Reason != evaluator.InsufficientData {
					t.Errorf("held by %s: %s", dec.Reason, dec.Message())
				}
				if w.logged(c.says) == 0 {
					t.Errorf("the log does not say %q", c.says)
				}
				time.Sleep(40 * time.Minute)
				if v := w.view(); v.Desired == 6 {
					t.Error("still 6 forty minutes after the outage, want a scale-in")
				}
				stop()
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAWriteThatTimesOutAfterItTookEffectIsNotRepeated(t *testing.T) {
	inTime(t, `
region: eu-west-2
history: 1h
services:
  - {service: c/web, desired: 2, task_start: 30s, load: {constant: 1.9}}
faults: [{kind: timeout_after, operation: UpdateService, from: 0s, for: 90s}]
`, func(w *world) {
		d := w.start(tracking, nil)
		w.live(d, 90*time.Second)
		if v := w.view(); v.Desired != 4 {
			t.Errorf("desired %d, want 4: 95 %% with 2 tasks at a target of 50", v.Desired)
		}
		if n := w.logged("Successfully set desired count to 4. Change successfully fulfilled by ecs."); n != 1 {
			t.Errorf("the activity was fulfilled %d times, want once", n)
		}
	})
}

func TestADeploymentHoldsScaleInAndNotScaleOut(t *testing.T) {
	inTime(t, `
region: eu-west-2
history: 1h
services:
  - service: c/web
    desired: 6
    task_start: 60s
    load: {constant: 0.5}
    events: [{at: 0s, fail_starts: true}, {at: 0s, deploy: true}, {at: 15m, fail_starts: false}]
`, func(w *world) {
		d := w.start(strings.Replace(tracking, "scale_in_cooldown: 60", "scale_in_cooldown: 60, scale_in_alarm: {evaluation_periods: 3, datapoints_to_alarm: 3}", 1), nil)
		ctx, stop := context.WithCancel(w.t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		time.Sleep(20 * time.Second)
		first := w.view().Desired
		time.Sleep(10 * time.Minute)
		if v := w.view(); v.Desired != first {
			t.Errorf("desired %d while deploying, was %d", v.Desired, first)
		}
		time.Sleep(time.Hour)
		if v := w.view(); v.Desired >= first && first != 1 {
			t.Errorf("desired %d an hour later, want less than %d", v.Desired, first)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestTwoDaemonsLiveInOneProcess(t *testing.T) {
	dir := t.TempDir()
	inTime(t, square, func(w *world) {
		first := w.start("state: \"file:"+filepath.Join(dir, "a.db")+"\"\n"+strings.TrimPrefix(tracking, memoryState), nil)
		second := w.start("dry_run: true\nstate: \"file:"+filepath.Join(dir, "b.db")+"\"\n"+strings.TrimPrefix(tracking, memoryState), nil)
		ctx, stop := context.WithCancel(w.t.Context())
		done := make(chan error, 2)
		go func() { done <- first.Run(ctx) }()
		go func() { done <- second.Run(ctx) }()
		time.Sleep(3 * time.Hour)
		stop()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "b.db")); err == nil {
			t.Error("the dry run wrote the real state")
		}
	})
}

func TestHighResolutionMetricsScaleOutWithinASecondMinute(t *testing.T) {
	inTime(t, `
region: eu-west-2
history: 1h
publication: {delay: 60s, high_resolution_delay: 10s}
services:
  - {service: c/web, desired: 2, resolution: 20, task_start: 30s, load: {steps: [{at: 0s, value: 0.9}, {at: 10m, value: 1.9}]}}
`, func(w *world) {
		d := w.start(strings.Replace(tracking, "ECSServiceAverageCPUUtilization", "ECSServiceAverageCPUUtilizationHighResolution", 1), nil)
		ctx, stop := context.WithCancel(w.t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		time.Sleep(10*time.Minute + 5*time.Second)
		began, scaled := time.Now(), time.Time{}
		for range 60 {
			if w.view().Desired > 2 {
				scaled = time.Now()
				break
			}
			time.Sleep(5 * time.Second)
		}
		// Three breaching buckets of 20 s, 10 s of delay, the trail of 10 to 20 s and a look each 10 s.
		if scaled.IsZero() || scaled.Sub(began) > 110*time.Second {
			t.Errorf("scaled out %s after the load rose, want within 110 s", scaled.Sub(began))
		}
		time.Sleep(10 * time.Minute)
		if v := w.view(); v.CPU > 50 {
			t.Errorf("%d tasks at %.0f %%", v.Desired, v.CPU)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestMetricMathAndRequestsPerTargetScaleToo(t *testing.T) {
	for name, policy := range map[string]string{
		"requests per target": `{name: alb, metric: ALBRequestCountPerTarget, resource_label: app/lb/1/targetgroup/web/2, target_value: 1000}`,
		"backlog per task": `{name: backlog, target_value: 100, customized_metric: {metrics: [
          {id: m1, metric_stat: {metric: {namespace: AWS/SQS, metric_name: Visible, dimensions: {QueueName: jobs}}, stat: Sum}, return_data: false},
          {id: m2, metric_stat: {metric: {namespace: ECS/ContainerInsights, metric_name: RunningTaskCount, dimensions: {ClusterName: c, ServiceName: web}}, stat: Average}, return_data: false},
          {id: e1, expression: m1 / m2}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, `
region: eu-west-2
history: 1h
clusters: [{name: c, container_insights: true}]
services:
  - service: c/web
    desired: 2
    load: {constant: 1.6}
    load_balancer: {resource_label: app/lb/1/targetgroup/web/2, requests_per_load: 2500}
custom_metrics:
  - {namespace: AWS/SQS, metric_name: Visible, dimensions: {QueueName: jobs}, value: {constant: 400}}
`, func(w *world) {
				d := w.start(memoryState+"targets:\n  - {service: c/web, min_capacity: 1, max_capacity: 10, target_tracking: [\n    "+policy+"]}\n", nil)
				w.live(d, 5*time.Minute)
				if v := w.view(); v.Desired != 4 {
					t.Errorf("desired %d, want 4: twice the target with 2 tasks", v.Desired)
					for _, l := range w.logs.All() {
						t.Log(l.Message)
					}
				}
			})
		})
	}
}

func TestServicesAreChosenByTheirECSTags(t *testing.T) {
	inTime(t, `
region: eu-west-2
history: 1h
services:
  - {service: c/web, desired: 2, load: {constant: 1.9}, tags: {team: web}}
  - {service: c/other, desired: 2, load: {constant: 1.9}, tags: {team: other}}
  - {service: c/untagged, desired: 2, load: {constant: 1.9}}
`, func(w *world) {
		d := w.start(strings.Replace(tracking, "service: c/web", "service: c/*\n    tags: {team: web}", 1), nil)
		if _, err := d.Once(w.t.Context()); err != nil {
			t.Error(err)
		}
		for _, v := range w.region.Services() {
			if scaled := v.Desired != 2; scaled != (v.Service == "web") {
				t.Errorf("desired of %s is %d", v.Service, v.Desired)
			}
		}
		if err := d.Close(w.t.Context()); err != nil {
			t.Error(err)
		}
	})
}
