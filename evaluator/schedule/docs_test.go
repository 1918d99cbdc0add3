package schedule

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The page that teaches the dialect is a part of the specification.
const page = "../../docs/schedules.md"

// rows are the table rows of the page with so many cells, without heads and rulers, backquotes removed.
func rows(t *testing.T, cells int) [][]string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for line := range strings.Lines(string(text)) {
		row := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(row) != cells || !strings.Contains(row[0], "`") {
			continue
		}
		for i := range row {
			row[i] = strings.Trim(strings.TrimSpace(row[i]), "`")
		}
		all = append(all, row)
	}
	return all
}

func TestTheWorkedExamplesOfTheDocumentationFireAsItSays(t *testing.T) {
	examples := rows(t, 4)
	if len(examples) < 20 {
		t.Fatalf("found %d examples", len(examples))
	}
	for _, r := range examples {
		t.Run(r[0], func(t *testing.T) {
			after := utc(t, r[2])
			checkFires(t, &Schedule{Expression: expression(t, r[0]), Zone: zone(t, r[1])}, after, after, r[3])
		})
	}
}

func TestTheMistakesOfTheDocumentationAreCorrectedAsItSays(t *testing.T) {
	mistakes := 0
	for _, r := range rows(t, 3) {
		if !strings.Contains(r[0], " ") && !strings.Contains(r[0], "(") {
			continue // A row of the table of fields or marks.
		}
		mistakes++
		_, err := Parse(r[0])
		e, ok := errors.AsType[*Error](err)
		if meant := strings.TrimPrefix(r[1], "none"); !ok || e.Correction != meant {
			t.Errorf("%s: the page says %q, Parse says %v", r[0], meant, err)
		}
	}
	if mistakes < 20 {
		t.Errorf("found %d mistakes", mistakes)
	}
}

func TestEveryExpressionOfTheDocumentationIsRightUnlessItIsAMistake(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	wrong := map[string]bool{}
	for _, r := range rows(t, 3) {
		wrong[r[0]] = true
	}
	found := regexp.MustCompile("\\b(?:at|rate|cron)\\([^)`\n]*\\)").FindAllString(string(text), -1)
	if len(found) < 50 {
		t.Fatalf("found %d expressions", len(found))
	}
	for _, s := range found {
		if _, err := Parse(s); err != nil && !wrong[s] {
			t.Errorf("%v", err)
		}
	}
}
