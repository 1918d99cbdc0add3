package schedule

import "time"

// Schedule is an expression in its time zone, between bounds (API PutScheduledAction).
type Schedule struct {
	// Expression says when.
	Expression Expression
	// Zone is that of at and cron; nil is UTC. A rate does not care.
	Zone *time.Location
	// Start and End bound the fires, both included; zero for no bound. A cron with a Start fires at Start too, and a
	// rate counts from there (aws-semantics 4.4 and 4.5).
	Start, End time.Time
}

// Next is the first fire strictly after an instant, in UTC; false when there is none. anchor is when the schedule
// was registered: a rate without Start fires one interval after it, and so on; nothing else depends on it.
//
// A local time that does not exist is skipped, one that exists twice is a fire once, the first time (aws-semantics 4.6).
func (s *Schedule) Next(after, anchor time.Time) (time.Time, bool) {
	var fire time.Time
	var ok bool
	switch s.Expression.kind {
	case At:
		fire, ok = s.once()
		ok = ok && fire.After(after)
	case Rate:
		base, least := s.base(anchor)
		fire, ok = s.Expression.multiple(base, max(s.Expression.count(base, after)+1, least)), true
	case Cron:
		fire, ok = s.nextCron(after)
	}
	if !ok || !s.End.IsZero() && fire.After(s.End) {
		return time.Time{}, false
	}
	return fire, true
}

// Newest is the last fire in (after, until], in UTC; false when there is none. anchor is that of Next.
func (s *Schedule) Newest(after, until, anchor time.Time) (time.Time, bool) {
	if !s.End.IsZero() && until.After(s.End) {
		until = s.End
	}
	var fire time.Time
	var ok bool
	switch s.Expression.kind {
	case At:
		fire, ok = s.once()
		ok = ok && !fire.After(until)
	case Rate:
		base, least := s.base(anchor)
		n := s.Expression.count(base, until)
		fire, ok = s.Expression.multiple(base, n), n >= least
	case Cron:
		fire, ok = s.newestCron(until)
	}
	if !ok || !fire.After(after) {
		return time.Time{}, false
	}
	return fire, true
}

// Never says that no instant is a fire, whatever the time is: 31 February, a year that is not a leap year's 29 February,
// an at that its time zone leaves out or its bounds exclude.
func (s *Schedule) Never() bool {
	_, ok := s.Next(time.Time{}, time.Time{})
	return !ok
}

// ComesTwice says whether clocks in the schedule's zone show the local time of a fire once more after it, because they
// are set back. A cron fires the first time only.
func (s *Schedule) ComesTwice(fire time.Time) bool { return again(fire.Unix(), s.zone()) }

func (s *Schedule) zone() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

// base is where a rate counts from, and the number of its first fire.
func (s *Schedule) base(anchor time.Time) (base time.Time, least int64) {
	if s.Start.IsZero() {
		return anchor, 1
	}
	return s.Start, 0
}

// once is the fire of an at, if its local time exists and is not before Start.
func (s *Schedule) once() (time.Time, bool) {
	unix, exists := earliest(s.Expression.local, s.zone())
	fire := time.Unix(unix, 0).UTC()
	return fire, exists && !fire.Before(s.Start)
}

// nextCron looks for the first matching local time that clocks have not shown by an instant.
func (s *Schedule) nextCron(after time.Time) (time.Time, bool) {
	if after.Before(s.Start) {
		return s.Start.UTC(), true
	}
	const minute = 60
	r, ok := s.Expression.cron.forward(readingOf(reached(after.Unix(), s.zone()) + minute))
	for ok {
		unix, exists := earliest(r.seconds(), s.zone())
		if exists {
			return time.Unix(unix, 0).UTC(), true
		}
		beyond := unix + spanAt(unix, s.zone()).offset // The first reading behind the gap.
		r, ok = s.Expression.cron.forward(readingOf(beyond + minute - 1))
	}
	return time.Time{}, false
}

// newestCron looks for the last matching local time that clocks have shown by an instant.
func (s *Schedule) newestCron(until time.Time) (time.Time, bool) {
	r, ok := s.Expression.cron.backward(readingOf(reached(until.Unix(), s.zone())))
	for ok {
		unix, exists := earliest(r.seconds(), s.zone())
		if fire := time.Unix(unix, 0).UTC(); exists && !fire.Before(s.Start) {
			return fire, true
		}
		if exists {
			break
		}
		before := unix - 1 // The last instant before the gap.
		r, ok = s.Expression.cron.backward(readingOf(before + spanAt(before, s.zone()).offset))
	}
	return s.Start.UTC(), !s.Start.IsZero() && !s.Start.After(until)
}
