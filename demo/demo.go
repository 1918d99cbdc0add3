// Package demo runs the daemon against a simulated region in one process, on accelerated time, and
// shows what happens. The daemon reaches the region over HTTP, exactly as it reaches AWS.
package demo

import (
	"context"
	_ "embed" // the demo's configuration
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"ecs-autoscaler/config"
	"ecs-autoscaler/daemon"
	"ecs-autoscaler/scaler"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/sim"
)

//go:embed demo.yaml
var embedded []byte

// Options say what is shown and how fast.
type Options struct {
	Scenario *sim.Scenario
	// Config is nil for the demo's own. Its state is not used: the demo's lives in memory.
	Config *config.Config
	// Speed is how many simulated seconds pass in a real one, > 0.
	Speed float64
	// For is how long the demo runs, in real time.
	For time.Duration
	// Listen is the address of the daemon's own server.
	Listen string
	Out    io.Writer
	// Terminal draws one table over and over; otherwise lines follow each other. Width is the terminal's, 0 if unknown.
	Terminal bool
	Width    int
	Build    daemon.Build
}

// maxSpeed is a day in less than a tenth of a second, more than any daemon keeps up with.
const maxSpeed = 1e6

// CheckSpeed refuses a speed that no clock can run at.
func CheckSpeed(speed float64) error {
	if speed > 0 && speed <= maxSpeed {
		return nil
	}
	return fmt.Errorf("--speed %g: must be above 0 and at most %g; 1 is real time, 60 a minute in a second", speed, maxSpeed)
}

// Clock is the time of a region: from the scenario's start, or from now where it has none, at a speed.
func Clock(s *sim.Scenario, speed float64) *scaler.ScaledClock {
	start := s.Start()
	if start.IsZero() {
		start = time.Now().UTC()
	}
	return scaler.NewScaledClock(start, speed)
}

// NewRegionServer serves a region over HTTP/1.1 and cleartext HTTP/2.
func NewRegionServer(r *sim.Region) *http.Server {
	var p http.Protocols
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	return &http.Server{Handler: r, Protocols: &p, ReadHeaderTimeout: 5 * time.Second}
}

// Run shows the demo until its time is over or ctx ends, and sums it up.
func Run(ctx context.Context, o Options) error {
	if err := CheckSpeed(o.Speed); err != nil {
		return err
	}
	if o.For <= 0 {
		return errors.New("--for must be above 0")
	}
	clock := Clock(o.Scenario, o.Speed)
	region, err := sim.New(o.Scenario, clock.Now)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("the simulated region cannot be served: %w", err)
	}
	o.Out = &serial{out: o.Out} // the table and the log share it
	server := NewRegionServer(region)
	go func() { _ = server.Serve(l) }()   // ends with Close below
	defer func() { _ = server.Close() }() // the process ends, or the test does
	lines := &lines{max: shownLines}
	d, err := start(ctx, o, clock, l.Addr().String(), lines)
	if err != nil {
		return err
	}
	s := &screen{Options: o, clock: clock, region: region, daemon: d, lines: lines, began: clock.Now()}
	return s.run(ctx)
}

// run shows the daemon at work. It is stopped only after it has been summed up, because that needs its state.
func (s *screen) run(ctx context.Context) error {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, s.For)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer cancel() // nothing is left to be shown when the daemon ends by itself
		done <- s.daemon.Run(working)
	}()
	s.show(ctx)
	summary := s.summary()
	stop()
	if err := <-done; err != nil {
		return err
	}
	_, err := io.WriteString(s.Out, summary)
	return err
}

// start makes a daemon for the region.
func start(ctx context.Context, o Options, clock scaler.Clock, address string, lines *lines) (*daemon.Daemon, error) {
	c, err := configuration(o)
	if err != nil {
		return nil, err
	}
	out := o.Out
	if o.Terminal {
		out = lines
	}
	return daemon.New(ctx, daemon.Options{
		Config: c, Logger: daemon.NewLogger(out, daemon.HumanLog, clock.Now).WithOptions(zap.WrapCore(withoutSummary)),
		Build: o.Build, AllowVolatileState: true, Clock: clock,
		AWS: awsapi.Options{
			Region: o.Scenario.Region(), Endpoint: "http://" + address, Speed: o.Speed,
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "demo", SecretAccessKey: "demo", Source: "demo"}, nil
			}),
		},
	})
}

// withoutSummary leaves out the line a minute, which at this speed would be one a second.
func withoutSummary(c zapcore.Core) zapcore.Core {
	return quiet{c}
}

type quiet struct{ zapcore.Core }

// Check lets every entry pass but the summary.
func (q quiet) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if e.Message == scaler.SummaryMessage {
		return ce
	}
	return q.Core.Check(e, ce)
}

// configuration is the user's or the demo's own, with state in memory and the demo's address.
func configuration(o Options) (*config.Config, error) {
	c := o.Config
	if c == nil {
		own, err := Configuration()
		if err != nil {
			return nil, err
		}
		c = own
	}
	if c.DecisionLog.Stdout {
		return nil, errors.New(`decision_log: standard output is the demo's table here; write decision_log: "file:PATH", or leave it out`)
	}
	mine := *c
	mine.State, mine.Listen, mine.Access = config.State{Kind: config.StateMemory}, o.Listen, config.Access{}
	return &mine, nil
}

// Configuration is what the demo's daemon is told to do where nobody tells it otherwise.
func Configuration() (*config.Config, error) {
	c, found := config.Parse(config.Source{Name: "demo.yaml", Text: embedded}, func(string) (string, bool) { return "", false })
	return c, found.Err()
}
