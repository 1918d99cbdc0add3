package policytest

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"ecs-autoscaler/config"
	"ecs-autoscaler/config/strict"
	"ecs-autoscaler/evaluator"
)

// form is what messages about a test file as a whole say.
var form = strict.Form{
	Name: "the test file",
	Needs: "it needs config and tests, for example config: ecs-autoscaler.yaml and " +
		"tests: [{name: a quiet hour, service: c/s, desired: 1, metrics: [...], expect: [{at: 1h, desired: 1}]}]",
	Shorten: "divide it into several files",
}

// file is one test file, read and checked.
type file struct {
	name  string
	tests []*test
}

// test is one story about one service: what it starts from, what happens, and what is expected.
type test struct {
	name   string
	config *config.Config
	target *evaluator.Target
	start  time.Time
	// desired and running are the counts at time zero.
	desired, running int
	// taskStart, metricDelay, phase and until are as in the file; interval is the time between two passes.
	taskStart, metricDelay, phase, until, interval time.Duration
	// series are what target's metrics show, in that order.
	series  []*series
	events  []event
	expects []*expectation
}

// loader opens a configuration file for a test file, once however many name it.
type loader struct {
	env  func(string) (string, bool)
	read map[string]*loaded
}

type loaded struct {
	config *config.Config
	err    error
}

// parse reads one test file. Its mistakes come first, those of its configuration follow with the places that they have
// there; the file is nil if there are any. Warnings of a configuration are told with the first file that names it.
func (l *loader) parse(src config.Source) (*file, config.Diagnostics) {
	p := &parser{loader: l, values: maxFileValues}
	d := strict.New(src.Name, l.env, form)
	var f *file
	if v, ok := d.Read(src.Text); ok {
		f = p.file(v)
	}
	found := slices.Concat(d.Findings(), p.others)
	if found.HasErrors() {
		return nil, found
	}
	return f, found
}

// parser reads one test file.
type parser struct {
	*loader
	// config is nil when it could not be read: then only what does not depend on it is checked.
	config *config.Config
	// others are findings in the configuration file.
	others config.Diagnostics
	names  map[string]strict.Position
	// values counts those of the whole file.
	values allowance
}

func (p *parser) file(v strict.Value) *file {
	m, ok := v.Mapping()
	if !ok {
		return nil
	}
	m.Key = ""
	p.names = map[string]strict.Position{}
	p.policies(m)
	tests := strict.Need(m, "tests", "[{name: a quiet hour, service: c/s, desired: 1, metrics: [...], expect: [{at: 1h, desired: 1}]}]", strict.List(p.test))
	m.Close()
	if tests.Valid && len(tests.Value) == 0 {
		m.Errorf(tests.KeyAt, "tests is empty; add at least one test with name, service, desired, metrics and expect")
	}
	f := &file{name: m.File}
	for _, t := range tests.Value {
		f.tests = append(f.tests, t.Value)
	}
	return f
}

// policies finds the configuration that is tested: another file, or targets in this one.
func (p *parser) policies(m *strict.Mapping) {
	path := strict.Read(m, "config", strict.Value.Filled)
	inline := m.Has("targets")
	switch {
	case path.Present && inline:
		m.Errorf(path.KeyAt, "config and targets exclude each other; keep the one that is to be tested")
		config.Inline(m)
	case inline:
		wrong := m.HasErrors()
		p.config = config.Inline(m)
		if m.HasErrors() && !wrong {
			p.config = nil
			return
		}
		p.warnUnsupported(p.config)
	case path.Valid:
		p.open(m, path)
	case !path.Present:
		m.Errorf(m.At, "the file names no policies to test; add config: ecs-autoscaler.yaml, or targets as in a configuration file")
	}
}

// open reads the configuration file that the test names, relative to the test file.
func (p *parser) open(m *strict.Mapping, path strict.Field[string]) {
	name := path.Value
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(m.File), name)
	}
	c, known := p.read[name]
	if !known {
		c = new(loaded)
		p.read[name] = c
		c.config, c.err = p.load(name)
	}
	p.config = c.config
	switch {
	case c.err != nil && errors.Is(c.err, errMistakes):
		m.Errorf(path.At, "config: %s has mistakes; they are listed with their own places", name)
	case errors.Is(c.err, fs.ErrNotExist):
		m.Errorf(path.At, "config: there is no file %s; the path is relative to this test file", name)
	case c.err != nil:
		m.Errorf(path.At, "config: %v", c.err)
	}
}

// warnUnsupported tells of what the configuration relies on and no test will see.
func (p *parser) warnUnsupported(c *config.Config) {
	for _, d := range c.Unsupported() {
		d.Severity = config.SeverityWarning
		p.others = append(p.others, d)
	}
}

// errMistakes says that a configuration has been read and found wrong.
var errMistakes = errors.New("the configuration has mistakes")

func (p *parser) load(name string) (*config.Config, error) {
	src, err := config.ReadFile(name)
	if err != nil {
		return nil, err
	}
	c, found := config.Parse(src, p.env)
	p.others = append(p.others, found...)
	if c == nil {
		return nil, errMistakes
	}
	p.warnUnsupported(c)
	return c, nil
}
