package decisionlog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"

	"ecs-autoscaler/evaluator"
)

// longestLine is the longest line that is read. A target with everything that a configuration allows takes less.
const longestLine = 16 << 20

// Error is what is wrong with a log, and where.
type Error struct {
	File    string
	Line    int
	Problem error
}

// Error has the form FILE:LINE: problem.
func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Problem) }

// Unwrap is the problem.
func (e *Error) Unwrap() error { return e.Problem }

// Record is one line of a log.
type Record struct {
	Line int
	// Text is the line as it stands, with its end. It holds until the next Read.
	Text []byte
	// Version is the daemon's, of a line that begins a log; else empty. The other fields are those of other kinds.
	Version string
	// Target is the specification, of a line about a target and of a decision, and ID its name in the log.
	Target *evaluator.Target
	ID     string
	// Decision is nil for the other kinds.
	Decision *Recorded
}

// Recorded is a decision as the log has it.
type Recorded struct {
	Now         time.Time
	Observation evaluator.Observation
	Memory      evaluator.Memory
	Outcome     evaluator.Outcome
	// made is what the evaluator made of it then.
	made any
}

// Reader reads a log line by line.
type Reader struct {
	file    string
	in      *bufio.Reader
	err     error // of opening
	line    int
	version string
	targets map[string]*evaluator.Target
	// ahead is a line that has been read already.
	ahead []byte
	// Torn are the lines that have no end, because the process was killed or the disk was full.
	Torn []int
}

// NewReader reads a log, also one that gzip has compressed. Messages call it file.
func NewReader(file string, in io.Reader) *Reader {
	r := &Reader{file: file, in: bufio.NewReaderSize(in, 1<<16), targets: map[string]*evaluator.Target{}}
	if magic, _ := r.in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(r.in)
		if err != nil {
			r.err = err
			return r
		}
		r.in = bufio.NewReaderSize(unzipped, 1<<16)
	}
	return r
}

// Read reads the next line; io.EOF ends the log, any other error is an *Error. Lines that are cut short at the end of what a
// process has written are left out and noted in Torn.
func (r *Reader) Read() (*Record, error) {
	if r.err != nil {
		return nil, &Error{r.file, 1, r.err}
	}
	for {
		text, err := r.next()
		if err != nil {
			return nil, err
		}
		object, err := parse(text)
		if err == nil {
			return r.record(text, object)
		}
		if !r.endsHere() {
			return nil, r.wrong(err)
		}
		if r.version == "" {
			return nil, r.wrong(errNoLog)
		}
		r.Torn = append(r.Torn, r.line)
	}
}

var errNoLog = errors.New("this is no decision log, which begins with a line of the kind log; one that was cut needs its first lines, too")

func (r *Reader) wrong(problem error) error { return &Error{r.file, r.line, problem} }

// next is the next line.
func (r *Reader) next() ([]byte, error) {
	r.line++
	if ahead := r.ahead; ahead != nil {
		r.ahead = nil
		return ahead, nil
	}
	return r.text()
}

// text reads a line with its end, the last perhaps without.
func (r *Reader) text() ([]byte, error) {
	var text []byte
	for {
		part, err := r.in.ReadSlice('\n')
		text = append(text, part...)
		switch {
		case err == nil:
			return text, nil
		case len(text) > longestLine:
			return nil, r.wrong(fmt.Errorf("the line is longer than %d MiB", longestLine>>20))
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(text) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF) && len(text) > 0: // a compressed file that is cut short
			return text, nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return nil, io.EOF
		default:
			return nil, r.wrong(err)
		}
	}
}

// endsHere says that what a process has written ends with the present line: the log does, or another process has begun.
func (r *Reader) endsHere() bool {
	ahead, err := r.text()
	if err != nil {
		return errors.Is(err, io.EOF)
	}
	r.ahead = ahead
	object, err := parse(ahead)
	return err == nil && object["kind"] == kindLog
}

// parse reads a line as JSON, with numbers as they are written.
func parse(text []byte) (map[string]any, error) {
	if !json.Valid(text) { // which a decoder alone does not see: it stops behind the first value
		return nil, errors.New("this is no JSON")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil || object == nil {
		return nil, errors.New("this is no JSON object")
	}
	return object, nil
}

// record understands a line.
func (r *Reader) record(text []byte, object map[string]any) (*Record, error) {
	rec := &Record{Line: r.line, Text: text}
	var err error
	switch kind := object["kind"]; {
	case kind == kindLog:
		err = r.begin(rec, object)
	case r.version == "":
		err = errNoLog
	case kind == kindTarget:
		err = r.target(rec, object)
	case kind == kindDecision:
		err = r.decision(rec, object)
	default:
		err = fmt.Errorf("the kind of a line must be %s, %s or %s, not %s", kindLog, kindTarget, kindDecision, shown(kind))
	}
	if err != nil {
		return nil, r.wrong(err)
	}
	return rec, nil
}

// begin takes the line with which a process has begun to write.
func (r *Reader) begin(rec *Record, object map[string]any) error {
	var line struct {
		Kind    string
		Format  int
		Version string
		Started time.Time
	}
	rec.Version, _ = object["version"].(string)
	if format, _ := object["format"].(json.Number); format.String() != strconv.Itoa(Format) {
		return fmt.Errorf("the log has format %s and was written by version %q; this version reads format %d: use the other one, or a newer one",
			shown(object["format"]), rec.Version, Format)
	}
	if err := read(object, &line); err != nil {
		return err
	}
	if rec.Version == "" {
		return at("version", expected("the version of the daemon", object["version"]))
	}
	r.version = rec.Version
	return nil
}

// read reads a line into a structure whose fields have its keys.
func read(object map[string]any, into any) error {
	v := reflect.ValueOf(into).Elem()
	return codecs{}.of(v.Type()).read(object, v)
}

// target takes the line of a target.
func (r *Reader) target(rec *Record, object map[string]any) error {
	id, _ := object["id"].(string)
	t := &evaluator.Target{}
	if err := targetCodec.read(object["target"], reflect.ValueOf(t).Elem()); err != nil {
		return r.olderThan(at("target", err))
	}
	spec, err := specify(t)
	if err != nil {
		return err
	}
	if spec.id != id {
		return fmt.Errorf("the target is not the one that was written: its id must be %s, not %s; somebody has changed the line", spec.id, shown(id))
	}
	if err := sound(t); err != nil {
		return at("target", err)
	}
	r.targets[id], rec.Target, rec.ID = t, t, id
	return nil
}

// olderThan adds what to do about a field that is not known.
func (r *Reader) olderThan(err error) error {
	if errors.Is(err, errUnknownField) {
		return fmt.Errorf("%w; the log was written by version %q: use that one", err, r.version)
	}
	return err
}

// known looks for keys that the line of a decision does not have.
func (r *Reader) known(object map[string]any) error {
	for _, key := range sortedKeys(object) {
		switch key {
		case "kind", "target", "now", "observation", "memory", "decision", "outcome":
		default:
			return r.olderThan(at(key, errUnknownField))
		}
	}
	return nil
}

// isOutcome says that o is one that a decision can have.
func isOutcome(o evaluator.Outcome) bool {
	switch o {
	case evaluator.OutcomeNone, evaluator.OutcomeWritten, evaluator.OutcomeDryRun, evaluator.OutcomeRateLimited, evaluator.OutcomeNotLeader:
		return true
	case evaluator.OutcomeFailed: // without a class
		return false
	default:
		return strings.HasPrefix(string(o), string(evaluator.OutcomeFailed))
	}
}

// decision takes the line of a decision.
func (r *Reader) decision(rec *Record, object map[string]any) error {
	d := &Recorded{made: object["decision"]}
	rec.ID, _ = object["target"].(string)
	if rec.Target = r.targets[rec.ID]; rec.Target == nil {
		return at("target", fmt.Errorf("no line before this one describes the target %s; the beginning of the log is missing", shown(object["target"])))
	}
	if err := r.known(object); err != nil {
		return err
	}
	outcome, _ := object["outcome"].(string)
	if d.Outcome = evaluator.Outcome(outcome); !isOutcome(d.Outcome) {
		return at("outcome", expected("the outcome of a write, such as none or written", object["outcome"]))
	}
	if err := readTime(object["now"], reflect.ValueOf(&d.Now).Elem()); err != nil {
		return at("now", err)
	}
	if err := observationCodec.read(object["observation"], reflect.ValueOf(&d.Observation).Elem()); err != nil {
		return r.olderThan(at("observation", err))
	}
	if err := memoryCodec.read(object["memory"], reflect.ValueOf(&d.Memory).Elem()); err != nil {
		return r.olderThan(at("memory", err))
	}
	if err := fits(rec.Target, d); err != nil {
		return err
	}
	d.Memory.Arm(rec.Target)
	rec.Decision = d
	return nil
}
