package observe

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"pgregory.net/rapid"

	"ecs-autoscaler/evaluator"
)

func TestOnlyIdsAreRewritten(t *testing.T) {
	ids := map[string]string{"m1": "q7_0", "m2": "q7_1", "e1": "q7", "sum": "q7_3", "a_b": "q7_4"}
	for _, c := range []struct{ in, want string }{
		{"m1 / m2", "q7_0 / q7_1"},
		{"m1/m2", "q7_0/q7_1"},
		{"m1/m10", "q7_0/m10"},
		{"xm1+m1x", "xm1+m1x"},
		{"a_b+a_bc", "q7_4+a_bc"},
		{"SUM([m1, m2])", "SUM([q7_0, q7_1])"},
		{"SUM(sum)", "SUM(q7_3)"},
		{"IF(m1 > 5e1, m2, 2.5e1)", "IF(q7_0 > 5e1, q7_1, 2.5e1)"},
		{"3e1+e1", "3e1+q7"},
		{"3e+1*e1", "3e+1*q7"},
		{"3 e1", "3 q7"},
		{"3e", "3e"},
		{"3E2+3e-m1", "3E2+3e-q7_0"},
		{".5*m1", ".5*q7_0"},
		{"m1.m2", "q7_0.q7_1"},
		{"FILL(m1, 0)", "FILL(q7_0, 0)"},
		{"SEARCH('{m1,m2} m1=\"m2\"', 'Average')", "SEARCH('{m1,m2} m1=\"m2\"', 'Average')"},
		{`"m1" + m1`, `"m1" + q7_0`},
		{`'it\'s m1' m1`, `'it\'s m1' q7_0`},
		{"'m1 without end", "'m1 without end"},
		{"M1 + m1", "M1 + q7_0"},
		{"-m1", "-q7_0"},
		{"m1 AND m2 || !e1", "q7_0 AND q7_1 || !q7"},
		{"PERIOD(m1)*RATE(m2)", "PERIOD(q7_0)*RATE(q7_1)"},
		{"é m1 ü", "é q7_0 ü"},
		{"", ""},
		{"SUM(METRICS())", "SUM([q7_0,q7_1])"},
		{"SUM(METRICS ( ) )", "SUM([q7_0,q7_1] )"},
		{`AVG(METRICS("2")) + m1`, "AVG([q7_1]) + q7_0"},
		{`AVG(METRICS('m'))`, "AVG([q7_0,q7_1])"},
		{"METRICS", "METRICS"},
		{"METRICSX()", "METRICSX()"},
		{"METRICS(m1)", "METRICS(q7_0)"},
		{"METRICS(", "METRICS("},
	} {
		if got := rewrite(c.in, ids, []string{"m1", "m2"}); got != c.want {
			t.Errorf("%q became %q, want %q", c.in, got, c.want)
		}
	}
}

func TestARewritingBackGivesTheExpression(t *testing.T) {
	there := map[string]string{"m1": "q1_0", "m2": "q1_1", "e1": "q1"}
	back := map[string]string{"q1_0": "m1", "q1_1": "m2", "q1": "e1"}
	piece := rapid.SampledFrom([]string{"m1", "m2", "e1", "x", "1e1", "2.5", "'m1'", `"e1"`, "SUM(", ")", "+", "/", " ", ",", "m10"})
	rapid.Check(t, func(rt *rapid.T) {
		in := strings.Join(rapid.SliceOf(piece).Draw(rt, "pieces"), " ")
		if got := rewrite(rewrite(in, there, nil), back, nil); got != in {
			rt.Errorf("%q came back as %q", in, got)
		}
	})
}

func FuzzTokens(f *testing.F) {
	for _, s := range []string{"m1/m2", "IF(m1>5e-3,'a\\'b',\"c\")", "SUM(METRICS(\"m\"))", ".5.5e5e5", "'", "METRICS('"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		joined, words := "", 0
		for rest := s; rest != ""; {
			token, k, behind := next(rest)
			if token == "" || token+behind != rest {
				t.Fatalf("%q was cut into %q and %q", rest, token, behind)
			}
			if k == word {
				words++
			}
			joined += token
			rest = behind
		}
		if joined != s {
			t.Fatalf("tokens of %q join to %q", s, joined)
		}
		if got := rewrite(s, nil, nil); !strings.Contains(s, "METRICS") && got != s {
			t.Fatalf("without ids %q became %q", s, got)
		}
		if words == 0 && rewrite(s, map[string]string{"m1": "q1"}, nil) != s {
			t.Fatalf("%q has no ids and was changed", s)
		}
	})
}

func ratio(numerator string) evaluator.Metric {
	return evaluator.Metric{Period: 60, Queries: []evaluator.MetricDataQuery{
		{ID: "m1", Metric: &evaluator.Metric{Namespace: "AWS/SQS", MetricName: numerator, Stat: "Sum", Unit: "Count", Dimensions: []evaluator.Dimension{{Name: "Q", Value: "jobs"}}}},
		{ID: "m2", Metric: &evaluator.Metric{Namespace: "ECS/ContainerInsights", MetricName: "RunningTaskCount", Stat: "Average"}},
		{ID: "e1", Expression: "m1 / m2", ReturnData: true},
	}}
}

func TestMetricMathOfTwoTargetsFitsIntoOneCall(t *testing.T) {
	c := newCloud()
	c.publish("q1_0 / q1_1", t0.Add(-2*60e9), 0, 5, 6)
	c.publish("q2_0 / q2_1", t0.Add(-2*60e9), 0, 7, 8)
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	a, b := m.Track(ratio("A"), 2), m.Track(ratio("B"), 2)
	rep := c.at(t, m, t0, a, b)
	wantNoProblems(t, rep)
	wantSeries(t, a, t0, "5 6")
	wantSeries(t, b, t0, "7 8")
	if rep.Requests != 1 || rep.MetricsRequested != 4 {
		t.Errorf("%d requests of %d metrics, want 1 of 4", rep.Requests, rep.MetricsRequested)
	}
	seen := map[string]bool{}
	for _, q := range c.calls[0].MetricDataQueries {
		if seen[*q.Id] {
			t.Errorf("id %s occurs twice", *q.Id)
		}
		seen[*q.Id] = true
		if want := q.Expression != nil; aws.ToBool(q.ReturnData) != want {
			t.Errorf("%s returns data: %v", *q.Id, aws.ToBool(q.ReturnData))
		}
	}
	stat := c.calls[0].MetricDataQueries[0].MetricStat
	if *stat.Period != 60 || stat.Unit != "Count" || *stat.Metric.Dimensions[0].Value != "jobs" || *stat.Stat != "Sum" {
		t.Errorf("asked %+v", stat)
	}
}

func TestAMathMetricIsNeverCutInTwo(t *testing.T) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	var entries []*Entry
	for i := range 400 {
		entries = append(entries, m.Track(ratio(strings.Repeat("x", i+1)), 1))
	}
	rep := c.at(t, m, t0, entries...)
	wantNoProblems(t, rep)
	for _, in := range c.calls {
		if n := len(in.MetricDataQueries); n > 500 || n%3 != 0 {
			t.Errorf("a call has %d queries", n)
		}
	}
	if rep.Requests != 3 {
		t.Errorf("%d calls for 1,200 queries, want 3", rep.Requests)
	}
}

func TestAMetricsInsightsQueryHasACallOfItsOwnAndKeepsItsWords(t *testing.T) {
	c := newCloud()
	m := NewMetrics(c, MetricsOptions{Delay: -1})
	sql := evaluator.Metric{Period: 60, Queries: []evaluator.MetricDataQuery{{ID: "q", Expression: `SELECT AVG(q) FROM "AWS/ECS"`, ReturnData: true}}}
	e := m.Track(sql, 1)
	rep := c.at(t, m, t0, e, m.Track(cpu("a"), 1), m.Track(cpu("b"), 1))
	wantNoProblems(t, rep)
	if rep.Requests != 2 || e.Series.Delay != 120 {
		t.Errorf("%d requests, delay %d", rep.Requests, e.Series.Delay)
	}
	for _, in := range c.calls {
		if q := in.MetricDataQueries[0]; q.Expression != nil && (*q.Expression != sql.Queries[0].Expression || *q.Period != 60 || len(in.MetricDataQueries) != 1) {
			t.Errorf("asked %q with %d queries", *q.Expression, len(in.MetricDataQueries))
		}
	}
}

func TestOnlyTheFirstOfSeveralReturnedQueriesReturns(t *testing.T) {
	m := NewMetrics(newCloud(), MetricsOptions{Delay: -1})
	metric := ratio("A")
	metric.Queries[0].ReturnData = true
	e := m.Track(metric, 1)
	if *e.queries[0].Id != e.id || *e.queries[2].Id == e.id || *e.queries[2].ReturnData {
		t.Error("two queries return data")
	}
}
