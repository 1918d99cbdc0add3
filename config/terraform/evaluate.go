package terraform

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"ecs-autoscaler/config/described"
)

// value evaluates an expression, or gives unresolved if that is not possible. memo, unless "", is what to remember it by; an
// expression that needs itself is unresolved.
func (m *module) value(memo, unresolved string, expr hcl.Expression, scope map[string]cty.Value) cty.Value {
	instead := cty.StringVal(unresolved)
	if memo != "" {
		if v, ok := m.memory[memo]; ok {
			return v
		}
		m.memory[memo] = instead
	}
	v, ok := m.evaluate(expr, scope)
	if !ok {
		v = instead
	}
	if memo != "" {
		m.memory[memo] = v
	}
	return v
}

// evaluate gives the value of an expression whose references have been looked up.
func (m *module) evaluate(expr hcl.Expression, scope map[string]cty.Value) (v cty.Value, ok bool) {
	defer func() {
		if recover() != nil { // cty panics on some mixtures of types; that is an expression nobody can evaluate.
			ok = false
		}
	}()
	wanted := wants{}
	for _, t := range expr.Variables() {
		wanted.add(t)
	}
	context := &hcl.EvalContext{Functions: m.functions, Variables: m.lookUp(wanted, scope)}
	v, diags := expr.Value(context)
	v, _ = v.UnmarkDeep()
	return v, !diags.HasErrors() && v.IsWhollyKnown()
}

// wants are the things that an expression refers to, with the attributes that it wants of them; all of them where it is not
// clear which, as behind [*].
type wants map[string]map[string]*want

type want struct {
	attributes []string
	all        bool
}

// add notes one reference: TYPE.NAME.ATTRIBUTE, TYPE.NAME[0].ATTRIBUTE, var.NAME, data.TYPE.NAME.ATTRIBUTE.
func (w wants) add(t hcl.Traversal) {
	root, steps := t.RootName(), names(t[1:])
	name := ""
	if len(steps) > 0 {
		name, steps = steps[0], steps[1:]
	}
	if root == "data" && len(steps) > 0 {
		name, steps = name+"."+steps[0], steps[1:]
	}
	if w[root] == nil {
		w[root] = map[string]*want{}
	}
	if w[root][name] == nil {
		w[root][name] = &want{}
	}
	to := w[root][name]
	if len(steps) == 0 {
		to.all = true
		return
	}
	to.attributes = append(to.attributes, steps[0])
}

// names are the attributes of a traversal in order; an index by text is one after the first, too, as in var["x"].
func names(t hcl.Traversal) []string {
	var out []string
	for i, step := range t {
		switch s := step.(type) {
		case hcl.TraverseAttr:
			out = append(out, s.Name)
		case hcl.TraverseIndex:
			if i == 0 && s.Key.Type() == cty.String {
				out = append(out, s.Key.AsString())
			}
		}
	}
	return out
}

// lookUp makes the variables of an expression.
func (m *module) lookUp(wanted wants, scope map[string]cty.Value) map[string]cty.Value {
	out := map[string]cty.Value{}
	for root, named := range wanted {
		if v, ok := scope[root]; ok {
			out[root] = v
			continue
		}
		fields, nested := map[string]cty.Value{}, map[string]map[string]cty.Value{}
		for name, w := range named {
			if kind, inner, ok := strings.Cut(name, "."); root == "data" && ok {
				if nested[kind] == nil {
					nested[kind] = map[string]cty.Value{}
				}
				nested[kind][inner] = m.thing("data."+name, w)
				continue
			}
			fields[name] = m.named(root, name, w)
		}
		for kind, inner := range nested {
			fields[kind] = cty.ObjectVal(inner)
		}
		out[root] = cty.ObjectVal(fields)
	}
	return out
}

// named is the value of ROOT.NAME.
func (m *module) named(root, name string, w *want) cty.Value {
	switch root {
	case "var":
		return m.variable(name)
	case "local":
		if s, ok := m.given[m.prefix+"local."+name]; ok {
			return literal(s)
		}
		if expr := m.locals[name]; expr != nil {
			return m.value("local."+name, described.Unresolved(m.prefix+"local."+name, name), expr, nil)
		}
	case "path":
		return cty.StringVal(".")
	case "module":
		return m.outputs(name, w)
	case "each", "count", "self", "terraform":
	default:
		return m.thing(root+"."+name, w)
	}
	if s, ok := m.given[m.prefix+root+"."+name]; ok {
		return literal(s)
	}
	return cty.StringVal(described.Unresolved(m.prefix+root+"."+name, name))
}

// literal reads a value of --var: a list, a mapping or null as Terraform writes them, else the text as it is, which Terraform's
// rules make a number or a truth value where one is wanted. A cluster may be called 007.
func literal(s string) cty.Value {
	if expr, diags := hclsyntax.ParseExpression([]byte(s), "--var", hcl.InitialPos); !diags.HasErrors() && len(s) < 1<<16 {
		if v, diags := expr.Value(nil); !diags.HasErrors() && v.IsWhollyKnown() && (v.IsNull() || !v.Type().IsPrimitiveType()) {
			return v
		}
	}
	return cty.StringVal(s)
}

// variable is what --var says, what the module was called with, or the default.
func (m *module) variable(name string) cty.Value {
	b := m.byName["variable."+name]
	for _, key := range []string{m.prefix + "var." + name, m.prefix + name} {
		if s, ok := m.given[key]; ok {
			return typed(b, literal(s))
		}
	}
	if v, ok := m.inputs[name]; ok {
		return typed(b, v)
	}
	unresolved := described.Unresolved(m.prefix+"var."+name, name)
	if b != nil {
		if expr := attributes(b.body)["default"]; expr != nil {
			return typed(b, m.value("var."+name, unresolved, expr, nil))
		}
	}
	return cty.StringVal(unresolved)
}

// typed gives a value the type that the variable declares, if it has one and the value can have it.
func typed(b *block, v cty.Value) cty.Value {
	if b == nil {
		return v
	}
	expr := attributes(b.body)["type"]
	if expr == nil {
		return v
	}
	t, defaults, diags := typeexpr.TypeConstraintWithDefaults(expr)
	if diags.HasErrors() {
		return v
	}
	if defaults != nil && !v.IsNull() {
		v = defaults.Apply(v)
	}
	if converted, err := convert.Convert(v, t); err == nil {
		return converted
	}
	return v
}

// attributesOf are those that may be wanted of something.
func (m *module) attributesOf(w *want) []string {
	if w.all {
		return slices.Concat(w.attributes, m.words)
	}
	return w.attributes
}

// outputs are those of a module, one object for each of its instances.
func (m *module) outputs(name string, w *want) cty.Value {
	b := m.byName["module."+name]
	object := func(child *module, address string) cty.Value {
		fields := map[string]cty.Value{}
		for _, a := range m.attributesOf(w) {
			fields[a] = m.output(child, address, a)
		}
		return cty.ObjectVal(fields)
	}
	if b == nil {
		return object(nil, "module."+name)
	}
	children := m.call(b)
	return m.shape(b, func(i int, in instance) cty.Value {
		if i < len(children) {
			return object(children[i], in.address)
		}
		return object(nil, in.address)
	})
}

// output is one output of a module, which may be unknown.
func (m *module) output(child *module, address, name string) cty.Value {
	if s, ok := m.given[m.prefix+address+"."+name]; ok {
		return literal(s)
	}
	_, label, _ := strings.Cut(address, ".")
	unresolved := described.Unresolved(m.prefix+address+"."+name, label)
	if child == nil || child.byName["output."+name] == nil {
		return cty.StringVal(unresolved)
	}
	expr := attributes(child.byName["output."+name].body)["value"]
	if expr == nil {
		return cty.StringVal(unresolved)
	}
	return child.value("output."+name, unresolved, expr, nil)
}

// thing is a resource or a data source: an object, or a collection of them.
func (m *module) thing(address string, w *want) cty.Value {
	b := m.byName[address]
	if b == nil {
		parts := strings.Split(address, ".")
		b = &block{kind: "resource", what: strings.Join(parts[:len(parts)-1], "."), name: parts[len(parts)-1], body: hcl.EmptyBody()}
	}
	return m.shape(b, func(_ int, in instance) cty.Value {
		fields := map[string]cty.Value{}
		for _, a := range m.attributesOf(w) {
			fields[a] = m.member(b, in, a)
		}
		return cty.ObjectVal(fields)
	})
}

// member is one attribute of an instance.
func (m *module) member(b *block, in instance, name string) cty.Value {
	address := in.address + "." + name
	for _, key := range []string{address, b.address() + "." + name} {
		if s, ok := m.given[m.prefix+key]; ok {
			return literal(s)
		}
	}
	if name == "id" && b.what == "aws_appautoscaling_target" {
		name = "resource_id"
	}
	unresolved := described.Unresolved(m.prefix+address, b.name)
	expr := attributes(b.body)[name]
	if expr == nil {
		return cty.StringVal(unresolved)
	}
	return m.value(address, unresolved, expr, in.scope)
}

// instance is one of a block with count or for_each, or the block itself.
type instance struct {
	address string
	scope   map[string]cty.Value
	key     cty.Value
}

// maxInstances bounds count and for_each.
const maxInstances = 1000

// instances are those of a block. Where their number is not known, there is one.
func (m *module) instances(b *block) []instance {
	attrs := attributes(b.body)
	address := b.address()
	switch {
	case attrs["count"] != nil:
		return m.counted(b, address, attrs["count"])
	case attrs["for_each"] != nil:
		over := m.value("for_each "+address, described.Unresolved(m.prefix+address+".for_each", b.name), attrs["for_each"], nil)
		if over.Type() == cty.String {
			m.note(b, "for_each is not known here; one instance is taken for all")
			each := cty.StringVal(described.Unresolved(m.prefix+address+".each.key", b.name))
			scope := map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": each, "value": each})}
			return []instance{{address: address, scope: scope, key: each}}
		}
		var all []instance
		for _, e := range elements(over) {
			key := e.key
			if over.Type().IsSetType() || over.Type().IsTupleType() {
				key = e.value // The keys of a set are its members.
			}
			scope := map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": key, "value": e.value})}
			all = append(all, instance{address: fmt.Sprintf("%s[%q]", address, labelled(key)), scope: scope, key: key})
		}
		return all
	}
	return []instance{{address: address}}
}

func (m *module) counted(b *block, address string, expr hcl.Expression) []instance {
	v := m.value("count "+address, described.Unresolved(m.prefix+address+".count", b.name), expr, nil)
	n, err := strconv.Atoi(fromCty(v).Text)
	if s, ok := m.given[m.prefix+address+".count"]; ok {
		n, err = strconv.Atoi(s)
	}
	if err != nil {
		m.note(b, "count is not known here and taken for 1; give it with --var '"+m.prefix+address+".count=N'")
		n = 1
	}
	var all []instance
	for i := range min(n, maxInstances) {
		index := cty.NumberIntVal(int64(i))
		scope := map[string]cty.Value{"count": cty.ObjectVal(map[string]cty.Value{"index": index})}
		all = append(all, instance{address: fmt.Sprintf("%s[%d]", address, i), scope: scope, key: index})
	}
	return all
}

// shape makes what a reference to a block gives: an object, a tuple with count, a mapping with for_each.
func (m *module) shape(b *block, object func(int, instance) cty.Value) cty.Value {
	all := m.instances(b)
	attrs := attributes(b.body)
	switch {
	case attrs["count"] != nil:
		values := make([]cty.Value, len(all))
		for i, in := range all {
			values[i] = object(i, in)
		}
		return cty.TupleVal(values)
	case attrs["for_each"] != nil:
		fields := map[string]cty.Value{}
		for i, in := range all {
			fields[fromCty(in.key).Text] = object(i, in)
		}
		return cty.ObjectVal(fields)
	}
	return object(0, all[0])
}

type element struct{ key, value cty.Value }

// elements are those of a collection, at most maxInstances.
func elements(v cty.Value) []element {
	if v.IsNull() || !v.IsKnown() || !v.CanIterateElements() {
		return nil
	}
	var all []element
	for it := v.ElementIterator(); it.Next() && len(all) < maxInstances; {
		k, e := it.Element()
		all = append(all, element{k, e})
	}
	return all
}
