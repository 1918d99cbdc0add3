package fleet

import "time"

type phase uint8

const (
	pending phase = iota
	running
	stopping
)

// task is one task of the service; revision is the id of the deployment that it belongs to.
type task struct {
	id       int
	revision int
	phase    phase
	created  time.Duration
	due      time.Duration // when pending or stopping ends
}

// deployment is one revision of the service on its way in, in place, or on its way out.
type deployment struct {
	revision       int
	taskDefinition string
	created        time.Duration
	updated        time.Duration
	steady         time.Duration // since when all its tasks run, during a blue/green deployment; 0 = they do not
	done           bool
	failed         bool
	failures       int
}

// Change is a moment at which the counts of a service changed.
type Change struct {
	At                        time.Duration
	Running, Pending, Desired int32
}

// maxChanges bounds the remembered history of one service; the older half is dropped when it is full.
const maxChanges = 8192

func (s *Service) note(at time.Duration) {
	r, p := s.count()
	c := Change{at, int32(r), int32(p), int32(s.desired)}
	last := len(s.history) - 1
	if last >= 0 {
		before := s.history[last]
		before.At = at
		if before == c {
			return
		}
		s.taskSeconds += s.since(at)
		if s.history[last].At == at {
			s.history[last] = c
			return
		}
	}
	if len(s.history) == maxChanges {
		s.history = append(s.history[:0], s.history[maxChanges/2:]...)
	}
	s.history = append(s.history, c)
}

// since is the task-seconds from the last change to at. It is added up at changes only, so that looking often does not
// change how the sum is rounded.
func (s *Service) since(at time.Duration) float64 {
	last := s.history[len(s.history)-1]
	return float64(last.Running) * max(0, at-last.At).Seconds()
}

func (s *Service) count() (runs, waits int) {
	for i := range s.tasks {
		switch s.tasks[i].phase {
		case running, stopping:
			runs++
		case pending:
			waits++
		}
	}
	return runs, waits
}

// countOf counts the tasks of a revision that are wanted, not those on their way out.
func (s *Service) countOf(revision int) (runs, waits int) {
	for i := range s.tasks {
		if s.tasks[i].revision != revision {
			continue
		}
		if s.tasks[i].phase == running {
			runs++
		} else if s.tasks[i].phase == pending {
			waits++
		}
	}
	return runs, waits
}

// launch starts up to n tasks of a revision and returns how many found room.
func (s *Service) launch(at time.Duration, revision, n int) int {
	if s.limit != Unlimited {
		n = min(n, s.limit-len(s.tasks))
	}
	for range n {
		s.nextTask++
		s.tasks = append(s.tasks, task{
			id: s.nextTask, revision: revision, phase: pending, created: at,
			due: at + s.spec.TaskStart + s.spread(s.spec.TaskStartSpread),
		})
	}
	return max(n, 0)
}

// stop ends n tasks of a revision: those that do not run yet first, then the youngest.
func (s *Service) stop(at time.Duration, revision, n int) {
	for _, p := range []phase{pending, running} {
		for i := len(s.tasks) - 1; i >= 0 && n > 0; i-- {
			t := &s.tasks[i]
			if t.revision != revision || t.phase != p {
				continue
			}
			n--
			if p == pending {
				s.tasks = append(s.tasks[:i], s.tasks[i+1:]...)
				continue
			}
			t.phase, t.due = stopping, at+s.spec.TaskStop+s.spread(s.spec.TaskStopSpread)
			if t.due == at {
				s.tasks = append(s.tasks[:i], s.tasks[i+1:]...)
			}
		}
	}
}

// settle lets tasks whose time has come run, fail or vanish.
func (s *Service) settle(at time.Duration) {
	kept := s.tasks[:0]
	for _, t := range s.tasks {
		switch {
		case t.phase == running || t.due > at:
		case t.phase == stopping:
			continue
		case s.failStarts:
			s.failed(at, t.revision)
			continue
		default:
			t.phase = running
			if d := s.deployment(t.revision); d != nil {
				d.failures = 0
			}
		}
		kept = append(kept, t)
	}
	s.tasks = kept
}

// spread is a random part of d, by seed and the number of draws before.
func (s *Service) spread(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	s.draws++
	return time.Duration(Noise(s.spec.Seed, s.draws) * float64(d))
}

// Noise is a number in [0, 1) that depends on nothing but its arguments (splitmix64).
func Noise(seed, n uint64) float64 {
	x := seed + (n+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return float64((x^x>>31)>>11) / (1 << 53)
}
