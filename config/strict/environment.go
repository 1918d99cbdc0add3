package strict

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// reference finds ${NAME} and the escape $${; what follows a bare ${ decides whether it is well formed.
var reference = regexp.MustCompile(`\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{`)

// substitute replaces ${NAME} in one scalar that YAML has already read, so that nothing in the
// environment can become structure. The second result says whether anything was replaced.
func (v Value) substitute(text string) (string, bool, bool) {
	if !strings.Contains(text, "${") {
		return text, false, true
	}
	var b strings.Builder
	end, replaced, ok := 0, false, true
	for _, m := range reference.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(text[end:m[0]])
		end = m[1]
		switch {
		case text[m[0]:m[1]] == "$${":
			b.WriteString("${")
		case m[2] < 0:
			v.Errorf(v.find(text[m[0]:]), "${ must be followed by the name of an environment variable and }, as in ${NAME}; defaults are not supported, and $${ is a literal ${")
			ok = false
		default:
			name := text[m[2]:m[3]]
			s, set := v.Env(name)
			if !set {
				v.Errorf(v.find(text[m[0]:m[1]]), "the environment variable %s is not set; set it, or write $${%s} for the literal text", name, name)
				ok = false
			}
			v.remember(name, s)
			b.WriteString(s)
			replaced = true
		}
	}
	b.WriteString(text[end:])
	return b.String(), replaced, ok
}

// find locates a piece of this scalar in the text; quoting and folding can hide it, then the
// scalar itself is the place.
func (v Value) find(piece string) Position {
	piece, _, _ = strings.Cut(piece, "\n")
	for line := v.At.Line; line >= 1 && line <= min(v.At.Line+20, len(v.lines)); line++ {
		text, before := v.lines[line-1], 0
		if line == v.At.Line {
			before = byteOffset(text, v.At.Column)
		}
		if i := strings.Index(text[before:], piece); i >= 0 {
			return Position{line, utf8.RuneCountInString(text[:before+i]) + 1}
		}
	}
	return v.At
}

// byteOffset is where the column begins, within the line.
func byteOffset(line string, column int) int {
	n := 1
	for i := range line {
		if n >= column {
			return i
		}
		n++
	}
	return len(line)
}
