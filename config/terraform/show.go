package terraform

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"ecs-autoscaler/config/described"
	"ecs-autoscaler/config/managed"
)

var errRawState = errors.New("is the state file itself, whose form is Terraform's own business; run terraform show -json and import what it prints")

// shown reads what `terraform show -json` prints.
func (f *found) shown(path string, text []byte) error {
	if err := checkSize(path, text); err != nil {
		return err
	}
	var top struct {
		Format    string          `json:"format_version"`
		Planned   json.RawMessage `json:"planned_values"`
		Resources json.RawMessage `json:"resources"`
	}
	if err := json.Unmarshal(text, &top); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	s := &shown{found: f, path: path}
	switch {
	case top.Format == "" && top.Resources != nil:
		return fmt.Errorf("%s %w", path, errRawState)
	case top.Planned != nil:
		var plan tfjson.Plan
		plan.UseJSONNumber(true)
		if err := plan.UnmarshalJSON(text); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if plan.Config != nil {
			s.config = plan.Config.RootModule
			s.region(plan.Config)
		}
		s.values(plan.PlannedValues)
	default:
		var state tfjson.State
		state.UseJSONNumber(true)
		if err := state.UnmarshalJSON(text); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		s.values(state.Values)
	}
	return nil
}

// shown is one plan or state.
type shown struct {
	*found

	path string
	// config is that of a plan: what is only known after apply is found by its references.
	config *tfjson.ConfigModule
}

func (s *shown) region(c *tfjson.Config) {
	p := c.ProviderConfigs["aws"]
	if p == nil || s.found.region != "" {
		return
	}
	if e := p.Expressions["region"]; e != nil && e.ExpressionData != nil {
		if region, ok := e.ConstantValue.(string); ok {
			s.found.region = region
		}
	}
}

func (s *shown) values(v *tfjson.StateValues) {
	if v != nil && v.RootModule != nil {
		s.module(v.RootModule, s.config)
	}
}

func (s *shown) module(m *tfjson.StateModule, config *tfjson.ConfigModule) {
	for _, r := range m.Resources {
		if r != nil && r.Mode == tfjson.ManagedResourceMode {
			s.resource(r, m.Address, config)
		}
	}
	for _, child := range m.ChildModules {
		if child != nil {
			s.module(child, called(config, m.Address, child.Address))
		}
	}
}

// called is the configuration of a child module, by the name of the call.
func called(config *tfjson.ConfigModule, parent, address string) *tfjson.ConfigModule {
	if config == nil {
		return nil
	}
	name := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(address, parent), "."), "module.")
	name, _, _ = strings.Cut(name, "[")
	if call := config.ModuleCalls[name]; call != nil {
		return call.Module
	}
	return nil
}

func (s *shown) resource(r *tfjson.StateResource, module string, config *tfjson.ConfigModule) {
	place := managed.Place{File: s.path, Resource: r.Address}
	if r.Type == "aws_ecs_service" {
		return // Neither plans nor states have the lifecycle of a service.
	}
	kind, ok := kinds[r.Type]
	if !ok {
		return
	}
	attributes := fromJSON(r.AttributeValues)
	arn := attributes.Fields["arn"].Text
	if arn == "" {
		arn = described.Unresolved(r.Address+".arn", r.Name)
	}
	if kind == described.Alarm && attributes.Fields["alarm_actions"].None() && attributes.Fields != nil {
		attributes.Fields["alarm_actions"] = s.actions(r, module, config)
	}
	s.resources = append(s.resources, described.Resource{Kind: kind, Place: place, ARN: arn, Label: r.Name, Attributes: attributes})
}

// actions are the policies that the configuration of a planned alarm refers to; its own index is taken where they have one.
func (s *shown) actions(r *tfjson.StateResource, module string, config *tfjson.ConfigModule) described.Value {
	if config == nil {
		return described.Value{}
	}
	var actions []described.Value
	for _, c := range config.Resources {
		if c == nil || c.Type != r.Type || c.Name != r.Name {
			continue
		}
		e := c.Expressions["alarm_actions"]
		if e == nil || e.ExpressionData == nil {
			continue
		}
		for _, policy := range policies(e.References) {
			actions = append(actions, described.Text(described.Unresolved(instanced(policy, module, r.Index), r.Name)))
		}
	}
	return described.List(actions...)
}

// policies are the addresses of policies among references, which name a thing with and without its attributes.
func policies(references []string) []string {
	var all []string
	for _, r := range references {
		policy := strings.TrimSuffix(r, ".arn")
		longer := slices.ContainsFunc(references, func(other string) bool { return strings.HasPrefix(other, policy+"[") })
		if strings.HasPrefix(policy, "aws_appautoscaling_policy.") && !longer && !slices.Contains(all, policy) {
			all = append(all, policy)
		}
	}
	return all
}

// instanced is the address of the ARN that a reference of an instance means.
func instanced(address, module string, index any) string {
	if index != nil && !strings.HasSuffix(address, "]") {
		switch i := index.(type) {
		case string:
			address += fmt.Sprintf("[%q]", i)
		default:
			address += fmt.Sprintf("[%v]", i)
		}
	}
	if module != "" {
		address = module + "." + address
	}
	return address + ".arn"
}

// fromJSON makes the tree of a decoded JSON value.
func fromJSON(v any) described.Value {
	switch v := v.(type) {
	case string:
		return described.Text(v)
	case json.Number:
		return described.Text(v.String())
	case bool, float64:
		return described.Text(fmt.Sprint(v))
	case []any:
		var all []described.Value
		for _, e := range v {
			all = append(all, fromJSON(e))
		}
		return described.List(slices.Clip(all)...)
	case map[string]any:
		fields := map[string]described.Value{}
		for k, e := range v {
			fields[k] = fromJSON(e)
		}
		return described.Mapping(fields)
	}
	return described.Value{}
}
