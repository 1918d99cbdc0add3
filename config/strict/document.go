package strict

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// MaxBytes is the largest text that is read. A configuration of ten thousand separate targets with two
// policies each takes about 5 MB.
const MaxBytes = 32 << 20

// maxDepth bounds nesting before the YAML parser sees the text, because its time grows with the
// square of the depth. The file format needs eight levels.
const maxDepth = 64

// document is the parsed text: its lines for messages and its one YAML document.
func (d *Decoder) document(text []byte) (ast.Node, bool) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if len(text) > MaxBytes {
		d.Errorf(Position{}, "the text has more than %d bytes, the most that is read; %s", MaxBytes, d.form.Shorten)
		return nil, false
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) // The parser counts a comment's CR LF as two lines.
	d.lines = strings.Split(string(text), "\n")
	d.nodes = freeNodes + len(text)
	if !d.readable() {
		return nil, false
	}
	file, err := parseYAML(text)
	if err != nil {
		d.syntax(err)
		return nil, false
	}
	return d.single(file)
}

// readable checks what would upset the YAML parser or a terminal.
func (d *Decoder) readable() bool {
	for i, line := range d.lines {
		if !utf8.ValidString(line) {
			valid := len([]rune(strings.ToValidUTF8(line[:firstInvalid(line)], "")))
			d.Errorf(Position{i + 1, valid + 1}, "this is not UTF-8 text; save the file as UTF-8")
			return false
		}
		if c := strings.IndexFunc(line, forbidden); c >= 0 {
			d.Errorf(Position{i + 1, utf8.RuneCountInString(line[:c]) + 1}, "a control character cannot stand in YAML; remove it")
			return false
		}
	}
	if at, deep := tooDeep(d.lines); deep {
		d.Errorf(at, "brackets or list marks are nested more than %d deep; the file format needs eight levels", maxDepth)
		return false
	}
	return true
}

func firstInvalid(s string) int {
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd") {
			return i
		}
	}
	return len(s)
}

func forbidden(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// tooDeep counts open brackets and the list marks that begin one line. It does not know quotes;
// a text in quotes with 64 unclosed brackets is no file of ours.
func tooDeep(lines []string) (Position, bool) {
	open := 0
	for i, line := range lines {
		marks := len(line) - len(strings.TrimLeft(line, " -?"))
		if strings.Count(line[:marks], "- ")+strings.Count(line[:marks], "? ") > maxDepth {
			return Position{i + 1, 1}, true
		}
		for column, r := range []rune(line) {
			switch r {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			}
			if open > maxDepth {
				return Position{i + 1, column + 1}, true
			}
		}
	}
	return Position{}, false
}

// parseYAML turns a panic of the parser into an error: whatever the text is, the daemon lives.
func parseYAML(text []byte) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the YAML parser gave up on this text: %v", r)
		}
	}()
	return parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
}

// syntax reports a YAML syntax error with what usually causes it.
func (d *Decoder) syntax(err error) {
	var at Position
	message := err.Error()
	if e, ok := errors.AsType[yaml.Error](err); ok {
		message = e.GetMessage()
		if t := e.GetToken(); t != nil && t.Position != nil {
			at = Position{t.Position.Line, t.Position.Column}
		}
	}
	d.Errorf(at, "not valid YAML: %s%s", strings.ReplaceAll(message, "\t", `\t`), syntaxHint(message))
}

// syntaxHints say in words of the user what the parser's message usually means.
var syntaxHints = []struct{ message, hint string }{
	{"'\t'", "; YAML is indented with spaces, not with tabs"},
	{"tab character", "; YAML is indented with spaces, not with tabs"},
	{"must be specified", "; a text with ${...}, commas or brackets inside { } or [ ] stands in quotes"},
	{"mapping value is not allowed", "; a text with \": \" in it or a \":\" at its end stands in quotes, and keys of one mapping stand in one column"},
	{"could not find end character", "; the closing quote is missing"},
	{"end token", "; a bracket is not closed"},
	{"reserved character", "; put the text in quotes"},
}

func syntaxHint(message string) string {
	for _, h := range syntaxHints {
		if strings.Contains(message, h.message) {
			return h.hint
		}
	}
	return ""
}

// single insists on exactly one document with something in it.
func (d *Decoder) single(file *ast.File) (ast.Node, bool) {
	var body ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil || doc.Body.Type() == ast.DirectiveType:
		case body != nil:
			d.Errorf(startOf(doc.Body), "a second document begins here; %s is one document, remove the --- before it", d.form.Name)
			return nil, false
		default:
			body = doc.Body
		}
	}
	if body == nil || body.Type() == ast.CommentType || body.Type() == ast.NullType {
		d.Errorf(Position{1, 1}, "%s is empty; %s", d.form.Name, d.form.Needs)
		return nil, false
	}
	return body, true
}
