package dynamo

import (
	"slices"
	"strings"

	"ecs-autoscaler/sim/wire"
)

// maxExpression is how long an expression may be (developer guide, "Quotas": 4 KB).
const maxExpression = 4096

// The kinds of tokens of an expression.
const (
	tokenEnd    = iota
	tokenWord   // a name, a keyword or a function
	tokenName   // #name
	tokenValue  // :value
	tokenNumber // an index
	tokenSign   // an operator or a parenthesis
)

type token struct {
	kind int
	text string
}

// is says whether a token is a keyword, whatever its case.
func (t token) is(keyword string) bool {
	return t.kind == tokenWord && strings.EqualFold(t.text, keyword)
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func digit(c byte) bool { return c >= '0' && c <= '9' }

func inWord(c byte) bool { return letter(c) || digit(c) || c == '_' }

// lex cuts an expression into tokens; the last one is the end.
func lex(kind, text string) ([]token, *wire.Error) {
	if len(text) > maxExpression {
		return nil, validation("Invalid %s: Expression size has exceeded the maximum allowed size; expression size: %d", kind, len(text))
	}
	var all []token
	for text != "" {
		if strings.IndexByte(" \t\r\n", text[0]) >= 0 {
			text = text[1:]
			continue
		}
		t := next(text)
		if t.text == "" {
			return nil, syntaxError(kind, text[:1], text[:min(len(text), 10)])
		}
		all, text = append(all, t), text[len(t.text):]
	}
	if len(all) == 0 {
		return nil, validation("Invalid %s: The expression can not be empty;", kind)
	}
	return append(all, token{tokenEnd, "<EOF>"}), nil
}

// next is the token that a text begins with; its text is empty if there is none.
func next(text string) token {
	switch c := text[0]; {
	case letter(c):
		return token{tokenWord, text[:run(text)]}
	case digit(c):
		return token{tokenNumber, text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]}
	case c == '#' && run(text) > 1:
		return token{tokenName, text[:run(text)]}
	case c == ':' && run(text) > 1:
		return token{tokenValue, text[:run(text)]}
	case len(text) > 1 && slices.Contains([]string{"<=", ">=", "<>"}, text[:2]):
		return token{tokenSign, text[:2]}
	case strings.IndexByte("=<>(),.[]+-", c) >= 0:
		return token{tokenSign, text[:1]}
	}
	return token{}
}

// run is where the word ends that begins at the second byte.
func run(text string) int {
	from := 1
	for from < len(text) && inWord(text[from]) {
		from++
	}
	return from
}

func syntaxError(kind, at, near string) *wire.Error {
	return validation("Invalid %s: Syntax error; token: %q, near: %q", kind, at, near)
}
