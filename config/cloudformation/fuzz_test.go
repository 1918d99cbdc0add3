package cloudformation

import (
	"os"
	"testing"

	"ecs-autoscaler/config"
	"ecs-autoscaler/config/managed"
)

// FuzzTemplate: no template makes the reader fall over, and whatever it imports is accepted.
func FuzzTemplate(f *testing.F) {
	example, err := os.ReadFile("../../examples/cloudformation/template.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	f.Add(`{"Resources": {"T": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": {"ServiceNamespace": "ecs", "ResourceId": {"Fn::Sub": "service/c/${S}"}, "MinCapacity": 1, "MaxCapacity": 2}}}}`)
	f.Add("Resources:\n  A: &a [*a]\n  B: !Ref B\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			return
		}
		doc, err := read("x", []byte(text), nil)
		if err != nil || len(doc.Targets) == 0 {
			return
		}
		c, found := config.Parse(config.Source{Name: "x", Text: managed.Write(doc)}, func(string) (string, bool) { return "", false })
		if c == nil {
			t.Fatalf("%s\n%s", found.Detail(), managed.Write(doc))
		}
	})
}
