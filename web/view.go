package web

import (
	"encoding/json"
	"fmt"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// VersionView is what is running, and whether it is doing its work.
type VersionView struct {
	Version   string     `json:"version"`
	Commit    string     `json:"commit"`
	Date      string     `json:"date"`
	GoVersion string     `json:"go_version"`
	State     string     `json:"state"`
	Ready     bool       `json:"ready"`
	LastPass  *time.Time `json:"last_pass"`
}

// TargetView is a scalable target as a list shows it. Counts are null as long as ECS has not told them.
type TargetView struct {
	Account     string                   `json:"account,omitempty"`
	Cluster     string                   `json:"cluster"`
	Service     string                   `json:"service"`
	MinCapacity int                      `json:"min_capacity"`
	MaxCapacity int                      `json:"max_capacity"`
	Desired     *int                     `json:"desired"`
	Running     *int                     `json:"running"`
	Pending     *int                     `json:"pending"`
	Status      *evaluator.ServiceStatus `json:"status"`
	Deploying   bool                     `json:"deploying"`
	DescribedAt *time.Time               `json:"described_at"`
	Policies    []string                 `json:"policies"`
	Note        string                   `json:"note,omitempty"`
	Suspensions []SuspensionView         `json:"suspensions,omitempty"`
	Override    *OverrideView            `json:"override,omitempty"`
	Latest      *LatestView              `json:"latest"`
	Memory      *evaluator.Memory        `json:"memory,omitempty"`
}

// LatestView is the gist of the last decision, null before the first.
type LatestView struct {
	Time    time.Time         `json:"time"`
	Action  evaluator.Action  `json:"action"`
	Reason  evaluator.Reason  `json:"reason"`
	Outcome evaluator.Outcome `json:"outcome,omitempty"`
	Wanted  int               `json:"wanted"`
	Next    *time.Time        `json:"next"`
}

// DetailView is a target with everything that is known of it.
type DetailView struct {
	TargetView
	Alarms       []AlarmView         `json:"alarms"`
	Cooldowns    []CooldownView      `json:"cooldowns"`
	LastActivity *ActivityView       `json:"last_activity"`
	Decision     *evaluator.Decision `json:"decision"`
}

// AlarmView is the state of one alarm, named as in policy tests: POLICY/ALARM.
type AlarmView struct {
	Name  string               `json:"name"`
	State evaluator.AlarmState `json:"state"`
	Since *time.Time           `json:"since"`
}

// CooldownView tells until when a policy is held back, null where nothing was fulfilled yet. An end in the
// past is a cooldown that is over.
type CooldownView struct {
	Policy       string     `json:"policy"`
	ScaleOutEnds *time.Time `json:"scale_out_ends"`
	ScaleInEnds  *time.Time `json:"scale_in_ends"`
}

// ActivityView is a scaling activity with the field names of the AWS API (ScalingActivity), and beside them
// what the daemon knows more: the policy, the counts, the direction and the reason.
type ActivityView struct {
	ActivityID        string                   `json:"activity_id"`
	ServiceNamespace  string                   `json:"service_namespace"`
	ResourceID        string                   `json:"resource_id"`
	ScalableDimension string                   `json:"scalable_dimension"`
	Description       string                   `json:"description"`
	Cause             string                   `json:"cause"`
	StartTime         time.Time                `json:"start_time"`
	EndTime           *time.Time               `json:"end_time"`
	StatusCode        evaluator.ActivityStatus `json:"status_code"`
	StatusMessage     string                   `json:"status_message"`
	Account           string                   `json:"account,omitempty"`
	Cluster           string                   `json:"cluster"`
	Service           string                   `json:"service"`
	PolicyName        string                   `json:"policy_name,omitempty"`
	PolicyType        evaluator.PolicyType     `json:"policy_type,omitempty"`
	Direction         evaluator.Action         `json:"direction"`
	From              int                      `json:"from"`
	To                int                      `json:"to"`
	Reason            evaluator.Reason         `json:"reason"`
	// NotScaledReasons is of an activity that did not scale only.
	NotScaledReasons []NotScaledReason `json:"not_scaled_reasons,omitempty"`
}

// NotScaledReason says why an activity did not scale, with the one count that explains it (API NotScaledReason).
type NotScaledReason struct {
	Code            evaluator.Reason `json:"code"`
	MaxCapacity     *int             `json:"max_capacity,omitempty"`
	MinCapacity     *int             `json:"min_capacity,omitempty"`
	CurrentCapacity *int             `json:"current_capacity,omitempty"`
}

// Key names the target.
func (v *TargetView) Key() evaluator.Key {
	return evaluator.Key{Account: v.Account, Cluster: v.Cluster, Service: v.Service}
}

// viewOf shows a row with the gist of its last decision and what is suspended or overridden at an instant.
func viewOf(row *store.Target, latest *LatestView, now time.Time) TargetView {
	v := TargetView{
		Account: row.Key.Account, Cluster: row.Key.Cluster, Service: row.Key.Service,
		MinCapacity: row.Min, MaxCapacity: row.Max,
		Deploying: row.Service.Deploying, DescribedAt: instant(row.Service.DescribedAt),
		Policies: append([]string{}, row.Policies...),
		Note:     row.Note,
		Latest:   latest,
	}
	v.Suspensions, v.Override = steeringOf(row, now)
	s := row.Service
	if !s.DescribedAt.IsZero() {
		v.Status = &s.Status
	}
	if counted(&s) {
		v.Desired, v.Running, v.Pending = &s.Desired, &s.Running, &s.Pending
	}
	return v
}

// counted says that ECS has told the counts. A service that it was never asked about, or does not know,
// has none; 0 would be a lie that somebody alerts on.
func counted(s *evaluator.Service) bool {
	return !s.DescribedAt.IsZero() && s.Status != evaluator.ServiceMissing
}

func gist(d *evaluator.Decision) *LatestView {
	return &LatestView{d.Time.UTC(), d.Action, d.Reason, d.Outcome, d.Wanted, instant(d.Next)}
}

// gistOf reads the last decision of a row in place: a list of 10,000 need not copy their datapoints.
func gistOf(row *store.Target) (g *LatestView) {
	row.Latest.View(func(d *evaluator.Decision) { g = gist(d) })
	return g
}

func alarmsOf(m *evaluator.Memory) []AlarmView {
	views := []AlarmView{}
	if m == nil {
		return views
	}
	for _, p := range m.Policies {
		for _, a := range p.Alarms {
			views = append(views, AlarmView{p.Name + "/" + a.Name, a.State, instant(a.Since)})
		}
	}
	return views
}

func cooldownsOf(t *evaluator.Target, m *evaluator.Memory) []CooldownView {
	views := []CooldownView{}
	for e := range cooldownEnds(t, m) {
		views = append(views, CooldownView{e.policy, instant(e.scaleOut), instant(e.scaleIn)})
	}
	return views
}

// notScaledOf shows a decision that did not scale as the activity that AWS would record (aws-semantics 6.3).
func notScaledOf(r *store.DecisionRecord) (ActivityView, error) {
	var d evaluator.Decision
	if err := json.Unmarshal(r.JSON, &d); err != nil {
		return ActivityView{}, fmt.Errorf("decision %s of %s cannot be read: %w", r.ID, r.Target, err)
	}
	v := activityOf(&store.Activity{
		ID: r.ID, Target: r.Target, Direction: r.Action, From: d.Desired, To: d.Desired, Status: r.NotScaledStatus(),
		StatusMessage: d.Message(), Description: "Attempting to scale due to alarm triggered", Cause: d.Trigger(),
		Reason: r.Reason, StartTime: r.Time,
	})
	if d.Policy >= 0 {
		v.PolicyName, v.PolicyType = d.Policies[d.Policy].Name, d.Policies[d.Policy].Type
	}
	why := NotScaledReason{Code: r.Reason}
	switch r.Reason {
	case evaluator.AlreadyAtMaxCapacity:
		why.MaxCapacity = &d.Max
	case evaluator.AlreadyAtMinCapacity:
		why.MinCapacity = &d.Min
	case evaluator.AlreadyAtDesiredCapacity:
		why.CurrentCapacity = &d.Desired
	default: // the other two have none
	}
	v.NotScaledReasons = []NotScaledReason{why}
	return v, nil
}

func activityOf(a *store.Activity) ActivityView {
	return ActivityView{
		ActivityID:       a.ID,
		ServiceNamespace: "ecs", ScalableDimension: "ecs:service:DesiredCount",
		ResourceID:  "service/" + a.Target.Cluster + "/" + a.Target.Service,
		Description: a.Description, Cause: a.Cause,
		StartTime: a.StartTime.UTC(), EndTime: instant(a.EndTime),
		StatusCode: a.Status, StatusMessage: a.StatusMessage,
		Account: a.Target.Account, Cluster: a.Target.Cluster, Service: a.Target.Service,
		PolicyName: a.Policy, PolicyType: a.PolicyType,
		Direction: a.Direction, From: a.From, To: a.To, Reason: a.Reason,
	}
}
