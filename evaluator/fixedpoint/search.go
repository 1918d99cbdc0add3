package fixedpoint

import (
	"math/big"
	"slices"

	"ecs-autoscaler/evaluator"
)

// Move is one step of a sequence: at Count tasks the metric is Metric, for which the policy Policy (an index in
// Target.Policies) sets the count To.
type Move struct {
	Count  int
	Metric float64
	To     int
	Policy int
}

// Sequence is what the policies do at one constant load, a number of tasks times what each has of it.
type Sequence struct {
	// Load is one of those above Above and below Below, which all give the same moves; where Above and Below are equal
	// it is the only one. Below is +Inf where there is no end.
	Load, Above, Below float64
	// Moves begin with a scale-in to a count at which a scale-out is due. Those of a cycle end where they began, others at
	// a count that stays.
	Moves []Move
}

// Result is what there is to say about the policies of a target that follow one load.
type Result struct {
	// Cycle is the smallest sequence that goes on for ever, by counts and then by load; nil if there is none. One at a single
	// load, where a metric lies on a threshold, is given only where there is none over a range of loads.
	Cycle *Sequence
	// Overshoot is the smallest scale-in beyond what the scale-out policies bear, although it comes to rest in the end; nil
	// if there is none. It is not looked for any further where there is a Cycle.
	Overshoot *Sequence
	// UpTo is the highest count from which a scale-in was followed: Max, unless that would have taken too long.
	UpTo int
}

// mostDecisions bounds a search to well under a second. All counts of a pair of step policies with a few steps are looked at for
// a Max of AWS's 5,000 tasks.
const mostDecisions = 60_000

// Search looks at every count within the bounds of t and every load for the policies with these indexes, whose metrics must
// all be that load shared out over the tasks. Each sequence that does not come to rest contains a scale-in to a
// count at which a scale-out is due, so it begins with those, at the lowest counts.
func Search(t *evaluator.Target, policies []int) Result {
	s := &search{rest: newRest(t, policies), policies: policies, left: mostDecisions}
	if !s.bothWays() {
		return Result{UpTo: t.Max}
	}
	s.edges = edgesOf(s.rest.target)
	none := new(big.Rat)
	for count := t.Min + 1; count <= t.Max && s.left > 0 && s.found.Cycle == nil; count++ {
		s.found.UpTo = count
		s.turns(count, interval{none, none})
		s.turns(count, interval{low: none})
	}
	if s.found.Cycle == nil {
		s.found.Cycle = s.single
	}
	return s.found
}

type search struct {
	rest     *rest
	policies []int
	edges    edges
	left     int
	found    Result
	// single is the first cycle at a single load.
	single *Sequence
}

// bothWays says that there is anything to look for. One target-tracking policy alone comes to rest: what it wants is load / target
// rounded up at every count, and at that count it wants the same.
func (s *search) bothWays() bool {
	t := s.rest.target
	steps := slices.ContainsFunc(t.Policies, func(p evaluator.Policy) bool { return p.Type == evaluator.StepScaling })
	return t.Max > t.Min && (steps || len(t.Policies) > 1)
}

// move is what happens at a count in a part of the loads.
func (s *search) move(count int, part interval) Move {
	s.left--
	load := part.middle()
	d := s.rest.decide(count, load)
	m := Move{Count: count, Metric: each(load, max(count, 1)), To: d.Wanted, Policy: -1}
	if d.Action != evaluator.Hold && d.Policy >= 0 {
		m.Policy = s.policies[d.Policy]
	}
	return m
}

// turns looks for scale-ins from a count that end where a scale-out is due, and follows them.
func (s *search) turns(count int, loads interval) {
	if s.found.Cycle != nil {
		return
	}
	for _, part := range s.edges.parts(count, loads) {
		in := s.move(count, part)
		if in.To >= count {
			continue
		}
		for _, narrower := range s.edges.parts(in.To, part) {
			out := s.move(in.To, narrower)
			if out.To > in.To {
				s.follow([]Move{in, out}, narrower)
			}
			if s.found.Cycle != nil || s.left <= 0 {
				return
			}
		}
	}
}

// follow goes on until the sequence stands still or comes back.
func (s *search) follow(moves []Move, loads interval) {
	at := moves[len(moves)-1].To
	if k := slices.IndexFunc(moves, func(m Move) bool { return m.Count == at }); k >= 0 {
		s.cycle(s.sequence(fromScaleIn(moves[k:]), loads))
		return
	}
	for _, part := range s.edges.parts(at, loads) {
		next := s.move(at, part)
		switch {
		case next.To != at:
			s.follow(append(slices.Clone(moves), next), part)
		case s.found.Overshoot == nil && !part.point():
			s.found.Overshoot = s.sequence(moves, part)
		}
		if s.found.Cycle != nil || s.left <= 0 {
			return
		}
	}
}

// cycle keeps what was found.
func (s *search) cycle(q *Sequence) {
	switch {
	case q.Above < q.Below:
		s.found.Cycle = q
	case s.single == nil:
		s.single = q
	}
}

// fromScaleIn turns a cycle so that it begins with a scale-in before a scale-out. The part of a sequence that
// comes back always has one.
func fromScaleIn(cycle []Move) []Move {
	for k := range cycle {
		in, next := cycle[k], cycle[(k+1)%len(cycle)]
		if in.To < in.Count && next.To > next.Count {
			return append(slices.Clone(cycle[k:]), cycle[:k]...)
		}
	}
	return cycle
}

// sequence gives the moves the numbers of one load.
func (s *search) sequence(moves []Move, loads interval) *Sequence {
	load := loads.load()
	q := &Sequence{Load: number(load), Above: number(loads.low), Below: number(loads.high), Moves: slices.Clone(moves)}
	for k := range q.Moves {
		q.Moves[k].Metric = each(load, max(q.Moves[k].Count, 1))
	}
	return q
}
