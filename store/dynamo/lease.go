package dynamo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"ecs-autoscaler/store"
)

// memberLife is how long a daemon that has died stays among the members. Nobody decides by that: it is for tidiness.
const memberLife = 24 * time.Hour

// leaseItem is a lease with what commits keep beside it.
type leaseItem struct {
	store.Lease
	last     string
	items    int
	at       time.Time
	sequence uint64
}

func (r *reader) lease() leaseItem {
	return leaseItem{
		Lease: store.Lease{
			Scope: store.Scope{Account: r.text("Account"), Cluster: r.text("Cluster")},
			Owner: r.text("Owner"), Generation: r.counter("Generation"),
		},
		last: r.text(lastAttribute), items: int(r.number(itemsAttribute)),
		at: time.Unix(r.number(timeAttribute), 0), sequence: r.counter(sequenceAttribute),
	}
}

// readLease reads the lease item of a scope, the zero lease if there is none.
func (b *Backend) readLease(ctx context.Context, s store.Scope) (leaseItem, error) {
	i, err := b.get(ctx, leaseKey(s))
	if err != nil {
		return leaseItem{}, explain(b.Table, "GetItem", err)
	}
	r := reader{item: i}
	lease := r.lease()
	if r.err != nil {
		return lease, damaged(b.Table, i, r.err)
	}
	return lease, nil
}

// readLeases reads the partition of leases and members.
func (b *Backend) readLeases(ctx context.Context, lease func(*leaseItem), member func(store.Member)) error {
	return b.query(ctx, partition(leasesPartition), func(i item) (bool, error) {
		r := reader{item: i}
		if id, ok := strings.CutPrefix(r.text(sortKey), memberPrefix); ok {
			member(store.Member{ID: id, Beat: r.counter("Beat"), Address: r.text("Address"), Digest: r.text("Digest")})
		} else {
			l := r.lease()
			lease(&l)
		}
		if r.err != nil {
			return false, damaged(b.Table, i, r.err)
		}
		return true, nil
	})
}

// ReadLeases returns all leases that there have ever been and the daemons that have not left, strongly consistent.
func (b *Backend) ReadLeases(ctx context.Context) (leases []store.Lease, members []store.Member, err error) {
	if err := b.usable(); err != nil {
		return nil, nil, err
	}
	err = b.readLeases(ctx, func(l *leaseItem) {
		if l.Generation > 0 {
			leases = append(leases, l.Lease)
		}
	}, func(m store.Member) { members = append(members, m) })
	return leases, members, err
}

// Beat says that a daemon is alive.
func (b *Backend) Beat(ctx context.Context, m store.Member) error {
	i := keyOf(leasesPartition, memberPrefix+m.ID)
	i["Beat"], i[expiresAt] = counter(m.Beat), expiry(b.Now(), memberLife)
	put(i, "Address", m.Address)
	put(i, "Digest", m.Digest)
	return b.change(ctx, "PutItem", func(ctx context.Context) error {
		_, err := b.API.PutItem(ctx, &dynamodb.PutItemInput{TableName: &b.Table, Item: i}, once)
		return err
	})
}

// Leave takes a daemon out of the members.
func (b *Backend) Leave(ctx context.Context, id string) error {
	return b.change(ctx, "DeleteItem", func(ctx context.Context) error {
		_, err := b.API.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &b.Table, Key: keyOf(leasesPartition, memberPrefix+id)}, once)
		return err
	})
}

// Take makes owner the one who steers the scope, if its lease is still l; with generation 0 there must be none yet. It
// returns the lease with its new generation, or an error that wraps store.ErrFenced if the lease has moved.
func (b *Backend) Take(ctx context.Context, l store.Lease, owner string) (store.Lease, error) {
	if owner == "" {
		return store.Lease{}, fmt.Errorf("%w: the lease of %s needs an owner", store.ErrInvalid, l.Scope)
	}
	next := store.Lease{Scope: l.Scope, Owner: owner, Generation: l.Generation + 1}
	return next, b.move(ctx, l, next)
}

// Release gives the lease back in good order: whoever comes next need not wait. It must still be that of l, the owner as well as
// the generation: of a Take without an answer nobody knows whether it, or another daemon's, made that generation. An error that
// wraps store.ErrFenced says that it is not, which does no harm.
func (b *Backend) Release(ctx context.Context, l store.Lease) error {
	if l.Owner == "" {
		return fmt.Errorf("%w: the lease of %s has no owner who could give it back", store.ErrInvalid, l.Scope)
	}
	return b.move(ctx, l, store.Lease{Scope: l.Scope, Generation: l.Generation + 1})
}

// move replaces a lease by the next one.
func (b *Backend) move(ctx context.Context, from, to store.Lease) error {
	in := moveRequest(b.Table, from, to)
	return b.change(ctx, "UpdateItem", func(ctx context.Context) error {
		_, err := b.API.UpdateItem(ctx, in, once)
		if !conditionFailed(err) {
			return err
		}
		now, err := b.readLease(ctx, from.Scope)
		if err != nil || now.Lease == to { // an attempt before has taken effect
			return err
		}
		return fmt.Errorf("%w: %s has generation %d of %q, not %d of %q",
			store.ErrFenced, from.Scope, now.Generation, now.Owner, from.Generation, from.Owner)
	})
}

func moveRequest(table string, from, to store.Lease) *dynamodb.UpdateItemInput {
	update := "SET #owner = :owner, #generation = :next, #cluster = :cluster"
	names := map[string]string{"#owner": "Owner", "#generation": "Generation", "#cluster": "Cluster"}
	values := item{":owner": text(to.Owner), ":next": counter(to.Generation), ":cluster": text(to.Scope.Cluster)}
	if to.Scope.Account != "" {
		update += ", #account = :account"
		names["#account"], values[":account"] = "Account", text(to.Scope.Account)
	}
	condition := "attribute_not_exists(#generation)"
	if from.Generation > 0 {
		condition, values[":generation"] = "#generation = :generation", counter(from.Generation)
	}
	if to.Owner == "" {
		condition, values[":former"] = condition+" AND #owner = :former", text(from.Owner)
	}
	return &dynamodb.UpdateItemInput{
		TableName: &table, Key: leaseKey(from.Scope), UpdateExpression: &update, ConditionExpression: &condition,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}
}

// change makes one write to the leases.
func (b *Backend) change(ctx context.Context, operation string, do func(context.Context) error) error {
	if err := b.usable(); err != nil {
		return err
	}
	return explain(b.Table, operation, b.persist(ctx, commitPatience, do))
}
