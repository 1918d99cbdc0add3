package cloudformation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// node is a value of the template. Fields are in the order of the file where it has lines.
type node struct {
	line   int
	scalar string
	// null is nothing; it is no empty text.
	null   bool
	list   []*node
	keys   []string
	fields map[string]*node
}

func (n *node) get(keys ...string) *node {
	for _, k := range keys {
		if n == nil {
			return nil
		}
		n = n.fields[k]
	}
	return n
}

// text is a scalar; "" for anything else.
func (n *node) text() string {
	if n == nil {
		return ""
	}
	return n.scalar
}

// The bounds of a template: parsers call themselves for each level.
const (
	maxBytes   = 4 << 20
	maxNesting = 200
)

var errTooDeep = errors.New("nests too deeply")

// parse reads a template of either form.
func parse(text []byte) (*node, error) {
	if len(text) > maxBytes {
		return nil, fmt.Errorf("has %d bytes, at most %d are read", len(text), maxBytes)
	}
	if deep(text) {
		return nil, errTooDeep
	}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		var v any
		if err := decoder.Decode(&v); err != nil {
			return nil, err
		}
		return fromJSON(v), nil
	}
	f, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, err
	}
	if len(f.Docs) != 1 {
		return nil, fmt.Errorf("has %d documents, a template is one", len(f.Docs))
	}
	r := &yamlReader{anchors: map[string]*node{}}
	n := r.node(f.Docs[0].Body, 0)
	return n, r.err
}

// deep says whether brackets, or the dashes and question marks of one line, nest beyond the bound.
func deep(text []byte) bool {
	depth := 0
	for line := range bytes.Lines(text) {
		if bytes.Count(line, []byte("- "))+bytes.Count(line, []byte("? "))+bytes.Count(line, []byte("!")) > 4*maxNesting {
			return true
		}
		for _, b := range line {
			switch b {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(depth-1, 0)
			}
			if depth > maxNesting {
				return true
			}
		}
	}
	return false
}

func fromJSON(v any) *node {
	switch v := v.(type) {
	case nil:
		return &node{null: true}
	case []any:
		n := &node{}
		for _, e := range v {
			n.list = append(n.list, fromJSON(e))
		}
		return n
	case map[string]any:
		n := &node{fields: map[string]*node{}}
		for k, e := range v {
			n.keys = append(n.keys, k)
			n.fields[k] = fromJSON(e)
		}
		slices.Sort(n.keys)
		return n
	default:
		return &node{scalar: fmt.Sprint(v)}
	}
}

// yamlReader turns the tree of the parser into ours, short intrinsics into long ones.
type yamlReader struct {
	anchors map[string]*node
	nodes   int
	err     error
}

// maxNodes bounds what aliases can make of a text.
const maxNodes = 1 << 20

func (r *yamlReader) node(a ast.Node, depth int) *node {
	r.nodes++
	if depth > maxNesting || r.nodes > maxNodes {
		r.err = errTooDeep
	}
	if r.err != nil || a == nil {
		return &node{null: true}
	}
	n := &node{line: lineOf(a)}
	switch a := a.(type) {
	case *ast.MappingNode:
		n.fields = map[string]*node{}
		for _, v := range a.Values {
			r.field(n, v, depth)
		}
	case *ast.MappingValueNode:
		n.fields = map[string]*node{}
		r.field(n, a, depth)
	case *ast.SequenceNode:
		for _, v := range a.Values {
			n.list = append(n.list, r.node(v, depth+1))
		}
	default:
		return r.special(a, n, depth)
	}
	return n
}

// special is a node with a tag, an anchor or its alias, or a scalar, which n becomes.
func (r *yamlReader) special(a ast.Node, n *node, depth int) *node {
	switch a := a.(type) {
	case *ast.TagNode:
		return intrinsic(n.line, a.Start.Value, r.node(a.Value, depth+1))
	case *ast.AnchorNode:
		value := r.node(a.Value, depth+1)
		r.anchors[a.Name.String()] = value
		return value
	case *ast.AliasNode:
		if value := r.anchors[a.Value.String()]; value != nil {
			return value
		}
		n.null = true
	default:
		n.scalar, n.null = scalarOf(a)
	}
	return n
}

// scalarOf is the text of what is neither a list nor a mapping, as it is written.
func scalarOf(a ast.Node) (text string, null bool) {
	switch a := a.(type) {
	case *ast.NullNode:
		return "", true
	case *ast.StringNode:
		return a.Value, false
	case *ast.LiteralNode:
		return a.Value.Value, false
	default:
		return a.GetToken().Value, false
	}
}

// lineOf is where a node begins, 0 if that is not known.
func lineOf(a ast.Node) int {
	if t := a.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

func (r *yamlReader) field(n *node, v *ast.MappingValueNode, depth int) {
	key := strings.Trim(v.Key.GetToken().Value, `"'`)
	value := r.node(v.Value, depth+1)
	if n.fields[key] == nil {
		n.keys = append(n.keys, key)
	}
	if value.fields != nil {
		value.line = lineOf(v.Key)
	}
	n.fields[key] = value
}

// intrinsic is the long form of !Ref, !Sub and the others; other tags say nothing.
func intrinsic(line int, tag string, value *node) *node {
	name := strings.TrimPrefix(tag, "!")
	switch {
	case strings.HasPrefix(name, "!"):
		return value // !!str and its like.
	case name != "Ref" && name != "Condition":
		name = "Fn::" + name
	}
	return &node{line: line, keys: []string{name}, fields: map[string]*node{name: value}}
}
