package strict

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Position is a place in the text, line and column from 1; the zero value is the whole text.
type Position struct{ Line, Column int }

// freeNodes is how many values a text may have beyond one a byte, which bounds the work that
// aliases of aliases can cause.
const freeNodes = 200_000

// Form is what messages say about the kind of text that is read.
type Form struct {
	// Name is what the text is, such as "the configuration".
	Name string
	// Needs says what the least useful text holds: "it needs at least targets, for example ...".
	Needs string
	// Shorten says what to do about a text that is too long.
	Shorten string
}

// Decoder walks the syntax tree of one text and collects every mistake on the way.
type Decoder struct {
	// File is the name by which messages call the text.
	File string
	// Env looks an environment variable up (os.LookupEnv).
	Env func(string) (string, bool)

	form    Form
	lines   []string
	found   Diagnostics
	counted map[Severity]int
	seen    map[Diagnostic]bool
	anchors map[string]ast.Node
	// nodes counts values down.
	nodes int
	// replaced are the variables that the text uses, with what they hold; messages must not show it.
	replaced map[string]string
}

// MaxFindings bounds what a huge text full of mistakes can cost, errors and warnings each.
const MaxFindings = 1000

// New makes a decoder of one text.
func New(file string, env func(string) (string, bool), form Form) *Decoder {
	return &Decoder{
		File: file, Env: env, form: form,
		counted: make(map[Severity]int), seen: make(map[Diagnostic]bool), replaced: make(map[string]string),
	}
}

// Read parses the text, which must be one YAML document with something in it. What is wrong with it
// as YAML is reported.
func (d *Decoder) Read(text []byte) (Value, bool) {
	body, ok := d.document(text)
	if !ok {
		return Value{}, false
	}
	d.collectAnchors(body)
	return d.valueOf(d.form.Name, body), true
}

// Findings are all mistakes and warnings so far, in the order of the text.
func (d *Decoder) Findings() Diagnostics {
	d.found.sort()
	return d.found
}

// HasErrors says whether any mistake has been found so far.
func (d *Decoder) HasErrors() bool { return d.found.HasErrors() }

// Errorf reports a mistake, which makes the text unusable.
func (d *Decoder) Errorf(at Position, format string, args ...any) {
	d.report(SeverityError, at, fmt.Sprintf(format, args...))
}

// Warnf reports what is probably not meant.
func (d *Decoder) Warnf(at Position, format string, args ...any) {
	d.report(SeverityWarning, at, fmt.Sprintf(format, args...))
}

// Finding makes an error about a place without reporting it.
func (d *Decoder) Finding(at Position, message string) Diagnostic {
	return d.finding(SeverityError, at, message)
}

// finding puts a message beside the line it is about. Whatever the text holds, a message is one line of
// printable characters.
func (d *Decoder) finding(s Severity, at Position, message string) Diagnostic {
	message = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, d.Veil(message))
	if at.Line > len(d.lines) {
		at = Position{len(d.lines), 1}
	}
	found := Diagnostic{File: d.File, Line: at.Line, Column: max(at.Column, min(at.Line, 1)), Severity: s, Message: message}
	if at.Line > 0 {
		found.Source = d.lines[at.Line-1]
	}
	return found
}

// report adds a finding.
func (d *Decoder) report(s Severity, at Position, message string) {
	found := d.finding(s, at, message)
	if d.seen[found] {
		return // A mistake in defaults is found again by each policy that inherits it.
	}
	d.seen[found] = true
	d.counted[s]++
	switch n := d.counted[s]; {
	case n < MaxFindings:
		d.found = append(d.found, found)
	case n == MaxFindings:
		found.Message = fmt.Sprintf("more than %d findings of this kind; correct those above first, the rest is not shown", MaxFindings-1)
		d.found = append(d.found, found)
	}
}

// startOf is where a person sees a node begin: a block mapping at its first key.
func startOf(n ast.Node) Position {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return startOf(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return startOf(n.Key)
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return Position{t.Position.Line, t.Position.Column}
	}
	return Position{}
}

// Value is what stands under a key, with the places of both for messages. What could not be read at all
// was reported already, and nothing more is said about it.
type Value struct {
	*Decoder
	// Key is what messages call the value.
	Key string
	// At is where the value stands, or its key if the value is null; KeyAt is where the key does.
	At, KeyAt Position

	node ast.Node
}

// valueOf looks through anchors and aliases to what is meant.
func (d *Decoder) valueOf(key string, n ast.Node) Value {
	v := Value{Decoder: d, Key: key, node: n, At: startOf(n)}
	v.KeyAt = v.At
	if d.exhausted(v.At) {
		v.node = nil
	}
	for range maxDepth {
		switch n := v.node.(type) {
		case *ast.AnchorNode:
			v.node = n.Value
		case *ast.AliasNode:
			v.node = d.anchor(n)
		case *ast.TagNode:
			d.Errorf(v.At, "%s has the YAML tag %s; tags are not used here, write the bare value", key, n.Start.Value)
			v.node = n.Value
		default:
			return v
		}
	}
	d.Errorf(v.At, "the alias of %s leads to itself; write the value", key)
	v.node = nil
	return v
}

// exhausted counts a value and stops the work on a text whose aliases multiply without end.
func (d *Decoder) exhausted(at Position) bool {
	d.nodes--
	if d.nodes == 0 {
		d.Errorf(at, "the aliases of this text multiply it beyond measure; write fewer")
	}
	return d.nodes <= 0
}

func (d *Decoder) anchor(n *ast.AliasNode) ast.Node {
	name := n.Value.GetToken().Value
	target, ok := d.anchors[name]
	if !ok {
		d.Errorf(startOf(n), "*%s refers to an anchor that does not exist; put a text that begins with * in quotes, or define &%s", name, name)
	}
	return target
}

// collectAnchors must come before decoding; an anchor defined twice would make aliases ambiguous.
func (d *Decoder) collectAnchors(body ast.Node) {
	d.anchors = map[string]ast.Node{}
	for _, n := range ast.Filter(ast.AnchorType, body) {
		a, ok := n.(*ast.AnchorNode)
		if !ok {
			continue
		}
		name := a.Name.GetToken().Value
		if _, twice := d.anchors[name]; twice {
			d.Errorf(startOf(a), "the anchor &%s is defined twice; choose another name", name)
		}
		d.anchors[name] = a.Value
	}
}

// expected reports a wrong type; what could not be read at all was reported before.
func (v Value) expected(what string) {
	if v.node == nil {
		return
	}
	if v.node.Type() == ast.NullType {
		v.Errorf(v.At, "%s has no value; it must be %s", v.Key, what)
		return
	}
	v.Errorf(v.At, "%s must be %s, not %s", v.Key, what, describe(v.node))
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
	return fmt.Sprintf("the text %q", Shorten(textOf(n)))
}

// Shorten keeps a value from filling the screen.
func Shorten(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:77]) + "..."
	}
	return s
}

// IsNull says whether a key has the value null, written or left out.
func (v Value) IsNull() bool { return v.node != nil && v.node.Type() == ast.NullType }

// IsQuoted says whether the value stands in quotes.
func (v Value) IsQuoted() bool {
	if v.node == nil {
		return false
	}
	kind := v.node.GetToken().Type
	return kind == token.SingleQuoteType || kind == token.DoubleQuoteType
}

// IsMapping says that the value is a mapping, of keys that a choice of forms may depend on.
func (v Value) IsMapping() bool {
	if v.node == nil {
		return false
	}
	return v.node.Type() == ast.MappingType || v.node.Type() == ast.MappingValueType
}

// IsText says whether the value is a plain or quoted text.
func (v Value) IsText() bool { return v.node != nil && v.node.Type() == ast.StringType }
