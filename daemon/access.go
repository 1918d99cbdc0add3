package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"
	toolkit "github.com/prometheus/exporter-toolkit/web"

	"ecs-autoscaler/config"
	"ecs-autoscaler/web"
)

// CheckAccess opens the files that the configuration names for access, as a start would, and returns what is wrong with
// them. A file that this user may not read is a warning: the daemon's user may.
func CheckAccess(c *config.Config) config.Diagnostics {
	var found config.Diagnostics
	check := func(key string, err error) {
		if err == nil {
			return
		}
		d := c.About(key, err)
		if errors.Is(err, fs.ErrPermission) {
			d.Severity = config.SeverityWarning
		}
		found = append(found, d)
	}
	if c.Listen != "" {
		_, err := readWebConfig(c.Access.WebConfigFile)
		check("web_config_file", err)
	}
	if f := tokenFile(c); f != nil {
		_, err := f.Tokens()
		check("token_file", err)
	}
	if path := c.Access.ControlSocket; path != "" {
		check("control_socket", directoryOf(path))
	}
	return found
}

// tokenFile is the file that the configuration names, nil for none.
func tokenFile(c *config.Config) *web.TokenFile {
	path := c.Access.TokenFile
	if path == "" {
		return nil
	}
	// What systemd keeps here is for the unit alone, whatever the mode says.
	kept := os.Getenv("CREDENTIALS_DIRECTORY")
	return &web.TokenFile{Path: path, Credential: kept != "" && strings.HasPrefix(path, filepath.Clean(kept)+string(filepath.Separator))}
}

func (d *Daemon) newGuard(registry prometheus.Registerer) (*web.Guard, error) {
	c := d.options.Config
	g, err := web.NewGuard(web.GuardOptions{Tokens: tokenFile(c), Registerer: registry, Logger: d.options.Logger})
	if err != nil {
		return nil, about(c, "token_file", err)
	}
	return g, nil
}

// webConfig is what this daemon wants to know of an exporter-toolkit's web configuration file; the toolkit itself reads
// the rest, and reads it anew for each request.
type webConfig struct {
	TLS struct {
		Cert       string `yaml:"cert"`
		CertFile   string `yaml:"cert_file"`
		KeyFile    string `yaml:"key_file"`
		ClientCAs  string `yaml:"client_ca_file"`
		ClientAuth string `yaml:"client_auth_type"`
	} `yaml:"tls_server_config"`
	Users map[string]string `yaml:"basic_auth_users"`
}

// read takes what the file says; one without anything in it is io.EOF.
func (w *webConfig) read(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return yaml.NewDecoder(bytes.NewReader(text)).Decode(w)
}

// readWebConfig checks the file as the toolkit will read it, with the certificates it names. No file is plain HTTP.
func readWebConfig(path string) (*webConfig, error) {
	w := &webConfig{}
	if path == "" {
		return w, nil
	}
	unread := w.read(path)
	if _, ok := errors.AsType[*fs.PathError](unread); ok {
		return nil, fmt.Errorf("%w; it is a web configuration file of the Prometheus exporter-toolkit (docs/security.md)", unread)
	}
	// What is wrong in it the toolkit says better, and without the text, in which there may be secrets.
	if unread == nil {
		w.locate(filepath.Dir(path))
		if err := w.readable(); err != nil {
			return nil, fmt.Errorf("%s: %w; paths in it are relative to its own directory", path, err)
		}
	}
	if err := toolkit.Validate(path); err != nil {
		return nil, fmt.Errorf("%s is not right: %w (docs/security.md has an example; basic_auth_users holds bcrypt hashes, such as htpasswd -nBC 10 makes, "+
			"never passwords)", path, discreetError{err})
	}
	if unread != nil && !errors.Is(unread, io.EOF) {
		return nil, fmt.Errorf("%s cannot be read: %w", path, discreetError{unread})
	}
	if !w.protects() {
		return nil, fmt.Errorf("%s protects nothing: it needs a tls_server_config, basic_auth_users or both (docs/security.md has an example); "+
			"for plain HTTP without a password leave web_config_file out", path)
	}
	return w, nil
}

// locate makes the paths what they mean: relative to the directory of the file.
func (w *webConfig) locate(dir string) {
	for _, path := range []*string{&w.TLS.CertFile, &w.TLS.KeyFile, &w.TLS.ClientCAs} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
}

// readable says which of the files that are named cannot be read.
func (w *webConfig) readable() error {
	for _, f := range []struct{ key, path string }{
		{"cert_file", w.TLS.CertFile}, {"key_file", w.TLS.KeyFile}, {"client_ca_file", w.TLS.ClientCAs},
	} {
		if f.path == "" {
			continue
		}
		if _, err := os.ReadFile(f.path); err != nil {
			return fmt.Errorf("%s: %w", f.key, err)
		}
	}
	return nil
}

// encrypted says that the listener speaks TLS.
func (w *webConfig) encrypted() bool { return w.TLS.Cert != "" || w.TLS.CertFile != "" }

// mutual says that the listener lets only those in who have a certificate.
func (w *webConfig) mutual() bool { return w.TLS.ClientAuth == "RequireAndVerifyClientCert" }

// protects says that there is anything at all between the network and what is shown.
func (w *webConfig) protects() bool { return w.encrypted() || len(w.Users) > 0 }

// lacks names what stands between the network and what is shown, as far as it is missing; "" if nothing is.
func (w *webConfig) lacks() string {
	var missing []string
	if !w.encrypted() {
		missing = append(missing, "there is no TLS")
	}
	if len(w.Users) == 0 && !w.mutual() {
		missing = append(missing, "neither basic auth nor client certificates are asked for")
	}
	return strings.Join(missing, ", and ")
}

// discreetError keeps the values of a file that may hold secrets out of a message, and the message on one line.
type discreetError struct{ error }

// quotedValue is how YAML's errors show a value, and bcrypt's the first character of what is no hash.
var quotedValue = regexp.MustCompile("`[^`]*`|'[^']*'")

// Error is the message without values.
func (e discreetError) Error() string {
	return withoutValues(e.error.Error())
}

// Unwrap is the error as it was.
func (e discreetError) Unwrap() error { return e.error }

func withoutValues(text string) string {
	return strings.Join(strings.Fields(quotedValue.ReplaceAllString(text, "…")), " ")
}
