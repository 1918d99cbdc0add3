package scaling

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"ecs-autoscaler/sim/wire"
)

func (r *request) checkPolicy(t *target, name, kind string, config map[string]any) *wire.Error {
	in := wire.In(config)
	var err *wire.Error
	switch kind {
	case stepping:
		err = checkSteps(in)
	case predictive:
		err = checkForecast(in)
	default:
		err = r.checkTracking(t, name, in)
	}
	if err == nil {
		err = in.Err()
	}
	return err
}

// metricTypes are the predefined metrics of target tracking for ECS (aws-semantics 1.2); the value says that it comes
// each 20 seconds. The API's enum does not have those yet.
var metricTypes = map[string]bool{
	"ECSServiceAverageCPUUtilization": false, "ECSServiceAverageMemoryUtilization": false, albRequests: false,
	"ECSServiceAverageCPUUtilizationHighResolution": true, "ECSServiceAverageMemoryUtilizationHighResolution": true,
}

const albRequests = "ALBRequestCountPerTarget"

// checkTracking applies aws-semantics 1.1 to 1.4.
func (r *request) checkTracking(t *target, name string, in *wire.Input) *wire.Error {
	path := "targetTrackingScalingPolicyConfiguration"
	in.Bool("DisableScaleIn", false)
	err := firstBroken(
		rule{!in.Has("TargetValue"), missing(path + ".targetValue")},
		rule{in.Has("PredefinedMetricSpecification") == in.Has("CustomizedMetricSpecification"),
			invalid("A target tracking policy needs exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification.")},
		rule{number(in.Members()["TargetValue"]) <= 0, invalid("TargetValue must be greater than 0.")},
		rule{in.Int("ScaleOutCooldown", 0) < 0, invalid("ScaleOutCooldown must be 0 or more.")},
		rule{in.Int("ScaleInCooldown", 0) < 0, invalid("ScaleInCooldown must be 0 or more.")},
	)
	if err != nil {
		return err
	}
	if in.Has("PredefinedMetricSpecification") {
		err = r.checkPredefined(t, path, in.Structure("PredefinedMetricSpecification"))
	} else {
		err = checkCustomized(in.Structure("CustomizedMetricSpecification"))
	}
	if err != nil {
		return err
	}
	for _, p := range t.policies {
		if p.kind == tracking && p.name != name && sameMetric(p.config, in.Members()) {
			return invalid("Only one TargetTrackingScaling policy for a given metric specification is allowed.")
		}
	}
	return nil
}

var resourceLabel = regexp.MustCompile(`^app/[^/]+/[^/]+/targetgroup/[^/]+/[^/]+$`)

func (r *request) checkPredefined(t *target, path string, in *wire.Input) *wire.Error {
	kind, label := in.Text("PredefinedMetricType"), in.Text("ResourceLabel")
	fast, known := metricTypes[kind]
	switch {
	case !known:
		return oneOf(kind, path+".predefinedMetricSpecification.predefinedMetricType", slices.Sorted(maps.Keys(metricTypes)))
	case kind != albRequests && label != "":
		return invalid("ResourceLabel must not be specified for the metric type %s.", kind)
	case kind == albRequests && !resourceLabel.MatchString(label):
		return invalid("ResourceLabel must be app/LOAD-BALANCER/ID/targetgroup/TARGET-GROUP/ID for the metric type %s, not %q.", kind, label)
	case r.Setup:
		return nil
	}
	service, _ := r.options.Fleet.Service(t.cluster, t.service, r.Now)
	if kind == albRequests && tail(label) != tail(service.TargetGroup) {
		return invalid("The target group of the resource label %s is not attached to the service %s.", label, t.resource)
	}
	if fast && !service.HighResolution {
		return invalid("High-resolution metrics are not fully enabled on the service %s.", t.resource)
	}
	return nil
}

// tail is the target group's part of a resource label; AWS does not compare the load balancer (aws-semantics 1.3).
func tail(label string) string {
	_, group, _ := strings.Cut(label, "/targetgroup/")
	return group
}

var statistics = []string{"Average", "Minimum", "Maximum", "SampleCount", "Sum"}

func checkCustomized(in *wire.Input) *wire.Error {
	if !in.Has("Metrics") {
		switch {
		case in.Text("Namespace") == "" || in.Text("MetricName") == "":
			return invalid("A CustomizedMetricSpecification needs MetricName, Namespace and Statistic, or Metrics.")
		case !slices.Contains(statistics, in.Text("Statistic")):
			return oneOf(in.Text("Statistic"), "targetTrackingScalingPolicyConfiguration.customizedMetricSpecification.statistic", statistics)
		}
		return in.Err()
	}
	for _, member := range []string{"Namespace", "MetricName", "Statistic", "Unit", "Dimensions"} {
		if in.Has(member) {
			return invalid("A CustomizedMetricSpecification with Metrics takes no %s.", member)
		}
	}
	returned := 0
	for _, q := range in.Structures("Metrics") {
		if q.Has("Expression") == q.Has("MetricStat") {
			return invalid("The metric %q needs exactly one of Expression and MetricStat.", q.Text("Id"))
		}
		if q.Bool("ReturnData", true) {
			returned++
		}
	}
	if returned != 1 {
		return invalid("Exactly one of the Metrics must have ReturnData true, not %d.", returned)
	}
	return in.Err()
}

// sameMetric compares what two policies follow: unit, label and query ids make no difference (aws-semantics 1.4).
func sameMetric(a, b map[string]any) bool { return metricIdentity(a) == metricIdentity(b) }

func metricIdentity(config map[string]any) string {
	in := wire.In(config)
	if p := in.Structure("PredefinedMetricSpecification"); in.Has("PredefinedMetricSpecification") {
		return p.Text("PredefinedMetricType") + " " + p.Text("ResourceLabel")
	}
	c := in.Structure("CustomizedMetricSpecification")
	if c.Has("Metrics") {
		return fmt.Sprint(c.Members()["Metrics"])
	}
	dims := []string{}
	for _, d := range c.Structures("Dimensions") {
		dims = append(dims, d.Text("Name")+"="+d.Text("Value"))
	}
	slices.Sort(dims)
	return fmt.Sprint(c.Text("Namespace"), " ", c.Text("MetricName"), " ", c.Text("Statistic"), " ", dims)
}

// number is a value of JSON, CBOR or YAML as a number.
func number(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	case int:
		return float64(v)
	}
	return 0
}
