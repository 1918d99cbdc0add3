package store

import "errors"

// Health is whether what is to be remembered can be.
type Health struct {
	// Err is why the state could not be written when that was last tried; nil when it could, or has not been tried.
	Err error
	// Failures counts the commits that failed because the state could not be written.
	Failures uint64
}

// Health says whether the last commit could be written. It may be asked at any time.
func (s *Store) Health() Health { return *s.health.Load() }

// persist makes d durable. Where there is nothing to write, the backend is asked whether it could be, if it can tell.
func (s *Store) persist(d *Durable) error {
	var err error
	if !d.empty() {
		err = s.backend.Commit(d)
	} else if c, ok := s.backend.(Checker); ok {
		err = c.Check()
	}
	if errors.Is(err, ErrFenced) || errors.Is(err, ErrClosed) {
		return err // The state is well; it is this daemon that may not, or will not, write it.
	}
	h := Health{Err: err, Failures: s.Health().Failures}
	if err != nil {
		h.Failures++
	}
	s.health.Store(&h)
	return err
}
