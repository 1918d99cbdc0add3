package daemon

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"ecs-autoscaler/config"
	"ecs-autoscaler/web"
)

// errNobody says that there is no daemon to ask.
var errNobody = errors.New("no daemon answers")

// maxAnswer bounds what is read of an answer, in bytes: a page of 1,000 targets has some megabytes.
const maxAnswer = 64 << 20

// ClientOptions say how a Client makes itself known.
type ClientOptions struct {
	// TokenFile holds the token for commands, "" takes the one that the configuration names. It is not needed over the control socket.
	TokenFile string
	// BasicAuthFile holds USER:PASSWORD where the web configuration file asks for basic auth.
	BasicAuthFile string
}

// Client asks the running daemon of a configuration: over its control socket if that can be reached, else at its address,
// with TLS if its web configuration file says so. The certificate is trusted if it is the one that the file names.
type Client struct {
	options ClientOptions
	config  *config.Config
	http    *http.Client
	base    string
	// where is what messages call the daemon's address.
	where string
	// trusted says that no token is needed.
	trusted bool
}

// NewClient finds the way to the daemon of c. It is an error if there is none to be seen from the configuration, not if nobody answers.
func NewClient(ctx context.Context, c *config.Config, o ClientOptions) (*Client, error) {
	client := &Client{options: o, config: c}
	if path := c.Access.ControlSocket; path != "" && client.useSocket(ctx, path) {
		return client, nil
	}
	if c.Listen == "" {
		return nil, fmt.Errorf("%w: listen is empty in the configuration, and no control socket can be reached", errNobody)
	}
	return client, client.useListener()
}

// NewClientAt is a client of the daemon at an address: HOST:PORT, a URL of http or https, whose certificate this machine must trust, or
// unix:PATH of a control socket.
func NewClientAt(ctx context.Context, address string, o ClientOptions) (*Client, error) {
	client := &Client{options: o, config: &config.Config{}, where: address}
	if path, socket := strings.CutPrefix(address, "unix:"); socket {
		if !client.useSocket(ctx, path) {
			return nil, fmt.Errorf("%w on %s", errNobody, address)
		}
		return client, nil
	}
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("%q is no address of a daemon; write HOST:PORT, https://HOST:PORT or unix:PATH", address)
	}
	client.http, client.base = &http.Client{Transport: &http.Transport{}}, u.Scheme+"://"+u.Host
	return client, nil
}

// useSocket takes the control socket if this user may use it and somebody answers.
func (c *Client) useSocket(ctx context.Context, path string) bool {
	var dialer net.Dialer
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return dialer.DialContext(ctx, "unix", path) }
	conn, err := dial(ctx, "", "")
	if err != nil {
		return false
	}
	_ = conn.Close() // it was only to be seen whether there is one
	c.http = &http.Client{Transport: &http.Transport{DialContext: dial}}
	c.base, c.where, c.trusted = "http://localhost", path, true
	return true
}

// useListener takes the address of listen; without a host that is this machine.
func (c *Client) useListener() error {
	secured, err := readWebConfig(c.config.Access.WebConfigFile)
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		return about(c.config, "web_config_file", err)
	}
	host, port, err := net.SplitHostPort(c.config.Listen)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	c.where = net.JoinHostPort(host, port)
	c.base = "http://" + c.where
	transport := &http.Transport{}
	if secured != nil && secured.encrypted() {
		c.base = "https://" + c.where
		if transport.TLSClientConfig, err = secured.pinned(); err != nil {
			return about(c.config, "web_config_file", err)
		}
	}
	c.http = &http.Client{Transport: transport}
	return nil
}

// pinned trusts the certificate that the server is configured with, and no other: it may be self-signed, or made for a name
// that is not the one in listen.
func (w *webConfig) pinned() (*tls.Config, error) {
	text := []byte(w.TLS.Cert)
	if w.TLS.CertFile != "" {
		var err error
		if text, err = os.ReadFile(w.TLS.CertFile); err != nil {
			return nil, err
		}
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the certificate in it is not PEM")
	}
	own, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // VerifyConnection asks for more: the very certificate
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || !bytes.Equal(s.PeerCertificates[0].Raw, own.Raw) {
				return errors.New("the certificate of the server is not the one that the web configuration file names")
			}
			return nil
		},
	}, nil
}

// Close gives connections up.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// RefusedError is an answer of a daemon that did not do what it was asked.
type RefusedError struct {
	// Status is the HTTP status, Code what programs go by, "" if the answer had none.
	Status int
	Code   string
	// Message says what would be right.
	Message string
}

// Error is the message.
func (e *RefusedError) Error() string { return e.Message }

// Reload makes the daemon load its configuration anew. The error is a *RefusedError with the code reload_failed if what it
// loaded is not right.
func (c *Client) Reload(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/api/v1/reload", nil)
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	return c.do(ctx, http.MethodGet, path, into)
}

func (c *Client) do(ctx context.Context, method, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, http.NoBody)
	if err != nil {
		return err
	}
	return c.send(req, into)
}

// send sends a request and reads its answer.
func (c *Client) send(req *http.Request, into any) error {
	if err := c.introduce(req); err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w on %s", errNobody, c.where)
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body := io.LimitReader(resp.Body, maxAnswer)
	if resp.StatusCode != http.StatusOK {
		return c.refused(resp, body)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(body).Decode(into)
}

// refused reads why.
func (c *Client) refused(resp *http.Response, body io.Reader) error {
	var answer struct {
		Error struct{ Code, Message string }
	}
	if err := json.NewDecoder(body).Decode(&answer); err == nil && answer.Error.Message != "" {
		return &RefusedError{resp.StatusCode, answer.Error.Code, answer.Error.Message}
	}
	e := &RefusedError{Status: resp.StatusCode, Message: fmt.Sprintf("%s answered %s", c.where, resp.Status)}
	if resp.StatusCode == http.StatusUnauthorized {
		e.Message += ": its web configuration file asks for basic auth; name a file with USER:PASSWORD by --basic-auth-file, or use the control socket"
	}
	return e
}

// introduce adds what the daemon lets in by.
func (c *Client) introduce(r *http.Request) error {
	if path := c.options.BasicAuthFile; path != "" && !c.trusted {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		user, password, ok := strings.Cut(strings.TrimSpace(string(text)), ":")
		if !ok {
			return fmt.Errorf("%s must hold USER:PASSWORD", path)
		}
		r.SetBasicAuth(user, password)
	}
	if r.Method == http.MethodGet || c.trusted {
		return nil
	}
	file := c.options.TokenFile
	if file == "" {
		file = c.config.Access.TokenFile
	}
	if file == "" {
		return errors.New("a command needs a token: name its file with --token-file or ECS_AUTOSCALER_TOKEN_FILE, " +
			"or set control_socket (or token_file) in the daemon's configuration")
	}
	tokens, err := web.TokenFile{Path: file}.Tokens()
	if err != nil {
		return err
	}
	r.Header.Set(web.TokenHeader, tokens[0])
	return nil
}
