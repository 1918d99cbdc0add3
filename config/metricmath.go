package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ecs-autoscaler/evaluator"
)

// The limits of metric math in an alarm (aws-semantics 3.3).
const (
	maxMathMetrics     = 10
	maxMathExpressions = 10
	maxExpression      = 2048
)

// query is one entry of metrics with its places, for messages.
type query struct {
	evaluator.MetricDataQuery
	at, expression position
}

// queries reads metric math: ids, references, exactly one result (aws-semantics 1.4, 3.3).
func (v value) queries() ([]evaluator.MetricDataQuery, bool) { return v.queriesOf(mathExpression) }

// forecastQueries reads metric math of a predictive policy, which no alarm evaluates: SEARCH is allowed.
func (v value) forecastQueries() ([]evaluator.MetricDataQuery, bool) {
	return v.queriesOf(shortText(maxExpression))
}

func (v value) queriesOf(expression func(value) (string, bool)) ([]evaluator.MetricDataQuery, bool) {
	entries, ok := list(func(v value) (query, bool) { return v.query(expression) })(v)
	if !ok {
		return nil, false
	}
	known := map[string]query{}
	out := make([]evaluator.MetricDataQuery, 0, len(entries))
	for _, q := range entries {
		if first, twice := known[q.value.ID]; twice {
			v.d.errorf(q.value.at, "the id %s is used twice, first on line %d; every id of metrics must be different", q.value.ID, first.at.line)
			ok = false
			continue
		}
		known[q.value.ID] = q.value
		out = append(out, q.value.MetricDataQuery)
	}
	return out, all(ok, v.mathSize(out), v.oneResult(out), v.references(entries, known))
}

// mathSize checks the number of entries.
func (v value) mathSize(entries []evaluator.MetricDataQuery) bool {
	metrics := 0
	for _, q := range entries {
		if q.Metric != nil {
			metrics++
		}
	}
	switch expressions := len(entries) - metrics; {
	case len(entries) == 0:
		v.d.errorf(v.at, "metrics is empty; add at least one entry with id and metric_stat")
	case metrics > maxMathMetrics:
		v.d.errorf(v.at, "metrics has %d entries with metric_stat, CloudWatch allows %d in an alarm", metrics, maxMathMetrics)
	case expressions > maxMathExpressions:
		v.d.errorf(v.at, "metrics has %d entries with expression, CloudWatch allows %d in an alarm", expressions, maxMathExpressions)
	default:
		return true
	}
	return false
}

// oneResult checks that exactly one entry returns data, and one time series (aws-semantics 2.8).
func (v value) oneResult(entries []evaluator.MetricDataQuery) bool {
	var results []string
	ungrouped := true
	for _, q := range entries {
		if q.ReturnData {
			results = append(results, q.ID)
			ungrouped = !grouped.MatchString(q.Expression)
		}
	}
	switch {
	case len(results) == 1 && !ungrouped:
		v.d.errorf(v.at, "a query with GROUP BY gives several time series, and a policy follows one; reduce it with a further entry such as {id: one, expression: MAX(%s)}", results[0])
	case len(entries) == 0 || len(results) == 1:
		return true
	case len(results) == 0:
		v.d.errorf(v.at, "no entry of metrics returns data; remove return_data: false from the one that the policy is to follow")
	default:
		v.d.errorf(v.at, "exactly one entry of metrics may return data, but %s do (true is the default); set return_data: false on all but one", strings.Join(results, ", "))
	}
	return false
}

var queryID = regexp.MustCompile(`^[a-z][A-Za-z0-9_]{0,254}$`)

func mathID(v value) (string, bool) {
	s, ok := v.text()
	if ok && !queryID.MatchString(s) {
		v.d.errorf(v.at, "id must begin with a lowercase letter, followed by letters, digits or _, at most 255 characters, not %q", shorten(s))
		return "", false
	}
	return s, ok
}

// query reads one entry: an id and either an expression or a metric_stat.
func (v value) query(as func(value) (string, bool)) (query, bool) {
	m, ok := v.mapping()
	if !ok {
		return query{}, false
	}
	id := need(m, "id", "m1", mathID)
	expression := read(m, "expression", as)
	stat := read(m, "metric_stat", value.metricStat)
	returns := read(m, "return_data", value.boolean)
	read(m, "label", value.text)
	m.close()
	if expression.present == stat.present {
		m.d.errorf(m.at, "an entry of metrics needs either expression or metric_stat, not %s",
			map[bool]string{true: "both", false: "none"}[expression.present])
		return query{}, false
	}
	q := query{at: m.at, expression: expression.at}
	q.MetricDataQuery = evaluator.MetricDataQuery{
		ID: id.value, Expression: expression.value, Metric: stat.value, ReturnData: !returns.present || returns.value,
	}
	return q, all(id.valid, expression.valid || stat.valid, returns.usable())
}

// metricStat reads MetricStat {Metric {Namespace, MetricName, Dimensions}, Stat, Unit}.
func (v value) metricStat() (*evaluator.Metric, bool) {
	m, ok := v.mapping()
	if !ok {
		return nil, false
	}
	inner := need(m, "metric", "{namespace: AWS/SQS, metric_name: ApproximateNumberOfMessagesVisible, dimensions: {QueueName: jobs}}", value.mapping)
	stat := need(m, "stat", "Average", anyStatistic)
	unit := read(m, "unit", oneOf(units...))
	m.close()
	if !inner.valid {
		return nil, false
	}
	space := need(inner.value, "namespace", "AWS/SQS", namespace)
	name := need(inner.value, "metric_name", "ApproximateNumberOfMessagesVisible", shortLine(255))
	dims := read(inner.value, "dimensions", value.dimensions)
	inner.value.close()
	metric := &evaluator.Metric{Namespace: space.value, MetricName: name.value, Dimensions: dims.value, Stat: stat.value, Unit: unit.value}
	return metric, all(space.valid, name.valid, stat.valid, dims.usable(), unit.usable())
}

// mathExpression reads 1 to 2048 characters without what an alarm cannot use.
func mathExpression(v value) (string, bool) {
	s, ok := shortText(maxExpression)(v)
	if !ok {
		return "", false
	}
	s = strings.TrimSpace(s)
	bare := quoted.ReplaceAllString(s, `""`)
	if m := unusable.FindStringSubmatch(bare); m != nil {
		v.d.errorf(v.at, "%s cannot be used in an alarm, and so not for scaling; name the metrics one by one with metric_stat", m[1])
		return "", false
	}
	return s, true
}

var (
	quoted     = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	unusable   = regexp.MustCompile(`\b(SEARCH|ANOMALY_DETECTION_BAND)\s*\(`)
	identifier = regexp.MustCompile(`\b[A-Za-z_][A-Za-z0-9_]*(\s*\()?`)
	grouped    = regexp.MustCompile(`(?is)^\s*SELECT\s.*\sGROUP\s+BY\s`)
	insights   = regexp.MustCompile(`(?i)^\s*SELECT\s`)
)

// referenced are the ids that an expression uses: names that begin with a lowercase letter, are
// not called like functions and stand outside quotes. A Metrics Insights query uses none.
func referenced(expression string) []string {
	if insights.MatchString(expression) {
		return nil
	}
	var ids []string
	for _, word := range identifier.FindAllString(quoted.ReplaceAllString(expression, `""`), -1) {
		if word[0] >= 'a' && word[0] <= 'z' && !strings.HasSuffix(word, "(") {
			ids = append(ids, word)
		}
	}
	return ids
}

// references checks that expressions use ids that exist and do not go round in circles.
func (v value) references(entries []located[query], known map[string]query) bool {
	ok := true
	names := make([]string, 0, len(known))
	for id := range known {
		names = append(names, id)
	}
	slices.Sort(names)
	for _, q := range entries {
		for _, id := range referenced(q.value.Expression) {
			if _, there := known[id]; !there {
				ok = false
				v.d.errorf(q.value.expression, "the expression uses %s, but no entry of metrics has this id; known are %s", id, strings.Join(names, ", "))
			}
		}
	}
	for _, q := range entries {
		if ok && circular(q.value.ID, q.value.ID, known, map[string]bool{}) {
			v.d.errorf(q.value.expression, "the expression of %s uses its own result; an expression may only use other entries", q.value.ID)
			return false
		}
	}
	return ok
}

// circular says whether start can be reached from the expression of id.
func circular(id, start string, known map[string]query, seen map[string]bool) bool {
	for _, next := range referenced(known[id].Expression) {
		if next == start {
			return true
		}
		if seen[next] {
			continue
		}
		seen[next] = true
		if circular(next, start, known, seen) {
			return true
		}
	}
	return false
}

// mathIdentity is metric math without what does not make a metric different: ids, labels, units
// and order. Ids are replaced by what they stand for, level by level from the result.
func mathIdentity(entries []evaluator.MetricDataQuery) string {
	byID := make(map[string]evaluator.MetricDataQuery, len(entries))
	var result evaluator.MetricDataQuery
	for _, q := range entries {
		byID[q.ID] = q
		if q.ReturnData {
			result = q
		}
	}
	number := map[string]int{}
	var meanings []string
	queue := []evaluator.MetricDataQuery{result}
	number[result.ID] = 0
	for len(queue) > 0 {
		q := queue[0]
		queue = queue[1:]
		for _, id := range referenced(q.Expression) {
			if _, numbered := number[id]; !numbered {
				number[id] = len(number)
				queue = append(queue, byID[id])
			}
		}
		meanings = append(meanings, meaning(q, number))
	}
	return strings.Join(meanings, ";")
}

// meaning is one query with its ids replaced by their numbers.
func meaning(q evaluator.MetricDataQuery, number map[string]int) string {
	if q.Metric != nil {
		bare := *q.Metric
		bare.Unit = ""
		return bare.Key()
	}
	return identifier.ReplaceAllStringFunc(strings.Join(strings.Fields(q.Expression), " "), func(word string) string {
		if n, ok := number[word]; ok {
			return "#" + strconv.Itoa(n)
		}
		return word
	})
}
