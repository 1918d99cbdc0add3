package schedule

import (
	"fmt"
	"strings"
	"unicode"
)

// piece is a part of a text that knows where it stands, so that whoever finds a mistake in it can point at it.
type piece struct {
	whole    string
	from, to int
}

func (p piece) String() string { return p.whole[p.from:p.to] }

// part is p[i:j].
func (p piece) part(i, j int) piece { return piece{p.whole, p.from + i, p.from + j} }

// trim leaves out outer blanks.
func (p piece) trim() piece {
	s := p.String()
	i := len(s) - len(strings.TrimLeftFunc(s, unicode.IsSpace))
	return p.part(i, max(i, len(strings.TrimRightFunc(s, unicode.IsSpace))))
}

// orAll is p without outer blanks, or the whole text if there is nothing else in p.
func (p piece) orAll() piece {
	if p.trim().String() == "" {
		p = piece{p.whole, 0, len(p.whole)}
	}
	return p.trim()
}

// fields are the words between blanks.
func (p piece) fields() []piece {
	var all []piece
	start := -1
	for i, r := range p.String() {
		switch {
		case unicode.IsSpace(r) && start >= 0:
			all = append(all, p.part(start, i))
			start = -1
		case !unicode.IsSpace(r) && start < 0:
			start = i
		}
	}
	if start >= 0 {
		all = append(all, p.part(start, p.to-p.from))
	}
	return all
}

// list are the entries between commas, at least one.
func (p piece) list() []piece {
	var all []piece
	rest, more := p, true
	for more {
		var entry piece
		entry, rest, more = rest.cut(",")
		all = append(all, entry)
	}
	return all
}

// cut parts p at the first separator; without one everything stands before it.
func (p piece) cut(separator string) (before, after piece, found bool) {
	i := strings.Index(p.String(), separator)
	if i < 0 {
		end := p.to - p.from
		return p, p.part(end, end), false
	}
	return p.part(0, i), p.part(i+len(separator), p.to-p.from), true
}

// instead is the whole text with something else in the place of p.
func (p piece) instead(text string) string { return p.whole[:p.from] + text + p.whole[p.to:] }

// wrong says what is wrong with p.
func (p piece) wrong(format string, args ...any) *Error {
	return &Error{Text: p.whole, Offset: p.from, Length: p.to - p.from, Problem: fmt.Sprintf(format, args...)}
}

// shown is p as messages show it: a number as it is, else in quotes, short, and on one line.
func (p piece) shown() string {
	s := p.String()
	if digits(s) && len(s) <= 20 {
		return s
	}
	if r := []rune(s); len(r) > 60 {
		s = string(r[:57]) + "..."
	}
	return fmt.Sprintf("%q", s)
}
