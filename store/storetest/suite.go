// Package storetest has the tests that every backend of the store must pass, wherever it keeps what it is given.
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

// Life is a durable state of which one daemon after the other makes use.
type Life struct {
	// Open opens the state again, as a daemon does that is started anew. The backend it gave before has been closed by then.
	Open func() store.Backend
	// At tells a state that lets records expire by itself what time it is; nil for one that is pruned.
	At func(now time.Time)
	// Many is how many records are more than the backend takes or removes at once; 0 means 1,000.
	Many int
}

func (l Life) many() int {
	if l.Many == 0 {
		return 1000
	}
	return l.Many
}

// expires reports whether records expire by themselves, and sets the time by which they do.
func (l Life) expires(now time.Time) bool {
	if l.At != nil {
		l.At(now)
	}
	return l.At != nil
}

// Suite is what every backend must do under a store. begin gives a new, empty state. Whoever runs it also runs SixWeeks.
func Suite(t *testing.T, begin func(t *testing.T) Life) {
	t.Helper()
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
		{"what did not scale stands among the activities", attemptsInOrder},
		{"pruning goes through many batches", pruneMany},
		{"a closed state refuses everything", closedRefuses},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, begin(t)) })
	}
}

// restart closes s and begins the next life.
func restart(t *testing.T, s *store.Store, life Life) *store.Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return newStore(t, life.Open())
}

func newStateIsEmpty(t *testing.T, life Life) {
	s := newStore(t, life.Open())
	activities, next, err := s.Activities(store.Query{})
	if err != nil || next != "" || len(activities) != 0 {
		t.Errorf("activities: %v, next %q, error %v; want none", activities, next, err)
	}
	decisions, next, err := s.Decisions(store.Query{})
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
	s := newStore(t, life.Open())
	commit(t, s, store.Changes{
		Targets: targetsOf(3), Activities: []*store.Activity{activityOf(1)},
		Decisions: []*store.DecisionRecord{decisionOf(1)},
		Delays:    map[string]store.Delay{"AWS/ECS 60": {Seconds: 97.5, Samples: 12}},
	})
	before := observe(t, s, 100)
	s = restart(t, s, life)
	if len(s.Targets()) != 0 {
		t.Error("targets are current before anybody said so")
	}
	commit(t, s, store.Changes{Targets: []*store.Target{{Key: keyOf(0)}, {Key: keyOf(1)}, {Key: keyOf(2)}}})
	if diff := cmp.Diff(before, observe(t, s, 100)); diff != "" {
		t.Errorf("the next life remembers something else (-before +after):\n%s", diff)
	}
}

func activityRunsItsCourse(t *testing.T, life Life) {
	s := newStore(t, life.Open())
	intent := activityOf(7)
	for _, status := range []evaluator.ActivityStatus{evaluator.Pending, evaluator.InProgress, evaluator.Successful} {
		commit(t, s, store.Changes{Activities: []*store.Activity{withStatus(intent, status)}})
		s = restart(t, s, life)
		all, _, err := s.Activities(store.Query{})
		if err != nil || len(all) != 1 || all[0].Status != status || all[0].Generation != 1 {
			t.Fatalf("history %+v, error %v; want one activity, %s, generation 1", all, err, status)
		}
		if open, want := len(s.OpenActivities()) == 1, status != evaluator.Successful; open != want {
			t.Errorf("%s is open: %t; want %t", status, open, want)
		}
	}
}

func openOldestFirst(t *testing.T, life Life) {
	s := newStore(t, life.Open())
	for _, i := range []int{5, 2, 9, 4} {
		commit(t, s, store.Changes{Activities: []*store.Activity{activityOf(i)}})
	}
	commit(t, s, store.Changes{Activities: []*store.Activity{withStatus(activityOf(4), evaluator.Failed)}})
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
	s := newStore(t, life.Open())
	commit(t, s, store.Changes{Activities: []*store.Activity{
		activityOf(1), withStatus(activityOf(1), evaluator.InProgress), withStatus(activityOf(1), evaluator.Overridden), activityOf(2),
	}})
	s = restart(t, s, life)
	if open := s.OpenActivities(); len(open) != 1 || open[0].ID != "activity-0002" {
		t.Errorf("open: %+v; want activity-0002 alone", open)
	}
	all, _, err := s.Activities(store.Query{})
	if err != nil || len(all) != 2 || all[1].Status != evaluator.Overridden || all[1].Generation != 1 {
		t.Errorf("history %+v, error %v; want activity-0001 Overridden, generation 1", all, err)
	}
}

func generationsGrow(t *testing.T, life Life) {
	s := newStore(t, life.Open())
	last := uint64(0)
	for i := range 5 {
		a := activityOf(i)
		if i%2 == 0 {
			a.Generation = s.NextGeneration()
		}
		commit(t, s, store.Changes{Activities: []*store.Activity{a}, Decisions: []*store.DecisionRecord{decisionOf(i)}})
		all, _, err := s.Activities(store.Query{Limit: 1})
		if err != nil || all[0].Generation <= last {
			t.Fatalf("generation %d after %d, error %v; want a greater one", all[0].Generation, last, err)
		}
		last = all[0].Generation
		s = restart(t, s, life)
	}
	given := activityOf(6)
	given.Generation = 1000
	commit(t, s, store.Changes{Activities: []*store.Activity{given}})
	if s = restart(t, s, life); s.NextGeneration() != 1001 {
		t.Error("a generation given by the caller does not count")
	}
}

func removedIsRemembered(t *testing.T, life Life) {
	s := newStore(t, life.Open())
	commit(t, s, store.Changes{Targets: []*store.Target{targetOf(1, 4)}})
	commit(t, s, store.Changes{Targets: []*store.Target{targetOf(1, 5)}, Removed: []evaluator.Key{keyOf(1), keyOf(2)}})
	for range 2 {
		if _, current := s.Target(keyOf(1)); current {
			t.Error("a removed target is still current")
		}
		if m := s.Memory(keyOf(1)); m == nil || m.LastDesired != 5 {
			t.Errorf("memory %+v; want last desired 5", m)
		}
		s = restart(t, s, life)
	}
	commit(t, s, store.Changes{Targets: []*store.Target{{Key: keyOf(1)}}})
	if row, current := s.Target(keyOf(1)); !current || row.Memory.LastDesired != 5 || row.Latest == nil {
		t.Errorf("row %+v, current %t; want it back with its memory and a slot", row, current)
	}
}

func delaysAreReplaced(t *testing.T, life Life) {
	s := newStore(t, life.Open())
	commit(t, s, store.Changes{Delays: map[string]store.Delay{"a": {Seconds: 1}, "b": {Seconds: 2}}})
	commit(t, s, store.Changes{})
	want := map[string]store.Delay{"b": {Seconds: 3}, "c": {Seconds: 4}}
	commit(t, s, store.Changes{Delays: want})
	for range 2 {
		if diff := cmp.Diff(want, s.Delays()); diff != "" {
			t.Errorf("delays (-want +got):\n%s", diff)
		}
		s = restart(t, s, life)
	}
	commit(t, s, store.Changes{Delays: map[string]store.Delay{}})
	if s = restart(t, s, life); len(s.Delays()) != 0 {
		t.Errorf("delays %v; want none", s.Delays())
	}
}

func delaysByScope(t *testing.T, life Life) {
	s := newStore(t, life.Open())
	want := map[store.Scope]map[string]store.Delay{
		{}:                                    {"a": {Seconds: 1}},
		{Cluster: "shop"}:                     {"a": {Seconds: 2}, "b": {Seconds: 3}},
		{Cluster: "shops"}:                    {"a": {Seconds: 4}},
		{Account: "staging", Cluster: "shop"}: {"b": {Seconds: 5}},
	}
	for sc, delays := range want {
		commit(t, s, store.Changes{Scope: sc, Delays: map[string]store.Delay{"old": {}}})
		commit(t, s, store.Changes{Scope: sc, Delays: delays})
	}
	for range 2 {
		for sc, delays := range want {
			if diff := cmp.Diff(delays, s.DelaysOf(sc)); diff != "" {
				t.Errorf("delays of %q (-want +got):\n%s", sc, diff)
			}
		}
		s = restart(t, s, life)
	}
}

func decisionsKeepJSON(t *testing.T, life Life) {
	s := newStore(t, life.Open())
	spaced, bare, named := decisionOf(1), decisionOf(1), decisionOf(1)
	spaced.JSON = []byte(`{ "message": "a < b & c" }`)
	bare.JSON, named.ID = nil, "mine"
	commit(t, s, store.Changes{Decisions: []*store.DecisionRecord{spaced, bare, named}})
	s = restart(t, s, life)
	commit(t, s, store.Changes{Decisions: []*store.DecisionRecord{decisionOf(1)}})
	all, _, err := s.Decisions(store.Query{})
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
	b := life.Open()
	s := newStore(t, b)
	commit(t, s, store.Changes{Targets: targetsOf(2)})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	}
	_, _, activitiesErr := s.Activities(store.Query{})
	_, _, decisionsErr := s.Decisions(store.Query{})
	_, pruneErr := s.Prune(noon)
	for name, err := range map[string]error{
		"Activities": activitiesErr, "Decisions": decisionsErr, "Prune": pruneErr,
		"Commit": s.Commit(store.Changes{Targets: []*store.Target{targetOf(1, 9)}}), "backend Commit": b.Commit(&store.Durable{}),
	} {
		if !errors.Is(err, store.ErrClosed) {
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
	Open       []store.Activity
	Activities []store.Activity
	Decisions  []store.DecisionRecord
	Delays     map[string]store.Delay
}

// observe reads everything, the history in pages of that size.
func observe(t fataler, s *store.Store, pageSize int) view {
	t.Helper()
	v := view{Memories: map[evaluator.Key]*evaluator.Memory{}, Open: s.OpenActivities(), Delays: s.Delays()}
	for _, row := range s.Targets() {
		v.Memories[row.Key] = s.Memory(row.Key)
	}
	v.Activities = pages(t, s.Activities, store.Query{Limit: pageSize})
	v.Decisions = pages(t, s.Decisions, store.Query{Limit: pageSize})
	return v
}

// fataler is what *testing.T and *rapid.T have in common here.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// pages reads all pages from q on.
func pages[T any](t fataler, read func(store.Query) ([]T, string, error), q store.Query) []T {
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

func ids(activities []store.Activity) []string {
	out := make([]string, len(activities))
	for i, a := range activities {
		out[i] = a.ID
	}
	return out
}

func historyBeforeEpoch(t *testing.T, life Life) {
	s := newStore(t, life.Open())
	old, older, now := decisionOf(1), decisionOf(2), decisionOf(3)
	life.expires(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC))
	old.Time, older.Time = time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	commit(t, s, store.Changes{Decisions: []*store.DecisionRecord{old, now, older}})
	got, _, err := s.Decisions(store.Query{})
	if err != nil || len(got) != 3 || !got[0].Time.Equal(now.Time) || !got[2].Time.Equal(older.Time) {
		t.Errorf("%+v, error %v; want newest first", got, err)
	}
}

// SixWeeks is that history is kept for six weeks, and open activities for as long as they are open.
func SixWeeks(t *testing.T, life Life) {
	s := newStore(t, life.Open())
	now := noon.Add(store.Retention)
	commit(t, s, store.Changes{
		Targets: targetsOf(1),
		Activities: []*store.Activity{
			activityOf(-2), withStatus(activityOf(-1), evaluator.Failed), withStatus(activityOf(0), evaluator.Successful),
		},
		Decisions: []*store.DecisionRecord{decisionOf(-1), decisionOf(0), decisionOf(1)},
	})
	want := 2
	if life.expires(now) {
		want = 0
	}
	if n, err := s.Prune(now); err != nil || n != want {
		t.Fatalf("pruned %d, error %v; want %d: one activity and one decision where they do not expire", n, err, want)
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
	many := life.many()
	s := newStore(t, life.Open())
	var c store.Changes
	for i := range 2*many + 10 {
		c.Decisions = append(c.Decisions, decisionOf(i))
		if i < many+2 { // More open activities than a batch must not hide what is behind them.
			c.Activities = append(c.Activities, activityOf(i))
		}
	}
	c.Activities = append(c.Activities, withStatus(activityOf(many+2), evaluator.Failed))
	commit(t, s, c)
	now, want := at(2*many).Add(store.Retention), 2*many+1
	if life.expires(now) {
		want = 0
	}
	n, err := s.Prune(now)
	if err != nil || n != want {
		t.Errorf("pruned %d, error %v; want %d", n, err, want)
	}
	if left := pages(t, s.Decisions, store.Query{Limit: 7}); len(left) != 10 {
		t.Errorf("%d decisions left; want 10", len(left))
	}
	if open := len(s.OpenActivities()); open != many+2 {
		t.Errorf("%d open activities left; want all %d", open, many+2)
	}
}
