package decisionlog

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/evaluator/schedule"
)

// roundTrip writes a value and reads it back.
func roundTrip(v reflect.Value) (reflect.Value, string, error) {
	c := known.of(v.Type())
	back := reflect.New(v.Type()).Elem()
	text, err := c.write(nil, v)
	if err != nil {
		return back, "", err
	}
	if !json.Valid(text) {
		return back, "", fmt.Errorf("this is no JSON: %s", text)
	}
	line, err := parse([]byte(`{"value":` + string(text) + `}`))
	if err != nil {
		return back, string(text), err
	}
	return back, string(text), c.read(line["value"], back)
}

// filler gives every field that it can reach a value of its own.
type filler struct{ n int64 }

func (f *filler) fill(t *testing.T, v reflect.Value, depth int) {
	t.Helper()
	f.n++
	switch v.Kind() {
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(t, v.Index(0), depth+1)
		f.fill(t, v.Index(1), depth+1)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(t, key, depth+1)
		f.fill(t, value, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Pointer:
		if depth < 8 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(t, v.Elem(), depth+1)
		}
	case reflect.Struct:
		f.structure(t, v, depth)
	case reflect.Interface:
		v.Set(reflect.ValueOf(f.schedule(t)))
	default:
		f.scalar(t, v)
	}
}

func (f *filler) structure(t *testing.T, v reflect.Value, depth int) {
	t.Helper()
	if v.Type() == timeType {
		v.Set(reflect.ValueOf(time.Unix(1_800_000_000+f.n, f.n).UTC()))
		return
	}
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() {
			f.fill(t, v.Field(i), depth+1)
		}
	}
}

func (f *filler) scalar(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(math.MaxInt64 - f.n)
	case reflect.Uint, reflect.Uint64:
		v.SetUint(math.MaxUint64 - uint64(f.n))
	case reflect.Float64:
		v.SetFloat(1 / float64(f.n))
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d \"\\\n\x00 <ü>\u2028", f.n))
	default:
		t.Fatalf("the decision log does not know what to do with a %s", v.Type())
	}
}

func (f *filler) schedule(t *testing.T) *schedule.Schedule {
	t.Helper()
	expression, err := schedule.Parse(fmt.Sprintf("rate(%d minutes)", f.n+1))
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	return &schedule.Schedule{Expression: expression, Zone: zone, Start: time.Unix(f.n, 0).UTC(), End: time.Unix(2*f.n, 0).UTC()}
}

// Nobody has to think of the log who gives one of these types another field.
func TestNoFieldOfWhatEvaluateKnowsIsLost(t *testing.T) {
	for _, of := range []reflect.Type{
		reflect.TypeFor[evaluator.Target](), reflect.TypeFor[evaluator.Observation](), reflect.TypeFor[evaluator.Memory](), reflect.TypeFor[evaluator.Decision](),
	} {
		full := reflect.New(of).Elem()
		(&filler{}).fill(t, full, 0)
		back, text, err := roundTrip(full)
		if err != nil {
			t.Errorf("%s: %v\n%s", of, err, text)
			continue
		}
		if !reflect.DeepEqual(full.Interface(), back.Interface()) {
			t.Errorf("%s came back as\n%+v, it was\n%+v\n%s", of, back, full, text)
		}
		if back, text, err = roundTrip(reflect.Zero(of)); err != nil || text != "{}" || !back.IsZero() {
			t.Errorf("the zero %s came back as %+v of %s, %v", of, back, text, err)
		}
	}
}

// derived are the unexported fields of those types: each follows from the others, as the reason says.
var derived = map[string]string{
	"evaluator.ActionMemory.next": "Memory.Arm works it out when a line is read",
}

// What is not exported is not in the log. Whoever adds such a field says here how it comes back.
func TestEveryUnexportedFieldFollowsFromTheOthers(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var walk func(of reflect.Type)
	walk = func(of reflect.Type) {
		if seen[of] || of == timeType || of == scheduleType {
			return
		}
		seen[of] = true
		switch of.Kind() {
		case reflect.Slice, reflect.Pointer, reflect.Map:
			walk(of.Elem())
		case reflect.Struct:
			var keys []string
			for f := range of.Fields() {
				if !f.IsExported() {
					if name := of.String() + "." + f.Name; derived[name] == "" {
						t.Errorf("%s is not exported, so that the log does not have it", name)
					}
					continue
				}
				if slices.Contains(keys, keyOf(f)) {
					t.Errorf("two fields of %s have the key %s", of, keyOf(f))
				}
				keys = append(keys, keyOf(f))
				walk(f.Type)
			}
		default:
		}
	}
	walk(reflect.TypeFor[evaluator.Target]())
	walk(reflect.TypeFor[evaluator.Observation]())
	walk(reflect.TypeFor[evaluator.Memory]())
	walk(reflect.TypeFor[evaluator.Decision]())
}

func TestEveryFloatKeepsItsBits(t *testing.T) {
	check := func(t interface{ Errorf(string, ...any) }, f float64) {
		in := []float64{f}
		back, text, err := roundTrip(reflect.ValueOf(in))
		if err != nil {
			t.Errorf("%v: %v", f, err)
			return
		}
		got := back.Index(0).Float()
		if math.Float64bits(got) != math.Float64bits(f) && !(math.IsNaN(f) && math.IsNaN(got)) {
			t.Errorf("%v (%x) came back as %v from %s", f, math.Float64bits(f), got, text)
		}
	}
	for _, f := range []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1, 1e21, 1e-7, -2.5} {
		check(t, f)
	}
	rapid.Check(t, func(rt *rapid.T) { check(rt, math.Float64frombits(rapid.Uint64().Draw(rt, "bits"))) })
	// As a field: a zero is left out, a zero below zero is not.
	back, text, err := roundTrip(reflect.ValueOf(evaluator.Alarm{Threshold: math.Copysign(0, -1)}))
	if a, _ := reflect.TypeAssert[evaluator.Alarm](back); err != nil || !math.Signbit(a.Threshold) || text != `{"threshold":-0}` {
		t.Errorf("-0 came back as %v from %s, %v", a.Threshold, text, err)
	}
}

func TestEveryDurationTextAndTimeComesBack(t *testing.T) {
	type values struct {
		D time.Duration
		S string
		T time.Time
		N int
		U uint64
	}
	rapid.Check(t, func(rt *rapid.T) {
		in := values{
			D: time.Duration(rapid.Int64().Draw(rt, "duration")), S: rapid.String().Draw(rt, "text"),
			T: time.Unix(rapid.Int64Range(-62_135_596_800, 253_402_300_799).Draw(rt, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(rt, "nanoseconds")).UTC(),
			N: rapid.Int().Draw(rt, "int"), U: rapid.Uint64().Draw(rt, "uint"),
		}
		back, text, err := roundTrip(reflect.ValueOf(in))
		if err != nil || back.Interface() != any(in) {
			rt.Fatalf("%+v came back as %+v from %s: %v", in, back, text, err)
		}
	})
}

func TestWhatCannotBeWrittenExactlyIsAnError(t *testing.T) {
	utc := &schedule.Schedule{Zone: time.Local}
	for name, v := range map[string]any{
		"a text that is not UTF-8":        evaluator.Service{Reason: "\xff"},
		"year 12026":                      evaluator.Service{DescribedAt: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)},
		"the zone of this machine":        evaluator.ScheduledAction{Schedule: utc},
		"the decision log cannot hold a ": struct{ C chan int }{make(chan int)},
		"float32":                         struct{ F float32 }{1},
		"map[int]string":                  struct{ M map[int]string }{map[int]string{1: ""}},
	} {
		if _, text, err := roundTrip(reflect.ValueOf(v)); err == nil || !strings.Contains(err.Error(), name) && !strings.Contains(name, "UTF-8") {
			t.Errorf("%s: %v, %s", name, err, text)
		}
	}
}

func TestWrongValuesAreNamedWithTheirPlace(t *testing.T) {
	for text, want := range map[string]string{
		`{"policies":[{"alarms":[{"threshold":"x"}]}]}`: `policies[0].alarms[0].threshold: it must be a number, null, +Inf or -Inf, not "x"`,
		`{"min":1.5}`:                                               `min: it must be a whole number, not 1.5`,
		`{"max":99999999999999999999}`:                              `max: it must be a whole number`,
		`{"suspended":{"scheduled_scaling_suspended":1}}`:           `it must be true or false, not 1`,
		`{"policies":{}}`:                                           `policies: it must be an array, not {}`,
		`{"policies":[[]]}`:                                         `policies[0]: it must be an object, not []`,
		`{"policies":[{"name":7}]}`:                                 `policies[0].name: it must be a text, not 7`,
		`{"policies":[{"scale_in_cooldown":60}]}`:                   `it must be a duration such as 1m30s, not 60`,
		`{"policies":[{"":1}]}`:                                     `policies[0].: this version of ecs-autoscaler does not know the field`,
		`{"surprise":true}`:                                         `surprise: this version of ecs-autoscaler does not know the field`,
		`{"scheduled_actions":[{"schedule":{"expression":"x"}}]}`:   `scheduled_actions[0].schedule: `,
		`{"scheduled_actions":[{"schedule":{"start":"tomorrow"}}]}`: `schedule.start: it must be a time such as`,
		`{"scheduled_actions":[{"schedule":{"expression":"rate(1 hour)","zone":"Atlantis/Poseidonis"}}]}`: `the time zone "Atlantis/Poseidonis" is not known here`,
	} {
		line, err := parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err = targetCodec.read(line, reflect.New(reflect.TypeFor[evaluator.Target]()).Elem()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

func TestKeysAreTheWordsOfTheFields(t *testing.T) {
	for name, want := range map[string]string{
		"ID": "id", "CooldownEnds": "cooldown_ends", "ARNOfRole": "arn_of_role", "RoleARN": "role_arn", "Min": "min", "HasMetric": "has_metric",
	} {
		if got := snake(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}
