package dynamo

import (
	"slices"
	"strings"

	"ecs-autoscaler/sim/wire"
)

// The operations of operands; those of functions are their names.
const (
	opPath       = "path"
	opValue      = "value"
	opSize       = "size"
	opIfAbsent   = "if_not_exists"
	opAppend     = "list_append"
	opPlus       = "+"
	opMinus      = "-"
	opExists     = "attribute_exists"
	opAbsent     = "attribute_not_exists"
	opType       = "attribute_type"
	opBeginsWith = "begins_with"
	opContains   = "contains"
)

// arity is how many operands a function has.
var arity = map[string]int{opSize: 1, opIfAbsent: 2, opAppend: 2, opExists: 1, opAbsent: 1, opType: 2, opBeginsWith: 2, opContains: 2}

// operand is a path, a value, or a function of operands.
type operand struct {
	op    string
	path  path
	value value
	args  []operand
}

// node is a condition: a comparison or a function of operands, or AND, OR, NOT of conditions.
type node struct {
	op       string
	operands []operand
	children []*node
	wrapped  bool // in parentheses
}

// parseCondition reads a ConditionExpression, FilterExpression or KeyConditionExpression.
func parseCondition(kind, text string, b *bindings) (*node, *wire.Error) {
	p := newParser(kind, text, b)
	n := p.or()
	return n, p.end()
}

func (p *parser) or() *node { return p.chain("OR", p.and) }

func (p *parser) and() *node { return p.chain("AND", p.not) }

// chain reads one or more conditions with an operator between them.
func (p *parser) chain(op string, operand func() *node) *node {
	first := operand()
	if p.err != nil || !p.peek().is(op) {
		return first
	}
	n := &node{op: op, children: []*node{first}}
	for p.accept(op) {
		n.children = append(n.children, operand())
	}
	return n
}

func (p *parser) not() *node {
	if !p.deeper() {
		return &node{}
	}
	defer func() { p.depth-- }()
	if p.accept("NOT") {
		return &node{op: "NOT", children: []*node{p.not()}}
	}
	if p.accept("(") {
		n := p.or()
		p.expect(")")
		if n.wrapped {
			p.fail("The expression has redundant parentheses;")
		}
		n.wrapped = true
		return n
	}
	return p.comparison()
}

// comparison reads a function, or operands with a comparator, BETWEEN or IN.
func (p *parser) comparison() *node {
	n := &node{}
	if t := p.peek(); t.kind == tokenWord && p.calls() && t.text != opSize {
		p.take()
		if n.op = t.text; !slices.Contains([]string{opExists, opAbsent, opType, opBeginsWith, opContains}, n.op) {
			p.unknown(n.op)
		}
		n.operands = p.call(n.op, p.operand)
		p.check(n)
		return n
	}
	n.operands = []operand{p.operand()}
	switch t := p.take(); {
	case t.kind == tokenSign && slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, t.text):
		n.op, n.operands = t.text, append(n.operands, p.operand())
	case t.is("BETWEEN"):
		n.op, n.operands = "BETWEEN", append(n.operands, p.operand())
		p.expect("AND")
		n.operands = append(n.operands, p.operand())
	case t.is("IN"):
		n.op, n.operands = "IN", append(n.operands, p.members()...)
	default:
		p.at = max(p.at-1, 0)
		p.syntax()
	}
	p.check(n)
	return n
}

func (p *parser) members() []operand {
	p.expect("(")
	all := []operand{p.operand()}
	for p.accept(",") {
		all = append(all, p.operand())
	}
	p.expect(")")
	if len(all) > 100 {
		p.fail("The IN operator is provided with too many operands; number of operands: %d", len(all))
	}
	return all
}

// calls says whether a function is next.
func (p *parser) calls() bool {
	following := p.tokens[min(p.at+1, len(p.tokens)-1)]
	return following.kind == tokenSign && following.text == "("
}

func (p *parser) unknown(function string) {
	if arity[function] > 0 {
		p.fail("The function is not allowed to be used this way in an expression; function: %s", function)
		return
	}
	p.fail("Invalid function name; function: %s", function)
}

// operand reads a path, a value or size().
func (p *parser) operand() operand {
	switch t := p.peek(); {
	case t.kind == tokenValue:
		return p.value()
	case t.kind == tokenWord && p.calls():
		if p.take(); t.text != opSize {
			p.unknown(t.text)
			return operand{}
		}
		return operand{op: opSize, args: p.call(opSize, p.operand)}
	}
	return operand{op: opPath, path: p.path()}
}

// get is the value of an operand for an item, if it has one.
func (o *operand) get(it item) (value, bool) {
	switch o.op {
	case opValue:
		return o.value, true
	case opPath:
		return o.path.in(it)
	}
	v, ok := o.args[0].get(it)
	if !ok {
		return v, false
	}
	return v.length()
}

// length is what size() gives: bytes of text and binary, members of the rest; numbers and booleans have none.
func (v value) length() (value, bool) {
	n := 0
	switch v.kind {
	case typeS, typeB:
		n = len(v.text)
	case typeM:
		n = len(v.dict)
	case typeL, typeSS, typeNS, typeBS:
		n = len(v.list)
	default:
		return value{}, false
	}
	return numberValue(whole(n)), true
}

// holds says whether a condition is true of an item; a nil condition is.
func (n *node) holds(it item) bool {
	if n == nil {
		return true
	}
	switch n.op {
	case "AND":
		return !slices.ContainsFunc(n.children, func(c *node) bool { return !c.holds(it) })
	case "OR":
		return slices.ContainsFunc(n.children, func(c *node) bool { return c.holds(it) })
	case "NOT":
		return !n.children[0].holds(it)
	case opExists, opAbsent:
		_, there := n.operands[0].get(it)
		return there == (n.op == opExists)
	}
	return n.compares(it)
}

// compares is holds for conditions that need the value of each operand. A missing one makes them false, except <>.
func (n *node) compares(it item) bool {
	first, there := n.operands[0].get(it)
	equals := func(o operand) bool {
		v, present := o.get(it)
		return there && present && equal(first, v)
	}
	switch n.op {
	case "=", "IN":
		return slices.ContainsFunc(n.operands[1:], equals)
	case "<>":
		return !equals(n.operands[1])
	}
	values := []value{first}
	for _, o := range n.operands[1:] {
		v, present := o.get(it)
		if values = append(values, v); !present {
			return false
		}
	}
	return there && n.relates(values)
}

// relates is compares for values that are there.
func (n *node) relates(v []value) bool {
	switch n.op {
	case "BETWEEN":
		return ordered(">=", v[0], v[1]) && ordered("<=", v[0], v[2])
	case opType:
		return v[0].kind == v[1].text
	case opBeginsWith:
		return v[0].kind == v[1].kind && strings.HasPrefix(v[0].text, v[1].text)
	case opContains:
		return contains(v[0], v[1])
	}
	return ordered(n.op, v[0], v[1])
}

// ordered compares two values; those of different types, and of types without an order, are in none.
func ordered(op string, a, b value) bool {
	if a.kind != b.kind || a.kind != typeS && a.kind != typeN && a.kind != typeB {
		return false
	}
	c := compare(a, b)
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func contains(v, part value) bool {
	if v.kind == typeS || v.kind == typeB {
		return part.kind == v.kind && strings.Contains(v.text, part.text)
	}
	return slices.ContainsFunc(v.list, func(member value) bool { return equal(member, part) })
}
