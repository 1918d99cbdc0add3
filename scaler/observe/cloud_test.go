package observe

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"ecs-autoscaler/evaluator"
)

// t0 is a whole hour, so that every grid passes through it.
var t0 = time.Unix(1_800_000_000, 0).UTC().Truncate(time.Hour)

// point is a datapoint of a bucket that begins at at, published at visible.
type point struct {
	at, visible time.Time
	value       float64
}

// cloud is a little CloudWatch: it gives what has been published in the window asked for, and keeps what
// it was asked. Metrics are named by MetricName, metric math by its expression.
type cloud struct {
	mu     sync.Mutex
	now    time.Time
	points map[string][]point
	calls  []cloudwatch.GetMetricDataInput

	// pageSize is how many results fit on a page; 0 means all.
	pageSize int
	// refuse may fail a call before it is answered.
	refuse func(call int, in *cloudwatch.GetMetricDataInput) error
	// change may change a page before it is sent.
	change func(call int, out *cloudwatch.GetMetricDataOutput)
}

func newCloud() *cloud { return &cloud{points: map[string][]point{}} }

// publish makes one datapoint a minute from first on, each visible late after its bucket's end.
func (c *cloud) publish(name string, first time.Time, late time.Duration, values ...float64) {
	for i, v := range values {
		at := first.Add(time.Duration(i) * time.Minute)
		c.points[name] = append(c.points[name], point{at, at.Add(time.Minute + late), v})
	}
}

// GetMetricData answers from the points; its errors are those of refuse.
func (c *cloud) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := *in
	kept.MetricDataQueries = slices.Clone(in.MetricDataQueries)
	c.calls = append(c.calls, kept)
	call := len(c.calls)
	if c.refuse != nil {
		if err := c.refuse(call, in); err != nil {
			return nil, err
		}
	}
	out := c.page(in)
	if c.change != nil {
		c.change(call, out)
	}
	return out, nil
}

func (c *cloud) page(in *cloudwatch.GetMetricDataInput) *cloudwatch.GetMetricDataOutput {
	out := &cloudwatch.GetMetricDataOutput{}
	for _, q := range in.MetricDataQueries {
		if q.ReturnData == nil || *q.ReturnData {
			out.MetricDataResults = append(out.MetricDataResults, c.result(in, q))
		}
	}
	from := 0
	if in.NextToken != nil {
		from, _ = strconv.Atoi(*in.NextToken)
	}
	from = min(from, len(out.MetricDataResults))
	to := len(out.MetricDataResults)
	if c.pageSize > 0 && from+c.pageSize < to {
		to = from + c.pageSize
		out.NextToken = aws.String(strconv.Itoa(to))
	}
	out.MetricDataResults = out.MetricDataResults[from:to]
	return out
}

func (c *cloud) result(in *cloudwatch.GetMetricDataInput, q cwtypes.MetricDataQuery) cwtypes.MetricDataResult {
	r := cwtypes.MetricDataResult{Id: q.Id, StatusCode: cwtypes.StatusCodeComplete}
	name := aws.ToString(q.Expression)
	if q.MetricStat != nil {
		name = *q.MetricStat.Metric.MetricName
	}
	for _, p := range c.points[name] {
		if !p.at.Before(*in.StartTime) && p.at.Before(*in.EndTime) && !p.visible.After(c.now) {
			r.Timestamps = append(r.Timestamps, p.at)
			r.Values = append(r.Values, p.value)
		}
	}
	return r
}

// at reads at an instant.
func (c *cloud) at(t testing.TB, m *Metrics, now time.Time, due ...*Entry) Report {
	t.Helper()
	c.now = now
	return m.Read(t.Context(), now, due)
}

func cpu(name string) evaluator.Metric {
	return evaluator.Metric{Namespace: "AWS/ECS", MetricName: name, Stat: "Average", Period: 60}
}

func withPeriod(m evaluator.Metric, period int64) evaluator.Metric {
	m.Period = period
	return m
}

// shown writes values as people read them: _ for missing.
func shown(e *Entry) string {
	s := ""
	for _, v := range e.Series.Values {
		if v != v {
			s += " _"
		} else {
			s += " " + strconv.FormatFloat(v, 'g', 4, 64)
		}
	}
	return s[min(1, len(s)):]
}

func wantSeries(t *testing.T, e *Entry, end time.Time, values string) {
	t.Helper()
	if got := shown(e); got != values || e.Series.End != end.Unix() {
		t.Errorf("series is %q up to %s, want %q up to %s", got, time.Unix(e.Series.End, 0).UTC().Format(time.TimeOnly), values, end.Format(time.TimeOnly))
	}
}

func wantNoProblems(t *testing.T, rep Report) {
	t.Helper()
	for _, p := range rep.Problems {
		t.Errorf("problem with %s: %s: %v", p.Entry.metric.MetricName, p.Class, p.Err)
	}
}

func apiError(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: code + " it is"}
}

func (c *cloud) window(call int) string {
	in := c.calls[call]
	return fmt.Sprintf("%s-%s", in.StartTime.Format("15:04:05"), in.EndTime.Format("15:04:05"))
}
