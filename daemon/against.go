package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/appscaling"
	"ecs-autoscaler/scaler/awsapi"
)

// Result is what comes of comparing a target with its managed scaling.
type Result string

// The results.
const (
	// ResultSame: what this daemon decides is what AWS did, and the settings that are compared are the same.
	ResultSame Result = "same"
	// ResultDifferent: at least one difference.
	ResultDifferent Result = "different"
	// ResultNotManaged: Application Auto Scaling has no scalable target for the service.
	ResultNotManaged Result = "not_managed"
)

// Difference is one thing in which a target and its managed scaling differ.
type Difference struct {
	// Code is for programs: decision_then, decision_now, min_capacity, max_capacity, policy or scheduled_action.
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Comparison is a target beside its managed scaling.
type Comparison struct {
	Key    evaluator.Key `json:"-"`
	Target string        `json:"target"`
	Result Result        `json:"result"`
	// Managed is what AWS has of it, nil for nothing.
	Managed *ManagedScaling `json:"managed"`
	// Then is what would have been decided at the time of AWS's last activity (see scaler.Fleet.Hindsight), nil where that cannot be
	// found out; Notes say why.
	Then *evaluator.Decision `json:"then"`
	// Now is what would be decided now, nil where nothing could be.
	Now         *evaluator.Decision `json:"now"`
	Differences []Difference        `json:"differences"`
	Notes       []string            `json:"notes"`
}

// ManagedScaling is what Application Auto Scaling has of a target, and did last.
type ManagedScaling struct {
	MinCapacity int                      `json:"min_capacity"`
	MaxCapacity int                      `json:"max_capacity"`
	Suspended   evaluator.SuspendedState `json:"suspended_state"`
	Policies    []string                 `json:"policies"`
	Scheduled   []string                 `json:"scheduled_actions"`
	// LastActivity is the newest of the last six weeks, whether it scaled or not; nil for none.
	LastActivity *appscaling.Activity `json:"last_activity"`
}

// Against is a configuration beside the managed scaling of an account.
type Against struct {
	Targets []Comparison
	// Others are services that AWS scales in the clusters of the targets, and that are no targets.
	Others []string
}

// Different counts the targets with differences.
func (a *Against) Different() (n int) {
	for i := range a.Targets {
		if a.Targets[i].Result == ResultDifferent {
			n++
		}
	}
	return n
}

// AgainstAWS evaluates every target once, and compares each with what Application Auto Scaling has of it and did last. It asks
// DescribeScalableTargets, DescribeScalingPolicies, DescribeScheduledActions and, for each target that is managed,
// DescribeScalingActivities and the metrics of then. An error that wraps ErrUnhandled comes with a result; any other one names the call
// that has no answer and how to allow it.
func (p *Planner) AgainstAWS(ctx context.Context) (*Against, error) {
	decisions, unhandled := p.Once(ctx)
	if unhandled != nil && !errors.Is(unhandled, ErrUnhandled) {
		return nil, unhandled
	}
	now := map[evaluator.Key]*evaluator.Decision{}
	for i := range decisions {
		now[decisions[i].Target] = &decisions[i]
	}
	result := &Against{Targets: []Comparison{}, Others: []string{}}
	scalings := map[evaluator.Key]*appscaling.Scaling{}
	asked := map[string]bool{}
	for _, row := range p.daemon.store.Targets() {
		if !asked[row.Key.Account] {
			asked[row.Key.Account] = true
			found, err := scalingsOf(ctx, row.Key.Account, p.daemon.clients[row.Key.Account])
			if err != nil {
				return nil, inAccount(row.Key.Account, err)
			}
			maps.Copy(scalings, found)
		}
		c, err := p.compare(ctx, row.Key, scalings[row.Key], now[row.Key])
		if err != nil {
			return nil, err
		}
		result.Targets = append(result.Targets, c)
	}
	result.Others = others(result.Targets, scalings)
	return result, unhandled
}

// scalingsOf is what Application Auto Scaling has in an account, by service; with an error, what it has said of that.
func scalingsOf(ctx context.Context, account string, clients *awsapi.Clients) (map[evaluator.Key]*appscaling.Scaling, error) {
	all, err := appscaling.Scalings(ctx, clients)
	of := make(map[evaluator.Key]*appscaling.Scaling, len(all))
	for i := range all {
		of[evaluator.Key{Account: account, Cluster: all[i].Cluster, Service: all[i].Service}] = &all[i]
	}
	return of, err
}

func inAccount(account string, err error) error {
	if account == "" {
		return err
	}
	return fmt.Errorf("account %s: %w", account, err)
}

// others are managed services in the clusters of the targets that are no targets, by name.
func others(targets []Comparison, scalings map[evaluator.Key]*appscaling.Scaling) []string {
	here, clusters := map[evaluator.Key]bool{}, map[evaluator.Key]bool{}
	for i := range targets {
		k := targets[i].Key
		here[k], clusters[evaluator.Key{Account: k.Account, Cluster: k.Cluster}] = true, true
	}
	found := []string{}
	for k := range scalings {
		if !here[k] && clusters[evaluator.Key{Account: k.Account, Cluster: k.Cluster}] {
			found = append(found, k.String())
		}
	}
	slices.Sort(found)
	return found
}

// compare compares one target.
func (p *Planner) compare(ctx context.Context, k evaluator.Key, s *appscaling.Scaling, now *evaluator.Decision) (Comparison, error) {
	c := Comparison{Key: k, Target: k.String(), Result: ResultNotManaged, Now: now, Differences: []Difference{}, Notes: []string{}}
	spec, configured := p.daemon.fleet.Configured(k)
	if s == nil || !configured {
		return c, nil
	}
	c.Managed = &ManagedScaling{
		MinCapacity: s.Min, MaxCapacity: s.Max, Suspended: s.Now,
		Policies: slices.Concat([]string{}, s.Policies), Scheduled: slices.Concat([]string{}, s.Scheduled),
	}
	activities, err := appscaling.History(ctx, p.daemon.clients[k.Account], k.Cluster, k.Service)
	if err != nil {
		return c, inAccount(k.Account, err)
	}
	var then []evaluator.Decision
	if len(activities) > 0 {
		c.Managed.LastActivity = &activities[0]
		then = p.hindsight(ctx, &c)
	}
	if len(then) > 0 && len(activities) > 1 {
		c.noteShortly(&activities[1])
	}
	c.judge(spec, then)
	return c, nil
}

// hindsight is what would have been decided at AWS's last activity; where that cannot be said, a note says why.
func (p *Planner) hindsight(ctx context.Context, c *Comparison) []evaluator.Decision {
	a := c.Managed.LastActivity
	why := ""
	switch {
	case a.Policy == "":
		why = "no policy made it"
	case a.From == nil:
		why = "none of AWS's activities tells the desired count before it"
	default:
		then, err := p.daemon.fleet.Hindsight(ctx, c.Key, a.StartTime, *a.From)
		if err == nil {
			return then
		}
		why = err.Error()
	}
	c.note("not decided anew at AWS's last activity: " + why)
	return nil
}
