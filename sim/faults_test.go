package sim_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"ecs-autoscaler/sim"
)

func (w *world) inject(f sim.Fault) string {
	w.t.Helper()
	id, err := w.Inject(f)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) listClusters() error {
	_, err := w.ecs.ListClusters(w.context(), &ecs.ListClustersInput{})
	return err
}

func (w *world) listMetrics() error {
	_, err := w.cw.ListMetrics(w.context(), &cloudwatch.ListMetricsInput{})
	return err
}

func TestCallsFailWithTheErrorOfTheFault(t *testing.T) {
	for _, c := range []struct {
		fault           sim.Fault
		ecs, cloudwatch string
	}{
		{sim.Fault{Kind: sim.Throttling}, "ThrottlingException", "Throttling"},
		{sim.Fault{Kind: sim.ServerError}, "ServerException", "InternalServiceError"},
		{sim.Fault{Kind: sim.AccessDenied}, "AccessDeniedException", "AccessDenied"},
		{sim.Fault{Kind: sim.ExpiredCredentials}, "ExpiredTokenException", "ExpiredToken"},
		{sim.Fault{Kind: sim.InvalidCredentials}, "UnrecognizedClientException", "InvalidClientTokenId"},
		{sim.Fault{Kind: sim.CustomError, Code: "LimitExceeded", Message: "enough", Status: 429}, "LimitExceeded", "LimitExceeded"},
	} {
		w := newWorld(t, shop)
		id := w.inject(c.fault)
		if got := code(w.listClusters()); got != c.ecs {
			t.Errorf("%s: ECS answers %q, want %s", c.fault.Kind, got, c.ecs)
		}
		if got := code(w.listMetrics()); got != c.cloudwatch {
			t.Errorf("%s: CloudWatch answers %q, want %s", c.fault.Kind, got, c.cloudwatch)
		}
		if !w.Clear(id) || w.listClusters() != nil || w.listMetrics() != nil {
			t.Errorf("%s: it is still there after it was cleared", c.fault.Kind)
		}
		calls := w.Calls()
		if calls[0].Fault != c.fault.Kind || calls[0].Error == "" || calls[2].Error != "" {
			t.Errorf("%s: recorded as %+v", c.fault.Kind, calls[0])
		}
	}
}

func TestAccessDeniedNamesTheAction(t *testing.T) {
	w := newWorld(t, shop)
	w.inject(sim.Fault{Kind: sim.AccessDenied, Operation: "UpdateService"})
	err := w.update("api", 3)
	if err == nil || !strings.Contains(err.Error(), "not authorized to perform: ecs:UpdateService on resource: arn:aws:ecs:us-east-1:123456789012:service/shop/api") {
		t.Errorf("error %v, want the action and the resource", err)
	}
	if n := w.describe("api").DesiredCount; n != 2 {
		t.Errorf("desired count %d after a denied write, want 2", n)
	}
}

func TestFaultsStrikeWhatTheyName(t *testing.T) {
	w := newWorld(t, shop)
	strikes := func(f sim.Fault) (all []string) {
		f.Kind = sim.ServerError
		id := w.inject(f)
		defer w.Clear(id)
		for name, call := range map[string]func() error{
			"clusters": w.listClusters, "metrics": w.listMetrics,
			"api":   func() error { return w.update("api", 2) },
			"green": func() error { return w.update("green", 2) },
		} {
			if call() != nil {
				all = append(all, name)
			}
		}
		slices.Sort(all)
		return all
	}
	minute := w.Elapsed() + time.Minute
	for _, c := range []struct {
		name  string
		fault sim.Fault
		want  []string
	}{
		{"everything", sim.Fault{}, []string{"api", "clusters", "green", "metrics"}},
		{"an API", sim.Fault{API: "cloudwatch"}, []string{"metrics"}},
		{"an operation", sim.Fault{Operation: "UpdateService"}, []string{"api", "green"}},
		{"a pattern of operations", sim.Fault{Operation: "List*"}, []string{"clusters", "metrics"}},
		{"a service", sim.Fault{Service: "shop/api"}, []string{"api"}},
		{"a pattern of services", sim.Fault{Service: "shop/*e*"}, []string{"green"}},
		{"one call", sim.Fault{Operation: "ListClusters", Count: 1}, []string{"clusters"}},
		{"what is over", sim.Fault{To: w.Elapsed()}, []string{"api", "clusters", "green", "metrics"}},
		{"what comes", sim.Fault{From: minute}, nil},
	} {
		if c.name == "what is over" {
			w.pass(time.Second)
			c.fault.To, c.want = w.Elapsed(), nil
		}
		expect(t, c.name, strikes(c.fault), c.want)
	}
}

func TestAFaultLastsFromItsBeginningToItsEnd(t *testing.T) {
	w := newWorld(t, "faults: [{kind: throttling, from: 1m, for: 30s}]")
	var failed []int
	for second := range 120 {
		if w.listClusters() != nil {
			failed = append(failed, second)
		}
		w.pass(time.Second)
	}
	if len(failed) != 30 || failed[0] != 60 || failed[29] != 89 {
		t.Errorf("it struck in the seconds %v, want 60 to 89", failed)
	}
}

func TestAProbabilityIsCastBySeed(t *testing.T) {
	strikes := func(seed string) (which []int) {
		w := newWorld(t, "seed: "+seed+"\nfaults: [{kind: throttling, probability: 0.3}]\nlimits: {throttling: false}")
		for i := range 1000 {
			if w.listClusters() != nil {
				which = append(which, i)
			}
		}
		return which
	}
	first := strikes("1")
	if n := len(first); n < 240 || n > 360 {
		t.Errorf("%d of 1000 calls were struck, want about 300", n)
	}
	if !slices.Equal(first, strikes("1")) || slices.Equal(first, strikes("2")) {
		t.Error("the dice do not follow the seed")
	}
}

func TestACountBoundsHowOftenAFaultStrikes(t *testing.T) {
	w := newWorld(t, "faults: [{kind: server_error, count: 2}]")
	var got []string
	for range 4 {
		got = append(got, code(w.listClusters()))
	}
	expect(t, "errors", got, []string{"ServerException", "ServerException", "", ""})
}

// TestCallsThatAreNotAnswered runs in a bubble: the clients' deadlines pass at once.
func TestCallsThatAreNotAnswered(t *testing.T) {
	for _, c := range []struct {
		kind        sim.FaultKind
		effect      bool
		unanswered  bool
		wait        time.Duration
		description string
	}{
		{sim.TimeoutBefore, false, true, 10 * time.Second, "context deadline exceeded"},
		{sim.TimeoutAfter, true, true, 10 * time.Second, "context deadline exceeded"},
		{sim.Hang, true, true, 10 * time.Second, "context deadline exceeded"},
		{sim.ConnectionReset, false, true, 0, "connection reset by peer"},
		{sim.ConnectionResetAfter, true, true, 0, "connection reset by peer"},
		{sim.Slow, true, false, 3 * time.Second, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, shop)
			id := w.inject(sim.Fault{Kind: c.kind, Operation: "UpdateService", Delay: 3 * time.Second})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			begin := time.Now()
			_, err := w.ecs.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String("shop"), Service: aws.String("api"), DesiredCount: aws.Int32(4)})
			if (err != nil) != c.unanswered || err != nil && !strings.Contains(err.Error(), c.description) {
				t.Errorf("%s: error %v, want one with %q", c.kind, err, c.description)
			}
			if took := time.Since(begin); took != c.wait {
				t.Errorf("%s: took %v, want %v", c.kind, took, c.wait)
			}
			w.Clear(id)
			if got := w.describe("api").DesiredCount == 4; got != c.effect {
				t.Errorf("%s: effect %v, want %v", c.kind, got, c.effect)
			}
		})
	}
}

func TestAResetIsAnErrorOfTheNetwork(t *testing.T) {
	w := newWorld(t, shop)
	w.inject(sim.Fault{Kind: sim.ConnectionReset})
	if err := w.listClusters(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("error %v, want ECONNRESET", err)
	}
}

const four = `
services:
  - {service: c/a, desired: 1, load: {line: [{at: 0s, value: 0}, {at: 1000s, value: 1}]}}
  - {service: c/b, desired: 1, load: 0.5}
`

func TestSingleMetricsSufferWithoutTheOthers(t *testing.T) {
	for _, c := range []struct {
		fault  sim.Fault
		status types.StatusCode
		want   []float64
	}{
		{sim.Fault{Kind: sim.PartialData}, types.StatusCodePartialData, []float64{0, 1}},
		{sim.Fault{Kind: sim.InternalError}, types.StatusCodeInternalError, nil},
		{sim.Fault{Kind: sim.Forbidden}, types.StatusCodeForbidden, nil},
		{sim.Fault{Kind: sim.MissingDatapoints}, types.StatusCodeComplete, nil},
		{sim.Fault{Kind: sim.MissingDatapoints, From: time.Minute, To: 3 * time.Minute}, types.StatusCodeComplete, []float64{0, 3}},
		{sim.Fault{Kind: sim.LateDatapoints, Delay: 2 * time.Minute}, types.StatusCodeComplete, []float64{0, 1}},
		{sim.Fault{Kind: sim.LateDatapoints, From: 3 * time.Minute}, types.StatusCodeComplete, []float64{0, 1, 2}},
		{sim.Fault{Kind: sim.DuplicateDatapoints}, types.StatusCodeComplete, []float64{0, 0, 1, 1, 2, 2, 3, 3}},
	} {
		w := newWorld(t, four)
		w.pass(5 * time.Minute)
		c.fault.Service, c.fault.Metric = "c/a", "CPU*"
		w.inject(c.fault)
		out := w.data(5*time.Minute, stat("hurt", "CPUUtilization", "c/a", "Average", 60),
			stat("memory", "MemoryUtilization", "c/a", "Average", 60), stat("other", "CPUUtilization", "c/b", "Average", 60))
		hurt := out.MetricDataResults[0]
		expect(t, string(c.fault.Kind), minutes(hurt.Timestamps), c.want)
		if hurt.StatusCode != c.status || len(hurt.Values) != len(hurt.Timestamps) || out.NextToken != nil {
			t.Errorf("%s: %s with %d values, want %s", c.fault.Kind, hurt.StatusCode, len(hurt.Values), c.status)
		}
		for _, r := range out.MetricDataResults[1:] {
			if r.StatusCode != types.StatusCodeComplete || len(r.Values) != 4 {
				t.Errorf("%s: %s suffers too: %s with %d values", c.fault.Kind, *r.Id, r.StatusCode, len(r.Values))
			}
		}
	}
}

func TestDatapointsOutOfOrderKeepTheirValues(t *testing.T) {
	w := newWorld(t, four)
	w.pass(20 * time.Minute)
	query := stat("a", "CPUUtilization", "c/a", "Average", 60)
	before := w.data(20*time.Minute, query).MetricDataResults[0]
	w.inject(sim.Fault{Kind: sim.OutOfOrder})
	after := w.data(20*time.Minute, query).MetricDataResults[0]
	if slices.EqualFunc(before.Timestamps, after.Timestamps, time.Time.Equal) {
		t.Error("the order is the same")
	}
	values := map[time.Time]float64{}
	for i, at := range before.Timestamps {
		values[at] = before.Values[i]
	}
	for i, at := range after.Timestamps {
		if values[at] != after.Values[i] {
			t.Errorf("at %v the value is %v, want %v", at, after.Values[i], values[at])
		}
	}
}

func TestWhichDatapointsAreMissingIsDecidedOnce(t *testing.T) {
	w := newWorld(t, four+"faults: [{kind: missing_datapoints, probability: 0.5}]")
	w.pass(time.Hour)
	query := stat("b", "CPUUtilization", "c/b", "Average", 60)
	first := minutes(w.data(time.Hour, query).MetricDataResults[0].Timestamps)
	if n := len(first); n < 15 || n > 45 {
		t.Errorf("%d of 59 datapoints are there, want about half", n)
	}
	expect(t, "a second look", minutes(w.data(time.Hour, query).MetricDataResults[0].Timestamps), first)
}

func TestAFaultThatMakesNoSenseIsRefused(t *testing.T) {
	w := newWorld(t, shop)
	for want, f := range map[string]sim.Fault{
		"kind":        {Kind: "earthquake"},
		"api":         {Kind: sim.Throttling, API: "s3"},
		"to":          {Kind: sim.Throttling, From: 5, To: 4},
		"probability": {Kind: sim.Throttling, Probability: 2},
		"count":       {Kind: sim.Throttling, Count: -1},
		"delay":       {Kind: sim.Slow, Delay: -1},
		"metric":      {Kind: sim.Throttling, Metric: "CPUUtilization"},
		"code":        {Kind: sim.CustomError, Status: 400},
		"status":      {Kind: sim.CustomError, Code: "X", Status: 200},
		"operation":   {Kind: sim.Throttling, Operation: "["},
		"service":     {Kind: sim.Throttling, Service: "["},
	} {
		if _, err := w.Inject(f); err == nil || !strings.HasPrefix(err.Error(), want+": ") {
			t.Errorf("%+v: %v, want an error about %s", f, err, want)
		}
	}
	if len(w.Faults()) != 0 {
		t.Errorf("refused faults are at work: %v", w.Faults())
	}
}
