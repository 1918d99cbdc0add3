package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"
)

const (
	// maxBody is the most that a request may carry, in bytes.
	maxBody = 64 << 10
	// reloadWait bounds how long a reload is waited for: it happens between two passes, and a pass waits for AWS.
	reloadWait = 30 * time.Second
)

// Commands are what requests may change.
type Commands interface {
	// Reload loads the configuration anew between two passes and says how that went: nil when it is taken up, the error
	// of ctx when it did not end in time, else why the configuration before stays in force.
	Reload(ctx context.Context) error
}

// noCommands is the daemon of which nothing can be changed.
type noCommands struct{}

// Reload refuses.
func (noCommands) Reload(context.Context) error { return errors.New("this daemon takes no commands") }

// noArguments reads the body of a command that takes none: it is empty, or {}.
func noArguments(r *http.Request) error {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			return &problem{http.StatusRequestEntityTooLarge, tooLarge, "the body is too large; the arguments of a command are a small JSON object"}
		}
		return invalid("the body could not be read to its end; send it whole, within ten seconds")
	}
	if len(text) == 0 {
		return nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &problem{http.StatusUnsupportedMediaType, wrongMediaType, "a body must be JSON and say so: Content-Type: application/json"}
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil || len(object) > 0 {
		return invalid("this command takes no arguments; send no body, or {}")
	}
	return nil
}

// reload loads the configuration anew and answers when it is known how that went.
func (s *server) reload(r *http.Request) (any, error) {
	if _, err := parse(r.URL.RawQuery, nil, s.Now()); err != nil {
		return nil, err
	}
	if err := noArguments(r); err != nil {
		return nil, err
	}
	// A client that goes away does not stop the reload, and the server's own limit on reading must not end the wait.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), reloadWait)
	defer cancel()
	switch err := s.Commands.Reload(ctx); {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, &problem{http.StatusGatewayTimeout, timedOut,
			"the pass under way has not ended in 30 seconds; the reload follows it, and the log and ecs_autoscaler_config_last_reload_successful will say how it went"}
	case err != nil:
		return nil, &problem{http.StatusInternalServerError, reloadFailed, err.Error()}
	}
	return struct {
		Reloaded bool `json:"reloaded"`
	}{true}, nil
}
