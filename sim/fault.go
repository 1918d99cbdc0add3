package sim

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"ecs-autoscaler/sim/dynamo"
	"ecs-autoscaler/sim/fleet"
	"ecs-autoscaler/sim/wire"
)

// FaultKind is what goes wrong.
type FaultKind string

// Faults of a whole call.
const (
	// Throttling answers ThrottlingException (CloudWatch: Throttling).
	Throttling FaultKind = "throttling"
	// ServerError answers 500 ServerException (CloudWatch: InternalServiceError).
	ServerError FaultKind = "server_error"
	// AccessDenied answers AccessDeniedException and names the action.
	AccessDenied FaultKind = "access_denied"
	// ExpiredCredentials answers ExpiredTokenException.
	ExpiredCredentials FaultKind = "expired_credentials"
	// InvalidCredentials answers UnrecognizedClientException.
	InvalidCredentials FaultKind = "invalid_credentials"
	// CustomError answers Status, Code and Message of the fault.
	CustomError FaultKind = "error"
	// TimeoutBefore never answers, and the call has no effect.
	TimeoutBefore FaultKind = "timeout_before"
	// TimeoutAfter never answers, but the call has its effect.
	TimeoutAfter FaultKind = "timeout_after"
	// Hang has the effect, sends headers and half of the answer, then nothing more.
	Hang FaultKind = "hang"
	// ConnectionReset cuts the connection before any effect.
	ConnectionReset FaultKind = "connection_reset"
	// ConnectionResetAfter cuts the connection after the effect.
	ConnectionResetAfter FaultKind = "connection_reset_after"
	// Slow answers after Delay of real time.
	Slow FaultKind = "slow"
)

// Faults of DynamoDB.
const (
	// TransactionConflict answers as if another transaction held an item: TransactionConflictException for a single
	// write, TransactionCanceledException for a transaction. Other calls are not struck.
	TransactionConflict FaultKind = "transaction_conflict"
	// UnprocessedItems leaves half of a batch undone, in UnprocessedItems and UnprocessedKeys. Other calls are not struck.
	UnprocessedItems FaultKind = "unprocessed_items"
)

// Faults of single metrics in the answers of GetMetricData and GetMetricStatistics.
const (
	// PartialData returns the older half of the datapoints with status PartialData and no token to go on.
	PartialData FaultKind = "partial_data"
	// InternalError returns status InternalError without datapoints.
	InternalError FaultKind = "internal_error"
	// Forbidden returns status Forbidden without datapoints.
	Forbidden FaultKind = "forbidden"
	// MissingDatapoints leaves datapoints out; which ones is decided once for each.
	MissingDatapoints FaultKind = "missing_datapoints"
	// LateDatapoints makes datapoints visible Delay later.
	LateDatapoints FaultKind = "late_datapoints"
	// DuplicateDatapoints returns datapoints twice.
	DuplicateDatapoints FaultKind = "duplicate_datapoints"
	// OutOfOrder returns datapoints in a shuffled order.
	OutOfOrder FaultKind = "out_of_order"
)

// trait is what a kind of fault does.
type trait struct {
	early, late ending                                    // how the call ends before, and after its effect
	answer      func(c *call, f *activeFault) *wire.Error // answers instead of the operation
	strike      func(r *metricResult, f *activeFault)     // strikes one result, its datapoints in ascending order
	operations  []string                                  // which calls it can strike; nil is all
	half        bool                                      // does half of a batch
	ofPoint     bool                                      // strikes single datapoints
	delay       time.Duration                             // the default of Delay
}

// ofMetric says whether the kind concerns single metrics, not whole calls.
func (t *trait) ofMetric() bool { return t.strike != nil || t.ofPoint }

// traits has every kind of fault.
var traits = map[FaultKind]*trait{
	Throttling:           {answer: func(c *call, _ *activeFault) *wire.Error { return throttled(c.wire) }},
	ServerError:          {answer: func(c *call, _ *activeFault) *wire.Error { return serverError(c.wire) }},
	AccessDenied:         {answer: func(c *call, _ *activeFault) *wire.Error { return c.denied() }},
	ExpiredCredentials:   {answer: func(c *call, _ *activeFault) *wire.Error { return expired(c.wire) }},
	InvalidCredentials:   {answer: func(c *call, _ *activeFault) *wire.Error { return unrecognized(c.wire) }},
	CustomError:          {answer: func(_ *call, f *activeFault) *wire.Error { return f.answer() }},
	TimeoutBefore:        {early: silent},
	TimeoutAfter:         {late: silent},
	Hang:                 {late: stalled},
	ConnectionReset:      {early: cut},
	ConnectionResetAfter: {late: cut},
	Slow:                 {delay: time.Second},
	TransactionConflict: {answer: func(c *call, _ *activeFault) *wire.Error { return dynamo.Contended(c.wire.Operation, c.in) },
		operations: []string{"DeleteItem", "PutItem", "TransactGetItems", "TransactWriteItems", "UpdateItem"}},
	UnprocessedItems:    {half: true, operations: []string{"BatchGetItem", "BatchWriteItem"}},
	PartialData:         {strike: (*metricResult).halve},
	InternalError:       {strike: (*metricResult).fail},
	Forbidden:           {strike: (*metricResult).fail},
	MissingDatapoints:   {ofPoint: true},
	LateDatapoints:      {ofPoint: true, delay: 5 * time.Minute},
	DuplicateDatapoints: {strike: (*metricResult).repeat},
	OutOfOrder:          {strike: (*metricResult).shuffle},
}

// Fault is something that goes wrong, for a while, for some calls or metrics. Empty fields match everything.
type Fault struct {
	// ID names an injected fault; Region.Inject sets it.
	ID   string
	Kind FaultKind
	// API is ecs, cloudwatch, application-autoscaling, dynamodb or sts.
	API string
	// Operation is a name such as UpdateService; a pattern with * and ? too.
	Operation string
	// Service is cluster/service; a pattern with * and ? too. A call that names several matches if any of them does.
	Service string
	// Table is the name of a table of DynamoDB; a pattern with * and ? too.
	Table string
	// Account and Region limit the fault to one place, or several by a pattern. AssumeRole counts to the account of its role.
	Account, Region string
	// Metric is a metric name such as CPUUtilization; a pattern with * and ? too. Faults of single metrics only.
	Metric string
	// From and To bound the fault in time since the region's time zero; To is exclusive, 0 = it does not end.
	From, To time.Duration
	// Probability is how often it strikes, above 0 to 1; 0 = always. The dice are cast by the region's seed.
	Probability float64
	// Count is how many calls it strikes at most; 0 = any number. Not for missing and late datapoints.
	Count int
	// Delay is how much later: an answer (Slow, default 1 s) or a datapoint (LateDatapoints, default 300 s).
	Delay time.Duration
	// Code, Message and Status are the answer of CustomError.
	Code, Message string
	Status        int
}

// check says what is wrong with a fault, and with which field of the file.
func (f *Fault) check() (field string, err error) {
	if traits[f.Kind] == nil {
		return "kind", fmt.Errorf("%q is none of the kinds %s", f.Kind, strings.Join(kinds(), ", "))
	}
	apis := []string{"", wire.ECS, wire.CloudWatch, wire.AutoScaling, wire.DynamoDB, wire.STS}
	for _, rule := range []struct {
		field string
		holds bool
		text  string
	}{
		{"api", slices.Contains(apis, f.API), "must be ecs, cloudwatch, application-autoscaling, dynamodb or sts"},
		{"to", f.To == 0 || f.To > f.From, "the end must be later than the beginning"},
		{"probability", f.Probability >= 0 && f.Probability <= 1, "must be above 0, up to 1"},
		{"count", f.Count >= 0, "must not be negative"},
		{"delay", f.Delay >= 0, "must not be negative"},
		{"metric", f.Metric == "" || traits[f.Kind].ofMetric(), "this kind of fault strikes whole calls; name operation or service"},
		{"code", f.Kind != CustomError || f.Code != "", "a fault of kind error needs a code"},
		{"status", f.Kind != CustomError || f.Status >= 400 && f.Status <= 599, "a fault of kind error needs a status from 400 to 599"},
		{"operation", isPattern(f.Operation), "is no pattern of names, * and ?"},
		{"service", isPattern(f.Service), "is no pattern of names, * and ?"},
		{"metric", isPattern(f.Metric), "is no pattern of names, * and ?"},
		{"table", isPattern(f.Table), "is no pattern of names, * and ?"},
		{"account", isPattern(f.Account), "is no pattern of digits, * and ?"},
		{"region", isPattern(f.Region), "is no pattern of names, * and ?"},
	} {
		if !rule.holds {
			return rule.field, errors.New(rule.text)
		}
	}
	return "", nil
}

func isPattern(text string) bool {
	_, err := path.Match(text, "")
	return err == nil
}

// answer is what a fault of kind error answers.
func (f *Fault) answer() *wire.Error {
	return &wire.Error{Status: f.Status, Code: f.Code, Message: f.Message}
}

func kinds() []string {
	names := map[string]bool{}
	for k := range traits {
		names[string(k)] = true
	}
	return sorted(names)
}

// activeFault is a fault at work in a region.
type activeFault struct {
	Fault
	seed   uint64
	mu     sync.Mutex
	struck int
	at     time.Duration     // of the last throw of the dice
	throws map[uint64]uint64 // at that time, by what they were for
}

// during says whether now is between the fault's bounds.
func (f *activeFault) during(now time.Duration) bool {
	return now >= f.From && (f.To == 0 || now < f.To)
}

// strike casts the dice for a call or a metric of a call. They depend on what and when it is, and on how often just that
// was asked at this moment already: requests that come at once do not change each other's luck.
func (f *activeFault) strike(what func() uint64, now time.Duration) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Count > 0 && f.struck >= f.Count || f.Probability > 0 && f.cast(what(), now) >= f.Probability {
		return false
	}
	f.struck++
	return true
}

func (f *activeFault) cast(what uint64, now time.Duration) float64 {
	if f.at != now || f.throws == nil {
		f.at, f.throws = now, map[uint64]uint64{}
	}
	again := f.throws[what]
	f.throws[what]++
	return fleet.Noise(f.seed^what, uint64(now)+again<<48)
}

// hits casts the dice for one datapoint, always with the same result for the same one.
func (f *activeFault) hits(metric uint64, second int64) bool {
	return f.Probability == 0 || fleet.Noise(f.seed^metric, uint64(second)) < f.Probability
}

// matches compares a name with a pattern; an empty pattern matches all. A cluster/service pattern of just * does too.
func matches(pattern, name string) bool {
	if pattern == "" || pattern == "*" || pattern == name {
		return true
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// covers says whether a fault can strike anything in a call.
func (f *activeFault) covers(c *call) bool {
	return (f.API == "" || f.API == c.wire.Service) && matches(f.Operation, c.wire.Operation) &&
		(f.Account == "" || matches(f.Account, c.target())) && matches(f.Region, c.region.scenario.region)
}

// concerns says whether a fault strikes a call as a whole.
func (f *activeFault) concerns(c *call) bool {
	named := func(k key) bool { return matches(f.Service, k.String()) }
	if only := traits[f.Kind].operations; only != nil && !slices.Contains(only, c.wire.Operation) {
		return false
	}
	return f.covers(c) && (f.Service == "" || slices.ContainsFunc(c.services, named)) &&
		(f.Table == "" || slices.ContainsFunc(c.tables, func(t string) bool { return matches(f.Table, t) }))
}
