package strict

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

// Scalar is the text of a YAML scalar after substitution.
type Scalar struct {
	Text string
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

// Scalar reads any scalar but null; what says what it should be, for the message.
func (v Value) Scalar(what string) (Scalar, bool) {
	if v.node == nil {
		return Scalar{}, false
	}
	s := Scalar{Text: textOf(v.node)}
	switch v.node.Type() {
	case ast.StringType:
		kind := v.node.GetToken().Type
		s.untyped = kind != token.SingleQuoteType && kind != token.DoubleQuoteType
		s.textual = !s.untyped || !decimalNumber.MatchString(s.Text) // 1e3 is a number, whatever the parser says.
	case ast.LiteralType:
		s.textual = true
	case ast.IntegerType, ast.FloatType, ast.BoolType, ast.InfinityType, ast.NanType:
		s.untyped = true
	default:
		v.expected(what)
		return s, false
	}
	text, replaced, ok := v.substitute(s.Text)
	s.Text, s.untyped, s.textual = text, s.untyped || replaced, s.textual || replaced
	return s, ok
}

// Text reads a string. A number or boolean must be put in quotes to be text, so that 007 stays 007.
func (v Value) Text() (string, bool) {
	const what = "text"
	s, ok := v.Scalar(what)
	if ok && !s.textual {
		v.Errorf(v.At, "%s must be text, not %s; write it in quotes: %q", v.Key, describe(v.node), s.Text)
		return "", false
	}
	return s.Text, ok
}

// Filled reads a string that is not empty.
func (v Value) Filled() (string, bool) {
	s, ok := v.Text()
	if ok && strings.TrimSpace(s) == "" {
		v.Errorf(v.At, "%s must not be empty", v.Key)
		return "", false
	}
	return s, ok
}

var (
	wholeNumber   = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
	decimalNumber = regexp.MustCompile(`^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$`)
)

// Wrong reports a scalar that is not what its key wants.
func (v Value) Wrong(what string, s Scalar) {
	shown := fmt.Sprintf("the text %q", Shorten(s.Text))
	if s.untyped {
		shown = strconv.Quote(Shorten(s.Text))
		if wholeNumber.MatchString(s.Text) || decimalNumber.MatchString(s.Text) {
			shown = s.Text
		}
	}
	hint := ""
	if !s.untyped && (decimalNumber.MatchString(s.Text) || s.Text == "true" || s.Text == "false") {
		hint = "; remove the quotes"
	}
	v.Errorf(v.At, "%s must be %s, not %s%s", v.Key, what, shown, hint)
}

// Integer reads a whole number within [low, high].
func Integer(low, high int) func(Value) (int, bool) {
	what := "a whole number"
	switch {
	case high < math.MaxInt32:
		what = fmt.Sprintf("a whole number from %d to %d", low, high)
	case low > math.MinInt32:
		what = fmt.Sprintf("a whole number, at least %d and less than 2^31", low)
	}
	return func(v Value) (int, bool) {
		s, ok := v.Scalar(what)
		if !ok {
			return 0, false
		}
		n, err := strconv.Atoi(s.Text)
		if !s.untyped || err != nil || !wholeNumber.MatchString(s.Text) || n < low || n > high {
			v.Wrong(what, s)
			return 0, false
		}
		return n, true
	}
}

// Number reads a finite number.
func (v Value) Number() (float64, bool) {
	const what = "a number"
	s, ok := v.Scalar(what)
	if !ok {
		return 0, false
	}
	x, err := strconv.ParseFloat(s.Text, 64)
	if !s.untyped || err != nil || !decimalNumber.MatchString(s.Text) {
		v.Wrong(what, s)
		return 0, false
	}
	return x, true
}

// Boolean reads true or false; yes and on are text in YAML 1.2.
func (v Value) Boolean() (bool, bool) {
	const what = "true or false"
	s, ok := v.Scalar(what)
	if !ok {
		return false, false
	}
	switch {
	case !s.untyped:
	case slices.Contains([]string{"true", "True", "TRUE"}, s.Text):
		return true, true
	case slices.Contains([]string{"false", "False", "FALSE"}, s.Text):
		return false, true
	}
	v.Wrong(what, s)
	return false, false
}

const durationForm = "a duration in whole seconds (60) or as 60s, 5m, 1h30m"

// Duration reads whole seconds, >= 0: as a number, or in Go's notation.
func (v Value) Duration() (time.Duration, bool) { return v.durationOr(durationForm) }

// durationOr names in its message what else the key would take.
func (v Value) durationOr(form string) (time.Duration, bool) {
	s, ok := v.Scalar(form)
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(s.Text)
	if s.untyped && wholeNumber.MatchString(s.Text) {
		var n int
		n, err = strconv.Atoi(s.Text)
		d = time.Duration(min(n, math.MaxInt32+1)) * time.Second
	}
	switch {
	case err != nil || d > math.MaxInt32*time.Second:
		v.Wrong(form, s)
		return 0, false
	case d < 0:
		v.Wrong("a duration that is not negative", s)
		return 0, false
	case d%time.Second != 0:
		v.Wrong("a whole number of seconds", s)
		return 0, false
	}
	return d, true
}

// AutoOr reads the word auto, which gives auto, or a duration within [low, high].
func AutoOr(auto, low, high time.Duration) func(Value) (time.Duration, bool) {
	return func(v Value) (time.Duration, bool) {
		s, ok := v.Scalar("auto or " + durationForm)
		if !ok || s.Text == "auto" {
			return auto, ok
		}
		d, ok := v.durationOr("auto or " + durationForm)
		if ok && (d < low || d > high) {
			v.Errorf(v.At, "%s must be auto or from %d to %d seconds, not %d", v.Key, int(low.Seconds()), int(high.Seconds()), int(d.Seconds()))
			return 0, false
		}
		return d, ok
	}
}

// OneOf reads one word of a closed set.
func OneOf[T ~string](allowed ...T) func(Value) (T, bool) {
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = string(a)
	}
	return func(v Value) (T, bool) {
		s, ok := v.Scalar("one of " + strings.Join(words, ", "))
		if !ok {
			return "", false
		}
		if slices.Contains(words, s.Text) {
			return T(s.Text), true
		}
		if near, ok := Nearest(s.Text, words); ok {
			v.Errorf(v.At, "%s cannot be %q; did you mean %s?", v.Key, Shorten(s.Text), near)
			return "", false
		}
		v.Wrong("one of "+strings.Join(words, ", "), s)
		return "", false
	}
}
