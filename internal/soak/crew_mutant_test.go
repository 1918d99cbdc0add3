package soak

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"ecs-autoscaler/scaler"
	"ecs-autoscaler/scaler/lease"
	"ecs-autoscaler/store"
	"ecs-autoscaler/store/dynamo"
)

// unconditional is a table whose leases and fences do not hold.
type unconditional struct {
	dynamo.API
	fences, leases bool
}

// TransactWriteItems makes a commit whatever the lease is.
func (u unconditional) TransactWriteItems(
	ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options),
) (*dynamodb.TransactWriteItemsOutput, error) {
	if first := in.TransactItems[0].Update; u.fences {
		first.ConditionExpression = anyhow(*first.ConditionExpression, "#last")
	}
	return u.API.TransactWriteItems(ctx, in, o...)
}

// UpdateItem moves a lease whatever it is.
func (u unconditional) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if u.leases {
		in.ConditionExpression = anyhow(*in.ConditionExpression, "#generation")
	}
	return u.API.UpdateItem(ctx, in, o...)
}

// anyhow is a condition that always holds, with all the names and values of the one that was meant.
func anyhow(condition, name string) *string {
	always := "attribute_exists(" + name + ") OR attribute_not_exists(" + name + ")"
	if !strings.HasPrefix(condition, always) { // it is tried again as it is
		always += " OR (" + condition + ")"
		return &always
	}
	return &condition
}

// undying are leases whose owners never seem to die.
type undying struct {
	lease.Table
	looks *uint64
}

// ReadLeases moves every heartbeat.
func (u undying) ReadLeases(ctx context.Context) ([]store.Lease, []store.Member, error) {
	leases, members, err := u.Table.ReadLeases(ctx)
	*u.looks++
	for i := range members {
		members[i].Beat += *u.looks
	}
	return leases, members, err
}

// hasty are leases that seem to be free although nobody has given them back.
type hasty struct{ lease.Table }

// ReadLeases leaves out whose they are.
func (h hasty) ReadLeases(ctx context.Context) ([]store.Lease, []store.Member, error) {
	leases, members, err := h.Table.ReadLeases(ctx)
	for i := range leases {
		leases[i].Owner = ""
	}
	return leases, members, err
}

// thorough are leases of which a daemon that leaves gives back all, whosever they are.
type thorough struct{ lease.Table }

// Leave gives them back first.
func (t thorough) Leave(ctx context.Context, id string) error {
	leases, _, err := t.ReadLeases(ctx)
	for _, l := range leases {
		if l.Owner != "" {
			err = errors.Join(err, t.Release(ctx, l))
		}
	}
	return errors.Join(err, t.Table.Leave(ctx, id))
}

// forgetful is a shared state that does not know what is open, or takes every commit for done.
type forgetful struct {
	store.Shared
	open, failures bool
}

// LoadScope is what the next owner gets.
func (f forgetful) LoadScope(ctx context.Context, sc store.Scope) (*store.Snapshot, error) {
	s, err := f.Shared.LoadScope(ctx, sc)
	if err == nil && f.open {
		s.Open = nil
		for i := range s.Memories {
			m := s.Memories[i].Memory.Clone()
			m.Activity.Open = false
			s.Memories[i].Memory = m
		}
	}
	return s, err
}

// Commit makes something durable, or not.
func (f forgetful) Commit(d *store.Durable) error {
	err := f.Shared.Commit(d)
	if f.failures {
		return nil
	}
	return err
}

// timeless is a clock by which nothing takes long.
type timeless struct{ *scaler.SystemClock }

// Stopwatch stands still.
func (timeless) Stopwatch() func() time.Duration { return func() time.Duration { return 0 } }

// crewMutants are defects that only show where there are several daemons.
var crewMutants = map[string]struct {
	mutant
	rule string
	seed uint64
}{
	"commits do not depend on the lease": {mutant{wrapTable: func(a dynamo.API) dynamo.API { return unconditional{API: a, fences: true} },
		befall: []string{"partition", "foreign"}}, "one steers a cluster", 600},
	"leases are taken whatever they are": {mutant{wrapTable: func(a dynamo.API) dynamo.API { return unconditional{API: a, leases: true} },
		befall: []string{"kill", "slow", "restart"}}, "a lease's generation grows by one", 601},
	"nobody notices how long it took": {mutant{clock: func(c *scaler.SystemClock) scaler.Clock { return timeless{c} },
		befall: []string{"trap", "foreign"}}, "who has slept writes nothing with an old lease", 606},
	"the dead seem to live": {mutant{wrapLeases: func(t lease.Table) lease.Table { return undying{t, new(uint64)} },
		befall: []string{"kill"}}, "a cluster is taken over", 600},
	"an expired lease is used at once": {mutant{wrapLeases: func(t lease.Table) lease.Table { return hasty{t} },
		befall: []string{"kill", "foreign"}}, "who takes an expired lease waits", 600},
	"who leaves gives back what others have": {mutant{wrapLeases: func(t lease.Table) lease.Table { return thorough{t} },
		befall: []string{"restart"}}, "only its owner gives a lease back", 600},
	"what is open is lost in a hand-over": {mutant{wrapShared: func(b store.Shared) store.Shared { return forgetful{Shared: b, open: true} },
		befall: []string{"restart", "foreign"}}, endRule, 600},
	"failed commits are taken for done": {mutant{wrapShared: func(b store.Shared) store.Shared { return forgetful{Shared: b, failures: true} },
		befall: []string{"table", "foreign"}}, "every write has a durable intent", 613},
	"what may have been done is taken back": {mutant{wrapShared: func(b store.Shared) store.Shared { return forgetful{Shared: b, failures: true} },
		befall: []string{"table", "foreign"}}, "what is taken back was not done", 608},
}

// TestTheOracleFindsDefectsOfSeveralDaemons is TestTheOracleFindsDeliberateDefects for those.
func TestTheOracleFindsDefectsOfSeveralDaemons(t *testing.T) {
	t.Parallel()
	for name, m := range crewMutants {
		t.Run(name, func(t *testing.T) {
			var rules []string
			for seed := range uint64(mutantSeeds) {
				sum := live(t, m.seed+seed, options{size: &size{4, troubleFor(m.rule, hour), calmFor(m.rule)}, mutant: &m.mutant, daemons: 3, pace: 50, until: m.rule})
				for _, v := range sum.violations {
					if rules = append(rules, v.rule); strings.Contains(v.rule, m.rule) {
						t.Logf("found with seed %d by %q: %s", v.seed, v.rule, v.text)
						return
					}
				}
			}
			t.Errorf("not found in %d worlds by %q; violated were %v", mutantSeeds, m.rule, rules)
		})
	}
}
