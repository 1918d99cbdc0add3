package managed

import (
	"fmt"
	"strings"
)

// Document is all the scaling that one source describes, in the order of the source.
type Document struct {
	// Region is an AWS region, or "" where the source names none.
	Region  string
	Targets []Target
	// Losses are what has no counterpart or was changed; Notes are what people have to know or do.
	Losses, Notes []Loss
	// Missing are the names of values that the source takes from elsewhere and that nothing can stand for, in order.
	Missing []string
}

// Place is where an entry came from.
type Place struct {
	File string
	// Line counts from 1; 0 where the source has no lines, as a plan or an account.
	Line int
	// Resource is its name there, such as aws_appautoscaling_policy.cpu.
	Resource string
}

// String is FILE:LINE RESOURCE, without what is not known.
func (p Place) String() string {
	at := p.File
	if p.Line > 0 {
		at = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return strings.TrimSpace(at + " " + p.Resource)
}

// Loss is an attribute that was left out or changed, or something to know. Attribute and Value are "" where it is about the whole.
type Loss struct {
	Place
	Attribute, Value string
	// Why says what became of it.
	Why string
}

// String is one line: place, attribute = value: why.
func (l Loss) String() string {
	if at := l.Place.String(); at != "" {
		return at + ": " + l.What()
	}
	return l.What()
}

// What is the line without the place.
func (l Loss) What() string {
	what := l.Attribute
	if l.Value != "" {
		what += " = " + l.Value
	}
	if what != "" {
		what += ": "
	}
	return oneLine(what + l.Why)
}

// oneLine puts a blank for whatever would end a comment or move a cursor.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !printable(r) {
			return ' '
		}
		return r
	}, s)
}

// Target is a scalable target (API RegisterScalableTarget).
type Target struct {
	Place            Place
	Cluster, Service string
	// Min and Max are MinCapacity and MaxCapacity.
	Min, Max   int
	Suspended  Suspended
	Tracking   []Tracking
	Steps      []Step
	Actions    []Action
	Predictive []Predictive
}

// ResourceID is the name that Application Auto Scaling has for the service.
func (t *Target) ResourceID() string { return "service/" + t.Cluster + "/" + t.Service }

// Suspended has the switches of API SuspendedState.
type Suspended struct{ In, Out, Scheduled bool }

// AWS's defaults for ECS (API PutScalingPolicy), which are ours and are not written.
const (
	Cooldown       = 300
	BufferTime     = 300
	Aggregation    = "Average"
	ForecastOnly   = "ForecastOnly"
	HonorMax       = "HonorMaxCapacity"
	IncreaseMax    = "IncreaseMaxCapacity"
	TreatMissing   = "missing"
	UTC            = "UTC"
	metricPeriod   = 60
	percentChanges = "PercentChangeInCapacity"
)

// Tracking is a target-tracking policy. Predefined or Metric says what it follows.
type Tracking struct {
	Place Place
	Name  string
	// Predefined is a PredefinedMetricType, ResourceLabel belongs to the one of load balancers.
	Predefined, ResourceLabel string
	// Metric is the CustomizedMetricSpecification where Predefined is "".
	Metric      Metric
	TargetValue float64
	// ScaleOutCooldown and ScaleInCooldown are seconds.
	ScaleOutCooldown, ScaleInCooldown int
	DisableScaleIn                    bool
}

// Metric is one metric, or metric math where Queries are given.
type Metric struct {
	Namespace, Name string
	Dimensions      []Dimension
	// Statistic is a simple one or, where the API takes them, an extended one such as p90.
	Statistic, Unit string
	Queries         []Query
}

// Dimension is a name and a value, in the order of the source.
type Dimension struct{ Name, Value string }

// Query is one entry of metric math: an Expression or a Metric.
type Query struct {
	ID, Expression, Label string
	// Metric is nil for an expression; its Queries are empty.
	Metric *Metric
	// Hidden says ReturnData false.
	Hidden bool
}

// Step is a step-scaling policy with the alarm that starts it.
type Step struct {
	Place Place
	Name  string
	Alarm Alarm
	// AdjustmentType and AggregationType are AWS's words.
	AdjustmentType, AggregationType string
	// Cooldown is seconds.
	Cooldown int
	// MinMagnitude is MinAdjustmentMagnitude, 0 for none.
	MinMagnitude int
	Adjustments  []Adjustment
}

// Adjustment is one step; a bound that is nil is open.
type Adjustment struct {
	Lower, Upper *float64
	Change       int
}

// Alarm is a CloudWatch alarm (API PutMetricAlarm).
type Alarm struct {
	Place     Place
	Metric    Metric
	Operator  string
	Threshold float64
	// Period is seconds.
	Period, EvaluationPeriods int
	// DatapointsToAlarm is 0 for as many as EvaluationPeriods.
	DatapointsToAlarm int
	// TreatMissing is "" where the source does not say.
	TreatMissing string
	// IgnoreLowSamples is EvaluateLowSampleCountPercentile ignore.
	IgnoreLowSamples bool
}

// Action is a scheduled action (API PutScheduledAction).
type Action struct {
	Place              Place
	Name, Schedule     string
	Timezone           string
	StartTime, EndTime string
	// Min and Max are nil where the action leaves the bound alone.
	Min, Max *int
}

// Predictive is a predictive-scaling policy. Pair, or Scaling and Load, or the queries are given.
type Predictive struct {
	Place                                                   Place
	Name                                                    string
	TargetValue                                             float64
	Pair, Scaling, Load, ResourceLabel                      string
	CustomizedScaling, CustomizedLoad, CustomizedCapacities []Query
	Mode                                                    string
	// BufferTime is seconds.
	BufferTime int
	// Breach is MaxCapacityBreachBehavior; Buffer is a percentage, with IncreaseMaxCapacity only.
	Breach string
	Buffer int
}
