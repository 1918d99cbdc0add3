package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// code is the closed set of errors that a program can tell apart.
type code string

const (
	invalidParameter code = "invalid_parameter"
	notFoundCode     code = "not_found"
	wrongMethod      code = "method_not_allowed"
	internal         code = "internal"
	unauthorized     code = "unauthorized"
	forbidden        code = "forbidden"
	misdirected      code = "wrong_host"
	tooLarge         code = "body_too_large"
	wrongMediaType   code = "unsupported_media_type"
	unavailable      code = "unavailable"
	reloadFailed     code = "reload_failed"
	reloadIncomplete code = "reload_incomplete"
	refusedCode      code = "refused"
	timedOut         code = "timeout"
)

// problem is an error that a client is told about, in one sentence that says what would be right.
type problem struct {
	Status  int    `json:"-"`
	Code    code   `json:"code"`
	Message string `json:"message"`
}

// Error is the message.
func (p *problem) Error() string { return p.Message }

func invalid(format string, args ...any) *problem {
	return &problem{http.StatusBadRequest, invalidParameter, fmt.Sprintf(format, args...)}
}

// endpoint answers one request with a value to be shown as JSON, or with an error.
type endpoint func(*http.Request) (any, error)

func notFound(w http.ResponseWriter, r *http.Request) {
	writeProblem(w, &problem{http.StatusNotFound, notFoundCode,
		fmt.Sprintf("nothing is at %q; GET / lists what there is", r.URL.Path)})
}

// methodNotAllowed answers to the methods that a route does not have.
func methodNotAllowed(a access) http.HandlerFunc {
	allow, right := "GET, HEAD", "this is read with GET or HEAD"
	if a == command {
		allow, right = http.MethodPost, "this is a command, give it with POST"
	}
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allow)
		writeProblem(w, &problem{http.StatusMethodNotAllowed, wrongMethod, fmt.Sprintf("%s is not possible here; %s", r.Method, right)})
	}
}

func writeProblem(w http.ResponseWriter, err error) {
	p := &problem{http.StatusInternalServerError, internal, err.Error()}
	errors.As(err, &p)
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="ecs-autoscaler"`)
	}
	writeJSON(w, p.Status, struct {
		Error *problem `json:"error"`
	}{p})
}

// writeJSON encodes before it answers: a value that cannot be shown becomes a clean 500, not half a body.
func writeJSON(w http.ResponseWriter, status int, v any) {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	// Texts may hold <, > and &; nobody embeds these answers in HTML.
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		writePlain(w, http.StatusInternalServerError, "this answer cannot be shown as JSON: "+err.Error()+"\n")
		return
	}
	write(w, status, "application/json", body.Bytes())
}

func writePlain(w http.ResponseWriter, status int, text string) {
	write(w, status, "text/plain; charset=utf-8", []byte(text))
}

// write ends the answer. A client that has gone away is no error of ours, and nobody is left to tell.
func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
