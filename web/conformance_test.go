package web

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// held is flaskapp's decision at the end of a wish that came to nothing.
func held(why evaluator.Reason, at time.Time) *evaluator.Decision {
	d := flaskappDecision()
	d.Time, d.Reason, d.Policies[0].Reason = at, why, why
	return d
}

// attempts asks for activities.
func attempts(t *testing.T, s *store.Store, query string) []ActivityView {
	t.Helper()
	var p struct{ Activities []ActivityView }
	w := get(New(optionsOf(t, s)), http.MethodGet, "/api/v1/activities"+query)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", query, w.Code, w.Body)
	}
	decode(t, w.Body, &p)
	return p.Activities
}

func number(n *int) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

func TestWhatDidNotScaleIsShownAsAWSShowsIt(t *testing.T) {
	for _, c := range []struct {
		name    string
		why     evaluator.Reason
		desired int
		status  evaluator.ActivityStatus
		// counts are max, min and current capacity.
		counts string
	}{
		{"case 74: at max the maximum explains it", evaluator.AlreadyAtMaxCapacity, 4, evaluator.Failed, "4 - -"},
		{"at min the minimum does", evaluator.AlreadyAtMinCapacity, 1, evaluator.Failed, "- 1 -"},
		{"case 76: wanting what there is, that count", evaluator.AlreadyAtDesiredCapacity, 4, evaluator.Successful, "- - 4"},
		{"case 77: and it is called successful", evaluator.AlreadyAtDesiredCapacity, 3, evaluator.Successful, "- - 3"},
		{"flapping has no count", evaluator.AutoScalingAnticipatedFlapping, 3, evaluator.Failed, "- - -"},
		{"nor has a deployment", evaluator.TargetServicePutResourceAsUnscalable, 3, evaluator.Failed, "- - -"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := held(c.why, ago(time.Minute))
			d.Desired = c.desired
			s := newStore(t)
			commit(t, s, store.Changes{Decisions: []*store.DecisionRecord{record(t, d)}})
			found := attempts(t, s, "?include_not_scaled=true")
			if len(found) != 1 || len(found[0].NotScaledReasons) != 1 {
				t.Fatalf("shown are %+v", found)
			}
			a, why := found[0], found[0].NotScaledReasons[0]
			counts := number(why.MaxCapacity) + " " + number(why.MinCapacity) + " " + number(why.CurrentCapacity)
			if a.StatusCode != c.status || why.Code != c.why || counts != c.counts || a.EndTime != nil {
				t.Errorf("%s %s with %s, ended %v; want %s %s with %s, no end", a.StatusCode, why.Code, counts, a.EndTime, c.status, c.why, c.counts)
			}
			if a.Description != "Attempting to scale due to alarm triggered" {
				t.Errorf("described as %q", a.Description)
			}
		})
	}
	for _, why := range []evaluator.Reason{evaluator.CooldownInEffect, evaluator.DynamicScalingSuspended, evaluator.WithinTarget} {
		s := newStore(t)
		commit(t, s, store.Changes{Decisions: []*store.DecisionRecord{record(t, held(why, ago(time.Minute)))}})
		if found := attempts(t, s, "?include_not_scaled=true"); len(found) != 0 {
			t.Errorf("%s has no code of AWS's, but is shown: %+v", why, found)
		}
	}
}

func TestWhatDidNotScaleIsHiddenUnlessAskedFor(t *testing.T) {
	s := filled(t)
	ids := func(query string) []string {
		var found []string
		for _, a := range attempts(t, s, query) {
			found = append(found, fmt.Sprintf("%s %s", a.ActivityID, a.StatusCode))
		}
		return found
	}
	scaled := []string{"a-2 InProgress", "a-1 Successful", "a-0 Successful"}
	for _, c := range []struct {
		name, query string
		want        []string
	}{
		{"case 379: by default", "", scaled},
		{"case 379: and when it says so", "?include_not_scaled=false", scaled},
		{"asked for it is in its place", "?include_not_scaled=true", append(slices.Clone(scaled), "d-6 Failed")},
		{"of one status", "?include_not_scaled=true&status=Failed", []string{"d-6 Failed"}},
		{"of another status", "?include_not_scaled=true&status=Successful", []string{"a-1 Successful", "a-0 Successful"}},
		{"of one reason", "?include_not_scaled=true&reason=AlreadyAtMaxCapacity", []string{"d-6 Failed"}},
		{"of one service", "?include_not_scaled=true&service=worker", []string{"a-2 InProgress", "a-0 Successful"}},
		{"of one direction it is none", "?include_not_scaled=true&direction=scale_out", []string{"a-2 InProgress", "a-1 Successful"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ids(c.query); !slices.Equal(got, c.want) {
				t.Errorf("shown are %v, want %v", got, c.want)
			}
		})
	}
	if w := get(New(optionsOf(t, s)), http.MethodGet, "/api/v1/activities?include_not_scaled=yes"); w.Code != http.StatusBadRequest {
		t.Errorf("include_not_scaled=yes is answered %d", w.Code)
	}
}

func TestPagesOfWhatScaledAndWhatDidNotShowEachOnce(t *testing.T) {
	s := newStore(t)
	var c store.Changes
	for i := range 100 {
		at := ago(time.Duration(i/4) * time.Minute) // some share an instant
		if i%3 == 0 {
			c.Activities = append(c.Activities, activity(fmt.Sprintf("a-%03d", i), at))
			continue
		}
		c.Decisions = append(c.Decisions, record(t, held(evaluator.AlreadyAtMaxCapacity, at)))
	}
	commit(t, s, c)
	h := New(optionsOf(t, s))
	for _, limit := range []int{1, 7, 50, 100} {
		seen := map[string]int{}
		pages := walk(t, h, "/api/v1/activities?include_not_scaled=true", limit, func(int) {})
		for _, p := range pages {
			for _, a := range p.Activities {
				seen[a.ID]++
			}
		}
		if len(seen) != 100 || len(pages) != (100+limit-1)/limit {
			t.Errorf("pages of %d: %d pages show %d of 100", limit, len(pages), len(seen))
		}
	}
}

func TestADecisionThatCannotBeReadIsAnErrorAndNotABlankRow(t *testing.T) {
	s := newStore(t)
	r := record(t, held(evaluator.AlreadyAtMaxCapacity, ago(time.Minute)))
	r.JSON = []byte(`{"desired": "four"}`)
	commit(t, s, store.Changes{Decisions: []*store.DecisionRecord{r}})
	if w := get(New(optionsOf(t, s)), http.MethodGet, "/api/v1/activities?include_not_scaled=true"); w.Code != http.StatusInternalServerError {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}
