package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// steeredRow is the worker, suspended by its registration and by a person, and overridden; one suspension is over.
func steeredRow() *store.Target {
	row := workerRow()
	row.Memory.Suspended.Scheduled = true
	row.Memory.Steering = []evaluator.Steering{
		{Steers: evaluator.SteersIn, Since: ago(time.Hour), For: time.Hour, Reason: "over by now"},
		{Steers: evaluator.SteersOut, Since: ago(time.Hour), For: 2 * time.Hour, Reason: "database migration"},
		{Steers: evaluator.SteersScheduled, Since: ago(time.Minute), For: 10 * time.Minute, Reason: "database migration"},
		{Steers: evaluator.SteersCount, Since: ago(time.Minute), For: 30 * time.Minute, Reason: "load test", Desired: 25, Done: true, Count: 20},
	}
	return row
}

// obeyed is a daemon whose commands make a row what a test wants.
func obeyed(t *testing.T) (Options, *commands) {
	t.Helper()
	o, c := guarding(t)
	row := steeredRow()
	row.Latest = &store.Latest{}
	row.Latest.Set(workerDecision())
	commit(t, o.Store, store.Changes{Targets: []*store.Target{row}})
	return o, c
}

const bearer, asJSON = "Authorization: Bearer " + goodToken, "Content-Type: application/json"

func TestSteeringIsAnsweredWithWhatIsInForce(t *testing.T) {
	o, c := obeyed(t)
	for _, test := range []struct{ verb, body, given string }{
		{"suspend", `{"scaling": ["out", "in"], "for": "2h", "reason": "migration"}`, "flaskapp/worker {Verb:suspend Scaling:[out in] Desired:0 For:2h0m0s Reason:migration}"},
		{"suspend", `{"for": "90", "reason": "migration"}`, "flaskapp/worker {Verb:suspend Scaling:[] Desired:0 For:1m30s Reason:migration}"},
		{"resume", ``, "flaskapp/worker {Verb:resume Scaling:[] Desired:0 For:0s Reason:}"},
		{"resume", `{"scaling": ["in"], "reason": "done"}`, "flaskapp/worker {Verb:resume Scaling:[in] Desired:0 For:0s Reason:done}"},
		{"override", `{"desired": 0, "for": "744h", "reason": "rest"}`, "flaskapp/worker {Verb:override Scaling:[] Desired:0 For:744h0m0s Reason:rest}"},
		{"override", `{"end": true}`, "flaskapp/worker {Verb:end Scaling:[] Desired:0 For:0s Reason:}"},
	} {
		headers := []string{bearer}
		if test.body != "" {
			headers = append(headers, asJSON)
		}
		w := send(New(o), http.MethodPost, "/api/v1/targets/flaskapp/worker/"+test.verb, test.body, headers...)
		if w.Code != 200 {
			t.Fatalf("%s %s: %d %s", test.verb, test.body, w.Code, w.Body)
		}
		golden(t, "steered.json", pretty(t, "steered.json", w.Body.Bytes()))
		if got := c.steered[len(c.steered)-1]; got != test.given {
			t.Errorf("%s %s became %s", test.verb, test.body, got)
		}
	}
	w := send(New(o), http.MethodPost, "/api/v1/targets/a%2Fb/worker/resume?account=staging", "", bearer)
	if got := c.steered[len(c.steered)-1]; !strings.HasPrefix(got, "staging/a/b/worker ") {
		t.Errorf("%s, %d", got, w.Code)
	}
}

func TestTargetsShowWhatPersonsSteer(t *testing.T) {
	o, _ := obeyed(t)
	h := New(o)
	golden(t, "target_steered.json", pretty(t, "target_steered.json", get(h, http.MethodGet, "/api/v1/targets?service=worker").Body.Bytes()))
	if one := get(h, http.MethodGet, "/api/v1/targets/flaskapp/worker").Body.String(); !strings.Contains(one, `"reason":"load test"`) {
		t.Error(one)
	}
	want := `
# HELP ecs_autoscaler_override Count with which a person has overridden the desired count, before bounds; absent while nobody has.
# TYPE ecs_autoscaler_override gauge
ecs_autoscaler_override{account="",cluster="flaskapp",service="worker"} 25
# HELP ecs_autoscaler_suspended 1 while this kind of scaling (in, out, scheduled) is suspended, by a command or by the registration; absent while it is not.
# TYPE ecs_autoscaler_suspended gauge
ecs_autoscaler_suspended{account="",cluster="flaskapp",scaling="out",service="worker"} 1
ecs_autoscaler_suspended{account="",cluster="flaskapp",scaling="scheduled",service="worker"} 1
`
	if err := testutil.GatherAndCompare(o.Gatherer, strings.NewReader(want), "ecs_autoscaler_override", "ecs_autoscaler_suspended"); err != nil {
		t.Error(err)
	}
}

func TestCommandsThatAreNotRightSayWhatWouldBe(t *testing.T) {
	o, c := obeyed(t)
	for _, test := range []struct {
		verb, body string
		status     int
		code, says string
	}{
		{"suspend", ``, 400, "invalid_parameter", "for how long"},
		{"suspend", `{"for": "2h"}`, 400, "invalid_parameter", "say why"},
		{"suspend", `{"for": "2h", "reason": "x", "scaling": []}`, 400, "invalid_parameter", "leave it out for all three"},
		{"suspend", `{"for": "2h", "reason": "x", "scaling": ["up"]}`, 400, "invalid_parameter", "one of in, out, scheduled"},
		{"suspend", `{"for": "2 hours", "reason": "x"}`, 400, "invalid_parameter", "is no duration"},
		{"suspend", `{"for": 7200, "reason": "x"}`, 400, "invalid_parameter", "this command takes"},
		{"suspend", `{"for": "30s", "reason": "x"}`, 400, "invalid_parameter", "from 1 minute to 31 days"},
		{"suspend", `{"for": "2h", "reason": "a\u0007b"}`, 400, "invalid_parameter", "control characters"},
		{"suspend", `{"for": "2h", "reason": "x", "direction": "in"}`, 400, "invalid_parameter", "unknown field"},
		{"suspend", `{"for": "2h", "reason": "x", "desired": 3}`, 400, "invalid_parameter", "a field of another command"},
		{"suspend", `[]`, 400, "invalid_parameter", "no JSON object"},
		{"suspend", `{} {}`, 400, "invalid_parameter", "no JSON object"},
		{"resume", `{"for": "2h"}`, 400, "invalid_parameter", "a field of another command"},
		{"override", `{"for": "2h", "reason": "x"}`, 400, "invalid_parameter", "the count is missing"},
		{"override", `{"desired": 2.5, "for": "2h", "reason": "x"}`, 400, "invalid_parameter", "this command takes"},
		{"override", `{"desired": -1, "for": "2h", "reason": "x"}`, 400, "invalid_parameter", "0 or more"},
		{"override", `{"end": true, "desired": 1}`, 400, "invalid_parameter", "a field of another command"},
		{"override", `{"desired": 1, "for": "2h", "reason": "` + strings.Repeat("x", maxBody) + `"}`, 413, "body_too_large", "small JSON object"},
	} {
		w := send(New(o), http.MethodPost, "/api/v1/targets/flaskapp/worker/"+test.verb, test.body, bearer, asJSON)
		if text := w.Body.String(); w.Code != test.status || !strings.Contains(text, test.code) || !strings.Contains(text, test.says) {
			t.Errorf("%s %.60s: %d %s", test.verb, test.body, w.Code, text)
		}
	}
	if w := send(New(o), http.MethodPost, "/api/v1/targets/flaskapp/worker/resume", "{}", bearer); w.Code != 415 {
		t.Errorf("without a content type: %d", w.Code)
	}
	if w := send(New(o), http.MethodPost, "/api/v1/targets/flaskapp/worker/resume?force=true", "", bearer); w.Code != 400 {
		t.Errorf("with a parameter that is none: %d", w.Code)
	}
	if len(c.steered) > 0 {
		t.Errorf("carried out: %v", c.steered)
	}
}

func TestWhatKeepsACommandFromBeingCarriedOut(t *testing.T) {
	o, c := obeyed(t)
	for _, test := range []struct {
		err    error
		status int
		code   string
	}{
		{fmt.Errorf("nothing was changed: %w", context.DeadlineExceeded), 504, "timeout"},
		{fmt.Errorf("%w: another daemon steers it", ErrNotSteered), 404, "not_found"},
		{fmt.Errorf("%w: it is switched off", ErrRefused), 409, "refused"},
		{errors.New("the state cannot be written"), 500, "internal"},
	} {
		c.err = test.err
		if w := send(New(o), http.MethodPost, "/api/v1/targets/flaskapp/worker/resume", "", bearer); w.Code != test.status || codeOf(t, w) != test.code {
			t.Errorf("%v is %d", test.err, w.Code)
		}
	}
}
