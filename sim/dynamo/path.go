package dynamo

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// step is one part of a path: a name, or an element of a list.
type step struct {
	name    string
	index   int
	element bool
}

// path leads to an attribute: its first step is the name of a top-level one.
type path []step

func (p path) String() string {
	parts := make([]string, len(p))
	for i, s := range p {
		if parts[i] = s.name; s.element {
			parts[i] = "[" + strconv.Itoa(s.index) + "]"
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// in is the value at a path of an item.
func (p path) in(it item) (value, bool) {
	return p.from(value{kind: typeM, dict: it})
}

func (p path) from(v value) (value, bool) {
	for _, s := range p {
		child, ok := s.of(v)
		if !ok {
			return value{}, false
		}
		v = child
	}
	return v, true
}

// of is the child of a value.
func (s step) of(v value) (value, bool) {
	if s.element {
		if v.kind != typeL || s.index >= len(v.list) {
			return value{}, false
		}
		return v.list[s.index], true
	}
	if v.kind != typeM {
		return value{}, false
	}
	child, ok := v.dict[s.name]
	return child, ok
}

// set is v with something else at the path; false if the path does not lead into it. An element behind the end of a
// list is appended. Without a replacement what is there is removed.
func (p path) set(v value, replacement *value) (value, bool) {
	if len(p) == 1 {
		return p[0].set(v, replacement)
	}
	child, ok := p[0].of(v)
	if !ok {
		return v, false
	}
	changed, ok := p[1:].set(child, replacement)
	if !ok {
		return v, false
	}
	return p[0].set(v, &changed)
}

func (s step) set(v value, replacement *value) (value, bool) {
	switch {
	case !s.element && v.kind == typeM:
		dict := maps.Clone(v.dict)
		if replacement == nil {
			delete(dict, s.name)
		} else {
			dict[s.name] = *replacement
		}
		return value{kind: typeM, dict: dict}, true
	case s.element && v.kind == typeL:
		list := slices.Clone(v.list)
		switch {
		case replacement == nil && s.index < len(list):
			list = slices.Delete(list, s.index, s.index+1)
		case replacement == nil:
		case s.index < len(list):
			list[s.index] = *replacement
		default:
			list = append(list, *replacement)
		}
		return value{kind: typeL, list: list}, true
	}
	return v, false
}

// meets says whether two paths overlap: one begins with the other; conflict, whether they take one value for both a
// list and a map.
func (p path) meets(o path) (overlap, conflict bool) {
	for i := range min(len(p), len(o)) {
		if p[i].element != o[i].element {
			return false, true
		}
		if p[i] != o[i] {
			return false, false
		}
	}
	return true, false
}

// sortPaths orders paths so that elements of lists come in descending order: removing one moves those behind it.
func sortPaths(all []path) {
	slices.SortStableFunc(all, func(a, b path) int {
		for i := range min(len(a), len(b)) {
			if a[i].element && b[i].element && a[i].index != b[i].index {
				return b[i].index - a[i].index
			}
		}
		return 0
	})
}

// tree of wanted paths, for projections.
type wanted struct {
	whole    bool
	names    map[string]*wanted
	elements map[int]*wanted
}

// project is the part of an item that the paths lead to; elements of lists keep their order, without gaps.
func project(it item, paths []path) item {
	root := &wanted{}
	for _, p := range paths {
		root.add(p)
	}
	v, _ := root.cut(value{kind: typeM, dict: it})
	return v.dict
}

func (w *wanted) add(p path) {
	if len(p) == 0 {
		w.whole = true
		return
	}
	if p[0].element {
		if w.elements == nil {
			w.elements = map[int]*wanted{}
		}
		child := w.elements[p[0].index]
		if child == nil {
			child = &wanted{}
			w.elements[p[0].index] = child
		}
		child.add(p[1:])
		return
	}
	if w.names == nil {
		w.names = map[string]*wanted{}
	}
	child := w.names[p[0].name]
	if child == nil {
		child = &wanted{}
		w.names[p[0].name] = child
	}
	child.add(p[1:])
}

// cut is the wanted part of a value; false if there is none.
func (w *wanted) cut(v value) (value, bool) {
	if w.whole {
		return v, true
	}
	switch v.kind {
	case typeM:
		dict := map[string]value{}
		for name, child := range w.names {
			if member, there := v.dict[name]; there {
				if part, ok := child.cut(member); ok {
					dict[name] = part
				}
			}
		}
		return value{kind: typeM, dict: dict}, len(dict) > 0
	case typeL:
		var list []value
		for _, index := range slices.Sorted(maps.Keys(w.elements)) {
			if index < len(v.list) {
				if part, ok := w.elements[index].cut(v.list[index]); ok {
					list = append(list, part)
				}
			}
		}
		return value{kind: typeL, list: list}, len(list) > 0
	}
	return value{}, false
}
