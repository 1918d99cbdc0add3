package config

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ecs-autoscaler/evaluator"
)

// drawSteps makes step adjustments that satisfy aws-semantics 2.3, in any order: cut points cut
// the line into intervals, and the sides that reach beyond 0 are open.
func drawSteps(t *rapid.T) string {
	cuts := rapid.SliceOfNDistinct(rapid.IntRange(-50, 50), 1, 8, rapid.ID).Draw(t, "cuts")
	slices.Sort(cuts)
	var all []string
	step := func(bounds string) {
		all = append(all, fmt.Sprintf("{%sscaling_adjustment: %d}", bounds, rapid.IntRange(-9, 9).Draw(t, "adjustment")))
	}
	if cuts[0] < 0 || len(cuts) == 1 || rapid.Bool().Draw(t, "open below") {
		step(fmt.Sprintf("metric_interval_upper_bound: %d, ", cuts[0]))
	}
	for i := 1; i < len(cuts); i++ {
		step(fmt.Sprintf("metric_interval_lower_bound: %d, metric_interval_upper_bound: %d, ", cuts[i-1], cuts[i]))
	}
	if last := cuts[len(cuts)-1]; last > 0 || rapid.Bool().Draw(t, "open above") {
		step(fmt.Sprintf("metric_interval_lower_bound: %d, ", last))
	}
	return strings.Join(rapid.Permutation(all).Draw(t, "order"), ", ")
}

// drawTarget makes a target that AWS would accept.
func drawTarget(t *rapid.T, i int) string {
	low := rapid.IntRange(0, 50).Draw(t, "min")
	text := fmt.Sprintf("  - service: cluster/service-%d\n    min_capacity: %d\n    max_capacity: %d\n", i, low, low+rapid.IntRange(0, 50).Draw(t, "more"))
	kinds := rapid.SliceOfNDistinct(rapid.SampledFrom(predefinedNames), 0, 4, rapid.ID).Draw(t, "metrics")
	if len(kinds) > 0 {
		text += "    target_tracking:\n"
	}
	for j, kind := range kinds {
		label := ""
		if kind == predefinedALB {
			label = ", resource_label: app/a/1/targetgroup/b/2"
		}
		text += fmt.Sprintf("      - {name: tt%d, metric: %s, target_value: %g, scale_in_cooldown: %ds, disable_scale_in: %v%s}\n", j, kind,
			rapid.Float64Range(0.001, 1e6).Draw(t, "target"), rapid.IntRange(0, 9999).Draw(t, "cooldown"), rapid.Bool().Draw(t, "disable"), label)
	}
	if n := rapid.IntRange(0, 3).Draw(t, "step policies"); n > 0 {
		text += "    step_scaling:\n"
		for j := range n {
			periods := rapid.IntRange(1, 20).Draw(t, "periods")
			text += fmt.Sprintf("      - name: step%d\n        alarm: {metric: ECSServiceAverageMemoryUtilization, comparison_operator: %s, threshold: %g, period: %d, evaluation_periods: %d, datapoints_to_alarm: %d}\n        adjustment_type: ChangeInCapacity\n        step_adjustments: [%s]\n",
				j, rapid.SampledFrom([]evaluator.ComparisonOperator{evaluator.GreaterThanThreshold, evaluator.LessThanOrEqualToThreshold}).Draw(t, "operator"),
				rapid.Float64Range(-1e3, 1e3).Draw(t, "threshold"), rapid.SampledFrom([]int{10, 20, 30, 60, 300}).Draw(t, "period"), periods, rapid.IntRange(1, periods).Draw(t, "datapoints"), drawSteps(t))
		}
	}
	return text
}

func TestEveryValidTextParsesAndBindsToAConsistentTarget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := "targets:\n"
		for i := range rapid.IntRange(1, 4).Draw(t, "targets") {
			text += drawTarget(t, i)
		}
		c, found := Parse(Source{Name: "x", Text: []byte(text)}, environment)
		if c == nil {
			t.Fatalf("refused:\n%s\n%s", text, found.Detail())
		}
		for _, entry := range c.Targets {
			if wrong := inconsistent(entry.Bind(entry.Cluster, entry.Service)); wrong != "" {
				t.Fatalf("%s\n%s", wrong, text)
			}
		}
	})
}

// inconsistent says what the evaluator could not rely on.
func inconsistent(b *evaluator.Target) string {
	if b.Min > b.Max {
		return "min > max"
	}
	if wrong := wrongMetrics(b.Metrics); wrong != "" {
		return wrong
	}
	for _, p := range b.Policies {
		for _, a := range p.Alarms {
			if wrongAlarm(a, len(b.Metrics)) {
				return fmt.Sprintf("alarm of %s: %+v", p.Name, a)
			}
		}
		if wrong := wrongSteps(p.Step.Adjustments); wrong != "" {
			return "steps of " + p.Name + ": " + wrong
		}
	}
	return ""
}

func wrongAlarm(a evaluator.Alarm, metrics int) bool {
	indexed := 0 <= a.Metric && a.Metric < metrics && -1 <= a.SampleCount && a.SampleCount < metrics
	return !indexed || a.DatapointsToAlarm < 1 || a.DatapointsToAlarm > a.EvaluationPeriods
}

func wrongMetrics(metrics []evaluator.Metric) string {
	keys := map[string]bool{}
	for i := range metrics {
		key := metrics[i].Key()
		if keys[key] || metrics[i].Period <= 0 {
			return fmt.Sprintf("metric %d is repeated or has no period: %+v", i, metrics[i])
		}
		keys[key] = true
	}
	return ""
}

func wrongSteps(steps []evaluator.StepAdjustment) string {
	for i, s := range steps {
		if s.LowerBound >= s.UpperBound || i > 0 && steps[i-1].UpperBound != s.LowerBound {
			return fmt.Sprintf("not in line: %+v", steps)
		}
	}
	if n := len(steps); n > 0 && (halfOpen(steps[0].LowerBound, -1) || halfOpen(steps[n-1].UpperBound, 1)) {
		return fmt.Sprintf("an end beyond 0 is not open: %+v", steps)
	}
	return ""
}

// halfOpen says that an outermost bound lies beyond 0 without being infinite.
func halfOpen(bound float64, side int) bool {
	return bound*float64(side) > 0 && !math.IsInf(bound, side)
}

func TestAMutilatedTextNeverPanicsAndEveryFindingHasAPlaceInIt(t *testing.T) {
	seeds := corpus(t)
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.SampledFrom(seeds).Draw(t, "seed"))
		for range rapid.IntRange(1, 5).Draw(t, "cuts") {
			if len(text) == 0 {
				break
			}
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			piece := rapid.SampledFrom([]string{"", " ", "\n", "\t", "- ", ": ", "{", "]", "\"", "'", "&a ", "*a", "!x ", "|\n", "${", "#", "? ", "%", "---\n", "é", "\xff", "<<: "}).Draw(t, "piece")
			text = slices.Concat(text[:at], []byte(piece), text[min(len(text), at+rapid.IntRange(0, 9).Draw(t, "cut")):])
		}
		checkFindings(t, text)
	})
}

// checkFindings parses any text and checks what must hold whatever is in it.
func checkFindings(t interface{ Fatalf(string, ...any) }, text []byte) {
	c, found := Parse(Source{Name: "x", Text: text}, environment)
	if (c == nil) != found.HasErrors() {
		t.Fatalf("config %v, but findings\n%s", c, found.Detail())
	}
	for _, d := range found {
		if misplaced(d, strings.Count(string(text), "\n")+1) {
			t.Fatalf("finding %+v with detail %q", d, d.Detail())
		}
	}
	if c == nil {
		return
	}
	for _, entry := range c.Targets {
		if wrong := inconsistent(entry.Bind("cluster", "service")); wrong != "" {
			t.Fatalf("%s", wrong)
		}
	}
}

// misplaced says that a finding points outside the text or does not show its line and a caret.
func misplaced(d Diagnostic, lines int) bool {
	rows := strings.Count(d.Detail(), "\n") + 1
	return d.Line < 0 || d.Line > lines || d.Line > 0 && d.Column < 1 || d.Message == "" || rows != min(d.Line, 1)*2+1
}

// corpus are all texts of testdata and examples.
func corpus(t testing.TB) []string {
	t.Helper()
	var texts []string
	for _, pattern := range []string{"testdata/bad/*.yaml", "testdata/warning/*.yaml", "../examples/*/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(text))
		}
	}
	return append(texts, sharing, selection)
}

func FuzzParse(f *testing.F) {
	for _, text := range corpus(f) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkFindings(t, text) })
}
