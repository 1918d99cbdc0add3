package config

import (
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-autoscaler/evaluator"
)

func TestEveryConfigurationUnderExamplesIsRight(t *testing.T) {
	n := 0
	err := filepath.WalkDir("../examples", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		text := readTest(t, path)
		if !regexp.MustCompile(`(?m)^targets:`).Match(text) || regexp.MustCompile(`(?m)^(tests|services|clusters):`).Match(text) {
			return nil // A scenario or a policy test, which other packages read.
		}
		n++
		if c, found := Parse(Source{Name: path, Text: text}, environment); c == nil || len(found) > 0 {
			t.Errorf("%s:\n%s", path, found.Detail())
		} else {
			lintExample(t, path, c)
		}
		return nil
	})
	if err != nil || n < 2 {
		t.Fatalf("found %d examples, %v", n, err)
	}
}

func TestEveryYAMLBlockOfTheDocumentationIsRight(t *testing.T) {
	doc := string(readTest(t, "../docs/configuration.md")) + string(readTest(t, "../docs/schedules.md")) + string(readTest(t, "../docs/rails.md")) + string(readTest(t, "../docs/events.md"))
	blocks := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindAllStringSubmatch(doc, -1)
	if len(blocks) < 8 {
		t.Fatalf("found %d blocks", len(blocks))
	}
	for _, b := range blocks {
		if c, found := Parse(Source{Name: "docs", Text: []byte(b[1])}, environment); c == nil || len(found.Errors()) > 0 || len(found) > 0 && !strings.Contains(b[1], "scheduled_actions") {
			t.Errorf("in\n%s\n%s", b[1], found.Detail())
		} else if lint := c.Lint(); len(lint) > 0 {
			t.Errorf("in\n%s\n%s", b[1], lint.Detail())
		}
	}
}

func TestEveryKeyIsDocumented(t *testing.T) {
	doc := string(readTest(t, "../docs/configuration.md"))
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	keys := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`\bstrict\.(?:Read|Need)\([a-z.]+, "([a-z_]+)"`).FindAllSubmatch(readTest(t, file), -1) {
			keys++
			if !regexp.MustCompile(`\b` + string(m[1]) + `\b`).MatchString(doc) {
				t.Errorf("the key %s of %s does not stand in docs/configuration.md", m[1], file)
			}
		}
	}
	if keys < 60 {
		t.Errorf("found only %d keys in the source", keys)
	}
}

// example binds a file of examples/flaskapp to the service of the issue.
func example(t *testing.T, name string) *evaluator.Target {
	t.Helper()
	c, found := Parse(Source{Name: name, Text: readTest(t, "../examples/flaskapp/"+name)}, os.LookupEnv)
	if c == nil || c.Region != "eu-west-2" || len(c.Unsupported()) > 0 {
		t.Fatalf("%+v\n%s", c, found.Detail())
	}
	chosen, _ := c.Select("flaskapp", "flaskapp", nil)
	return chosen.Bind("flaskapp", "flaskapp")
}

func TestTheTargetTrackingExampleTracksCPUAndMemoryAtTen(t *testing.T) {
	got := example(t, "target-tracking.yaml")
	if got.Min != 1 || got.Max != 4 || len(got.Policies) != 2 || len(got.Metrics) != 2 {
		t.Fatalf("target = %+v", got)
	}
	for i, metric := range []string{"CPUUtilization", "MemoryUtilization"} {
		p := got.Policies[i]
		if p.TargetTracking.TargetValue != 10 || p.ScaleOutCooldown != time.Minute || p.ScaleInCooldown != time.Minute || got.Metrics[p.Alarms[0].Metric].MetricName != metric {
			t.Errorf("policy %d = %+v, want %s at 10 with cooldowns of 60 s", i, p, metric)
		}
	}
}

func TestTheStepScalingExampleHasTheStepsOfTheIssue(t *testing.T) {
	got := example(t, "step-scaling.yaml")
	inf := math.Inf(1)
	want := [][]evaluator.StepAdjustment{
		{{LowerBound: 0, UpperBound: 10, ScalingAdjustment: 1}, {LowerBound: 10, UpperBound: 25, ScalingAdjustment: 2}, {LowerBound: 25, UpperBound: inf, ScalingAdjustment: 3}},
		{{LowerBound: -inf, UpperBound: 0, ScalingAdjustment: -1}},
	}
	operators := []evaluator.ComparisonOperator{evaluator.GreaterThanThreshold, evaluator.LessThanOrEqualToThreshold}
	for i, p := range got.Policies {
		a := p.Alarms[0]
		if diff := cmp.Diff(want[i], p.Step.Adjustments); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p.Name, diff)
		}
		if a.Operator != operators[i] || a.Threshold != 10 || a.EvaluationPeriods != 1 || p.ScaleOutCooldown != time.Minute || p.Aggregation != evaluator.Average {
			t.Errorf("%s = %+v", p.Name, p)
		}
	}
	if len(got.Metrics) != 1 || got.Metrics[0].MetricName != "MemoryUtilization" || got.Metrics[0].Period != 60 {
		t.Errorf("metrics = %+v, want one shared memory metric", got.Metrics)
	}
}
