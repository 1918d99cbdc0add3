package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-memdb"

	"ecs-autoscaler/evaluator"
)

// Changes is what one pass wants remembered. Slices may be nil.
type Changes struct {
	// Targets are new rows and rows that replace others. A row that says nothing new is skipped.
	Targets []*Target
	// Removed are targets that are no longer current; what is remembered of them is kept. A key
	// that is in Targets, too, is remembered as that row has it and then removed.
	Removed []evaluator.Key
	// Activities are new ones, and old ones with a new status.
	Activities []*Activity
	// Decisions go to the history.
	Decisions []*DecisionRecord
	// Delays replaces the delays that Scope has learned; nil leaves them.
	Delays map[string]Delay
	// Scope says whose delays these are; the zero value is nobody's in particular. With a Fence it is that of the fence.
	Scope Scope
	// Fence makes the whole conditional on the lease of the scope that it is about; nil for a state that one daemon
	// has for itself.
	Fence *Fence
}

// ErrInvalid is what a refusal to commit wraps when the changes themselves are wrong.
var ErrInvalid = errors.New("invalid changes")

// Commit makes c durable in one transaction, or in none if nothing durable changed, and then
// visible in one step. Also where nothing changed it fails if the backend can tell that it could not be written now. With
// an error nothing has changed, and what c was the intent for must not be done. Commits of different scopes that
// several daemons share do not wait for each other.
func (s *Store) Commit(c Changes) error {
	release, err := s.turns.take(s.part(&c))
	if err != nil {
		return err
	}
	defer release()
	txn := s.db.Snapshot().Txn(true) // apart, so that others may commit while the backend is waited for
	txn.TrackChanges()
	d, err := s.stage(txn, &c)
	if err != nil {
		return err
	}
	d.Sequence, d.Scope, d.Fence = s.sequence.Load(), c.Scope, c.Fence
	if err := s.persist(d); err != nil {
		return fmt.Errorf("remember: %w", err)
	}
	s.show(txn.Changes())
	return nil
}

// part is the scope whose commits have to wait for each other: one that several daemons share, or else everything.
func (s *Store) part(c *Changes) Scope {
	if c.Fence == nil {
		return Scope{}
	}
	return c.Fence.Scope
}

// show makes rows visible, all at once.
func (s *Store) show(changes memdb.Changes) {
	if len(changes) == 0 {
		return
	}
	txn := s.db.Txn(true)
	for i := range changes {
		if c := &changes[i]; c.Deleted() {
			must(txn.Delete(c.Table, c.Before))
		} else {
			insert(txn, c.Table, c.After)
		}
	}
	txn.Commit()
}

// stage puts c into txn, which nobody sees yet, and gathers what of it must be durable.
func (s *Store) stage(txn *memdb.Txn, c *Changes) (*Durable, error) {
	if err := validScope(c); err != nil {
		return nil, err
	}
	d := new(Durable)
	for _, t := range c.Targets {
		if err := stageTarget(txn, d, t); err != nil {
			return nil, err
		}
	}
	for _, k := range c.Removed {
		stageRemoval(txn, k)
	}
	for _, a := range c.Activities {
		if err := s.stageActivity(txn, d, a); err != nil {
			return nil, err
		}
	}
	for _, r := range c.Decisions {
		if err := s.stageDecision(d, r); err != nil {
			return nil, err
		}
	}
	return d, stageDelays(txn, d, c)
}

func stageTarget(txn *memdb.Txn, d *Durable, t *Target) error {
	if err := validKey(t.Key, "a target"); err != nil {
		return err
	}
	old := first[Target](txn, targetsTable, t.Key)
	var remembered *evaluator.Memory
	if old != nil {
		remembered = old.Memory
	} else if r := first[Remembered](txn, dormantTable, t.Key); r != nil {
		remembered = r.Memory
		must(txn.Delete(dormantTable, r))
	}
	row := t.completed(old, remembered)
	if old != nil && row.same(old) {
		return nil
	}
	if row.Memory != remembered {
		d.remember(t.Key, row.Memory)
	}
	insert(txn, targetsTable, row)
	return nil
}

// remember adds a memory; of two memories of one target in one commit the last one counts.
func (d *Durable) remember(k evaluator.Key, m *evaluator.Memory) {
	d.Memories = append(d.Memories, Remembered{k, m})
}

func stageRemoval(txn *memdb.Txn, k evaluator.Key) {
	t := first[Target](txn, targetsTable, k)
	if t == nil {
		return
	}
	must(txn.Delete(targetsTable, t))
	if t.Memory != nil {
		insert(txn, dormantTable, &Remembered{k, t.Memory})
	}
}

func (s *Store) stageActivity(txn *memdb.Txn, d *Durable, given *Activity) error {
	a := *given
	if err := validRecord(a.ID, a.StartTime, a.Target, "an activity"); err != nil {
		return err
	}
	a.StartTime, a.EndTime = plain(a.StartTime), plain(a.EndTime)
	if err := s.numberActivity(&a, first[Activity](txn, openTable, a.ID)); err != nil {
		return err
	}
	d.Activities = append(d.Activities, &a)
	if a.Open() {
		insert(txn, openTable, &a)
	} else {
		remove[Activity](txn, openTable, a.ID)
	}
	return nil
}

// numberActivity gives a its generation: that of the open activity it continues, its own, or the next.
func (s *Store) numberActivity(a, open *Activity) error {
	if open != nil {
		if !a.StartTime.Equal(open.StartTime) {
			return fmt.Errorf("%w: activity %s started at %s, not at %s: an activity keeps its start time",
				ErrInvalid, a.ID, open.StartTime.Format(time.RFC3339Nano), a.StartTime.Format(time.RFC3339Nano))
		}
		if a.Generation == 0 {
			a.Generation = open.Generation
		}
	}
	if a.Generation == 0 {
		a.Generation = s.NextGeneration()
	}
	s.raise(a.Generation)
	return nil
}

// The IDs of decisions are numbers of the sequence.
const (
	decisionPrefix = "d-"
	decisionBase   = 36
)

func (s *Store) stageDecision(d *Durable, given *DecisionRecord) error {
	r := *given
	if r.ID == "" {
		r.ID = decisionPrefix + strconv.FormatUint(s.sequence.Add(1), decisionBase)
	}
	if err := validRecord(r.ID, r.Time, r.Target, "a decision"); err != nil {
		return err
	}
	r.Time = plain(r.Time)
	if len(r.JSON) > 0 {
		text, err := json.Marshal(r.JSON) // A copy, compact and known to be valid.
		if err != nil {
			return fmt.Errorf("%w: the JSON of decision %s of %s: %w", ErrInvalid, r.ID, r.Target, err)
		}
		r.JSON = text
	}
	d.Decisions = append(d.Decisions, &r)
	return nil
}

func stageDelays(txn *memdb.Txn, d *Durable, c *Changes) error {
	if c.Delays == nil {
		return nil
	}
	before := delaysOf(txn, c.Scope)
	if maps.Equal(before, c.Delays) {
		return nil
	}
	d.Delays = make(map[string]Delay, len(c.Delays))
	for name, delay := range c.Delays {
		if math.IsNaN(delay.Seconds) || math.IsInf(delay.Seconds, 0) {
			return fmt.Errorf("%w: the delay of %s is not a number of seconds: %v", ErrInvalid, name, delay)
		}
		d.Delays[name] = delay
		insert(txn, delaysTable, &delayRow{c.Scope, name, delay})
	}
	for name := range before {
		if _, kept := c.Delays[name]; !kept {
			remove[delayRow](txn, delaysTable, &delayRow{scope: c.Scope, name: name})
		}
	}
	return nil
}

// validScope gives the changes the scope of their fence, and refuses what a fenced commit must not carry.
func validScope(c *Changes) error {
	if c.Fence == nil {
		return nil
	}
	c.Scope = c.Fence.Scope
	foreign := slices.DeleteFunc(c.keys(), func(k evaluator.Key) bool { return ScopeOf(k) == c.Scope })
	if len(foreign) > 0 {
		return fmt.Errorf("%w: %s does not belong to %s, whose lease the commit rests on", ErrInvalid, foreign[0], c.Scope)
	}
	return nil
}

// keys are the targets that the changes are about.
func (c *Changes) keys() []evaluator.Key {
	keys := slices.Clone(c.Removed)
	for _, t := range c.Targets {
		keys = append(keys, t.Key)
	}
	for _, a := range c.Activities {
		keys = append(keys, a.Target)
	}
	for _, r := range c.Decisions {
		keys = append(keys, r.Target)
	}
	return keys
}

// maxID keeps history keys far below what any backend takes.
const maxID = 1024

func validRecord(id string, at time.Time, target evaluator.Key, what string) error {
	if id == "" || len(id) > maxID {
		return fmt.Errorf("%w: %s of %s has an ID of %d bytes: it needs 1 to %d", ErrInvalid, what, target, len(id), maxID)
	}
	if at.Before(firstTime) || at.After(lastTime) {
		return fmt.Errorf("%w: %s of %s (%s) has no usable time: %s", ErrInvalid, what, target, id, at)
	}
	return validKey(target, what+" ("+id+")")
}

func validKey(k evaluator.Key, what string) error {
	if k.Cluster == "" || k.Service == "" || strings.ContainsRune(k.Account+k.Cluster+k.Service, 0) {
		return fmt.Errorf("%w: %s needs the names of a cluster and a service, not %q", ErrInvalid, what, k)
	}
	return nil
}

func validCluster(sc Scope) error {
	if sc.Cluster == "" || strings.ContainsRune(sc.Account+sc.Cluster, 0) {
		return fmt.Errorf("%w: it needs the name of a cluster, not %q", ErrInvalid, sc)
	}
	return nil
}

// plain is t as it comes back from JSON: without monotonic reading, in UTC. The zero time stays zero.
func plain(t time.Time) time.Time { return t.UTC().Round(0) }
