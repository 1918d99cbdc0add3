package described

import (
	"slices"
	"strings"
)

// Value is an attribute: a text (numbers and booleans as they are written), a list, or a mapping. The zero Value is nothing.
type Value struct {
	Text   string
	List   []Value
	Fields map[string]Value
	kind   kind
}

type kind int

const (
	nothing kind = iota
	text
	list
	mapping
)

// Text is a scalar; an empty one is nothing, as in the state of Terraform.
func Text(s string) Value {
	if s == "" {
		return Value{}
	}
	return Value{Text: s, kind: text}
}

// List is a list of values; nothing if none of them is anything.
func List(values ...Value) Value {
	values = slices.DeleteFunc(slices.Clone(values), Value.None)
	if len(values) == 0 {
		return Value{}
	}
	return Value{List: values, kind: list}
}

// Mapping is a mapping of names to values; nothing if none of them is anything.
func Mapping(fields map[string]Value) Value {
	for _, v := range fields {
		if !v.None() {
			return Value{Fields: fields, kind: mapping}
		}
	}
	return Value{}
}

// None says whether there is nothing.
func (v Value) None() bool { return v.kind == nothing }

// one is the mapping itself, or the only one of a list: blocks of Terraform are lists.
func (v Value) one() Value {
	if v.kind == list && len(v.List) == 1 {
		return v.List[0]
	}
	return v
}

// all is a list, or one value as a list.
func (v Value) all() []Value {
	switch v.kind {
	case nothing:
		return nil
	case list:
		return v.List
	default:
		return []Value{v}
	}
}

// String is for messages.
func (v Value) String() string {
	switch v.kind {
	case list:
		parts := make([]string, len(v.List))
		for i, e := range v.List {
			parts[i] = e.String()
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case mapping:
		var parts []string
		for _, k := range v.keys() {
			if f := v.Fields[k]; !f.None() {
				parts = append(parts, k+" = "+f.String())
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		return shown(v.Text)
	}
}

func (v Value) keys() []string {
	keys := make([]string, 0, len(v.Fields))
	for k := range v.Fields {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// A reference that could not be resolved stands in a text between these marks, which no AWS name can have.
const (
	begins = '\uE000'
	middle = '\uE001'
	ends   = '\uE002'
)

// Unresolved is a piece of text that stands for a value from elsewhere: its name, as --var takes it, and what may stand for it
// in the name of something.
func Unresolved(name, label string) string {
	return string(begins) + clean(name) + string(middle) + clean(label) + string(ends)
}

func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= begins && r <= ends {
			return -1
		}
		return r
	}, s)
}

// split gives the text with labels for what is unresolved, and the names of that.
func split(s string) (labelled string, names []string) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(s, string(begins))
		out.WriteString(before)
		if !found {
			return clean(out.String()), names
		}
		inside, after, _ := strings.Cut(rest, string(ends))
		name, label, _ := strings.Cut(inside, string(middle))
		names = append(names, clean(name))
		out.WriteString(clean(label))
		s = after
	}
}

// shown is a text for messages: ${name} for what is unresolved.
func shown(s string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(s, string(begins))
		out.WriteString(before)
		if !found {
			return clean(out.String())
		}
		inside, after, _ := strings.Cut(rest, string(ends))
		name, _, _ := strings.Cut(inside, string(middle))
		out.WriteString("${" + clean(name) + "}")
		s = after
	}
}

// IsUnresolved says whether a text stands for something unknown in any part.
func IsUnresolved(s string) bool { return strings.ContainsRune(s, begins) }

// Labelled is a text with labels for what is unresolved.
func Labelled(s string) string {
	labelled, _ := split(s)
	return labelled
}
