package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// number writes a literal as it would stand in a test, without standing here itself.
func number(n string) string { return `"` + "case " + n + `: sentence"` }

func TestTheRecordIsWhole(t *testing.T) {
	r, err := read("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range r.findings() {
		t.Error(what)
	}
	if err := r.upToDate("../.."); err != nil {
		t.Error(err)
	}
}

// module is a tree with one test file in a room, and others that do not count.
func module(t *testing.T, body string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"room/a_test.go":          "package room\n\n" + body,
		"room/a.go":               "package room\n\nvar text = " + number("99") + "\n",
		"room/testdata/x_test.go": "package x\n\nvar text = " + number("98") + "\n",
		".hidden/x_test.go":       "package x\n\nvar text = " + number("97") + "\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestNumbersAreFoundInWhatTestsRun(t *testing.T) {
	for _, c := range []struct{ name, body, places, complaint string }{
		{"a subtest", "func TestX(t *T) { t.Run(" + number("12") + ", nil) }", "12 room/a_test.go: TestX", ""},
		{"a row of a table", "func TestX(t *T) { for range []row{{" + number("1") + ", 2}, {" + number("3") + ", 4}} {} }", "1 room/a_test.go: TestX 3 room/a_test.go: TestX", ""},
		{"a variable of the package", "var rows = []string{" + number("7") + "}", "7 room/a_test.go: rows", ""},
		{"a helper of several tests", "func check(t *T) { run(" + number("7") + ") }", "7 room/a_test.go: check", ""},
		{"a raw string", "func TestX(t *T) { run(`case 5: x`) }", "5 room/a_test.go: TestX", ""},
		{"a comment is none", "// case 5: is here\nfunc TestX(t *T) {}", "", ""},
		{"the middle of a text is none", "func TestX(t *T) { run(\"in case 5: x\") }", "", ""},
		{"a benchmark runs nothing", "func BenchmarkX(b *B) { run(" + number("5") + ") }", "", "room/a_test.go:3"},
		{"two numbers", "func TestX(t *T) { run(\"cas" + "e 5 and 6: x\") }", "", "one number"},
		{"several", "func TestX(t *T) { run(\"cas" + "es 5, 6: x\") }", "", "one number"},
		{"no sentence", "func TestX(t *T) { run(\"cas" + "e 5\") }", "", "write"},
	} {
		t.Run(c.name, func(t *testing.T) {
			places, complaints, err := scan(module(t, c.body))
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, p := range places {
				found = append(found, strconv.Itoa(p.number)+" "+p.String())
			}
			if got := strings.Join(found, " "); got != c.places {
				t.Errorf("found %q, want %q", got, c.places)
			}
			if got := strings.Join(complaints, "\n"); (got == "") != (c.complaint == "") || !strings.Contains(got, c.complaint) {
				t.Errorf("complained %q, want %q", got, c.complaint)
			}
		})
	}
	if _, _, err := scan(module(t, "func {")); err == nil {
		t.Error("a file that does not parse is no error")
	}
}

func TestTheDataIsReadStrictly(t *testing.T) {
	const head = "## 1.1 Title\n"
	for _, c := range []struct{ name, text, want string }{
		{"a case before any section", "1\tD\tAPI\ts\te\n", "cases.tsv:1: a case stands before"},
		{"too few fields", head + "1\tD\tAPI\ts\n", "cases.tsv:2: 4 fields"},
		{"too many", head + "1\tD\tAPI\ts\te\tn\tx\n", "7 fields"},
		{"blanks for tabs", head + "1 D API s e\n", "1 fields"},
		{"an empty field", head + "1\tD\t\ts\te\n", "is empty"},
		{"no number", head + "x\tD\tAPI\ts\te\n", "no number"},
		{"another mark", head + "1\tX\tAPI\ts\te\n", "mark \"X\""},
		{"a choice that is not said", head + "1\tU\tAPI\ts\te\n", " 1 is marked U"},
		{"twice", head + "1\tD\tAPI\ts\te\n1\tD\tAPI\ts\te\n", "cases.tsv:3: case 1 stands twice"},
		{"right", head + "> intro\n# comment\n\n1\tD/C\tAPI\ts\te\n2\tU\t–\ts\te\tchoice: ours\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseCases(c.text)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// sample is one section: a case with nothing said, a choice, an untested and a later one.
func sample(t *testing.T) []*section {
	t.Helper()
	sections, err := parseCases("## 1.1 Title\n> All alike.\n1\tD\tAPI\ta | b\te\n2\tU\t–\ts\te\tchoice: ours (option x)\n3\tD\tAPI\ts\te\tuntested: reasons\n4\tD\tAPI\ts\te\tlater: next year\n5\tD\tAPI\ts\te\ta remark\n")
	if err != nil {
		t.Fatal(err)
	}
	return sections
}

func tests(numbers ...int) []place {
	var all []place
	for _, n := range numbers {
		all = append(all, place{number: n, file: "room/a_test.go", decl: "TestX", line: 7})
	}
	return all
}

func TestWhatIsWrongWithTheRecordIsSaid(t *testing.T) {
	for _, c := range []struct {
		name    string
		numbers []int
		want    []string
	}{
		{"nothing", []int{1, 2, 5, 5}, nil},
		{"cases without a test", []int{2}, []string{"without a test are the cases 1, 5"}},
		{"a number that no case has", []int{1, 2, 5, 77}, []string{"room/a_test.go:7: there is no case 77"}},
		{"tested and marked untested", []int{1, 2, 3, 5}, []string{"3 is marked untested"}},
		{"tested and marked later", []int{1, 2, 4, 5}, []string{"4 is marked later"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := join(sample(t), tests(c.numbers...), nil).findings()
			if len(got) != len(c.want) {
				t.Fatalf("%q, want %q", got, c.want)
			}
			for i := range got {
				if !strings.Contains(got[i], c.want[i]) {
					t.Errorf("%q, want %q", got[i], c.want[i])
				}
			}
		})
	}
	t.Run("too many cases without a test", func(t *testing.T) {
		var b strings.Builder
		for n := range maxUntested + 1 {
			b.WriteString(strconv.Itoa(n+1) + "\tD\tAPI\ts\te\tuntested: reasons\n")
		}
		sections, err := parseCases("## 1.1 Title\n" + b.String())
		if err != nil {
			t.Fatal(err)
		}
		if got := join(sections, nil, nil).findings(); len(got) != 1 || !strings.Contains(got[0], "26 cases are untested, 25 are allowed") {
			t.Errorf("%q", got)
		}
	})
	t.Run("what the scan complained of stays", func(t *testing.T) {
		if got := join(sample(t), tests(1, 2, 5), []string{"a complaint"}).findings(); !slices.Equal(got, []string{"a complaint"}) {
			t.Errorf("%q", got)
		}
	})
}

func TestThePageShowsEveryCase(t *testing.T) {
	r := join(sample(t), append(tests(1, 1, 2), place{number: 1, file: "b_test.go", decl: "TestY"}), nil)
	page, err := r.page()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"5 cases: 2 tested, 1 of features of later releases, 2 without a test.",
		"## 1.1 Title\n\nAll alike.\n\n| # | situation | expected | mark | source | tested by |\n|---|---|---|---|---|---|\n",
		"| 1 | a \\| b | e | D | API | `room/a_test.go: TestX`<br>`b_test.go: TestY` |\n",
		"| 2 | s | e. *Our choice: ours (option x).* | U | – | `room/a_test.go: TestX` |\n",
		"| 3 | s | e | D | API | *untested: reasons* |\n",
		"| 4 | s | e | D | API | *later: next year* |\n",
		"| 5 | s | e. *a remark.* | D | API | **no test** |\n",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	t.Run("and is compared with the one in the tree", func(t *testing.T) {
		root := t.TempDir()
		if r.upToDate(root) == nil {
			t.Error("no page is up to date")
		}
		if err := os.Mkdir(filepath.Join(root, "docs"), 0o755); err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string]bool{string(page): true, string(page) + " ": false} {
			if err := os.WriteFile(filepath.Join(root, pagePath), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := r.upToDate(root); (err == nil) != want {
				t.Errorf("%v, want up to date %t", err, want)
			}
		}
	})
}

func TestWhatDidNotRunIsSaid(t *testing.T) {
	const stream = `{"Action":"start","Package":"p"}
{"Action":"run","Test":"TestX/case_1:_a"}
{"Action":"output","Test":"TestX/case_1:_a","Output":"=== RUN"}
{"Action":"pass","Test":"TestX/case_1:_a"}
{"Action":"pass","Test":"TestX/case_2:_a"}
{"Action":"STOP","Test":"TestX/case_2:_b"}
{"Action":"run","Test":"TestX/case_5:_a"}
{"Action":"pass","Test":"TestX/in_case_5:_b"}
`
	for _, c := range []struct {
		name, stop string
		want       []string
	}{
		{"one of two failed", "fail", []string{" 2 failed", " 5 did not run"}},
		{"one of two was skipped", "skip", []string{" 2 failed or was skipped", " 5 did not run"}},
		{"both passed", "pass", []string{" 5 did not run"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			results, err := readEvents(strings.NewReader(strings.ReplaceAll(stream, "STOP", c.stop)))
			if err != nil {
				t.Fatal(err)
			}
			got := join(sample(t), tests(1, 2, 5), nil).unproven(results)
			if len(got) != len(c.want) {
				t.Fatalf("%q, want %q", got, c.want)
			}
			for i := range got {
				if !strings.Contains(got[i], c.want[i]) {
					t.Errorf("%q, want %q", got[i], c.want[i])
				}
			}
		})
	}
	if _, err := readEvents(strings.NewReader("ok p 0.1s\n")); err == nil {
		t.Error("the output of a plain go test is taken for a stream of events")
	}
}
