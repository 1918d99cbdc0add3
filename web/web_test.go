package web

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

func TestReadyzSaysWhyUntilTheFirstFullPass(t *testing.T) {
	o := optionsOf(t, newStore(t))
	e := &engine{why: "3 of 10 services have been described"}
	o.Engine = e
	h := New(o)
	if w := get(h, http.MethodGet, "/readyz"); w.Code != 503 || w.Body.String() != "not ready: 3 of 10 services have been described\n" {
		t.Errorf("before: %d %q", w.Code, w.Body)
	}
	if w := get(h, http.MethodGet, "/healthz"); w.Code != 200 {
		t.Errorf("a daemon that is not ready is alive all the same: %d", w.Code)
	}
	e.why = ""
	if w := get(h, http.MethodGet, "/readyz"); w.Code != 503 || w.Body.String() != "not ready: no full pass has been made yet\n" {
		t.Errorf("before, without a reason: %d %q", w.Code, w.Body)
	}
	e.ready = true
	if w := get(h, http.MethodGet, "/readyz"); w.Code != 200 || w.Body.String() != "ok\n" {
		t.Errorf("after: %d %q", w.Code, w.Body)
	}
}

// brittle is a state whose commits fail as long as it is broken.
type brittle struct {
	store.Backend
	broken error
}

func (b *brittle) Commit(d *store.Durable) error {
	if b.broken != nil {
		return b.broken
	}
	return b.Backend.Commit(d)
}

// A daemon that cannot write its state is not ready, whatever else it does, and its metrics say so.
func TestAStateThatCannotBeWrittenIsShown(t *testing.T) {
	b := &brittle{Backend: store.Memory(), broken: errors.New("no space left on device")}
	s, err := store.New(b)
	if err != nil {
		t.Fatal(err)
	}
	o := optionsOf(t, s)
	o.Engine = &engine{ready: true}
	h := New(o)
	intent := store.Changes{Activities: []*store.Activity{{
		ID: "a", Target: evaluator.Key{Cluster: "c", Service: "web"}, Status: evaluator.Pending, StartTime: time.Unix(1, 0),
	}}}
	for _, test := range []struct {
		broken error
		code   int
		ready  string
		shown  []string
	}{
		{b.broken, 503, "not ready: the state cannot be written: no space left on device\n",
			[]string{"\necs_autoscaler_state_writable 0\n", "\necs_autoscaler_state_commit_failures_total 1\n"}},
		{nil, 200, "ok\n", []string{"\necs_autoscaler_state_writable 1\n", "\necs_autoscaler_state_commit_failures_total 1\n"}},
		{store.ErrFenced, 200, "ok\n", []string{"\necs_autoscaler_state_writable 1\n", "\necs_autoscaler_state_commit_failures_total 1\n"}},
	} {
		b.broken = test.broken
		if err := s.Commit(intent); !errors.Is(err, test.broken) {
			t.Fatalf("the commit ends with %v; want %v", err, test.broken)
		}
		if w := get(h, http.MethodGet, "/readyz"); w.Code != test.code || w.Body.String() != test.ready {
			t.Errorf("%v: %d %q; want %d %q", test.broken, w.Code, w.Body, test.code, test.ready)
		}
		metrics := get(h, http.MethodGet, "/metrics").Body.String()
		for _, want := range test.shown {
			if !strings.Contains(metrics, want) {
				t.Errorf("%v: no %q", test.broken, want)
			}
		}
	}
}

// Where daemons share the work, the table of their leases is the state, too.
func TestATableOfLeasesThatCannotBeUsedIsAStateThatCannotBeWritten(t *testing.T) {
	for want, l := range map[string]Leases{"1": shares{}, "0": shares{errors.New("it does not answer")}} {
		o := optionsOf(t, newStore(t))
		registry := prometheus.NewPedanticRegistry()
		o.Leases, o.Gatherer = l, registry
		if err := Register(registry, o); err != nil {
			t.Fatal(err)
		}
		if metrics := get(New(o), http.MethodGet, "/metrics").Body.String(); !strings.Contains(metrics, "\necs_autoscaler_state_writable "+want+"\n") {
			t.Errorf("with %+v the state is not said to be %s", l, want)
		}
	}
}

func TestWithoutASharedStateThereAreNoLeasesAndTheAnswerSaysWhy(t *testing.T) {
	o := optionsOf(t, filled(t))
	o.Leases = nil
	w := get(New(o), http.MethodGet, "/api/v1/leases")
	if text := w.Body.String(); w.Code != http.StatusNotFound || !strings.Contains(text, `"not_found"`) || !strings.Contains(text, "dynamodb:TABLE") {
		t.Errorf("%d: %s", w.Code, text)
	}
}

func TestTheVersionHasNoLastPassBeforeTheFirst(t *testing.T) {
	o := optionsOf(t, newStore(t))
	o.Engine = &engine{}
	var v struct {
		Ready    bool
		LastPass *string `json:"last_pass"`
	}
	decode(t, get(New(o), http.MethodGet, "/api/v1/version").Body, &v)
	if v.Ready || v.LastPass != nil {
		t.Errorf("%+v", v)
	}
}

func TestUnknownPathsAreNotFound(t *testing.T) {
	h := New(optionsOf(t, filled(t)))
	for _, path := range []string{
		"/nothing", "/api", "/api/v1", "/api/v1/", "/api/v1/targets/", "/api/v1/targets/flaskapp", "/api/v1/targets/flaskapp/",
		"/api/v1/targets/flaskapp/flaskapp/more", "/api/v2/targets", "/metrics/", "/healthz/x",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			w := get(h, method, path)
			var body struct {
				Error struct{ Code, Message string }
			}
			decode(t, w.Body, &body)
			if w.Code != 404 || body.Error.Code != "not_found" || !strings.Contains(body.Error.Message, path) {
				t.Errorf("%s %s is %d %+v", method, path, w.Code, body)
			}
		}
	}
}

func TestOtherMethodsThanGETAndHEADAreNotAllowed(t *testing.T) {
	h := New(optionsOf(t, filled(t)))
	for _, path := range []string{"/", "/metrics", "/healthz", "/readyz", "/api/v1/targets", "/api/v1/targets/flaskapp/flaskapp", "/api/v1/decisions", "/api/v1/activities", "/api/v1/version"} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions, "BREW"} {
			w := get(h, method, path)
			var body struct {
				Error struct{ Code, Message string }
			}
			decode(t, w.Body, &body)
			if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" || body.Error.Code != "method_not_allowed" {
				t.Errorf("%s %s is %d, Allow %q, %+v", method, path, w.Code, w.Header().Get("Allow"), body)
			}
		}
	}
}

func TestHEADIsGETWithoutABody(t *testing.T) {
	server := httptest.NewServer(New(optionsOf(t, filled(t))))
	defer server.Close()
	for _, path := range []string{"/", "/healthz", "/metrics", "/api/v1/targets", "/api/v1/targets/flaskapp/flaskapp", "/api/v1/targets/a/b", "/api/v1/decisions?limit=0"} {
		full, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := io.ReadAll(full.Body)
		_ = full.Body.Close()
		head, err := http.Head(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(head.Body)
		_ = head.Body.Close()
		if head.StatusCode != full.StatusCode || len(got) != 0 || head.Header.Get("Content-Type") != full.Header.Get("Content-Type") {
			t.Errorf("HEAD %s is %d with %d bytes, GET is %d", path, head.StatusCode, len(got), full.StatusCode)
		}
		if path != "/metrics" && head.ContentLength != int64(len(want)) {
			t.Errorf("HEAD %s announces %d bytes, GET sends %d", path, head.ContentLength, len(want))
		}
	}
}

func TestEveryAnswerForbidsStoringAndGuessing(t *testing.T) {
	h := New(optionsOf(t, filled(t)))
	for path, kind := range map[string]string{
		"/": "text/plain; charset=utf-8", "/healthz": "text/plain; charset=utf-8", "/readyz": "text/plain; charset=utf-8",
		"/api/v1/targets": "application/json", "/api/v1/targets?x=1": "application/json", "/nothing": "application/json",
		"/metrics": "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
	} {
		header := get(h, http.MethodGet, path).Header()
		if header.Get("Cache-Control") != "no-store" || header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Content-Type") != kind {
			t.Errorf("GET %s has the headers %v", path, header)
		}
	}
}

// AWS allows only letters, digits, - and _ in these names; a path must not go wrong over others all the same.
func TestNamesWithOddCharactersAreFoundThroughTheirEscapedPath(t *testing.T) {
	s := newStore(t)
	keys := []evaluator.Key{
		{Cluster: "a b", Service: "c/d"},
		{Cluster: "50%", Service: "why?#x"},
		{Cluster: "ünï", Service: "名前"},
		{Cluster: "a+b", Service: "c&d=e;f"},
		{Cluster: "a%2Fb", Service: "c"},
		{Cluster: "a/b", Service: "c"},
		{Cluster: `q"<x>`, Service: "{cluster}"},
	}
	h := New(optionsOf(t, s))
	for _, k := range keys {
		commit(t, s, store.Changes{Targets: []*store.Target{{Key: k, Max: 1}}})
	}
	for _, k := range keys {
		var one struct{ Cluster, Service string }
		w := get(h, http.MethodGet, "/api/v1/targets/"+url.PathEscape(k.Cluster)+"/"+url.PathEscape(k.Service))
		decode(t, w.Body, &one)
		if w.Code != 200 || one.Cluster != k.Cluster || one.Service != k.Service {
			t.Errorf("%q is %d %+v", k, w.Code, one)
		}
		var list struct {
			Targets []struct{ Cluster, Service string }
		}
		q := url.Values{"cluster": {k.Cluster}, "service": {k.Service}}
		decode(t, get(h, http.MethodGet, "/api/v1/targets?"+q.Encode()).Body, &list)
		if len(list.Targets) != 1 || list.Targets[0].Service != k.Service {
			t.Errorf("filtering by %q gives %+v", k, list)
		}
	}
	if w := get(h, http.MethodGet, "/metrics"); w.Code != 200 || !strings.Contains(w.Body.String(), `cluster="q\"<x>"`) {
		t.Errorf("metrics are %d, or do not escape a quote:\n%s", w.Code, w.Body)
	}
}

func TestTextsKeepTheirAngleBracketsAndAmpersands(t *testing.T) {
	s := newStore(t)
	a := activity("a-1", clock)
	a.Cause = "alarm <a&b> \"c\""
	commit(t, s, store.Changes{Activities: []*store.Activity{a}})
	body := get(New(optionsOf(t, s)), http.MethodGet, "/api/v1/activities").Body.String()
	if !strings.Contains(body, `"cause":"alarm <a&b> \"c\""`) {
		t.Errorf("%s", body)
	}
}

func TestAStoreThatFailsIsAnInternalErrorInJSON(t *testing.T) {
	s, err := store.New(broken{store.Memory()})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, store.Changes{Targets: []*store.Target{flaskappRow()}})
	h := New(optionsOf(t, s))
	for _, path := range []string{"decisions", "activities", "targets/flaskapp/flaskapp"} {
		w := get(h, http.MethodGet, "/api/v1/"+path)
		if w.Code != 500 || w.Body.String() != `{"error":{"code":"internal","message":"the disk is gone"}}`+"\n" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// broken is a backend whose history cannot be read.
type broken struct{ store.Backend }

var errDisk = errors.New("the disk is gone")

func (broken) Activities(store.Query) ([]store.Activity, string, error) { return nil, "", errDisk }

func (broken) Decisions(store.Query) ([]store.DecisionRecord, string, error) {
	return nil, "", errDisk
}

func TestAnAnswerThatIsNoJSONIsNotHalfSent(t *testing.T) {
	w := httptest.NewRecorder()
	writeJSON(w, http.StatusOK, func() {})
	if w.Code != 500 || !strings.HasPrefix(w.Body.String(), "this answer cannot be shown as JSON: ") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestOptionsMayBeLeftOut(t *testing.T) {
	h := New(Options{Store: filled(t), Engine: &engine{ready: true}})
	for path, want := range map[string]string{
		"/metrics": "", "/api/v1/targets/flaskapp/flaskapp": `"cooldowns":[]`, "/api/v1/decisions?since=1s": `"decisions":[]`,
	} {
		if w := get(h, http.MethodGet, path); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestTheServerLimitsWhatAClientMayCost(t *testing.T) {
	h := http.NewServeMux()
	s := NewServer("127.0.0.1:8080", h)
	if s.Addr != "127.0.0.1:8080" || s.Handler != http.Handler(h) {
		t.Errorf("it serves %v on %s", s.Handler, s.Addr)
	}
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 {
		t.Errorf("%+v has no limits", s)
	}
}

func TestTheServerRefusesHeadersBeyondItsLimit(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config = NewServer("", New(optionsOf(t, newStore(t))))
	server.Start()
	defer server.Close()
	r, err := http.NewRequest(http.MethodGet, server.URL+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Long", strings.Repeat("a", 64<<10))
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("64 KiB of headers are %s", answer.Status)
	}
}
