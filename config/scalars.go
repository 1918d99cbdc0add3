package config

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// scalar is the text of a YAML scalar after substitution.
type scalar struct {
	text string
	// untyped is true when the text may become whatever its key wants: a plain scalar, or one
	// with ${...} in it even in quotes, because inside braces YAML demands the quotes.
	untyped bool
	// textual is false for what YAML itself takes for a number, boolean or null.
	textual bool
}

// textOf is the content of a scalar node.
func textOf(n ast.Node) string {
	if l, ok := n.(*ast.LiteralNode); ok {
		return l.Value.Value
	}
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value
	}
	return n.GetToken().Value
}

// scalar reads any scalar but null; what says what it should be, for the message.
func (v value) scalar(what string) (scalar, bool) {
	if v.node == nil {
		return scalar{}, false
	}
	s := scalar{text: textOf(v.node)}
	switch v.node.Type() {
	case ast.StringType:
		kind := v.node.GetToken().Type
		s.untyped = kind != token.SingleQuoteType && kind != token.DoubleQuoteType
		s.textual = !s.untyped || !decimalNumber.MatchString(s.text) // 1e3 is a number, whatever the parser says.
	case ast.LiteralType:
		s.textual = true
	case ast.IntegerType, ast.FloatType, ast.BoolType, ast.InfinityType, ast.NanType:
		s.untyped = true
	default:
		v.expected(what)
		return s, false
	}
	text, replaced, ok := v.substitute(s.text)
	s.text, s.untyped, s.textual = text, s.untyped || replaced, s.textual || replaced
	return s, ok
}

// text reads a string. A number or boolean must be put in quotes to be text, so that 007 stays 007.
func (v value) text() (string, bool) {
	const what = "text"
	s, ok := v.scalar(what)
	if ok && !s.textual {
		v.d.errorf(v.at, "%s must be text, not %s; write it in quotes: %q", v.key, describe(v.node), s.text)
		return "", false
	}
	return s.text, ok
}

// filled reads a string that is not empty.
func (v value) filled() (string, bool) {
	s, ok := v.text()
	if ok && strings.TrimSpace(s) == "" {
		v.d.errorf(v.at, "%s must not be empty", v.key)
		return "", false
	}
	return s, ok
}

var (
	wholeNumber   = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
	decimalNumber = regexp.MustCompile(`^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$`)
)

// wrong reports a scalar that is not what its key wants.
func (v value) wrong(what string, s scalar) {
	shown := fmt.Sprintf("the text %q", shorten(s.text))
	if s.untyped {
		shown = strconv.Quote(shorten(s.text))
		if wholeNumber.MatchString(s.text) || decimalNumber.MatchString(s.text) {
			shown = s.text
		}
	}
	hint := ""
	if !s.untyped && (decimalNumber.MatchString(s.text) || s.text == "true" || s.text == "false") {
		hint = "; remove the quotes"
	}
	v.d.errorf(v.at, "%s must be %s, not %s%s", v.key, what, shown, hint)
}

// integer reads a whole number within [low, high].
func integer(low, high int) func(value) (int, bool) {
	what := "a whole number"
	switch {
	case high < math.MaxInt32:
		what = fmt.Sprintf("a whole number from %d to %d", low, high)
	case low > math.MinInt32:
		what = fmt.Sprintf("a whole number, at least %d and less than 2^31", low)
	}
	return func(v value) (int, bool) {
		s, ok := v.scalar(what)
		if !ok {
			return 0, false
		}
		n, err := strconv.Atoi(s.text)
		if !s.untyped || err != nil || !wholeNumber.MatchString(s.text) || n < low || n > high {
			v.wrong(what, s)
			return 0, false
		}
		return n, true
	}
}

// number reads a finite number.
func (v value) number() (float64, bool) {
	const what = "a number"
	s, ok := v.scalar(what)
	if !ok {
		return 0, false
	}
	x, err := strconv.ParseFloat(s.text, 64)
	if !s.untyped || err != nil || !decimalNumber.MatchString(s.text) {
		v.wrong(what, s)
		return 0, false
	}
	return x, true
}

// boolean reads true or false; yes and on are text in YAML 1.2.
func (v value) boolean() (bool, bool) {
	const what = "true or false"
	s, ok := v.scalar(what)
	if !ok {
		return false, false
	}
	switch {
	case !s.untyped:
	case slices.Contains([]string{"true", "True", "TRUE"}, s.text):
		return true, true
	case slices.Contains([]string{"false", "False", "FALSE"}, s.text):
		return false, true
	}
	v.wrong(what, s)
	return false, false
}

const durationForm = "a duration in whole seconds (60) or as 60s, 5m, 1h30m"

// duration reads whole seconds, >= 0: as a number, or in Go's notation.
func (v value) duration() (time.Duration, bool) { return v.durationOr(durationForm) }

// durationOr names in its message what else the key would take.
func (v value) durationOr(form string) (time.Duration, bool) {
	s, ok := v.scalar(form)
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(s.text)
	if s.untyped && wholeNumber.MatchString(s.text) {
		var n int
		n, err = strconv.Atoi(s.text)
		d = time.Duration(min(n, math.MaxInt32+1)) * time.Second
	}
	switch {
	case err != nil || d > math.MaxInt32*time.Second:
		v.wrong(form, s)
		return 0, false
	case d < 0:
		v.wrong("a duration that is not negative", s)
		return 0, false
	case d%time.Second != 0:
		v.wrong("a whole number of seconds", s)
		return 0, false
	}
	return d, true
}

// autoOr reads the word auto, which gives auto, or a duration within [low, high].
func autoOr(auto, low, high time.Duration) func(value) (time.Duration, bool) {
	return func(v value) (time.Duration, bool) {
		s, ok := v.scalar("auto or " + durationForm)
		if !ok || s.text == "auto" {
			return auto, ok
		}
		d, ok := v.durationOr("auto or " + durationForm)
		if ok && (d < low || d > high) {
			v.d.errorf(v.at, "%s must be auto or from %d to %d seconds, not %d", v.key, int(low.Seconds()), int(high.Seconds()), int(d.Seconds()))
			return 0, false
		}
		return d, ok
	}
}

// oneOf reads one word of a closed set.
func oneOf[T ~string](allowed ...T) func(value) (T, bool) {
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = string(a)
	}
	return func(v value) (T, bool) {
		s, ok := v.scalar("one of " + strings.Join(words, ", "))
		if !ok {
			return "", false
		}
		if slices.Contains(words, s.text) {
			return T(s.text), true
		}
		if near, ok := nearest(s.text, words); ok {
			v.d.errorf(v.at, "%s cannot be %q; did you mean %s?", v.key, shorten(s.text), near)
			return "", false
		}
		v.wrong("one of "+strings.Join(words, ", "), s)
		return "", false
	}
}
