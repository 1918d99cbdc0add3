package schedule

import (
	"regexp"
	"slices"
	"strings"
)

// Kind is the form of an expression.
type Kind string

// The three forms (API PutScheduledAction Schedule).
const (
	At   Kind = "at"
	Rate Kind = "rate"
	Cron Kind = "cron"
)

// MaxLength is the longest expression in bytes (API PutScheduledAction Schedule).
const MaxLength = 1600

// Expression is a parsed at, rate or cron expression. It is immutable. Two expressions are the same if their texts
// are. The zero value never fires.
type Expression struct {
	text string
	kind Kind
	// local is the one fire of an at: the seconds from 1970 to what the clock on the wall shows.
	local int64
	// every is the interval of a rate, in seconds.
	every int64
	cron  *cron
}

// Parse reads an expression. Outer blanks do not matter; the error is an *Error.
func Parse(text string) (Expression, error) {
	e, wrong := parse(text)
	if wrong != nil {
		return Expression{}, wrong.correct()
	}
	return e, nil
}

// String is the text as it was given, without outer blanks.
func (e Expression) String() string { return e.text }

// Kind is the form; "" for the zero value.
func (e Expression) Kind() Kind { return e.kind }

// Equal says whether two expressions have the same text.
func (e Expression) Equal(other Expression) bool { return e.text == other.text }

// forms shows one good expression of each kind.
const forms = "at(2026-01-31T17:00:00), rate(5 minutes) or cron(0 8 ? * MON-FRI *)"

// parse reads the word before the parentheses and hands what is between them to its kind.
func parse(text string) (Expression, *Error) {
	all := piece{text, 0, len(text)}.trim()
	e := Expression{text: all.String()}
	if len(e.text) > MaxLength {
		return e, all.wrong("an expression has at most %d bytes, this one has %d", MaxLength, len(e.text))
	}
	word, inner, opened := all.cut("(")
	e.kind = Kind(word.String())
	if !opened || !slices.Contains([]Kind{At, Rate, Cron}, e.kind) {
		return e, misnamed(all, word, inner, opened)
	}
	inner, rest, closed := inner.cut(")")
	switch {
	case !closed:
		opening := all.part(0, len(e.kind)+1)
		return e, opening.wrong("%s is never closed", opening).hint("add the closing parenthesis").fixed(all.instead(e.text + ")"))
	case rest.String() != "":
		return e, rest.trim().wrong("nothing may follow the closing parenthesis, but %s does", rest.trim().shown()).fixed(rest.instead(""))
	}
	return e.between(inner)
}

// between reads what stands between the parentheses.
func (e Expression) between(inner piece) (Expression, *Error) {
	var wrong *Error
	switch e.kind {
	case At:
		e.local, wrong = parseAt(inner)
	case Rate:
		e.every, wrong = parseRate(inner)
	default:
		e.cron, wrong = parseCron(inner)
	}
	return e, wrong
}

// misnamed explains a text that does not begin with at(, rate( or cron(.
func misnamed(all, word, inner piece, opened bool) *Error {
	plain := strings.ToLower(strings.TrimSpace(word.String()))
	switch {
	case all.String() == "":
		return all.wrong("the expression is empty").hint("write one of the forms " + forms)
	case opened && (plain == string(At) || plain == string(Rate) || plain == string(Cron)):
		return word.wrong("%s must be written %q, in lower case and directly before the parenthesis", word.shown(), plain).fixed(word.instead(plain))
	case opened && plain != "":
		content, _, _ := inner.cut(")")
		return word.wrong("an expression must have one of the forms %s, not %s", forms, word.trim().shown()).fixed(all.instead(guess(content.trim().String())))
	}
	bare := strings.Trim(all.String(), "() \t")
	return all.wrong("an expression must have one of the forms %s, not %s", forms, all.shown()).fixed(all.instead(guess(bare)))
}

// nicknames are those of crontab.
var nicknames = map[string]string{
	"@hourly": "cron(0 * * * ? *)", "@daily": "cron(0 0 * * ? *)", "@midnight": "cron(0 0 * * ? *)", "@weekly": "cron(0 0 ? * SUN *)",
	"@monthly": "cron(0 0 1 * ? *)", "@yearly": "cron(0 0 1 1 ? *)", "@annually": "cron(0 0 1 1 ? *)",
}

var (
	rateLike = regexp.MustCompile(`(?i)^(?:@?every\s+)?([0-9.]+\s*[a-z]+)$`)
	cronLike = regexp.MustCompile(`^[0-9*][^\s]*(\s+[^\s()]+){4,6}$`)
	wordLike = regexp.MustCompile(`(?i)^(at|rate|cron)[\s:=]+(.+)$`)
)

// guess wraps a text in the kind of expression that it looks like; "" if it looks like none.
func guess(bare string) string {
	if full, known := nicknames[strings.ToLower(bare)]; known {
		return full
	}
	if m := rateLike.FindStringSubmatch(bare); m != nil {
		return "rate(" + m[1] + ")"
	}
	if m := wordLike.FindStringSubmatch(bare); m != nil {
		return strings.ToLower(m[1]) + "(" + m[2] + ")"
	}
	switch {
	case atForm.MatchString(bare):
		return "at(" + bare + ")"
	case cronLike.MatchString(bare):
		return "cron(" + bare + ")"
	}
	return ""
}
