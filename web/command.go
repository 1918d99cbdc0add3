package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"ecs-autoscaler/evaluator"
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
	// of ctx when it did not end in time, ErrIncomplete when it is in force but not for all of its clusters, else why the
	// configuration before stays in force.
	Reload(ctx context.Context) error
	// Steer does what a person asks of a target between two passes; what has changed is durable when it returns. Where it fails
	// nothing has changed: the error of ctx when it was not its turn in time, ErrNotSteered, ErrRefused, or a state that cannot be
	// written.
	Steer(ctx context.Context, k evaluator.Key, c evaluator.Command) error
}

// ErrIncomplete is what Reload wraps where the new configuration is in force but not every cluster of it could be taken up.
var ErrIncomplete = errors.New("the new configuration is in force, but not for all of its clusters")

// noCommands is the daemon of which nothing can be changed.
type noCommands struct{}

// Reload refuses.
func (noCommands) Reload(context.Context) error { return errNoCommands }

// Steer refuses.
func (noCommands) Steer(context.Context, evaluator.Key, evaluator.Command) error {
	return errNoCommands
}

var errNoCommands = errors.New("this daemon takes no commands")

// readBody reads the body of a command: JSON, or nothing at all.
func readBody(r *http.Request) ([]byte, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			return nil, &problem{http.StatusRequestEntityTooLarge, tooLarge, "the body is too large; the arguments of a command are a small JSON object"}
		}
		return nil, invalid("the body could not be read to its end; send it whole, within ten seconds")
	}
	if len(text) == 0 {
		return nil, nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, &problem{http.StatusUnsupportedMediaType, wrongMediaType, "a body must be JSON and say so: Content-Type: application/json"}
	}
	return text, nil
}

// decodeStrictly takes no field that it does not know.
func decodeStrictly(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// noArguments reads the body of a command that takes none: it is empty, or {}.
func noArguments(r *http.Request) error {
	text, err := readBody(r)
	if err != nil || len(text) == 0 {
		return err
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
	case errors.Is(err, ErrIncomplete):
		return nil, &problem{http.StatusInternalServerError, reloadIncomplete, err.Error()}
	case err != nil:
		return nil, &problem{http.StatusInternalServerError, reloadFailed, err.Error()}
	}
	return struct {
		Reloaded bool `json:"reloaded"`
	}{true}, nil
}
