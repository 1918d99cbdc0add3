package main

import (
	"github.com/spf13/cobra"

	"ecs-autoscaler/scaler/appscaling"
	"ecs-autoscaler/scaler/awsapi"
)

func newImportAWS() *cobra.Command {
	var f importFlags
	var clusters []string
	var o awsapi.Options
	cmd := &cobra.Command{
		Use:   "aws",
		Short: "Import what Application Auto Scaling manages in an account",
		Long: `Write a configuration to standard output that does what Application Auto Scaling does now to the ECS services of
this account and region, or to those of some clusters. Nothing is changed. The credentials are those of the
environment; they need application-autoscaling:DescribeScalableTargets, DescribeScalingPolicies and
DescribeScheduledActions, and cloudwatch:DescribeAlarms for step policies. What has no counterpart is named on
standard error and in a comment.`,
		Example: `  ecs-autoscaler import aws --cluster shop > ecs-autoscaler.yaml
  ecs-autoscaler import aws --cluster shop --cluster jobs --region eu-west-1 --output ecs-autoscaler.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			clients, err := awsapi.Connect(cmd.Context(), o)
			if err != nil {
				return err
			}
			doc, err := appscaling.Import(cmd.Context(), clients, clusters)
			if err != nil {
				return err
			}
			return f.write(doc, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f.addOutput(cmd)
	cmd.Flags().StringArrayVar(&clusters, "cluster", nil, "`NAME` of a cluster; may be repeated (default: all clusters)")
	cmd.Flags().StringVar(&o.Region, "region", "", "`REGION` to ask (default: that of the environment)")
	return cmd
}
