package terraform

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"ecs-autoscaler/config/described"
	"ecs-autoscaler/config/managed"
)

// meta are the arguments that every resource has and that say nothing of it.
var meta = []string{
	"count", "for_each", "depends_on", "provider", "providers", "lifecycle", "provisioner", "connection", "timeouts", "source", "version",
}

func (b *block) place(address string) managed.Place {
	return managed.Place{File: b.file, Line: b.line, Resource: address}
}

// lifecycle is the text in which the block's lifecycle stands: in JSON its value, else the whole block.
func (b *block) lifecycle() []byte {
	if body, native := b.body.(*hclsyntax.Body); native {
		return body.SrcRange.SliceBytes(b.text)
	}
	if expr := attributes(b.body)["lifecycle"]; expr != nil {
		return expr.Range().SliceBytes(b.text)
	}
	return nil
}

// note says something about a block once.
func (m *module) note(b *block, why string) {
	n := managed.Loss{Place: b.place(m.prefix + b.address()), Why: why}
	if m.notes != nil && !slices.Contains(m.notes.notes, n) {
		m.notes.notes = append(m.notes.notes, n)
	}
}

// attributes are the expressions of a body; in JSON its blocks are among them.
func attributes(body hcl.Body) map[string]hcl.Expression {
	out := map[string]hcl.Expression{}
	if native, ok := body.(*hclsyntax.Body); ok {
		for name, a := range native.Attributes {
			out[name] = a.Expr
		}
		return out
	}
	attrs, _ := body.JustAttributes()
	for name, a := range attrs {
		out[name] = a.Expr
	}
	return out
}

// body evaluates all of a block.
func (m *module) body(body hcl.Body, address, label string, scope map[string]cty.Value) described.Value {
	fields := map[string]described.Value{}
	for name, expr := range attributes(body) {
		if !slices.Contains(meta, name) {
			fields[name] = m.attribute(address+"."+name, label, expr, scope)
		}
	}
	native, ok := body.(*hclsyntax.Body)
	if !ok {
		return described.Mapping(fields)
	}
	lists := map[string][]described.Value{}
	for _, inner := range native.Blocks {
		switch {
		case inner.Type == "dynamic" && len(inner.Labels) == 1:
			name := inner.Labels[0]
			lists[name] = append(lists[name], m.dynamic(inner, address, label, scope)...)
		case !slices.Contains(meta, inner.Type):
			lists[inner.Type] = append(lists[inner.Type], m.body(inner.Body, address+"."+inner.Type, label, scope))
		}
	}
	for name, values := range lists {
		fields[name] = described.List(values...)
	}
	return described.Mapping(fields)
}

// dynamic expands a dynamic block.
func (m *module) dynamic(b *hclsyntax.Block, address, label string, scope map[string]cty.Value) []described.Value {
	name := b.Labels[0]
	iterator := name
	if a := b.Body.Attributes["iterator"]; a != nil {
		if word := hcl.ExprAsKeyword(a.Expr); word != "" {
			iterator = word
		}
	}
	each := b.Body.Attributes["for_each"]
	if each == nil {
		return nil
	}
	path := address + "." + name
	over := m.value("dynamic "+path, described.Unresolved(m.prefix+path+".for_each", label), each.Expr, scope)
	var out []described.Value
	for _, e := range elements(over) {
		inner := map[string]cty.Value{iterator: cty.ObjectVal(map[string]cty.Value{"key": e.key, "value": e.value})}
		for k, v := range scope {
			if k != iterator {
				inner[k] = v
			}
		}
		for _, content := range b.Body.Blocks {
			if content.Type == "content" {
				out = append(out, m.body(content.Body, path, label, inner))
			}
		}
	}
	return out
}

// attribute evaluates one attribute; what cannot be known is unresolved under its own address, unless --var gives it.
func (m *module) attribute(address, label string, expr hcl.Expression, scope map[string]cty.Value) described.Value {
	if s, ok := m.given[m.prefix+address]; ok {
		return described.Text(s)
	}
	return fromCty(m.value("", described.Unresolved(m.prefix+address, label), expr, scope))
}

// fromCty makes the tree of a value.
func fromCty(v cty.Value) described.Value {
	v, _ = v.UnmarkDeep()
	switch t := v.Type(); {
	case v.IsNull() || !v.IsKnown():
		return described.Value{}
	case t.IsPrimitiveType():
		return fromPrimitive(v)
	case t.IsObjectType() || t.IsMapType():
		fields := map[string]described.Value{}
		for k, e := range v.AsValueMap() {
			fields[k] = fromCty(e)
		}
		return described.Mapping(fields)
	case v.CanIterateElements():
		var all []described.Value
		for _, e := range v.AsValueSlice() {
			all = append(all, fromCty(e))
		}
		return described.List(all...)
	}
	return described.Value{}
}

func fromPrimitive(v cty.Value) described.Value {
	s, err := convert.Convert(v, cty.String)
	if err != nil || s.IsNull() {
		return described.Value{}
	}
	return described.Text(s.AsString())
}

// labelled is the text of a value as a name: labels stand for what is unresolved.
func labelled(v cty.Value) string {
	s := fromCty(v).Text
	return described.Labelled(s)
}
