package decisionlog

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"ecs-autoscaler/evaluator"
)

// codec writes values of one type as JSON and reads them back without loss, but that an empty list counts as none. It is made
// from the type, so that what the evaluator's types gain is in the log by itself.
type codec struct {
	write func(b []byte, v reflect.Value) ([]byte, error)
	read  func(from any, into reflect.Value) error
}

// codecs are those that have been made, by type: a type may contain itself.
type codecs map[reflect.Type]*codec

// The codecs of what Evaluate is given and of what it makes.
var (
	known            = codecs{}
	targetCodec      = known.of(reflect.TypeFor[evaluator.Target]())
	observationCodec = known.of(reflect.TypeFor[evaluator.Observation]())
	memoryCodec      = known.of(reflect.TypeFor[evaluator.Memory]())
	decisionCodec    = known.of(reflect.TypeFor[evaluator.Decision]())
)

// The types that are no mere sums of their parts.
var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	scheduleType = reflect.TypeFor[evaluator.Schedule]()
)

// unwritableText says that a type has no form in the log.
const unwritableText = "the decision log cannot hold a %v"

func (all codecs) of(t reflect.Type) *codec {
	if c := all[t]; c != nil {
		return c
	}
	c := &codec{}
	all[t] = c
	*c = all.make(t)
	return c
}

func (all codecs) make(t reflect.Type) codec {
	switch t {
	case timeType:
		return codec{writeTime, readTime}
	case durationType:
		return codec{writeDuration, readDuration}
	case scheduleType:
		return all.schedule()
	}
	switch t.Kind() {
	case reflect.Slice:
		return all.slice(t)
	case reflect.Map:
		return all.dictionary(t)
	case reflect.Pointer:
		return all.pointer(t)
	case reflect.Struct:
		return all.structure(t)
	default:
		return scalar(t)
	}
}

// field is one of a structure.
type field struct {
	index int
	key   string
	value *codec
}

// structure is an object of the exported fields that are not zero. The unexported ones must follow from the others.
func (all codecs) structure(t reflect.Type) codec {
	var fields []field
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			fields = append(fields, field{i, keyOf(f), all.of(f.Type)})
		}
	}
	return codec{
		write: func(b []byte, v reflect.Value) ([]byte, error) { return writeStructure(b, fields, v) },
		read:  func(from any, into reflect.Value) error { return readStructure(from, fields, into) },
	}
}

func writeStructure(b []byte, fields []field, v reflect.Value) (_ []byte, err error) {
	b = append(b, '{')
	first := true
	for i := range fields {
		f := &fields[i]
		value := v.Field(f.index)
		if nothing(value) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(append(append(b, '"'), f.key...), '"', ':')
		if b, err = f.value.write(b, value); err != nil {
			return b, at(f.key, err)
		}
	}
	return append(b, '}'), nil
}

func readStructure(from any, fields []field, into reflect.Value) error {
	object, ok := from.(map[string]any)
	if !ok {
		return expected("an object", from)
	}
	found := 0
	for i := range fields {
		value, there := object[fields[i].key]
		if !there {
			continue
		}
		found++
		if err := fields[i].value.read(value, into.Field(fields[i].index)); err != nil {
			return at(fields[i].key, err)
		}
	}
	if found == len(object) {
		return nil
	}
	for _, key := range sortedKeys(object) {
		if !slices.ContainsFunc(fields, func(f field) bool { return f.key == key }) {
			return at(key, errUnknownField)
		}
	}
	return nil
}

// nothing says that a field is left out: it reads back as it is.
func nothing(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Float64:
		return math.Float64bits(v.Float()) == 0 // there is a zero below zero
	case reflect.Struct:
		return empty(v)
	default:
		return v.IsZero()
	}
}

// empty says that none of the fields would be written.
func empty(v reflect.Value) bool {
	if v.Type() == timeType {
		return v.IsZero()
	}
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() && !nothing(v.Field(i)) {
			return false
		}
	}
	return true
}

// slice is an array of all elements.
func (all codecs) slice(t reflect.Type) codec {
	element := all.of(t.Elem())
	return codec{
		write: func(b []byte, v reflect.Value) (_ []byte, err error) {
			b = append(b, '[')
			for i := range v.Len() {
				if i > 0 {
					b = append(b, ',')
				}
				if b, err = element.write(b, v.Index(i)); err != nil {
					return b, at(fmt.Sprintf("[%d]", i), err)
				}
			}
			return append(b, ']'), nil
		},
		read: func(from any, into reflect.Value) error {
			list, ok := from.([]any)
			if !ok {
				return expected("an array", from)
			}
			into.Set(reflect.MakeSlice(t, len(list), len(list)))
			for i := range list {
				if err := element.read(list[i], into.Index(i)); err != nil {
					return at(fmt.Sprintf("[%d]", i), err)
				}
			}
			return nil
		},
	}
}

// dictionary is an object, in the order of its keys, which are texts.
func (all codecs) dictionary(t reflect.Type) codec {
	if t.Key().Kind() != reflect.String {
		return unwritable(t)
	}
	element := all.of(t.Elem())
	return codec{
		write: func(b []byte, v reflect.Value) (_ []byte, err error) {
			keys := v.MapKeys()
			slices.SortFunc(keys, func(x, y reflect.Value) int { return strings.Compare(x.String(), y.String()) })
			b = append(b, '{')
			for i, key := range keys {
				if i > 0 {
					b = append(b, ',')
				}
				if b, err = writeString(b, key); err != nil {
					return b, err
				}
				if b, err = element.write(append(b, ':'), v.MapIndex(key)); err != nil {
					return b, at(key.String(), err)
				}
			}
			return append(b, '}'), nil
		},
		read: func(from any, into reflect.Value) error { return readDictionary(from, t, element, into) },
	}
}

func readDictionary(from any, t reflect.Type, element *codec, into reflect.Value) error {
	object, ok := from.(map[string]any)
	if !ok {
		return expected("an object", from)
	}
	into.Set(reflect.MakeMapWithSize(t, len(object)))
	for _, key := range sortedKeys(object) {
		value := reflect.New(t.Elem()).Elem()
		if err := element.read(object[key], value); err != nil {
			return at(key, err)
		}
		into.SetMapIndex(reflect.ValueOf(key).Convert(t.Key()), value)
	}
	return nil
}

// pointer is what it points to, or null.
func (all codecs) pointer(t reflect.Type) codec {
	element := all.of(t.Elem())
	return codec{
		write: func(b []byte, v reflect.Value) ([]byte, error) {
			if v.IsNil() {
				return append(b, "null"...), nil
			}
			return element.write(b, v.Elem())
		},
		read: func(from any, into reflect.Value) error {
			if from == nil {
				into.SetZero()
				return nil
			}
			into.Set(reflect.New(t.Elem()))
			return element.read(from, into.Elem())
		},
	}
}

// keyOf is the key of a field: that of its JSON elsewhere, else its name in snake_case.
func keyOf(f reflect.StructField) string {
	if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag != "" && tag != "-" {
		return tag
	}
	return snake(f.Name)
}

// snake is CooldownEnds as cooldown_ends, and ARNOfRole as arn_of_role.
func snake(name string) string {
	letters := []rune(name)
	var b strings.Builder
	for i, r := range letters {
		if i > 0 && unicode.IsUpper(r) && (!unicode.IsUpper(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
