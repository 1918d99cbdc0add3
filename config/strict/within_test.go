package strict

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// scalarOf reads the value of the key k.
func scalarOf(t interface{ Fatalf(string, ...any) }, text string) (Value, Scalar) {
	env := func(name string) (string, bool) { return "longer than the name", name == "V" }
	d := New("t", env, Form{})
	v, ok := d.Read([]byte(text))
	if !ok {
		t.Fatalf("%s", d.Findings().Detail())
	}
	m, _ := v.Mapping()
	inner, _ := m.take("k")
	s, _ := inner.Scalar("text")
	return inner, s
}

func TestAPlaceWithinATextIsFound(t *testing.T) {
	for text, want := range map[string]string{
		"k: one two HERE":              "1:12",
		"k: 'one two HERE'":            "1:13",
		"k: \"é HERE\"":                "1:7",
		"k: one\n  two\n\n  HERE too":  "4:3",
		"k: 'one\n  two HERE'":         "2:7",
		"k: >-\n  one\n   two\n  HERE": "4:3",
		"k: |\n  one\n  HERE\n":        "3:3",
		"k: \"\\u0061 HERE\"":          "none",
		"k: ${V} HERE":                 "none",
		"k: 'it''s HERE'":              "none",
		"a: &x one HERE\nk: *x":        "none",
		"k: HERE":                      "1:4",
	} {
		v, s := scalarOf(t, text)
		at, ok := v.Within(s.Text, strings.Index(s.Text, "HERE"))
		got := "none"
		if ok {
			got = fmt.Sprintf("%d:%d", at.Line, at.Column)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestEveryWordOfAFoldedTextIsFoundWhereItStands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-z][a-z0-9é]{0,5}`), 1, 12).Draw(t, "words")
		text := "k: " + rapid.SampledFrom([]string{"", "'", "\"", ">-\n  "}).Draw(t, "style")
		quote := strings.Trim(text, "k: >-\n")
		for i, w := range words {
			if i > 0 {
				text += rapid.SampledFrom([]string{" ", "  ", "\n  ", "\n    "}).Draw(t, "gap")
			}
			text += w
		}
		text += quote
		v, s := scalarOf(t, text)
		offset := 0
		for w := range strings.FieldsSeq(s.Text) {
			offset += strings.Index(s.Text[offset:], w)
			at, ok := v.Within(s.Text, offset)
			line := strings.Split(text, "\n")[at.Line-1]
			if !ok || !strings.HasPrefix(line[byteOffset(line, at.Column):], w) {
				t.Fatalf("%q is said to stand at %v of\n%s", w, at, text)
			}
			offset += len(w)
		}
	})
}
