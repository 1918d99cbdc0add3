package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

var staged = evaluator.Key{Account: "staging", Cluster: flaskapp.Cluster, Service: flaskapp.Service}

// withStaging has a service of the same name in another account.
func withStaging(t *testing.T) http.Handler {
	t.Helper()
	s := filled(t)
	row := flaskappRow()
	row.Key, row.Max = staged, 40
	commit(t, s, store.Changes{Targets: []*store.Target{row}, Activities: []*store.Activity{{
		ID: "a-9", Target: staged, Direction: evaluator.ScaleOut, From: 1, To: 2, Status: evaluator.Successful, StartTime: clock, EndTime: clock,
	}}})
	return New(optionsOf(t, s))
}

// accounts are those of the entries of a list, with the max capacities.
func listed(t *testing.T, h http.Handler, path string) (body string, accounts []string) {
	t.Helper()
	w := get(h, http.MethodGet, path)
	var page struct {
		Targets, Activities []struct{ Account, Cluster string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &page); w.Code != http.StatusOK || err != nil {
		t.Fatalf("%s: %d, %v\n%s", path, w.Code, err, w.Body)
	}
	for _, e := range append(page.Targets, page.Activities...) {
		accounts = append(accounts, e.Account)
	}
	return w.Body.String(), accounts
}

func TestTargetsOfOtherAccountsSaySo(t *testing.T) {
	h := withStaging(t)
	_, all := listed(t, h, "/api/v1/targets?cluster="+staged.Cluster+"&service="+staged.Service)
	if len(all) != 2 || all[0] != "staging" || all[1] != "" {
		t.Errorf("accounts %v, want staging and the daemon's own", all)
	}
	if _, some := listed(t, h, "/api/v1/targets?account=staging"); len(some) != 1 || some[0] != "staging" {
		t.Errorf("accounts %v, want staging alone", some)
	}
	if _, some := listed(t, h, "/api/v1/activities?account=staging"); len(some) != 1 || some[0] != "staging" {
		t.Errorf("activities of %v, want staging alone", some)
	}
	path := "/api/v1/targets/" + staged.Cluster + "/" + staged.Service
	if body := get(h, http.MethodGet, path).Body.String(); strings.Contains(body, `"account"`) {
		t.Errorf("the daemon's own target has an account:\n%s", body)
	}
	body := get(h, http.MethodGet, path+"?account=staging").Body.String()
	if !strings.Contains(body, `"account":"staging"`) || !strings.Contains(body, `"max_capacity":40`) {
		t.Errorf("the other account's target is\n%s", body)
	}
}

func TestPagesGoThroughTheTargetsOfAllAccounts(t *testing.T) {
	h := withStaging(t)
	_, whole := listed(t, h, "/api/v1/targets")
	seen, cursor := 0, ""
	for range 20 {
		w := get(h, http.MethodGet, "/api/v1/targets?limit=1"+cursor)
		var page struct {
			Targets []json.RawMessage `json:"targets"`
			Next    *string           `json:"next_cursor"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		seen += len(page.Targets)
		if page.Next == nil {
			break
		}
		cursor = "&cursor=" + *page.Next
	}
	if seen != len(whole) {
		t.Errorf("%d targets on single pages, %d on one", seen, len(whole))
	}
}

func TestMetricsSayTheAccountWhereOneIsNamed(t *testing.T) {
	body := get(withStaging(t), http.MethodGet, "/metrics").Body.String()
	for _, want := range []string{
		`ecs_autoscaler_max_capacity{account="staging",cluster="flaskapp",service="flaskapp"} 40`,
		`ecs_autoscaler_max_capacity{cluster="flaskapp",service="flaskapp"} 4`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no line %s", want)
		}
	}
	if strings.Contains(body, `account=""`) {
		t.Error("an empty account is shown")
	}
}
