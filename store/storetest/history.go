package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

func historyFilters(t *testing.T, life Life) {
	s := newStore(t, life.Open())
	other := activityOf(4)
	other.Target = evaluator.Key{Cluster: "bank", Service: keyOf(1).Service}
	in := withStatus(activityOf(3), evaluator.Successful)
	in.Direction, in.Reason = evaluator.ScaleIn, evaluator.ByStepScaling
	commit(t, s, store.Changes{Activities: []*store.Activity{activityOf(1), withStatus(activityOf(2), evaluator.Failed), in, other}})
	one, two, three, four := "activity-0001", "activity-0002", "activity-0003", "activity-0004"
	for _, test := range []struct {
		name string
		q    store.Query
		want []string
	}{
		{"nothing asked", store.Query{}, []string{four, three, two, one}},
		{"cluster", store.Query{Cluster: "bank"}, []string{four}},
		{"service", store.Query{Service: keyOf(1).Service}, []string{four, one}},
		{"cluster and service", store.Query{Cluster: "shop", Service: keyOf(1).Service}, []string{one}},
		{"part of a name is not the name", store.Query{Cluster: "sho"}, []string{}},
		{"status", store.Query{Status: "Failed"}, []string{two}},
		{"reason", store.Query{Reason: "StepScalingPolicy"}, []string{three}},
		{"direction", store.Query{Direction: "scale_in"}, []string{three}},
		{"action means direction", store.Query{Action: "scale_in"}, []string{three}},
		{"both alike", store.Query{Action: "scale_in", Direction: "scale_in"}, []string{three}},
		{"since includes its instant", store.Query{Since: at(3)}, []string{four, three}},
		{"until excludes its instant", store.Query{Until: at(3)}, []string{two, one}},
		{"since and until", store.Query{Since: at(2), Until: at(4)}, []string{three, two}},
		{"all together", store.Query{Cluster: "shop", Status: "Failed", Since: at(1), Until: at(9), Direction: "scale_out"}, []string{two}},
		{"bounds in other zones", store.Query{Since: at(3).In(time.FixedZone("", 3600))}, []string{four, three}},
		{"far away bounds", store.Query{Since: time.Unix(-1<<40, 0), Until: time.Unix(1<<40, 0)}, []string{four, three, two, one}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, next, err := s.Activities(test.q)
			if err != nil || next != "" {
				t.Fatalf("next %q, error %v", next, err)
			}
			if diff := cmp.Diff(test.want, ids(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func historyPages(t *testing.T, life Life) {
	s := newStore(t, life.Open())
	for i := range 25 {
		commit(t, s, store.Changes{Activities: []*store.Activity{activityOf(2 * i)}, Decisions: []*store.DecisionRecord{decisionOf(2 * i)}})
	}
	var got []string
	for q := (store.Query{Limit: 4}); ; {
		rows, next, err := s.Activities(q)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ids(rows)...)
		// Newer and older records come in between two pages, and the daemon restarts.
		commit(t, s, store.Changes{Activities: []*store.Activity{activityOf(100 + len(got))}})
		s = restart(t, s, life)
		if next == "" {
			break
		}
		q.Cursor = next
	}
	var want []string
	for i := 24; i >= 0; i-- {
		want = append(want, activityOf(2*i).ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	filtered := pages(t, s.Decisions, store.Query{Limit: 2, Service: keyOf(1).Service})
	if len(filtered) != 8 || !slices.IsSortedFunc(filtered, func(a, b store.DecisionRecord) int { return b.Time.Compare(a.Time) }) {
		t.Errorf("%d filtered decisions; want 8, newest first", len(filtered))
	}
}

func historyLimits(t *testing.T, life Life) {
	s := newStore(t, life.Open())
	var many []*store.DecisionRecord
	for i := range store.MaxLimit + 5 {
		many = append(many, decisionOf(i))
	}
	commit(t, s, store.Changes{Decisions: many})
	for limit, want := range map[int]int{
		0: store.DefaultLimit, -3: store.DefaultLimit, 1: 1, store.MaxLimit: store.MaxLimit, store.MaxLimit + 5: store.MaxLimit,
	} {
		got, next, err := s.Decisions(store.Query{Limit: limit})
		if err != nil || len(got) != want || next == "" {
			t.Errorf("limit %d: %d records, next %q, error %v; want %d and a next page", limit, len(got), next, err, want)
		}
	}
	if got, next, err := s.Decisions(store.Query{Limit: 5, Until: at(5)}); err != nil || len(got) != 5 || next != "" {
		t.Errorf("%d records, next %q, error %v; want exactly the last page", len(got), next, err)
	}
}

func badQueries(t *testing.T, life Life) {
	s := newStore(t, life.Open())
	_, _, cursor := s.Activities(store.Query{Cursor: "no cursor!"})
	_, _, short := s.Decisions(store.Query{Cursor: "AAAA"})
	_, _, both := s.Activities(store.Query{Action: "scale_in", Direction: "scale_out"})
	_, _, status := s.Decisions(store.Query{Status: "Failed"})
	for name, err := range map[string]error{
		"a garbled cursor": cursor, "a cut cursor": short, "two directions": both, "the status of a decision": status,
	} {
		if !errors.Is(err, store.ErrQuery) {
			t.Errorf("%s: %v; want ErrQuery", name, err)
		}
	}
}
