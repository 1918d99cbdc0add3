package policytest

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"ecs-autoscaler/config"
	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
)

// feed is one entry of metrics: the values of one metric in one or more statistics.
type feed struct {
	place  strict.Position
	period int64
	// policy is the name of the policy that the entry is for; empty for an entry that names a metric.
	policy string
	metric evaluator.Metric
	// values are nil where only statistics are given.
	values     []float64
	statistics map[string][]float64
	used       bool
}

// metrics reads the entries and gives every metric of the target its series.
func (p *parser) metrics(m *strict.Mapping, t *test) {
	entries := strict.Read(m, "metrics", strict.List(func(v strict.Value) (*feed, bool) { return t.feed(v, &p.values) }))
	if t.target == nil || entries.Present && !entries.Valid {
		return
	}
	b := &binder{Mapping: m, test: t}
	for _, e := range entries.Value {
		b.feeds = append(b.feeds, e.Value)
	}
	b.at = entries.KeyAt
	b.bind()
}

// feed reads one entry.
func (t *test) feed(v strict.Value, left *allowance) (*feed, bool) {
	m, ok := v.Mapping()
	if !ok {
		return nil, false
	}
	m.Key = "an entry of metrics"
	f := &feed{place: m.At, period: 60}
	named := t.subject(m, f)
	period := strict.Read(m, "period", seriesPeriod)
	strict.Overlay(&f.period, period)
	series := strict.Read(m, "values", left.read)
	statistics := strict.Read(m, "statistics", left.statistics)
	f.values, f.statistics = series.Value, statistics.Value
	m.Close()
	if !series.Present && !statistics.Present {
		m.Errorf(m.At, "this entry gives no values; add for example values: 50x3 80x10")
		return nil, false
	}
	return f, named && period.Usable() && series.Usable() && statistics.Usable()
}

// subject reads what the entry is about: a metric, or whatever a policy reads.
func (t *test) subject(m *strict.Mapping, f *feed) bool {
	key := evaluator.Key{}
	if t.target != nil {
		key = t.target.Key
	}
	policy := strict.Read(m, "policy", strict.Value.Filled)
	metric, named, right := config.MetricOf(m, key)
	f.policy, f.metric = policy.Value, metric
	switch {
	case policy.Present && named:
		m.Errorf(policy.KeyAt, "policy and the name of a metric exclude each other: policy gives what the alarms of that policy see, whatever their metric; keep one of them")
		return false
	case policy.Present:
		return policy.Valid && t.hasPolicy(m, policy)
	case !named:
		m.Errorf(m.At, "this entry names no metric; add metric: ECSServiceAverageCPUUtilization, or namespace and metric_name, or policy: NAME")
	}
	return right
}

// hasPolicy reports a policy that the target does not have.
func (t *test) hasPolicy(m *strict.Mapping, name strict.Field[string]) bool {
	if t.target == nil || t.policy(name.Value) >= 0 {
		return true
	}
	m.Errorf(name.At, "%s", t.unknownPolicy(name.Value))
	return false
}

func (t *test) policy(name string) int {
	return slices.IndexFunc(t.target.Policies, func(p evaluator.Policy) bool { return p.Name == name })
}

// unknownPolicy says what would be right instead of a name that no policy has.
func (t *test) unknownPolicy(name string) string {
	known := make([]string, len(t.target.Policies))
	for i := range t.target.Policies {
		known[i] = t.target.Policies[i].Name
	}
	text := "target " + t.target.String() + " has no policy " + strict.Shorten(name)
	if near, ok := strict.Nearest(name, known); ok {
		return text + "; did you mean " + near + "?"
	}
	if len(known) == 0 {
		return text + "; it has none"
	}
	return text + "; its policies are " + strings.Join(known, ", ")
}

// seriesPeriod reads how far the values of an entry are apart: what CloudWatch stores (API PutMetricData
// StorageResolution) or aggregates to.
func seriesPeriod(v strict.Value) (int64, bool) {
	d, ok := v.Duration()
	if !ok {
		return 0, false
	}
	p := int64(d / time.Second)
	if p == 1 || p == 5 || p == 10 || p == 20 || p == 30 || p > 0 && p%60 == 0 {
		return p, true
	}
	v.Errorf(v.At, "%s must be 1, 5, 10, 20, 30 or a multiple of 60 seconds, not %d", v.Key, p)
	return 0, false
}

// statistics reads further statistics of the same metric, by their names.
func (a *allowance) statistics(v strict.Value) (map[string][]float64, bool) {
	m, ok := v.Mapping()
	if !ok {
		return nil, false
	}
	given := map[string][]float64{}
	for _, name := range m.Keys() {
		series := strict.Read(m, name, a.read)
		given[name] = series.Value
		ok = ok && series.Valid
		if config.IsStatistic(name) {
			continue
		}
		ok = false
		right := strings.Join(config.SimpleStatistics(), ", ") + ", or extended such as p90"
		if near, found := strict.Nearest(name, config.SimpleStatistics()); found {
			right = near
		}
		m.Errorf(series.KeyAt, "%q is no statistic; write %s", strict.Shorten(name), right)
	}
	if ok && len(given) == 0 {
		m.Errorf(m.At, "statistics is empty; add for example {SampleCount: \"2x10\"}, or leave it out")
		return nil, false
	}
	return given, ok
}

// binder gives each metric of a target the entry that feeds it.
type binder struct {
	*strict.Mapping
	*test
	feeds []*feed
	at    strict.Position
	// seen are the target's metrics as entries name them.
	seen []evaluator.Metric
}

func (b *binder) bind() {
	b.series = make([]*series, len(b.target.Metrics))
	for i := range b.target.Metrics {
		b.seen = append(b.seen, named(&b.target.Metrics[i]))
	}
	for i := range b.seen {
		f := b.feedOf(i)
		if f == nil {
			continue
		}
		f.used = true
		if s := b.shape(f, i); s != nil {
			b.series[i] = s
		}
	}
	for _, f := range b.feeds {
		if !f.used {
			b.unused(f)
		}
	}
}

// named is a metric as an entry names it: metric math whose result is one metric_stat is that metric.
func named(m *evaluator.Metric) evaluator.Metric {
	for _, q := range m.Queries {
		if q.ReturnData && q.Metric != nil {
			one := *q.Metric
			one.Period = m.Period
			return one
		}
	}
	return *m
}

// unused reports an entry that feeds nothing.
func (b *binder) unused(f *feed) {
	for i := range b.seen {
		if slices.ContainsFunc(b.seen[i].Queries, func(q evaluator.MetricDataQuery) bool { return q.Metric != nil && f.names(q.Metric) }) {
			b.Errorf(f.place, "policy %s reads this metric as a part of metric math, which a test does not compute; give what it comes to, {policy: %s, values: 50x10}",
				b.reader(i), b.reader(i))
			return
		}
	}
	b.Errorf(f.place, "no policy of target %s reads this metric; remove the entry, or name the metric as the policy does%s", b.target.String(), b.reads())
}

// reads lists what the policies read, for a message.
func (b *binder) reads() string {
	var names []string
	for i := range b.seen {
		if name := label(&b.seen[i]); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ": " + strings.Join(names, "; ")
}

// label is a metric as an entry has to name it.
func label(m *evaluator.Metric) string {
	if len(m.Queries) > 0 {
		return "metric math, which is given by policy: NAME"
	}
	dimensions := make([]string, len(m.Dimensions))
	for i, d := range m.Dimensions {
		dimensions[i] = d.Name + "=" + d.Value
	}
	return m.Namespace + " " + m.MetricName + " {" + strings.Join(dimensions, ", ") + "}"
}

// feedOf finds the entry for the i-th metric and reports what is missing or stands twice. Where several fit, one that is
// meant for exactly this metric goes before the others.
func (b *binder) feedOf(i int) *feed {
	fits := slices.DeleteFunc(slices.Clone(b.feeds), func(f *feed) bool { return !b.gives(f, i) })
	if exact := slices.DeleteFunc(slices.Clone(fits), func(f *feed) bool { return !f.exactly(&b.seen[i]) }); len(exact) > 0 {
		fits = exact
	}
	if len(fits) == 0 {
		b.Errorf(b.at, "no entry of metrics gives what policy %s reads: %s; add one, for example {policy: %s, values: 50x10}",
			b.reader(i), label(&b.seen[i]), b.reader(i))
		return nil
	}
	for _, f := range fits[1:] {
		f.used = true
		b.twice(fits[0], f)
	}
	return fits[0]
}

// twice reports a second entry for one metric, unless both are for policies that share the metric and say the same.
func (b *binder) twice(first, f *feed) {
	switch {
	case first.policy == "" || f.policy == "" || first.policy == f.policy:
		b.Errorf(f.place, "this metric is given twice, first on line %d; keep one of the entries", first.place.Line)
	case !first.alike(f):
		b.Errorf(f.place, "policies %s and %s read the same metric, so that both entries feed it, but they differ; remove one, or give both the same period and values",
			first.policy, f.policy)
	}
}

// alike says whether two entries give the same.
func (f *feed) alike(other *feed) bool {
	equal := func(a, b []float64) bool {
		return slices.EqualFunc(a, b, func(x, y float64) bool { return x == y || math.IsNaN(x) && math.IsNaN(y) })
	}
	return f.period == other.period && equal(f.values, other.values) && maps.EqualFunc(f.statistics, other.statistics, equal)
}

// exactly says whether an entry that fits a metric is meant for this one: it is for a policy that reads it, or names
// the predefined type of its period, or has its period.
func (f *feed) exactly(m *evaluator.Metric) bool {
	switch {
	case f.policy != "":
		return true
	case f.metric.Period != 0:
		return f.metric.Period == m.Period
	default:
		return f.period == m.Period
	}
}

// gives says whether an entry is about the i-th metric, by its name or by a policy that reads it.
func (b *binder) gives(f *feed, i int) bool {
	if f.policy != "" {
		k := b.policy(f.policy)
		return k >= 0 && watches(&b.target.Policies[k], i)
	}
	return len(b.seen[i].Queries) == 0 && f.names(&b.seen[i])
}

// names says whether an entry names the metric.
func (f *feed) names(m *evaluator.Metric) bool {
	return m.Namespace == f.metric.Namespace && m.MetricName == f.metric.MetricName &&
		slices.Equal(m.Dimensions, f.metric.Dimensions) && (f.metric.Unit == "" || f.metric.Unit == m.Unit)
}

// watches says whether an alarm of the policy reads the i-th metric.
func watches(p *evaluator.Policy, i int) bool {
	return slices.ContainsFunc(p.Alarms, func(a evaluator.Alarm) bool { return a.Metric == i || a.SampleCount == i })
}

// reader is the first policy that reads the i-th metric.
func (b *binder) reader(i int) string {
	k := slices.IndexFunc(b.target.Policies, func(p evaluator.Policy) bool { return watches(&p, i) })
	return b.target.Policies[k].Name
}

// shape makes the series that the i-th metric shows of an entry, if the entry has what it takes.
func (b *binder) shape(f *feed, i int) *series {
	m := &b.seen[i]
	s := &series{start: b.start.Unix(), period: f.period, delay: int64(b.metricDelay / time.Second)}
	s.values, s.how = f.values, aggregations[m.Stat]
	if own, given := f.statistics[m.Stat]; given {
		s.values = own
	} else if why := b.lacks(f, i); why != "" {
		b.Errorf(f.place, "%s", why)
		return nil
	}
	switch {
	case f.period > m.Period:
		b.Errorf(f.place, "period is %d s here, but policy %s reads this metric every %d s, and a coarser series does not say what lies between; give it with period: %d",
			f.period, b.reader(i), m.Period, m.Period)
	case m.Period%f.period != 0:
		b.Errorf(f.place, "period is %d s here, which does not divide the %d s in which policy %s reads this metric; give it with period: %d",
			f.period, m.Period, b.reader(i), m.Period)
	case f.period != m.Period && s.how == nil && len(m.Queries) == 0:
		b.Errorf(f.place, "%s over %d s cannot be computed from values every %d s; give it with period: %d", m.Stat, m.Period, f.period, m.Period)
	default:
		if s.how == nil {
			s.how = average
		}
		return s
	}
	return nil
}

// lacks says which statistic an entry must give beside its values, empty if the values are it.
func (b *binder) lacks(f *feed, i int) string {
	m := &b.seen[i]
	example := "; add statistics: {" + m.Stat + ": \"50x10\"}"
	switch {
	case b.onlySamples(i):
		return "policy " + b.reader(i) + " ignores low sample counts and reads how many samples there are" + example
	case f.values == nil:
		return "policy " + b.reader(i) + " reads the statistic " + m.Stat + ", which this entry does not give" + example + ", or values"
	case f.policy == "" && aggregations[m.Stat] == nil:
		return "policy " + b.reader(i) + " reads the statistic " + m.Stat + ", which values cannot stand for" + example +
			", or give it by policy: " + b.reader(i)
	default:
		return ""
	}
}

// onlySamples says whether the i-th metric is read by no alarm itself, but only to see on how many samples one rests.
func (b *binder) onlySamples(i int) bool {
	for k := range b.target.Policies {
		for _, a := range b.target.Policies[k].Alarms {
			if a.Metric == i {
				return false
			}
		}
	}
	return true
}
