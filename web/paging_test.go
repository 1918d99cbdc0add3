package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"

	"pgregory.net/rapid"
)

// page is any page of the API.
type page struct {
	Targets    []struct{ Service string }
	Decisions  []struct{ Time time.Time }
	Activities []struct {
		ID string `json:"activity_id"`
	}
	Next *string `json:"next_cursor"`
}

// walk follows the pages of a path and calls between after each; it returns every page.
func walk(t testing.TB, h http.Handler, path string, limit int, between func(i int)) []page {
	t.Helper()
	var pages []page
	for cursor := ""; ; {
		q := url.Values{"limit": {strconv.Itoa(limit)}}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		w := get(h, http.MethodGet, path+separator+q.Encode())
		if w.Code != 200 {
			t.Fatalf("page %d of %s: %d %s", len(pages), path, w.Code, w.Body)
		}
		var p page
		decode(t, w.Body, &p)
		pages = append(pages, p)
		between(len(pages))
		if p.Next == nil {
			return pages
		}
		cursor = *p.Next
	}
}

func activity(id string, at time.Time) *store.Activity {
	return &store.Activity{ID: id, Target: flaskapp, Direction: evaluator.ScaleOut, From: 1, To: 2, Status: evaluator.Successful, StartTime: at, EndTime: at}
}

// Records that come in while somebody pages are newer than the cursor: they shift nothing.
func TestPagingThroughAThousandActivitiesShowsEachOnceThoughNewOnesComeIn(t *testing.T) {
	s := newStore(t)
	var c store.Changes
	for i := range 1000 {
		// Four share an instant: a cursor of time alone would lose or repeat some.
		c.Activities = append(c.Activities, activity(fmt.Sprintf("old-%04d", i), ago(time.Duration(i/4)*time.Second)))
	}
	commit(t, s, c)
	pages := walk(t, New(optionsOf(t, s)), "/api/v1/activities", 64, func(i int) {
		commit(t, s, store.Changes{Activities: []*store.Activity{activity(fmt.Sprintf("new-%d", i), clock.Add(time.Duration(i)*time.Second))}})
	})
	seen := map[string]int{}
	for i, p := range pages {
		if len(p.Activities) != 64 && i < len(pages)-1 {
			t.Errorf("page %d has %d activities", i, len(p.Activities))
		}
		for _, a := range p.Activities {
			seen[a.ID]++
		}
	}
	for i := range 1000 {
		if id := fmt.Sprintf("old-%04d", i); seen[id] != 1 {
			t.Errorf("%s is shown %d times", id, seen[id])
		}
	}
	if len(seen) != 1000 {
		t.Errorf("%d activities are shown, want the 1000 that were there at first", len(seen))
	}
}

func TestPagingThroughAThousandDecisionsIsNewestFirst(t *testing.T) {
	s := newStore(t)
	var c store.Changes
	for i := range 1000 {
		d := flaskappDecision()
		d.Time = ago(time.Duration(i) * time.Second)
		c.Decisions = append(c.Decisions, record(t, d))
	}
	commit(t, s, c)
	n := 0
	pages := walk(t, New(optionsOf(t, s)), "/api/v1/decisions", 300, func(i int) {
		d := flaskappDecision()
		d.Time = clock.Add(time.Duration(i) * time.Minute)
		commit(t, s, store.Changes{Decisions: []*store.DecisionRecord{record(t, d)}})
	})
	for _, p := range pages {
		for _, d := range p.Decisions {
			if want := ago(time.Duration(n) * time.Second); !d.Time.Equal(want) {
				t.Fatalf("decision %d is of %s, want %s", n, d.Time, want)
			}
			n++
		}
	}
	if n != 1000 || len(pages) != 4 {
		t.Errorf("%d decisions on %d pages", n, len(pages))
	}
}

// Whatever comes and goes between two pages, a target that is there all the time is shown once.
func TestPagingThroughTargetsShowsThoseThatStayExactlyOnce(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newStore(t)
		stay := rapid.SliceOfNDistinct(rapid.IntRange(0, 999), 1, 40, rapid.ID[int]).Draw(r, "stay")
		for _, n := range stay {
			commit(t, s, store.Changes{Targets: []*store.Target{{Key: numbered(n)}}})
		}
		h := New(optionsOf(t, s))
		seen := map[string]int{}
		var last string
		for _, p := range walk(t, h, "/api/v1/targets", rapid.IntRange(1, 10).Draw(r, "limit"), func(int) { comeAndGo(t, r, s, stay) }) {
			for _, row := range p.Targets {
				if row.Service <= last {
					r.Fatalf("%s comes after %s", row.Service, last)
				}
				last = row.Service
				seen[row.Service]++
			}
		}
		for _, n := range stay {
			if k := numbered(n); seen[k.Service] != 1 {
				r.Errorf("%s is shown %d times", k, seen[k.Service])
			}
		}
	})
}

func numbered(n int) evaluator.Key {
	return evaluator.Key{Cluster: "c", Service: fmt.Sprintf("s-%04d", n)}
}

// comeAndGo adds a target and removes another, never one that stays.
func comeAndGo(t testing.TB, r *rapid.T, s *store.Store, stay []int) {
	fixed := map[int]bool{}
	for _, n := range stay {
		fixed[n] = true
	}
	var c store.Changes
	if n := rapid.IntRange(0, 999).Draw(r, "comes"); !fixed[n] {
		c.Targets = []*store.Target{{Key: numbered(n)}}
	}
	if n := rapid.IntRange(0, 999).Draw(r, "goes"); !fixed[n] {
		c.Removed = []evaluator.Key{numbered(n)}
	}
	commit(t, s, c)
}

func TestALastPageThatIsFullHasNoNext(t *testing.T) {
	h := New(optionsOf(t, filled(t)))
	for path, limit := range map[string]int{"/api/v1/targets": 3, "/api/v1/activities": 3, "/api/v1/decisions": 3} {
		if pages := walk(t, h, path, limit, func(int) {}); len(pages) != 1 {
			t.Errorf("%s has %d pages of %d", path, len(pages), limit)
		}
	}
}

func TestAFilterCountsBeforeThePageDoes(t *testing.T) {
	h := New(optionsOf(t, filled(t)))
	var p page
	decode(t, get(h, http.MethodGet, "/api/v1/targets?action=hold&limit=1").Body, &p)
	if len(p.Targets) != 1 || p.Next != nil {
		t.Errorf("one target holds, yet there is a next page: %+v", p)
	}
}
