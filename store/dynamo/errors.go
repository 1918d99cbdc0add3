package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"ecs-autoscaler/store"
)

// ErrNoTable is under the TableError of a table that does not exist.
var ErrNoTable = errors.New("there is no such table")

// TableError says what is wrong with a table and what to do about it.
type TableError struct {
	Table string
	// Problem completes the sentence that begins with the table, Remedy is the way out.
	Problem, Remedy string
	// Err is the cause underneath, nil if the problem is all there is.
	Err error

	passes bool // by itself, perhaps within a moment
}

// Error is one line: the table, what is wrong with it, and the way out.
func (e *TableError) Error() string {
	return fmt.Sprintf("DynamoDB table %s %s: %s", e.Table, e.Problem, e.Remedy)
}

// Unwrap gives the cause underneath.
func (e *TableError) Unwrap() error { return e.Err }

// The ways out.
const (
	otherTable = `or name another table as "state: dynamodb:TABLE" in the configuration`
	initTable  = `create it with "ecs-autoscaler state init", ` + otherTable
	startAnew  = "restore the table to an earlier point in time, or delete the item to forget what it says (docs/state.md has the commands)"
)

// foreign is for a table that belongs to somebody else.
func foreign(table, what string, cause error) *TableError {
	return &TableError{Table: table, Problem: "is no state table of ecs-autoscaler (" + what + ")",
		Remedy: "leave it to its owner, " + otherTable, Err: cause}
}

// partial is for a commit of which items are missing for good.
func partial(table string, s store.Scope) *TableError {
	lease := reader{item: leaseKey(s)}
	return &TableError{
		Table: table, Problem: "shows the last commit of " + s.String() + " only in part",
		Remedy: fmt.Sprintf("try again; if it stays so, items were deleted or replaced by hand: restore the table to an earlier point in time, "+
			"or go on without them by removing the attribute %s of the item %s %q, %s %q (docs/state.md has the command)",
			timeAttribute, partitionKey, lease.text(partitionKey), sortKey, lease.text(sortKey)),
	}
}

func damaged(table string, i item, cause error) *TableError {
	r := reader{item: i}
	what := fmt.Sprintf("%s %q, %s %q: %s", partitionKey, r.text(partitionKey), sortKey, r.text(sortKey), oneLine(cause))
	return &TableError{Table: table, Problem: "has a damaged item (" + what + ")", Remedy: startAnew, Err: cause}
}

// explain turns what AWS says about an operation on a table into what a person needs to know.
func explain(table, operation string, err error) error {
	var known *TableError
	if err == nil || errors.As(err, &known) || ours(err) {
		return err
	}
	said := "(" + operation + ": " + oneLine(err) + ")"
	e := &TableError{Table: table, Problem: "cannot be used " + said, Remedy: "see to that, " + otherTable, Err: err}
	switch code := codeOf(err); {
	case code == "ResourceNotFoundException":
		e.Problem, e.Remedy, e.Err = "does not exist in this account and region", initTable, errors.Join(ErrNoTable, err)
		if strings.HasSuffix(table, ".dry") { // the name that dry runs use
			e.Remedy = `create it with "ecs-autoscaler state init --dry-run", ` + otherTable
		}
	case slices.Contains(denials, code):
		e.Problem = "may not be used (" + oneLine(err) + ")"
		e.Remedy = "allow " + actions(operation) + " on the table in the IAM policy of the user or role that ecs-autoscaler runs as " +
			"(docs/state.md has the least one), and check its credentials"
	case passing(err):
		e.passes = true
		e.Problem = "did not answer, or not in time " + said
		e.Remedy = "it is tried again by itself; check network, endpoint, region and the table's throttling if it lasts"
	}
	return e
}

// actions are IAM's names for what an operation needs: a transaction has none of its own.
func actions(operation string) string {
	if operation == "TransactWriteItems" {
		return "dynamodb:PutItem, dynamodb:UpdateItem and dynamodb:DeleteItem"
	}
	return "dynamodb:" + operation
}

var denials = []string{
	"AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException",
	"MissingAuthenticationTokenException", "IncompleteSignatureException",
}

// busy are the codes of requests that were refused only for now. Some come before anything was done, some after.
var busy = []string{
	"ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "TransactionConflictException",
	"TransactionInProgressException", "InternalServerError", "InternalFailure", "ServiceUnavailable", "ServiceUnavailableException",
	"LimitExceededException", "ResourceInUseException", "ReplicatedWriteConflictException",
}

// passing reports whether the same request may succeed a moment later.
func passing(err error) bool {
	if ours(err) {
		return false
	}
	if known, ok := errors.AsType[*TableError](err); ok {
		return known.passes
	}
	if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return onlyBusy(canceled)
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		response, answered := errors.AsType[*smithyhttp.ResponseError](err)
		return slices.Contains(busy, api.ErrorCode()) || answered && response.HTTPStatusCode() >= 500
	}
	_, invalid := errors.AsType[*smithy.InvalidParamsError](err)
	_, unsent := errors.AsType[*smithy.SerializationError](err)
	return !invalid && !unsent && !errors.Is(err, context.Canceled)
}

// onlyBusy reports whether a transaction was canceled for nothing but conflicts and throttling.
func onlyBusy(e *types.TransactionCanceledException) bool {
	held := false
	for _, r := range e.CancellationReasons {
		switch value(r.Code) {
		case "None", "":
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			held = true
		default:
			return false
		}
	}
	return held
}

// conditionFailed reports whether a write was refused because its condition did not hold.
func conditionFailed(err error) bool {
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return true
	}
	canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
	return ok && slices.ContainsFunc(canceled.CancellationReasons, func(r types.CancellationReason) bool {
		return value(r.Code) == "ConditionalCheckFailed"
	})
}

func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// oneLine is the code and message that AWS answered with, or the innermost cause when AWS did not answer.
func oneLine(err error) string {
	for next := err; next != nil; next = errors.Unwrap(next) {
		err = next
	}
	said := err.Error()
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		said = api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return strings.TrimRight(strings.Join(strings.Fields(said), " "), ".: ")
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// ours reports whether an error is the contract's and not the table's.
func ours(err error) bool {
	return errors.Is(err, store.ErrFenced) || errors.Is(err, store.ErrInvalid) || errors.Is(err, store.ErrClosed)
}
