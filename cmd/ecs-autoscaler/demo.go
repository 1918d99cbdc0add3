package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"ecs-autoscaler/demo"
)

// demoFlags are the flags of demo.
type demoFlags struct {
	config, scenario, listen string
	speed                    float64
	runFor                   time.Duration
}

func newDemo() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch the daemon scale a simulated region, a minute in every second",
		Long: `Run the daemon against a simulated AWS region in one process, on accelerated time: nothing to sign up
for, nothing else needed. One service follows step policies on memory, the other tracks CPU under a
day of a real production workload. It ends by itself with a summary; Ctrl-C ends it earlier.`,
		Example: `  ecs-autoscaler demo
  ecs-autoscaler demo --speed 720          # the whole day of the trace in two minutes
  ecs-autoscaler demo --listen 127.0.0.1:8080 &  curl -s 127.0.0.1:8080/api/v1/targets`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return runDemo(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr(), f)
		},
	}
	cmd.Flags().StringVarP(&f.config, "config", "c", "", "configuration `FILE` instead of the demo's own")
	scenarioFlag(cmd, &f.scenario)
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:0", "`ADDRESS` of the daemon's metrics and API (port 0: a free one)")
	cmd.Flags().Float64Var(&f.speed, "speed", 60, "simulated seconds in a second")
	cmd.Flags().DurationVar(&f.runFor, "for", 2*time.Minute, "how long to run, in real time")
	return cmd
}

func runDemo(ctx context.Context, stdout, stderr io.Writer, f demoFlags) error {
	s, err := loadScenario(f.scenario)
	if err != nil {
		return err
	}
	o := demo.Options{Scenario: s, Speed: f.speed, For: f.runFor, Listen: f.listen, Out: stdout, Build: build()}
	if f.config != "" {
		if o.Config, err = loadSupported(f.config, true, stderr); err != nil {
			return invalid(err)
		}
	}
	if file, ok := stdout.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		o.Terminal = true
		if width, _, err := term.GetSize(int(file.Fd())); err == nil {
			o.Width = width
		}
	}
	return demo.Run(ctx, o)
}
