package observe

import (
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"ecs-autoscaler/evaluator"
)

// Delay is what is known of one namespace's publication delay.
type Delay struct {
	// Seconds is the 95th percentile of the delays seen, 0 to 300.
	Seconds float64 `json:"seconds"`
	// Samples is how many delays it rests on.
	Samples int `json:"samples"`
}

const (
	startStandard = 120.0 // seconds, periods of a minute and more
	startShort    = 20.0
	maxDelay      = 300.0
	quantile      = 0.95
	// windowSize samples are remembered, the oldest go first; at one a minute, two hours.
	windowSize = 120
	// perRead is how many samples of one read are kept, so that ten thousand metrics do not push the
	// whole past out at once.
	perRead = 12
	// enough samples let the delay fall below where it started.
	enough = 5
	// restored is how many remembered samples a delay from before a restart weighs.
	restored = 20

	standardSuffix = " standard"
	shortSuffix    = " high-resolution"
)

// learner learns how late CloudWatch publishes, per namespace and class of periods, because services
// of AWS differ and a daemon that waits for the slowest would be slow for all.
//
// A read gives at most one sample per metric:
//   - The oldest bucket that is there for the first time although an earlier complete read looked for it
//     came between the two reads. The later one bounds it, but no more than one look's
//     interval is added to the earlier: the time in which nobody looked says nothing.
//   - Else the newest bucket that is there for the first time and that nobody looked for before: its age
//     is an upper bound, so it may lower the delay but never raise it.
//
// Metric math teaches nothing about its namespaces, because it mixes them. What comes later than they are known to makes a
// class of its own later; that it comes sooner says nothing, because FILL makes datapoints of nothing. Periods above a
// minute teach nothing: they slide.
type learner struct {
	// fixed is the configuration's delay in seconds, negative where it is to be learned.
	fixed float64
	mu    sync.Mutex
	known map[string]*delayClass
	// fresh are the classes that the read under way has samples for, noted those it has looks for.
	fresh, noted []*delayClass
}

// delayClass is one namespace at one class of periods.
type delayClass struct {
	start    float64 // before anything was learned
	interval float64 // between two looks
	window   [windowSize]float64
	used     int
	next     int
	samples  int
	seconds  float64
	pending  []float64
	place    place
	noted    bool // that place has learned something in this read
}

func newLearner(fixed time.Duration) *learner {
	l := &learner{fixed: -1, known: map[string]*delayClass{}}
	if fixed >= 0 {
		l.fixed = math.Ceil(fixed.Seconds())
	}
	return l
}

// classes are those of every namespace a metric reads from.
func (l *learner) classes(m *evaluator.Metric) []*delayClass {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(m.Queries) == 0 {
		return []*delayClass{l.class(m.Namespace, m.Period)}
	}
	var all []*delayClass
	var names []string
	for i := range m.Queries {
		if q := m.Queries[i].Metric; q != nil && !slices.Contains(names, q.Namespace) {
			names = append(names, q.Namespace)
			all = append(all, l.class(q.Namespace, m.Period))
		}
	}
	if len(all) == 0 {
		all = append(all, l.class("", m.Period))
	}
	return append(all, l.together(names, m.Period))
}

// together is the class of metric math over some namespaces: what was learned of them holds until it comes later.
func (l *learner) together(names []string, period int64) *delayClass {
	slices.Sort(names)
	key := "math of " + strings.Join(names, ", ")
	if period < minute {
		return l.named(key+shortSuffix, 0, shortTrail)
	}
	return l.named(key+standardSuffix, 0, minute)
}

func (l *learner) class(namespace string, period int64) *delayClass {
	if period < minute {
		return l.named(namespace+shortSuffix, startShort, shortTrail)
	}
	return l.named(namespace+standardSuffix, startStandard, minute)
}

func (l *learner) named(key string, start, interval float64) *delayClass {
	c := l.known[key]
	if c == nil {
		c = &delayClass{start: start, interval: interval, seconds: start, place: newPlace(start)}
		if l.fixed >= 0 {
			c.place = fixedPlace(l.fixed)
		}
		l.known[key] = c
	}
	return c
}

// slowest is the longest delay of several classes, in whole seconds.
func (l *learner) slowest(classes []*delayClass) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := 0.0
	for _, c := range classes {
		s = max(s, c.seconds)
	}
	return int64(math.Ceil(s))
}

// look takes the sample of one entry that was read at now, if it has one.
func (l *learner) look(e *Entry, now time.Time) {
	if e.sliding() || e.status != complete {
		return
	}
	c := e.delays[len(e.delays)-1]
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.interval == minute {
		l.note(c, e, now)
	}
	if e.appeared == 0 {
		return
	}
	sample := age(now, e.appeared)
	if e.appearedLate > 0 {
		sample = min(age(now, e.appearedLate), age(e.lookedAt, e.appearedLate)+c.interval)
	} else if sample > c.seconds {
		return
	}
	if len(c.pending) == 0 {
		l.fresh = append(l.fresh, c)
	}
	c.pending = append(c.pending, sample)
}

func age(now time.Time, end int64) float64 { return now.Sub(time.Unix(end, 0)).Seconds() }

// learn ends a read at now.
func (l *learner) learn(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.fresh {
		c.learn()
	}
	l.fresh = l.fresh[:0]
	for _, c := range l.noted {
		c.noted = false
		c.place.learn(now)
	}
	l.noted = l.noted[:0]
}

// learn keeps a few samples that stand for the read: equally spaced ones of the sorted.
func (c *delayClass) learn() {
	slices.Sort(c.pending)
	n := min(len(c.pending), perRead)
	for i := range n {
		c.remember(c.pending[i*(len(c.pending)-1)/max(n-1, 1)])
	}
	c.pending = c.pending[:0]
	c.estimate()
}

func (c *delayClass) remember(sample float64) {
	c.window[c.next] = min(max(sample, 0), maxDelay)
	c.next = (c.next + 1) % windowSize
	c.used = min(c.used+1, windowSize)
	c.samples++
}

func (c *delayClass) estimate() {
	var sorted [windowSize]float64
	s := sorted[:copy(sorted[:], c.window[:c.used])]
	slices.Sort(s)
	c.seconds = s[int(math.Ceil(quantile*float64(len(s))))-1]
	if c.samples < enough {
		c.seconds = max(c.seconds, c.start)
	}
}

func (l *learner) save() map[string]Delay {
	l.mu.Lock()
	defer l.mu.Unlock()
	saved := map[string]Delay{}
	for key, c := range l.known {
		if c.samples > 0 {
			saved[key] = Delay{Seconds: c.seconds, Samples: c.samples}
		}
	}
	return saved
}

func (l *learner) restore(saved map[string]Delay) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, d := range saved {
		if !(d.Seconds >= 0 && d.Seconds <= maxDelay) || d.Samples <= 0 {
			continue
		}
		c := l.restorable(key)
		if c == nil {
			continue
		}
		for range min(d.Samples, restored) {
			c.remember(d.Seconds)
		}
		c.samples = d.Samples
		c.estimate()
		if !c.place.fixed {
			c.place.after = c.seconds
		}
	}
}

// restorable is the class of a saved key, nil for a key this version does not write.
func (l *learner) restorable(key string) *delayClass {
	switch {
	case strings.HasSuffix(key, standardSuffix):
		return l.named(key, startStandard, minute)
	case strings.HasSuffix(key, shortSuffix):
		return l.named(key, startShort, shortTrail)
	}
	return nil
}
