package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestLintSaysWhatIsWrongWithItsNumbersAndWhatWouldBeRight(t *testing.T) {
	for _, file := range filesOf(t, "testdata/lint/*.yaml") {
		t.Run(nameOf(file), func(t *testing.T) {
			c, found := Parse(Source{Name: nameOf(file) + ".yaml", Text: readTest(t, file)}, environment)
			if c == nil || len(found) > 0 {
				t.Fatalf("Parse alone:\n%s", found.Detail())
			}
			found = c.Lint()
			if found.HasErrors() || len(found) == 0 {
				t.Errorf("want warnings, got:\n%s", found.Detail())
			}
			checkGolden(t, file, found)
		})
	}
}

func TestLintIsSilentWhereThereIsAMargin(t *testing.T) {
	for _, file := range filesOf(t, "testdata/unlinted/*.yaml") {
		c, found := Parse(Source{Name: nameOf(file) + ".yaml", Text: readTest(t, file)}, environment)
		if c == nil || len(found) > 0 || len(c.Lint()) > 0 {
			t.Errorf("%s:\n%s\n%s", file, found.Detail(), c.Lint().Detail())
		}
	}
}

// TestEveryFindingIsDocumented holds docs/lint.md to the truth: each YAML text gives the findings that stand below it.
func TestEveryFindingIsDocumented(t *testing.T) {
	doc := string(readTest(t, "../docs/lint.md"))
	pairs := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```\n\n```text\n(.*?)^```").FindAllStringSubmatch(doc, -1)
	if len(pairs) < 9 {
		t.Fatalf("found %d examples with their findings", len(pairs))
	}
	for _, pair := range pairs {
		c, found := Parse(Source{Name: "ecs-autoscaler.yaml", Text: []byte(pair[1])}, environment)
		if c == nil {
			t.Fatalf("%s", found.Detail())
		}
		var lines []string
		for _, d := range append(found, c.Lint()...) {
			lines = append(lines, d.String())
		}
		if got := strings.Join(lines, "\n") + "\n"; got != pair[2] {
			t.Errorf("docs/lint.md has\n%s\nbut it is\n%s", pair[2], got)
		}
	}
}

func TestOneQuestionIsAskedOnceForAllEntries(t *testing.T) {
	var b strings.Builder
	b.WriteString("targets:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "  - {service: c/s%d, min_capacity: 1, max_capacity: 500, step_scaling: [", i)
		for _, side := range []string{"GreaterThanThreshold, threshold: 70, evaluation_periods: 1}, step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 1}]", "LessThanThreshold, threshold: 35, evaluation_periods: 1}, step_adjustments: [{metric_interval_upper_bound: 0, scaling_adjustment: -1}]"} {
			fmt.Fprintf(&b, "{name: %c, adjustment_type: ChangeInCapacity, alarm: {metric: ECSServiceAverageCPUUtilization, comparison_operator: %s}, ", side[0], side)
		}
		b.WriteString("]}\n")
	}
	c, found := Parse(Source{Name: "many.yaml", Text: []byte(b.String())}, environment)
	if c == nil {
		t.Fatal(found.Detail())
	}
	begun := time.Now()
	if found := c.Lint(); len(found) > 0 {
		t.Fatal(found[0])
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("1,000 entries took %s", took)
	}
}

func TestPrices(t *testing.T) {
	text := `
interval: %s
targets:
  - service: a/b
    min_capacity: 1
    max_capacity: 4
    target_tracking:
      - {name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}
      - {name: fast, metric: ECSServiceAverageMemoryUtilizationHighResolution, target_value: 60, disable_scale_in: true}
      - name: backlog
        target_value: 100
        customized_metric:
          metrics:
            - {id: m1, metric_stat: {metric: {namespace: AWS/SQS, metric_name: ApproximateNumberOfMessagesVisible}, stat: Sum}, return_data: false}
            - {id: m2, metric_stat: {metric: {namespace: ECS/ContainerInsights, metric_name: RunningTaskCount}, stat: Average}, return_data: false}
            - {id: e1, expression: m1 / m2}
  - {service: "a/*", min_capacity: 1, max_capacity: 4, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}]}
`
	for _, row := range []struct {
		interval string
		want     Prices
	}{
		{"auto", Prices{Metrics: 5, Requests: 4*43_800 + 262_800, Dollars: 4.38, Alarms: 7, ManagedDollars: 0.2 + 0.3 + 0.4 + 0.2}},
		{"5m", Prices{Metrics: 5, Requests: 4*43_800 + 262_800, Dollars: 4.38, Alarms: 7, ManagedDollars: 0.2 + 0.3 + 0.4 + 0.2}},
		{"30s", Prices{Metrics: 5, Requests: 4*87_600 + 262_800, Dollars: 6.132, Alarms: 7, ManagedDollars: 0.2 + 0.3 + 0.4 + 0.2}},
	} {
		c, found := Parse(Source{Name: "p.yaml", Text: fmt.Appendf(nil, text, row.interval)}, environment)
		if c == nil {
			t.Fatal(found.Detail())
		}
		got := c.Prices()
		row.want.Patterns = 1
		near := func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }
		if !near(got.Dollars, row.want.Dollars) || !near(got.ManagedDollars, row.want.ManagedDollars) {
			t.Errorf("%s: %+v, want %+v", row.interval, got, row.want)
		}
		got.Dollars, got.ManagedDollars, row.want.Dollars, row.want.ManagedDollars = 0, 0, 0, 0
		if got != row.want {
			t.Errorf("%s: %+v, want %+v", row.interval, got, row.want)
		}
	}
}

// about is what an example may be warned of, because it is about that.
var about = map[string]string{"step-scaling.yaml": "cannot come to rest"}

func lintExample(t *testing.T, path string, c *Config) {
	t.Helper()
	for _, d := range c.Lint() {
		if what := about[filepath.Base(path)]; what == "" || !strings.Contains(d.Message, what) {
			t.Errorf("%s", d.Detail())
		}
	}
}
