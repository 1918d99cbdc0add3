package evaluator

import (
	"encoding/json"
	"time"
)

// The wire types are the documented JSON of a decision; absent numbers are null, times are UTC.
type wireDecision struct {
	Target    string          `json:"target"`
	Time      time.Time       `json:"time"`
	Action    Action          `json:"action"`
	Reason    Reason          `json:"reason"`
	Outcome   Outcome         `json:"outcome"`
	Desired   int             `json:"desired"`
	Running   int             `json:"running"`
	Pending   int             `json:"pending"`
	Wanted    int             `json:"wanted"`
	Min       int             `json:"min"`
	Max       int             `json:"max"`
	Message   string          `json:"message"`
	Policy    *string         `json:"policy"`
	Registers bool            `json:"registers,omitempty"`
	Start     *int            `json:"start,omitempty"` // only where it is not Desired
	Scheduled []ScheduledFire `json:"scheduled,omitempty"`
	Steering  []Steering      `json:"steering,omitempty"`
	Pins      bool            `json:"pins,omitempty"`
	Rails     []Rail          `json:"rails,omitempty"`
	Policies  []wirePolicy    `json:"policies"`
	Next      time.Time       `json:"next"`
}

type wirePolicy struct {
	Name           string         `json:"name"`
	Type           PolicyType     `json:"type"`
	Wish           Action         `json:"wish"`
	Action         Action         `json:"action"`
	Reason         Reason         `json:"reason"`
	Wanted         *int           `json:"wanted"`
	Metric         *float64       `json:"metric"`
	Aggregation    Aggregation    `json:"aggregation,omitempty"`
	TargetValue    float64        `json:"target_value,omitzero"`
	Adjustment     int            `json:"adjustment,omitzero"`
	AdjustmentType AdjustmentType `json:"adjustment_type,omitempty"`
	Base           int            `json:"base"`
	Credit         int            `json:"credit"`
	CooldownCredit CooldownCredit `json:"cooldown_credit,omitempty"`
	CooldownEnds   time.Time      `json:"cooldown_ends,omitzero"`
	Usual          int64          `json:"usual_cooldown,omitempty"` // seconds, as the next
	Widened        int64          `json:"widened_cooldown,omitempty"`
	Alarms         []wireAlarm    `json:"alarms"`
}

type wireAlarm struct {
	Name              string             `json:"name"`
	MetricName        string             `json:"metric_name,omitempty"`
	State             AlarmState         `json:"state"`
	Previous          AlarmState         `json:"previous_state"`
	Threshold         float64            `json:"threshold"`
	Operator          ComparisonOperator `json:"comparison_operator"`
	Breaching         int                `json:"breaching"`
	DatapointsToAlarm int                `json:"datapoints_to_alarm"`
	EvaluationPeriods int                `json:"evaluation_periods"`
	Partial           bool               `json:"partial,omitempty"`
	Period            int64              `json:"period"`
	End               time.Time          `json:"window_end,omitzero"`
	Datapoints        []wireDatapoint    `json:"datapoints"`
}

// wireDatapoint has the time its bucket begins, as CloudWatch's timestamps do.
type wireDatapoint struct {
	Time  time.Time `json:"time"`
	Value *float64  `json:"value"`
}

// MarshalJSON writes the object that plan, the log, the store, the API and explain share (design.md section 5).
func (d Decision) MarshalJSON() ([]byte, error) {
	w := wireDecision{
		Target: d.Target.String(), Time: d.Time.UTC(), Action: d.Action, Reason: d.Reason, Outcome: d.Outcome,
		Desired: d.Desired, Running: d.Running, Pending: d.Pending, Wanted: d.Wanted, Min: d.Min, Max: d.Max,
		Message: d.Message(), Registers: d.Registers, Scheduled: d.Scheduled, Rails: d.Rails, Next: d.Next.UTC(),
		Steering: d.Steering, Pins: d.Pins,
		Policies: make([]wirePolicy, len(d.Policies)),
	}
	for i := range d.Policies {
		w.Policies[i] = d.Policies[i].wire()
	}
	if d.Start != d.Desired {
		w.Start = &d.Start
	}
	if d.Policy >= 0 && d.Policy < len(d.Policies) {
		w.Policy = &d.Policies[d.Policy].Name
	}
	return json.Marshal(w)
}

func (p *PolicyDecision) wire() wirePolicy {
	w := wirePolicy{
		Name: p.Name, Type: p.Type, Wish: p.Wish, Action: p.Action, Reason: p.Reason,
		Aggregation: p.Aggregation, TargetValue: p.TargetValue, Adjustment: p.Adjustment,
		AdjustmentType: p.AdjustmentType, Base: p.Base, Credit: p.Credit, CooldownCredit: p.CooldownCredit,
		Usual: int64(p.UsualCooldown / time.Second), Widened: int64(p.WidenedCooldown / time.Second),
		Alarms: make([]wireAlarm, len(p.Alarms)),
	}
	if !p.CooldownEnds.IsZero() {
		w.CooldownEnds = p.CooldownEnds.UTC()
	}
	if p.HasWanted {
		w.Wanted = &p.Wanted
	}
	if p.HasMetric && !missing(p.Metric) {
		w.Metric = &p.Metric
	}
	for j := range p.Alarms {
		w.Alarms[j] = p.Alarms[j].wire()
	}
	return w
}

func (a *AlarmDecision) wire() wireAlarm {
	w := wireAlarm{
		Name: a.Name, MetricName: a.MetricName, State: a.State, Previous: a.Previous,
		Threshold: a.Threshold, Operator: a.Operator, Breaching: a.Breaching,
		DatapointsToAlarm: a.DatapointsToAlarm, EvaluationPeriods: a.EvaluationPeriods, Partial: a.Partial,
		Period: a.Period, Datapoints: make([]wireDatapoint, len(a.Values)),
	}
	if a.Period > 0 {
		w.End = time.Unix(a.End, 0).UTC()
	}
	for k := range a.Values {
		begin := a.End - int64(len(a.Values)-k)*a.Period
		w.Datapoints[k].Time = time.Unix(begin, 0).UTC()
		if !missing(a.Values[k]) {
			w.Datapoints[k].Value = &a.Values[k]
		}
	}
	return w
}

// UnmarshalJSON reads what MarshalJSON wrote. The message is not kept: it follows from the rest.
func (d *Decision) UnmarshalJSON(text []byte) error {
	var w wireDecision
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	*d = Decision{
		Target: ParseKey(w.Target), Time: w.Time, Action: w.Action, Reason: w.Reason, Outcome: w.Outcome,
		Desired: w.Desired, Running: w.Running, Pending: w.Pending, Wanted: w.Wanted, Min: w.Min, Max: w.Max,
		Policy: -1, Registers: w.Registers, Start: w.Desired, Scheduled: w.Scheduled, Rails: w.Rails, Next: w.Next,
		Steering: w.Steering, Pins: w.Pins,
		Policies: make([]PolicyDecision, len(w.Policies)),
	}
	if w.Start != nil {
		d.Start = *w.Start
	}
	for i := range w.Policies {
		d.Policies[i] = w.Policies[i].decision()
		if w.Policy != nil && w.Policies[i].Name == *w.Policy {
			d.Policy = i
		}
	}
	return nil
}

func (w *wirePolicy) decision() PolicyDecision {
	p := PolicyDecision{
		Name: w.Name, Type: w.Type, Wish: w.Wish, Action: w.Action, Reason: w.Reason,
		Aggregation: w.Aggregation, TargetValue: w.TargetValue, Adjustment: w.Adjustment,
		AdjustmentType: w.AdjustmentType, Base: w.Base, Credit: w.Credit, CooldownCredit: w.CooldownCredit,
		CooldownEnds: w.CooldownEnds, Alarms: make([]AlarmDecision, len(w.Alarms)),
		UsualCooldown: time.Duration(w.Usual) * time.Second, WidenedCooldown: time.Duration(w.Widened) * time.Second,
	}
	if w.Wanted != nil {
		p.Wanted, p.HasWanted = *w.Wanted, true
	}
	if w.Metric != nil {
		p.Metric, p.HasMetric = *w.Metric, true
	}
	for j := range w.Alarms {
		p.Alarms[j] = w.Alarms[j].decision()
	}
	return p
}

func (w *wireAlarm) decision() AlarmDecision {
	a := AlarmDecision{
		Name: w.Name, MetricName: w.MetricName, State: w.State, Previous: w.Previous,
		Threshold: w.Threshold, Operator: w.Operator, Breaching: w.Breaching,
		DatapointsToAlarm: w.DatapointsToAlarm, EvaluationPeriods: w.EvaluationPeriods, Partial: w.Partial,
		Period: w.Period, Values: make([]float64, len(w.Datapoints)),
	}
	if w.Period > 0 {
		a.End = w.End.Unix()
	}
	for k := range w.Datapoints {
		a.Values[k] = nothing
		if v := w.Datapoints[k].Value; v != nil {
			a.Values[k] = *v
			a.Judged++
		}
	}
	return a
}
