package decisionlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"ecs-autoscaler/evaluator"
)

// Replay makes the decisions of logs anew and compares. The zero value compares all of them; it may be given several logs,
// one after the other.
type Replay struct {
	// Match says whose decisions are meant; nil is everybody's.
	Match func(evaluator.Key) bool
	// Since and Until bound the time of the decisions, Since included; zero is no bound.
	Since, Until time.Time
	// Each is told of each decision what the evaluator makes of it now, with the outcome of then, and its sentence; nil is nobody.
	Each func(d *evaluator.Decision, sentence string)
	// Copy gets the lines that belong to these decisions, as a log of its own; nil is nobody.
	Copy io.Writer
	// Report is what has come of it so far.
	Report Report

	targets map[evaluator.Key]bool
	scratch evaluator.Decision
}

// Report is what a Replay has found.
type Report struct {
	// Decisions is how many were made anew, of so many Targets, From the first To the last of them.
	Decisions int
	Targets   int
	From, To  time.Time
	// Versions are those of the daemons that wrote the logs, in the order in which they come.
	Versions []string
	// Different is how many of the decisions come out differently; Differences are the first of them.
	Different   int
	Differences []Difference
	// Torn are the lines that were cut short and left out.
	Torn []Place
}

// mostDifferences is how many decisions a report shows.
const mostDifferences = 100

// Place is a line of a log.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// Difference is a decision that comes out differently.
type Difference struct {
	Place
	Target evaluator.Key
	Time   time.Time
	// Fields are those that differ, the first ones of many.
	Fields []FieldDifference
	// Logged and Recomputed are the two decisions as sentences, empty where one has none.
	Logged, Recomputed string
}

// Log makes the decisions of one log anew. Its error is one of reading, an *Error, or one of Copy's.
func (r *Replay) Log(file string, in io.Reader) error {
	l := &replayed{Replay: r, lines: NewReader(file, in), specs: map[string][]byte{}}
	for {
		rec, err := l.lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = l.take(rec)
		}
		if err != nil {
			return err
		}
	}
	for _, line := range l.lines.Torn {
		r.Report.Torn = append(r.Report.Torn, Place{file, line})
	}
	if l.lines.version == "" {
		return &Error{file, 1, errNoLog}
	}
	return nil
}

// replayed is one log that is made anew.
type replayed struct {
	*Replay
	lines *Reader
	// specs are the lines of targets that have not been copied yet.
	specs map[string][]byte
}

func (l *replayed) take(rec *Record) error {
	switch {
	case rec.Decision != nil:
		return l.decision(rec)
	case rec.Target != nil:
		if l.Copy != nil {
			l.specs[rec.ID] = bytes.Clone(rec.Text)
		}
		return nil
	default:
		if !slices.Contains(l.Report.Versions, rec.Version) {
			l.Report.Versions = append(l.Report.Versions, rec.Version)
		}
		return l.copy(rec.Text)
	}
}

func (l *replayed) decision(rec *Record) error {
	d := rec.Decision
	if !l.wanted(rec.Target.Key, d.Now) {
		return nil
	}
	l.count(rec.Target.Key, d.Now)
	made, broken := evaluate(rec.Target, d, &l.scratch)
	if fields := compare(rec.Text, d, made, broken); len(fields) > 0 {
		l.Report.Different++
		diff := Difference{Place: Place{l.lines.file, rec.Line}, Target: rec.Target.Key, Time: d.Now, Fields: fields, Logged: d.logged()}
		if broken == nil {
			diff.Recomputed = sentence(made)
		}
		if len(l.Report.Differences) < mostDifferences {
			l.Report.Differences = append(l.Report.Differences, diff)
		}
	}
	if l.Each != nil && broken == nil {
		l.Each(made, sentence(made))
	}
	spec := l.specs[rec.ID]
	delete(l.specs, rec.ID)
	return errors.Join(l.copy(spec), l.copy(rec.Text))
}

func (r *Replay) wanted(k evaluator.Key, now time.Time) bool {
	switch {
	case r.Match != nil && !r.Match(k):
		return false
	case !r.Since.IsZero() && now.Before(r.Since):
		return false
	default:
		return r.Until.IsZero() || now.Before(r.Until)
	}
}

func (r *Replay) count(k evaluator.Key, now time.Time) {
	if r.targets == nil {
		r.targets = map[evaluator.Key]bool{}
	}
	r.targets[k] = true
	sum := &r.Report
	sum.Decisions++
	sum.Targets = len(r.targets)
	if sum.From.IsZero() || now.Before(sum.From) {
		sum.From = now
	}
	if now.After(sum.To) {
		sum.To = now
	}
}

// copy copies a line of the log; the last one may have had no end.
func (r *Replay) copy(line []byte) error {
	if r.Copy == nil || len(line) == 0 {
		return nil
	}
	if _, err := r.Copy.Write(append(bytes.TrimRight(line, "\n"), '\n')); err != nil {
		return fmt.Errorf("the lines cannot be copied: %w", err)
	}
	return nil
}

// evaluate makes a decision anew. A log that nobody's daemon has written may have what the evaluator does not stand.
func evaluate(t *evaluator.Target, d *Recorded, into *evaluator.Decision) (made *evaluator.Decision, broken error) {
	defer func() {
		if why := recover(); why != nil {
			*into = evaluator.Decision{}
			broken = fmt.Errorf("the evaluator cannot work with this: %v", why)
		}
	}()
	evaluator.Evaluate(t, &d.Observation, &d.Memory, d.Now, into)
	into.Outcome = d.Outcome
	return into, nil
}

// Verify writes down what Evaluate was given and made, reads it back, makes the decision anew and compares. Its error says what
// differs: for tests that have a daemon prove its decisions while it makes them.
func Verify(t *evaluator.Target, o *evaluator.Observation, m *evaluator.Memory, d *evaluator.Decision) error {
	spec, err := specify(t)
	if err != nil {
		return err
	}
	line, err := appendDecision(nil, spec.id, situation{d.Time, o, m}, d)
	if err != nil {
		return err
	}
	start, err := startLine("test", d.Time)
	if err != nil {
		return err
	}
	text := slices.Concat(start, spec.line, appendOutcome(line, d.Outcome))
	var r Replay
	if err := r.Log("log", bytes.NewReader(text)); err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	if r.Report.Decisions != 1 || len(r.Report.Torn) > 0 {
		return fmt.Errorf("%d decisions were read\n%s", r.Report.Decisions, text)
	}
	for _, diff := range r.Report.Differences {
		return fmt.Errorf("%v\n%s", diff.Fields, text)
	}
	return nil
}
