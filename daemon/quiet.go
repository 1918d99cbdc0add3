package daemon

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"go.uber.org/zap"
)

// quietly is how often what the HTTP servers complain about is logged: each handshake that fails and each request to a web
// configuration file that somebody has broken would be a line, and whoever reaches the listener could fill the disk.
const quietly = time.Minute

// quiet hands warnings and errors of the servers to the daemon's log, one a minute.
type quiet struct {
	logger *zap.Logger
	state  *quietState
}

type quietState struct {
	mu     sync.Mutex
	said   time.Time
	unsaid int
}

func newQuiet(logger *zap.Logger) quiet { return quiet{logger, &quietState{}} }

// Enabled leaves out what is only worth knowing: the toolkit says in four lines that it listens.
func (q quiet) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// Handle logs a record, without the values that it may quote, unless one was logged a moment ago.
func (q quiet) Handle(_ context.Context, r slog.Record) error {
	q.state.mu.Lock()
	defer q.state.mu.Unlock()
	if !q.state.said.IsZero() && r.Time.Sub(q.state.said) < quietly {
		q.state.unsaid++
		return nil
	}
	fields := []zap.Field{}
	r.Attrs(func(a slog.Attr) bool {
		fields = append(fields, zap.String(a.Key, withoutValues(a.Value.String())))
		return true
	})
	if q.state.unsaid > 0 {
		fields = append(fields, zap.Int("not_logged_before", q.state.unsaid))
	}
	q.state.said, q.state.unsaid = r.Time, 0
	q.logger.Warn("HTTP: "+withoutValues(r.Message), fields...)
	return nil
}

// WithAttrs and WithGroup are not used by the two that log here.
func (q quiet) WithAttrs([]slog.Attr) slog.Handler { return q }

// WithGroup leaves groups out.
func (q quiet) WithGroup(string) slog.Handler { return q }
