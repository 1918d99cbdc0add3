package policytest

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"ecs-autoscaler/config"
)

// Options are the choices for a run.
type Options struct {
	// Env looks an environment variable up (os.LookupEnv), for ${NAME} in tests and configurations.
	Env func(string) (string, bool)
	// Match keeps the tests whose name it matches; nil keeps all.
	Match *regexp.Regexp
}

// Result is what became of one test, or of a file that could not be read as tests.
type Result struct {
	// File is as it was named, Name is the test's; it is empty for a file with mistakes.
	File, Name string
	// Failures are what did not hold, in the order of time.
	Failures []Failure
	// Mistakes are why the file cannot be run.
	Mistakes config.Diagnostics
	// Took is the real time that the test took.
	Took time.Duration
}

// OK says that everything that the test expects holds.
func (r *Result) OK() bool { return len(r.Failures) == 0 && len(r.Mistakes) == 0 }

// Failure is an expectation that did not hold. One that must hold throughout a time fails once, where it first did not.
type Failure struct {
	// At is the virtual time since the start of the test, Time the same as an instant.
	At   time.Duration
	Time time.Time
	// Line is where the expectation stands in the file.
	Line int
	// Expected and Got name what differs: "desired 2" and "desired 1".
	Expected, Got string
	// Explanation is the decision of the last pass in its own words, and the datapoints of every alarm below it.
	Explanation string
}

// Report is what became of all tests, in the order of the files and of the tests in them.
type Report struct {
	Results []Result
	// Warnings are findings that keep no test from running.
	Warnings config.Diagnostics
}

// Passed and Failed count the results.
func (r *Report) Passed() int { return len(r.Results) - r.Failed() }

// Failed counts the tests in which something did not hold, and the files with mistakes.
func (r *Report) Failed() int {
	n := 0
	for i := range r.Results {
		if !r.Results[i].OK() {
			n++
		}
	}
	return n
}

// Run plays the tests of the files, one after the other: the same files give the same report. A file with mistakes is a
// failed result. The error is of a file that cannot be read, of a Match that keeps no test, or of the engine itself.
func Run(ctx context.Context, files []string, o Options) (*Report, error) {
	sources := make([]config.Source, len(files))
	for i, name := range files {
		var err error
		if sources[i], err = config.ReadFile(name); err != nil {
			return nil, fmt.Errorf("the test file cannot be read: %w", err)
		}
	}
	l := &loader{env: o.Env, read: map[string]*loaded{}}
	r := new(Report)
	for _, src := range sources {
		f, found := l.parse(src)
		r.Warnings = append(r.Warnings, found.Warnings()...)
		if f == nil {
			r.Results = append(r.Results, Result{File: src.Name, Mistakes: found.Errors()})
			continue
		}
		if err := r.play(ctx, f, o.Match); err != nil {
			return nil, err
		}
	}
	if len(r.Results) == 0 {
		return nil, fmt.Errorf("no test has a name that matches %q", o.Match)
	}
	return r, nil
}

// play runs the tests of one file.
func (r *Report) play(ctx context.Context, f *file, match *regexp.Regexp) error {
	for _, t := range f.tests {
		if match != nil && !match.MatchString(t.name) {
			continue
		}
		began := time.Now()
		failures, err := t.run(ctx)
		if err != nil {
			return fmt.Errorf("%s: test %q: %w", f.name, t.name, err)
		}
		r.Results = append(r.Results, Result{File: f.name, Name: t.name, Failures: failures, Took: time.Since(began)})
	}
	return nil
}
