package main

import (
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// section is one heading of the record with its cases.
type section struct {
	number, title string
	// intro is what all its cases have in common, perhaps empty.
	intro string
	cases []*conformanceCase
}

// conformanceCase is one row.
type conformanceCase struct {
	number    int
	mark      string
	source    string
	situation string
	expected  string
	// kind says what note is: nothing special (""), choice, untested or later.
	kind, note string
	tests      []place
}

// The kinds of a note.
const (
	choice   = "choice"
	untested = "untested"
	later    = "later"
)

//go:embed cases.tsv
var casesText string

var (
	heading = regexp.MustCompile(`^## (\d+\.\d+) (.+)$`)
	marks   = regexp.MustCompile(`^[DCIEU](/[DCIEU])*$`)
)

// parseCases reads the text of cases.tsv.
func parseCases(text string) ([]*section, error) {
	var sections []*section
	known := map[int]bool{}
	for i, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "# ") || line == "#" {
			continue
		}
		if h := heading.FindStringSubmatch(line); h != nil {
			sections = append(sections, &section{number: h[1], title: h[2]})
			continue
		}
		if len(sections) == 0 {
			return nil, fmt.Errorf("cases.tsv:%d: a case stands before the first section; begin one with ## 10.1 Title", i+1)
		}
		s := sections[len(sections)-1]
		if intro, ok := strings.CutPrefix(line, "> "); ok {
			s.intro = intro
			continue
		}
		c, err := parseCase(line)
		if err != nil {
			return nil, fmt.Errorf("cases.tsv:%d: %w", i+1, err)
		}
		if known[c.number] {
			return nil, fmt.Errorf("cases.tsv:%d: case %d stands twice", i+1, c.number)
		}
		known[c.number] = true
		s.cases = append(s.cases, c)
	}
	return sections, nil
}

// fieldsOf takes a row apart.
func fieldsOf(line string) ([]string, error) {
	f := strings.Split(line, "\t")
	if len(f) < 5 || len(f) > 6 {
		return nil, fmt.Errorf("%d fields with tabs between, want number, mark, source, situation, expected and perhaps a note", len(f))
	}
	for _, field := range f {
		if strings.TrimSpace(field) != field || field == "" {
			return nil, fmt.Errorf("field %q is empty or has blanks around it", field)
		}
	}
	return f, nil
}

func parseCase(line string) (*conformanceCase, error) {
	f, err := fieldsOf(line)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(f[0])
	if err != nil || n < 1 {
		return nil, fmt.Errorf("%q is no number of a case", f[0])
	}
	if !marks.MatchString(f[1]) {
		return nil, fmt.Errorf("mark %q is none of D, C, I, E, U or several of them with slashes between", f[1])
	}
	c := &conformanceCase{number: n, mark: f[1], source: f[2], situation: f[3], expected: f[4]}
	if len(f) == 6 {
		c.kind, c.note = kindOf(f[5])
	}
	if strings.ContainsAny(c.mark, "EU") && c.kind == "" {
		return nil, fmt.Errorf("case %d is marked %s: what we do is a choice, and a note has to say it (choice: …)", n, c.mark)
	}
	return c, nil
}

// kindOf takes the kind off a note.
func kindOf(note string) (kind, rest string) {
	for _, kind := range []string{choice, untested, later} {
		if rest, ok := strings.CutPrefix(note, kind+": "); ok {
			return kind, rest
		}
	}
	return "", note
}
