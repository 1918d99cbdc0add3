package dynamo

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"ecs-autoscaler/sim/wire"
)

// bindings are the ExpressionAttributeNames and ExpressionAttributeValues of a request, and which of them were used.
type bindings struct {
	names  map[string]string
	values map[string]value
	used   map[string]bool
}

// readBindings takes names and values from a request.
func readBindings(in *wire.Input) (*bindings, *wire.Error) {
	b := &bindings{names: map[string]string{}, values: map[string]value{}, used: map[string]bool{}}
	if err := b.readNames(in); err != nil {
		return nil, err
	}
	values := in.Structure("ExpressionAttributeValues").Members()
	if in.Has("ExpressionAttributeValues") && len(values) == 0 {
		return nil, validation("ExpressionAttributeValues must not be empty")
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !strings.HasPrefix(key, ":") {
			return nil, validation("ExpressionAttributeValues contains invalid key: Syntax error; key: %q", key)
		}
		v, err := readValue(values[key], 0)
		if err != nil && err.Code == "ValidationException" {
			return nil, validation("ExpressionAttributeValues contains invalid value: %s for key %s", err.Message, key)
		}
		if err != nil {
			return nil, err
		}
		b.values[key] = v
	}
	return b, nil
}

func (b *bindings) readNames(in *wire.Input) *wire.Error {
	names := in.Structure("ExpressionAttributeNames")
	if in.Has("ExpressionAttributeNames") && len(names.Members()) == 0 {
		return validation("ExpressionAttributeNames must not be empty")
	}
	for _, key := range slices.Sorted(maps.Keys(names.Members())) {
		if !strings.HasPrefix(key, "#") {
			return validation("ExpressionAttributeNames contains invalid key: Syntax error; key: %q", key)
		}
		b.names[key] = names.Text(key)
	}
	return names.Err()
}

// spare refuses names and values that no expression used.
func (b *bindings) spare() *wire.Error {
	if spare := unused(b.names, b.used); len(spare) > 0 {
		return validation("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", strings.Join(spare, ", "))
	}
	if spare := unused(b.values, b.used); len(spare) > 0 {
		return validation("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", strings.Join(spare, ", "))
	}
	return nil
}

func unused[V any](all map[string]V, used map[string]bool) []string {
	var spare []string
	for key := range all {
		if !used[key] {
			spare = append(spare, key)
		}
	}
	slices.Sort(spare)
	return spare
}

// parser reads one expression. The first error stays; after it nothing that is returned counts.
type parser struct {
	*bindings
	kind   string // ConditionExpression and the like, for errors
	tokens []token
	at     int
	depth  int
	err    *wire.Error
}

func newParser(kind, text string, b *bindings) *parser {
	p := &parser{bindings: b, kind: kind}
	if p.tokens, p.err = lex(kind, text); p.err != nil {
		p.tokens = []token{{tokenEnd, "<EOF>"}}
	}
	return p
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) take() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

// accept takes the sign or keyword if it is next.
func (p *parser) accept(text string) bool {
	if t := p.peek(); t.kind == tokenSign && t.text == text || t.is(text) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.syntax()
	}
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = validation("Invalid "+p.kind+": "+format, args...)
	}
	p.at = len(p.tokens) - 1 // nothing more is read
}

// syntax complains about the next token.
func (p *parser) syntax() {
	if p.err == nil {
		words := make([]string, 0, 3)
		for i := max(p.at-1, 0); i <= p.at+1 && i < len(p.tokens); i++ {
			if p.tokens[i].kind != tokenEnd {
				words = append(words, p.tokens[i].text)
			}
		}
		p.err = syntaxError(p.kind, p.peek().text, strings.Join(words, " "))
	}
	p.at = len(p.tokens) - 1
}

// end is the error of the whole expression.
func (p *parser) end() *wire.Error {
	if p.err == nil && p.peek().kind != tokenEnd {
		p.syntax()
	}
	return p.err
}

// path reads a.b[3].#c.
func (p *parser) path() path {
	all := path{p.attribute()}
	for p.err == nil {
		switch {
		case p.accept("."):
			all = append(all, p.attribute())
		case p.accept("["):
			t := p.take()
			index, err := strconv.Atoi(t.text)
			if t.kind != tokenNumber || err != nil || index > 1<<30 {
				p.syntax()
			}
			p.expect("]")
			all = append(all, step{index: index, element: true})
		default:
			if len(all) > maxNesting {
				p.fail("The document path has too many nesting elements; nesting levels: %d", len(all))
			}
			return all
		}
	}
	return all
}

// attribute reads one name of a path.
func (p *parser) attribute() step {
	t := p.peek()
	switch t.kind {
	case tokenWord:
		if reserved[strings.ToUpper(t.text)] {
			p.fail("Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		p.take()
		return step{name: t.text}
	case tokenName:
		name, there := p.names[t.text]
		if !there {
			p.fail("An expression attribute name used in the document path is not defined; attribute name: %s", t.text)
		}
		p.used[t.text] = true
		p.take()
		return step{name: name}
	}
	p.syntax()
	return step{}
}

// value reads :name.
func (p *parser) value() operand {
	t := p.take()
	v, there := p.values[t.text]
	if !there {
		p.fail("An expression attribute value used in expression is not defined; attribute value: %s", t.text)
	}
	p.used[t.text] = true
	return operand{op: opValue, value: v}
}

// call reads "(" and arguments and ")" after the name of a function.
func (p *parser) call(name string, argument func() operand) []operand {
	p.expect("(")
	args := []operand{argument()}
	for p.accept(",") {
		args = append(args, argument())
	}
	p.expect(")")
	if want := arity[name]; p.err == nil && len(args) != want {
		p.fail("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, len(args))
	}
	return args
}

// deeper counts nesting, so that a thousand parentheses are an error and not the end of the stack.
func (p *parser) deeper() bool {
	if p.depth++; p.depth > 300 {
		p.fail("The expression has too many levels of nesting;")
		return false
	}
	return p.err == nil
}
