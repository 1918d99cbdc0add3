package dynamo

import (
	"slices"
)

// valueTypes are the names that attribute_type knows.
var valueTypes = []string{typeB, typeNull, typeSS, typeBool, typeL, typeBS, typeN, typeNS, typeS, typeM}

// check refuses what the service refuses before it looks at any item: operands of a type that can never fit.
func (p *parser) check(n *node) {
	if p.err != nil {
		return
	}
	switch n.op {
	case "<", "<=", ">", ">=":
		p.kinds(n, n.operands, typeS, typeN, typeB)
	case "BETWEEN":
		p.kinds(n, n.operands, typeS, typeN, typeB)
		p.bounds(n.operands[1], n.operands[2])
	case opBeginsWith:
		p.kinds(n, n.operands, typeS, typeB)
	case opExists, opAbsent:
		if n.operands[0].op != opPath {
			p.fail("Operator or function requires a document path; operator or function: %s", n.op)
		}
	case opType:
		p.typeName(n)
	}
	p.distinct(n)
	for i := range n.operands {
		p.sized(&n.operands[i])
	}
}

// kinds refuses values of other types than these.
func (p *parser) kinds(n *node, operands []operand, kinds ...string) {
	for _, o := range operands {
		if o.op == opValue && !slices.Contains(kinds, o.value.kind) || o.op == opSize && !slices.Contains(kinds, typeN) {
			p.fail("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", n.op, or(o.value.kind, typeN))
		}
	}
}

func or(text, absent string) string {
	if text == "" {
		return absent
	}
	return text
}

func (p *parser) bounds(low, high operand) {
	switch {
	case low.op != opValue || high.op != opValue || p.err != nil:
	case low.value.kind != high.value.kind:
		p.fail("The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s",
			low.value.describe(), high.value.describe())
	case compare(low.value, high.value) > 0:
		p.fail("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s",
			low.value.describe(), high.value.describe())
	}
}

func (p *parser) typeName(n *node) {
	o := n.operands[1]
	switch {
	case o.op != opValue:
		p.fail("Operator or function requires an attribute value; operator or function: %s", n.op)
	case o.value.kind != typeS:
		p.kinds(n, n.operands[1:], typeS)
	case !slices.Contains(valueTypes, o.value.text):
		p.fail("Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", o.value.text)
	}
}

// distinct refuses a path that is compared with itself.
func (p *parser) distinct(n *node) {
	if len(n.operands) < 2 || n.operands[0].op != opPath {
		return
	}
	first := n.operands[0].path
	for _, o := range n.operands[1:] {
		if o.op == opPath && slices.Equal(o.path, first) {
			p.fail("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", n.op, first)
		}
	}
}

// sized refuses size() of a value that has none, and of anything but a path.
func (p *parser) sized(o *operand) {
	if o.op != opSize {
		return
	}
	if inner := o.args[0]; inner.op == opValue {
		if _, ok := inner.value.length(); !ok {
			p.fail("Incorrect operand type for operator or function; operator or function: size, operand type: %s", inner.value.kind)
		}
	} else if inner.op != opPath {
		p.fail("The function is not allowed to be used this way in an expression; function: size")
	}
}
