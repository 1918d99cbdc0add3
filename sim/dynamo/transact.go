package dynamo

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"

	"ecs-autoscaler/sim/wire"
)

// Limits of transactions (API TransactWriteItems).
const (
	maxTransactItems = 100
	maxTransactBytes = 4 << 20
	tokenLife        = 10 * time.Minute
)

// idempotent is a transaction that was done, so that the same one is not done again.
type idempotent struct {
	request []byte
	until   time.Time
}

func transactWriteItems(r *request) (map[string]any, *wire.Error) {
	all, err := r.transactWrites()
	if err != nil {
		return nil, err
	}
	done, err := r.repeated()
	if err != nil {
		return nil, err
	}
	if !done {
		err = r.transact(all)
	}
	for _, w := range all {
		if done { // a repeated one reads what the first one wrote
			r.readsTwice(w.table, w.table.get(w.key, r.now, true).size())
		} else {
			r.writes(w.table, w.bytes(), 2)
		}
	}
	if err != nil {
		return nil, err
	}
	r.remember()
	return r.withAllConsumed(map[string]any{})
}

// transactWrites reads the entries of a transaction.
func (r *request) transactWrites() ([]*write, *wire.Error) {
	entries := r.in.Structures("TransactItems")
	if len(entries) < 1 || len(entries) > maxTransactItems {
		return nil, constraint("[]", "transactItems", "Member must have length from 1 to %d", maxTransactItems)
	}
	all := make([]*write, len(entries))
	for i, entry := range entries {
		kinds := slices.Sorted(maps.Keys(entry.Members()))
		if len(kinds) != 1 || !slices.Contains([]string{kindPut, kindUpdate, kindDelete, kindCheck}, kinds[0]) {
			return nil, validation("TransactItems can only contain one of Check, Put, Update or Delete")
		}
		w, err := r.write(kinds[0], entry.Structure(kinds[0]))
		if err != nil {
			return nil, err
		}
		all[i] = w
	}
	if duplicates(all) {
		return nil, validation("Transaction request cannot include multiple operations on one item")
	}
	return all, r.in.Err()
}

// transact does all writes or none.
func (r *request) transact(all []*write) *wire.Error {
	reasons := make([]*wire.Error, len(all))
	total := 0
	for i, w := range all {
		reasons[i] = w.prepare(r)
		total += w.bytes()
	}
	if slices.ContainsFunc(reasons, func(e *wire.Error) bool { return e != nil }) {
		return cancelled(reasons)
	}
	if total > maxTransactBytes {
		return validation("Aggregate size of items in the transaction exceeds the limit of 4 MB")
	}
	for _, w := range all {
		w.commit(r)
	}
	return nil
}

// reasonCodes are the codes of CancellationReasons for errors that have others as errors of their own.
var reasonCodes = map[string]string{
	"ConditionalCheckFailedException": "ConditionalCheckFailed", "TransactionConflictException": "TransactionConflict",
	"ValidationException": "ValidationError", "ProvisionedThroughputExceededException": "ProvisionedThroughputExceeded",
	"ThrottlingException": "ThrottlingError",
}

// cancelled is TransactionCanceledException with a reason for each item, nil where there is none.
func cancelled(reasons []*wire.Error) *wire.Error {
	list, codes := make([]any, len(reasons)), make([]string, len(reasons))
	for i, e := range reasons {
		reason := map[string]any{"Code": "None"}
		if codes[i] = "None"; e != nil {
			codes[i] = or(reasonCodes[e.Code], e.Code)
			reason = map[string]any{"Code": codes[i], "Message": e.Message}
			maps.Copy(reason, e.Detail)
		}
		list[i] = reason
	}
	e := reject("TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [%s]",
		strings.Join(codes, ", "))
	e.Detail = map[string]any{"CancellationReasons": list}
	return e
}

// Contended is the answer to a request whose first item another transaction holds.
func Contended(operation string, in *wire.Input) *wire.Error {
	conflict := reject("TransactionConflictException", "Transaction is ongoing for the item")
	if !strings.HasPrefix(operation, "Transact") {
		return conflict
	}
	reasons := make([]*wire.Error, max(1, len(in.Structures("TransactItems"))))
	reasons[0] = conflict
	return cancelled(reasons)
}

// repeated says whether the transaction was done already, by its ClientRequestToken.
func (r *request) repeated() (bool, *wire.Error) {
	token := r.in.Text("ClientRequestToken")
	known, there := r.store.tokens[token]
	switch {
	case len(token) > 36:
		return false, constraint("'"+token+"'", "clientRequestToken", "Member must have length less than or equal to 36")
	case token == "" || !there || !r.now.Before(known.until):
		return false, nil
	case !bytes.Equal(known.request, r.content()):
		return false, reject("IdempotentParameterMismatchException", "The request uses the same client token as a previous, but non-identical request.")
	}
	return true, nil
}

// content is what two requests with one token must have in common.
func (r *request) content() []byte { return wire.AppendJSON(nil, r.in.Members()["TransactItems"]) }

// remember keeps the token for ten minutes after the request was done.
func (r *request) remember() {
	token := r.in.Text("ClientRequestToken")
	if token == "" {
		return
	}
	if r.now.Sub(r.store.swept) >= tokenLife { // seldom: SDKs send a token with every transaction
		r.store.swept = r.now
		maps.DeleteFunc(r.store.tokens, func(_ string, known idempotent) bool { return !r.now.Before(known.until) })
	}
	if known, there := r.store.tokens[token]; !there || !r.now.Before(known.until) {
		r.store.tokens[token] = idempotent{r.content(), r.now.Add(tokenLife)}
	}
}

func transactGetItems(r *request) (map[string]any, *wire.Error) {
	entries := r.in.Structures("TransactItems")
	if len(entries) < 1 || len(entries) > maxTransactItems {
		return nil, constraint("[]", "transactItems", "Member must have length from 1 to %d", maxTransactItems)
	}
	responses := make([]any, len(entries))
	total := 0
	for i, entry := range entries {
		get := entry.Structure("Get")
		t, err := r.use(get)
		if err != nil {
			return nil, err
		}
		rd, err := r.reading(get, t)
		if err != nil {
			return nil, err
		}
		if err := rd.bindings.spare(); err != nil {
			return nil, err
		}
		k, err := t.key(get, "Key")
		if err != nil {
			return nil, err
		}
		it, response := t.get(k, r.now, true), map[string]any{}
		if it != nil {
			response["Item"] = rd.shape(it)
		}
		responses[i] = response
		total += it.size()
		r.readsTwice(t, it.size())
	}
	if total > maxTransactBytes {
		return nil, validation("Aggregate size of items in the transaction exceeds the limit of 4 MB")
	}
	return r.withAllConsumed(map[string]any{"Responses": responses})
}
