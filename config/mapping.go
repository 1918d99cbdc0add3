package config

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// mapping is a YAML mapping of which the keys are taken one by one; what is left is unknown.
type mapping struct {
	d       *decoder
	key     string
	at      position
	entries []entry
	known   []string
	// unread says that a key could not be understood, so that nothing can be called missing.
	unread bool
}

type entry struct {
	key   string
	at    position
	value ast.Node
}

// mapping reads the keys; repeated ones, merge keys and keys that are no text are reported.
func (v value) mapping() (*mapping, bool) {
	m := &mapping{d: v.d, key: v.key, at: v.at}
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
	first := make(map[string]position, len(pairs))
	for _, p := range pairs {
		name, ok := v.d.keyOf(p.Key)
		if !ok {
			m.unread = true
			continue
		}
		if at, again := first[name]; again {
			v.d.errorf(startOf(p.Key), "%q is a repeated key; it already stands on line %d, keep one of them", name, at.line)
			continue
		}
		first[name] = startOf(p.Key)
		m.entries = append(m.entries, entry{name, startOf(p.Key), p.Value})
	}
	return m, true
}

func (d *decoder) keyOf(n ast.MapKeyNode) (string, bool) {
	at := startOf(n)
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.MergeKeyNode:
		d.errorf(at, "merge keys (<<) are not supported; repeat the keys, alias the whole value, or use defaults")
	case *ast.MappingKeyNode:
		d.errorf(at, "a key introduced by ? is not supported; write key: value")
	default:
		d.errorf(at, "a key must be text; write it in quotes: %q", n.GetToken().Value)
	}
	return "", false
}

// take finds the value of a key and marks the key as known.
func (m *mapping) take(key string) (value, bool) {
	m.known = append(m.known, key)
	i := slices.IndexFunc(m.entries, func(e entry) bool { return e.key == key })
	if i < 0 {
		return value{}, false
	}
	v := m.d.valueOf(key, m.entries[i].value)
	v.keyAt = m.entries[i].at
	if v.isNull() {
		v.at = v.keyAt
	}
	m.entries = slices.Delete(m.entries, i, i+1)
	return v, true
}

// close reports every key that nobody took, with the nearest one that exists here.
func (m *mapping) close() {
	for _, e := range m.entries {
		if near, ok := nearest(e.key, m.known); ok {
			m.d.errorf(e.at, "unknown key %q%s; did you mean %q?", e.key, under(m.key), near)
			continue
		}
		m.d.errorf(e.at, "unknown key %q%s; known here are %s", e.key, under(m.key), strings.Join(slices.Sorted(slices.Values(m.known)), ", "))
	}
}

func under(key string) string {
	if key == "" {
		return ""
	}
	return " in " + key
}
