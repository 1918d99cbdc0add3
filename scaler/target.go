package scaler

import (
	"hash/fnv"
	"time"

	"ecs-autoscaler/config"
	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/scaler/awsapi"
	"ecs-autoscaler/scaler/observe"
	"ecs-autoscaler/store"
)

// refreshInterval is how old the description of a service at rest may become. Counts matter only when
// something is to be done, and then they are read afresh; this is for people who look at them, and to
// notice what others do.
const refreshInterval = 10 * time.Minute

// absentRetry is how soon a service that is missing, inactive, switched off or could not be described is asked for again.
const absentRetry = time.Minute

// blockedFor is how long, at least, a write that AWS refused for good (no permission, invalid) is not repeated; by its
// name a service waits up to twice as long. A reload of the configuration ends it at once.
const blockedFor = 5 * time.Minute

// target is a scalable target as the engine works on it.
type target struct {
	entry   *config.Target
	spec    *evaluator.Target
	entries []*trackedEntry
	// observation points into the entries; Due is the engine's.
	observation evaluator.Observation
	// memory is the engine's own working copy; the store gets a clone when dirty.
	memory *evaluator.Memory
	dirty  bool
	// activity is the record of the open activity, nil when there is none.
	activity *store.Activity
	// intent is a durable intent without an outcome: the write may or may not have reached ECS, and
	// the next description tells.
	intent *store.Activity
	// intentErr is why that is not known.
	intentErr string
	// inherited is until when the request of an intent that was found at the start may be under way; zero for one's own.
	inherited time.Time
	latest    *store.Latest
	// row is what the store has; nil before the first commit.
	row *store.Target
	// described says that there is a description which has not been compared with the row yet.
	described bool

	describeErr error
	// describeNote is describeErr for people.
	describeNote string
	// describeAt is when the service is to be described again, nextLook when it is to be evaluated.
	describeAt, nextLook time.Time
	// retry says that this look repeats one that a rate stopped: on the same datapoints.
	retry bool
	// awaits says that the next look is at the end of a cooldown, shortly after the one before.
	awaits bool
	// metricDue is when the alarms on each metric are evaluated next.
	metricDue []time.Time
	// evaluated is when the last of them were.
	evaluated time.Time
	urgency   int
	// looked says that the target has been evaluated since the engine knows it.
	looked  bool
	blocked blocked
	managed managed
	// atMaxSince is since when it has wished to go beyond its max, zero when it does not.
	atMaxSince time.Time
	// last is what was last recorded and logged, to tell news from repetition.
	last recorded
	// concluded is the recorder's, of the newest evaluation; nil where nobody takes it down.
	concluded func(evaluator.Outcome)
}

// blocked is a write that AWS refused for good.
type blocked struct {
	class awsapi.Class
	until time.Time
}

// recorded is the part of a decision whose change makes it worth keeping.
type recorded struct {
	action  evaluator.Action
	reason  evaluator.Reason
	outcome evaluator.Outcome
	wanted  int
}

// trackedEntry is a metric that at least one target reads.
type trackedEntry struct {
	*observe.Entry
	users int
	// readAt is when it was last read.
	readAt time.Time
	// newest is the end of the newest bucket that has had a datapoint, as far as the fleet brake has asked; 0 is none.
	newest int64
	// note says why it could not be read, empty when it could.
	note string
}

// newTarget starts a target with what the store remembers of it.
func (e *Engine) newTarget(spec *evaluator.Target, open map[evaluator.Key][]store.Activity) *target {
	t := &target{latest: &store.Latest{}, dirty: true}
	if m := e.Store.Memory(spec.Key); m != nil {
		t.memory = m.Clone()
	} else {
		t.memory = evaluator.NewMemory(spec)
	}
	for _, a := range open[spec.Key] {
		if a.Status == evaluator.Pending {
			t.intent, t.inherited = &a, arrived(a.StartTime, e.Clock.Now())
		} else {
			t.activity = &a
		}
	}
	return t
}

const (
	// arrivesWithin is how long a request is under way whose sender has died.
	arrivesWithin = 5 * time.Second
	// sentBy is how long after its decision a write may be sent at the latest, retries included.
	sentBy = freshFor + writeTimeout
)

// arrived is when the request of an intent from before the start has reached ECS, or never will. Its sender was dead by now.
func arrived(decided, now time.Time) time.Time {
	if last := decided.Add(sentBy); last.Before(now) {
		now = last
	}
	return now.Add(arrivesWithin)
}

// openActivities are those that the store has, by their target, the oldest first.
func (e *Engine) openActivities() map[evaluator.Key][]store.Activity {
	open := map[evaluator.Key][]store.Activity{}
	for _, a := range e.Store.OpenActivities() {
		open[a.Target] = append(open[a.Target], a)
	}
	return open
}

// track asks the reader for every metric of the target's present specification. A metric that it had
// before is not due before its next look: AWS repeats an alarm's action once a minute, however often
// somebody reloads.
func (e *Engine) track(t *target) {
	before := make(map[*trackedEntry]time.Time, len(t.entries))
	for i, tr := range t.entries {
		before[tr] = t.metricDue[i]
	}
	t.entries = make([]*trackedEntry, len(t.spec.Metrics))
	series := make([]*evaluator.Series, len(t.spec.Metrics))
	for i, m := range t.spec.Metrics {
		entry := e.Metrics.Track(m, evaluator.Buckets(t.spec, i))
		tr := e.tracked[entry]
		if tr == nil {
			tr = &trackedEntry{Entry: entry}
			e.tracked[entry] = tr
		}
		tr.users++
		t.entries[i], series[i] = tr, &entry.Series
	}
	t.observation.Series = series
	t.observation.Due = make([]bool, len(series))
	t.metricDue = make([]time.Time, len(series))
	for i, tr := range t.entries {
		t.metricDue[i] = before[tr]
		if e.FixedPhase != nil && t.mixed() && before[tr].IsZero() { // a restart between minutes is no minute
			t.metricDue[i] = e.evaluation(t, e.interval(t.spec.Metrics[i].Period), e.Clock.Now())
		}
	}
	t.retry = false
	e.lookNow(t)
}

// lookNow makes the target due at once. That does not evaluate its alarms before their time.
func (e *Engine) lookNow(t *target) {
	e.lookSoon(t, e.Clock.Now())
	t.nextLook = time.Time{}
}

// untrack gives metrics back to the reader.
func (e *Engine) untrack(entries []*trackedEntry) {
	for _, tr := range entries {
		e.Metrics.Release(tr.Entry)
		if tr.users--; tr.users == 0 {
			delete(e.tracked, tr.Entry)
			if name, failing := e.unread[tr.Entry]; failing {
				delete(e.unread, tr.Entry)
				delete(e.troubles, problemKey{"metric", name})
			}
		}
	}
}

// following reports whether the target's service is to be looked at with every look: an activity is
// open, or it is not known whether one is.
func (t *target) following() bool { return t.memory.Activity.Open || t.intent != nil }

// known reports whether the service has been described.
func (t *target) known() bool { return !t.observation.Service.DescribedAt.IsZero() }

// readable reports whether reading metrics of the target can lead to anything.
func (t *target) readable() bool {
	s := &t.observation.Service
	return t.known() && s.Status == evaluator.ServiceActive && !s.Daemon
}

// resting reports whether the service is one that scales, so that every look at its metrics may lead to a fresh
// description. One that is switched off or not there comes back by somebody else's hand, which only a description shows.
func (t *target) resting() bool { return t.readable() && !t.memory.SwitchedOff }

// nextDescription is with the next look while an activity is followed. At rest it comes in the middle between two looks,
// by name in one of the slots of the interval: always at the same instants, whatever was described in between, so that what
// others do is noticed then and does not depend on how often anybody looks.
func (e *Engine) nextDescription(t *target, now time.Time) time.Time {
	switch {
	case t.following():
		every := time.Minute
		for i := range t.spec.Metrics {
			every = min(every, e.interval(t.spec.Metrics[i].Period))
		}
		return e.evaluation(t, every, now.Add(every/apart))
	case !t.resting():
		return onGrid(now.Add(second), absentRetry, e.between(t, absentRetry))
	default:
		return onGrid(now.Add(second), refreshInterval, e.between(t, refreshInterval))
	}
}

const (
	// slotSize is how many services of a cluster are described at one instant, at most on average: with half as many in it a
	// slot still fills two calls.
	slotSize = 4 * batch
	// mostSlots is the greatest power of two of instants that the interval has room for.
	mostSlots = 256
	// quiet are the seconds of a minute at which the alarms of no target are looked at, beginning quietAfter the first.
	quiet, quietAfter = 30, 20
)

// between is the phase of every at which the target's service is described: a second of a minute at which alarms are not
// looked at, 16 to 49 s after its own look. Services of a cluster share a few such instants, so that the calls, each of which takes
// ten of them, are full; clusters have different ones.
func (e *Engine) between(t *target, every time.Duration) time.Duration {
	k, span := t.spec.Key, uint32(every/time.Minute)*quiet
	slots := e.slots()
	position := (nameHash(k)%slots*span/slots + nameHash(evaluator.Key{Account: k.Account, Cluster: k.Cluster})) % span
	return e.place(t, time.Minute) + time.Duration(position/quiet)*time.Minute + time.Duration(quietAfter+position%quiet)*second
}

// slots is how many instants the engine's services are described at: a power of two, so that the instants of most services
// stay what they are when there are more of them.
func (e *Engine) slots() uint32 {
	n := uint32(1)
	for int(n)*slotSize < len(e.order) && n < mostSlots {
		n *= 2
	}
	return n
}

func nameHash(k evaluator.Key) uint32 {
	h := fnv.New32a()
	h.Write([]byte(k.String()))
	return h.Sum32()
}

// spread is between half of an interval and the whole of it, always the same for one service.
func spread(k evaluator.Key, interval time.Duration) time.Duration {
	share := float64(nameHash(k)) / (1 << 32)
	return interval - time.Duration(share*float64(interval/2))
}
