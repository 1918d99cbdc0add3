package policytest

import (
	"encoding/json"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"ecs-autoscaler/config"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew; review them as a diff")

// checkGolden compares a text with a file of testdata.
func checkGolden(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %d files", pattern, err, len(files))
	}
	return files
}

// report runs test files.
func report(t *testing.T, files ...string) *Report {
	t.Helper()
	r, err := Run(t.Context(), files, Options{Env: noEnvironment})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// written is what a report writes.
func written(t *testing.T, write func(w *strings.Builder) error) string {
	t.Helper()
	var b strings.Builder
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEveryMistakeOfATestFileIsToldWithItsPlaceAndWhatWouldBeRight(t *testing.T) {
	for _, file := range glob(t, "testdata/bad/*.test.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			r := report(t, file)
			if r.Failed() != 1 || r.Results[0].Name != "" || len(r.Results[0].Mistakes) == 0 {
				t.Errorf("the mistake was not found: %+v", r)
			}
			checkGolden(t, strings.TrimSuffix(file, ".test.yaml")+".txt", r.Results[0].Mistakes.Detail()+"\n")
		})
	}
}

func TestWhatDoesNotHoldIsToldWithTheDecisionAndItsDatapoints(t *testing.T) {
	for _, file := range glob(t, "testdata/fail/*.test.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			r := report(t, file)
			if r.Failed() == 0 {
				t.Error("nothing failed")
			}
			got := written(t, func(w *strings.Builder) error { return r.Text(w) })
			checkGolden(t, strings.TrimSuffix(file, ".test.yaml")+".txt", got)
		})
	}
}

// mixed is a report with everything in it: a test that passes, one that fails, a file with mistakes.
func mixed(t *testing.T) *Report {
	t.Helper()
	return report(t, "testdata/passes.test.yaml", "testdata/fail/desired.test.yaml", "testdata/bad/values-bad.test.yaml")
}

func TestTheTextHasALineATestAndASummary(t *testing.T) {
	checkGolden(t, "testdata/report.txt", written(t, func(w *strings.Builder) error { return mixed(t).Text(w) }))
}

func TestTheJSONIsTheDocumentedObject(t *testing.T) {
	got := written(t, func(w *strings.Builder) error { return mixed(t).JSON(w) })
	checkGolden(t, "testdata/report.json", got)
	var object map[string]any
	if err := json.Unmarshal([]byte(got), &object); err != nil {
		t.Error(err)
	}
}

func TestTheJUnitXMLIsWhatBuildServersRead(t *testing.T) {
	got := written(t, func(w *strings.Builder) error { return mixed(t).JUnit(w) })
	if err := xml.Unmarshal([]byte(got), new(struct{ XMLName xml.Name })); err != nil {
		t.Error(err)
	}
	checkGolden(t, "testdata/report.xml", regexp.MustCompile(` time="\d+\.\d{3}"`).ReplaceAllString(got, ` time="0.000"`))
}

func TestWhateverFilesAreCalledAReportIsWellFormed(t *testing.T) {
	t.Chdir(t.TempDir())
	head := stepping + "tests:\n  - name: x\n    service: c/s\n    desired: 1\n" + quiet("80x9")
	names := []string{"a\nb.yaml", "\x01\x1b[2J.yaml", "\xff\xfe.yaml", "\ufffe]]>&\".yaml", "\r.yaml"}
	for _, name := range names {
		if err := os.WriteFile(name, []byte(head+"    expect: [{at: 1m, desired: 1}]\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("bad"+name, []byte(head), 0o644); err != nil {
			t.Fatal(err)
		}
		r := report(t, name, "bad"+name)
		text := written(t, func(w *strings.Builder) error { return r.Text(w) })
		for line := range strings.Lines(text) {
			if !regexp.MustCompile(`^(FAIL |     |[a-z]|.*: error: |0 passed, 2 failed\n$)`).MatchString(line) || strings.ContainsAny(line, "\x01\x1b\r") || !utf8.ValidString(line) {
				t.Errorf("%q: a line of the text is %q", name, line)
			}
		}
		if got := strings.Count(text, "\nFAIL "); got != 1 || strings.Contains(text, "\nb.yaml") {
			t.Errorf("%q: %s", name, text)
		}
		var suites struct {
			Suites []struct {
				Cases []struct {
					Name    string `xml:"name,attr"`
					Failure string `xml:"failure"`
					Error   string `xml:"error"`
				} `xml:"testcase"`
			} `xml:"testsuite"`
		}
		junit := written(t, func(w *strings.Builder) error { return r.JUnit(w) })
		if err := xml.Unmarshal([]byte(junit), &suites); err != nil || len(suites.Suites) != 2 || !strings.HasPrefix(suites.Suites[0].Cases[0].Failure, "FAIL ") {
			t.Errorf("%q: %v in\n%s", name, err, junit)
		}
	}
}

func TestAWarningKeepsNoTestFromRunning(t *testing.T) {
	r := report(t, "testdata/warning.test.yaml")
	if r.Passed() != 2 || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0].Message, "used twice in this file, first on line") {
		t.Errorf("%d passed, warnings: %s", r.Passed(), r.Warnings.Detail())
	}
}

func TestAnEventAfterTheEndOfItsTestIsAWarning(t *testing.T) {
	for _, end := range []string{"    expect: [{at: 1m, desired: 1}]\n", "    until: 119s\n    expect: [{at: 1m, desired: 1}]\n"} {
		text := stepping + "tests:\n  - name: x\n    service: c/s\n    desired: 1\n" + quiet("80x9") + "    events: [{at: 2m, desired: 2}, {at: 1m, desired: 1}]\n" + end
		l := &loader{env: noEnvironment, read: map[string]*loaded{}}
		f, found := l.parse(config.Source{Name: "late.yaml", Text: []byte(text)})
		if f == nil || len(found) != 1 || !strings.Contains(found.Detail(), "warning: this event would happen at 2m, but the test ends at 1m") {
			t.Fatalf("%s", found.Detail())
		}
		if failures, err := f.tests[0].run(t.Context()); err != nil || len(failures) != 1 {
			t.Errorf("%+v, %v", failures, err)
		}
	}
}
