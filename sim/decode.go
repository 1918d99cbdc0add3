package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// seconds is a duration of the scenario file: whole or broken seconds (60, 0.5) or a Go duration (90s, 5m, 1h30m).
type seconds time.Duration

// longest keeps every sum of durations far from overflow: ten years.
const longest = 10 * 365 * 24 * time.Hour

// UnmarshalYAML reads a number of seconds or a Go duration.
func (s *seconds) UnmarshalYAML(node ast.Node) error {
	text := strings.Trim(node.String(), `"' `)
	d, err := time.ParseDuration(text)
	if number, numberErr := strconv.ParseFloat(text, 64); numberErr == nil && math.Abs(number) <= longest.Seconds() {
		d, err = time.Duration(number*float64(time.Second)), nil
	}
	if err != nil || d > longest || d < -longest {
		return at(node, "%q is no duration; write seconds (60) or a duration such as 90s, 5m or 1h30m, at most ten years", text)
	}
	*s = seconds(d)
	return nil
}

func (s seconds) seconds() float64        { return time.Duration(s).Seconds() }
func (s seconds) duration() time.Duration { return time.Duration(s) }

// instant is a moment such as 2018-04-27T07:00:00Z.
type instant time.Time

// UnmarshalYAML reads an RFC 3339 time.
func (i *instant) UnmarshalYAML(node ast.Node) error {
	text := strings.Trim(node.String(), `"' `)
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Year() < 1970 || t.Year() > 2200 {
		return at(node, "%q is no time; write it like 2018-04-27T07:00:00Z", text)
	}
	*i = instant(t.UTC())
	return nil
}

// UnmarshalYAML reads a plain number, or a mapping with one of the shapes.
func (c *curveDoc) UnmarshalYAML(node ast.Node) error {
	if t := node.Type(); t == ast.IntegerType || t == ast.FloatType {
		c.Constant = new(float64)
		return yaml.NodeToValue(node, c.Constant, yaml.Strict())
	} else if t == ast.MappingType || t == ast.MappingValueType {
		type plain curveDoc
		return yaml.NodeToValue(node, (*plain)(c), yaml.Strict())
	}
	return at(node, "a curve is a number, or a mapping with one of constant, steps, line, ramp, sine, square, trace, sum")
}

// at is an error at a place of the file.
func at(node ast.Node, format string, args ...any) error {
	return &yaml.SyntaxError{Message: fmt.Sprintf(format, args...), Token: node.GetToken()}
}

// source is a YAML text with the means to name places in it.
type source struct {
	name string
	text []byte
	file *ast.File
}

// read decodes strictly into v; errors begin with file:line:col.
func (s *source) read(v any) error {
	file, err := parser.ParseBytes(s.text, 0)
	if err != nil {
		return s.locate(err)
	}
	if len(file.Docs) > 1 {
		return s.locate(at(file.Docs[1], "a scenario is one YAML document, here begins a second one"))
	}
	s.file = file
	err = yaml.NewDecoder(bytes.NewReader(s.text), yaml.Strict()).Decode(v)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return s.locate(err)
}

// locate puts file:line:col before a YAML error.
func (s *source) locate(err error) error {
	var bad yaml.Error
	if !errors.As(err, &bad) || bad.GetToken() == nil {
		if err == nil {
			return nil
		}
		return fmt.Errorf("%s:1:1: %w", s.name, err)
	}
	p := bad.GetToken().Position
	return fmt.Errorf("%s:%d:%d: %s", s.name, p.Line, p.Column, bad.GetMessage())
}

// wrong is an error at the node that a YAML path names, or at the nearest one around it.
func (s *source) wrong(path, format string, args ...any) error {
	line, column := 1, 1
	for p := path; ; {
		if node := s.node(p); node != nil {
			line, column = node.GetToken().Position.Line, node.GetToken().Position.Column
			break
		}
		cut := strings.LastIndexAny(p, ".[")
		if cut <= 0 {
			break
		}
		p = p[:cut]
	}
	return fmt.Errorf("%s:%d:%d: %s: %s", s.name, line, column, strings.TrimPrefix(path, "$."), fmt.Sprintf(format, args...))
}

func (s *source) node(path string) ast.Node {
	p, err := yaml.PathString(path)
	if err != nil || s.file == nil {
		return nil
	}
	node, err := p.FilterFile(s.file)
	if err != nil || node == nil || node.GetToken() == nil {
		return nil
	}
	return node
}
