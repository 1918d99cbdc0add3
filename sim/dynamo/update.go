package dynamo

import (
	"slices"
	"strings"

	"ecs-autoscaler/sim/wire"
)

// action is one clause of an UpdateExpression.
type action struct {
	section string // SET, REMOVE, ADD or DELETE
	path    path
	operand operand
}

// sections of an UpdateExpression.
var sections = []string{"SET", "REMOVE", "ADD", "DELETE"}

// parseUpdate reads an UpdateExpression.
func parseUpdate(text string, b *bindings) ([]action, *wire.Error) {
	p := newParser("UpdateExpression", text, b)
	var all []action
	seen := map[string]bool{}
	for p.err == nil && p.peek().kind != tokenEnd {
		section := strings.ToUpper(p.peek().text)
		if p.peek().kind != tokenWord || !slices.Contains(sections, section) {
			p.syntax()
			break
		}
		if seen[section] {
			p.fail("The %q section can only be used once in an update expression;", section)
			break
		}
		seen[section] = true
		p.take()
		all = append(all, p.action(section))
		for p.accept(",") {
			all = append(all, p.action(section))
		}
	}
	p.disjoint(all)
	return all, p.end()
}

func (p *parser) action(section string) action {
	a := action{section: section, path: p.path()}
	switch section {
	case "SET":
		p.expect("=")
		a.operand = p.sum()
	case "ADD", "DELETE":
		if p.err == nil && p.peek().kind != tokenValue {
			p.syntax()
			return a
		}
		a.operand = p.value()
		p.changes(&a)
	}
	return a
}

// changes refuses values that ADD and DELETE cannot work with.
func (p *parser) changes(a *action) {
	kind := a.operand.value.kind
	if p.err == nil && !isSet(kind) && (kind != typeN || a.section == "DELETE") {
		p.fail("Incorrect operand type for operator or function; operator: %s, operand type: %s", a.section, kind)
	}
}

// sum reads an operand, or two with + or - between them.
func (p *parser) sum() operand {
	left := p.term()
	for _, op := range []string{opPlus, opMinus} {
		if p.accept(op) {
			o := operand{op: op, args: []operand{left, p.term()}}
			p.numeric(&o)
			return o
		}
	}
	return left
}

func (p *parser) numeric(o *operand) {
	for _, arg := range o.args {
		if p.err == nil && arg.op == opValue && arg.value.kind != typeN {
			p.fail("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", o.op, arg.value.kind)
		}
	}
}

// term reads what SET can be given, also in parentheses.
func (p *parser) term() operand {
	if !p.deeper() {
		return operand{}
	}
	defer func() { p.depth-- }()
	switch t := p.peek(); {
	case t.kind == tokenValue:
		return p.value()
	case p.accept("("):
		o := p.sum()
		p.expect(")")
		return o
	case t.kind == tokenWord && p.calls():
		return p.function()
	}
	return operand{op: opPath, path: p.path()}
}

func (p *parser) function() operand {
	o := operand{op: p.take().text}
	if o.op != opIfAbsent && o.op != opAppend {
		p.unknown(o.op)
		return o
	}
	o.args = p.call(o.op, p.term)
	switch {
	case p.err != nil:
	case o.op == opIfAbsent && o.args[0].op != opPath:
		p.fail("Operator or function requires a document path; operator or function: %s", o.op)
	case o.op == opAppend:
		for _, arg := range o.args {
			if arg.op == opValue && arg.value.kind != typeL {
				p.fail("Incorrect operand type for operator or function; operator or function: list_append, operand type: %s", arg.value.kind)
			}
		}
	}
	return o
}

// disjoint refuses two clauses for one place.
func (p *parser) disjoint(all []action) {
	for i := range all {
		for k := range all[:i] {
			if p.err != nil {
				return
			}
			overlap, conflict := all[k].path.meets(all[i].path)
			if overlap {
				p.fail("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", all[k].path, all[i].path)
			} else if conflict {
				p.fail("Two document paths conflict with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", all[k].path, all[i].path)
			}
		}
	}
}

var (
	errWrongType = func() *wire.Error {
		return validation("An operand in the update expression has an incorrect data type")
	}
	errWrongPath = func() *wire.Error {
		return validation("The document path provided in the update expression is invalid for update")
	}
	errMissing = func() *wire.Error {
		return validation("The provided expression refers to an attribute that does not exist in the item")
	}
)

// apply is the item after the actions; every operand is that of the item before them.
func apply(it item, actions []action) (item, *wire.Error) {
	changed := value{kind: typeM, dict: it}
	var removed []path
	for i := range actions {
		a := &actions[i]
		v, err := a.result(it)
		if err != nil {
			return nil, err
		}
		if v == nil {
			removed = append(removed, a.path)
			continue
		}
		next, ok := a.path.set(changed, v)
		if !ok {
			return nil, errWrongPath()
		}
		changed = next
	}
	sortPaths(removed)
	for _, p := range removed {
		next, ok := p.set(changed, nil)
		if _, there := p[:len(p)-1].from(changed); !ok && (!there || len(p) > 1) {
			return nil, errWrongPath()
		}
		if ok {
			changed = next
		}
	}
	return changed.dict, nil
}

// result is what an action puts at its path; nil removes what is there.
func (a *action) result(it item) (*value, *wire.Error) {
	old, there := a.path.in(it)
	given := a.operand.value
	switch {
	case a.section == "REMOVE":
		return nil, nil
	case a.section == "SET":
		v, err := a.operand.compute(it)
		return &v, err
	case there && old.kind != given.kind:
		return nil, errWrongType()
	case a.section == "DELETE":
		return old.without(given, there), nil
	case !there:
		return &given, nil
	case given.kind == typeN:
		return added(old, given, opPlus)
	}
	union := setOf(given.kind, append(slices.Clone(old.list), given.list...))
	return &union, nil
}

// without is a set less the members of another; nil if nothing is left.
func (v value) without(o value, there bool) *value {
	if !there {
		return nil
	}
	left := slices.DeleteFunc(slices.Clone(v.list), func(member value) bool { return contains(o, member) })
	if len(left) == 0 {
		return nil
	}
	return &value{kind: v.kind, list: left}
}

func added(a, b value, op string) (*value, *wire.Error) {
	if a.kind != typeN || b.kind != typeN {
		return nil, errWrongType()
	}
	n := b.num
	if op == opMinus {
		n = n.minus()
	}
	sum, err := a.num.plus(n)
	if err != nil {
		return nil, validation("%v", err)
	}
	v := numberValue(sum)
	return &v, nil
}

// compute is the value of what SET is given.
func (o *operand) compute(it item) (value, *wire.Error) {
	switch o.op {
	case opValue:
		return o.value, nil
	case opPath:
		v, there := o.path.in(it)
		if !there {
			return v, errMissing()
		}
		return v, nil
	case opIfAbsent:
		if v, there := o.args[0].path.in(it); there {
			return v, nil
		}
		return o.args[1].compute(it)
	}
	left, err := o.args[0].compute(it)
	if err != nil {
		return left, err
	}
	right, err := o.args[1].compute(it)
	if err != nil {
		return right, err
	}
	if o.op == opAppend {
		return appended(left, right)
	}
	v, err := added(left, right, o.op)
	if err != nil {
		return left, err
	}
	return *v, nil
}

func appended(a, b value) (value, *wire.Error) {
	if a.kind != typeL || b.kind != typeL {
		return a, errWrongType()
	}
	return value{kind: typeL, list: append(slices.Clone(a.list), b.list...)}, nil
}
