package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestGlobKnowsStarsAndQuestionMarksAndNothingElse(t *testing.T) {
	for _, g := range []struct {
		pattern, name string
		want          bool
	}{
		{"api", "api", true}, {"api", "apis", false}, {"api", "ap", false}, {"", "", true}, {"", "a", false},
		{"*", "", true}, {"*", "anything", true}, {"**", "a", true}, {"?", "a", true}, {"?", "", false}, {"?", "ab", false},
		{"api-*", "api-", true}, {"api-*", "api", false}, {"*-api", "web-api", true}, {"*-api", "web-apis", false},
		{"a*b*c", "a1b2b3c", true}, {"a*b*c", "acb", false}, {"a?c", "abc", true}, {"*a?", "aaab", true},
		{"[ab]", "a", false}, {"[ab]", "[ab]", true}, {"{a,b}", "a", false}, {`\*`, "*", false}, {"A", "a", false},
	} {
		if got := glob(g.pattern, g.name); got != g.want {
			t.Errorf("glob(%q, %q) = %v, want %v", g.pattern, g.name, got, g.want)
		}
	}
}

// plainGlob is the definition, slow and obvious.
func plainGlob(p, s string) bool {
	switch {
	case p == "":
		return s == ""
	case p[0] == '*':
		return plainGlob(p[1:], s) || s != "" && plainGlob(p, s[1:])
	case s == "":
		return false
	}
	return (p[0] == '?' || p[0] == s[0]) && plainGlob(p[1:], s[1:])
}

func TestGlobAgreesWithItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.StringMatching(`[ab*?]{0,7}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab]{0,8}`).Draw(t, "name")
		if got, want := glob(p, s), plainGlob(p, s); got != want {
			t.Fatalf("glob(%q, %q) = %v, want %v", p, s, got, want)
		}
	})
}

func TestACoveringPatternMatchesEverythingThatTheOtherMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		outer := rapid.StringMatching(`[ab*?]{0,5}`).Draw(t, "outer")
		inner := rapid.StringMatching(`[ab*?]{0,5}`).Draw(t, "inner")
		name := rapid.StringMatching(`[ab]{0,6}`).Draw(t, "name")
		if covers(outer, inner) && plainGlob(inner, name) && !plainGlob(outer, name) {
			t.Fatalf("%q is said to cover %q, but not %q", outer, inner, name)
		}
	})
}

func TestGlobIsQuickOnManyStars(t *testing.T) {
	if glob(strings.Repeat("a*", 100)+"b", strings.Repeat("a", 255)) {
		t.Error("there is no b")
	}
}

const selection = `
targets:
  - {service: "*/*", min_capacity: 1, max_capacity: 1}
  - {service: "web/*", min_capacity: 1, max_capacity: 2}
  - {service: "web/api", min_capacity: 1, max_capacity: 3}
  - {service: "web/api", tags: {team: a}, min_capacity: 1, max_capacity: 4}
  - {service: "jobs/*", tags: {team: a, tier: "1"}, min_capacity: 1, max_capacity: 5}
`

func TestAnExactNameBeatsAPatternAndElseTheFirstInTheFileCounts(t *testing.T) {
	c := parse(t, selection)
	for _, s := range []struct {
		cluster, service string
		tags             map[string]string
		want             int
		others           []int
	}{
		{"other", "x", nil, 1, nil},
		{"web", "front", nil, 1, []int{2}},
		{"web", "api", nil, 3, []int{1, 2}},
		{"web", "api", map[string]string{"team": "a"}, 3, []int{4, 1, 2}},
		{"jobs", "x", map[string]string{"team": "a"}, 1, nil},
		{"jobs", "x", map[string]string{"team": "a", "tier": "1", "more": ""}, 1, []int{5}},
	} {
		got, others := c.Select(s.cluster, s.service, s.tags)
		if got == nil || got.MaxCapacity != s.want {
			t.Errorf("%s/%s %v: got %+v, want the entry with max %d", s.cluster, s.service, s.tags, got, s.want)
		}
		var rest []int
		for _, o := range others {
			rest = append(rest, o.MaxCapacity)
		}
		if diff := cmp.Diff(s.others, rest); diff != "" {
			t.Errorf("%s/%s %v: others (-want +got):\n%s", s.cluster, s.service, s.tags, diff)
		}
	}
}

func TestAServiceThatNoEntryMatchesHasNone(t *testing.T) {
	c := parse(t, target("    tags: {team: a}\n"))
	for _, tags := range []map[string]string{nil, {"team": "b"}, {"other": "a"}} {
		if got, others := c.Select("web", "api", tags); got != nil || others != nil {
			t.Errorf("tags %v: got %v and %v, want none", tags, got, others)
		}
	}
	if !c.NeedsTags() || parse(t, tracking(cpu)).NeedsTags() {
		t.Error("NeedsTags must be true exactly for a config that selects by tags")
	}
}

func TestOnlyNamesWithWildcardsArePatterns(t *testing.T) {
	c := parse(t, selection)
	var got []bool
	for _, entry := range c.Targets {
		got = append(got, entry.IsPattern())
	}
	if diff := cmp.Diff([]bool{true, true, false, false, true}, got); diff != "" {
		t.Errorf("IsPattern (-want +got):\n%s", diff)
	}
}
