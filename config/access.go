package config

import (
	"path/filepath"
	"strings"
	"unicode"

	"ecs-autoscaler/config/strict"
)

// Access says who may ask the daemon, and what for. It names files and holds no secret itself. Its paths are
// relative to the directory of the configuration file in the text, and joined with it here.
type Access struct {
	// WebConfigFile is a web configuration file of the Prometheus exporter-toolkit: TLS, client certificates and
	// basic auth of the listener. "" is plain HTTP for everybody who reaches the address.
	WebConfigFile string
	// TokenFile holds the tokens that commands need over the listener, one a line; "" permits none there.
	TokenFile string
	// ControlSocket is a unix socket over which everything is allowed to whom its file permissions let in; "" is none.
	ControlSocket string
	// Pprof shows the profiles of the process below /debug/pprof/, to those who may give commands.
	Pprof bool
}

// maxSocketPath is what every system takes: Linux 107 bytes, others 103.
const maxSocketPath = 103

// readAccess reads who may do what.
func (c *Config) readAccess(m *strict.Mapping) {
	web := strict.Read(m, "web_config_file", c.besides)
	token := strict.Read(m, "token_file", c.besides)
	socket := strict.Read(m, "control_socket", c.besides)
	pprof := strict.Read(m, "pprof", strict.Value.Boolean)
	strict.Overlay(&c.Access.WebConfigFile, web)
	strict.Overlay(&c.Access.TokenFile, token)
	strict.Overlay(&c.Access.ControlSocket, socket)
	strict.Overlay(&c.Access.Pprof, pprof)
	c.places = map[string]Diagnostic{
		"web_config_file": m.Finding(web.At, ""), "token_file": m.Finding(token.At, ""), "control_socket": m.Finding(socket.At, ""),
	}
	if n := len(c.Access.ControlSocket); n > maxSocketPath {
		m.Errorf(socket.At, "the path of control_socket has %d bytes and a unix socket can have %d; name a shorter one, such as /run/ecs-autoscaler/control.sock", n, maxSocketPath)
	}
	if pprof.Value && !token.Present && !socket.Present {
		m.Warnf(pprof.KeyAt, "pprof shows nothing to anybody: it wants the control socket or a token; add control_socket or token_file")
	}
	if web.Valid && c.Listen == "" {
		m.Warnf(web.KeyAt, "web_config_file has no effect: there is no listener (listen is empty)")
	}
}

// besides reads the path of a file, which is relative to the directory of the configuration file.
func (c *Config) besides(v strict.Value) (string, bool) {
	s, ok := v.Filled()
	if !ok {
		return "", false
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		v.Errorf(v.At, "%s must be the path of a file, on one line and without control characters", v.Key)
		return "", false
	}
	if filepath.IsAbs(s) {
		return s, true
	}
	return filepath.Join(filepath.Dir(c.File), s), true
}

// About makes an error about web_config_file, token_file or control_socket at its place in the text, for what
// only shows when the file is opened.
func (c *Config) About(key string, err error) Diagnostic {
	d, ok := c.places[key]
	if !ok {
		d = Diagnostic{File: c.File, Severity: SeverityError}
	}
	d.Message = key + ": " + err.Error()
	return d
}
