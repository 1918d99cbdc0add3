package described

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"ecs-autoscaler/config/managed"
)

// object is a mapping that is being read: what was not asked for when it is closed is lost.
type object struct {
	r     *reader
	at    managed.Place
	path  string
	value Value
	asked map[string]bool
}

func (r *reader) object(at managed.Place, path string, v Value) *object {
	return &object{r: r, at: at, path: path, value: v.one(), asked: map[string]bool{}}
}

func (o *object) name(key string) string {
	if o.path == "" {
		return key
	}
	return o.path + "." + key
}

// get is an attribute under any of its spellings.
func (o *object) get(keys ...string) Value {
	var found Value
	for _, k := range keys {
		o.asked[k] = true
		if v := o.value.Fields[k]; found.None() {
			found = v
		}
	}
	return found
}

// has says whether an attribute is given at all.
func (o *object) has(key string) bool { return !o.value.Fields[key].None() }

// inner is a nested mapping.
func (o *object) inner(keys ...string) *object {
	return o.r.object(o.at, o.name(keys[0]), o.get(keys...))
}

// each are the entries of a nested list.
func (o *object) each(keys ...string) []*object {
	var all []*object
	for i, v := range o.get(keys...).all() {
		all = append(all, o.r.object(o.at, fmt.Sprintf("%s[%d]", o.name(keys[0]), i), v))
	}
	return all
}

// none says that nothing is there.
func (o *object) none() bool { return o.value.None() }

// text is a text; for a piece that is unresolved stands its label, with a note.
func (o *object) text(keys ...string) string {
	s := o.get(keys...).Text
	labelled, names := split(s)
	for _, name := range names {
		o.r.guessed(o.at, o.name(keys[0]), name, labelled)
	}
	return labelled
}

// exact is a text that no label can stand for.
func (o *object) exact(keys ...string) string {
	s := o.get(keys...).Text
	if _, names := split(s); len(names) > 0 {
		o.r.missing(names...)
		return ""
	}
	return s
}

// number is a number; normal stands for one that is not given.
func (o *object) number(normal float64, keys ...string) float64 {
	s := o.exact(keys...)
	if s == "" {
		return normal
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
		o.r.wrong(o.at, o.name(keys[0]), s, "is not a number")
		return normal
	}
	return x
}

// needed is a number that must be there.
func (o *object) needed(keys ...string) float64 {
	if o.get(keys...).None() {
		o.r.wrong(o.at, o.name(keys[0]), "", "is not given")
	}
	return o.number(0, keys...)
}

// whole makes an int of a number that must be one.
func (o *object) whole(x float64, key string) int {
	if x != math.Trunc(x) || math.Abs(x) > math.MaxInt32 {
		o.r.wrong(o.at, o.name(key), strconv.FormatFloat(x, 'g', -1, 64), "is not a whole number")
		return 0
	}
	return int(x)
}

func (o *object) integer(normal int, keys ...string) int {
	return o.whole(o.number(float64(normal), keys...), keys[0])
}

// optional is a whole number that may be absent.
func (o *object) optional(keys ...string) *int {
	if o.get(keys...).None() {
		return nil
	}
	n := o.integer(0, keys...)
	return &n
}

// bound is a number that may be absent, or written as infinity.
func (o *object) bound(keys ...string) *float64 {
	s := o.get(keys...).Text
	if s == "" || slices.Contains([]string{"inf", "-inf", "+inf", "infinity", "-infinity"}, strings.ToLower(s)) {
		return nil
	}
	x := o.number(0, keys...)
	return &x
}

func (o *object) boolean(normal bool, keys ...string) bool {
	switch s := o.exact(keys...); strings.ToLower(s) {
	case "":
		return normal
	case "true", "1":
		return true
	case "false", "0":
		return false
	default:
		o.r.wrong(o.at, o.name(keys[0]), s, "is neither true nor false")
		return normal
	}
}

// ignore is for attributes that say nothing about scaling by themselves.
func (o *object) ignore(keys ...string) { o.get(keys...) }

// without names attributes that have no counterpart, with the reason.
func (o *object) without(why string, keys ...string) {
	for _, k := range keys {
		if v := o.get(k); !v.None() {
			o.r.lose(o.at, o.name(k), v.String(), why)
		}
	}
}

// close names what nobody asked for.
func (o *object) close() {
	for _, k := range o.value.keys() {
		if v := o.value.Fields[k]; !o.asked[k] && !v.None() {
			o.r.lose(o.at, o.name(k), v.String(), "left out: it has no counterpart")
		}
	}
}
