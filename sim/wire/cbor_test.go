package wire_test

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
	"pgregory.net/rapid"

	"ecs-autoscaler/sim/wire"
)

// tree draws a random value of package wire.
func tree(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.String().AsAny(), rapid.Int64().AsAny(), rapid.Float64().AsAny(), rapid.Bool().AsAny(),
		rapid.Just[any](nil),
		rapid.Custom(func(t *rapid.T) any {
			return time.UnixMilli(rapid.Int64Range(-1e12, 4e12).Draw(t, "ms")).UTC()
		}),
	}
	if depth > 0 {
		leaves = append(leaves,
			rapid.SliceOfN(tree(depth-1), 0, 5).AsAny(),
			rapid.MapOfN(rapid.String(), tree(depth-1), 0, 5).AsAny())
	}
	return rapid.OneOf(leaves...)
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := tree(3).Draw(t, "tree")
		var c wire.CBOR
		c.Value(want)
		got, err := wire.DecodeCBOR(c)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("wrote %#v, read %#v, %v", want, got, err)
		}
	})
}

// plain turns smithy's tree into one of package wire.
func plain(v cbor.Value) any {
	switch v := v.(type) {
	case cbor.Map:
		return plainMap(v)
	case cbor.List:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	case cbor.String:
		return string(v)
	case cbor.Uint:
		return int64(v)
	case cbor.NegInt:
		return -int64(v)
	case cbor.Float64:
		return float64(v)
	case cbor.Float32:
		return float64(v)
	case cbor.Bool:
		return bool(v)
	case *cbor.Tag:
		seconds, _ := v.Value.(cbor.Float64)
		return time.UnixMilli(int64(math.Round(float64(seconds) * 1000))).UTC()
	}
	return nil
}

func plainMap(v cbor.Map) map[string]any {
	m := map[string]any{}
	for k := range v {
		m[k] = plain(v[k])
	}
	return m
}

func TestTheSDKsDecoderReadsWhatIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := tree(3).Draw(t, "tree")
		var c wire.CBOR
		c.Value(want)
		v, err := cbor.Decode(c)
		if err != nil || !reflect.DeepEqual(plain(v), want) {
			t.Fatalf("wrote %#v, the SDK reads %#v, %v", want, v, err)
		}
	})
}

func TestWhatTheSDKsEncoderWritesIsRead(t *testing.T) {
	when := time.Date(2026, 1, 1, 0, 0, 1, 500_000_000, time.UTC)
	in := cbor.Map{
		"u": cbor.Uint(300), "n": cbor.NegInt(100), "f": cbor.Float64(1.5), "g": cbor.Float32(0.25), "s": cbor.String("x"),
		"b": cbor.Bool(true), "nil": &cbor.Nil{}, "bytes": cbor.Slice("raw"),
		"list": cbor.List{cbor.Uint(1), cbor.List{}}, "time": &cbor.Tag{ID: 1, Value: cbor.Float64(float64(when.UnixMilli()) / 1000)},
		"other tag": &cbor.Tag{ID: 7, Value: cbor.Uint(3)},
	}
	want := map[string]any{
		"u": int64(300), "n": int64(-100), "f": 1.5, "g": 0.25, "s": "x", "b": true, "nil": nil, "bytes": "raw",
		"list": []any{int64(1), []any{}}, "time": when, "other tag": int64(3),
	}
	got, err := wire.DecodeCBOR(cbor.Encode(in))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %#v, %v; want %#v", got, err, want)
	}
}

func TestItemsOfUnusualFormAreRead(t *testing.T) {
	for _, c := range []struct {
		name, bytes string
		want        any
	}{
		{"an indefinite array", "\x9f\x01\x02\xff", []any{int64(1), int64(2)}},
		{"an indefinite map", "\xbf\x61a\x01\xff", map[string]any{"a": int64(1)}},
		{"a chunked string", "\x7f\x61a\x62bc\xff", "abc"},
		{"a half float", "\xf9\x3e\x00", 1.5},
		{"a negative half float", "\xf9\xc0\x00", -2.0},
		{"the smallest half float", "\xf9\x00\x01", math.Ldexp(1, -24)},
		{"an infinite half float", "\xf9\x7c\x00", math.Inf(1)},
		{"undefined", "\xf7", nil},
		{"an integer beyond int64", "\x1b\xff\xff\xff\xff\xff\xff\xff\xff", float64(math.MaxUint64)},
		{"a negative integer beyond int64", "\x3b\xff\xff\xff\xff\xff\xff\xff\xff", -float64(math.MaxUint64)},
	} {
		if got, err := wire.DecodeCBOR([]byte(c.bytes)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %#v, %v; want %#v", c.name, got, err, c.want)
		}
	}
}

func TestBrokenCBORIsRefused(t *testing.T) {
	for _, c := range []struct{ name, bytes, want string }{
		{"nothing", "", "too early"},
		{"a string that ends too early", "\x65ab", "too early"},
		{"an array longer than its bytes", "\x9b\x00\x00\x00\xff\x00\x00\x00\x00", "too early"},
		{"a map longer than its bytes", "\xba\xff\xff\xff\xff", "too early"},
		{"an argument cut off", "\x19\x01", "too early"},
		{"an open array", "\x9f\x01", "too early"},
		{"a number as a key", "\xa1\x01\x02", "not a string"},
		{"a chunk of another type", "\x7f\x01\xff", "another type"},
		{"something behind", "\x01\x02", "1 bytes follow"},
		{"a reserved byte", "\x1c", "reserved"},
		{"an unknown simple value", "\xf8\x20", "unknown simple value"},
		{"a time that is text", "\xc1\x61x", "not a number"},
		{"a time that is no time", "\xc1\xf9\x7e\x00", "not a time"},
		{"too much nesting", strings.Repeat("\x81", 100) + "\x01", "too deeply"},
	} {
		if _, err := wire.DecodeCBOR([]byte(c.bytes)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
	}
}

func FuzzDecodeCBOR(f *testing.F) {
	f.Add([]byte("\xa1\x61a\x9f\x01\xff"))
	f.Add([]byte("\xc1\xfb\x41\xd9\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := wire.DecodeCBOR(data)
		if err != nil {
			return
		}
		var once, again wire.CBOR
		once.Value(v)
		back, err := wire.DecodeCBOR(once)
		if err != nil {
			t.Fatalf("cannot read back %#v: %v", v, err)
		}
		if again.Value(back); !bytes.Equal(once, again) {
			t.Fatalf("%#v is written in two ways", v)
		}
	})
}
