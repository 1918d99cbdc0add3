// Package wire reads requests and writes answers in the protocols of ECS, CloudWatch and Application Auto Scaling:
// AWS JSON 1.0 and 1.1, and Smithy RPC v2 CBOR. Values are plain trees: map[string]any, []any, string, int64, float64,
// bool, time.Time and nil.
package wire

import (
	"encoding/binary"
	"math"
	"slices"
	"time"
)

// The major types of CBOR (RFC 8949), already shifted into the first byte.
const (
	majorUint  = 0 << 5
	majorNeg   = 1 << 5
	majorBytes = 2 << 5
	majorText  = 3 << 5
	majorArray = 4 << 5
	majorMap   = 5 << 5
	majorTag   = 6 << 5
	majorOther = 7 << 5

	cborFalse     = majorOther | 20
	cborTrue      = majorOther | 21
	cborNull      = majorOther | 22
	cborUndefined = majorOther | 23
	cborFloat16   = majorOther | 25
	cborFloat32   = majorOther | 26
	cborFloat64   = majorOther | 27
	cborBreak     = majorOther | 31
	indefinite    = 31
	tagEpoch      = 1
)

// CBOR is an encoder that appends to itself; the caller keeps counts and items in step.
type CBOR []byte

func (c *CBOR) head(major byte, n uint64) {
	switch {
	case n < 24:
		*c = append(*c, major|byte(n))
	case n <= math.MaxUint8:
		*c = append(*c, major|24, byte(n))
	case n <= math.MaxUint16:
		*c = binary.BigEndian.AppendUint16(append(*c, major|25), uint16(n))
	case n <= math.MaxUint32:
		*c = binary.BigEndian.AppendUint32(append(*c, major|26), uint32(n))
	default:
		*c = binary.BigEndian.AppendUint64(append(*c, major|27), n)
	}
}

// Map begins a map of n entries: n times Text and a value follow.
func (c *CBOR) Map(n int) { c.head(majorMap, uint64(n)) }

// Array begins an array of n items.
func (c *CBOR) Array(n int) { c.head(majorArray, uint64(n)) }

// Text appends a string.
func (c *CBOR) Text(s string) {
	c.head(majorText, uint64(len(s)))
	*c = append(*c, s...)
}

// Int appends an integer.
func (c *CBOR) Int(n int64) {
	if n < 0 {
		c.head(majorNeg, uint64(-(n + 1)))
		return
	}
	c.head(majorUint, uint64(n))
}

// Float appends a 64-bit number.
func (c *CBOR) Float(f float64) {
	*c = binary.BigEndian.AppendUint64(append(*c, cborFloat64), math.Float64bits(f))
}

// Epoch appends an instant in whole unix seconds.
func (c *CBOR) Epoch(seconds int64) {
	*c = append(*c, majorTag|tagEpoch)
	c.Int(seconds)
}

// Value appends a tree; map keys are written in order.
func (c *CBOR) Value(v any) {
	switch v := v.(type) {
	case map[string]any:
		c.Map(len(v))
		for _, k := range sortedKeys(v, nil) {
			c.Text(k)
			c.Value(v[k])
		}
	case []any:
		c.Array(len(v))
		for _, item := range v {
			c.Value(item)
		}
	case string:
		c.Text(v)
	case int:
		c.Int(int64(v))
	case int64:
		c.Int(v)
	case float64:
		c.Float(v)
	case time.Time:
		*c = append(*c, majorTag|tagEpoch)
		c.Float(epoch(v))
	case bool:
		c.bool(v)
	default:
		*c = append(*c, cborNull)
	}
}

func (c *CBOR) bool(v bool) {
	b := byte(cborFalse)
	if v {
		b = cborTrue
	}
	*c = append(*c, b)
}

func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// fewKeys is how many members the largest structure has that is often written.
const fewKeys = 32

// sortedKeys are the names of the members, put into keys where there is room for them.
func sortedKeys(m map[string]any, keys []string) []string {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
