package managed

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
)

// Of reads a configuration back as managed policies. What AWS does not have - patterns, other accounts, the options and rails
// that are ours - is lost by name.
func Of(c *config.Config) Document {
	r := &reverse{doc: Document{Region: c.Region}}
	for _, t := range c.Targets {
		r.place = Place{File: t.File, Line: t.Line, Resource: t.Pattern()}
		switch {
		case t.IsPattern() || t.Tags != nil:
			r.lose("", "left out: AWS has no patterns and chooses no services by tags; write one entry for each service")
		case t.Account != "":
			r.lose("account", "left out: write the entries of this account into a configuration of its own")
		default:
			r.target(t)
		}
	}
	return r.doc
}

type reverse struct {
	doc   Document
	place Place
}

func (r *reverse) lose(attribute, why string) {
	r.doc.Losses = append(r.doc.Losses, Loss{Place: r.place, Attribute: attribute, Why: why})
}

const ours = "left out: AWS has no such option"

func (r *reverse) target(t *config.Target) {
	bound := t.Bind(t.Cluster, t.Service)
	s := bound.Suspended
	out := Target{
		Place: r.place, Cluster: t.Cluster, Service: t.Service, Min: bound.Min, Max: bound.Max,
		Suspended: Suspended{In: s.DynamicScalingIn, Out: s.DynamicScalingOut, Scheduled: s.Scheduled},
	}
	r.unlike(bound.Rails != nil, "safety rails")
	r.unlike(bound.ScaleInDuringDeployment, "scale_in_during_deployment")
	r.unlike(bound.StartSwitchedOff, "start_switched_off_services")
	for i := range bound.Policies {
		p := &bound.Policies[i]
		r.place.Resource = t.Pattern() + " " + p.Name
		r.unlike(p.CooldownScope != evaluator.ScopePolicy, "cooldown_scope")
		r.unlike(p.CooldownCredit != evaluator.CreditBase, "cooldown_credit")
		r.unlike(!p.ScaleInDuringScaleOutCooldown, "scale_in_during_scale_out_cooldown")
		if p.Type == evaluator.TargetTrackingScaling {
			out.Tracking = append(out.Tracking, r.tracking(p, bound))
		} else {
			out.Steps = append(out.Steps, r.step(p, bound))
		}
	}
	for i := range t.ScheduledActions {
		r.place.Resource = t.Pattern() + " " + t.ScheduledActions[i].Name
		out.Actions = append(out.Actions, r.action(&t.ScheduledActions[i]))
	}
	for i := range t.PredictiveScaling {
		r.place.Resource = t.Pattern() + " " + t.PredictiveScaling[i].Name
		out.Predictive = append(out.Predictive, r.predictive(&t.PredictiveScaling[i]))
	}
	r.doc.Targets = append(r.doc.Targets, out)
}

func (r *reverse) unlike(differs bool, attribute string) {
	if differs {
		r.lose(attribute, ours)
	}
}

func seconds(d time.Duration) int { return int(d / time.Second) }

func (r *reverse) tracking(p *evaluator.Policy, t *evaluator.Target) Tracking {
	m := t.Metrics[p.Alarms[0].Metric]
	out := Tracking{
		Place: r.place, Name: p.Name, TargetValue: p.TargetTracking.TargetValue, DisableScaleIn: p.TargetTracking.DisableScaleIn,
		ScaleOutCooldown: seconds(p.ScaleOutCooldown), ScaleInCooldown: seconds(p.ScaleInCooldown),
	}
	period := out.follow(&m, t)
	r.unlike(p.Aggregation != evaluator.Average, "metric_aggregation")
	for i, a := range p.Alarms {
		n, percent, name := 3, 100.0, "scale_out_alarm"
		if i == 1 {
			n, percent, name = 15, 90, "scale_in_alarm"
			if period < 60 {
				n = 30
			}
		}
		same := a.EvaluationPeriods == n && a.DatapointsToAlarm == n && t.Metrics[a.Metric].Period == period
		same = same && math.Abs(a.Threshold*100/percent-out.TargetValue) <= 1e-9*out.TargetValue
		r.unlike(!same, name)
	}
	return out
}

// follow sets what the policy follows, and gives the period that AWS would read it in.
func (p *Tracking) follow(m *evaluator.Metric, t *evaluator.Target) int64 {
	if len(m.Queries) == 0 && m.Unit == "" {
		if p.Predefined, p.ResourceLabel = predefined(m, t); p.Predefined != "" {
			return m.Period
		}
	}
	p.Metric = metricOf(m)
	return metricPeriod
}

// predefined is the type that stands for a metric, if one does (aws-semantics 1.2).
func predefined(m *evaluator.Metric, t *evaluator.Target) (name, label string) {
	dims := map[string]string{}
	for _, d := range m.Dimensions {
		dims[d.Name] = d.Value
	}
	if len(dims) != 2 {
		return "", ""
	}
	switch m.Namespace + " " + m.Stat {
	case "AWS/ECS Average":
		if dims["ClusterName"] == t.Cluster && dims["ServiceName"] == t.Service {
			return utilization(m), ""
		}
	case "AWS/ApplicationELB Sum":
		label = dims["LoadBalancer"] + "/" + dims["TargetGroup"]
		if m.MetricName == "RequestCountPerTarget" && balancer.MatchString(label) {
			return "ALBRequestCountPerTarget", label
		}
	}
	return "", ""
}

// balancer is the form of a resource label.
var balancer = regexp.MustCompile(`^app/[^/]+/[^/]+/targetgroup/[^/]+/[^/]+$`)

// utilization is the type of a service's own metrics.
func utilization(m *evaluator.Metric) string {
	name := map[string]string{
		"CPUUtilization": "ECSServiceAverageCPUUtilization", "MemoryUtilization": "ECSServiceAverageMemoryUtilization",
	}[m.MetricName]
	if name != "" && m.Period < metricPeriod {
		name += "HighResolution"
	}
	return name
}

func metricOf(m *evaluator.Metric) Metric {
	out := Metric{Namespace: m.Namespace, Name: m.MetricName, Statistic: m.Stat, Unit: m.Unit, Queries: queriesOf(m.Queries)}
	for _, d := range m.Dimensions {
		out.Dimensions = append(out.Dimensions, Dimension{d.Name, d.Value})
	}
	return out
}

func queriesOf(all []evaluator.MetricDataQuery) []Query {
	var out []Query
	for _, q := range all {
		query := Query{ID: q.ID, Expression: q.Expression, Hidden: !q.ReturnData}
		if q.Metric != nil {
			m := metricOf(q.Metric)
			query.Metric = &m
		}
		out = append(out, query)
	}
	return out
}

func (r *reverse) step(p *evaluator.Policy, t *evaluator.Target) Step {
	a := p.Alarms[0]
	m := t.Metrics[a.Metric]
	out := Step{
		Place: r.place, Name: p.Name, AdjustmentType: string(p.Step.AdjustmentType), AggregationType: string(p.Aggregation),
		Cooldown: seconds(p.ScaleOutCooldown), MinMagnitude: p.Step.MinAdjustmentMagnitude,
		Alarm: Alarm{
			Place: r.place, Metric: metricOf(&m), Operator: string(a.Operator), Threshold: a.Threshold, Period: int(m.Period),
			EvaluationPeriods: a.EvaluationPeriods, DatapointsToAlarm: a.DatapointsToAlarm, TreatMissing: string(a.Missing),
			IgnoreLowSamples: a.Percentile > 0,
		},
	}
	for _, s := range p.Step.Adjustments {
		out.Adjustments = append(out.Adjustments,
			Adjustment{Lower: finite(s.LowerBound), Upper: finite(s.UpperBound), Change: s.ScalingAdjustment})
	}
	return out
}

func finite(x float64) *float64 {
	if math.IsInf(x, 0) {
		return nil
	}
	return &x
}

func (r *reverse) action(a *config.ScheduledAction) Action {
	r.unlike(a.CatchUp != config.CatchUpNewest, "catch_up")
	return Action{
		Place: r.place, Name: a.Name, Schedule: a.Schedule.Expression.String(), Timezone: a.Schedule.Zone.String(),
		StartTime: instant(a.Schedule.Start), EndTime: instant(a.Schedule.End), Min: a.MinCapacity, Max: a.MaxCapacity,
	}
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func (r *reverse) predictive(p *config.PredictivePolicy) Predictive {
	return Predictive{
		Place: r.place, Name: p.Name, TargetValue: p.TargetValue, Pair: p.MetricPair, Scaling: p.ScalingMetric, Load: p.LoadMetric,
		ResourceLabel: p.ResourceLabel, CustomizedScaling: queriesOf(p.CustomizedScalingMetric),
		CustomizedLoad: queriesOf(p.CustomizedLoadMetric), CustomizedCapacities: queriesOf(p.CustomizedCapacityMetric),
		Mode: string(p.Mode), BufferTime: seconds(p.SchedulingBufferTime), Breach: string(p.MaxCapacityBreachBehavior),
		Buffer: p.MaxCapacityBuffer,
	}
}

var (
	notLabel = regexp.MustCompile(`[^A-Za-z0-9_]`)
	digit    = regexp.MustCompile(`^([0-9]|$)`)
)

// unused gives a label that is not taken yet: letters, digits and _ of the name.
func unused(taken *[]string, name string) string {
	label := notLabel.ReplaceAllString(name, "_")
	if digit.MatchString(label) {
		label = "_" + label
	}
	free := label
	for n := 2; slices.Contains(*taken, free); n++ {
		free = label + "_" + strconv.Itoa(n)
	}
	*taken = append(*taken, free)
	return free
}
