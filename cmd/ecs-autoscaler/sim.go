package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ecs-autoscaler/demo"
	"ecs-autoscaler/sim"
)

// simFlags are the flags of sim.
type simFlags struct {
	scenario, listen string
	speed            float64
}

func newSim() *cobra.Command {
	var f simFlags
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Serve a simulated AWS region: ECS, CloudWatch, Application Auto Scaling, DynamoDB and STS on a port",
		Long: `Serve a simulated AWS region that unmodified AWS SDKs and the AWS CLI work against. What is in it, its
load, its delays and its faults come from a scenario file (docs/simulated-region.md); without one it is
the region of the demo. Any credentials are good. Time runs from the start of the scenario, or from now.`,
		Example: `  ecs-autoscaler sim --scenario examples/scenarios/flaskapp.yaml
  AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_DEFAULT_REGION=eu-west-2 AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x \
    aws ecs list-clusters`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return serveRegion(ctx, cmd.OutOrStdout(), f)
		},
	}
	scenarioFlag(cmd, &f.scenario)
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:4566", "`ADDRESS` to serve on")
	cmd.Flags().Float64Var(&f.speed, "speed", 1, "simulated seconds in a second; a daemon beside it (run) stays in real time, so that only 1 suits it")
	return cmd
}

// scenarioFlag adds --scenario to a verb.
func scenarioFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "scenario", "", "scenario `FILE` of the simulated region (default: the demo's)")
}

// loadScenario reads a scenario file; traces are found beside it.
func loadScenario(path string) (*sim.Scenario, error) {
	if path == "" {
		return sim.DemoScenario()
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--scenario: %w", err)
	}
	s, err := sim.ParseScenario(path, text, os.DirFS(filepath.Dir(path)))
	if err != nil {
		return nil, exitError{code: 1, err: err}
	}
	return s, nil
}

func serveRegion(ctx context.Context, stdout io.Writer, f simFlags) error {
	s, err := loadScenario(f.scenario)
	if err != nil {
		return err
	}
	if err := demo.CheckSpeed(f.speed); err != nil {
		return err
	}
	region, err := sim.New(s, demo.Clock(s, f.speed).Now)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("cannot serve the region: %w: choose another address with --listen", err)
	}
	server := demo.NewRegionServer(region)
	fmt.Fprintf(stdout, "simulated region on http://%s\nexport AWS_ENDPOINT_URL=http://%s AWS_REGION=%s AWS_DEFAULT_REGION=%s AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x\n",
		l.Addr(), l.Addr(), s.Region(), s.Region())
	stopped := context.AfterFunc(ctx, func() {
		sctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = server.Shutdown(sctx) // what does not end in a second is cut off with the process
	})
	defer stopped()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
