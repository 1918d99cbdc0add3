package evaluator

// Alarm is a CloudWatch metric alarm that the evaluator keeps itself (API PutMetricAlarm).
type Alarm struct {
	// Name is high or low for target tracking, alarm for a step policy.
	Name string
	// Metric is the index in Target.Metrics of what the alarm watches.
	Metric int
	// SampleCount is the index in Target.Metrics of the same metric's SampleCount, or -1. It is read
	// only for a percentile alarm that ignores low sample counts.
	SampleCount int
	// EvaluationPeriods is N, DatapointsToAlarm is M, 1 <= M <= N.
	EvaluationPeriods, DatapointsToAlarm int
	Threshold                            float64
	Operator                             ComparisonOperator
	Missing                              TreatMissingData
	// Percentile is p in (0,1) of a percentile alarm with EvaluateLowSampleCountPercentile
	// "ignore"; 0 otherwise.
	Percentile float64
}

// ComparisonOperator compares a datapoint with the threshold (API ComparisonOperator).
type ComparisonOperator string

// The four operators for a static threshold.
const (
	GreaterThanThreshold          ComparisonOperator = "GreaterThanThreshold"
	GreaterThanOrEqualToThreshold ComparisonOperator = "GreaterThanOrEqualToThreshold"
	LessThanThreshold             ComparisonOperator = "LessThanThreshold"
	LessThanOrEqualToThreshold    ComparisonOperator = "LessThanOrEqualToThreshold"
)

// Below says that an alarm with this operator looks for values under its threshold; otherwise it looks for those above it.
func (op ComparisonOperator) Below() bool {
	return op == LessThanThreshold || op == LessThanOrEqualToThreshold
}

// orEqual says that the threshold itself breaches.
func (op ComparisonOperator) orEqual() bool {
	return op == GreaterThanOrEqualToThreshold || op == LessThanOrEqualToThreshold
}

// Words is the operator as it stands before a threshold in a sentence: above, at or above, below, at or below.
func (op ComparisonOperator) Words() string {
	words := "above"
	if op.Below() {
		words = "below"
	}
	if op.orEqual() {
		words = "at or " + words
	}
	return words
}

// TreatMissingData says what a bucket without datapoint counts as (API PutMetricAlarm TreatMissingData).
type TreatMissingData string

// The four modes; missing is CloudWatch's default.
const (
	TreatMissing      TreatMissingData = "missing"
	TreatIgnore       TreatMissingData = "ignore"
	TreatBreaching    TreatMissingData = "breaching"
	TreatNotBreaching TreatMissingData = "notBreaching"
)

// AlarmState is the state of an alarm (API StateValue).
type AlarmState string

// The three states; a new alarm starts in InsufficientDataState.
const (
	OKState               AlarmState = "OK"
	AlarmingState         AlarmState = "ALARM"
	InsufficientDataState AlarmState = "INSUFFICIENT_DATA"
)
