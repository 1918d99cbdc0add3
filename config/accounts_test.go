package config

import (
	"testing"

	"ecs-autoscaler/evaluator"
)

const twoAccounts = `
region: eu-west-2
accounts:
  - {name: ireland, region: eu-west-1}
  - {name: production, role_arn: "arn:aws:iam::123456789012:role/path/to/ecs-autoscaler", external_id: "x:1"}
targets:
  - {service: c/web, min_capacity: 1, max_capacity: 2, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}]}
  - {service: c/web, account: ireland, min_capacity: 2, max_capacity: 3, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}]}
  - {service: "*/web", account: production, min_capacity: 3, max_capacity: 4, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}]}
  - {service: "c/*", account: production, min_capacity: 4, max_capacity: 5, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}]}
`

func TestEachAccountHasTargetsOfItsOwn(t *testing.T) {
	c := parse(t, twoAccounts)
	for _, s := range []struct {
		account, cluster, service string
		lowest, others            int
	}{
		{"", "c", "web", 1, 0},
		{"ireland", "c", "web", 2, 0},
		{"production", "c", "web", 3, 1},
		{"production", "c", "api", 4, 0},
		{"production", "d", "web", 3, 0},
		{"", "d", "web", 0, 0},
		{"nowhere", "c", "web", 0, 0},
	} {
		k := evaluator.Key{Account: s.account, Cluster: s.cluster, Service: s.service}
		for _, of := range []*Config{c, c.Within(s.account, s.cluster)} {
			got, others := of.SelectKey(k, nil)
			switch {
			case got == nil && s.lowest != 0, got != nil && got.MinCapacity != s.lowest, len(others) != s.others:
				t.Errorf("%s: %+v and %d others, want min %d and %d others", k, got, len(others), s.lowest, s.others)
			case got != nil && got.Bind(s.cluster, s.service).Key != k:
				t.Errorf("%s is bound as %s", k, got.Bind(s.cluster, s.service).Key)
			}
		}
	}
}

func TestWithinAClusterAreOnlyTheEntriesThatMayMeanItsServices(t *testing.T) {
	c := parse(t, twoAccounts)
	for _, s := range []struct {
		account, cluster string
		want             int
	}{{"", "c", 1}, {"", "d", 0}, {"ireland", "c", 1}, {"production", "c", 2}, {"production", "d", 1}} {
		if got := c.Within(s.account, s.cluster); len(got.Targets) != s.want {
			t.Errorf("%s/%s: %d entries, want %d", s.account, s.cluster, len(got.Targets), s.want)
		}
	}
	if a, ok := c.Account("production"); !ok || a.ExternalID != "x:1" || a.Region != "" {
		t.Errorf("account %+v, %v", a, ok)
	}
	if _, ok := c.Account(""); ok || !c.UsesAccount("") || c.UsesAccount("nowhere") {
		t.Error("the daemon's own account has an entry, or is not used")
	}
	if got := c.Targets[2].Pattern(); got != "production/*/web" {
		t.Errorf("the entry is called %s", got)
	}
}
