package config

import (
	"fmt"
	"strings"
	"testing"
)

// customizedMetric wraps one customized metric.
func customizedMetric(body string) string {
	return tracking("target_value: 5, customized_metric: {" + body + "}")
}

// mathOf wraps the entries of metrics; m1 and m2 are there and return nothing.
func mathOf(entries ...string) string {
	const stat = "{id: m%d, metric_stat: {metric: {namespace: N, metric_name: M%d}, stat: Sum}, return_data: false}"
	all := append([]string{fmt.Sprintf(stat, 1, 1), fmt.Sprintf(stat, 2, 2)}, entries...)
	return customizedMetric("metrics: [" + strings.Join(all, ", ") + "]")
}

// expression is an entry that returns data.
func expression(text string) string { return "{id: e1, expression: \"" + text + "\"}" }

func TestMetricsAreCheckedAsByCloudWatch(t *testing.T) {
	long := strings.Repeat("x", 256)
	one := func(more string) string {
		return customizedMetric("namespace: N, metric_name: M, statistic: Sum" + more)
	}
	checkRules(t, []rule{
		{"a metric", one(""), ""},
		{"a unit", one(", unit: Bytes/Second"), ""},
		{"no such unit", one(", unit: Furlong"), "unit must be one of"},
		{"dimensions", one(", dimensions: {A: x, B: 'y z'}"), ""},
		{"no dimensions", one(", dimensions: {}"), ""},
		{"a dimension without value", one(", dimensions: {A: ''}"), "must not be empty"},
		{"a dimension that begins with a colon", one(", dimensions: {':A': x}"), "must not begin with a colon"},
		{"a dimension with a long name", one(", dimensions: {" + long + ": x}"), "1 to 255 printable"},
		{"a dimension with a long value", one(", dimensions: {A: " + strings.Repeat(long, 5) + "}"), "at most 1024 printable"},
		{"thirty dimensions", one(", dimensions: {" + numbered(30) + "}"), ""},
		{"thirty-one dimensions", one(", dimensions: {" + numbered(31) + "}"), "CloudWatch allows 30"},
		{"a namespace that begins with a colon", customizedMetric("namespace: ':N', metric_name: M, statistic: Sum"), "must not begin with a colon"},
		{"a long namespace", customizedMetric("namespace: " + long + ", metric_name: M, statistic: Sum"), "at most 255 characters"},
		{"a long name", customizedMetric("namespace: N, metric_name: " + long + ", statistic: Sum"), "at most 255 characters"},
		{"a name on two lines", customizedMetric("namespace: N, metric_name: \"a\\nb\", statistic: Sum"), "printable characters only"},
		{"no name", customizedMetric("namespace: N, statistic: Sum"), "metric_name is missing in customized_metric"},
		{"a statistic alone", customizedMetric("statistic: Sum"), "names no metric"},
	})
}

func numbered(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("D%d: x", i))
	}
	return strings.Join(all, ", ")
}

func TestMetricMathIsCheckedAsByCloudWatch(t *testing.T) {
	checkRules(t, []rule{
		{"an expression", mathOf(expression("m1 / m2")), ""},
		{"functions and constants are no ids", mathOf(expression("IF(m1 > 1.5e3, FILL(m2, REPEAT), ABS(m1))")), ""},
		{"texts in quotes are no ids", mathOf(expression("SUM(METRICS('foo')) + m1")), ""},
		{"2048 characters", mathOf(expression(strings.Repeat("m1+", 682) + "m1")), ""},
		{"2049 characters", mathOf(expression(strings.Repeat("m1+", 682) + "m1 ")), "at most 2048 characters"},
		{"an id that is not there", mathOf(expression("m1 / m3")), "uses m3, but no entry of metrics has this id; known are e1, m1, m2"},
		{"an expression of itself", mathOf(expression("e1 + 1")), "uses its own result"},
		{"an expression of another one", mathOf("{id: e2, expression: m1 * 2, return_data: false}", expression("e2 / m2")), ""},
		{"a circle", mathOf("{id: e2, expression: e3, return_data: false}", "{id: e3, expression: e2 + m1, return_data: false}", expression("m1")), "uses its own result"},
		{"SEARCH", mathOf(expression("SUM(SEARCH('{N} M', 'Sum'))")), "SEARCH cannot be used"},
		{"the word SEARCH in a text", mathOf(expression("SUM(METRICS('SEARCH(')) + m1")), ""},
		{"a Metrics Insights query", customizedMetric("metrics: [{id: q1, expression: \"SELECT AVG(Load) FROM SCHEMA(App, host)\"}]"), ""},
		{"a grouped query", customizedMetric("metrics: [{id: q1, expression: \"SELECT AVG(Load) FROM SCHEMA(App, host) GROUP BY host\"}]"), "GROUP BY gives several time series"},
		{"a grouped query, reduced", customizedMetric("metrics: [{id: q1, expression: \"SELECT AVG(Load) FROM App GROUP BY host\", return_data: false}, {id: e1, expression: MAX(q1)}]"), ""},
		{"a metric_stat alone", customizedMetric("metrics: [{id: m1, metric_stat: {metric: {namespace: N, metric_name: M}, stat: p99}}]"), ""},
		{"a stat that does not exist", customizedMetric("metrics: [{id: m1, metric_stat: {metric: {namespace: N, metric_name: M}, stat: average}}]"), "did you mean Average?"},
		{"a metric_stat without stat", customizedMetric("metrics: [{id: m1, metric_stat: {metric: {namespace: N, metric_name: M}}}]"), "stat is missing in metric_stat"},
		{"a metric_stat with a period", customizedMetric("metrics: [{id: m1, metric_stat: {metric: {namespace: N, metric_name: M}, stat: Sum, period: 60}}]"), "unknown key \"period\" in metric_stat"},
		{"an id in capitals", mathOf("{id: E1, expression: m1}"), "begin with a lowercase letter"},
		{"ids that differ in case only", mathOf("{id: eA, expression: m1, return_data: false}", "{id: ea, expression: eA}"), ""},
		{"no result", mathOf("{id: e1, expression: m1, return_data: false}"), "no entry of metrics returns data"},
		{"two results", mathOf(expression("m1"), "{id: e2, expression: m2}"), "but e1, e2 do"},
		{"ten metrics and ten expressions", mathEntries(10, 10), ""},
		{"eleven metrics", mathEntries(11, 1), "11 entries with metric_stat"},
		{"eleven expressions", mathEntries(1, 11), "11 entries with expression"},
	})
}

// mathEntries has so many metrics and expressions; the first expression returns data.
func mathEntries(metrics, expressions int) string {
	var all []string
	for i := range metrics {
		all = append(all, fmt.Sprintf("{id: m%d, metric_stat: {metric: {namespace: N, metric_name: M%d}, stat: Sum}, return_data: false}", i, i))
	}
	for i := range expressions {
		all = append(all, fmt.Sprintf("{id: e%d, expression: m0 * %d, return_data: %v}", i, i, i == 0))
	}
	return customizedMetric("metrics: [" + strings.Join(all, ", ") + "]")
}

func TestOnlyNamesOutsideQuotesAndCallsAreIds(t *testing.T) {
	for text, want := range map[string]string{
		"m1/m2": "m1 m2", "SUM([m1, m2])": "m1 m2", "FILL(m1, LINEAR)": "m1", "abs(m1)": "m1", "1e3 + 2.5e-2": "", "m1 > 3 && m2": "m1 m2",
		"'m1' + \"m2\"": "", "IF(m_1, 1, m2b)": "m_1 m2b", "SELECT MAX(m1) FROM x": "", "M1 + E2": "", "": "",
	} {
		if got := strings.Join(referenced(text), " "); got != want {
			t.Errorf("referenced(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestServicesAreNamedByClusterAndService(t *testing.T) {
	service := func(s string) string {
		return "targets: [{service: \"" + s + "\", min_capacity: 1, max_capacity: 1}]"
	}
	checkRules(t, []rule{
		{"names", service("my-cluster/My_Service-2"), ""},
		{"patterns", service("*/web-?"), ""},
		{"255 characters", service(strings.Repeat("c", 255) + "/" + strings.Repeat("s", 255)), ""},
		{"256 characters", service("c/" + strings.Repeat("s", 256)), "1 to 255"},
		{"no slash", service("web"), "did you mean default/web or */web?"},
		{"two slashes", service("a/b/c"), "CLUSTER/SERVICE"},
		{"a resource id", service("service/prod/web"), "did you mean prod/web?"},
		{"an ARN", service("arn:aws:ecs:eu-west-2:123456789012:service/prod/web"), "did you mean prod/web?"},
		{"nothing before the slash", service("/web"), "CLUSTER/SERVICE"},
		{"nothing behind the slash", service("web/"), "CLUSTER/SERVICE"},
		{"a blank", service("a/b c"), "CLUSTER/SERVICE"},
		{"brackets", service("a/[bc]"), "CLUSTER/SERVICE"},
	})
}

func TestTargetsMayNotStandTwiceButPatternsMayOverlap(t *testing.T) {
	two := func(first, second string) string {
		const rest = ", min_capacity: 1, max_capacity: 1, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 5}]}"
		return "targets:\n  - {service: " + first + rest + "\n  - {service: " + second + rest + "\n"
	}
	checkRules(t, []rule{
		{"one name twice", two("a/b", "a/b"), "stands twice, first on line 2"},
		{"one name with the same tags", two("a/b, tags: {x: '1'}", "a/b, tags: {x: '1'}"), "stands twice"},
		{"one name with other tags", two("a/b, tags: {x: '1'}", "a/b, tags: {x: '2'}"), ""},
		{"a pattern twice", two("a/*", "a/*"), ""},
		{"a name and a pattern", two("a/*", "a/b"), ""},
	})
	for text, warned := range map[string]bool{
		two(`"*/*"`, `"*/*"`): true, two("a/*", "a/b*"): true, two(`"*/*"`, "a/*"): true, two("a/*, tags: {x: '1'}", "a/*, tags: {x: '1', y: '2'}"): true, two("a/b", "a/b, tags: {x: '1'}"): true,
		two("a/b*", "a/*"): false, two("a/*", "a/b"): false, two("a/*, tags: {x: '1'}", "a/*"): false, two("a/*", "b/*"): false, two("a/?", "a/*"): false,
	} {
		_, found := Parse(Source{Name: "x", Text: []byte(text)}, environment)
		if got := strings.Contains(found.Detail(), "can never be chosen"); got != warned {
			t.Errorf("warned = %v, want %v for\n%s%s", got, warned, text, found.Detail())
		}
	}
}
