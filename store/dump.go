package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// DumpVersion is the version of the documents that export writes and import reads (docs/state.md).
const DumpVersion = 1

// Dump is a whole state as a document that people can read: its JSON is the same for the same state.
type Dump struct {
	Application string `json:"application"`
	Version     int    `json:"version"`
	// Sequence is the highest number given to an activity or a decision.
	Sequence uint64 `json:"sequence"`
	// Delays are those without a cluster, by name: what earlier versions have learned.
	Delays map[string]Delay `json:"delays"`
	// ClusterDelays are sorted by account and cluster.
	ClusterDelays []ClusterDelays `json:"cluster_delays,omitempty"`
	// Memories are sorted by account, cluster and service.
	Memories []Remembered `json:"memories"`
	// Open are the activities with status Pending or InProgress, oldest first.
	Open []Activity `json:"open_activities"`
	// Activities are those that have ended, and Decisions what was kept of decisions, oldest first; both only where the
	// history was asked for.
	Activities []Activity       `json:"activities,omitempty"`
	Decisions  []DecisionRecord `json:"decisions,omitempty"`
	// Migration says that this was read from a file of an earlier format; it is no part of the document.
	Migration *Migration `json:"-"`
}

// ClusterDelays are the delays that a cluster has learned, by name.
type ClusterDelays struct {
	Account string           `json:"account,omitempty"`
	Cluster string           `json:"cluster"`
	Delays  map[string]Delay `json:"delays"`
}

func (d *ClusterDelays) scope() Scope { return Scope{Account: d.Account, Cluster: d.Cluster} }

// Export reads everything that b remembers, the history only if it is asked for. Errors are the backend's. A shared backend may be in use:
// then every scope is as it was at one instant, and the history may know more.
func Export(b Backend, history bool) (*Dump, error) {
	d := &Dump{Application: application, Version: DumpVersion, Delays: map[string]Delay{}, Migration: MigrationOf(b)}
	snapshots, err := snapshotsOf(b)
	if err != nil {
		return nil, err
	}
	for _, s := range snapshots {
		d.take(s)
	}
	if history {
		all, err := everyPage(b.Activities)
		if err != nil {
			return nil, err
		}
		d.ended(all)
		if d.Decisions, err = everyPage(b.Decisions); err != nil {
			return nil, err
		}
		for i := range d.Decisions {
			d.Sequence = max(d.Sequence, d.Decisions[i].number())
		}
	}
	d.sort()
	return d, nil
}

// ended takes those activities out of the history that are over, but not those that have ended since their memories were read:
// there they are open.
func (d *Dump) ended(all []Activity) {
	open := map[string]bool{}
	for i := range d.Open {
		open[d.Open[i].ID] = true
	}
	d.Activities = slices.DeleteFunc(all, func(a Activity) bool { return a.Open() || open[a.ID] })
	for i := range d.Activities {
		d.Sequence = max(d.Sequence, d.Activities[i].Generation)
	}
}

// snapshotsOf is what a backend remembers besides the history, in one part or, where it is shared, scope by scope.
func snapshotsOf(b Backend) ([]*Snapshot, error) {
	shared, ok := b.(Shared)
	if !ok {
		s, err := b.Load()
		return []*Snapshot{s}, err
	}
	scopes, err := shared.Scopes()
	if err != nil {
		return nil, err
	}
	snapshots := make([]*Snapshot, len(scopes))
	for i, sc := range scopes {
		if snapshots[i], err = shared.LoadScope(context.Background(), sc); err != nil {
			return nil, fmt.Errorf("read the state of %s: %w", sc, err)
		}
		snapshots[i].ScopedDelays = map[Scope]map[string]Delay{sc: snapshots[i].Delays}
		snapshots[i].Delays = nil
	}
	return snapshots, nil
}

func (d *Dump) take(s *Snapshot) {
	d.Memories, d.Open = append(d.Memories, s.Memories...), append(d.Open, s.Open...)
	maps.Copy(d.Delays, s.Delays)
	for sc, delays := range s.ScopedDelays {
		if len(delays) > 0 {
			d.ClusterDelays = append(d.ClusterDelays, ClusterDelays{sc.Account, sc.Cluster, delays})
		}
	}
	d.Sequence = max(d.Sequence, s.Sequence)
}

// everyPage reads the history from its end to its beginning.
func everyPage[T any](read func(Query) ([]T, string, error)) ([]T, error) {
	var all []T
	for q := (Query{Limit: MaxLimit}); ; {
		rows, next, err := read(q)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		if next == "" {
			return all, nil
		}
		q.Cursor = next
	}
}

// sort gives every list its order, so that equal states have equal documents.
func (d *Dump) sort() {
	slices.SortFunc(d.Memories, func(a, b Remembered) int { return bytes.Compare(targetKey(a.Target), targetKey(b.Target)) })
	slices.SortFunc(d.ClusterDelays, func(a, b ClusterDelays) int { return compareScopes(a.scope(), b.scope()) })
	byKey := func(a, b Activity) int { return bytes.Compare(a.key(), b.key()) }
	slices.SortFunc(d.Open, byKey)
	slices.SortFunc(d.Activities, byKey)
	slices.SortFunc(d.Decisions, func(a, b DecisionRecord) int { return bytes.Compare(a.key(), b.key()) })
	if d.Memories == nil {
		d.Memories = []Remembered{}
	}
	if d.Open == nil {
		d.Open = []Activity{}
	}
}

// Text is the document: indented JSON with a line break at its end.
func (d *Dump) Text() ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // it is for people, and no browser shows it
	enc.SetIndent("", "  ")
	err := enc.Encode(d)
	return text.Bytes(), err
}

// Summary says how much there is of everything.
func (d *Dump) Summary() string {
	delays := len(d.Delays)
	for i := range d.ClusterDelays {
		delays += len(d.ClusterDelays[i].Delays)
	}
	return fmt.Sprintf("%d memories, %d open activities, %d delays, %d ended activities, %d decisions",
		len(d.Memories), len(d.Open), delays, len(d.Activities), len(d.Decisions))
}

// ErrNotEmpty is what an import wraps that would have to replace a state.
var ErrNotEmpty = errors.New("there is a state already")

// IsEmpty says that b remembers nothing at all.
func IsEmpty(b Backend) (bool, error) {
	snapshots, err := snapshotsOf(b)
	if err != nil {
		return false, err
	}
	for _, s := range snapshots {
		if s.Sequence != 0 || len(s.Memories)+len(s.Open)+len(s.Delays)+len(s.ScopedDelays) != 0 {
			return false, nil
		}
	}
	activities, _, err := b.Activities(Query{Limit: 1})
	if err != nil || len(activities) > 0 {
		return false, err
	}
	decisions, _, err := b.Decisions(Query{Limit: 1})
	return len(decisions) == 0, err
}

// Import puts the whole of d into b, which must be empty (ErrNotEmpty). A shared backend gets it scope by scope. It takes several commits:
// after an error b may have a part of it, so a state in a file is imported with ImportFile.
func Import(b Backend, d *Dump) error {
	empty, err := IsEmpty(b)
	if err == nil && !empty {
		err = ErrNotEmpty
	}
	if err != nil {
		return err
	}
	for _, c := range d.commits(b) {
		c.Sequence = d.Sequence
		if err := b.Commit(c); err != nil {
			return err
		}
	}
	return nil
}

// importBatch is how many records of the history one commit of an import carries.
const importBatch = 1000

// commits divide the dump into transactions: the history first, what a daemon acts on last.
func (d *Dump) commits(b Backend) []*Durable {
	scope := func(Scope) Scope { return Scope{} }
	if _, shared := b.(Shared); shared {
		scope = func(s Scope) Scope { return s }
	}
	current, history := map[Scope]*Durable{}, []*Durable{}
	of := func(s Scope) *Durable {
		s = scope(s)
		if current[s] == nil {
			current[s] = &Durable{}
		}
		return current[s]
	}
	addTo := func(s Scope) *Durable {
		part := of(s)
		if len(part.Activities)+len(part.Decisions) >= importBatch {
			history = append(history, part)
			current[scope(s)] = &Durable{}
		}
		return of(s)
	}
	for i := range d.Activities {
		part := addTo(ScopeOf(d.Activities[i].Target))
		part.Activities = append(part.Activities, &d.Activities[i])
	}
	for i := range d.Decisions {
		part := addTo(ScopeOf(d.Decisions[i].Target))
		part.Decisions = append(part.Decisions, &d.Decisions[i])
	}
	for i := range d.Open {
		part := of(ScopeOf(d.Open[i].Target))
		part.Activities = append(part.Activities, &d.Open[i])
	}
	for _, m := range d.Memories {
		part := of(ScopeOf(m.Target))
		part.Memories = append(part.Memories, m)
	}
	for _, s := range sortedScopes(current) {
		history = append(history, current[s])
	}
	return append(history, d.delayCommits(b)...)
}

// delayCommits are one for the delays of each cluster. What was learned without one is what a cluster without its own starts from: a
// shared backend has no place for that, so there it becomes the cluster's own.
func (d *Dump) delayCommits(b Backend) []*Durable {
	own := map[Scope]bool{}
	var all []*Durable
	for i := range d.ClusterDelays {
		c := &d.ClusterDelays[i]
		own[c.scope()] = true
		all = append(all, &Durable{Scope: c.scope(), Delays: c.Delays})
	}
	if _, shared := b.(Shared); !shared {
		return append(all, &Durable{Delays: d.Delays})
	}
	for _, m := range d.Memories {
		if s := ScopeOf(m.Target); !own[s] && len(d.Delays) > 0 {
			own[s] = true
			all = append(all, &Durable{Scope: s, Delays: d.Delays})
		}
	}
	return all
}

func sortedScopes(in map[Scope]*Durable) []Scope {
	scopes := make([]Scope, 0, len(in))
	for s := range in {
		scopes = append(scopes, s)
	}
	slices.SortFunc(scopes, compareScopes)
	return scopes
}

func compareScopes(a, b Scope) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Cluster, b.Cluster))
}
