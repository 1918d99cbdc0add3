package strict

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Mapping is a YAML mapping of which the keys are taken one by one; what is left is unknown.
type Mapping struct {
	*Decoder
	// Key is what messages call the mapping; "" for the text as a whole.
	Key string
	// At is where it begins.
	At Position

	entries []entry
	known   []string
	// unread says that a key could not be understood, so that nothing can be called missing.
	unread bool
}

type entry struct {
	key   string
	at    Position
	value ast.Node
}

// Mapping reads the keys; repeated ones, merge keys and keys that are no text are reported.
func (v Value) Mapping() (*Mapping, bool) {
	m := &Mapping{Decoder: v.Decoder, Key: v.Key, At: v.At}
	var pairs []*ast.MappingValueNode
	switch n := v.node.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		v.expected("a mapping (key: value)")
		return m, false
	}
	first := make(map[string]Position, len(pairs))
	for _, p := range pairs {
		name, ok := v.keyOf(p.Key)
		if !ok {
			m.unread = true
			continue
		}
		if at, again := first[name]; again {
			v.Errorf(startOf(p.Key), "%q is a repeated key; it already stands on line %d, keep one of them", name, at.Line)
			continue
		}
		first[name] = startOf(p.Key)
		m.entries = append(m.entries, entry{name, startOf(p.Key), p.Value})
	}
	return m, true
}

func (d *Decoder) keyOf(n ast.MapKeyNode) (string, bool) {
	at := startOf(n)
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.MergeKeyNode:
		d.Errorf(at, "merge keys (<<) are not supported; repeat the keys, alias the whole value, or use defaults")
	case *ast.MappingKeyNode:
		d.Errorf(at, "a key introduced by ? is not supported; write key: value")
	default:
		d.Errorf(at, "a key must be text; write it in quotes: %q", n.GetToken().Value)
	}
	return "", false
}

// take finds the value of a key and marks the key as known.
func (m *Mapping) take(key string) (Value, bool) {
	m.known = append(m.known, key)
	i := slices.IndexFunc(m.entries, func(e entry) bool { return e.key == key })
	if i < 0 {
		return Value{}, false
	}
	v := m.valueOf(key, m.entries[i].value)
	v.KeyAt = m.entries[i].at
	if v.IsNull() {
		v.At = v.KeyAt
	}
	m.entries = slices.Delete(m.entries, i, i+1)
	return v, true
}

// Has says whether a key is there, and marks it as known.
func (m *Mapping) Has(key string) bool {
	m.known = append(m.known, key)
	return slices.ContainsFunc(m.entries, func(e entry) bool { return e.key == key })
}

// Keys are the keys that nobody has taken yet, in the order of the text.
func (m *Mapping) Keys() []string {
	keys := make([]string, len(m.entries))
	for i, e := range m.entries {
		keys[i] = e.key
	}
	return keys
}

// Close reports every key that nobody took, with the nearest one that exists here.
func (m *Mapping) Close() {
	for _, e := range m.entries {
		if near, ok := Nearest(e.key, m.known); ok {
			m.Errorf(e.at, "unknown key %q%s; did you mean %q?", e.key, under(m.Key), near)
			continue
		}
		m.Errorf(e.at, "unknown key %q%s; known here are %s", e.key, under(m.Key), strings.Join(slices.Compact(slices.Sorted(slices.Values(m.known))), ", "))
	}
}

func under(key string) string {
	if key == "" {
		return ""
	}
	return " in " + key
}
