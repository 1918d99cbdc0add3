package web

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

func TestAQueryStringIsReadStrictly(t *testing.T) {
	for _, c := range []struct {
		name, path, want string
	}{
		{"an unknown parameter", "targets?clutser=a", `there is no parameter "clutser" here; there are account, cluster, service, action, reason, memory, limit, cursor`},
		{"a parameter of another endpoint", "decisions?status=Failed", `there is no parameter "status" here; there are account, cluster, service, action, reason, since, until, limit, cursor`},
		{"a parameter where there is none", "targets/flaskapp/flaskapp?limit=3", `there is no parameter "limit" here; there are account`},
		{"a parameter of the version", "version?x=1", `there is no parameter "x" here; there are none`},
		{"a parameter twice", "targets?cluster=a&cluster=b", "cluster is given 2 times; give it once"},
		{"an empty value", "targets?cluster=", "cluster is empty; give a value or leave it out"},
		{"a semicolon", "targets?cluster=a;service=b", "the query string cannot be read (invalid semicolon separator in query); write name=value pairs joined by &, with %XX for special characters"},
		{"a broken escape", "targets?cluster=%zz", `the query string cannot be read (invalid URL escape "%zz"); write name=value pairs joined by &, with %XX for special characters`},
		{"an action", "decisions?action=up", `action "up" is not known; it is one of scale_out, scale_in, hold`},
		{"a direction that is none", "activities?direction=in", `direction "in" is not known; it is one of scale_out, scale_in, hold`},
		{"a status in the wrong case", "activities?status=failed", `status "failed" is not known; it is one of Pending, InProgress, Successful, Overridden, Unfulfilled, Failed`},
		{"a limit of nothing", "targets?limit=0", `limit "0" is not a number from 1 to 1000`},
		{"a limit beyond", "targets?limit=1001", `limit "1001" is not a number from 1 to 1000`},
		{"a limit in words", "targets?limit=all", `limit "all" is not a number from 1 to 1000`},
		{"a memory", "targets?memory=yes", `memory "yes" is neither true nor false`},
		{"a date alone", "decisions?since=2026-01-31", `since "2026-01-31" is no time (neither RFC 3339 nor a duration); write 2026-01-31T08:00:00Z, or how long ago it was: 90m, 2h, 36h`},
		{"a plus that became a space", "decisions?until=2026-01-31T08:00:00+01:00", `until "2026-01-31T08:00:00 01:00" is no time (a + in a query string must be written %2B); write 2026-01-31T08:00:00Z, or how long ago it was: 90m, 2h, 36h`},
		{"a duration ahead", "activities?since=-2h", `since "-2h" is no time (it lies in the future); write 2026-01-31T08:00:00Z, or how long ago it was: 90m, 2h, 36h`},
		{"a span the wrong way round", "activities?since=1h&until=2h", "until (2026-03-01T06:00:30Z) is before since (2026-03-01T07:00:30Z); nothing can lie between them"},
		{"the first of several mistakes by name", "targets?zzz=1&aaa=2", `there is no parameter "aaa" here; there are account, cluster, service, action, reason, memory, limit, cursor`},
		{"a cursor that is no base64", "targets?cursor=%25", `cursor "%" is none of ours; take next_cursor of the page before as it is`},
		{"a cursor that is no key", "targets?cursor=YWJj", `cursor "YWJj" is none of ours; take next_cursor of the page before as it is`},
	} {
		t.Run(c.name, func(t *testing.T) {
			message(t, c.path, c.want)
		})
	}
}

// message asks for a path with a mistake and wants exactly that message.
func message(t *testing.T, path, want string) {
	t.Helper()
	w := get(New(optionsOf(t, newStore(t))), http.MethodGet, "/api/v1/"+path)
	var body struct {
		Error struct{ Code, Message string }
	}
	decode(t, w.Body, &body)
	if w.Code != http.StatusBadRequest || body.Error.Code != "invalid_parameter" {
		t.Errorf("GET %s is %d %s, want 400 invalid_parameter", path, w.Code, body.Error.Code)
	}
	if body.Error.Message != want {
		t.Errorf("GET %s says\n%s\nwant\n%s", path, body.Error.Message, want)
	}
}

func TestAReasonThatIsNotKnownIsAnsweredWithThoseThatAre(t *testing.T) {
	w := get(New(optionsOf(t, newStore(t))), http.MethodGet, "/api/v1/targets?reason=Cooldown")
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "CooldownInEffect") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestACursorThatTheStoreRefusesIsABadRequest(t *testing.T) {
	for _, path := range []string{"activities", "decisions"} {
		w := get(New(optionsOf(t, newStore(t))), http.MethodGet, "/api/v1/"+path+"?cursor=%25%25")
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "cursor") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestTimesAreRFC3339OrHowLongAgo(t *testing.T) {
	for value, want := range map[string]time.Time{
		"2026-02-28T23:00:00Z":      time.Date(2026, 2, 28, 23, 0, 0, 0, time.UTC),
		"2026-03-01T00:00:00+01:00": time.Date(2026, 2, 28, 23, 0, 0, 0, time.UTC),
		"2026-02-28T23:00:00.5Z":    time.Date(2026, 2, 28, 23, 0, 0, 5e8, time.UTC),
		"2h":                        ago(2 * time.Hour),
		"1h30m":                     ago(90 * time.Minute),
		"0":                         clock,
	} {
		got, err := InstantOf(value, clock)
		if err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%q is %v (%v), want %v", value, got, err, want)
		}
	}
}

func TestAQueryWithoutParametersHasTheDefaults(t *testing.T) {
	q, err := parse("", activityParams, clock)
	if err != nil || q.Limit != defaultLimit || q.Memory || q.Cursor != "" || !q.Since.IsZero() {
		t.Errorf("%+v %v", q, err)
	}
}

// Filters must know every word that the evaluator can say, or a user cannot ask for it.
func TestTheFiltersKnowEveryConstantOfTheEvaluator(t *testing.T) {
	said := constants(t)
	said["Reason"] = append(said["Reason"], string(store.ForeignWrite)) // which only records have
	for kind, known := range map[string][]string{"Reason": reasons, "Action": actions, "ActivityStatus": statuses} {
		want := said[kind]
		slices.Sort(want)
		if got := slices.Sorted(slices.Values(known)); len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("filters know the %ss\n%v, the evaluator says\n%v", kind, got, want)
		}
	}
}

// constants reads the typed string constants of the evaluator's source, by type.
func constants(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("../evaluator/*.go")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string][]string{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok {
				addConstant(said, v)
			}
			return true
		})
	}
	return said
}

func addConstant(said map[string][]string, v *ast.ValueSpec) {
	kind, ok := v.Type.(*ast.Ident)
	if !ok || len(v.Values) != 1 {
		return
	}
	if text, ok := v.Values[0].(*ast.BasicLit); ok && text.Kind == token.STRING {
		if s, err := strconv.Unquote(text.Value); err == nil {
			said[kind.Name] = append(said[kind.Name], s)
		}
	}
}

func FuzzAQueryIsReadOrRefusedAsABadRequest(f *testing.F) {
	for _, seed := range []string{
		"", "cluster=a&service=b", "limit=1000&cursor=YQBi", "since=2h&until=30m", "reason=StaleData&action=hold&memory=true",
		"status=Failed&direction=scale_in", "since=2026-01-01T00:00:00Z", "a=%zz", "limit=-1", "cluster=a;b", "&&=", "since=9999h",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, params := range [][]parameter{targetParams, decisionParams, activityParams, nil} {
			q, err := parse(raw, params, clock)
			if err != nil {
				var p *problem
				if !errors.As(err, &p) || p.Status != http.StatusBadRequest || p.Message == "" {
					t.Fatalf("%q: %#v is no bad request", raw, err)
				}
				continue
			}
			sound(t, raw, &q)
		}
	})
}

// sound wants of a query that was accepted that every filter is within its bounds.
func sound(t *testing.T, raw string, q *request) {
	t.Helper()
	if q.Limit < 1 || q.Limit > maxLimit {
		t.Errorf("%q gives limit %d", raw, q.Limit)
	}
	if !q.Since.IsZero() && !q.Until.IsZero() && q.Until.Before(q.Since) {
		t.Errorf("%q gives a span from %s to %s", raw, q.Since, q.Until)
	}
	for value, known := range map[string][]string{q.Action: actions, q.Direction: actions, q.Reason: reasons, q.Status: statuses} {
		if value != "" && !slices.Contains(known, value) {
			t.Errorf("%q gives %q", raw, value)
		}
	}
}

func FuzzACursorIsOursOrRefusedAsABadRequest(f *testing.F) {
	for _, seed := range []string{"", "YQBi", cursorOf(flaskapp), "%", "YWJj", cursorOf(evaluator.Key{Cluster: "c", Service: "a\x00b"})} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		k, err := keyOf(cursor)
		var p *problem
		if err != nil && (!errors.As(err, &p) || p.Status != http.StatusBadRequest) {
			t.Fatalf("%q: %#v is no bad request", cursor, err)
		}
		if again, err := keyOf(cursorOf(k)); err != nil || again != k {
			t.Errorf("%q gives %q, which comes back as %q (%v)", cursor, k, again, err)
		}
	})
}
