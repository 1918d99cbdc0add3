package managed

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
)

// CLI writes a document as a shell script of AWS CLI commands. The same document gives the same bytes.
func CLI(doc Document) []byte {
	w := &cliWriter{region: doc.Region}
	w.line(0, "#!/bin/sh")
	w.line(0, "# Managed scaling policies, exported by ecs-autoscaler. Suspend or stop the daemon before this is run.")
	for _, l := range doc.Losses {
		w.line(0, "# LOST "+oneLine(l.String()))
	}
	w.line(0, "set -eu")
	for i := range doc.Targets {
		w.target(&doc.Targets[i])
	}
	return w.Bytes()
}

type cliWriter struct {
	page

	region string
}

// fields are the members of a JSON object; those that are nothing are left out.
type fields map[string]any

// compact drops members that are empty.
func (f fields) compact() fields {
	for k, v := range f {
		switch v := v.(type) {
		case string:
			if v == "" {
				delete(f, k)
			}
		case []fields:
			if len(v) == 0 {
				delete(f, k)
			}
		case fields:
			if len(v) == 0 {
				delete(f, k)
			}
		case nil:
			delete(f, k)
		}
	}
	return f
}

// command is one call with its input as JSON.
func (w *cliWriter) command(service, verb string, input fields) string {
	region := ""
	if w.region != "" {
		region = " --region " + shellText(w.region)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(input.compact()); err != nil {
		return "# " + oneLine(err.Error()) // Only numbers that are none could do this, and the configuration has no such numbers.
	}
	return "aws " + service + " " + verb + region + " --cli-input-json " + shellText(strings.TrimSpace(text.String()))
}

// shellText is a word in quotes that mean nothing to a shell.
func shellText(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func scaled(t *Target) fields {
	return fields{"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount", "ResourceId": t.ResourceID()}
}

func (w *cliWriter) target(t *Target) {
	register := scaled(t)
	register["MinCapacity"], register["MaxCapacity"] = t.Min, t.Max
	register["SuspendedState"] = fields{
		"DynamicScalingInSuspended": t.Suspended.In, "DynamicScalingOutSuspended": t.Suspended.Out,
		"ScheduledScalingSuspended": t.Suspended.Scheduled,
	}
	w.line(0, "")
	w.line(0, "# "+oneLine(t.Cluster+"/"+t.Service))
	w.line(0, w.command("application-autoscaling", "register-scalable-target", register))
	for _, p := range t.Tracking {
		w.line(0, w.policy(t, p.Name, "TargetTrackingScaling", p.api()))
	}
	for _, p := range t.Steps {
		w.line(0, "policy=$("+w.policy(t, p.Name, "StepScaling", p.api())+" --query PolicyARN --output text)")
		w.line(0, w.command("cloudwatch", "put-metric-alarm", p.Alarm.api(t.Cluster+"-"+t.Service+"-"+p.Name))+` --alarm-actions "$policy"`)
	}
	for _, p := range t.Predictive {
		w.line(0, w.policy(t, p.Name, "PredictiveScaling", p.api()))
	}
	for _, a := range t.Actions {
		w.line(0, w.command("application-autoscaling", "put-scheduled-action", a.api(t)))
	}
}

func (w *cliWriter) policy(t *Target, name, kind string, configuration fields) string {
	input := scaled(t)
	input["PolicyName"], input["PolicyType"] = name, kind
	input[kind+"PolicyConfiguration"] = configuration
	return w.command("application-autoscaling", "put-scaling-policy", input)
}

func (p Tracking) api() fields {
	out := fields{
		"TargetValue": p.TargetValue, "ScaleOutCooldown": p.ScaleOutCooldown, "ScaleInCooldown": p.ScaleInCooldown,
		"DisableScaleIn": p.DisableScaleIn,
	}
	if p.Predefined != "" {
		out["PredefinedMetricSpecification"] = fields{"PredefinedMetricType": p.Predefined, "ResourceLabel": p.ResourceLabel}.compact()
		return out
	}
	custom := p.Metric.api()
	custom["Statistic"], custom["Unit"] = p.Metric.Statistic, p.Metric.Unit
	custom["Metrics"] = queriesAPI(p.Metric.Queries, 0)
	out["CustomizedMetricSpecification"] = custom.compact()
	return out
}

// api is the metric without its statistic.
func (m *Metric) api() fields {
	var dims []fields
	for _, d := range m.Dimensions {
		dims = append(dims, fields{"Name": d.Name, "Value": d.Value})
	}
	return fields{"Namespace": m.Namespace, "MetricName": m.Name, "Dimensions": dims}.compact()
}

// queriesAPI is metric math; period is 0 where the API has none.
func queriesAPI(all []Query, period int) []fields {
	var out []fields
	for _, q := range all {
		f := fields{"Id": q.ID, "Expression": q.Expression, "Label": q.Label, "ReturnData": !q.Hidden}
		if q.Metric != nil {
			stat := fields{"Metric": q.Metric.api(), "Stat": q.Metric.Statistic, "Unit": q.Metric.Unit}.compact()
			if period > 0 {
				stat["Period"] = period
			}
			f["MetricStat"] = stat
		} else if period > 0 {
			f["Period"] = period
		}
		out = append(out, f.compact())
	}
	return out
}

func (s Step) api() fields {
	out := fields{"AdjustmentType": s.AdjustmentType, "MetricAggregationType": s.AggregationType, "Cooldown": s.Cooldown}
	if s.MinMagnitude > 0 {
		out["MinAdjustmentMagnitude"] = s.MinMagnitude
	}
	var steps []fields
	for _, a := range s.Adjustments {
		f := fields{"ScalingAdjustment": a.Change}
		if a.Lower != nil {
			f["MetricIntervalLowerBound"] = *a.Lower
		}
		if a.Upper != nil {
			f["MetricIntervalUpperBound"] = *a.Upper
		}
		steps = append(steps, f)
	}
	out["StepAdjustments"] = steps
	return out.compact()
}

func (a *Alarm) api(name string) fields {
	out := fields{
		"AlarmName": name, "ComparisonOperator": a.Operator, "Threshold": a.Threshold, "EvaluationPeriods": a.EvaluationPeriods,
		"TreatMissingData": a.TreatMissing,
	}
	if a.DatapointsToAlarm > 0 {
		out["DatapointsToAlarm"] = a.DatapointsToAlarm
	}
	if a.IgnoreLowSamples {
		out["EvaluateLowSampleCountPercentile"] = "ignore"
	}
	if len(a.Metric.Queries) > 0 {
		out["Metrics"] = queriesAPI(a.Metric.Queries, a.Period)
		return out
	}
	maps.Copy(out, a.Metric.api())
	out["Period"], out["Unit"] = a.Period, a.Metric.Unit
	if simple(a.Metric.Statistic) {
		out["Statistic"] = a.Metric.Statistic
	} else {
		out["ExtendedStatistic"] = a.Metric.Statistic
	}
	return out
}

func (a Action) api(t *Target) fields {
	out := scaled(t)
	out["ScheduledActionName"], out["Schedule"], out["Timezone"] = a.Name, a.Schedule, a.Timezone
	out["StartTime"], out["EndTime"] = a.StartTime, a.EndTime
	bounds := fields{}
	if a.Min != nil {
		bounds["MinCapacity"] = *a.Min
	}
	if a.Max != nil {
		bounds["MaxCapacity"] = *a.Max
	}
	out["ScalableTargetAction"] = bounds
	return out
}

func (p Predictive) api() fields {
	predefined := func(kind string) fields {
		if kind == "" {
			return nil
		}
		return fields{"PredefinedMetricType": kind, "ResourceLabel": p.ResourceLabel}.compact()
	}
	math := func(all []Query) fields {
		if len(all) == 0 {
			return nil
		}
		return fields{"MetricDataQueries": queriesAPI(all, 0)}
	}
	spec := fields{
		"TargetValue":                           p.TargetValue,
		"PredefinedMetricPairSpecification":     predefined(p.Pair),
		"PredefinedScalingMetricSpecification":  predefined(p.Scaling),
		"PredefinedLoadMetricSpecification":     predefined(p.Load),
		"CustomizedScalingMetricSpecification":  math(p.CustomizedScaling),
		"CustomizedLoadMetricSpecification":     math(p.CustomizedLoad),
		"CustomizedCapacityMetricSpecification": math(p.CustomizedCapacities),
	}.compact()
	out := fields{
		"Mode": p.Mode, "SchedulingBufferTime": p.BufferTime, "MaxCapacityBreachBehavior": p.Breach,
		"MetricSpecifications": []fields{spec},
	}
	if p.Breach == IncreaseMax {
		out["MaxCapacityBuffer"] = p.Buffer
	}
	return out
}
