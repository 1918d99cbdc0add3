package strict

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Severity says whether a diagnostic forbids the use of a file.
type Severity string

// An error makes the file unusable; a warning points at something that is probably not meant.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// Diagnostic is one finding in a text. Line and Column count from 1, columns in
// characters; 0 means the text as a whole.
type Diagnostic struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Column   int      `json:"column"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	// Source is the line of text that the finding is about.
	Source string `json:"-"`
}

// String is the one-line form "file:line:col: severity: message", whatever the file is called.
func (d Diagnostic) String() string {
	if d.Line == 0 {
		return fmt.Sprintf("%s: %s: %s", OneLine(d.File), d.Severity, d.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s: %s", OneLine(d.File), d.Line, d.Column, d.Severity, d.Message)
}

// OneLine is a name as reports show it: what is not printable, such as a line break, is U+FFFD.
func OneLine(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, name)
}

// excerptWidth is how much of a long line Detail shows.
const excerptWidth = 120

// Detail is String followed by the offending line and a caret below the offending column.
func (d Diagnostic) Detail() string {
	if d.Line == 0 {
		return d.String()
	}
	line, column := excerpt(d.Source, d.Column)
	return d.String() + "\n    " + line + "\n    " + strings.Repeat(" ", column-1) + "^"
}

// excerpt makes a line safe to print and cuts a long one around the column.
func excerpt(source string, column int) (string, int) {
	line := []rune(source)
	for i, r := range line {
		if !unicode.IsPrint(r) {
			line[i] = ' '
		}
	}
	column = max(1, min(column, len(line)+1))
	if len(line) > excerptWidth {
		from := max(0, min(column-excerptWidth/2, len(line)-excerptWidth))
		line, column = line[from:from+excerptWidth], column-from
	}
	return strings.TrimRight(string(line), " "), column
}

// Diagnostics are all findings of one text, in the order of the text.
type Diagnostics []Diagnostic

// HasErrors says whether any finding is an error.
func (ds Diagnostics) HasErrors() bool { return len(ds.Errors()) > 0 }

// Errors are the findings that make the text unusable.
func (ds Diagnostics) Errors() Diagnostics { return ds.of(SeverityError) }

// Warnings are the findings that do not.
func (ds Diagnostics) Warnings() Diagnostics { return ds.of(SeverityWarning) }

func (ds Diagnostics) of(s Severity) Diagnostics {
	var some Diagnostics
	for _, d := range ds {
		if d.Severity == s {
			some = append(some, d)
		}
	}
	return some
}

// Err is nil when nothing is wrong; otherwise its text has the details of every error.
func (ds Diagnostics) Err() error {
	wrong := ds.Errors()
	if len(wrong) == 0 {
		return nil
	}
	return errors.New(wrong.Detail())
}

// Detail is the details of all findings, one after the other.
func (ds Diagnostics) Detail() string {
	parts := make([]string, len(ds))
	for i, d := range ds {
		parts[i] = d.Detail()
	}
	return strings.Join(parts, "\n")
}

// sort puts findings into the order of the text.
func (ds Diagnostics) sort() {
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
}
