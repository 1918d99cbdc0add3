package wire

import (
	"fmt"
	"math"
	"net/http"
	"time"
)

// Input reads members of a request and remembers the first one that is not of its type, so that an operation can ask
// for all it wants and look at Err once.
type Input struct {
	members map[string]any
	err     *Error
}

// In gives typed access to members.
func In(members map[string]any) *Input { return &Input{members: members} }

// Err is the first member that was not of its type, nil if there was none.
func (in *Input) Err() *Error { return in.err }

// Has says whether a member is there and not null.
func (in *Input) Has(name string) bool { return in.members[name] != nil }

// Members are the names and values themselves.
func (in *Input) Members() map[string]any { return in.members }

func (in *Input) wrong(name, want string) {
	if in.err == nil {
		in.err = &Error{Status: http.StatusBadRequest, Code: "SerializationException",
			Message: fmt.Sprintf("%s must be %s", name, want)}
	}
}

func get[T any](in *Input, name, want string) T {
	v, ok := in.members[name].(T)
	if !ok && in.members[name] != nil {
		in.wrong(name, want)
	}
	return v
}

// Text is a string member, "" if absent.
func (in *Input) Text(name string) string { return get[string](in, name, "a string") }

// Bool is a boolean member, absent if it is not there.
func (in *Input) Bool(name string, absent bool) bool {
	if !in.Has(name) {
		return absent
	}
	return get[bool](in, name, "a boolean")
}

// Int is a whole number, absent if it is not there.
func (in *Input) Int(name string, absent int) int {
	switch v := in.members[name].(type) {
	case nil:
		return absent
	case int64:
		if v >= math.MinInt32 && v <= math.MaxInt32 {
			return int(v)
		}
	case float64:
		if v == math.Trunc(v) && math.Abs(v) <= math.MaxInt32 {
			return int(v)
		}
	}
	in.wrong(name, "a whole number")
	return absent
}

// Time is an instant: unix seconds, or ISO 8601 text.
func (in *Input) Time(name string) time.Time {
	var t time.Time
	var err error
	switch v := in.members[name].(type) {
	case nil:
	case time.Time:
		t = v
	case int64:
		t, err = epochTime(float64(v))
	case float64:
		t, err = epochTime(v)
	case string:
		t, err = time.Parse(time.RFC3339Nano, v)
	default:
		in.wrong(name, "a time")
	}
	if err != nil {
		in.wrong(name, "a time")
	}
	return t.UTC()
}

// Texts is a list of strings.
func (in *Input) Texts(name string) []string {
	list := get[[]any](in, name, "a list of strings")
	texts := make([]string, 0, len(list))
	for _, item := range list {
		text, ok := item.(string)
		if !ok {
			in.wrong(name, "a list of strings")
			continue
		}
		texts = append(texts, text)
	}
	return texts
}

// Structure is a nested structure, empty if absent; errors inside it are remembered there.
func (in *Input) Structure(name string) *Input {
	return In(get[map[string]any](in, name, "a structure"))
}

// Structures is a list of structures.
func (in *Input) Structures(name string) []*Input {
	list := get[[]any](in, name, "a list of structures")
	all := make([]*Input, 0, len(list))
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			in.wrong(name, "a list of structures")
			continue
		}
		all = append(all, In(m))
	}
	return all
}
