# Managed scaling of one service as it stands in many trees: target tracking on the processor and on a backlog, a pair of
# step policies with their alarms, and office hours. Import it with: ecs-autoscaler import terraform examples/terraform

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = var.region
}

variable "region" {
  type    = string
  default = "eu-west-2"
}

variable "bounds" {
  type = object({
    min = number
    max = optional(number, 12)
  })
  default = { min = 2 }
}

locals {
  name = "flaskapp"
  scalable = {
    service_namespace  = aws_appautoscaling_target.web.service_namespace
    resource_id        = aws_appautoscaling_target.web.resource_id
    scalable_dimension = aws_appautoscaling_target.web.scalable_dimension
  }
  memory = {
    out = { operator = "GreaterThanOrEqualToThreshold", threshold = 75, change = 2 }
    in  = { operator = "LessThanThreshold", threshold = 30, change = -1 }
  }
}

resource "aws_ecs_cluster" "this" {
  name = local.name
}

resource "aws_ecs_service" "web" {
  name            = "${local.name}-web"
  cluster         = aws_ecs_cluster.this.arn
  task_definition = "flaskapp-web"
  desired_count   = var.bounds.min
}

resource "aws_appautoscaling_target" "web" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.web.name}"
  min_capacity       = var.bounds.min
  max_capacity       = var.bounds.max
}

resource "aws_appautoscaling_policy" "cpu" {
  name               = "cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = local.scalable.service_namespace
  resource_id        = local.scalable.resource_id
  scalable_dimension = local.scalable.scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = 55
    scale_out_cooldown = 60

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}

resource "aws_appautoscaling_policy" "backlog" {
  name               = "backlog"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = local.scalable.service_namespace
  resource_id        = local.scalable.resource_id
  scalable_dimension = local.scalable.scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value = 100

    customized_metric_specification {
      metrics {
        id          = "backlog"
        return_data = false
        metric_stat {
          stat = "Sum"
          metric {
            namespace   = "AWS/SQS"
            metric_name = "ApproximateNumberOfMessagesVisible"
            dimensions {
              name  = "QueueName"
              value = "jobs"
            }
          }
        }
      }
      metrics {
        id          = "tasks"
        return_data = false
        metric_stat {
          stat = "Average"
          metric {
            namespace   = "ECS/ContainerInsights"
            metric_name = "RunningTaskCount"
            dynamic "dimensions" {
              for_each = { ClusterName = aws_ecs_cluster.this.name, ServiceName = aws_ecs_service.web.name }
              content {
                name  = dimensions.key
                value = dimensions.value
              }
            }
          }
        }
      }
      metrics {
        id         = "per_task"
        label      = "backlog of one task"
        expression = "backlog / tasks"
      }
    }
  }
}

resource "aws_appautoscaling_policy" "memory" {
  for_each           = local.memory
  name               = "memory-${each.key}"
  policy_type        = "StepScaling"
  service_namespace  = local.scalable.service_namespace
  resource_id        = local.scalable.resource_id
  scalable_dimension = local.scalable.scalable_dimension

  step_scaling_policy_configuration {
    adjustment_type = "ChangeInCapacity"
    cooldown        = 120

    step_adjustment {
      metric_interval_lower_bound = each.value.change > 0 ? 0 : null
      metric_interval_upper_bound = each.value.change > 0 ? null : 0
      scaling_adjustment          = each.value.change
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "memory" {
  for_each            = local.memory
  alarm_name          = "flaskapp-memory-${each.key}"
  namespace           = "AWS/ECS"
  metric_name         = "MemoryUtilization"
  statistic           = "Average"
  comparison_operator = each.value.operator
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 4
  alarm_actions       = [aws_appautoscaling_policy.memory[each.key].arn]

  dimensions = {
    ClusterName = aws_ecs_cluster.this.name
    ServiceName = aws_ecs_service.web.name
  }
}

resource "aws_appautoscaling_scheduled_action" "office" {
  name               = "office-hours"
  service_namespace  = local.scalable.service_namespace
  resource_id        = local.scalable.resource_id
  scalable_dimension = local.scalable.scalable_dimension
  schedule           = "cron(0 8 * * MON-FRI *)"
  timezone           = "Europe/London"

  scalable_target_action {
    min_capacity = 4
    max_capacity = var.bounds.max
  }
}
