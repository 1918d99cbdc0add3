package managed

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

func printable(r rune) bool { return unicode.IsPrint(r) }

// plain is text that YAML reads as text without quotes, everywhere.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)

// words are what YAML readers take for something else.
var words = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

// quoted is a text as a YAML value; ${ is escaped, because the configuration would look a variable up.
func quoted(s string) string {
	if plain.MatchString(s) && !slices.Contains(words, strings.ToLower(s)) {
		return s
	}
	return inQuotes(strings.ReplaceAll(s, "${", "$${"), shortEscape)
}

// inQuotes is a text between quotes, in which escape writes what is not printable.
func inQuotes(s string, escape func(rune) string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"', r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case printable(r):
			out.WriteRune(r)
		default:
			out.WriteString(escape(r))
		}
	}
	out.WriteByte('"')
	return out.String()
}

func longEscape(r rune) string { return fmt.Sprintf(`\U%08x`, r) }

func shortEscape(r rune) string {
	if r < 1<<16 {
		return fmt.Sprintf(`\u%04x`, r)
	}
	return longEscape(r)
}

// number is a float as people write it, and as the configuration reads it back.
func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// pairs are the keys of a mapping in braces, in order; values stand as YAML has them.
type pairs []string

func (p *pairs) add(key, value string) { *p = append(*p, key+": "+value) }

// text adds a text that is not empty.
func (p *pairs) text(key, value string) {
	if value != "" {
		p.add(key, quoted(value))
	}
}

// unless adds a number that is not the default.
func (p *pairs) unless(normal int, key string, value int) {
	if value != normal {
		p.add(key, strconv.Itoa(value))
	}
}

func (p *pairs) flag(key string, value bool) {
	if value {
		p.add(key, "true")
	}
}

func (p pairs) flow() string { return "{" + strings.Join(p, ", ") + "}" }

// page is the text that grows.
type page struct{ bytes.Buffer }

func (p *page) line(indent int, text string) {
	p.WriteString(strings.Repeat(" ", indent))
	p.WriteString(text)
	p.WriteByte('\n')
}

// entry writes the keys of a list's entry in a block, the first behind the dash.
func (p *page) entry(indent int, keys pairs) {
	for i, k := range keys {
		mark := "  "
		if i == 0 {
			mark = "- "
		}
		p.line(indent, mark+k)
	}
}
