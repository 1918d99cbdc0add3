package cloudformation

import (
	"regexp"
	"strconv"
	"strings"

	"ecs-autoscaler/config/described"
)

// maxSteps bounds how much one template may resolve.
const maxSteps = 1 << 20

// functions are the intrinsic functions that a template answers by itself; of is the argument.
func functions(name string) func(t *template, of *node) *node {
	return map[string]func(t *template, of *node) *node{
		"Ref":             func(t *template, of *node) *node { return t.reference(of.text()) },
		"Fn::GetAtt":      (*template).attribute,
		"Fn::Sub":         (*template).substitute,
		"Fn::Join":        (*template).join,
		"Fn::Select":      (*template).pick,
		"Fn::Split":       (*template).split,
		"Fn::If":          (*template).choose,
		"Fn::FindInMap":   (*template).find,
		"Fn::ImportValue": (*template).imported,
	}[name]
}

var absent = &node{null: true}

func scalar(s string) *node { return &node{scalar: s} }

// resolve replaces an intrinsic function by its value, on this level.
func (t *template) resolve(n *node) *node {
	t.steps++
	if n == nil || len(n.keys) != 1 || t.steps > maxSteps {
		return n
	}
	name, of := n.keys[0], n.fields[n.keys[0]]
	if f := functions(name); f != nil {
		return f(t, of)
	}
	if label, ok := strings.CutPrefix(name, "Fn::"); ok {
		return t.elsewhere(name, label)
	}
	return n
}

// imported is a value that another stack exports.
func (t *template) imported(of *node) *node {
	export := described.Labelled(t.resolved(of))
	return t.elsewhere("ImportValue."+export, export)
}

// resolved is the text of what a node resolves to.
func (t *template) resolved(n *node) string {
	v := t.resolve(n)
	if v == nil {
		return ""
	}
	return v.scalar
}

// elsewhere is a value that --var gives or that is unresolved.
func (t *template) elsewhere(name, label string) *node {
	if s, ok := t.given[name]; ok {
		return scalar(s)
	}
	return scalar(described.Unresolved(name, label))
}

// guarded looks something up that may need itself.
func (t *template) guarded(key string, look func() *node, otherwise *node) *node {
	if t.busy[key] {
		return otherwise
	}
	t.busy[key] = true
	defer delete(t.busy, key)
	return look()
}

// reference is what Ref gives: a parameter, a name, or the identity that CloudFormation documents for the type.
func (t *template) reference(name string) *node {
	if s, ok := t.given[name]; ok {
		return scalar(s)
	}
	if name == "AWS::NoValue" {
		return absent
	}
	if p := t.root.get("Parameters", name); p != nil {
		if value := p.get("Default"); value != nil {
			return scalar(value.text())
		}
		return t.elsewhere(name, name)
	}
	r := t.root.get("Resources", name)
	unknown := t.elsewhere(name, name)
	properties := r.get("Properties")
	return t.guarded("Ref "+name, func() *node {
		switch r.get("Type").text() {
		case "AWS::ApplicationAutoScaling::ScalingPolicy":
			return scalar(policyARN(name))
		case "AWS::ApplicationAutoScaling::ScalableTarget":
			id := []string{t.resolved(properties.get("ResourceId")), t.resolved(properties.get("ScalableDimension")),
				t.resolved(properties.get("ServiceNamespace"))}
			return scalar(strings.Join(id, "|"))
		case "AWS::ECS::Cluster":
			return t.own(properties, "ClusterName", unknown)
		case "AWS::SQS::Queue":
			return unknown // A URL.
		}
		return unknown
	}, unknown)
}

// own is a property of a resource that names it, or what stands for it.
func (t *template) own(properties *node, key string, unknown *node) *node {
	if v := t.resolve(properties.get(key)); v != nil && !v.null && v.scalar != "" {
		return v
	}
	return unknown
}

// attribute is what GetAtt gives: names that the template has, else unresolved.
func (t *template) attribute(of *node) *node {
	name := of.text()
	if of != nil && len(of.list) == 2 {
		name = t.resolved(of.list[0]) + "." + t.resolved(of.list[1])
	}
	if s, ok := t.given[name]; ok {
		return scalar(s)
	}
	resource, attribute, _ := strings.Cut(name, ".")
	r := t.root.get("Resources", resource)
	property := map[string]string{
		"AWS::ECS::Service Name": "ServiceName", "AWS::SQS::Queue QueueName": "QueueName",
	}[r.get("Type").text()+" "+attribute]
	unknown := t.elsewhere(name, resource)
	switch {
	case r.get("Type").text() == "AWS::ApplicationAutoScaling::ScalingPolicy":
		return scalar(policyARN(resource))
	case property == "":
		return unknown
	}
	return t.guarded("GetAtt "+name, func() *node { return t.own(r.get("Properties"), property, unknown) }, unknown)
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

// substitute is Fn::Sub with or without values of its own.
func (t *template) substitute(of *node) *node {
	var values *node
	text := of.text()
	if of != nil && len(of.list) == 2 {
		text, values = of.list[0].text(), of.list[1]
	}
	return scalar(placeholder.ReplaceAllStringFunc(text, func(m string) string {
		name := strings.TrimSpace(m[2 : len(m)-1])
		switch {
		case strings.HasPrefix(name, "!"):
			return "${" + name[1:] + "}"
		case values.get(name) != nil:
			return t.resolved(values.get(name))
		case strings.Contains(name, "."):
			return t.attribute(scalar(name)).text()
		}
		return t.reference(name).text()
	}))
}

// texts are the resolved entries of a list.
func (t *template) texts(n *node) []string {
	n = t.resolve(n)
	if n == nil {
		return nil
	}
	var all []string
	for _, e := range n.list {
		all = append(all, t.resolved(e))
	}
	return all
}

func (t *template) join(of *node) *node {
	if of == nil || len(of.list) != 2 {
		return absent
	}
	return scalar(strings.Join(t.texts(of.list[1]), t.resolved(of.list[0])))
}

func (t *template) split(of *node) *node {
	if of == nil || len(of.list) != 2 {
		return absent
	}
	n := &node{}
	for part := range strings.SplitSeq(t.resolved(of.list[1]), t.resolved(of.list[0])) {
		n.list = append(n.list, scalar(part))
	}
	return n
}

func (t *template) pick(of *node) *node {
	if of == nil || len(of.list) != 2 {
		return absent
	}
	all := t.texts(of.list[1])
	if i, err := strconv.Atoi(t.resolved(of.list[0])); err == nil && i >= 0 && i < len(all) {
		return scalar(all[i])
	}
	return t.elsewhere("Fn::Select", "Select")
}

func (t *template) find(of *node) *node {
	if of == nil || len(of.list) < 3 {
		return absent
	}
	path := []string{t.resolved(of.list[0]), t.resolved(of.list[1]), t.resolved(of.list[2])}
	if v := t.root.get(append([]string{"Mappings"}, path...)...); v != nil {
		return v
	}
	name := described.Labelled(strings.Join(path, "."))
	return t.elsewhere("FindInMap."+name, name)
}

func (t *template) choose(of *node) *node {
	if of == nil || len(of.list) != 3 {
		return absent
	}
	holds, known := t.condition(of.list[0].text())
	switch {
	case !known:
		return t.elsewhere("Condition."+of.list[0].text(), "Condition")
	case holds:
		return t.resolve(of.list[1])
	default:
		return t.resolve(of.list[2])
	}
}

// condition says whether a named condition holds, and whether that is known.
func (t *template) condition(name string) (holds, known bool) {
	if s, ok := t.given["Condition."+name]; ok {
		return s == "true", true
	}
	n := t.root.get("Conditions", name)
	if n == nil || t.busy["Condition "+name] {
		return false, false
	}
	t.busy["Condition "+name] = true
	defer delete(t.busy, "Condition "+name)
	return t.holds(n)
}

// holds evaluates the functions that conditions are made of.
func (t *template) holds(n *node) (holds, known bool) {
	if t.steps++; n == nil || len(n.keys) != 1 || t.steps > maxSteps {
		return false, false
	}
	of := n.fields[n.keys[0]]
	switch n.keys[0] {
	case "Condition":
		return t.condition(of.text())
	case "Fn::Equals":
		if len(of.list) != 2 {
			return false, false
		}
		a, b := t.resolved(of.list[0]), t.resolved(of.list[1])
		return a == b, !described.IsUnresolved(a + b)
	case "Fn::Not":
		if len(of.list) != 1 {
			return false, false
		}
		holds, known = t.holds(of.list[0])
		return !holds, known
	case "Fn::And", "Fn::Or":
		return t.several(of.list, n.keys[0] == "Fn::Or")
	}
	return false, false
}

// several is Or, or And: decided is the value that one condition decides all with.
func (t *template) several(conditions []*node, decided bool) (holds, known bool) {
	known = true
	for _, c := range conditions {
		h, k := t.holds(c)
		if k && h == decided {
			return decided, true
		}
		known = known && k
	}
	return !decided, known
}
