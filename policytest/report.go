package policytest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"ecs-autoscaler/config/strict"
)

// Text writes one line a test, what did not hold below it, and a summary.
func (r *Report) Text(w io.Writer) error {
	var b strings.Builder
	for i := range r.Results {
		r.Results[i].text(&b)
	}
	fmt.Fprintf(&b, "%d passed, %d failed\n", r.Passed(), r.Failed())
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Result) text(b *strings.Builder) {
	file := strict.OneLine(r.File)
	switch {
	case r.OK():
		fmt.Fprintf(b, "ok   %s: %s\n", file, r.Name)
		return
	case len(r.Mistakes) > 0:
		fmt.Fprintf(b, "FAIL %s: the file has %s\n", file, mistakes(len(r.Mistakes)))
		b.WriteString(r.Mistakes.Detail() + "\n")
		return
	}
	fmt.Fprintf(b, "FAIL %s: %s\n", file, r.Name)
	for i := range r.Failures {
		f := &r.Failures[i]
		fmt.Fprintf(b, "     %s:%d: at %s (%s)\n", file, f.Line, offset(f.At), f.Time.Format(time.RFC3339))
		fmt.Fprintf(b, "       expected %s\n       got      %s\n", f.Expected, f.Got)
		fmt.Fprintf(b, "%s\n", indent("  "+f.Explanation))
	}
}

func mistakes(n int) string {
	if n == 1 {
		return "a mistake"
	}
	return fmt.Sprintf("%d mistakes", n)
}

// indent puts every line below the name of its test.
func indent(text string) string { return "     " + strings.ReplaceAll(text, "\n", "\n       ") }

// The documented JSON of a run (design.md section 6).
type (
	jsonReport struct {
		Passed int        `json:"passed"`
		Failed int        `json:"failed"`
		Tests  []jsonTest `json:"tests"`
	}
	jsonTest struct {
		File     string        `json:"file"`
		Name     string        `json:"name"`
		OK       bool          `json:"ok"`
		Failures []jsonFailure `json:"failures"`
	}
	jsonFailure struct {
		At          string `json:"at"`
		Expected    string `json:"expected"`
		Got         string `json:"got"`
		Explanation string `json:"explanation"`
	}
)

// JSON writes the documented object. Of a file with mistakes every mistake is a failure, at its line and column.
func (r *Report) JSON(w io.Writer) error {
	out := jsonReport{Passed: r.Passed(), Failed: r.Failed(), Tests: []jsonTest{}}
	for i := range r.Results {
		res := &r.Results[i]
		t := jsonTest{File: res.File, Name: res.Name, OK: res.OK(), Failures: []jsonFailure{}}
		for _, f := range res.Failures {
			t.Failures = append(t.Failures, jsonFailure{offset(f.At), f.Expected, f.Got, f.Explanation})
		}
		for _, d := range res.Mistakes {
			t.Failures = append(t.Failures, jsonFailure{
				At:       fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column),
				Expected: "a test file without mistakes", Got: d.Message, Explanation: d.Detail(),
			})
		}
		out.Tests = append(out.Tests, t)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

// The part of JUnit's XML that build servers read: one testsuite a file, one testcase a test.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
		took     time.Duration
	}
	junitCase struct {
		Class   string       `xml:"classname,attr"`
		Name    string       `xml:"name,attr"`
		File    string       `xml:"file,attr"`
		Time    string       `xml:"time,attr"`
		Failure *junitResult `xml:"failure"`
		Error   *junitResult `xml:"error"`
	}
	junitResult struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",cdata"`
	}
)

// JUnit writes JUnit XML. A file with mistakes is an error, an expectation that does not hold a failure.
func (r *Report) JUnit(w io.Writer) error {
	out := junitSuites{Name: "ecs-autoscaler test"}
	var took time.Duration
	for i := range r.Results {
		res := &r.Results[i]
		if n := len(out.Suites); n == 0 || out.Suites[n-1].Name != res.File {
			out.Suites = append(out.Suites, junitSuite{Name: res.File})
		}
		out.Suites[len(out.Suites)-1].add(res)
		took += res.Took
	}
	for i := range out.Suites {
		s := &out.Suites[i]
		out.Tests, out.Failures, out.Errors = out.Tests+s.Tests, out.Failures+s.Failures, out.Errors+s.Errors
	}
	out.Time = junitTime(took)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(out); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// add adds one test to its file.
func (s *junitSuite) add(res *Result) {
	c := junitCase{Class: res.File, Name: res.Name, File: res.File, Time: junitTime(res.Took)}
	var b strings.Builder
	res.text(&b)
	switch {
	case len(res.Mistakes) > 0:
		c.Name = "the file is read"
		c.Error = &junitResult{Message: res.Mistakes[0].String(), Type: "mistake", Text: characters(b.String())}
		s.Errors++
	case !res.OK():
		f := &res.Failures[0]
		c.Failure = &junitResult{
			Message: fmt.Sprintf("at %s: expected %s, got %s", offset(f.At), f.Expected, f.Got), Type: "expectation", Text: characters(b.String()),
		}
		s.Failures++
	}
	s.Tests++
	s.took += res.Took
	s.Time = junitTime(s.took)
	s.Cases = append(s.Cases, c)
}

// characters puts U+FFFD for what XML 1.0 cannot say: control characters and what is not UTF-8. In attributes the
// encoder does so itself.
func characters(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0xfffe, r == 0xffff:
			return unicode.ReplacementChar
		default:
			return r
		}
	}, text)
}

func junitTime(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
