package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/config/strict"
)

func TestByteOrderMarkAndWindowsLineEndsAreAccepted(t *testing.T) {
	text := "\ufeff" + strings.ReplaceAll(setting("region: eu-west-2 # é"), "\n", "\r\n")
	if c := parse(t, text); c.Region != "eu-west-2" || c.Targets[0].Line != 3 {
		t.Errorf("config = %+v", c)
	}
	got := messages(strings.ReplaceAll("# é\ntargets:\n  - service: web\n    min_capacity: x\n", "\n", "\r\n"))
	for _, want := range []string{"test.yaml:3:14: error: service", "test.yaml:4:19: error: min_capacity"} {
		if !strings.Contains(got, want) {
			t.Errorf("want %s in\n%s", want, got)
		}
	}
}

func TestADocumentMarkAndCommentsAreAccepted(t *testing.T) {
	parse(t, "# comment\n---\n# comment\n"+target("")+"# end\n...\n")
	parse(t, "# ----------------------------------------------------------------------------------------\n"+target(""))
}

func TestAFileIsJSONToo(t *testing.T) {
	c := parse(t, `{"region": "eu-west-2", "targets": [{"service": "a/b", "min_capacity": 1, "max_capacity": 2, "target_tracking": [{"name": "cpu", "metric": "ECSServiceAverageCPUUtilization", "target_value": 50}]}]}`)
	if c.Region != "eu-west-2" || len(c.Targets[0].Bind("a", "b").Policies) != 1 {
		t.Errorf("config = %+v", c)
	}
}

func TestAliasesStandForWholeValues(t *testing.T) {
	c := parse(t, `
targets:
  - service: a/one
    min_capacity: &low 2
    max_capacity: 9
    target_tracking: &policies
      - {name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 50}
  - service: a/two
    min_capacity: *low
    max_capacity: 9
    target_tracking: *policies
`)
	two := c.Targets[1]
	if two.MinCapacity != 2 || len(two.Bind("a", "two").Policies) != 1 {
		t.Errorf("target = %+v", two)
	}
}

func TestAMistakeBehindAnAliasIsToldWhereTheValueStands(t *testing.T) {
	got := messages("targets:\n  - &t {service: a/b, min_capacity: x, max_capacity: 1}\n  - *t\n")
	if !strings.Contains(got, "test.yaml:2:37: error: min_capacity") {
		t.Errorf("got\n%s", got)
	}
}

func TestMultiplyingAliasesAreStopped(t *testing.T) {
	steps := "&s {metric_interval_lower_bound: 0, scaling_adjustment: 1}" + strings.Repeat(", *s", 300)
	policies := fmt.Sprintf("&p {name: p, step_adjustments: [%s]}", steps) + strings.Repeat(", *p", 300)
	text := fmt.Sprintf("targets:\n  - &t {service: a/b, min_capacity: 0, max_capacity: 1, step_scaling: [%s]}\n%s", policies, strings.Repeat("  - *t\n", 1000))
	began := time.Now()
	_, found := Parse(Source{Name: "bomb", Text: []byte(text)}, environment)
	if !strings.Contains(found.Detail(), "multiply it beyond measure") {
		t.Errorf("%d findings, none about aliases", len(found))
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestDeepNestingIsRefusedBeforeTheParserSeesIt(t *testing.T) {
	for name, text := range map[string]string{
		"brackets": "targets: " + strings.Repeat("[", 1_000_000), "braces": strings.Repeat("{a: ", 500_000), "lists": strings.Repeat("- ", 500_000), "keys": strings.Repeat("? ", 500_000),
	} {
		if got := messages(text); !strings.Contains(got, "nested more than 64 deep") || strings.Count(got, "\n") != 1 {
			t.Errorf("%s: got %.200s", name, got)
		}
	}
}

func TestTenThousandSeparateTargetsAreRead(t *testing.T) {
	var b strings.Builder
	b.WriteString("targets:\n")
	for i := range 10_000 {
		fmt.Fprintf(&b, "  - {service: c/s%d, min_capacity: 1, max_capacity: 4, target_tracking: [{name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 60}]}\n", i)
	}
	c := parse(t, b.String())
	if got, others := c.Select("c", "s9999", nil); got == nil || got.Line != 10_001 || others != nil {
		t.Errorf("selected %+v and %d others of %d", got, len(others), len(c.Targets))
	}
}

func TestTheFirstOfManyMistakesDoesNotHideTheOthers(t *testing.T) {
	var b strings.Builder
	b.WriteString("targets:\n")
	for range 50 {
		b.WriteString("  - {service: c, min_capacity: -1, max_capacity: x, unknown: 1}\n")
	}
	if n := strings.Count(messages(b.String()), "\n"); n != 200 {
		t.Errorf("%d errors, want 200", n)
	}
}

func TestATextFullOfMistakesHasAnEnd(t *testing.T) {
	text := "targets:\n" + strings.Repeat("  - {service: c, min_capacity: 1, max_capacity: 2}\n", 5000) + "  - {service: c/last, min_capacity: 1, max_capacity: 2}\n"
	c, found := Parse(Source{Name: "x", Text: []byte(text)}, environment)
	if c != nil || len(found) != strict.MaxFindings || !strings.Contains(found[len(found)-1].Message, "more than 999 findings") {
		t.Errorf("%d findings, the last is %v", len(found), found[len(found)-1])
	}
}

func TestWhatAMistakeQuotesIsPrintable(t *testing.T) {
	got := messages("\"a\\nb\\e[31m\": 1\n" + target(""))
	if strings.Count(got, "\n") != 1 || strings.Contains(got, "\x1b") {
		t.Errorf("got %q", got)
	}
}
