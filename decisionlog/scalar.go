package decisionlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// scalar is the codec of what has no parts. An unknown kind fails when it is used.
func scalar(t reflect.Type) codec {
	switch t.Kind() {
	case reflect.Bool:
		return codec{writeBool, readBool}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return codec{writeInt, readInt}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return codec{writeUint, readUint}
	case reflect.Float64:
		return codec{writeFloat, readFloat}
	case reflect.String:
		return codec{writeString, readString}
	default:
		return unwritable(t)
	}
}

func unwritable(t reflect.Type) codec {
	err := fmt.Errorf(unwritableText, t)
	return codec{
		write: func(b []byte, _ reflect.Value) ([]byte, error) { return b, err },
		read:  func(any, reflect.Value) error { return err },
	}
}

func writeBool(b []byte, v reflect.Value) ([]byte, error) {
	return strconv.AppendBool(b, v.Bool()), nil
}

func readBool(from any, into reflect.Value) error {
	value, ok := from.(bool)
	if !ok {
		return expected("true or false", from)
	}
	into.SetBool(value)
	return nil
}

func writeInt(b []byte, v reflect.Value) ([]byte, error) {
	return strconv.AppendInt(b, v.Int(), 10), nil
}

func readInt(from any, into reflect.Value) error {
	number, _ := from.(json.Number)
	n, err := strconv.ParseInt(number.String(), 10, into.Type().Bits())
	if err != nil {
		return expected("a whole number", from)
	}
	into.SetInt(n)
	return nil
}

func writeUint(b []byte, v reflect.Value) ([]byte, error) {
	return strconv.AppendUint(b, v.Uint(), 10), nil
}

func readUint(from any, into reflect.Value) error {
	number, _ := from.(json.Number)
	n, err := strconv.ParseUint(number.String(), 10, into.Type().Bits())
	if err != nil {
		return expected("a whole number from 0 on", from)
	}
	into.SetUint(n)
	return nil
}

// The open bounds of a step, which JSON has no numbers for. NaN, a missing datapoint, is null.
const above, below = "+Inf", "-Inf"

// writeFloat writes the shortest number that reads back as the same bits.
func writeFloat(b []byte, v reflect.Value) ([]byte, error) {
	switch f := v.Float(); {
	case math.IsNaN(f):
		return append(b, "null"...), nil
	case math.IsInf(f, 1):
		return append(b, `"`+above+`"`...), nil
	case math.IsInf(f, -1):
		return append(b, `"`+below+`"`...), nil
	default:
		return strconv.AppendFloat(b, f, 'g', -1, 64), nil
	}
}

func readFloat(from any, into reflect.Value) error {
	var f float64
	switch value := from.(type) {
	case nil:
		f = math.NaN()
	case json.Number:
		var err error
		if f, err = strconv.ParseFloat(value.String(), 64); err != nil {
			return expected("a number", from)
		}
	default:
		switch value {
		case above:
			f = math.Inf(1)
		case below:
			f = math.Inf(-1)
		default:
			return expected("a number, null, "+above+" or "+below, from)
		}
	}
	into.SetFloat(f)
	return nil
}

var errNotText = errors.New("this text is not UTF-8")

func writeString(b []byte, v reflect.Value) ([]byte, error) {
	s := v.String()
	if !utf8.ValidString(s) {
		return b, errNotText
	}
	return quote(b, s), nil
}

// quote writes a JSON text, with no more escapes than JSON asks for.
func quote(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = fmt.Appendf(b, `\u%04x`, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func readString(from any, into reflect.Value) error {
	text, ok := from.(string)
	if !ok {
		return expected("a text", from)
	}
	into.SetString(text)
	return nil
}

func writeTime(b []byte, v reflect.Value) ([]byte, error) {
	t, _ := reflect.TypeAssert[time.Time](v)
	return appendTime(b, t)
}

// appendTime writes an instant in UTC: which zone it was told in does not concern the evaluator.
func appendTime(b []byte, t time.Time) ([]byte, error) {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return b, errors.New("a time in the year " + strconv.Itoa(t.Year()) + " has no form in RFC 3339")
	}
	b = append(b, '"')
	return append(t.AppendFormat(b, time.RFC3339Nano), '"'), nil
}

func readTime(from any, into reflect.Value) error {
	text, _ := from.(string)
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return expected("a time such as 2026-01-31T08:00:00Z", from)
	}
	into.Set(reflect.ValueOf(t.UTC()))
	return nil
}

func writeDuration(b []byte, v reflect.Value) ([]byte, error) {
	return append(append(append(b, '"'), time.Duration(v.Int()).String()...), '"'), nil
}

func readDuration(from any, into reflect.Value) error {
	text, _ := from.(string)
	d, err := time.ParseDuration(text)
	if err != nil {
		return expected("a duration such as 1m30s", from)
	}
	into.SetInt(int64(d))
	return nil
}

// placedError is an error with the place in a line's JSON.
type placedError struct {
	path string
	err  error
}

// Error begins with the place.
func (e *placedError) Error() string { return e.path + ": " + e.err.Error() }

// Unwrap is the error without it.
func (e *placedError) Unwrap() error { return e.err }

var errUnknownField = errors.New("this version of ecs-autoscaler does not know the field")

// at puts an error at a key or [index].
func at(step string, err error) error {
	inner, ok := errors.AsType[*placedError](err)
	switch {
	case !ok:
		return &placedError{step, err}
	case strings.HasPrefix(inner.path, "["):
		return &placedError{step + inner.path, inner.err}
	default:
		return &placedError{step + "." + inner.path, inner.err}
	}
}

func expected(what string, got any) error {
	return fmt.Errorf("it must be %s, not %s", what, shown(got))
}

// mostShown is how much of a value a message has.
const mostShown = 60

// shown is a value of a line for people.
func shown(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	if len(text) > mostShown {
		return string(text[:mostShown]) + "…"
	}
	return string(text)
}

func sortedKeys(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }
