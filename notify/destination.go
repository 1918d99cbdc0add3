package notify

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"ecs-autoscaler/config"
	"ecs-autoscaler/view"
)

const (
	// queued is how many events wait for a destination at most; then the oldest go.
	queued = 1000
	// tryFor is how long one try may take.
	tryFor = 10 * time.Second
	// giveUpAfter is how long an event is tried for.
	giveUpAfter = 15 * time.Minute
	// The wait after a failure: the first one, each following is twice as long, and the longest.
	firstRetry, lastRetry = time.Second, time.Minute
	// hurriedRetry is the longest wait when the daemon is stopping.
	hurriedRetry = 500 * time.Millisecond
)

// letter is an event on its way.
type letter struct {
	view.Event
	body     []byte
	accepted time.Time
}

// answer is what came of a try.
type answer struct {
	// err is nil when the event has arrived. Its text has no secret.
	err error
	// final says that the same event would be refused again.
	final bool
	// after is how long the destination asks to be left alone, 0 where it does not say.
	after time.Duration
	// said is what the destination answered, for people.
	said string
}

// carrier takes an event to a destination once.
type carrier interface {
	carry(ctx context.Context, l *letter) answer
}

// destination delivers events one after the other in the order in which they came.
type destination struct {
	address
	carrier
	telemetry *telemetry
	logger    *zap.Logger
	ctx       context.Context
	cancel    context.CancelFunc
	// more says that the queue is not empty, finishing is closed when nothing more comes.
	more      chan struct{}
	finishing chan struct{}

	mu    sync.Mutex // guards what follows
	queue []*letter
	// underWay says that the first of the queue is being tried, full that some were dropped since it was empty.
	underWay, full bool
	// lost are the events that did not arrive since the daemon said so last.
	lost int

	// What follows is the goroutine's own: how many tries have failed in a row, until when none is made, whether the destination has
	// asked for that, and whether people have been told.
	failures       int
	rest           time.Time
	asked, failing bool
}

func newDestination(ctx context.Context, a address, c carrier, t *telemetry, logger *zap.Logger) *destination {
	d := &destination{
		address: a, carrier: c, telemetry: t, logger: logger.With(zap.String("destination", a.name)),
		more: make(chan struct{}, 1), finishing: make(chan struct{}),
	}
	d.ctx, d.cancel = context.WithCancel(ctx)
	t.queued.WithLabelValues(a.name).Add(0) // there is one from the beginning
	return d
}

// wants says whether events of a kind go there.
func (d *destination) wants(k config.EventKind) bool {
	return len(d.kinds()) == 0 || slices.Contains(d.kinds(), k)
}

// put adds an event to the queue; if that is full, the oldest goes that is not under way.
func (d *destination) put(l *letter) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) >= queued {
		if !d.full {
			d.full = true
			d.logger.Warn("the queue is full: the oldest events are dropped", zap.Int("queue", queued))
		}
		oldest := 0
		if d.underWay {
			oldest = 1
		}
		d.lose(d.queue[oldest], dropped)
		d.queue = slices.Delete(d.queue, oldest, oldest+1)
	}
	d.queue = append(d.queue, l)
	d.telemetry.queued.WithLabelValues(d.name).Inc()
	select {
	case d.more <- struct{}{}:
	default: // it has been told already
	}
}

// lose counts an event that does not arrive. The caller holds the lock.
func (d *destination) lose(l *letter, why result) {
	d.lost++
	d.telemetry.count(d.name, l.Kind, why)
	d.telemetry.queued.WithLabelValues(d.name).Dec()
}

// finish has the destination end when its queue is empty, abandon at once.
func (d *destination) finish()  { close(d.finishing) }
func (d *destination) abandon() { d.cancel() }

// run delivers until it is to end.
func (d *destination) run() {
	defer d.cancel()
	for d.ctx.Err() == nil {
		l := d.next()
		if l == nil {
			break
		}
		d.deliver(l)
	}
	d.end()
}

// next is the oldest event of the queue, which stays in it until it has been dealt with; nil when there is none and none will come.
func (d *destination) next() *letter {
	for {
		if l := d.oldest(); l != nil {
			return l
		}
		select {
		case <-d.more:
		case <-d.ctx.Done():
			return nil
		case <-d.finishing:
			return d.oldest() // one may have come just before
		}
	}
}

func (d *destination) oldest() *letter {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) == 0 {
		return nil
	}
	d.underWay = true
	return d.queue[0]
}

// done takes the event under way off the queue.
func (d *destination) done(r result) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.queue[0]
	d.queue[0] = nil
	d.queue = d.queue[1:]
	d.underWay, d.full = false, d.full && len(d.queue) > 0
	if r != delivered {
		d.lose(l, r)
		return
	}
	d.telemetry.count(d.name, l.Kind, r)
	d.telemetry.queued.WithLabelValues(d.name).Dec()
}

// deliver tries until the event has arrived, was refused, or is too old.
func (d *destination) deliver(l *letter) {
	for {
		if !d.pause() {
			return
		}
		a := d.try(l)
		switch {
		case a.err == nil:
			d.done(delivered)
			d.works()
			return
		case d.ctx.Err() != nil:
			return // what was cut short says nothing
		}
		d.fails(a)
		if a.final {
			d.done(refused)
			return
		}
		if time.Since(l.accepted) >= giveUpAfter {
			d.done(givenUp)
			return
		}
	}
}

// try makes one.
func (d *destination) try(l *letter) answer {
	ctx, cancel := context.WithTimeout(d.ctx, tryFor)
	defer cancel()
	return d.carry(ctx, l)
}

// pause waits until the destination may be asked again; false when that is not to be.
func (d *destination) pause() bool {
	wait := time.Until(d.rest)
	hurry := d.finishing
	select {
	case <-d.finishing:
		if hurry = nil; !d.asked {
			wait = min(wait, hurriedRetry)
		}
	default:
	}
	if d.asked {
		hurry = nil
	}
	if wait <= 0 {
		return d.ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-hurry: // there is no time to lose, so it is asked at once
	case <-d.ctx.Done():
	}
	return d.ctx.Err() == nil
}

// fails takes a failure: the next try waits, and people are told of the first.
func (d *destination) fails(a answer) {
	if !d.failing {
		d.failing = true
		d.logger.Warn("events cannot be delivered; each is tried for a quarter of an hour, unless it is refused", zap.String("error", d.veil(a.err.Error())), zap.Bool("refused", a.final))
	}
	if a.final {
		d.failures, d.asked = 0, false // it answers
		return
	}
	d.failures++
	d.asked = a.after > 0
	d.rest = time.Now().Add(backoff(d.failures, a.after))
}

// backoff is how long to wait after so many failures, or as long as the destination asks for.
func backoff(failures int, asked time.Duration) time.Duration {
	if asked > 0 {
		return min(asked, giveUpAfter)
	}
	d := min(lastRetry, firstRetry<<min(failures-1, 10))
	return d/2 + rand.N(d/2)
}

// works takes a success.
func (d *destination) works() {
	d.failures, d.rest, d.asked = 0, time.Time{}, false
	if !d.failing {
		return
	}
	d.failing = false
	d.mu.Lock()
	lost := d.lost
	d.lost = 0
	d.mu.Unlock()
	d.logger.Info("solved: events can be delivered again", zap.Int("lost", lost))
}

// end counts what is left.
func (d *destination) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.queue {
		d.lose(l, unsent)
	}
	if n := len(d.queue); n > 0 {
		d.logger.Warn("events were not delivered before the end", zap.Int("events", n))
	}
	d.queue = nil
}
