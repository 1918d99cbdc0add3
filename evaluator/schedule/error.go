package schedule

import (
	"strings"
	"unicode"
)

// Error says what is wrong with the text of an expression, where, and what would be right.
type Error struct {
	// Text is the text as it was given.
	Text string
	// Offset and Length are the bytes of Text that are wrong. Length is 0 where Text is empty.
	Offset, Length int
	// Problem says what is wrong, in words that follow "schedule: ".
	Problem string
	// Hint says what would be right or was probably meant, Correction included; "" if nothing is known.
	Hint string
	// Correction is the right expression that was probably meant; "" if there is more than one or none.
	Correction string

	// fix is the text with this mistake corrected; it may have others.
	fix string
}

// Error is the text with the problem and the hint, on one line.
func (e *Error) Error() string {
	return "schedule " + piece{e.Text, 0, len(e.Text)}.shown() + ": " + e.Message()
}

// Message is the problem and the hint without the text.
func (e *Error) Message() string { return joined(e.Problem, e.Hint) }

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// hint adds an explanation. It may quote an expression, in which any white space is as good as a blank.
func (e *Error) hint(text string) *Error {
	e.Hint = joined(e.Hint, strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text))
	return e
}

// fixed adds the text without this mistake.
func (e *Error) fixed(text string) *Error {
	e.fix = text
	return e
}

// maxFixes bounds how many mistakes of one text are followed up.
const maxFixes = 8

// correct corrects the mistake, and those that come to light below it, until the text is right.
func (e *Error) correct() *Error {
	fix := e.fix
	for range maxFixes {
		if fix == "" || len(fix) > MaxLength {
			return e
		}
		right, next := parse(fix)
		if next == nil {
			e.Correction = right.text
			return e.hint("did you mean " + right.text + "?")
		}
		fix = next.fix
	}
	return e
}
