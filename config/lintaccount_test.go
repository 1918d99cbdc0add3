package config

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/sim/fleet"
)

// accountEntry reads a configuration of one target with these lines.
func accountEntry(t *testing.T, lines string) *Config {
	t.Helper()
	c, found := Parse(Source{Name: "c.yaml", Text: []byte("targets:\n  - " + strings.ReplaceAll(strings.TrimSpace(lines), "\n", "\n    ") + "\n")}, environment)
	if c == nil {
		t.Fatal(found.Detail())
	}
	return c
}

// ofAccount is a service of the first entry about which there is nothing to say.
func ofAccount(c *Config, service string) AccountService {
	return AccountService{
		Key: evaluator.Key{Cluster: "shop", Service: service}, Entry: c.Targets[0], Rolling: true, MinimumHealthyPercent: 100, MaximumPercent: 200,
		Service: evaluator.Service{Status: evaluator.ServiceActive, Controller: "ECS"},
	}
}

func lines(found Diagnostics) string {
	var all []string
	for _, d := range found {
		all = append(all, d.String())
	}
	return strings.Join(all, "\n")
}

func TestWhatAnAccountSaysOfAService(t *testing.T) {
	const (
		plain  = "service: shop/web\nmin_capacity: 1\nmax_capacity: 10\ntarget_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}]"
		remedy = "ask for it by monitoring.metricConfigurations [{metricNames: [CPUUtilization], resolutionSeconds: 20}] of ecs:UpdateService, which starts a deployment, or follow it each 60 s (the type without HighResolution)"
	)
	fast := strings.Replace(plain, "Utilization,", "UtilizationHighResolution,", 1)
	for name, c := range map[string]struct {
		entry string
		is    func(*AccountService)
		want  string // after "service shop/web: ", "" for no finding
	}{
		"nothing is wrong": {plain, func(*AccountService) {}, ""},
		"it is not there": {plain, func(s *AccountService) {
			s.Service = evaluator.Service{Status: evaluator.ServiceMissing, Reason: "MISSING"}
		},
			"ECS does not know it in this account and region (MISSING), so that nothing is scaled; create it, or correct service, region or account"},
		"it is not active": {plain, func(s *AccountService) { s.Service.Status = "DRAINING" },
			"its status is DRAINING, and only ACTIVE services are scaled; create it anew, or remove it from targets"},
		"a pattern meets services that end": {strings.Replace(plain, "shop/web", "shop/w*", 1), func(s *AccountService) { s.Service.Status = "DRAINING" }, ""},
		"DAEMON": {plain, func(s *AccountService) { s.Service.Daemon, s.MinimumHealthyPercent, s.MaximumPercent = true, 100, 100 },
			"its scheduling strategy is DAEMON: ECS runs one task on each instance, and there is no desired count to set; leave it out of targets, or create it with REPLICA"},
		"a managed target without policies": {plain, func(s *AccountService) { s.Managed = true },
			"it is a scalable target of Application Auto Scaling that nobody suspended, without policies and scheduled actions: the daemon writes nothing to such a service (managed_policies); deregister it there, or ecs-autoscaler takeover --cluster shop suspends it (--service takes one)"},
		"managed policies": {plain, func(s *AccountService) { s.ManagedPolicies, s.ManagedActions = 2, 1 },
			"Application Auto Scaling scales it, too, by 2 scaling policies and 1 scheduled action that nobody suspended: two who set one desired count undo each other's work; ecs-autoscaler takeover --cluster shop suspends that (--service takes one)"},
		"no deployment at any count": {plain, func(s *AccountService) { s.MaximumPercent = 100 },
			"a deployment stands still at every count from 1 to 10 tasks, of the 1 to 10 that the bounds allow: of 1 task, minimumHealthyPercent 100 keeps 1 (rounded up) and maximumPercent 100 allows 1 (rounded down), so that ECS can neither stop an old task nor start a new one; use a maximumPercent of 200 or more, or a minimumHealthyPercent of 0"},
		"none at one task": {plain, func(s *AccountService) { s.MinimumHealthyPercent, s.MaximumPercent = 50, 150 },
			"a deployment stands still at 1 task, of the 1 to 10 that the bounds allow: of 1 task, minimumHealthyPercent 50 keeps 1 (rounded up) and maximumPercent 150 allows 1 (rounded down), so that ECS can neither stop an old task nor start a new one; use a maximumPercent of 200 or more, or a minimumHealthyPercent of 0, or a min_capacity of 2 or more"},
		"none from 2 to 4": {strings.Replace(plain, "min_capacity: 1", "min_capacity: 2", 1), func(s *AccountService) { s.MinimumHealthyPercent, s.MaximumPercent = 90, 120 },
			"a deployment stands still at every count from 2 to 4 tasks, of the 2 to 10 that the bounds allow: of 2 tasks, minimumHealthyPercent 90 keeps 2 (rounded up) and maximumPercent 120 allows 2 (rounded down), so that ECS can neither stop an old task nor start a new one; use a maximumPercent of 150 or more, or a minimumHealthyPercent of 50 or less, or a min_capacity of 5 or more"},
		"the bounds keep out of it":         {strings.Replace(plain, "min_capacity: 1", "min_capacity: 2", 1), func(s *AccountService) { s.MinimumHealthyPercent, s.MaximumPercent = 50, 150 }, ""},
		"blue and green stand side by side": {plain, func(s *AccountService) { s.Rolling, s.MaximumPercent = false, 100 }, ""},
		"no monitoring": {fast, func(s *AccountService) { s.Monitoring = &Monitoring{Revisions: 1} },
			"policy cpu follows CPUUtilization each 20 s, and ECS publishes it each 60 s, so that its alarms lack datapoints; " + remedy},
		"monitoring of the other metric": {fast, func(s *AccountService) { s.Monitoring = &Monitoring{2, map[string]int{"MemoryUtilization": 20}} },
			"policy cpu follows CPUUtilization each 20 s, and ECS publishes it each 60 s (the slowest of 2 service revisions: a deployment is under way), so that its alarms lack datapoints; " + remedy},
		"monitoring":              {fast, func(s *AccountService) { s.Monitoring = &Monitoring{1, map[string]int{"CPUUtilization": 20}} }, ""},
		"monitoring is not known": {fast, func(*AccountService) {}, ""},
		"no revisions": {fast, func(s *AccountService) { s.Monitoring = &Monitoring{} },
			"policy cpu follows CPUUtilization each 20 s, and nobody can see whether ECS publishes it so often: ECS names no service revision of it, and there the monitoring configuration would stand; " + remedy},
		"CODE_DEPLOY": {fast, func(s *AccountService) { s.Service.Controller, s.Rolling = "CODE_DEPLOY", false },
			"policy cpu follows CPUUtilization each 20 s, which services with the deployment controller CODE_DEPLOY do not have: it is held (HighResolutionUnsupported); follow it each 60 s (the type without HighResolution)"},
	} {
		t.Run(name, func(t *testing.T) {
			conf := accountEntry(t, c.entry)
			s := ofAccount(conf, "web")
			c.is(&s)
			found := conf.LintAccount([]AccountService{s}, nil)
			want := ""
			if c.want != "" {
				want = "c.yaml:2:5: warning: service shop/web: " + c.want
			}
			if got := lines(found); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestBoundsOfScheduledActionsCountForDeployments(t *testing.T) {
	c := accountEntry(t, "service: shop/web\nmin_capacity: 4\nmax_capacity: 6\nscheduled_actions: [{name: night, schedule: cron(0 22 ? * * *), min_capacity: 1}]")
	s := ofAccount(c, "web")
	s.MinimumHealthyPercent, s.MaximumPercent = 50, 150
	if got := lines(c.LintAccount([]AccountService{s}, nil)); !strings.Contains(got, "stands still at 1 task, of the 1 to 6 that the bounds allow") {
		t.Errorf("got %q", got)
	}
}

func TestServicesOfAnEntryShareWhatIsToBeSaid(t *testing.T) {
	c := accountEntry(t, "service: shop/*\nmin_capacity: 1\nmax_capacity: 4")
	var all []AccountService
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		s := ofAccount(c, name)
		s.Service.Daemon = name != "c"
		all = append(all, s)
	}
	got := lines(c.LintAccount(all, c.Targets))
	for _, want := range []string{"services shop/a, shop/b, shop/d and 1 more: its scheduling", "target shop/* steers no service now"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q does not stand once in\n%s", want, got)
		}
	}
	if got := lines(c.LintAccount(all[:2], nil)); !strings.Contains(got, "services shop/a and shop/b: ") {
		t.Errorf("got %q", got)
	}
}

// TestPropertyADeploymentStandsStillExactlyWhereTheLintSaysSo rolls deployments out by the scheduler of the simulated region, which
// was written from the same documentation, for itself.
func TestPropertyADeploymentStandsStillExactlyWhereTheLintSaysSo(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(rt, "tasks")
		least, most := rapid.IntRange(0, 100).Draw(rt, "minimumHealthyPercent"), rapid.IntRange(100, 220).Draw(rt, "maximumPercent")
		s := fleet.New(fleet.Spec{
			Cluster: "c", Name: "s", Seed: 1, Desired: n, MinimumHealthyPercent: least, MaximumPercent: most, PlacementLimit: fleet.Unlimited,
			Controller: fleet.ECS, Status: fleet.Active, TaskDefinition: "s:1", TaskStart: time.Second,
		})
		s.Update(0, nil, "s:2", false)
		still := len(s.View(time.Hour).Deployments) > 1
		if standsStill(n, least, most) != still {
			rt.Fatalf("%d tasks within %d to %d percent: the deployment stands still: %v", n, least, most, still)
		}
	})
}

// TestPropertyWhatIsProposedMoves tries the settings that a finding proposes, at the count it names and at every higher one.
func TestPropertyWhatIsProposedMoves(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		least, most := rapid.IntRange(0, 100).Draw(rt, "minimumHealthyPercent"), rapid.IntRange(100, 220).Draw(rt, "maximumPercent")
		first := rapid.IntRange(1, 200).Draw(rt, "tasks")
		for n := first; n < first+300; n++ {
			if standsStill(n, least, 100+(100+first-1)/first) || standsStill(n, 100*(first-1)/first, most) {
				rt.Fatalf("at %d tasks", n)
			}
			if standsStill(n+1, least, most) && !standsStill(n, least, most) {
				rt.Fatalf("%d moves and %d does not", n, n+1)
			}
		}
	})
}
