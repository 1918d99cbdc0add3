package daemon_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"ecs-autoscaler/config"
	"ecs-autoscaler/daemon"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/sim"
)

// accessKey and friends are what the daemon signs with. The key's id is in every request to AWS and no secret, but nobody needs it either.
const (
	accessKey    = "AKIAIOSFODNN7EXAMPLE"
	secretKey    = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	sessionToken = "FwoGZXIvYXdzEBYaDEXAMPLESESSIONTOKEN"
	hookSecret   = "hqKzR8vTn2WpXc5LmYd7"
)

// locked is a buffer that a logger and a test share.
type locked struct {
	sync.Mutex
	bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(p)
}

func (l *locked) text() string {
	l.Lock()
	defer l.Unlock()
	return l.String()
}

// A daemon with every kind of secret in its hands, in a region where everything fails, asked everything in every wrong way: what it
// says, shows and remembers has none of them.
func TestNoSecretIsSaidShownOrRemembered(t *testing.T) {
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": secretKey, "AWS_SESSION_TOKEN": sessionToken,
		"HOOK": hookSecret} {
		t.Setenv(name, value)
	}
	a := newAuthority(t)
	dir := secured(t, a, false)
	statePath := filepath.Join(dir, "state.db")
	text := fmt.Sprintf("listen: 127.0.0.1:0\nweb_config_file: web.yaml\ntoken_file: token\ncontrol_socket: c.sock\npprof: true\nstate: %q\n", "file:"+statePath) +
		"events: {webhooks: [{url: \"https://hooks.example.com/${HOOK}?${HOOK}\", headers: {Authorization: \"${HOOK}\"}, secret: \"${HOOK}\"}]}\n" +
		strings.TrimPrefix(tracking, memoryState)
	parse := func(text string) (*config.Config, error) {
		c, found := config.Parse(config.Source{Name: filepath.Join(dir, "c.yaml"), Text: []byte(text)}, os.LookupEnv)
		return c, found.Err()
	}
	c, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var log locked
	said := func(more ...any) { fmt.Fprintln(&log, more...) }
	d, err := daemon.New(t.Context(), daemon.Options{
		Config: c, Logger: daemon.NewLogger(&log, daemon.JSONLog, time.Now), Webhooks: leaking{},
		// A slip in the file that is loaded anew: a secret where a region belongs.
		Load: func() (*config.Config, error) {
			return parse("region: ${AWS_SECRET_ACCESS_KEY}\nlisten: ${AWS_SESSION_TOKEN}\n" + tracking)
		},
		AWS: awsapi.Options{Region: "eu-west-2", Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, sessionToken),
			HTTPClient: &http.Client{Transport: failing(t).Transport()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	client, url := knowing(t, a), "https://"+d.Addr()
	socket := overSocket(t, filepath.Join(dir, "c.sock"))
	ask := func(who *http.Client, method, url string, change func(*http.Request)) {
		code, body, _ := status(t, who, method, url, change)
		said(method, url, code, body)
	}
	askEverything(ask, client, socket, url)
	spoil(t, dir, func() { ask(client, http.MethodPost, url+"/api/v1/reload", basicAndToken) })
	client.CloseIdleConnections()
	ask(client, http.MethodGet, url+"/metrics", basic)
	stop()
	said(<-done)
	remembered, err := os.ReadFile(statePath)
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]string{"token": token, "password": password, "secret key": secretKey, "session token": sessionToken, "webhook's": hookSecret, "bcrypt hash": "$2a$"} {
		if i := strings.Index(log.text(), secret); i >= 0 {
			t.Errorf("the %s is shown: …%.300s", name, log.text()[max(0, i-200):])
		}
		if bytes.Contains(remembered, []byte(secret)) {
			t.Errorf("the %s is in the state", name)
		}
	}
	for _, want := range []string{"${AWS_SECRET_ACCESS_KEY}", "${AWS_SESSION_TOKEN}", "it had no valid token", "the token file cannot be used", "AccessDenied",
		"events cannot be delivered"} {
		if !strings.Contains(log.text(), want) {
			t.Errorf("the failures that were to be seen are not: no %q", want)
		}
	}
}

// leaking says in its errors all that it was asked.
type leaking struct{}

func (leaking) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("%s %s with %v failed", r.Method, r.URL, r.Header)
}

type asking func(who *http.Client, method, url string, change func(*http.Request))

// askEverything asks for all there is, with the right password, a wrong one, and over the socket.
func askEverything(ask asking, client, socket *http.Client, url string) {
	for _, path := range []string{"/", "/metrics", "/healthz", "/readyz", "/api/v1/targets?memory=true", "/api/v1/targets/c/web", "/api/v1/decisions",
		"/api/v1/activities?include_not_scaled=true", "/api/v1/version", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2", "/debug/vars", "/nothing?x=1"} {
		ask(client, http.MethodGet, url+path, basicAndToken)
		ask(client, http.MethodGet, url+path, func(r *http.Request) { r.SetBasicAuth("prometheus", password+"x") })
		ask(socket, http.MethodGet, "http://localhost"+path, nil)
	}
	for range 3 {
		ask(client, http.MethodPost, url+"/api/v1/reload", basicAndToken)
		ask(socket, http.MethodPost, "http://localhost/api/v1/reload", nil)
		ask(client, http.MethodPost, url+"/api/v1/reload", func(r *http.Request) {
			basic(r)
			r.Header.Set("X-Ecs-Autoscaler-Token", token+"x")
		})
	}
}

// spoil puts mistakes into the files that hold secrets, one after the other.
func spoil(t *testing.T, dir string, then func()) {
	t.Helper()
	for _, spoilt := range []struct{ file, text string }{
		{"token", token + "\n" + token[:10] + "\n"}, {"web.yaml", "basic_auth_users: {prometheus: " + password + "}\ntls_server_config: " + password},
	} {
		write(t, filepath.Join(dir, spoilt.file), []byte(spoilt.text))
		then()
	}
}

// failing is a region that denies everything.
func failing(t *testing.T) *sim.Region {
	t.Helper()
	s, err := sim.ParseScenario("scenario.yaml", []byte(`
region: eu-west-2
history: 1h
services: [{service: c/web, desired: 2, load: {constant: 0.95}}]
faults: [{kind: access_denied, operation: GetMetricData}, {kind: access_denied, operation: DescribeServices}]
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	region, err := sim.New(s, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return region
}
