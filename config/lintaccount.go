package config

import (
	"fmt"
	"slices"
	"strings"

	"ecs-autoscaler/evaluator"
)

// AccountService is what an account says of a service that an entry steers, as far as LintAccount judges it.
type AccountService struct {
	Key evaluator.Key
	// Entry is the one that steers it.
	Entry *Target
	// Service is as ECS describes it; its status is MISSING where ECS does not know it.
	Service evaluator.Service
	// Rolling says that ECS rolls new tasks out within the two percentages (API DeploymentConfiguration).
	Rolling                               bool
	MinimumHealthyPercent, MaximumPercent int
	// Monitoring is nil where nobody could ask.
	Monitoring *Monitoring
	// Managed says that it is a scalable target of Application Auto Scaling whose scaling is not wholly suspended.
	Managed bool
	// ManagedPolicies and ManagedActions count the scaling policies and the scheduled actions that act on it there.
	ManagedPolicies, ManagedActions int
}

// Monitoring is how often ECS publishes the utilizations of a service.
type Monitoring struct {
	// Revisions is how many service revisions have tasks; 0 where ECS names none, so that Seconds says nothing.
	Revisions int
	// Seconds are those of each metric by name, of the revision with the most; a metric without an entry has 60.
	Seconds map[string]int
}

// LintAccount looks for what a configuration and an account make wrong together: services that cannot be scaled, that somebody else
// scales, too, whose deployments stand still at counts within the bounds, and whose metrics are not published as often as a policy
// asks. idle are the patterns that steer no service now. All findings are warnings at the entry, in the order of the text. Services
// of one entry of which the same is to be said share a finding.
func (c *Config) LintAccount(services []AccountService, idle []*Target) Diagnostics {
	l := &linter{finding: c.finding}
	said := remarks{}
	for i := range services {
		s := &services[i]
		for _, rule := range []func(*AccountService) string{scalable, scaledTwice, deployable, published} {
			said.add(s, rule(s))
		}
	}
	for _, r := range said {
		l.warnf(r.entry.at, "%s: %s", r.subject(), r.text)
	}
	for _, t := range idle {
		l.warnf(t.at, "target %s steers no service now: ECS has none that it matches and that no other entry takes; correct cluster, service, tags or region, unless the services are yet to come", t.Pattern())
	}
	return l.inOrder()
}

// remark is what there is to say about services of an entry.
type remark struct {
	entry    *Target
	text     string
	services []string
}

type remarks []*remark

func (all *remarks) add(s *AccountService, text string) {
	if text == "" {
		return
	}
	i := slices.IndexFunc(*all, func(r *remark) bool { return r.entry == s.Entry && r.text == text })
	if i < 0 {
		i = len(*all)
		*all = append(*all, &remark{entry: s.Entry, text: text})
	}
	(*all)[i].services = append((*all)[i].services, s.Key.String())
}

// inFinding is how many services a finding names.
const inFinding = 3

func (r *remark) subject() string {
	n := len(r.services)
	switch {
	case n == 1:
		return "service " + r.services[0]
	case n <= inFinding:
		return "services " + strings.Join(r.services[:n-1], ", ") + " and " + r.services[n-1]
	default:
		return fmt.Sprintf("services %s and %d more", strings.Join(r.services[:inFinding], ", "), n-inFinding)
	}
}

// scalable warns of services whose count nobody can set. Of a pattern ECS lists only what is there, and what ends is no mistake.
func scalable(s *AccountService) string {
	switch {
	case s.Service.Daemon:
		return "its scheduling strategy is DAEMON: ECS runs one task on each instance, and there is no desired count to set; leave it out of targets, or create it with REPLICA"
	case s.Entry.IsPattern():
		return ""
	case s.Service.Status == evaluator.ServiceMissing:
		return "ECS does not know it in this account and region (" + s.Service.Reason + "), so that nothing is scaled; create it, or correct service, region or account"
	case s.Service.Status != evaluator.ServiceActive:
		return fmt.Sprintf("its status is %s, and only ACTIVE services are scaled; create it anew, or remove it from targets", s.Service.Status)
	default:
		return ""
	}
}

// scaledTwice warns of services that Application Auto Scaling scales, too.
func scaledTwice(s *AccountService) string {
	var what []string
	if n := s.ManagedPolicies; n > 0 {
		what = append(what, counted(n, "scaling policy", "scaling policies"))
	}
	if n := s.ManagedActions; n > 0 {
		what = append(what, counted(n, "scheduled action", "scheduled actions"))
	}
	with := ""
	if s.Key.Account != "" {
		with = ", with the credentials of account " + s.Key.Account + ","
	}
	switch {
	case !s.Managed && len(what) == 0:
		return ""
	case len(what) == 0:
		return fmt.Sprintf("it is a scalable target of Application Auto Scaling that nobody suspended, without policies and scheduled actions: the daemon writes nothing to such a service (managed_policies); deregister it there, or ecs-autoscaler takeover --cluster %s%s suspends it (--service takes one)", s.Key.Cluster, with)
	}
	return fmt.Sprintf("Application Auto Scaling scales it, too, by %s that nobody suspended: two who set one desired count undo each other's work; ecs-autoscaler takeover --cluster %s%s suspends that (--service takes one)",
		strings.Join(what, " and "), s.Key.Cluster, with)
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// standsStill says that a rolling deployment of n tasks can neither stop an old task nor start a new one: the lower bound rounds up
// and the upper one down (API DeploymentConfiguration, aws-semantics 8.2). Without tasks there is nothing to replace.
func standsStill(n, minimumHealthyPercent, maximumPercent int) bool {
	return n > 0 && ceilPercent(n, minimumHealthyPercent) >= n && n*maximumPercent/100 <= n
}

func ceilPercent(n, percent int) int { return (n*percent + 99) / 100 }

// deployable warns of percentages with which deployments stand still at counts that the bounds allow. Where they do at some count
// they do at every lower one.
func deployable(s *AccountService) string {
	if !s.Rolling || s.Service.Status == evaluator.ServiceMissing || s.Service.Daemon {
		return ""
	}
	low, high := s.Entry.reaches()
	first, last := max(low, 1), 0
	for n := first; n <= high && standsStill(n, s.MinimumHealthyPercent, s.MaximumPercent); n++ {
		last = n
	}
	if last == 0 {
		return ""
	}
	at, of := counted(first, "task", "tasks"), fmt.Sprintf("of the %d to %d", low, high)
	if last > first {
		at = fmt.Sprintf("every count from %d to %d tasks", first, last)
	}
	return fmt.Sprintf("a deployment stands still at %s, %s that the bounds allow: of %s, minimumHealthyPercent %d keeps %d (rounded up) and maximumPercent %d allows %d (rounded down), so that ECS can neither stop an old task nor start a new one; use %s",
		at, of, counted(first, "task", "tasks"), s.MinimumHealthyPercent, ceilPercent(first, s.MinimumHealthyPercent),
		s.MaximumPercent, first*s.MaximumPercent/100, moving(first, last, high))
}

// moving are the settings with which a deployment moves at the count first, and so at every higher one.
func moving(first, last, high int) string {
	orLess := ""
	if first > 1 {
		orLess = " or less"
	}
	ways := fmt.Sprintf("a maximumPercent of %d or more, or a minimumHealthyPercent of %d%s", 100+(100+first-1)/first, 100*(first-1)/first, orLess)
	if last < high {
		ways += fmt.Sprintf(", or a min_capacity of %d or more", last+1)
	}
	return ways
}

// reaches are the lowest and the highest count that the entry and its scheduled actions allow.
func (t *Target) reaches() (low, high int) {
	low, high = t.MinCapacity, t.MaxCapacity
	for _, a := range t.plan.actions {
		if a.Min != nil {
			low = min(low, *a.Min)
		}
		if a.Max != nil {
			high = max(high, *a.Max)
		}
	}
	return low, high
}
