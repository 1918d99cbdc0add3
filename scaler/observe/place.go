package observe

import (
	"math"
	"time"
)

const (
	// A look that finds its bucket moves the next ones a little forward, one that does not moves them further back. With half a
	// second and ten, about one look in twenty comes too early.
	firstStep, lastStep = 8.0, 0.5
	retreat             = 10.0
	settledStep         = 2.0
	// margin is how much sooner than at the usual place a bucket may come without being noticed late.
	margin = 15.0
	// silence is the age from which a metric has stopped rather than being late.
	silence = 2 * maxDelay
)

// place is where the looks at a class of metrics are best placed: so many seconds after the end of a bucket that it is
// nearly always there, and not later. It is found by looking: the published delay alone cannot be seen
// more exactly than the looks are apart.
type place struct {
	after, step float64
	// What the read under way has found, in number of metrics: the bucket that was to be there, or not, and one that was not.
	present, absent, sooner int
}

func newPlace(start float64) place { return place{after: start, step: firstStep} }

// note takes what a read at now found of one metric.
func (p *place) note(e *Entry, now time.Time) {
	newest := newestKnown(e.Series.Values)
	if newest < 0 {
		return
	}
	known := e.Series.End - int64(len(e.Series.Values)-1-newest)*e.Series.Period
	if age(now, known) > silence {
		return
	}
	expected := floor(now.Unix()-int64(p.after), minute)
	if known >= expected {
		p.present++
	} else {
		p.absent++
	}
	if known > expected {
		p.sooner++
	}
}

// note adds what a read found to its class.
func (l *learner) note(c *delayClass, e *Entry, now time.Time) {
	c.place.note(e, now)
	if !c.noted {
		c.noted = true
		l.noted = append(l.noted, c)
	}
}

// learn ends a read.
func (p *place) learn() {
	looked := float64(p.present + p.absent)
	switch {
	case looked == 0:
		return
	case float64(p.sooner) >= quantile*looked:
		p.after -= minute // the same place in the minute, a bucket earlier
	case float64(p.present) >= quantile*looked:
		p.after -= p.step
	default:
		p.after += retreat
		p.step = max(p.step/2, lastStep)
	}
	p.after = min(max(p.after, 0), maxDelay)
	p.present, p.absent, p.sooner = 0, 0, 0
}

// soonest is how many seconds after its end a bucket comes at the soonest, 0 as long as that is not known.
func (p *place) soonest() int64 {
	if p.step > settledStep {
		return 0
	}
	return int64(max(p.after-margin, 0))
}

// place works out where to look at the metric next. For several namespaces it is that of the slowest; periods under a
// minute are looked at when their delay is over.
func (l *learner) place(e *Entry) (after, soonest int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.Series.Period < minute {
		return e.Series.Delay, 0
	}
	for _, c := range e.delays {
		if at := int64(math.Ceil(c.place.after)); at >= after {
			after, soonest = at, c.place.soonest()
		}
	}
	if e.sliding() || len(e.delays) > 1 {
		soonest = 0
	}
	return after, soonest
}
