package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/spf13/cobra"

	"ecs-autoscaler/policytest"
)

func newTest() *cobra.Command {
	var output, match string
	cmd := &cobra.Command{
		Use:   "test FILE|DIRECTORY|PATTERN...",
		Short: "Run policy tests on virtual time: no account, no waiting",
		Long: `Run policy tests: stories of load and events with what the policies of a configuration must do about
them (docs/testing-policies.md). The daemon's own engine plays them on virtual time, a simulated week
in a fraction of a second. Nothing is asked of AWS.

In a directory and below, files named *.test.yaml and *_test.yaml are tests.

Exit codes: 0 all tests pass, 1 a test fails or a file has mistakes, 2 a file cannot be read.`,
		Example: `  ecs-autoscaler test examples/flaskapp/step-scaling.test.yaml
  ecs-autoscaler test --run 'cooldown|restart' examples
  ecs-autoscaler test --output junit examples > policy-tests.xml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return test(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), testFlags{args, output, match})
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`FORMAT` of the report: text, json or junit")
	cmd.Flags().StringVar(&match, "run", "", "run only the tests whose name matches the regular expression `PATTERN`")
	return cmd
}

// testFlags are what the user has asked for.
type testFlags struct {
	args          []string
	output, match string
}

func test(ctx context.Context, stdout, stderr io.Writer, f testFlags) error {
	write := map[string]func(*policytest.Report, io.Writer) error{
		"text": (*policytest.Report).Text, "json": (*policytest.Report).JSON, "junit": (*policytest.Report).JUnit,
	}[f.output]
	if write == nil {
		return fmt.Errorf("--output %s: must be text, json or junit", f.output)
	}
	o := policytest.Options{Env: os.LookupEnv}
	if f.match != "" {
		var err error
		if o.Match, err = regexp.Compile(f.match); err != nil {
			return fmt.Errorf("--run: %w", err)
		}
	}
	files, err := policytest.Find(f.args)
	if err != nil {
		return err
	}
	report, err := policytest.Run(ctx, files, o)
	if err != nil {
		return err
	}
	for _, d := range report.Warnings {
		fmt.Fprintln(stderr, d.Detail())
	}
	if err := write(report, stdout); err != nil {
		return err
	}
	if report.Failed() > 0 {
		return exitError{code: 1}
	}
	return nil
}
