package observe

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
)

// estate is a little ECS: clusters with services, names of services that fail, and what was asked.
type estate struct {
	mu       sync.Mutex
	clusters map[string][]string
	refuse   func(cluster string, services []string) error
	denied   map[string]bool // clusters that may not be listed
	page     int

	asked    []string // cluster: services
	tags     int
	maxAsked []int32
}

func arnOf(cluster, service string) string {
	return "arn:aws:ecs:eu-west-2:123456789012:service/" + cluster + "/" + service
}

func (e *estate) DescribeServices(_ context.Context, in *ecs.DescribeServicesInput, _ ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, *in.Cluster+": "+strings.Join(in.Services, " "))
	if slices.Contains(in.Include, ecstypes.ServiceFieldTags) {
		e.tags++
	}
	if e.refuse != nil {
		if err := e.refuse(*in.Cluster, in.Services); err != nil {
			return nil, err
		}
	}
	known, ok := e.clusters[*in.Cluster]
	if !ok {
		return nil, &ecstypes.ClusterNotFoundException{Message: aws.String("Cluster not found.")}
	}
	out := &ecs.DescribeServicesOutput{}
	for i, name := range slices.Backward(in.Services) {
		if !slices.Contains(known, name) {
			out.Failures = append(out.Failures, ecstypes.Failure{Arn: aws.String(arnOf(*in.Cluster, name)), Reason: aws.String("MISSING")})
			continue
		}
		out.Services = append(out.Services, ecstypes.Service{
			ServiceName: aws.String(name), ServiceArn: aws.String(arnOf(*in.Cluster, name)), Status: aws.String("ACTIVE"),
			DesiredCount: int32(i), Tags: []ecstypes.Tag{{Key: aws.String("team"), Value: aws.String("web")}},
		})
	}
	return out, nil
}

func (e *estate) ListServices(_ context.Context, in *ecs.ListServicesInput, _ ...func(*ecs.Options)) (*ecs.ListServicesOutput, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.maxAsked = append(e.maxAsked, aws.ToInt32(in.MaxResults))
	if e.denied[*in.Cluster] {
		return nil, &ecstypes.AccessDeniedException{}
	}
	names, ok := e.clusters[*in.Cluster]
	if !ok {
		return nil, &ecstypes.ClusterNotFoundException{}
	}
	from, to, token := e.cut(in.NextToken, len(names))
	out := &ecs.ListServicesOutput{NextToken: token}
	for _, n := range names[from:to] {
		out.ServiceArns = append(out.ServiceArns, arnOf(*in.Cluster, n))
	}
	return out, nil
}

func (e *estate) ListClusters(_ context.Context, in *ecs.ListClustersInput, _ ...func(*ecs.Options)) (*ecs.ListClustersOutput, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.denied["*"] {
		return nil, &ecstypes.AccessDeniedException{}
	}
	e.maxAsked = append(e.maxAsked, aws.ToInt32(in.MaxResults))
	names := slices.Sorted(mapsKeys(e.clusters))
	from, to, token := e.cut(in.NextToken, len(names))
	out := &ecs.ListClustersOutput{NextToken: token}
	for _, n := range names[from:to] {
		out.ClusterArns = append(out.ClusterArns, "arn:aws:ecs:eu-west-2:123456789012:cluster/"+n)
	}
	return out, nil
}

func (e *estate) cut(token *string, n int) (from, to int, next *string) {
	if token != nil {
		from, _ = strconv.Atoi(*token)
	}
	to = n
	if e.page > 0 && from+e.page < n {
		to = from + e.page
		next = aws.String(strconv.Itoa(to))
	}
	return from, to, next
}

func mapsKeys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func keys(cluster string, n int) []evaluator.Key {
	var k []evaluator.Key
	for i := range n {
		k = append(k, evaluator.Key{Cluster: cluster, Service: fmt.Sprintf("s%d", i)})
	}
	return k
}

func estateOf(clusters ...string) *estate {
	e := &estate{clusters: map[string][]string{}, denied: map[string]bool{}}
	for _, c := range clusters {
		for _, k := range keys(c, 2000) {
			e.clusters[c] = append(e.clusters[c], k.Service)
		}
	}
	return e
}

func TestServicesAreDescribedInTensOfACluster(t *testing.T) {
	e := estateOf("a", "b")
	s := NewServices(e, ServicesOptions{InFlight: 1})
	var asked []evaluator.Key
	for i := range 12 {
		asked = append(asked, keys("a", 12)[i], keys("b", 12)[i])
	}
	asked = append(asked, asked[3])
	got := s.Describe(t.Context(), t0, asked)
	want := []string{"a: s0 s1 s2 s3 s4 s5 s6 s7 s8 s9", "b: s0 s1 s2 s3 s4 s5 s6 s7 s8 s9", "a: s10 s11", "b: s10 s11"}
	if diff := cmp.Diff(want, e.asked); diff != "" {
		t.Error(diff)
	}
	if len(got) != 24 || e.tags != 0 {
		t.Fatalf("%d services described, tags asked %d times; want 24, 0", len(got), e.tags)
	}
	for _, d := range got {
		if d.Err != nil || d.Service.Status != evaluator.ServiceActive || d.Service.DescribedAt != t0 || "s"+strconv.Itoa(d.Service.Desired) != d.Key.Service && d.Key.Service < "s10" {
			t.Errorf("%s is %+v, %v", d.Key, d.Service, d.Err)
		}
	}
}

func TestTagsAreReadOnlyWhenAskedFor(t *testing.T) {
	e := estateOf("a")
	s := NewServices(e, ServicesOptions{Tags: true})
	got := s.Describe(t.Context(), t0, keys("a", 1))
	if e.tags != 1 || got[0].Tags["team"] != "web" {
		t.Errorf("asked %d times, got %v", e.tags, got[0].Tags)
	}
	for _, yes := range []bool{false, true} {
		e.tags = 0
		s.AskTags(yes)
		if s.Describe(t.Context(), t0, keys("a", 1)); (e.tags == 1) != yes {
			t.Errorf("after AskTags(%v) tags are asked %d times", yes, e.tags)
		}
	}
}

func TestAnUnknownServiceIsMissingNotAnError(t *testing.T) {
	t.Run("case 400: a failure in the answer", func(t *testing.T) {
		s := NewServices(estateOf("a"), ServicesOptions{})
		got := s.Describe(t.Context(), t0, []evaluator.Key{{Cluster: "a", Service: "s1"}, {Cluster: "a", Service: "gone"}})
		want := evaluator.Service{DescribedAt: t0, Status: evaluator.ServiceMissing, Reason: "MISSING"}
		if got[1].Err != nil || got[1].Service != want {
			t.Errorf("got %+v, %v", got[1].Service, got[1].Err)
		}
		if got[0].Service.Status != evaluator.ServiceActive {
			t.Errorf("the neighbour is %+v", got[0])
		}
	})
}

func TestAnUnknownClusterMakesItsServicesMissing(t *testing.T) {
	s := NewServices(estateOf("a"), ServicesOptions{})
	got := s.Describe(t.Context(), t0, append(keys("nowhere", 12), keys("a", 1)...))
	for _, d := range got[:12] {
		if d.Err != nil || d.Service.Status != evaluator.ServiceMissing || d.Service.Reason != "ClusterNotFoundException: Cluster not found" {
			t.Errorf("%s is %+v, %v", d.Key, d.Service, d.Err)
		}
	}
	if len(got) != 13 || got[12].Service.Status != evaluator.ServiceActive {
		t.Errorf("the healthy cluster's service is %+v", got[12:])
	}
}

func TestAFailedCallIsAnErrorOfItsOwnServices(t *testing.T) {
	for code, class := range map[string]awsapi.Class{"AccessDeniedException": awsapi.AccessDenied, "ThrottlingException": awsapi.Throttled, "ServerException": awsapi.Server} {
		e := estateOf("a", "b")
		e.refuse = func(cluster string, _ []string) error {
			if cluster == "a" {
				return apiError(code)
			}
			return nil
		}
		s := NewServices(e, ServicesOptions{})
		for _, d := range s.Describe(t.Context(), t0, append(keys("a", 3), keys("b", 3)...)) {
			if failed := d.Key.Cluster == "a"; failed != (d.Err != nil) || failed && awsapi.Classify(d.Err) != class {
				t.Errorf("%s: %s is %v", code, d.Key, d.Err)
			}
		}
	}
}

func TestOneInvalidNameCostsOnlyItself(t *testing.T) {
	e := estateOf("a")
	e.refuse = func(_ string, services []string) error {
		if slices.Contains(services, "s3") {
			return apiError("InvalidParameterException")
		}
		return nil
	}
	s := NewServices(e, ServicesOptions{})
	for _, d := range s.Describe(t.Context(), t0, keys("a", 10)) {
		if (d.Err != nil) != (d.Key.Service == "s3") {
			t.Errorf("%s: %v", d.Key, d.Err)
		}
	}
	if n := s.Calls(t0); n != 100-11 {
		t.Errorf("%d calls are left, want 89", n)
	}
	for s.allow(t0) {
	}
	s.rate.Take(t0.Add(50*time.Millisecond), 0)
	for _, d := range s.Describe(t.Context(), t0.Add(100*time.Millisecond), keys("a", 10)) {
		if d.Err == nil {
			t.Errorf("%s was described beyond the rate", d.Key)
		}
	}
}

func TestAnOddAnswerIsAnErrorOfItsService(t *testing.T) {
	c := chunk{cluster: "a", names: []string{"x", "y", arnOf("a", "z")}}
	c.answer(&ecs.DescribeServicesOutput{
		Services: []ecstypes.Service{{ServiceName: aws.String("stranger")}, {ServiceName: aws.String("z"), ServiceArn: aws.String(arnOf("a", "z")), Status: aws.String("DRAINING")}},
		Failures: []ecstypes.Failure{{}, {Arn: aws.String(arnOf("a", "y")), Reason: aws.String("ODD"), Detail: aws.String("very")}},
	}, t0)
	if awsapi.Classify(c.found[0].Err) != awsapi.Server || awsapi.Code(c.found[1].Err) != "ODD" {
		t.Errorf("errors %v and %v", c.found[0].Err, c.found[1].Err)
	}
	if c.found[2].Err != nil || c.found[2].Service.Status != evaluator.ServiceDraining {
		t.Errorf("a service asked for by ARN is %+v", c.found[2])
	}
}

func TestDescribingStaysInsideTheRate(t *testing.T) {
	e := estateOf("a")
	s := NewServices(e, ServicesOptions{})
	all := keys("a", 2000)
	for _, c := range []struct {
		at          time.Duration
		calls, want int
	}{
		{0, 100, 100},
		{0, 0, 0},
		{time.Second, 20, 20},
		{1500 * time.Millisecond, 10, 10},
		{time.Second, 0, 0}, // a clock set back
		{time.Minute, 100, 100},
	} {
		now := t0.Add(c.at)
		if n := s.Calls(now); n != c.calls {
			t.Errorf("at %s %d calls are allowed, want %d", c.at, n, c.calls)
		}
		e.asked = nil
		got := s.Describe(t.Context(), now, all)
		if len(e.asked) != c.want || len(got) != 10*c.want {
			t.Errorf("at %s %d calls described %d services, want %d calls", c.at, len(e.asked), len(got), c.want)
		}
		if len(got) > 0 && got[0].Key != all[0] {
			t.Errorf("at %s the first described is %s", c.at, got[0].Key)
		}
	}
}

func TestNoWindowOfTimeHasMoreCallsThanTheBucketGives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := NewServices(estateOf(), ServicesOptions{})
		now, made := t0, 0
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(rt, "ms")) * time.Millisecond)
			for range rapid.IntRange(0, 60).Draw(rt, "wanted") {
				if s.allow(now) {
					made++
				}
			}
			if limit := 100 + 20*now.Sub(t0).Seconds(); float64(made) > limit+1e-6 {
				rt.Fatalf("%d calls in %s, the bucket gives %v", made, now.Sub(t0), limit)
			}
		}
	})
}

func TestAClusterIsListedInFullPages(t *testing.T) {
	e := estateOf("a")
	e.page = 100
	s := NewServices(e, ServicesOptions{})
	got, err := s.List(t.Context(), "a")
	if err != nil || !slices.Equal(got, keys("a", 2000)) {
		t.Errorf("listed %d services, %v", len(got), err)
	}
	if len(e.maxAsked) != 20 || slices.Max(e.maxAsked) != 100 || slices.Min(e.maxAsked) != 100 {
		t.Errorf("pages of %v", e.maxAsked)
	}
	if n := s.Calls(t0); n != 80 {
		t.Errorf("after 20 pages %d calls are left, want 80", n)
	}
}

func TestAPatternListsTheClustersThatMatch(t *testing.T) {
	for pattern, want := range map[string]string{"web-*": "web-1 web-2", "web-?": "web-1 web-2", "*": "db web-1 web-2", "?b": "db", "x*": "", "web-2": "web-2"} {
		e := &estate{clusters: map[string][]string{"web-1": {"s"}, "web-2": {"s"}, "db": {"s"}}, page: 1}
		got, err := NewServices(e, ServicesOptions{}).List(t.Context(), pattern)
		if err != nil {
			t.Error(err)
		}
		var clusters []string
		for _, k := range got {
			clusters = append(clusters, k.Cluster)
		}
		if strings.Join(clusters, " ") != want {
			t.Errorf("%s lists %v, want %s", pattern, clusters, want)
		}
	}
}

func TestAClusterThatCannotBeListedDoesNotHideTheOthers(t *testing.T) {
	e := &estate{clusters: map[string][]string{"a": {"s"}, "b": {"s"}, "c": {"s"}}, denied: map[string]bool{"b": true}}
	got, err := NewServices(e, ServicesOptions{}).List(t.Context(), "*")
	if len(got) != 2 || awsapi.Classify(err) != awsapi.AccessDenied || !strings.Contains(err.Error(), "cluster b") {
		t.Errorf("listed %v, %v", got, err)
	}
}

func TestWhatCannotBeListedAtAllIsAnError(t *testing.T) {
	e := estateOf()
	if _, err := NewServices(e, ServicesOptions{}).List(t.Context(), "nowhere"); awsapi.Classify(err) != awsapi.NotFound {
		t.Errorf("a cluster that does not exist: %v", err)
	}
	if _, err := NewServices(e, ServicesOptions{}).List(t.Context(), "[*"); err == nil || !strings.Contains(err.Error(), `"[*"`) {
		t.Errorf("a bad pattern: %v", err)
	}
	e.denied["*"] = true
	if _, err := NewServices(e, ServicesOptions{}).List(t.Context(), "*"); awsapi.Classify(err) != awsapi.AccessDenied {
		t.Errorf("clusters that may not be listed: %v", err)
	}
}
