package daemon

import (
	"io"
	"time"

	"go.uber.org/zap"
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
	c := zap.NewProductionEncoderConfig()
	c.TimeKey, c.MessageKey = "time", "message"
	c.EncodeTime = func(t time.Time, enc zapcore.PrimitiveArrayEncoder) {
		enc.AppendString(t.UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	c.EncodeDuration = zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(c)
	if format == HumanLog {
		c.EncodeTime = func(t time.Time, enc zapcore.PrimitiveArrayEncoder) {
			enc.AppendString(t.Format("15:04:05"))
		}
		c.EncodeLevel = zapcore.CapitalLevelEncoder
		c.ConsoleSeparator = " "
		encoder = zapcore.NewConsoleEncoder(c)
	}
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), zapcore.InfoLevel)
	return zap.New(core, zap.WithClock(logClock(now)))
}

// logClock gives zap the time of a function.
type logClock func() time.Time

func (c logClock) Now() time.Time { return c() }

func (c logClock) NewTicker(d time.Duration) *time.Ticker { return time.NewTicker(d) }
