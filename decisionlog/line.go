package decisionlog

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"strconv"
	"strings"
	"time"

	"ecs-autoscaler/evaluator"
)

// Format is the version of the log's form. It grows when a reader of the one before would misread it; a new field of the
// evaluator's does not make it grow, because no reader overlooks one.
const Format = 1

// The kinds of lines. A log begins with one of kind log, and has another one wherever a process has begun to write to it. A
// target comes before the first decision about it.
const (
	kindLog      = "log"
	kindTarget   = "target"
	kindDecision = "decision"
)

// startLine is the line with which a process begins to write.
func startLine(version string, started time.Time) ([]byte, error) {
	b := strconv.AppendInt([]byte(`{"kind":"`+kindLog+`","format":`), Format, 10)
	b = quote(append(b, `,"version":`...), strings.ToValidUTF8(version, "?"))
	b, err := appendTime(append(b, `,"started":`...), started)
	return append(b, "}\n"...), err
}

// specification is a target as its line has it.
type specification struct {
	id   string
	line []byte
}

// specify writes a target down. Equal targets have equal ids.
func specify(t *evaluator.Target) (*specification, error) {
	text, err := targetCodec.write(nil, reflect.ValueOf(t).Elem())
	if err != nil {
		return nil, at("target", err)
	}
	id := identity(text)
	line := append([]byte(`{"kind":"`+kindTarget+`","id":"`+id+`","target":`), text...)
	return &specification{id, append(line, "}\n"...)}, nil
}

// identity is a name for a text, long enough that no two targets share one.
func identity(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:10])
}

// decisionKey stands before the decision, which comes next to last.
const decisionKey = `,"decision":`

// situation is what Evaluate is given beside the target.
type situation struct {
	now         time.Time
	observation *evaluator.Observation
	memory      *evaluator.Memory
}

// appendDecision appends the line of a decision up to its outcome, which is not known yet.
func appendDecision(b []byte, id string, s situation, d *evaluator.Decision) (_ []byte, err error) {
	b = append(b, `{"kind":"`+kindDecision+`","target":"`+id+`","now":`...)
	if b, err = appendTime(b, s.now); err != nil {
		return b, at("now", err)
	}
	if b, err = observationCodec.write(append(b, `,"observation":`...), reflect.ValueOf(s.observation).Elem()); err != nil {
		return b, at("observation", err)
	}
	if b, err = memoryCodec.write(append(b, `,"memory":`...), reflect.ValueOf(s.memory).Elem()); err != nil {
		return b, at("memory", err)
	}
	if b, err = appendBare(append(b, decisionKey...), d); err != nil {
		return b, at("decision", err)
	}
	return b, nil
}

// appendBare appends a decision without the outcome, which is the actuator's and not the evaluator's.
func appendBare(b []byte, d *evaluator.Decision) ([]byte, error) {
	bare := *d
	bare.Outcome = ""
	return decisionCodec.write(b, reflect.ValueOf(&bare).Elem())
}

// appendOutcome ends the line of a decision.
func appendOutcome(b []byte, o evaluator.Outcome) []byte {
	return append(quote(append(b, `,"outcome":`...), string(o)), "}\n"...)
}
