package observe

import (
	"strconv"
	"strings"

	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"ecs-autoscaler/evaluator"
)

// returns and hides are what every query's ReturnData points to.
var (
	returns = true
	hides   = false
)

// buildQueries makes what CloudWatch is asked. It points into the entry's own metric instead of copying,
// since there may be tens of thousands of entries.
func (e *Entry) buildQueries() {
	if len(e.metric.Queries) == 0 {
		e.billed = 1
		e.queries = []cwtypes.MetricDataQuery{{Id: &e.id, MetricStat: metricStat(&e.metric, &e.period)}}
		return
	}
	ids := e.rename()
	e.queries = make([]cwtypes.MetricDataQuery, len(e.metric.Queries))
	for i := range e.metric.Queries {
		q, out := &e.metric.Queries[i], &e.queries[i]
		id := ids[q.ID]
		out.Id, out.ReturnData = &id, &hides
		if id == e.id {
			out.ReturnData = &returns
		}
		if q.Metric != nil {
			e.billed++
			out.MetricStat = metricStat(q.Metric, &e.period)
			continue
		}
		e.setExpression(out, q.Expression, ids)
	}
}

// setExpression rewrites metric math; a Metrics Insights query is SQL and stays as it is.
func (e *Entry) setExpression(out *cwtypes.MetricDataQuery, expression string, ids map[string]string) {
	if isInsights(expression) {
		e.exclusive = true
		e.billed++
		out.Period = &e.period
	} else {
		expression = rewrite(expression, ids, e.statIDs())
	}
	out.Expression = &expression
}

// rename gives each query an id of its own over all entries: the returned one the entry's, the others
// the entry's and their place.
func (e *Entry) rename() map[string]string {
	ids := make(map[string]string, len(e.metric.Queries))
	returned := false
	for i, q := range e.metric.Queries {
		ids[q.ID] = e.id + "_" + strconv.Itoa(i)
		if q.ReturnData && !returned {
			ids[q.ID], returned = e.id, true
		}
	}
	return ids
}

// statIDs are the ids of the queries that METRICS() stands for, in order.
func (e *Entry) statIDs() []string {
	var ids []string
	for _, q := range e.metric.Queries {
		if q.Metric != nil {
			ids = append(ids, q.ID)
		}
	}
	return ids
}

func metricStat(m *evaluator.Metric, period *int32) *cwtypes.MetricStat {
	dimensions := make([]cwtypes.Dimension, len(m.Dimensions))
	for i := range m.Dimensions {
		dimensions[i] = cwtypes.Dimension{Name: &m.Dimensions[i].Name, Value: &m.Dimensions[i].Value}
	}
	return &cwtypes.MetricStat{
		Metric: &cwtypes.Metric{Namespace: &m.Namespace, MetricName: &m.MetricName, Dimensions: dimensions},
		Period: period,
		Stat:   &m.Stat,
		Unit:   cwtypes.StandardUnit(m.Unit),
	}
}

func isInsights(expression string) bool {
	f := strings.Fields(expression)
	return len(f) > 0 && strings.EqualFold(f[0], "SELECT")
}
