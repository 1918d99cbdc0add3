package decisionlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"reflect"

	"ecs-autoscaler/evaluator"
)

// FieldDifference is a field of a decision that comes out differently, with its values as JSON; absent ones are zero.
type FieldDifference struct {
	Field      string `json:"field"`
	Logged     string `json:"logged"`
	Recomputed string `json:"recomputed"`
}

// String is the difference for people.
func (f FieldDifference) String() string {
	return f.Field + ": logged " + f.Logged + ", recomputed " + f.Recomputed
}

// mostFields is how many fields of a decision are shown.
const mostFields = 10

// compare finds how a decision differs from the log's: every number on the way is compared, and not only the result. line is the
// one of the log.
func compare(line []byte, d *Recorded, made *evaluator.Decision, broken error) []FieldDifference {
	if broken != nil {
		return []FieldDifference{{"decision", shown(d.made), broken.Error()}}
	}
	text, err := appendBare([]byte(decisionKey), made)
	if err != nil {
		return []FieldDifference{{"decision", shown(d.made), err.Error()}}
	}
	if bytes.HasSuffix(line, appendOutcome(text, d.Outcome)) {
		return nil
	}
	// Another program may have written the line anew, with other blanks and the keys in another order.
	now, err := parse(text[len(decisionKey):])
	if err != nil {
		return []FieldDifference{{"decision", shown(d.made), err.Error()}}
	}
	var c comparison
	c.values("", d.made, now)
	return c.found
}

// comparison goes through two values side by side.
type comparison struct{ found []FieldDifference }

func (c *comparison) values(path string, logged, made any) {
	if len(c.found) == mostFields {
		return
	}
	if a, ok := logged.(map[string]any); ok {
		if b, ok := made.(map[string]any); ok {
			c.objects(path, a, b)
			return
		}
	}
	if a, ok := logged.([]any); ok {
		if b, ok := made.([]any); ok && len(a) == len(b) {
			for i := range a {
				c.values(fmt.Sprintf("%s[%d]", path, i), a[i], b[i])
			}
			return
		}
	}
	if !same(logged, made) {
		c.found = append(c.found, FieldDifference{path, shown(logged), shown(made)})
	}
}

func (c *comparison) objects(path string, logged, made map[string]any) {
	all := maps.Clone(logged)
	maps.Copy(all, made)
	for _, key := range sortedKeys(all) {
		step := key
		if path != "" {
			step = path + "." + key
		}
		a, inLog := logged[key]
		b, inMade := made[key]
		if inLog == inMade {
			c.values(step, a, b)
		} else if len(c.found) < mostFields {
			c.found = append(c.found, FieldDifference{step, value(a, inLog), value(b, inMade)})
		}
	}
}

// value is one side of a difference.
func value(v any, there bool) string {
	if !there {
		return "nothing"
	}
	return shown(v)
}

// same compares two values without parts. Numbers are compared exactly, however they are written.
func same(logged, made any) bool {
	a, isNumber := logged.(json.Number)
	b, areNumbers := made.(json.Number)
	if !isNumber || !areNumbers || a == b {
		return reflect.DeepEqual(logged, made)
	}
	x, exact := new(big.Rat).SetString(a.String())
	y, both := new(big.Rat).SetString(b.String())
	return exact && both && x.Cmp(y) == 0 && (x.Sign() != 0 || a.String()[0] == b.String()[0])
}

// logged is the sentence of the decision as the log has it, empty if it cannot be read.
func (d *Recorded) logged() string {
	logged := &evaluator.Decision{}
	if err := decisionCodec.read(d.made, reflect.ValueOf(logged).Elem()); err != nil {
		return ""
	}
	logged.Outcome = d.Outcome
	return sentence(logged)
}

// sentence is the decision's message; empty for a decision that no evaluator has made and that has none.
func sentence(d *evaluator.Decision) (text string) {
	defer func() {
		if recover() != nil {
			text = ""
		}
	}()
	return d.Message()
}
