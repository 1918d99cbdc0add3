package config

import "github.com/goccy/go-yaml/ast"

// field is what became of a key: absent, present but wrong (then it was reported), or valid.
// An absent one is located at its mapping.
type field[T any] struct {
	value          T
	present, valid bool
	at, keyAt      position
}

// read takes an optional key.
func read[T any](m *mapping, key string, as func(value) (T, bool)) field[T] {
	v, ok := m.take(key)
	if !ok {
		return field[T]{at: m.at, keyAt: m.at}
	}
	x, ok := as(v)
	return field[T]{x, true, ok, v.at, v.keyAt}
}

// need takes a key that must be there; example shows a good value.
func need[T any](m *mapping, key, example string, as func(value) (T, bool)) field[T] {
	f := read(m, key, as)
	if !f.present && !m.unread {
		m.d.errorf(m.at, "%s is missing%s; add it, for example %s: %s", key, under(m.key), key, example)
	}
	return f
}

// usable says that a key is absent or right.
func (f field[T]) usable() bool { return !f.present || f.valid }

// pointer is nil where the text says nothing valid.
func (f field[T]) pointer() *T {
	if !f.valid {
		return nil
	}
	return &f.value
}

// overlay sets dst where the text says something valid.
func overlay[T any](dst *T, f field[T]) {
	if f.valid {
		*dst = f.value
	}
}

// located is a list element with its place.
type located[T any] struct {
	value T
	at    position
}

// list reads a sequence; elements that are wrong were reported and are left out.
func list[T any](each func(value) (T, bool)) func(value) ([]located[T], bool) {
	return func(v value) ([]located[T], bool) {
		s, ok := v.node.(*ast.SequenceNode)
		if !ok {
			v.expected("a list (- ...)")
			return nil, false
		}
		var all []located[T]
		for _, n := range s.Values {
			e := v.d.valueOf("an entry of "+v.key, n)
			if x, good := each(e); good {
				all = append(all, located[T]{x, e.at})
			} else {
				ok = false
			}
		}
		return all, ok
	}
}
