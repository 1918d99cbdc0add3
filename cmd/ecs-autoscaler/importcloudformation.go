package main

import (
	"github.com/spf13/cobra"

	"ecs-autoscaler/config/cloudformation"
)

func newImportCloudFormation() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "cloudformation TEMPLATE",
		Short: "Import scalable targets, policies and alarms from a template of CloudFormation",
		Long: `Write a configuration to standard output that does what this template, YAML or JSON, makes AWS do. No account
is asked. Parameters have their defaults or what --var gives; so have pseudo parameters (AWS::Region) and attributes
(Balancer.LoadBalancerFullName). Where only a name is missing, the resource's own stands for it, and a note
says so. What has no counterpart is named on standard error and in a comment.`,
		Example: `  ecs-autoscaler import cloudformation template.yaml --var Environment=production > ecs-autoscaler.yaml
  ecs-autoscaler import cloudformation template.json --output ecs-autoscaler.yaml`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			given, err := f.given()
			if err != nil {
				return err
			}
			doc, err := cloudformation.Read(args[0], given)
			if err != nil {
				return exitError{code: 1, err: err}
			}
			return f.write(doc, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f.add(cmd)
	return cmd
}
