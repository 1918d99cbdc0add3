package dynamo

import (
	"fmt"
	"net/http"

	"ecs-autoscaler/sim/wire"
)

// The codes and texts are those of the service (API dynamodb: Errors); where AWS's exact text is not public it says the same.
func reject(code, format string, args ...any) *wire.Error {
	return &wire.Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

func validation(format string, args ...any) *wire.Error {
	return reject("ValidationException", format, args...)
}

func parameter(format string, args ...any) *wire.Error {
	return validation("One or more parameter values were invalid: "+format, args...)
}

func serialization(message string) *wire.Error {
	return reject("SerializationException", "%s", message)
}

// constraint is how AWS says that a member of the request breaks its shape.
func constraint(value any, member, format string, args ...any) *wire.Error {
	return validation("1 validation error detected: Value %v at '%s' failed to satisfy constraint: %s", value, member, fmt.Sprintf(format, args...))
}

func noTable() *wire.Error {
	return reject("ResourceNotFoundException", "Requested resource not found")
}

// conditionFailed carries the item as it is when the request asks for it.
func conditionFailed(existing item) *wire.Error {
	e := reject("ConditionalCheckFailedException", "The conditional request failed")
	if existing != nil {
		e.Detail = map[string]any{"Item": existing.tree()}
	}
	return e
}

// Exceeded is the answer to requests beyond the capacity of a table.
func Exceeded() *wire.Error {
	return reject("ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded. "+
		"Consider increasing your provisioning level with the UpdateTable API.")
}
