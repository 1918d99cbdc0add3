package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"ecs-autoscaler/config"
	"ecs-autoscaler/daemon"
	"ecs-autoscaler/scaler/awsapi"
)

func newValidate() *cobra.Command {
	var path, output string
	var how checks
	cmd := &cobra.Command{
		Use:   "validate [FILE]",
		Short: "Check a configuration file: every mistake with its place and what would be right",
		Long: `Check a configuration file and the files that it names for access: the web configuration file with its
certificates and keys, and the token file. Each mistake is told with its place and what would be right.

Policies that cannot work as meant are warnings: those that flap at a constant load, can never act, or act twice on the same load.

With --aws the account is asked, too, and nothing is written to it. Warnings are then also services that ECS does not know or cannot
scale, that Application Auto Scaling still scales, whose deployments stand still at counts within the bounds, and high-resolution
metrics that ECS does not publish. A question without an answer is named, and the exit code is 2.`,
		Example: `  ecs-autoscaler validate examples/flaskapp/step-scaling.yaml
  ecs-autoscaler validate --strict --output json
  ecs-autoscaler validate --aws ecs-autoscaler.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				path = args[0]
			}
			return validate(cmd.Context(), cmd.OutOrStdout(), path, output, how)
		},
	}
	configFlag(cmd, &path)
	outputFlag(cmd, &output)
	cmd.Flags().BoolVar(&how.strict, "strict", false, "treat warnings as errors")
	cmd.Flags().BoolVar(&how.syntaxOnly, "syntax-only", false, "check the text alone, not the files that it names, which may be on another machine")
	cmd.Flags().BoolVar(&how.prices, "prices", false, "estimate what CloudWatch asks for the metrics, beside alarms managed by AWS")
	cmd.Flags().BoolVar(&how.aws, "aws", false, "ask the account, too, with the credentials and the region that the daemon would have")
	cmd.MarkFlagsMutuallyExclusive("aws", "syntax-only")
	return cmd
}

// outputFlag adds --output to a verb that reports.
func outputFlag(cmd *cobra.Command, output *string) {
	cmd.Flags().StringVarP(output, "output", "o", "text", "`FORMAT` of the report: text or json")
}

func checkOutput(output string) error {
	if output != "text" && output != "json" {
		return fmt.Errorf("--output %s: must be text or json", output)
	}
	return nil
}

// checks say what is checked and told.
type checks struct{ strict, syntaxOnly, prices, aws bool }

func validate(ctx context.Context, w io.Writer, path, output string, how checks) error {
	if err := checkOutput(output); err != nil {
		return err
	}
	src, err := config.Read(path, os.LookupEnv)
	if err != nil {
		return err
	}
	r := judge(ctx, src, how)
	if output == "json" {
		err = reportJSON(w, verdict{src.Name, r.ok, []diagnostic{}, r.prices, lines(r.unanswered)}, r.found)
	} else {
		err = errors.Join(reportText(w, src.Name, r.config, r.found), reportPrices(w, src.Name, r.prices))
	}
	if err = errors.Join(err, r.unanswered); err == nil && !r.ok {
		err = exitError{code: 1}
	}
	return err
}

// judgement is what there is to tell of a configuration: nil for one that cannot be used, the findings, and what was asked for.
type judgement struct {
	config *config.Config
	found  config.Diagnostics
	prices *config.Prices
	ok     bool
	// unanswered is why an account did not say everything.
	unanswered error
}

func judge(ctx context.Context, src config.Source, how checks) (r judgement) {
	r.config, r.found = check(src, how)
	if r.config != nil && how.aws {
		var more config.Diagnostics
		more, r.unanswered = daemon.Examine(ctx, r.config, awsapi.Options{})
		r.found = append(r.found, more...)
	}
	r.ok = r.config != nil && (!how.strict || len(r.found) == 0)
	if how.strict {
		r.found = harden(r.found)
	}
	if r.config != nil && how.prices {
		r.prices = new(r.config.Prices())
	}
	return r
}

// lines are the questions that got no answer, each by itself, or the one reason why none did.
func lines(err error) []string {
	if u, ok := errors.AsType[daemon.UnansweredError](err); ok {
		return u
	}
	if err != nil {
		return []string{err.Error()}
	}
	return nil
}

// check reads a configuration, and the files that it names; nil is one that cannot be used.
func check(src config.Source, how checks) (*config.Config, config.Diagnostics) {
	c, found := config.Parse(src, os.LookupEnv)
	if c == nil {
		return nil, found
	}
	for _, d := range c.Unsupported() {
		d.Severity = config.SeverityWarning
		found = append(found, d)
	}
	found = append(found, c.Lint()...)
	if !how.syntaxOnly {
		found = append(found, daemon.CheckAccess(c)...)
	}
	if found.HasErrors() {
		return nil, found
	}
	return c, found
}

// harden makes errors of warnings.
func harden(found config.Diagnostics) config.Diagnostics {
	found = slices.Clone(found)
	for i := range found {
		found[i].Severity = config.SeverityError
	}
	return found
}

// reportText writes every finding and, of a configuration that can be read, what is in it, or why it is not valid all the same.
func reportText(w io.Writer, name string, c *config.Config, found config.Diagnostics) error {
	for _, d := range found {
		if _, err := fmt.Fprintln(w, d.Detail()); err != nil {
			return err
		}
	}
	if c == nil {
		return nil
	}
	if hard := len(found.Errors()); hard > 0 {
		what := fmt.Sprintf("%d warnings, which --strict makes errors", hard)
		if hard == 1 {
			what = "1 warning, which --strict makes an error"
		}
		_, err := fmt.Fprintf(w, "%s: not valid: %s\n", name, what)
		return err
	}
	policies, actions := 0, 0
	for _, t := range c.Targets {
		policies += len(t.Bind(t.Cluster, t.Service).Policies)
		actions += len(t.ScheduledActions)
	}
	_, err := fmt.Fprintf(w, "%s: valid: %d targets, %d policies, %d scheduled actions, %d warnings\n",
		name, len(c.Targets), policies, actions, len(found))
	return err
}

// reportPrices writes what was asked for in one line.
func reportPrices(w io.Writer, name string, p *config.Prices) error {
	if p == nil {
		return nil
	}
	each := ""
	if p.Patterns > 0 {
		each = "; a pattern counts as one service"
	}
	_, err := fmt.Fprintf(w, "%s: prices: %d metrics requested at most %d times a month: $%.2f ($0.01 for 1,000; with interval: auto as little as a third); "+
		"%d alarms managed by AWS: $%.2f ($0.10 each, $0.30 with a period under 60 s)%s\n",
		name, p.Metrics, p.Requests, p.Dollars, p.Alarms, p.ManagedDollars, each)
	return err
}

// verdict is the machine's form: {"file","valid","diagnostics":[{"file","line","column","severity","message"}]}, with --prices
// also "prices", and with --aws "unanswered" where a question got no answer.
type verdict struct {
	File        string         `json:"file"`
	Valid       bool           `json:"valid"`
	Diagnostics []diagnostic   `json:"diagnostics"`
	Prices      *config.Prices `json:"prices,omitempty"`
	Unanswered  []string       `json:"unanswered,omitempty"`
}

type diagnostic struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
}

func reportJSON(w io.Writer, out verdict, found config.Diagnostics) error {
	for _, d := range found {
		out.Diagnostics = append(out.Diagnostics, diagnostic{d.File, d.Line, d.Column, string(d.Severity), d.Message})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return errors.Join(enc.Encode(out))
}
