package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-autoscaler/evaluator"
)

// A Life opens the same durable state again and again, as a daemon does that is started anew. The
// backend it gave before has been closed by then.
type Life func() Backend

func TestMemoryBackend(t *testing.T) {
	BackendSuite(t, func(*testing.T) Life {
		b := Memory()
		return func() Backend { return b }
	})
}

func TestFileBackend(t *testing.T) {
	BackendSuite(t, func(t *testing.T) Life {
		path := newFile(t)
		return func() Backend { return openPath(t, path) }
	})
}

// BackendSuite is what every backend must do under a store. begin gives a new, empty state.
func BackendSuite(t *testing.T, begin func(t *testing.T) Life) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, life Life)
	}{
		{"a new state remembers nothing", newStateIsEmpty},
		{"what was committed is remembered in the next life", nextLifeRemembers},
		{"an activity is open from its intent to its outcome", activityRunsItsCourse},
		{"open activities come oldest first, also after a restart", openOldestFirst},
		{"one commit may carry several states of one activity", severalStatesInOneCommit},
		{"generations grow over restarts", generationsGrow},
		{"the memory of a removed target is kept", removedIsRemembered},
		{"delays are replaced as a whole", delaysAreReplaced},
		{"every scope has delays of its own", delaysByScope},
		{"decisions keep their JSON and get distinct IDs", decisionsKeepJSON},
		{"history can be filtered", historyFilters},
		{"history comes in pages that survive inserts", historyPages},
		{"history pages are bounded", historyLimits},
		{"a query that makes no sense is refused", badQueries},
		{"history before 1970 sorts, too", historyBeforeEpoch},
		{"case 380: history older than six weeks is pruned", pruneOld},
		{"what did not scale stands among the activities", attemptsInOrder},
		{"pruning goes through many batches", pruneMany},
		{"a closed state refuses everything", closedRefuses},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, begin(t)) })
	}
}

// restart closes s and begins the next life.
func restart(t *testing.T, s *Store, life Life) *Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return newStore(t, life())
}

func newStateIsEmpty(t *testing.T, life Life) {
	s := newStore(t, life())
	activities, next, err := s.Activities(Query{})
	if err != nil || next != "" || len(activities) != 0 {
		t.Errorf("activities: %v, next %q, error %v; want none", activities, next, err)
	}
	decisions, next, err := s.Decisions(Query{})
	if err != nil || next != "" || len(decisions) != 0 {
		t.Errorf("decisions: %v, next %q, error %v; want none", decisions, next, err)
	}
	if n := len(s.Targets()) + len(s.OpenActivities()) + len(s.Delays()); n != 0 {
		t.Errorf("%d rows; want none", n)
	}
	if m := s.Memory(keyOf(1)); m != nil {
		t.Errorf("memory %v of an unknown target; want nil", m)
	}
}

func nextLifeRemembers(t *testing.T, life Life) {
	s := newStore(t, life())
	commit(t, s, Changes{
		Targets: targetsOf(3), Activities: []*Activity{activityOf(1)},
		Decisions: []*DecisionRecord{decisionOf(1)},
		Delays:    map[string]Delay{"AWS/ECS 60": {Seconds: 97.5, Samples: 12}},
	})
	before := observe(t, s, 100)
	s = restart(t, s, life)
	if len(s.Targets()) != 0 {
		t.Error("targets are current before anybody said so")
	}
	commit(t, s, Changes{Targets: []*Target{{Key: keyOf(0)}, {Key: keyOf(1)}, {Key: keyOf(2)}}})
	if diff := cmp.Diff(before, observe(t, s, 100)); diff != "" {
		t.Errorf("the next life remembers something else (-before +after):\n%s", diff)
	}
}

func activityRunsItsCourse(t *testing.T, life Life) {
	s := newStore(t, life())
	intent := activityOf(7)
	for _, status := range []evaluator.ActivityStatus{evaluator.Pending, evaluator.InProgress, evaluator.Successful} {
		commit(t, s, Changes{Activities: []*Activity{withStatus(intent, status)}})
		s = restart(t, s, life)
		all, _, err := s.Activities(Query{})
		if err != nil || len(all) != 1 || all[0].Status != status || all[0].Generation != 1 {
			t.Fatalf("history %+v, error %v; want one activity, %s, generation 1", all, err, status)
		}
		if open, want := len(s.OpenActivities()) == 1, status != evaluator.Successful; open != want {
			t.Errorf("%s is open: %t; want %t", status, open, want)
		}
	}
}

func openOldestFirst(t *testing.T, life Life) {
	s := newStore(t, life())
	for _, i := range []int{5, 2, 9, 4} {
		commit(t, s, Changes{Activities: []*Activity{activityOf(i)}})
	}
	commit(t, s, Changes{Activities: []*Activity{withStatus(activityOf(4), evaluator.Failed)}})
	for range 2 {
		var got []string
		for _, a := range s.OpenActivities() {
			got = append(got, a.ID)
		}
		if diff := cmp.Diff([]string{"activity-0002", "activity-0005", "activity-0009"}, got); diff != "" {
			t.Errorf("open activities (-want +got):\n%s", diff)
		}
		s = restart(t, s, life)
	}
}

func severalStatesInOneCommit(t *testing.T, life Life) {
	s := newStore(t, life())
	commit(t, s, Changes{Activities: []*Activity{
		activityOf(1), withStatus(activityOf(1), evaluator.InProgress), withStatus(activityOf(1), evaluator.Overridden), activityOf(2),
	}})
	s = restart(t, s, life)
	if open := s.OpenActivities(); len(open) != 1 || open[0].ID != "activity-0002" {
		t.Errorf("open: %+v; want activity-0002 alone", open)
	}
	all, _, err := s.Activities(Query{})
	if err != nil || len(all) != 2 || all[1].Status != evaluator.Overridden || all[1].Generation != 1 {
		t.Errorf("history %+v, error %v; want activity-0001 Overridden, generation 1", all, err)
	}
}

func generationsGrow(t *testing.T, life Life) {
	s := newStore(t, life())
	last := uint64(0)
	for i := range 5 {
		a := activityOf(i)
		if i%2 == 0 {
			a.Generation = s.NextGeneration()
		}
		commit(t, s, Changes{Activities: []*Activity{a}, Decisions: []*DecisionRecord{decisionOf(i)}})
		all, _, err := s.Activities(Query{Limit: 1})
		if err != nil || all[0].Generation <= last {
			t.Fatalf("generation %d after %d, error %v; want a greater one", all[0].Generation, last, err)
		}
		last = all[0].Generation
		s = restart(t, s, life)
	}
	given := activityOf(6)
	given.Generation = 1000
	commit(t, s, Changes{Activities: []*Activity{given}})
	if s = restart(t, s, life); s.NextGeneration() != 1001 {
		t.Error("a generation given by the caller does not count")
	}
}

func removedIsRemembered(t *testing.T, life Life) {
	s := newStore(t, life())
	commit(t, s, Changes{Targets: []*Target{targetOf(1, 4)}})
	commit(t, s, Changes{Targets: []*Target{targetOf(1, 5)}, Removed: []evaluator.Key{keyOf(1), keyOf(2)}})
	for range 2 {
		if _, current := s.Target(keyOf(1)); current {
			t.Error("a removed target is still current")
		}
		if m := s.Memory(keyOf(1)); m == nil || m.LastDesired != 5 {
			t.Errorf("memory %+v; want last desired 5", m)
		}
		s = restart(t, s, life)
	}
	commit(t, s, Changes{Targets: []*Target{{Key: keyOf(1)}}})
	if row, current := s.Target(keyOf(1)); !current || row.Memory.LastDesired != 5 || row.Latest == nil {
		t.Errorf("row %+v, current %t; want it back with its memory and a slot", row, current)
	}
}

func delaysAreReplaced(t *testing.T, life Life) {
	s := newStore(t, life())
	commit(t, s, Changes{Delays: map[string]Delay{"a": {Seconds: 1}, "b": {Seconds: 2}}})
	commit(t, s, Changes{})
	want := map[string]Delay{"b": {Seconds: 3}, "c": {Seconds: 4}}
	commit(t, s, Changes{Delays: want})
	for range 2 {
		if diff := cmp.Diff(want, s.Delays()); diff != "" {
			t.Errorf("delays (-want +got):\n%s", diff)
		}
		s = restart(t, s, life)
	}
	commit(t, s, Changes{Delays: map[string]Delay{}})
	if s = restart(t, s, life); len(s.Delays()) != 0 {
		t.Errorf("delays %v; want none", s.Delays())
	}
}

func decisionsKeepJSON(t *testing.T, life Life) {
	s := newStore(t, life())
	spaced, bare, named := decisionOf(1), decisionOf(1), decisionOf(1)
	spaced.JSON = []byte(`{ "message": "a < b & c" }`)
	bare.JSON, named.ID = nil, "mine"
	commit(t, s, Changes{Decisions: []*DecisionRecord{spaced, bare, named}})
	s = restart(t, s, life)
	commit(t, s, Changes{Decisions: []*DecisionRecord{decisionOf(1)}})
	all, _, err := s.Decisions(Query{})
	if err != nil || len(all) != 4 {
		t.Fatalf("%d decisions, error %v; want 4", len(all), err)
	}
	texts := map[string]string{}
	for _, r := range all {
		texts[r.ID] = string(r.JSON)
	}
	want := map[string]string{
		"d-1": `{"message":"a \u003c b \u0026 c"}`, "d-2": "", "mine": `{"message":"decision 1"}`, "d-3": `{"message":"decision 1"}`,
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
	if spaced.ID != "" {
		t.Error("the caller's record was changed")
	}
}

func closedRefuses(t *testing.T, life Life) {
	s := newStore(t, life())
	commit(t, s, Changes{Targets: targetsOf(2)})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	}
	_, _, activitiesErr := s.Activities(Query{})
	_, _, decisionsErr := s.Decisions(Query{})
	_, pruneErr := s.Prune(noon)
	for name, err := range map[string]error{
		"Activities": activitiesErr, "Decisions": decisionsErr, "Prune": pruneErr,
		"Commit": s.Commit(Changes{Targets: []*Target{targetOf(1, 9)}}), "backend Commit": s.backend.Commit(&Durable{}),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v; want ErrClosed", name, err)
		}
	}
	if len(s.Targets()) != 2 {
		t.Error("what was current cannot be read any more")
	}
}

// view is all that a store shows.
type view struct {
	Memories   map[evaluator.Key]*evaluator.Memory
	Open       []Activity
	Activities []Activity
	Decisions  []DecisionRecord
	Delays     map[string]Delay
}

// observe reads everything, the history in pages of that size.
func observe(t fataler, s *Store, pageSize int) view {
	t.Helper()
	v := view{Memories: map[evaluator.Key]*evaluator.Memory{}, Open: s.OpenActivities(), Delays: s.Delays()}
	for _, row := range s.Targets() {
		v.Memories[row.Key] = s.Memory(row.Key)
	}
	v.Activities = pages(t, s.Activities, Query{Limit: pageSize})
	v.Decisions = pages(t, s.Decisions, Query{Limit: pageSize})
	return v
}

// fataler is what *testing.T and *rapid.T have in common here.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// pages reads all pages from q on.
func pages[T any](t fataler, read func(Query) ([]T, string, error), q Query) []T {
	t.Helper()
	all := []T{}
	for {
		rows, next, err := read(q)
		if err != nil {
			t.Fatalf("page after %d records: %v", len(all), err)
		}
		all = append(all, rows...)
		if next == "" {
			return all
		}
		if len(rows) != q.Limit {
			t.Fatalf("a page of %d that is not the last has %d records", q.Limit, len(rows))
		}
		q.Cursor = next
	}
}

func ids(activities []Activity) []string {
	out := make([]string, len(activities))
	for i, a := range activities {
		out[i] = a.ID
	}
	return out
}

func historyFilters(t *testing.T, life Life) {
	s := newStore(t, life())
	other := activityOf(4)
	other.Target = evaluator.Key{Cluster: "bank", Service: keyOf(1).Service}
	in := withStatus(activityOf(3), evaluator.Successful)
	in.Direction, in.Reason = evaluator.ScaleIn, evaluator.ByStepScaling
	commit(t, s, Changes{Activities: []*Activity{activityOf(1), withStatus(activityOf(2), evaluator.Failed), in, other}})
	one, two, three, four := "activity-0001", "activity-0002", "activity-0003", "activity-0004"
	for _, test := range []struct {
		name string
		q    Query
		want []string
	}{
		{"nothing asked", Query{}, []string{four, three, two, one}},
		{"cluster", Query{Cluster: "bank"}, []string{four}},
		{"service", Query{Service: keyOf(1).Service}, []string{four, one}},
		{"cluster and service", Query{Cluster: "shop", Service: keyOf(1).Service}, []string{one}},
		{"part of a name is not the name", Query{Cluster: "sho"}, []string{}},
		{"status", Query{Status: "Failed"}, []string{two}},
		{"reason", Query{Reason: "StepScalingPolicy"}, []string{three}},
		{"direction", Query{Direction: "scale_in"}, []string{three}},
		{"action means direction", Query{Action: "scale_in"}, []string{three}},
		{"both alike", Query{Action: "scale_in", Direction: "scale_in"}, []string{three}},
		{"since includes its instant", Query{Since: at(3)}, []string{four, three}},
		{"until excludes its instant", Query{Until: at(3)}, []string{two, one}},
		{"since and until", Query{Since: at(2), Until: at(4)}, []string{three, two}},
		{"all together", Query{Cluster: "shop", Status: "Failed", Since: at(1), Until: at(9), Direction: "scale_out"}, []string{two}},
		{"bounds in other zones", Query{Since: at(3).In(time.FixedZone("", 3600))}, []string{four, three}},
		{"far away bounds", Query{Since: time.Unix(-1<<40, 0), Until: time.Unix(1<<40, 0)}, []string{four, three, two, one}},
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
	s := newStore(t, life())
	for i := range 25 {
		commit(t, s, Changes{Activities: []*Activity{activityOf(2 * i)}, Decisions: []*DecisionRecord{decisionOf(2 * i)}})
	}
	var got []string
	for q := (Query{Limit: 4}); ; {
		rows, next, err := s.Activities(q)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ids(rows)...)
		// Newer and older records come in between two pages, and the daemon restarts.
		commit(t, s, Changes{Activities: []*Activity{activityOf(100 + len(got))}})
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
	filtered := pages(t, s.Decisions, Query{Limit: 2, Service: keyOf(1).Service})
	if len(filtered) != 8 || !slices.IsSortedFunc(filtered, func(a, b DecisionRecord) int { return b.Time.Compare(a.Time) }) {
		t.Errorf("%d filtered decisions; want 8, newest first", len(filtered))
	}
}

func historyLimits(t *testing.T, life Life) {
	s := newStore(t, life())
	var many []*DecisionRecord
	for i := range MaxLimit + 5 {
		many = append(many, decisionOf(i))
	}
	commit(t, s, Changes{Decisions: many})
	for limit, want := range map[int]int{0: DefaultLimit, -3: DefaultLimit, 1: 1, MaxLimit: MaxLimit, MaxLimit + 5: MaxLimit} {
		got, next, err := s.Decisions(Query{Limit: limit})
		if err != nil || len(got) != want || next == "" {
			t.Errorf("limit %d: %d records, next %q, error %v; want %d and a next page", limit, len(got), next, err, want)
		}
	}
	if got, next, err := s.Decisions(Query{Limit: 5, Until: at(5)}); err != nil || len(got) != 5 || next != "" {
		t.Errorf("%d records, next %q, error %v; want exactly the last page", len(got), next, err)
	}
}

func badQueries(t *testing.T, life Life) {
	s := newStore(t, life())
	_, _, cursor := s.Activities(Query{Cursor: "no cursor!"})
	_, _, short := s.Decisions(Query{Cursor: "AAAA"})
	_, _, both := s.Activities(Query{Action: "scale_in", Direction: "scale_out"})
	_, _, status := s.Decisions(Query{Status: "Failed"})
	for name, err := range map[string]error{
		"a garbled cursor": cursor, "a cut cursor": short, "two directions": both, "the status of a decision": status,
	} {
		if !errors.Is(err, ErrQuery) {
			t.Errorf("%s: %v; want ErrQuery", name, err)
		}
	}
}

func historyBeforeEpoch(t *testing.T, life Life) {
	s := newStore(t, life())
	old, older, now := decisionOf(1), decisionOf(2), decisionOf(3)
	old.Time, older.Time = time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	commit(t, s, Changes{Decisions: []*DecisionRecord{old, now, older}})
	got, _, err := s.Decisions(Query{})
	if err != nil || len(got) != 3 || !got[0].Time.Equal(now.Time) || !got[2].Time.Equal(older.Time) {
		t.Errorf("%+v, error %v; want newest first", got, err)
	}
}

func pruneOld(t *testing.T, life Life) {
	s := newStore(t, life())
	now := noon.Add(Retention)
	commit(t, s, Changes{
		Targets: targetsOf(1),
		Activities: []*Activity{
			activityOf(-2), withStatus(activityOf(-1), evaluator.Failed), withStatus(activityOf(0), evaluator.Successful),
		},
		Decisions: []*DecisionRecord{decisionOf(-1), decisionOf(0), decisionOf(1)},
	})
	if n, err := s.Prune(now); err != nil || n != 2 {
		t.Fatalf("pruned %d, error %v; want 2: one activity and one decision", n, err)
	}
	s = restart(t, s, life)
	v := observe(t, s, 100)
	if got := ids(v.Activities); !slices.Equal(got, []string{activityOf(0).ID, activityOf(-2).ID}) {
		t.Errorf("activities %v; want the one of exactly six weeks ago and the open one", got)
	}
	if len(v.Decisions) != 2 || len(v.Open) != 1 || s.Memory(keyOf(0)) == nil {
		t.Errorf("%d decisions, %d open, memory %v; want 2, 1 and some", len(v.Decisions), len(v.Open), s.Memory(keyOf(0)))
	}
	if n, err := s.Prune(now); err != nil || n != 0 {
		t.Errorf("pruned %d more, error %v; want 0", n, err)
	}
}

func pruneMany(t *testing.T, life Life) {
	s := newStore(t, life())
	var c Changes
	for i := range 2*pruneBatch + 10 {
		c.Decisions = append(c.Decisions, decisionOf(i))
		if i < pruneBatch+2 { // More open activities than a batch must not hide what is behind them.
			c.Activities = append(c.Activities, activityOf(i))
		}
	}
	c.Activities = append(c.Activities, withStatus(activityOf(pruneBatch+2), evaluator.Failed))
	commit(t, s, c)
	n, err := s.Prune(at(2 * pruneBatch).Add(Retention))
	if err != nil || n != 2*pruneBatch+1 {
		t.Errorf("pruned %d, error %v; want %d", n, err, 2*pruneBatch+1)
	}
	if left := pages(t, s.Decisions, Query{Limit: 7}); len(left) != 10 {
		t.Errorf("%d decisions left; want 10", len(left))
	}
	if open := len(s.OpenActivities()); open != pruneBatch+2 {
		t.Errorf("%d open activities left; want all %d", open, pruneBatch+2)
	}
}
