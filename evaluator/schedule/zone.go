package schedule

import "time"

// horizon is how far in seconds a local time can lie from the same reading in UTC, and how far back in time clocks that
// were set back can have shown later readings: a day covers every zone, also those that crossed the date line.
const horizon = 26 * 3600

// span is a stretch of time in which a zone keeps one offset from UTC, all in seconds; open ends are far away.
type span struct{ start, end, offset int64 }

// far is beyond every instant that is asked for, and far from overflowing.
const far = 1 << 60

// spanAt is the span that an instant lies in.
func spanAt(unix int64, zone *time.Location) span {
	t := time.Unix(unix, 0).In(zone)
	_, offset := t.Zone()
	s := span{-far, far, int64(offset)}
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		s.start = start.Unix()
	}
	if !end.IsZero() {
		s.end = end.Unix()
	}
	return s
}

// earliest is the first instant at which clocks show the local time, in seconds from 1970. If they jump over it, it is
// the instant at which they do, and false.
func earliest(local int64, zone *time.Location) (int64, bool) {
	if zone == time.UTC {
		return local, true
	}
	s := spanAt(local-horizon, zone)
	for s.end <= local-s.offset {
		s = spanAt(s.end, zone)
	}
	if at := local - s.offset; at >= s.start {
		return at, true
	}
	return s.start, false
}

// reached is the latest local time that clocks have shown up to an instant. It is what they show at it, unless they
// were set back shortly before.
func reached(unix int64, zone *time.Location) int64 {
	s := spanAt(unix, zone)
	local := unix + s.offset
	for s.start > unix-horizon {
		before := s.start - 1
		s = spanAt(before, zone)
		local = max(local, before+s.offset)
	}
	return local
}

// again says whether clocks show the local time of an instant once more after it.
func again(unix int64, zone *time.Location) bool {
	s := spanAt(unix, zone)
	if s.end > unix+horizon {
		return false
	}
	next := spanAt(s.end, zone)
	return unix+s.offset-next.offset >= s.end
}
