package strict

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestADiagnosticShowsItsPlaceTheLineAndACaret(t *testing.T) {
	d := Diagnostic{File: "a.yaml", Line: 3, Column: 5, Severity: SeverityError, Message: "no", Source: "  x: é!"}
	if got, want := d.String(), "a.yaml:3:5: error: no"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	if diff := cmp.Diff("a.yaml:3:5: error: no\n      x: é!\n        ^", d.Detail()); diff != "" {
		t.Errorf("Detail() (-want +got):\n%s", diff)
	}
}

func TestAFindingAboutTheWholeTextHasNoLine(t *testing.T) {
	d := Diagnostic{File: "a.yaml", Severity: SeverityWarning, Message: "big"}
	if d.String() != "a.yaml: warning: big" || d.Detail() != d.String() {
		t.Errorf("got %q and %q", d.String(), d.Detail())
	}
}

func TestALongLineIsCutAroundTheCaret(t *testing.T) {
	for _, column := range []int{1, 60, 500, 999, 1000, 1001, 5000} {
		line := strings.Repeat("a", min(column-1, 999)) + "X" + strings.Repeat("b", max(0, 1000-column))
		rows := strings.Split(Diagnostic{Line: 1, Column: column, Source: line}.Detail(), "\n")
		caret := strings.Index(rows[2], "^")
		if len(rows[1]) > excerptWidth+4 || caret < 4 || caret > len(rows[1]) {
			t.Fatalf("column %d: row of %d, caret at %d", column, len(rows[1]), caret)
		}
		if column <= 1000 && rows[1][caret] != 'X' {
			t.Errorf("column %d: the caret points at %q", column, rows[1][caret])
		}
	}
}

func TestControlCharactersDoNotReachTheTerminal(t *testing.T) {
	d := Diagnostic{Line: 1, Column: 3, Source: "a\tb\x1b[31m\u202e"}
	if got := d.Detail(); strings.ContainsAny(got, "\t\x1b\u202e") {
		t.Errorf("got %q", got)
	}
}

func TestFindingsComeInTheOrderOfTheText(t *testing.T) {
	at := func(line, column int, message string) Diagnostic {
		return Diagnostic{Line: line, Column: column, Message: message}
	}
	got := Diagnostics{at(2, 1, "d"), at(1, 9, "c"), at(1, 2, "a"), at(1, 9, "b")}
	got.sort()
	if diff := cmp.Diff(Diagnostics{at(1, 2, "a"), at(1, 9, "b"), at(1, 9, "c"), at(2, 1, "d")}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestErrorsAndWarningsAreTold(t *testing.T) {
	e, w := Diagnostic{File: "f", Severity: SeverityError, Message: "e"}, Diagnostic{File: "f", Severity: SeverityWarning, Message: "w"}
	both := Diagnostics{w, e}
	if !both.HasErrors() || len(both.Errors()) != 1 || len(both.Warnings()) != 1 || both.Err() == nil || both.Err().Error() != "f: error: e" {
		t.Errorf("both: %v", both.Err())
	}
	if one := (Diagnostics{w}); one.HasErrors() || one.Err() != nil {
		t.Errorf("a warning alone: %v", one.Err())
	}
	if got := both.Detail(); got != "f: warning: w\nf: error: e" {
		t.Errorf("Detail() = %q", got)
	}
}

func TestTheNearestWordIsSuggestedWhateverItsSpelling(t *testing.T) {
	known := []string{"min_capacity", "max_capacity", "target_tracking", "service", "tags", "cooldown"}
	for word, want := range map[string]string{
		"min_capcity": "min_capacity", "MinCapacity": "min_capacity", "max-capacity": "max_capacity", "MAX_CAPACITY": "max_capacity",
		"targetTracking": "target_tracking", "services": "service", "tag": "tags", "scale_in_cooldown": "cooldown", "track": "target_tracking",
		"frobnicate": "", "x": "", "": "", "a": "",
	} {
		if got, ok := Nearest(word, known); got != want || ok != (want != "") {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
	if got, ok := Nearest("x", nil); ok {
		t.Errorf("Nearest of nothing = %q", got)
	}
}

func TestEditsCountInsertionsDeletionsAndReplacements(t *testing.T) {
	for _, e := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"abc", "abc", 0}, {"kitten", "sitting", 3}, {"ab", "ba", 2}} {
		if got := edits(e.a, e.b); got != e.want {
			t.Errorf("edits(%q, %q) = %d, want %d", e.a, e.b, got, e.want)
		}
	}
}
