package observe

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"ecs-autoscaler/scaler/awsapi"
)

// track tracks n metrics m0, m1 ... of which mI has the value I in the bucket before t0.
func track(c *cloud, m *Metrics, n int) []*Entry {
	var entries []*Entry
	for i := range n {
		name := "m" + strconv.Itoa(i)
		c.publish(name, t0.Add(-time.Minute), 0, float64(i))
		entries = append(entries, m.Track(cpu(name), 1))
	}
	return entries
}

func wantProblem(t *testing.T, rep Report, e *Entry, class awsapi.Class, partial bool) {
	t.Helper()
	for _, p := range rep.Problems {
		if p.Entry == e {
			if p.Class != class || p.Partial != partial || p.Err == nil {
				t.Errorf("problem of %s is %s, partial %v (%v), want %s, %v", e.id, p.Class, p.Partial, p.Err, class, partial)
			}
			if e.Series.Partial != partial || e.Series.Failed == partial {
				t.Errorf("series of %s: partial %v, failed %v", e.id, e.Series.Partial, e.Series.Failed)
			}
			return
		}
	}
	t.Errorf("no problem is reported for %s", e.id)
}

func TestFiveHundredQueriesGoIntoOneCall(t *testing.T) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	entries := track(c, m, 1001)
	rep := c.at(t, m, t0, entries...)
	wantNoProblems(t, rep)
	if rep.Requests != 3 || rep.MetricsRequested != 1001 {
		t.Errorf("%d calls for %d metrics, want 3 for 1001", rep.Requests, rep.MetricsRequested)
	}
	for i, e := range entries {
		if e.Series.Values[0] != float64(i) {
			t.Fatalf("m%d has %v", i, e.Series.Values[0])
		}
	}
}

func TestOneHoleDoesNotWidenEveryWindow(t *testing.T) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1, InFlight: 1})
	var entries []*Entry
	for i := range 600 {
		name := "m" + strconv.Itoa(i)
		c.publish(name, t0.Add(-20*time.Minute), 0, make([]float64, 21)...)
		entries = append(entries, m.Track(cpu(name), 20))
	}
	c.points["m77"] = append(c.points["m77"][:5], c.points["m77"][6:]...)
	c.at(t, m, t0, entries...)
	c.calls = nil
	rep := c.at(t, m, t0.Add(time.Minute), entries...)
	if rep.Requests != 3 {
		t.Fatalf("%d calls, want 3: the one with the hole, and the others in two", rep.Requests)
	}
	narrow := window(t0, -4, 1)
	if got := c.window(0) + " " + c.window(1) + " " + c.window(2); got != window(t0, -15, 1)+" "+narrow+" "+narrow {
		t.Errorf("asked %s", got)
	}
	if first := c.calls[0].MetricDataQueries[0]; *first.MetricStat.Metric.MetricName != "m77" {
		t.Errorf("the wide call begins with %s", *first.MetricStat.Metric.MetricName)
	}
}

func window(at time.Time, from, to int) string {
	minutes := func(n int) string { return at.Add(time.Duration(n) * time.Minute).Format(time.TimeOnly) }
	return minutes(from) + "-" + minutes(to)
}

func TestEachPeriodHasCallsOfItsOwn(t *testing.T) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1, InFlight: 1})
	var entries []*Entry
	for _, period := range []int64{300, 60, 10, 60, 20} {
		entries = append(entries, m.Track(withPeriod(cpu("cpu"+strconv.Itoa(len(entries))), period), 2))
	}
	rep := c.at(t, m, t0.Add(35*time.Second), entries...)
	if rep.Requests != 4 {
		t.Fatalf("%d calls, want one for each of four periods", rep.Requests)
	}
	for i, want := range []string{"00:00-00:20", "59:40-00:20", "58:00-00:00", "50:00-00:00"} {
		in := c.calls[i]
		if got := in.StartTime.Format("04:05") + "-" + in.EndTime.Format("04:05"); got != want {
			t.Errorf("period %d asked %s, want %s", *in.MetricDataQueries[0].MetricStat.Period, got, want)
		}
	}
}

func TestACallStaysBelowTheDatapointQuota(t *testing.T) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	var entries []*Entry
	for i := range 500 {
		entries = append(entries, m.Track(cpu("m"+strconv.Itoa(i)), 1000))
	}
	c.at(t, m, t0, entries...)
	for _, in := range c.calls {
		if n := len(in.MetricDataQueries) * 1000; n > 100_800 {
			t.Errorf("a call may bring %d datapoints", n)
		}
	}
}

func TestAFailedCallMarksOnlyItsOwnMetrics(t *testing.T) {
	for _, code := range []string{"ThrottlingException", "AccessDeniedException", "InternalServiceFault"} {
		c := newCloud()
		m := NewMetrics(c, MetricsOptions{Delay: -1})
		entries := track(c, m, 1000)
		c.refuse = func(_ int, in *cloudwatch.GetMetricDataInput) error {
			if *in.MetricDataQueries[0].Id == entries[0].id {
				return apiError(code)
			}
			return nil
		}
		rep := c.at(t, m, t0, entries...)
		if len(rep.Problems) != 500 || rep.Requests != 2 {
			t.Errorf("%s: %d problems in %d requests, want 500 in 2", code, len(rep.Problems), rep.Requests)
		}
		for i, e := range entries {
			if e.Series.Failed != (i < 500) || e.Series.Partial {
				t.Fatalf("%s: m%d: failed %v, partial %v", code, i, e.Series.Failed, e.Series.Partial)
			}
		}
		wantProblem(t, rep, entries[0], awsapi.Classify(apiError(code)), false)
		c.refuse = nil
		wantNoProblems(t, c.at(t, m, t0, entries...))
		if entries[0].Series.Failed {
			t.Errorf("%s: the mark outlives the next read", code)
		}
	}
}

func TestPagesAreFollowed(t *testing.T) {
	c := newCloud()
	c.pageSize = 3
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	entries := track(c, m, 10)
	rep := c.at(t, m, t0, entries...)
	wantNoProblems(t, rep)
	if rep.Requests != 4 || rep.MetricsRequested != 40 {
		t.Errorf("%d requests billed as %d, want 4 pages of 10 metrics", rep.Requests, rep.MetricsRequested)
	}
	for i, e := range entries {
		if e.Series.Values[0] != float64(i) {
			t.Errorf("m%d has %v", i, e.Series.Values)
		}
	}
}

func TestAFailedPageLeavesWhatCameBeforeIt(t *testing.T) {
	c := newCloud()
	c.pageSize = 2
	c.refuse = func(call int, _ *cloudwatch.GetMetricDataInput) error {
		if call == 2 {
			return apiError("InvalidNextToken")
		}
		return nil
	}
	c.change = func(_ int, out *cloudwatch.GetMetricDataOutput) {
		out.MetricDataResults[1].StatusCode = cwtypes.StatusCodePartialData
	}
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	e := track(c, m, 3)
	rep := c.at(t, m, t0, e...)
	if rep.Requests != 2 || len(rep.Problems) != 2 || e[0].Series.Failed || e[0].Series.Partial {
		t.Errorf("%d requests, problems %v, first failed %v", rep.Requests, rep.Problems, e[0].Series.Failed)
	}
	wantProblem(t, rep, e[1], awsapi.Invalid, true)
	wantProblem(t, rep, e[2], awsapi.Invalid, false)
}

func TestATokenThatRepeatsEndsThePages(t *testing.T) {
	c := newCloud()
	c.change = func(_ int, out *cloudwatch.GetMetricDataOutput) { out.NextToken = aws.String("again") }
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	if rep := c.at(t, m, t0, track(c, m, 1)...); rep.Requests != 2 {
		t.Errorf("%d requests, want 2", rep.Requests)
	}
}

func TestPagesWithoutEndAreGivenUp(t *testing.T) {
	c := newCloud()
	c.change = func(call int, out *cloudwatch.GetMetricDataOutput) {
		out.NextToken = aws.String(strconv.Itoa(call))
		out.MetricDataResults = nil
	}
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	e := track(c, m, 1)
	rep := c.at(t, m, t0, e...)
	if rep.Requests != maxPages {
		t.Errorf("%d requests, want %d", rep.Requests, maxPages)
	}
	wantProblem(t, rep, e[0], awsapi.Server, false)
}

// Each status of a result, and what follows when the page is the last.
func TestTheStatusOfAResultCounts(t *testing.T) {
	for _, c := range []struct {
		name     string
		statuses []cwtypes.StatusCode // of the result in each call, the last repeats
		token    bool                 // the first call has another page
		requests int
		class    awsapi.Class // "" is no problem
		partial  bool
	}{
		{"Complete", []cwtypes.StatusCode{"Complete"}, false, 1, "", false},
		{"none, as some emulators answer", []cwtypes.StatusCode{""}, false, 1, "", false},
		{"PartialData with a token, then Complete", []cwtypes.StatusCode{"PartialData", "Complete"}, true, 2, "", false},
		{"PartialData without a token", []cwtypes.StatusCode{"PartialData"}, false, 1, awsapi.Server, true},
		{"PartialData to the end", []cwtypes.StatusCode{"PartialData"}, true, 2, awsapi.Server, true},
		{"InternalError once", []cwtypes.StatusCode{"InternalError", "Complete"}, false, 2, "", false},
		{"InternalError twice", []cwtypes.StatusCode{"InternalError"}, false, 2, awsapi.Server, false},
		{"InternalError, then PartialData", []cwtypes.StatusCode{"InternalError", "PartialData"}, false, 2, awsapi.Server, true},
		{"InternalError with a token, then Complete", []cwtypes.StatusCode{"InternalError", "Complete"}, true, 2, "", false},
		{"Forbidden", []cwtypes.StatusCode{"Forbidden"}, false, 1, awsapi.AccessDenied, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			cw := newCloud()
			m := NewMetrics(cw, MetricsOptions{Delay: -1})
			e := track(cw, m, 2)
			cw.change = func(call int, out *cloudwatch.GetMetricDataOutput) {
				if r := resultOf(out, e[0]); r != nil {
					r.StatusCode = c.statuses[min(call, len(c.statuses))-1]
				}
				if c.token && call == 1 {
					out.NextToken = aws.String("0")
				}
			}
			rep := cw.at(t, m, t0, e...)
			if rep.Requests != c.requests {
				t.Errorf("%d requests, want %d", rep.Requests, c.requests)
			}
			if e[1].Series.Failed || e[1].Series.Partial || e[1].Series.Values[0] != 1 {
				t.Errorf("the neighbour suffers: %+v", e[1].Series)
			}
			if c.class == "" {
				wantNoProblems(t, rep)
				return
			}
			wantProblem(t, rep, e[0], c.class, c.partial)
		})
	}
}

func resultOf(out *cloudwatch.GetMetricDataOutput, e *Entry) *cwtypes.MetricDataResult {
	for i := range out.MetricDataResults {
		if *out.MetricDataResults[i].Id == e.id {
			return &out.MetricDataResults[i]
		}
	}
	return nil
}

func TestOnlyWhatHadAnInternalErrorIsAskedAgain(t *testing.T) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	e := track(c, m, 3)
	c.change = func(call int, out *cloudwatch.GetMetricDataOutput) {
		if call == 1 {
			resultOf(out, e[1]).StatusCode = cwtypes.StatusCodeInternalError
		}
	}
	c.at(t, m, t0, e...)
	if q := c.calls[1].MetricDataQueries; len(q) != 1 || *q[0].Id != e[1].id {
		t.Errorf("asked %d queries again", len(q))
	}
}

func TestCloudWatchsOwnWordsReachTheProblem(t *testing.T) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	e := track(c, m, 1)
	c.change = func(_ int, out *cloudwatch.GetMetricDataOutput) {
		out.MetricDataResults[0].StatusCode = cwtypes.StatusCodeForbidden
		out.MetricDataResults[0].Messages = []cwtypes.MessageData{{Code: aws.String("Forbidden"), Value: aws.String("not your account")}}
	}
	rep := c.at(t, m, t0, e...)
	if text := awsapi.Explain(rep.Problems[0].Err, "GetMetricData"); !strings.Contains(text, "not your account") || !strings.Contains(text, "cloudwatch:GetMetricData") {
		t.Errorf("explained as %q", text)
	}
}

func TestAResultThatIsNotThereOrNotOurs(t *testing.T) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	e := track(c, m, 3)
	c.change = func(_ int, out *cloudwatch.GetMetricDataOutput) {
		r := out.MetricDataResults
		out.MetricDataResults = []cwtypes.MetricDataResult{r[2], {Id: aws.String("stranger")}, {}, r[0]}
	}
	rep := c.at(t, m, t0, e...)
	if len(rep.Problems) != 1 || e[0].Series.Values[0] != 0 || e[2].Series.Values[0] != 2 {
		t.Errorf("problems %v, values %v %v", rep.Problems, e[0].Series.Values, e[2].Series.Values)
	}
	wantProblem(t, rep, e[1], awsapi.Server, false)
}

func TestOneInvalidMetricDoesNotBlindTheOthers(t *testing.T) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	e := track(c, m, 500)
	invalid := func(_ int, in *cloudwatch.GetMetricDataInput) error {
		for _, q := range in.MetricDataQueries {
			if *q.Id == e[123].id {
				return apiError("ValidationError")
			}
		}
		return nil
	}
	c.refuse = invalid
	rep := c.at(t, m, t0, e...)
	if len(rep.Problems) != 1 || rep.Requests > 20 {
		t.Errorf("%d problems in %d requests", len(rep.Problems), rep.Requests)
	}
	wantProblem(t, rep, e[123], awsapi.Invalid, false)
	if rep = c.at(t, m, t0, e...); rep.Requests != 2 || len(rep.Problems) != 1 {
		t.Errorf("the next read makes %d requests, want one for it and one for the others", rep.Requests)
	}
	c.refuse = func(_ int, in *cloudwatch.GetMetricDataInput) error {
		if len(in.MetricDataQueries) == 1 {
			return apiError("ThrottlingException")
		}
		return invalid(0, in)
	}
	if rep = c.at(t, m, t0, e...); len(rep.Problems) != 1 {
		t.Errorf("a throttled call lets it spoil the others again: %d problems", len(rep.Problems))
	}
	c.refuse = nil
	c.at(t, m, t0, e...)
	if rep = c.at(t, m, t0, e...); rep.Requests != 1 || len(rep.Problems) != 0 {
		t.Errorf("once it is right again %d requests are made, want 1", rep.Requests)
	}
}

func TestARefusalOfEverythingEndsSoon(t *testing.T) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	e := track(c, m, 5000)
	c.refuse = func(int, *cloudwatch.GetMetricDataInput) error { return apiError("InvalidParameterCombination") }
	rep := c.at(t, m, t0, e...)
	if len(rep.Problems) != 5000 || rep.Requests > 2*maxSplits+10 {
		t.Errorf("%d problems in %d requests", len(rep.Problems), rep.Requests)
	}
}

// slow is a CloudWatch whose calls wait for each other, to see how many run at once.
type slow struct {
	mu            sync.Mutex
	running, most int
	together      chan struct{}
}

func (s *slow) GetMetricData(ctx context.Context, _ *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	s.mu.Lock()
	s.running++
	s.most = max(s.most, s.running)
	if s.running == 8 {
		close(s.together)
	}
	s.mu.Unlock()
	select {
	case <-s.together:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return &cloudwatch.GetMetricDataOutput{}, nil
}

func TestEightCallsRunAtOnce(t *testing.T) {
	s := &slow{together: make(chan struct{})}
	m := NewMetrics(s, MetricsOptions{Delay: -1})
	entries := fleet(m, 8*250, 1)
	if rep := m.Read(t.Context(), t0, entries); rep.Requests != 8 || s.most != 8 {
		t.Errorf("%d calls, %d at once; want 8, 8", rep.Requests, s.most)
	}
}

func TestACancelledReadIsATimeoutOfEveryMetric(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := NewMetrics(&slow{together: make(chan struct{})}, MetricsOptions{Delay: -1})
	e := m.Track(cpu("cpu"), 1)
	rep := m.Read(ctx, t0, []*Entry{e})
	wantProblem(t, rep, e, awsapi.Timeout, false)
	if !errors.Is(rep.Problems[0].Err, context.Canceled) {
		t.Errorf("error %v", rep.Problems[0].Err)
	}
}

func TestNothingDueAsksNothing(t *testing.T) {
	c := newCloud()
	if rep := c.at(t, NewMetrics(c, MetricsOptions{Delay: -1}), t0); rep.Requests != 0 || !rep.Newest.IsZero() {
		t.Errorf("report %+v", rep)
	}
}
