package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/web"
)

// front is one place where the daemon answers.
type front struct {
	name     string
	listener net.Listener
	server   *http.Server
	// webConfigFile is the exporter-toolkit's file, "" for plain HTTP.
	webConfigFile string
}

// open binds what the configuration names, the listener and the control socket, and prepares a server on each.
func (d *Daemon) open(ctx context.Context, o web.Options, registry prometheus.Registerer) error {
	c := d.options.Config
	guard, err := d.newGuard(registry)
	if err != nil {
		return err
	}
	o.Guard, o.Commands, o.Pprof = guard, commands{d}, c.Access.Pprof
	limits := newConnections(registry)
	if c.Listen != "" {
		if err := d.openListener(ctx, o, limits); err != nil {
			return err
		}
	}
	if c.Access.ControlSocket == "" {
		return nil
	}
	l, err := openSocket(ctx, c.Access.ControlSocket)
	if err != nil {
		return about(c, "control_socket", err)
	}
	if openToOthers(c.Access.ControlSocket) {
		d.options.Logger.Warn("others may write to the directory of control_socket, and so put a socket of their own in its place; "+
			"let the daemon's user alone write there (chmod go-w)", zap.String("socket", c.Access.ControlSocket))
	}
	o.Trusted, o.Hosts = true, nil
	d.answerAt(&front{name: "control socket", listener: limits.limit(l, "socket"), server: web.NewServer("", web.New(o))})
	return nil
}

// openListener binds the address of listen.
func (d *Daemon) openListener(ctx context.Context, o web.Options, limits *connections) error {
	c := d.options.Config
	secured, err := readWebConfig(c.Access.WebConfigFile)
	if err != nil {
		return about(c, "web_config_file", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w: %s", c.Listen, err, listenAdvice(err))
	}
	if onLoopback(l.Addr()) {
		o.Hosts = []string{}
		if host, _, err := net.SplitHostPort(c.Listen); err == nil && host != "" {
			o.Hosts = append(o.Hosts, strings.ToLower(host))
		}
	} else if lacks := secured.lacks(); lacks != "" {
		d.options.Logger.Warn("what is shown is open to whoever can reach this address: "+lacks+"; see docs/security.md, or listen on 127.0.0.1",
			zap.String("address", l.Addr().String()))
	}
	d.address = l.Addr().String()
	handler := secured.keep(c.Access.WebConfigFile, slog.New(newQuiet(d.options.Logger)), web.New(o))
	d.answerAt(&front{"listener", limits.limit(l, "network"), web.NewServer(c.Listen, handler), c.Access.WebConfigFile})
	return nil
}

func (d *Daemon) answerAt(f *front) {
	f.server.ErrorLog = slog.NewLogLogger(newQuiet(d.options.Logger), slog.LevelWarn)
	d.fronts = append(d.fronts, f)
	d.cleanup.push(f.name, f.stop)
}

// serve answers until the front is stopped.
func (f *front) serve(logger *zap.Logger) error {
	err := toolkit.Serve(f.listener, f.server, &toolkit.FlagConfig{WebConfigFile: &f.webConfigFile}, slog.New(newQuiet(logger)))
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("the HTTP server on the %s ended: %w", f.name, err)
}

// stop answers the requests under way. A client that is too slow, or holds a connection without
// asking, is cut off: it is no reason to stop with an error.
func (f *front) stop(ctx context.Context) error {
	err := f.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = f.server.Close()
	}
	// A server that never served does not know its listener.
	if closing := f.listener.Close(); !errors.Is(closing, net.ErrClosed) {
		err = errors.Join(err, closing)
	}
	return err
}

// onLoopback says that nobody but this machine can reach an address.
func onLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// listenAdvice says what to do about an address that cannot be had.
func listenAdvice(err error) string {
	const where = `listen in the configuration, or --listen of the demo`
	if errors.Is(err, syscall.EADDRINUSE) {
		return `is another ecs-autoscaler running? give a free address (` + where + `), or "" for no HTTP server`
	}
	return `give an address of this machine as host:port (` + where + `), or "" for no HTTP server`
}

// about puts the place in the configuration before an error.
func about(c *config.Config, key string, err error) error {
	return errors.New(c.About(key, err).String())
}
