package config

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// position is a place in the text, line and column from 1; the zero value is the whole text.
type position struct{ line, column int }

// freeNodes is how many values a text may have beyond one a byte, which bounds the work that
// aliases of aliases can cause.
const freeNodes = 200_000

// decoder walks the syntax tree of one text and collects every mistake on the way.
type decoder struct {
	file    string
	lines   []string
	env     func(string) (string, bool)
	found   Diagnostics
	counted map[Severity]int
	seen    map[Diagnostic]bool
	anchors map[string]ast.Node
	// nodes counts values down.
	nodes int
}

// maxFindings bounds what a huge text full of mistakes can cost, errors and warnings each.
const maxFindings = 1000

func newDecoder(file string, env func(string) (string, bool)) *decoder {
	return &decoder{file: file, env: env, counted: make(map[Severity]int), seen: make(map[Diagnostic]bool)}
}

func (d *decoder) errorf(at position, format string, args ...any) {
	d.report(SeverityError, at, fmt.Sprintf(format, args...))
}

func (d *decoder) warnf(at position, format string, args ...any) {
	d.report(SeverityWarning, at, fmt.Sprintf(format, args...))
}

// report adds a finding. Whatever the text holds, a message is one line of printable characters.
func (d *decoder) report(s Severity, at position, message string) {
	message = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, message)
	if at.line > len(d.lines) {
		at = position{len(d.lines), 1}
	}
	found := Diagnostic{File: d.file, Line: at.line, Column: max(at.column, min(at.line, 1)), Severity: s, Message: message}
	if at.line > 0 {
		found.Source = d.lines[at.line-1]
	}
	if d.seen[found] {
		return // A mistake in defaults is found again by each policy that inherits it.
	}
	d.seen[found] = true
	d.counted[s]++
	switch n := d.counted[s]; {
	case n < maxFindings:
		d.found = append(d.found, found)
	case n == maxFindings:
		found.Message = fmt.Sprintf("more than %d findings of this kind; correct those above first, the rest is not shown", maxFindings-1)
		d.found = append(d.found, found)
	}
}

// startOf is where a person sees a node begin: a block mapping at its first key.
func startOf(n ast.Node) position {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return startOf(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return startOf(n.Key)
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return position{t.Position.Line, t.Position.Column}
	}
	return position{}
}

// value is a node with the key it stands under, for messages. A nil node was reported already.
type value struct {
	d         *decoder
	key       string
	node      ast.Node
	at, keyAt position
}

// valueOf looks through anchors and aliases to what is meant.
func (d *decoder) valueOf(key string, n ast.Node) value {
	v := value{d: d, key: key, node: n, at: startOf(n)}
	v.keyAt = v.at
	if d.exhausted(v.at) {
		v.node = nil
	}
	for range maxDepth {
		switch n := v.node.(type) {
		case *ast.AnchorNode:
			v.node = n.Value
		case *ast.AliasNode:
			v.node = d.anchor(n)
		case *ast.TagNode:
			d.errorf(v.at, "%s has the YAML tag %s; tags are not used here, write the bare value", key, n.Start.Value)
			v.node = n.Value
		default:
			return v
		}
	}
	d.errorf(v.at, "the alias of %s leads to itself; write the value", key)
	v.node = nil
	return v
}

// exhausted counts a value and stops the work on a text whose aliases multiply without end.
func (d *decoder) exhausted(at position) bool {
	d.nodes--
	if d.nodes == 0 {
		d.errorf(at, "the aliases of this text multiply it beyond measure; write fewer")
	}
	return d.nodes <= 0
}

func (d *decoder) anchor(n *ast.AliasNode) ast.Node {
	name := n.Value.GetToken().Value
	target, ok := d.anchors[name]
	if !ok {
		d.errorf(startOf(n), "*%s refers to an anchor that does not exist; put a text that begins with * in quotes, or define &%s", name, name)
	}
	return target
}

// collectAnchors must come before decoding; an anchor defined twice would make aliases ambiguous.
func (d *decoder) collectAnchors(body ast.Node) {
	d.anchors = map[string]ast.Node{}
	for _, n := range ast.Filter(ast.AnchorType, body) {
		a, ok := n.(*ast.AnchorNode)
		if !ok {
			continue
		}
		name := a.Name.GetToken().Value
		if _, twice := d.anchors[name]; twice {
			d.errorf(startOf(a), "the anchor &%s is defined twice; choose another name", name)
		}
		d.anchors[name] = a.Value
	}
}

// expected reports a wrong type; what could not be read at all was reported before.
func (v value) expected(what string) {
	if v.node == nil {
		return
	}
	if v.node.Type() == ast.NullType {
		v.d.errorf(v.at, "%s has no value; it must be %s", v.key, what)
		return
	}
	v.d.errorf(v.at, "%s must be %s, not %s", v.key, what, describe(v.node))
}

// describe names what stands in the text.
func describe(n ast.Node) string {
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "the number " + n.GetToken().Value
	case *ast.BoolNode:
		return "the boolean " + n.GetToken().Value
	case *ast.StringNode:
		if n.Token.Type == token.StringType && decimalNumber.MatchString(n.Value) {
			return "the number " + n.Value
		}
	}
	return fmt.Sprintf("the text %q", shorten(textOf(n)))
}

// shorten keeps a value from filling the screen.
func shorten(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:77]) + "..."
	}
	return s
}

// isNull says whether a key has the value null, written or left out.
func (v value) isNull() bool { return v.node != nil && v.node.Type() == ast.NullType }
