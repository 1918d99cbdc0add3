package soak

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
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
	t.rest()
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	p.w.lock.Lock()
	defer p.w.lock.Unlock()
	if p.dead || t.writes() && p.passes(beforeSend) || t.change.commits() && p.passes(beforeCommit) || t.change.leases() && p.passes(beforeLease) {
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
	t.rest()
	p.w.lock.Lock()
	defer p.w.lock.Unlock()
	survives := t.seen == nil || t.effect(err) // else it has reached the region
	if p.dead {
		return nil, p.ends(resp)
	}
	if t.seen != nil {
		p.learn(t.seen, err == nil && t.seen.Answered && t.seen.Error == "")
	}
	if survives && t.writes() && p.passes(afterAnswer) {
		return nil, p.ends(resp)
	}
	return t.over(resp), err
}

// effect shows what the region did. It is false where the process dies before it hears of it.
func (t *trip) effect(err error) bool {
	p := t.p
	p.show(t, err)
	if p.w.crew == nil {
		return !t.writes() || !p.passes(afterEffect)
	}
	switch {
	case t.writes():
		p.passes(afterEffect)
	case !t.seen.Done:
	case t.change.intends() && p.passes(afterIntent):
	case t.change.commits():
		p.passes(afterCommit)
	case t.change.leases():
		p.passes(afterLease)
	}
	p.w.lock.Unlock()
	t.rest() // it may have fallen asleep just now
	p.w.lock.Lock()
	return !p.dead
}

// over ends the trip, or has it end with the body of its answer.
func (t *trip) over(resp *http.Response) *http.Response {
	switch {
	case t.p.w.crew == nil:
	case resp == nil:
		delete(t.p.trips, t)
	default:
		resp.Body = &apart{resp.Body, t}
	}
	return resp
}

// show lets everybody who watches see what the region did.
func (p *process) show(t *trip, err error) {
	if p.w.crew == nil {
		t.tell()
	}
	p.w.digest.call(p, t.seen, err)
}

// rest is as long as the machine sleeps. Each of those that wake up with it goes on at a moment of its own.
func (t *trip) rest() {
	for t.p.naps.wait() && t.p.w.crew != nil {
		t.breathe()
	}
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
	// refused says that this is known at once, and nothing is waited for.
	refused = 4
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
	if t.p.machine.cut.Load()&refused != 0 {
		t.breathe()
		return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	<-req.Context().Done()
	t.breathe()
	return req.Context().Err()
}
