package store

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ecs-autoscaler/evaluator"
)

// DumpError is a mistake in a document that is to be imported.
type DumpError struct {
	// File is what the document is called, Line and Column count from 1.
	File         string
	Line, Column int
	// Problem says what is wrong and what would be right.
	Problem string
}

// Error is file:line:column: problem.
func (e *DumpError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Problem)
}

// ParseDump reads and checks a document that export wrote, or that a person changed; file is what it is called. Nothing in it
// is passed over: a key that is not known, a record twice, a value out of its range or a time more than a day after now is a *DumpError,
// the first of them.
func ParseDump(file string, text []byte, now time.Time) (*Dump, error) {
	p := &dumpParser{file: file, text: text, latest: now.Add(evaluator.MostAhead)}
	if !utf8.Valid(text) {
		return nil, p.at(len(text), "is no JSON in UTF-8")
	}
	if err := p.walk("", nil); err != nil {
		return nil, err
	}
	d := &Dump{}
	if err := p.document(d); err != nil {
		return nil, err
	}
	if err := p.check(d); err != nil {
		return nil, err
	}
	d.ClusterDelays = slices.DeleteFunc(d.ClusterDelays, func(c ClusterDelays) bool { return len(c.Delays) == 0 })
	d.sort()
	return d, nil
}

type dumpParser struct {
	file string
	text []byte
	// latest is the latest time that a record may have: all of them are about what has been.
	latest time.Time
}

// at is a mistake at a place in the text.
func (p *dumpParser) at(offset int, problem string) *DumpError {
	before := p.text[:min(max(offset, 0), len(p.text))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return &DumpError{p.file, line, column, problem}
}

// wrong is a mistake in the value at a path like memories[3].Memory.min.
func (p *dumpParser) wrong(path, problem string) error {
	return p.wrongBelow(path, "", problem)
}

// wrongBelow is a mistake in a field below a path, or in what is at the path itself if there is no such field.
func (p *dumpParser) wrongBelow(path, field, problem string) error {
	offset := -1
	for _, place := range []string{strings.TrimPrefix(path+field, "."), path} {
		if err := p.walk(place, &offset); err != nil {
			return err
		}
		if offset >= 0 {
			return p.at(offset, strings.TrimPrefix(place+": ", ": ")+problem)
		}
	}
	return p.at(0, strings.TrimPrefix(path+": ", ": ")+problem)
}

// document reads the parts of the document one by one, so that mistakes can be located.
func (p *dumpParser) document(d *Dump) error {
	var parts map[string]json.RawMessage
	if err := p.decode("", p.text, &parts); err != nil {
		return err
	}
	if parts == nil {
		return p.wrong("", "must be an object as state export writes it")
	}
	// What it is comes first: a later version may have other parts.
	for _, part := range []struct {
		name string
		into any
	}{{"application", &d.Application}, {"version", &d.Version}} {
		if err := p.part(parts, part.name, part.into); err != nil {
			return err
		}
	}
	if err := p.recognize(d); err != nil {
		return err
	}
	var delays map[string]json.RawMessage
	if err := p.sequence(parts, d); err != nil {
		return err
	}
	if err := p.part(parts, "delays", &delays); err != nil {
		return err
	}
	d.Delays = map[string]Delay{}
	for _, name := range slices.Sorted(keysOf(delays)) {
		delay, err := record[Delay](p, "delays."+name, delays[name])
		if err != nil {
			return err
		}
		d.Delays[name] = delay
	}
	return p.lists(parts, d)
}

// maxSequence is the highest number that leaves room for those to come.
const maxSequence = 1 << 62

func (p *dumpParser) sequence(parts map[string]json.RawMessage, d *Dump) error {
	err := p.part(parts, "sequence", &d.Sequence)
	if err == nil && d.Sequence > maxSequence {
		err = p.wrong("sequence", fmt.Sprintf("must be 0 to %d, so that there are numbers left", uint64(maxSequence)))
	}
	return err
}

// recognize refuses what was not written by export, or by a later one.
func (p *dumpParser) recognize(d *Dump) error {
	switch {
	case d.Application != application:
		return p.wrong("application", fmt.Sprintf("must be %q: this is no exported state", application))
	case d.Version > DumpVersion:
		return p.wrong("version", fmt.Sprintf("%d was written by a newer ecs-autoscaler; this one reads up to %d: import it with that version or a later one",
			d.Version, DumpVersion))
	case d.Version < 1:
		return p.wrong("version", fmt.Sprintf("must be 1 to %d", DumpVersion))
	}
	return nil
}

func (p *dumpParser) lists(parts map[string]json.RawMessage, d *Dump) (err error) {
	if d.ClusterDelays, err = list[ClusterDelays](p, parts, "cluster_delays"); err != nil {
		return err
	}
	if d.Memories, err = list[Remembered](p, parts, "memories"); err != nil {
		return err
	}
	if d.Open, err = list[Activity](p, parts, "open_activities"); err != nil {
		return err
	}
	if d.Activities, err = list[Activity](p, parts, "activities"); err != nil {
		return err
	}
	if d.Decisions, err = list[DecisionRecord](p, parts, "decisions"); err != nil {
		return err
	}
	for _, name := range slices.Sorted(keysOf(parts)) {
		return p.wrong(name, "is no part of an exported state")
	}
	return nil
}

// part takes one part out and reads it; all but the history must be there.
func (p *dumpParser) part(parts map[string]json.RawMessage, name string, into any) error {
	raw, there := parts[name]
	if !there {
		return p.wrong("", fmt.Sprintf("%q is missing", name))
	}
	delete(parts, name)
	return p.decode(name, raw, into)
}

// optional are the lists that are only there where there is something in them.
var optional = []string{"cluster_delays", "activities", "decisions"}

func list[T any](p *dumpParser, parts map[string]json.RawMessage, name string) ([]T, error) {
	if _, there := parts[name]; !there && slices.Contains(optional, name) {
		return nil, nil
	}
	var raws []json.RawMessage
	if err := p.part(parts, name, &raws); err != nil {
		return nil, err
	}
	rows := make([]T, len(raws))
	for i, raw := range raws {
		var err error
		if rows[i], err = record[T](p, fmt.Sprintf("%s[%d]", name, i), raw); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// record reads one record and makes sure that nothing of it got lost: what is not in the record when it is written again
// was not understood.
func record[T any](p *dumpParser, path string, raw json.RawMessage) (row T, err error) {
	if err := p.decode(path, raw, &row); err != nil {
		return row, err
	}
	again, err := json.Marshal(row)
	if err != nil {
		return row, p.wrong(path, err.Error())
	}
	var given, understood any
	if err := errors.Join(json.Unmarshal(raw, &given), json.Unmarshal(again, &understood)); err != nil {
		return row, p.wrong(path, err.Error())
	}
	if lost := firstLost(path, given, understood); lost != "" {
		return row, p.wrong(lost, "is not known here: correct its name, or leave it out")
	}
	return row, nil
}

// decode reads a value and says where it cannot.
func (p *dumpParser) decode(path string, raw []byte, into any) error {
	err := json.Unmarshal(raw, into)
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		// A memory reads itself through a type that is called plain.
		field := strings.ReplaceAll("."+wrong.Field, ".plain.", ".")
		return p.wrongBelow(path, strings.TrimSuffix(field, "."), fmt.Sprintf("must be %s, not %s", kindOf(wrong.Type), wrong.Value))
	}
	return p.wrong(path, err.Error())
}

// kindOf is what JSON calls a Go type.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct, reflect.Pointer:
		return "an object"
	default:
		return "a number of type " + t.Kind().String()
	}
}

// firstLost is the path of the first value in given that is not in understood and does say something.
func firstLost(path string, given, understood any) string {
	switch given := given.(type) {
	case map[string]any:
		other, _ := understood.(map[string]any)
		for _, key := range slices.Sorted(keysOf(given)) {
			value, known := other[key]
			if !known && says(given[key]) {
				return path + "." + key
			}
			if lost := firstLost(path+"."+key, given[key], value); known && lost != "" {
				return lost
			}
		}
	case []any:
		other, _ := understood.([]any)
		for i, value := range given {
			if i >= len(other) {
				return fmt.Sprintf("%s[%d]", path, i)
			}
			if lost := firstLost(fmt.Sprintf("%s[%d]", path, i), value, other[i]); lost != "" {
				return lost
			}
		}
	}
	return ""
}

// says tells whether a value differs from the one that leaving it out means.
func says(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		return v != "" && v != "0001-01-01T00:00:00Z"
	case []any:
		return len(v) > 0
	case map[string]any:
		for _, inner := range v {
			if says(inner) {
				return true
			}
		}
	}
	return false
}

func keysOf[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// check makes sure that the backend gets what Commit would have given it.
func (p *dumpParser) check(d *Dump) error {
	if err := p.checkDelays("delays", d.Delays); err != nil {
		return err
	}
	if err := p.checkClusterDelays(d.ClusterDelays); err != nil {
		return err
	}
	if err := p.checkMemories(d.Memories); err != nil {
		return err
	}
	if err := p.checkActivities(d); err != nil {
		return err
	}
	if err := p.checkFollowed(d); err != nil {
		return err
	}
	return p.checkDecisions(d)
}

// longestDelay is the most that is learned, in seconds.
const longestDelay = 300

func (p *dumpParser) checkDelays(path string, delays map[string]Delay) error {
	for _, name := range slices.Sorted(keysOf(delays)) {
		d := delays[name]
		if name == "" || name[0] == 0 || d.Seconds < 0 || d.Seconds > longestDelay || d.Samples < 0 {
			return p.wrong(path+"."+name, fmt.Sprintf("needs a name, 0 to %d seconds and no fewer than 0 samples", longestDelay))
		}
	}
	return nil
}

func (p *dumpParser) checkClusterDelays(all []ClusterDelays) error {
	seen := map[Scope]bool{}
	for i := range all {
		c, path := &all[i], fmt.Sprintf("cluster_delays[%d]", i)
		if err := validCluster(c.scope()); err != nil {
			return p.wrong(path, err.Error())
		}
		if seen[c.scope()] {
			return p.wrong(path, fmt.Sprintf("%s has its delays already", c.scope()))
		}
		seen[c.scope()] = true
		if err := p.checkDelays(path+".delays", c.Delays); err != nil {
			return err
		}
	}
	return nil
}

func (p *dumpParser) checkMemories(memories []Remembered) error {
	seen := map[string]bool{}
	for i := range memories {
		path := fmt.Sprintf("memories[%d]", i)
		if problem := memoryProblem(&memories[i]); problem != "" {
			return p.wrong(path, problem)
		}
		for _, at := range memories[i].Memory.Instants() {
			if err := p.checkTime(path, ".Memory."+at.Path, *at.At); err != nil {
				return err
			}
		}
		if err := p.memoryWords(path, memories[i].Memory); err != nil {
			return err
		}
		if key := string(targetKey(memories[i].Target)); !unseen(seen, key) {
			return p.wrong(path, fmt.Sprintf("%s has a memory already", memories[i].Target))
		}
	}
	return nil
}

func (p *dumpParser) checkDecisions(d *Dump) error {
	seen := map[string]bool{}
	for i := range d.Decisions {
		r, path := &d.Decisions[i], fmt.Sprintf("decisions[%d]", i)
		if err := validRecord(r.ID, r.Time, r.Target, "a decision"); err != nil {
			return p.wrong(path, err.Error())
		}
		r.Time = plain(r.Time)
		if err := cmp.Or(p.checkTime(path, ".Time", r.Time), p.decisionWords(path, r), p.checkNumber(path, r, d.Sequence)); err != nil {
			return err
		}
		if text, err := json.Marshal(r.JSON); err == nil && len(r.JSON) > 0 {
			r.JSON = text // compact, as it is kept
		}
		if !unseen(seen, string(r.key())) {
			return p.wrong(path, fmt.Sprintf("decision %s is there twice", r.ID))
		}
	}
	return nil
}

// unseen notes a key and says whether it is new.
func unseen(seen map[string]bool, key string) bool {
	known := seen[key]
	seen[key] = true
	return !known
}

// checkTime refuses what cannot have been yet: the daemon would wait until then.
func (p *dumpParser) checkTime(path, field string, at time.Time) error {
	if !at.After(p.latest) {
		return nil
	}
	return p.wrongBelow(path, field, fmt.Sprintf("%s has not been yet; nothing in a state is later than now, and more than a day is no difference of clocks: "+
		"correct the time, or this machine's clock", at.Format(time.RFC3339)))
}

func memoryProblem(r *Remembered) string {
	if err := validKey(r.Target, "a memory"); err != nil {
		return err.Error()
	}
	switch m := r.Memory; {
	case m == nil:
		return "Memory is missing"
	case m.Min < 0 || m.Max < m.Min:
		return fmt.Sprintf("its bounds are %d to %d; they must be 0 <= min <= max", m.Min, m.Max)
	case m.LastDesired < -1:
		return fmt.Sprintf("last_desired is %d; it must be a count, or -1 for not known", m.LastDesired)
	}
	for i, s := range r.Memory.Steering {
		if s.For <= 0 || s.For > evaluator.LongestSteering || s.Desired < 0 {
			return fmt.Sprintf("steering[%d] lasts %s with a count of %d; it must last at most %s, with a count of 0 or more",
				i, s.For, s.Desired, evaluator.LongestSteering)
		}
	}
	return ""
}

// checkActivities looks at the open and the ended ones, which have their IDs in common.
func (p *dumpParser) checkActivities(d *Dump) error {
	seen := map[string]bool{}
	for _, part := range []struct {
		name string
		rows []Activity
		open bool
	}{{"open_activities", d.Open, true}, {"activities", d.Activities, false}} {
		for i := range part.rows {
			a, path := &part.rows[i], fmt.Sprintf("%s[%d]", part.name, i)
			if problem := activityProblem(a, part.open, d.Sequence); problem != "" {
				return p.wrong(path, problem)
			}
			times := cmp.Or(p.checkTime(path, ".StartTime", a.StartTime), p.checkTime(path, ".EndTime", a.EndTime))
			if err := cmp.Or(times, p.activityWords(path, a)); err != nil {
				return err
			}
			if !unseen(seen, a.ID) {
				return p.wrong(path, fmt.Sprintf("activity %s is there twice", a.ID))
			}
		}
	}
	return nil
}

func activityProblem(a *Activity, open bool, sequence uint64) string {
	if err := validRecord(a.ID, a.StartTime, a.Target, "an activity"); err != nil {
		return err.Error()
	}
	a.StartTime, a.EndTime = plain(a.StartTime), plain(a.EndTime)
	switch {
	case !slices.Contains(statuses, a.Status):
		return fmt.Sprintf("StatusCode is %q; it must be one of %v", a.Status, statuses)
	case open && !a.Open():
		return fmt.Sprintf("StatusCode is %s; an open activity is Pending or InProgress, the others stand in activities", a.Status)
	case !open && a.Open():
		return fmt.Sprintf("StatusCode is %s; what is not over stands in open_activities", a.Status)
	case a.From < 0 || a.To < 0:
		return fmt.Sprintf("From is %d and To is %d; counts are 0 or more", a.From, a.To)
	case a.Generation == 0 || a.Generation > sequence:
		return fmt.Sprintf("Generation is %d; it must be 1 to the sequence, which is %d", a.Generation, sequence)
	}
	return ""
}
