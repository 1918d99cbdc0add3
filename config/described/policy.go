package described

import (
	"cmp"

	"ecs-autoscaler/config/managed"
)

// policy reads one policy of any type.
func (r *reader) policy(o *object, res Resource) {
	watching := r.alarms[shown(res.ARN)]
	for _, a := range watching {
		a.used = true
	}
	t := r.scaled(o)
	if t == nil {
		return
	}
	name := cmp.Or(o.text("name", "policy_name"), res.Label)
	kind := cmp.Or(o.text("policy_type"), "StepScaling") // The default of the API.
	o.ignore("policy_arn", "creation_time", "alarms")
	tracking := o.inner("target_tracking_scaling_policy_configuration")
	predictive := o.inner("predictive_scaling_policy_configuration")
	step := o.inner("step_scaling_policy_configuration")
	if step.none() {
		step = o // The oldest spelling has it all on one level.
	}
	switch {
	case kind == "TargetTrackingScaling" && !tracking.none():
		r.tracking(tracking, t, name)
	case kind == "PredictiveScaling" && !predictive.none():
		r.predictive(predictive, t, name)
	case kind == "StepScaling":
		r.step(step, t, name, watching)
	default:
		r.wrong(o.at, "policy_type", kind, "has no configuration of that type")
		return
	}
	o.close()
}

func (r *reader) tracking(o *object, t *managed.Target, name string) {
	p := managed.Tracking{Place: o.at, Name: name, TargetValue: o.needed("target_value")}
	p.ScaleOutCooldown = o.integer(managed.Cooldown, "scale_out_cooldown")
	p.ScaleInCooldown = o.integer(managed.Cooldown, "scale_in_cooldown")
	p.DisableScaleIn = o.boolean(false, "disable_scale_in")
	predefined := o.inner("predefined_metric_specification")
	p.Predefined, p.ResourceLabel = predefined.exact("predefined_metric_type"), predefined.exact("resource_label")
	predefined.close()
	custom := o.inner("customized_metric_specification")
	if !custom.none() {
		p.Metric = metric(custom)
		p.Metric.Queries = queries(custom.each("metrics"))
		custom.close()
	}
	o.close()
	if !r.broken {
		t.Tracking = append(t.Tracking, p)
	}
}

// metric reads namespace, name, dimensions, statistic and unit.
func metric(o *object) managed.Metric {
	m := managed.Metric{Namespace: o.text("namespace"), Name: o.text("metric_name"), Dimensions: dimensions(o)}
	m.Statistic, m.Unit = o.exact("statistic", "stat"), o.exact("unit")
	return m
}

// dimensions reads a list of {name, value}, or a mapping of name to value.
func dimensions(o *object) []managed.Dimension {
	v := o.get("dimensions", "dimension")
	var all []managed.Dimension
	if single := v.one(); single.kind == mapping && !named(single) { // A list of one is a block of old Terraform.
		v = single
		inner := o.r.object(o.at, o.name("dimensions"), v)
		for _, k := range v.keys() {
			all = append(all, managed.Dimension{Name: k, Value: inner.text(k)})
		}
		return all
	}
	for _, d := range o.each("dimensions", "dimension") {
		all = append(all, managed.Dimension{Name: d.text("name"), Value: d.text("value")})
		d.close()
	}
	return all
}

// named says whether a mapping is one dimension in the form {name, value}.
func named(v Value) bool {
	return len(v.Fields) == 2 && !v.Fields["name"].None() && !v.Fields["value"].None()
}

// queries reads metric math. An alarm of Terraform has the metric on one level, everything else has metric_stat.
func queries(entries []*object) []managed.Query {
	var all []managed.Query
	for _, o := range entries {
		q := managed.Query{ID: o.text("id"), Expression: o.text("expression"), Label: o.text("label")}
		q.Hidden = !o.boolean(true, "return_data")
		q.Metric = measured(o)
		o.without("left out: metrics of other accounts are read with accounts of the configuration", "account_id")
		o.close()
		all = append(all, q)
	}
	return all
}

// measured is the metric of an entry of metric math; nil for an expression.
func measured(o *object) *managed.Metric {
	stat := o.inner("metric_stat")
	flat := o.inner("metric")
	switch {
	case !stat.none():
		inner := stat.inner("metric")
		m := metric(inner)
		m.Statistic, m.Unit = stat.exact("stat"), stat.exact("unit")
		stat.ignore("period") // The alarm's period counts: alarmPeriod has read it.
		inner.close()
		stat.close()
		return &m
	case !flat.none():
		m := metric(flat)
		flat.ignore("period")
		flat.close()
		return &m
	}
	return nil
}

func (r *reader) step(o *object, t *managed.Target, name string, watching []*alarm) {
	p := managed.Step{Place: o.at, Name: name, AdjustmentType: o.exact("adjustment_type")}
	p.AggregationType = cmp.Or(o.exact("metric_aggregation_type"), managed.Aggregation)
	p.Cooldown = o.integer(managed.Cooldown, "cooldown")
	p.MinMagnitude = o.integer(0, "min_adjustment_magnitude")
	for _, s := range o.each("step_adjustment", "step_adjustments") {
		a := managed.Adjustment{Lower: s.bound("metric_interval_lower_bound"), Upper: s.bound("metric_interval_upper_bound")}
		a.Change = s.whole(s.needed("scaling_adjustment"), "scaling_adjustment")
		p.Adjustments = append(p.Adjustments, a)
		s.close()
	}
	if o.path != "" {
		o.close()
	}
	if r.broken {
		return
	}
	if len(watching) == 0 {
		r.lose(o.at, "", "", "left out: no alarm of the input has this policy among its alarm_actions, so nothing would start it")
	}
	for _, a := range watching {
		p.Name, p.Alarm = name, a.Alarm
		if len(watching) > 1 {
			p.Name = name + "-" + a.name
			r.lose(o.at, "name", name, "is "+p.Name+" here: a policy has one alarm, and this one is started by "+a.name+", too")
		}
		t.Steps = append(t.Steps, p)
	}
}

func (r *reader) predictive(o *object, t *managed.Target, name string) {
	p := managed.Predictive{Place: o.at, Name: name}
	p.Mode = cmp.Or(o.exact("mode"), managed.ForecastOnly)
	p.BufferTime = o.integer(managed.BufferTime, "scheduling_buffer_time")
	p.Breach = cmp.Or(o.exact("max_capacity_breach_behavior"), managed.HonorMax)
	p.Buffer = o.integer(0, "max_capacity_buffer")
	specs := o.each("metric_specification", "metric_specifications")
	if len(specs) != 1 {
		r.wrong(o.at, "metric_specification", "", "is not there exactly once")
		return
	}
	spec := specs[0]
	p.TargetValue = spec.needed("target_value")
	for _, predefined := range []struct {
		key  string
		into *string
	}{
		{"predefined_metric_pair_specification", &p.Pair},
		{"predefined_scaling_metric_specification", &p.Scaling},
		{"predefined_load_metric_specification", &p.Load},
	} {
		s := spec.inner(predefined.key)
		*predefined.into = s.exact("predefined_metric_type")
		p.ResourceLabel = cmp.Or(s.exact("resource_label"), p.ResourceLabel)
		s.close()
	}
	for _, custom := range []struct {
		key  string
		into *[]managed.Query
	}{
		{"customized_scaling_metric_specification", &p.CustomizedScaling},
		{"customized_load_metric_specification", &p.CustomizedLoad},
		{"customized_capacity_metric_specification", &p.CustomizedCapacities},
	} {
		s := spec.inner(custom.key)
		*custom.into = queries(s.each("metric_data_query", "metric_data_queries"))
		s.close()
	}
	spec.close()
	o.close()
	if !r.broken {
		t.Predictive = append(t.Predictive, p)
	}
}
