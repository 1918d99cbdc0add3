package sim_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

const busy = `
publication: {delay: 60s}
services:
  - {service: c/s, desired: 2, task_start: 0s, load: 1, memory: {base: 10, per_load: 20}}
`

// stat is a query for a metric of a service.
func stat(id, metric, service, statistic string, period int32) types.MetricDataQuery {
	cluster, name, _ := strings.Cut(service, "/")
	return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
		Metric: &types.Metric{Namespace: aws.String("AWS/ECS"), MetricName: &metric, Dimensions: []types.Dimension{
			{Name: aws.String("ServiceName"), Value: &name}, {Name: aws.String("ClusterName"), Value: &cluster},
		}},
		Period: &period, Stat: &statistic,
	}}
}

func formula(id, expression string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, Expression: &expression}
}

func hidden(q types.MetricDataQuery) types.MetricDataQuery {
	q.ReturnData = aws.Bool(false)
	return q
}

// data reads the window that ends now, in ascending order.
func (w *world) data(window time.Duration, queries ...types.MetricDataQuery) *cloudwatch.GetMetricDataOutput {
	w.t.Helper()
	out, err := w.cw.GetMetricData(w.context(), w.input(window, queries...))
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) input(window time.Duration, queries ...types.MetricDataQuery) *cloudwatch.GetMetricDataInput {
	now := w.now()
	return &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(now.Add(-window)), EndTime: &now, MetricDataQueries: queries, ScanBy: types.ScanByTimestampAscending,
	}
}

// minutes are the offsets of timestamps from the epoch in minutes.
func minutes(times []time.Time) []float64 {
	var all []float64
	for _, t := range times {
		all = append(all, t.Sub(epoch).Minutes())
	}
	return all
}

func expect[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestCPUFollowsFromLoadAndRunningTasksAndAppearsLate(t *testing.T) {
	w := newWorld(t, busy)
	w.pass(5 * time.Minute)
	out := w.data(10*time.Minute, stat("cpu", "CPUUtilization", "c/s", "Average", 60), stat("mem", "MemoryUtilization", "c/s", "Average", 60))
	cpu, mem := out.MetricDataResults[0], out.MetricDataResults[1]
	expect(t, "minutes", minutes(cpu.Timestamps), []float64{0, 1, 2, 3})
	expect(t, "cpu", cpu.Values, []float64{50, 50, 50, 50})
	expect(t, "memory", mem.Values, []float64{20, 20, 20, 20})
	if cpu.StatusCode != types.StatusCodeComplete || *cpu.Id != "cpu" || *cpu.Label != "CPUUtilization" {
		t.Errorf("result %+v, want Complete, cpu, CPUUtilization", cpu)
	}
}

func TestUtilizationSaturatesAtAHundredPercent(t *testing.T) {
	w := newWorld(t, `services: [{service: c/s, desired: 2, load: 50, memory: {base: 90, per_load: 90}}]`)
	w.pass(5 * time.Minute)
	for _, r := range w.data(3*time.Minute, stat("cpu", "CPUUtilization", "c/s", "Average", 60),
		stat("mem", "MemoryUtilization", "c/s", "Maximum", 60)).MetricDataResults {
		expect(t, *r.Id, r.Values, []float64{100, 100})
	}
}

func TestServicesWithoutRunningTasksHaveNoUtilization(t *testing.T) {
	t.Run("case 392: their buckets are absent", func(t *testing.T) {
		w := newWorld(t, `services: [{service: c/s, desired: 0, load: 1, task_start: 60s, task_stop: 0s}]`)
		w.pass(3 * time.Minute)
		if err := w.SetDesired("c", "s", 2); err != nil {
			t.Fatal(err)
		}
		w.pass(5 * time.Minute)
		r := w.data(8*time.Minute, stat("cpu", "CPUUtilization", "c/s", "Average", 60), stat("n", "LiveTaskCount", "c/s", "Average", 60))
		expect(t, "minutes with CPU", minutes(r.MetricDataResults[0].Timestamps), []float64{4, 5, 6})
		expect(t, "minutes with a task count", minutes(r.MetricDataResults[1].Timestamps), []float64{4, 5, 6})
	})
}

func TestSampleCountIsTheNumberOfRunningTasks(t *testing.T) {
	w := newWorld(t, busy)
	w.pass(2*time.Minute + 25*time.Second)
	if err := w.SetDesired("c", "s", 4); err != nil {
		t.Fatal(err)
	}
	w.pass(3 * time.Minute)
	r := w.data(6*time.Minute, stat("n", "CPUUtilization", "c/s", "SampleCount", 60), stat("cpu", "CPUUtilization", "c/s", "Average", 60),
		stat("low", "CPUUtilization", "c/s", "Minimum", 60), stat("high", "CPUUtilization", "c/s", "Maximum", 60),
		stat("sum", "CPUUtilization", "c/s", "Sum", 60)).MetricDataResults
	expect(t, "sample count", r[0].Values, []float64{2, 2, 4, 4})
	// In the third minute one look sees two tasks at 50 %, two looks see four at 25 %: ten reports.
	expect(t, "average", r[1].Values, []float64{50, 50, 30, 25})
	expect(t, "minimum", r[2].Values, []float64{50, 50, 25, 25})
	expect(t, "maximum", r[3].Values, []float64{50, 50, 50, 25})
	expect(t, "sum", r[4].Values, []float64{100, 100, 120, 100})
}

func TestTasksDifferByTheSpreadOfTheGauge(t *testing.T) {
	w := newWorld(t, `services: [{service: c/s, desired: 5, load: 2.5, cpu: {spread: 10}}]`)
	w.pass(3 * time.Minute)
	r := w.data(2*time.Minute, stat("a", "CPUUtilization", "c/s", "Average", 60), stat("l", "CPUUtilization", "c/s", "Minimum", 60),
		stat("h", "CPUUtilization", "c/s", "Maximum", 60), stat("p", "CPUUtilization", "c/s", "p90", 60), stat("q", "CPUUtilization", "c/s", "p10", 60)).MetricDataResults
	expect(t, "average", r[0].Values, []float64{50})
	expect(t, "minimum", r[1].Values, []float64{42})
	expect(t, "maximum", r[2].Values, []float64{58})
	if p90, p10 := r[3].Values[0], r[4].Values[0]; p90 <= 50 || p90 > 58 || p10 >= 50 || p10 < 42 {
		t.Errorf("p90 %v and p10 %v, want them on their sides of the average", p90, p10)
	}
}

func TestLongerPeriodsAreCountedFromTheRoundedStart(t *testing.T) {
	w := newWorld(t, `services: [{service: c/s, desired: 1, load: {ramp: {from: 0, to: 0.6, start: 0s, end: 60m}}}]`)
	w.pass(30 * time.Minute)
	in := w.input(0, stat("m", "CPUUtilization", "c/s", "Average", 300))
	in.StartTime, in.EndTime = aws.Time(epoch.Add(7*time.Minute+34*time.Second)), aws.Time(epoch.Add(22*time.Minute))
	out, err := w.cw.GetMetricData(w.context(), in)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "minutes", minutes(out.MetricDataResults[0].Timestamps), []float64{7, 12, 17})
}

func TestTheEndIsExclusiveAndTheStartInclusive(t *testing.T) {
	t.Run("case 391: and both are rounded down", func(t *testing.T) {
		w := newWorld(t, busy)
		w.pass(20 * time.Minute)
		for _, c := range []struct {
			start, end time.Duration
			want       []float64
		}{
			{2 * time.Minute, 5 * time.Minute, []float64{2, 3, 4}},
			{2*time.Minute + 59*time.Second, 4*time.Minute + time.Second, []float64{2, 3, 4}},
			{2 * time.Minute, 4*time.Minute + 30*time.Second, []float64{2, 3, 4}},
			{time.Hour, 2 * time.Hour, nil},
			{-20 * 365 * 24 * time.Hour, 2 * time.Minute, []float64{0, 1}}, // there is nothing before the region began
		} {
			in := w.input(0, stat("m", "CPUUtilization", "c/s", "Average", 60))
			in.StartTime, in.EndTime = aws.Time(epoch.Add(c.start)), aws.Time(epoch.Add(c.end))
			out, err := w.cw.GetMetricData(w.context(), in)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, c.start.String(), minutes(out.MetricDataResults[0].Timestamps), c.want)
		}
	})
}

func TestTwentySecondMetricsAreThereWhereTheServiceMonitorsThem(t *testing.T) {
	w := newWorld(t, `
publication: {delay: 60s, high_resolution_delay: 5s}
services:
  - {service: c/fine, desired: 2, load: {steps: [{at: 0, value: 1}, {at: 40s, value: 0.5}]}, resolution: 20}
  - {service: c/coarse, desired: 2, load: 1}
`)
	w.pass(3*time.Minute + 4*time.Second)
	r := w.data(4*time.Minute, stat("a", "CPUUtilization", "c/fine", "Average", 20), stat("n", "CPUUtilization", "c/fine", "SampleCount", 20),
		stat("minute", "CPUUtilization", "c/fine", "SampleCount", 60), stat("c", "CPUUtilization", "c/coarse", "Average", 20)).MetricDataResults
	expect(t, "20 s values", r[0].Values, []float64{50, 50, 25, 25, 25, 25, 25, 25})
	expect(t, "samples in 20 s", r[1].Values[:2], []float64{2, 2})
	expect(t, "samples in a minute", r[2].Values[:1], []float64{6})
	expect(t, "20 s of a coarse metric", r[3].Values, nil)
}

func TestDataFinerThanAMinuteIsKeptForThreeHours(t *testing.T) {
	w := newWorld(t, `services: [{service: c/s, desired: 1, load: 1, resolution: 20}]`)
	w.pass(5 * time.Hour)
	r := w.data(5*time.Hour, stat("fine", "CPUUtilization", "c/s", "Average", 20), stat("coarse", "CPUUtilization", "c/s", "Average", 60)).MetricDataResults
	if n := len(r[0].Values); n < 535 || n > 541 {
		t.Errorf("%d datapoints of 20 s, want those of three hours", n)
	}
	if n := len(r[1].Values); n < 299 {
		t.Errorf("%d datapoints of 60 s, want those of five hours", n)
	}
}

func TestADatapointMayShowAPartFirst(t *testing.T) {
	w := newWorld(t, `
publication: {delay: 30s, partial: 30s}
services: [{service: c/s, desired: 4, load: {line: [{at: 0s, value: 0}, {at: 60s, value: 4}]}}]`)
	look := func() (average, count float64) {
		r := w.data(5*time.Minute, stat("a", "CPUUtilization", "c/s", "Average", 60), stat("n", "CPUUtilization", "c/s", "SampleCount", 60)).MetricDataResults
		if len(r[0].Values) == 0 {
			return 0, 0
		}
		return r[0].Values[0], r[1].Values[0]
	}
	for _, c := range []struct {
		at             time.Duration
		average, count float64
	}{{89 * time.Second, 0, 0}, {90 * time.Second, 100.0 / 6, 2}, {119 * time.Second, 100.0 / 6, 2}, {120 * time.Second, 50, 4}} {
		w.pass(epoch.Add(c.at).Sub(w.now()))
		average, count := look()
		if d := average - c.average; d > 1e-9 || d < -1e-9 || count != c.count {
			t.Errorf("at %v: average %v of %v, want %v of %v", c.at, average, count, c.average, c.count)
		}
	}
}

func TestNewestFirstUnlessAskedOtherwise(t *testing.T) {
	t.Run("case 394: without ScanBy", func(t *testing.T) {
		w := newWorld(t, busy)
		w.pass(5 * time.Minute)
		in := w.input(5*time.Minute, stat("m", "CPUUtilization", "c/s", "Average", 60))
		in.ScanBy = ""
		out, err := w.cw.GetMetricData(w.context(), in)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "minutes", minutes(out.MetricDataResults[0].Timestamps), []float64{3, 2, 1, 0})
	})
}

func TestUnknownMetricsAndOtherUnitsGiveNothing(t *testing.T) {
	w := newWorld(t, busy)
	w.pass(5 * time.Minute)
	wrongUnit, rightUnit := stat("u", "CPUUtilization", "c/s", "Average", 60), stat("r", "CPUUtilization", "c/s", "Average", 60)
	wrongUnit.MetricStat.Unit, rightUnit.MetricStat.Unit = types.StandardUnitBytes, types.StandardUnitPercent
	clusterOnly := stat("c", "CPUUtilization", "c/s", "Average", 60)
	clusterOnly.MetricStat.Metric.Dimensions = clusterOnly.MetricStat.Metric.Dimensions[1:]
	for _, r := range w.data(5*time.Minute, stat("s", "CPUUtilization", "c/nobody", "Average", 60), stat("m", "Nonsense", "c/s", "Average", 60),
		wrongUnit, clusterOnly, rightUnit).MetricDataResults {
		if want := *r.Id == "r"; (len(r.Values) > 0) != want || r.StatusCode != types.StatusCodeComplete {
			t.Errorf("%s has %d datapoints, %s", *r.Id, len(r.Values), r.StatusCode)
		}
	}
}

func TestMetricMathIsWorkedOutOverTheOtherQueries(t *testing.T) {
	w := newWorld(t, busy)
	w.pass(4 * time.Minute)
	r := w.data(10*time.Minute, hidden(stat("m1", "CPUUtilization", "c/s", "Average", 60)), hidden(stat("m2", "CPUUtilization", "c/nobody", "Average", 60)),
		formula("e1", "m1 * 2"), formula("e2", "e1 + FILL(m2, 1)"), formula("e3", "m1 / m2")).MetricDataResults
	if len(r) != 3 || *r[0].Id != "e1" || *r[0].Label != "e1" {
		t.Fatalf("%d results, want e1, e2 and e3 only", len(r))
	}
	expect(t, "e1", r[0].Values, []float64{100, 100, 100})
	expect(t, "e2", r[1].Values, []float64{101, 101, 101})
	expect(t, "e3", r[2].Values, nil)
}

func TestGetMetricDataIsRefusedAsCloudWatchRefusesIt(t *testing.T) {
	w := newWorld(t, busy)
	ok := stat("m", "CPUUtilization", "c/s", "Average", 60)
	both := formula("m", "1")
	both.MetricStat = ok.MetricStat
	many := make([]types.MetricDataQuery, 501)
	for i := range many {
		many[i] = stat("m"+strings.Repeat("x", i), "CPUUtilization", "c/s", "Average", 60)
	}
	for _, c := range []struct {
		name, want string
		change     func(*cloudwatch.GetMetricDataInput)
	}{
		{"501 queries", "size greater than 500", func(in *cloudwatch.GetMetricDataInput) { in.MetricDataQueries = many }},
		{"no queries", "required", func(in *cloudwatch.GetMetricDataInput) { in.MetricDataQueries = []types.MetricDataQuery{} }},
		{"equal ids", "not unique", func(in *cloudwatch.GetMetricDataInput) { in.MetricDataQueries = []types.MetricDataQuery{ok, ok} }},
		{"an id with a capital", "Id", func(in *cloudwatch.GetMetricDataInput) {
			in.MetricDataQueries = []types.MetricDataQuery{stat("M", "CPUUtilization", "c/s", "Average", 60)}
		}},
		{"a period of 45 s", "Period", func(in *cloudwatch.GetMetricDataInput) {
			in.MetricDataQueries = []types.MetricDataQuery{stat("m", "CPUUtilization", "c/s", "Average", 45)}
		}},
		{"an unknown statistic", "tm95", func(in *cloudwatch.GetMetricDataInput) {
			in.MetricDataQueries = []types.MetricDataQuery{stat("m", "CPUUtilization", "c/s", "tm95", 60)}
		}},
		{"expression and metric", "exactly one", func(in *cloudwatch.GetMetricDataInput) { in.MetricDataQueries = []types.MetricDataQuery{both} }},
		{"an unknown function", "ANOMALY_DETECTION_BAND", func(in *cloudwatch.GetMetricDataInput) {
			in.MetricDataQueries = []types.MetricDataQuery{formula("e", "ANOMALY_DETECTION_BAND(m1)")}
		}},
		{"an unknown id", "Undefined variable: m9", func(in *cloudwatch.GetMetricDataInput) {
			in.MetricDataQueries = []types.MetricDataQuery{formula("e", "m9")}
		}},
		{"a circle", "circle", func(in *cloudwatch.GetMetricDataInput) {
			in.MetricDataQueries = []types.MetricDataQuery{formula("a", "b"), formula("b", "a")}
		}},
		{"two periods in an expression", "one period", func(in *cloudwatch.GetMetricDataInput) {
			in.MetricDataQueries = []types.MetricDataQuery{ok, stat("n", "CPUUtilization", "c/s", "Average", 300), formula("e", "m + n")}
		}},
		{"an end before the start", "less than", func(in *cloudwatch.GetMetricDataInput) { in.EndTime = in.StartTime }},
		{"more datapoints than allowed", "MaxDatapoints", func(in *cloudwatch.GetMetricDataInput) { in.MaxDatapoints = aws.Int32(100_801) }},
		{"an unknown order", "ScanBy", func(in *cloudwatch.GetMetricDataInput) { in.ScanBy = "Sideways" }},
	} {
		in := w.input(time.Hour, ok)
		c.change(in)
		_, err := w.cw.GetMetricData(w.context(), in)
		if code(err) != "ValidationError" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a ValidationError with %q", c.name, err, c.want)
		}
	}
	in := w.input(time.Hour, ok)
	in.NextToken = aws.String("nonsense")
	if _, err := w.cw.GetMetricData(w.context(), in); code(err) != "InvalidNextToken" {
		t.Errorf("a token that was never given: %v", err)
	}
}

func TestLongAnswersComeInPages(t *testing.T) {
	w := newWorld(t, busy+"limits: {page_datapoints: 7}\n")
	w.pass(11 * time.Minute)
	in := w.input(20*time.Minute, stat("a", "CPUUtilization", "c/s", "Average", 60), stat("none", "CPUUtilization", "c/nobody", "Average", 60),
		stat("b", "MemoryUtilization", "c/s", "Average", 60), stat("z", "CPUUtilization", "c/nobody", "Average", 60))
	got, pages := map[string][]float64{}, 0
	var statuses []string
	for p := cloudwatch.NewGetMetricDataPaginator(w.cw, in); p.HasMorePages(); pages++ {
		out, err := p.NextPage(w.context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.MetricDataResults {
			got[*r.Id] = append(got[*r.Id], minutes(r.Timestamps)...)
			statuses = append(statuses, *r.Id+":"+string(r.StatusCode))
		}
		w.pass(time.Minute) // later pages continue the answer of the first one
	}
	tens := []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	expect(t, "a", got["a"], tens)
	expect(t, "b", got["b"], tens)
	expect(t, "statuses", statuses, []string{"a:PartialData", "a:Complete", "none:Complete", "b:PartialData", "b:Complete", "z:Complete"})
	if pages != 3 {
		t.Errorf("%d pages, want 20 datapoints in 3", pages)
	}
	first, err := w.cw.GetMetricData(w.context(), in)
	if err != nil {
		t.Fatal(err)
	}
	other := *in
	other.MetricDataQueries, other.NextToken = in.MetricDataQueries[:1], first.NextToken
	if _, err := w.cw.GetMetricData(w.context(), &other); code(err) != "InvalidNextToken" {
		t.Errorf("the token of another request: %v, want InvalidNextToken", err)
	}
}
