package web

import (
	"encoding/json"
	"fmt"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
	"ecs-autoscaler/view"
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

// ActivityView is a scaling activity as events show it, too.
type ActivityView = view.Activity

// Key names the target.
func (v *TargetView) Key() evaluator.Key {
	return evaluator.Key{Account: v.Account, Cluster: v.Cluster, Service: v.Service}
}

// viewOf shows a row with the gist of its last decision and what is suspended or overridden at an instant.
func viewOf(row *store.Target, latest *LatestView, now time.Time) TargetView {
	v := TargetView{
		Account: row.Key.Account, Cluster: row.Key.Cluster, Service: row.Key.Service,
		MinCapacity: row.Min, MaxCapacity: row.Max,
		Deploying: row.Service.Deploying, DescribedAt: view.Instant(row.Service.DescribedAt),
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
	return &LatestView{d.Time.UTC(), d.Action, d.Reason, d.Outcome, d.Wanted, view.Instant(d.Next)}
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
			views = append(views, AlarmView{p.Name + "/" + a.Name, a.State, view.Instant(a.Since)})
		}
	}
	return views
}

func cooldownsOf(t *evaluator.Target, m *evaluator.Memory) []CooldownView {
	views := []CooldownView{}
	for e := range cooldownEnds(t, m) {
		views = append(views, CooldownView{e.policy, view.Instant(e.scaleOut), view.Instant(e.scaleIn)})
	}
	return views
}

// notScaledOf shows a decision that did not scale as the activity that AWS would record (aws-semantics 6.3).
func notScaledOf(r *store.DecisionRecord) (ActivityView, error) {
	var d evaluator.Decision
	if err := json.Unmarshal(r.JSON, &d); err != nil {
		return ActivityView{}, fmt.Errorf("decision %s of %s cannot be read: %w", r.ID, r.Target, err)
	}
	v := view.ActivityOf(&store.Activity{
		ID: r.ID, Target: r.Target, Direction: r.Action, From: d.Desired, To: d.Desired, Status: r.NotScaledStatus(),
		StatusMessage: d.Message(), Description: "Attempting to scale due to alarm triggered", Cause: d.Trigger(),
		Reason: r.Reason, StartTime: r.Time,
	})
	if d.Policy >= 0 {
		v.PolicyName, v.PolicyType = d.Policies[d.Policy].Name, d.Policies[d.Policy].Type
	}
	why := view.NotScaledReason{Code: r.Reason}
	switch r.Reason {
	case evaluator.AlreadyAtMaxCapacity:
		why.MaxCapacity = &d.Max
	case evaluator.AlreadyAtMinCapacity:
		why.MinCapacity = &d.Min
	case evaluator.AlreadyAtDesiredCapacity:
		why.CurrentCapacity = &d.Desired
	default: // the other two have none
	}
	v.NotScaledReasons = []view.NotScaledReason{why}
	return v, nil
}
