package decisionlog

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.uber.org/zap"

	"ecs-autoscaler/evaluator"
)

const (
	// mostWaiting is how many decisions may wait to be written: a pass over some thousand targets makes as many at once.
	mostWaiting = 4096
	// mostAtOnce is about how many bytes are written with one call.
	mostAtOnce = 256 << 10
	// mostSpecified is how many targets' lines are kept at hand, and those whose lines are known to be in the file. Beyond that
	// both begin anew, so that services that come and go do not fill the memory.
	mostSpecified = 8192
)

// Options are what a Log works with. Path or Out, Now and Logger are needed.
type Options struct {
	// Path is the file to append to. It is made with mode 0600, and opened again when it was moved away.
	Path string
	// Out is written to where Path is empty.
	Out io.Writer
	// Version is the daemon's own.
	Version string
	// Now dates the beginning of the log.
	Now    func() time.Time
	Logger *zap.Logger
	// Veil takes what nobody is to read out of an error before it is told; nil tells it as it is.
	Veil func(error) error
	// Registerer takes the count of what could not be written; nil keeps it.
	Registerer prometheus.Registerer
}

// Log writes decisions, in a goroutine of its own that nobody waits for: what cannot be written fast enough, or not at all, is
// counted and left out. It may be used concurrently.
type Log struct {
	o       Options
	started time.Time
	to      destination
	queue   chan entry
	done    chan struct{}
	lost    prometheus.Counter

	mu     sync.Mutex // guards what follows
	closed bool
	specs  map[*evaluator.Target]*specification
	// missed is how many decisions have been left out since that was told, missedAt when the last was.
	missed   int
	missedAt time.Time
}

// entry is a decision to be written. One without a line only wakes the writer.
type entry struct {
	spec *specification
	line []byte
}

// New begins a log. Nothing is opened before there is something to write, and nothing that fails there is an error of New's.
func New(o Options) *Log {
	l := &Log{
		o: o, started: o.Now(), to: &stream{w: o.Out}, queue: make(chan entry, mostWaiting), done: make(chan struct{}),
		specs: map[*evaluator.Target]*specification{},
		lost: promauto.With(o.Registerer).NewCounter(prometheus.CounterOpts{
			Name: "ecs_autoscaler_decision_log_dropped_total",
			Help: "Decisions that are not in the decision log, because it could not be written, or not fast enough.",
		}),
	}
	if o.Path != "" {
		l.to = &file{path: o.Path}
	}
	go l.run()
	return l
}

// Evaluated takes down what Evaluate was given at d.Time and what it made of it; all of it is copied before it returns. The
// target must not change any more. The decision is written when the result is called with what became of it, and never if it
// is not called. It may be called once.
func (l *Log) Evaluated(
	t *evaluator.Target, o *evaluator.Observation, m *evaluator.Memory, d *evaluator.Decision,
) (concluded func(evaluator.Outcome)) {
	spec, err := l.specification(t)
	var line []byte
	if err == nil {
		line, err = appendDecision(make([]byte, 0, usualLine), spec.id, situation{d.Time, o, m}, d)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", t.Key, err)
	}
	return func(outcome evaluator.Outcome) {
		if err != nil {
			l.miss(1, err)
			return
		}
		l.offer(entry{spec, appendOutcome(line, outcome)})
	}
}

// usualLine is more than most lines have.
const usualLine = 5 << 10

// specification is the line of a target, made once.
func (l *Log) specification(t *evaluator.Target) (*specification, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.specs[t]; s != nil {
		return s, nil
	}
	s, err := specify(t)
	if err != nil {
		return nil, err
	}
	if len(l.specs) >= mostSpecified {
		clear(l.specs)
	}
	l.specs[t] = s
	return s, nil
}

// errFull is why a decision is left out that there is no room for.
var errFull = fmt.Errorf("more than %d decisions wait to be written", mostWaiting)

// offer hands a decision to the writer, if there is room.
func (l *Log) offer(e entry) {
	l.mu.Lock()
	full := false
	if !l.closed {
		select {
		case l.queue <- e:
		default:
			full = e.line != nil
		}
	}
	l.mu.Unlock()
	if full {
		l.miss(1, errFull)
	}
}

// missesTold is how long nothing may be missed before it is told that all is well again.
const missesTold = time.Minute

// miss counts decisions that are left out, and says so when it begins.
func (l *Log) miss(n int, why error) {
	l.lost.Add(float64(n))
	l.mu.Lock()
	first := l.missed == 0
	l.missed += n
	l.missedAt = l.o.Now()
	l.mu.Unlock()
	if first && l.o.Veil != nil {
		why = l.o.Veil(why)
	}
	if first {
		l.o.Logger.Warn("the decision log leaves decisions out: "+why.Error(), zap.String("problem", "decision_log"))
	}
}

// wrote says that all is well again, when it has been for a while.
func (l *Log) wrote() {
	l.mu.Lock()
	missed := l.missed
	over := missed > 0 && l.o.Now().Sub(l.missedAt) >= missesTold
	if over {
		l.missed = 0
	}
	l.mu.Unlock()
	if over {
		l.o.Logger.Info("solved: the decision log is complete again", zap.String("problem", "decision_log"), zap.Int("left_out", missed))
	}
}

// Reopen lets go of the file, for whoever rotates it; a path that is there no more is made anew.
func (l *Log) Reopen() {
	l.to.reopen()
	l.offer(entry{})
}

// Close writes what waits, as long as ctx allows.
func (l *Log) Close(ctx context.Context) error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.queue)
	}
	l.mu.Unlock()
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the decision log could not be written to its end: %w", context.Cause(ctx))
	}
}

// run writes until the log is closed.
func (l *Log) run() {
	defer close(l.done)
	defer l.to.close()
	written := map[string]bool{}
	for e := range l.queue {
		l.write(e, written)
	}
}

// write writes a decision and what else waits. written are the targets whose lines are in the file.
func (l *Log) write(e entry, written map[string]bool) {
	anew, torn, err := l.to.ready()
	if err != nil {
		clear(written)
		if missed := l.countWaiting(e); missed > 0 {
			l.miss(missed, err)
		}
		return
	}
	b := &batch{written: written}
	if torn {
		b.text.WriteByte('\n')
	}
	if anew {
		clear(written)
		line, _ := startLine(l.o.Version, l.started) // a clock of another year than four digits fails with each decision
		b.text.Write(line)
	}
	b.add(e)
	for b.text.Len() < mostAtOnce {
		next, ok := l.next()
		if !ok {
			break
		}
		b.add(next)
	}
	n, err := l.to.Write(b.text.Bytes())
	if err != nil {
		clear(written)
		if missed := b.beyond(n); missed > 0 {
			l.miss(missed, err)
		}
		return
	}
	l.wrote()
}

// next is what waits now; false if nothing does.
func (l *Log) next() (entry, bool) {
	select {
	case e, ok := <-l.queue:
		return e, ok
	default:
		return entry{}, false
	}
}

// countWaiting takes everything that waits, and counts it.
func (l *Log) countWaiting(e entry) int {
	n := 0
	for ok := true; ok; e, ok = l.next() {
		if e.line != nil {
			n++
		}
	}
	return n
}

// batch are lines that are written together.
type batch struct {
	text    bytes.Buffer
	written map[string]bool
	// ends are where the decisions end.
	ends []int
}

// add adds a decision, and its target's line where that is not in the file yet.
func (b *batch) add(e entry) {
	if e.line == nil {
		return
	}
	if !b.written[e.spec.id] {
		if len(b.written) >= mostSpecified {
			clear(b.written)
		}
		b.written[e.spec.id] = true
		b.text.Write(e.spec.line)
	}
	b.text.Write(e.line)
	b.ends = append(b.ends, b.text.Len())
}

// beyond counts the decisions that are not in the first n bytes.
func (b *batch) beyond(n int) int {
	missed := 0
	for _, end := range b.ends {
		if end > n {
			missed++
		}
	}
	return missed
}
