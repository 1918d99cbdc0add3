package strict

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
	"pgregory.net/rapid"
)

// keyChecker looks at every key of a syntax tree.
type keyChecker func(key string, at Position)

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
		d := New("x", func(string) (string, bool) { return "", false }, Form{})
		body, ok := d.document([]byte(text))
		if !ok {
			t.Fatalf("refused: %s\n%s", d.found.Detail(), text)
		}
		ast.Walk(keyChecker(func(key string, at Position) {
			line := d.lines[at.Line-1]
			if rest := line[byteOffset(line, at.Column):]; !strings.HasPrefix(strings.Trim(rest, `"`), key) {
				t.Fatalf("%s is said to stand at %v, where %q stands, in\n%s", key, at, rest, text)
			}
		}), body)
	})
}
