package strict

import "github.com/goccy/go-yaml/ast"

// Field is what became of a key: absent, present but wrong (then it was reported), or valid.
// An absent one is located at its mapping.
type Field[T any] struct {
	Value          T
	Present, Valid bool
	At, KeyAt      Position
}

// Read takes an optional key.
func Read[T any](m *Mapping, key string, as func(Value) (T, bool)) Field[T] {
	v, ok := m.take(key)
	if !ok {
		return Field[T]{At: m.At, KeyAt: m.At}
	}
	x, ok := as(v)
	return Field[T]{x, true, ok, v.At, v.KeyAt}
}

// Need takes a key that must be there; example shows a good value.
func Need[T any](m *Mapping, key, example string, as func(Value) (T, bool)) Field[T] {
	f := Read(m, key, as)
	if !f.Present && !m.unread {
		m.Errorf(m.At, "%s is missing%s; add it, for example %s: %s", key, under(m.Key), key, example)
	}
	return f
}

// Usable says that a key is absent or right.
func (f Field[T]) Usable() bool { return !f.Present || f.Valid }

// Pointer is nil where the text says nothing valid.
func (f Field[T]) Pointer() *T {
	if !f.Valid {
		return nil
	}
	return &f.Value
}

// Overlay sets dst where the text says something valid.
func Overlay[T any](dst *T, f Field[T]) {
	if f.Valid {
		*dst = f.Value
	}
}

// Located is a list element with its place.
type Located[T any] struct {
	Value T
	At    Position
}

// List reads a sequence; elements that are wrong were reported and are left out.
func List[T any](each func(Value) (T, bool)) func(Value) ([]Located[T], bool) {
	return func(v Value) ([]Located[T], bool) {
		s, ok := v.node.(*ast.SequenceNode)
		if !ok {
			v.expected("a list (- ...)")
			return nil, false
		}
		var all []Located[T]
		for _, n := range s.Values {
			e := v.valueOf("an entry of "+v.Key, n)
			if x, good := each(e); good {
				all = append(all, Located[T]{x, e.At})
			} else {
				ok = false
			}
		}
		return all, ok
	}
}
