package observe

import (
	"math"
	"time"
)

const (
	// A look that finds its bucket moves the next ones a little forward, one that comes too early moves them further back.
	// With a quarter of a second, each a little more than the one before, and ten, one look in thirty comes too early; a
	// single metric then has two looks in vain.
	firstStep, lastStep, bolder = 8.0, 0.25, 1.02
	retreat                     = 10.0
	settledStep                 = 2.0
	// margin is how much sooner than at the usual place a bucket may come without being noticed late.
	margin = 15.0
	// near is how long after the place a look says something about it: looks are spread over some seconds, and were
	// planned when the place was another.
	near = 15.0
	// muchSooner is how long before the place a bucket that is there may be one that comes a minute sooner; only so many
	// in a row are believed, because a publication that jitters has one now and then.
	muchSooner = 30.0
	believed   = 3
	// grain is what looks are moved by: one that comes a second sooner than a minute after the one before would find a cooldown
	// of a minute not yet over.
	grain = 5.0
	// together is the time whose reads are learned from at once: all targets are looked at within some seconds.
	together = 30 * time.Second
)

// place is where the looks at a class of metrics are best placed: so many seconds after the end of a bucket that it is
// nearly always there, and not later. It is found by looking: the published delay alone cannot be seen
// more exactly than the looks are apart.
type place struct {
	after, step float64
	// fixed says that it is what the configuration says, and not to be found.
	fixed bool
	// early is how many times in a row buckets were there much sooner.
	early int
	// learned is when that was worked out, and then what the reads since have found, in number of metrics.
	learned               time.Time
	present, late, sooner int
}

func newPlace(start float64) place { return place{after: start, step: firstStep} }

func fixedPlace(at float64) place { return place{after: at, step: lastStep, fixed: true} }

// note takes what a read at now found of one metric. That a bucket came too late is only known when it is there: until
// then it may be one that never comes.
func (p *place) note(e *Entry, now time.Time) {
	if e.appearedLate != 0 && age(e.lookedAt, e.appearedLate) >= p.after {
		p.late++
		return
	}
	newest := newestKnown(e.Series.Values)
	if newest < 0 {
		return
	}
	known := e.Series.End - int64(len(e.Series.Values)-1-newest)*e.Series.Period
	switch a := age(now, known); {
	case a < p.after-muchSooner:
		p.sooner++
	case a < p.after+near:
		p.present++
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

// learn ends a read at now. A fleet weighs no more than one metric, so that the place is that of nearly all of it.
func (p *place) learn(now time.Time) {
	looked := float64(p.present + p.late + p.sooner)
	if looked == 0 || now.Sub(p.learned).Abs() < together {
		return
	}
	p.move(looked)
	p.learned, p.present, p.late, p.sooner = now, 0, 0, 0
}

// move goes where so many looks say.
func (p *place) move(looked float64) {
	late, sooner := float64(p.late)/looked, float64(p.sooner)/looked
	if sooner < quantile {
		p.early = 0
	} else {
		p.early++
	}
	if p.fixed {
		return
	}
	switch {
	case late > 1-quantile:
		p.step = max(p.step/2, lastStep)
	case late == 0:
		p.step = min(p.step*bolder, firstStep)
	}
	p.after += retreat*late - p.step*(1-late)
	if p.early == believed { // the same place in the minute, a bucket earlier; it is to be found anew there
		p.after, p.step, p.early = p.after-minute, firstStep, 0
	}
	p.after = min(max(p.after, 0), maxDelay)
}

// look is how many seconds after its end a bucket is looked for.
func (p *place) look() int64 {
	if p.fixed {
		return int64(p.after)
	}
	return int64(math.Ceil(p.after/grain) * grain)
}

// soonest is how many seconds after its end a bucket comes at the soonest, 0 as long as that is not known.
func (p *place) soonest() int64 {
	if p.step > settledStep || p.early > 0 {
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
		if at := c.place.look(); at >= after {
			after, soonest = at, c.place.soonest()
		}
	}
	if e.sliding() || len(e.delays) > 1 {
		soonest = 0
	}
	return after, soonest
}
