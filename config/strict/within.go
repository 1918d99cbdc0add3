package strict

import (
	"strings"
	"unicode/utf8"
)

// Within is the place of a byte of this scalar's text, also where the text goes over several lines; false where an escape
// or a variable before it hides what stands in the file.
func (v Value) Within(text string, offset int) (Position, bool) {
	if v.At.Line < 1 || v.At.Line > len(v.lines) {
		return v.At, false
	}
	c := cursor{lines: v.lines, line: v.At.Line, at: byteOffset(v.lines[v.At.Line-1], v.At.Column)}
	switch first := c.rest(); {
	case first == "":
	case first[0] == '"', first[0] == '\'':
		c.at++
	case first[0] == '>', first[0] == '|':
		c.newLine()
	}
	for _, b := range []byte(text[:offset]) {
		if !c.pass(b) {
			return v.At, false
		}
	}
	c.blanks()
	return Position{c.line, utf8.RuneCountInString(c.lines[c.line-1][:c.at]) + 1}, true
}

// cursor is a place in the file while a scalar's text is compared with it; blanks and the ends of lines are the same.
type cursor struct {
	lines    []string
	line, at int
}

func (c *cursor) rest() string { return c.lines[c.line-1][c.at:] }

func (c *cursor) newLine() {
	if c.line < len(c.lines) {
		c.line, c.at = c.line+1, 0
	}
}

// blanks goes on to the next character that is none.
func (c *cursor) blanks() {
	for {
		c.at += len(c.rest()) - len(strings.TrimLeft(c.rest(), " \t"))
		if c.rest() != "" || c.line >= len(c.lines) {
			return
		}
		c.newLine()
	}
}

// pass goes past one byte of the text, if it stands here.
func (c *cursor) pass(b byte) bool {
	if b == ' ' || b == '\n' || b == '\t' {
		return true // the next character that is no blank goes past all of them
	}
	c.blanks()
	if rest := c.rest(); rest == "" || rest[0] != b {
		return false
	}
	c.at++
	return true
}
