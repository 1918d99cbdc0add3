package lease

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ecs-autoscaler/store"
)

// names draws distinct names.
func names(t *rapid.T, label string, most int) []string {
	return rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,3}[0-9]?`), 1, most, rapid.ID[string]).Draw(t, label)
}

func drawScopes(t *rapid.T) []store.Scope {
	var scopes []store.Scope
	for _, c := range names(t, "clusters", 40) {
		scopes = append(scopes, store.Scope{Cluster: c})
	}
	return scopes
}

func TestEveryScopeIsDealtToOneMemberAndNobodyGetsMoreThanAFairShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scopes, members := drawScopes(t), names(t, "members", 7)
		dealt := share(scopes, members)
		has := map[string]int{}
		for _, sc := range scopes {
			if dealt[sc] == "" {
				t.Fatalf("%s is nobody's", sc)
			}
			has[dealt[sc]]++
		}
		fair := (len(scopes) + len(members) - 1) / len(members)
		for id, n := range has {
			if n > fair {
				t.Fatalf("%s has %d of %d scopes", id, n, len(scopes))
			}
		}
	})
}

func TestTheOrderInWhichADaemonKnowsThingsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scopes, members := drawScopes(t), names(t, "members", 7)
		again := share(rapid.Permutation(scopes).Draw(t, "scopes"), rapid.Permutation(members).Draw(t, "members"))
		if !maps.Equal(share(scopes, members), again) {
			t.Fatal("two daemons would not agree")
		}
		if digest(scopes) != digest(rapid.Permutation(scopes).Draw(t, "digest")) {
			t.Fatal("two daemons would not know that they agree")
		}
	})
}

func TestAMemberThatLeavesMovesLittleElse(t *testing.T) {
	var scopes []store.Scope
	for i := range 100 {
		scopes = append(scopes, store.Scope{Cluster: fmt.Sprintf("cluster-%d", i)})
	}
	before := share(scopes, []string{"a", "b", "c", "d"})
	after := share(scopes, []string{"a", "b", "c"})
	moved := 0
	for sc, id := range before {
		if id != "d" && after[sc] != id {
			moved++
		}
	}
	if moved > 25 {
		t.Errorf("%d of 75 scopes moved although their members stayed", moved)
	}
}

func TestTimeInWhichNobodyLookedIsNotTimeInWhichNothingMoved(t *testing.T) {
	s := sights{every: Every, known: map[string]*sight{}}
	beats := map[string]uint64{"other": 1}
	s.look(Every, beats)
	s.look(time.Hour, beats) // this daemon was asleep
	if s.dead("other") {
		t.Error("an hour of sleep was taken for the other's death")
	}
	for i := range 4 {
		s.look(time.Hour+time.Duration(i+1)*Every, beats)
	}
	if !s.dead("other") {
		t.Error("a heartbeat that stands still is taken for alive")
	}
	beats["other"] = 2
	s.look(time.Hour+5*Every, beats)
	if s.dead("other") || s.lively("other") {
		t.Error("one beat makes it neither dead nor trusted")
	}
}
