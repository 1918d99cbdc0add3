package lease

import "time"

// sight is what this daemon has seen of something that ought to move: another's heartbeat.
type sight struct {
	beat uint64
	// still is for how long it has been seen not to move, looks is how often it has.
	still time.Duration
	moves int
}

// sights are the heartbeats by the ID of their daemon.
type sights struct {
	every time.Duration
	last  time.Duration // of the last look
	known map[string]*sight
}

// look takes the heartbeats of a read that was made at an instant of this daemon's own monotonic clock. Time in which it did
// not look, because it was paused or could not reach the table, counts as two looks at most: a daemon that wakes up beside
// others that were asleep with it must not think them dead. Owners without a heartbeat are seen as standing still.
func (s *sights) look(now time.Duration, beats map[string]uint64) {
	passed := min(now-s.last, 2*s.every)
	s.last = now
	for id, beat := range beats {
		seen := s.known[id]
		switch {
		case seen == nil:
			s.known[id] = &sight{beat: beat}
		case seen.beat != beat:
			seen.beat, seen.still, seen.moves = beat, 0, seen.moves+1
		default:
			seen.still += passed
		}
	}
	for id := range s.known {
		if _, there := beats[id]; !there {
			delete(s.known, id)
		}
	}
}

// dead says that the heartbeat has not moved for so long that its leases may be taken.
func (s *sights) dead(id string) bool {
	seen := s.known[id]
	return seen != nil && seen.still >= Expiry
}

// lively says that the heartbeat has been seen to move and still does, so that leases may be handed to its daemon.
func (s *sights) lively(id string) bool {
	seen := s.known[id]
	return seen != nil && seen.moves >= 2 && seen.still < Expiry
}
