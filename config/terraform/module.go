package terraform

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/zclconf/go-cty/cty"

	"ecs-autoscaler/config/described"
)

// block is a resource, a data source, a variable, a module call, an output or a provider.
type block struct {
	kind, what, name string
	file             string
	line             int
	body             hcl.Body
	text             []byte
}

// address is what Terraform calls it.
func (b *block) address() string {
	switch b.kind {
	case "resource":
		return b.what + "." + b.name
	case "data":
		return "data." + b.what + "." + b.name
	default:
		return b.kind + "." + b.name
	}
}

// module is a directory of files with the values that it was called with.
type module struct {
	dir string
	// prefix is the address of the module, such as module.web., "" for the root.
	prefix string
	given  map[string]string
	inputs map[string]cty.Value
	blocks []*block
	byName map[string]*block
	locals map[string]hcl.Expression
	// words are all names behind a dot in the files: the attributes that somebody may want of something.
	words     []string
	functions functions
	memory    map[string]cty.Value
	children  map[string][]*module
	depth     int
	notes     *found
}

// form is what the files may have on the highest level; the rest concerns nobody here.
var form = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "resource", LabelNames: []string{"type", "name"}},
	{Type: "data", LabelNames: []string{"type", "name"}},
	{Type: "variable", LabelNames: []string{"name"}},
	{Type: "module", LabelNames: []string{"name"}},
	{Type: "output", LabelNames: []string{"name"}},
	{Type: "provider", LabelNames: []string{"name"}},
	{Type: "locals"},
}}

func newModule(dir string, files map[string][]byte, given map[string]string) (*module, error) {
	m := &module{
		dir: dir, given: given, inputs: map[string]cty.Value{}, byName: map[string]*block{}, locals: map[string]hcl.Expression{},
		memory: map[string]cty.Value{}, children: map[string][]*module{}, functions: standardFunctions(),
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := m.file(name, files[name]); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(m.blocks, byPlace)
	return m, nil
}

var dotted = regexp.MustCompile(`\.\s*([A-Za-z_][A-Za-z0-9_-]*)`)

// file parses one file, whatever its syntax.
func (m *module) file(name string, text []byte) error {
	if err := checkSize(name, text); err != nil {
		return err
	}
	parse := hclparse.NewParser().ParseHCL
	if strings.HasSuffix(name, ".json") {
		parse = hclparse.NewParser().ParseJSON
	}
	f, diags := parse(text, name)
	if diags.HasErrors() {
		return fmt.Errorf("%s is not Terraform: %w", name, diags)
	}
	if strings.HasSuffix(name, ".tfvars") {
		return m.values(f.Body)
	}
	for _, word := range dotted.FindAllSubmatch(text, -1) {
		m.words = append(m.words, string(word[1]))
	}
	slices.Sort(m.words)
	m.words = slices.Compact(m.words)
	content, _, diags := f.Body.PartialContent(form)
	if diags.HasErrors() {
		return fmt.Errorf("%s is not Terraform: %w", name, diags)
	}
	for _, b := range content.Blocks {
		m.block(b, name, text)
	}
	return nil
}

func (m *module) block(b *hcl.Block, file string, text []byte) {
	if b.Type == "locals" {
		attrs, _ := b.Body.JustAttributes()
		for name, a := range attrs {
			m.locals[name] = a.Expr
		}
		return
	}
	n := &block{kind: b.Type, file: file, line: b.DefRange.Start.Line, body: b.Body, text: text, name: b.Labels[len(b.Labels)-1]}
	if len(b.Labels) == 2 {
		n.what = b.Labels[0]
	}
	m.blocks = append(m.blocks, n)
	if n.kind != "provider" {
		m.byName[n.address()] = n
	}
}

// values are those of a .tfvars file.
func (m *module) values(body hcl.Body) error {
	attrs, diags := body.JustAttributes()
	if diags.HasErrors() {
		return diags
	}
	for name, a := range attrs {
		if v, diags := a.Expr.Value(nil); !diags.HasErrors() {
			m.inputs[name] = v
		}
	}
	return nil
}

// collect adds the resources of this module and of those that it calls.
func (m *module) collect(f *found) {
	m.notes = f
	for _, b := range m.blocks {
		switch b.kind {
		case "provider":
			m.region(b, f)
		case "resource":
			m.resource(b, f)
		case "module":
			for _, child := range m.call(b) {
				child.collect(f)
			}
		}
	}
}

// region is that of the provider without an alias.
func (m *module) region(b *block, f *found) {
	attrs := attributes(b.body)
	if b.name != "aws" || attrs["alias"] != nil || attrs["region"] == nil || f.region != "" {
		return
	}
	if s := m.attribute("provider.aws.region", "", attrs["region"], nil); !described.IsUnresolved(s.Text) {
		f.region = s.Text
	}
}

// resource reads the instances of one that concerns scaling.
func (m *module) resource(b *block, f *found) {
	kind, wanted := kinds[b.what]
	if !wanted && b.what != "aws_ecs_service" {
		return
	}
	for _, i := range m.instances(b) {
		place := b.place(m.prefix + i.address)
		if !wanted {
			name := m.member(b, i, "name")
			f.services = append(f.services, service{place: place, name: labelled(name), ignored: b.ignoresCount()})
			continue
		}
		f.resources = append(f.resources, described.Resource{
			Kind: kind, Place: place, Label: b.name, ARN: described.Unresolved(m.prefix+i.address+".arn", b.name),
			Attributes: m.body(b.body, i.address, b.name, i.scope),
		})
	}
}

// ignoreCount finds the attribute in a lifecycle block, in either syntax.
var ignoreCount = regexp.MustCompile(`(?s)ignore_changes"?\s*[=:]\s*("?all"?\b|\[[^\]]*\bdesired_count\b)`)

// ignoresCount looks into the text of the block: what ignore_changes lists are no values.
func (b *block) ignoresCount() bool { return ignoreCount.Match(b.lifecycle()) }

// constant is the text of an expression that needs nothing; "" if it is none.
func constant(expr hcl.Expression) string {
	if expr == nil {
		return ""
	}
	v, diags := expr.Value(nil)
	if diags.HasErrors() || v.Type() != cty.String {
		return ""
	}
	return fromCty(v).Text
}

// maxDepth bounds the calls of modules, which may go in a circle.
const maxDepth = 8

// call gives the instances of a module; none for one that is not in a local directory.
func (m *module) call(b *block) []*module {
	if known, ok := m.children[b.name]; ok {
		return known
	}
	m.children[b.name] = nil
	attrs := attributes(b.body)
	source := constant(attrs["source"])
	if !strings.HasPrefix(source, "./") && !strings.HasPrefix(source, "../") || m.depth >= maxDepth {
		m.note(b, "the module "+source+" is not a directory beside this one and was not read; what it scales is in the plan: "+
			"terraform plan -out=FILE, then terraform show -json FILE")
		return nil
	}
	files, err := loadDirectory(filepath.Join(m.dir, source))
	if err != nil || len(files) == 0 {
		m.note(b, "the module "+source+" was not found")
		return nil
	}
	for _, i := range m.instances(b) {
		child, err := newModule(filepath.Join(m.dir, source), files, m.given)
		if err != nil {
			m.note(b, "the module "+source+" cannot be read: "+err.Error())
			break
		}
		child.prefix, child.depth, child.notes = m.prefix+i.address+".", m.depth+1, m.notes
		for name, expr := range attrs {
			child.inputs[name] = m.value("input "+i.address+"."+name, described.Unresolved(m.prefix+i.address+"."+name, name), expr, i.scope)
		}
		m.children[b.name] = append(m.children[b.name], child)
	}
	return m.children[b.name]
}
