package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// deepest bounds how far the parts of a document may lie inside each other; what export writes has far less.
const deepest = 100

// walk goes through the document: it finds what is no JSON, and keys that are there twice, of which encoding/json would
// take the last one in silence. If there is a value at path, its place goes to offset.
func (p *dumpParser) walk(path string, offset *int) error {
	w := &dumpWalk{dumpParser: p, dec: json.NewDecoder(bytes.NewReader(p.text)), path: path, offset: offset}
	if err := w.value("", 0); err != nil {
		return err
	}
	if rest := bytes.TrimSpace(p.text[w.dec.InputOffset():]); len(rest) > 0 {
		return p.at(w.next(), "there is something after the end of the document")
	}
	return nil
}

type dumpWalk struct {
	*dumpParser
	dec    *json.Decoder
	path   string
	offset *int
}

// next is where the next token begins.
func (w *dumpWalk) next() int {
	at := int(w.dec.InputOffset())
	return at + len(w.text[at:]) - len(bytes.TrimLeft(w.text[at:], " \t\r\n,:"))
}

func (w *dumpWalk) token() (json.Token, error) {
	t, err := w.dec.Token()
	if err == nil {
		return t, nil
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return nil, w.at(int(syntax.Offset)-1, "is no JSON: "+syntax.Error())
	}
	return nil, w.at(len(w.text), "is no JSON: it ends too early")
}

func (w *dumpWalk) value(path string, depth int) error {
	start := w.next()
	if w.offset != nil && path == w.path {
		*w.offset = start
	}
	t, err := w.token()
	if err != nil {
		return err
	}
	if depth > deepest {
		return w.at(start, "is nested too deeply")
	}
	switch t {
	case json.Delim('{'):
		err = w.object(path, depth)
	case json.Delim('['):
		for i := 0; err == nil && w.dec.More(); i++ {
			err = w.value(w.element(path, i), depth+1)
		}
	default:
		return nil
	}
	if err == nil {
		_, err = w.token()
	}
	return err
}

func (w *dumpWalk) object(path string, depth int) error {
	seen := map[string]bool{}
	for w.dec.More() {
		start := w.next()
		t, err := w.token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		if seen[key] {
			return w.at(start, fmt.Sprintf("the key %q is there twice", key))
		}
		seen[key] = true
		if err := w.value(w.member(path, key), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// element and member are the paths of inner values; nobody wants to know them where no place is looked for.
func (w *dumpWalk) element(path string, i int) string {
	if w.offset == nil {
		return ""
	}
	return fmt.Sprintf("%s[%d]", path, i)
}

func (w *dumpWalk) member(path, key string) string {
	if w.offset == nil || path == "" {
		return key
	}
	return path + "." + key
}
