package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"golang.org/x/term"

	"ecs-autoscaler/config"
	"ecs-autoscaler/daemon"
)

// runFlags are the flags of run.
type runFlags struct {
	config, logFormat                              string
	dryRun, once, ignoreUnsupported, allowVolatile bool
}

func newRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon: watch, decide, scale, remember, show",
		Long: `Run the daemon in the foreground until SIGTERM or SIGINT. A write under way is finished; the
daemon stops within 10 seconds. SIGHUP loads the configuration anew; a file with a mistake leaves
the one before in force, and "ecs-autoscaler reload" waits for the result. Region, credentials
and endpoint come from the AWS SDK's own environment.`,
		Example: `  ecs-autoscaler run --config ecs-autoscaler.yaml
  ecs-autoscaler run --dry-run --once`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDaemon(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), f)
		},
	}
	configFlag(cmd, &f.config)
	flags := cmd.Flags()
	flags.BoolVar(&f.dryRun, "dry-run", false, "decide and log, but have no means to write to ECS")
	flags.BoolVar(&f.once, "once", false, "make a single pass and end; exit code 1 if a target could not be handled")
	flags.BoolVar(&f.ignoreUnsupported, "ignore-unsupported", false, "run without the parts of the file that this release does not support")
	flags.BoolVar(&f.allowVolatile, "allow-volatile-state", false, "accept state in memory: cooldowns are lost at a restart")
	flags.StringVar(&f.logFormat, "log-format", "auto", "`FORMAT` of the log: auto (human on a terminal), human or json")
	return cmd
}

func runDaemon(ctx context.Context, stdout, stderr io.Writer, f runFlags) error {
	logger, err := newLogger(stderr, f.logFormat)
	if err != nil {
		return err
	}
	defer func() { _ = logger.Sync() }() // syncing a terminal fails, and nothing could be done about it
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// Caught from here on: a SIGHUP during the start would otherwise end the process.
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	c, err := f.load(stderr)
	if err != nil {
		return invalid(err)
	}
	d, err := daemon.New(ctx, daemon.Options{
		Config: c, Load: f.reload(logger), Logger: logger, Build: build(), AllowVolatileState: f.allowVolatile,
		Stdout: stdout,
	})
	if err != nil {
		return err
	}
	if f.once {
		return runOnce(ctx, d, logger)
	}
	defer reloadOn(hup, d)()
	logger.Info("started", zap.String("version", version), zap.String("configuration", c.File), zap.String("region", d.Region()),
		zap.Int("entries", len(c.Targets)), zap.Bool("dry_run", c.DryRun))
	err = d.Run(ctx)
	logger.Info("stopped")
	return err
}

// load reads the configuration as the flags want it; mistakes and warnings go to w.
func (f runFlags) load(w io.Writer) (*config.Config, error) {
	c, err := loadSupported(f.config, f.ignoreUnsupported, w)
	if err != nil {
		return nil, err
	}
	c.DryRun = c.DryRun || f.dryRun
	if f.once {
		c.Listen, c.Access = "", config.Access{} // there is nothing to show, and a daemon that runs beside may have the port
	}
	return c, nil
}

// reload is load for a daemon that runs: what is wrong belongs into the log's own lines.
func (f runFlags) reload(logger *zap.Logger) func() (*config.Config, error) {
	return func() (*config.Config, error) {
		var said strings.Builder
		c, err := f.load(&said)
		switch {
		case err != nil && said.Len() > 0:
			err = fmt.Errorf("%w:\n%s", err, strings.TrimRight(said.String(), "\n"))
		case said.Len() > 0:
			logger.Warn("the configuration has warnings", zap.String("warnings", said.String()))
		}
		return c, err
	}
}

// runOnce makes a single pass.
func runOnce(ctx context.Context, d *daemon.Daemon, logger *zap.Logger) error {
	decisions, err := d.Once(ctx)
	logger.Info("one pass made", zap.Int("targets", len(decisions)), zap.Error(err))
	err = errors.Join(err, d.Close(ctx))
	if errors.Is(err, daemon.ErrUnhandled) {
		return exitError{code: 1, err: err}
	}
	return err
}

// reloadOn reloads at every signal until the returned function is called.
func reloadOn(hup <-chan os.Signal, d *daemon.Daemon) (stop func()) {
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-hup:
				d.Reload()
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}

// newLogger writes to stderr: for people on a terminal, JSON otherwise.
func newLogger(w io.Writer, format string) (*zap.Logger, error) {
	switch format {
	case "human", "json":
	case "auto":
		format = "json"
		if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			format = "human"
		}
	default:
		return nil, errors.New("--log-format " + format + ": must be auto, human or json")
	}
	return daemon.NewLogger(w, daemon.LogFormat(format), time.Now), nil
}
