package managed

import (
	"slices"
	"strconv"
	"strings"
)

// Write is the configuration of a document, with comments that say where each entry came from and what was lost of it. What
// is the default of the configuration is not written. The same document gives the same bytes.
func Write(doc Document) []byte {
	w := &writer{losses: doc.Losses, said: make([]bool, len(doc.Losses))}
	w.line(0, "# Imported scaling policies. Check them with: ecs-autoscaler validate --config FILE, then ecs-autoscaler plan.")
	w.line(0, "# Each entry says where it came from; LOST is what has no counterpart here or was changed.")
	for _, n := range doc.Notes {
		w.line(0, "# NOTE "+oneLine(n.String()))
	}
	if doc.Region != "" {
		w.line(0, "region: "+quoted(doc.Region))
	}
	if len(doc.Targets) == 0 {
		w.line(0, "targets: []")
	} else {
		w.line(0, "targets:")
	}
	for i := range doc.Targets {
		w.target(&doc.Targets[i])
	}
	w.rest()
	return w.Bytes()
}

type writer struct {
	page
	losses []Loss
	said   []bool
}

// from writes where an entry came from, and what was lost of it.
func (w *writer) from(indent int, places ...Place) {
	for i, p := range places {
		if p == (Place{}) || slices.Contains(places[:i], p) {
			continue
		}
		w.line(indent, "# "+oneLine(p.String()))
		for j, l := range w.losses {
			if l.Place == p && !w.said[j] {
				w.said[j] = true
				w.line(indent, "# LOST "+l.What())
			}
		}
	}
}

// rest writes the losses of what is not in the file at all.
func (w *writer) rest() {
	first := true
	for i, l := range w.losses {
		if w.said[i] {
			continue
		}
		if first {
			w.line(0, "# What is not here:")
			first = false
		}
		w.line(0, "# LOST "+oneLine(l.String()))
	}
}

func (w *writer) target(t *Target) {
	w.from(2, t.Place)
	w.entry(2, pairs{
		"service: " + quoted(t.Cluster+"/"+t.Service),
		"min_capacity: " + strconv.Itoa(t.Min),
		"max_capacity: " + strconv.Itoa(t.Max),
	})
	section(w, "target_tracking", t.Tracking, (*writer).tracking)
	section(w, "step_scaling", t.Steps, (*writer).step)
	section(w, "scheduled_actions", t.Actions, (*writer).action)
	section(w, "predictive_scaling", t.Predictive, (*writer).predictive)
	var s pairs
	s.flag("dynamic_scaling_in_suspended", t.Suspended.In)
	s.flag("dynamic_scaling_out_suspended", t.Suspended.Out)
	s.flag("scheduled_scaling_suspended", t.Suspended.Scheduled)
	if len(s) > 0 {
		w.line(4, "suspended_state: "+s.flow())
	}
}

// section writes a list of entries that is not empty.
func section[T any](w *writer, key string, entries []T, write func(*writer, T)) {
	if len(entries) > 0 {
		w.line(4, key+":")
	}
	for _, e := range entries {
		write(w, e)
	}
}

func (w *writer) tracking(t Tracking) {
	w.from(6, t.Place)
	var p pairs
	p.add("name", quoted(t.Name))
	p.text("metric", t.Predefined)
	p.text("resource_label", t.ResourceLabel)
	if t.Predefined == "" {
		p.add("customized_metric", metric(t.Metric, "statistic").flow())
	}
	p.add("target_value", number(t.TargetValue))
	p.unless(Cooldown, "scale_out_cooldown", t.ScaleOutCooldown)
	p.unless(Cooldown, "scale_in_cooldown", t.ScaleInCooldown)
	p.flag("disable_scale_in", t.DisableScaleIn)
	w.entry(6, p)
}

// metric is one metric or metric math; statistic is the name of that key.
func metric(m Metric, statistic string) pairs {
	var p pairs
	if len(m.Queries) > 0 {
		p.add("metrics", queries(m.Queries))
		return p
	}
	p.text("namespace", m.Namespace)
	p.text("metric_name", m.Name)
	if len(m.Dimensions) > 0 {
		p.add("dimensions", dimensions(m.Dimensions))
	}
	p.text(statistic, m.Statistic)
	p.text("unit", m.Unit)
	return p
}

func dimensions(all []Dimension) string {
	var p pairs
	for _, d := range all {
		p.add(quoted(d.Name), quoted(d.Value))
	}
	return p.flow()
}

// queries is a list of metric math, one entry a line.
func queries(all []Query) string {
	lines := make([]string, len(all))
	for i, q := range all {
		lines[i] = "\n            " + query(q).flow()
	}
	return "[" + strings.Join(lines, ",") + "]"
}

func query(q Query) pairs {
	var p pairs
	p.add("id", quoted(q.ID))
	p.text("expression", q.Expression)
	if m := q.Metric; m != nil {
		stat := pairs{"metric: " + metric(Metric{Namespace: m.Namespace, Name: m.Name, Dimensions: m.Dimensions}, "").flow()}
		stat.text("stat", m.Statistic)
		stat.text("unit", m.Unit)
		p.add("metric_stat", stat.flow())
	}
	p.text("label", q.Label)
	if q.Hidden {
		p.add("return_data", "false")
	}
	return p
}

func (w *writer) step(s Step) {
	w.from(6, s.Place, s.Alarm.Place)
	p := pairs{"name: " + quoted(s.Name), "alarm:"}
	for _, line := range alarm(s.Alarm) {
		p = append(p, "  "+line)
	}
	p.text("adjustment_type", s.AdjustmentType)
	if s.AggregationType != Aggregation {
		p.text("metric_aggregation_type", s.AggregationType)
	}
	p.unless(Cooldown, "cooldown", s.Cooldown)
	p.unless(0, "min_adjustment_magnitude", s.MinMagnitude)
	p = append(p, "step_adjustments:")
	for _, a := range s.Adjustments {
		p = append(p, "  - "+adjustment(a).flow())
	}
	w.entry(6, p)
}

func adjustment(a Adjustment) pairs {
	var p pairs
	if a.Lower != nil {
		p.add("metric_interval_lower_bound", number(*a.Lower))
	}
	if a.Upper != nil {
		p.add("metric_interval_upper_bound", number(*a.Upper))
	}
	p.add("scaling_adjustment", strconv.Itoa(a.Change))
	return p
}

func alarm(a Alarm) pairs {
	statistic := "statistic"
	if !simple(a.Metric.Statistic) {
		statistic = "extended_statistic"
	}
	p := metric(a.Metric, statistic)
	p.text("comparison_operator", a.Operator)
	p.add("threshold", number(a.Threshold))
	p.unless(metricPeriod, "period", a.Period)
	p.add("evaluation_periods", strconv.Itoa(a.EvaluationPeriods))
	if a.DatapointsToAlarm != a.EvaluationPeriods {
		p.unless(0, "datapoints_to_alarm", a.DatapointsToAlarm)
	}
	if a.TreatMissing != TreatMissing || a.Metric.Namespace == "AWS/DynamoDB" { // There the default is ignore.
		p.text("treat_missing_data", a.TreatMissing)
	}
	if a.IgnoreLowSamples {
		p.add("evaluate_low_sample_count_percentile", "ignore")
	}
	return p
}

func (w *writer) action(a Action) {
	w.from(6, a.Place)
	p := pairs{"name: " + quoted(a.Name), "schedule: " + quoted(a.Schedule)}
	if a.Timezone != UTC {
		p.text("timezone", a.Timezone)
	}
	p.text("start_time", a.StartTime)
	p.text("end_time", a.EndTime)
	if a.Min != nil {
		p.add("min_capacity", strconv.Itoa(*a.Min))
	}
	if a.Max != nil {
		p.add("max_capacity", strconv.Itoa(*a.Max))
	}
	w.entry(6, p)
}

func (w *writer) predictive(f Predictive) {
	w.from(6, f.Place)
	p := pairs{"name: " + quoted(f.Name), "target_value: " + number(f.TargetValue)}
	p.text("metric_pair", f.Pair)
	p.text("scaling_metric", f.Scaling)
	p.text("load_metric", f.Load)
	p.text("resource_label", f.ResourceLabel)
	for _, math := range []struct {
		key     string
		queries []Query
	}{
		{"customized_scaling_metric", f.CustomizedScaling},
		{"customized_load_metric", f.CustomizedLoad},
		{"customized_capacity_metric", f.CustomizedCapacities},
	} {
		if len(math.queries) > 0 {
			p.add(math.key, "{metrics: "+queries(math.queries)+"}")
		}
	}
	if f.Mode != ForecastOnly {
		p.text("mode", f.Mode)
	}
	p.unless(BufferTime, "scheduling_buffer_time", f.BufferTime)
	if f.Breach == IncreaseMax {
		p.add("max_capacity_breach_behavior", IncreaseMax)
		p.add("max_capacity_buffer", strconv.Itoa(f.Buffer))
	}
	w.entry(6, p)
}
