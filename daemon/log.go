package daemon

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// LogFormat says how log lines look.
type LogFormat string

// The two formats: JSON for machines, human for a terminal.
const (
	JSONLog  LogFormat = "json"
	HumanLog LogFormat = "human"
)

// NewLogger writes log lines to w. now dates them; the demo's lines carry its own time.
func NewLogger(w io.Writer, format LogFormat, now func() time.Time) *zap.Logger {
	var encoder zapcore.Encoder = human{zapcore.NewMapObjectEncoder()}
	if format == JSONLog {
		c := zap.NewProductionEncoderConfig()
		c.TimeKey, c.MessageKey = "time", "message"
		c.EncodeTime = func(t time.Time, enc zapcore.PrimitiveArrayEncoder) {
			enc.AppendString(t.UTC().Format("2006-01-02T15:04:05.000Z"))
		}
		c.EncodeDuration = zapcore.StringDurationEncoder
		encoder = zapcore.NewJSONEncoder(c)
	}
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), zapcore.InfoLevel)
	return zap.New(core, zap.WithClock(logClock(now)))
}

// logClock gives zap the time of a function.
type logClock func() time.Time

// Now reads the clock.
func (c logClock) Now() time.Time { return c() }

// NewTicker is the machine's; zap wants it for sampling, which is not used.
func (c logClock) NewTicker(d time.Duration) *time.Ticker { return time.NewTicker(d) }

// human writes lines for people: time, the service, the sentence. A line about a service has all its
// numbers in the sentence, so its fields are left out; other lines show theirs.
type human struct{ *zapcore.MapObjectEncoder }

var lineBuffers = buffer.NewPool()

// Clone copies the encoder with the fields it has so far.
func (h human) Clone() zapcore.Encoder {
	m := zapcore.NewMapObjectEncoder()
	maps.Copy(m.Fields, h.Fields)
	return human{m}
}

// EncodeEntry writes one line.
func (h human) EncodeEntry(e zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	m := zapcore.NewMapObjectEncoder()
	maps.Copy(m.Fields, h.Fields)
	for i := range fields {
		fields[i].AddTo(m)
	}
	b := lineBuffers.Get()
	b.AppendString(e.Time.UTC().Format("15:04:05 "))
	if e.Level > zapcore.InfoLevel {
		b.AppendString(e.Level.CapitalString() + " ")
	}
	if service, ok := m.Fields["service"]; ok {
		if account, ok := m.Fields["account"]; ok {
			fmt.Fprintf(b, "%v/", account)
		}
		fmt.Fprintf(b, "%v/%v: %s\n", m.Fields["cluster"], service, e.Message)
		return b, nil
	}
	b.AppendString(e.Message)
	if len(m.Fields) > 0 {
		b.AppendString("  " + strings.Join(pairs(m.Fields), " "))
	}
	b.AppendByte('\n')
	return b, nil
}

func pairs(fields map[string]any) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		out = append(out, fmt.Sprintf("%s=%v", k, fields[k]))
	}
	return out
}
