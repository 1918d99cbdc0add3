package sim

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// ServeHTTP answers a request of an SDK, of the AWS CLI, or of a person who looks at /_sim/.
func (r *Region) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if isControl(req) {
		r.control(w, req)
		return
	}
	out := r.handle(req, nil)
	if out.ending == answered && wait(req.Context(), out.wait) != nil {
		return
	}
	switch out.ending {
	case silent:
		<-req.Context().Done()
		reset(w)
	case cut:
		reset(w)
	case stalled:
		send(w, &out, len(out.Body)/2)
		if err := http.NewResponseController(w).Flush(); err == nil {
			<-req.Context().Done()
		}
		reset(w)
	default:
		send(w, &out, len(out.Body))
	}
}

// send writes headers that announce the whole body, and its first n bytes.
func send(w http.ResponseWriter, out *outcome, n int) {
	maps.Copy(w.Header(), out.Header)
	w.Header().Set("Content-Length", strconv.Itoa(len(out.Body)))
	w.WriteHeader(out.Status)
	if _, err := w.Write(out.Body[:n]); err != nil {
		return // the client is gone
	}
}

// reset breaks the connection without an answer.
func reset(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // makes it a reset rather than an orderly end; without it the client sees an end
		}
		_ = conn.Close() // nothing is left to do with it
		return
	}
	panic(http.ErrAbortHandler)
}

// wait lets real time pass, or less when the client gives up.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Transport carries requests to the region inside the process: no sockets, no goroutines, so that SDK clients that use
// it can live in a testing/synctest bubble. Faults that never answer wait for the request's context to end.
func (r *Region) Transport() http.RoundTripper { return transport{region: r} }

type transport struct {
	region *Region
	saw    func(*Seen) // nil for nobody
}

// RoundTrip answers one request.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := t.handle(req)
	if req.Body != nil {
		_ = req.Body.Close() // a RoundTripper has to; there is nobody to tell
	}
	if err := wait(ctx, out.wait); err != nil {
		return nil, err
	}
	if out.ending == silent {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if out.ending == cut {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	resp := &http.Response{
		StatusCode: out.Status, Status: strconv.Itoa(out.Status) + " " + http.StatusText(out.Status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: out.Header, ContentLength: int64(len(out.Body)), Request: req,
	}
	// As over the network, the date is the real one: the SDK corrects the clock of its signatures by it.
	resp.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	resp.Body = io.NopCloser(bytes.NewReader(out.Body))
	if out.ending == stalled {
		half := bytes.NewReader(out.Body[:len(out.Body)/2])
		resp.Body = io.NopCloser(io.MultiReader(half, never{ctx}))
	}
	return resp, nil
}

func (t transport) handle(req *http.Request) outcome {
	if t.saw == nil {
		return t.region.handle(req, nil)
	}
	seen := new(Seen)
	out := t.region.handle(req, seen)
	t.saw(seen)
	return out
}

// never is a reader that has nothing to give until its context ends.
type never struct{ ctx context.Context }

func (n never) Read([]byte) (int, error) {
	<-n.ctx.Done()
	return 0, n.ctx.Err()
}
