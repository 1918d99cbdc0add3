package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

var (
	errShort = errors.New("the CBOR ends too early")
	errDeep  = errors.New("the CBOR is nested too deeply")
)

// maxDepth is far above what any request of these services nests.
const maxDepth = 64

// DecodeCBOR reads one CBOR item that must be all of data: integers become int64 (float64 beyond its range),
// epoch times (tag 1) time.Time, byte strings string.
func DecodeCBOR(data []byte) (any, error) {
	d := decoder{data: data}
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	if len(d.data) > 0 {
		return nil, fmt.Errorf("%d bytes follow the CBOR item", len(d.data))
	}
	return v, nil
}

// decoder reads data from its beginning. Most short texts of a request are few and come again and again: those that came last
// are kept, each in the place that its length and its ends give it.
type decoder struct {
	data  []byte
	texts [64]any
}

// shortText is how long a text may be to be kept.
const shortText = 32

// keep is the text of these bytes, as a string in an interface.
func (d *decoder) keep(b []byte) any {
	n := len(b)
	if n == 0 || n > shortText {
		return string(b)
	}
	place := &d.texts[(n*7+int(b[0])*3+int(b[n-1])*5+int(b[n/2]))%len(d.texts)]
	if kept, _ := (*place).(string); kept != string(b) {
		*place = string(b)
	}
	return *place
}

// head is the beginning of an item: its first byte and the argument; indef marks items of indefinite length.
type head struct {
	first byte
	arg   uint64
	indef bool
}

func (h head) major() byte { return h.first & 0xe0 }

func (d *decoder) head() (head, error) {
	if len(d.data) == 0 {
		return head{}, errShort
	}
	h := head{first: d.data[0]}
	d.data = d.data[1:]
	minor := h.first & 0x1f
	switch {
	case minor < 24:
		h.arg = uint64(minor)
		return h, nil
	case minor == indefinite:
		h.indef = true
		return h, nil
	case minor > 27:
		return h, fmt.Errorf("the CBOR has the reserved byte %#x", h.first)
	}
	size := 1 << (minor - 24)
	if len(d.data) < size {
		return h, errShort
	}
	var wide [8]byte
	copy(wide[8-size:], d.data[:size])
	d.data = d.data[size:]
	h.arg = binary.BigEndian.Uint64(wide[:])
	return h, nil
}

func (d *decoder) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	h, err := d.head()
	if err != nil {
		return nil, err
	}
	switch h.major() {
	case majorUint:
		return integer(h.arg, false), nil
	case majorNeg:
		return integer(h.arg, true), nil
	case majorBytes, majorText:
		return d.string(h)
	case majorArray:
		return d.array(h, depth)
	case majorMap:
		return d.dict(h, depth)
	case majorTag:
		return d.tagged(h.arg, depth)
	}
	return simple(h.first, h.arg)
}

func integer(arg uint64, negative bool) any {
	switch {
	case arg > math.MaxInt64 && negative:
		return -1 - float64(arg)
	case arg > math.MaxInt64:
		return float64(arg)
	case negative:
		return -1 - int64(arg)
	}
	return int64(arg)
}

func simple(first byte, arg uint64) (any, error) {
	switch first {
	case cborFalse:
		return false, nil
	case cborTrue:
		return true, nil
	case cborNull, cborUndefined:
		return nil, nil
	case cborFloat16:
		return half(uint16(arg)), nil
	case cborFloat32:
		return float64(math.Float32frombits(uint32(arg))), nil
	case cborFloat64:
		return math.Float64frombits(arg), nil
	}
	return nil, fmt.Errorf("the CBOR has the unknown simple value %#x", first)
}

// half widens an IEEE 754 half-precision number.
func half(b uint16) float64 {
	sign, exponent, fraction := 1.0, int(b>>10&0x1f), float64(b&0x3ff)
	if b>>15 == 1 {
		sign = -1
	}
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 31:
		if fraction != 0 {
			return math.NaN()
		}
		return sign * math.Inf(1)
	}
	return sign * math.Ldexp(fraction+1024, exponent-25)
}

// string reads a text or bytes, as a string in an interface.
func (d *decoder) string(h head) (any, error) {
	if h.indef {
		return d.text(h)
	}
	if h.arg > uint64(len(d.data)) {
		return nil, errShort
	}
	s := d.keep(d.data[:h.arg])
	d.data = d.data[h.arg:]
	return s, nil
}

func (d *decoder) text(h head) (string, error) {
	if !h.indef {
		v, err := d.string(h)
		s, _ := v.(string)
		return s, err
	}
	var all []byte
	for !d.broken() {
		chunk, err := d.head()
		if err != nil {
			return "", err
		}
		if chunk.major() != h.major() || chunk.indef {
			return "", errors.New("a chunked CBOR string has a chunk of another type")
		}
		part, err := d.text(chunk)
		if err != nil {
			return "", err
		}
		all = append(all, part...)
	}
	return string(all), nil
}

// broken consumes the end of an item of indefinite length if it is next.
func (d *decoder) broken() bool {
	if len(d.data) > 0 && d.data[0] == cborBreak {
		d.data = d.data[1:]
		return true
	}
	return false
}

// more says whether item number i of an array or a map follows.
func (d *decoder) more(h head, i uint64) bool {
	if h.indef {
		return !d.broken()
	}
	return i < h.arg
}

func (d *decoder) array(h head, depth int) ([]any, error) {
	if h.arg > uint64(len(d.data)) { // each item takes at least a byte
		return nil, errShort
	}
	list := make([]any, 0, h.arg)
	for i := uint64(0); d.more(h, i); i++ {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (d *decoder) dict(h head, depth int) (map[string]any, error) {
	if h.arg > uint64(len(d.data)) {
		return nil, errShort
	}
	m := make(map[string]any, h.arg)
	for i := uint64(0); d.more(h, i); i++ {
		k, err := d.head()
		if err != nil {
			return nil, err
		}
		if k.major() != majorText {
			return nil, errors.New("a CBOR map has a key that is not a string")
		}
		key, err := d.text(k)
		if err != nil {
			return nil, err
		}
		if m[key], err = d.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (d *decoder) tagged(tag uint64, depth int) (any, error) {
	v, err := d.value(depth + 1)
	if err != nil || tag != tagEpoch {
		return v, err
	}
	switch v := v.(type) {
	case int64:
		return time.Unix(v, 0).UTC(), nil
	case float64:
		return epochTime(v)
	}
	return nil, errors.New("a CBOR epoch time is not a number")
}

// epochTime turns unix seconds with a fraction into an instant, to the millisecond.
func epochTime(seconds float64) (time.Time, error) {
	const yearTenThousand = 253402300800
	if !(math.Abs(seconds) < yearTenThousand) {
		return time.Time{}, fmt.Errorf("%v is not a time", seconds)
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), nil
}
