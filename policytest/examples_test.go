package policytest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ecs-autoscaler/config"
	"ecs-autoscaler/config/strict"
)

func TestEveryPolicyTestUnderExamplesPasses(t *testing.T) {
	files, err := Find([]string{"../examples"})
	if err != nil {
		t.Fatal(err)
	}
	r := report(t, files...)
	if r.Failed() > 0 || r.Passed() < 50 || len(r.Warnings) > 0 {
		t.Errorf("%s%s", written(t, func(w *strings.Builder) error { return r.Text(w) }), r.Warnings.Detail())
	}
}

func TestTheFilesShownInTheDocumentationAreThoseOfTheExamples(t *testing.T) {
	doc := readFile(t, "../docs/testing-policies.md")
	shown := regexp.MustCompile("(?ms)^`(examples/[a-z./-]+)`:\n\n```yaml\n(.*?)^```").FindAllStringSubmatch(doc, -1)
	if len(shown) < 3 {
		t.Fatalf("found %d files", len(shown))
	}
	for _, s := range shown {
		if got := readFile(t, "../"+s[1]); got != s[2] {
			t.Errorf("%s is not what docs/testing-policies.md shows", s[1])
		}
	}
}

func TestEveryKeyIsDocumented(t *testing.T) {
	doc := readFile(t, "../docs/testing-policies.md")
	keys := 0
	for _, file := range glob(t, "*.go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`\b(?:strict\.(?:Read|Need)\(m|number\(|m\.Has\()(?:, )?"([a-z_]+)"`).FindAllStringSubmatch(readFile(t, file), -1) {
			keys++
			if !regexp.MustCompile("`(- )?" + m[1] + "\\b").MatchString(doc) {
				t.Errorf("the key %s of %s does not stand in docs/testing-policies.md", m[1], file)
			}
		}
	}
	if keys < 30 {
		t.Errorf("found only %d keys in the source", keys)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// week is a service with two policies that breathes for seven days.
var week = story{head: strings.Replace(stepping, "    step_scaling:", `    target_tracking:
      - {name: cpu, metric: ECSServiceAverageCPUUtilization, target_value: 40}
    step_scaling:`, 1), body: "    desired: 1\n" + quiet("10..90x720 90..10x720 10..90x720 90..10x720 10..90x720 90..10x720 10..90x720 90..10x720 10..90x720 90..10x720 10..90x720 90..10x720 10..90x720 90..10x720") +
	"    events: [{at: 60h, restart: true, down: 5m}]\n    expect: [{between: [0s, 168h], min_capacity: 1}]\n"}

func TestAWeekOfAServiceHoldsWhatItExpects(t *testing.T) {
	if got := week.failures(t); len(got) > 0 {
		t.Errorf("failures: %+v", got)
	}
}

func BenchmarkWeek(b *testing.B) {
	text := week.head + "tests:\n  - name: x\n    service: c/s\n" + week.body
	b.ReportAllocs()
	for b.Loop() {
		l := &loader{env: noEnvironment, read: map[string]*loaded{}}
		f, found := l.parse(config.Source{Name: "week.yaml", Text: []byte(text)})
		if f == nil {
			b.Fatal(found.Detail())
		}
		if failures, err := f.tests[0].run(b.Context()); err != nil || len(failures) > 0 {
			b.Fatal(failures, err)
		}
	}
}

func TestTheSameFilesGiveTheSameReport(t *testing.T) {
	write := func() string { return written(t, func(w *strings.Builder) error { return mixed(t).JSON(w) }) }
	if first := write(); first != write() {
		t.Error("two runs differ")
	}
}

func TestFilesAreFoundByNameInDirectoriesAndByPattern(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a.test.yaml", "b_test.yml", "c.yaml", "d/e.test.yml", "d/f_test.yaml", "d/test.yaml", "d/notatest.yaml", "g/readme.md", "[x].test.yaml"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for args, want := range map[string]string{
		"c.yaml":                    "c.yaml",
		".":                         "[x].test.yaml a.test.yaml b_test.yml d/e.test.yml d/f_test.yaml",
		"d":                         "d/e.test.yml d/f_test.yaml",
		"d a.test.yaml d":           "d/e.test.yml d/f_test.yaml a.test.yaml",
		"d/*_test.yaml":             "d/f_test.yaml",
		"?.yaml":                    "c.yaml",
		"[x].test.yaml":             "[x].test.yaml",
		"[d]":                       "d/e.test.yml d/f_test.yaml",
		"a.test.yaml ./a.test.yaml": "a.test.yaml",
	} {
		got, err := Find(strings.Fields(args))
		if err != nil || !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s: %v, %v", args, got, err)
		}
	}
	for args, want := range map[string]string{
		"nowhere.yaml": "no such file", "g": "there is no test file in g", "*.json": "no file matches", "a.test.yaml nowhere": "no such file",
		"[": "not well formed",
	} {
		if got, err := Find(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want %q", args, got, err, want)
		}
	}
}

func TestOnlyFilesAreTakenFromADirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := errors.Join(
		os.WriteFile("a.test.yaml", nil, 0o644), os.Symlink("a.test.yaml", "b.test.yaml"), os.Symlink("nowhere", "c.test.yaml"),
		syscall.Mkfifo("pipe.test.yaml", 0o644), os.Symlink("pipe.test.yaml", "d.test.yaml"), os.Symlink("/dev/zero", "e.test.yaml"), os.Mkdir("f.test.yaml", 0o755),
	); err != nil {
		t.Fatal(err)
	}
	got, err := Find([]string{"."})
	if want := []string{"a.test.yaml", "b.test.yaml", "c.test.yaml"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("found %v, %v; want %v", got, err, want)
	}
	if err := os.Symlink(".", "link"); err != nil {
		t.Fatal(err)
	}
	if got, err := Find([]string{"link"}); err != nil || len(got) != 3 || got[0] != "link/a.test.yaml" {
		t.Errorf("through a link to the directory: %v, %v", got, err)
	}
}

func TestWhatNeverEndsOrNeverBeginsIsReadAsFarAsATextGoes(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := errors.Join(
		syscall.Mkfifo("pipe.test.yaml", 0o644), os.Symlink("/dev/zero", "zero.yaml"),
		os.WriteFile("of-zero.test.yaml", []byte("config: zero.yaml\ntests: []\n"), 0o644),
		os.WriteFile("of-pipe.test.yaml", []byte("config: pipe.test.yaml\ntests: []\n"), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"/dev/zero": "the text has more than", "pipe.test.yaml": "the test file is empty",
		"of-zero.test.yaml": "zero.yaml: error: the text has more than", "of-pipe.test.yaml": "pipe.test.yaml:1:1: error: the configuration is empty",
	} {
		r := report(t, file)
		if got := r.Results[0].Mistakes.Detail(); r.Failed() != 1 || !strings.Contains(got, want) {
			t.Errorf("%s: %s", file, got)
		}
	}
}

func TestAFileHasSoManyValuesAndNoMore(t *testing.T) {
	head := "targets: [{service: c/s, min_capacity: 1, max_capacity: 2, target_tracking: [{name: a, metric: ECSServiceAverageCPUUtilization, target_value: 50}]}]\ntests:\n"
	test := "  - {name: %s, service: c/s, desired: 1, expect: [{at: 1m, desired: 1}], metrics: [{policy: a, values: 1x3, statistics: {Maximum: 1x2}}]}\n"
	text := head + fmt.Sprintf(test, "x") + fmt.Sprintf(test, "y") + fmt.Sprintf(test, "z")
	for left, line := range map[allowance]int{maxFileValues: 0, 15: 0, 14: 5, 11: 5, 10: 5, 9: 4, 2: 3} {
		p := &parser{loader: &loader{env: noEnvironment, read: map[string]*loaded{}}, values: left}
		d := strict.New("many.yaml", noEnvironment, form)
		v, _ := d.Read([]byte(text))
		p.file(v)
		found := d.Findings()
		if line == 0 && len(found) > 0 || line > 0 && (len(found) != 1 || found[0].Line != line || !strings.Contains(found.Detail(), "this file has more than 20000000 values up to here")) {
			t.Errorf("with %d values left: %s; want line %d", left, found.Detail(), line)
		}
	}
}

func TestOnlyTheTestsThatMatchAreRun(t *testing.T) {
	run := func(match string) (*Report, error) {
		return Run(t.Context(), []string{"testdata/passes.test.yaml"}, Options{Env: noEnvironment, Match: regexp.MustCompile(match)})
	}
	if r, err := run("^three"); err != nil || len(r.Results) != 1 || r.Results[0].Name != "three minutes scale out" {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := run("four"); err == nil || err.Error() != `no test has a name that matches "four"` {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAConfigurationThatManyFilesNameIsReadOnce(t *testing.T) {
	files := []string{"testdata/bad/config-with-mistakes.test.yaml", "testdata/bad/config-with-mistakes.test.yaml"}
	r := report(t, files...)
	told := 0
	for _, res := range r.Results {
		told += strings.Count(res.Mistakes.Detail(), "unknown key \"target_trackin\"")
	}
	if r.Failed() != 2 || told != 1 {
		t.Errorf("%d failed, told %d times", r.Failed(), told)
	}
}

func FuzzFile(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yaml", "testdata/bad/*.yaml", "testdata/fail/*.yaml", "../examples/flaskapp/*.test.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatal(pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		l := &loader{env: noEnvironment, read: map[string]*loaded{}}
		file, found := l.parse(config.Source{Name: "nowhere/fuzz.yaml", Text: []byte(text)})
		if (file == nil) != found.HasErrors() {
			t.Fatalf("file %v with findings:\n%s", file, found.Detail())
		}
		if file == nil {
			return
		}
		for _, test := range file.tests {
			if test.until > time.Hour {
				continue
			}
			if _, err := test.run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
