package soak

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"ecs-autoscaler/sim"
)

// trip is one request of a process on its way to the region and back.
type trip struct {
	p         *process
	operation string
	// inner carries it to the region, which notes in seen what it did.
	inner  http.RoundTripper
	seen   *sim.Seen
	cancel context.CancelFunc
	sent   time.Time
	// change is what it asks of the table that several daemons share, nil for what changes nothing there; content is a number that
	// equal requests have in common.
	change  *change
	content uint64
}

func (t *trip) writes() bool { return t.operation == "UpdateService" }

// RoundTrip carries a request to the region and shows the oracle what came of it.
func (p *process) RoundTrip(req *http.Request) (*http.Response, error) {
	t := &trip{p: p}
	_, t.operation, _ = strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	t.inner = p.w.region.Watched(t.saw)
	if p.w.crew != nil {
		if err := t.open(req); err != nil {
			return nil, err
		}
		t.breathe()
	}
	req, err := t.depart(req)
	if err != nil {
		return nil, err
	}
	if t.lost(req) {
		return t.arrive(nil, t.abandoned(req))
	}
	resp, err := p.w.mutant.carry(t, req)
	if p.w.crew != nil {
		t.breathe()
		if err == nil && t.lost(req) {
			_ = resp.Body.Close() // nobody gets it
			resp, err = nil, t.abandoned(req)
		}
	}
	return t.arrive(resp, err)
}

// open looks into a request of a process that is one of several.
func (t *trip) open(req *http.Request) error {
	if !strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-amz-json") {
		return nil
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return err
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	t.content, t.change = contentOf(body), changeOf(t.operation, body)
	return nil
}

func (t *trip) depart(req *http.Request) (*http.Request, error) {
	p := t.p
	p.naps.wait()
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	p.w.lock.Lock()
	defer p.w.lock.Unlock()
	if p.dead || t.writes() && p.passes(beforeSend) || t.change.commits() && p.passes(beforeCommit) {
		return nil, errKilled
	}
	ctx, cancel := context.WithCancel(req.Context())
	if p.w.crew == nil { // the one before is over
		clear(p.trips)
	}
	p.trips[t], t.cancel, t.sent = true, cancel, time.Now()
	return req.WithContext(ctx), nil
}

// saw takes what the region did, in the instant in which it did it.
func (t *trip) saw(s *sim.Seen) {
	w := t.p.w
	if t.seen = s; w.crew == nil {
		return // it is shown when the answer arrives: nobody else does anything meanwhile
	}
	w.lock.Lock()
	defer w.lock.Unlock()
	t.tell()
}

// tell has the oracle look at what the region did.
func (t *trip) tell() {
	w := t.p.w
	w.totals.call(t.seen)
	for i := range t.seen.Writes {
		w.oracle.wrote(t, &t.seen.Writes[i], t.seen.Time)
	}
	if t.change != nil && t.seen.Done {
		w.oracle.changed(t)
	}
}

func (t *trip) arrive(resp *http.Response, err error) (*http.Response, error) {
	p := t.p
	if late := p.machine.latency.Load(); late > 0 && err == nil { // a slow network: the answer's date is old when it comes
		time.Sleep(time.Duration(late))
	}
	p.naps.wait()
	p.w.lock.Lock()
	defer p.w.lock.Unlock()
	writes := t.writes()
	if t.seen != nil { // it has reached the region
		p.show(t, err)
		writes = writes && !p.passes(afterEffect)
		if t.change.commits() && t.seen.Done {
			p.passes(afterCommit)
		}
	}
	if p.dead {
		return nil, p.ends(resp)
	}
	if t.seen != nil {
		p.learn(t.seen, err == nil && t.seen.Answered && t.seen.Error == "")
	}
	if writes && p.passes(afterAnswer) {
		return nil, p.ends(resp)
	}
	switch {
	case p.w.crew == nil:
	case resp == nil:
		delete(p.trips, t)
	default:
		resp.Body = &apart{resp.Body, t}
	}
	return resp, err
}

// show lets everybody who watches see what the region did.
func (p *process) show(t *trip, err error) {
	if p.w.crew == nil {
		t.tell()
	}
	p.w.digest.call(p, t.seen, err)
}

// breathe keeps what several processes, and the goroutines of each, do apart by some milliseconds and an odd number of nanoseconds,
// which depend on nothing but who asks for what and when: of those that wake up in the same instant nobody knows who is first.
func (t *trip) breathe() {
	x := mixed(t.p.w.plan.seed, uint64(t.p.number), t.content, hashOf(t.operation), uint64(time.Now().UnixNano()))
	time.Sleep(time.Duration(1e6 + x%18e6))
}

// apart is the body of an answer whose end by a deadline is a moment of its own, too.
type apart struct {
	io.ReadCloser
	t *trip
}

// Read reads.
func (a *apart) Read(b []byte) (int, error) {
	n, err := a.ReadCloser.Read(b)
	if err != nil && err != io.EOF {
		a.t.breathe()
	}
	return n, err
}

// Close ends the trip.
func (a *apart) Close() error {
	w := a.t.p.w
	w.lock.Lock()
	delete(a.t.p.trips, a.t)
	w.lock.Unlock()
	return a.ReadCloser.Close()
}

// What a process may be cut off from.
const (
	toAWS   = 1
	toTable = 2
)

// lost says that the request or its answer does not get through, because the process is cut off.
func (t *trip) lost(req *http.Request) bool {
	way := int64(toAWS)
	if t.toTable(req) {
		way = toTable
	}
	return t.p.machine.cut.Load()&way != 0
}

func (*trip) toTable(req *http.Request) bool {
	return strings.HasPrefix(req.Header.Get("X-Amz-Target"), "DynamoDB")
}

// abandoned waits until nobody waits for an answer any more.
func (t *trip) abandoned(req *http.Request) error {
	<-req.Context().Done()
	t.breathe()
	return req.Context().Err()
}
