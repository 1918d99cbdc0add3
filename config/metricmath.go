package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ecs-autoscaler/config/strict"
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
	at, expression strict.Position
}

// queries reads metric math: ids, references, exactly one result (aws-semantics 1.4, 3.3).
func queries(v strict.Value) ([]evaluator.MetricDataQuery, bool) { return queriesOf(v, mathExpression) }

// forecastQueries reads metric math of a predictive policy, which no alarm evaluates: SEARCH is allowed.
func forecastQueries(v strict.Value) ([]evaluator.MetricDataQuery, bool) {
	return queriesOf(v, shortText(maxExpression))
}

func queriesOf(v strict.Value, expression func(strict.Value) (string, bool)) ([]evaluator.MetricDataQuery, bool) {
	entries, ok := strict.List(func(v strict.Value) (query, bool) { return readQuery(v, expression) })(v)
	if !ok {
		return nil, false
	}
	known := map[string]query{}
	out := make([]evaluator.MetricDataQuery, 0, len(entries))
	for _, q := range entries {
		if first, twice := known[q.Value.ID]; twice {
			v.Errorf(q.Value.at, "the id %s is used twice, first on line %d; every id of metrics must be different", q.Value.ID, first.at.Line)
			ok = false
			continue
		}
		known[q.Value.ID] = q.Value
		out = append(out, q.Value.MetricDataQuery)
	}
	return out, all(ok, mathSize(v, out), oneResult(v, out), references(v, entries, known))
}

// mathSize checks the number of entries.
func mathSize(v strict.Value, entries []evaluator.MetricDataQuery) bool {
	metrics := 0
	for _, q := range entries {
		if q.Metric != nil {
			metrics++
		}
	}
	switch expressions := len(entries) - metrics; {
	case len(entries) == 0:
		v.Errorf(v.At, "metrics is empty; add at least one entry with id and metric_stat")
	case metrics > maxMathMetrics:
		v.Errorf(v.At, "metrics has %d entries with metric_stat, CloudWatch allows %d in an alarm", metrics, maxMathMetrics)
	case expressions > maxMathExpressions:
		v.Errorf(v.At, "metrics has %d entries with expression, CloudWatch allows %d in an alarm", expressions, maxMathExpressions)
	default:
		return true
	}
	return false
}

// oneResult checks that exactly one entry returns data, and one time series (aws-semantics 2.8).
func oneResult(v strict.Value, entries []evaluator.MetricDataQuery) bool {
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
		v.Errorf(v.At, "a query with GROUP BY gives several time series, and a policy follows one; reduce it with a further entry such as {id: one, expression: MAX(%s)}", results[0])
	case len(entries) == 0 || len(results) == 1:
		return true
	case len(results) == 0:
		v.Errorf(v.At, "no entry of metrics returns data; remove return_data: false from the one that the policy is to follow")
	default:
		v.Errorf(v.At, "exactly one entry of metrics may return data, but %s do (true is the default); set return_data: false on all but one", strings.Join(results, ", "))
	}
	return false
}

var queryID = regexp.MustCompile(`^[a-z][A-Za-z0-9_]{0,254}$`)

func mathID(v strict.Value) (string, bool) {
	s, ok := v.Text()
	if ok && !queryID.MatchString(s) {
		v.Errorf(v.At, "id must begin with a lowercase letter, followed by letters, digits or _, at most 255 characters, not %q", strict.Shorten(s))
		return "", false
	}
	return s, ok
}

// readQuery reads one entry: an id and either an expression or a metric_stat.
func readQuery(v strict.Value, as func(strict.Value) (string, bool)) (query, bool) {
	m, ok := v.Mapping()
	if !ok {
		return query{}, false
	}
	id := strict.Need(m, "id", "m1", mathID)
	expression := strict.Read(m, "expression", as)
	stat := strict.Read(m, "metric_stat", metricStat)
	returns := strict.Read(m, "return_data", strict.Value.Boolean)
	strict.Read(m, "label", strict.Value.Text)
	m.Close()
	if expression.Present == stat.Present {
		m.Errorf(m.At, "an entry of metrics needs either expression or metric_stat, not %s",
			map[bool]string{true: "both", false: "none"}[expression.Present])
		return query{}, false
	}
	q := query{at: m.At, expression: expression.At}
	q.MetricDataQuery = evaluator.MetricDataQuery{
		ID: id.Value, Expression: expression.Value, Metric: stat.Value, ReturnData: !returns.Present || returns.Value,
	}
	return q, all(id.Valid, expression.Valid || stat.Valid, returns.Usable())
}

// metricStat reads MetricStat {Metric {Namespace, MetricName, Dimensions}, Stat, Unit}.
func metricStat(v strict.Value) (*evaluator.Metric, bool) {
	m, ok := v.Mapping()
	if !ok {
		return nil, false
	}
	inner := strict.Need(m, "metric", "{namespace: AWS/SQS, metric_name: ApproximateNumberOfMessagesVisible, dimensions: {QueueName: jobs}}", strict.Value.Mapping)
	stat := strict.Need(m, "stat", "Average", anyStatistic)
	unit := strict.Read(m, "unit", strict.OneOf(units...))
	m.Close()
	if !inner.Valid {
		return nil, false
	}
	space := strict.Need(inner.Value, "namespace", "AWS/SQS", namespace)
	name := strict.Need(inner.Value, "metric_name", "ApproximateNumberOfMessagesVisible", shortLine(255))
	dims := strict.Read(inner.Value, "dimensions", dimensions)
	inner.Value.Close()
	metric := &evaluator.Metric{Namespace: space.Value, MetricName: name.Value, Dimensions: dims.Value, Stat: stat.Value, Unit: unit.Value}
	return metric, all(space.Valid, name.Valid, stat.Valid, dims.Usable(), unit.Usable())
}

// mathExpression reads 1 to 2048 characters without what an alarm cannot use.
func mathExpression(v strict.Value) (string, bool) {
	s, ok := shortText(maxExpression)(v)
	if !ok {
		return "", false
	}
	s = strings.TrimSpace(s)
	bare := quoted.ReplaceAllString(s, `""`)
	if m := unusable.FindStringSubmatch(bare); m != nil {
		v.Errorf(v.At, "%s cannot be used in an alarm, and so not for scaling; name the metrics one by one with metric_stat", m[1])
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
func references(v strict.Value, entries []strict.Located[query], known map[string]query) bool {
	ok := true
	names := make([]string, 0, len(known))
	for id := range known {
		names = append(names, id)
	}
	slices.Sort(names)
	for _, q := range entries {
		for _, id := range referenced(q.Value.Expression) {
			if _, there := known[id]; !there {
				ok = false
				v.Errorf(q.Value.expression, "the expression uses %s, but no entry of metrics has this id; known are %s", id, strings.Join(names, ", "))
			}
		}
	}
	for _, q := range entries {
		if ok && circular(q.Value.ID, q.Value.ID, known, map[string]bool{}) {
			v.Errorf(q.Value.expression, "the expression of %s uses its own result; an expression may only use other entries", q.Value.ID)
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
