package dynamo

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"ecs-autoscaler/store"
)

// The table says who wrote it and how. A daemon refuses a format newer than its own.
const (
	application = "ecs-autoscaler"
	format      = 1
)

// API is what the state needs of DynamoDB; *dynamodb.Client is the one of the daemon.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	TransactWriteItems(
		context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options),
	) (*dynamodb.TransactWriteItemsOutput, error)
}

// Options are what a Backend works with. API and Table are needed.
type Options struct {
	// API reaches the table.
	API API
	// Table is its name.
	Table string
	// Now is the time by which history expires and members are forgotten; nil is the machine's.
	Now func() time.Time
	// Token names a transaction about a scope as no other is named, in at most 36 bytes; Jitter gives numbers in [0, 1) by which the
	// pauses between attempts are spread. Nil is chance. A run that is to be repeated exactly brings its own.
	Token  func(store.Scope) string
	Jitter func() float64
}

// Backend is a table that any number of daemons use at the same time, each for the scopes whose leases it holds. It
// implements store.Shared, and the leases beside it.
type Backend struct {
	Options

	mu     sync.Mutex
	closed bool
	scopes map[store.Scope]*ledger
}

var _ store.Shared = (*Backend)(nil)

// Open opens the table that "ecs-autoscaler state init" has made, and changes nothing in it. Every problem with it is a
// *TableError that names the table and the way out.
func Open(ctx context.Context, o Options) (*Backend, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	b := &Backend{Options: o, scopes: map[store.Scope]*ledger{}}
	found, err := b.get(ctx, keyOf(metaPartition, formatSort))
	if codeOf(err) == "ValidationException" {
		return nil, foreign(o.Table, "its keys are others", err)
	}
	if err != nil {
		return nil, explain(o.Table, "GetItem", err)
	}
	return b, recognize(o.Table, found)
}

// recognize reads who wrote the table, and in which format.
func recognize(table string, i item) error {
	if len(i) == 0 {
		return &TableError{Table: table, Problem: "has not been set up for ecs-autoscaler",
			Remedy: `let "ecs-autoscaler state init" do that if the table is empty, ` + otherTable}
	}
	r := reader{item: i}
	by, written := r.text("Application"), r.number("Format")
	switch {
	case r.err != nil:
		return damaged(table, i, r.err)
	case by != application:
		return foreign(table, fmt.Sprintf("it belongs to %q", by), nil)
	case written > format:
		return &TableError{Table: table,
			Problem: fmt.Sprintf("was written by a newer ecs-autoscaler (format %d; this one knows up to %d)", written, format),
			Remedy:  "run that version or a later one, " + otherTable}
	case written < 1:
		return damaged(table, i, fmt.Errorf("its format is given as %d", written))
	}
	return nil
}

// Load returns an empty snapshot: what a daemon has of the table it takes scope by scope.
func (b *Backend) Load() (*store.Snapshot, error) {
	return &store.Snapshot{Delays: map[string]store.Delay{}}, b.usable()
}

// Sparing says that a record costs money here: of the decisions, only those that changed something are to be kept.
func (*Backend) Sparing() bool { return true }

// Prune has nothing to do: DynamoDB deletes what has expired, and until then it is not shown.
func (b *Backend) Prune(time.Time) (int, error) { return 0, b.usable() }

// Close ends the use of the table. A commit under way finishes within its own deadline.
func (b *Backend) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// usable is nil until the backend is closed.
func (b *Backend) usable() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return store.ErrClosed
	}
	return nil
}

// ledgerOf is what this backend knows of the commits of a scope.
func (b *Backend) ledgerOf(s store.Scope) *ledger {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.scopes[s]
	if l == nil {
		l = &ledger{}
		b.scopes[s] = l
	}
	return l
}

// get reads one item as it was last written; nil if there is none.
func (b *Backend) get(ctx context.Context, key item) (item, error) {
	var out *dynamodb.GetItemOutput
	err := b.persist(ctx, readPatience, func(ctx context.Context) (err error) {
		out, err = b.API.GetItem(ctx, &dynamodb.GetItemInput{TableName: &b.Table, Key: key, ConsistentRead: yes()}, once)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}

// query reads the items of a partition, page by page, until each has seen enough and returns false.
func (b *Backend) query(ctx context.Context, in *dynamodb.QueryInput, each func(item) (bool, error)) error {
	in.TableName, in.ConsistentRead = &b.Table, yes()
	for {
		var out *dynamodb.QueryOutput
		err := b.persist(ctx, readPatience, func(ctx context.Context) (err error) {
			out, err = b.API.Query(ctx, in, once)
			return err
		})
		if err != nil {
			return explain(b.Table, "Query", err)
		}
		for _, i := range out.Items {
			if more, err := each(i); err != nil || !more {
				return err
			}
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			return nil
		}
		in.Limit = nil // what is looked for is rare here: as much as a page holds
	}
}

// partition asks for all of it.
func partition(name string) *dynamodb.QueryInput {
	condition := partitionKey + " = :p"
	return &dynamodb.QueryInput{KeyConditionExpression: &condition, ExpressionAttributeValues: item{":p": text(name)}}
}

func yes() *bool { b := true; return &b }
