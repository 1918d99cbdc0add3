package dynamo

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ecs-autoscaler/sim/wire"
)

// The types of attribute values, by the names that they have on the wire.
const (
	typeS    = "S"
	typeN    = "N"
	typeB    = "B"
	typeSS   = "SS"
	typeNS   = "NS"
	typeBS   = "BS"
	typeM    = "M"
	typeL    = "L"
	typeBool = "BOOL"
	typeNull = "NULL"
)

// maxNesting is how deep lists and maps may be inside each other (developer guide, "Quotas").
const maxNesting = 32

// value is an attribute value. Values are never changed, only replaced, so that versions of an item may share them.
type value struct {
	kind string
	text string           // S; B, decoded
	num  number           // N
	list []value          // L; the members of SS, NS and BS, ascending
	dict map[string]value // M
	flag bool             // BOOL
}

// item is a row of a table.
type item map[string]value

func textValue(s string) value { return value{kind: typeS, text: s} }

func numberValue(n number) value { return value{kind: typeN, num: n} }

// readItem decodes a map of attribute values.
func readItem(tree any) (item, *wire.Error) {
	m, ok := tree.(map[string]any)
	if !ok {
		return nil, serialization("a map of attribute values was expected")
	}
	it := make(item, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		v, err := readValue(m[name], 0)
		if err != nil {
			return nil, err
		}
		it[name] = v
	}
	return it, nil
}

// readValue decodes {"S": "text"} and the like.
func readValue(tree any, depth int) (value, *wire.Error) {
	m, ok := tree.(map[string]any)
	if !ok {
		return value{}, serialization("an attribute value was expected")
	}
	switch {
	case depth > maxNesting:
		return value{}, validation("Nesting Levels have exceeded supported limits: Attributes have nested levels more than %d", maxNesting)
	case len(m) == 0:
		return value{}, validation("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	case len(m) > 1:
		return value{}, validation("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	for kind, content := range m {
		switch content := content.(type) {
		case string:
			return readScalar(kind, content)
		case bool:
			return readFlag(kind, content)
		case []any:
			return readList(kind, content, depth)
		case map[string]any:
			if kind == typeM {
				return readMap(content, depth)
			}
		}
		return value{}, serialization("the type " + kind + " has no such content")
	}
	return value{}, nil
}

func readScalar(kind, text string) (value, *wire.Error) {
	switch kind {
	case typeS:
		return textValue(text), nil
	case typeN:
		n, err := parseNumber(text)
		if err != nil {
			return value{}, notNumber(err, text)
		}
		return numberValue(n), nil
	case typeB:
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return value{}, serialization("a binary value is not in base64")
		}
		return value{kind: typeB, text: string(raw)}, nil
	}
	return value{}, serialization("the type " + kind + " is no string")
}

// notNumber adds the text only where AWS does.
func notNumber(err error, text string) *wire.Error {
	if err == errNotNumber && text != "" { //nolint:errorlint // parseNumber returns the sentinels bare
		return validation("%v: %s", err, text)
	}
	return validation("%v", err)
}

func readFlag(kind string, flag bool) (value, *wire.Error) {
	switch {
	case kind == typeBool:
		return value{kind: typeBool, flag: flag}, nil
	case kind == typeNull && flag:
		return value{kind: typeNull}, nil
	case kind == typeNull:
		return value{}, parameter("Null attribute value types must have the value of true")
	}
	return value{}, serialization("the type " + kind + " is no boolean")
}

func readMap(content map[string]any, depth int) (value, *wire.Error) {
	v := value{kind: typeM, dict: make(map[string]value, len(content))}
	for _, name := range slices.Sorted(maps.Keys(content)) {
		member, err := readValue(content[name], depth+1)
		if err != nil {
			return v, err
		}
		v.dict[name] = member
	}
	return v, nil
}

func readList(kind string, content []any, depth int) (value, *wire.Error) {
	if kind != typeL {
		return readSet(kind, content)
	}
	v := value{kind: typeL, list: make([]value, 0, len(content))}
	for _, tree := range content {
		member, err := readValue(tree, depth+1)
		if err != nil {
			return v, err
		}
		v.list = append(v.list, member)
	}
	return v, nil
}

// setNames are what AWS calls the sets in its errors.
var setNames = map[string]string{typeSS: "string", typeNS: "number", typeBS: "binary"}

func readSet(kind string, content []any) (value, *wire.Error) {
	if setNames[kind] == "" {
		return value{}, serialization("the type " + kind + " is no list")
	}
	if len(content) == 0 {
		return value{}, parameter("An %s set  may not be empty", setNames[kind])
	}
	members, names := make([]value, 0, len(content)), make([]string, 0, len(content))
	for _, tree := range content {
		text, ok := tree.(string)
		if !ok {
			return value{}, serialization("a member of a set is no string")
		}
		member, err := readScalar(kind[:1], text)
		if err != nil {
			return value{}, err
		}
		members, names = append(members, member), append(names, text)
	}
	v := setOf(kind, members)
	if len(v.list) < len(content) {
		return value{}, parameter("Input collection [%s] contains duplicates.", strings.Join(names, ", "))
	}
	return v, nil
}

// setOf makes a set of members; it may reorder them.
func setOf(kind string, members []value) value {
	slices.SortFunc(members, compare)
	return value{kind: kind, list: slices.CompactFunc(members, equal)}
}

// isSet says whether a type is one of the sets.
func isSet(kind string) bool { return setNames[kind] != "" }

// compare orders two values of one type: numbers by value, the rest by bytes.
func compare(a, b value) int {
	if a.kind == typeN {
		return a.num.compare(b.num)
	}
	return strings.Compare(a.text, b.text)
}

// equal says whether two values are the same in type and content.
func equal(a, b value) bool {
	return a.kind == b.kind && a.text == b.text && a.num == b.num && a.flag == b.flag &&
		slices.EqualFunc(a.list, b.list, equal) && maps.EqualFunc(a.dict, b.dict, equal)
}

// tree is the value as it goes over the wire.
func (v value) tree() any {
	var content any
	switch v.kind {
	case typeS:
		content = v.text
	case typeN:
		content = v.num.String()
	case typeB:
		content = base64.StdEncoding.EncodeToString([]byte(v.text))
	case typeBool:
		content = v.flag
	case typeNull:
		content = true
	case typeM:
		content = item(v.dict).tree()
	default:
		content = v.listTree()
	}
	return map[string]any{v.kind: content}
}

func (v value) listTree() []any {
	all := make([]any, len(v.list))
	for i, member := range v.list {
		all[i] = member.tree()
		if isSet(v.kind) {
			all[i] = member.tree().(map[string]any)[member.kind]
		}
	}
	return all
}

func (it item) tree() map[string]any {
	m := make(map[string]any, len(it))
	for name, v := range it {
		m[name] = v.tree()
	}
	return m
}

// size is the bytes that a value counts (developer guide, "DynamoDB item sizes and formats").
func (v value) size() int {
	switch v.kind {
	case typeN:
		return len(v.num.digits)/2 + len(v.num.digits)%2 + 1
	case typeBool, typeNull:
		return 1
	case typeM:
		return 3 + len(v.dict) + item(v.dict).size()
	case typeL:
		n := 3 + len(v.list)
		for i := range v.list {
			n += v.list[i].size()
		}
		return n
	}
	n := len(v.text)
	for i := range v.list {
		n += v.list[i].size()
	}
	return n
}

func (it item) size() int {
	n := 0
	for name, v := range it {
		n += len(name) + v.size()
	}
	return n
}

// describe is the value as AWS shows it in errors.
func (v value) describe() string {
	if v.kind == typeN {
		return fmt.Sprintf("{N:%s}", v.num)
	}
	return fmt.Sprintf("{%s:%s}", v.kind, v.text)
}
