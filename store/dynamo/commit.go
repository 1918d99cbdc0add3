package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ecs-autoscaler/evaluator"
	"ecs-autoscaler/store"
)

// longCommit bounds a commit that is more than one transaction, such as the first of a cluster with thousands of targets.
// Its caller sees by the clock whether the intents in it are still fresh enough to be sent.
var longCommit = time.Minute

// Commit makes d durable, scope by scope, in as few transactions as it fits in: one within three seconds, and each further
// one within three more. With an error that
// wraps store.ErrFenced the scope belongs to another daemon. With any other error the commit did not happen, as far as
// its caller is concerned: if some of it did, or nobody knows, the next commit of the scope begins by taking it back.
func (b *Backend) Commit(d *store.Durable) error {
	if err := b.usable(); err != nil {
		return err
	}
	if err := fits(d); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), longCommit)
	defer cancel()
	for _, s := range scopesOf(d) {
		if err := b.commitScope(ctx, s, d); err != nil {
			return fmt.Errorf("%s: %w", s, explain(b.Table, "TransactWriteItems", err))
		}
	}
	return nil
}

// fits checks what DynamoDB's keys cannot hold.
func fits(d *store.Durable) error {
	check := func(k evaluator.Key, place store.Place) error {
		if n := len(historySort(place)); n > maxSortKey {
			return fmt.Errorf("%w: the ID of a record of %s is %d bytes too long for DynamoDB: %q", store.ErrInvalid, k, n-maxSortKey, place.ID)
		}
		return nil
	}
	for _, a := range d.Activities {
		if err := check(a.Target, a.Place()); err != nil {
			return err
		}
	}
	for _, r := range d.Decisions {
		if err := check(r.Target, r.Place()); err != nil {
			return err
		}
	}
	return nil
}

// scopesOf are the scopes that a commit is about: that of its fence, or without one those of its records.
func scopesOf(d *store.Durable) []store.Scope {
	if d.Fence != nil {
		return []store.Scope{d.Fence.Scope}
	}
	var all []store.Scope
	if d.Delays != nil {
		all = append(all, d.Scope)
	}
	for _, m := range d.Memories {
		all = append(all, store.ScopeOf(m.Target))
	}
	for _, a := range d.Activities {
		all = append(all, store.ScopeOf(a.Target))
	}
	for _, r := range d.Decisions {
		all = append(all, store.ScopeOf(r.Target))
	}
	slices.SortFunc(all, compareScopes)
	return slices.Compact(all)
}

func compareScopes(a, b store.Scope) int {
	if c := strings.Compare(a.Account, b.Account); c != 0 {
		return c
	}
	return strings.Compare(a.Cluster, b.Cluster)
}

// commitScope writes what d says of one scope. Without a fence another writer may come in between; then it is worked out anew.
func (b *Backend) commitScope(ctx context.Context, s store.Scope, d *store.Durable) error {
	l := b.ledgerOf(s)
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &writer{Backend: b, ledger: l, scope: s, fence: d.Fence, sequence: d.Sequence}
	for {
		err := w.commit(ctx, d)
		if !errors.Is(err, errMoved) || ctx.Err() != nil {
			return err
		}
	}
}

func (w *writer) commit(ctx context.Context, d *store.Durable) error {
	first, cancel := context.WithTimeout(ctx, commitPatience.all)
	defer cancel()
	if err := w.prepare(first); err != nil {
		return err
	}
	parts, err := w.draft(w.scope, d, w.ledger)
	if err != nil {
		return err
	}
	for i, p := range parts {
		if i > 0 {
			first = ctx
		}
		if err := w.send(first, p); err != nil {
			for _, done := range parts[:i] {
				w.doubt.certain = append(w.doubt.certain, done.created()...)
			}
			w.doubt.any = true
			return err
		}
	}
	return nil
}

// draft is what d says of one scope, in transactions.
func (b *Backend) draft(s store.Scope, d *store.Durable, l *ledger) ([]*part, error) {
	w := &draft{scope: s, open: l.open, now: b.Now(), groups: map[evaluator.Key][]write{}}
	inScope := func(k evaluator.Key) bool { return store.ScopeOf(k) == s }
	var activities []*store.Activity
	for _, a := range d.Activities {
		if inScope(a.Target) {
			activities = append(activities, a)
		}
	}
	w.activities(activities, false)
	if err := w.memories(d.Memories, inScope); err != nil {
		return nil, err
	}
	w.activities(activities, true)
	w.decisions(d.Decisions, inScope)
	if d.Delays != nil && d.Scope == s {
		i, err := delaysItem(s, d.Delays)
		if err != nil {
			return nil, err
		}
		w.rest = append(w.rest, write{item: i})
	}
	return w.parts(), nil
}

// memories adds the last memory of each target.
func (d *draft) memories(all []store.Remembered, inScope func(evaluator.Key) bool) error {
	last := map[evaluator.Key]int{}
	for i := range all {
		last[all[i].Target] = i
	}
	for i := range all {
		if r := &all[i]; inScope(r.Target) && last[r.Target] == i {
			i, err := memoryItem(r)
			if err != nil {
				return err
			}
			d.group(r.Target, write{item: i})
		}
	}
	return nil
}

// decisions adds the last of those that have one place in the history.
func (d *draft) decisions(all []*store.DecisionRecord, inScope func(evaluator.Key) bool) {
	last := map[string]*store.DecisionRecord{}
	for _, r := range all {
		last[historySort(r.Place())] = r
	}
	for _, r := range all {
		if inScope(r.Target) && last[historySort(r.Place())] == r {
			d.group(r.Target, write{item: decisionItem(r), created: true})
		}
	}
}
