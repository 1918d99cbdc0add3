package terraform

import (
	"os"
	"strings"
	"testing"

	"ecs-autoscaler/config"
	"ecs-autoscaler/config/managed"
)

// accepted says that what was imported is a configuration, whatever it was imported from.
func accepted(t *testing.T, doc managed.Document) {
	t.Helper()
	if len(doc.Targets) == 0 {
		return
	}
	c, found := config.Parse(config.Source{Name: "x", Text: managed.Write(doc)}, func(string) (string, bool) { return "", false })
	if c == nil {
		t.Fatalf("%s\n%s", found.Detail(), managed.Write(doc))
	}
}

const seed = `
variable "n" { default = 2 }
resource "aws_appautoscaling_target" "t" {
  count = var.n
  service_namespace = "ecs"
  resource_id = "service/c/s-${count.index}"
  min_capacity = "1"
  max_capacity = max(2, 3)
}
resource "aws_appautoscaling_policy" "p" {
  name = "p"
  policy_type = "StepScaling"
  resource_id = aws_appautoscaling_target.t[0].id
  step_scaling_policy_configuration {
    adjustment_type = "ChangeInCapacity"
    dynamic "step_adjustment" {
      for_each = [0]
      content {
        metric_interval_lower_bound = step_adjustment.value
        scaling_adjustment = 1
      }
    }
  }
}
resource "aws_cloudwatch_metric_alarm" "a" {
  alarm_actions = [aws_appautoscaling_policy.p.arn]
  comparison_operator = "GreaterThanThreshold"
  threshold = 1
  evaluation_periods = 1
  namespace = "n"
  metric_name = "m"
  statistic = "Sum"
  dimensions = { a = "b" }
}
`

// FuzzTerraform: no file makes the reader fall over, and whatever it imports is accepted.
func FuzzTerraform(f *testing.F) {
	example, err := os.ReadFile("../../examples/terraform/main.tf")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	f.Add(seed)
	f.Add(`locals { a = local.b, b = local.a }`)
	f.Add(`module "m" { source = "./x" }`)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			return
		}
		name := "main.tf"
		if strings.HasPrefix(text, "{") {
			name = "main.tf.json"
		}
		var all found
		if all.module("testdata", map[string][]byte{name: []byte(text)}, nil) == nil {
			accepted(t, all.document())
		}
	})
}

// FuzzShow: no plan or state does.
func FuzzShow(f *testing.F) {
	f.Add(`{"format_version":"1.0","terraform_version":"1.0.0","values":{"root_module":{"resources":[{"address":"a","mode":"managed","type":"aws_appautoscaling_target","name":"t","values":{"resource_id":"service/c/s","service_namespace":"ecs","min_capacity":1,"max_capacity":2}}]}}}`)
	f.Add(`{"format_version":"1.2","planned_values":{"root_module":{"child_modules":[null]}},"configuration":{"root_module":{"resources":[null]}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var all found
		if all.shown("x", []byte(text)) == nil {
			accepted(t, all.document())
		}
	})
}
