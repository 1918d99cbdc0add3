package daemon_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/daemon"
)

// A file that is emptied, or halfway changed, takes nothing away from what it protected at the start.
func TestAWebConfigurationFileThatNoLongerProtectsIsNotAnswered(t *testing.T) {
	dir := secured(t, newAuthority(t), false)
	users := []byte("basic_auth_users: {prometheus: " + hashed(t, password) + "}\n")
	write(t, filepath.Join(dir, "web.yaml"), users)
	var log locked
	d := running(t, settings(t, dir, "listen: 127.0.0.1:0\nweb_config_file: web.yaml\n"), daemon.NewLogger(&log, daemon.JSONLog, time.Now), nil)
	ask := func(name string, change func(*http.Request), want int) {
		t.Helper()
		if code, body, _ := status(t, http.DefaultClient, http.MethodGet, "http://"+d.Addr()+"/api/v1/targets", change); code != want || code != 200 && strings.Contains(body, "web") {
			t.Errorf("%s: %d %s, want %d", name, code, body, want)
		}
	}
	for name, text := range map[string]string{
		"an empty file": "", "a comment": "# nothing\n", "no keys": "{}\n", "no users": "basic_auth_users: {}\n", "null": "basic_auth_users:\n",
		"a broken tls_server_config": "tls_server_config: {cert_file: nowhere.crt}\n", "an empty first document": "---\n---\n" + string(users),
	} {
		ask("before "+name, nil, 401)
		write(t, filepath.Join(dir, "web.yaml"), []byte(text))
		ask(name, nil, 500)
		ask(name+" with the password", basic, 500)
		write(t, filepath.Join(dir, "web.yaml"), users)
		ask("after "+name, basic, 200)
	}
	if n := strings.Count(log.text(), "asked for more when the daemon started"); n != 1 {
		t.Errorf("it is said %d times in\n%s", n, log.text())
	}
}

func TestAWebConfigurationFileWithTLSThatNoLongerProtectsIsNotAnswered(t *testing.T) {
	a := newAuthority(t)
	own, err := tls.X509KeyPair(a.issue(t, "client.example"))
	if err != nil {
		t.Fatal(err)
	}
	const server = "tls_server_config: {cert_file: tls/server.crt, key_file: tls/server.key"
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"the password removed":             {server + ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: tls/clients.crt}\n", 500},
		"the client certificates removed":  {server + "}\nbasic_auth_users: {prometheus: " + hashed(t, password) + "}\n", 500},
		"client certificates not verified": {server + ", client_auth_type: RequestClientCert}\nbasic_auth_users: {prometheus: " + hashed(t, password) + "}\n", 500},
		"TLS removed":                      {"basic_auth_users: {prometheus: " + hashed(t, password) + "}\n", 0},
		"an empty file":                    {"", 0},
	} {
		dir := secured(t, a, true)
		d := running(t, settings(t, dir, "listen: 127.0.0.1:0\nweb_config_file: web.yaml\n"), zap.NewNop(), nil)
		url := "https://" + d.Addr() + "/healthz"
		if code, body, _ := status(t, knowing(t, a, own), http.MethodGet, url, basic); code != 200 {
			t.Errorf("%s: %d %s before", name, code, body)
		}
		write(t, filepath.Join(dir, "web.yaml"), []byte(c.text))
		if code, body, _ := status(t, knowing(t, a, own), http.MethodGet, url, basic); code != c.want {
			t.Errorf("%s: %d %s, want %d", name, code, body, c.want)
		}
		if code, body := get(t, "http://"+d.Addr()+"/healthz"); code == 200 {
			t.Errorf("%s: plain HTTP is answered: %s", name, body)
		}
	}
}

// The server begins after the file was looked at: what it finds then may be less.
func TestAFileThatIsEmptiedDuringTheStartOpensNothing(t *testing.T) {
	a := newAuthority(t)
	dir := secured(t, a, false)
	d, err := opened(t, settings(t, dir, "listen: 127.0.0.1:0\nweb_config_file: web.yaml\n"), zap.NewNop(), nil)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "web.yaml"), nil)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	if code, body := get(t, "http://"+d.Addr()+"/healthz"); code != 500 {
		t.Errorf("%d %s, want 500", code, body)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestListeningBeyondLoopbackWithoutTLSIsWarnedOfOnce(t *testing.T) {
	a := newAuthority(t)
	for text, want := range map[string]int{
		"listen: \"0.0.0.0:0\"\n": 1, "listen: \"127.0.0.1:0\"\n": 0, "listen: \"0.0.0.0:0\"\nweb_config_file: web.yaml\n": 0,
	} {
		var log bytes.Buffer
		d, err := opened(t, settings(t, secured(t, a, false), text), daemon.NewLogger(&log, daemon.JSONLog, time.Now), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if n := strings.Count(log.String(), "open to whoever can reach"); n != want {
			t.Errorf("%q: warned %d times\n%s", text, n, log.String())
		}
	}
}
