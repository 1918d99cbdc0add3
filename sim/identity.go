package sim

import (
	"math"
	"time"
)

// unmarked are members that clients make up anew for each attempt or process.
var unmarked = map[string]bool{"ClientRequestToken": true, "RoleSessionName": true}

// identity is a number that equal calls have in common: same operation, place and input.
func (c *call) identity() uint64 {
	if c.mark == 0 {
		c.mark = digest(c.wire.Operation) ^ digest(c.caller.account+c.wire.Region)<<1
		for name, v := range c.in.Members() {
			if !unmarked[name] {
				c.mark += mix(digest(name) ^ mark(v))
			}
		}
	}
	return c.mark
}

// mark is a number for a tree; the order of maps does not count, that of lists does.
func mark(v any) uint64 {
	switch v := v.(type) {
	case string:
		return digest(v)
	case int64:
		return mix(uint64(v))
	case float64:
		return mix(math.Float64bits(v))
	case time.Time:
		return mix(uint64(v.UnixNano()))
	case bool:
		if v {
			return 1
		}
	case []any:
		sum := uint64(len(v))
		for _, item := range v {
			sum = mix(sum) ^ mark(item)
		}
		return sum
	case map[string]any:
		sum := uint64(len(v))
		for name := range v {
			sum += mix(digest(name) ^ mark(v[name]))
		}
		return sum
	}
	return 2
}

// mix spreads the bits of a number.
func mix(x uint64) uint64 {
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	return x ^ x>>33
}
