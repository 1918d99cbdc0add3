package managed

import (
	"fmt"
	"strconv"
	"strings"
)

// Terraform writes a document as resources of the AWS provider. The same document gives the same bytes, and importing them gives
// the document back.
func Terraform(doc Document) []byte {
	w := &hclWriter{}
	w.line(0, "# Managed scaling policies, exported by ecs-autoscaler. Suspend or stop the daemon before they are applied.")
	for _, l := range doc.Losses {
		w.line(0, "# LOST "+oneLine(l.String()))
	}
	if doc.Region != "" {
		w.block(0, `provider "aws"`, func() { w.text(2, "region", doc.Region) })
	}
	for i := range doc.Targets {
		w.target(&doc.Targets[i])
	}
	return w.Bytes()
}

type hclWriter struct {
	page

	labels []string
}

// block writes a block with what inside writes in it.
func (w *hclWriter) block(indent int, head string, inside func()) {
	if indent == 0 {
		w.WriteByte('\n')
	}
	w.line(indent, head+" {")
	inside()
	w.line(indent, "}")
}

func (w *hclWriter) put(indent int, key, value string) { w.line(indent, key+" = "+value) }

// text writes a text that is not empty.
func (w *hclWriter) text(indent int, key, value string) {
	if value != "" {
		w.put(indent, key, hclText(value))
	}
}

// hclText is a text between quotes; templates are escaped.
func hclText(s string) string {
	return inQuotes(strings.NewReplacer("${", "$${", "%{", "%%{").Replace(s), longEscape)
}

func (w *hclWriter) resource(kind, label string, inside func()) {
	w.block(0, fmt.Sprintf("resource %q %q", kind, label), inside)
}

func (w *hclWriter) target(t *Target) {
	label := unused(&w.labels, t.Cluster+"_"+t.Service)
	w.resource("aws_appautoscaling_target", label, func() {
		w.text(2, "service_namespace", "ecs")
		w.text(2, "scalable_dimension", "ecs:service:DesiredCount")
		w.text(2, "resource_id", t.ResourceID())
		w.put(2, "min_capacity", strconv.Itoa(t.Min))
		w.put(2, "max_capacity", strconv.Itoa(t.Max))
		if t.Suspended != (Suspended{}) {
			w.block(2, "suspended_state", func() {
				w.put(4, "dynamic_scaling_in_suspended", fmt.Sprint(t.Suspended.In))
				w.put(4, "dynamic_scaling_out_suspended", fmt.Sprint(t.Suspended.Out))
				w.put(4, "scheduled_scaling_suspended", fmt.Sprint(t.Suspended.Scheduled))
			})
		}
	})
	for _, p := range t.Tracking {
		w.policy(label, p.Name, "TargetTrackingScaling", func() { w.tracking(p) })
	}
	for _, p := range t.Steps {
		policy := w.policy(label, p.Name, "StepScaling", func() { w.step(p) })
		w.resource("aws_cloudwatch_metric_alarm", policy, func() { w.alarm(t, p, policy) })
	}
	for _, p := range t.Predictive {
		w.policy(label, p.Name, "PredictiveScaling", func() { w.predictive(p) })
	}
	for _, a := range t.Actions {
		w.resource("aws_appautoscaling_scheduled_action", unused(&w.labels, label+"_"+a.Name), func() {
			w.text(2, "name", a.Name)
			w.of(label)
			w.action(a)
		})
	}
}

// of refers to the scalable target.
func (w *hclWriter) of(target string) {
	for _, key := range []string{"service_namespace", "scalable_dimension", "resource_id"} {
		w.put(2, key, "aws_appautoscaling_target."+target+"."+key)
	}
}

// policy writes a policy and gives its label.
func (w *hclWriter) policy(target, name, kind string, inside func()) string {
	label := unused(&w.labels, target+"_"+name)
	w.resource("aws_appautoscaling_policy", label, func() {
		w.text(2, "name", name)
		w.text(2, "policy_type", kind)
		w.of(target)
		inside()
	})
	return label
}

func (w *hclWriter) tracking(p Tracking) {
	w.block(2, "target_tracking_scaling_policy_configuration", func() {
		w.put(4, "target_value", number(p.TargetValue))
		w.put(4, "scale_out_cooldown", strconv.Itoa(p.ScaleOutCooldown))
		w.put(4, "scale_in_cooldown", strconv.Itoa(p.ScaleInCooldown))
		if p.DisableScaleIn {
			w.put(4, "disable_scale_in", "true")
		}
		if p.Predefined != "" {
			w.block(4, "predefined_metric_specification", func() {
				w.text(6, "predefined_metric_type", p.Predefined)
				w.text(6, "resource_label", p.ResourceLabel)
			})
			return
		}
		w.block(4, "customized_metric_specification", func() {
			if len(p.Metric.Queries) > 0 {
				w.queries(6, "metrics", p.Metric.Queries)
				return
			}
			w.metric(6, &p.Metric)
			w.text(6, "statistic", p.Metric.Statistic)
			w.text(6, "unit", p.Metric.Unit)
		})
	})
}

// metric writes namespace, name and dimensions as blocks, as policies have them.
func (w *hclWriter) metric(indent int, m *Metric) {
	w.text(indent, "namespace", m.Namespace)
	w.text(indent, "metric_name", m.Name)
	for _, d := range m.Dimensions {
		w.block(indent, "dimensions", func() {
			w.put(indent+2, "name", hclText(d.Name))
			w.put(indent+2, "value", hclText(d.Value))
		})
	}
}

// queries writes metric math as policies have it.
func (w *hclWriter) queries(indent int, block string, all []Query) {
	for _, q := range all {
		w.block(indent, block, func() {
			w.text(indent+2, "id", q.ID)
			w.text(indent+2, "expression", q.Expression)
			w.text(indent+2, "label", q.Label)
			w.put(indent+2, "return_data", fmt.Sprint(!q.Hidden))
			if q.Metric == nil {
				return
			}
			w.block(indent+2, "metric_stat", func() {
				w.text(indent+4, "stat", q.Metric.Statistic)
				w.text(indent+4, "unit", q.Metric.Unit)
				w.block(indent+4, "metric", func() { w.metric(indent+6, q.Metric) })
			})
		})
	}
}

func (w *hclWriter) step(p Step) {
	w.block(2, "step_scaling_policy_configuration", func() {
		w.text(4, "adjustment_type", p.AdjustmentType)
		w.text(4, "metric_aggregation_type", p.AggregationType)
		w.put(4, "cooldown", strconv.Itoa(p.Cooldown))
		if p.MinMagnitude > 0 {
			w.put(4, "min_adjustment_magnitude", strconv.Itoa(p.MinMagnitude))
		}
		for _, a := range p.Adjustments {
			w.block(4, "step_adjustment", func() {
				if a.Lower != nil {
					w.put(6, "metric_interval_lower_bound", number(*a.Lower))
				}
				if a.Upper != nil {
					w.put(6, "metric_interval_upper_bound", number(*a.Upper))
				}
				w.put(6, "scaling_adjustment", strconv.Itoa(a.Change))
			})
		}
	})
}

func (w *hclWriter) alarm(t *Target, p Step, policy string) {
	a := &p.Alarm
	w.text(2, "alarm_name", t.Cluster+"-"+t.Service+"-"+p.Name)
	w.text(2, "comparison_operator", a.Operator)
	w.put(2, "threshold", number(a.Threshold))
	w.put(2, "evaluation_periods", strconv.Itoa(a.EvaluationPeriods))
	if a.DatapointsToAlarm > 0 {
		w.put(2, "datapoints_to_alarm", strconv.Itoa(a.DatapointsToAlarm))
	}
	w.text(2, "treat_missing_data", a.TreatMissing)
	if a.IgnoreLowSamples {
		w.text(2, "evaluate_low_sample_count_percentiles", "ignore")
	}
	w.put(2, "alarm_actions", "[aws_appautoscaling_policy."+policy+".arn]")
	if len(a.Metric.Queries) > 0 {
		w.alarmQueries(a)
		return
	}
	w.put(2, "period", strconv.Itoa(a.Period))
	w.flat(2, &a.Metric)
	statistic := "statistic"
	if !simple(a.Metric.Statistic) {
		statistic = "extended_statistic"
	}
	w.text(2, statistic, a.Metric.Statistic)
	w.text(2, "unit", a.Metric.Unit)
}

// flat writes a metric with its dimensions as a mapping, as alarms have them.
func (w *hclWriter) flat(indent int, m *Metric) {
	w.text(indent, "namespace", m.Namespace)
	w.text(indent, "metric_name", m.Name)
	if len(m.Dimensions) == 0 {
		return
	}
	w.line(indent, "dimensions = {")
	for _, d := range m.Dimensions {
		w.put(indent+2, hclText(d.Name), hclText(d.Value))
	}
	w.line(indent, "}")
}

// alarmQueries writes metric math as alarms have it: the period stands with each metric.
func (w *hclWriter) alarmQueries(a *Alarm) {
	for _, q := range a.Metric.Queries {
		w.block(2, "metric_query", func() {
			w.text(4, "id", q.ID)
			w.text(4, "label", q.Label)
			w.put(4, "return_data", fmt.Sprint(!q.Hidden))
			if q.Metric == nil {
				w.text(4, "expression", q.Expression)
				w.put(4, "period", strconv.Itoa(a.Period))
				return
			}
			w.block(4, "metric", func() {
				w.flat(6, q.Metric)
				w.put(6, "period", strconv.Itoa(a.Period))
				w.text(6, "stat", q.Metric.Statistic)
				w.text(6, "unit", q.Metric.Unit)
			})
		})
	}
}

func (w *hclWriter) action(a Action) {
	w.text(2, "schedule", a.Schedule)
	if a.Timezone != UTC {
		w.text(2, "timezone", a.Timezone)
	}
	w.text(2, "start_time", a.StartTime)
	w.text(2, "end_time", a.EndTime)
	w.block(2, "scalable_target_action", func() {
		if a.Min != nil {
			w.put(4, "min_capacity", strconv.Itoa(*a.Min))
		}
		if a.Max != nil {
			w.put(4, "max_capacity", strconv.Itoa(*a.Max))
		}
	})
}

func (w *hclWriter) predictive(p Predictive) {
	w.block(2, "predictive_scaling_policy_configuration", func() {
		w.text(4, "mode", p.Mode)
		w.put(4, "scheduling_buffer_time", strconv.Itoa(p.BufferTime))
		w.text(4, "max_capacity_breach_behavior", p.Breach)
		if p.Breach == IncreaseMax {
			w.put(4, "max_capacity_buffer", strconv.Itoa(p.Buffer))
		}
		w.block(4, "metric_specification", func() {
			w.put(6, "target_value", number(p.TargetValue))
			w.specification("predefined_metric_pair_specification", p.Pair, p.ResourceLabel)
			w.specification("predefined_scaling_metric_specification", p.Scaling, p.ResourceLabel)
			w.specification("predefined_load_metric_specification", p.Load, p.ResourceLabel)
			w.math("customized_scaling_metric_specification", p.CustomizedScaling)
			w.math("customized_load_metric_specification", p.CustomizedLoad)
			w.math("customized_capacity_metric_specification", p.CustomizedCapacities)
		})
	})
}

func (w *hclWriter) specification(block, kind, label string) {
	if kind != "" {
		w.block(6, block, func() {
			w.text(8, "predefined_metric_type", kind)
			w.text(8, "resource_label", label)
		})
	}
}

func (w *hclWriter) math(block string, all []Query) {
	if len(all) > 0 {
		w.block(6, block, func() { w.queries(8, "metric_data_query", all) })
	}
}
