// Package metricmath parses and evaluates the part of CloudWatch's metric math that scaling needs: + - * / ( ),
// numbers, ids of other queries, comparisons and AND, OR for IF, and the functions IF, FILL, MAX, MIN, AVG, SUM, ABS,
// CEIL and FLOOR. Everything else is an error that names it.
package metricmath

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Expression is a parsed expression. It is immutable.
type Expression struct {
	root node
	ids  []string
}

// IDs are the ids of the queries that the expression uses, each once, in the order of their first use.
func (e *Expression) IDs() []string { return e.ids }

type kind int

const (
	number kind = iota
	reference
	binary
	negate
	function
	array
	word // REPEAT or LINEAR
)

type node struct {
	kind  kind
	text  string // id, operator, function or word
	value float64
	args  []node
}

// maxLength is the longest expression (API MetricDataQuery).
const maxLength = 2048

var (
	token = regexp.MustCompile(`^(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+|[A-Za-z][A-Za-z0-9_]*|&&|\|\||[<>=!]=|[-+*/()\[\],<>])`)
	id    = regexp.MustCompile(`^[a-z][A-Za-z0-9_]*$`)
)

// Parse reads an expression.
func Parse(text string) (*Expression, error) {
	if len(text) > maxLength {
		return nil, fmt.Errorf("the expression is longer than %d characters", maxLength)
	}
	tokens, err := split(text)
	if err != nil {
		return nil, err
	}
	p := parser{tokens: tokens}
	root, err := p.expression(0)
	if err == nil && p.peek() != "" {
		err = fmt.Errorf("%q is not expected there", p.peek())
	}
	if err != nil {
		return nil, err
	}
	return &Expression{root, p.ids}, nil
}

func split(text string) ([]string, error) {
	var tokens []string
	for text = strings.TrimLeft(text, " \t\r\n"); text != ""; text = strings.TrimLeft(text, " \t\r\n") {
		found := token.FindString(text)
		if found == "" {
			return nil, fmt.Errorf("%q is not part of the metric math that is supported here", text[:1])
		}
		tokens, text = append(tokens, found), text[len(found):]
	}
	return tokens, nil
}

type parser struct {
	tokens []string
	ids    []string
	depth  int
}

func (p *parser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *parser) take() string {
	t := p.peek()
	if t != "" {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *parser) expect(t string) error {
	if got := p.take(); got != t {
		if got == "" {
			got = "the end"
		}
		return fmt.Errorf("expected %q, found %s", t, got)
	}
	return nil
}

// precedence binds the operators; 0 is no operator.
var precedence = map[string]int{
	"OR": 1, "||": 1, "AND": 2, "&&": 2,
	"==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3,
	"+": 4, "-": 4, "*": 5, "/": 5,
}

const (
	unary    = 6
	maxDepth = 100
)

// expression reads operators that bind tighter than above.
func (p *parser) expression(above int) (node, error) {
	if p.depth++; p.depth > maxDepth {
		return node{}, fmt.Errorf("the expression is nested too deeply")
	}
	defer func() { p.depth-- }()
	left, err := p.operand()
	for err == nil && precedence[p.peek()] > above {
		op := p.take()
		var right node
		right, err = p.expression(precedence[op])
		left = node{kind: binary, text: op, args: []node{left, right}}
	}
	return left, err
}

func (p *parser) operand() (node, error) {
	t := p.take()
	switch {
	case t == "":
		return node{}, fmt.Errorf("the expression ends too early")
	case t == "-":
		arg, err := p.expression(unary)
		return node{kind: negate, args: []node{arg}}, err
	case t == "(":
		inner, err := p.expression(0)
		if err == nil {
			err = p.expect(")")
		}
		return inner, err
	case t == "[":
		args, err := p.list("]")
		return node{kind: array, args: args}, err
	case t[0] >= '0' && t[0] <= '9' || t[0] == '.':
		v, err := strconv.ParseFloat(t, 64)
		return node{kind: number, value: v}, err
	}
	return p.name(t)
}

// name reads an id, a function or a word.
func (p *parser) name(t string) (node, error) {
	switch {
	case p.peek() == "(":
		return p.call(t)
	case t == "REPEAT" || t == "LINEAR":
		return node{kind: word, text: t}, nil
	case !id.MatchString(t):
		return node{}, fmt.Errorf("%q is no id, number or function", t)
	}
	if !slices.Contains(p.ids, t) {
		p.ids = append(p.ids, t)
	}
	return node{kind: reference, text: t}, nil
}

// arity says how few and how many arguments a function takes.
var arity = map[string][2]int{
	"IF": {2, 3}, "FILL": {2, 2}, "MAX": {1, 1}, "MIN": {1, 1}, "AVG": {1, 1}, "SUM": {1, 1},
	"ABS": {1, 1}, "CEIL": {1, 1}, "FLOOR": {1, 1},
}

func (p *parser) call(name string) (node, error) {
	limits, known := arity[name]
	if !known {
		return node{}, fmt.Errorf("the function %s is not supported here; IF, FILL, MAX, MIN, AVG, SUM, ABS, CEIL and FLOOR are", name)
	}
	p.take()
	args, err := p.list(")")
	if err != nil {
		return node{}, err
	}
	if len(args) < limits[0] || len(args) > limits[1] {
		return node{}, fmt.Errorf("%s takes %d to %d arguments, not %d", name, limits[0], limits[1], len(args))
	}
	return node{kind: function, text: name, args: args}, nil
}

// list reads expressions up to the closing token.
func (p *parser) list(closing string) ([]node, error) {
	var all []node
	for {
		item, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		all = append(all, item)
		if p.peek() != "," {
			return all, p.expect(closing)
		}
		p.take()
	}
}
