package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
	"pgregory.net/rapid"
)

// keyChecker looks at every key of a syntax tree.
type keyChecker func(key string, at position)

func (c keyChecker) Visit(n ast.Node) ast.Visitor {
	if pair, ok := n.(*ast.MappingValueNode); ok {
		c(pair.Key.GetToken().Value, startOf(pair.Key))
	}
	return c
}

// drawFiller is what people put between keys: comments, blank lines, long texts.
func drawFiller(t *rapid.T, label string, i int) string {
	return rapid.SampledFrom([]string{
		"", "\n", "# é comment: with {brackets\n", "\n\n# a\n\n# b\n", "      \n",
		fmt.Sprintf("lit%d: |\n  one: é\n\n  two\n", i), fmt.Sprintf("fold%d: >-\n  one\n  two # no comment\n\n", i),
		fmt.Sprintf("dq%d: \"one\n  two: é\n  three\"\n", i), fmt.Sprintf("sq%d: 'one ''two''\n  three'\n", i), fmt.Sprintf("plain%d: one\n  two\n", i),
		fmt.Sprintf("flow%d: {fa%d: [1,\n  \"é\", {fb%d: 2}], # c\n  fc%d: 3}\n", i, i, i, i), fmt.Sprintf("seq%d:\n- sa%d: 1\n  sb%d: \"x\"\n\n- # c\n  sc%d: é\n", i, i, i, i),
		fmt.Sprintf("anchor%d: &a%d {aa%d: 1}\nalias%d: *a%d\n", i, i, i, i, i), fmt.Sprintf("empty%d:\nnull%d: ~\n", i, i), fmt.Sprintf("\"quoted%d\": 1\n", i),
	}).Draw(t, label)
}

func TestEveryKeyStandsWhereItsFindingWouldPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := ""
		for i := range rapid.IntRange(1, 8).Draw(t, "pieces") {
			text += drawFiller(t, "filler", i) + fmt.Sprintf("key%d: %d # é\n", i, i)
		}
		if rapid.Bool().Draw(t, "windows") {
			text = strings.ReplaceAll(text, "\n", "\r\n")
		}
		d := newDecoder("x", environment)
		body, ok := d.document([]byte(text))
		if !ok {
			t.Fatalf("refused: %s\n%s", d.found.Detail(), text)
		}
		ast.Walk(keyChecker(func(key string, at position) {
			line := d.lines[at.line-1]
			if rest := line[byteOffset(line, at.column):]; !strings.HasPrefix(strings.Trim(rest, `"`), key) {
				t.Fatalf("%s is said to stand at %v, where %q stands, in\n%s", key, at, rest, text)
			}
		}), body)
	})
}

// The line shown is the one to correct, not the one on which the alarm begins.
func TestAWindowThatIsTooLongIsFoundWhereItStands(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"M of a step policy's alarm", target(`    step_scaling:
      - name: s
        alarm:
          metric: ECSServiceAverageCPUUtilization
          comparison_operator: GreaterThanThreshold
          threshold: 50
          evaluation_periods: 3
          datapoints_to_alarm: 4
        adjustment_type: ChangeInCapacity
        step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 1}]
`), "test.yaml:12:32: error: datapoints_to_alarm (4) must not exceed evaluation_periods (3)"},
		{"N of a step policy's alarm", target(`    step_scaling:
      - name: s
        alarm:
          metric: ECSServiceAverageCPUUtilization
          comparison_operator: GreaterThanThreshold
          threshold: 50
          evaluation_periods: 1441
        adjustment_type: ChangeInCapacity
        step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 1}]
`), "test.yaml:11:31: error: evaluation_periods x period"},
		{"M of a target-tracking policy's alarm", target(`    target_tracking:
      - name: cpu
        metric: ECSServiceAverageCPUUtilization
        target_value: 50
        scale_in_alarm:
          evaluation_periods: 10
          datapoints_to_alarm: 11
`), "test.yaml:11:32: error: datapoints_to_alarm (11) must not exceed evaluation_periods (10)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, found := Parse(Source{Name: "test.yaml", Text: []byte(c.text)}, environment); !strings.HasPrefix(found.Detail(), c.want) {
				t.Errorf("got %s\nwant %s", found.Detail(), c.want)
			}
		})
	}
}
