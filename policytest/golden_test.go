package policytest

import (
	"encoding/json"
	"encoding/xml"
	"errors"
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
	for _, name := range []string{"a\nb.yaml", "\x01\x1b[2J.yaml", "\xff\xfe.yaml", "\ufffe]]>&\".yaml", "\r.yaml"} {
		fails, bad := os.WriteFile(name, []byte(head+"    expect: [{at: 1m, desired: 1}]\n"), 0o644), os.WriteFile("bad"+name, []byte(head), 0o644)
		if err := errors.Join(fails, bad); err != nil {
			t.Fatal(err)
		}
		r := report(t, name, "bad"+name)
		checkLines(t, written(t, func(w *strings.Builder) error { return r.Text(w) }))
		checkSuites(t, written(t, func(w *strings.Builder) error { return r.JUnit(w) }))
	}
}

// line is one of the text of a test that fails, or of a file with a mistake.
var line = regexp.MustCompile(`^(FAIL \S+: |     |bad\S+: error: |0 passed, 2 failed\n$)`)

func checkLines(t *testing.T, text string) {
	t.Helper()
	for l := range strings.Lines(text) {
		if !line.MatchString(l) || strings.ContainsAny(l, "\x01\x1b\r") || !utf8.ValidString(l) {
			t.Errorf("a line of the text is %q", l)
		}
	}
	if strings.Count(text, "FAIL ") != 2 {
		t.Errorf("the text is not that of two files:\n%s", text)
	}
}

func checkSuites(t *testing.T, text string) {
	t.Helper()
	var suites struct {
		Suites []struct {
			Failure string `xml:"testcase>failure"`
			Error   string `xml:"testcase>error"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(text), &suites); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if s := suites.Suites; len(s) != 2 || !strings.HasPrefix(s[0].Failure, "FAIL ") || !strings.HasPrefix(s[1].Error, "FAIL ") {
		t.Errorf("the suites are %q", s)
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
