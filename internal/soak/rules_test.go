package soak

import (
	"fmt"
	"strings"
	"time"
)

// rules are what one version of the configuration says of a class of services. The oracle reads them; the daemon
// gets them as YAML.
type rules struct {
	min, max                  int
	policies                  []*policy
	actions                   []*action
	suspendedIn, suspendedOut bool
	// scope is target where a cooldown holds back every policy.
	scopeTarget bool
	// difference is cooldown_credit: difference.
	difference bool
	// duringDeployment, startOff and duringOut are the options of those names.
	duringDeployment, startOff, duringOut bool
}

// policy is a scaling policy. A tracking policy has both alarms, unless it never scales in; a step policy has the one of its side.
type policy struct {
	name        string
	tracking    bool
	metric      measure
	target      float64
	outCooldown time.Duration
	inCooldown  time.Duration
	disableIn   bool
	aggregation string
	out, in     *alarm
	adjustment  string
	steps       []step
	magnitude   int
}

// alarm is one alarm of a policy: m of n datapoints beyond the threshold.
type alarm struct {
	n, m      int
	period    int64
	threshold float64
	below     bool // looks for values below the threshold
	orEqual   bool
	missing   string
}

// step is a step adjustment between two offsets from the threshold; open ends are beyond ±1e9.
type step struct {
	lower, upper float64
	by           int
}

// measure is a metric that a policy follows.
type measure struct {
	kind   string // cpu, memory, requests, queue, math
	period int64
}

// metricName is what the region calls it.
func (m measure) metricName() string {
	return map[string]string{
		"cpu": "CPUUtilization", "memory": "MemoryUtilization", "requests": "RequestCountPerTarget", "queue": "Backlog", "math": "Jobs",
	}[m.kind]
}

func (m measure) statistic() string {
	switch m.kind {
	case "requests":
		return "Sum"
	case "math":
		return ""
	}
	return "Average"
}

// spare is how many buckets beyond n an alarm looks at (aws-semantics 3.2).
func (a *alarm) spare() int {
	if a.period < 60 {
		return 6
	}
	return 2
}

// breaches says whether a value is beyond the threshold.
func (a *alarm) breaches(v float64) bool {
	switch {
	case v == a.threshold:
		return a.orEqual
	case a.below:
		return v < a.threshold
	default:
		return v > a.threshold
	}
}

// action is a scheduled action; fires are worked out by the oracle itself.
type action struct {
	name     string
	at       time.Time // of an at expression
	hour     int       // of a daily cron otherwise
	minute   int
	weekdays bool
	min, max int // -1 leaves the bound
	catchUp  bool
}

// fires are the instants after from and not after to at which the action fires.
func (a *action) fires(from, to time.Time) (all []time.Time) {
	if !a.at.IsZero() {
		if a.at.After(from) && !a.at.After(to) {
			all = append(all, a.at)
		}
		return all
	}
	for day := from.Truncate(24 * time.Hour); !day.After(to); day = day.Add(24 * time.Hour) {
		at := day.Add(time.Duration(a.hour)*time.Hour + time.Duration(a.minute)*time.Minute)
		if a.weekdays && (day.Weekday() == time.Saturday || day.Weekday() == time.Sunday) {
			continue
		}
		if at.After(from) && !at.After(to) {
			all = append(all, at)
		}
	}
	return all
}

// text writes the rules as the entry of a configuration.
func (r *rules) text(c *class, b *strings.Builder) {
	fmt.Fprintf(b, "  - service: %q\n    min_capacity: %d\n    max_capacity: %d\n", c.pattern(), r.min, r.max)
	fmt.Fprintf(b, "    scale_in_during_deployment: %t\n    start_switched_off_services: %t\n    scale_in_during_scale_out_cooldown: %t\n",
		r.duringDeployment, r.startOff, r.duringOut)
	if r.scopeTarget {
		b.WriteString("    cooldown_scope: target\n")
	}
	if r.difference {
		b.WriteString("    cooldown_credit: difference\n")
	}
	if r.suspendedIn || r.suspendedOut {
		fmt.Fprintf(b, "    suspended_state: {dynamic_scaling_in_suspended: %t, dynamic_scaling_out_suspended: %t}\n", r.suspendedIn, r.suspendedOut)
	}
	r.list(b, "target_tracking", true, c)
	r.list(b, "step_scaling", false, c)
	for i, a := range r.actions {
		if i == 0 {
			b.WriteString("    scheduled_actions:\n")
		}
		a.text(b)
	}
}

func (r *rules) list(b *strings.Builder, title string, tracking bool, c *class) {
	for _, p := range r.policies {
		if p.tracking != tracking {
			continue
		}
		if title != "" {
			fmt.Fprintf(b, "    %s:\n", title)
			title = ""
		}
		if tracking {
			p.trackingText(b, c)
		} else {
			p.stepText(b, c)
		}
	}
}

func (a *action) text(b *strings.Builder) {
	when := fmt.Sprintf("at(%s)", a.at.Format("2006-01-02T15:04:05"))
	switch {
	case a.at.IsZero() && a.weekdays:
		when = fmt.Sprintf("cron(%d %d ? * MON-FRI *)", a.minute, a.hour)
	case a.at.IsZero():
		when = fmt.Sprintf("cron(%d %d * * ? *)", a.minute, a.hour)
	}
	fmt.Fprintf(b, "      - {name: %s, schedule: %q", a.name, when)
	if a.min >= 0 {
		fmt.Fprintf(b, ", min_capacity: %d", a.min)
	}
	if a.max >= 0 {
		fmt.Fprintf(b, ", max_capacity: %d", a.max)
	}
	if !a.catchUp {
		b.WriteString(", catch_up: none")
	}
	b.WriteString("}\n")
}

func (p *policy) trackingText(b *strings.Builder, c *class) {
	fmt.Fprintf(b, "      - name: %s\n        target_value: %g\n        scale_out_cooldown: %d\n        scale_in_cooldown: %d\n        metric_aggregation: %s\n",
		p.name, p.target, int(p.outCooldown.Seconds()), int(p.inCooldown.Seconds()), p.aggregation)
	fmt.Fprintf(b, "        disable_scale_in: %t\n", p.disableIn)
	fmt.Fprintf(b, "        scale_out_alarm: {evaluation_periods: %d, datapoints_to_alarm: %d}\n", p.out.n, p.out.m)
	if p.in != nil {
		fmt.Fprintf(b, "        scale_in_alarm: {evaluation_periods: %d, datapoints_to_alarm: %d}\n", p.in.n, p.in.m)
	}
	p.metric.text(b, c, "        ")
}

func (m measure) text(b *strings.Builder, c *class, indent string) {
	own := fmt.Sprintf("dimensions: {Service: %s}", c.name)
	switch m.kind {
	case "requests":
		fmt.Fprintf(b, "%smetric: ALBRequestCountPerTarget\n%sresource_label: %s\n", indent, indent, c.balancer())
	case "queue":
		fmt.Fprintf(b, "%scustomized_metric: {namespace: Own, metric_name: Backlog, %s, statistic: Average}\n", indent, own)
	case "math":
		fmt.Fprintf(b, "%scustomized_metric: {metrics: [\n", indent)
		fmt.Fprintf(b, "%s  {id: m1, metric_stat: {metric: {namespace: Own, metric_name: Jobs, %s}, stat: Average}, return_data: false},\n", indent, own)
		fmt.Fprintf(b, "%s  {id: m2, metric_stat: {metric: {namespace: ECS/ContainerInsights, metric_name: RunningTaskCount, dimensions: {ClusterName: %s, ServiceName: %s}}, stat: Average}, return_data: false},\n",
			indent, c.cluster, c.name)
		fmt.Fprintf(b, "%s  {id: e1, expression: m1 / m2}]}\n", indent)
	default:
		name := "ECSServiceAverageCPUUtilization"
		if m.kind == "memory" {
			name = "ECSServiceAverageMemoryUtilization"
		}
		if m.period < 60 {
			name += "HighResolution"
		}
		fmt.Fprintf(b, "%smetric: %s\n", indent, name)
	}
}

func (p *policy) stepText(b *strings.Builder, c *class) {
	a := p.alarm()
	operator := "GreaterThan"
	if a.below {
		operator = "LessThan"
	}
	if a.orEqual {
		operator += "OrEqualTo"
	}
	fmt.Fprintf(b, "      - name: %s\n        cooldown: %d\n        adjustment_type: %s\n        metric_aggregation_type: %s\n",
		p.name, int(p.outCooldown.Seconds()), p.adjustment, strings.ToUpper(p.aggregation[:1])+p.aggregation[1:])
	if p.magnitude > 0 {
		fmt.Fprintf(b, "        min_adjustment_magnitude: %d\n", p.magnitude)
	}
	fmt.Fprintf(b, "        alarm:\n          comparison_operator: %sThreshold\n          threshold: %g\n          period: %d\n", operator, a.threshold, a.period)
	fmt.Fprintf(b, "          evaluation_periods: %d\n          datapoints_to_alarm: %d\n          treat_missing_data: %s\n", a.n, a.m, a.missing)
	p.metric.text(b, c, "          ")
	b.WriteString("        step_adjustments:\n")
	for _, s := range p.steps {
		b.WriteString("          - {")
		if s.lower > -1e9 {
			fmt.Fprintf(b, "metric_interval_lower_bound: %g, ", s.lower)
		}
		if s.upper < 1e9 {
			fmt.Fprintf(b, "metric_interval_upper_bound: %g, ", s.upper)
		}
		fmt.Fprintf(b, "scaling_adjustment: %d}\n", s.by)
	}
}

// alarm is the one of a step policy.
func (p *policy) alarm() *alarm {
	if p.out != nil {
		return p.out
	}
	return p.in
}
