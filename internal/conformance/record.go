package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

// maxUntested is how many cases may do without a test, those of later releases not counted.
const maxUntested = 25

// record is the cases joined with the tests that carry their numbers.
type record struct {
	sections   []*section
	complaints []string
}

// read joins cases.tsv with the tests of the module at root.
func read(root string) (*record, error) {
	sections, err := parseCases(casesText)
	if err != nil {
		return nil, err
	}
	places, complaints, err := scan(root)
	if err != nil {
		return nil, err
	}
	return join(sections, places, complaints), nil
}

// join gives every case its tests, each declaration once.
func join(sections []*section, places []place, complaints []string) *record {
	r := &record{sections, complaints}
	byNumber := map[int]*conformanceCase{}
	for c := range r.cases {
		byNumber[c.number] = c
	}
	for _, p := range places {
		c := byNumber[p.number]
		switch {
		case c == nil:
			r.complaints = append(r.complaints, fmt.Sprintf("%s:%d: there is no case %d in cases.tsv; correct the number, or leave it away", p.file, p.line, p.number))
		case !slices.ContainsFunc(c.tests, func(q place) bool { return q.String() == p.String() }):
			c.tests = append(c.tests, p)
		}
	}
	return r
}

// cases goes through all cases in the order of the file.
func (r *record) cases(yield func(*conformanceCase) bool) {
	for _, s := range r.sections {
		for _, c := range s.cases {
			if !yield(c) {
				return
			}
		}
	}
}

// findings are what is wrong with the record, apart from the page.
func (r *record) findings() []string {
	found := slices.Clone(r.complaints)
	var missing []string
	without := 0
	for c := range r.cases {
		excused := c.kind == untested || c.kind == later
		if c.kind == untested {
			without++
		}
		switch {
		case len(c.tests) == 0 && !excused:
			missing = append(missing, strconv.Itoa(c.number))
		case len(c.tests) > 0 && excused:
			found = append(found, fmt.Sprintf("case %d is marked %s in cases.tsv and is tested in %s: take the mark away", c.number, c.kind, c.tests[0]))
		}
	}
	if len(missing) > 0 {
		found = append(found, fmt.Sprintf("without a test are the cases %s: name a row or a subtest \"case N: …\", or say in cases.tsv why there is none (untested: …)", strings.Join(missing, ", ")))
	}
	if without > maxUntested {
		found = append(found, fmt.Sprintf("%d cases are untested, %d are allowed: write tests", without, maxUntested))
	}
	return found
}

//go:embed page.md.tmpl
var pageText string

// page is the whole of docs/conformance.md.
func (r *record) page() ([]byte, error) {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{"Sections": r.views(), "Totals": r.totals()})
	return b.Bytes(), err
}

// sectionView is what the template sees of a section.
type sectionView struct {
	Number, Title, Intro string
	Cases                []caseView
}

type caseView struct {
	Number                                      int
	Situation, Expected, Mark, Source, TestedBy string
}

func (r *record) views() []sectionView {
	views := make([]sectionView, len(r.sections))
	for i, s := range r.sections {
		views[i] = sectionView{Number: s.number, Title: s.title, Intro: s.intro}
		for _, c := range s.cases {
			views[i].Cases = append(views[i].Cases, caseView{
				c.number, cell(c.situation), cell(expected(c)), c.mark, cell(c.source), cell(tested(c)),
			})
		}
	}
	return views
}

// totals are the numbers of cases: all, those with a test, those without, and those of later releases.
func (r *record) totals() map[string]int {
	n := map[string]int{}
	for c := range r.cases {
		n["All"]++
		switch {
		case len(c.tests) > 0:
			n["Tested"]++
		case c.kind == later:
			n["Later"]++
		default:
			n["Untested"]++
		}
	}
	return n
}

// cell makes a text fit for a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// expected is what is expected, with the note if that is about it.
func expected(c *conformanceCase) string {
	switch {
	case c.kind == choice:
		return c.expected + ". *Our choice: " + c.note + ".*"
	case c.kind == "" && c.note != "":
		return c.expected + ". *" + c.note + ".*"
	default:
		return c.expected
	}
}

// tested is where a case is tested, or why it is not.
func tested(c *conformanceCase) string {
	switch {
	case len(c.tests) > 0:
		names := make([]string, len(c.tests))
		for i, p := range c.tests {
			names[i] = "`" + p.String() + "`"
		}
		return strings.Join(names, "<br>")
	case c.kind == untested || c.kind == later:
		return "*" + c.kind + ": " + c.note + "*"
	default:
		return "**no test**"
	}
}

// upToDate compares the page in the tree with what it should be.
func (r *record) upToDate(root string) error {
	want, err := r.page()
	if err != nil {
		return err
	}
	got, err := os.ReadFile(filepath.Join(root, pagePath))
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s is not what the tests and cases.tsv say now; run: go run ./internal/conformance", pagePath)
	}
	return nil
}
