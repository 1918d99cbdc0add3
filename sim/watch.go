package sim

import (
	"net/http"
	"time"
)

// Seen is what the region did for one request, told before the answer is on its way.
type Seen struct {
	// Time is the region's clock when the request arrived.
	Time      time.Time
	Operation string
	// Error is the code that is answered, "" for success.
	Error string
	// Fault is the kind of the injected fault that struck the whole call, "" if none did.
	Fault FaultKind
	// Answered is false when no whole answer comes; Done says that the operation was executed, answered or not.
	Answered bool
	Done     bool
	Writes   []Write
	Measured []Measured
}

// Write is an UpdateService that took effect.
type Write struct {
	Cluster, Service string
	// From and To are the desired counts before and after it.
	From, To int
}

// Measured is one result of GetMetricData as it is answered, faults included.
type Measured struct {
	// Cluster and Service own the metric, or the first metric of an expression that has an owner; else they are empty.
	Cluster, Service string
	// Metric is the metric's name, of an expression that of the metric which names the owner; Expression tells them apart.
	Metric     string
	Expression bool
	// Statistic is Average, Sum, p and so on, of a single metric.
	Statistic string
	Period    int64
	// Status is Complete, PartialData, InternalError or Forbidden; empty for each metric of a call that failed as a whole.
	Status string
	// Times are the unix seconds at which the datapoints begin; Values are theirs.
	Times  []int64
	Values []float64
}

// Watched is Transport under somebody's eyes: saw is told of each request what the region did for it. It may be called from
// several goroutines, and what it is given is its own.
func (r *Region) Watched(saw func(*Seen)) http.RoundTripper { return transport{r, saw} }

// seeing fills in what is known of an answer once it is made.
func (s *Seen) seeing(c *call, entry *Call, out *outcome) {
	s.Time, s.Operation, s.Error, s.Fault = c.wall, entry.Operation, entry.Error, entry.Fault
	s.Answered = out.ending == answered
	s.Done = entry.Error == "" && (entry.Fault == "" || traits[entry.Fault].early == answered)
	if entry.Operation == "GetMetricData" && len(s.Measured) == 0 && c.in != nil {
		s.unanswered(c)
	}
}

// unanswered names what a call that came to nothing had asked for.
func (s *Seen) unanswered(c *call) {
	queries, err := c.metricQueries()
	if err != nil {
		return
	}
	for i := range queries {
		if q := &queries[i]; q.found {
			s.measured(q, &series{grid: grid{period: q.period}, owned: q.metric}, &metricResult{})
		}
	}
}

func (s *Seen) measured(q *metricQuery, series *series, r *metricResult) {
	m := Measured{
		Metric: series.owned.name, Expression: q.expression != nil, Period: series.grid.period,
		Status: r.status, Times: r.times, Values: r.values,
	}
	if owner := series.owned.owner; owner != nil {
		m.Cluster, m.Service = owner.key.cluster, owner.key.service
	}
	if q.expression == nil {
		m.Statistic = q.stat.name
	}
	s.Measured = append(s.Measured, m)
}

// Counts are the task counts of a service from an instant on.
type Counts struct {
	From                      time.Time
	Desired, Running, Pending int
}

// CountsBetween lists the changes of a service's counts from the last one at or before an instant up to another. The
// region remembers some thousand changes of each service.
func (r *Region) CountsBetween(cluster, name string, from, to time.Time) ([]Counts, error) {
	s, err := r.service(cluster, name)
	if err != nil {
		return nil, err
	}
	var list []Counts
	for _, c := range s.tasks.Counts(r.present(), from.Sub(r.zero), to.Sub(r.zero), nil) {
		list = append(list, Counts{r.zero.Add(c.At), int(c.Desired), int(c.Running), int(c.Pending)})
	}
	return list, nil
}

// wrote notes a write to ECS, if somebody watches.
func (s *Seen) wrote(k key, from, to int) {
	if s != nil {
		s.Writes = append(s.Writes, Write{k.cluster, k.service, from, to})
	}
}
