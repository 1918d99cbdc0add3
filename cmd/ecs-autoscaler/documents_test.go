package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	linked   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headline = regexp.MustCompile(`^#{1,6} (.*)$`)
	codeSpan = regexp.MustCompile("`[^`]*`")
)

// TestEveryLinkOfTheDocumentsLeadsSomewhere: files are there, and so are the headings in them.
func TestEveryLinkOfTheDocumentsLeadsSomewhere(t *testing.T) {
	var documents []string
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../deploy/*.md", "../../deploy/*/*.md", "../../examples/*.md", "../../examples/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, found...)
	}
	links := 0
	for _, from := range documents {
		for _, line := range prose(t, from) {
			for _, m := range linked.FindAllStringSubmatch(codeSpan.ReplaceAllString(line, ""), -1) {
				if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
					continue
				}
				links++
				follow(t, from, m[1])
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d links were found", links)
	}
}

// follow goes where a link leads.
func follow(t *testing.T, from, link string) {
	t.Helper()
	path, anchor, _ := strings.Cut(link, "#")
	to := from
	if path != "" {
		to = filepath.Join(filepath.Dir(from), path)
	}
	if _, err := os.Stat(to); err != nil {
		t.Errorf("%s links to %s, which is not there", from, link)
		return
	}
	if anchor == "" || filepath.Ext(to) != ".md" {
		return
	}
	if !anchors(t, to)[anchor] {
		t.Errorf("%s links to %s, and no heading there is called so", from, link)
	}
}

// prose are the lines of a document that are not in a block of code.
func prose(t *testing.T, path string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	code := false
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
		} else if !code {
			lines = append(lines, strings.TrimRight(line, "\n"))
		}
	}
	return lines
}

// anchors are the names that GitHub gives to the headings of a document.
func anchors(t *testing.T, path string) map[string]bool {
	t.Helper()
	names, seen := map[string]bool{}, map[string]int{}
	for _, line := range prose(t, path) {
		m := headline.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			default:
				return -1
			}
		}, m[1])
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, seen[name]-1)
		}
		names[name] = true
	}
	return names
}

// TestOperationsHasAnIndexOfItsSections: whoever has been woken finds the page of his failure at the top.
func TestOperationsHasAnIndexOfItsSections(t *testing.T) {
	const path = "../../docs/operations.md"
	lines := prose(t, path)
	index := strings.Join(lines, "\n")
	index, _, _ = strings.Cut(index, "\n## ")
	for _, line := range lines {
		title, ok := strings.CutPrefix(line, "## ")
		if !ok {
			continue
		}
		found := false
		for _, m := range linked.FindAllStringSubmatch(index, -1) {
			found = found || m[1] == "#"+strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(strings.ToLower(title))
		}
		if !found {
			t.Errorf("%s: the index lacks %q", path, title)
		}
	}
}

// TestTheDocumentedFindingsOfAnAccountAreReal holds docs/lint.md to what the script of validate --aws shows.
func TestTheDocumentedFindingsOfAnAccountAreReal(t *testing.T) {
	doc, err := os.ReadFile("../../docs/lint.md")
	if err != nil {
		t.Fatal(err)
	}
	shown, err := os.ReadFile("testdata/script/validate-aws.txtar")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^shop\.yaml:.*$`).FindAllString(string(doc), -1)
	if len(lines) < 6 {
		t.Errorf("docs/lint.md has %d findings of an account", len(lines))
	}
	for _, line := range lines {
		if !strings.Contains(string(shown), line+"\n") {
			t.Errorf("docs/lint.md has\n%s\nwhich validate --aws does not say", line)
		}
	}
}
