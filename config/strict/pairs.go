package strict

import (
	"fmt"
	"strings"
	"unicode"
)

// Pair is an entry of a mapping with free keys: dimensions, tags.
type Pair struct {
	Key, Value string
	At         Position
}

// Pairs reads a mapping whose keys are not known beforehand. Both limits are in characters.
func (v Value) Pairs(longestKey, longestValue int) ([]Pair, bool) {
	m, ok := v.Mapping()
	if !ok {
		return nil, false
	}
	var found []Pair
	for _, e := range m.entries {
		p, good := v.pair(e, longestKey, longestValue)
		found = append(found, p)
		ok = ok && good
	}
	return found, ok
}

func (v Value) pair(e entry, longestKey, longestValue int) (Pair, bool) {
	key, _, keyRead := Value{Decoder: v.Decoder, Key: v.Key, At: e.at}.substitute(e.key)
	item := v.valueOf(fmt.Sprintf("%q of %s", Shorten(key), v.Key), e.value)
	text, textRead := item.Text()
	p := Pair{key, text, e.at}
	if !keyRead || !textRead {
		return p, false
	}
	if key == "" || !printable(key, longestKey) {
		v.Errorf(e.at, "a key of %s must have 1 to %d printable characters", v.Key, longestKey)
		return p, false
	}
	if !printable(text, longestValue) {
		v.Errorf(item.At, "%s must have at most %d printable characters", item.Key, longestValue)
		return p, false
	}
	return p, true
}

func printable(s string, longest int) bool {
	return len([]rune(s)) <= longest && !strings.ContainsFunc(s, unicode.IsControl)
}
