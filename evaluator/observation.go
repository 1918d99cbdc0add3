package evaluator

import (
	"strconv"
	"strings"
	"time"
)

// Metric is one time series to read from CloudWatch: a single metric and statistic, or the one
// returned result of a metric-math expression (Queries not empty).
type Metric struct {
	Namespace  string
	MetricName string
	Dimensions []Dimension
	// Stat is a statistic or extended statistic: Average, Sum, p90, tm95 ...
	Stat string
	// Unit is empty unless the user insists on one.
	Unit string
	// Period is in seconds: 10, 20, 30 or a multiple of 60.
	Period int64
	// Hourly says that the alarms on it look back more than a day (see MultiDay): its buckets end at the top
	// of the hour, those of other periods above a minute at the full minute.
	Hourly bool
	// Queries is metric math: exactly one of them returns data. The fields above but Period and Hourly are empty then.
	Queries []MetricDataQuery
}

// Dimension is a name and value that narrow a metric down (API Dimension).
type Dimension struct{ Name, Value string }

// MetricDataQuery is one line of metric math (API TargetTrackingMetricDataQuery): an expression, or a metric.
type MetricDataQuery struct {
	ID         string
	Expression string
	Metric     *Metric
	ReturnData bool
}

// Key is the identity of what would be asked of CloudWatch; metrics with equal keys share one query.
func (m *Metric) Key() string {
	var b strings.Builder
	m.writeKey(&b)
	return b.String()
}

func (m *Metric) writeKey(b *strings.Builder) {
	for _, s := range []string{m.Namespace, m.MetricName, m.Stat, m.Unit, strconv.FormatInt(m.Period, 10)} {
		b.WriteString(strconv.Quote(s))
	}
	if m.Hourly {
		b.WriteString("hourly")
	}
	for _, d := range m.Dimensions {
		b.WriteString(strconv.Quote(d.Name) + "=" + strconv.Quote(d.Value))
	}
	for _, q := range m.Queries {
		b.WriteString("{" + strconv.Quote(q.ID) + strconv.Quote(q.Expression) + strconv.FormatBool(q.ReturnData))
		if q.Metric != nil {
			q.Metric.writeKey(b)
		}
		b.WriteString("}")
	}
}

// Observation is what one look at the world gave. It is only read.
type Observation struct {
	Service Service
	// Series has one entry for each of Target.Metrics, in that order.
	Series []*Series
	// Due says for each of Target.Metrics whether alarms on it are evaluated at this look; nil means
	// all. Between two evaluations (each minute, each 10 s for periods under 60 s) an alarm keeps its
	// state and does not act.
	Due []bool
	// Fleet is how all targets of the daemon are, for the brake that concerns them all.
	Fleet Fleet
	// Managed says whether Application Auto Scaling stands against writing to the service.
	Managed Managed
}

// Managed is what is known of a service's managed scaling by Application Auto Scaling.
type Managed string

// The kinds of managed scaling that matter.
const (
	// NotManaged stands against nothing: the service is no scalable target there, or one that is suspended, or it does
	// not matter.
	NotManaged Managed = ""
	// ManagedUnknown says that there has been no answer yet.
	ManagedUnknown Managed = "unknown"
	// ManagedToo says that the service is a scalable target there, and not all of its scaling is suspended.
	ManagedToo Managed = "managed"
)

// Series holds the buckets of one metric on its period grid, oldest first. It is owned by the
// reader that fills it; several targets may share one.
type Series struct {
	// End is the unix second at which the newest bucket of Values ends.
	End int64
	// Period is the width of a bucket in seconds.
	Period int64
	// Values has NaN where no datapoint is known.
	Values []float64
	// Delay is how many seconds after its end a bucket may still be unpublished rather than missing.
	Delay int64
	// Soonest is how many seconds after its end a bucket is published at the soonest, as far as anybody knows; 0 knows
	// nothing. Only Decision.Next rests on it.
	Soonest int64
	// Partial says that the last read was incomplete (PartialData, a failed page): it may not justify a scale-in.
	Partial bool
	// Failed says that the last read gave no answer at all: alarms keep their state and nothing acts on it.
	Failed bool
}

// ServiceStatus is the status of an ECS service (API Service.status), or MISSING when ECS does not know it.
type ServiceStatus string

// The statuses of a service.
const (
	ServiceActive   ServiceStatus = "ACTIVE"
	ServiceDraining ServiceStatus = "DRAINING"
	ServiceInactive ServiceStatus = "INACTIVE"
	ServiceMissing  ServiceStatus = "MISSING"
)

// Service is an ECS service as last described (API DescribeServices).
type Service struct {
	// DescribedAt is zero as long as the service has not been described.
	DescribedAt time.Time     `json:"described_at"`
	Status      ServiceStatus `json:"status"`
	// Reason is why the service is MISSING or could not be described, in ECS's words.
	Reason string `json:"reason,omitempty"`
	// Daemon is true for the DAEMON scheduling strategy, whose count nobody sets.
	Daemon  bool `json:"daemon,omitempty"`
	Desired int  `json:"desired"`
	Running int  `json:"running"`
	Pending int  `json:"pending"`
	// Base is the running count that computations start from: Running, or that of the PRIMARY
	// deployment while a native blue/green, linear or canary deployment runs two revisions.
	Base int `json:"base"`
	// Controller is ECS, CODE_DEPLOY or EXTERNAL (API DeploymentController.type).
	Controller string `json:"controller"`
	// Deploying says that a deployment is in progress: a PRIMARY with rollout state IN_PROGRESS,
	// or more than one deployment.
	Deploying bool `json:"deploying,omitempty"`
}
