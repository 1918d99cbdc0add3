package sim_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"
)

const shop = `
clusters: [{name: shop}, {name: empty}, {name: gone, status: INACTIVE}]
services:
  - {service: shop/api, desired: 2, task_start: 30s, tags: {team: web}}
  - {service: shop/agent, desired: 3, scheduling_strategy: DAEMON}
  - {service: shop/old, status: INACTIVE}
  - {service: shop/ending, status: DRAINING, desired: 2}
  - {service: shop/green, desired: 2, task_start: 30s, deployment_controller: CODE_DEPLOY, deployment: {bake: 5m}}
`

func (w *world) describe(service string) types.Service {
	w.t.Helper()
	out, err := w.ecs.DescribeServices(w.context(), &ecs.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{service}})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(out.Services) != 1 {
		w.t.Fatalf("%d services described, want 1", len(out.Services))
	}
	return out.Services[0]
}

func (w *world) update(service string, n int32) error {
	_, err := w.ecs.UpdateService(w.context(), &ecs.UpdateServiceInput{Cluster: aws.String("shop"), Service: &service, DesiredCount: &n})
	return err
}

// counts is desired/running/pending.
func counts(s types.Service) string {
	return fmt.Sprintf("%d/%d/%d", s.DesiredCount, s.RunningCount, s.PendingCount)
}

func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func TestClustersAreListedAndDescribed(t *testing.T) {
	w := newWorld(t, shop)
	list, err := w.ecs.ListClusters(w.context(), &ecs.ListClustersInput{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.ClusterArns) != 2 || !strings.HasSuffix(list.ClusterArns[0], ":cluster/shop") {
		t.Errorf("the active clusters are %v, want shop and empty", list.ClusterArns)
	}
	out, err := w.ecs.DescribeClusters(w.context(), &ecs.DescribeClustersInput{Clusters: []string{"shop", "nowhere"}})
	if err != nil {
		t.Fatal(err)
	}
	if c := out.Clusters[0]; *c.ClusterName != "shop" || c.RunningTasksCount != 7 || c.ActiveServicesCount != 3 {
		t.Errorf("shop has %d tasks and %d active services, want 7 and 3", c.RunningTasksCount, c.ActiveServicesCount)
	}
	if len(out.Failures) != 1 || *out.Failures[0].Reason != "MISSING" {
		t.Errorf("failures %v, want one MISSING", out.Failures)
	}
}

func TestAServiceIsDescribedAsECSDoes(t *testing.T) {
	w := newWorld(t, shop)
	s := w.describe("api")
	if counts(s) != "2/2/0" || *s.Status != "ACTIVE" {
		t.Errorf("api is %s %s, want 2/2/0 ACTIVE", counts(s), *s.Status)
	}
	if d := s.Deployments; len(d) != 1 || *d[0].Status != "PRIMARY" || d[0].RolloutState != types.DeploymentRolloutStateCompleted {
		t.Errorf("deployments %+v, want one completed PRIMARY", d)
	}
	if s.Tags != nil {
		t.Errorf("tags %v without include", s.Tags)
	}
	out, err := w.ecs.DescribeServices(w.context(), &ecs.DescribeServicesInput{
		Cluster: aws.String("arn:aws:ecs:eu-west-2:123456789012:cluster/shop"), Services: []string{*s.ServiceArn},
		Include: []types.ServiceField{types.ServiceFieldTags},
	})
	if err != nil {
		t.Fatal(err)
	}
	if tags := out.Services[0].Tags; len(tags) != 1 || *tags[0].Key != "team" || *tags[0].Value != "web" {
		t.Errorf("tags %v, want team=web", tags)
	}
}

func TestOnlyARevisionShowsTheMonitoring(t *testing.T) {
	w := newWorld(t, shop+"  - {service: shop/fast, desired: 1, resolution: 20}\n")
	fast, slow := w.describe("fast").CurrentServiceRevisions, w.describe("api").CurrentServiceRevisions
	if len(fast) != 1 || len(slow) != 1 || !strings.Contains(*fast[0].Arn, ":service-revision/shop/fast/") {
		t.Fatalf("revisions %+v and %+v", fast, slow)
	}
	out, err := w.ecs.DescribeServiceRevisions(w.context(), &ecs.DescribeServiceRevisionsInput{
		ServiceRevisionArns: []string{*fast[0].Arn, *slow[0].Arn, *fast[0].Arn + "9"},
	})
	if err != nil || len(out.ServiceRevisions) != 2 || len(out.Failures) != 1 || *out.Failures[0].Reason != "MISSING" {
		t.Fatalf("%+v, %v", out, err)
	}
	want := &types.MonitoringConfiguration{MetricConfigurations: []types.MetricConfiguration{
		{MetricNames: []string{"CPUUtilization", "MemoryUtilization"}, ResolutionSeconds: aws.Int32(20)},
	}}
	if of := out.ServiceRevisions; !reflect.DeepEqual(of[0].Monitoring, want) || of[1].Monitoring != nil {
		t.Errorf("fast is monitored by %+v, api by %+v", of[0].Monitoring, of[1].Monitoring)
	}
}

func TestAnUnknownServiceIsAFailureAndNotAnError(t *testing.T) {
	t.Run("case 400: beside the services that are known", func(t *testing.T) {
		w := newWorld(t, shop)
		out, err := w.ecs.DescribeServices(w.context(), &ecs.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{"api", "nobody"}})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Services) != 1 || len(out.Failures) != 1 || *out.Failures[0].Reason != "MISSING" ||
			!strings.HasSuffix(*out.Failures[0].Arn, "service/shop/nobody") {
			t.Errorf("services %d, failures %+v, want api and MISSING nobody", len(out.Services), out.Failures)
		}
	})
}

func TestReadingIsRefusedAsECSRefusesIt(t *testing.T) {
	w := newWorld(t, shop)
	describe := func(cluster string, n int) func() error {
		return func() error {
			_, err := w.ecs.DescribeServices(w.context(), &ecs.DescribeServicesInput{Cluster: &cluster, Services: make([]string, n)})
			return err
		}
	}
	list := func(in *ecs.ListServicesInput) func() error {
		return func() error { _, err := w.ecs.ListServices(w.context(), in); return err }
	}
	for _, c := range []struct {
		name string
		call func() error
		want string
	}{
		{"a cluster that does not exist", describe("nowhere", 1), "ClusterNotFoundException"},
		{"an inactive cluster", describe("gone", 1), "ClusterNotFoundException"},
		{"eleven services at once", describe("shop", 11), "InvalidParameterException"},
		{"no services", describe("shop", 0), "InvalidParameterException"},
		{"listing a cluster that does not exist", list(&ecs.ListServicesInput{Cluster: aws.String("x")}), "ClusterNotFoundException"},
		{"the default cluster, which is not there", list(&ecs.ListServicesInput{}), "ClusterNotFoundException"},
		{"pages of 101", list(&ecs.ListServicesInput{Cluster: aws.String("shop"), MaxResults: aws.Int32(101)}), "InvalidParameterException"},
		{"a token that was never given", list(&ecs.ListServicesInput{Cluster: aws.String("shop"), NextToken: aws.String("x")}), "InvalidParameterException"},
	} {
		if got := code(c.call()); got != c.want {
			t.Errorf("%s: %q, want %s", c.name, got, c.want)
		}
	}
}

func TestServicesAreListedInPagesOfTenUnlessAskedOtherwise(t *testing.T) {
	t.Run("case 401: 25 services", func(t *testing.T) {
		w := newWorld(t, "services: [{service: big/worker-%03d, count: 25}]")
		for limit, want := range map[int32][]int{0: {10, 10, 5}, 20: {20, 5}, 100: {25}} {
			in := &ecs.ListServicesInput{Cluster: aws.String("big")}
			if limit > 0 {
				in.MaxResults = &limit
			}
			var sizes []int
			var names []string
			for pages := ecs.NewListServicesPaginator(w.ecs, in); pages.HasMorePages(); {
				out, err := pages.NextPage(w.context())
				if err != nil {
					t.Fatal(err)
				}
				sizes, names = append(sizes, len(out.ServiceArns)), append(names, out.ServiceArns...)
			}
			if !slices.Equal(sizes, want) {
				t.Errorf("maxResults %d gives pages of %v, want %v", limit, sizes, want)
			}
			if !slices.IsSorted(names) || len(slices.Compact(names)) != 25 {
				t.Errorf("maxResults %d lists %d services, want 25 different ones", limit, len(names))
			}
		}
	})
}

func TestADesiredCountAloneStartsTasksButNoDeployment(t *testing.T) {
	t.Run("case 151: the rollout stays completed", func(t *testing.T) {
		w := newWorld(t, shop)
		if err := w.update("api", 5); err != nil {
			t.Fatal(err)
		}
		s := w.describe("api")
		expect(t, "right after", []string{counts(s)}, []string{"5/2/3"})
		if len(s.Deployments) != 1 || s.Deployments[0].RolloutState != types.DeploymentRolloutStateCompleted {
			t.Errorf("deployments %+v, want the old one, completed", s.Deployments)
		}
		w.pass(29 * time.Second)
		expect(t, "after 29 s", []string{counts(w.describe("api"))}, []string{"5/2/3"})
		w.pass(time.Second)
		s = w.describe("api")
		expect(t, "after 30 s", []string{counts(s)}, []string{"5/5/0"})
		if len(s.Events) == 0 || !strings.Contains(*s.Events[0].Message, "has reached a steady state") {
			t.Errorf("events %+v, want a steady state", s.Events)
		}
		if err := w.update("api", 1); err != nil {
			t.Fatal(err)
		}
		expect(t, "after scaling in", []string{counts(w.describe("api"))}, []string{"1/1/0"})
	})
}

func TestUpdateServiceIsRefusedAsECSRefusesIt(t *testing.T) {
	w := newWorld(t, shop)
	update := func(in ecs.UpdateServiceInput) func() error {
		return func() error { _, err := w.ecs.UpdateService(w.context(), &in); return err }
	}
	one := aws.Int32(1)
	for _, c := range []struct {
		name, want, text string
		call             func() error
	}{
		{"no such service", "ServiceNotFoundException", "Service not found", func() error { return w.update("nobody", 1) }},
		{"no such cluster", "ClusterNotFoundException", "Cluster not found", update(ecs.UpdateServiceInput{Cluster: aws.String("x"), Service: aws.String("api"), DesiredCount: one})},
		{"an inactive service", "ServiceNotActiveException", "not ACTIVE", func() error { return w.update("old", 1) }},
		{"a draining service", "ServiceNotActiveException", "not ACTIVE", func() error { return w.update("ending", 1) }},
		{"case 403: a daemon service", "InvalidParameterException", "daemon scheduling strategy", func() error { return w.update("agent", 1) }},
		{"fewer than none", "InvalidParameterException", "-1", func() error { return w.update("api", -1) }},
		{"case 406: more than the quota", "InvalidParameterException", "5000", func() error { return w.update("api", 6000) }},
		{"a new task definition under CodeDeploy", "InvalidParameterException", "CODE_DEPLOY", update(ecs.UpdateServiceInput{
			Cluster: aws.String("shop"), Service: aws.String("green"), TaskDefinition: aws.String("green:2")})},
		{"what is not simulated", "InvalidParameterException", "platformVersion", update(ecs.UpdateServiceInput{
			Cluster: aws.String("shop"), Service: aws.String("api"), PlatformVersion: aws.String("LATEST")})},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.call(); code(err) != c.want || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v, want %s with %q", err, c.want, c.text)
			}
		})
	}
	if s := w.describe("api"); s.DesiredCount != 2 {
		t.Errorf("refused updates changed the desired count to %d", s.DesiredCount)
	}
}

func TestANewTaskDefinitionStartsADeploymentWithBothRevisions(t *testing.T) {
	w := newWorld(t, shop)
	_, err := w.ecs.UpdateService(w.context(), &ecs.UpdateServiceInput{Cluster: aws.String("shop"), Service: aws.String("api"), TaskDefinition: aws.String("api:2")})
	if err != nil {
		t.Fatal(err)
	}
	rollout := func() (all []string) {
		for _, d := range w.describe("api").Deployments {
			_, name, _ := strings.Cut(*d.TaskDefinition, "/")
			all = append(all, fmt.Sprintf("%s %s %s %d+%d", *d.Status, name, d.RolloutState, d.RunningCount, d.PendingCount))
		}
		return all
	}
	expect(t, "at first", rollout(), []string{"PRIMARY api:2 IN_PROGRESS 0+2", "ACTIVE api:1 COMPLETED 2+0"})
	w.pass(30 * time.Second)
	expect(t, "at the end", rollout(), []string{"PRIMARY api:2 COMPLETED 2+0"})
	_, err = w.ecs.UpdateService(w.context(), &ecs.UpdateServiceInput{Cluster: aws.String("shop"), Service: aws.String("api"), ForceNewDeployment: true})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "forced", rollout(), []string{"PRIMARY api:2 IN_PROGRESS 0+2", "ACTIVE api:2 COMPLETED 2+0"})
}

func TestCodeDeployShowsTaskSetsInsteadOfDeployments(t *testing.T) {
	w := newWorld(t, shop)
	if err := w.Deploy("shop", "green"); err != nil {
		t.Fatal(err)
	}
	sets := func() (all []string) {
		s := w.describe("green")
		if len(s.Deployments) != 0 || s.DeploymentController.Type != types.DeploymentControllerTypeCodeDeploy {
			t.Errorf("%d deployments under %s, want none under CODE_DEPLOY", len(s.Deployments), s.DeploymentController.Type)
		}
		for _, set := range s.TaskSets {
			all = append(all, fmt.Sprintf("%s %d/%d %s", *set.Status, set.ComputedDesiredCount, set.RunningCount, set.StabilityStatus))
		}
		return all
	}
	expect(t, "while it starts", sets(), []string{"ACTIVE 2/0 STABILIZING", "PRIMARY 2/2 STEADY_STATE"})
	w.pass(time.Minute)
	expect(t, "side by side", sets(), []string{"ACTIVE 2/2 STEADY_STATE", "PRIMARY 2/2 STEADY_STATE"})
	expect(t, "counts", []string{counts(w.describe("green"))}, []string{"2/4/0"})
	w.pass(10 * time.Minute)
	expect(t, "after the bake", sets(), []string{"PRIMARY 2/2 STEADY_STATE"})
}

func TestTasksAreListedAndDescribed(t *testing.T) {
	w := newWorld(t, shop)
	if err := w.update("api", 3); err != nil {
		t.Fatal(err)
	}
	list, err := w.ecs.ListTasks(w.context(), &ecs.ListTasksInput{Cluster: aws.String("shop"), ServiceName: aws.String("api")})
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.ecs.DescribeTasks(w.context(), &ecs.DescribeTasksInput{Cluster: aws.String("shop"), Tasks: append(list.TaskArns, "none")})
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, task := range out.Tasks {
		states = append(states, *task.LastStatus)
	}
	expect(t, "states", states, []string{"RUNNING", "RUNNING", "PENDING"})
	if len(out.Failures) != 1 {
		t.Errorf("%d failures, want the one that does not exist", len(out.Failures))
	}
	all, err := w.ecs.ListTasks(w.context(), &ecs.ListTasksInput{Cluster: aws.String("shop")})
	if err != nil || len(all.TaskArns) != 8 {
		t.Errorf("%d tasks in the cluster, %v; want 8", len(all.TaskArns), err)
	}
	_, err = w.ecs.ListTasks(w.context(), &ecs.ListTasksInput{Cluster: aws.String("shop"), ServiceName: aws.String("nobody")})
	if code(err) != "ServiceNotFoundException" {
		t.Errorf("tasks of nobody: %v", err)
	}
	_, err = w.ecs.DescribeTasks(w.context(), &ecs.DescribeTasksInput{Cluster: aws.String("shop"), Tasks: []string{}})
	if code(err) != "InvalidParameterException" {
		t.Errorf("no tasks: %v", err)
	}
}

func TestTagsOfAResourceAreListed(t *testing.T) {
	w := newWorld(t, shop)
	out, err := w.ecs.ListTagsForResource(w.context(), &ecs.ListTagsForResourceInput{ResourceArn: aws.String("arn:aws:ecs:us-east-1:123456789012:service/shop/api")})
	if err != nil || len(out.Tags) != 1 || *out.Tags[0].Value != "web" {
		t.Errorf("tags %+v, %v; want team=web", out, err)
	}
	_, err = w.ecs.ListTagsForResource(w.context(), &ecs.ListTagsForResourceInput{ResourceArn: aws.String("arn:aws:ecs:us-east-1:1:cluster/x")})
	if code(err) != "InvalidParameterException" {
		t.Errorf("tags of something else: %v", err)
	}
}

func TestSixtyUpdatesAtOnceAreFiftyAndThenFiveASecond(t *testing.T) {
	t.Run("case 404: the rest is throttled", func(t *testing.T) {
		w := newWorld(t, shop)
		burst := func(n int) (passed int) {
			for range n {
				switch err := w.update("api", 2); code(err) {
				case "":
					passed++
				case "ThrottlingException":
				default:
					t.Fatal(err)
				}
			}
			return passed
		}
		expect(t, "passed at once", []int{burst(60)}, []int{50})
		for range 10 {
			w.pass(100 * time.Millisecond)
		}
		expect(t, "passed a second later", []int{burst(10)}, []int{5})
		w.pass(time.Hour)
		expect(t, "passed an hour later", []int{burst(60)}, []int{50})
	})
}

func TestRatesCanBeChangedAndSwitchedOff(t *testing.T) {
	for limits, want := range map[string]int{
		"{throttling: false}": 200,
		"{rates: {UpdateService: {burst: 3, per_second: 1}}}":  3,
		"{rates: {service_modify: {burst: 7, per_second: 1}}}": 7,
	} {
		w := newWorld(t, shop+"limits: "+limits+"\n")
		passed := 0
		for range 200 {
			if w.update("api", 2) == nil {
				passed++
			}
		}
		if passed != want {
			t.Errorf("with limits %s %d updates pass, want %d", limits, passed, want)
		}
	}
}
