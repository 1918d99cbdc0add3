package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// Leased is a backend that several daemons use at once, with the leases that say which daemon steers which scope.
type Leased interface {
	store.Shared
	ReadLeases(ctx context.Context) ([]store.Lease, []store.Member, error)
	Beat(ctx context.Context, m store.Member) error
	Take(ctx context.Context, l store.Lease, owner string) (store.Lease, error)
	Release(ctx context.Context, l store.Lease) error
	Leave(ctx context.Context, id string) error
}

// Daemons gives each daemon its own backend on one and the same state.
type Daemons func() Leased

// Shared is what every backend must do that several daemons use at once. begin gives a new, empty state.
func Shared(t *testing.T, begin func(t *testing.T) Daemons) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(t *testing.T, daemons Daemons)
	}{
		{"loading gives nothing, and a scope what is remembered of it", scopesAreLoadedAlone},
		{"the scopes that have any state are known", scopesAreKnown},
		{"a lease has one owner at a time", leasesHaveOneOwner},
		{"a lease is released in good order once", leasesAreReleased},
		{"a lease is released by its owner alone", onlyOwnersRelease},
		{"members come and go", membersComeAndGo},
		{"of two daemons that want a lease at once one gets it", oneOfTwoTakes},
		{"a daemon that has lost its lease changes nothing", fencedChangesNothing},
		{"the next owner sees the last commit of the one before", nextOwnerSees},
		{"accounts keep clusters of one name apart", accountsApart},
		{"a commit without a lease is refused while a daemon has one", unleasedIsRefused},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, begin(t)) })
	}
}

var (
	shop  = store.Scope{Cluster: "shop"}
	bank  = store.Scope{Cluster: "bank"}
	other = store.Scope{Account: "staging", Cluster: "shop"}
)

// take makes owner the one who steers a scope.
func take(t *testing.T, b Leased, l store.Lease, owner string) store.Lease {
	t.Helper()
	got, err := b.Take(t.Context(), l, owner)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func fenceOf(l store.Lease) *store.Fence {
	return &store.Fence{Scope: l.Scope, Generation: l.Generation}
}

// adopt is a daemon that has taken the scopes.
func adopt(t *testing.T, b Leased, scopes ...store.Scope) *store.Store {
	t.Helper()
	s := newStore(t, b)
	for _, sc := range scopes {
		if err := s.Adopt(t.Context(), sc); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func in(sc store.Scope, row *store.Target) *store.Target {
	row.Key.Account, row.Key.Cluster = sc.Account, sc.Cluster
	return row
}

func scopesAreLoadedAlone(t *testing.T, daemons Daemons) {
	b := daemons()
	s := adopt(t, b, shop, bank)
	for i, sc := range []store.Scope{shop, bank} {
		l := take(t, b, store.Lease{Scope: sc}, "one")
		a := activityOf(i)
		a.Target.Cluster = sc.Cluster
		commit(t, s, store.Changes{
			Fence: fenceOf(l), Targets: []*store.Target{in(sc, targetOf(i, 3+i))}, Activities: []*store.Activity{a},
			Delays: map[string]store.Delay{"a": {Seconds: float64(i)}},
		})
	}
	next := daemons()
	if whole, err := next.Load(); err != nil || len(whole.Memories)+len(whole.Open)+len(whole.Delays) != 0 {
		t.Errorf("loading gives %+v, error %v; want nothing", whole, err)
	}
	got, err := next.LoadScope(t.Context(), bank)
	if err != nil || len(got.Memories) != 1 || len(got.Open) != 1 || got.Open[0].ID != activityOf(1).ID || got.Sequence != 2 {
		t.Fatalf("the scope has %+v, error %v; want one memory, one open activity, sequence 2", got, err)
	}
	if diff := cmp.Diff(memoryOf(4), got.Memories[0].Memory); diff != "" {
		t.Errorf("memory (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]store.Delay{"a": {Seconds: 1}}, got.Delays); diff != "" {
		t.Errorf("delays (-want +got):\n%s", diff)
	}
}

func scopesAreKnown(t *testing.T, daemons Daemons) {
	b := daemons()
	take(t, b, store.Lease{Scope: store.Scope{Cluster: "taken-only"}}, "one")
	s := adopt(t, b, shop, bank, other)
	for _, sc := range []store.Scope{shop, other, bank} {
		l := take(t, b, store.Lease{Scope: sc}, "one")
		commit(t, s, store.Changes{Fence: fenceOf(l), Targets: []*store.Target{in(sc, targetOf(1, 1))}})
	}
	got, err := daemons().Scopes()
	if want := []store.Scope{bank, shop, other}; err != nil || !slices.Equal(got, want) {
		t.Errorf("scopes %v, error %v; want %v", got, err, want)
	}
}

func leasesHaveOneOwner(t *testing.T, daemons Daemons) {
	one, two := daemons(), daemons()
	first := take(t, one, store.Lease{Scope: shop}, "one")
	if want := (store.Lease{Scope: shop, Owner: "one", Generation: 1}); first != want {
		t.Errorf("the first lease is %+v, want %+v", first, want)
	}
	if _, err := two.Take(t.Context(), store.Lease{Scope: shop}, "two"); !errors.Is(err, store.ErrFenced) {
		t.Errorf("a lease that is there is taken as a new one: %v; want ErrFenced", err)
	}
	second := take(t, two, first, "two")
	if second.Generation != 2 || second.Owner != "two" {
		t.Errorf("the second lease is %+v, want generation 2 of two", second)
	}
	if _, err := one.Take(t.Context(), first, "one"); !errors.Is(err, store.ErrFenced) {
		t.Errorf("an old lease is taken: %v; want ErrFenced", err)
	}
	leases, _, err := one.ReadLeases(t.Context())
	if err != nil || !slices.Equal(leases, []store.Lease{second}) {
		t.Errorf("leases %+v, error %v; want %+v alone", leases, err, second)
	}
}

func leasesAreReleased(t *testing.T, daemons Daemons) {
	b := daemons()
	l := take(t, b, store.Lease{Scope: shop}, "one")
	if err := b.Release(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	leases, _, err := b.ReadLeases(t.Context())
	if want := (store.Lease{Scope: shop, Generation: 2}); err != nil || !slices.Equal(leases, []store.Lease{want}) {
		t.Errorf("leases %+v, error %v; want %+v", leases, err, want)
	}
	take(t, daemons(), leases[0], "two")
	if err := b.Release(t.Context(), l); !errors.Is(err, store.ErrFenced) {
		t.Errorf("releasing what another daemon has: %v; want ErrFenced", err)
	}
}

// A Take whose answer was lost may have made the same generation as the one that another daemon got.
func onlyOwnersRelease(t *testing.T, daemons Daemons) {
	one, two := daemons(), daemons()
	expired := take(t, one, store.Lease{Scope: shop}, "dead")
	held := take(t, two, expired, "two")
	believed := store.Lease{Scope: shop, Owner: "one", Generation: held.Generation}
	if err := one.Release(t.Context(), believed); !errors.Is(err, store.ErrFenced) {
		t.Errorf("releasing another daemon's lease of the same generation: %v; want ErrFenced", err)
	}
	if err := one.Release(t.Context(), store.Lease{Scope: shop, Generation: held.Generation}); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("releasing a lease that is nobody's: %v; want ErrInvalid", err)
	}
	leases, _, err := one.ReadLeases(t.Context())
	if err != nil || !slices.Equal(leases, []store.Lease{held}) {
		t.Errorf("leases %+v, error %v; want %+v alone", leases, err, held)
	}
	if err := two.Release(t.Context(), held); err != nil {
		t.Errorf("its owner releases it: %v", err)
	}
}

func membersComeAndGo(t *testing.T, daemons Daemons) {
	b := daemons()
	want := []store.Member{{ID: "one", Beat: 7, Address: "127.0.0.1:8080"}, {ID: "two", Beat: 1}}
	for _, m := range append([]store.Member{{ID: "one", Beat: 6}}, want...) {
		if err := b.Beat(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, got, err := daemons().ReadLeases(t.Context()); err != nil || !slices.Equal(got, want) {
			t.Errorf("members %+v, error %v; want %+v", got, err, want)
		}
		if err := b.Leave(t.Context(), "two"); err != nil {
			t.Errorf("leaving: %v", err)
		}
		want = want[:1]
	}
}

func oneOfTwoTakes(t *testing.T, daemons Daemons) {
	l := take(t, daemons(), store.Lease{Scope: shop}, "before")
	results := make(chan error)
	for _, owner := range []string{"one", "two"} {
		go func() {
			_, err := daemons().Take(t.Context(), l, owner)
			results <- err
		}()
	}
	first, second := <-results, <-results
	if (first == nil) == (second == nil) || !errors.Is(errors.Join(first, second), store.ErrFenced) {
		t.Errorf("%v and %v; want one to get it and ErrFenced for the other", first, second)
	}
}

func fencedChangesNothing(t *testing.T, daemons Daemons) {
	b := daemons()
	l := take(t, b, store.Lease{Scope: shop}, "one")
	s := adopt(t, b, shop)
	commit(t, s, store.Changes{Fence: fenceOf(l), Targets: []*store.Target{targetOf(1, 4)}, Activities: []*store.Activity{activityOf(1)}})
	take(t, daemons(), l, "two")
	before, err := daemons().LoadScope(t.Context(), shop)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Commit(store.Changes{
		Fence: fenceOf(l), Targets: []*store.Target{targetOf(1, 9), targetOf(2, 9)},
		Activities: []*store.Activity{withStatus(activityOf(1), evaluator.Failed), activityOf(2)},
		Decisions:  []*store.DecisionRecord{decisionOf(1)}, Delays: map[string]store.Delay{"a": {Seconds: 9}},
	})
	if !errors.Is(err, store.ErrFenced) {
		t.Errorf("a commit under an old lease: %v; want ErrFenced", err)
	}
	after, err := daemons().LoadScope(t.Context(), shop)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("it changed the scope (-before +after):\n%s", diff)
	}
	if decisions, _, err := s.Decisions(store.Query{}); err != nil || len(decisions) != 0 {
		t.Errorf("decisions %+v, error %v; want none", decisions, err)
	}
	if m := s.Memory(keyOf(1)); m.LastDesired != 4 || len(s.OpenActivities()) != 1 {
		t.Error("the store believes what was not committed")
	}
}

func nextOwnerSees(t *testing.T, daemons Daemons) {
	one := daemons()
	l := take(t, one, store.Lease{Scope: shop}, "one")
	s := adopt(t, one, shop)
	commit(t, s, store.Changes{
		Fence: fenceOf(l), Targets: []*store.Target{targetOf(1, 4)}, Activities: []*store.Activity{activityOf(1), activityOf(2)},
		Decisions: []*store.DecisionRecord{decisionOf(1)},
	})
	commit(t, s, store.Changes{Fence: fenceOf(l), Activities: []*store.Activity{withStatus(activityOf(2), evaluator.Successful)}})
	two := daemons()
	next := take(t, two, l, "two")
	s = adopt(t, two, shop)
	if open := s.OpenActivities(); len(open) != 1 || open[0].ID != activityOf(1).ID || s.Memory(keyOf(1)) == nil {
		t.Errorf("open %+v, memory %v; want the intent and what was remembered with it", open, s.Memory(keyOf(1)))
	}
	if n := s.NextGeneration(); n != 4 {
		t.Errorf("the next generation is %d; want 4, after two activities and a decision", n)
	}
	commit(t, s, store.Changes{Fence: fenceOf(next), Activities: []*store.Activity{withStatus(activityOf(1), evaluator.Overridden)}})
	all, _, err := s.Activities(store.Query{})
	if err != nil || len(all) != 2 || all[1].Status != evaluator.Overridden || all[1].Generation != 1 {
		t.Errorf("activities %+v, error %v; want both, the older one Overridden", all, err)
	}
}

func accountsApart(t *testing.T, daemons Daemons) {
	b := daemons()
	s := adopt(t, b, shop, other)
	for i, sc := range []store.Scope{shop, other} {
		l := take(t, b, store.Lease{Scope: sc}, "one")
		a := activityOf(i)
		a.Target = evaluator.Key{Account: sc.Account, Cluster: sc.Cluster, Service: "web"}
		commit(t, s, store.Changes{
			Fence: fenceOf(l), Targets: []*store.Target{in(sc, targetOf(1, 3+i))}, Activities: []*store.Activity{a},
		})
	}
	got, err := daemons().LoadScope(t.Context(), other)
	if err != nil || len(got.Memories) != 1 || got.Memories[0].Memory.LastDesired != 4 || got.Memories[0].Target.Account != "staging" {
		t.Errorf("scope %+v, error %v; want the memory of its own account", got, err)
	}
	for q, want := range map[store.Query]int{{}: 2, {Cluster: "shop"}: 2, {Account: "staging"}: 1, {Cluster: "bank"}: 0} {
		if rows, _, err := s.Activities(q); err != nil || len(rows) != want {
			t.Errorf("%+v finds %d, error %v; want %d", q, len(rows), err, want)
		}
	}
}

func unleasedIsRefused(t *testing.T, daemons Daemons) {
	b := daemons()
	s := adopt(t, b, shop)
	commit(t, s, store.Changes{Targets: []*store.Target{targetOf(1, 1)}})
	l := take(t, daemons(), store.Lease{Scope: shop}, "one")
	if err := s.Commit(store.Changes{Targets: []*store.Target{targetOf(1, 2)}}); !errors.Is(err, store.ErrFenced) {
		t.Errorf("a commit beside a daemon: %v; want ErrFenced", err)
	}
	if err := b.Release(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	commit(t, s, store.Changes{Targets: []*store.Target{targetOf(1, 3)}})
	if got, err := daemons().LoadScope(t.Context(), shop); err != nil || got.Memories[0].Memory.LastDesired != 3 {
		t.Errorf("scope %+v, error %v; want the last desired count to be 3", got, err)
	}
}
