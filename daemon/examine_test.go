package daemon

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"ecs-autoscaler/config"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/sim"
)

// examined asks a simulated region about a configuration. What comes back are the findings, a line each.
func examined(t *testing.T, scenario, text string) (string, error) {
	t.Helper()
	s, err := sim.ParseScenario("scenario.yaml", []byte(scenario), nil)
	if err != nil {
		t.Fatal(err)
	}
	region, err := sim.New(s, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	c, found := config.Parse(config.Source{Name: "c.yaml", Text: []byte(text)}, func(string) (string, bool) { return "", false })
	if c == nil {
		t.Fatal(found.Detail())
	}
	more, err := Examine(t.Context(), c, awsapi.Options{
		Region: "eu-west-2", HTTPClient: &http.Client{Transport: region.Transport()},
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
	})
	var lines []string
	for _, d := range more {
		lines = append(lines, d.String())
	}
	return strings.Join(lines, "\n"), err
}

const oneTarget = "\n    min_capacity: 2\n    max_capacity: 4\n"

func TestAnExaminationChoosesEntriesAsTheDaemonDoes(t *testing.T) {
	const tight = "desired: 2, deployment: {maximum_percent: 100}"
	for name, c := range map[string]struct {
		services, targets string
		want              []string // how each finding begins
	}{
		"an exact name before a pattern": {
			"{service: c/a, " + tight + "}, {service: c/b, " + tight + "}",
			"  - service: c/*" + oneTarget + "  - service: c/b" + oneTarget,
			[]string{"c.yaml:2:5: warning: service c/a: a deployment", "c.yaml:5:5: warning: service c/b: a deployment"},
		},
		"tags": {
			"{service: c/a, tags: {team: web}, " + tight + "}, {service: c/b, " + tight + "}",
			"  - service: c/*\n    tags: {team: web}" + oneTarget,
			[]string{"c.yaml:2:5: warning: service c/a: a deployment"},
		},
		"tags of a service that is not there": {
			"{service: c/a, desired: 1}",
			"  - service: c/b\n    tags: {team: web}" + oneTarget,
			[]string{"c.yaml:2:5: warning: service c/b: ECS does not know it"},
		},
		"clusters of a pattern, and none": {
			"{service: c-1/a, " + tight + "}, {service: c-2/a, " + tight + "}, {service: d/a, " + tight + "}",
			"  - service: c-*/a" + oneTarget + "  - service: e-*/a" + oneTarget + "  - service: e/a*" + oneTarget,
			[]string{"c.yaml:2:5: warning: services c-1/a and c-2/a: a deployment", "c.yaml:5:5: warning: target e-*/a steers no service", "c.yaml:8:5: warning: target e/a* steers no service"},
		},
		"a cluster that is not there": {
			"{service: c/a, desired: 1}", "  - service: e/a" + oneTarget, []string{"c.yaml:2:5: warning: service e/a: ECS does not know it in this account and region (ClusterNotFoundException"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := examined(t, "region: eu-west-2\nservices: ["+c.services+"]\n", "targets:\n"+c.targets)
			lines := strings.Split(got, "\n")
			if err != nil || len(lines) != len(c.want) {
				t.Fatalf("%v\n%s", err, got)
			}
			for i, line := range lines {
				if !strings.HasPrefix(line, c.want[i]) {
					t.Errorf("got\n%s\nwant\n%s...", line, c.want[i])
				}
			}
		})
	}
}

func TestEachAccountIsAskedForItsOwn(t *testing.T) {
	const scenario = `
region: eu-west-2
account: "123456789012"
services: [{service: c/a, desired: 2}]
places:
  - {region: eu-west-2, account: "210987654321", services: [{service: c/a, desired: 2, deployment: {maximum_percent: 100}}]}
roles:
  - {arn: "arn:aws:iam::210987654321:role/scaler"}
  - {arn: "arn:aws:iam::333333333333:role/scaler", denied: true}
`
	const text = `
region: eu-west-2
accounts:
  - {name: other, role_arn: "arn:aws:iam::210987654321:role/scaler"}
  - {name: closed, role_arn: "arn:aws:iam::333333333333:role/scaler"}
targets:
  - {service: c/a, min_capacity: 2, max_capacity: 4}
  - {service: c/a, account: other, min_capacity: 2, max_capacity: 4}
  - {service: c/a, account: closed, min_capacity: 2, max_capacity: 4}
`
	got, err := examined(t, scenario, text)
	if !strings.HasPrefix(got, "c.yaml:8:5: warning: service other/c/a: a deployment stands still") || strings.Contains(got, "\n") {
		t.Errorf("found\n%s", got)
	}
	if u, ok := errors.AsType[UnansweredError](err); !ok || len(u) == 0 || !strings.HasPrefix(u[0], "account closed: ") || strings.Contains(err.Error(), "other") {
		t.Errorf("%v", err)
	}
}

func TestWhatIsNotAnsweredIsNoFinding(t *testing.T) {
	for operation, action := range map[string]string{"ListServices": "ecs:ListServices", "DescribeServices": "ecs:DescribeServices"} {
		got, err := examined(t, "services: [{service: c/a, desired: 1}]\nfaults: [{kind: access_denied, operation: "+operation+"}]\n",
			"targets:\n  - service: c/*"+oneTarget)
		if got != "" || err == nil || !strings.Contains(err.Error(), "\n  "+action+" was denied: ") {
			t.Errorf("without %s: %v\n%s", action, err, got)
		}
	}
}

func TestMoreServicesThanOneBurstDescribesAreAskedForAtAWSsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		got, err := examined(t, "region: eu-west-2\nservices: [{service: \"c/s-%04d\", count: 1203, desired: 2, deployment: {maximum_percent: 100}}]\n",
			"region: eu-west-2\ntargets:\n  - service: c/*"+oneTarget)
		if err != nil || !strings.HasPrefix(got, "c.yaml:3:5: warning: services c/s-0000, c/s-0001, c/s-0002 and 1200 more: ") {
			t.Errorf("%v\n%s", err, got)
		}
		if took := time.Since(began); took == 0 || took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestTheSlowestRevisionOfAServiceCounts(t *testing.T) {
	seconds := map[string]map[string]int{"old": {}, "new": {"CPUUtilization": 20}, "both": {"CPUUtilization": 20, "MemoryUtilization": 20}}
	for _, c := range []struct {
		revisions []string
		want      string
	}{
		{nil, "&{0 map[]}"},
		{[]string{"both"}, "&{1 map[CPUUtilization:20 MemoryUtilization:20]}"},
		{[]string{"new", "both"}, "&{2 map[CPUUtilization:20 MemoryUtilization:60]}"},
		{[]string{"new", "old"}, "&{2 map[CPUUtilization:60 MemoryUtilization:60]}"},
		{[]string{"new", "unheard"}, "<nil>"},
	} {
		if got := fmt.Sprint(slowest(c.revisions, seconds)); got != c.want {
			t.Errorf("of %v: %s, want %s", c.revisions, got, c.want)
		}
	}
}
