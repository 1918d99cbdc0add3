package cloudformation

import (
	"fmt"
	"os"

	"ecs-autoscaler/config/described"
	"ecs-autoscaler/config/managed"
)

// Read imports a template; given are the values of --var by name: parameters, pseudo parameters such as AWS::Region, and
// attributes such as LoadBalancer.LoadBalancerFullName. An error says what could not be read.
func Read(path string, given map[string]string) (managed.Document, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return managed.Document{}, err
	}
	return read(path, text, given)
}

func read(path string, text []byte, given map[string]string) (managed.Document, error) {
	root, err := parse(text)
	if err != nil {
		return managed.Document{}, fmt.Errorf("%s is not a template: %w", path, err)
	}
	if root.get("Resources") == nil {
		return managed.Document{}, fmt.Errorf("%s is not a template: it has no Resources", path)
	}
	t := &template{root: root, path: path, given: given, busy: map[string]bool{}}
	var resources []described.Resource
	for _, name := range root.get("Resources").keys {
		if r, ok := t.resource(name); ok {
			resources = append(resources, r)
		}
	}
	doc := described.Document(given["AWS::Region"], resources)
	doc.Notes = append(doc.Notes, t.notes...)
	return doc, nil
}

type template struct {
	root  *node
	path  string
	given map[string]string
	notes []managed.Loss
	// busy are the references that are being looked up.
	busy  map[string]bool
	steps int
}

// The types of the resources that are read.
var kinds = map[string]described.Kind{
	"AWS::ApplicationAutoScaling::ScalableTarget": described.ScalableTarget,
	"AWS::ApplicationAutoScaling::ScalingPolicy":  described.ScalingPolicy,
	"AWS::CloudWatch::Alarm":                      described.Alarm,
}

func (t *template) resource(name string) (described.Resource, bool) {
	n := t.root.get("Resources", name)
	kind, ok := kinds[n.get("Type").text()]
	if !ok {
		return described.Resource{}, false
	}
	place := managed.Place{File: t.path, Line: n.line, Resource: name}
	if c := n.get("Condition"); c != nil {
		holds, known := t.condition(c.text())
		if known && !holds {
			t.note(place, "not imported: its condition "+c.text()+" does not hold")
			return described.Resource{}, false
		}
		if !known {
			t.note(place, "its condition "+c.text()+" is not known here and taken to hold")
		}
	}
	r := described.Resource{Kind: kind, Place: place, Label: name, ARN: policyARN(name)}
	r.Attributes = t.value(n.get("Properties"))
	return r, true
}

func (t *template) note(at managed.Place, why string) {
	t.notes = append(t.notes, managed.Loss{Place: at, Why: why})
}

// policyARN stands for the ARN of a policy of the template, which a reference to it gives.
func policyARN(name string) string { return "arn:aws:autoscaling:::scalingPolicy:" + name }

// value resolves a node and gives its tree, with the names of properties in snake_case.
func (t *template) value(n *node) described.Value {
	n = t.resolve(n)
	switch {
	case n == nil || n.null:
		return described.Value{}
	case n.fields != nil:
		fields := map[string]described.Value{}
		for k, v := range n.fields {
			fields[described.Name(k)] = t.value(v)
		}
		return described.Mapping(fields)
	case n.list != nil:
		var all []described.Value
		for _, e := range n.list {
			all = append(all, t.value(e))
		}
		return described.List(all...)
	}
	return described.Text(n.scalar)
}
