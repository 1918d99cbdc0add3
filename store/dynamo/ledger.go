package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"ecs-autoscaler/store"
)

// ledger is what a backend knows of the commits of a scope: enough to tell a commit of its own that came through from
// one that did not.
type ledger struct {
	mu sync.Mutex // held during a commit
	// known says that the following is what the table had when it was last asked, and what was committed since.
	known      bool
	generation uint64
	last       string // the token of the last commit
	open       map[string]bool
	doubt      doubt
}

// doubt is what a commit left behind that was reported as failed. The next commit takes it back before anything else:
// the engine has forgotten the intents and decisions that were new in it, and repeats everything else.
type doubt struct {
	any bool
	// token is a transaction that may have taken effect, created what it would have brought.
	token   string
	created []item
	// certain are keys that a transaction before it did bring.
	certain []item
}

// errMoved says that the last commit of a scope is not the one that this backend knows of, though its lease is the same.
var errMoved = errors.New("somebody else has committed to the same cluster in the meantime")

// writer commits to one scope.
type writer struct {
	*Backend
	*ledger
	scope    store.Scope
	fence    *store.Fence
	sequence uint64
}

// prepare makes sure that the ledger is that of the fence, and that nothing is left of a commit that failed.
func (w *writer) prepare(ctx context.Context) error {
	if !w.known || w.fence != nil && w.fence.Generation != w.generation {
		if _, err := w.load(ctx, w.scope, w.ledger); err != nil {
			return err
		}
	}
	if w.fence != nil && w.fence.Generation != w.generation {
		return w.fenced()
	}
	if w.doubt.any {
		return w.settle(ctx)
	}
	return nil
}

func (w *writer) fenced() error {
	w.known = false
	return fmt.Errorf("%w (generation %d is over)", store.ErrFenced, w.fence.Generation)
}

// settle finds out what became of the commit in doubt and takes it back. Even where there is nothing to take back it
// commits, so that a transaction still on its way finds another commit than the one it expects, and is refused.
func (w *writer) settle(ctx context.Context) error {
	lease, err := w.readLease(ctx, w.scope)
	if err != nil {
		return err
	}
	if w.fence != nil && lease.Generation != w.generation {
		return w.fenced()
	}
	w.last = lease.last
	if d := &w.doubt; d.token != "" && d.token == lease.last {
		d.certain = append(d.certain, d.created...)
		d.token, d.created = "", nil
	}
	undo := w.doubt.certain
	for first := true; first || len(undo) > 0; first = false {
		n := min(len(undo), maxWrites)
		if err := w.send(ctx, &part{deletes: undo[:n]}); err != nil {
			return err
		}
		undo = undo[n:]
	}
	w.doubt = doubt{}
	return nil
}

// send makes one transaction. Whatever error it returns but store.ErrFenced, the ledger is in doubt afterwards.
func (w *writer) send(ctx context.Context, p *part) error {
	token := w.newToken()
	in := w.transaction(p, token)
	err := w.persist(ctx, commitPatience, func(ctx context.Context) error {
		_, err := w.API.TransactWriteItems(ctx, in, once)
		return err
	})
	if conditionFailed(err) {
		err = w.refused(ctx, token, err)
	}
	if err == nil {
		w.took(token, p)
		return nil
	}
	if errors.Is(err, store.ErrFenced) || errors.Is(err, errMoved) {
		return err
	}
	w.doubt.any = true
	if created := p.created(); len(created) > 0 {
		w.doubt.token, w.doubt.created = token, created
	}
	return err
}

// newToken names a transaction.
func (w *writer) newToken() string {
	if w.Token == nil {
		return rand.Text()
	}
	return w.Token(w.scope)
}

// took enters a transaction that was made.
func (w *writer) took(token string, p *part) {
	w.last = token
	for _, x := range p.writes {
		if x.opens != "" {
			w.open[x.opens] = true
		}
		if x.ends != "" {
			delete(w.open, x.ends)
		}
	}
}

// refused finds out why the condition did not hold; it is nil where an attempt before has taken effect after all.
func (w *writer) refused(ctx context.Context, token string, cause error) error {
	lease, err := w.readLease(ctx, w.scope)
	switch {
	case err != nil:
		return err
	case lease.last == token:
		return nil
	case w.fence != nil && lease.Generation != w.fence.Generation:
		return w.fenced()
	case w.fence == nil && lease.Owner != "":
		return &TableError{Table: w.Table, Problem: fmt.Sprintf("has %s under the lease of a daemon (%s)", w.scope, lease.Owner),
			Remedy: "stop the daemons that use the table first, " + otherTable, Err: store.ErrFenced}
	case lease.last == w.last:
		return cause // not our condition
	}
	w.known = false
	return errMoved
}

// transaction is the request: first of all the lease, which is the condition of the whole and takes the sequence.
func (w *writer) transaction(p *part, token string) *dynamodb.TransactWriteItemsInput {
	items := []types.TransactWriteItem{{Update: w.condition(token, p.inState(w.scope))}}
	for _, x := range p.writes {
		if isIn(x.item, statePartition(w.scope)) {
			x.item[commitAttribute] = text(token)
		}
		items = append(items, types.TransactWriteItem{Put: &types.Put{TableName: &w.Table, Item: x.item}})
	}
	for _, key := range p.deletes {
		items = append(items, types.TransactWriteItem{Delete: &types.Delete{TableName: &w.Table, Key: key}})
	}
	return &dynamodb.TransactWriteItemsInput{TransactItems: items, ClientRequestToken: &token}
}

// condition is the update of the lease item.
func (w *writer) condition(token string, inState int) *types.Update {
	update := "SET #last = :token, #items = :items, #time = :time, #sequence = :sequence, #cluster = :cluster"
	names := map[string]string{
		"#last": lastAttribute, "#items": itemsAttribute, "#time": timeAttribute, "#sequence": sequenceAttribute, "#cluster": "Cluster",
	}
	values := item{
		":token": text(token), ":items": whole(inState), ":time": whole(w.Now().Unix()), ":sequence": counter(w.sequence),
		":cluster": text(w.scope.Cluster),
	}
	if w.scope.Account != "" {
		update += ", #account = :account"
		names["#account"], values[":account"] = "Account", text(w.scope.Account)
	}
	condition := "attribute_not_exists(#last)"
	if w.last != "" {
		condition, values[":last"] = "#last = :last", text(w.last)
	}
	if w.fence != nil {
		condition += " AND #generation = :generation"
		names["#generation"], values[":generation"] = "Generation", counter(w.fence.Generation)
	} else {
		condition += " AND (attribute_not_exists(#owner) OR #owner = :nobody)"
		names["#owner"], values[":nobody"] = "Owner", text("")
	}
	return &types.Update{
		TableName: &w.Table, Key: leaseKey(w.scope), UpdateExpression: &update, ConditionExpression: &condition,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}
}
