package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"ecs-autoscaler/evaluator"
)

const goodToken, otherToken = "0123456789abcdef-good", "fedcba9876543210-other"

// commands record what was asked of them.
type commands struct {
	reloads int
	steered []string
	err     error
}

func (c *commands) Steer(_ context.Context, k evaluator.Key, command evaluator.Command) error {
	c.steered = append(c.steered, fmt.Sprintf("%s %+v", k, command))
	return c.err
}

func (c *commands) Reload(context.Context) error {
	c.reloads++
	return c.err
}

// tokens makes a token file.
func tokens(t testing.TB, text string, mode os.FileMode) *TokenFile {
	t.Helper()
	f := &TokenFile{Path: filepath.Join(t.TempDir(), "tokens")}
	if err := os.WriteFile(f.Path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(f.Path, mode); err != nil {
		t.Fatal(err)
	}
	return f
}

// guarding are options with commands and a guard that knows the two tokens.
func guarding(t testing.TB) (Options, *commands) {
	t.Helper()
	o, c := optionsOf(t, filled(t)), &commands{}
	g, err := NewGuard(GuardOptions{Tokens: tokens(t, "# for the pipeline\n"+goodToken+"\n\n"+otherToken+"\n", 0o600)})
	if err != nil {
		t.Fatal(err)
	}
	o.Commands, o.Guard, o.Pprof = c, g, true
	return o, c
}

// send sends a request with headers, each as "Name: value".
func send(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// codeOf is the code of an error's answer.
func codeOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var body struct {
		Error struct{ Code, Message string }
	}
	decode(t, w.Body, &body)
	if body.Error.Message == "" {
		t.Errorf("%d without a message", w.Code)
	}
	return body.Error.Code
}

// wantWithoutToken is what a request without a token gets, where there is a token file and where there is none.
func wantWithoutToken(r *route, method string) (with, without int) {
	reads := method == http.MethodGet || method == http.MethodHead
	switch {
	case r.access == open && reads:
		return 200, 200
	case r.access == private && reads, r.access == command && method == http.MethodPost:
		return 401, 403
	}
	return 405, 405
}

// Every route there is, in every way it can be asked: nothing that changes something is answered without a token, and nothing that
// is answered without one changes anything.
func TestNoRouteChangesAnythingWithoutAuthorization(t *testing.T) {
	o, c := guarding(t)
	unset := o
	unset.Guard = nil
	state := func() string {
		return send(New(o), http.MethodGet, "/api/v1/targets?memory=true", "").Body.String() + send(New(o), http.MethodGet, "/api/v1/activities", "").Body.String()
	}
	before := state()
	for _, r := range (&server{Options: o}).routes() {
		path := strings.NewReplacer("{$}", "", "{cluster}", "flaskapp", "{service}", "flaskapp").Replace(r.path)
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			with, without := wantWithoutToken(&r, method)
			if got := send(New(o), method, path, "").Code; got != with {
				t.Errorf("%s %s without a token is %d, want %d", method, path, got, with)
			}
			if got := send(New(unset), method, path, "").Code; got != without {
				t.Errorf("%s %s without a token file is %d, want %d", method, path, got, without)
			}
		}
	}
	if c.reloads+len(c.steered) != 0 || state() != before {
		t.Errorf("%d commands were carried out; the state was\n%s\nand is\n%s", c.reloads, before, state())
	}
}

func TestARouteThatDoesNotSayIsACommand(t *testing.T) {
	if r := (route{path: "/x"}); r.access != command || r.method() != http.MethodPost {
		t.Errorf("it is %+v", r)
	}
}

func TestACommandNeedsOneOfTheTokens(t *testing.T) {
	o, c := guarding(t)
	for header, want := range map[string]int{
		"Authorization: Bearer " + goodToken: 200, "Authorization: Bearer " + otherToken: 200, "Authorization: bearer  " + goodToken: 200,
		TokenHeader + ": " + goodToken:              200,
		"Authorization: Basic " + goodToken:         401,
		"Authorization: " + goodToken:               401,
		"Authorization: Bearer":                     401,
		"Authorization: Bearer " + goodToken + "x":  401,
		"Authorization: Bearer " + goodToken[1:]:    401,
		"Authorization: Bearer # for the pipeline":  401,
		"Authorization: Bearer " + goodToken + "\n": 200, // a header ends with the line
		TokenHeader + ": ":                          401,
		"Cookie: token=" + goodToken:                401,
	} {
		w := send(New(o), http.MethodPost, "/api/v1/reload", "", header)
		if w.Code != want {
			t.Errorf("%q is %d, want %d", header, w.Code, want)
		}
		if w.Code == 401 && (!strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer ") || codeOf(t, w) != "unauthorized") {
			t.Errorf("%q: headers %v", header, w.Header())
		}
	}
	if c.reloads != 5 {
		t.Errorf("%d reloads, want the 5 with a token", c.reloads)
	}
}

func TestATokenInTheQueryIsNone(t *testing.T) {
	o, _ := guarding(t)
	if w := send(New(o), http.MethodPost, "/api/v1/reload?token="+goodToken, ""); w.Code != 401 {
		t.Errorf("%d; queries stand in logs", w.Code)
	}
}

func TestOverTheControlSocketNoTokenIsNeeded(t *testing.T) {
	o, c := guarding(t)
	o.Guard, o.Trusted = nil, true
	if w := send(New(o), http.MethodPost, "/api/v1/reload", ""); w.Code != 200 || w.Body.String() != "{\"reloaded\":true}\n" || c.reloads != 1 {
		t.Errorf("%d %s, %d reloads", w.Code, w.Body, c.reloads)
	}
}

func TestTokensAreChangedByChangingTheFile(t *testing.T) {
	o, _ := guarding(t)
	h, file := New(o), o.Guard.Tokens.Path
	code := func() int {
		return send(h, http.MethodPost, "/api/v1/reload", "", "Authorization: Bearer "+goodToken).Code
	}
	if got := code(); got != 200 {
		t.Fatalf("%d before", got)
	}
	if err := os.WriteFile(file, []byte(otherToken), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := code(); got != 401 {
		t.Errorf("%d with a token that was removed", got)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	w := send(h, http.MethodPost, "/api/v1/reload", "", "Authorization: Bearer "+otherToken)
	if w.Code != 503 || strings.Contains(w.Body.String(), file) || codeOf(t, w) != "unavailable" {
		t.Errorf("%d %s with a file that others can read; the path belongs into the log", w.Code, w.Body)
	}
}

func TestATokenFileIsRefusedWithWhatWouldBeRight(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		says string
	}{
		"readable by others":      {goodToken, 0o604, "mode 0604"},
		"readable by the group":   {goodToken, 0o640, "chmod 600"},
		"writable by the group":   {goodToken, 0o620, "chmod 600"},
		"empty":                   {"", 0o600, "openssl rand -hex 32"},
		"comments only":           {"# x\n\n", 0o600, "has no token"},
		"a short token":           {goodToken + "\nsecret-but-short", 0o600, ""},
		"fifteen characters":      {goodToken + "\nshort-as-a-fish", 0o600, "line 2: the token is too short"},
		"two tokens on one line":  {goodToken + " " + otherToken, 0o600, "no blanks"},
		"too large":               {strings.Repeat(goodToken+"\n", 5000), 0o600, "65536 bytes"},
		"a byte order mark ahead": {"\ufeff" + goodToken, 0o400, ""},
	} {
		_, err := tokens(t, c.text, c.mode).Tokens()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		if err != nil && (strings.Contains(err.Error(), goodToken) || strings.Contains(err.Error(), "fish")) {
			t.Errorf("%s: the error shows a token: %v", name, err)
		}
	}
	for path, says := range map[string]string{t.TempDir(): "not a regular file", filepath.Join(t.TempDir(), "none"): "umask 077"} {
		if _, err := (TokenFile{Path: path}).Tokens(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", path, err, says)
		}
	}
}

func TestACredentialOfSystemdMayShowTheMaskOfItsAccessList(t *testing.T) {
	f := tokens(t, goodToken, 0o440)
	f.Credential = true
	if _, err := f.Tokens(); err != nil {
		t.Error(err)
	}
}

func TestRefusedTokensAreCountedAndSaidOnceAMinuteWithoutTheToken(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	registry, now := prometheus.NewRegistry(), clock
	o, _ := guarding(t)
	g, err := NewGuard(GuardOptions{Tokens: o.Guard.Tokens, Registerer: registry, Logger: zap.New(core), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	o.Guard = g
	h := New(o)
	try := func() {
		for range 50 {
			send(h, http.MethodPost, "/api/v1/reload", "", "Authorization: Bearer guessed-by-somebody")
		}
	}
	try()
	now = now.Add(time.Minute)
	try()
	if n := testutil.ToFloat64(g.refused.WithLabelValues("token")); n != 100 {
		t.Errorf("counted %v, want 100", n)
	}
	if logs.Len() != 2 || logs.All()[1].ContextMap()["not_logged_before"] != int64(49) {
		t.Errorf("logged %v", logs.All())
	}
	for _, e := range logs.All() {
		if text, _ := json.Marshal(e.ContextMap()); strings.Contains(string(text)+e.Message, "guessed") {
			t.Errorf("the log shows what was sent: %s %s", e.Message, text)
		}
	}
}

func TestPagesOfOtherSitesGiveNoCommands(t *testing.T) {
	o, c := guarding(t)
	trusted := o
	trusted.Trusted = true
	for _, header := range []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: null"} {
		for _, h := range []http.Handler{New(o), New(trusted)} {
			w := send(h, http.MethodPost, "/api/v1/reload", "", "Authorization: Bearer "+goodToken, header)
			if w.Code != 403 || codeOf(t, w) != "forbidden" {
				t.Errorf("%s is %d", header, w.Code)
			}
		}
	}
	if w := send(New(o), http.MethodPost, "/api/v1/reload", "", "Authorization: Bearer "+goodToken, "Origin: http://example.com"); w.Code != 200 || c.reloads != 1 {
		t.Errorf("the daemon's own page is refused: %d", w.Code)
	}
}

func TestOnLoopbackOnlyOwnNamesAreAnswered(t *testing.T) {
	o, _ := guarding(t)
	o.Hosts = []string{"bastion"}
	for host, want := range map[string]int{
		"127.0.0.1:8080": 200, "localhost": 200, "LOCALHOST.:8080": 200, "[::1]:8080": 200, "::1": 200, "bastion:8080": 200, "x.localhost": 200, "10.0.0.7": 200,
		"evil.example": 421, "evil.example:8080": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421, "bastion.evil": 421,
	} {
		for _, path := range []string{"/healthz", "/metrics", "/api/v1/targets"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = host
			w := httptest.NewRecorder()
			New(o).ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("%s of %s is %d, want %d", path, host, w.Code, want)
			}
		}
	}
	o.Hosts = nil
	if w := send(New(o), http.MethodGet, "http://anything.example/healthz", ""); w.Code != 200 {
		t.Errorf("beyond loopback every name is answered; got %d", w.Code)
	}
}

func TestTheBodyOfACommandIsSmallAndSaysThatItIsJSON(t *testing.T) {
	o, c := guarding(t)
	for body, want := range map[string]struct {
		kind string
		code int
	}{
		"":                             {"", 200},
		"{}":                           {"application/json; charset=utf-8", 200},
		" {} ":                         {"text/plain", 415},
		"a=b":                          {"application/x-www-form-urlencoded", 415},
		"{ }":                          {"", 415},
		"[]":                           {"application/json", 400},
		"{":                            {"application/json", 400},
		`{"x":1}`:                      {"application/json", 400},
		strings.Repeat(" ", maxBody+1): {"application/json", 413},
	} {
		w := send(New(o), http.MethodPost, "/api/v1/reload", body, "Authorization: Bearer "+goodToken, "Content-Type: "+want.kind)
		if w.Code != want.code {
			t.Errorf("%.20q as %q is %d, want %d", body, want.kind, w.Code, want.code)
		}
	}
	if c.reloads != 2 {
		t.Errorf("%d reloads, want 2", c.reloads)
	}
	if w := send(New(o), http.MethodPost, "/api/v1/reload?force=1", "", "Authorization: Bearer "+goodToken); w.Code != 400 {
		t.Errorf("an unknown parameter is %d", w.Code)
	}
}

func TestAReloadIsAnsweredWithHowItWent(t *testing.T) {
	for err, want := range map[error]struct {
		status int
		code   string
	}{
		errors.New("c.yaml:1:1: error: it is wrong"): {500, "reload_failed"},
		fmt.Errorf("%w: shop", ErrIncomplete):        {500, "reload_incomplete"},
		context.DeadlineExceeded:                     {504, "timeout"},
	} {
		o, c := guarding(t)
		c.err = err
		w := send(New(o), http.MethodPost, "/api/v1/reload", "", TokenHeader+": "+goodToken)
		text := w.Body.String()
		if w.Code != want.status || codeOf(t, w) != want.code || want.status == 500 && !strings.Contains(text, err.Error()) {
			t.Errorf("%v: %d %s", err, w.Code, text)
		}
	}
}

func TestProfilesAreThereOnlyWhenAskedForAndAuthorized(t *testing.T) {
	o, _ := guarding(t)
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/goroutine?debug=2", "/debug/pprof/cmdline", "/debug/pprof/symbol", "/debug/pprof/heap"} {
		if w := send(New(o), http.MethodGet, path, "", "Authorization: Bearer "+goodToken); w.Code != 200 {
			t.Errorf("%s is %d with a token", path, w.Code)
		}
		off := o
		off.Pprof, off.Trusted = false, true
		if w := send(New(off), http.MethodGet, path, ""); w.Code != 404 {
			t.Errorf("%s is %d although nobody asked for profiles", path, w.Code)
		}
	}
	o.Trusted = true
	if w := send(New(o), http.MethodGet, "/", ""); !strings.Contains(w.Body.String(), "\n/debug/pprof/   ") || strings.Contains(w.Body.String(), "{$}") {
		t.Errorf("the index is\n%s", w.Body)
	}
	for _, path := range []string{"/debug/vars", "/debug/", "/debug/requests"} {
		if w := send(New(o), http.MethodGet, path, ""); w.Code != 404 {
			t.Errorf("%s is %d", path, w.Code)
		}
	}
}

func TestWhoeverCannotBeServedInTimeIsToldSo(t *testing.T) {
	s := &server{Options: optionsOf(t, filled(t)), turns: make(slots, 1)}
	s.Guard, _ = NewGuard(GuardOptions{})
	release, ok := s.turns.take(t.Context())
	if !ok {
		t.Fatal("no turn")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	s.answer(s.version).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/version", nil).WithContext(gone))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || codeOf(t, w) != "unavailable" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	release()
	w = httptest.NewRecorder()
	s.answer(s.version).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/version", nil))
	if w.Code != 200 {
		t.Errorf("%d afterwards", w.Code)
	}
}

// Whatever is asked gets an answer, and none of it is carried out without a token.
func FuzzEveryRequestIsAnswered(f *testing.F) {
	o, c := guarding(f)
	o.Hosts = []string{}
	h := New(o)
	f.Add("GET", "/api/v1/targets/a%2Fb/c?memory=true", "localhost", "Authorization", "Bearer x", "")
	f.Add("POST", "/api/v1/reload", "127.0.0.1", "Origin", "null", "{}")
	f.Add("OPTIONS", "*", "", "Range", "bytes=0-", "x")
	f.Add("GET", "/debug/pprof/../../metrics?x=%zz&cursor=AA", "evil", "Sec-Fetch-Site", "none", "")
	f.Add("HEAD", "//api/v1/decisions?limit=-1&since=1h", "[::1", TokenHeader, "é", "")
	f.Fuzz(func(t *testing.T, method, target, host, name, value, body string) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://x/", strings.NewReader(body))
		if err != nil || value == goodToken || value == otherToken {
			return // net/http lets no such method in
		}
		if u, err := r.URL.Parse(target); err == nil {
			r.URL = u
		}
		r.Host, r.RequestURI = host, target
		r.Header[http.CanonicalHeaderKey(name)] = []string{value}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code < 200 || w.Code >= 600 || c.reloads != 0 {
			t.Errorf("%s %q is %d, %d reloads", method, target, w.Code, c.reloads)
		}
		if _, err := io.Copy(io.Discard, w.Result().Body); err != nil {
			t.Error(err)
		}
	})
}
