package daemon_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/crypto/bcrypt"

	"ecs-autoscaler/config"
	"ecs-autoscaler/daemon"
	"ecs-autoscaler/scaler/awsapi"
)

// Secrets that must be nowhere but where they were written.
const (
	token    = "aTokenThatNobodyMustSee-0123456789"
	password = "aPasswordThatNobodyMustSee-0123456789"
)

// authority signs certificates of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// issue makes a certificate for a name and 127.0.0.1.
func (a *authority) issue(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &own.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalECPrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: text})
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func openUp(t *testing.T, path string) {
	t.Helper()
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
}

// secured is examples/secured in a directory of its own, with certificates and a password that is known; mutual asks for client
// certificates, too.
func secured(t *testing.T, a *authority, mutual bool) (dir string) {
	t.Helper()
	dir = t.TempDir()
	text, err := os.ReadFile("../examples/secured/web.yaml")
	if err != nil {
		t.Fatal(err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`prometheus: \S+`).ReplaceAllLiteral(text, []byte("prometheus: "+string(hash)))
	if mutual {
		text = regexp.MustCompile(`(?m)^  #(client_)`).ReplaceAll(text, []byte("  $1"))
	}
	cert, key := a.issue(t, "server.example")
	write(t, filepath.Join(dir, "web.yaml"), text)
	write(t, filepath.Join(dir, "tls/server.crt"), cert)
	write(t, filepath.Join(dir, "tls/server.key"), key)
	write(t, filepath.Join(dir, "tls/clients.crt"), a.pem)
	write(t, filepath.Join(dir, "token"), []byte(token+"\n"))
	write(t, filepath.Join(dir, "basic"), []byte("prometheus:"+password+"\n"))
	return dir
}

// settings are a configuration in dir with what text says of access.
func settings(t *testing.T, dir, text string) *config.Config {
	t.Helper()
	c, found := config.Parse(config.Source{Name: filepath.Join(dir, "c.yaml"), Text: []byte(text + tracking)}, os.LookupEnv)
	if c == nil || found.HasErrors() {
		t.Fatal(found.Detail())
	}
	return c
}

func opened(t *testing.T, c *config.Config, logger *zap.Logger, load func() (*config.Config, error)) (*daemon.Daemon, error) {
	t.Helper()
	return daemon.New(t.Context(), daemon.Options{
		Config: c, Load: load, Logger: logger, AllowVolatileState: true,
		AWS: awsapi.Options{Region: "eu-west-2", Credentials: keys, HTTPClient: &http.Client{Transport: small(t).Transport()}},
	})
}

// running starts a daemon and stops it at the end of the test.
func running(t *testing.T, c *config.Config, logger *zap.Logger, load func() (*config.Config, error)) *daemon.Daemon {
	t.Helper()
	d, err := opened(t, c, logger, load)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("stopped with %v", err)
		}
	})
	return d
}

// knowing trusts the authority and shows a certificate if there is one.
func knowing(t *testing.T, a *authority, own ...tls.Certificate) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: own}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// status asks with headers, each as "Name: value", and gives the status and the body; 0 where there is no answer.
func status(t *testing.T, c *http.Client, method, url string, change func(*http.Request)) (code int, body string, proto int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	resp, err := c.Do(r)
	if err != nil {
		return 0, err.Error(), 0
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.ProtoMajor
}

func basic(r *http.Request) { r.SetBasicAuth("prometheus", password) }

func basicAndToken(r *http.Request) {
	basic(r)
	r.Header.Set("X-Ecs-Autoscaler-Token", token)
}

func TestTheExampleServesTLSAndAsksForAPassword(t *testing.T) {
	a := newAuthority(t)
	dir := secured(t, a, false)
	loads := 0
	c := settings(t, dir, "listen: 127.0.0.1:0\nweb_config_file: web.yaml\ntoken_file: token\n")
	d := running(t, c, zap.NewNop(), func() (*config.Config, error) { loads++; return c, nil })
	client, url := knowing(t, a), "https://"+d.Addr()
	if code, body, proto := status(t, client, http.MethodGet, url+"/healthz", basic); code != 200 || proto != 2 {
		t.Errorf("with the password: %d %s over HTTP/%d", code, body, proto)
	}
	nobodyGetsIn(t, client, url)
	if code, body, _ := status(t, client, http.MethodPost, url+"/api/v1/reload", basic); code != 401 || !strings.Contains(body, "X-Ecs-Autoscaler-Token") {
		t.Errorf("a command without a token: %d %s", code, body)
	}
	if code, body, _ := status(t, client, http.MethodPost, url+"/api/v1/reload", basicAndToken); code != 200 || loads != 1 {
		t.Errorf("a command with password and token: %d %s, %d loads", code, body, loads)
	}
	if code, body := get(t, "http://"+d.Addr()+"/metrics"); code == 200 {
		t.Errorf("plain HTTP is answered: %s", body)
	}
	if code, _, _ := status(t, knowing(t, newAuthority(t)), http.MethodGet, url+"/healthz", basic); code != 0 {
		t.Errorf("a client that does not know the authority is content with %d", code)
	}
}

// nobodyGetsIn asks without the password, in every way.
func nobodyGetsIn(t *testing.T, client *http.Client, url string) {
	t.Helper()
	for name, change := range map[string]func(*http.Request){
		"no password": nil, "a wrong one": func(r *http.Request) { r.SetBasicAuth("prometheus", "x") }, "an unknown name": func(r *http.Request) { r.SetBasicAuth("x", password) },
		"a token alone": func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) },
	} {
		for _, path := range []string{"/healthz", "/metrics", "/api/v1/targets", "/"} {
			if code, _, _ := status(t, client, http.MethodGet, url+path, change); code != 401 {
				t.Errorf("%s of %s is %d, want 401", path, name, code)
			}
		}
	}
}

func TestClientCertificatesAreAskedForAndVerified(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	dir := secured(t, a, true)
	d := running(t, settings(t, dir, "listen: 127.0.0.1:0\nweb_config_file: web.yaml\n"), zap.NewNop(), nil)
	pair := func(by *authority) tls.Certificate {
		cert, err := tls.X509KeyPair(by.issue(t, "client.example"))
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	url := "https://" + d.Addr() + "/healthz"
	if code, body, _ := status(t, knowing(t, a, pair(a)), http.MethodGet, url, basic); code != 200 {
		t.Errorf("with a certificate: %d %s", code, body)
	}
	if code, _, _ := status(t, knowing(t, a), http.MethodGet, url, basic); code != 0 {
		t.Errorf("without a certificate: %d", code)
	}
	if code, _, _ := status(t, knowing(t, a, pair(stranger)), http.MethodGet, url, basic); code != 0 {
		t.Errorf("with the certificate of somebody else: %d", code)
	}
}

func TestARenewedCertificateAndAChangedPasswordHoldAtOnce(t *testing.T) {
	a, next := newAuthority(t), newAuthority(t)
	dir := secured(t, a, false)
	d := running(t, settings(t, dir, "listen: 127.0.0.1:0\nweb_config_file: web.yaml\n"), zap.NewNop(), nil)
	url := "https://" + d.Addr() + "/healthz"
	if code, body, _ := status(t, knowing(t, a), http.MethodGet, url, basic); code != 200 { // the server has read its files by now
		t.Errorf("%d %s by the first certificate", code, body)
	}
	cert, key := next.issue(t, "server.example")
	write(t, filepath.Join(dir, "tls/server.crt"), cert)
	write(t, filepath.Join(dir, "tls/server.key"), key)
	if code, body, _ := status(t, knowing(t, next), http.MethodGet, url, basic); code != 200 {
		t.Errorf("%d %s by the new certificate", code, body)
	}
	write(t, filepath.Join(dir, "web.yaml"), []byte("tls_server_config: {cert_file: tls/server.crt, key_file: tls/server.key}\n"+
		"basic_auth_users: {next: "+hashed(t, "next")+"}\n"))
	for user, want := range map[string]int{"next": 200, "prometheus": 401} {
		code, body, _ := status(t, knowing(t, next), http.MethodGet, url, func(r *http.Request) { r.SetBasicAuth(user, "next") })
		if code != want {
			t.Errorf("%s is answered %d %s by the new password", user, code, body)
		}
	}
}

func hashed(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

func TestAWrongFileOfAccessIsToldWithItsPlaceAndWhatWouldBeRight(t *testing.T) {
	a := newAuthority(t)
	for name, c := range map[string]struct {
		text   string
		change func(dir string)
		says   []string
	}{
		"no web file":    {"web_config_file: none.yaml\n", nil, []string{"c.yaml:2:18: error: web_config_file: ", "none.yaml: no such file", "docs/security.md"}},
		"no certificate": {"web_config_file: web.yaml\n", func(dir string) { remove(t, dir+"/tls/server.crt") }, []string{"c.yaml:2:18", "cert_file: open ", "server.crt", "relative to its own directory"}},
		"a wrong key": {"web_config_file: web.yaml\n", func(dir string) {
			write(t, dir+"/web.yaml", []byte("tls_server_config: {cert_files: x}\nbasic_auth_users: "+password))
		}, []string{"field cert_files not found"}},
		"a password instead of a hash": {"web_config_file: web.yaml\n", func(dir string) {
			write(t, dir+"/web.yaml", []byte("basic_auth_users: {x: "+password+"}"))
		}, []string{"bcrypt", "htpasswd -nBC 10"}},
		"an empty web file": {"web_config_file: web.yaml\n", func(dir string) { write(t, dir+"/web.yaml", nil) },
			[]string{"c.yaml:2:18: error: web_config_file: ", "web.yaml protects nothing: it needs a tls_server_config, basic_auth_users or both", "leave web_config_file out"}},
		"a web file of a comment": {"web_config_file: web.yaml\n", func(dir string) { write(t, dir+"/web.yaml", []byte("# later\n")) }, []string{"protects nothing"}},
		"a web file of headers": {"web_config_file: web.yaml\n", func(dir string) {
			write(t, dir+"/web.yaml", []byte("http_server_config: {headers: {X-Frame-Options: deny}}\nbasic_auth_users: {}\n"))
		}, []string{"protects nothing"}},
		"another's key": {"web_config_file: web.yaml\n", func(dir string) {
			_, key := a.issue(t, "x")
			write(t, dir+"/tls/server.key", key)
		}, []string{"private key does not match"}},
		"no token file":      {"token_file: none\n", nil, []string{"c.yaml:2:13: error: token_file: ", "umask 077"}},
		"an open token file": {"token_file: token\n", func(dir string) { openUp(t, dir+"/token") }, []string{"mode 0644", "chmod 600"}},
		"no directory":       {"control_socket: none/c.sock\n", nil, []string{"c.yaml:2:17: error: control_socket: ", "RuntimeDirectory="}},
		"no socket":          {"control_socket: token\n", nil, []string{"is no socket"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := secured(t, a, false)
			if c.change != nil {
				c.change(dir)
			}
			parsed := settings(t, dir, "listen: 127.0.0.1:0\n"+c.text)
			_, err := opened(t, parsed, zap.NewNop(), nil)
			if err == nil {
				t.Fatal("the daemon starts")
			}
			text := err.Error()
			if name != "no socket" {
				text += daemon.CheckAccess(parsed).Detail()
				if !daemon.CheckAccess(parsed).HasErrors() {
					t.Error("validate does not find it")
				}
			}
			for _, want := range c.says {
				if strings.Count(text, want) < 1 {
					t.Errorf("want %q in\n%s", want, text)
				}
			}
			if strings.Contains(text, token) || strings.Contains(text, password[:8]) {
				t.Errorf("a secret is shown: %s", text)
			}
		})
	}
}

// overSocket asks over a unix socket.
func overSocket(t *testing.T, path string) *http.Client {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestEverythingIsAllowedOverTheControlSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.sock")
	var failed error
	var c *config.Config
	load := func() (*config.Config, error) { return c, failed }
	c = settings(t, dir, "listen: \"\"\ncontrol_socket: c.sock\npprof: true\n")
	d := running(t, c, zap.NewNop(), load)
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("the socket is %v, %v; want mode 0600", info, err)
	}
	client := overSocket(t, path)
	for request, want := range map[string]int{
		"GET /healthz": 200, "GET /metrics": 200, "GET /api/v1/version": 200, "GET /debug/pprof/goroutine": 200, "POST /api/v1/reload": 200, "POST /healthz": 405,
	} {
		method, p, _ := strings.Cut(request, " ")
		if code, body, _ := status(t, client, method, "http://localhost"+p, nil); code != want {
			t.Errorf("%s is %d %s", request, code, body)
		}
	}
	failed = errors.New("c.yaml:3:1: error: it is wrong")
	if code, body, _ := status(t, client, http.MethodPost, "http://localhost/api/v1/reload", nil); code != 500 || !strings.Contains(body, "c.yaml:3:1") {
		t.Errorf("a failed reload is %d %s", code, body)
	}
	if d.Addr() != "" {
		t.Errorf("it listens on %s", d.Addr())
	}
	second, err := opened(t, c, zap.NewNop(), nil)
	if err == nil || !strings.Contains(err.Error(), "another ecs-autoscaler answers on it") {
		t.Errorf("a second daemon: %v, %v", second, err)
	}
	if code, _, _ := status(t, overSocket(t, path), http.MethodGet, "http://localhost/healthz", nil); code != 200 {
		t.Errorf("the attempt has taken the socket away: %d", code)
	}
}

func TestTheSocketOfADeadDaemonIsReplacedAndAnOwnOneRemovedAtTheStop(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	d, err := opened(t, settings(t, dir, "listen: \"\"\ncontrol_socket: c.sock\n"), zap.NewNop(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestTheClientFindsTheDaemonByItsConfiguration(t *testing.T) {
	a := newAuthority(t)
	dir := secured(t, a, false)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	access := fmt.Sprintf("listen: %q\nweb_config_file: web.yaml\ntoken_file: token\ncontrol_socket: c.sock\n", address)
	c := settings(t, dir, access)
	loads := 0
	running(t, c, zap.NewNop(), func() (*config.Config, error) { loads++; return c, nil })
	withoutSocket := settings(t, dir, strings.Replace(access, "c.sock", "other.sock", 1))
	for name, ask := range map[string]struct {
		c    *config.Config
		o    daemon.ClientOptions
		says string
	}{
		"over the socket":              {c, daemon.ClientOptions{}, ""},
		"over TLS, with password":      {withoutSocket, daemon.ClientOptions{BasicAuthFile: filepath.Join(dir, "basic")}, ""},
		"over TLS, without password":   {withoutSocket, daemon.ClientOptions{}, "--basic-auth-file"},
		"with a token file of its own": {withoutSocket, daemon.ClientOptions{BasicAuthFile: filepath.Join(dir, "basic"), TokenFile: filepath.Join(dir, "none")}, "none cannot be read"},
	} {
		client, err := daemon.NewClient(t.Context(), ask.c, ask.o)
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Reload(t.Context()); (err == nil) != (ask.says == "") || err != nil && !strings.Contains(err.Error(), ask.says) {
			t.Errorf("%s: %v, want %q", name, err, ask.says)
		}
		client.Close()
	}
	if loads != 2 {
		t.Errorf("%d loads, want 2", loads)
	}
	cert, key := newAuthority(t).issue(t, "impostor")
	write(t, filepath.Join(dir, "tls/other.crt"), cert)
	write(t, filepath.Join(dir, "tls/other.key"), key)
	write(t, filepath.Join(dir, "other.yaml"), []byte("tls_server_config: {cert_file: tls/other.crt, key_file: tls/other.key}"))
	client, err := daemon.NewClient(t.Context(), settings(t, dir, strings.NewReplacer("c.sock", "x.sock", "web.yaml", "other.yaml").Replace(access)), daemon.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "not the one that the web configuration file names") {
		t.Errorf("another certificate is trusted: %v", err)
	}
}
